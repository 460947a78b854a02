"""Armed refusals with a fake clock: their number, their time, their order, and to whom they apply."""

import asyncio

import pytest

from app.hub import refusals as module
from app.hub.clients import Handshake
from app.hub.origin import CONTROL
from app.hub.refusals import MAX_ARMED, Refusals
from app.hub.tasks import Tasks
from app.protocol.errors import Conflict, Invalid
from app.protocol.refusals import MAX_REFUSAL_S, MAX_REFUSALS, parse_mode
from tests.conftest import until
from tests.hub.doubles import NoTasks, Stage

PAGE = Handshake("http://localhost:1420", "Chrome/140")
OTHER = Handshake("http://localhost:1420", "Firefox/140")
STATUS = parse_mode("503")


class Bench(Stage):
    """A hub with refusals. ``log`` lists their signals."""

    def __init__(self) -> None:
        super().__init__()
        self.refusals = Refusals(self.hub, NoTasks())
        self.log: list[str] = []
        self.refusals.changed.connect(lambda _: self.log.append("changed"))
        self.refusals.ended.connect(lambda _: self.log.append("ended"))

    def arm(self, count: int | None = None, for_s: float | None = None, mode: str = "503") -> module.ArmedRefusal:
        return self.refusals.arm(parse_mode(mode), count, for_s, origin=CONTROL)

    def take(self, number: int = 1) -> list[str]:
        taken = [self.refusals.take(PAGE) for _ in range(number)]
        return [str(each.mode) if each else "" for each in taken]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_nothing_is_armed_at_first(bench: Bench) -> None:
    assert bench.take() == [""]
    assert bench.refusals.armed == ()


def test_a_number_of_connections_is_refused(bench: Bench) -> None:
    armed = bench.arm(2)
    assert bench.take(3) == ["503", "503", ""]
    assert (armed.refused, armed.left, bench.refusals.is_armed(armed)) == (2, 0, False)
    assert bench.log == 3 * ["changed"]


def test_without_a_number_and_a_time_one_is_refused(bench: Bench) -> None:
    bench.arm()
    assert bench.take(2) == ["503", ""]


def test_all_are_refused_for_a_time(bench: Bench) -> None:
    armed = bench.arm(for_s=10)
    assert bench.take(100) == 100 * ["503"]
    assert bench.refusals.describe(armed) == "all connections for 10 s (503)"
    bench.time.passed = 9.9
    assert bench.take() == ["503"]
    bench.time.passed = 10
    assert bench.refusals.armed == ()
    assert bench.take() == [""]
    assert bench.log[-2:] == ["ended", "changed"]


def test_all_are_not_more_than_the_largest_number(bench: Bench) -> None:
    bench.arm(for_s=MAX_REFUSAL_S)
    assert "" not in bench.take(MAX_REFUSALS)
    assert bench.take() == [""]


def test_a_number_within_a_time_ends_with_either(bench: Bench) -> None:
    bench.arm(1, 5)
    assert bench.take(2) == ["503", ""]
    bench.arm(1, 5)
    bench.time.passed = 5
    assert bench.take() == [""]


def test_a_number_ends_after_the_longest_time(bench: Bench) -> None:
    bench.arm(5)
    bench.time.passed = MAX_REFUSAL_S
    assert bench.take() == [""]


def test_the_first_armed_is_used_first(bench: Bench) -> None:
    bench.arm(1, mode="reset")
    bench.arm(2, mode="close:1013")
    assert bench.take(4) == ["reset", "close:1013", "close:1013", ""]


def test_refusals_may_be_limited_to_one_browser(bench: Bench) -> None:
    armed = bench.refusals.arm(STATUS, 1, origin=CONTROL, only=PAGE)
    assert bench.refusals.describe(armed) == "the next connection of http://localhost:1420 (503)"
    assert bench.refusals.take(OTHER) is None
    assert bench.take(2) == ["503", ""]


def test_what_is_left_is_described(bench: Bench) -> None:
    armed = bench.arm(1_234)
    assert bench.refusals.describe(armed) == "the next 1,234 connections (503)"
    assert bench.refusals.remaining(armed) == "1,234 more, 503"
    assert bench.refusals.remaining(bench.arm(for_s=3, mode="silence")) == "silence"
    taken = bench.refusals.take(PAGE)
    assert taken
    assert taken.left == 1_233


def test_everything_can_be_removed(bench: Bench) -> None:
    bench.arm(2)
    bench.arm(for_s=3)
    assert bench.refusals.disarm_all() == 2
    assert bench.take() == [""]
    assert bench.log == ["changed", "changed", "ended", "changed"]
    assert bench.refusals.disarm_all() == 0


def test_one_can_be_removed_and_the_others_stay(bench: Bench) -> None:
    first, second = bench.arm(1, mode="reset"), bench.arm(1)
    bench.refusals.disarm(first, first)
    assert bench.refusals.armed == (second,)
    assert "ended" not in bench.log


def test_arming_and_the_end_are_rows(bench: Bench) -> None:
    bench.arm(3)
    bench.refusals.disarm_all()
    assert [(row.event, row.note) for row in bench.journal] == [
        ("refusing", "the next 3 connections (503)"),
        ("accepting again", "all connections are accepted"),
    ]
    assert bench.rows("refusing")[0].origin == CONTROL


@pytest.mark.parametrize(("count", "for_s"), [(0, None), (MAX_REFUSALS + 1, None), (None, 0.0), (1, 600.1)])
def test_limits(bench: Bench, count: int | None, for_s: float | None) -> None:
    with pytest.raises(Invalid, match="must be"):
        bench.arm(count, for_s)


def test_at_most_so_many_are_armed_at_a_time(bench: Bench) -> None:
    for _ in range(MAX_ARMED):
        bench.arm()
    with pytest.raises(Conflict, match="20 refusals are armed already"):
        bench.arm()
    bench.take()
    bench.arm()


async def test_the_end_of_the_time_is_noticed_without_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    stage, tasks = Stage(), Tasks()
    refusals = Refusals(stage.hub, tasks)
    ended: list[None] = []
    refusals.ended.connect(ended.append)
    refusals.arm(STATUS, for_s=0.01, origin=CONTROL)
    stage.time.passed = 1
    await until(lambda: ended)
    assert [row.event for row in stage.journal] == ["refusing", "accepting again"]
    await tasks.cancel()


async def test_the_timer_of_removed_refusals_ends() -> None:
    stage, tasks = Stage(), Tasks()
    refusals = Refusals(stage.hub, tasks)
    refusals.arm(STATUS, origin=CONTROL)
    refusals.take(PAGE)
    refusals.arm(STATUS, origin=CONTROL)
    refusals.disarm_all()
    await asyncio.wait_for(tasks.join(), 10)
