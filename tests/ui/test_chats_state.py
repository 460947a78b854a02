"""Chats: manage personas, and save, load and reset the chat state."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QFileDialog, QInputDialog, QLineEdit, QMessageBox, QPushButton

from app.companion import Companion
from app.hub.origin import PANEL
from app.ui.rooms.chats import ChatsRoom
from app.ui.window import CHATS
from tests.conftest import MakeCompanion, until
from tests.ui.conftest import Windows
from tests.ui.frames import wait_until_idle
from tests.ui.messages import load, many_messages, stored_messages
from tests.ui.parts import child
from tests.ui.test_chats_room import choose, names, wait_until_updated

LEFT = Qt.MouseButton.LeftButton
Open = Callable[[Companion], Awaitable[ChatsRoom]]


@pytest.fixture
async def open_room(windows: Windows) -> Open:
    """Return a function that opens the Chats room of a companion."""

    async def open_one(companion: Companion) -> ChatsRoom:
        window = windows(companion)
        window.present()
        window.open_room(CHATS)
        await wait_until_updated(window.chats)
        return window.chats

    return open_one


@pytest.fixture
async def room(make_companion: MakeCompanion, open_room: Open) -> ChatsRoom:
    return await open_room(await make_companion())


@pytest.fixture
def messages(room: ChatsRoom) -> list[str]:
    messages: list[str] = []
    room.status_message.connect(messages.append)
    return messages


def entry(room: ChatsRoom, title: str) -> QAction:
    return next(each for each in room.manage.menu().actions() if each.text().startswith(title))


async def trigger(room: ChatsRoom, title: str, answer: str = "") -> None:
    """Trigger a menu entry. If ``answer`` is given, press the button with that text in the message box."""
    entry(room, title).trigger()
    if answer:
        box = open_dialog(QMessageBox)
        next(each for each in box.buttons() if each.text().replace("&", "") == answer).click()
    await wait_until_updated(room)


def open_dialog(kind: type[Any]) -> Any:
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, kind)
    return dialog


def answer(dialog: QInputDialog, text: str, qtbot: Any) -> None:
    line = child(dialog, QLineEdit)
    line.selectAll()
    qtbot.keyClicks(line, text)
    qtbot.keyClick(line, Qt.Key.Key_Return)


async def chat_state(room: ChatsRoom) -> Any:
    return await room._companion.chat.store.snapshot()


# personas


async def test_the_menu_lists_its_entries(room: ChatsRoom) -> None:
    assert [each.text() for each in room.manage.menu().actions() if not each.isSeparator()] == [
        "Add persona …", "Rename this persona …", "End this friendship", "Remove this persona …",
        "Save chat state …", "Load chat state …", "Reset to the default personas …",
    ]  # fmt: skip


async def test_a_persona_is_added_by_name(room: ChatsRoom, messages: list[str], qtbot: Any) -> None:
    entry(room, "Add persona").trigger()
    answer(open_dialog(QInputDialog), "zoe", qtbot)
    await wait_until_updated(room)
    assert messages == ["Added zoe"]
    assert names(room) == ["alice", "carol", "bob", "dave", "zoe"]
    await choose(room, "zoe", qtbot)
    assert room.bubbles.messages == []
    assert not room.header.online.isChecked()


async def test_a_persona_added_without_friendship_is_listed_once_it_is_a_friend(
    room: ChatsRoom, messages: list[str]
) -> None:
    room.add_persona("zoe", is_friend=False)
    await wait_until_updated(room)
    assert messages == ["Added zoe"]
    assert "zoe" not in names(room)
    await room._companion.chat.add_friend("zoe")
    await wait_until_updated(room)
    assert "zoe" in names(room)


async def test_adding_a_persona_can_be_cancelled(room: ChatsRoom, messages: list[str], qtbot: Any) -> None:
    entry(room, "Add persona").trigger()
    qtbot.keyClick(open_dialog(QInputDialog), Qt.Key.Key_Escape)
    await wait_until_updated(room)
    assert messages == []
    assert len(names(room)) == 4


INVALID_NAMES = [
    ("", "The name must not be empty."),
    (" \t ", "The name must not be empty."),
    ("x" * 65, "The name must not be longer than 64 characters."),
    ("a/b", "The name must not contain control characters or a slash."),
    ("a\x00b", "The name must not contain control characters or a slash."),
    ("a\u202eb", "The name must not contain control characters or a slash."),
    ("alice", "There is already a persona named alice."),
    (" alice ", "There is already a persona named alice."),
    ("erin", "There is already a persona named erin."),
]


async def test_an_invalid_name_of_a_new_persona_is_rejected_with_a_message(
    room: ChatsRoom, messages: list[str], subtests: pytest.Subtests
) -> None:
    before = await chat_state(room)
    for name, error in INVALID_NAMES:
        with subtests.test(name=name):
            messages.clear()
            room.add_persona(name)
            await wait_until_updated(room)
            assert messages == [error]
            assert await chat_state(room) == before


async def test_a_renamed_persona_keeps_its_chat_and_stays_selected(
    room: ChatsRoom, messages: list[str], qtbot: Any
) -> None:
    await choose(room, "bob", qtbot)
    before = [each["text"] for each in room.bubbles.messages]
    entry(room, "Rename").trigger()
    dialog = open_dialog(QInputDialog)
    assert dialog.textValue() == "bob"
    answer(dialog, "robert", qtbot)
    await wait_until_updated(room)
    assert names(room) == ["alice", "carol", "robert", "dave"]
    assert [each["text"] for each in await stored_messages(room._companion, "robert")] == before
    assert messages == []
    assert room.header.name.text() == "robert"
    assert [each["text"] for each in room.bubbles.messages] == before


@pytest.mark.parametrize(
    ("name", "error"), [("carol", "There is already a persona named carol."), ("", "The name must not be empty.")]
)
async def test_renaming_to_an_invalid_name_is_rejected_with_a_message(
    room: ChatsRoom, messages: list[str], qtbot: Any, name: str, error: str
) -> None:
    before = await chat_state(room)
    entry(room, "Rename").trigger()
    dialog = open_dialog(QInputDialog)
    dialog.setTextValue(name)
    dialog.accept()
    await wait_until_updated(room)
    assert messages == [error]
    assert await chat_state(room) == before
    assert room.header.name.text() == "alice"


@pytest.mark.parametrize(("title", "answer"), [("Remove this persona", "Remove"), ("End this friendship", "")])
async def test_removing_a_persona_keeps_its_messages(room: ChatsRoom, qtbot: Any, title: str, answer: str) -> None:
    await choose(room, "bob", qtbot)
    await trigger(room, title, answer)
    assert names(room) == ["alice", "carol", "dave"]
    assert not room.list.selectionModel().hasSelection()
    await trigger(room, title)  # without a selection, this does nothing
    assert names(room) == ["alice", "carol", "dave"]
    assert len(await stored_messages(room._companion, "bob")) == 3
    personas = {each.username for each in await room._companion.chat.store.people()}
    assert ("bob" in personas) is (title == "End this friendship")


async def test_the_room_offers_to_add_a_persona_if_the_list_is_empty(
    room: ChatsRoom, messages: list[str], qtbot: Any
) -> None:
    for name in names(room):
        await choose(room, name, qtbot)
        await trigger(room, "Remove", "Remove")
    assert room.body.currentWidget() is room.empty
    qtbot.mouseClick(room.empty.findChild(QPushButton), LEFT)
    answer(open_dialog(QInputDialog), "zoe", qtbot)
    await wait_until_updated(room)
    assert room.header.name.text() == "zoe"
    assert messages == ["Added zoe"]


@pytest.mark.parametrize("title", ["Remove this persona", "End this friendship"])
async def test_removing_without_a_selected_persona_shows_an_error(
    room: ChatsRoom, messages: list[str], title: str, qtbot: Any
) -> None:
    for name in names(room):
        await choose(room, name, qtbot)
        await trigger(room, "Remove", "Remove")
    entry(room, title).trigger()
    await wait_until_updated(room)
    assert len(messages) == 1
    assert messages[0].endswith((".", "!"))


@pytest.mark.parametrize("title", ["Remove", "Reset", "Load"])
async def test_irreversible_actions_ask_for_confirmation(room: ChatsRoom, tmp_path: Path, title: str) -> None:
    before = await chat_state(room)
    file = tmp_path / "scene.json"
    file.write_text(json.dumps({**before, "messages": []}), encoding="utf-8")
    entry(room, title).trigger()
    if title == "Load":
        open_dialog(QFileDialog).fileSelected.emit(str(file))
    box = next(
        each for each in QApplication.topLevelWidgets() if isinstance(each, QMessageBox) and each.isVisible()
    )
    assert box.defaultButton().text().replace("&", "") == "Cancel"
    box.defaultButton().click()
    await wait_until_updated(room)
    assert await chat_state(room) == before


@pytest.mark.parametrize("online", [True, False])
async def test_an_ended_friendship_can_be_undone(
    room: ChatsRoom, companion: Companion, qtbot: Any, online: bool
) -> None:
    await companion.chat.change_person("bob", online=online)
    await choose(room, "bob", qtbot)
    await trigger(room, "End this friendship")
    assert "bob" not in names(room)
    assert room.undo.isVisible()
    assert room.undo.text.text() == "Ended the friendship with bob"
    qtbot.mouseClick(room.undo.undo, LEFT)
    await wait_until_updated(room)
    assert "bob" in names(room)
    assert [each.online for each in await companion.chat.store.friends() if each.username == "bob"] == [online]
    assert not room.undo.isVisible()


# after a restart


async def test_options_messages_and_personas_are_kept_after_a_restart(
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
    await wait_until_updated(room)
    room.close_down()
    await first.close()
    second_room = await open_room(await make_companion(chat_file=file))
    assert set(names(second_room)) == {"alice", "bob", "carol", "dave", "zoe"}
    await choose(second_room, "bob", qtbot)
    assert second_room.header.pinned.isChecked()
    assert second_room.header.auto_reply.isChecked()
    assert second_room.bubbles.messages[-1]["text"] == "still there"


async def test_a_long_chat_is_shown_at_its_end_when_the_window_was_hidden(
    make_companion: MakeCompanion, windows: Windows, tmp_path: Path
) -> None:
    companion = await make_companion()
    window = windows(companion)
    await load(companion, tmp_path, many_messages(200))
    await wait_until_updated(window.chats)
    window.present()
    window.open_room(CHATS)
    bar = window.chats.bubbles.verticalScrollBar()
    await until(lambda: bar.maximum() > 0)
    assert bar.value() == bar.maximum()


# save, load, reset


async def test_the_chat_state_is_saved_and_loaded(
    room: ChatsRoom, messages: list[str], tmp_path: Path, qtbot: Any
) -> None:
    file = tmp_path / "Zwei Chats.json"
    before = await chat_state(room)
    room.save_state(str(file))
    await wait_until_updated(room)
    assert messages == [f"Saved the chat state to {file}"]
    assert json.loads(file.read_text(encoding="utf-8")) == before
    for name in names(room):
        await choose(room, name, qtbot)
        await trigger(room, "Remove", "Remove")
    room.load_state(str(file))
    await wait_until_updated(room)
    assert messages[1:] == [f"Loaded the chat state from {file}"]
    assert await chat_state(room) == before
    assert names(room) == ["alice", "carol", "bob", "dave"]
    assert room.composer.isVisible()


async def test_the_chat_state_is_reset_to_the_default_personas(room: ChatsRoom, qtbot: Any) -> None:
    companion = room._companion
    room.add_persona("zoe")
    await companion.chat.remove_person("alice")
    await companion.fire(companion.message_from("bob", "new"), origin=PANEL)
    await wait_until_updated(room)
    await trigger(room, "Reset", "Reset")
    assert names(room) == ["alice", "carol", "bob", "dave"]
    assert "new" not in [each["text"] for each in await stored_messages(companion, "bob")]
    assert any(row.event == "chat state reset" for row in companion.journal)


INVALID_FILES = (
    b"",
    b"not JSON",
    b"\xff\xfe",
    b"[]",
    b"{}",
    b'{"version": 2, "people": [], "messages": []}',
    b'{"version": 1, "people": [{"username": ""}], "messages": []}',
    b'{"version": 1, "people": [{"username": "a"}, {"username": "a"}], "messages": []}',
    b'{"version": 1, "people": [], "messages": [{"read": true, "text": "half a message"}]}',
)


async def test_an_invalid_file_is_reported_and_the_state_is_unchanged(
    room: ChatsRoom, messages: list[str], tmp_path: Path, subtests: pytest.Subtests
) -> None:
    for content in INVALID_FILES:
        with subtests.test(content=content):
            messages.clear()
            file = tmp_path / "bad.json"
            file.write_bytes(content)
            before = await chat_state(room)
            room.load_state(str(file))
            await wait_until_updated(room)
            assert len(messages) == 1
            assert "bad.json" in messages[0] or "not a saved chat state" in messages[0]
            assert await chat_state(room) == before


async def test_a_missing_file_or_folder_is_reported_and_the_state_is_unchanged(
    room: ChatsRoom, messages: list[str], tmp_path: Path
) -> None:
    before = await chat_state(room)
    room.load_state(str(tmp_path / "missing.json"))
    await wait_until_idle(room._companion)
    room.save_state(str(tmp_path / "missing" / "state.json"))
    await wait_until_idle(room._companion)
    room.load_state(str(tmp_path))
    await wait_until_idle(room._companion)
    assert len(messages) == 3
    assert "missing.json could not be read" in messages[0]
    assert "could not be written" in messages[1]
    assert f"{tmp_path} could not be read" in messages[2]
    assert await chat_state(room) == before


async def test_save_and_load_open_a_file_dialog(room: ChatsRoom, messages: list[str], tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    for title, verb in (("Save", "Saved the chat state to"), ("Load", "Loaded the chat state from")):
        entry(room, title).trigger()
        dialog = open_dialog(QFileDialog)
        assert dialog.windowTitle() == f"{title} chat state"
        dialog.setDirectory(str(tmp_path))
        child(dialog, QLineEdit).setText(str(file.with_suffix("") if title == "Save" else file))
        dialog.accept()
        if title == "Load":
            await until(lambda: isinstance(QApplication.activeModalWidget(), QMessageBox))
            next(
                each for each in open_dialog(QMessageBox).buttons() if each.text().replace("&", "") == "Load"
            ).click()
        await until(lambda verb=verb: messages and messages[-1].startswith(verb))
        assert messages[-1].endswith("state.json")
        await wait_until_updated(room)
    assert file.exists()
