"""Interfaces (``typing.Protocol``) of the companion's parts, such as the chat state, libraries and recordings, with
the methods that the control API operations call. Those of breakpoints and armed faults are in
``interceptor_parts``, those of peers in ``peer_parts``.

Most of these parts are in packages that ``endpoints`` does not import (``chat``, ``storage``, ``sources``,
``observers``). The methods may raise ``RequestError`` and ``StorageError``.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from app.endpoints.control.export_shapes import ExportedText
from app.hub.filter import Filter
from app.hub.hub import Delivery
from app.hub.journal import Row
from app.hub.lab_run import LabRun
from app.hub.origin import Origin
from app.hub.session_run import Options, SessionFiles, SessionProblem, SessionRun
from app.hub.target import Target
from app.protocol.asyncapi_import.imported_file import ImportedEvent, ImportedFile
from app.protocol.backend import MessageData, Person
from app.protocol.envelope import Envelope
from app.protocol.event_files.event_set import EventFile
from app.protocol.export_kinds import Kind as ExportKind
from app.protocol.faults.profiles import Profile, SavedProfile
from app.protocol.fixture import Fixture, SavedFixture
from app.protocol.lint.report import LintReport
from app.protocol.reconnect_lab import LabOptions
from app.protocol.reconnect_report import ReconnectReport
from app.protocol.session.saved import SavedSession
from app.protocol.session.steps import Session
from app.protocol.ui_comparison import Difference
from app.protocol.ui_deviations import Deviation, Report
from app.protocol.ui_moments import KnownPage, StateChange
from app.protocol.ui_stores import ExpectedState, Flavour

ItemT = TypeVar("ItemT")


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

    async def add_friend(self, username: str, *, look_up: bool = True) -> Person:
        """Make a persona a friend, or, if ``look_up``, a user of the directory."""

    async def remove_friend(self, username: str) -> Person:
        """End a friendship. The persona and its messages are kept."""

    async def set_delivered(self, msg_id: str) -> MessageData:
        """Mark a waiting message as delivered."""

    async def react(
        self, msg_id: str, emoji: str, by: str, *, present: bool | None = None, to_peers: bool = True
    ) -> MessageData:
        """Add or remove a reaction. Raises ``Forbidden`` if a peer would get it and ``to_peers`` is False."""

    async def delete_message(self, msg_id: str) -> object:
        """Delete a message."""

    async def restore(self, snapshot: Any) -> None:
        """Replace the whole state."""

    async def reset(self) -> None:
        """Reset the state to that of the first start."""


class Library(Protocol[ItemT]):
    """A library of files: the user's own and the built-in ones; see ``app/storage/saved_files.py``."""

    @property
    def all(self) -> list[ItemT]:
        """The items, in order."""

    @property
    def folder(self) -> Path | None:
        """The folder of the user's own files; None if nothing can be saved."""

    @property
    def warnings(self) -> list[str]:
        """Files that are not valid, with the reasons."""

    async def look_up(self, name: str) -> ItemT:
        """Return an item, read again if its file has changed."""

    async def read(self) -> None:
        """Read the files from the disk again."""

    async def rename(self, name: str, new: str) -> ItemT:
        """Rename an item of the user's own."""

    async def delete(self, name: str) -> None:
        """Delete an item of the user's own."""


class FixtureLibrary(Library[SavedFixture], Protocol):
    """The saved fixtures; see ``app/storage/saved_fixtures.py``."""

    @property
    def pinned(self) -> list[SavedFixture]:
        """The fixtures that are pinned to the tray menu, in their order."""

    def pins_of(self, name: str) -> list[str]:
        """Return the pins that stand for the fixture with this whole name, which need not exist."""

    def can_become_pinned(self, name: str) -> bool:
        """Return whether a pin stands for the fixture with this whole name, or would if others did not exist."""

    async def save(self, name: str, fixture: Fixture) -> SavedFixture:
        """Save a fixture, replacing one with the same name."""


class SessionLibrary(Library[SavedSession], Protocol):
    """The saved sessions; see ``app/storage/saved_sessions.py``."""

    async def text(self, saved: SavedSession) -> str:
        """Return the text of a session."""

    async def load(self, saved: SavedSession) -> Session:
        """Read a whole session."""

    async def load_file(self, file: Path) -> Session:
        """Read the session in any file."""

    def files_of(self, saved: SavedSession) -> SessionFiles:
        """Return the files in the folder of a session."""

    async def save(self, name: str, text: str, suffix: str) -> SavedSession:
        """Save a session, replacing one with the same name."""


class ProfileLibrary(Library[SavedProfile], Protocol):
    """The profiles of faults."""

    async def save(self, name: str, profile: Profile) -> SavedProfile:
        """Save a profile, replacing one with the same name."""


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

    def last_target(self) -> str:
        """Return the target of the event that was fired last. Raises ``Conflict`` if there is none."""

    async def fire_again(self, *, origin: Origin) -> Delivery:
        """Fire the last event again."""

    def fixture_for_event(self, event: str) -> Fixture:
        """Return a fixture with default values for an event."""

    async def event_of(self, fixture: Fixture) -> Envelope:
        """Return the event of a fixture with new values, without firing it."""

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

    def report(self, client: int, state: Any, *, partial: bool) -> None:
        """Store the contents of the stores that the UI reports."""

    async def make_room(self, client: int, size: int) -> None:
        """Compare earlier reports before the next one, of ``size`` bytes, discards some of them."""

    def reported(self, client: int) -> Report | None:
        """Return what the UI reported last, or None."""

    async def deviations(self, client: int, flavour: Flavour) -> list[Deviation]:
        """Return what the UI reported wrongly since its page was loaded."""

    async def compare(self, client: int, flavour: Flavour, report: Report, limit: int) -> list[Difference]:
        """Return the first differences of a report from the expected state. Raises ``NotFound``."""

    async def wait_until_settled(self, client: int, flavour: Flavour) -> None:
        """Wait until the UI had time to report its state, or until the reported state is as expected."""

    async def wait_until(self, is_met: Callable[[], Awaitable[bool]], within_s: float) -> bool:
        """Wait until ``is_met()`` is true."""


class ContractLint(Protocol):
    """Compares the traffic with the contract; see ``app/observers/contract_lint.py``."""

    async def catch_up(self) -> None:
        """Examine all rows that there are now."""

    def report(self) -> LintReport:
        """Return the rules with their findings."""


class EventFiles(Protocol):
    """The files that define events; see ``app/storage/event_files.py``."""

    async def save(
        self, events: Sequence[ImportedEvent], *, force: bool = False, dry_run: bool = False
    ) -> list[ImportedFile]:
        """Write imported events as files, and use them. Raises ``Conflict`` and ``StorageError``."""

    @property
    def folder(self) -> Path | None:
        """Their folder, or None."""

    @property
    def files(self) -> Sequence[EventFile]:
        """All files, sorted by path."""

    @property
    def warnings(self) -> list[str]:
        """Sentences about the folder and about files that are not valid."""

    async def read(self) -> None:
        """Read the files that have changed."""


class Reconnects(Protocol):
    """Measure when UIs reconnect; see ``app/observers/reconnects.py``."""

    def reports(self) -> Sequence[ReconnectReport]:
        """Return all lineages, the one with the latest event first."""

    def report(self, client: int) -> ReconnectReport:
        """Return the lineage of a client. Raises ``NotFound``."""


class ReconnectLab(Protocol):
    """Refuses and judges the reconnects of a browser; see ``app/sources/reconnect_lab.py``."""

    run: LabRun | None

    def start(self, options: LabOptions, origin: Origin) -> LabRun:
        """Start a run. Raises ``Invalid`` and ``Conflict``."""

    async def stop(self) -> None:
        """Stop the current run."""


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


class RecordingActions(Protocol):
    """Works with recordings; see ``app/recording_actions.py``. A recording is given by its name, or as a file."""

    async def runs(self) -> Sequence[RunRecording]:
        """Return the recordings of this run and the one before."""

    async def open(self, recording: str | Path) -> Any:
        """Open a recording for ``show_recording``. Raises ``RequestError``."""

    def run_file(self, name: str) -> Path:
        """Return the file of one of ``runs``. Raises ``NotFound``."""

    async def bundle(self, recording: str | Path, *, redact: bool = True) -> bytes:
        """Return the bug report bundle of a recording as a ZIP archive. Raises ``RequestError``."""


class ExportActions(Protocol):
    """Exports traffic as text; see ``app/export_actions.py``."""

    async def scenario(self, rows: Sequence[Row], title: str = "") -> str:
        """Return a scenario that causes again what rows of the journal show."""

    async def session(self, name: str, kind: ExportKind) -> ExportedText:
        """Return a saved session as a test or another file. Raises ``RequestError``."""

    async def log(self, rows: Sequence[Row], kind: ExportKind, title: str = "") -> ExportedText:
        """Return rows of the log as a test or another file. Raises ``Invalid``."""


class Recordings(Protocol):
    """Makes recordings; see ``app/observers/recordings.py``."""

    @property
    def active(self) -> Sequence[ActiveRecording]:
        """The user's recordings that are being made."""

    @property
    def error(self) -> str:
        """Why this run is not recorded; empty if it is, or if recording is off."""

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

    async def check(self, session: Session) -> list[SessionProblem]:
        """Return the steps of a session that will not work."""

    def start(self, name: str, session: Session, options: Options) -> SessionRun:
        """Start a session. Raises ``Conflict``."""

    async def stop(self, number: int) -> SessionRun:
        """Stop a run."""


class SupabaseKeeper(Protocol):
    """Keeps the API key of the Supabase project; see ``supabase_wiring``."""

    async def key_place(self) -> str:
        """Return where the API key is kept, as a phrase; empty if there is none."""

    async def remove_key(self) -> str:
        """Delete the stored API key, and return where one still is."""

    async def set_key(self, key: str) -> str:
        """Check and store the API key, and return where it is kept, as a phrase."""
