"""The actions on selected rows in the Events room: buttons, several rows, pins and annotations, export."""

import json
import re
import shlex
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QItemSelectionModel, QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit, QMenu

from app.companion import Companion
from app.exports.templates.kinds import NO_RESPONSES
from app.hub.journal import Kind, Verdict
from app.hub.origin import PANEL
from app.hub.row_marks import MAX_MARKS, Mark
from app.protocol.envelope import Envelope
from app.protocol.export_kinds import Kind as Kinds
from app.ui import row_actions
from app.ui.models.event_log import Col
from app.ui.rooms.events import EventsRoom
from app.ui.row_actions import COPY_COMMAND, COPY_PLAYWRIGHT
from app.ui.row_export import RowExport
from app.ui.widgets.row_header import ANNOTATE, EDIT, EXPORT, PIN, RESEND, SAVE
from app.ui.window import EVENTS, INJECT, MainWindow
from tests.conftest import Connect, until
from tests.ui.frames import text, wait_until_idle
from tests.ui.parts import child

LEFT = Qt.MouseButton.LeftButton
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def first_room() -> str:
    return EVENTS


@pytest.fixture
async def room(window: MainWindow, companion: Companion) -> EventsRoom:
    """Return the Events room with rows 2 to 6: four frames to the UI and one from the UI."""
    for name in ("alice", "bob", "carol", "dave"):
        await companion.fire(Envelope("friend_online", {"username": name}), origin=PANEL)
    companion.journal.append(Kind.FROM_UI, "typing", payload=b"{}", client="1", verdict=Verdict.INVALID)
    window.events.model.flush()
    window.events.table.setFocus()
    return window.events


@pytest.fixture
def messages(room: EventsRoom) -> list[str]:
    messages: list[str] = []
    room.status_message.connect(messages.append)
    return messages


def select(room: EventsRoom, *seqs: int) -> None:
    """Select the rows with these numbers."""
    model, selection = room.model, room.table.selectionModel()
    lines = [line for line in range(model.rowCount()) if model.seq(line) in seqs]
    selection.clear()
    for line in lines:
        selection.setCurrentIndex(
            model.index(line, 0),
            QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows,
        )


def mark(room: EventsRoom, seq: int) -> Mark:
    return room.model.mark(seq)


# buttons


@pytest.mark.usefixtures("styled")
async def test_the_resend_button_resends_the_frame(
    room: EventsRoom, companion: Companion, connect_client: Connect, messages: list[str], qtbot: Any
) -> None:
    client = await connect_client()
    select(room, 3)
    qtbot.mouseClick(room.details.header.buttons[RESEND], LEFT)
    assert json.loads(await text(client))["data"] == {"username": "bob"}
    await until(lambda: messages)
    assert messages[0].startswith("Resent #3: delivered")


@pytest.mark.usefixtures("styled")
async def test_the_edit_and_save_buttons_emit_their_signals(
    window: MainWindow, room: EventsRoom, qtbot: Any
) -> None:
    saved: list[Any] = []
    room.save_requested.disconnect()
    room.save_requested.connect(saved.append)
    select(room, 3)
    qtbot.mouseClick(room.details.header.buttons[SAVE], LEFT)
    assert [row.seq for row in saved] == [3]
    qtbot.mouseClick(room.details.header.buttons[EDIT], LEFT)
    assert window.rooms.current == INJECT


async def test_the_copy_menu_enables_the_actions_of_the_row(room: EventsRoom, qtbot: Any) -> None:
    menu = room.details.header.copy_menu

    def entries() -> dict[str, bool]:
        menu.popup(QPoint(0, 0))
        enabled = {action.text(): action.isEnabled() for action in menu.actions()}
        reasons = [action.toolTip() for action in menu.actions() if not action.isEnabled()]
        assert all(reasons)
        menu.close()
        return enabled

    select(room, 3)
    assert entries() == {"Copy as JSON": True, "Copy as command": True, "Copy as Playwright": True}
    select(room, 6)
    assert entries() == {"Copy as JSON": True, "Copy as command": False, "Copy as Playwright": False}
    select(room, 2, 3)
    assert entries() == {"Copy as JSON": True, "Copy as command": False, "Copy as Playwright": False}
    assert all(action.isEnabled() for action in room.row_actions.by_title.values())


@pytest.mark.usefixtures("styled")
async def test_rows_are_copied_saved_and_edited_with_the_keys_of_the_ui(
    window: MainWindow, room: EventsRoom, companion: Companion, qtbot: Any
) -> None:
    await companion.apply(replace(companion.settings, envelope_event_key="type", envelope_data_key="payload"))
    frame = '{"type":"x","payload":{}}'
    await companion.send_raw(frame, origin=PANEL)
    own = '{"event":"friend_online","data":{"username":"bob"}}'
    await companion.send_raw(own, origin=PANEL)
    room.model.flush()
    for seq, sent in ((companion.journal.last_seq - 1, frame), (companion.journal.last_seq, own)):
        select(room, seq)
        room.row_actions.by_title[COPY_COMMAND].trigger()
        assert shlex.split(QGuiApplication.clipboard().text()) == ["companion", "trigger", "--frame", sent]
        room.row_actions.by_title[COPY_PLAYWRIGHT].trigger()
        assert json.dumps(sent) in QGuiApplication.clipboard().text()
        qtbot.mouseClick(room.details.header.buttons[EDIT], LEFT)
        assert window.inject.raw.editor.toPlainText() == sent
        window.open_room(EVENTS)


@pytest.mark.usefixtures("styled")
async def test_closing_the_details_returns_the_focus_to_the_log(room: EventsRoom, qtbot: Any) -> None:
    select(room, 2, 3)
    qtbot.mouseClick(room.details.header.close_button, LEFT)
    assert room.table.selected_count == 0
    assert not room.details.isVisible()
    assert room.table.hasFocus()


# several rows


async def test_rows_are_selected_with_the_keyboard_and_the_mouse(room: EventsRoom, qtbot: Any) -> None:
    select(room, 2)
    qtbot.keyClick(room.table, Qt.Key.Key_Down, SHIFT)
    qtbot.keyClick(room.table, Qt.Key.Key_Down, SHIFT)
    assert room.table.selected_seqs == [2, 3, 4]
    position = room.table.visualRect(room.model.index(room.model.rowCount() - 1, Col.SUMMARY)).center()
    qtbot.mouseClick(room.table.viewport(), LEFT, CONTROL, QPoint(position))
    assert room.table.selected_seqs == [2, 3, 4, 6]
    assert room.selected is None
    assert room.details.header.title.text() == "4 rows selected"
    assert not room.details.tabs.isVisible()
    select(room, 6)
    assert room.details.tabs.isVisible()


async def test_an_action_for_one_row_reports_that_several_are_selected(
    room: EventsRoom, messages: list[str], qtbot: Any, subtests: pytest.Subtests
) -> None:
    for key in (Qt.Key.Key_R, Qt.Key.Key_E, Qt.Key.Key_S, Qt.Key.Key_A):
        with subtests.test(key=key):
            select(room, 2, 3)
            last = room.model.rowCount()
            qtbot.keyClick(room.table, key)
            assert len(messages) == 1
            assert messages[0].startswith("Select one row. Several rows cannot be ")
            room.model.flush()
            assert room.model.rowCount() == last
            messages.clear()


async def test_several_rows_are_copied_as_json_lines(
    room: EventsRoom, messages: list[str], qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    select(room, 2, 4)
    qtbot.keyClick(room.table, Qt.Key.Key_C, CONTROL)
    lines = [json.loads(line) for line in QGuiApplication.clipboard().text().split("\n")]
    assert [(line["seq"], line["event"]) for line in lines] == [(2, "friend_online"), (4, "friend_online")]
    assert json.loads(lines[1]["frame"])["data"] == {"username": "carol"}
    assert messages == ["Copied 2 rows as JSON lines"]
    monkeypatch.setattr(row_actions, "MAX_COPIED_ROWS", 1)
    qtbot.keyClick(room.table, Qt.Key.Key_C, CONTROL)
    assert messages[-1] == "2 rows are too much to copy. Use Export … instead."


@pytest.mark.usefixtures("styled")
async def test_selected_rows_are_exported(
    room: EventsRoom, companion: Companion, messages: list[str], tmp_path: Path, qtbot: Any
) -> None:
    companion.journal.mark(4, pinned=True, annotation="late")
    select(room, 2, 4, 6)
    qtbot.mouseClick(room.details.header.buttons[EXPORT], LEFT)
    (dialog,) = room.table.findChildren(QFileDialog)
    day = f"{datetime.fromtimestamp(companion.clock.wall()):%Y-%m-%d}"
    assert re.fullmatch(rf"companion-log-{day}-\d{{4}}\.ndjson", Path(dialog.selectedFiles()[0]).name)
    file = tmp_path / "rows.ndjson"
    dialog.fileSelected.emit(str(file))
    dialog.close()
    await until(lambda: messages)
    await wait_until_idle(companion)
    assert messages == [f"Exported 3 rows to {file}"]
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert [(line["seq"], line["pinned"], line["annotation"]) for line in lines] == [
        (2, False, ""), (4, True, "late"), (6, False, ""),
    ]  # fmt: skip


@pytest.mark.usefixtures("styled")
async def test_rows_are_exported_as_a_test_or_a_bug_report(
    room: EventsRoom, companion: Companion, messages: list[str], tmp_path: Path, qtbot: Any
) -> None:
    select(room, 2, 4)
    qtbot.mouseClick(room.details.header.buttons[EXPORT], LEFT)
    (dialog,) = room.table.findChildren(QFileDialog)
    assert len(dialog.nameFilters()) == len(Kinds)
    filters = {each.rpartition("*.")[2].removesuffix(")"): each for each in dialog.nameFilters()}
    typed = child(dialog, QLineEdit, "fileNameEdit")
    typed.selectAll()
    qtbot.keyClicks(typed, "my-bug.ndjson")
    for suffix in (*filters, "md"):
        dialog.selectNameFilter(filters[suffix])
        dialog.filterSelected.emit(filters[suffix])
        assert (Path(dialog.selectedFiles()[0]).name, dialog.defaultSuffix()) == (f"my-bug.{suffix}", suffix)
    folder = dialog.directory()
    for suffix in ("spec.ts", "md"):
        typed.clear()
        dialog.selectNameFilter(filters[suffix])
        dialog.filterSelected.emit(filters[suffix])
        assert Path(dialog.selectedFiles()[0]).name.startswith("companion-log-")
        assert dialog.directory() == folder
    file = tmp_path / "bug.md"
    dialog.fileSelected.emit(str(file))
    dialog.close()
    await until(lambda: messages)
    assert messages == [f"Exported 2 rows to {file}"]
    assert "| 4 | " in file.read_text("utf-8")
    await wait_until_idle(companion)
    select(room, 6)
    RowExport(room.table, companion, room.row_actions._do, messages.append).save(
        room.model.snapshot(), [6], tmp_path / "x.ts", Kinds.MSW
    )
    await until(lambda: len(messages) > 1)
    assert messages[1].endswith("Left out: 1 frame of the UI that is not a valid event. " + NO_RESPONSES)


async def test_the_shown_rows_are_exported(
    room: EventsRoom, companion: Companion, messages: list[str], tmp_path: Path, qtbot: Any
) -> None:
    assert room.export.isEnabled()
    room.filter.setText("dir:s2c")
    await until(lambda: not room.filtering and room.model.rowCount() == 4)
    qtbot.mouseClick(room.export, LEFT)
    (dialog,) = room.table.findChildren(QFileDialog)
    assert Path(dialog.selectedFiles()[0]).name.startswith("companion-log-")
    await companion.fire(Envelope("friend_online", {"username": "erin"}), origin=PANEL)
    room.model.flush()
    file = tmp_path / "rows.ndjson"
    dialog.fileSelected.emit(str(file))
    dialog.close()
    await until(lambda: messages)
    await wait_until_idle(companion)
    assert messages == [f"Exported 4 rows to {file}"]
    assert [json.loads(line)["seq"] for line in file.read_text("utf-8").splitlines()] == [2, 3, 4, 5]
    room.filter.setText("event:nothing")
    await until(lambda: not room.filtering)
    assert not room.export.isEnabled()


async def test_a_file_that_cannot_be_written_is_reported(
    room: EventsRoom, companion: Companion, messages: list[str], tmp_path: Path
) -> None:
    select(room, 2)
    room.row_actions.trigger(EXPORT)
    (dialog,) = room.table.findChildren(QFileDialog)
    dialog.fileSelected.emit(str(tmp_path / "missing" / "rows.ndjson"))
    dialog.close()
    await until(lambda: messages)
    assert "could not be written" in messages[0]
    await wait_until_idle(companion)


# pins and annotations


@pytest.mark.usefixtures("styled")
async def test_m_pins_the_selected_rows_and_unpins_them(room: EventsRoom, messages: list[str], qtbot: Any) -> None:
    select(room, 3)
    qtbot.keyClick(room.table, Qt.Key.Key_M)
    assert mark(room, 3).pinned
    assert room.details.header.buttons[PIN].isChecked()
    select(room, 2, 3)
    assert not room.details.header.buttons[PIN].isChecked()
    qtbot.mouseClick(room.details.header.buttons[PIN], LEFT)
    assert mark(room, 2).pinned
    assert mark(room, 3).pinned
    assert room.details.header.buttons[PIN].isChecked()
    qtbot.mouseClick(room.details.header.buttons[PIN], LEFT)
    assert not mark(room, 2).pinned
    assert not room.details.header.buttons[PIN].isChecked()
    assert messages == ["Pinned #3", "Pinned 2 rows", "Unpinned 2 rows"]


async def test_the_context_menu_of_a_pinned_row_contains_unpin(room: EventsRoom, companion: Companion) -> None:
    companion.journal.mark(3, pinned=True)
    select(room, 3)
    room.table.customContextMenuRequested.emit(QPoint(5, 5))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    titles = [action.text() for action in menu.actions()]
    menu.close()
    assert "Unpin" in titles
    assert room.row_actions.by_title[PIN].text() == PIN


async def test_pinning_too_many_rows_is_rejected(
    room: EventsRoom, companion: Companion, messages: list[str]
) -> None:
    for _ in range(MAX_MARKS + 1):
        companion.journal.append(Kind.SERVER, "x")
    while room.model.rowCount() <= MAX_MARKS:
        room.model.flush()
    room.table.selectAll()
    room.row_actions.trigger(PIN)
    assert messages[0].startswith("At most 1,000 rows can be pinned.")
    assert not mark(room, 2).pinned


async def test_none_of_several_rows_is_pinned_if_that_would_be_too_many(
    room: EventsRoom, companion: Companion, messages: list[str]
) -> None:
    for _ in range(MAX_MARKS - 2):
        companion.journal.mark(companion.journal.append(Kind.SERVER, "x").seq, pinned=True)
    companion.journal.mark(2, pinned=True)
    select(room, 2, 3, 4)
    room.row_actions.trigger(PIN)
    assert messages == ["At most 1,000 rows can be pinned or annotated. Unpin some first."]
    assert [mark(room, seq).pinned for seq in (2, 3, 4)] == [True, False, False]


async def test_a_annotates_the_selected_row(
    room: EventsRoom, companion: Companion, messages: list[str], qtbot: Any
) -> None:
    select(room, 3)
    qtbot.keyClick(room.table, Qt.Key.Key_A)
    edit = room.details.header.annotation
    assert edit.hasFocus()
    qtbot.keyClicks(edit, "why twice?")
    qtbot.keyClick(edit, Qt.Key.Key_Return)
    assert mark(room, 3).annotation == "why twice?"
    assert room.table.hasFocus()
    assert messages == ["Annotated #3"]
    line = room.table.currentIndex().row()
    assert room.model.index(line, Col.SUMMARY).data() == "“why twice?” · bob"


async def test_an_annotation_is_saved_for_the_row_where_it_was_started(room: EventsRoom, qtbot: Any) -> None:
    select(room, 3)
    room.row_actions.trigger(ANNOTATE)
    qtbot.keyClicks(room.details.header.annotation, "third")
    select(room, 4)
    assert mark(room, 3).annotation == "third"
    assert mark(room, 4).annotation == ""
    assert room.details.header.annotation.text() == ""


async def test_a_row_that_leaves_the_filter_while_it_is_annotated_leaves_alone(
    room: EventsRoom, companion: Companion, qtbot: Any
) -> None:
    for seq in (2, 3, 4):
        companion.journal.mark(seq, pinned=True)
    room.filter.replace_text("is:pinned")
    await until(lambda: not room.filtering)
    select(room, 3)
    room.row_actions.trigger(ANNOTATE)
    qtbot.keyClicks(room.details.header.annotation, "third")
    companion.journal.mark(3, pinned=False)
    assert mark(room, 3).annotation == "third"
    assert list(room.model.seqs) == [2, 4]


async def test_a_mark_set_by_a_script_is_shown_immediately(room: EventsRoom, companion: Companion) -> None:
    select(room, 3)
    companion.journal.mark(3, pinned=True, annotation="from a script")
    assert room.details.header.buttons[PIN].isChecked()
    assert room.details.header.annotation.text() == "from a script"
    assert room.details.header.annotation.isVisible()


async def test_a_discarded_row_cannot_be_annotated(
    room: EventsRoom, companion: Companion, messages: list[str]
) -> None:
    room.row_actions.save_annotation(99, "x")
    assert messages == ["Row 99 is not in the log."]


# the details


async def test_the_search_field_searches_the_tree(room: EventsRoom, qtbot: Any) -> None:
    select(room, 3)
    details = room.details
    details.search.setFocus()
    qtbot.keyClicks(details.search, "e")
    assert details.found.text() == "1 of 2"
    qtbot.keyClick(details.search, Qt.Key.Key_Return)
    assert details.found.text() == "2 of 2"
    qtbot.keyClick(details.search, Qt.Key.Key_Return, SHIFT)
    assert details.found.text() == "1 of 2"
    details.tabs.setCurrentWidget(details.raw)
    assert not details.search.isVisible()
    details.tabs.setCurrentWidget(details.tree)
    assert details.search.isVisible()


async def test_the_details_are_next_to_the_log_in_a_wide_room(window: MainWindow, room: EventsRoom) -> None:
    select(room, 3)
    assert room.splitter.orientation() is Qt.Orientation.Vertical
    window.resize(1_700, 800)
    await until(lambda: room.splitter.orientation() is Qt.Orientation.Horizontal)
    assert room.details.isVisible()
