"""Protocols (interfaces) of the companion and its parts, as far as the operations of the control API use them.

``Service`` is the whole companion; ``endpoints.service.Service`` is a single server. ``endpoints`` cannot import
``Companion``, which is on a higher layer. mypy checks that it implements ``Service``. The methods may raise
``RequestError`` and ``StorageError``.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from app.endpoints.service import Services
from app.hub.client_activity import ClientActivity
from app.hub.expectation import Expectation, ExpectationResult
from app.hub.filter import Filter
from app.hub.hub import Delivery, Hub
from app.hub.journal import Journal, Row
from app.hub.origin import Origin
from app.hub.rejection_log import RejectionLog
from app.hub.session_run import Options, SessionFiles, SessionProblem, SessionRun
from app.hub.target import Target
from app.hub.tasks import Tasks
from app.protocol.backend import MessageData, Person
from app.protocol.catalog import Catalog
from app.protocol.envelope import Envelope
from app.protocol.fixture import Fixture, SavedFixture
from app.protocol.reconnect_report import ReconnectReport
from app.protocol.session.saved import SavedSession
from app.protocol.session.steps import Session
from app.protocol.ui_deviations import Deviation, Report
from app.protocol.ui_moments import KnownPage, StateChange
from app.protocol.ui_stores import ExpectedState, Flavour
from app.system.agent_token import AgentToken
from app.system.settings import Settings


class Server(Protocol):
    """A running or stopped server: the event server, the REST stand-in or the control API."""

    @property
    def url(self) -> str:
        """The base URL."""

    @property
    def listening(self) -> bool:
        """Whether clients can connect."""


class StoredState(Protocol):
    """Read the chat state."""

    async def snapshot(self) -> dict[str, Any]:
        """Return the whole state."""

    async def people(self) -> list[Person]:
        """Return all personas."""

    async def page(self, peer: str, limit: int, offset: int) -> tuple[list[MessageData], int]:
        """Return messages of a chat, oldest first, and the number of all its messages."""


class UiTyping(Protocol):
    """See ``app/chat/ui_typing.py``."""

    def is_typing(self, to: str) -> bool:
        """Return whether the UI is typing to this user now."""


class ChatState(Protocol):
    """Change the chat state."""

    @property
    def store(self) -> StoredState:
        """The stored state."""

    @property
    def ui_typing(self) -> UiTyping:
        """The friends that the UI is typing to."""

    async def add_person(self, username: str, *, is_friend: bool) -> Person:
        """Add a persona."""

    async def change_person(self, username: str, **changes: bool) -> None:
        """Set ``auto_reply`` or ``pinned`` of a persona."""

    async def rename_person(self, old: str, new: str) -> None:
        """Rename a persona."""

    async def remove_person(self, username: str) -> None:
        """Remove a persona."""

    async def add_friend(self, username: str) -> Person:
        """Make a persona a friend."""

    async def remove_friend(self, username: str) -> None:
        """End a friendship. The persona and its messages are kept."""

    async def set_delivered(self, msg_id: str) -> MessageData:
        """Mark a waiting message as delivered."""

    async def react(self, msg_id: str, emoji: str, by: str, *, present: bool | None = None) -> MessageData:
        """Add or remove a reaction."""

    async def delete_message(self, msg_id: str) -> object:
        """Delete a message."""

    async def restore(self, snapshot: Any) -> None:
        """Replace the whole state."""

    async def reset(self) -> None:
        """Reset the state to that of the first start."""


class Library(Protocol):
    """The saved fixtures."""

    @property
    def all(self) -> list[SavedFixture]:
        """The fixtures, in order."""

    @property
    def folder(self) -> Path | None:
        """The folder of the user's own fixtures; None if none can be saved."""

    @property
    def warnings(self) -> list[str]:
        """Files that are not valid fixtures, with the reasons."""

    async def look_up(self, name: str) -> SavedFixture:
        """Return a fixture, read again if its file has changed."""

    async def read(self) -> None:
        """Read the fixtures from the disk again."""

    async def save(self, name: str, fixture: Fixture) -> SavedFixture:
        """Save a fixture, replacing one with the same name."""

    async def rename(self, name: str, new: str) -> SavedFixture:
        """Rename a fixture of the user's own."""

    async def delete(self, name: str) -> None:
        """Delete a fixture of the user's own."""


class Composer(Protocol):
    """Generate events from fixtures, and fire them."""

    async def fire(
        self,
        fixture: Fixture,
        *,
        to: Target | None,
        origin: Origin,
        persona: str = "",
        seed: int | None = None,
        strict: bool = True,
    ) -> Delivery:
        """Generate the values of a fixture and fire it."""

    async def fire_text(self, text: str, *, to: Target, origin: Origin) -> Delivery:
        """Send any text as a frame."""

    async def fire_again(self, *, origin: Origin) -> Delivery:
        """Fire the last event again."""

    def fixture_for_event(self, event: str) -> Fixture:
        """Return a fixture with default values for an event."""

    async def problems(self, fixtures: Iterable[SavedFixture]) -> dict[str, list[str]]:
        """Return the violations of the contract, by the name of the fixture."""


class UiStates(Protocol):
    """Compute the expected contents of the UI's stores; see ``app/observers/ui_state.py``."""

    async def expected(self, client: int, flavour: Flavour, after: int | None = None) -> ExpectedState:
        """Return the expected state now, or right after the row number ``after``. Raises ``NotFound``."""

    @property
    def pages(self) -> list[KnownPage]:
        """The pages whose state can be computed."""

    async def recent_changes(
        self, client: int, flavour: Flavour, after: int | None, limit: int
    ) -> list[StateChange]:
        """Return the last changes until now or until a row, oldest first. Raises ``NotFound``."""

    async def origin(
        self, client: int, flavour: Flavour, path: str, after: int | None = None
    ) -> StateChange | None:
        """Return the last change of a value. Raises ``NotFound``."""

    def wall_time(self, mono: float) -> float:
        """Return a monotonic time in seconds since the epoch."""

    def select(self, client: int, peer: str | None) -> None:
        """Set the chat that is open in the UI; None if no chat is open."""

    def report(self, client: int, state: Any, *, size: int, partial: bool) -> None:
        """Store the contents of the stores that the UI reports."""

    def reported(self, client: int) -> Report | None:
        """Return what the UI reported last, or None."""

    def deviations(self, client: int, flavour: Flavour) -> list[Deviation]:
        """Return what the UI reported wrongly since its page was loaded."""

    async def wait_until_settled(self, client: int, flavour: Flavour) -> None:
        """Wait until the UI had time to report its state, or until the reported state is as expected."""

    async def wait_until(self, is_met: Callable[[], Awaitable[bool]], within_s: float) -> bool:
        """Wait until ``is_met()`` is true."""


class Reconnects(Protocol):
    """Measure when UIs reconnect; see ``app/observers/reconnects.py``."""

    def reports(self) -> Sequence[ReconnectReport]:
        """Return all lineages, the one with the latest event first."""

    def report(self, client: int) -> ReconnectReport:
        """Return the lineage of a client. Raises ``NotFound``."""


class SessionLibrary(Protocol):
    """The saved sessions; see ``app/storage/saved_sessions.py``."""

    @property
    def all(self) -> list[SavedSession]:
        """The sessions, in order."""

    @property
    def folder(self) -> Path | None:
        """The folder of the user's own sessions; None if none can be saved."""

    @property
    def warnings(self) -> list[str]:
        """Files that are not valid sessions, with the reasons."""

    async def look_up(self, name: str) -> SavedSession:
        """Return a session, read again if its file has changed."""

    async def read(self) -> None:
        """Read the sessions from the disk again."""

    async def text(self, saved: SavedSession) -> str:
        """Return the text of a session."""

    async def load(self, saved: SavedSession) -> Session:
        """Read a whole session."""

    def files_of(self, saved: SavedSession) -> SessionFiles:
        """Return the files in the folder of a session."""

    async def save(self, name: str, text: str, suffix: str) -> SavedSession:
        """Save a session, replacing one with the same name."""

    async def rename(self, name: str, new: str) -> SavedSession:
        """Rename a session of the user's own."""

    async def delete(self, name: str) -> None:
        """Delete a session of the user's own."""


class LineCounter(Protocol):
    """Counts the lines of a recording."""

    lines: int


class WrittenFile(Protocol):
    """A file that is being written."""

    file: Path
    size: int
    error: str


class ActiveRecording(Protocol):
    """A recording that is being made; see ``app/observers/recordings.py``."""

    @property
    def name(self) -> str:
        """The name of the session."""

    @property
    def recorder(self) -> LineCounter:
        """What has been recorded."""

    @property
    def file(self) -> WrittenFile:
        """Where it is written."""


class RunRecording(Protocol):
    """The recording of a run; see ``app/storage/recording_store.py``."""

    @property
    def name(self) -> str:
        """The name."""

    @property
    def size(self) -> int:
        """Bytes."""

    @property
    def complete(self) -> bool:
        """Whether the run ended normally."""


class Recordings(Protocol):
    """Makes recordings; see ``app/observers/recordings.py``."""

    @property
    def active(self) -> Sequence[ActiveRecording]:
        """The user's recordings that are being made."""

    @property
    def error(self) -> str:
        """Why this run is not recorded; empty if it is."""

    async def start(self, name: str, wanted: Filter | None) -> ActiveRecording:
        """Record from now on."""

    async def stop(self, name: str) -> ActiveRecording:
        """End a recording."""


class SessionRuns(Protocol):
    """Plays sessions; see ``app/sources/sessions/runs.py``."""

    def __iter__(self) -> Iterator[SessionRun]:
        """Return the runs that are playing, and the last ones that ended."""

    def run(self, number: int) -> SessionRun:
        """Return a run. Raises ``NotFound``."""

    def check(self, session: Session) -> list[SessionProblem]:
        """Return the steps of a session that will not work."""

    def start(self, name: str, session: Session, options: Options) -> SessionRun:
        """Start a session. Raises ``Conflict``."""

    async def stop(self, number: int) -> SessionRun:
        """Stop a run."""


class Service(Protocol):
    """The companion: its components, and the methods that the operations call."""

    hub: Hub
    journal: Journal
    catalog: Catalog
    services: Services
    raise_window: Callable[[], object] | None
    show_fire_bar: Callable[[], object] | None
    quit_program: Callable[[], object] | None
    agent_token: AgentToken
    rejection_log: RejectionLog
    tasks: Tasks

    @property
    def fixtures(self) -> Library:
        """The fixtures."""

    @property
    def ui_states(self) -> UiStates:
        """The expected states of the clients' UIs."""

    @property
    def reconnects(self) -> Reconnects:
        """The measured reconnects."""

    @property
    def saved_sessions(self) -> SessionLibrary:
        """The saved sessions."""

    @property
    def sessions(self) -> SessionRuns:
        """The sessions that are played."""

    @property
    def recordings(self) -> Recordings:
        """The recordings that are being made."""

    async def recorded_runs(self) -> Sequence[RunRecording]:
        """Return the recordings of this run and the one before."""

    def recording_file(self, name: str) -> Path:
        """Return the file of one of these recordings. Raises ``NotFound``."""

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

    async def resend(self, row: Row, *, origin: Origin) -> Delivery:
        """Send the frame of a row again. Raises ``ValueError`` unless it went to the UI."""

    def save_settings(self, settings: Settings) -> None:
        """Check changed settings and write them to the file. May raise ``InvalidSettings`` and ``OSError``."""

    async def apply(self, settings: Settings) -> None:
        """Apply settings to the running program."""

    async def log_get_requests(self, on: bool) -> None:
        """Turn the logging of the UI's GET requests on or off."""

    async def wait_for_ready_client(self, to: Target, within_s: float) -> bool:
        """Wait until a client that ``to`` selects is ready."""

    async def expect(self, expected: Expectation, within_s: float, after: int | None = None) -> ExpectationResult:
        """Wait until a client sends the expected event."""
