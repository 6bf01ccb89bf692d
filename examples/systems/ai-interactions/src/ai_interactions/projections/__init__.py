"""Read models of the conversations: what each is made of.

A projection is pure: it changes documents by one event. `projecting.py` runs it as a process on the log,
`replay.py` runs it up to a point in time.
"""

from .conversation_view import CONVERSATION_VIEW
from .daily_analytics import DAILY_ANALYTICS
from .documents import Documents, MemoryDocuments
from .projection import Projection
from .tool_usage import TOOL_USAGE

PROJECTIONS: dict[str, Projection] = {
    projection.model: projection for projection in (CONVERSATION_VIEW, DAILY_ANALYTICS, TOOL_USAGE)
}
"""The projections by the names of their read models."""

__all__ = ["PROJECTIONS", "Documents", "MemoryDocuments", "Projection"]
