from app.hub.journal import Verdict
from app.hub.refused import KEPT, Refused, RefusedLog
from tests.hub.doubles import Stage


def test_a_refusal_is_counted_journalled_and_told(stage: Stage) -> None:
    log = RefusedLog(stage.hub)
    told: list[Refused] = []
    log.added.connect(told.append)
    log.add("events", "no such path", "http://a.example", "curl")
    assert told == [Refused("events", "no such path", "http://a.example", "curl", 1, stage.time.clock.wall())]
    assert (log.latest, log.total) == (told, 1)
    assert [(row.note, row.verdict) for row in stage.rows("refused")] == [("no such path", Verdict.WARNING)]


def test_the_same_refusal_is_one_line_that_counts(stage: Stage) -> None:
    log = RefusedLog(stage.hub)
    for reason in ("a", "b", "a"):
        stage.time.passed += 1
        log.add("events", reason)
    assert [(each.reason, each.times) for each in log.latest] == [("a", 2), ("b", 1)]
    assert log.latest[0].last > log.latest[1].last
    assert log.total == 3


def test_only_the_latest_are_remembered(stage: Stage) -> None:
    log = RefusedLog(stage.hub)
    for number in range(KEPT + 5):
        log.add("REST", str(number))
    assert len(log.latest) == KEPT
    assert (log.latest[0].reason, log.latest[-1].reason) == (str(KEPT + 4), "5")
    assert log.total == KEPT + 5
