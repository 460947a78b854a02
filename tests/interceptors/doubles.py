"""A hub, a router and an event pipeline with breakpoints, on a clock that the test advances."""

import asyncio
from collections.abc import Sequence
from typing import Any

from app.hub.causes import Dropped, RestCall
from app.hub.clients import Client
from app.hub.clock import Clock
from app.hub.held_items import Breakpoint, BreakpointOptions, HeldItem
from app.hub.hub import Delivery
from app.hub.journal import Kind
from app.hub.origin import PANEL
from app.hub.outgoing import Effect
from app.hub.pipeline import Advice, EventPipeline
from app.hub.router import Router
from app.hub.target import ALL, Target
from app.hub.tasks import Tasks
from app.interceptors.breakpoints import Breakpoints
from app.protocol.catalog import built_in
from app.protocol.envelope import Envelope
from tests.conftest import until
from tests.hub.doubles import Stage


class StoredEvents:
    """A chat state that records the stored events."""

    def __init__(self) -> None:
        self.events: list[Envelope] = []

    def advise(self, event: Envelope) -> Advice:
        return Advice()

    async def record(self, event: Envelope) -> Sequence[Effect]:
        await asyncio.sleep(0)
        self.events.append(event)
        return ()

    async def drain(self) -> None:
        await asyncio.sleep(0)


class Workbench(Stage):
    """A stage with breakpoints. ``clock`` replaces the clock that the test advances."""

    def __init__(self, clock: Clock | None = None) -> None:
        super().__init__()
        self.hub.clock = clock or self.time.clock
        self.catalog = built_in()
        self.state = StoredEvents()
        self.tasks = Tasks()
        self.router = Router(self.hub, self.catalog, self.tasks)
        self.pipeline = EventPipeline(self.hub, self.catalog, self.state, self.tasks)
        self.saved_filters: dict[str, str] = {}
        self.breakpoints = Breakpoints(
            self.hub, self.router, self.pipeline, self.catalog, lambda: self.saved_filters
        )
        self.connected = True

    def add(self, filter_: str = "", **options: Any) -> Breakpoint:
        return self.breakpoints.add(BreakpointOptions(filter=filter_, **options))

    @property
    def held(self) -> list[HeldItem]:
        return self.breakpoints.held

    async def fire(self, name: str = "friend_online", data: Any = None, to: Target = ALL) -> Delivery:
        return await self.pipeline.fire(Envelope(name, data or {"username": "bob"}), to=to, origin=PANEL)

    def send(self, client: Client, to: str = "bob") -> None:
        """Receive a frame from a client, as the event server does."""
        self.router.receive(client, f'{{"event":"typing","data":{{"to":"{to}","typing":true}}}}')

    async def call(
        self, method: str = "POST", path: str = "/messages", body: bytes = b"", query: str = ""
    ) -> RestCall:
        """Pass a REST call through the interceptors, as the REST stand-in does. Raises ``Dropped``."""
        cause = RestCall(
            method=method, path=path, query=query, body=body, origin="", user_agent="",
            is_connected=lambda: self.connected,
        )  # fmt: skip
        passed = await self.hub.interceptors.apply_and_wait(cause)
        if passed.then:
            await passed.then()
        return passed

    def start_call(self, *arguments: Any, **options: Any) -> "asyncio.Task[RestCall | Dropped]":
        async def run() -> RestCall | Dropped:
            try:
                return await self.call(*arguments, **options)
            except Dropped as dropped:
                return dropped

        return asyncio.get_running_loop().create_task(run())

    @property
    def from_ui(self) -> list[str]:
        """The client frames that were handled."""
        return [row.payload.decode() for row in self.journal if row.kind is Kind.FROM_UI]

    @property
    def log(self) -> list[tuple[str, str]]:
        """Events and notes of the server's rows, except those about connections."""
        return [
            (row.event, row.note) for row in self.journal
            if row.kind is Kind.SERVER and row.event not in ("connected", "disconnected")
        ]  # fmt: skip

    async def idle(self) -> None:
        """Wait until all tasks that continue have ended."""
        await until(lambda: not self.tasks._running)
