"""Fixtures: the room of saved events. Find, fire, edit, save and pin them."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QModelIndex, QPoint, QSize, Qt
from PySide6.QtGui import QGuiApplication, QTextCursor
from PySide6.QtWidgets import QApplication, QMessageBox, QPushButton, QWidget

from app.companion import Companion
from app.hub.origin import PANEL
from app.protocol.envelope import Envelope
from app.protocol.errors import StorageError
from app.protocol.fixture import Fixture, FixtureExpectation, SavedFixture, from_frame
from app.ui.fixture_edits import FixtureEdits
from app.ui.models.folder_tree import NAME
from app.ui.rooms.fixtures import FixturesRoom
from app.ui.tray import Tray
from app.ui.widgets.folder_list import MAX_SHOWN_WARNINGS
from app.ui.widgets.name_dialog import NameDialog
from app.ui.window import EVENTS, FIXTURES, ROOMS, SETTINGS, MainWindow
from tests.conftest import Connect, MakeCompanion, until
from tests.ui.frames import all_frames, frame, text, wait_until_idle
from tests.ui.parts import child, focused_widget, menu_of

LEFT = Qt.MouseButton.LeftButton
CONTROL = Qt.KeyboardModifier.ControlModifier
TYPING = Fixture(event="typing", data={"username": "bob", "typing": True})
OWN = "mine/late typing"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "own"


@pytest.fixture
async def companion(make_companion: MakeCompanion, folder: Path) -> Companion:
    """Return a companion with one user fixture."""
    companion = await make_companion(fixtures_folder=folder)
    assert await companion.start(), companion.services["events"].error
    await companion.fixtures.save(OWN, TYPING)
    return companion


@pytest.fixture
def first_room() -> str:
    return FIXTURES


@pytest.fixture
async def room(window: MainWindow, companion: Companion) -> FixturesRoom:
    """Return the room. Saved settings are applied, as in the tray program."""
    for saving in (window.save_requested, window.edits_save_requested):
        saving.connect(lambda settings: companion.tasks.spawn(companion.apply(settings), "apply settings"))
    window.open_room(FIXTURES)
    await wait_until_idle(companion)
    return window.fixtures


def children(room: FixturesRoom, parent: QModelIndex) -> list[QModelIndex]:
    return [room.list.model.index(row, 0, parent) for row in range(room.list.model.rowCount(parent))]


def listed_names(room: FixturesRoom) -> dict[str, list[str]]:
    """Return the names in each folder in the order of the list."""
    return {
        folder.data(): [child.data(NAME) for child in children(room, folder)]
        for folder in children(room, QModelIndex())
    }


def names(room: FixturesRoom) -> list[str]:
    return [name for folder_names in listed_names(room).values() for name in folder_names]


def position(room: FixturesRoom, index: QModelIndex) -> QPoint:
    room.list.tree.scrollTo(index)
    return room.list.tree.visualRect(index).center()


def click(room: FixturesRoom, name: str, qtbot: Any) -> None:
    qtbot.mouseClick(room.list.tree.viewport(), LEFT, pos=position(room, room.list.model.index_of(name)))
    assert room.form.name.text().startswith(name)


def type_text(room: FixturesRoom, words: str, qtbot: Any) -> None:
    """Type at the end of the editor."""
    room.form.editor.setFocus()
    room.form.editor.moveCursor(QTextCursor.MoveOperation.End)
    qtbot.keyClicks(room.form.editor, words)


def write(room: FixturesRoom, event: str, **data: Any) -> None:
    room.form.editor.setPlainText(json.dumps({"event": event, "data": data}))


def shown_event(room: FixturesRoom) -> Any:
    return json.loads(room.form.editor.toPlainText())


def open_dialog() -> NameDialog:
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, NameDialog)
    return dialog


async def answer(room: FixturesRoom, name: str, qtbot: Any) -> None:
    """Type a name into the dialog, press Enter, and wait until all tasks have ended."""
    dialog = open_dialog()
    dialog.name.selectAll()
    qtbot.keyClicks(dialog.name, name)
    qtbot.keyClick(dialog.name, Qt.Key.Key_Return)
    await wait_until_idle(room._companion)
    assert QApplication.activeModalWidget() is None


def answer_box(title: str) -> None:
    box = QApplication.activeModalWidget()
    assert isinstance(box, QMessageBox)
    next(each for each in box.buttons() if each.text().replace("&", "") == title).click()


def file_of(folder: Path, name: str) -> Path:
    return folder / f"{name}.json"


def saved(folder: Path, name: str) -> Any:
    """Return the content of a fixture's file, without the reference to its schema."""
    content = json.loads(file_of(folder, name).read_text())
    assert content.pop("$schema").endswith("fixture.schema.json")
    return content


# the list


async def test_user_fixtures_are_listed_before_built_in_ones(room: FixturesRoom) -> None:
    assert list(listed_names(room)) == [
        "mine · yours", "Basics · everyday events", "Guide · contract samples", "Nasty · unusual and invalid input",
    ]  # fmt: skip
    assert listed_names(room)["mine · yours"] == [OWN]
    assert names(room) == [each.name for each in room._companion.fixtures.all]
    assert len(names(room)) > 40
    assert room.list.model.index_of("basics/message").data() == "A friend says hi"


async def test_without_a_selected_fixture_the_room_shows_a_hint(room: FixturesRoom) -> None:
    assert room.empty.isVisible()
    assert "Select one in the list" in room.empty.hint.text()
    assert not room.bar.now.isEnabled()
    assert room.bar.now.toolTip() == "Select a fixture"


async def test_a_selected_fixture_is_shown_with_title_must_and_event(room: FixturesRoom, qtbot: Any) -> None:
    click(room, "nasty/markup", qtbot)
    fixture = room._companion.fixtures.find("nasty/markup").fixture
    assert not room.empty.isVisible()
    assert room.form.title.text() == fixture.title
    assert room.form.must.text() == f"What your UI should do: {fixture.must}"
    assert shown_event(room) == {"event": fixture.event, "data": fixture.data}
    click(room, "basics/message", qtbot)
    assert not room.form.must.isVisible()


async def test_the_search_finds_fixtures_by_name_and_title(
    room: FixturesRoom, qtbot: Any, subtests: pytest.Subtests
) -> None:
    for words, expected in (
        ("mine late", [OWN]),
        ("TYPING bas", ["basics/typing", "basics/stopped typing"]),
        ("comes online", ["basics/online"]),
        ("no such thing", []),
    ):
        with subtests.test(words=words):
            qtbot.keyClicks(room.list.search, words)
            assert names(room) == expected
            room.list.search.clear()
            assert len(names(room)) > 40


async def test_the_search_finds_fixtures_by_what_the_ui_must_do(
    room: FixturesRoom, companion: Companion, qtbot: Any
) -> None:
    await companion.fixtures.save("mine/with must", Fixture(event="typing", data={}, must="Stay calm"))
    qtbot.keyClicks(room.list.search, "calm stay")
    assert names(room) == ["mine/with must"]


async def test_a_collapsed_folder_stays_collapsed_after_a_search(room: FixturesRoom, qtbot: Any) -> None:
    tree, model = room.list.tree, room.list.model
    first, second = (model.index(row, 0).data() for row in (0, 1))
    tree.collapse(model.index(0, 0))
    qtbot.keyClicks(room.list.search, "friend")
    assert all(tree.isExpanded(model.index(row, 0)) for row in range(model.rowCount()))
    room.list.search.clear()
    assert [model.index(row, 0).data() for row in (0, 1)] == [first, second]
    assert [tree.isExpanded(model.index(row, 0)) for row in (0, 1)] == [False, True]


async def test_a_search_without_matches_says_so_and_can_be_cleared(
    window: MainWindow, room: FixturesRoom, qtbot: Any
) -> None:
    click(room, OWN, qtbot)
    qtbot.keyClicks(room.list.search, "no such thing")
    assert not room.list.tree.isVisible()
    assert room.list.no_match.isVisible()
    assert room.list.no_match.title.text() == "No fixture matches"
    window.open_room(EVENTS)
    window.open_room(FIXTURES)
    assert QApplication.focusWidget() is room.list.search, "the tree cannot take the focus while it is hidden"
    button = child(room.list.no_match, QPushButton)
    assert button.accessibleName() == "Clear search"
    qtbot.mouseClick(button, LEFT)
    assert len(names(room)) > 40
    assert room.list.tree.isVisible()
    assert room.list.tree.currentIndex().data(NAME) == OWN
    assert QApplication.focusWidget() is room.list.search


async def test_ctrl_f_goes_to_the_search_and_esc_clears_and_leaves_it(
    window: MainWindow, room: FixturesRoom, qtbot: Any
) -> None:
    room.list.tree.setFocus()
    qtbot.keyClick(room.list.tree, Qt.Key.Key_F, CONTROL)
    assert QApplication.focusWidget() is room.list.search
    assert window.rooms.current == FIXTURES
    qtbot.keyClicks(room.list.search, "mine")
    assert names(room) == [OWN]
    qtbot.keyClick(room.list.search, Qt.Key.Key_Escape)
    assert len(names(room)) > 40
    assert QApplication.focusWidget() is room.list.search
    qtbot.keyClick(room.list.search, Qt.Key.Key_Escape)
    assert QApplication.focusWidget() is room.list.tree


async def test_a_search_does_not_change_the_shown_fixture(room: FixturesRoom, qtbot: Any) -> None:
    click(room, OWN, qtbot)
    qtbot.keyClicks(room.list.search, "markup")
    assert names(room) == ["nasty/markup"]
    assert room.form.name.text() == OWN
    room.list.search.clear()
    assert room.list.tree.currentIndex().data(NAME) == OWN


async def test_changes_of_the_list_keep_collapsed_folders_and_the_scroll_position(
    window: MainWindow, room: FixturesRoom, companion: Companion
) -> None:
    basics = room.list.model.index(1, 0)
    room.list.tree.collapse(basics)
    window.resize(QSize(1000, 640))
    window.grab()
    bar = room.list.tree.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)
    before = bar.value()
    assert before > 0
    companion.pause()
    await companion.fixtures.save("mine/zzz", TYPING)
    assert bar.value() == before
    assert not room.list.tree.isExpanded(room.list.model.index(1, 0))
    room.list.search.setText("a friend says")
    assert room.list.tree.isExpanded(room.list.model.index(0, 0))


async def test_a_double_click_on_a_folder_fires_nothing(
    room: FixturesRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    click(room, OWN, qtbot)
    qtbot.mouseDClick(room.list.tree.viewport(), LEFT, pos=position(room, room.list.model.index(1, 0)))
    assert room.form.name.text() == OWN
    assert await all_frames(companion, client) == []


async def test_tooltips_show_the_whole_title_and_the_name(room: FixturesRoom) -> None:
    index = room.list.model.index_of("nasty/markup")
    tip = index.data(Qt.ItemDataRole.ToolTipRole)
    assert "HTML and script in the text" in tip
    assert "nasty/markup" in tip
    folder = index.parent()
    assert folder.data(Qt.ItemDataRole.ToolTipRole) == f"{folder.data()} (built in)"


@pytest.mark.usefixtures("styled")
async def test_the_width_of_the_list_is_restored(
    window: MainWindow, room: FixturesRoom, companion: Companion, windows: Any
) -> None:
    assert window.fixtures.layout_parts["fixtures/list"] is room.splitter
    room.splitter.setSizes([420, 500])
    width = room.splitter.sizes()[0]
    window.close_down()
    second = windows(companion)
    second.resize(window.size())
    second.present()
    second.open_room(FIXTURES)
    await until(lambda: second.fixtures.splitter.sizes()[0] == width)


# changes outside of the room


async def test_the_list_is_updated_when_fixtures_change_outside_of_the_room(
    room: FixturesRoom, companion: Companion
) -> None:
    await companion.fixtures.save("bugs/late", TYPING)
    assert listed_names(room)["bugs · yours"] == ["bugs/late"]
    await companion.fixtures.rename("bugs/late", "bugs/later")
    assert listed_names(room)["bugs · yours"] == ["bugs/later"]
    await companion.fixtures.delete("bugs/later")
    assert "bugs · yours" not in listed_names(room)


async def test_added_and_deleted_files_are_detected_when_the_room_is_opened(
    window: MainWindow, room: FixturesRoom, companion: Companion, folder: Path
) -> None:
    file_of(folder, "dropped in").write_text('{"event": "typing", "data": {}, "title": "By hand"}')
    file_of(folder, OWN).unlink()
    window.open_room(EVENTS)
    window.open_room(FIXTURES)
    await wait_until_idle(companion)
    assert listed_names(room)["No folder · yours"] == ["dropped in"]
    assert OWN not in names(room)


async def test_a_file_edited_on_disk_is_reloaded(
    window: MainWindow, room: FixturesRoom, companion: Companion, folder: Path, qtbot: Any
) -> None:
    click(room, OWN, qtbot)
    file_of(folder, OWN).write_text('{"event": "typing", "data": {"username": "zoe", "typing": false}}')
    await companion.fixtures.read()
    assert shown_event(room)["data"] == {"username": "zoe", "typing": False}
    assert not room.form.save.isEnabled()


async def test_a_file_deleted_on_disk_is_no_longer_shown(
    room: FixturesRoom, companion: Companion, folder: Path, qtbot: Any
) -> None:
    click(room, OWN, qtbot)
    file_of(folder, OWN).unlink()
    await companion.fixtures.read()
    assert room.empty.isVisible()
    assert not room.bar.now.isEnabled()


async def test_edited_text_is_kept_when_fixtures_and_files_change(
    window: MainWindow, room: FixturesRoom, companion: Companion, folder: Path, qtbot: Any
) -> None:
    click(room, OWN, qtbot)
    type_text(room, "half", qtbot)
    cursor = room.form.editor.textCursor().position()
    text_before = room.form.editor.toPlainText()
    companion.changed.emit(None)
    companion.fixtures.changed.emit(None)
    companion.pause()
    await companion.fixtures.save("mine/another", TYPING)
    file_of(folder, OWN).write_text('{"event": "typing", "data": {"username": "zoe", "typing": false}}')
    await companion.fixtures.read()
    window.open_room(EVENTS)
    window.open_room(FIXTURES)
    window.recolor()
    await wait_until_idle(companion)
    file_of(folder, OWN).unlink()
    await companion.fixtures.read()
    assert room.form.editor.toPlainText() == text_before
    assert room.form.editor.textCursor().position() == cursor
    assert room.form.name.text() == OWN
    assert room.form.save.isEnabled()


async def test_the_selection_is_kept_when_the_list_changes(
    room: FixturesRoom, companion: Companion, qtbot: Any
) -> None:
    click(room, "guide/typing", qtbot)
    companion.changed.emit(None)
    await companion.fixtures.save("a new one", TYPING)
    assert room.list.tree.currentIndex().data(NAME) == "guide/typing"
    assert room.list.tree.selectionModel().isSelected(room.list.tree.currentIndex())


async def test_undoing_to_the_text_before_an_edit_on_disk_is_an_unsaved_change(
    room: FixturesRoom, companion: Companion, folder: Path, qtbot: Any
) -> None:
    click(room, OWN, qtbot)
    type_text(room, "!", qtbot)
    file_of(folder, OWN).write_text('{"event": "typing", "data": {"username": "zoe", "typing": false}}')
    await companion.fixtures.read()
    room.form.editor.undo()
    assert shown_event(room)["data"] == TYPING.data
    for _ in range(2):  # the first time, it is refused
        qtbot.mouseClick(room.form.save, LEFT)
        await wait_until_idle(companion)
    assert companion.fixtures.find(OWN).fixture == TYPING


async def test_invalid_fixture_files_are_reported_by_name(
    room: FixturesRoom, companion: Companion, folder: Path
) -> None:
    assert not room.list.warnings.isVisible()
    file_of(folder, "mine/broken").write_text("{")
    await companion.fixtures.read()
    assert room.list.warnings.isVisible()
    assert room.list.warnings.text().startswith(f"{Path('mine/broken.json')} is not a valid fixture")
    assert str(folder) in room.list.warnings.toolTip()
    file_of(folder, "mine/broken").unlink()
    await companion.fixtures.read()
    assert not room.list.warnings.isVisible()


async def test_warnings_about_many_invalid_files_are_shortened(
    window: MainWindow, room: FixturesRoom, companion: Companion, folder: Path
) -> None:
    before = window.minimumSizeHint()
    for number in range(20):
        file_of(folder, f"mine/{'broken' * 8}{number}").write_text("{")
    await companion.fixtures.read()
    assert len(companion.fixtures.warnings) == 20
    assert room.list.warnings.text().splitlines()[-1] == f"and {20 - MAX_SHOWN_WARNINGS} more"
    assert window.minimumSizeHint().width() == before.width()
    window.resize(QSize(1000, 640))
    window.grab()
    assert room.list.tree.height() > 150


@pytest.mark.usefixtures("styled")
async def test_a_long_name_does_not_widen_the_window(
    window: MainWindow, room: FixturesRoom, companion: Companion, qtbot: Any
) -> None:
    before = window.minimumSizeHint().width()
    long = "/".join(["averylongname" * 4] * 3)
    await companion.fixtures.save(long, Fixture(event="typing", data={}, title="T" * 200, must="M" * 300))
    room.choose(long)
    assert room.form.name.text() == long
    assert window.minimumSizeHint().width() == before


# firing


async def test_fire_sends_the_fixture_with_new_values(
    room: FixturesRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    click(room, "basics/message", qtbot)
    ids = set()
    for _ in range(2):
        qtbot.mouseClick(room.bar.now, LEFT)
        received = await frame(client)
        assert received["data"]["text"] == "Hi from alice!"
        assert companion.catalog.problems(Envelope(**received)) == []
        ids.add(received["data"]["msg_id"])
    assert len(ids) == 2
    await until(room.bar.status.text)
    assert room.bar.status.text().startswith("Delivered to 1 client · #")
    assert {row.origin for row in companion.journal if row.kind == "s2c"} == {"panel"}


async def test_ctrl_enter_fires_the_selected_fixture(
    room: FixturesRoom, connect_client: Connect, qtbot: Any, subtests: pytest.Subtests
) -> None:
    client = await connect_client()
    for focused in ("tree", "editor", "search"):
        with subtests.test(focused=focused):
            click(room, OWN, qtbot)
            widget = {"tree": room.list.tree, "editor": room.form.editor, "search": room.list.search}[focused]
            widget.setFocus()
            qtbot.keyClick(widget, Qt.Key.Key_Return, CONTROL)
            assert await frame(client) == {"event": "typing", "data": TYPING.data}


async def test_a_double_click_fires_once(
    room: FixturesRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    click(room, OWN, qtbot)
    qtbot.mouseDClick(room.list.tree.viewport(), LEFT, pos=position(room, room.list.model.index_of(OWN)))
    assert len(await all_frames(companion, client)) == 1


async def test_an_edited_fixture_is_fired_without_changing_its_file(
    room: FixturesRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    click(room, OWN, qtbot)
    write(room, "typing", username="carol", typing=False)
    qtbot.mouseClick(room.bar.now, LEFT)
    assert (await frame(client))["data"] == {"username": "carol", "typing": False}
    assert companion.fixtures.find(OWN).fixture == TYPING


@pytest.mark.parametrize(("chosen", "recipient"), [("Everyone", "bob"), ("All clients of alice", "alice")])
async def test_a_fixture_is_sent_to_its_own_target_unless_another_is_chosen(
    room: FixturesRoom, companion: Companion, connect_client: Connect, qtbot: Any, chosen: str, recipient: str
) -> None:
    clients = {username: await connect_client(username) for username in ("alice", "bob")}
    await companion.fixtures.save("mine/for bob", Fixture(event="typing", data=TYPING.data, to="user:bob"))
    click(room, "mine/for bob", qtbot)
    room.bar.target_box.setCurrentText(chosen)
    qtbot.mouseClick(room.bar.now, LEFT)
    for username, client in clients.items():
        assert len(await all_frames(companion, client)) == (username == recipient)


async def test_repeated_frames_of_a_fixture_are_identical(
    room: FixturesRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    click(room, "nasty/duplicate id", qtbot)
    qtbot.mouseClick(room.bar.now, LEFT)
    first, *others = await all_frames(companion, client)
    assert others == [first]


@pytest.mark.parametrize("name", ["nasty/wrong types", "nasty/unknown event", "nasty/data is a list"])
async def test_a_malformed_fixture_can_be_sent(
    room: FixturesRoom, companion: Companion, connect_client: Connect, qtbot: Any, name: str
) -> None:
    client = await connect_client()
    click(room, name, qtbot)
    assert room.bar.now.text() == "Send malformed"
    assert not room.form.problem.isVisible()
    qtbot.mouseClick(room.bar.now, LEFT)
    assert json.loads(await text(client))
    await wait_until_idle(companion)
    assert room.bar.status.property("tone") == "ok"


async def test_a_raw_frame_is_sent_unchanged(
    room: FixturesRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    raw = 'not JSON\r\nat "all"\x0b\u2028end'
    await companion.fixtures.save("mine/raw", Fixture(frame=raw, malformed=True))
    click(room, "mine/raw", qtbot)
    assert not room.form.save.isEnabled()
    assert room.bar.now.text() == "Send malformed"
    qtbot.mouseClick(room.bar.now, LEFT)
    assert await text(client) == raw


async def test_selecting_a_fixture_does_not_modify_it(room: FixturesRoom, companion: Companion) -> None:
    await companion.fixtures.save(
        "mine/signs", Fixture(event="typing", data={"username": "a\u2029b\u2028\r\n\x00", "typing": True})
    )
    for saved in companion.fixtures.all:
        room.choose(saved.name)
        assert room.edits.edited == saved.fixture, saved.name
        assert not room.form.save.isEnabled(), saved.name
        assert not room.form.problem.isVisible(), saved.name
        malformed = saved.fixture.malformed or saved.fixture.raw
        assert room.bar.now.text() == ("Send malformed" if malformed else "Fire"), saved.name


async def test_every_built_in_fixture_can_be_fired_from_the_room(
    room: FixturesRoom, companion: Companion, connect_client: Connect
) -> None:
    await connect_client(max_queue=None)  # it reads nothing, and must still see that it is closed
    for saved in companion.fixtures.all:
        room.choose(saved.name)
        room.bar.fire()
        await wait_until_idle(companion)
        assert room.bar.status.text().startswith("Delivered to 1 client"), saved.name


async def test_contract_violations_are_shown_while_editing(room: FixturesRoom, qtbot: Any) -> None:
    click(room, OWN, qtbot)
    assert room.bar.now.text() == "Fire"
    write(room, "typing", username="bob", typing="yes")
    assert room.form.problem.text().startswith("Not valid: data.typing")
    assert room.bar.now.text() == "Send malformed"
    room.form.editor.setPlainText('{"event": "typing", ')
    assert room.form.problem.text() == "Not a valid event. It will be saved and sent as a raw frame."
    assert room.bar.now.text() == "Send malformed"
    write(room, "typing", username="bob", typing=False)
    assert not room.form.problem.isVisible()
    assert room.bar.now.text() == "Fire"


async def test_an_invalid_fixture_not_marked_malformed_is_rejected_with_a_message(
    room: FixturesRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    await companion.fixtures.save("mine/wrong", Fixture(event="typing", data={}))
    click(room, "mine/wrong", qtbot)
    qtbot.mouseClick(room.bar.now, LEFT)
    assert await all_frames(companion, client) == []
    assert "data.username" in room.bar.status.text()
    assert room.bar.status.property("tone") == "error"


# expectations


EXPECT = FixtureExpectation(event="typing", where={"data.to": "bob"}, within=30.0)


async def test_a_fixture_is_fired_with_its_own_expectation(
    room: FixturesRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    await companion.fixtures.save("mine/expecting", replace(TYPING, expect=EXPECT))
    click(room, "mine/expecting", qtbot)
    row = room.bar.expect
    assert (row.choice.currentText(), row.where.text(), row.within.value()) == ("typing", "data.to=bob", 30.0)
    assert not room.form.save.isEnabled()
    assert room.form.name.text() == "mine/expecting · expects typing with data.to=bob"
    qtbot.mouseClick(room.bar.now, LEFT)
    await frame(client)
    await until(lambda: "waiting for typing with data.to=bob" in room.bar.status.text())
    await client.send('{"event": "typing", "data": {"to": "bob", "typing": true}}')
    await until(lambda: room.bar.status.text().startswith("✓ typing with data.to=bob received after"))
    click(room, OWN, qtbot)
    assert row.choice.currentText() == "nothing"


async def test_the_palette_shows_the_result_of_a_fixtures_expectation(
    window: MainWindow, room: FixturesRoom, companion: Companion, connect_client: Connect
) -> None:
    client = await connect_client()
    failed: list[str] = []
    companion.expectation_failed.connect(lambda each: failed.append(str(each.expected)))
    window.firing.fire_fixture(replace(TYPING, expect=replace(EXPECT, within=0.1)))
    await until(lambda: window.status.message.text().startswith("✗ no typing with data.to=bob within 0.1 s"))
    assert failed == ["typing with data.to=bob"]
    window.firing.fire_fixture(replace(TYPING, expect=EXPECT))
    await frame(client)
    await frame(client)
    await client.send('{"event": "typing", "data": {"to": "bob", "typing": true}}')
    await until(lambda: window.status.message.text().startswith("✓ typing with data.to=bob received after"))


async def test_a_changed_expectation_is_saved_with_the_fixture(
    room: FixturesRoom, companion: Companion, folder: Path, qtbot: Any
) -> None:
    click(room, OWN, qtbot)
    room.bar.expect.choice.setCurrentText("typing")
    room.bar.expect.where.setText("to=bob")
    room.bar.expect.within.setValue(1.5)
    assert room.form.save.isEnabled()
    assert room.form.revert.isEnabled()
    qtbot.mouseClick(room.form.save, LEFT)
    await wait_until_idle(companion)
    assert json.loads(file_of(folder, OWN).read_text())["expect"] == {
        "event": "typing", "where": {"to": "bob"}, "within": 1.5,
    }  # fmt: skip
    assert not room.form.save.isEnabled()
    room.bar.expect.choice.setCurrentText("nothing")
    qtbot.mouseClick(room.form.save, LEFT)
    await wait_until_idle(companion)
    assert "expect" not in json.loads(file_of(folder, OWN).read_text())


async def test_an_unsaved_expectation_is_kept_when_another_fixture_is_selected(
    room: FixturesRoom, companion: Companion, qtbot: Any
) -> None:
    click(room, OWN, qtbot)
    room.bar.expect.choice.setCurrentText("mark_read")
    click(room, "basics/message", qtbot)
    assert room.bar.expect.choice.currentText() == "nothing"
    click(room, OWN, qtbot)
    assert room.bar.expect.choice.currentText() == "mark_read"
    assert room.form.save.isEnabled()
    qtbot.mouseClick(room.form.revert, LEFT)
    assert room.bar.expect.choice.currentText() == "nothing"
    assert not room.form.save.isEnabled()


@pytest.mark.parametrize("text_too", [False, True])
async def test_an_invalid_expectation_cannot_be_saved_and_is_kept(
    room: FixturesRoom, companion: Companion, folder: Path, qtbot: Any, text_too: bool
) -> None:
    click(room, OWN, qtbot)
    row, before = room.bar.expect, file_of(folder, OWN).read_text()
    row.choice.setCurrentText("typing")
    row.where.setText("nonsense")
    row.within.setValue(3.5)
    if text_too:
        write(room, "typing", username="carol", typing=True)
    assert row.problem
    messages: list[str] = []
    room.status_message.connect(messages.append)
    qtbot.keyClick(room.form.editor, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    assert messages == [f"Not saved. {row.problem}"]
    for button in (room.form.save, room.form.save_as):
        assert not button.isEnabled()
        assert "Then expect, where" in button.toolTip()
    assert room.edits.changed_names == {OWN}
    click(room, "basics/message", qtbot)
    assert row.choice.currentText() == "nothing"
    assert room.form.save_as.isEnabled()
    again = FixtureEdits(companion)
    again.add_json(room.edits.to_json())
    assert again.drafts == room.edits.drafts
    click(room, OWN, qtbot)
    assert (row.choice.currentText(), row.where.text(), row.within.value()) == ("typing", "nonsense", 3.5)
    assert file_of(folder, OWN).read_text() == before
    row.where.setText("typing=true")
    qtbot.mouseClick(room.form.save, LEFT)
    await wait_until_idle(companion)
    assert json.loads(file_of(folder, OWN).read_text())["expect"]["where"] == {"typing": True}
    assert room.edits.changed_names == set()


@pytest.mark.parametrize("where", [{"text": "x" * 3_000}, {"a=b": 1}, {}])
async def test_a_saved_expectation_that_is_not_valid_is_no_change(
    room: FixturesRoom, companion: Companion, qtbot: Any, where: dict[str, Any]
) -> None:
    expect = FixtureExpectation(event="typing" if where else "unknown", where=where, within=2.04)
    await companion.fixtures.save("mine/odd", replace(TYPING, expect=expect))
    click(room, "mine/odd", qtbot)
    assert room.bar.expect.problem
    assert room.edits.changed_names == set()
    write(room, "typing", username="carol", typing=True)
    qtbot.mouseClick(room.form.save, LEFT)
    await wait_until_idle(companion)
    assert companion.fixtures.find("mine/odd").fixture.expect == expect
    assert room.edits.changed_names == set()


# saving


async def test_save_writes_the_file_and_keeps_title_must_and_target(
    room: FixturesRoom, companion: Companion, folder: Path, qtbot: Any
) -> None:
    titled = Fixture(event="typing", data=TYPING.data, title="Late", must="wait", to="user:bob", times=2, order=7)
    await companion.fixtures.save(OWN, titled)
    click(room, OWN, qtbot)
    assert not room.form.save.isEnabled()
    write(room, "typing", username="carol", typing=True)
    qtbot.mouseClick(room.form.save, LEFT)
    await wait_until_idle(companion)
    content = saved(folder, OWN)
    assert content.pop("data") == {"username": "carol", "typing": True}
    assert content == {
        "title": "Late", "must": "wait", "event": "typing", "to": "user:bob", "times": 2, "order": 7,
    }  # fmt: skip
    assert not room.form.save.isEnabled()
    assert room.list.tree.currentIndex().data(NAME) == OWN


async def test_saving_keeps_the_cursor_the_undo_history_and_the_formatting(
    room: FixturesRoom, companion: Companion, folder: Path, qtbot: Any
) -> None:
    click(room, OWN, qtbot)
    type_text(room, "  ", qtbot)
    write(room, "typing", username="carol", typing=True)
    editor = room.form.editor
    editor.setFocus()
    cursor = editor.textCursor()
    cursor.setPosition(editor.toPlainText().index("carol"))
    editor.setTextCursor(cursor)
    qtbot.keyClicks(editor, "Mc")
    text, position_before = editor.toPlainText(), editor.textCursor().position()
    qtbot.keyClick(editor, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    await wait_until_idle(companion)
    assert saved(folder, OWN)["data"]["username"] == "Mccarol"
    assert editor.toPlainText() == text
    assert editor.textCursor().position() == position_before
    assert not room.form.save.isEnabled()
    assert not room.edits.has_changes
    qtbot.keyClick(editor, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert shown_event(room)["data"]["username"] == "carol"
    assert room.form.save.isEnabled()


async def test_the_status_bar_shows_the_name_of_the_saved_fixture(
    window: MainWindow, room: FixturesRoom, qtbot: Any
) -> None:
    click(room, OWN, qtbot)
    write(room, "typing", username="carol", typing=True)
    qtbot.mouseClick(room.form.save, LEFT)
    await wait_until_idle(room._companion)
    assert window.status.message.text() == f"Saved {OWN}"


async def test_saving_recreates_a_file_that_was_deleted(
    room: FixturesRoom, companion: Companion, folder: Path, qtbot: Any
) -> None:
    click(room, OWN, qtbot)
    write(room, "typing", username="carol", typing=True)
    file_of(folder, OWN).unlink()
    await companion.fixtures.read()
    qtbot.mouseClick(room.form.save, LEFT)
    await wait_until_idle(companion)
    assert json.loads(file_of(folder, OWN).read_text())["data"]["username"] == "carol"
    assert OWN in names(room)


async def test_saving_recreates_a_file_whose_deletion_was_not_detected(
    room: FixturesRoom, companion: Companion, folder: Path, qtbot: Any
) -> None:
    click(room, OWN, qtbot)
    write(room, "typing", username="carol", typing=True)
    file_of(folder, OWN).unlink()
    qtbot.mouseClick(room.form.save, LEFT)
    await wait_until_idle(companion)
    assert file_of(folder, OWN).exists()


async def test_a_file_that_another_program_has_changed_is_replaced_only_on_the_second_save(
    window: MainWindow, room: FixturesRoom, companion: Companion, folder: Path
) -> None:
    """Regression: *Save* replaced the file of a Git checkout without a word."""

    def change(username: str) -> None:
        fixture = replace(TYPING, data={"username": username, "typing": True})
        file_of(folder, OWN).write_text(fixture.to_json())

    def username() -> str:
        return str(json.loads(file_of(folder, OWN).read_text())["data"]["username"])

    async def save(name: str) -> None:
        write(room, "typing", username=name, typing=True)
        room.form.save.click()
        await wait_until_idle(companion)

    room.choose(OWN)
    await save("ann")
    await save("ben")
    assert username() == "ben"
    write(room, "typing", username="eve", typing=True)
    change("pulled, and noticed")
    await companion.fixtures.read()
    room.choose("basics/typing")
    room.choose(OWN)
    await save("eve")
    assert "has changed since it was opened" in window.status.message.text()
    assert (username(), shown_event(room)["data"]["username"]) == ("pulled, and noticed", "eve")
    room.form.save.click()
    await wait_until_idle(companion)
    assert username() == "eve"
    change("pulled, and not noticed")
    await save("fay")
    assert username() == "pulled, and not noticed"
    room.form.revert.click()
    assert shown_event(room)["data"]["username"] == "pulled, and not noticed"
    await save("gus")
    assert username() == "gus"


async def test_a_changed_file_is_replaced_only_after_the_warning_even_if_save_is_clicked_twice(
    window: MainWindow, room: FixturesRoom, companion: Companion, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: a click while the first save ran, or after another error, replaced the file without a word."""

    async def fail(*_: Any, **__: Any) -> SavedFixture:
        raise StorageError("the disk is full")

    def username() -> str:
        return str(json.loads(file_of(folder, OWN).read_text())["data"]["username"])

    room.choose(OWN)
    write(room, "typing", username="ann", typing=True)
    file_of(folder, OWN).write_text(replace(TYPING, data={"username": "pulled", "typing": True}).to_json())
    with monkeypatch.context() as patch:
        patch.setattr(companion.fixtures, "save", fail)
        room.form.save.click()
        await wait_until_idle(companion)
    assert window.status.message.text() == "the disk is full"
    room.form.save.click()
    room.form.save.click()
    room.choose("basics/typing")
    await wait_until_idle(companion)
    assert username() == "pulled"
    assert "has changed since it was opened" in window.status.message.text()
    room.choose(OWN)
    room.form.save.click()
    await wait_until_idle(companion)
    assert username() == "ann"


async def test_what_is_typed_or_selected_during_a_save_is_kept(
    room: FixturesRoom, companion: Companion, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: the editor showed the saved text again, or the saved fixture instead of the selected one."""
    gate = asyncio.Event()
    save = companion.fixtures.save

    async def slowly(name: str, fixture: Fixture, **options: Any) -> SavedFixture:
        await gate.wait()
        return await save(name, fixture, **options)

    def begin_to_save(username: str) -> None:
        gate.clear()
        write(room, "typing", username=username, typing=True)
        room.form.save.click()

    async def end(username: str) -> None:
        gate.set()
        await until(lambda: saved(folder, OWN)["data"]["username"] == username)
        await wait_until_idle(companion)

    other = "mine/other"
    await save(other, TYPING)
    monkeypatch.setattr(companion.fixtures, "save", slowly)
    room.choose(OWN)
    begin_to_save("ann")
    write(room, "typing", username="typed meanwhile", typing=True)
    await end("ann")
    assert shown_event(room)["data"]["username"] == "typed meanwhile"
    assert room.form.save.isEnabled()

    begin_to_save("amy")
    write(room, "typing", username="al", typing=True)
    room.form.save.click()
    await end("al")
    assert not room.form.save.isEnabled(), "the first save was not mistaken for another program's"

    begin_to_save("ben")
    room.choose(other)
    write(room, "typing", username="of the other", typing=True)
    await end("ben")
    assert (room.edits.name, shown_event(room)["data"]["username"]) == (other, "of the other")
    assert not room.edits.drafts
    room.choose(OWN)
    assert shown_event(room)["data"]["username"] == "ben"
    assert not room.form.save.isEnabled()
    room.choose(other)
    assert shown_event(room)["data"]["username"] == "of the other"


async def test_a_fixture_that_is_edited_while_a_copy_is_saved_can_be_saved_without_a_warning(
    room: FixturesRoom, companion: Companion, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: its file was compared with the copy, so *Save* warned that the file had changed."""
    gate = asyncio.Event()
    save = companion.fixtures.save

    async def slowly(name: str, fixture: Fixture, **options: Any) -> SavedFixture:
        await gate.wait()
        return await save(name, fixture, **options)

    monkeypatch.setattr(companion.fixtures, "save", slowly)
    room.choose(OWN)
    write(room, "typing", username="of the copy", typing=True)
    room.form.save_as.click()
    open_dialog().name.setText("mine/copy")
    open_dialog()._accept()
    write(room, "typing", username="typed meanwhile", typing=True)
    room.choose("basics/typing")
    gate.set()
    await wait_until_idle(companion)
    assert saved(folder, "mine/copy")["data"]["username"] == "of the copy"
    room.choose(OWN)
    room.form.save.click()
    await wait_until_idle(companion)
    assert saved(folder, OWN)["data"]["username"] == "typed meanwhile"


async def test_a_fixture_that_is_selected_while_another_is_renamed_or_deleted_stays_selected(
    room: FixturesRoom, companion: Companion, qtbot: Any
) -> None:
    """Regression: it was deselected, or its text was shown under the new name of the renamed one."""
    other, renamed = "mine/other", "mine/renamed"
    await companion.fixtures.save(other, TYPING)
    room.choose(other)
    write(room, "typing", username="of the other", typing=True)
    room.choose(OWN)
    write(room, "typing", username="of the renamed", typing=True)
    room.form.rename.click()
    open_dialog().name.setText(renamed)
    open_dialog()._accept()
    room.choose(other)
    await wait_until_idle(companion)
    assert (room.edits.name, shown_event(room)["data"]["username"]) == (other, "of the other")
    room.choose(renamed)
    assert shown_event(room)["data"]["username"] == "of the renamed"
    room.form.delete.click()
    answer_box("Delete")
    room.choose(other)
    await wait_until_idle(companion)
    assert (room.edits.name, shown_event(room)["data"]["username"]) == (other, "of the other")
    assert [each for each in names(room) if each.startswith("mine/")] == [other]


@pytest.mark.parametrize("name", ["basics/typing", "nasty/not json"])
async def test_a_built_in_fixture_cannot_be_saved_renamed_or_deleted(
    room: FixturesRoom, qtbot: Any, name: str
) -> None:
    click(room, name, qtbot)
    assert "built in" in room.form.name.text()
    type_text(room, " ?", qtbot)
    for button in (room.form.save, room.form.rename, room.form.delete):
        assert not button.isEnabled()
    assert room.form.save_as.isEnabled()


async def test_a_changed_built_in_fixture_is_saved_as_a_user_fixture(
    room: FixturesRoom, companion: Companion, folder: Path, qtbot: Any
) -> None:
    click(room, "basics/typing", qtbot)
    write(room, "typing", username="zoe", typing=True)
    qtbot.mouseClick(room.form.save_as, LEFT)
    assert open_dialog().name.text() == "mine/typing"
    await answer(room, "bugs/zoe types", qtbot)
    assert saved(folder, "bugs/zoe types") == {
        "title": "A friend is typing", "event": "typing", "data": {"username": "zoe", "typing": True}, "order": 4,
    }  # fmt: skip
    assert room.form.name.text() == "bugs/zoe types"
    assert room.list.tree.currentIndex().data(NAME) == "bugs/zoe types"
    assert companion.fixtures.find("basics/typing").fixture.data == {"username": "{{persona}}", "typing": True}


async def test_saving_with_an_existing_name_shows_a_warning(room: FixturesRoom, qtbot: Any) -> None:
    click(room, "basics/typing", qtbot)
    qtbot.mouseClick(room.form.save_as, LEFT)
    assert not open_dialog().problem.isVisible()
    open_dialog().name.setText(OWN.upper())
    assert open_dialog().problem.text() == f"{OWN.upper()} already exists and will be replaced."
    await answer(room, OWN, qtbot)
    assert room._companion.fixtures.find(OWN).fixture.title == "A friend is typing"


async def test_text_that_is_not_an_event_is_saved_as_a_raw_frame(
    room: FixturesRoom, folder: Path, qtbot: Any
) -> None:
    click(room, OWN, qtbot)
    room.form.editor.setPlainText("not JSON {{uuid}}")
    qtbot.mouseClick(room.form.save, LEFT)
    await wait_until_idle(room._companion)
    assert saved(folder, OWN) == {"frame": "not JSON {{uuid}}", "malformed": True}


async def test_rename_moves_the_file_and_keeps_the_edited_text(
    room: FixturesRoom, companion: Companion, folder: Path, qtbot: Any
) -> None:
    click(room, OWN, qtbot)
    type_text(room, " half", qtbot)
    text_before = room.form.editor.toPlainText()
    qtbot.mouseClick(room.form.rename, LEFT)
    assert open_dialog().name.text() == OWN
    assert not open_dialog().problem.isVisible()
    await answer(room, "bugs/late", qtbot)
    assert not file_of(folder, OWN).exists()
    assert saved(folder, "bugs/late") == {"event": "typing", "data": TYPING.data}
    assert room.form.name.text() == "bugs/late"
    assert room.form.editor.toPlainText() == text_before
    assert room.list.tree.currentIndex().data(NAME) == "bugs/late"


async def test_renaming_to_the_name_of_another_fixture_is_rejected(
    room: FixturesRoom, companion: Companion, folder: Path, qtbot: Any
) -> None:
    await companion.fixtures.save("mine/other", Fixture(event="typing", data={"username": "zoe"}))
    click(room, OWN, qtbot)
    qtbot.mouseClick(room.form.rename, LEFT)
    dialog = open_dialog()
    dialog.name.setText("mine/other")
    assert dialog.problem.text() == "The name mine/other is in use"
    qtbot.keyClick(dialog.name, Qt.Key.Key_Return)
    assert open_dialog() is dialog
    qtbot.keyClick(dialog.name, Qt.Key.Key_Escape)
    assert names(room)[:2] == [OWN, "mine/other"]


async def test_delete_asks_for_confirmation(
    room: FixturesRoom, companion: Companion, folder: Path, qtbot: Any
) -> None:
    click(room, OWN, qtbot)
    qtbot.mouseClick(room.form.delete, LEFT)
    answer_box("Cancel")
    await wait_until_idle(companion)
    assert file_of(folder, OWN).exists()
    qtbot.mouseClick(room.form.delete, LEFT)
    answer_box("Delete")
    await wait_until_idle(companion)
    assert not file_of(folder, OWN).exists()
    assert OWN not in names(room)
    assert room.empty.isVisible()


async def test_deleting_a_fixture_selects_no_other(
    window: MainWindow, room: FixturesRoom, companion: Companion, qtbot: Any
) -> None:
    for name in ("mine/a", "mine/z"):
        await companion.fixtures.save(name, TYPING)
    click(room, OWN, qtbot)
    room.form.delete.setFocus()
    qtbot.mouseClick(room.form.delete, LEFT)
    answer_box("Delete")
    await wait_until_idle(companion)
    assert window.focusWidget() is room.list.tree
    assert room.list.tree.currentIndex().data(NAME) is None
    assert room.empty.isVisible()
    room.form.delete.click()  # as with a shortcut
    qtbot.keyClick(room.list.tree, Qt.Key.Key_Space)
    await wait_until_idle(companion)
    assert window.findChild(QMessageBox) is None
    assert {"mine/a", "mine/z"} <= set(names(room))


async def test_deleting_a_user_fixture_shows_the_built_in_one_of_the_same_name(
    room: FixturesRoom, companion: Companion, qtbot: Any
) -> None:
    await companion.fixtures.save("basics/typing", TYPING)
    room.choose("basics/typing")
    assert room.form.delete.isEnabled()
    qtbot.mouseClick(room.form.delete, LEFT)
    answer_box("Delete")
    await wait_until_idle(companion)
    room.choose("basics/typing")
    assert "built in" in room.form.name.text()


async def test_a_failed_write_is_reported_in_the_status_bar(
    window: MainWindow, room: FixturesRoom, companion: Companion, folder: Path, qtbot: Any
) -> None:
    click(room, "basics/typing", qtbot)
    (folder / "blocked").write_text("a file where a folder must be")
    qtbot.mouseClick(room.form.save_as, LEFT)
    await answer(room, "blocked/x", qtbot)
    assert "blocked" in window.status.message.text()
    assert "could not be written" in window.status.message.text()


async def test_saving_without_a_fixtures_folder_is_reported(
    make_companion: MakeCompanion, windows: Any, qtbot: Any
) -> None:
    companion = await make_companion()
    window = windows(companion)
    window.present()
    window.open_room(FIXTURES)
    window.fixtures.choose("basics/typing")
    qtbot.mouseClick(window.fixtures.form.save_as, LEFT)
    await answer(window.fixtures, "mine/x", qtbot)
    assert window.status.message.text() == "there is no folder for fixtures"
    assert window.fixtures.form.name.text().startswith("basics/typing")


async def test_the_edited_text_is_kept_when_saving_fails(
    window: MainWindow, room: FixturesRoom, companion: Companion, folder: Path, qtbot: Any
) -> None:
    click(room, OWN, qtbot)
    room.form.editor.setPlainText("x" * 70_000)
    qtbot.mouseClick(room.form.save, LEFT)
    await wait_until_idle(companion)
    assert "at most" in window.status.message.text()
    assert room.form.editor.toPlainText() == "x" * 70_000
    assert room.form.save.isEnabled()


# paste, and save from the log


async def test_a_row_is_saved_without_templates_and_a_copied_event_with_them(
    room: FixturesRoom, companion: Companion, qtbot: Any
) -> None:
    message = companion.composer.message_from("alice", "use {{now}}")
    await companion.fire(message, origin=PANEL)
    room.save_row(list(companion.journal)[-1])
    await answer(room, "mine/row", qtbot)
    saved_row = companion.fixtures.find("mine/row").fixture
    assert saved_row.envelope().data["text"] == "use {{braces}}now}}"
    assert (await companion.composer.event_of(saved_row)).data["text"] == "use {{now}}"
    assert await companion.composer.problems([companion.fixtures.find("mine/row")]) == {"mine/row": []}
    QGuiApplication.clipboard().setText(message.encode().decode())
    qtbot.mouseClick(room.list.paste, LEFT)
    await answer(room, "mine/copied", qtbot)
    assert companion.fixtures.find("mine/copied").fixture.envelope().data["text"] == "use {{now}}"


async def test_a_copied_event_becomes_a_fixture(room: FixturesRoom, companion: Companion, qtbot: Any) -> None:
    QGuiApplication.clipboard().setText(' {"event": "typing", "data": {"username": "zoe", "typing": true}}\n')
    qtbot.mouseClick(room.list.paste, LEFT)
    assert open_dialog().name.text() == "mine/typing"
    await answer(room, "mine/zoe", qtbot)
    assert companion.fixtures.find("mine/zoe").fixture == Fixture(
        event="typing", data={"username": "zoe", "typing": True}
    )
    assert room.form.name.text() == "mine/zoe"
    assert room.bar.now.text() == "Fire"


@pytest.mark.parametrize(
    ("copied", "fixture", "suggested_name"),
    [
        (
            '{"event": "typing", "data": {"username": 7}}',
            Fixture(event="typing", data={"username": 7}, malformed=True),
            "mine/typing",
        ),
        ('{"event": "nope", "data": {}}', Fixture(event="nope", data={}, malformed=True), "mine/nope"),
        ("just words", Fixture(frame="just words", malformed=True), "mine/frame"),
        ('{"event": 3}', Fixture(frame='{"event": 3}', malformed=True), "mine/frame"),
    ],
)
async def test_any_other_pasted_text_becomes_a_malformed_fixture(
    room: FixturesRoom, companion: Companion, qtbot: Any, copied: str, fixture: Fixture, suggested_name: str
) -> None:
    QGuiApplication.clipboard().setText(copied)
    qtbot.mouseClick(room.list.paste, LEFT)
    assert open_dialog().name.text() == suggested_name
    await answer(room, "mine/pasted", qtbot)
    assert companion.fixtures.find("mine/pasted").fixture == fixture
    assert room.bar.now.text() == "Send malformed"


@pytest.mark.parametrize("copied", ["", "  \n"])
async def test_pasting_an_empty_clipboard_is_reported(
    window: MainWindow, room: FixturesRoom, qtbot: Any, copied: str
) -> None:
    QGuiApplication.clipboard().setText(copied)
    qtbot.mouseClick(room.list.paste, LEFT)
    assert QApplication.activeModalWidget() is None
    assert window.status.message.text().startswith("The clipboard contains no text")


async def test_pasting_an_invalid_event_shows_the_reason(
    room: FixturesRoom, qtbot: Any, subtests: pytest.Subtests
) -> None:
    for copied, phrases in (
        ("zzz", ("invalid JSON", "saved as a raw frame")),
        ('{"hello": 1}', ("event", "saved as a raw frame")),
        ('{"event": "typing", "data": {"username": "zoe"}}', ("data.typing", "saved as a malformed event")),
        ('{"event": "tpying", "data": {}}', ("unknown server event 'tpying'", "saved as a malformed event")),
    ):
        with subtests.test(copied=copied):
            QGuiApplication.clipboard().setText(copied)
            qtbot.mouseClick(room.list.paste, LEFT)
            note = open_dialog().note
            assert note.isVisible()
            assert note.height() >= note.heightForWidth(note.width())
            for phrase in phrases:
                assert phrase in note.text()
            open_dialog().reject()


async def test_pasting_a_valid_event_has_no_note(room: FixturesRoom, qtbot: Any) -> None:
    QGuiApplication.clipboard().setText('{"event": "typing", "data": {"username": "zoe", "typing": true}}')
    qtbot.mouseClick(room.list.paste, LEFT)
    assert not open_dialog().note.isVisible()
    open_dialog().reject()


async def test_a_copied_text_that_is_too_large_is_reported(
    window: MainWindow, room: FixturesRoom, qtbot: Any
) -> None:
    QGuiApplication.clipboard().setText("x" * 70_000)
    qtbot.mouseClick(room.list.paste, LEFT)
    assert QApplication.activeModalWidget() is None
    assert window.status.message.text() == "The clipboard contains 68 KiB. A fixture has at most 64 KiB."


async def test_a_pasted_event_with_an_invalid_file_name_must_be_renamed(room: FixturesRoom, qtbot: Any) -> None:
    QGuiApplication.clipboard().setText('{"event": "../../evil", "data": {}}')
    qtbot.mouseClick(room.list.paste, LEFT)
    assert open_dialog().problem.text().startswith("Invalid name 'mine/../../evil': begin with a letter")
    await answer(room, "mine/fine", qtbot)
    assert room.form.name.text() == "mine/fine"


async def test_an_event_with_a_lone_surrogate_becomes_a_raw_frame(
    room: FixturesRoom, companion: Companion, qtbot: Any
) -> None:
    QGuiApplication.clipboard().setText('{"event": "typing", "data": {"username": "\\ud83d", "typing": true}}')
    qtbot.mouseClick(room.list.paste, LEFT)
    await answer(room, "mine/half", qtbot)
    assert companion.fixtures.find("mine/half").fixture.raw
    assert room.bar.now.text() == "Send malformed"


async def test_s_saves_a_row_of_the_log_as_a_fixture(
    window: MainWindow, room: FixturesRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    await connect_client()
    await companion.fire(Envelope("friend_online", {"username": "bob"}), origin=PANEL)
    window.open_room(EVENTS)
    window.events.model.flush()
    window.events.table.selectRow(window.events.model.rowCount() - 1)
    qtbot.keyClick(window.events.table, Qt.Key.Key_S)
    assert open_dialog().name.text() == "mine/friend_online"
    await answer(room, "bugs/bob", qtbot)
    assert companion.fixtures.find("bugs/bob").fixture == Fixture(event="friend_online", data={"username": "bob"})
    assert window.status.message.text() == "Saved bugs/bob"
    assert window.rooms.current == EVENTS
    window.open_room(FIXTURES)
    await wait_until_idle(companion)
    assert room.form.name.text() == "bugs/bob"


async def save_newest_row(window: MainWindow, qtbot: Any) -> NameDialog:
    window.open_room(EVENTS)
    window.events.model.flush()
    window.events.table.selectRow(window.events.model.rowCount() - 1)
    qtbot.keyClick(window.events.table, Qt.Key.Key_S)
    return open_dialog()


@pytest.mark.parametrize("renew", [True, False])
async def test_a_saved_row_gets_a_new_id_and_time_on_each_send_unless_disabled(
    window: MainWindow, room: FixturesRoom, companion: Companion, connect_client: Connect, qtbot: Any, renew: bool
) -> None:
    client = await connect_client()
    fired = companion.composer.fixture_for_event("new_message")
    await companion.composer.fire(fired, origin=PANEL)
    sent = (await frame(client))["data"]
    dialog = await save_newest_row(window, qtbot)
    assert dialog.option.text() == "Generate a new ID and time on each send"
    assert dialog.option.isVisible()
    assert dialog.option.isChecked()
    if not renew:
        qtbot.mouseClick(dialog.option, LEFT, pos=QPoint(8, dialog.option.height() // 2))
    await answer(room, "bugs/late", qtbot)
    window.open_room(FIXTURES)
    room.choose("bugs/late")
    received = []
    for _ in range(2):
        qtbot.mouseClick(room.bar.now, LEFT)
        received.append((await frame(client))["data"])
    ids = {sent["msg_id"], *(each["msg_id"] for each in received)}
    assert len(ids) == (3 if renew else 1)
    assert [each["timestamp"] == sent["timestamp"] for each in received] == [not renew] * 2
    generated = ("msg_id", "timestamp")
    assert all(each[key] == sent[key] for each in received for key in sent if key not in generated)


@pytest.mark.parametrize(
    "text",
    [
        '{"event":"friend_online","data":{"username":"bob"}}',  # neither ID nor time
        '{"event":"new_message","data":{"msg_id":"a1b2c3d4-e5f6-7890-abcd-ef1234567890"}}',  # malformed
        '{"event":"new_message", not JSON',
    ],
)
async def test_a_row_without_id_and_time_is_saved_without_the_option(
    window: MainWindow, room: FixturesRoom, companion: Companion, qtbot: Any, text: str
) -> None:
    await companion.composer.fire_text(text, origin=PANEL)
    dialog = await save_newest_row(window, qtbot)
    assert not dialog.option.isVisible()
    await answer(room, "bugs/raw", qtbot)
    assert companion.fixtures.find("bugs/raw").fixture == from_frame(text, companion.catalog)


async def test_a_malformed_row_is_saved_with_the_keys_of_the_ui(
    window: MainWindow, room: FixturesRoom, companion: Companion, qtbot: Any
) -> None:
    await companion.apply(replace(companion.settings, envelope_event_key="type", envelope_data_key="payload"))
    text = '{"type":"friend_online","payload":{"username":"bob"},"id":7}'
    await companion.composer.fire_text(text, origin=PANEL)
    await save_newest_row(window, qtbot)
    await answer(room, "bugs/raw", qtbot)
    assert companion.fixtures.find("bugs/raw").fixture == Fixture(frame=text, malformed=True)


async def test_only_frames_to_the_ui_can_be_saved(
    window: MainWindow, room: FixturesRoom, connect_client: Connect, qtbot: Any
) -> None:
    await connect_client()
    window.open_room(EVENTS)
    window.events.model.flush()
    window.events.table.selectRow(window.events.model.rowCount() - 1)
    qtbot.keyClick(window.events.table, Qt.Key.Key_S)
    assert QApplication.activeModalWidget() is None
    assert window.status.message.text() == "Select a frame that was sent to the UI. Other rows cannot be saved."


# pins


async def test_pinning_adds_a_fixture_to_the_end_of_the_tray_menu(
    room: FixturesRoom, companion: Companion, qtbot: Any
) -> None:
    click(room, OWN, qtbot)
    assert not room.form.pin.isChecked()
    before = list(companion.settings.pinned)
    qtbot.mouseClick(room.form.pin, LEFT)
    await wait_until_idle(companion)
    assert companion.settings.pinned == [*before, OWN]
    assert room.form.pin.isChecked()
    assert room.form.pin.text() == "Pinned"
    assert "pinned to the tray" in room.list.tree.currentIndex().data(Qt.ItemDataRole.AccessibleTextRole)
    tray = Tray(companion)
    tray.menu.aboutToShow.emit()
    fire = menu_of(next(each for each in tray.menu.actions() if each.text() == "Fire"))
    titles = [each.text() for each in fire.actions() if not each.isSeparator()]
    assert titles[:-1] == [companion.fixtures.find(name).title for name in companion.settings.pinned]
    assert titles[-2] == "late typing"
    tray.close_down()


async def test_the_status_bar_shows_that_a_fixture_was_pinned_or_unpinned(
    window: MainWindow, room: FixturesRoom, companion: Companion, qtbot: Any
) -> None:
    click(room, OWN, qtbot)
    for message in ("Pinned to the tray", "Unpinned from the tray"):
        qtbot.mouseClick(room.form.pin, LEFT)
        window.status.show_message("Settings saved")  # as the tray program does immediately
        await wait_until_idle(companion)
        assert window.status.message.text() == message
    window.status.show_message("")
    click(room, "basics/online", qtbot)
    assert window.status.message.text() == "", "selecting a pinned fixture does not pin it again"


async def test_nothing_moves_when_a_fixture_is_pinned(
    window: MainWindow, room: FixturesRoom, companion: Companion, qtbot: Any
) -> None:
    window.resize(QSize(1000, 640))
    window.grab()
    click(room, "nasty/markup", qtbot)
    tree = room.list.tree
    buttons = (room.form.pin, room.form.revert, room.form.delete)

    def title_start() -> int:
        """Return the first column of the row's picture that has the colour of the text."""
        area = tree.visualRect(room.list.model.index_of("nasty/markup"))
        image = tree.viewport().grab(area).toImage()
        ground = image.pixelColor(area.width() // 2, 1).lightness()
        pixels = ((x, y) for x in range(6, image.width()) for y in range(4, image.height() - 4))
        return next(x for x, y in pixels if abs(image.pixelColor(x, y).lightness() - ground) > 80)

    def places() -> list[object]:
        window.grab()
        rows = {tree.visualRect(index).height() for index in children(room, room.list.model.index(1, 0))}
        assert len(rows) == 1, "pinned and other rows are equally high"
        return [room.splitter.sizes(), *(each.geometry() for each in buttons), title_start()]

    before, scrolled = places(), tree.verticalScrollBar().value()
    qtbot.mouseClick(room.form.pin, LEFT)
    await wait_until_idle(companion)
    assert room.form.pin.text() == "Pinned"
    assert not room.list.model.index_of("nasty/markup").data(Qt.ItemDataRole.DecorationRole).isNull()
    assert places() == before
    assert tree.verticalScrollBar().value() == scrolled
    assert tree.currentIndex().data(NAME) == "nasty/markup"


async def test_a_fixture_can_be_unpinned(room: FixturesRoom, companion: Companion, qtbot: Any) -> None:
    click(room, "basics/online", qtbot)
    assert room.form.pin.isChecked()
    before = list(companion.settings.pinned)
    qtbot.mouseClick(room.form.pin, LEFT)
    await wait_until_idle(companion)
    assert companion.settings.pinned == [name for name in before if name != "basics/online"]
    assert not room.form.pin.isChecked()
    assert room.form.pin.text() == "Pin"


async def test_a_renamed_fixture_stays_pinned_at_its_position(
    room: FixturesRoom, companion: Companion, qtbot: Any
) -> None:
    companion.settings.pinned = ["basics/message", OWN, "basics/online"]
    click(room, OWN, qtbot)
    qtbot.mouseClick(room.form.rename, LEFT)
    await answer(room, "mine/sooner", qtbot)
    assert companion.settings.pinned == ["basics/message", "mine/sooner", "basics/online"]
    assert room.form.pin.isChecked()


async def test_a_pin_that_several_fixtures_match_stands_for_none_of_them(
    room: FixturesRoom, companion: Companion, qtbot: Any
) -> None:
    name = OWN.rpartition("/")[2]
    other = await companion.fixtures.save(f"other/{name}", companion.fixtures.find(OWN).fixture)
    companion.settings.pinned = [name]
    room.refresh()
    click(room, OWN, qtbot)
    assert not room.form.pin.isChecked()
    qtbot.mouseClick(room.form.pin, LEFT)
    await wait_until_idle(companion)
    assert companion.settings.pinned == [name, OWN]
    assert room.form.pin.isChecked()
    index = room.list.model.index_of(other.name)
    assert "pinned to the tray" not in index.data(Qt.ItemDataRole.AccessibleTextRole)
    qtbot.mouseClick(room.form.rename, LEFT)
    await answer(room, "mine/sooner", qtbot)
    assert companion.settings.pinned == [name, "mine/sooner"]


async def test_a_pin_of_a_deleted_fixture_is_ignored(room: FixturesRoom, companion: Companion, qtbot: Any) -> None:
    companion.settings.pinned = [OWN, "basics/online"]
    await companion.fixtures.delete(OWN)
    assert [each.name for each in companion.fixtures.pinned] == ["basics/online"]


async def test_pinning_does_not_change_unsaved_settings(
    window: MainWindow, room: FixturesRoom, companion: Companion, qtbot: Any
) -> None:
    window.settings.fields.username.setText("half typed")
    click(room, OWN, qtbot)
    qtbot.mouseClick(room.form.pin, LEFT)
    await wait_until_idle(companion)
    assert OWN in companion.settings.pinned
    assert window.settings.fields.username.text() == "half typed"
    window.open_room(SETTINGS)
    qtbot.mouseClick(window.settings.bar.save, LEFT)
    await wait_until_idle(companion)
    assert companion.settings.username == "half typed"
    assert OWN in companion.settings.pinned


# closing


async def test_closing_the_window_discards_an_open_name_dialog(
    make_companion: MakeCompanion, windows: Any, folder: Path, qtbot: Any
) -> None:
    companion = await make_companion(fixtures_folder=folder)
    window = windows(companion)
    window.present()
    window.open_room(FIXTURES)
    window.fixtures.choose("basics/typing")
    qtbot.mouseClick(window.fixtures.form.save_as, LEFT)
    dialog = open_dialog()
    window.close_down()
    window.hide()
    qtbot.keyClick(dialog.name, Qt.Key.Key_Return)
    await wait_until_idle(companion)
    assert window.fixtures.form.name.text().startswith("basics/typing")


async def test_a_closed_room_ignores_later_changes(
    window: MainWindow, room: FixturesRoom, companion: Companion
) -> None:
    before = names(room)
    room.close_down()
    await companion.fixtures.save("mine/later", TYPING)
    assert names(room) == before


# keyboard


async def test_the_tab_key_reaches_all_controls_in_reading_order(
    window: MainWindow, room: FixturesRoom, connect_client: Connect, qtbot: Any
) -> None:
    await connect_client()
    click(room, OWN, qtbot)
    type_text(room, " ", qtbot)
    write(room, "typing", username="carol", typing=True)
    room.bar.expect.choice.setCurrentText("typing")
    room.list.search.setFocus()
    visited: list[QWidget] = [room.list.search]
    while focused_widget() is not room.bar.now:
        qtbot.keyClick(focused_widget(), Qt.Key.Key_Tab)
        assert focused_widget() not in visited
        visited.append(focused_widget())
    form = room.form
    expected = [
        room.list.search, room.list.tree, room.list.paste, form.pin, form.editor, form.save, form.save_as,
        form.rename, form.delete, room.bar.expect.choice, room.bar.expect.where, room.bar.expect.within,
        room.bar.target_box, room.bar.repeat.toggle, room.bar.later, room.bar.now,
    ]  # fmt: skip
    assert [each for each in visited if each in expected] == expected
    assert all(each.accessibleName() for each in visited)


async def test_a_fixture_can_be_selected_changed_fired_and_saved_with_the_keyboard(
    window: MainWindow, room: FixturesRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    window.open_room(EVENTS)
    number = [each.name for each in ROOMS].index(FIXTURES) + 1
    qtbot.keyClick(QApplication.focusWidget(), str(number), CONTROL)
    assert QApplication.focusWidget() is room.list.tree
    qtbot.keyClick(room.list.tree, Qt.Key.Key_Down)
    qtbot.keyClick(room.list.tree, Qt.Key.Key_Down)
    assert room.form.name.text() == OWN
    qtbot.keyClick(room.list.tree, Qt.Key.Key_Return, CONTROL)
    assert (await frame(client))["event"] == "typing"
    qtbot.keyClick(room.list.tree, Qt.Key.Key_Tab)
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is room.form.pin
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is room.form.editor
    qtbot.keyClick(room.form.editor, Qt.Key.Key_A, CONTROL)
    qtbot.keyClicks(room.form.editor, '{"event":"friend_online","data":{"username":"bob"}}')
    qtbot.keyClick(room.form.editor, Qt.Key.Key_Return, CONTROL)
    assert await frame(client) == {"event": "friend_online", "data": {"username": "bob"}}
    while QApplication.focusWidget() is not room.form.save:
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    qtbot.keyClick(room.form.save, Qt.Key.Key_Space)
    await wait_until_idle(companion)
    assert companion.fixtures.find(OWN).fixture.event == "friend_online"


async def test_every_button_of_the_room_has_a_unique_name(room: FixturesRoom, qtbot: Any) -> None:
    click(room, OWN, qtbot)
    names = [each.accessibleName() for each in room.findChildren(QPushButton)]
    assert all(names)
    assert len(set(names)) == len(names)


async def test_unsaved_text_is_restored_when_a_fixture_is_selected_again(room: FixturesRoom) -> None:
    room.choose("basics/typing")
    room.form.editor.setPlainText("not yet done")
    await until(lambda: "•" in room.list.model.index_of("basics/typing").data())
    room.choose("basics/online")
    assert "friend_online" in room.form.editor.toPlainText()
    await until(lambda: "•" in room.list.model.index_of("basics/typing").data())
    assert "unsaved changes" in room.list.model.index_of("basics/typing").data(Qt.ItemDataRole.AccessibleTextRole)
    room.choose("basics/typing")
    assert room.form.editor.toPlainText() == "not yet done"
    room.form.revert.click()
    assert '"typing": false' in room.form.editor.toPlainText() or '"typing": true' in room.form.editor.toPlainText()
    assert not room.form.revert.isEnabled()
    await until(lambda: "•" not in room.list.model.index_of("basics/typing").data())


async def test_unsaved_changes_are_listed_while_their_file_does_not_exist(
    room: FixturesRoom, companion: Companion, folder: Path
) -> None:
    """Regression: after the checkout of another branch, they could not be selected."""
    other = "mine/other"
    await companion.fixtures.save(other, TYPING)
    for name in (OWN, other):
        room.choose(name)
        room.form.editor.setPlainText(f"changes of {name}")
    for name in (OWN, other):
        file_of(folder, name).unlink()
    await companion.fixtures.read()
    assert [each for each in names(room) if each.startswith("mine/")] == [OWN, other]
    assert room.form.editor.toPlainText() == f"changes of {other}"
    room.choose(OWN)
    assert room.form.editor.toPlainText() == f"changes of {OWN}"
    room.form.save.click()
    await until(lambda: file_of(folder, OWN).exists())
    await wait_until_idle(companion)
    room.choose(other)
    assert room.form.revert.accessibleName() == "Discard this fixture"
    room.form.revert.click()
    answer_box("Cancel")
    assert room.form.editor.toPlainText() == f"changes of {other}"
    room.form.revert.click()
    answer_box("Discard")
    assert room.empty.isVisible()
    room.choose(OWN)
    assert room.form.revert.text() == "Revert"
    assert [each for each in names(room) if each.startswith("mine/")] == [OWN]


async def test_the_target_and_repetitions_of_a_fixture_are_shown(room: FixturesRoom, companion: Companion) -> None:
    await companion.fixtures.save("mine/twice", Fixture(event="typing", data={}, to="user:bob", times=2))
    room.choose("mine/twice")
    assert room.form.name.text() == "mine/twice · to user:bob · sent 2 times"


async def test_keys_save_rename_and_delete_the_selected_fixture(
    room: FixturesRoom, companion: Companion, folder: Path, qtbot: Any
) -> None:
    async def focus_list() -> None:
        """Give the list the keyboard focus, as a window manager does when a dialog is closed."""
        room.window().activateWindow()
        room.list.tree.setFocus()
        await until(room.list.tree.hasFocus)

    click(room, OWN, qtbot)
    room.form.editor.setPlainText("x")
    qtbot.keyClick(room.form.editor, Qt.Key.Key_S, CONTROL)
    await wait_until_idle(companion)
    assert saved(folder, OWN) == {"frame": "x", "malformed": True}
    qtbot.keyClick(room.list.tree, Qt.Key.Key_F2)
    await answer(room, "mine/renamed", qtbot)
    await focus_list()
    qtbot.keyClick(room.list.tree, Qt.Key.Key_Delete)
    answer_box("Delete")
    await wait_until_idle(companion)
    assert not file_of(folder, "mine/renamed").exists()
    await focus_list()
    await companion.fixtures.save("mine/other", TYPING)
    click(room, "mine/other", qtbot)
    await wait_until_idle(companion)
    for key in (Qt.Key.Key_F2, Qt.Key.Key_Delete):
        room.list.tree.setCurrentIndex(room.list.model.index_of("mine/other").parent())
        qtbot.keyClick(room.list.tree, key)
        assert QApplication.activeModalWidget() is None, "the current line is a folder"
    click(room, "basics/typing", qtbot)
    for key in (Qt.Key.Key_F2, Qt.Key.Key_Delete):
        qtbot.keyClick(room.list.tree, key)
    qtbot.keyClick(room.list.tree, Qt.Key.Key_S, CONTROL)
    assert QApplication.activeModalWidget() is None, "it is built in, and has no changes"
    room.form.editor.setPlainText("y")
    qtbot.keyClick(room.form.editor, Qt.Key.Key_S, CONTROL)
    await answer(room, "mine/typing", qtbot)
    assert saved(folder, "mine/typing")["frame"] == "y"
