"""Goal 20: comparing the traffic with the contract, at 10,000 events per second to 100 pages."""

import asyncio
import uuid
from collections.abc import Iterator
from statistics import median
from time import process_time

from app.hub.clock import Clock
from app.hub.hub import Hub
from app.hub.journal import Journal
from app.hub.origin import CONTROL
from app.hub.outgoing import Outgoing
from app.hub.rest_exchange import RestExchange
from app.observers.contract_lint import LINT_S, ContractLint
from app.protocol.catalog import built_in
from app.protocol.envelope import Envelope
from tests.benchmarks.bench import Bench
from tests.benchmarks.goals.ui_checks import FRIENDS, PAGE, PAGES, PER_S, SECONDS, NoTasks, Sink, checking
from tests.benchmarks.line import Goal, Line
from tests.benchmarks.servers.load import MESSAGE

BATCH = int(PER_S * LINT_S)


def observing(bench: Bench) -> Iterator[Line]:
    """The lint, and the checks of the UI's state."""
    yield from linting(bench)
    yield from checking(bench)


def linting(bench: Bench) -> Iterator[Line]:
    """The CPU time per event, without and with violations."""
    for what, duplicates in (("all new", False), ("all duplicates", True)):
        spent = [asyncio.run(_spent(duplicates=duplicates)) for _ in range(bench.rounds)]
        lint, publish = (median(each[index] for each in spent) * 1e6 for index in (0, 1))
        figure = f"{lint / publish:.2f} × {publish:.1f} µs for publishing it"
        yield Line(20, f"lint, {what}, {PAGES} pages: per event", figure, Goal(2, "µs", reach=True), lint)


async def _spent(*, duplicates: bool) -> tuple[float, float]:
    """Return the CPU seconds per event that the lint and publishing take."""
    passed = 0.0
    hub = Hub(Journal(clock := Clock(wall=lambda: 1_800_000_000 + passed, mono=lambda: passed)), clock)
    lint = ContractLint(hub, built_in(), NoTasks(), lambda: ())
    for number in range(PAGES):
        agent = f"Chrome/{number}"
        hub.join(Sink(), origin=PAGE, user_agent=agent)
        hub.rest_exchanges.emit(
            RestExchange("GET", "/friends", "", b"", 200, FRIENDS, PAGE, agent, passed, passed + 0.01)
        )
    spent = publish = 0.0
    for _ in range(int(SECONDS / LINT_S)):
        events = [
            Envelope("new_message", {**MESSAGE, "msg_id": MESSAGE["msg_id"] if duplicates else str(uuid.uuid4())})
            for _ in range(BATCH)
        ]
        passed += LINT_S
        start = process_time()
        for event in events:
            hub.send(Outgoing.of(event, origin=CONTROL))
        middle = process_time()
        await lint.catch_up()
        spent += process_time() - middle
        publish += middle - start
    found = lint.tally["duplicate-id"].count
    assert found == (PER_S * SECONDS - 1 if duplicates else 0), found
    lint.close()
    return spent / (PER_S * SECONDS), publish / (PER_S * SECONDS)
