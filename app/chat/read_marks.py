"""What the local user has read."""

from typing import Protocol

from app.hub.clients import Client
from app.hub.hub import count
from app.hub.journal import Verdict
from app.hub.router import Handler, Outcome
from app.protocol.events import MarkRead


class ReadMarks(Protocol):
    """Where read marks are kept."""

    def mark(self, reader: str, peer: str, msg_id: str) -> int | None:
        """Mark ``peer``'s messages to ``reader`` up to ``msg_id`` as read.

        Return how many were unread until now, or None when no such message is known.
        """


class InMemoryReadMarks:
    """Read marks over the messages that were fired in this session."""

    def __init__(self) -> None:
        self._position: dict[tuple[str, str], dict[str, int]] = {}
        self._read: dict[tuple[str, str], int] = {}

    def add(self, reader: str, peer: str, msg_id: str) -> None:
        """Note that ``reader`` got a message from ``peer``. The same id again changes nothing."""
        messages = self._position.setdefault((reader, peer), {})
        messages.setdefault(msg_id, len(messages) + 1)

    def mark(self, reader: str, peer: str, msg_id: str) -> int | None:
        """See ``ReadMarks.mark``."""
        chat = (reader, peer)
        position = self._position.get(chat, {}).get(msg_id)
        if position is None:
            return None
        before = self._read.get(chat, 0)
        self._read[chat] = max(before, position)
        return self._read[chat] - before


def mark_read(marks: ReadMarks) -> Handler:
    """Return the handler of a client's ``mark_read`` (guide §3.2)."""

    def handle(client: Client, data: MarkRead) -> Outcome:
        changed = marks.mark(client.username, data.peer, data.msg_id)
        if changed is None:
            return Outcome(
                f"no message {data.msg_id[:40]} from {data.peer} is known: nothing changed", Verdict.WARNING
            )
        return Outcome(f"{count(changed, 'message')} from {data.peer} read")

    return handle
