"""The reconnect lab with a virtual clock and pages that reconnect correctly, or with a planted bug."""

import asyncio
import heapq
from collections.abc import AsyncIterator, Callable
from itertools import count
from typing import Any

import pytest
from typing_extensions import override

from app.hub.clients import Client, Ending, Handshake
from app.hub.clock import Clock
from app.hub.hub import Hub
from app.hub.journal import Journal, Verdict
from app.hub.lab_run import LabRun
from app.hub.refusals import Refusals
from app.hub.tasks import Tasks
from app.observers.reconnects import ReconnectWatch
from app.protocol.constants import WS_MAX_RECONNECT_ATTEMPTS, reconnect_delay_ms
from app.protocol.errors import Conflict, Invalid
from app.protocol.reconnect_lab import LabOptions, LabOutcome
from app.protocol.refusals import RefusalKind, parse_mode
from app.sources.reconnect_lab import ReconnectLab
from tests.hub.doubles import RecordingTransport

CHROME = Handshake("http://localhost:1420", "Chrome/140")
STEPS = 20
"""Iterations of the loop between two steps of the clock, in which all tasks that woke up reach their next pause."""

Delays = Callable[[int], float | None]
"""Returns the delay before an attempt in seconds, counted from 1; None to give up."""


class VirtualTime:
    """A clock on which several tasks sleep. It advances to the next end of a pause when all of them sleep."""

    def __init__(self) -> None:
        self.now = 0.0
        self._sleeping: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = count()
        self.clock = Clock(wall=lambda: 1_700_000_000 + self.now, mono=lambda: self.now, sleep=self.sleep)

    async def sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleeping, (self.now + seconds, next(self._numbers), woken))
        await woken

    async def run_until(self, is_met: Callable[[], bool], limit_s: float = 2_000) -> None:
        while not is_met():
            for _ in range(STEPS):
                await asyncio.sleep(0)
            if is_met():
                return
            assert self.now < limit_s, "nothing happens any more"
            self.now, _, woken = heapq.heappop(self._sleeping)
            if not woken.done():
                woken.set_result(None)


class Bench:
    """A hub with the lab, and pages that reconnect after the delays of a function."""

    def __init__(self) -> None:
        self.time = VirtualTime()
        self.hub = Hub(Journal(self.time.clock), self.time.clock)
        self.tasks = Tasks()
        self.refusals = Refusals(self.hub, self.tasks)
        self.watch = ReconnectWatch(self.hub)
        self.hub.listening_changed.emit(True)
        self.lab = ReconnectLab(self.hub, self.refusals, lambda: self.watch, self.tasks)

    def page(self, delays: Delays, handshake: Handshake = CHROME) -> "Page":
        return Page(self, delays, handshake)

    async def run(self, mode: str = "503", attempts: int = 5, **options: Any) -> LabRun:
        run = self.lab.start(LabOptions(parse_mode(mode), attempts, **options))
        await self.time.run_until(lambda: run.ended)
        return run


class Page:
    """A page in a browser: it reconnects after each disconnect and each refused attempt."""

    def __init__(self, bench: Bench, delays: Delays, handshake: Handshake) -> None:
        self._bench, self._delays, self._handshake = bench, delays, handshake
        self.attempts = self._failed = 0
        self.client: Client | None = None
        self._join()

    def _join(self) -> None:
        page = self

        class Transport(RecordingTransport):
            @override
            def close(self, code: int, reason: str) -> None:
                super().close(code, reason)
                page.disconnected(code)

        self._failed = 0
        self.client = self._bench.hub.join(
            Transport(), origin=self._handshake.origin, user_agent=self._handshake.user_agent
        )

    def disconnected(self, code: int) -> None:
        assert self.client
        self.client.ending = Ending(code, by_client=False)
        self._bench.hub.leave(self.client)
        self.client = None
        self._bench.tasks.spawn(self._reconnect(), "reconnect")

    async def _reconnect(self) -> None:
        while self.client is None:
            delay = self._delays(self._failed + 1)
            if delay is None:
                return
            await self._bench.time.sleep(delay)
            await self._attempt()

    async def _attempt(self) -> None:
        self.attempts += 1
        self._failed += 1
        hub = self._bench.hub
        refused = self._bench.refusals.take(self._handshake)
        if refused is None:
            self._join()
        elif refused.mode.kind is RefusalKind.CLOSE:
            self._failed = 0
            hub.closed_at_once.emit(self._handshake)
        elif refused.mode.kind is RefusalKind.SILENCE:
            hub.unanswered.emit((self._handshake, self.attempts))
            await self._bench.time.sleep(5)
            hub.unanswered_ended.emit((self._handshake, self.attempts))
        else:
            hub.refused.emit(self._handshake)


def correct(number: int) -> float | None:
    return None if number > WS_MAX_RECONNECT_ATTEMPTS else reconnect_delay_ms(number) / 1000 + 0.02


def no_growth(number: int) -> float | None:
    return None if number > WS_MAX_RECONNECT_ATTEMPTS else 3.02


def gives_up_after_three(number: int) -> float | None:
    return None if number > 3 else correct(number)


def never_gives_up(number: int) -> float | None:
    return reconnect_delay_ms(number) / 1000 + 0.02


def at_once_after_a_refusal(number: int) -> float | None:
    return 3.02 if number == 1 else 0.01


def too_late(number: int) -> float | None:
    return reconnect_delay_ms(number) / 1000 + 1.5


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    yield bench
    await bench.tasks.cancel()
    bench.watch.close()


async def test_a_correct_ui_fits(bench: Bench) -> None:
    bench.page(correct)
    run = await bench.run()
    assert run.report.outcome is LabOutcome.FITS
    assert run.report.lines == [
        "attempt 1 after 3.0 s (3 s) ✓",
        "attempt 2 after 4.5 s (4.5 s) ✓",
        "attempt 3 after 6.8 s (6.75 s) ✓",
        "attempt 4 after 10.1 s (10.125 s) ✓",
        "attempt 5 after 15.2 s (15.188 s) ✓",
    ]
    assert run.report.text == (
        "5 of 10 attempts seen · all fit ✓ · no jitter: 40 clients would reconnect simultaneously"
    )


async def test_after_the_last_attempt_the_ui_is_let_in(bench: Bench) -> None:
    page = bench.page(correct)
    await bench.run(attempts=2)
    assert bench.refusals.armed == ()
    await bench.time.run_until(lambda: page.client is not None)
    assert page.attempts == 3


async def test_all_ten_attempts_include_giving_up(bench: Bench) -> None:
    bench.page(correct)
    run = await bench.run(attempts=10)
    assert run.report.outcome is LabOutcome.FITS
    assert run.report.gave_up == "fits"
    assert "10 of 10 attempts seen · all fit ✓ · gave up after 10 ✓ · no jitter" in run.report.text
    assert run.report.elapsed_s < 600


async def test_the_verdict_finds_a_delay_that_does_not_grow(bench: Bench) -> None:
    bench.page(no_growth)
    run = await bench.run(attempts=3)
    assert run.report.outcome is LabOutcome.DEVIATES
    assert run.report.text == (
        "3 of 10 attempts seen · attempt 2 after 3.0 s (4.5 s) ✗ too early · "
        "attempt 3 after 3.0 s (6.75 s) ✗ too early"
    )


async def test_the_verdict_finds_a_ui_that_gives_up_too_early(bench: Bench) -> None:
    bench.page(gives_up_after_three)
    run = await bench.run(attempts=5)
    assert run.report.outcome is LabOutcome.INCOMPLETE
    assert run.report.gave_up == "missing"
    assert "3 of 10 attempts seen · all fit ✓ · gave up after 3 ✗ (attempt 4 expected after 10.1" in run.report.text
    assert run.report.elapsed_s < 30, "it does not wait for the time limit"


async def test_the_verdict_finds_a_ui_that_never_gives_up(bench: Bench) -> None:
    bench.page(never_gives_up)
    run = await bench.run(attempts=10)
    assert run.report.outcome is LabOutcome.DEVIATES
    assert "attempt 11 after 173.0 s (none expected) ✗ should have given up" in run.report.text


async def test_the_verdict_finds_a_ui_that_reconnects_at_once_after_a_refusal(bench: Bench) -> None:
    bench.page(at_once_after_a_refusal)
    run = await bench.run()
    assert run.report.outcome is LabOutcome.DEVIATES
    assert run.report.lines[:2] == ["attempt 1 after 3.0 s (3 s) ✓", "attempt 2 after 0.0 s (4.5 s) ✗ too early"]
    assert run.report.text.startswith("5 of 10 attempts seen · attempt 2 after 0.0 s (4.5 s) ✗ too early · ")
    assert run.report.text.endswith(" · 1 more does not fit")


async def test_a_late_attempt_is_late_and_not_missing(bench: Bench) -> None:
    bench.page(too_late)
    run = await bench.run(attempts=2)
    assert run.report.outcome is LabOutcome.DEVIATES
    assert run.report.lines[0] == "attempt 1 after 4.5 s (3 s) ✗ too late"


async def test_after_a_connection_that_is_closed_at_once_the_ui_counts_from_one(bench: Bench) -> None:
    bench.page(correct)
    run = await bench.run("close:1013", attempts=3)
    assert run.report.outcome is LabOutcome.FITS
    assert run.report.lines == 3 * ["attempt 1 after 3.0 s (3 s) ✓"]
    assert run.report.text.startswith("3 attempts seen, each after a disconnect · all fit ✓")


async def test_a_delay_counts_from_the_end_of_a_silent_connection(bench: Bench) -> None:
    bench.page(correct)
    run = await bench.run("silence", attempts=3)
    assert run.report.outcome is LabOutcome.FITS, run.report.text
    assert run.report.lines[2] == "attempt 3 after 6.8 s (6.75 s) ✓"


async def test_too_few_attempts_within_the_time(bench: Bench) -> None:
    bench.page(correct)
    run = await bench.run(attempts=5, within_s=8)
    assert run.report.outcome is LabOutcome.INCOMPLETE
    assert run.report.text == "2 of 10 attempts seen · all fit ✓ · fewer than 5 came within 8 s"
    assert bench.refusals.armed == ()


async def test_a_run_ends_if_the_refusals_are_removed(bench: Bench) -> None:
    bench.page(correct)
    run = bench.lab.start(LabOptions(parse_mode("503")))
    await bench.time.run_until(lambda: len(run.report.attempts) == 2)
    bench.refusals.disarm_all()
    await bench.time.run_until(lambda: run.ended)
    assert run.report.outcome is LabOutcome.INCOMPLETE
    assert run.report.ending == "the refusals were removed, and the UI is connected"


async def test_a_run_can_be_stopped(bench: Bench) -> None:
    bench.page(correct)
    run = bench.lab.start(LabOptions(parse_mode("503")))
    await bench.time.run_until(lambda: len(run.report.attempts) == 1)
    await bench.lab.stop()
    assert (run.report.outcome, bench.refusals.armed) == (LabOutcome.STOPPED, ())
    assert run.report.text == "1 of 10 attempts seen · all fit ✓ · stopped"
    await bench.lab.stop()


async def test_a_run_that_is_stopped_before_its_task_begins_ends(bench: Bench) -> None:
    bench.page(correct)
    run = bench.lab.start(LabOptions(parse_mode("503")))
    await bench.lab.stop()
    assert (run.report.outcome, bench.refusals.armed) == (LabOutcome.STOPPED, ())
    bench.page(correct)
    assert not bench.lab.start(LabOptions(parse_mode("503"))).ended


async def test_a_run_that_fails_ends(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, expected_warnings: list[str]
) -> None:
    expected_warnings.append("task reconnect lab failed")
    monkeypatch.setattr(bench.watch, "report", lambda _: 1 / 0)
    bench.page(correct)
    run = bench.lab.start(LabOptions(parse_mode("503")))
    await bench.time.run_until(lambda: run.ended)
    assert (run.report.outcome, bench.refusals.armed) == (LabOutcome.INCOMPLETE, ())
    assert run.report.text == "0 of 10 attempts seen · internal error"


async def test_another_run_starts_only_after_the_end(bench: Bench) -> None:
    bench.page(correct)
    bench.lab.start(LabOptions(parse_mode("503")))
    with pytest.raises(Conflict, match="running already"):
        bench.lab.start(LabOptions(parse_mode("503")))


async def test_the_browser_has_to_be_chosen_if_several_are_connected(bench: Bench) -> None:
    with pytest.raises(Conflict, match="No client is connected"):
        bench.lab.start(LabOptions(parse_mode("503")))
    other = bench.page(correct, Handshake("", "python"))
    page = bench.page(correct)
    with pytest.raises(Conflict, match=r"Choose a client: 1 \(python\), 2 \(http://localhost:1420\)"):
        bench.lab.start(LabOptions(parse_mode("503")))
    with pytest.raises(Conflict, match="Client 9 is not connected"):
        bench.lab.start(LabOptions(parse_mode("503"), client=9))
    run = await bench.run(attempts=1, client=2)
    assert (run.report.closed, run.report.outcome) == ((2,), LabOutcome.FITS)
    assert (page.attempts, other.attempts) == (1, 0)
    assert other.client


async def test_connections_of_others_are_not_refused(bench: Bench) -> None:
    bench.page(correct)
    bench.lab.start(LabOptions(parse_mode("503")))
    assert bench.refusals.take(Handshake("", "python")) is None
    assert bench.refusals.take(CHROME)


@pytest.mark.parametrize(
    "options", [{"attempts": 0}, {"attempts": 11}, {"within_s": 0}, {"within_s": 901}, {"code": 1005}]
)
def test_options_have_limits(options: dict[str, int]) -> None:
    with pytest.raises(Invalid):
        LabOptions(parse_mode("503"), **options).check()


async def test_the_verdict_is_a_row_of_the_log(bench: Bench) -> None:
    bench.page(no_growth)
    run = await bench.run(attempts=2)
    (row,) = [each for each in bench.hub.journal if each.event == "reconnect lab"]
    assert (row.note, row.verdict) == (run.report.text, Verdict.WARNING)


async def test_a_change_can_be_waited_for(bench: Bench) -> None:
    bench.page(correct)
    run = bench.lab.start(LabOptions(parse_mode("503"), 2))
    versions = []
    while not run.ended:
        waiting = asyncio.ensure_future(run.wait_for_change(run.version))
        await bench.time.run_until(waiting.done)
        versions.append((run.version, len(run.report.attempts)))
    assert versions == [(1, 1), (2, 2)]


async def test_attempts_of_several_pages_count_by_their_number(bench: Bench) -> None:
    """Regression: a run with two pages and 3 attempts ended at attempt 2, as if the UI had reached the third."""
    bench.page(correct)
    bench.page(correct)
    report = (await bench.run(attempts=3)).report
    assert [each.attempt.number for each in report.attempts][:5] == [1, 1, 2, 2, 3]
    assert report.outcome is LabOutcome.FITS
    assert report.text.startswith("3 of 10 attempts seen · all fit ✓")
    assert report.text.endswith("a guess: several pages are open")
