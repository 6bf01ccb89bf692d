"""What a server is and allows."""

from __future__ import annotations

from dataclasses import dataclass

from . import proto


@dataclass(frozen=True)
class ServerInfo:
    """The server's facts."""

    version: str
    engine: str
    """What keeps the log: `segments` on disk, a `sled` database, or `memory`."""
    durability: str
    """What an acknowledgement means: `synced` to disk, or `volatile` when everything is in memory."""
    limits: proto.Limits
    """The limits in force."""
    head: int
    """The position of the tenant's last event; 0 when there is none."""
    tenant: str
    """The tenant that was asked for."""
    log_id: str
    """Identifies the tenant's log for as long as it exists: positions of one log mean nothing in another."""

    @classmethod
    def from_wire(cls, wire: proto.ServerInfoGetResponse) -> ServerInfo:
        """Out of what was received."""
        return cls(wire.version, wire.engine, wire.durability, wire.limits, wire.head, wire.tenant, wire.log_id)
