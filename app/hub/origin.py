"""Who or what caused a row of the journal."""

from typing import Self


class Origin(str):
    """The cause's kind, and a detail after a space: ``panel``, ``client 3``, ``scenario morning:12``.

    It is a string, so that rows compare and hash as fast as with plain text and store it as it is.
    """

    __slots__ = ()

    @classmethod
    def of(cls, kind: str, detail: str | int) -> Self:
        """Return the origin of a kind that has several members."""
        return cls(f"{kind} {detail}")

    @property
    def kind(self) -> str:
        """Return the first word."""
        return self.partition(" ")[0]

    @property
    def detail(self) -> str:
        """Return what follows the first word: a client's number, or a scenario's name and line."""
        return self.partition(" ")[2]

    @property
    def injected(self) -> bool:
        """Return whether a person or a script fired the event by hand."""
        return self.kind in INJECTED

    @property
    def by_hand(self) -> bool:
        """Return whether a person fired it in this program's own window or tray menu."""
        return self in (PANEL, TRAY)


PANEL = Origin("panel")
"""The window."""
TRAY = Origin("tray")
CONTROL = Origin("control")
"""The control API, and so the command line."""
BACKEND = Origin("backend")
"""The chat state: deliveries and presence that follow from other events."""
PRIMING = Origin("priming")
"""Frames that only prepare a UI; see ``ChatService.prime``."""
AUTO_REPLY = Origin("auto-reply")
REST = Origin("rest")
"""A REST call of the UI."""
SERVER = Origin("server")

INJECTED = (PANEL, TRAY, CONTROL)


def client_origin(number: int) -> Origin:
    """Return the origin of what a client caused."""
    return Origin.of("client", number)
