"""Goal 23: seeking in the history of a page of the UI with 100,000 rows, and finding what made a value."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Iterator
from statistics import median
from time import process_time

from app.hub.hub import Hub
from app.hub.journal import MAX_ROWS, Journal, Kind
from app.hub.rest_exchange import RestExchange
from app.observers.ui_state import UiStates
from app.protocol.ui_stores import Flavour
from tests.benchmarks.bench import Bench
from tests.benchmarks.goals.ui_checks import PAGE, Sink
from tests.benchmarks.line import Goal, Line
from tests.benchmarks.servers.load import MESSAGE

FRIENDS = 20
SEEKS = 40
PATHS = ("chat.messages.f1[0].text", "chat.messages.f1[-1].text", "contact.contacts[f1].online", "chat.activeChat")


def seeking(bench: Bench) -> Iterator[Line]:
    """The CPU time of the slowest seek, and of the slowest search for what made a value."""
    found = [asyncio.run(_measured()) for _ in range(max(1, min(bench.rounds, 3)))]
    first, seek, origin = (median(each[index] for each in found) * 1000 for index in range(3))
    rows = f"{MAX_ROWS:,} rows"
    yield Line(23, f"UI state, seeking in {rows}: slowest", f"first state after {first:,.0f} ms of CPU",
               Goal(100, "ms", reach=True), seek)  # fmt: skip
    yield Line(23, f"UI state, what made a value in {rows}: slowest", f"{len(PATHS)} values",
               Goal(100, "ms", reach=True), origin)  # fmt: skip


async def _measured() -> tuple[float, float, float]:
    """Return the CPU seconds until the first state, of the slowest seek, and of the slowest search."""
    hub = Hub(Journal())
    states = UiStates(hub)
    client = hub.join(Sink(), origin=PAGE, user_agent="Chrome").id
    _fill(hub, client)
    first = await _spent(lambda: states.view(client, Flavour.GUIDE))
    last = (await states.view(client, Flavour.GUIDE)).steps
    seeks = []
    for number in random.Random(1).sample(range(last), SEEKS):
        moment = await states.moment_at(client, number)
        seeks.append(await _spent(lambda moment=moment: states.view(client, Flavour.GUIDE, moment)))  # type: ignore[misc]
    origins = [await _spent(lambda path=path: states.origin(client, Flavour.GUIDE, path)) for path in PATHS]  # type: ignore[misc]
    states.close()
    return first, max(seeks), max(origins)


async def _spent(work: Callable[[], Awaitable[object]]) -> float:
    start = process_time()
    await work()
    return process_time() - start


def _fill(hub: Hub, client: int) -> None:
    names = [f"f{number}" for number in range(FRIENDS)]
    friends = json.dumps([{"username": name, "online": False} for name in names]).encode()
    now = hub.clock.mono()
    hub.rest_exchanges.emit(RestExchange("GET", "/friends", "", b"", 200, friends, PAGE, "Chrome", now, now))
    for number in range(MAX_ROWS - 100):
        name = names[number % FRIENDS]
        event, data = "typing", {"username": name, "typing": number % 2 == 0}
        if number % 3:
            event, data = "new_message", {**MESSAGE, "msg_id": str(number), "from": name}
        payload = json.dumps({"event": event, "data": data}).encode()
        hub.journal.append(Kind.TO_UI, event, payload=payload, recipients=(client,))
