"""Unsaved changes of scenarios and fixtures, and the results of runs, belong to their files."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMessageBox

from app.companion import Companion
from app.hub.expectation import Expectation
from app.protocol.fixture import Fixture, FixtureExpectation, SavedFixture
from app.protocol.session.saved import SavedSession
from app.ui.fixture_edits import Draft, FixtureEdits
from app.ui.kept_drafts import KeptDrafts
from app.ui.room_registry import FIXTURES, SCENARIOS
from app.ui.rooms import fixtures
from app.ui.rooms.fixtures import FixturesRoom
from app.ui.rooms.scenarios import DRAFTS, ScenariosRoom
from app.ui.scenario_edits import NEW_TEXT, ScenarioEdits
from app.ui.widgets.name_dialog import NameDialog, overwrite_warning
from app.ui.window import MainWindow
from tests.conftest import MakeCompanion, until

OWN = "mine/lunch"
TEXT = "# Lunch\n\nalice: Lunch?\nwait 1000s\nalice: Now?\n"
CHANGED = TEXT + "bob: me too\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (folder := tmp_path / "own" / "mine").mkdir(parents=True)
    (folder / "lunch.chat").write_text(TEXT)
    return folder.parent


@pytest.fixture
async def companion(make_companion: MakeCompanion, folder: Path, tmp_path: Path) -> Companion:
    companion = await make_companion(sessions=str(folder), fixtures=str(tmp_path / "fixtures"))
    assert await companion.start(), companion.services["events"].error
    return companion


async def opened(window: MainWindow) -> ScenariosRoom:
    """Open the room with one scenario."""
    window.open_room(SCENARIOS)
    room = window.scenarios
    await until(lambda: room.list.model.index_of(OWN).isValid())
    room.choose(OWN)
    await until(lambda: room.edits.key == OWN)
    return room


async def reopened(window: MainWindow, companion: Companion) -> ScenariosRoom:
    """Return a new room, as after a restart, which shows the kept changes of the scenario."""
    await companion.saved_sessions.read()
    room = ScenariosRoom(companion, window.memory)
    room.choose(OWN)
    await until(lambda: room.edits.current and room.edits.current.saved_text is not None)
    return room


async def test_changes_find_their_file_if_the_library_is_read_later(
    window: MainWindow, companion: Companion, folder: Path
) -> None:
    (folder / "mine" / "lunch.chat").rename(folder / "lunch.chat")
    await companion.saved_sessions.read()
    window.memory.setValue(DRAFTS, json.dumps([[OWN, CHANGED, ".chat"]]))
    room = ScenariosRoom(companion, window.memory)
    assert room.edits.changed_keys == {"new:1"}
    room.close_down()
    assert json.loads(str(window.memory.value(DRAFTS))) == [[OWN, CHANGED, ".chat"]], "as it was"
    again = ScenariosRoom(companion, window.memory)
    again.choose("new:1")
    (folder / "lunch.chat").rename(folder / "mine" / "lunch.chat")
    await companion.saved_sessions.read()
    assert again.edits.changed_keys == {OWN}
    assert again.edits.key == OWN
    await until(lambda: again.edits.current and again.edits.current.saved_text == TEXT)
    again.form.revert.click()
    await until(lambda: again.form.editor.toPlainText() == TEXT)
    again.close_down()
    again.deleteLater()
    room.deleteLater()


async def test_a_file_that_was_changed_before_a_restart_is_not_replaced_by_the_first_save(
    window: MainWindow, companion: Companion, folder: Path
) -> None:
    file = folder / "mine" / "lunch.chat"
    room = await opened(window)
    room.form.editor.setPlainText(CHANGED)
    room.close_down()
    file.write_text(TEXT + "carol: pulled\n")
    again = await reopened(window, companion)
    messages: list[str] = []
    again.status_message.connect(messages.append)
    again.form.save.click()
    await until(lambda: bool(messages))
    assert "changed" in messages[0]
    assert file.read_text() == TEXT + "carol: pulled\n"
    again.form.save.click()
    await until(lambda: file.read_text() == CHANGED)
    again.close_down()
    again.deleteLater()


async def test_kept_changes_are_saved_over_the_file_that_they_changed(
    window: MainWindow, companion: Companion, folder: Path
) -> None:
    room = await opened(window)
    room.form.editor.setPlainText(CHANGED)
    room.close_down()
    again = await reopened(window, companion)
    again.form.save.click()
    await until(lambda: (folder / "mine" / "lunch.chat").read_text() == CHANGED)
    again.close_down()
    again.deleteLater()


async def test_changes_that_an_earlier_version_has_kept_are_saved(
    window: MainWindow, companion: Companion, folder: Path
) -> None:
    await companion.saved_sessions.read()
    window.memory.setValue(DRAFTS, json.dumps([[OWN, CHANGED, ".chat"]]))
    room = await reopened(window, companion)
    room.form.save.click()
    await until(lambda: (folder / "mine" / "lunch.chat").read_text() == CHANGED)
    room.close_down()
    room.deleteLater()


async def test_a_file_that_was_written_with_the_kept_changes_is_replaced(
    window: MainWindow, companion: Companion, folder: Path
) -> None:
    file = folder / "mine" / "lunch.chat"
    room = await opened(window)
    room.form.editor.setPlainText(CHANGED)
    room.close_down()
    file.write_text(CHANGED)
    again = await reopened(window, companion)
    assert again.edits.current
    assert not again.edits.current.has_changes
    again.form.editor.setPlainText(CHANGED + "carol: typed\n")
    again.form.save.click()
    await until(lambda: file.read_text() == CHANGED + "carol: typed\n")
    again.close_down()
    again.deleteLater()


async def test_a_file_that_comes_back_with_another_text_is_not_replaced_by_the_first_save(
    window: MainWindow, companion: Companion, folder: Path
) -> None:
    file = folder / "mine" / "lunch.chat"
    room = await opened(window)
    room.form.editor.setPlainText(CHANGED)
    file.unlink()
    await companion.saved_sessions.read()
    await until(lambda: room.edits.key.startswith("new:"))
    file.write_text(TEXT + "carol: pulled\n")
    await companion.saved_sessions.read()
    await until(lambda: room.edits.current and room.edits.current.saved_text == TEXT + "carol: pulled\n")
    messages: list[str] = []
    room.status_message.connect(messages.append)
    room.form.save.click()
    await until(lambda: bool(messages))
    assert file.read_text() == TEXT + "carol: pulled\n"


def test_changes_of_a_file_with_other_changes_stay_a_new_scenario() -> None:
    edits = ScenarioEdits()
    edits.add_json(json.dumps([[OWN, "alice: a", ".chat"], [OWN, "alice: b", ".chat"]]), {})
    edits.find_files({OWN: SavedSession(OWN, own=True, suffix=".chat", size=9, title="Lunch", kind="scenario")})
    assert edits.changed_keys == {OWN, "new:2"}


async def test_revert_keeps_the_changes_if_the_file_cannot_be_read(
    window: MainWindow, companion: Companion, folder: Path
) -> None:
    window.memory.setValue(DRAFTS, json.dumps([[OWN, CHANGED, ".chat"]]))
    room = ScenariosRoom(companion, window.memory)
    (folder / "mine" / "lunch.chat").write_bytes(b"\xff")
    messages: list[str] = []
    room.status_message.connect(messages.append)
    room.choose(OWN)
    await until(lambda: bool(messages))
    room.form.revert.click()
    assert room.form.editor.toPlainText() == CHANGED
    room.close_down()
    room.deleteLater()


async def test_a_run_stays_with_a_scenario_that_is_renamed_while_it_runs(
    window: MainWindow, companion: Companion
) -> None:
    room = await opened(window)
    runs = room.controls.runs
    room.controls.run()
    await until(lambda: bool(runs.running))
    run = runs.running[0]
    runs.rename(OWN, "mine/dinner")
    await companion.sessions.stop(run.number)
    await until(lambda: run.state.ended)
    assert runs.of(OWN) is None
    played = runs.of("mine/dinner")
    assert played
    assert played.run is run
    assert played.ended_at


async def test_a_text_typed_during_a_save_is_kept_if_another_scenario_is_selected(
    window: MainWindow, companion: Companion, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "mine" / "other.chat").write_text("# Other\n")
    room = await opened(window)
    may_save = asyncio.Event()
    save_edited = companion.saved_sessions.save_edited

    async def save_slowly(*args: Any, **options: Any) -> SavedSession:
        await may_save.wait()
        return await save_edited(*args, **options)

    monkeypatch.setattr(companion.saved_sessions, "save_edited", save_slowly)
    room.form.editor.setPlainText(CHANGED)
    room.form.save.click()
    room.form.editor.setPlainText(CHANGED + "carol: typed\n")
    await until(lambda: room.list.model.index_of("mine/other").isValid())
    room.choose("mine/other")
    await until(lambda: room.edits.key == "mine/other")
    may_save.set()
    await until(lambda: (folder / "mine" / "lunch.chat").read_text() == CHANGED)
    await until(lambda: room.edits.drafts[OWN].saved_text == CHANGED)
    room.choose(OWN)
    assert room.form.editor.toPlainText() == CHANGED + "carol: typed\n"
    assert room.edits.key == OWN


def end_interval(drafts: KeptDrafts) -> None:
    """Let the timer fire that writes changes."""
    assert drafts._timer.isActive()
    drafts._timer.stop()
    drafts._timer.timeout.emit()


async def test_changes_are_kept_while_the_companion_runs(window: MainWindow, folder: Path) -> None:
    room = await opened(window)
    memory = QSettings(window.memory.fileName(), QSettings.Format.IniFormat)  # as it is after a crash
    room.form.editor.setPlainText(CHANGED)
    end_interval(room._drafts)
    assert json.loads(str(memory.value(DRAFTS)))[0][:2] == [OWN, CHANGED]
    room.form.save.click()
    await until(lambda: room.edits.current and not room.edits.current.has_changes)
    end_interval(room._drafts)
    assert memory.value(DRAFTS) == "[]"
    room.list.new.click()
    end_interval(room._drafts)
    assert json.loads(str(memory.value(DRAFTS)))[0][1] == NEW_TEXT
    room.form.revert.click()
    end_interval(room._drafts)
    assert memory.value(DRAFTS) == "[]"


def test_changes_are_written_once_per_interval(qapp: QApplication, tmp_path: Path) -> None:
    memory = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    edits = ScenarioEdits()
    drafts = KeptDrafts(memory, DRAFTS, edits.to_json)
    for number in range(50):
        edits.show(edits.create(f"# {number}\n" + "x" * 100_000))
        drafts.write_soon()
    assert not memory.contains(DRAFTS)
    assert drafts._timer.interval() == 1500
    end_interval(drafts)
    assert len(json.loads(str(memory.value(DRAFTS)))) == 50
    memory.remove(DRAFTS)
    drafts.write_soon()
    assert drafts._timer.interval() > 10_000, "a large text is written less often"
    end_interval(drafts)
    assert not memory.contains(DRAFTS), "nothing has changed"
    drafts.close_down()


async def test_a_recording_is_renamed_or_deleted_in_the_list(window: MainWindow, companion: Companion) -> None:
    await companion.recordings.start("mine/take")
    await companion.recordings.stop("mine/take")
    await companion.saved_sessions.read()
    room = await opened(window)
    room.choose("mine/take")
    await until(lambda: room.edits.key == "mine/take")
    tree = room.list.tree
    assert tree.contextMenuPolicy() == Qt.ContextMenuPolicy.ActionsContextMenu
    rename, _ = tree.actions()
    assert rename.isEnabled()
    tree.setFocus()
    take = tree.currentIndex()
    tree.setCurrentIndex(take.parent())
    for key in (Qt.Key.Key_F2, Qt.Key.Key_Delete):
        QTest.keyClick(tree, key)
        assert QApplication.activeModalWidget() is None, "the current line is a folder"
    assert not any(each.isEnabled() for each in tree.actions()), "they are in the context menu"
    tree.setCurrentIndex(take)
    QTest.keyClick(tree, Qt.Key.Key_F2)
    (dialog := name_dialog(window)).reject()
    assert dialog.windowTitle() == "Rename"
    QTest.keyClick(tree, Qt.Key.Key_Delete)
    box = next(each for each in window.findChildren(QMessageBox) if each.isVisible())
    assert box.text() == "Delete the recording mine/take?"
    next(each for each in box.buttons() if each.text() == "Delete").click()
    await until(lambda: not room.edits.key)
    assert not room.list.model.index_of("mine/take").isValid()


async def test_a_copy_does_not_take_the_result_of_the_scenario(window: MainWindow, companion: Companion) -> None:
    room = await opened(window)
    runs = room.controls.runs
    room.controls.run()
    await until(lambda: bool(runs.running))
    assert room.edits.current
    copy = await companion.saved_sessions.save("mine/copy", TEXT, ".chat")
    room._on_stored(room.edits.current, copy)
    played = runs.of(OWN)
    assert played
    assert runs.of("mine/copy") is played


async def test_a_second_press_while_the_text_is_checked_starts_no_second_run(
    window: MainWindow, companion: Companion
) -> None:
    room = await opened(window)
    room.fire_or_stop()
    room.fire_or_stop()
    await until(lambda: bool(room.controls.runs.running) and not room.controls._is_checking)
    assert len(list(companion.sessions)) == 1
    room.fire_or_stop()
    await until(lambda: not room.controls.runs.running)


async def test_a_check_that_ran_while_something_changed_is_repeated(
    window: MainWindow, companion: Companion, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = await opened(window)
    await until(lambda: room.check._last is not None and not room.check._is_running)
    checks: list[str] = []
    check_text = companion.sessions.check_text

    async def check(text: str, notation: str) -> Any:
        checks.append(text)
        if len(checks) == 1:
            room.check.check_again()
        return await check_text(text, notation)

    monkeypatch.setattr(companion.sessions, "check_text", check)
    room.check.check_again()
    await until(lambda: len(checks) == 2)


async def test_a_stored_fixture_does_not_discard_the_changes_of_the_selected_one(
    window: MainWindow, companion: Companion
) -> None:
    fixture = Fixture(event="typing", data={"username": "bob", "typing": True})
    await companion.fixtures.save("mine/a", fixture)
    window.open_room(FIXTURES)
    room = window.fixtures
    room.choose("mine/a")
    changed = '{"event": "typing", "data": {"username": "alice", "typing": false}}'
    room.form.editor.setPlainText(changed)
    room._actions._store(fixture, "mine/row", is_other=True)
    await until(lambda: room.edits.name == "mine/row")
    assert not room.edits.has_changes
    room.choose("mine/a")
    assert room.form.editor.toPlainText() == changed
    room._actions.save()
    await until(lambda: not room.edits.has_changes)
    assert room.edits.drafts == {}


async def test_unsaved_changes_of_fixtures_are_kept_across_a_restart(
    window: MainWindow, companion: Companion
) -> None:
    memory = QSettings(window.memory.fileName(), QSettings.Format.IniFormat)  # as it is after a crash
    window.open_room(FIXTURES)
    room = window.fixtures
    for name in ("basics/typing", "basics/online"):
        room.choose(name)
        room.form.editor.setPlainText(f"text of {name}")
    room.bar.expect.choose(Expectation("typing", where={"typing": True}), 3.0)
    end_interval(room._drafts)
    window.memory.setValue(fixtures.DRAFTS, memory.value(fixtures.DRAFTS))
    again = FixturesRoom(companion, window.memory)
    assert set(again.edits.drafts) == {"basics/typing", "basics/online"}
    assert "•" in again.list.model.index_of("basics/typing").data()
    for name in ("basics/typing", "basics/online"):
        again.choose(name)
        assert again.form.editor.toPlainText() == f"text of {name}"
    assert again.edits.edited
    assert again.edits.edited.expect == FixtureExpectation(event="typing", where={"typing": True}, within=3.0)
    again.form.revert.click()
    again.choose("basics/typing")
    again.form.revert.click()
    again.close_down()
    assert json.loads(str(window.memory.value(fixtures.DRAFTS))) == []
    again.deleteLater()


async def test_a_fixture_that_was_changed_before_a_restart_is_not_replaced_by_the_first_save(
    window: MainWindow, companion: Companion
) -> None:
    await companion.fixtures.save("mine/a", Fixture(event="typing", data={}))
    window.open_room(FIXTURES)
    window.fixtures.choose("mine/a")
    window.fixtures.form.editor.setPlainText("mine")
    window.fixtures.close_down()
    pulled = await companion.fixtures.save("mine/a", Fixture(frame="pulled", malformed=True))
    again = FixturesRoom(companion, window.memory)
    again.choose("mine/a")
    messages: list[str] = []
    again.status_message.connect(messages.append)
    again.form.save.click()
    await until(lambda: bool(messages))
    assert companion.fixtures.find("mine/a") == pulled
    again.form.save.click()
    await until(lambda: companion.fixtures.find("mine/a").fixture.frame == "mine")
    again.close_down()
    again.deleteLater()


def test_kept_changes_of_fixtures_that_are_not_valid_are_ignored(companion: Companion) -> None:
    edits = FixtureEdits(companion)
    good = Draft(SavedFixture("mine/a", Fixture(frame="x"), own=True), "y\ud800", None, ())
    edits.drafts["mine/a"] = good
    kept = edits.to_json()
    again = FixtureEdits(companion)
    for text in ("", "{", "{}", "1", f'[1, ["a"], {kept[1:]}'):
        again.add_json(text)
    assert again.drafts == {"mine/a": good}


def name_dialog(window: MainWindow) -> NameDialog:
    return next(each for each in window.findChildren(NameDialog) if each.isVisible())


async def test_saving_over_a_scenario_with_unsaved_changes_says_that_they_will_be_lost(
    window: MainWindow, companion: Companion, folder: Path
) -> None:
    (folder / "mine" / "other.chat").write_text("# Other\n")
    room = await opened(window)
    room.form.editor.setPlainText(CHANGED)
    await companion.saved_sessions.read()
    room.choose("mine/other")
    await until(lambda: room.edits.key == "mine/other")
    assert room.edits.current
    room._actions.save_as(room.edits.current)
    dialog = name_dialog(window)
    for name, warning in {
        OWN.upper(): f"{OWN.upper()} already exists and will be replaced. Its unsaved changes will be lost.",
        "mine/other": "mine/other already exists and will be replaced.",
        "mine/third": "",
    }.items():
        dialog.name.setText(name)
        assert dialog.problem.text() == warning
    room.form.editor.setPlainText("# Changed, too\n")
    dialog.name.setText("mine/other ")
    assert dialog.problem.text() == "mine/other already exists and will be replaced.", "the changes are saved"
    dialog.reject()


async def test_saving_over_a_fixture_with_unsaved_changes_says_that_they_will_be_lost(
    window: MainWindow, companion: Companion
) -> None:
    for name in ("mine/a", "mine/b"):
        await companion.fixtures.save(name, Fixture(event="typing", data={}))
    window.open_room(FIXTURES)
    room = window.fixtures
    for name in ("mine/a", "mine/b"):
        room.choose(name)
        room.form.editor.setPlainText("changed")
    room.form.save_as.click()
    dialog = name_dialog(window)
    for name, warning in {
        "mine/A": "mine/A already exists and will be replaced. Its unsaved changes will be lost.",
        "mine/b": "mine/b already exists and will be replaced.",
        "mine/c": "",
    }.items():
        dialog.name.setText(name)
        assert dialog.problem.text() == warning
    dialog.reject()
    room._actions.save_frame("a row of the log")
    dialog = next(each for each in window.findChildren(NameDialog) if each.windowTitle() == "Save as fixture")
    dialog.name.setText("mine/b")
    assert "Its unsaved changes will be lost" in dialog.problem.text()
    dialog.reject()


@pytest.mark.parametrize(
    ("exists", "changed", "warning"),
    [
        (True, True, "a/b already exists and will be replaced. Its unsaved changes will be lost."),
        (True, False, "a/b already exists and will be replaced."),
        (False, True, "Unsaved changes of a/b will be lost."),
        (False, False, ""),
    ],
)
def test_a_warning_names_what_is_lost(exists: bool, changed: bool, warning: str) -> None:
    """Regression: a built-in fixture with unsaved changes was said to be replaced, although a copy is saved."""
    assert overwrite_warning("a/b", exists=exists, changed=changed) == warning


async def test_a_fixture_is_not_renamed_to_one_with_unsaved_changes_whose_file_has_disappeared(
    window: MainWindow, companion: Companion, tmp_path: Path
) -> None:
    for name in ("mine/a", "mine/b"):
        await companion.fixtures.save(name, Fixture(event="typing", data={}))
    window.open_room(FIXTURES)
    room = window.fixtures
    room.choose("mine/a")
    room.form.editor.setPlainText("changed")
    room.choose("mine/b")
    (tmp_path / "fixtures" / "mine" / "a.json").unlink()
    await companion.fixtures.read()
    room.form.rename.click()
    dialog = name_dialog(window)
    dialog.name.setText("mine/a")
    assert dialog.problem.text() == "The name mine/a is in use"
    dialog.reject()
