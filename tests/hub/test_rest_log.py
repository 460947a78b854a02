"""REST calls in the journal, with a clock that the test advances."""

import pytest

from app.hub.journal import Row, Verdict
from app.hub.rest_log import FOLD_S, MAX_FOLDED, MAX_UNLOGGED, Call, LogPosition, RestLog
from tests.conftest import until
from tests.hub.doubles import Stage

FRIENDS = Call("GET /friends", b"", "200", Verdict.OK, "me")


class LogStage:
    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.log_gets = True
        self.log = RestLog(stage.journal, stage.time.clock, lambda: self.log_gets)
        self.unlogged: list[Row] = []
        self.log.unlogged.connect(self.unlogged.append)

    @property
    def rows(self) -> list[tuple[str, str]]:
        return [(row.event, row.note) for row in self.stage.journal]


@pytest.fixture
async def log(stage: Stage) -> LogStage:
    return LogStage(stage)


async def test_polls_add_one_row_and_then_one_per_minute_with_their_count(log: LogStage) -> None:
    for _ in range(30):
        log.log.add(FRIENDS)
        log.stage.time.passed += 6
        log.log.flush()
    notes = ["200", "200 · ×9 in 60 s", "200 · ×10 in 60 s", "200 · ×10 in 60 s"]
    assert log.rows == [("GET /friends", note) for note in notes]
    assert len(log.unlogged) == 29


async def test_a_poll_after_a_pause_has_a_row_of_its_own(log: LogStage) -> None:
    log.log.add(FRIENDS)
    log.stage.time.passed += FOLD_S
    log.log.flush()
    log.log.add(FRIENDS)
    assert log.rows == [("GET /friends", "200")] * 2


async def test_close_logs_the_pending_repeat_count(log: LogStage) -> None:
    for _ in range(3):
        log.log.add(FRIENDS)
    log.stage.time.passed += 5
    log.log.close()
    assert log.rows == [("GET /friends", "200"), ("GET /friends", "200 · ×2 in 5 s")]


async def test_a_different_query_and_every_error_have_a_row(log: LogStage) -> None:
    failed = FRIENDS._replace(note="There is no /friend.", verdict=Verdict.INVALID)
    for call in (FRIENDS, FRIENDS._replace(payload=b'{"peer":"bob"}'), failed, failed):
        log.log.add(call)
    assert [note for _, note in log.rows] == ["200", "200", "There is no /friend.", "There is no /friend."]
    log.log.close()


async def test_repeated_requests_that_change_something_all_have_rows(log: LogStage) -> None:
    log.log_gets = False
    for _ in range(2):
        log.log.add(FRIENDS._replace(name="POST /messages"))
    assert len(log.rows) == 2
    assert log.unlogged == []


async def test_many_different_requests_need_no_more_memory(log: LogStage) -> None:
    for number in range(2 * MAX_FOLDED):
        log.log.add(FRIENDS._replace(name=f"GET /messages/{number}"))
    assert len(log.log._folded) <= MAX_FOLDED
    log.log_gets = False
    for _ in range(2 * MAX_UNLOGGED):
        log.log.add(FRIENDS)
    assert len(log.log.after(LogPosition(0))) == MAX_UNLOGGED
    log.log.close()


async def test_a_timer_logs_the_repeat_count_without_a_further_request(
    log: LogStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.hub.rest_log.FOLD_S", 0.0)
    log.log.add(FRIENDS)
    log.log.add(FRIENDS)
    await until(lambda: len(log.rows) == 2)
    log.log.close()
    assert log.rows[1] == ("GET /friends", "200 · ×1 in 0 s")
