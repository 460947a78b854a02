"""The path of a client whose frames are delayed, dropped or changed on purpose."""

from collections.abc import Callable
from typing import NamedTuple, Protocol


class RecipientFrame(NamedTuple):
    """One frame for one client. ``data`` is the whole WebSocket frame, ``size`` counts the bytes of its payload."""

    event: str
    data: bytes
    size: int


class FaultPlan(Protocol):
    """Decides what one client gets. It leaves the shared batch: it sees every frame by itself, in order."""

    def pass_on(self, frame: RecipientFrame, deliver: Callable[[RecipientFrame], None]) -> None:
        """Call ``deliver`` for what the client is to get: never, once or often, now or later, changed or not.

        A plan that delivers later must keep the frames' order unless it means to change it.
        """
