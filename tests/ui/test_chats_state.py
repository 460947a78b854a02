"""The cast and the whole chat state, from the Chats room."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QFileDialog, QInputDialog, QLineEdit, QMessageBox, QPushButton

from app.companion import Companion
from app.ui.rooms.chats import ChatsRoom
from app.ui.window import CHATS
from tests.conftest import MakeCompanion, until
from tests.ui.conftest import Windows
from tests.ui.frames import wait_until_idle
from tests.ui.messages import load, many_messages, stored_messages
from tests.ui.test_chats_room import calm, choose, names

LEFT = Qt.MouseButton.LeftButton
Open = Callable[[Companion], Awaitable[ChatsRoom]]


@pytest.fixture
async def open_room(windows: Windows) -> Open:
    """Opens the room of a companion."""

    async def open_one(companion: Companion) -> ChatsRoom:
        window = windows(companion)
        window.present()
        window.open_room(CHATS)
        window.chats.reload()
        await calm(window.chats)
        return window.chats

    return open_one


@pytest.fixture
async def room(make_companion: MakeCompanion, open_room: Open) -> ChatsRoom:
    return await open_room(await make_companion())


@pytest.fixture
def told(room: ChatsRoom) -> list[str]:
    told: list[str] = []
    room.status_message.connect(told.append)
    return told


def entry(room: ChatsRoom, title: str) -> QAction:
    return next(each for each in room.manage.menu().actions() if each.text().startswith(title))


async def use(room: ChatsRoom, title: str, answer: str = "") -> None:
    """Use an entry of the menu, and answer its question with a button."""
    entry(room, title).trigger()
    if answer:
        box = asked(QMessageBox)
        next(each for each in box.buttons() if each.text().replace("&", "") == answer).click()
    await calm(room)


def asked(kind: type[Any]) -> Any:
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, kind)
    return dialog


def answer(dialog: QInputDialog, text: str, qtbot: Any) -> None:
    line = dialog.findChild(QLineEdit)
    line.selectAll()
    qtbot.keyClicks(line, text)
    qtbot.keyClick(line, Qt.Key.Key_Return)


async def everything(room: ChatsRoom) -> Any:
    return await room._companion.chat.store.snapshot()


# the cast


async def test_the_menu_offers_what_can_be_done(room: ChatsRoom) -> None:
    assert [each.text() for each in room.manage.menu().actions() if not each.isSeparator()] == [
        "Add persona …", "Rename this persona …", "End this friendship", "Remove this persona …",
        "Save chat state …", "Load chat state …", "Reset to the default personas …",
    ]  # fmt: skip


async def test_a_persona_is_added_by_name(room: ChatsRoom, told: list[str], qtbot: Any) -> None:
    entry(room, "Add persona").trigger()
    answer(asked(QInputDialog), "zoe", qtbot)
    await calm(room)
    assert told == ["Added zoe"]
    assert names(room) == ["alice", "carol", "bob", "dave", "zoe"]
    await choose(room, "zoe", qtbot)
    assert room.bubbles.messages == []
    assert not room.header.online.isChecked()


async def test_a_persona_added_without_friendship_is_listed_once_it_is_a_friend(
    room: ChatsRoom, told: list[str]
) -> None:
    room.add_persona("zoe", is_friend=False)
    await calm(room)
    assert told == ["Added zoe"]
    assert "zoe" not in names(room)
    await room._companion.chat.add_friend("zoe")
    await calm(room)
    assert "zoe" in names(room)


async def test_adding_can_be_called_off(room: ChatsRoom, told: list[str], qtbot: Any) -> None:
    entry(room, "Add persona").trigger()
    qtbot.keyClick(asked(QInputDialog), Qt.Key.Key_Escape)
    await calm(room)
    assert told == []
    assert len(names(room)) == 4


REFUSED = [
    ("", "The name must not be empty."),
    (" \t ", "The name must not be empty."),
    ("x" * 65, "The name must not be longer than 64 characters."),
    ("a/b", "The name must not contain control characters or a slash."),
    ("a\x00b", "The name must not contain control characters or a slash."),
    ("a\u202eb", "The name must not contain control characters or a slash."),
    ("alice", "alice is already in the cast."),
    (" alice ", "alice is already in the cast."),
    ("erin", "erin is already in the cast."),
]


@pytest.mark.parametrize(("name", "why"), REFUSED)
async def test_a_name_that_cannot_be_is_refused_in_words(
    room: ChatsRoom, told: list[str], name: str, why: str
) -> None:
    before = await everything(room)
    room.add_persona(name)
    await calm(room)
    assert told == [why]
    assert await everything(room) == before


async def test_a_renamed_persona_keeps_its_chat_and_stays_chosen(
    room: ChatsRoom, told: list[str], qtbot: Any
) -> None:
    await choose(room, "bob", qtbot)
    before = [each["text"] for each in room.bubbles.messages]
    entry(room, "Rename").trigger()
    dialog = asked(QInputDialog)
    assert dialog.textValue() == "bob"
    answer(dialog, "robert", qtbot)
    await calm(room)
    assert names(room) == ["alice", "carol", "robert", "dave"]
    assert [each["text"] for each in await stored_messages(room._companion, "robert")] == before
    assert told == []
    assert room.header.name.text() == "robert"
    assert [each["text"] for each in room.bubbles.messages] == before


@pytest.mark.parametrize(
    ("name", "why"), [("carol", "carol is already in the cast."), ("", "The name must not be empty.")]
)
async def test_a_new_name_that_cannot_be_is_refused_in_words(
    room: ChatsRoom, told: list[str], qtbot: Any, name: str, why: str
) -> None:
    before = await everything(room)
    entry(room, "Rename").trigger()
    dialog = asked(QInputDialog)
    dialog.setTextValue(name)
    dialog.accept()
    await calm(room)
    assert told == [why]
    assert await everything(room) == before
    assert room.header.name.text() == "alice"


@pytest.mark.parametrize(("title", "answer"), [("Remove this persona", "Remove"), ("End this friendship", "")])
async def test_a_persona_goes_and_its_messages_stay(room: ChatsRoom, qtbot: Any, title: str, answer: str) -> None:
    await choose(room, "bob", qtbot)
    await use(room, title, answer)
    assert names(room) == ["alice", "carol", "dave"]
    assert not room.list.selectionModel().hasSelection()
    await use(room, title)  # once more
    assert names(room) == ["alice", "carol", "dave"]
    assert len(await stored_messages(room._companion, "bob")) == 3
    known = {each.username for each in await room._companion.chat.store.people()}
    assert ("bob" in known) is (title == "End this friendship")


async def test_the_room_offers_to_add_a_persona_if_the_list_is_empty(
    room: ChatsRoom, told: list[str], qtbot: Any
) -> None:
    for name in names(room):
        await choose(room, name, qtbot)
        await use(room, "Remove", "Remove")
    assert room.body.currentWidget() is room.empty
    qtbot.mouseClick(room.empty.findChild(QPushButton), LEFT)
    answer(asked(QInputDialog), "zoe", qtbot)
    await calm(room)
    assert room.header.name.text() == "zoe"
    assert told == ["Added zoe"]


@pytest.mark.parametrize("title", ["Remove this persona", "End this friendship"])
async def test_removing_without_a_selected_persona_shows_an_error(
    room: ChatsRoom, told: list[str], title: str, qtbot: Any
) -> None:
    for name in names(room):
        await choose(room, name, qtbot)
        await use(room, "Remove", "Remove")
    entry(room, title).trigger()
    await calm(room)
    assert len(told) == 1
    assert told[0].endswith((".", "!"))


@pytest.mark.parametrize("title", ["Remove", "Reset", "Load"])
async def test_what_cannot_be_undone_asks_first(room: ChatsRoom, tmp_path: Path, title: str) -> None:
    before = await everything(room)
    file = tmp_path / "scene.json"
    file.write_text(json.dumps({**before, "messages": []}), encoding="utf-8")
    entry(room, title).trigger()
    if title == "Load":
        asked(QFileDialog).fileSelected.emit(str(file))
    box = next(
        each for each in QApplication.topLevelWidgets() if isinstance(each, QMessageBox) and each.isVisible()
    )
    assert box.defaultButton().text().replace("&", "") == "Cancel"
    box.defaultButton().click()
    await calm(room)
    assert await everything(room) == before


async def test_an_ended_friendship_can_be_undone(room: ChatsRoom, qtbot: Any) -> None:
    await choose(room, "bob", qtbot)
    await use(room, "End this friendship")
    assert "bob" not in names(room)
    assert room.undo.isVisible()
    assert room.undo.text.text() == "Ended the friendship with bob"
    qtbot.mouseClick(room.undo.undo, LEFT)
    await calm(room)
    assert "bob" in names(room)
    assert not room.undo.isVisible()


# what is kept


async def test_what_is_ticked_written_and_added_is_there_after_a_restart(
    make_companion: MakeCompanion, open_room: Open, tmp_path: Path, qtbot: Any
) -> None:
    file = tmp_path / "chat.db"
    first = await make_companion(chat_file=file)
    room = await open_room(first)
    await choose(room, "bob", qtbot)
    for box in (room.header.pinned, room.header.auto_reply):
        qtbot.keyClick(box, Qt.Key.Key_Space)
    qtbot.keyClicks(room.composer.line, "still there")
    qtbot.keyClick(room.composer.line, Qt.Key.Key_Return)
    room.add_persona("zoe")
    await calm(room)
    room.close_down()
    await first.close()
    again = await open_room(await make_companion(chat_file=file))
    assert set(names(again)) == {"alice", "bob", "carol", "dave", "zoe"}
    await choose(again, "bob", qtbot)
    assert again.header.pinned.isChecked()
    assert again.header.auto_reply.isChecked()
    assert again.bubbles.messages[-1]["text"] == "still there"


async def test_a_window_that_was_hidden_at_first_shows_a_long_chat_at_its_end(
    make_companion: MakeCompanion, windows: Windows, tmp_path: Path
) -> None:
    companion = await make_companion()
    window = windows(companion)
    await load(companion, tmp_path, many_messages(200))
    await calm(window.chats)
    window.present()
    window.open_room(CHATS)
    bar = window.chats.bubbles.verticalScrollBar()
    await until(lambda: bar.maximum() > 0)
    assert bar.value() == bar.maximum()


# save, load, reset


async def test_the_state_is_saved_and_loaded_again(
    room: ChatsRoom, told: list[str], tmp_path: Path, qtbot: Any
) -> None:
    file = tmp_path / "Zwei Chats.json"
    before = await everything(room)
    room.save_state(str(file))
    await calm(room)
    assert told == [f"Saved the chat state to {file}"]
    assert json.loads(file.read_text(encoding="utf-8")) == before
    for name in names(room):
        await choose(room, name, qtbot)
        await use(room, "Remove", "Remove")
    room.load_state(str(file))
    await calm(room)
    assert told[1:] == [f"Loaded the chat state from {file}"]
    assert await everything(room) == before
    assert names(room) == ["alice", "carol", "bob", "dave"]
    assert room.composer.isVisible()


async def test_the_state_is_reset_to_the_first_cast(room: ChatsRoom, qtbot: Any) -> None:
    companion = room._companion
    room.add_persona("zoe")
    await companion.chat.remove_person("alice")
    await companion.fire(companion.message_from("bob", "new"), origin="cli")
    await calm(room)
    await use(room, "Reset", "Reset")
    assert names(room) == ["alice", "carol", "bob", "dave"]
    assert "new" not in [each["text"] for each in await stored_messages(companion, "bob")]
    assert any(row.event == "chat state reset" for row in companion.journal)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not JSON",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'{"version": 2, "people": [], "messages": []}',
        b'{"version": 1, "people": [{"username": ""}], "messages": []}',
        b'{"version": 1, "people": [{"username": "a"}, {"username": "a"}], "messages": []}',
        b'{"version": 1, "people": [], "messages": [{"read": true, "text": "half a message"}]}',
    ],
)
async def test_a_bad_file_is_refused_in_words_and_nothing_changes(
    room: ChatsRoom, told: list[str], tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "bad.json"
    file.write_bytes(content)
    before = await everything(room)
    room.load_state(str(file))
    await calm(room)
    assert len(told) == 1
    assert "bad.json" in told[0] or "not a saved chat state" in told[0]
    assert await everything(room) == before


async def test_a_missing_file_or_folder_is_reported_and_the_state_is_unchanged(
    room: ChatsRoom, told: list[str], tmp_path: Path
) -> None:
    before = await everything(room)
    room.load_state(str(tmp_path / "missing.json"))
    await wait_until_idle(room._companion)
    room.save_state(str(tmp_path / "missing" / "state.json"))
    await wait_until_idle(room._companion)
    room.load_state(str(tmp_path))
    await wait_until_idle(room._companion)
    assert len(told) == 3
    assert "missing.json could not be read" in told[0]
    assert "could not be written" in told[1]
    assert f"{tmp_path} could not be read" in told[2]
    assert await everything(room) == before


async def test_the_file_is_asked_for(room: ChatsRoom, told: list[str], tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    for title, verb in (("Save", "Saved the chat state to"), ("Load", "Loaded the chat state from")):
        entry(room, title).trigger()
        dialog = asked(QFileDialog)
        assert dialog.windowTitle() == f"{title} chat state"
        dialog.setDirectory(str(tmp_path))
        dialog.findChild(QLineEdit).setText(str(file.with_suffix("") if title == "Save" else file))
        dialog.accept()
        if title == "Load":
            await until(lambda: isinstance(QApplication.activeModalWidget(), QMessageBox))
            next(each for each in asked(QMessageBox).buttons() if each.text().replace("&", "") == "Load").click()
        await until(lambda verb=verb: told and told[-1].startswith(verb))
        assert told[-1].endswith("state.json")
        await calm(room)
    assert file.exists()
