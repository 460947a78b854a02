"""Keep the last result of firing per tab of Inject or fixture, and find out whether it is out of date, and why.
It is out of date, for example, if the event was edited, or if the number of connected clients has changed. The bar
in Inject and Fixtures (``fire_bar``) uses this, and ``result_line`` shows the result.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from app.companion import Companion
from app.hub.expectation import Expectation
from app.hub.server_state import ServerState
from app.hub.target import ALL, Target

MAX_SOURCES = 200
"""At most this many results are kept."""


class Shot(NamedTuple):
    """What a result is about: the tab or fixture, what it held, the recipients, and what was expected of the UI."""

    source: str = ""
    content: Any = None
    target: Target = ALL
    expected: Expectation | None = None
    within_s: float = 0.0


class Remedies(NamedTuple):
    """What the line offers: wait for a client, switch a friend online, or send a file."""

    file: bool = False
    """Send a file instead."""
    wait: bool = False
    """Wait for a client, then call ``again``."""
    online: str = ""
    """Switch this friend online, then call ``again``."""
    again: Callable[[], object] = lambda: None
    """Repeats the fire."""


NO_REMEDIES = Remedies()


@dataclass(frozen=True)
class Result:
    """One line of text, with its tone (ok, warning, error or muted) and its time in seconds since the epoch.

    ``outdated`` is the reason why a result is out of date; empty if it is current. A ``notice`` reports progress,
    or why an action was not possible: it has no time, and disappears when the event is edited.
    """

    text: str = ""
    tone: str = "muted"
    time: float = 0.0
    shot: Shot = field(default_factory=Shot)
    clients: int = 0
    state: ServerState = ServerState.STOPPED
    remedies: Remedies = NO_REMEDIES
    notice: bool = False
    outdated: str = ""

    @property
    def final(self) -> bool:
        """Whether this is a result of firing."""
        return bool(self.text) and not self.notice


NOTHING = Result()


class FireResults:
    """Keep the last result of each source, and mark those that are no longer current."""

    def __init__(self, companion: Companion) -> None:
        self._companion = companion
        self._results: dict[str, Result] = {}

    def put(
        self, text: str, tone: str, shot: Shot, remedies: Remedies = NO_REMEDIES, *, notice: bool = False
    ) -> None:
        """Keep a new result of ``shot.source``."""
        self._results.pop(shot.source, None)
        self._results[shot.source] = Result(
            text, tone, self._companion.clock.wall(), shot, self._companion.hub.connection_count,
            self._companion.state, remedies, notice,
        )  # fmt: skip
        while len(self._results) > MAX_SOURCES:
            del self._results[next(iter(self._results))]

    def of(self, source: str) -> Result:
        """Return the last result of a source."""
        return self._results.get(source, NOTHING)

    def follow(self, now: Shot, *, busy: bool) -> None:
        """Mark the results that were made under other conditions. ``now`` is what would be fired now.

        A mark stays, even if the conditions return. ``busy``: something is being fired, so progress stays.
        """
        shown = self.of(now.source)
        if shown.notice and not busy and shown.shot.content != now.content:
            del self._results[now.source]
        clients, state = self._companion.hub.connection_count, self._companion.state
        for source, result in self._results.items():
            if not result.final or result.outdated:
                continue
            shot = now if source == now.source else result.shot
            if why := _why_outdated(result, shot, clients, state):
                self._results[source] = replace(result, outdated=why, remedies=NO_REMEDIES)


def _why_outdated(result: Result, now: Shot, clients: int, state: ServerState) -> str:
    if result.state is not state:
        return "the state of the server has changed since"
    if result.clients != clients:
        return "the number of connected clients has changed since"
    if result.shot.content != now.content:
        return "the event was edited since"
    if result.shot.target != now.target:
        return "other recipients were chosen since"
    return ""
