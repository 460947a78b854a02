"""Remember which friends the UI is typing to: from ``typing: true`` to ``typing: false``, a message or a timeout.
The Chats room and the control API show it.
"""

from app.hub.clock import Clock
from app.hub.signals import Signal
from app.protocol.constants import TYPING_TIMEOUT_MS

MAX_FRIENDS = 1000
"""Limit of the memory that clients can occupy by naming ever new recipients."""


class UiTyping:
    """Remember for each recipient when the UI last sent ``typing: true``.

    It ends with ``typing: false``, or after the guide's timeout without a new event.
    """

    def __init__(self, clock: Clock) -> None:
        self._mono = clock.mono
        self._since: dict[str, float] = {}
        self.changed: Signal[str] = Signal()
        """Emitted with the recipient when typing begins, or ends before its timeout."""

    def note(self, to: str, typing: bool) -> None:
        """Record an event of the UI."""
        if not typing:
            if self._since.pop(to, None) is not None:
                self.changed.emit(to)
            return
        now = self._mono()
        before = self._since.get(to)
        if before is None and len(self._since) >= MAX_FRIENDS:
            self._since = {name: since for name, since in self._since.items() if not _is_over(since, now)}
            if len(self._since) >= MAX_FRIENDS:
                return
        self._since[to] = now
        if before is None or _is_over(before, now):
            self.changed.emit(to)

    def is_typing(self, to: str) -> bool:
        """Return whether the UI is typing to this user now."""
        since = self._since.get(to)
        return since is not None and not _is_over(since, self._mono())


def _is_over(since: float, now: float) -> bool:
    return now - since >= TYPING_TIMEOUT_MS / 1000
