"""Assemble the companion: create its parts, connect them, and delegate calls of the window and the control API.

The *companion* is the program without its window and its commands. The logic is in the parts, such as ``Hub``,
``ChatService`` and the servers. Callers start the servers in the order of ``built_in_services``, but the control
API last, because it needs its token; ``close`` stops them together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.chat.client_events import file_handlers
from app.chat.peer_book import PeerBook
from app.chat.priming import Priming
from app.chat.read_marks import mark_read
from app.chat.service import ChatService, expire_presence_periodically
from app.chat.startup import open_chat_state, read_chat_state_later
from app.chat.store import ChatStore
from app.chat.typing_frames import forward_typing
from app.endpoints.access_policy import AccessPolicy
from app.endpoints.built_in_services import built_in_services
from app.endpoints.event_server import EventServer, limits_of
from app.endpoints.http_server import HttpServer
from app.endpoints.peer_server import PeerServer
from app.endpoints.service import Service, Services
from app.hub.client_activity import ClientActivity
from app.hub.clock import Clock
from app.hub.generated_values import GeneratedValues
from app.hub.hub import Delivery, Hub
from app.hub.journal import Journal, Row, Verdict
from app.hub.long_calls import LongCalls
from app.hub.once import Once
from app.hub.origin import Origin
from app.hub.pipeline import EventPipeline
from app.hub.readiness import Readiness
from app.hub.refusals import Refusals
from app.hub.rejection_log import RejectionLog
from app.hub.rest_log import LogPosition, RestLog
from app.hub.router import Router
from app.hub.server_state import ServerState, server_state, why_closed
from app.hub.signals import Signal
from app.hub.switchable import SwitchableSources
from app.hub.target import ALL, Target
from app.hub.tasks import Tasks
from app.hub.text_frame import text_frame
from app.peer_switch import SwitchablePeers
from app.protocol.catalog import Catalog, built_in
from app.protocol.envelope import Envelope
from app.protocol.event_files.effect_history import EffectHistory
from app.protocol.event_summaries import use_summaries
from app.protocol.event_type import EventType
from app.protocol.fixture import Fixture, SavedFixture
from app.protocol.wire_names import other_names
from app.sources.auto_reply import AutoReply
from app.sources.composer import EventComposer
from app.sources.repeat_schedule import RepeatSchedule
from app.sources.source import Sources
from app.storage.database import Database
from app.storage.event_files import EventFiles
from app.storage.files import read_frame
from app.storage.fixtures import FixtureLibrary
from app.storage.library_folders import event_folder, library_for
from app.storage.peer_identity import PeerIdentity
from app.storage.saved_fixtures import Fixtures
from app.supabase_wiring import SUPABASE_SETTINGS, SwitchableSupabase, saved
from app.system.agent_token import AgentToken
from app.system.current_settings import CurrentSettings
from app.system.settings import ENVELOPE_KEYS, Settings, recording_bytes
from app.system.settings_checks import origin_problem

if TYPE_CHECKING:
    from aiohttp import web

    from app.export_actions import ExportActions
    from app.hub.expectation import Expectation, ExpectationResult, FailedExpectation
    from app.hub.lab_run import LabRun
    from app.hub.session_run import SessionRun
    from app.interceptors.breakpoints import Breakpoints
    from app.interceptors.faults import Faults
    from app.observers.contract_lint import ContractLint
    from app.observers.opened_recording import OpenedRecording
    from app.observers.reconnects import ReconnectWatch
    from app.observers.recordings import Recordings
    from app.observers.ui_checks import UiChecks
    from app.observers.ui_state import UiStates
    from app.protocol.asyncapi_import.imported_file import Imported, ImportedFile
    from app.recording_actions import RecordingActions
    from app.sources.peers.link import PeerLink
    from app.sources.reconnect_lab import ReconnectLab
    from app.sources.sessions.runs import SessionRuns
    from app.sources.supabase.peer_mailbox import PeerMailbox
    from app.storage.profile_library import ProfileLibrary
    from app.storage.recording_store import RecordingStore
    from app.storage.saved_profiles import SavedProfiles
    from app.storage.saved_sessions import SavedSessions
    from app.storage.session_library import SessionLibrary


class Companion:
    """Everything behind the window, the command line and the control API."""

    def __init__(
        self,
        settings: Settings,
        catalog: Catalog | None = None,
        clock: Clock | None = None,
        chat_file: Path | None = None,
        fixtures_folder: Path | None = None,
        sessions_folder: Path | None = None,
        recordings_folder: Path | None = None,
        faults_folder: Path | None = None,
        peer_keys_file: Path | None = None,
        events_folder: Path | None = None,
        supabase_key_file: Path | None = None,
        warnings: Sequence[str] = (),
    ) -> None:
        """Create the parts; ``start`` and ``start_service`` open the ports.

        ``chat_file`` None keeps the chat state in memory. ``fixtures_folder`` None allows no fixtures to be saved;
        ``sessions_folder`` and ``faults_folder`` likewise. ``recordings_folder`` None records no runs, and
        ``events_folder`` None has no event files.
        ``peer_keys_file`` is where the keys for peers are stored without a keyring; None keeps them in memory.
        ``supabase_key_file`` None keeps the API key of the Supabase project in memory.
        ``warnings`` are sentences about the settings, to be shown to the user.
        """
        self.current_settings = CurrentSettings(settings)
        self.catalog = catalog or built_in()
        self._effects = EffectHistory(self.catalog)
        self.clock = clock or Clock()
        self.values = GeneratedValues(self.clock)
        """The ids, times and random numbers of events, which a session can fix."""
        self.tasks = Tasks()
        """Background tasks, cancelled by ``close``."""
        self.bundling, self.imports = LongCalls(), LongCalls()
        """For bug report bundles, and for the conversion of documents to event files."""
        self.changed: Signal[None] = Signal()
        """Emitted when the state of a server or a setting has changed."""
        self.catalog_changed: Signal[None] = Signal()
        """Emitted when events of the catalog were added, changed or removed."""
        self.breakpoints_changed: Signal[None] = Signal()
        """Emitted when ``breakpoints.changed`` is. Connecting to it does not load the breakpoints."""
        self.expectation_failed: Signal[FailedExpectation] = Signal()
        """Emitted when an expectation of ``expect`` was not met in time."""
        self.raise_window: Callable[[], object] | None = None
        """Brings the window to the front; None if there is no window. Set by the composition root."""
        self.show_fire_bar: Callable[[], object] | None = None
        """Shows the fire bar; None if there is no window. Set by the composition root."""
        self.show_recording: Callable[[OpenedRecording], object] | None = None
        """Shows a recording in a window of its own; None if there is no window. Set by the composition root."""
        self.quit_program: Callable[[], object] | None = None
        """Ends the program without asking, as SIGTERM does. Set by the composition root."""
        self.agents_disallowed: Signal[None] = Signal()
        """Emitted when agents are switched off or their token is revoked, even if there was none."""
        self.agent_token = AgentToken(on_revoked=self.stop_agents)
        """The restricted token of the control API."""
        self.data_dir: Path | None = None
        """The folder of ``--data-dir``, for the entry of start at login; None for the platform's folders."""
        self._settings_warnings = tuple(warnings)

        # events and clients
        self.journal = Journal(self.clock, settings.journal_rows)
        self.hub = Hub(self.journal, self.clock, settings.username, frame=text_frame, batch=True)
        self.hub.why_closed = lambda: why_closed(self.state, self.services["events"].error)
        self.hub.pause_changed.connect(lambda _: self.changed.emit(None))
        self.router = Router(self.hub, self.catalog, self.tasks)
        self._use_envelope(settings)
        self.rest_log = RestLog(self.journal, self.clock, lambda: self.settings.log_get_requests)
        self.rejection_log = RejectionLog(self.hub)
        self.refusals = Refusals(self.hub, self.tasks)
        """Connections that are refused on purpose."""

        # chat state and fixtures
        self._database = Database(chat_file)
        store = ChatStore(self._database, self.catalog, self.values, lambda: self.settings.username)
        self.chat = ChatService(store, self.hub)
        self.pipeline = EventPipeline(self.hub, self.catalog, self.chat, self.tasks)
        self.fixtures = Fixtures(
            library_for(FixtureLibrary, settings.fixtures, fixtures_folder), self._database,
            lambda: self.settings.pinned,
        )  # fmt: skip
        self._sessions_folder = sessions_folder
        self.composer = EventComposer(self)
        self.priming = Priming(self.chat, self.hub, self.tasks, lambda: self.settings.prime_browsers)
        self._recordings_folder = recordings_folder
        self._faults_folder = faults_folder
        self.router.on("typing", forward_typing(self.hub, store.note_activity, self.chat.ui_typing.note))
        self.router.on("mark_read", mark_read(self.chat))
        self.identity = PeerIdentity(peer_keys_file)
        self.peers = PeerBook(self._database, self.clock, self.chat, lambda: self.settings.username)
        self.peers.offered.connect(lambda peer: self._log_warning("peer keys changed", peer.changed_note))
        self.chat.peer_delivery = lambda message: self.peer_link.outbox.deliver(message)
        self.chat.completed = self.composer.completed
        self.chat.peer_port = lambda: self.peer_server.open_port
        self.chat.node_id = lambda: self.identity.node_id
        self.sources = Sources(self, self.hub)
        auto_reply = AutoReply(self.chat.posted, store.auto_replies, values=self.values)
        self.sources.add(auto_reply)
        # Breakpoints hold nothing that was delayed. Then the auto-replies: what was held or delayed may get one.
        self.chat.before_switch += [
            lambda why: self.breakpoints.release_all(why, lambda: self.faults.flush_from_ui(why)),
            lambda _: auto_reply.cancel_replies(),
        ]

        # events that files define
        self.event_files = EventFiles(
            self.catalog, event_folder(settings.events_folder, events_folder), self.use_events, self.tasks
        )
        self.event_files.changed.connect(lambda change: self.hub.carry_out(change.notes()))

        # servers
        access_policy = AccessPolicy(lambda: self.settings.allowed_origins, self.rejection_log)
        self.server = EventServer(
            self.hub, self.router, settings.port, access_policy,
            lambda: limits_of(self.settings, self.control.token), self.refusals,
            lambda: self.settings.events_path, self.is_ready,
        )  # fmt: skip
        self.rest = HttpServer(
            "REST", settings.rest_port, access_policy, lambda: self.settings.max_connections,
            self._rest_application, self._log_warning, self.is_ready,
        )  # fmt: skip
        self.control = HttpServer(
            "control", settings.control_port, access_policy, lambda: self.settings.max_connections,
            self._control_application, self._log_warning, self.is_ready,
        )  # fmt: skip
        self.peer_server = PeerServer(
            self.hub, self.rejection_log, settings.peer_port, lambda: self.settings.peer_lan,
            lambda: self.peer_link, self._prepare_peers,
        )  # fmt: skip
        self.readiness = Readiness(self.hub, self.tasks, self.rest)
        self.client_activity = ClientActivity(self.hub, self.tasks)
        self.open = Once(self._open)
        """Opens the chat state, the first time it is called. ``start`` and ``start_service`` call it."""
        self.services = Services(
            built_in_services(self.server, self.rest, self.control, self.peer_server), prepare=self.open
        )
        self.services.changed.connect(self.changed.emit)
        self.services.failed.connect(self._log_failed_service)

        # sources that the user switches on and off
        self.supabase = SwitchableSupabase(self, lambda: self.peer_mailbox, supabase_key_file)
        self.sources.add(self.supabase.source)
        self.supabase.source.changed.connect(self.changed.emit)
        self.identity.changed.connect(lambda _: self.supabase.on_keys_changed())
        self.router.client_event.connect(self.supabase.on_client_event)
        self.chat.find_peer = self.supabase.find_peer
        self.chat.supabase_connected = lambda: self.supabase.source.is_connected
        self.switchable_sources = SwitchableSources(SwitchablePeers(self, self.peers, self.identity), self.supabase)

        # changes of the settings, in this order
        on_change = self.current_settings.on_change
        on_change(lambda _, after: self.hub.use_local_user(after.username), "username")
        on_change(lambda _, after: None if after.agents else self.stop_agents(), "agents")
        on_change(lambda *_: self.priming.prime_all(), "prime_browsers")
        on_change(lambda *_: self.ui_checks.activate(), "check_ui_state")
        on_change(lambda *_: self.contract_lint.settings_changed(), "lint_off")
        on_change(lambda _, after: self._use_envelope(after), *ENVELOPE_KEYS)
        on_change(self.services.restart_changed)
        on_change(
            lambda _, after: self.fixtures.use(library_for(FixtureLibrary, after.fixtures, fixtures_folder)),
            "fixtures",
        )
        on_change(
            lambda _, after: self.saved_sessions.use(self._session_library(after)),
            "sessions",
        )
        on_change(lambda _, after: self.profiles.use(self._profile_library(after)), "faults")
        on_change(
            lambda _, after: self.event_files.use(event_folder(after.events_folder, events_folder)), "events_folder"
        )
        on_change(lambda *_: self.supabase.restart(), *SUPABASE_SETTINGS)
        on_change(lambda *_: self.recordings.record_run(), "record_runs", "recording_mb")
        on_change(lambda *_: self.changed.emit(None))

    @property
    def settings(self) -> Settings:
        """The settings in use."""
        return self.current_settings.values

    @property
    def state(self) -> ServerState:
        """The state of the event server."""
        return server_state(
            error=self.services["events"].error, listening=self.server.listening, paused=self.hub.paused
        )

    @property
    def client_url(self) -> str:
        """Where a client connects, with the token if clients have to present it."""
        return self.server.client_url

    @property
    def local_user(self) -> str:
        """The user that a client acts as by default."""
        return self.settings.username

    @property
    def friends(self) -> list[str]:
        """The names of all friends, sorted: the personas, and the peers, which have companions of their own."""
        return sorted(self.chat.presence)

    @property
    def personas(self) -> list[str]:
        """The names of the friends that the user plays, sorted."""
        return sorted(self.chat.played)

    @property
    def opened(self) -> bool:
        """Whether the chat state is open."""
        return self.open.done

    @property
    def in_memory(self) -> bool:
        """Whether the chat state is lost when the program ends."""
        return self._database.file.in_memory

    @property
    def newer_chat_file(self) -> str:
        """A sentence if a newer version wrote the chat state: it is not used, and a new one is kept in memory."""
        return self._database.file.newer_file

    @property
    def warnings(self) -> list[str]:
        """Sentences for the user about the settings and about how the chat state was opened."""
        return [*self._settings_warnings, *self._database.file.warnings, *self.recordings.warnings]

    async def open_chat_state(self) -> str:
        """Open the chat state and read the event files, but start nothing: for work without servers and sources.

        Return the warning if the chat state could not be read. Do not call it together with ``open``.
        ``close`` must follow.
        """
        warning = await open_chat_state(
            self.chat, self._database.file.warnings, presence_decays=self.settings.presence_decays
        )
        await self.event_files.read()
        return warning

    async def _open(self) -> None:
        self._observers = (
            self.ui_states,
            self.reconnects,
            self.ui_checks,
            self.contract_lint,
        )  # before any client can connect
        warning = await self.open_chat_state()
        self.tasks.spawn(self._read_chat_state_later(warning), "read the chat state")
        self.event_files.watch()
        await self.fixtures.read()
        await self.saved_sessions.read()
        await self.profiles.read()
        await self.recordings.record_run()
        self.sources.start_all()
        self.tasks.spawn(
            expire_presence_periodically(self.chat, self.hub, lambda: self.settings.presence_decays),
            "presence decay",
        )

    async def _read_chat_state_later(self, warning: str) -> None:
        warnings, announce = self._database.file.warnings, lambda: self.changed.emit(None)
        await read_chat_state_later(self.chat, warnings, warning, announce, lambda: self.settings.presence_decays)

    async def start(self) -> bool:
        """Start the event server; return False if that fails, with the reason in ``services["events"].error``."""
        return await self.start_service("events")

    async def start_service(self, name: str) -> bool:
        """Start a service if the settings want it; return False with the reason in its ``error`` if that fails."""
        return await self.services.start(name, self.settings)

    def is_ready(self) -> bool:
        """Return whether the start of all servers has ended, even with an error, and their stop has not begun."""
        return self.services.ready(self.settings)

    async def stop(self) -> None:
        """Close every client's connection and the event port within two seconds. May be called twice."""
        await self.services.stop("events")

    async def close(self, *, keep_run: bool = True) -> None:
        """Stop all parts. Nothing may be called afterwards. ``keep_run``: see ``Recordings.close``."""
        self.services.closing = True
        await self.breakpoints.close()
        await self.sessions.stop_all()
        await self.sources.stop_all()
        await self.tasks.cancel()
        await asyncio.gather(self.bundling.close(), self.imports.close())
        await self.services.stop_all()
        await self.peer_link.outbox.cancel()  # again: what a peer has sent meanwhile starts an attempt
        self.rest_log.close()
        await self.recordings.close(keep_run=keep_run)
        await self.chat.store.close()

    def pause(self, paused: bool = True) -> None:
        """Keep clients connected but send them nothing, until ``pause(False)``."""
        self.hub.pause(paused)

    def save_settings(self, settings: Settings, whole: Collection[str] = ()) -> None:
        """Check changed settings and write them to the file; ``apply`` takes them into use.

        See ``CurrentSettings.save``. Raise ``InvalidSettings`` or ``OSError``; nothing has changed then.
        """
        self.current_settings.save(settings, self.friends, whole)

    async def change_settings(self, change: Callable[[Settings], Settings]) -> None:
        """Change settings, save them and take them into use. Raises ``InvalidSettings`` and ``StorageError``."""
        await saved(self.current_settings.change(change, self.friends))

    def apply(self, settings: Settings) -> Coroutine[Any, Any, None]:
        """Take settings into use at once. The coroutine restarts, for example, a server whose port has changed."""
        return self.current_settings.use(settings)

    async def log_get_requests(self, on: bool) -> None:
        """Log the UI's GET requests, or stop logging them. The settings file is not changed."""
        await self.current_settings.use_temporarily(log_get_requests=on)

    def move_to_port(self, port: int) -> Coroutine[Any, Any, None]:
        """Let the event server use another port in this run. The settings file is not changed. See ``apply``."""
        return self.current_settings.use_temporarily(port=port)

    def stop_agents(self) -> None:
        """Stop the scenarios that coding agents play."""
        self.agents_disallowed.emit(None)

    def _use_envelope(self, settings: Settings) -> None:
        """Use the names of the envelope's keys in the settings. The usual names need no renaming."""
        self.hub.wire_names = other_names(settings.envelope_event_key, settings.envelope_data_key)

    def use_events(self, types: Iterable[EventType]) -> None:
        """Replace the events of the catalog. Connected clients stay connected."""
        self.catalog.replace(types)
        self._effects.add(self.catalog, self.journal.last_seq + 1, self.journal.first_seq)
        self.router.catalog_changed()
        self.chat.use_events(self.catalog)
        use_summaries(self.catalog)
        self.router.use_file_handlers(file_handlers(self.catalog, self.chat, self.hub, self.router.handlers))
        self.catalog_changed.emit(None)

    async def fire(self, event: Envelope, *, to: Target = ALL, origin: Origin, strict: bool = True) -> Delivery:
        """Store what an event changes, then send it. See ``EventPipeline.fire``."""
        return await self.pipeline.fire(event, to=to, origin=origin, strict=strict)

    async def fire_built_in(self, event: Envelope, *, to: Target = ALL, origin: Origin) -> Delivery:
        """Fire an event of built-in fields, with the other fields that a file requires. Nothing is expanded."""
        return await self.fire(self.composer.completed(event), to=to, origin=origin)

    async def send_raw(self, frame: str | bytes, *, to: Target = ALL, origin: Origin) -> Delivery:
        """Send any text or bytes as a frame. See ``EventPipeline.send_raw``."""
        return await self.pipeline.send_raw(frame, to=to, origin=origin)

    async def send_file(self, file: Path, *, to: Target = ALL, origin: Origin) -> Delivery:
        """Send the text of a file as a frame, unchanged. Raises ``RequestError`` if it cannot be read."""
        return await self.composer.fire_text(await asyncio.to_thread(read_frame, file), to=to, origin=origin)

    async def resend(self, row: Row, *, origin: Origin) -> Delivery:
        """Send the frame of a row again. See ``EventPipeline.resend``."""
        return await self.pipeline.resend(row, origin=origin)

    async def rename_fixture(self, old: str, new: str) -> SavedFixture:
        """Rename a fixture, and its pins. See ``Fixtures.rename_with_pins``."""
        return await self.fixtures.rename_with_pins(old, new, self.change_settings)

    async def import_document(
        self, file: Path, *, force: bool = False, dry_run: bool = False
    ) -> tuple[Imported, list[ImportedFile]]:
        """Turn an AsyncAPI document into event files, and use them. See ``storage.document_import``."""
        from app.endpoints.control.contract_documents import keys_in_use
        from app.storage.document_import import import_document

        keys = keys_in_use(self.settings)
        return await import_document(file, self.event_files, keys, self.imports, force=force, dry_run=dry_run)

    async def make_folder(self, folder: Path) -> None:
        """Create a folder if it does not exist. Raises ``StorageError``."""
        from app.storage.exported_file import make_folder

        await make_folder(folder)

    def lab_json(self, run: LabRun) -> bytes:
        """Return a run of the reconnect lab as JSON, as the control API does."""
        from app.endpoints.control.reconnect_lab_shapes import lab_json

        return lab_json(run)

    def message_from(self, persona: str, text: str) -> Envelope:
        """Return a ``new_message`` of a persona to the local user. See ``EventComposer.message_from``."""
        return self.composer.message_from(persona, text)

    async def wait_for_ready_client(self, to: Target, within_s: float) -> bool:
        """Wait until a client that ``to`` selects is ready; False if none is within ``within_s`` seconds."""
        return await self.readiness.wait(to, within_s)

    def refused_page(self, within_s: float = 0.0) -> str:
        """Return what to do about a page that was refused for its origin. See ``RejectionLog.refused_page``."""
        return self.rejection_log.refused_page(within_s, self.settings.allowed_origins, origin_problem)

    def why_no_client(self, within_s: float = 0.0) -> str:
        """Return that no client is connected, and what to do about a refused page; empty if one is connected."""
        return self.rejection_log.why_no_client(within_s, self.settings.allowed_origins, origin_problem)

    def why_no_rest(self, call: str) -> str:
        """Return why no client can make a REST call now, whichever it is; empty if clients can make calls."""
        from app.endpoints.rest_availability import why_no_rest

        return why_no_rest(call, self.services, self.settings)

    def why_no_call(self, event: str) -> str:
        """Return why no client can make an expected REST call now; empty if one can, and for a client event."""
        from app.endpoints.rest_availability import why_no_call

        return why_no_call(event, self.services, self.settings, lambda call: self.faults.rest.answers(call))

    async def expect(
        self, expected: Expectation, within_s: float, after: int | LogPosition | None = None
    ) -> ExpectationResult:
        """Wait for a frame that a client must send. See ``hub.expectation``."""
        from app.hub.expectation import wait_for

        return await wait_for(
            self.journal, self.rest_log, self.clock, expected, within_s, after, self.expectation_failed
        )

    @property
    def has_sessions(self) -> bool:
        """Whether ``sessions`` was used, which is loaded on first use. If not, no session has been played."""
        return "sessions" in self.__dict__

    @property
    def has_breakpoints(self) -> bool:
        """Whether ``breakpoints`` was used, which is loaded on first use. If not, nothing is held."""
        return "breakpoints" in self.__dict__

    @property
    def has_faults(self) -> bool:
        """Whether ``faults`` was used, which is loaded on first use. If not, no faults are armed."""
        return "faults" in self.__dict__

    async def run_session(self, name: str) -> SessionRun:
        """Run a saved session as it is. Raises ``RequestError`` and ``StorageError``."""
        from app.hub.session_run import Options

        saved = await self.saved_sessions.look_up(name)
        session = await self.saved_sessions.load(saved)
        return self.sessions.start(saved.name, session, Options(files=self.saved_sessions.files_of(saved)))

    async def check_fixture(self, fixture: Fixture, delivery: Delivery) -> ExpectationResult | None:
        """Wait for what a fixture expects of the UI after it was fired. See ``hub.expectation.check_fixture``."""
        from app.hub.expectation import check_fixture

        return await check_fixture(fixture, delivery, self.expect)

    async def fire_series(
        self,
        fire: Callable[[], Awaitable[Delivery]],
        on_fired: Callable[[int, Delivery], None],
        *,
        times: int = 1,
        every_s: float = 0.0,
        delay_s: float = 0.0,
    ) -> None:
        """Call ``fire`` several times, and ``on_fired(n, delivery)`` after each. An error of ``fire`` ends it."""
        await RepeatSchedule(times, every_s, delay_s).run(fire, on_fired, self.clock)

    def _log_warning(self, event: str, note: str) -> None:
        self.hub.log_server_event(event, note=note, verdict=Verdict.WARNING)

    def _log_failed_service(self, service: Service) -> None:
        self._log_warning("not listening", service.error)

    # loaded later: the window is filled without these parts

    @cached_property
    def sessions(self) -> SessionRuns:
        """Runs of sessions."""
        from app.sources.sessions.runs import SessionRuns

        runs = SessionRuns(self)
        self.agents_disallowed.connect(lambda _: runs.stop_those_of_agents())
        return runs

    @cached_property
    def breakpoints(self) -> Breakpoints:
        """The breakpoints, and the events, frames and REST calls that they hold."""
        from app.interceptors.breakpoints import Breakpoints

        breakpoints = Breakpoints(
            self.hub, self.router, self.pipeline, self.catalog, lambda: self.settings.saved_filters
        )
        breakpoints.changed.connect(self.breakpoints_changed.emit)
        return breakpoints

    @cached_property
    def saved_sessions(self) -> SavedSessions:
        """The user's sessions and the built-in ones."""
        from app.storage.saved_sessions import SavedSessions

        sessions = SavedSessions(self._session_library(self.settings), self._database)
        sessions.active_recordings = lambda: [each.name for each in self.recordings.active]
        return sessions

    def _session_library(self, settings: Settings) -> SessionLibrary:
        from app.storage.session_library import SessionLibrary

        return library_for(SessionLibrary, settings.sessions, self._sessions_folder)

    @cached_property
    def faults(self) -> Faults:
        """The faults that are armed."""
        from app.interceptors.faults import Faults

        return Faults(self.hub, self.tasks)

    @cached_property
    def profiles(self) -> SavedProfiles:
        """The user's profiles of faults and the built-in ones."""
        from app.storage.saved_profiles import SavedProfiles

        return SavedProfiles(self._profile_library(self.settings), self._database)

    def _profile_library(self, settings: Settings) -> ProfileLibrary:
        from app.storage.profile_library import ProfileLibrary

        return library_for(ProfileLibrary, settings.faults, self._faults_folder)

    @cached_property
    def recording_store(self) -> RecordingStore:
        """The files of recordings."""
        from app.storage.recording_store import RecordingStore

        return RecordingStore(self._recordings_folder, lambda name: self.saved_sessions.new_recording(name))

    @cached_property
    def recordings(self) -> Recordings:
        """The recordings of this run and of the user."""
        from app.observers.recordings import Recordings

        recordings = Recordings(
            self.hub, self.recording_store, self.chat.snapshot, lambda: recording_bytes(self.settings), self.tasks
        )
        recordings.changed.connect(self.changed.emit)
        return recordings

    @cached_property
    def recording_actions(self) -> RecordingActions:
        """What is done with recordings."""
        from app.recording_actions import RecordingActions

        return RecordingActions(self, self._recordings_folder)

    @cached_property
    def export_actions(self) -> ExportActions:
        """What is exported to files, and as text."""
        from app.export_actions import ExportActions

        return ExportActions(self)

    @cached_property
    def ui_states(self) -> UiStates:
        """The expected and the reported states of the clients' UIs."""
        from app.observers.ui_state import UiStates
        from app.protocol.ui_effects import changes_of

        return UiStates(self.hub, changes_of(self._effects, lambda: self.local_user))

    @cached_property
    def reconnects(self) -> ReconnectWatch:
        """When the UIs reconnect."""
        from app.observers.reconnects import ReconnectWatch

        return ReconnectWatch(self.hub)

    @cached_property
    def reconnect_lab(self) -> ReconnectLab:
        """Refuses the connections of a browser, and judges how it reconnects."""
        from app.sources.reconnect_lab import ReconnectLab

        return ReconnectLab(self.hub, self.refusals, lambda: self.reconnects, self.tasks, self.refused_page)

    @cached_property
    def ui_checks(self) -> UiChecks:
        """Warns in the log of frames that leave the released UI in a wrong state."""
        from app.observers.ui_checks import UiChecks

        return UiChecks(self.hub, self.ui_states, self.tasks, lambda: self.settings.check_ui_state)

    @cached_property
    def contract_lint(self) -> ContractLint:
        """Compares the traffic with the contract."""
        from app.observers.contract_lint import ContractLint

        return ContractLint(self.hub, self.catalog, self.tasks, lambda: self.settings.lint_off)

    async def _prepare_peers(self) -> None:
        """Create the keys when peers are first switched on, and start to send queued messages."""
        await self.identity.obtain()
        await self.peers.read()
        self.sources.start(self.peer_link.outbox.name)

    @cached_property
    def peer_link(self) -> PeerLink:
        """Sends messages to peers, and handles received ones."""
        from app.sources.peers.link import PeerLink
        from app.sources.peers.parts import PeerOptions

        link = PeerLink(
            self, self.peers, lambda: self.identity.current,
            lambda: PeerOptions(
                self.settings.peers, self.settings.peer_notices, self.settings.peer_unverified
            ),
        )  # fmt: skip
        self.chat.reacted.connect(link.notices.on_reaction)
        self.sources.add(link.outbox)
        link.outbox.queue = self.supabase
        return link

    @cached_property
    def peer_mailbox(self) -> PeerMailbox:
        """The peers, for the directory and the queue."""
        from app.sources.peers.queue_inbox import PeerContacts, QueueInbox
        from app.sources.supabase.peer_mailbox import MailboxParts, PeerMailbox

        inbox = QueueInbox(
            self.peer_link.receiver, self.hub, lambda: self.peers.pinned, lambda: self.friends
        )  # fmt: skip
        parts = MailboxParts(
            book=self.peers, inbox=inbox, contacts=PeerContacts(self.peers.all, self.chat.store.note_seen),
            keys=self.identity.obtain, stored_keys=self.identity.load, people=self.chat.store.people,
            mark_read=self.chat.mark_read, newest_read=self.chat.store.newest_read,
        )  # fmt: skip
        self.sources.start(self.peer_link.outbox.name)
        return PeerMailbox(parts)

    # aiohttp takes longer to load than the rest of the program, so the first request loads it

    def _rest_application(self, server: HttpServer) -> web.Application:
        from app.endpoints.page_reports import PageReports
        from app.endpoints.rest import RestApi

        reports = PageReports(self.ui_states, self.clock)
        friends_requested = self.readiness.friends_requested
        return RestApi(
            self.chat, self.hub, self.rest_log, server, friends_requested, reports, self.faults.rest
        ).application()  # fmt: skip

    def _control_application(self, server: HttpServer) -> web.Application:
        from app.endpoints.control.server import ControlApi

        return ControlApi(self, server).application()
