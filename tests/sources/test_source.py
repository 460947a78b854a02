"""The life cycle of sources: they run, end, fail and are stopped, on the companion's clock."""

import asyncio
import itertools

import pytest

from app.companion import Companion
from app.sources.source import Publisher, SourceState
from tests.conftest import MakeCompanion, until
from tests.hub.doubles import FakeTime
from tests.sources.ticker import Ticker


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
async def companion(make_companion: MakeCompanion, time: FakeTime) -> Companion:
    return await make_companion(clock=time.clock, presence_decays=False)


async def test_a_source_is_one_class_and_one_registration(companion: Companion, time: FakeTime) -> None:
    companion.sources.add(Ticker(3))
    companion.sources.start("ticker")
    await until(lambda: companion.sources.state("ticker") is SourceState.DONE)
    rows = [row for row in companion.journal if row.origin.kind == "ticker"]
    assert [(row.event, row.origin) for row in rows] == [
        ("friend_online", "ticker 0"),
        ("friend_offline", "ticker 1"),
        ("friend_online", "ticker 2"),
    ]
    assert [second.mono - first.mono for first, second in itertools.pairwise(rows)] == [60, 60]


async def test_the_built_in_sources_run_with_the_companion(companion: Companion) -> None:
    assert [each.name for each in companion.sources] == ["auto-reply", "supabase"]
    assert companion.sources.state("auto-reply") is SourceState.RUNNING
    await companion.close()
    assert companion.sources.state("auto-reply") is SourceState.STOPPED


class Endless:
    name = "endless"

    def __init__(self) -> None:
        self.ended = 0

    async def run(self, publisher: Publisher) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.ended += 1


async def test_a_source_is_stopped_and_started_again(companion: Companion) -> None:
    source = Endless()
    companion.sources.add(source)
    companion.sources.start("endless")
    companion.sources.start("endless")
    await asyncio.sleep(0)
    await companion.sources.stop("endless")
    await companion.sources.stop("endless")
    assert (source.ended, companion.sources.state("endless")) == (1, SourceState.STOPPED)
    companion.sources.start("endless")
    assert companion.sources.state("endless") is SourceState.RUNNING


class Broken:
    name = "broken"

    async def run(self, publisher: Publisher) -> None:
        raise OSError("no such service")


@pytest.mark.parametrize("expected_warnings", [["the source broken failed"]])
async def test_a_source_that_fails_ends_with_a_row_and_does_not_affect_others(
    companion: Companion, expected_warnings: list[str]
) -> None:
    companion.sources.add(Broken())
    companion.sources.start("broken")
    await until(lambda: companion.sources.state("broken") is SourceState.FAILED)
    (row,) = [row for row in companion.journal if row.event == "source failed"]
    assert row.note == "broken: no such service"
    assert companion.sources.state("auto-reply") is SourceState.RUNNING


async def test_a_source_name_can_be_registered_only_once(companion: Companion) -> None:
    with pytest.raises(ValueError, match="a source named 'auto-reply' is already registered"):
        companion.sources.add(next(iter(companion.sources)))
