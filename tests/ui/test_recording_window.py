"""The window of an opened recording: its log, its timeline, and what its row actions do."""

import asyncio
import gc
import json
import re
import weakref
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QMimeData, QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog

from app.hub.journal import Kind, Row, Verdict
from app.hub.origin import PANEL
from app.hub.recorded_rows import row_line
from app.hub.session_run import SessionRun
from app.observers.opened_recording import OpenedRecording, open_recording
from app.protocol.errors import Conflict
from app.protocol.export_kinds import Kind as Kinds
from app.protocol.session.steps import Header
from app.storage.recording_store import RunRecording
from app.ui import drags, theme
from app.ui.bundle_dialog import BundleDialog
from app.ui.recorded_state_dialog import RecordedStateDialog
from app.ui.recording_window import RecordingWindow, title_of
from app.ui.row_actions import COPY_JSON, SHOW_STATE
from app.ui.widgets.name_dialog import NameDialog
from app.ui.widgets.row_header import EDIT, PIN, RESEND, SAVE
from app.ui.widgets.timeline import Timeline
from app.ui.window import INJECT, MainWindow
from tests.conftest import Connect, MakeCompanion, until
from tests.ui.conftest import Windows
from tests.ui.frames import wait_until_idle
from tests.ui.test_clipping import SIZES, cut_texts

HEADER = b'{"session": 1, "kind": "recording", "title": "A bug", "started": "2026-01-01T00:00:00Z"}'
FIRST = 100
"""The number of the first row in the log that was recorded."""


def recorded(seq: int, after: float = 1.0, event: str = "friend_online", verdict: Verdict = Verdict.OK) -> bytes:
    payload = json.dumps({"event": event, "data": {"username": f"user{seq}"}}).encode()
    row = Row(seq, 0.0, 0.0, Kind.TO_UI, "all", event, payload, len(payload), verdict, "", PANEL)
    return row_line(row, after)


def lines() -> list[bytes]:
    connected = Row(FIRST, 0.0, 0.0, Kind.SERVER, "4", "connected", b"", 0, Verdict.OK, "", PANEL, "zoe")
    found = [row_line(connected, 0.0)]
    found += [recorded(FIRST + number) for number in range(1, 20)]
    found += [b'{"mark": "before the crash"}', recorded(FIRST + 20, 0.5, "friend_offline", Verdict.INVALID)]
    return [*found, *(recorded(FIRST + number, 90.0 if number == 21 else 1.0) for number in range(21, 40))]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = tmp_path / "bug.session.jsonl"
    found.write_bytes(b"\n".join([HEADER, *lines()]) + b"\n")
    return found


@pytest.fixture
async def opened(window: MainWindow, file: Path) -> AsyncIterator[RecordingWindow]:
    window.open_recording(file)
    await until(lambda: window.recordings.windows)
    found = window.recordings.windows[0]
    await until(
        lambda: found.recording.done and found.room.model.rowCount() == len(lines()) - 1
    )  # the mark is no row
    yield found
    if not found.is_closed:
        found.close()


def at(timeline: Timeline, row: int) -> QPoint:
    return QPoint(round(timeline.x_of(timeline._recording.times[row - 1])), timeline.height() // 2)


async def test_the_rows_are_shown_read_only(opened: RecordingWindow, window: MainWindow) -> None:
    room = opened.room
    assert room.model.rowCount() == 40
    assert opened.windowTitle() == "Recording: bug – read-only"
    assert opened.badge.isVisible()
    assert "40 rows" in opened.facts.text()
    assert "1 invalid row" in opened.facts.text()
    assert not room.freeze.isVisible()
    assert not room.clear_button.isVisible()
    assert window.companion.journal.last_seq < 40, "the live log does not have the rows"


async def test_the_rows_are_freed_when_the_window_is_closed(window: MainWindow, file: Path) -> None:
    """Regression: the table and the model of the rows kept each other alive."""
    window.open_recording(file)
    await until(lambda: window.recordings.windows and window.recordings.windows[0].recording.done)
    journal = weakref.ref(window.recordings.windows[0].recording.journal)
    window.recordings.windows[0].close()
    await until(lambda: not window.recordings.windows)

    def freed() -> bool:
        gc.collect()
        return journal() is None

    await until(freed)


@pytest.mark.parametrize(
    ("name", "title", "shown"),
    [
        ("run-before", "This run", "Run before"),
        ("run-before-earlier", "This run", "Run before, earlier part"),
        ("this-run", "This run", "This run"),
        ("copy", "This run", "copy"),
        ("bug", "A bug", "A bug"),
        ("bug", "", "bug"),
    ],
)
def test_only_the_recording_of_this_run_is_headed_this_run(name: str, title: str, shown: str) -> None:
    assert title_of(OpenedRecording(name, Path(), 0, Header(title=title), b"")) == shown


async def test_filters_saved_meanwhile_are_known(opened: RecordingWindow, window: MainWindow) -> None:
    companion = window.companion
    await companion.apply(replace(companion.settings, saved_filters={"live": "is:invalid"}))
    changed: list[dict[str, str]] = []
    opened.room.bar.filters_changed.connect(changed.append)
    opened.room.filter.setText("is:warning")
    opened.room.bar.saved.save()
    dialog = opened.findChild(NameDialog)
    assert dialog
    dialog.name.setText("rec")
    dialog.buttons.accepted.emit()
    assert changed == [{"live": "is:invalid", "rec": "is:warning"}]


async def test_rows_have_the_numbers_that_they_had_in_the_log(opened: RecordingWindow) -> None:
    opened.room.show_row(5)
    assert f"#{FIRST + 4}" in opened.room.details.header.facts.text()
    opened.room.row_actions.trigger(COPY_JSON)
    assert opened.message.text() == f"Copied #{FIRST + 4}"
    assert f"user{FIRST + 4}" in QGuiApplication.clipboard().text()


async def test_the_filter_finds_recorded_rows_and_clients(opened: RecordingWindow) -> None:
    opened.room.filter.setText("event:friend_offline")
    await until(lambda: not opened.room.filtering)
    assert opened.room.model.rowCount() == 1
    assert opened.room.bar._clients() == [(4, "zoe")]


async def test_pins_belong_to_the_recording(opened: RecordingWindow, window: MainWindow) -> None:
    opened.room.show_row(2)
    opened.room.row_actions.trigger(PIN)
    assert opened.recording.journal.rows.marks[2].pinned
    assert not window.companion.journal.rows.marks[2].pinned
    assert opened.message.text() == f"Pinned #{FIRST + 1}"


async def test_resend_reaches_a_connected_client(
    opened: RecordingWindow, connect_client: Connect, window: MainWindow
) -> None:
    client = await connect_client("me")
    opened.room.show_row(2)
    opened.room.row_actions.trigger(RESEND)
    wanted = {"username": f"user{FIRST + 1}"}
    while json.loads(await client.recv())["data"] != wanted:
        pass
    await until(lambda: opened.message.text().startswith(f"Resent #{FIRST + 1}: "))


async def test_edit_and_save_act_in_the_main_window(opened: RecordingWindow, window: MainWindow) -> None:
    opened.room.show_row(2)
    opened.room.row_actions.trigger(EDIT)
    assert window.rooms.current == INJECT
    saved: list[Row] = []
    opened.room.save_requested.connect(saved.append)
    opened.room.row_actions.trigger(SAVE)
    assert [row.seq for row in saved] == [2]


async def test_the_ui_state_after_a_row_is_computed_from_the_recording(opened: RecordingWindow) -> None:
    opened.room.show_row(1)
    opened.room.row_actions.trigger(SHOW_STATE)
    await until(lambda: opened.state)
    assert opened.state
    assert opened.state.title.text() == f"UI state of client 4 after row #{FIRST}"
    assert opened.state.tree.model.rowCount() > 0
    opened.state.close()


async def test_one_ui_state_is_shown_at_a_time(opened: RecordingWindow, window: MainWindow) -> None:
    opened.room.show_row(1)
    for _ in range(2):
        opened.room.row_actions.trigger(SHOW_STATE)
        opened.room.row_actions.trigger(SHOW_STATE)
        await until(lambda: opened.state)
        opened.room.row_actions.trigger(SHOW_STATE)
        await wait_until_idle(window.companion)
        assert [each.isVisible() for each in opened.findChildren(RecordedStateDialog)].count(True) == 1
        assert opened.state
        opened.state.close()
        assert opened.state is None


async def test_a_state_that_cannot_be_computed_is_reported(opened: RecordingWindow) -> None:
    opened.recording.file = opened.recording.file.with_name("gone.session.jsonl")
    opened.room.row_actions.state_requested.emit(1)
    await until(lambda: opened.message.text().endswith("gone.session.jsonl is not a file."))


async def test_a_click_in_the_timeline_selects_the_row_at_that_time(opened: RecordingWindow) -> None:
    QTest.mouseClick(opened.timeline, Qt.MouseButton.LeftButton, pos=at(opened.timeline, 11))
    await until(lambda: opened.room.selected)
    assert opened.room.selected
    assert abs(opened.room.selected.seq - 11) <= 1
    assert opened.timeline.row == opened.room.selected.seq


async def test_scrubbing_selects_a_row_that_the_filter_shows(opened: RecordingWindow) -> None:
    opened.room.filter.setText("event:friend_offline")
    await until(lambda: not opened.room.filtering)
    QTest.mouseClick(opened.timeline, Qt.MouseButton.LeftButton, pos=at(opened.timeline, 30))
    await until(lambda: opened.room.selected)
    assert opened.room.selected
    assert opened.room.selected.seq == 21
    assert opened.room.filter.text()


async def test_the_timeline_works_by_keyboard(opened: RecordingWindow) -> None:
    timeline = opened.timeline
    timeline.setFocus()
    rows = []
    keys = (Qt.Key.Key_Home, Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_End)
    for key in keys:
        QTest.keyClick(timeline, key)
        rows.append(timeline.row)
    assert rows == [1, 2, 3, 2, 40]
    QTest.keyClick(timeline, Qt.Key.Key_PageUp)
    await until(lambda: timeline.row < 40)
    assert "row" in timeline.accessibleName()


async def test_page_down_reaches_a_row_that_is_far_away(window: MainWindow, tmp_path: Path) -> None:
    file = tmp_path / "sparse.session.jsonl"
    file.write_bytes(b"\n".join([HEADER, *(recorded(FIRST + number, 9.0) for number in range(5))]) + b"\n")
    window.open_recording(file)
    await until(lambda: window.recordings.windows and window.recordings.windows[0].room.model.rowCount() == 5)
    (opened,) = window.recordings.windows
    QTest.keyClick(opened.timeline, Qt.Key.Key_Home)
    for row in range(2, 6):
        QTest.keyClick(opened.timeline, Qt.Key.Key_PageDown)
        await until(lambda row=row: opened.timeline.row == row)
    opened.close()


async def test_the_buttons_step_through_the_rows(opened: RecordingWindow) -> None:
    opened.next.click()
    opened.next.click()
    assert opened.timeline.row == 2
    opened.previous.click()
    assert opened.timeline.row == 1


async def test_the_timeline_shows_marks_gaps_and_invalid_rows(opened: RecordingWindow) -> None:
    timeline = opened.timeline
    assert len(timeline.gaps) == 1
    gap = timeline.gaps[0]
    assert timeline.text_at((gap.left + gap.right) / 2).startswith("No rows for 1 min 30 s")
    assert "mark: before the crash" in timeline.text_at(timeline.x_of(opened.recording.marks[0].at))
    invalid = [bar for bar in timeline.bars if bar.invalid]
    assert len(invalid) == 1
    assert "invalid rows" in timeline.text_at(invalid[0].x + 1)
    assert timeline.accessibleName().endswith("1 invalid, 1 gap")


@pytest.fixture
def cut_off(file: Path) -> Path:
    file.write_bytes(file.read_bytes()[:-20])
    return file


async def test_rows_that_violate_the_contract_are_marked(window: MainWindow, tmp_path: Path) -> None:
    file = tmp_path / "lint.session.jsonl"
    wrong = [recorded(FIRST + 40, event="typing"), recorded(FIRST + 41, event="typing")]
    file.write_bytes(b"\n".join([HEADER, *lines(), *wrong]) + b"\n")
    window.open_recording(file)
    await until(lambda: window.recordings.windows)
    opened = window.recordings.windows[0]
    await until(lambda: opened.recording.done)
    marks = opened.recording.journal.rows.marks
    rows = [opened.recording.run.row_number(FIRST + number) or 0 for number in (40, 41)]
    await until(lambda: all(marks[row].lint == ("missing-field",) for row in rows))
    opened.room.filter.replace_text("lint:missing-field")
    await until(lambda: list(opened.room.model.seqs) == rows)


async def test_a_pinned_row_is_in_the_timeline(opened: RecordingWindow) -> None:
    timeline, place = opened.timeline, opened.timeline.x_of(opened.recording.times[4])
    assert "pinned" not in timeline.text_at(place)
    before = timeline.grab().toImage()
    opened.room.show_row(5)
    opened.room.row_actions.trigger(PIN)
    opened.room.row_actions.save_annotation(5, "look here")
    assert "pinned: look here" in timeline.text_at(place)
    timeline.show_row(0)
    assert timeline.grab().toImage() != before


async def test_f1_opens_the_page_about_recordings(opened: RecordingWindow, window: MainWindow) -> None:
    opened.help_requested.emit()
    assert window.rooms.current == "help"
    assert "Every run is recorded" in window.help.browser.document().toPlainText()


async def test_a_cut_off_recording_says_where(window: MainWindow, cut_off: Path) -> None:
    window.open_recording(cut_off)
    await until(lambda: window.recordings.windows)
    opened = window.recordings.windows[0]
    await until(lambda: opened.problem.text())
    assert opened.problem.isVisible()
    assert "line 42 is incomplete" in opened.problem.text()
    assert opened.room.model.rowCount() == 39


async def test_several_rows_are_copied_and_exported_with_their_numbers(
    opened: RecordingWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened.room.table.selectAll()
    opened.room.row_actions.trigger(COPY_JSON)
    numbers = [json.loads(line)["seq"] for line in QGuiApplication.clipboard().text().splitlines()]
    assert numbers == list(range(FIRST, FIRST + 40))
    file = tmp_path / "rows.ndjson"
    exporter = opened.room.row_actions._exporter
    exporter.save(opened.room.model.snapshot(), [1, 2], file, Kinds.NDJSON)
    await until(file.exists)
    await until(lambda: "Exported 2 rows" in opened.message.text())
    assert [json.loads(line)["seq"] for line in file.read_text().splitlines()] == [FIRST, FIRST + 1]
    encoded: list[int] = []
    monkeypatch.setattr("app.ui.row_actions.MAX_COPIED_BYTES", 100)

    def encode(row: Row, _: object) -> bytes:
        encoded.append(row.seq)
        return b"x" * 60

    monkeypatch.setattr("app.hub.row_codec.encode", encode)
    opened.room.row_actions.trigger(COPY_JSON)
    assert "too much to copy" in opened.message.text()
    assert len(encoded) == 2


async def test_rows_of_a_recording_cannot_be_dragged(
    opened: RecordingWindow, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    dragged: list[object] = []
    monkeypatch.setattr(type(opened.room.table), "drag_selected", dragged.append)
    table = opened.room.table
    table.selectAll()
    one, other = (table.visualRect(table.model().index(row, 0)).center() for row in (0, 3))
    QTest.mousePress(table.viewport(), Qt.MouseButton.LeftButton, pos=one)
    QTest.mouseMove(table.viewport(), other)
    QTest.mouseRelease(table.viewport(), Qt.MouseButton.LeftButton, pos=other)
    assert dragged == []
    assert window.events.table.can_drag
    foreign = QMimeData()
    foreign.setData(drags.ROWS, b"0")
    assert not drags.is_ours(foreign)
    assert drags.is_ours(drags.rows_data())


@pytest.mark.usefixtures("styled")
async def test_the_details_follow_the_theme(opened: RecordingWindow, qapp: QApplication) -> None:
    opened.room.show_row(3)
    view = opened.room.details.pretty
    opened.room.details.tabs.setCurrentWidget(view)

    def colours() -> set[str]:
        formats = view.document().firstBlock().next().layout().formats()
        return {each.format.foreground().color().name() for each in formats}

    before = colours()
    assert before
    try:
        theme.apply(qapp, "dark")
        await until(lambda: colours() != before)
    finally:
        theme.apply(qapp, "light")


async def test_an_invalid_file_is_reported_in_the_status_bar(window: MainWindow, tmp_path: Path) -> None:
    file = tmp_path / "no.session.jsonl"
    file.write_text("hello\n")
    window.open_recording(file)
    await until(lambda: "is not a recording: line 1" in window.status.message.text())
    assert not window.recordings.windows


async def test_closing_the_window_stops_reading(window: MainWindow, file: Path) -> None:
    with file.open("ab") as stream:
        stream.write(b"".join(recorded(FIRST + number) + b"\n" for number in range(40, 30_000)))
    window.open_recording(file)
    await until(lambda: window.recordings.windows)
    opened = window.recordings.windows[0]
    assert not opened.recording.done
    opened.close()
    await until(lambda: opened.recording.done)
    assert len(opened.recording.times) < 29_000
    assert window.recordings.windows == []


@pytest.mark.usefixtures("styled")
@pytest.mark.parametrize("size", [(720, 480), *SIZES])
async def test_no_text_is_cut(opened: RecordingWindow, size: tuple[int, int]) -> None:
    opened.resize(*size)
    opened.room.show_row(21)
    await until(lambda: opened.width() == size[0])
    assert sorted(set(cut_texts(opened))) == []


async def test_events_lists_the_recordings_of_runs_and_of_the_user(window: MainWindow, file: Path) -> None:
    names = ["this-run", "this-run-earlier", "run-before", "run-before-earlier"]
    menu = window.recordings.menu(names, window.events.open_recording)
    titles = [action.text() for action in menu.actions() if not action.isSeparator()]
    assert titles == [
        "This run, earlier part", "Run before", "Run before, earlier part", "Open file …",
        "Bug report of this run …",
    ]  # fmt: skip
    menu.deleteLater()


async def test_a_recording_is_played_from_the_selected_row(opened: RecordingWindow, window: MainWindow) -> None:
    opened.room.show_row(38)
    opened.play.click()
    await until(lambda: opened.message.text().startswith("Playing the recording: passed"))
    sent = [json.loads(row.payload) for row in window.companion.journal if row.event == "friend_online"]
    assert [each["data"]["username"] for each in sent] == [f"user{FIRST + 37 + number}" for number in range(3)]
    assert opened.play.text() == "Play from here"


async def test_playing_can_be_stopped(opened: RecordingWindow) -> None:
    opened.room.show_row(21)
    opened.play.click()
    await until(lambda: opened.play.text() == "Stop playing" and opened.play.isEnabled())
    opened.play.click()
    await until(lambda: opened.play.text() == "Play from here")
    assert "stopped" in opened.message.text()


async def test_nothing_is_played_after_the_window_was_closed(
    opened: RecordingWindow, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: the session began when the recording was read, and nothing showed it."""
    began, gate, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
    play = window.companion.recording_actions.play

    async def slowly(recording: OpenedRecording, from_row: int | None) -> SessionRun:
        began.set()
        try:
            await gate.wait()
            return await play(recording, from_row)
        finally:
            ended.set()

    monkeypatch.setattr(window.companion.recording_actions, "play", slowly)
    opened.play.click()
    assert opened.message.text() == "Reading the recording …"
    await began.wait()
    opened.close()
    gate.set()
    await ended.wait()
    assert not list(window.companion.sessions)


def typed(seq: int, to: str) -> bytes:
    payload = json.dumps({"event": "typing", "data": {"to": to, "typing": True}}).encode()
    row = Row(seq, 0.0, 0.0, Kind.FROM_UI, "4", "typing", payload, len(payload), Verdict.OK, "", PANEL, "zoe")
    return row_line(row, 0.1)


async def test_two_recordings_are_compared(opened: RecordingWindow, window: MainWindow, tmp_path: Path) -> None:
    other_file = tmp_path / "other.session.jsonl"
    other_file.write_bytes(b"\n".join([HEADER, *lines(), typed(FIRST + 40, "bob")]) + b"\n")
    window.recordings.compare(opened, other_file)
    await until(lambda: opened.differences)
    assert opened.differences
    assert opened.differences.list.count() == 1
    assert opened.differences.list.item(0).text().startswith("+ line 43: typing")
    assert opened.differences.title.text().endswith("1 difference")
    other = window.recordings.windows[1]
    await until(lambda: other.recording.done)
    opened.differences.list.setCurrentRow(0)
    await until(lambda: other.room.selected)
    assert other.room.selected
    assert other.room.selected.seq == 41
    other.close()
    opened.differences.list.itemClicked.emit(opened.differences.list.item(0))


async def test_a_difference_selects_its_rows_and_no_others(window: MainWindow, tmp_path: Path) -> None:
    """Regression: another row was selected if the filter hid the right one, or a row of the difference before."""
    for name, sent in (("a", [typed(101, "bob"), recorded(102), typed(103, "carol")]), ("b", [typed(101, "dave")])):
        (tmp_path / f"{name}.session.jsonl").write_bytes(b"\n".join([HEADER, *sent]) + b"\n")
    window.open_recording(tmp_path / "a.session.jsonl")
    await until(lambda: window.recordings.windows and window.recordings.windows[0].recording.done)
    one = window.recordings.windows[0]
    window.recordings.compare(one, tmp_path / "b.session.jsonl")
    await until(lambda: one.differences and window.recordings.windows[1].recording.done)
    other = window.recordings.windows[1]
    assert one.differences
    assert one.differences.list.count() == 2
    selected = []
    for line in (0, 1):
        one.room.filter.setText("event:friend_online")
        await until(lambda: one.room.model.rowCount() == 1)
        one.differences.list.setCurrentRow(line)
        rows = (each.room.selected for each in (one, other))
        selected.append([row and row.payload.decode().partition('"to": ')[2][:6] for row in rows])
    assert selected == [['"bob",', '"dave"'], ['"carol', None]]
    other.close()
    one.close()


async def test_the_window_says_why_recordings_are_not_compared(
    opened: RecordingWindow, window: MainWindow, file: Path, tmp_path: Path
) -> None:
    """Regression: the main window said it, and the result of another comparison stayed visible."""
    window.recordings.compare(opened, file)
    await until(lambda: opened.differences and opened.differences.isVisible())
    assert opened.differences
    other = tmp_path / "other.session.jsonl"
    window.recordings.compare(opened, other)
    await until(lambda: opened.message.text() == f"{other} is not a file.")
    assert not opened.differences.isVisible()
    other.write_bytes(HEADER + b"\n{bad\n{}\n")
    window.recordings.compare(opened, other)
    await until(lambda: opened.message.text().startswith("other.session.jsonl is not a valid session: line 2"))
    assert not opened.differences.isVisible()
    for each in window.recordings.windows[1:]:
        each.close()


async def test_equal_recordings_have_no_differences(
    opened: RecordingWindow, window: MainWindow, file: Path
) -> None:
    window.recordings.compare(opened, file)
    await until(lambda: opened.differences)
    assert opened.differences
    assert opened.differences.title.text().endswith("no differences")
    window.recordings.windows[1].close()


async def test_a_recording_whose_window_was_closed_is_not_compared(
    opened: RecordingWindow, window: MainWindow, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: it was an unexpected error if the window was closed while a file was chosen or read."""
    actions, recordings = window.companion.recording_actions, window.recordings
    menu = recordings.menu([], opened.compare, partial(recordings.compare, opened))
    next(each for each in menu.actions() if each.text() == "Open file …").trigger()
    (asked,) = opened.findChildren(QFileDialog)
    read: list[str] = []

    async def closing(name: str | Path) -> OpenedRecording:
        read.append("opened")
        opened.close()
        return await open_recording(str(name), file)

    async def runs() -> list[RunRecording]:
        read.append("listed")
        return []

    monkeypatch.setattr(actions, "open", closing)
    monkeypatch.setattr(actions, "runs", runs)
    asked.fileSelected.emit(str(file))
    await until(lambda: read == ["opened"])
    recordings._choose_other(opened)
    await until(lambda: read == ["opened", "listed"])
    recordings.compare(opened, file)
    await wait_until_idle(window.companion)
    assert read == ["opened", "listed"]
    assert recordings.windows == []
    assert QApplication.activePopupWidget() is None


async def test_an_unknown_recording_is_reported(window: MainWindow) -> None:
    window.open_recording("nothing/like-it")
    await until(lambda: "There is no session 'nothing/like-it'" in window.status.message.text())


async def test_the_recording_of_a_crashed_run_is_offered(
    tmp_path: Path, make_companion: MakeCompanion, windows: Windows
) -> None:
    before = tmp_path / "this-run.session.jsonl"
    before.write_bytes(b"\n".join([HEADER, *lines()]) + b"\n")
    companion = await make_companion(recordings_folder=tmp_path)
    window = windows(companion)
    window.show_warnings()
    assert "did not end normally" in window.banner.text.text()
    assert window.banner.buttons[0].text() == "Open recording"
    window.banner.buttons[0].click()
    await until(lambda: window.recordings.windows)
    opened = window.recordings.windows[0]
    await until(lambda: opened.recording.done)
    assert opened.recording.name == "run-before"
    assert opened.room.model.rowCount() == 40


async def test_a_warning_of_the_start_is_removed_when_it_no_longer_applies(
    make_companion: MakeCompanion, windows: Windows
) -> None:
    companion = await make_companion()
    warnings = companion._database.file.warnings
    warnings += ["The chat state could not be read.", "The chat state was damaged."]
    window = windows(companion)
    window.show_warnings()
    del warnings[0]
    companion.changed.emit(None)
    assert window.banner.text.text() == "The chat state was damaged."
    warnings.clear()
    companion.changed.emit(None)
    assert not window.banner.has_notice("start")


def replace_recording(file: Path) -> Path:
    """Move a recording to another file, which is returned, and write one that began later."""
    copy = file.rename(file.with_name("copy.session.jsonl"))
    file.write_bytes(copy.read_bytes().replace(b"2026-01-01", b"2026-02-01", 1))
    return copy


async def test_nothing_is_done_with_the_file_of_another_recording(
    opened: RecordingWindow, window: MainWindow, file: Path
) -> None:
    await wait_until_idle(window.companion)
    actions, exports = window.companion.recording_actions, window.companion.export_actions
    recording, other = opened.recording, await actions.open(replace_recording(file))
    for work in (
        actions.play(recording, None),
        actions.ui_state(recording, None, FIRST),
        actions.lint(recording),
        actions.compare(recording, other),
        actions.compare(other, recording),
        actions.bundle(recording),
        exports.recording(recording, [3], Kinds.PLAYWRIGHT_ROUTES),
    ):
        with pytest.raises(Conflict, match=r"The file of the recording bug has changed\. Open it again\."):
            await work
    opened.play.click()
    await until(lambda: opened.message.text() == "The file of the recording bug has changed. Open it again.")
    opened.report.click()
    dialog = opened.findChild(BundleDialog)
    assert dialog
    await until(lambda: dialog.message.text() == "The file of the recording bug has changed. Open it again.")
    assert not dialog.save.isEnabled()
    dialog.accept()
    assert list(window.companion.sessions) == []


async def test_rows_of_a_recording_are_exported_with_their_numbers(opened: RecordingWindow, tmp_path: Path) -> None:
    file = tmp_path / "bug.spec.ts"
    messages: list[str] = []
    actions = opened.room.row_actions
    actions.status_message.connect(messages.append)
    actions._exporter.save(opened.room.model.snapshot(), [3, 22], file, Kinds.PLAYWRIGHT_ROUTES)
    await until(lambda: messages)
    assert messages[0].startswith(f"Exported 2 rows to {file}")
    text = file.read_text("utf-8")
    assert re.findall(r"// (\d+): (\w+)", text) == [
        (str(FIRST + 2), "friend_online"), (str(FIRST + 21), "friend_online"),
    ]  # fmt: skip
