"""The report of measured reconnects of one browser or program: its state now, its attempts and the last verdict.
``observers.reconnects`` creates it, for example for the Clients room, the control API and the reconnect lab; this
module defines only the values.

A report covers a *lineage*: all connections with one Origin and User-Agent. A *verdict* says whether an attempt
fits the guide, the UI's specification; for example, it was too early, too late or missing.
"""

from enum import StrEnum
from typing import NamedTuple

from app.protocol.reconnects import Attempt, Browser, Verdict


class ReconnectState(StrEnum):
    """What the pages of one browser, or a program, do now."""

    CONNECTED = "connected"
    WAITING = "waiting"
    """One is expected to reconnect."""
    GAVE_UP = "gave_up"
    CLOSED = "closed"
    """The UI closed its connection, or its page was closed."""
    UNSEEN = "unseen"
    """The server is or was stopped, so that it is not known whether it makes attempts."""


class Measured(NamedTuple):
    """An attempt with its time, its client (None: refused, or it did not come), and whether its page is a guess."""

    attempt: Attempt
    wall: float
    mono: float
    client: int | None
    is_guess: bool

    @property
    def text(self) -> str:
        """The verdict in words."""
        outcome = ", refused" if self.client is None and self.attempt.after_s is not None else ""
        return f"{self.attempt}{outcome}{' (a guess: several pages are open)' if self.is_guess else ''}"


class ReconnectReport(NamedTuple):
    """A lineage at one moment. ``text``: its state in words, or its last verdict while its pages are connected.

    ``attempts`` has the oldest first.
    """

    origin: str
    user_agent: str
    browser: Browser
    clients: tuple[int, ...]
    """The connected clients."""
    state: ReconnectState
    verdict: Verdict | None
    """Of the last attempt, or of one that did not come; None if no reconnect was measured."""
    text: str
    jitter: str
    """Whether the UI adds random delays, as a sentence; empty if it is not known."""
    is_guess: bool
    attempts: tuple[Measured, ...]
