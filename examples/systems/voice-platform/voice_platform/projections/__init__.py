"""The read models, by name: what each keeps of which events."""

from collections.abc import Mapping

from ..routes import Routes
from .accounts import ACCOUNTS
from .activity import ACTIVITY
from .calls import CALLS
from .documents import Documents

__all__ = ["ACCOUNTS", "ACTIVITY", "CALLS", "PROJECTIONS"]

PROJECTIONS: Mapping[str, Routes[Documents]] = {it.name: it for it in (CALLS, ACCOUNTS, ACTIVITY)}
