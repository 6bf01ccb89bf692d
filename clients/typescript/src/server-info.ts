/**
 * What a server is and allows.
 *
 * Owns `ServerInfo`. The limits are as in the protocol.
 */
import type { Cancellable, Connection } from "./connection.js";
import { required } from "./errors.js";
import type { Limits } from "./gen/quipu/v1/server_info_pb.js";

/** The server's facts. */
export interface ServerInfo {
  /** The server's version, such as `0.1.0`. */
  readonly version: string;
  /** What keeps the log: `segments` on disk, a `sled` database, or `memory`. */
  readonly engine: string;
  /** What an acknowledgement means: `synced` to disk, or `volatile`. */
  readonly durability: string;
  /** The limits in force. */
  readonly limits: Limits;
  /** The position of the tenant's last event; 0 when there is none. */
  readonly head: bigint;
  /** The tenant that this client speaks for. */
  readonly tenant: string;
  /** Identifies the tenant's log: positions of one log mean nothing in another. */
  readonly logId: string;
}

/** @internal */
export async function serverInfo(connection: Connection, told: Cancellable): Promise<ServerInfo> {
  const answer = await connection.call((it) => connection.serverInfo.get({}, it), told);
  const { version, engine, durability, tenant, logId } = answer;
  const limits = required(answer.limits, "the limits");
  return { version, engine, durability, limits, head: answer.head ?? 0n, tenant, logId };
}
