"""The rejection log: counts, the latest rejections, and the limit of rows."""

from app.hub.journal import Verdict
from app.hub.rejection_log import MAX_KEPT, MAX_REMEMBERED, MAX_ROWS_PER_S, RejectionLog, RejectionStats
from tests.hub.doubles import Stage


def test_a_rejection_is_counted_journaled_and_emitted(stage: Stage) -> None:
    log = RejectionLog(stage.hub)
    emitted: list[RejectionStats] = []
    log.added.connect(emitted.append)
    log.add("events", "no such path", "http://a.example", "curl")
    assert emitted == [
        RejectionStats("events", "no such path", "http://a.example", "curl", 1, stage.time.clock.wall())
    ]
    assert (log.latest, log.total) == (emitted, 1)
    assert [(row.note, row.verdict) for row in stage.rows("refused")] == [("no such path", Verdict.WARNING)]


def test_repeated_rejections_are_counted_in_one_entry(stage: Stage) -> None:
    log = RejectionLog(stage.hub)
    for reason in ("a", "b", "a"):
        stage.time.passed += 1
        log.add("events", reason)
    assert [(each.reason, each.times) for each in log.latest] == [("a", 2), ("b", 1)]
    assert log.latest[0].last > log.latest[1].last
    assert log.total == 3


def test_only_the_latest_rejections_are_kept(stage: Stage) -> None:
    log = RejectionLog(stage.hub)
    for number in range(MAX_KEPT + 5):
        log.add("REST", str(number))
    assert len(log.latest) == MAX_KEPT
    assert (log.latest[0].reason, log.latest[-1].reason) == (str(MAX_KEPT + 4), "5")
    assert log.total == MAX_KEPT + 5


def test_repeated_rejections_add_one_row_per_second_with_their_number(stage: Stage) -> None:
    log = RejectionLog(stage.hub)
    for _ in range(1000):
        log.add("REST", "evil")
    stage.time.passed += 1
    log.add("REST", "evil")
    assert [row.note for row in stage.rows("refused")] == ["evil", "evil (and 999 more since the previous row)"]
    assert (log.total, log.latest[0].times) == (1001, 1001)


def test_a_harmless_rejection_is_counted_without_a_warning_or_a_signal(stage: Stage) -> None:
    log = RejectionLog(stage.hub)
    emitted: list[object] = []
    log.added.connect(emitted.append)
    for _ in range(3):
        log.add_harmless("events", "it closed")
    assert [(row.event, row.note, row.verdict) for row in stage.journal] == [
        ("closed early", "it closed", Verdict.OK)
    ]
    assert (log.total, log.latest, emitted) == (3, [], [])


def test_few_reasons_are_remembered(stage: Stage) -> None:
    """Regression: reasons of rows that are not kept as rejections were remembered for ever."""
    log = RejectionLog(stage.hub)
    for number in range(3 * MAX_REMEMBERED):
        stage.time.passed += 0.1
        log.journal("peers", f"a duplicate: {number}", "duplicate")
    assert len(log._last_row_at) <= MAX_REMEMBERED + 1


def test_the_rows_of_different_rejections_are_limited_per_second(stage: Stage) -> None:
    log = RejectionLog(stage.hub)
    for number in range(1000):
        log.add("events", f"no such path: {number}")
    assert len(stage.rows("refused")) == MAX_ROWS_PER_S
    stage.time.passed += 1
    log.add("events", "other reason")
    assert (
        stage.rows("refused")[-1].note == f"other reason (and {1000 - MAX_ROWS_PER_S} more since the previous row)"
    )
