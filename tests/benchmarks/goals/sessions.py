"""Goals 21 and 22: reading a recording of 300,000 rows, and playing one: the rate, and the delays of steps."""

import asyncio
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import perf_counter

import msgspec

from app.companion import Companion
from app.hub.origin import CONTROL
from app.hub.session_run import AS_FAST_AS_POSSIBLE, Options
from app.protocol.envelope import Envelope
from app.protocol.session.lines import parse_lines
from app.protocol.session.steps import Session
from app.system.settings import Settings
from tests.benchmarks.bench import Bench
from tests.benchmarks.build import BUILD
from tests.benchmarks.child import Child, python
from tests.benchmarks.line import Goal, Line
from tests.benchmarks.servers.load import MESSAGE

ROWS = 300_000
BURST = 3_000
STEPS, STEP_S = 100, 0.01
STARTED = "2026-01-01T00:00:00.000Z"


def opening(bench: Bench) -> Iterator[Line]:
    """The time until the first and all rows of a recording are read, and their memory, in a new process each."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        file = Path(folder) / "long.session.jsonl"
        size = write_recording(file, ROWS)
        found = [_opened(file) for _ in range(max(1, min(bench.rounds, 3)))]
    first, all_, memory, plain = (
        median(each[key] for each in found) for key in ("first", "all", "memory", "plain")
    )
    what = f"a recording of {ROWS:,} rows ({size / 1e6:.0f} MB)"
    yield Line(21, f"{what}: first rows", "as the window opens it", Goal(0.3, "s", reach=True), first)
    figure = f"{all_ / plain:.2g}× decoding its lines with msgspec alone ({plain:.2g} s)"
    yield Line(21, f"{what}: all rows", figure, Goal(3, "s", reach=True), all_)
    yield Line(21, f"{what}: memory", "", Goal(150, "MB", reach=True), memory)


def _opened(file: Path) -> dict[str, float]:
    with Child("recording", [*python("tests.benchmarks.servers.recording"), file]) as child:
        return dict(json.loads(child.wait_for("read ")))


def write_recording(file: Path, rows: int) -> int:
    """Write a recording of events, and return its size in bytes."""
    header = {"session": 1, "kind": "recording", "title": "Long", "started": STARTED}
    with file.open("w", encoding="utf-8") as stream:
        stream.write(json.dumps(header) + "\n")
        stream.writelines(json.dumps(_step(number, 0.001)) + "\n" for number in range(1, rows + 1))
        return stream.tell()


def _step(number: int, after: float) -> dict[str, object]:
    payload = msgspec.json.encode(_event(number)).decode()
    return {
        "after": after, "s2c": "new_message", "seq": number, "payload": payload, "recipients": [1],
        "origin": "control",
    }  # fmt: skip


def _event(number: int) -> Envelope:
    return Envelope("new_message", {**MESSAGE, "msg_id": f"00000000-0000-4000-8000-{number:012}"})


def playing(bench: Bench) -> Iterator[Line]:
    """Replay as fast as possible against firing the same events, and the delay of steps against asyncio's timer."""
    rates, delays = asyncio.run(_played(bench.rounds))
    value = median(replayed / fired for fired, replayed in rates)
    fired, replayed = (median(each) for each in zip(*rates, strict=True))
    rate = f"{replayed:,.0f}/s / {fired:,.0f}/s"
    what = f"replay of {BURST:,} events, as fast as possible / firing them"
    yield Line(22, what, rate, Goal(0.7, at_least=True, reach=True), value)
    ours, timer = (median(each) * 1000 for each in zip(*delays, strict=True))
    delay, late = f"{ours:.3g} ms / {timer:.3g} ms", median(one / other for one, other in delays)
    yield Line(22, "replay at 1×, delay of a step: p99 / asyncio's timer", delay, Goal(1.5, reach=True), late)


async def _played(rounds: int) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    companion = Companion(Settings(port=0, rest=False, control=False))
    await companion.start()
    lines = [json.dumps({"session": 1, "kind": "recording", "started": STARTED})]
    fast = parse_lines("\n".join([*lines, *(json.dumps(_step(each, 0)) for each in range(BURST))]) + "\n").session
    slow = parse_lines(
        "\n".join([*lines, *(json.dumps(_step(each, STEP_S)) for each in range(STEPS))]) + "\n"
    ).session
    rates, delays = [], []
    for turn in range(rounds):
        rates.append(
            (
                await _fired(companion, (turn + 1) * BURST),
                BURST / await _replayed(companion, fast, AS_FAST_AS_POSSIBLE),
            )
        )
        before = companion.journal.last_seq
        await _replayed(companion, slow, 1.0)
        times = [row.mono for row in companion.journal.after(before) if row.event == "new_message"]
        delays.append((_p99(times, times[0] - STEP_S), _p99(*await _timer())))
    await companion.close()
    return rates, delays


async def _fired(companion: Companion, first: int) -> float:
    events = [_event(first + number) for number in range(BURST)]
    began = perf_counter()
    for each in events:
        await companion.fire(each, origin=CONTROL, strict=False)
    return BURST / (perf_counter() - began)


async def _replayed(companion: Companion, session: Session, speed: float) -> float:
    began = perf_counter()
    await companion.sessions.wait(companion.sessions.start("replay", session, Options(speed=speed)))
    return perf_counter() - began


async def _timer() -> tuple[list[float], float]:
    """Return the times of a task that sleeps until each step is due, and the time at which it began."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    times = []
    for number in range(1, STEPS + 1):
        await asyncio.sleep(began + number * STEP_S - loop.time())
        times.append(loop.time())
    return times, began


def _p99(times: list[float], began: float) -> float:
    late = sorted(time - began - number * STEP_S for number, time in enumerate(times, 1))
    return max(late[int(len(late) * 0.99) - 1], 1e-5)
