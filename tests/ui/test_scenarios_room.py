"""Scenarios: the room that lists, edits and runs scenarios."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QMimeData, QModelIndex, QPoint, QPointF, Qt
from PySide6.QtGui import QDrag, QDragEnterEvent, QGuiApplication, QMouseEvent, QTextCursor
from PySide6.QtWidgets import QApplication, QMessageBox, QPushButton

from app.companion import Companion
from app.hub.origin import PANEL
from app.hub.session_run import Options, RunState, SessionRun, StepResult
from app.protocol.errors import StorageError
from app.protocol.session.saved import EditableText, SavedSession, format_session
from app.protocol.session.transcript import parse_transcript
from app.ui.models.folder_tree import NAME
from app.ui.models.run_text import run_text
from app.ui.room_registry import SCENARIOS
from app.ui.rooms.scenarios import TOO_LARGE, ScenariosRoom
from app.ui.scenario_edits import ScenarioEdits
from app.ui.scenario_runs import Played
from app.ui.widgets.name_dialog import NameDialog
from app.ui.widgets.navigation import RoomButton
from app.ui.window import EVENTS, FIXTURES, MainWindow
from tests.conftest import Connect, MakeCompanion, until
from tests.ui.frames import frame, wait_until_idle

OWN = "mine/lunch"
TEXT = """# Lunch
seed 7

alice comes online
alice: Lunch?
expect typing from me within 10s
bob: May I join?
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "own"
    folder.mkdir()
    return folder


@pytest.fixture
async def companion(make_companion: MakeCompanion, folder: Path) -> Companion:
    """Return a companion with one scenario of the user."""
    companion = await make_companion(sessions=str(folder))
    assert await companion.start(), companion.services["events"].error
    await companion.saved_sessions.save(OWN, TEXT, ".chat")
    return companion


@pytest.fixture
def first_room() -> str:
    return SCENARIOS


@pytest.fixture
async def room(window: MainWindow, companion: Companion) -> ScenariosRoom:
    """Return the room. The scenario of the user is not selected."""
    window.open_room(SCENARIOS)
    await until(lambda: window.scenarios.list.model.index_of(OWN).isValid())
    return window.scenarios


async def choose(room: ScenariosRoom, name: str) -> None:
    """Select a scenario, and wait until its text is shown and checked."""
    room.choose(name)
    await until(lambda: room.edits.key == name)
    await checked(room)


async def checked(room: ScenariosRoom) -> None:
    """Wait until the text in the editor was checked."""
    text = room.form.editor.toPlainText()
    await until(lambda: room.check._last is not None and room.check._last[0] == text)


async def write(room: ScenariosRoom, text: str) -> None:
    room.form.editor.selectAll()
    room.form.editor.insert_text(text)
    await checked(room)


async def ended(room: ScenariosRoom) -> Played:
    """Wait until the run of the shown scenario has ended and the window shows it."""
    assert room.edits.current
    key = room.edits.key
    await until(lambda: (played := room.controls.runs.of(key)) and not played.running)
    await until(lambda: "after" in room.controls.bar.status.text())
    played = room.controls.runs.of(key)
    assert played
    return played


def listed(room: ScenariosRoom) -> dict[str, list[str]]:
    """Return the titles in each folder in the order of the list."""
    model = room.list.model
    tops = [model.index(row, 0) for row in range(model.rowCount(QModelIndex()))]
    return {top.data(): [model.index(row, 0, top).data() for row in range(model.rowCount(top))] for top in tops}


def dialog() -> NameDialog:
    found = QApplication.activeModalWidget()
    assert isinstance(found, NameDialog)
    return found


def action(room: ScenariosRoom, title: str) -> Any:
    return next(each for each in room.form.menu.actions() if each.text() == title)


# the list


async def test_own_scenarios_are_listed_before_built_in_ones(room: ScenariosRoom) -> None:
    assert list(listed(room)) == ["mine · yours", "Showcase · what is possible"]
    assert listed(room)["mine · yours"] == ["Lunch"]
    assert "A morning's chat" in listed(room)["Showcase · what is possible"]


async def test_the_search_looks_at_names_and_titles(room: ScenariosRoom) -> None:
    room.list.search.setText("morn")
    assert listed(room) == {"Showcase · what is possible": ["A morning's chat"]}
    room.list.search.setText("nothing like it")
    assert room.list.no_match.isVisible()


async def test_a_recording_is_marked_and_not_read(room: ScenariosRoom, companion: Companion) -> None:
    await companion.recordings.start("mine/take one")
    await companion.recordings.stop("mine/take one")
    await companion.saved_sessions.read()
    index = room.list.model.index_of("mine/take one")
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == "take one, mine/take one, recording"
    room.choose("mine/take one")
    await until(lambda: room.edits.key == "mine/take one")
    assert room.empty.isVisible()
    assert "recording" in room.empty.hint.text()
    requested: list[str] = []
    room.recording_requested.connect(requested.append)
    (button,) = [each for each in room.empty.findChildren(QPushButton) if each.text() == "Open recording"]
    button.click()
    assert requested == ["mine/take one"]
    assert not room.controls.bar.run.isEnabled()


# writing


async def test_a_new_scenario_can_be_run_and_is_kept_until_it_is_saved(
    room: ScenariosRoom, companion: Companion, folder: Path
) -> None:
    room.list.new.click()
    await checked(room)
    assert room.controls.bar.run.isEnabled()
    assert listed(room)["Not saved"] == ["New scenario •"]
    await choose(room, OWN)
    assert listed(room)["Not saved"] == ["New scenario •"]
    room.choose("new:1")
    await until(lambda: room.edits.key == "new:1")
    room.form.save.click()
    dialog().name.setText("mine/first")
    dialog()._accept()
    await until(lambda: room.edits.key == "mine/first")
    assert (folder / "mine" / "first.chat").read_text() == room.form.editor.toPlainText()
    assert "Not saved" not in listed(room)
    assert not room.form.save.isEnabled()


async def test_unsaved_changes_are_kept_while_another_scenario_is_shown(room: ScenariosRoom, folder: Path) -> None:
    await choose(room, OWN)
    await write(room, TEXT + "carol: me too\n")
    assert listed(room)["mine · yours"] == ["Lunch •"]
    await choose(room, "showcase/morning")
    assert listed(room)["mine · yours"] == ["Lunch •"]
    await choose(room, OWN)
    assert room.form.editor.toPlainText().endswith("carol: me too\n")
    room.form.save.click()
    await until(lambda: (folder / "mine" / "lunch.chat").read_text().endswith("carol: me too\n"))
    await until(lambda: listed(room)["mine · yours"] == ["Lunch"])


async def test_changes_can_be_reverted(room: ScenariosRoom) -> None:
    await choose(room, OWN)
    await write(room, "bob: hi\n")
    room.form.revert.click()
    await until(lambda: not room.form.revert.isEnabled())
    assert room.form.editor.toPlainText() == TEXT


async def test_a_text_without_a_file_is_discarded_after_a_question(
    room: ScenariosRoom, companion: Companion, folder: Path
) -> None:
    revert = room.form.revert
    room.list.new.click()
    assert (revert.text(), revert.accessibleName()) == ("Discard", "Discard this scenario")
    revert.click()
    assert room.edits.current is None, "nothing was written"
    assert QApplication.activeModalWidget() is None
    room.write("# Long work\nalice: hi\n")
    for answer in ("Cancel", "Discard"):
        await until(lambda: listed(room).get("Not saved") == ["Long work •"])
        revert.click()
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        assert box.text() == "Discard the scenario Long work?"
        next(each for each in box.buttons() if each.text().replace("&", "") == answer).click()
    await until(lambda: "Not saved" not in listed(room))
    assert room.edits.drafts == {}
    await choose(room, OWN)
    assert (revert.text(), revert.accessibleName()) == ("Revert", "Revert to the saved version")
    await write(room, TEXT + "carol: me too\n")
    (folder / f"{OWN}.chat").unlink()
    await companion.saved_sessions.read()
    await until(lambda: revert.text() == "Discard")
    revert.click()
    question = QApplication.activeModalWidget()
    assert isinstance(question, QMessageBox)
    question.close()
    assert room.edits.current


@pytest.mark.parametrize("suffix", [".chat", ".session.jsonl"])
async def test_a_file_that_another_program_has_changed_is_shown_by_revert_and_replaced_only_on_the_second_save(
    room: ScenariosRoom, companion: Companion, window: MainWindow, folder: Path, suffix: str
) -> None:
    """Regression: *Revert* showed the old text, and *Save* replaced the file of a Git checkout without a word."""
    await companion.saved_sessions.save(OWN, format_session(parse_transcript(TEXT), suffix), suffix)
    await choose(room, OWN)
    file, editor = folder / f"mine/lunch{suffix}", room.form.editor

    def change(text: str) -> None:
        file.write_text(format_session(parse_transcript(text), suffix))

    await write(room, TEXT + "carol: mine\n")
    change(TEXT + "carol: pulled\n")
    await companion.saved_sessions.read()
    room.form.revert.click()
    await until(lambda: not room.form.revert.isEnabled())
    assert editor.toPlainText() == TEXT + "carol: pulled\n"
    await write(room, TEXT + "carol: mine\n")
    change(TEXT + "carol: pushed\n")  # has the same size, so that the list does not change
    room.form.save.click()
    await until(lambda: "has changed since it was opened" in window.status.message.text())
    assert "pushed" in file.read_text()
    assert editor.toPlainText() == TEXT + "carol: mine\n"
    room.form.save.click()
    await until(lambda: "mine" in file.read_text())
    await until(lambda: not room.form.save.isEnabled())
    await write(room, TEXT + "carol: yours\n")
    room.form.save.click()
    await until(lambda: "yours" in file.read_text())


async def test_a_changed_file_is_replaced_only_after_the_warning_even_if_save_is_clicked_twice(
    window: MainWindow, room: ScenariosRoom, companion: Companion, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: a click while the first save ran, or after another error, replaced the file without a word."""

    async def fail(*_: Any, **__: Any) -> SavedSession:
        raise StorageError("the disk is full")

    await choose(room, OWN)
    file = folder / f"{OWN}.chat"
    await write(room, TEXT + "carol: mine\n")
    file.write_text(TEXT + "carol: pulled\n")
    with monkeypatch.context() as patch:
        patch.setattr(companion.saved_sessions, "save_edited", fail)
        room.form.save.click()
        await wait_until_idle(companion)
    assert window.status.message.text() == "the disk is full"
    room.form.save.click()
    room.form.save.click()
    await wait_until_idle(companion)
    assert "pulled" in file.read_text()
    assert "has changed since it was opened" in window.status.message.text()
    room.form.save.click()
    await wait_until_idle(companion)
    assert "mine" in file.read_text()


async def test_a_text_that_is_typed_while_a_save_runs_can_be_saved_without_a_warning(
    room: ScenariosRoom, companion: Companion, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first save is not mistaken for a change by another program."""
    gate = asyncio.Event()
    save = companion.saved_sessions.save_edited
    ended: list[tuple[Any, ...]] = []

    async def in_turn(*arguments: Any, **options: Any) -> SavedSession:
        await gate.wait()
        await until(lambda: len(ended) == texts.index(arguments[1].text))
        try:
            return await save(*arguments, **options)
        finally:
            ended.append(arguments)

    monkeypatch.setattr(companion.saved_sessions, "save_edited", in_turn)
    texts = [TEXT + "carol: first\n", TEXT + "carol: second\n"]
    await choose(room, OWN)
    for text in texts:
        await write(room, text)
        room.form.save.click()
    gate.set()
    await wait_until_idle(companion)
    assert (folder / f"{OWN}.chat").read_text() == texts[1]
    assert not room.form.save.isEnabled()


async def test_a_text_that_is_not_valid_is_underlined_and_cannot_be_saved(room: ScenariosRoom) -> None:
    await choose(room, OWN)
    await write(room, "alice: hi 👋\nexpect typing frm me\n")
    (mark,) = room.form.editor.marks
    text = room.form.editor.document().toRawText()
    assert text[mark.start :].startswith("frm") or text.encode("utf-16-le")[2 * mark.start :].decode("utf-16-le")
    assert mark.message.startswith("Unexpected 'frm'")
    assert not room.form.save.isEnabled()
    assert "Line 2" in room.form.save.toolTip()
    assert not room.controls.bar.run.isEnabled()
    assert "Line 2: Unexpected 'frm'" in room.form.line_info.text()


async def test_steps_that_will_not_work_are_underlined(room: ScenariosRoom) -> None:
    await choose(room, OWN)
    await write(room, "fire nothing_like_it\nzoe: hi\nalice: hi\n")
    wrong, unknown_friend = room.form.editor.marks
    assert "There is no event" in wrong.message
    assert not wrong.warning
    assert "zoe is not a friend" in unknown_friend.message
    assert unknown_friend.warning
    assert room.controls.bar.run.isEnabled()


async def test_a_scenario_in_lines_of_json_is_edited_as_text_and_saved_as_lines(
    room: ScenariosRoom, companion: Companion, folder: Path
) -> None:
    lines = '{"session": 1, "title": "Lines"}\n{"say": "hi", "as": "alice"}\n'
    await companion.saved_sessions.save("mine/lines", lines, ".session.jsonl")
    await choose(room, "mine/lines")
    assert room.form.editor.toPlainText() == "# Lines\nalice: hi\n"
    await write(room, "# Lines\nalice: hello\n")
    room.form.save.click()
    file = folder / "mine" / "lines.session.jsonl"
    await until(lambda: "hello" in file.read_text())
    assert json.loads(file.read_text().splitlines()[1])["say"] == "hello"
    assert room.form.editor.toPlainText() == "# Lines\nalice: hello\n"


async def test_a_built_in_scenario_is_saved_as_a_copy(room: ScenariosRoom, companion: Companion) -> None:
    await choose(room, "showcase/morning")
    await write(room, room.form.editor.toPlainText() + "alice: bye\n")
    assert not room.form.save.isEnabled()
    action(room, "Save as …").trigger()
    assert dialog().name.text() == "mine/morning"
    dialog()._accept()
    await until(lambda: room.edits.key == "mine/morning")
    assert companion.saved_sessions.find("mine/morning").own
    assert room.form.title.text() == "A morning's chat"


async def test_a_scenario_can_be_renamed_and_deleted(
    room: ScenariosRoom, companion: Companion, folder: Path
) -> None:
    await choose(room, OWN)
    await write(room, TEXT + "carol: me too\n")
    action(room, "Rename …").trigger()
    dialog().name.setText("mine/dinner")
    dialog()._accept()
    await until(lambda: room.edits.key == "mine/dinner")
    assert room.form.editor.toPlainText().endswith("carol: me too\n"), "unsaved changes are kept"
    action(room, "Delete …").trigger()
    box = QApplication.activeModalWidget()
    assert isinstance(box, QMessageBox)
    next(each for each in box.buttons() if each.text() == "Delete").click()
    await until(lambda: not room.edits.key)
    assert not (folder / "mine").exists()
    assert room.empty.isVisible()


async def test_what_is_renamed_stays_open(room: ScenariosRoom, companion: Companion) -> None:
    """Regression: it was closed if it had no unsaved changes, and its run was that of another scenario."""
    await choose(room, OWN)
    await write(room, "# Lunch\nwait 20s\n")
    room.form.save.click()
    await until(lambda: room.edits.current and not room.edits.current.has_changes)
    room.controls.run()
    await until(lambda: room.controls.runs.running)
    current = room.edits.current
    action(room, "Rename …").trigger()
    dialog().name.setText("mine/dinner")
    dialog()._accept()
    await until(lambda: room.edits.key == "mine/dinner")
    assert room.edits.current is current
    assert room.list.tree.currentIndex().data(NAME) == "mine/dinner"
    assert room.controls.bar.run.text() == "Stop"
    assert not room.controls.others.isVisible()

    await companion.recordings.start("mine/take")
    await companion.recording_actions.stop("mine/take")
    room.choose("mine/take")
    action(room, "Rename …").trigger()
    dialog().name.setText("mine/bug")
    dialog()._accept()
    await until(lambda: room.edits.key == "mine/bug")
    assert room.empty.hint.text().startswith("mine/bug · recording")
    assert room.list.tree.currentIndex().data(NAME) == "mine/bug"


async def test_what_is_renamed_elsewhere_stays_open(room: ScenariosRoom, companion: Companion) -> None:
    """Regression: it was closed, also while it was running, and unsaved changes were those of no file."""
    other = "mine/other"
    await companion.saved_sessions.save(other, "# Other\nwait 20s\n", ".chat")
    await choose(room, OWN)
    await write(room, "# Lunch\nalice: hi\n")
    await choose(room, other)
    room.controls.run()
    await until(lambda: room.controls.runs.running)
    await asyncio.gather(
        companion.saved_sessions.rename(other, "mine/dinner"),
        companion.saved_sessions.rename(OWN, "mine/breakfast"),
    )
    assert room.edits.key == "mine/dinner"
    assert room.list.tree.currentIndex().data(NAME) == "mine/dinner"
    assert room.controls.bar.run.text() == "Stop"
    assert list(room.edits.drafts) == ["mine/breakfast"]
    assert room.edits.drafts["mine/breakfast"].saved is companion.saved_sessions.find("mine/breakfast")


async def test_a_scenario_that_is_renamed_while_it_is_read_is_shown(
    room: ScenariosRoom, companion: Companion
) -> None:
    room.choose(OWN)
    assert room.edits.loading
    await companion.saved_sessions.rename(OWN, "mine/dinner")
    await until(lambda: room.edits.key == "mine/dinner")
    assert room.form.editor.toPlainText() == TEXT
    assert room.edits.chosen_key == "mine/dinner"


@pytest.mark.parametrize("changed", [False, True])
async def test_a_deleted_scenario_that_cannot_be_renamed_is_closed_or_not_saved(
    room: ScenariosRoom, folder: Path, changed: bool
) -> None:
    """Regression: it stayed open, although the list did not contain it."""
    await choose(room, OWN)
    if changed:
        await write(room, "# Lunch\nalice: hi\n")
    messages: list[str] = []
    room.status_message.connect(messages.append)
    (folder / f"{OWN}.chat").unlink()
    action(room, "Rename …").trigger()
    dialog().name.setText("mine/dinner")
    dialog()._accept()
    await until(lambda: messages)
    assert messages == [f"There is no session '{OWN}'."]
    assert room.edits.key == ("new:1" if changed else "")
    assert listed(room).get("Not saved") == (["Lunch •"] if changed else None)


async def test_a_file_that_another_program_changes_is_shown_unless_there_are_unsaved_changes(
    room: ScenariosRoom, companion: Companion, folder: Path
) -> None:
    await choose(room, OWN)
    (folder / "mine" / "lunch.chat").write_text("# Lunch\nbob: changed elsewhere\n")
    await companion.saved_sessions.read()
    await until(lambda: "elsewhere" in room.form.editor.toPlainText())
    await write(room, "bob: mine\n")
    (folder / "mine" / "lunch.chat").write_text("# Lunch\nbob: changed once more\n")
    await companion.saved_sessions.read()
    assert room.form.editor.toPlainText() == "bob: mine\n"


async def test_the_cursor_and_the_undo_history_are_kept_if_the_text_of_the_file_has_not_changed(
    room: ScenariosRoom, companion: Companion, folder: Path
) -> None:
    """Regression: they were lost if another file was saved, deleted or recorded after a save."""
    await choose(room, OWN)
    editor = room.form.editor
    editor.moveCursor(QTextCursor.MoveOperation.End)
    editor.insert_text("bob: bye\n")
    await checked(room)
    room.form.save.click()
    await until(lambda: room.edits.current and not room.edits.current.has_changes)
    line, current = editor.line, room.edits.current
    assert line > 1
    (folder / "mine" / "other.chat").write_text(TEXT)
    os.utime(folder / "mine" / "lunch.chat", (0, 0))
    await companion.saved_sessions.read()
    await wait_until_idle(companion)
    assert room.edits.current is current
    assert current
    assert current.saved is companion.saved_sessions.find(OWN)
    assert editor.line == line
    editor.undo()
    assert editor.toPlainText() == TEXT


async def test_a_copy_stays_open_if_the_file_of_the_original_was_read_again(
    room: ScenariosRoom, companion: Companion, folder: Path
) -> None:
    """Regression: the original was shown instead."""
    await choose(room, OWN)
    os.utime(folder / f"{OWN}.chat", (0, 0))
    await companion.saved_sessions.read()
    action(room, "Save as …").trigger()
    dialog().name.setText("mine/copy")
    dialog()._accept()
    await until(lambda: room.edits.key == "mine/copy")
    await wait_until_idle(companion)
    assert room.edits.chosen_key == room.edits.key == "mine/copy"


async def test_a_file_that_cannot_be_edited_is_shown_as_it_is_now(
    room: ScenariosRoom, companion: Companion, folder: Path
) -> None:
    """Regression: the room still said why a file could not be edited, or its size, after that had changed."""
    file = folder / "mine" / "lunch.chat"
    file.write_text("# Big\n" + "bob: hi\n" * 30_000)
    await companion.saved_sessions.read()
    room.choose(OWN)
    await until(lambda: "The text has too many lines (30,002). The maximum is 20,000." in room.empty.hint.text())
    assert "frame" not in room.empty.hint.text()
    file.write_text(TEXT)
    await companion.saved_sessions.read()
    await until(lambda: room.form.isVisible())
    assert room.form.editor.toPlainText() == TEXT

    file = folder / "mine" / "take.session.jsonl"
    header = '{"session": 1, "kind": "recording"}\n'
    file.write_text(header)
    await companion.saved_sessions.read()
    room.choose("mine/take")
    await until(lambda: "recording, 36 B" in room.empty.hint.text())
    file.write_text(header + '{"mark": "x"}\n')
    await companion.saved_sessions.read()
    assert "recording, 50 B" in room.empty.hint.text()
    file.write_text('{"session": 1}\n{"note": "x"}\n')
    await companion.saved_sessions.read()
    await until(lambda: room.form.isVisible())
    assert room.form.editor.toPlainText() == "note x\n"
    file.write_text(header)
    await companion.saved_sessions.read()
    assert room.empty.isVisible()
    assert "recording, 36 B" in room.empty.hint.text()


async def test_open_recording_keeps_the_focus_when_the_files_are_read_again(
    room: ScenariosRoom, companion: Companion, folder: Path
) -> None:
    """Regression: the button was hidden for a moment, which left the focus on the window."""
    file = folder / "mine" / "take.session.jsonl"
    file.write_text('{"session": 1, "kind": "recording"}\n')
    await companion.saved_sessions.read()
    room.choose("mine/take")
    (button,) = [each for each in room.empty.findChildren(QPushButton) if each.text() == "Open recording"]
    button.setFocus()
    file.write_text('{"session": 1, "kind": "recording"}\n{"mark": "x"}\n')
    await companion.saved_sessions.read()
    await wait_until_idle(companion)
    assert "recording, 50 B" in room.empty.hint.text()
    assert QApplication.focusWidget() is button


async def test_unsaved_changes_are_listed_while_their_file_does_not_exist(
    room: ScenariosRoom, companion: Companion, folder: Path
) -> None:
    """Regression: after the checkout of another branch, they were neither listed nor could they be shown."""
    other = "mine/other"
    await companion.saved_sessions.save(other, TEXT, ".chat")
    files = {name: folder / f"{name}.chat" for name in (OWN, other)}
    for name in files:
        await choose(room, name)
        await write(room, f"# {name}\nalice: hi\n")
    for file in files.values():
        file.unlink()
    await companion.saved_sessions.read()
    assert sorted(listed(room)["Not saved"]) == [f"{OWN} •", f"{other} •"]
    assert "mine · yours" not in listed(room)
    assert room.form.editor.toPlainText() == f"# {other}\nalice: hi\n"
    room.form.save.click()
    assert dialog().name.text() == other
    dialog().reject()
    for file in files.values():
        file.write_text(TEXT)
    await companion.saved_sessions.read()
    assert listed(room)["mine · yours"] == ["Lunch •", "Lunch •"]
    assert "Not saved" not in listed(room)
    await choose(room, OWN)
    assert room.form.editor.toPlainText() == f"# {OWN}\nalice: hi\n"
    assert room.edits.drafts.keys() == {other}


# running


async def test_a_run_shows_its_progress_the_current_step_and_its_verdict(
    room: ScenariosRoom, connect_client: Connect
) -> None:
    client = await connect_client("me")
    await choose(room, OWN)
    room.fire_or_stop()
    await until(lambda: room.form.editor._current == 6)
    assert room.controls.bar.status.text() == "Running step 3 of 4 · 2 events"
    assert room.controls.bar.run.text() == "Stop"
    assert listed(room)["mine · yours"] == ["Lunch"]
    await client.send('{"event": "typing", "data": {"to": "alice", "typing": true}}')
    played = await ended(room)
    assert played.run.state is RunState.PASSED
    assert room.controls.bar.status.text().startswith("Passed after")
    assert room.controls.bar.status.text().endswith("4 steps · 3 events · 1 of 1 expectations met")
    assert room.form.editor.result_at(6).startswith("Met after")
    assert room.form.editor._current == 0
    assert room.controls.bar.stamp.text()


async def test_an_expectation_that_is_not_met_is_shown_with_what_came_instead(
    room: ScenariosRoom, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client("me")
    await choose(room, OWN)
    await write(room, "alice: hi\nexpect mark_read within 200ms\n")
    room.controls.run()
    await client.send('{"event": "typing", "data": {"to": "alice", "typing": true}}')
    await ended(room)
    assert room.controls.bar.status.property("tone") == "error"
    room.controls.bar.show_failure.click()
    assert room.form.editor.line == 2
    assert room.form.line_info.text().startswith("Line 2: Not met within 0.2 s")


async def test_results_are_out_of_date_after_a_change_and_move_with_their_lines(room: ScenariosRoom) -> None:
    await choose(room, OWN)
    await write(room, "alice: hi\nexpect mark_read within 10ms\nbob: hi\n")
    room.controls.run()
    await ended(room)
    editor = room.form.editor
    assert editor.result_at(2).startswith("Not met within")
    editor.moveCursor(QTextCursor.MoveOperation.Start)
    editor.insert_text("# A title\n")
    assert editor.result_at(3).endswith("(out of date)")
    assert not editor.result_at(2)
    assert room.controls.bar.stamp.text().endswith("· out of date")
    assert "edited" in room.controls.bar.stamp.toolTip()
    assert room.controls.bar.show_failure.isHidden()
    editor.undo()
    assert editor.result_at(2).startswith("Not met within")


async def test_a_run_can_be_played_step_by_step_paused_and_stopped(
    room: ScenariosRoom, connect_client: Connect
) -> None:
    client = await connect_client("me")
    await choose(room, OWN)
    await write(room, "alice: one\nalice: two\nalice: three\n")
    room.controls.step()
    await until(lambda: room.controls.bar.status.text().startswith("Paused at step 1 of 3"))
    assert room.form.editor._current == 1
    room.controls.bar.step_button.click()
    assert (await frame(client))["data"]["text"] == "one"
    await until(lambda: room.form.editor._current == 2)
    room.controls.bar.pause.click()
    assert (await frame(client))["data"]["text"] == "two"
    assert (await frame(client))["data"]["text"] == "three"
    assert (await ended(room)).run.state is RunState.PASSED
    await write(room, "wait for bob within 30s\n")
    room.controls.run()
    await until(lambda: room.controls.bar.run.text() == "Stop")
    room.fire_or_stop()
    assert (await ended(room)).run.state is RunState.STOPPED


async def test_speed_seed_and_recipients_are_used(room: ScenariosRoom, companion: Companion) -> None:
    await choose(room, OWN)
    await write(room, "alice (types 60s): hi\nbob: hi\n")
    room.controls.bar.speed.setCurrentText("Max")
    room.controls.bar.seed.setText("123")
    room.controls.run()
    played = await ended(room)
    assert played.run.seed == 123
    room.controls.bar.copy_seed.click()
    assert QGuiApplication.clipboard().text() == "123"
    room.controls.bar.new_seed.click()
    assert room.controls.bar.seed.text().isdecimal()
    room.controls.bar.seed.setText("abc")
    assert not room.controls.bar.run.isEnabled()
    assert "whole number" in room.controls.bar.run.toolTip()


async def test_other_runs_are_listed_and_can_be_stopped(room: ScenariosRoom, companion: Companion) -> None:
    await choose(room, OWN)
    await write(room, "wait for bob within 30s\n")
    room.controls.run()
    await until(lambda: room.controls.bar.run.text() == "Stop")
    assert room.controls.others.isHidden()
    await choose(room, "showcase/morning")
    assert room.controls.bar.run.text() == "Run"
    (other,) = room.controls.others.rows
    assert other.text.text().startswith("lunch: Running") or other.text.text().startswith(f"{OWN}: Running")
    assert not other.open.isHidden()
    other.stop.click()
    await until(room.controls.others.isHidden)


async def test_a_run_stays_with_its_scenario_while_that_has_no_file(
    room: ScenariosRoom, companion: Companion, folder: Path
) -> None:
    """Regression: Ctrl+Enter started a second run if the file was deleted while there were unsaved changes."""
    await choose(room, OWN)
    await write(room, "# Lunch\nwait 20s\n")
    room.controls.run_or_stop()
    await until(lambda: room.controls.runs.running)
    (folder / f"{OWN}.chat").unlink()
    await companion.saved_sessions.read()
    assert room.edits.key == "new:1"
    assert room.controls.bar.run.text() == "Stop"
    (folder / f"{OWN}.chat").write_text(TEXT)
    await companion.saved_sessions.read()
    assert room.edits.key == OWN
    assert room.controls.bar.run.text() == "Stop"
    room.controls.run_or_stop()
    await until(lambda: not room.controls.runs.running)
    assert len(list(companion.sessions)) == 1


async def test_the_run_of_a_scenario_without_a_file_can_be_shown(room: ScenariosRoom) -> None:
    room.write("# A\nwait 20s\n")
    room.controls.run()
    await until(lambda: room.controls.runs.running)
    await choose(room, OWN)
    (row,) = room.controls.others.rows
    assert row.open.isVisible()
    row.open.click()
    assert room.edits.key == "new:1"
    assert room.controls.bar.run.text() == "Stop"


async def test_all_scenarios_that_share_a_run_are_marked_as_running(
    room: ScenariosRoom, companion: Companion
) -> None:
    """Regression: after a copy was saved, only it was marked if the original was renamed."""
    await choose(room, OWN)
    await write(room, "# Lunch\nwait 20s\n")
    room.controls.run()
    await until(lambda: room.controls.runs.running)
    action(room, "Save as …").trigger()
    dialog().name.setText("mine/copy")
    dialog()._accept()
    await until(lambda: room.edits.key == "mine/copy")
    assert room.controls.runs.running_keys == {OWN, "mine/copy"}
    await companion.saved_sessions.rename(OWN, "mine/dinner")
    assert room.controls.runs.running_keys == {"mine/dinner", "mine/copy"}


async def test_a_new_scenario_has_no_run_of_a_file_with_its_name(room: ScenariosRoom) -> None:
    """Regression: it was shown as running, because its runs have the same name in the log."""
    await choose(room, OWN)
    action(room, "Save as …").trigger()
    dialog().name.setText("new scenario")
    dialog()._accept()
    await until(lambda: room.edits.key == "new scenario")
    await write(room, "# A\nwait 20s\n")
    room.controls.run()
    await until(lambda: room.controls.runs.running)
    room.list.new.click()
    assert room.edits.current
    assert room.edits.current.name == "new scenario"
    assert room.controls.bar.run.text() == "Run"


async def test_the_progress_of_another_run_does_not_count_steps_in_a_repeat(
    room: ScenariosRoom, companion: Companion
) -> None:
    """Regression: *Running step 2 of 2* after the first step in a repeat."""
    text = "repeat 40\n    alice: hi\n    wait for nobody within 60s\nbob: hi\n"
    run = companion.sessions.start("elsewhere.chat", parse_transcript(text), Options())
    await until(lambda: room.controls.others.rows and run.totals.steps == 1)
    assert run_text(run) == "Running step 1 of 2 · 1 event"
    await companion.sessions.stop(run.number)


async def test_the_run_of_a_file_that_is_not_in_the_list_has_no_button_to_show_it(
    room: ScenariosRoom, companion: Companion
) -> None:
    run = companion.sessions.start("elsewhere.chat", parse_transcript("wait for bob within 30s\n"), Options())
    await until(lambda: room.controls.others.rows)
    (other,) = room.controls.others.rows
    assert other.open.isHidden()
    assert not other.stop.isHidden()
    await companion.sessions.stop(run.number)


async def test_a_run_that_was_started_elsewhere_is_shown(room: ScenariosRoom, companion: Companion) -> None:
    await choose(room, "showcase/morning")
    saved = companion.saved_sessions.find("showcase/morning")
    run = companion.sessions.start(saved.name, await companion.saved_sessions.load(saved), Options())
    await until(lambda: room.controls.bar.run.text() == "Stop")
    await companion.sessions.stop(run.number)
    assert (await ended(room)).run is run


async def test_an_invalid_text_is_not_run_and_the_line_is_shown(room: ScenariosRoom) -> None:
    await choose(room, OWN)
    room.form.editor.selectAll()
    room.form.editor.insert_text("alice: hi\nnot a statement\n")
    room.controls.run()
    await until(lambda: "Not run." in room.controls.bar.status.text())
    assert room.form.editor.line == 2
    assert not list(room._companion.sessions)
    await checked(room)
    assert "Not run." in room.controls.bar.status.text(), "the check of the text does not remove it"
    await write(room, "alice: hi\n")
    await until(lambda: "Not run." not in room.controls.bar.status.text())


async def test_the_editor_follows_the_run_until_the_user_scrolls(room: ScenariosRoom, companion: Companion) -> None:
    await choose(room, OWN)
    steps = "".join(f"note step {number}\n" for number in range(200))
    await write(room, steps)
    editor, bar = room.form.editor, room.form.editor.verticalScrollBar()
    editor.moveCursor(QTextCursor.MoveOperation.Start)
    editor.begin_following()
    editor.show_current(120)
    assert bar.value() > 60
    bar.setValue(0)
    editor.show_current(150)
    assert bar.value() == 0
    editor.show_current(3)
    bar.setValue(1)
    editor.show_current(180)
    assert bar.value() > 100, "it follows again, because the step was in view"


async def test_what_is_chosen_is_run_and_not_what_is_still_shown(
    room: ScenariosRoom, companion: Companion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: a double-click on a large scenario ran the one that was shown before."""
    await companion.saved_sessions.save("mine/other", "wait for bob within 30s\n", ".chat")
    gate = asyncio.Event()
    read = companion.saved_sessions.editable

    async def slowly(saved: SavedSession) -> EditableText:
        await gate.wait()
        return await read(saved)

    await choose(room, OWN)
    monkeypatch.setattr(companion.saved_sessions, "editable", slowly)
    for key, act in (("mine/other", room.list.activated.emit), ("showcase/morning", room.fire_or_stop)):
        gate.clear()
        room.choose(key)
        assert not room.controls.bar.run.isEnabled()
        assert room.controls.bar.run.toolTip() == "Loading …"
        act()
        room.refresh()
        assert room.list.tree.currentIndex() == room.list.model.index_of(key)
        assert key not in [each.name for each in companion.sessions]
        gate.set()
        await until(lambda key=key: [each.name for each in room.controls.runs.running] == [key])
        await companion.sessions.stop_all()
    assert OWN not in [each.name for each in companion.sessions]


async def test_the_scenario_that_was_chosen_last_is_shown(
    room: ScenariosRoom, companion: Companion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: after A, B and A again, B was shown as soon as it was read."""
    await choose(room, OWN)
    read: list[str] = []
    editable = companion.saved_sessions.editable

    async def reads(saved: SavedSession) -> EditableText:
        found = await editable(saved)
        read.append(saved.name)
        return found

    monkeypatch.setattr(companion.saved_sessions, "editable", reads)
    room.choose("showcase/morning")
    room.choose(OWN)
    await until(lambda: read == ["showcase/morning"])
    await until(room.controls.bar.run.isEnabled)
    assert room.edits.key == OWN
    room.list.activated.emit()
    await until(lambda: [each.name for each in companion.sessions] == [OWN])
    await companion.sessions.stop_all()


# keys


async def test_ctrl_s_saves_changes_of_a_built_in_scenario_under_another_name(
    room: ScenariosRoom, qtbot: Any
) -> None:
    await choose(room, "showcase/morning")
    qtbot.keyClick(room.form.editor, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    assert QApplication.activeModalWidget() is None, "nothing was changed"
    await write(room, "alice: hi")
    qtbot.keyClick(room.form.editor, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    assert dialog().name.text() == "mine/morning"
    dialog().close()


async def test_tab_indents_at_the_beginning_of_a_line_and_moves_on_elsewhere(
    room: ScenariosRoom, qtbot: Any
) -> None:
    await choose(room, OWN)
    await write(room, "when POST /messages")
    editor = room.form.editor
    editor.setFocus()
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.keyClicks(editor, "note a")
    assert editor.toPlainText() == "when POST /messages\n    note a"
    qtbot.keyClick(editor, Qt.Key.Key_Home)
    editor.moveCursor(QTextCursor.MoveOperation.StartOfBlock)
    qtbot.keyClick(editor, Qt.Key.Key_Tab)
    assert editor.toPlainText() == "when POST /messages\n        note a"
    qtbot.keyClick(editor, Qt.Key.Key_Backtab)
    qtbot.keyClick(editor, Qt.Key.Key_Backtab)
    assert editor.toPlainText() == "when POST /messages\nnote a"
    editor.selectAll()
    qtbot.keyClick(editor, Qt.Key.Key_Tab)
    assert editor.toPlainText() == "    when POST /messages\n    note a"
    editor.moveCursor(QTextCursor.MoveOperation.End)
    qtbot.keyClick(editor, Qt.Key.Key_Tab)
    assert not editor.hasFocus()


async def test_completions_are_offered_while_typing(room: ScenariosRoom, qtbot: Any) -> None:
    await choose(room, OWN)
    await write(room, "")
    editor = room.form.editor
    editor.setFocus()
    qtbot.keyClicks(editor, "fire markup")
    assert editor.completing
    popup = QApplication.activePopupWidget() or editor._popup
    qtbot.keyClick(popup, Qt.Key.Key_Return)
    assert editor.toPlainText() == "fire nasty/markup"


async def test_ctrl_s_and_ctrl_n_work_in_the_editor(room: ScenariosRoom, qtbot: Any, folder: Path) -> None:
    await choose(room, OWN)
    await write(room, TEXT + "carol: me too\n")
    room.form.editor.setFocus()
    qtbot.keyClick(room.form.editor, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    await until(lambda: (folder / "mine" / "lunch.chat").read_text().endswith("carol: me too\n"))
    qtbot.keyClick(room.form.editor, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    assert room.edits.key == "new:1"


async def test_a_run_goes_on_while_another_room_is_open(
    room: ScenariosRoom, window: MainWindow, connect_client: Connect
) -> None:
    client = await connect_client("me")
    await choose(room, OWN)
    room.controls.run()
    window.open_room(FIXTURES)
    await until(lambda: room.form.editor._current == 6)
    await client.send('{"event": "typing", "data": {"to": "alice", "typing": true}}')
    assert (await ended(room)).run.passed
    await asyncio.sleep(0)


def test_a_step_of_a_rule_that_failed_is_no_expectation() -> None:
    run = SessionRun(1, "x", "x", 0, 1)
    run.add(StepResult(1, "when typing", False, 0.0, "dave is not online", failed=True))
    run.end(RunState.FAILED)
    assert run_text(run) == "Failed after 0.0 s · 0 steps · 0 events · 1 step failed"


async def test_a_new_scenario_that_is_running_is_marked_in_the_list(room: ScenariosRoom) -> None:
    room.write("wait for bob within 30s\n")
    await checked(room)
    key = room.edits.key
    room.controls.run()
    await until(lambda: bool(room.controls.runs.running))
    await choose(room, OWN)
    model = room.list.model
    folder = model.index(0, 0)
    text = model.index(0, 0, folder).data(Qt.ItemDataRole.AccessibleTextRole)
    assert (key, text) == ("new:1", "New scenario, not saved yet, running")
    await room._companion.sessions.stop_all()


# recordings, the palette and the badge


async def test_a_recording_is_made_and_shows_its_lines(
    room: ScenariosRoom, companion: Companion, folder: Path, connect_client: Connect
) -> None:
    await connect_client("me")
    assert room.record.active.isHidden()
    room.record.record.click()
    dialog().name.setText("mine/take one")
    dialog()._accept()
    await until(lambda: not room.record.active.isHidden())
    await companion.fire(companion.message_from("bob", "hi"), origin=PANEL)
    await until(lambda: not room.record.text.text().startswith("0 lines"))
    assert room.record.text.text().endswith("line · take one")
    (recording,) = companion.recordings.active
    recording.file.error = "The recording is incomplete: No space left on device."
    room.record.refresh()
    assert room.record.text.text() == recording.file.error
    recording.file.error = ""
    room.record.stop.click()
    await until(lambda: room.list.model.index_of("mine/take one").isValid())
    assert room.record.active.isHidden()
    assert "hi" in (folder / "mine" / "take one.session.jsonl").read_text()
    room.record.record.click()
    dialog().name.setText("mine/take one")
    assert "is in use" in dialog().problem.text()
    dialog().reject()


async def test_the_palette_runs_and_stops_scenarios(
    room: ScenariosRoom, window: MainWindow, companion: Companion, qtbot: Any
) -> None:
    palette = window.open_palette()
    qtbot.keyClicks(palette.search, "run morning")
    assert palette.found[0].title == "Run: A morning's chat"
    qtbot.keyClick(palette.search, Qt.Key.Key_Return)
    await until(lambda: [each.name for each in room.controls.runs.running] == ["showcase/morning"])
    badges: list[Any] = []
    room.badge_changed.connect(badges.append)
    room._show_list()
    assert badges[-1].meaning == "1 scenario running"
    palette = window.open_palette()
    qtbot.keyClicks(palette.search, "stop all scenarios")
    qtbot.keyClick(palette.search, Qt.Key.Key_Return)
    await until(lambda: not room.controls.runs.running)
    await until(lambda: badges[-1] is None)


# from the log


async def test_selected_rows_become_a_new_scenario(
    room: ScenariosRoom, window: MainWindow, companion: Companion, connect_client: Connect
) -> None:
    client = await connect_client("me")
    await companion.fire(companion.message_from("bob", "hi"), origin=PANEL)
    await client.send('{"event": "typing", "data": {"to": "bob", "typing": true}}')
    await until(lambda: any(row.event == "typing" for row in companion.journal))
    window.open_room(EVENTS)
    window.events.model.flush()
    window.events.table.selectAll()
    window.events.row_actions.trigger("Save as scenario …")
    await until(lambda: room.edits.key == "new:1")
    assert window.rooms.current == SCENARIOS
    assert room.form.editor.toPlainText() == (
        "# From the log\nbob: hi\nexpect typing from me where to=bob typing=true\n"
    )
    await checked(room)
    assert room.controls.bar.run.isEnabled()


async def test_selected_rows_are_inserted_below_the_cursor(
    room: ScenariosRoom, window: MainWindow, companion: Companion
) -> None:
    messages: list[str] = []
    room.status_message.connect(messages.append)
    await choose(room, OWN)
    action(room, "Insert selected rows").trigger()
    assert messages == ["Select rows in Events first."]
    await companion.fire(companion.message_from("bob", "from the log"), origin=PANEL)
    window.events.model.flush()
    window.events.table.selectAll()
    room.form.editor.go_to(4)
    action(room, "Insert selected rows").trigger()
    await until(lambda: "bob: from the log" in room.form.editor.toPlainText())
    assert room.form.editor.toPlainText() == TEXT.replace("online\n", "online\nbob: from the log\n")
    room.form.editor.undo()
    assert room.form.editor.toPlainText() == TEXT


async def test_steps_that_are_too_large_for_the_editor_are_not_inserted(room: ScenariosRoom) -> None:
    messages: list[str] = []
    room.status_message.connect(messages.append)
    steps = "note x\n" * 30_000
    before = room.edits.key
    room.write(steps)
    assert messages == [TOO_LARGE]
    assert room.edits.key == before
    await choose(room, OWN)
    messages.clear()
    room.insert(steps)
    assert not [each for each in messages if "Inserted" in each]
    assert room.form.editor.toPlainText() == TEXT


# drag and drop


async def test_a_fixture_can_be_dragged_into_the_editor(room: ScenariosRoom, window: MainWindow) -> None:
    await choose(room, OWN)
    model = window.fixtures.list.model
    assert not model.itemFromIndex(model.index(0, 0)).isDragEnabled(), "folders cannot be dragged"
    data = model.mimeData([model.index_of("nasty/bidi override")])
    editor = room.form.editor
    editor.go_to(5)
    assert editor.canInsertFromMimeData(data)
    editor.insertFromMimeData(data)
    assert editor.toPlainText().splitlines()[5] == 'fire "nasty/bidi override"'


async def test_a_fixture_can_be_inserted_with_the_keyboard(room: ScenariosRoom, qtbot: Any) -> None:
    await choose(room, OWN)
    room.form.editor.go_to(5)
    action(room, "Insert fixture …").trigger()
    assert room.form.editor.completing
    qtbot.keyClicks(room.form.editor, "markup")
    qtbot.keyClick(room.form.editor._popup, Qt.Key.Key_Return)
    assert room.form.editor.toPlainText().splitlines()[5] == "fire nasty/markup"


@pytest.mark.filterwarnings("ignore:.*QDragEnterEvent.*deprecated:DeprecationWarning")  # PySide6 6.12
async def test_rows_that_are_dragged_over_the_navigation_can_be_dropped_into_the_editor(
    room: ScenariosRoom, window: MainWindow, companion: Companion, monkeypatch: pytest.MonkeyPatch, qtbot: Any
) -> None:
    await choose(room, OWN)
    window.open_room(EVENTS)
    for text in ("one", "two"):
        await companion.fire(companion.message_from("bob", text), origin=PANEL)
    table = window.events.table
    window.events.model.flush()
    table.selectAll()
    dragged: list[QMimeData] = []

    def drop(drag: QDrag, _: Qt.DropAction) -> Qt.DropAction:
        entry = next(each for each in window.findChildren(RoomButton) if each.room.name == SCENARIOS)
        dragged.append(drag.mimeData())
        enter = QDragEnterEvent(
            QPoint(5, 5), Qt.DropAction.CopyAction, drag.mimeData(), Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )  # fmt: skip
        QApplication.sendEvent(entry, enter)
        assert enter.isAccepted()
        return Qt.DropAction.CopyAction

    monkeypatch.setattr(QDrag, "exec", drop)
    first, last = (table.visualRect(table.model().index(line, 0)).center() for line in (0, 1))
    qtbot.mousePress(table.viewport(), Qt.MouseButton.LeftButton, pos=first)
    assert table.selected_count > 1, "the selection stays, because a drag may begin"
    qtbot.mouseMove(table.viewport(), last)
    move = QMouseEvent(
        QEvent.Type.MouseMove, QPointF(last), table.viewport().mapToGlobal(QPointF(last)), Qt.MouseButton.NoButton,
        Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    QApplication.sendEvent(table.viewport(), move)
    await until(lambda: window.rooms.current == SCENARIOS)
    room.form.editor.go_to(4)
    room.form.editor.insertFromMimeData(dragged[0])
    await until(lambda: "bob: one" in room.form.editor.toPlainText())


async def test_a_click_on_one_of_several_selected_rows_selects_only_it(
    window: MainWindow, companion: Companion, qtbot: Any
) -> None:
    window.open_room(EVENTS)
    for text in ("one", "two"):
        await companion.fire(companion.message_from("bob", text), origin=PANEL)
    table = window.events.table
    window.events.model.flush()
    table.selectAll()
    place = table.visualRect(table.model().index(1, 0)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert table.selected_line == 1


async def test_unsaved_changes_are_kept_across_a_restart(
    room: ScenariosRoom, window: MainWindow, companion: Companion, tmp_path: Path
) -> None:
    await choose(room, OWN)
    await write(room, TEXT + "carol: me too\n")
    room.list.new.click()
    await checked(room)
    room.close_down()
    again = ScenariosRoom(companion, window.memory)
    assert listed(again)["Not saved"] == ["New scenario •"]
    assert listed(again)["mine · yours"] == ["Lunch •"]
    await choose(again, OWN)
    assert again.form.editor.toPlainText().endswith("carol: me too\n")
    await until(lambda: again.edits.current and again.edits.current.saved_text == TEXT)
    again.form.revert.click()
    await until(lambda: again.form.editor.toPlainText() == TEXT)
    again.close_down()
    again.deleteLater()


def test_damaged_or_old_drafts_are_ignored_or_become_new_scenarios() -> None:
    edits = ScenarioEdits()
    for text in ("", "{", "[1, [2], {}]", '{"a": 1}'):
        edits.add_json(text, {})
    assert edits.drafts == {}
    edits.add_json('[["mine/gone", "alice: hi", ".chat"]]', {})
    assert [each.text for each in edits.drafts.values()] == ["alice: hi"]
    assert edits.changed_keys == {"new:1"}
