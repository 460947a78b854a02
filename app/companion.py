"""The assembled service: starts in order, stops in reverse, and has one door for events: ``fire``."""

import asyncio
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import NamedTuple

from app.chat.read_marks import InMemoryReadMarks, mark_read
from app.chat.typing import forward_typing
from app.endpoints.events import EventServer
from app.endpoints.listening import PortBusy
from app.hub.clock import Clock
from app.hub.hub import Delivery, Hub
from app.hub.journal import Journal, Row
from app.hub.router import Router
from app.hub.signal import Signal
from app.hub.target import ALL, Target
from app.hub.tasks import Tasks
from app.protocol.catalog import Catalog, Problem, built_in
from app.protocol.envelope import BadFrame, Envelope, decode
from app.sources.series import Series
from app.system.ports import holder
from app.system.settings import Settings


class State(StrEnum):
    """What the event server does. A paused server still listens."""

    STOPPED = "stopped"
    LISTENING = "listening"
    PAUSED = "paused"
    BLOCKED = "port busy"


class InvalidEvent(ValueError):
    """An event that breaks the contract was to be fired; ``problems`` says how."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = tuple(problems)


class Fired(NamedTuple):
    """What was fired last, to be fired again."""

    event: Envelope
    to: Target


class Companion:
    """Everything behind the window, the command line and (later) the control API."""

    def __init__(self, settings: Settings, catalog: Catalog | None = None, clock: Clock | None = None) -> None:
        self.settings = settings
        self.catalog = catalog or built_in()
        self.clock = clock or Clock()
        self.journal = Journal(self.clock, settings.journal_rows)
        self.hub = Hub(self.journal, self.clock, settings.username)
        self.router = Router(self.hub, self.catalog)
        self.server = EventServer(self.hub, self.router, settings.port, settings.allowed_origins)
        self.read_marks = InMemoryReadMarks()
        self.changed: Signal[None] = Signal()
        """The state or the settings have changed."""
        self.last_fired: Fired | None = None
        self.tasks = Tasks()
        """Whatever runs in the background until ``close``."""
        self.trouble = ""
        """Why the server is not listening although it should."""
        self.router.on("typing", forward_typing(self.hub))
        self.router.on("mark_read", mark_read(self.read_marks))

    @property
    def state(self) -> State:
        """What the event server does now."""
        if self.trouble:
            return State.BLOCKED
        if not self.server.listening:
            return State.STOPPED
        return State.PAUSED if self.hub.paused else State.LISTENING

    async def start(self) -> bool:
        """Listen; False with the reason in ``trouble`` when that is not possible."""
        self.trouble = ""
        try:
            await self.server.start(self.settings.port)
        except PortBusy as busy:
            who = holder(busy.port)
            self.trouble = f"Port {busy.port} is busy" + (f": {who} listens on it." if who else ".")
        except OSError as error:
            self.trouble = f"The event server could not start: {error.strerror or error}."
        self.changed.emit(None)
        return not self.trouble

    async def stop(self) -> None:
        """Close every connection and the port within two seconds. May be called twice."""
        self.trouble = ""
        await self.server.stop()
        self.changed.emit(None)

    async def close(self) -> None:
        """End what runs in the background, then ``stop``: the last call to a companion."""
        await self.tasks.cancel()
        await self.stop()

    def pause(self, paused: bool = True) -> None:
        """Keep clients connected but send them nothing, until resumed."""
        if paused != self.hub.paused:
            self.hub.paused = paused
            self.hub.tell("paused" if paused else "resumed")
            self.changed.emit(None)

    async def apply(self, settings: Settings) -> None:
        """Take new settings into use; a new port restarts the server."""
        moved = settings.port != self.settings.port
        self.settings = settings
        self.hub.local_user = settings.username
        self.server.allowed_origins = settings.allowed_origins
        if moved:
            await self.stop()
            await self.start()
        self.changed.emit(None)

    def fire(self, event: Envelope, *, to: Target = ALL, origin: str) -> Delivery:
        """Send an event that keeps the contract. Raises ``InvalidEvent``."""
        if problems := self.catalog.problems(event):
            raise InvalidEvent(problems)
        if event.event == "new_message" and event.data["direction"] == "received":
            self.read_marks.add(event.data["to"], event.data["from"], event.data["msg_id"])
        self.last_fired = Fired(event, to)
        return self.hub.publish(event, to=to, origin=origin)

    def fire_series(
        self,
        fire: Callable[[], Delivery],
        told: Callable[[int, Delivery], None],
        *,
        times: int = 1,
        every_s: float = 0.0,
        delay_s: float = 0.0,
    ) -> "asyncio.Task[None]":
        """Call ``fire`` several times; ``told(n, delivery)`` hears of each. Cancelling the task ends it."""
        series = Series(times, every_s, delay_s)
        return self.tasks.spawn(series.run(fire, told, self.clock), "fire a series")

    def resend(self, row: Row, *, origin: str) -> Delivery:
        """Send the very bytes of a row that went to the UI once more. Raises ``ValueError`` for other rows."""
        return self.hub.resend(row, origin=origin)

    def fire_malformed(self, text: str, *, to: Target = ALL, origin: str) -> Delivery:
        """Send any text as a frame, exactly as it is. Raises ``ValueError`` for text that is no Unicode."""
        return self.hub.publish_raw(text, to=to, origin=origin, why=self.why_malformed(text))

    def why_malformed(self, text: str) -> str:
        """Say in which way ``text`` breaks the contract; nothing when it keeps it."""
        try:
            problems = self.catalog.problems(decode(text))
        except BadFrame as bad:
            return str(bad)
        return "; ".join(map(str, problems))
