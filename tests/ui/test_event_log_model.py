"""The table model of the live log."""

import json
import re
from random import Random
from typing import Any

import pytest
from PySide6.QtCore import Qt

from app.hub import search
from app.hub.clock import Clock
from app.hub.filter import Filter, parse
from app.hub.journal import Journal, Kind, Row, Verdict
from app.hub.origin import PANEL, REST, TRAY, Origin, client_origin
from app.hub.row_store import RowStore
from app.ui.models import event_log
from app.ui.models.event_log import FLUSH_MS, Col, EventLogModel, TimeStyle, clock, result, summary
from app.ui.models.last_fire import LastFire


class Times:
    """Wall and monotonic time that a test sets."""

    now = 1_700_000_000.0

    def clock(self) -> Clock:
        return Clock(wall=lambda: self.now, mono=lambda: self.now - 1_699_999_000.0)


@pytest.fixture
def times() -> Times:
    return Times()


@pytest.fixture
def journal(times: Times) -> Journal:
    return Journal(times.clock(), max_rows=10)


@pytest.fixture
def model(journal: Journal, qtmodeltester: Any) -> Any:
    model = EventLogModel(journal)
    qtmodeltester.check(model)  # also checks all later signals
    yield model
    model.close()


def append(journal: Journal, number: int, event: str = "typing", **options: Any) -> None:
    for _ in range(number):
        payload = json.dumps({"event": event, "data": {"username": "alice", "typing": True}}).encode()
        journal.append(Kind.TO_UI, event, payload=payload, origin=PANEL, **options)


def numbers(model: EventLogModel) -> list[int]:
    return [model.row(line).seq for line in range(model.rowCount())]


def text(model: EventLogModel, line: int, column: Col) -> str:
    return str(model.data(model.index(line, column), Qt.ItemDataRole.DisplayRole))


def test_rows_of_the_journal_are_shown_initially(journal: Journal) -> None:
    append(journal, 3)
    model = EventLogModel(journal)
    assert numbers(model) == [1, 2, 3]
    model.close()


def test_a_flush_inserts_all_new_rows_at_once(journal: Journal, model: EventLogModel) -> None:
    inserts: list[tuple[int, int]] = []
    flushed: list[int] = []
    model.rowsInserted.connect(lambda _, first, last: inserts.append((first, last)))
    model.flushed.connect(flushed.append)
    append(journal, 5)
    assert model.rowCount() == 0
    model.flush()
    assert inserts == [(0, 4)]
    assert flushed == [5]
    append(journal, 2)
    model.flush()
    assert inserts == [(0, 4), (5, 6)]
    assert numbers(model) == [1, 2, 3, 4, 5, 6, 7]


def test_new_rows_are_flushed_automatically(journal: Journal, model: EventLogModel, qtbot: Any) -> None:
    with qtbot.waitSignal(model.flushed):
        append(journal, 4)
    assert numbers(model) == [1, 2, 3, 4]


def test_dropped_rows_are_removed_at_once(journal: Journal, model: EventLogModel) -> None:
    append(journal, 8)
    model.flush()
    removed: list[tuple[int, int]] = []
    model.rowsRemoved.connect(lambda _, first, last: removed.append((first, last)))
    append(journal, 5)
    model.flush()
    assert removed == [(0, 2)]
    assert numbers(model) == list(range(4, 14))


def test_a_flush_handles_more_new_rows_than_the_journal_can_hold(journal: Journal, model: EventLogModel) -> None:
    append(journal, 8)
    model.flush()
    append(journal, 100)
    model.flush()
    assert numbers(model) == list(range(99, 109))


def test_with_a_filter_only_shown_rows_are_removed(journal: Journal, model: EventLogModel) -> None:
    for _ in range(5):
        append(journal, 1, "typing")
        append(journal, 1, "friend_online")
    model.flush()
    model.set_filter("event:typing")
    assert numbers(model) == [1, 3, 5, 7, 9]
    append(journal, 4, "friend_online")
    model.flush()
    assert numbers(model) == [5, 7, 9]


def test_a_filter_applies_to_old_and_new_rows(journal: Journal, model: EventLogModel) -> None:
    append(journal, 2, "typing")
    append(journal, 2, "friend_online")
    model.flush()
    assert model.set_filter("event:friend_online") == ()
    assert numbers(model) == [3, 4]
    append(journal, 1, "typing")
    append(journal, 1, "friend_online")
    model.flush()
    assert numbers(model) == [3, 4, 6]
    model.set_filter("")
    assert numbers(model) == [1, 2, 3, 4, 5, 6]


def test_an_invalid_filter_returns_a_warning(model: EventLogModel) -> None:
    assert "unknown key" in model.set_filter("colour:red")[0]


def test_a_filter_set_between_append_and_flush_shows_no_row_twice(journal: Journal, model: EventLogModel) -> None:
    append(journal, 2)
    model.flush()
    append(journal, 2)
    model.set_filter("event:typing")
    model.flush()
    assert numbers(model) == [1, 2, 3, 4]


def test_a_frozen_log_does_not_change_and_catches_up_later(journal: Journal, model: EventLogModel) -> None:
    append(journal, 2)
    model.flush()
    model.set_frozen(True)
    append(journal, 3)
    model.flush()
    assert numbers(model) == [1, 2]
    assert model.waiting == 3
    model.set_frozen(False)
    assert numbers(model) == [1, 2, 3, 4, 5]
    assert model.waiting == 0


def test_a_frozen_log_shows_dropped_rows_until_it_is_unfrozen(journal: Journal, model: EventLogModel) -> None:
    append(journal, 4)
    model.flush()
    model.set_frozen(True)
    append(journal, 8)
    model.flush()
    assert numbers(model) == [1, 2, 3, 4]
    model.set_frozen(False)
    assert numbers(model) == list(range(3, 13))


def test_the_filter_of_a_frozen_log_can_change(journal: Journal, model: EventLogModel) -> None:
    append(journal, 2, "typing")
    append(journal, 2, "friend_online")
    model.flush()
    model.set_frozen(True)
    append(journal, 2, "typing")
    model.set_filter("event:typing")
    assert numbers(model) == [1, 2]
    model.set_frozen(False)
    assert numbers(model) == [1, 2, 5, 6]


def test_clearing_does_not_change_the_journal(journal: Journal, model: EventLogModel) -> None:
    append(journal, 4)
    model.flush()
    model.clear()
    assert model.rowCount() == 0
    assert len(journal) == 4
    append(journal, 1)
    model.flush()
    assert numbers(model) == [5]


def test_cleared_rows_are_not_shown_again_by_another_filter(journal: Journal, model: EventLogModel) -> None:
    append(journal, 4)
    model.flush()
    model.clear()
    append(journal, 2)
    model.flush()
    model.set_filter("event:typing")
    model.set_filter("")
    assert numbers(model) == [5, 6]


def test_clearing_includes_rows_that_are_not_flushed_yet(journal: Journal, model: EventLogModel) -> None:
    append(journal, 4)
    model.clear()
    model.flush()
    assert model.rowCount() == 0


def test_clearing_a_frozen_log_does_not_include_the_rows_that_wait(journal: Journal, model: EventLogModel) -> None:
    append(journal, 2)
    model.flush()
    model.set_frozen(True)
    append(journal, 3)
    model.clear()
    assert (numbers(model), model.waiting, model.cleared) == ([], 3, 2)
    model.set_frozen(False)
    assert numbers(model) == [3, 4, 5]


def test_a_closed_model_ignores_new_rows(journal: Journal, model: EventLogModel, qtbot: Any) -> None:
    model.close()
    with qtbot.assertNotEmitted(model.flushed, wait=100):
        append(journal, 1)


def test_time_is_shown_as_clock_since_first_or_since_previous(
    journal: Journal, model: EventLogModel, times: Times
) -> None:
    for moment in (0.0, 0.25, 2.0):
        times.now = 1_700_000_000.0 + moment
        append(journal, 1)
    model.flush()

    def shown() -> list[str]:
        return [text(model, line, Col.TIME) for line in range(3)]

    assert all(re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3}", each) for each in shown())
    assert [each[-4:] for each in shown()] == [".000", ".250", ".000"]
    columns: list[int] = []
    model.dataChanged.connect(lambda first, last, *_: columns.extend((first.column(), last.column())))
    model.set_time_style(TimeStyle.SINCE_START)
    assert shown() == ["+0.000 s", "+0.250 s", "+2.000 s"]
    model.set_time_style(TimeStyle.DELTA)
    assert shown() == ["+0.000 s", "+0.250 s", "+1.750 s"]
    assert columns == [Col.TIME] * 4


def test_time_is_shown_since_the_last_fire(journal: Journal, model: EventLogModel, times: Times) -> None:
    for moment, origin in enumerate(["server", "panel", "backend", "client 1", "control", "server"]):
        times.now = 1_700_000_000.0 + moment / 4
        journal.append(Kind.FROM_UI if origin == "client 1" else Kind.TO_UI, "typing", origin=Origin(origin))
    model.flush()
    model.set_time_style(TimeStyle.SINCE_FIRE)

    def shown() -> list[str]:
        return [text(model, line, Col.TIME) for line in range(model.rowCount())]

    expected = ["–", "+0.000 s", "+0.250 s", "+0.500 s", "+0.000 s", "+0.250 s"]
    assert shown() == expected
    assert [text(model, line, Col.TIME) for line in reversed(range(6))] == expected[::-1]
    model.set_filter("dir:c2s")
    assert shown() == ["+0.500 s"], "hidden fire events are taken into account"


def test_the_last_fire_is_found_in_any_order_and_searched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    journal, random = Journal(max_rows=5_000), Random(7)
    fired: list[int] = []
    for seq in range(1, 5_001):
        injected = random.random() < 0.002
        journal.append(Kind.TO_UI, "typing", origin=Origin("panel" if injected else "server"))
        fired += [seq] if injected else []
    last_fire = LastFire()
    for seq in (random.randint(1, 5_000) for _ in range(500)):
        before = [each for each in fired if each <= seq]
        row = journal.row(before[-1]) if before else None
        assert last_fire.before(journal.rows, seq) == (row.mono if row else None)
    visible = range(fired[0] - 10, fired[0] + 10)
    for seq in visible:
        last_fire.before(journal.rows, seq)
    monkeypatch.setattr(RowStore, "newest_before", None)
    for seq in visible:  # painting the same rows again
        last_fire.before(journal.rows, seq)


def test_cleared_rows_can_be_shown_again(journal: Journal, model: EventLogModel) -> None:
    append(journal, 3)
    model.flush()
    assert (model.total, model.cleared) == (3, 0)
    model.clear()
    append(journal, 2)
    model.flush()
    assert (numbers(model), model.total, model.cleared) == ([4, 5], 2, 3)
    model.show_cleared()
    assert (numbers(model), model.total, model.cleared) == ([1, 2, 3, 4, 5], 5, 0)


def test_cleared_rows_of_a_frozen_log_are_shown_without_the_newer_ones(
    journal: Journal, model: EventLogModel
) -> None:
    append(journal, 3)
    model.flush()
    model.set_frozen(True)
    append(journal, 2)
    model.clear()
    model.show_cleared()
    assert numbers(model) == [1, 2, 3]
    assert model.waiting == 2
    model.set_frozen(False)
    assert numbers(model) == [1, 2, 3, 4, 5]


def test_cleared_rows_that_match_the_filter_are_shown_again(journal: Journal, model: EventLogModel) -> None:
    append(journal, 1)
    append(journal, 1, "friend_online")
    model.flush()
    model.set_filter("event:typing")
    model.clear()
    model.show_cleared()
    assert numbers(model) == [1]
    assert model.total == 2


def test_cleared_rows_that_were_dropped_are_not_shown_again(journal: Journal, model: EventLogModel) -> None:
    append(journal, 4)
    model.flush()
    model.clear()
    append(journal, 8)
    model.flush()
    assert model.cleared == 2
    model.show_cleared()
    assert numbers(model) == list(range(3, 13))


def test_a_saved_filter_can_be_used(journal: Journal, model: EventLogModel) -> None:
    append(journal, 1)
    append(journal, 1, "friend_online")
    model.flush()
    assert model.set_filter("@online", {"online": "event:friend_online"}) == ()
    assert numbers(model) == [2]


def test_the_clock_shows_milliseconds() -> None:
    assert clock(1_700_000_000.0625).endswith(".062")


def test_a_row_to_the_ui_shows_its_recipients_and_event(journal: Journal, model: EventLogModel) -> None:
    payload = b'{"event":"new_message","data":{"from":"alice","to":"me","text":"Hey there!"}}'
    journal.append(
        Kind.TO_UI, "new_message", payload=payload, client="all", origin=PANEL, note="delivered to 2 clients"
    )
    model.flush()
    assert [text(model, 0, column) for column in list(Col)[1:]] == [
        "To UI ↓",
        "To: everyone",
        "new_message",
        "alice → me: Hey there!",
        f"{len(payload)} B",
        "delivered to 2 clients · from the window",
    ]


def test_a_row_from_the_ui_shows_its_client_and_event(journal: Journal, model: EventLogModel) -> None:
    payload = b'{"event":"typing","data":{"to":"bob","typing":true}}'
    journal.append(
        Kind.FROM_UI, "typing", payload=payload, client="3", origin=client_origin(3),
        verdict=Verdict.WARNING, note="no client acts as bob",
    )  # fmt: skip
    model.flush()
    assert [text(model, 0, column) for column in list(Col)[1:]] == [
        "From UI ↑",
        "3",
        "typing",
        "typing to bob",
        f"{len(payload)} B",
        "▲ no client acts as bob",
    ]


@pytest.mark.parametrize(
    ("kind", "client", "user", "expected"),
    [
        (Kind.TO_UI, "all", "", "To: everyone"),
        (Kind.TO_UI, "all except:3", "", "To: everyone"),
        (Kind.TO_UI, "user:bob", "", "To: bob"),
        (Kind.TO_UI, "client:2", "bob", "To: 2 · bob"),
        (Kind.TO_UI, "client:2", "", "To: client 2"),
        (Kind.TO_UI, "client:2,5", "", "To: clients 2, 5"),
        (Kind.TO_UI, "user:x except:3 except:", "", "To: x except:3"),
        (Kind.TO_UI, "no target", "", "To: no target"),
        (Kind.FROM_UI, "2", "bob", "2 · bob"),
        (Kind.FROM_UI, "rest", "me", "REST"),
        (Kind.SERVER, "2", "bob", "2 · bob"),
        (Kind.SERVER, "", "", ""),
    ],
)
def test_the_client_column_names_recipients_and_senders(
    journal: Journal, model: EventLogModel, kind: Kind, client: str, user: str, expected: str
) -> None:
    journal.append(kind, "typing", client=client, user=user)
    model.flush()
    assert text(model, 0, Col.CLIENT) == expected


def test_a_row_of_the_server_shows_its_event_and_note(journal: Journal, model: EventLogModel) -> None:
    journal.append(Kind.SERVER, "connected", client="1", note="acts as me")
    journal.append(Kind.SERVER, "refused", note="Host evil is not this machine", verdict=Verdict.WARNING)
    model.flush()
    assert [text(model, 0, column) for column in list(Col)[1:]] == [
        "Server", "1", "connected", "acts as me", "", "",
    ]  # fmt: skip
    assert text(model, 1, Col.RESULT) == "▲ warning"


@pytest.mark.parametrize("payload", [b"{not JSON\n at  all", b"[1, 2]", b"\xff\x00binary", b"[" * 5000])
def test_an_invalid_row_shows_its_raw_text_and_the_error(
    journal: Journal, model: EventLogModel, payload: bytes
) -> None:
    journal.append(
        Kind.FROM_UI,
        "",
        payload=payload,
        client="1",
        origin=client_origin(1),
        verdict=Verdict.INVALID,
        note="not JSON",
    )
    model.flush()
    assert text(model, 0, Col.EVENT) == "–"
    assert text(model, 0, Col.SUMMARY).split() == payload[:200].decode("utf-8", "replace").split()
    assert text(model, 0, Col.RESULT) == "✕ not JSON"


@pytest.mark.parametrize(
    "payload",
    [
        b'{"event":"a","data":"\xff"}',
        b"[" * 9000,
        b'{"event":"a","data":"\\ud800"}',
        b'{"data":{}}',
        b"\x00",
        b"NaN",
    ],
)
def test_the_summary_of_an_unparsed_request_body_is_its_raw_text(
    journal: Journal, model: EventLogModel, payload: bytes
) -> None:
    journal.append(Kind.FROM_UI, "DELETE /friends/x", payload=payload, client="rest", origin=REST)
    model.flush()
    assert text(model, 0, Col.SUMMARY).split() == payload[:200].decode("utf-8", "replace").split()


def test_a_summary_is_one_line_and_short() -> None:
    long = json.dumps({"event": "x", "data": {"from": "a", "to": "b", "text": "line\n" * 4000}}).encode()
    row = Row(1, 0.0, 0.0, Kind.TO_UI, "all", "x", long, len(long), Verdict.OK, "", PANEL)
    assert "\n" not in summary(row)
    assert len(summary(row)) <= 200


def test_a_result_contains_the_origin_if_it_is_the_window_or_the_tray() -> None:
    row = Row(1, 0.0, 0.0, Kind.TO_UI, "all", "x", b"", 0, Verdict.OK, "delivered to 1 client", TRAY)
    assert result(row) == "delivered to 1 client · from the tray"
    assert result(row._replace(origin=client_origin(2))) == "delivered to 1 client"


def test_the_accessible_text_of_a_cell_contains_its_column(journal: Journal, model: EventLogModel) -> None:
    append(journal, 1)
    model.flush()
    titles = [model.headerData(column, Qt.Orientation.Horizontal, Qt.ItemDataRole.DisplayRole) for column in Col]
    assert titles == ["Time", "Direction", "Client", "Event", "Summary", "Size", "Result"]
    for column in Col:
        accessible_text = model.data(model.index(0, column), Qt.ItemDataRole.AccessibleTextRole)
        assert accessible_text == f"{titles[column]}: {text(model, 0, column)}"


# search in slices


@pytest.fixture
def large_log(times: Times, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a journal of 2,000 rows and its model, which searches 64 rows at a time.

    Every tenth row is a ``friend_online`` event.
    """
    monkeypatch.setattr(event_log, "SLICE_S", 0.0)
    monkeypatch.setattr(event_log, "SHOW_S", 0.0)
    monkeypatch.setattr(search, "STEP_ROWS", 64)
    journal = Journal(times.clock(), max_rows=2_000)
    for number in range(1, 2_001):
        event = "typing" if number % 10 else "friend_online"
        journal.append(Kind.TO_UI, event, payload=b'{"event":"%s","data":{"n":"%d"}}' % (event.encode(), number))
    model = EventLogModel(journal)
    yield journal, model
    model.close()


ONLINE_ROWS = list(range(10, 2_001, 10))


def test_the_newest_matching_rows_are_shown_first_and_older_ones_later(
    large_log: tuple[Journal, EventLogModel], qtbot: Any
) -> None:
    _, model = large_log
    model.set_filter("event:friend")
    assert numbers(model) == [seq for seq in ONLINE_ROWS if seq > 2_000 - 64]
    assert model.searching
    inserts: list[tuple[int, int]] = []
    model.rowsInserted.connect(lambda _, first, last: inserts.append((first, last)))
    qtbot.waitUntil(lambda: not model.searching)
    assert numbers(model) == ONLINE_ROWS
    assert len(inserts) > 10
    assert {first for first, _ in inserts} == {0}


def test_a_new_filter_cancels_the_running_search(large_log: tuple[Journal, EventLogModel], qtbot: Any) -> None:
    _, model = large_log
    model.set_filter("event:friend")
    model.set_filter("event:typing")
    model.set_filter("event:nothing")
    qtbot.waitUntil(lambda: not model.searching)
    assert numbers(model) == []


@pytest.mark.parametrize("turns", [0, 1, 5, 100])
@pytest.mark.parametrize("first_filter", ["event:fr", "1", "-typing", "is:ok 1"])
def test_a_filter_extended_during_a_search_finds_all_matching_rows(
    large_log: tuple[Journal, EventLogModel], qtbot: Any, qapp: Any, first_filter: str, turns: int
) -> None:
    journal, model = large_log
    model.set_filter(first_filter)
    for _ in range(turns):
        qapp.processEvents()
    model.set_filter(f"{first_filter}5 7")
    qtbot.waitUntil(lambda: not model.searching)
    expected = parse(f"{first_filter}5 7")
    assert numbers(model) == [row.seq for row in journal if expected.matches(row)]


def test_a_narrower_filter_searches_only_the_rows_found_before(
    large_log: tuple[Journal, EventLogModel], qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, model = large_log
    model.set_filter("event:friend")
    qtbot.waitUntil(lambda: not model.searching)
    searched: list[int] = []
    matching = Filter.matching

    def count(self: Filter, columns: Any, candidates: Any = None) -> Any:
        searched.append(len(columns.keys) if candidates is None else len(candidates))
        return matching(self, columns, candidates)

    monkeypatch.setattr(Filter, "matching", count)
    model.set_filter("event:friend 7")
    qtbot.waitUntil(lambda: not model.searching)
    assert sum(searched) == len(ONLINE_ROWS)
    model.set_filter("event:f")
    qtbot.waitUntil(lambda: not model.searching)
    assert sum(searched) == len(ONLINE_ROWS) + 2_000


def test_rows_are_added_and_dropped_during_a_search(
    large_log: tuple[Journal, EventLogModel], qtbot: Any, qapp: Any
) -> None:
    journal, model = large_log
    model.set_filter("event:friend")
    append(journal, 95, "friend_online")
    model.flush()
    qapp.processEvents()
    append(journal, 5, "friend_online")
    model.flush()
    qtbot.waitUntil(lambda: not model.searching)
    model.flush()
    assert numbers(model) == [seq for seq in ONLINE_ROWS if seq > 100] + list(range(2_001, 2_101))


def test_clearing_cancels_a_search(large_log: tuple[Journal, EventLogModel]) -> None:
    _, model = large_log
    model.set_filter("event:friend")
    model.clear()
    assert not model.searching
    assert numbers(model) == []


def test_a_search_continues_while_the_log_is_frozen(large_log: tuple[Journal, EventLogModel], qtbot: Any) -> None:
    journal, model = large_log
    model.set_frozen(True)
    append(journal, 2_000, "typing")
    model.set_filter("event:friend")
    qtbot.waitUntil(lambda: not model.searching)
    assert numbers(model) == ONLINE_ROWS
    model.set_frozen(False)
    qtbot.waitUntil(lambda: numbers(model) == [])


def test_new_rows_are_filtered_in_slices(large_log: tuple[Journal, EventLogModel], qtbot: Any) -> None:
    journal, model = large_log
    model.set_filter("event:friend")
    qtbot.waitUntil(lambda: not model.searching)
    append(journal, 500, "friend_online")
    model.flush()
    assert model.seq(model.rowCount() - 1) == 2_064
    qtbot.waitUntil(lambda: numbers(model)[-1] == 2_500)
    assert numbers(model) == [seq for seq in ONLINE_ROWS if seq > 500] + list(range(2_001, 2_501))


def test_a_row_dropped_since_the_last_flush_is_shown_as_discarded(journal: Journal, model: EventLogModel) -> None:
    append(journal, 4)
    model.flush()
    append(journal, 8)
    assert text(model, 0, Col.EVENT) == "discarded"
    assert numbers(model) == [1, 2, 3, 4]
    model.flush()
    assert numbers(model) == list(range(3, 13))


def test_the_journal_notifies_the_model_once_per_flush(journal: Journal, model: EventLogModel, qtbot: Any) -> None:
    model.flush()
    qtbot.waitUntil(lambda: len(journal._once) == 1)
    model.flush()
    qtbot.wait(2 * FLUSH_MS)
    assert len(journal._once) == 1
    append(journal, 50)
    assert journal._once == []


def test_rows_appended_after_an_empty_flush_are_shown(journal: Journal, model: EventLogModel, qtbot: Any) -> None:
    model.flush()
    append(journal, 2)
    qtbot.waitUntil(lambda: numbers(model) == [1, 2])


def test_a_frozen_log_does_not_flush_repeatedly(journal: Journal, model: EventLogModel, qtbot: Any) -> None:
    model.set_frozen(True)
    append(journal, 2)
    with qtbot.waitSignal(model.flushed):
        pass
    assert model.waiting == 2
    with qtbot.assertNotEmitted(model.flushed, wait=4 * FLUSH_MS):
        pass


# pins and annotations


def test_a_mark_is_part_of_the_summary_and_of_its_accessible_text(journal: Journal, model: EventLogModel) -> None:
    append(journal, 2)
    model.flush()
    lines: list[int] = []
    model.marked.connect(lines.append)
    journal.mark(2, pinned=True, annotation="late")
    assert lines == [1]
    assert text(model, 1, Col.SUMMARY) == "“late” · alice is typing"
    accessible_text = model.data(model.index(1, Col.SUMMARY), Qt.ItemDataRole.AccessibleTextRole)
    assert accessible_text == "Summary: pinned, “late” · alice is typing"


def test_rows_are_shown_and_hidden_when_their_marks_change(journal: Journal, model: EventLogModel) -> None:
    append(journal, 6)
    model.flush()
    model.set_filter("is:pinned")
    for seq in (4, 2, 5):
        journal.mark(seq, pinned=True)
    assert numbers(model) == [2, 4, 5]
    journal.mark(4, annotation="x")
    assert numbers(model) == [2, 4, 5]
    journal.mark(4, pinned=False)
    assert numbers(model) == [2, 5]
    model.set_filter("-is:pinned")
    assert numbers(model) == [1, 3, 4, 6]
    journal.mark(2, pinned=False)
    assert numbers(model) == [1, 2, 3, 4, 6]
    model.set_filter("is:annotated,invalid")
    assert numbers(model) == [4]
    journal.mark(1, annotation="y")
    assert numbers(model) == [1, 4]


@pytest.mark.parametrize(("wanted", "shown"), [("is:pinned", [2, 4]), ("is:pinned,annotated", [2, 3, 4])])
def test_a_mark_that_changes_while_its_row_is_removed_removes_no_other_row(
    journal: Journal, model: EventLogModel, wanted: str, shown: list[int]
) -> None:
    append(journal, 5)
    model.flush()
    model.set_filter(wanted)
    for seq in (2, 3, 4):
        journal.mark(seq, pinned=True)
    # As the details do, which save an annotation when another row is selected.
    model.rowsAboutToBeRemoved.connect(lambda: journal.mark(3, annotation="x"))
    journal.mark(3, pinned=False)
    assert numbers(model) == shown


def test_marks_do_not_show_cleared_or_unflushed_rows(journal: Journal, model: EventLogModel) -> None:
    append(journal, 3)
    model.flush()
    model.set_filter("is:pinned")
    model.clear()
    append(journal, 1)
    journal.mark(2, pinned=True)
    journal.mark(4, pinned=True)
    assert numbers(model) == []
    model.flush()
    assert numbers(model) == [4]


def test_a_mark_during_a_search_is_found(journal: Journal, model: EventLogModel, monkeypatch: Any) -> None:
    monkeypatch.setattr(event_log, "SLICE_S", -1.0)
    monkeypatch.setattr(search, "STEP_ROWS", 2)
    append(journal, 9)
    model.flush()
    while model._seen < 9:
        model.flush()
    model.set_filter("is:pinned")
    assert model.searching
    journal.mark(9, pinned=True)
    journal.mark(1, pinned=True)
    while model.searching:
        model._continue_search()
    assert numbers(model) == [1, 9]


def test_marks_of_a_frozen_log_are_shown(journal: Journal, model: EventLogModel) -> None:
    append(journal, 2)
    model.flush()
    model.set_frozen(True)
    journal.mark(1, pinned=True)
    assert model.mark(1).pinned
    model.set_filter("is:pinned")
    assert numbers(model) == [1]


def test_a_closed_model_ignores_marks(journal: Journal) -> None:
    append(journal, 1)
    model = EventLogModel(journal)
    model.close()
    lines: list[int] = []
    model.marked.connect(lines.append)
    journal.mark(1, pinned=True)
    assert lines == []
