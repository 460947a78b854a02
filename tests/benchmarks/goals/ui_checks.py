"""Goal 20: checking what the UI makes of the frames, at 10,000 events per second to 100 pages."""

import asyncio
import uuid
from collections.abc import Coroutine, Iterator
from statistics import median
from time import process_time
from typing import Any

from typing_extensions import override

from app.hub.clock import Clock
from app.hub.hub import Hub
from app.hub.journal import Journal
from app.hub.origin import CONTROL
from app.hub.outgoing import Outgoing
from app.hub.rest_exchange import RestExchange
from app.hub.tasks import Tasks
from app.observers.ui_checks import CHECK_S, UiChecks
from app.observers.ui_state import UiStates
from app.protocol.envelope import Envelope
from tests.benchmarks.bench import Bench
from tests.benchmarks.line import Goal, Line
from tests.benchmarks.servers.load import MESSAGE

PER_S, PAGES, SECONDS = 10_000, 100, 4
BATCH = int(PER_S * CHECK_S)
PAGE = "http://localhost:1420"
FRIENDS = b'[{"username": "alice"}, {"username": "bob"}]'


class Sink:
    """A transport that discards what it gets."""

    def write(self, data: bytes) -> None:
        pass

    def close(self, code: int, reason: str) -> None:
        pass

    def abort(self) -> None:
        pass

    def latency(self) -> float:
        return 0.0


class NoTasks(Tasks):
    """Starts nothing: the benchmark calls ``check`` itself."""

    @override
    def spawn(self, coroutine: Coroutine[Any, Any, Any], name: str) -> "asyncio.Task[Any]":
        coroutine.close()
        return None  # type: ignore[return-value]


def checking(bench: Bench) -> Iterator[Line]:
    """The CPU time per event, without and with frames that leave the UI in a wrong state."""
    for what, duplicates in (("all new", False), ("all duplicates", True)):
        spent = [asyncio.run(_spent(duplicates=duplicates)) for _ in range(bench.rounds)]
        check, publish = (median(each[index] for each in spent) * 1e6 for index in (0, 1))
        figure = f"{check / publish:.2f} × {publish:.1f} µs for publishing it"
        yield Line(20, f"UI state, {what}, {PAGES} pages: per event", figure, Goal(2, "µs", reach=True), check)


async def _spent(*, duplicates: bool) -> tuple[float, float]:
    """Return the CPU seconds per event that checking and publishing take."""
    passed = 0.0
    hub = Hub(Journal(clock := Clock(wall=lambda: passed, mono=lambda: passed)), clock)
    states = UiStates(hub)
    checks = UiChecks(hub, states, NoTasks(), lambda: True)
    for number in range(PAGES):
        agent = f"Chrome/{number}"
        hub.join(Sink(), origin=PAGE, user_agent=agent)
        hub.rest_exchanges.emit(
            RestExchange("GET", "/friends", "", b"", 200, FRIENDS, PAGE, agent, passed, passed + 0.01)
        )
    check = publish = 0.0
    for _ in range(int(SECONDS / CHECK_S)):
        events = [
            Envelope("new_message", {**MESSAGE, "msg_id": MESSAGE["msg_id"] if duplicates else str(uuid.uuid4())})
            for _ in range(BATCH)
        ]
        passed += CHECK_S
        start = process_time()
        for event in events:
            hub.send(Outgoing.of(event, origin=CONTROL))
        middle = process_time()
        await checks.check()
        check += process_time() - middle
        publish += middle - start
    checks.close()
    states.close()
    return check / (PER_S * SECONDS), publish / (PER_S * SECONDS)
