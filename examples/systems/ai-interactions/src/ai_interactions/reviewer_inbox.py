"""Where reviewers find what they are to look at.

Owns `ReviewerInbox`, what a notifier needs of a mail or chat gateway, and `InboxDirectory`, one that keeps a file per
message. A gateway must take a message id and deliver a message of the same id once, however often it is sent: that is
what makes the effect bear a repetition.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Message:
    """What reviewers are told."""

    id: str
    """The id of the event that asks for them."""
    conversation_id: str
    reviewers: tuple[str, ...]
    text: str


class ReviewerInbox(Protocol):
    """Delivers messages to reviewers."""

    def deliver(self, message: Message) -> bool:
        """Deliver a message, durably; false when one of its id was delivered before."""


class InboxDirectory:
    """An inbox that is a directory with one JSON file per message."""

    def __init__(self, directory: Path) -> None:
        """Keep messages here; the directory is made if it is not there."""
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def deliver(self, message: Message) -> bool:
        """Put a whole file under the message's id, unless there is one. A kill leaves none or all of it."""
        with tempfile.NamedTemporaryFile("w", dir=self._directory, prefix=".", encoding="utf-8") as file:
            json.dump(asdict(message), file)
            file.flush()
            os.fsync(file.fileno())
            try:
                os.link(file.name, self._directory / f"{message.id}.json")
            except FileExistsError:
                return False
        return True

    def messages(self) -> list[Message]:
        """All messages, by the names of their files."""
        read = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(self._directory.glob("[!.]*.json"))]
        return [Message(**{**it, "reviewers": tuple(it["reviewers"])}) for it in read]
