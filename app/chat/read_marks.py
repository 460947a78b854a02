"""Create the handler of a client's ``mark_read`` event: in the chat state, it marks the messages from one user as
read, up to a given message. The router calls it. It sends nothing: ``sources.peers`` sends read receipts to peers.
"""

from typing import Protocol

from app.hub.clients import Client
from app.hub.journal import Verdict
from app.hub.router import Handler, Outcome
from app.protocol.counts import count
from app.protocol.errors import StorageError
from app.protocol.events import MarkRead


class ReadMarks(Protocol):
    """What the handler needs of the chat state. ``ChatService`` implements it."""

    async def mark_read(self, peer: str, msg_id: str) -> int | None:
        """Mark the messages from ``peer`` up to ``msg_id`` as read.

        Return how many of them were unread, or None if there is no such message in the chat with ``peer``.
        """


def mark_read(marks: ReadMarks) -> Handler:
    """Return the handler of a client's ``mark_read`` (guide §3.2)."""

    async def handle(_: Client, data: MarkRead) -> Outcome:
        try:
            changed = await marks.mark_read(data.peer, data.msg_id)
        except StorageError as error:
            return Outcome(f"not stored: {error}", Verdict.WARNING)
        if changed is None:
            note = f"there is no message {data.msg_id[:40]} from {data.peer[:64]}, so nothing changed"
            return Outcome(note, Verdict.WARNING)
        return Outcome(f"{count(changed, 'message')} from {data.peer} read")

    return handle
