"""The origin of a journal row: what caused it, such as the window (``panel``), the control API or a client.

It is unrelated to the HTTP header ``Origin``, which ``Client.origin`` and the settings contain.
"""

from typing import Self


class Origin(str):
    """A kind, optionally followed by a space and a detail: ``panel``, ``client 3``.

    The constants below are the built-in kinds. A custom source (``sources.source``) may use a kind of its own.
    ``Origin`` is a subclass of ``str``, so that rows compare and hash quickly and store it without conversion.
    """

    __slots__ = ()

    @classmethod
    def of(cls, kind: str, detail: str | int) -> Self:
        """Return the origin of a kind with a detail."""
        return cls(f"{kind} {detail}")

    @property
    def kind(self) -> str:
        """Return the first word."""
        return self.partition(" ")[0]

    @property
    def detail(self) -> str:
        """Return the text after the first word, such as a client's number; empty if there is only a kind."""
        return self.partition(" ")[2]

    @property
    def injected(self) -> bool:
        """Return whether a user or a script fired the event explicitly."""
        return self.kind in INJECTED

    @property
    def by_hand(self) -> bool:
        """Return whether the user fired it in the window or from the tray menu."""
        return self in (PANEL, TRAY)


PANEL = Origin("panel")
"""The window."""
TRAY = Origin("tray")
CONTROL = Origin("control")
"""The control API, which the command line uses."""
AGENT = Origin("agent")
"""The control API, called with the agent token: a coding agent."""
BACKEND = Origin("backend")
"""Effects of the chat state, such as deliveries and presence that follow from other events."""
PRIMING = Origin("priming")
"""Frames that prepare a UI; see ``chat.priming``."""
AUTO_REPLY = Origin("auto-reply")
REST = Origin("rest")
"""A REST call of the UI."""
PEERS = Origin("peers")
"""Messages and notices from peers, and what is sent to them."""
SERVER = Origin("server")
FAULTS = Origin("faults")
"""Frames in both directions that faults have delayed, repeated or changed; see ``interceptors.faults``."""

INJECTED = (PANEL, TRAY, CONTROL, AGENT)
EFFECTS = frozenset(each.kind for each in (BACKEND, PRIMING, AUTO_REPLY, FAULTS, REST, SERVER, Origin("client")))
"""The kinds of origin of frames that the companion sends automatically. They occur again if their causes do."""


def client_origin(number: int | str) -> Origin:
    """Return the origin of rows that a client causes."""
    return Origin.of("client", number)
