"""The assembled service: starts in order, stops in reverse, and has one door for events: ``fire``."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from app.chat.priming import Priming
from app.chat.read_marks import mark_read
from app.chat.service import ChatService, expire_presence_periodically
from app.chat.store import ChatStore
from app.chat.typing_frames import forward_typing
from app.endpoints.access_policy import AccessPolicy
from app.endpoints.connection import text_frame
from app.endpoints.events import EventServer, Limits
from app.endpoints.http_server import HttpServer
from app.endpoints.service import Service, Services
from app.hub.clock import Clock
from app.hub.expectation import Expectation, ExpectationResult, wait_for
from app.hub.hub import Delivery, Hub
from app.hub.journal import Journal, Row, Verdict
from app.hub.origin import Origin
from app.hub.pipeline import EventPipeline
from app.hub.readiness import Readiness
from app.hub.rejection_log import RejectionLog
from app.hub.rest_log import RestLog
from app.hub.router import Router
from app.hub.signals import Signal
from app.hub.target import ALL, Target
from app.hub.tasks import Tasks
from app.protocol.catalog import Catalog, built_in
from app.protocol.envelope import Envelope
from app.protocol.errors import StorageError
from app.protocol.event_type import EventType
from app.sources.auto_reply import AutoReply
from app.sources.composer import EventComposer
from app.sources.repeat_schedule import RepeatSchedule
from app.sources.source import Sources
from app.storage.database import Database
from app.storage.files import read_frame
from app.storage.fixtures import FixtureLibrary
from app.storage.saved_fixtures import Fixtures
from app.system.agent_token import AgentToken
from app.system.settings import InvalidSettings, Settings, change_problems

if TYPE_CHECKING:
    from aiohttp import web

log = logging.getLogger(__name__)

T = TypeVar("T")


class ServerState(StrEnum):
    """What the event server does. A paused server still listens."""

    STOPPED = "stopped"
    LISTENING = "listening"
    PAUSED = "paused"
    BLOCKED = "port busy"


class Companion:
    """Everything behind the window, the command line and the control API.

    ``chat_file`` None keeps the chat state in memory; ``fixtures_folder`` None lets no fixture be saved.
    """

    def __init__(
        self,
        settings: Settings,
        catalog: Catalog | None = None,
        clock: Clock | None = None,
        chat_file: Path | None = None,
        fixtures_folder: Path | None = None,
        warnings: Sequence[str] = (),
    ) -> None:
        """``warnings`` say what a person must know of the settings."""
        self.settings = settings
        self.catalog = catalog or built_in()
        self.clock = clock or Clock()
        self.journal = Journal(self.clock, settings.journal_rows)
        self.hub = Hub(self.journal, self.clock, settings.username, frame=text_frame, batch=True)
        self.router = Router(self.hub, self.catalog)
        self.rest_log = RestLog(self.journal, self.clock, lambda: self.settings.log_get_requests)
        self.hub.why_closed = self._why_closed
        self.refused = RejectionLog(self.hub)

        def connections() -> int:
            return self.settings.max_connections

        def report(event: str, note: str) -> None:
            self.hub.log_server_event(event, note=note, verdict=Verdict.WARNING)

        gate = AccessPolicy(lambda: self.settings.allowed_origins, self.refused)
        self.server = EventServer(self.hub, self.router, settings.port, gate, self._limits)
        self._database = Database(chat_file)
        store = ChatStore(self._database, self.catalog, self.clock, lambda: self.settings.username)
        self.chat = ChatService(store, self.hub)
        self.tasks = Tasks()
        """Whatever runs in the background until ``close``."""
        self.pipeline = EventPipeline(self.hub, self.catalog, self.chat, self.tasks)
        self.rest = HttpServer("REST", settings.rest_port, gate, connections, self._rest_application, report)
        self.control = HttpServer(
            "control", settings.control_port, gate, connections, self._control_application, report
        )
        self.services = Services(
            Service(
                name="events",
                title="The event server",
                announcement="listening",
                consequence="No client can connect.",
                server=self.server,
                port=lambda settings: settings.port,
                wanted=lambda _: True,
            ),
            Service(
                name="rest",
                title="The REST stand-in",
                announcement="answering",
                consequence="Events work; the UI's REST calls are not answered here.",
                server=self.rest,
                port=lambda settings: settings.rest_port,
                wanted=lambda settings: settings.rest,
            ),
            Service(
                name="control",
                title="The control API",
                announcement="control",
                consequence="Scripts cannot reach this companion.",
                server=self.control,
                port=lambda settings: settings.control_port,
                wanted=lambda settings: settings.control,
                can_start=lambda: bool(self.control.token),
            ),
        )
        """The servers. A further one is an entry here."""
        self._fixtures_folder = fixtures_folder
        self.fixtures = Fixtures(self._library(), self._database, lambda: self.settings.pinned)
        self.composer = EventComposer(self)
        self._opening = asyncio.Lock()
        self._opened = False
        self._complaints = tuple(warnings)
        for each in warnings:
            log.info("%s", each)
        self.changed: Signal[None] = Signal()
        """The state or the settings have changed."""
        self.catalog_changed: Signal[None] = Signal()
        """The catalog has other events than before."""
        self.raise_window: Callable[[], object] | None = None
        """Brings the window to the front, where there is one."""
        self.quit_program: Callable[[], object] | None = None
        """Ends the program without asking, as SIGTERM does; the composition root sets it."""
        self.store_settings: Callable[[Settings], object] | None = None
        """Writes the settings file. May raise ``InvalidSettings`` and ``OSError``; the composition root sets it."""
        self.agent_token = AgentToken()
        """The restricted token of the control API."""
        self.readiness = Readiness(self.hub, self.tasks, lambda: self.rest.listening)
        self.router.on("typing", forward_typing(self.hub, store.note_activity))
        self.router.on("mark_read", mark_read(self.chat))
        self.priming = Priming(self.chat, self.hub, self.tasks, lambda: self.settings.prime_browsers)
        self.sources = Sources(self, self.hub)
        self.sources.add(AutoReply(self.chat.posted, store.auto_replies))

    @property
    def state(self) -> ServerState:
        """What the event server does now."""
        if self.services["events"].error:
            return ServerState.BLOCKED
        if not self.server.listening:
            return ServerState.STOPPED
        return ServerState.PAUSED if self.hub.paused else ServerState.LISTENING

    def _why_closed(self) -> str:
        """Return why no client can connect, and what to do; or nothing."""
        match self.state:
            case ServerState.BLOCKED:
                return f"port {self.settings.port} is busy. Stop the program that uses it, or change the port"
            case ServerState.STOPPED:
                return "the server is stopped. Start the server"
        return ""

    @property
    def client_url(self) -> str:
        """Where a client connects, with the token where it needs one."""
        token = f"?token={self.control.token}" if self.settings.require_token and self.control.token else ""
        return f"{self.server.url}{token}"

    @property
    def local_user(self) -> str:
        """The user that a client acts as by default."""
        return self.settings.username

    @property
    def personas(self) -> list[str]:
        """The friends that a person can play, by name."""
        return sorted(self.chat.presence)

    @property
    def opened(self) -> bool:
        """Whether the chat state can be asked."""
        return self._opened

    @property
    def in_memory(self) -> bool:
        """Whether the chat state is lost at the end."""
        return self._database.file.in_memory

    @property
    def newer_chat_file(self) -> str:
        """A sentence if a newer version wrote the chat state: it is not used, and a new one is kept in memory."""
        return self._database.file.newer_file

    @property
    def warnings(self) -> list[str]:
        """What a person must know of the settings and of how the chat state was opened."""
        return [*self._complaints, *self._database.file.warnings]

    async def open(self) -> None:
        """Open the chat state. ``start`` does it, once."""
        async with self._opening:
            if self._opened:
                return
            await self.chat.store.open()
            await self.fixtures.read()
            try:
                if self.settings.presence_decays:
                    await self.chat.store.expire_presence()
                await self.chat.conversations()
            except StorageError as error:
                self._database.file.warnings.append(f"{error}.")
            self._opened = True
            self.sources.start_all()
            self.tasks.spawn(
                expire_presence_periodically(self.chat, self.hub, self._presence_decays), "presence decay"
            )

    def _presence_decays(self) -> bool:
        return self.settings.presence_decays

    async def start(self) -> bool:
        """Listen for clients; return False if that is not possible. ``services["events"].error`` says why."""
        return await self.start_service("events")

    async def start_service(self, name: str) -> bool:
        """Start a service, unless it is switched off; return False with the reason in its ``error``."""
        await self.open()
        service = self.services[name]
        started = await service.start(self.settings)
        if service.error:
            self.hub.log_server_event("not listening", note=service.error, verdict=Verdict.WARNING)
        self.changed.emit(None)
        return started

    async def stop(self) -> None:
        """Close every client's connection and the event port within two seconds. May be called twice."""
        await self.services["events"].stop()
        self.changed.emit(None)

    async def close(self) -> None:
        """End everything: the last call to a companion."""
        await self.sources.stop_all()
        await self.tasks.cancel()
        await self.services.stop()
        self.rest_log.close()
        await self._database.close()

    def pause(self, paused: bool = True) -> None:
        """Keep clients connected but send them nothing, until resumed."""
        if paused != self.hub.paused:
            self.hub.paused = paused
            self.hub.log_server_event("paused" if paused else "resumed")
            self.changed.emit(None)
            if not paused:
                self.priming.resume()

    def save_settings(self, settings: Settings) -> None:
        """Check changed settings and write them to the file; ``apply`` takes them into use.

        Raise ``InvalidSettings`` or ``OSError``; nothing has changed then.
        """
        if errors := change_problems(self.settings, settings, self.personas):
            raise InvalidSettings(errors)
        if self.store_settings:
            self.store_settings(settings)

    async def apply(self, settings: Settings) -> None:
        """Take new settings into use; a new port restarts the server behind it."""
        before, self.settings = self.settings, settings
        self.hub.local_user = settings.username
        if settings.prime_browsers and not before.prime_browsers:
            self.priming.prime_all()
        for service in self.services.changed(before, settings):
            await service.server.stop()  # a fault stays until the new start succeeds
            await self.start_service(service.name)
        if settings.fixtures != before.fixtures:
            await self.fixtures.use(self._library())
        self.changed.emit(None)

    async def log_get_requests(self, on: bool) -> None:
        """Log the UI's GET requests from now on, or no longer. The settings file is not changed."""
        await self.apply(replace(self.settings, log_get_requests=on))

    def use_events(self, types: Iterable[EventType]) -> None:
        """Replace the events of the contract. Connected clients stay connected."""
        self.catalog.replace(types)
        self.router.catalog_changed()
        self.catalog_changed.emit(None)

    async def fire(self, event: Envelope, *, to: Target = ALL, origin: Origin, strict: bool = True) -> Delivery:
        """Store what an event changes, then send it. See ``EventPipeline.fire``."""
        return await self.pipeline.fire(event, to=to, origin=origin, strict=strict)

    async def send_raw(self, text: str, *, to: Target = ALL, origin: Origin) -> Delivery:
        """Send any text as a frame. See ``EventPipeline.send_raw``."""
        return await self.pipeline.send_raw(text, to=to, origin=origin)

    async def send_file(self, file: Path, *, to: Target = ALL, origin: Origin) -> Delivery:
        """Send the text of a file as a frame, exactly as it is. Raises ``RequestError`` if it cannot be read."""
        return await self.composer.fire_text(await asyncio.to_thread(read_frame, file), to=to, origin=origin)

    async def resend(self, row: Row, *, origin: Origin) -> Delivery:
        """Send the frame of a row once more. See ``EventPipeline.resend``."""
        return await self.pipeline.resend(row, origin=origin)

    async def switch_online(self, friend: str, *, origin: Origin) -> Delivery:
        """Fire ``friend_online``."""
        return await self.fire(Envelope("friend_online", {"username": friend}), origin=origin)

    def message_from(self, persona: str, text: str) -> Envelope:
        """Return a new ``new_message`` of a persona to the local user."""
        return self.composer.message_from(persona, text)

    async def wait_for_ready_client(self, to: Target, within_s: float) -> bool:
        """Wait until a client that ``to`` selects is ready; False if none is within ``within_s`` seconds."""
        return await self.readiness.wait(to, within_s)

    async def expect(self, expected: Expectation, within_s: float, after: int | None = None) -> ExpectationResult:
        """Wait for what a client must send; see ``hub.expectation``."""
        return await wait_for(self.journal, self.rest_log, self.clock, expected, within_s, after)

    # these load aiohttp, which takes longer than all the rest: the event server listens first

    def _rest_application(self, door: HttpServer) -> "web.Application":
        from app.endpoints.rest import RestApi

        return RestApi(self.chat, self.hub, self.rest_log, door, self.readiness.friends_requested).application()

    def _control_application(self, door: HttpServer) -> "web.Application":
        from app.endpoints.control.server import ControlApi

        return ControlApi(self, door).application()

    def _limits(self) -> Limits:
        settings = self.settings
        return Limits(
            clients=settings.max_clients,
            connections=settings.max_connections,
            frames_per_s=settings.client_frames_per_s,
            token=(self.control.token or None) if settings.require_token else "",
        )

    def _library(self) -> FixtureLibrary:
        own = self._fixtures_folder
        if self.settings.fixtures:
            try:
                own = Path(self.settings.fixtures).expanduser()
            except RuntimeError:  # ~nobody
                own = None
        built_in = Path(str(files("resources"))) / "fixtures"
        return FixtureLibrary(own, built_in, chosen=bool(self.settings.fixtures))

    async def fire_series(
        self,
        fire: Callable[[], Awaitable[Delivery]],
        told: Callable[[int, Delivery], None],
        *,
        times: int = 1,
        every_s: float = 0.0,
        delay_s: float = 0.0,
    ) -> None:
        """Call ``fire`` several times, and ``told(n, delivery)`` after each. An error of ``fire`` ends it."""
        await RepeatSchedule(times, every_s, delay_s).run(fire, told, self.clock)
