"""The inbox delivers a message once."""

from __future__ import annotations

from pathlib import Path

from ai_interactions.reviewer_inbox import InboxDirectory, Message


def test_a_message_is_delivered_once_however_often_it_is_sent(tmp_path: Path) -> None:
    inbox = InboxDirectory(tmp_path / "inbox")
    message = Message("m-1", "7", ("ines",), "please look")
    assert inbox.deliver(message)
    assert not inbox.deliver(message)
    assert not InboxDirectory(tmp_path / "inbox").deliver(message)
    assert inbox.messages() == [message]


def test_what_a_kill_left_half_written_is_no_message(tmp_path: Path) -> None:
    inbox = InboxDirectory(tmp_path)
    (tmp_path / ".half").write_text('{"id": "m-')
    inbox.deliver(Message("m-2", "7", ("marek",), "please look"))
    assert [message.id for message in inbox.messages()] == ["m-2"]
