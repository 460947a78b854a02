"""Interface (``typing.Protocol``) of the companion itself: the parts and methods that control API operations use.

``Companion`` implements it, and mypy checks that; ``endpoints`` cannot import ``Companion``, which is on a higher
layer. ``endpoints.service.Service`` is not the companion, but a single server. The methods may raise
``RequestError`` and ``StorageError``, and some of them other errors, such as ``InvalidEvent``.
"""

from collections.abc import Callable, Collection, Coroutine
from pathlib import Path
from typing import Any, Protocol

from app.endpoints.control.interceptor_parts import Breakpoints, Faults
from app.endpoints.control.parts import (
    ChatState,
    Composer,
    ContractLint,
    EventFiles,
    ExportActions,
    FixtureLibrary,
    ProfileLibrary,
    ReconnectLab,
    Reconnects,
    RecordingActions,
    Recordings,
    Server,
    SessionLibrary,
    SessionRuns,
    SupabaseKeeper,
    UiStates,
)
from app.endpoints.control.peer_parts import PeerBook, PeerIdentity, PeerServer
from app.endpoints.service import Services
from app.hub.client_activity import ClientActivity
from app.hub.expectation import Expectation, ExpectationResult
from app.hub.hub import Delivery, Hub
from app.hub.journal import Journal, Row
from app.hub.long_calls import LongCalls
from app.hub.origin import Origin
from app.hub.refusals import Refusals
from app.hub.rejection_log import RejectionLog
from app.hub.switchable import SwitchableSources
from app.hub.target import Target
from app.hub.tasks import Tasks
from app.protocol.catalog import Catalog
from app.protocol.envelope import Envelope
from app.protocol.fixture import SavedFixture
from app.system.agent_token import AgentToken
from app.system.settings import Settings


class Service(Protocol):
    """The companion: its components, and the methods that the operations call."""

    hub: Hub
    journal: Journal
    catalog: Catalog
    services: Services
    raise_window: Callable[[], object] | None
    show_fire_bar: Callable[[], object] | None
    show_recording: Callable[[Any], object] | None
    quit_program: Callable[[], object] | None
    agent_token: AgentToken
    rejection_log: RejectionLog
    refusals: Refusals
    tasks: Tasks
    imports: LongCalls
    switchable_sources: SwitchableSources
    data_dir: Path | None

    @property
    def supabase(self) -> SupabaseKeeper:
        """The keeper of the API key of the Supabase project."""

    @property
    def fixtures(self) -> FixtureLibrary:
        """The fixtures."""

    @property
    def ui_states(self) -> UiStates:
        """The expected states of the clients' UIs."""

    @property
    def reconnects(self) -> Reconnects:
        """The measured reconnects."""

    @property
    def breakpoints(self) -> Breakpoints:
        """The breakpoints and what they hold."""

    @property
    def reconnect_lab(self) -> ReconnectLab:
        """The reconnect lab."""

    @property
    def faults(self) -> Faults:
        """The faults that are armed."""

    @property
    def contract_lint(self) -> ContractLint:
        """The comparison of the traffic with the contract."""

    @property
    def peers(self) -> PeerBook:
        """The stored peers."""

    @property
    def identity(self) -> PeerIdentity:
        """The user's keys for peers."""

    @property
    def peer_server(self) -> PeerServer:
        """The server for peers."""

    @property
    def profiles(self) -> ProfileLibrary:
        """The profiles of faults."""

    @property
    def event_files(self) -> EventFiles:
        """The files that define events."""

    @property
    def saved_sessions(self) -> SessionLibrary:
        """The saved sessions."""

    @property
    def sessions(self) -> SessionRuns:
        """The sessions that are played."""

    @property
    def recordings(self) -> Recordings:
        """The recordings that are being made."""

    @property
    def recording_actions(self) -> RecordingActions:
        """What is done with recordings."""

    @property
    def export_actions(self) -> ExportActions:
        """What is exported as text."""

    @property
    def composer(self) -> Composer:
        """The event composer."""

    @property
    def settings(self) -> Settings:
        """The settings in use."""

    @property
    def state(self) -> str:
        """The state of the event server."""

    @property
    def server(self) -> Server:
        """The event server."""

    @property
    def rest(self) -> Server:
        """The REST stand-in."""

    @property
    def control(self) -> Server:
        """The server of the control API."""

    @property
    def chat(self) -> ChatState:
        """The chat state."""

    @property
    def client_activity(self) -> ClientActivity:
        """What the clients were last sent, and their rates."""

    @property
    def in_memory(self) -> bool:
        """Whether the chat state is lost when the program ends."""

    @property
    def warnings(self) -> list[str]:
        """Sentences for the user about problems, such as a damaged file."""

    async def start(self) -> bool:
        """Start the event server."""

    async def start_service(self, name: str) -> bool:
        """Start a service if the settings switch it on."""

    async def stop(self) -> None:
        """Stop the event server."""

    def pause(self, paused: bool = True) -> None:
        """Stop or resume sending to clients."""

    async def fire(self, event: Envelope, *, to: Target, origin: Origin, strict: bool = True) -> Delivery:
        """Store and send an event. If ``strict`` is False, an invalid event is sent but not stored."""

    async def fire_built_in(self, event: Envelope, *, to: Target, origin: Origin) -> Delivery:
        """Fire an event of built-in fields, with the other fields that a file requires."""

    async def resend(self, row: Row, *, origin: Origin) -> Delivery:
        """Send the frame of a row again. Raises ``ValueError`` unless it went to the UI."""

    async def rename_fixture(self, old: str, new: str) -> SavedFixture:
        """Rename a fixture, and its pins. Raises also ``StorageError``."""

    def save_settings(self, settings: Settings, whole: Collection[str] = ()) -> None:
        """Check changed settings and write them to the file. May raise ``InvalidSettings`` and ``OSError``.

        The lists and tables that ``whole`` names replace those of the file, also if it was edited.
        """

    def apply(self, settings: Settings) -> Coroutine[Any, Any, None]:
        """Take settings into use at once. The coroutine applies them to the running program."""

    async def log_get_requests(self, on: bool) -> None:
        """Turn the logging of the UI's GET requests on or off."""

    def why_no_client(self, within_s: float = 0.0) -> str:
        """See ``Companion.why_no_client``."""

    def refused_page(self, within_s: float = 0.0) -> str:
        """Return what to do about a page that was refused for its origin lately; empty if there is none."""

    def why_no_call(self, event: str) -> str:
        """Return why no client can make an expected REST call now; empty if one can, and for a client event."""

    async def wait_for_ready_client(self, to: Target, within_s: float) -> bool:
        """Wait until a client that ``to`` selects is ready."""

    async def expect(self, expected: Expectation, within_s: float, after: int | None = None) -> ExpectationResult:
        """Wait until a client sends the expected event."""
