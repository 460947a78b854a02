"""Protocols (interfaces) of what the playing of sessions needs: companion, chat state, fixtures, faults, profiles.
That of the companion, ``Stage``, has methods to send frames and to wait for the UI. It also contains the hub, the
log and other objects, which have no protocols here.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from app.hub.expectation import Expectation, ExpectationResult
from app.hub.generated_values import GeneratedValues
from app.hub.hub import Delivery, Hub
from app.hub.journal import Journal
from app.hub.origin import Origin
from app.hub.pipeline import EventPipeline
from app.hub.refusals import Refusals
from app.hub.rest_log import LogPosition, RestLog
from app.hub.target import ALL, Target
from app.protocol.envelope import Envelope
from app.protocol.faults.kinds import AnyFault
from app.protocol.faults.profiles import SavedProfile
from app.protocol.faults.rest import RestFault
from app.protocol.fixture import SavedFixture
from app.sources.composer import EventComposer
from app.sources.source import Publisher


class ChatState(Protocol):
    """The chat state, as sessions change it. The coroutines may raise ``RequestError`` and ``StorageError``."""

    async def snapshot(self) -> dict[str, Any]:
        """Return the whole state."""

    async def restore(self, snapshot: Any) -> None:
        """Replace the whole state."""

    async def reset(self) -> None:
        """Replace the state by the one of the first start."""

    def unknown_user_warning(self, event: Envelope) -> str:
        """Return a warning if the UI will not show an event, because its user is not a friend; otherwise empty."""

    async def begin_scratch(self) -> None:
        """Continue with a copy of the state."""

    async def end_scratch(self, *, keep: bool) -> None:
        """Return to the state before ``begin_scratch``, or keep the copy."""


class RestFaults(Protocol):
    """The faults of REST calls. Raises ``Invalid``."""

    def arm(self, fault: RestFault, seed: int | None = None) -> object:
        """Arm a fault for its route."""

    def clear(self, route: str | None = None) -> int:
        """Clear the fault of a route."""

    def armed_for(self, route: str) -> object | None:
        """Return what is armed for a route; None if nothing is."""

    def answers(self, call: str) -> bool:
        """Return whether a fault may answer a call."""


class Faults(Protocol):
    """The faults of frames. Raises ``Invalid``."""

    @property
    def rest(self) -> RestFaults:
        """The faults of REST calls."""

    def check(self, faults: Sequence[AnyFault]) -> None:
        """Raise ``Invalid`` if the faults cannot be armed."""

    def arm(self, to: Target, faults: Sequence[AnyFault], seed: int | None = None) -> object:
        """Arm faults for a target."""

    def arm_profile(self, to: Target, saved: SavedProfile, seed: int | None = None) -> object:
        """Arm the faults of a profile."""

    def clear(self, to: Target | None = None) -> int:
        """Clear the faults of a target."""

    def armed_for(self, to: Target) -> object | None:
        """Return what is armed for a target; None if nothing is."""


class ProfileList(Protocol):
    """The profiles of faults, as sessions use them."""

    def find(self, name: str) -> SavedProfile:
        """Return the profile with a name. Raises ``NotFound``."""


class FixtureList(Protocol):
    """The saved fixtures, as sessions use them."""

    def find(self, name: str) -> SavedFixture:
        """Return the fixture with a name. Raises ``NotFound``."""


class Stage(Publisher, Protocol):
    """The part of the companion that sessions use while they are played."""

    hub: Hub
    journal: Journal
    rest_log: RestLog
    refusals: Refusals
    composer: EventComposer
    values: GeneratedValues
    pipeline: EventPipeline

    @property
    def chat(self) -> ChatState:
        """The chat state."""

    @property
    def faults(self) -> Faults:
        """The faults that are armed."""

    @property
    def profiles(self) -> ProfileList:
        """The profiles of faults."""

    @property
    def fixtures(self) -> FixtureList:
        """The saved fixtures."""

    async def send_raw(self, frame: str | bytes, *, to: Target = ALL, origin: Origin) -> Delivery:
        """Send any text or bytes as a frame."""

    async def expect(
        self, expected: Expectation, within_s: float, after: int | LogPosition | None = None
    ) -> ExpectationResult:
        """Wait for a frame or a REST call of the UI."""

    def why_no_client(self, within_s: float = 0.0) -> str:
        """See ``Companion.why_no_client``."""

    def refused_page(self, within_s: float = 0.0) -> str:
        """See ``Companion.refused_page``."""

    def why_no_rest(self, call: str) -> str:
        """See ``Companion.why_no_rest``."""

    def why_no_call(self, event: str) -> str:
        """See ``Companion.why_no_call``."""

    async def wait_for_ready_client(self, to: Target, within_s: float) -> bool:
        """Wait until a client that ``to`` selects is ready to show events."""
