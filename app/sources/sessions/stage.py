"""The interface that sessions need of the companion while they are played, and the options of playing one."""

from dataclasses import dataclass
from typing import Protocol

from app.hub.expectation import Expectation, ExpectationResult
from app.hub.hub import Delivery, Hub
from app.hub.journal import Journal
from app.hub.origin import Origin
from app.hub.rest_log import RestLog
from app.hub.target import ALL, Target
from app.protocol.fixture import SavedFixture
from app.sources.composer import EventComposer
from app.sources.source import Publisher

MIN_SPEED, MAX_SPEED = 0.25, 16.0
AS_FAST_AS_POSSIBLE = float("inf")


class FixtureList(Protocol):
    """The saved fixtures, as sessions use them."""

    def find(self, name: str) -> SavedFixture:
        """Return the fixture with a name. Raises ``NotFound``."""


class Stage(Publisher, Protocol):
    """The part of the companion that plays sessions."""

    hub: Hub
    journal: Journal
    rest_log: RestLog
    composer: EventComposer

    @property
    def fixtures(self) -> FixtureList:
        """The saved fixtures."""

    async def send_raw(self, text: str, *, to: Target = ALL, origin: Origin) -> Delivery:
        """Send any text as a frame."""

    async def expect(self, expected: Expectation, within_s: float, after: int | None = None) -> ExpectationResult:
        """Wait for a frame or a REST call of the UI."""

    async def wait_for_ready_client(self, to: Target, within_s: float) -> bool:
        """Wait until a client that ``to`` selects is ready to show events."""


@dataclass(frozen=True)
class Options:
    """How a session is played.

    ``speed`` divides every pause, after ``max_idle_s`` has limited it. ``stepwise`` waits for
    ``SessionRun.next_step`` before each step. ``seed`` None uses the seed of the header, or a random one. ``start``
    is the time in seconds since the epoch from which the times in events are counted (None: now). ``to`` replaces
    the recipients ``all``. ``from_mark`` skips the steps before this mark. ``timeout_s`` limits the whole run.
    """

    speed: float = 1.0
    max_idle_s: float | None = None
    stepwise: bool = False
    seed: int | None = None
    start: float | None = None
    to: Target | None = None
    from_mark: str = ""
    timeout_s: float | None = None
