"""All kinds of aggregates, by category. Importing this module makes every contract known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import agents, assistants, calls, customers, ledger, payments, security
from .folding import Kind

KINDS: Mapping[str, Kind[Any]] = {
    module.KIND.category: module.KIND for module in (calls, customers, agents, assistants, payments, ledger, security)
}
