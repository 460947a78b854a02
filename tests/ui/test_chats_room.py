"""Chats: the room in which you act as a friend of the local user."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QLabel, QMenu, QPushButton, QWidget

from app.companion import Companion
from app.hub.origin import PANEL
from app.protocol.backend import MessageData, RestCaller
from app.protocol.envelope import Envelope
from app.protocol.errors import StorageError
from app.ui.rooms.chats import PAGE, ChatsRoom
from app.ui.widgets.chat_header import MIN_NAME_WIDTH
from app.ui.widgets.emoji_picker import EmojiPicker
from app.ui.widgets.navigation import Badge
from app.ui.widgets.quick_controls import PresenceGrid
from app.ui.window import CHATS, EVENTS, MainWindow
from tests.chat.windows import post
from tests.conftest import Connect, MakeCompanion, until
from tests.hub.doubles import FakeTime
from tests.ui.conftest import Windows
from tests.ui.frames import all_frames, frame, wait_until_idle
from tests.ui.messages import load, many_messages, message, stored_messages
from tests.ui.parts import child
from tests.ui.test_accessibility import accessible_text, controls

LEFT = Qt.MouseButton.LeftButton
ENTER = Qt.Key.Key_Return


@pytest.fixture
async def room(window: MainWindow, companion: Companion) -> ChatsRoom:
    window.open_room(CHATS)
    await wait_until_updated(window.chats)
    return window.chats


async def wait_until_updated(room: ChatsRoom) -> None:
    """Wait until the room shows the current chat state."""
    await wait_until_idle(room._companion)
    await until(lambda: not room._refresh.isActive())
    await wait_until_idle(room._companion)


def names(room: ChatsRoom) -> list[str]:
    return [room.model.item(line).text() for line in range(room.model.rowCount())]


def accessible_text_of(room: ChatsRoom, name: str) -> str:
    return room.model.item(room.model.line_of(name)).accessibleText()


def texts(room: ChatsRoom) -> list[str]:
    return [each["text"] for each in room.bubbles.messages]


async def choose(room: ChatsRoom, name: str, qtbot: Any) -> None:
    position = room.list.visualRect(room.model.index(room.model.line_of(name), 0)).center()
    qtbot.mouseClick(room.list.viewport(), LEFT, pos=position)
    await wait_until_updated(room)
    assert room.header.name.text() == name


def button(room: ChatsRoom, title: str) -> QPushButton:
    """Return a button next to the selected message."""
    bar = room.bubbles.actions_bar
    assert bar.message == room.bubbles.selected
    return next(each for each in bar.findChildren(QPushButton) if each.accessibleName().startswith(title))


def select(room: ChatsRoom, line: int, qtbot: Any) -> MessageData:
    """Click the message at index ``line``. -1 is the newest message."""
    index = room.bubbles.model().index(line % len(room.bubbles.messages), 0)
    room.bubbles.scrollTo(index)
    qtbot.mouseClick(room.bubbles.viewport(), LEFT, pos=room.bubbles.visualRect(index).center())
    assert room.bubbles.selected == room.bubbles.messages[line]
    return room.bubbles.messages[line]


async def use(room: ChatsRoom, by: str, title: str, qtbot: Any) -> None:
    """Run an action of the selected message with its button, the context menu or a key."""
    if by == "button":
        assert button(room, title).isVisible()
        qtbot.mouseClick(button(room, title), LEFT)
    elif by == "key":
        room.window().activateWindow()  # the offscreen platform does not reactivate the window after a popup
        await until(room.window().isActiveWindow)
        room.bubbles.setFocus()
        qtbot.keyClick(room.bubbles, KEYS[title])
    else:
        position = room.bubbles.visualRect(room.bubbles.currentIndex()).center()
        room.bubbles.customContextMenuRequested.emit(QPoint(position))
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu)
        next(each for each in menu.actions() if each.text().startswith(title)).trigger()
        menu.close()
    await wait_until_updated(room)


async def react(room: ChatsRoom, by: str, emoji: str, qtbot: Any) -> None:
    """Choose a reaction to the selected message. An emoji without a button is entered as text."""
    await use(room, by, "React", qtbot)
    picker = QApplication.activePopupWidget()
    assert isinstance(picker, EmojiPicker)
    offered_buttons = [each for each in picker.buttons if each.text() == emoji]
    if offered_buttons:
        qtbot.mouseClick(offered_buttons[0], LEFT)
    else:
        picker.other.setText(emoji)
        qtbot.keyClick(picker.other, ENTER)
    await wait_until_updated(room)


KEYS = {"Mark delivered": Qt.Key.Key_D, "React": Qt.Key.Key_R, "Delete": Qt.Key.Key_Delete}
every_input = pytest.mark.parametrize("by", ["button", "context menu", "key"])


# the list


async def test_the_chat_with_the_newest_message_is_first_and_selected(room: ChatsRoom) -> None:
    assert names(room) == ["alice", "carol", "bob", "dave"]
    assert room.list.currentIndex().row() == 0
    assert room.header.name.text() == "alice"


async def test_a_new_message_moves_its_friend_to_the_top_and_keeps_the_selection(
    room: ChatsRoom, companion: Companion, qtbot: Any
) -> None:
    await choose(room, "carol", qtbot)
    await companion.fire(companion.message_from("dave", "back"), origin=PANEL)
    await wait_until_updated(room)
    assert names(room) == ["dave", "alice", "carol", "bob"]
    assert room.list.currentIndex().row() == 2
    assert room.header.name.text() == "carol"


async def test_the_list_shows_presence_and_unread_counts(room: ChatsRoom) -> None:
    assert [accessible_text_of(room, name) for name in names(room)] == [
        "alice, online, 2 unread", "carol, online, 1 unread", "bob, offline, 0 unread", "dave, offline, 0 unread",
    ]  # fmt: skip


async def test_a_message_of_a_friend_increases_the_unread_count(room: ChatsRoom, companion: Companion) -> None:
    for _ in range(3):
        await companion.fire(companion.message_from("bob", "hey"), origin=PANEL)
    await wait_until_updated(room)
    assert accessible_text_of(room, "bob") == "bob, offline, 3 unread"


async def test_mark_read_of_a_client_decreases_the_unread_count(room: ChatsRoom, connect_client: Connect) -> None:
    client = await connect_client()
    first_unread, last = room.bubbles.messages[-2:]
    for each, unread in ((first_unread, 1), (last, 0)):
        data = f'{{"peer": "alice", "msg_id": "{each["msg_id"]}"}}'
        await client.send(f'{{"event": "mark_read", "data": {data}}}')
        await until(lambda unread=unread: accessible_text_of(room, "alice") == f"alice, online, {unread} unread")


async def test_the_badge_shows_how_many_messages_are_unread(window: MainWindow) -> None:
    window.open_room(CHATS)
    await until(lambda: window.navigation.badge(CHATS) is not None)
    badge = window.navigation.badge(CHATS)
    assert badge == Badge("3", "3 messages that your UI has not marked as read")


async def test_the_list_is_updated_when_the_ui_adds_or_removes_a_friend(
    room: ChatsRoom, companion: Companion
) -> None:
    await companion.chat.add_friend("erin")
    await wait_until_updated(room)
    assert "erin" in names(room)
    await companion.chat.remove_friend("erin")
    await wait_until_updated(room)
    assert "erin" not in names(room)


async def test_the_selected_friend_stays_selected_when_another_is_removed(
    room: ChatsRoom, companion: Companion, qtbot: Any
) -> None:
    await choose(room, "dave", qtbot)
    qtbot.keyClicks(room.composer.line, "half a sent")
    await companion.chat.remove_friend("carol")
    await wait_until_updated(room)
    assert room.header.name.text() == "dave"
    assert room.list.currentIndex().data() == "dave"
    assert room.composer.line.text() == "half a sent"


async def test_removing_the_selected_friend_selects_no_other(
    room: ChatsRoom, companion: Companion, qtbot: Any
) -> None:
    await companion.chat.remove_friend("alice")
    await wait_until_updated(room)
    for new_friend in ("erin", "frank"):  # adding friends does not select one
        assert not room.list.selectionModel().hasSelection()
        assert room.empty.isVisible()
        assert room.empty.title.text() == "No chat is selected"
        assert not room.composer.isVisible()
        await companion.chat.add_friend(new_friend)
        await wait_until_updated(room)
    await choose(room, "carol", qtbot)
    assert room.composer.line.placeholderText() == "Write as carol …"
    assert texts(room)[0] == "I moved the stand-up to 10:15"


async def test_without_friends_the_room_shows_a_hint(room: ChatsRoom, companion: Companion, qtbot: Any) -> None:
    for name in names(room):
        await companion.chat.remove_friend(name)
    await wait_until_updated(room)
    assert room.body.currentWidget() is room.empty
    assert room.empty.isVisible()
    assert room.empty.hint.text()
    await companion.chat.add_friend("frank")
    await wait_until_updated(room)
    assert room.header.name.text() == "frank"
    assert room.composer.isVisible()


# presence


async def test_the_online_switch_fires_an_event_and_shows_the_state(
    window: MainWindow, room: ChatsRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    grid = child(window.inject, PresenceGrid)
    for event, online in (("friend_offline", False), ("friend_online", True)):
        qtbot.mouseClick(room.header.online, LEFT)
        assert await frame(client) == {"event": event, "data": {"username": "alice"}}
        await wait_until_updated(room)
        assert {each.username: each.online for each in await companion.chat.store.friends()}["alice"] is online
        assert accessible_text_of(room, "alice").startswith("alice, online" if online else "alice, offline")
        assert room.header.online.isChecked() is online
        assert grid.switches["alice"].isChecked() is online


async def test_the_online_switch_shows_the_selected_friends_presence(room: ChatsRoom, qtbot: Any) -> None:
    for name, online in (("bob", False), ("carol", True), ("dave", False)):
        await choose(room, name, qtbot)
        assert room.header.online.isChecked() is online
        assert room.header.online.accessibleName() == f"{name} is online"


async def test_an_event_fired_elsewhere_changes_the_online_switch_without_firing_again(
    room: ChatsRoom, companion: Companion, connect_client: Connect
) -> None:
    client = await connect_client()
    await companion.fire(Envelope("friend_offline", {"username": "alice"}), origin=PANEL)
    await wait_until_updated(room)
    assert not room.header.online.isChecked()
    assert len(await all_frames(companion, client)) == 1


@pytest.mark.parametrize("box", ["pinned", "auto_reply"])
async def test_options_are_saved_per_friend(room: ChatsRoom, companion: Companion, qtbot: Any, box: str) -> None:
    await choose(room, "bob", qtbot)
    qtbot.keyClick(getattr(room.header, box), Qt.Key.Key_Space)
    await wait_until_updated(room)
    assert {each.username for each in await companion.chat.store.friends() if getattr(each, box)} == {"bob"}
    await choose(room, "alice", qtbot)
    assert not getattr(room.header, box).isChecked()
    await choose(room, "bob", qtbot)
    assert getattr(room.header, box).isChecked()
    qtbot.keyClick(getattr(room.header, box), Qt.Key.Key_Space)
    await wait_until_updated(room)
    assert not any(getattr(each, box) for each in await companion.chat.store.friends())


# the conversation


async def test_the_history_of_the_selected_friend_is_shown_oldest_first(
    room: ChatsRoom, companion: Companion, qtbot: Any
) -> None:
    await choose(room, "bob", qtbot)
    assert texts(room)[0] == "Can you send me the protocol notes?"
    assert texts(room)[-1] == "Got them, thanks 👍"
    assert room.bubbles.messages == await stored_messages(companion, "bob")


def at_end(room: ChatsRoom) -> bool:
    bar = room.bubbles.verticalScrollBar()
    return bar.maximum() > 0 and bar.value() == bar.maximum()


async def test_a_long_history_is_shown_at_its_end(
    room: ChatsRoom, companion: Companion, tmp_path: Path, qtbot: Any
) -> None:
    await load(companion, tmp_path, [*many_messages(500), *many_messages(300, "bob")])
    await wait_until_updated(room)
    await choose(room, "bob", qtbot)
    assert at_end(room)
    assert texts(room) == [f"Message {number}" for number in range(300 - PAGE, 300)]
    await choose(room, "alice", qtbot)
    assert at_end(room)
    assert texts(room)[-1] == "Message 499"


async def test_selecting_another_friend_shows_the_end_of_the_history(
    room: ChatsRoom, companion: Companion, tmp_path: Path, qtbot: Any
) -> None:
    await load(companion, tmp_path, [*many_messages(200), *many_messages(100, "bob")])
    await wait_until_updated(room)
    await choose(room, "alice", qtbot)
    room.bubbles.verticalScrollBar().setValue(0)
    await choose(room, "bob", qtbot)
    assert at_end(room)


async def test_a_history_loaded_while_the_room_is_hidden_is_shown_at_its_end(
    window: MainWindow, companion: Companion, tmp_path: Path
) -> None:
    await load(companion, tmp_path, many_messages(200))
    await wait_until_updated(window.chats)
    window.open_room(CHATS)
    await until(lambda: window.chats.bubbles.verticalScrollBar().maximum() > 0)
    assert at_end(window.chats)


@pytest.mark.usefixtures("styled")
async def test_a_new_message_does_not_scroll_the_history_while_reading_older_messages(
    room: ChatsRoom, companion: Companion, tmp_path: Path, qtbot: Any
) -> None:
    await load(companion, tmp_path, many_messages(100))
    await wait_until_updated(room)
    await choose(room, "alice", qtbot)
    room.bubbles.verticalScrollBar().setValue(room.bubbles.verticalScrollBar().maximum() // 2)
    before = room.bubbles.visualRect(room.bubbles.model().index(50, 0)).top()
    await companion.fire(companion.message_from("alice", "new"), origin=PANEL)
    await wait_until_updated(room)
    assert texts(room)[-1] == "new"
    assert room.bubbles.visualRect(room.bubbles.model().index(50, 0)).top() == before


async def test_the_selected_message_stays_selected_when_messages_are_received(
    room: ChatsRoom, companion: Companion, qtbot: Any
) -> None:
    selected = select(room, 2, qtbot)
    await companion.fire(companion.message_from("alice", "new"), origin=PANEL)
    await companion.fire(companion.message_from("dave", "new"), origin=PANEL)
    await wait_until_updated(room)
    assert room.bubbles.selected == selected
    assert texts(room)[-1] == "new"


async def test_a_message_of_the_local_user_is_shown_with_its_delivery_state(
    room: ChatsRoom, companion: Companion, qtbot: Any
) -> None:
    await choose(room, "bob", qtbot)
    sent = await post(companion, "bob", "are you there?", RestCaller("http://localhost:1420", "x"))
    await wait_until_updated(room)
    assert room.bubbles.messages[-1] == sent
    assert not sent["delivered"]
    await companion.fire(Envelope("friend_online", {"username": "bob"}), origin=PANEL)
    await wait_until_updated(room)
    assert room.bubbles.messages[-1]["delivered"]


async def test_five_hundred_messages_of_all_kinds_are_shown(
    window: MainWindow, room: ChatsRoom, companion: Companion, tmp_path: Path, qtbot: Any
) -> None:
    unusual_texts = (
        "🎉" * 200,
        "مرحبا بالعالم " * 30,
        "x" * 10_000,
        "word " * 2_000,
        "one\n\ntwo",
        "👩‍👩‍👧‍👦 שלום 123",
    )
    chat = [{**each, "text": unusual_texts[number % 7] if number % 7 < 6 else each["text"]}
            for number, each in enumerate(many_messages(500))]  # fmt: skip
    await load(companion, tmp_path, chat)
    await wait_until_updated(room)
    await choose(room, "alice", qtbot)
    bar = room.bubbles.verticalScrollBar()
    assert bar.value() == bar.maximum() > 0
    for value in range(0, bar.maximum(), bar.maximum() // 30):
        bar.setValue(value)
        window.grab()
    for width in (1000, 1400):
        window.resize(width, 640)
        window.grab()
    assert texts(room) == [each["text"] for each in chat[-PAGE:]]


# acting as the friend


async def test_a_message_written_as_the_friend_is_sent_with_typing_events(
    room: ChatsRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    await choose(room, "bob", qtbot)
    qtbot.keyClicks(room.composer.line, "Hi from Bob")
    qtbot.keyClick(room.composer.line, ENTER)
    typing_started, typing_stopped, new_message = await all_frames(companion, client)
    assert typing_started == {"event": "typing", "data": {"username": "bob", "typing": True}}
    assert typing_stopped == {"event": "typing", "data": {"username": "bob", "typing": False}}
    assert new_message["event"] == "new_message"
    data = new_message["data"]
    assert (data["from"], data["to"], data["text"], data["direction"]) == ("bob", "me", "Hi from Bob", "received")
    assert companion.catalog.problems(Envelope(**new_message)) == []
    assert (await stored_messages(companion, "bob"))[-1] == data
    await wait_until_updated(room)
    assert room.bubbles.messages[-1] == data
    assert names(room)[0] == "bob"
    assert {row.origin for row in companion.journal if row.event in ("typing", "new_message")} == {"panel"}


async def test_a_long_pasted_text_is_sent_completely(
    room: ChatsRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    text = "🎉 مرحبا " + "x" * 9_900
    QApplication.clipboard().setText(text)
    room.composer.line.setFocus()
    qtbot.keyClick(room.composer.line, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    qtbot.mouseClick(room.composer.button, LEFT)
    events = await all_frames(companion, client)
    assert [each["event"] for each in events] == ["typing", "typing", "new_message"]
    assert events[-1]["data"]["text"] == text
    assert (await stored_messages(companion, "alice"))[-1]["text"] == text


async def test_typing_ends_a_while_after_the_last_key(room: ChatsRoom, connect_client: Connect, qtbot: Any) -> None:
    client = await connect_client()
    room.composer._idle.setInterval(5)
    qtbot.keyClicks(room.composer.line, "H")
    assert [(await frame(client))["data"]["typing"] for _ in range(2)] == [True, False]


async def test_selecting_another_friend_ends_typing_as_the_first(
    room: ChatsRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    qtbot.keyClicks(room.composer.line, "half a sent")
    await choose(room, "bob", qtbot)
    assert [each["data"] for each in await all_frames(companion, client)] == [
        {"username": "alice", "typing": True},
        {"username": "alice", "typing": False},
    ]
    assert room.composer.line.text() == ""
    qtbot.keyClicks(room.composer.line, "x")
    assert (await frame(client))["data"] == {"username": "bob", "typing": True}


async def test_typing_as_a_friend_who_is_renamed_ends_under_the_old_name(
    room: ChatsRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    """Regression: a UI, which learns the new name only when it is reloaded, showed the friend as typing."""
    client = await connect_client()
    qtbot.keyClicks(room.composer.line, "h")
    await companion.chat.rename_person("alice", "anna")
    qtbot.keyClicks(room.composer.line, "i")
    room.composer.stop_typing()
    assert [each["data"] for each in await all_frames(companion, client)] == [
        {"username": name, "typing": typing} for name in ("alice", "anna") for typing in (True, False)
    ]


async def test_typing_as_a_friend_who_is_removed_ends(
    room: ChatsRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    """Regression: typing ended later, for a user without a name."""
    client = await connect_client()
    qtbot.keyClicks(room.composer.line, "half a sent")
    await companion.chat.remove_friend("alice")
    await wait_until_updated(room)
    assert [each["data"] for each in await all_frames(companion, client)] == [
        {"username": "alice", "typing": True},
        {"username": "alice", "typing": False},
    ]
    room.fire_or_stop()
    assert await all_frames(companion, client) == []


async def test_a_message_that_cannot_be_sent_is_not_lost(
    room: ChatsRoom, companion: Companion, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise StorageError("the disk is full")

    monkeypatch.setattr(companion.composer, "fire_literal_message", fail)
    said: list[str] = []
    room.status_message.connect(said.append)
    qtbot.keyClicks(room.composer.line, "a long text")
    qtbot.keyClick(room.composer.line, ENTER)
    await until(lambda: "the disk is full" in said)
    assert room.composer.line.text() == "a long text"
    qtbot.keyClick(room.composer.line, ENTER)
    room.list.setCurrentIndex(room.model.index(room.model.line_of("bob"), 0))
    assert room.composer.line.text() == ""
    await until(lambda: said.count("the disk is full") == 2)
    await choose(room, "alice", qtbot)
    assert room.composer.line.text() == "a long text", "also if another chat was opened meanwhile"


async def test_events_do_not_change_the_draft(
    room: ChatsRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    qtbot.keyClicks(room.composer.line, "half a sent")
    await wait_until_idle(companion)
    await companion.fire(companion.message_from("dave", "hey"), origin=PANEL)
    await companion.fire(Envelope("friend_offline", {"username": "alice"}), origin=PANEL)
    await wait_until_updated(room)
    assert room.composer.line.text() == "half a sent"
    assert [each["event"] for each in await all_frames(companion, client)] == [
        "typing", "new_message", "friend_offline",
    ]  # fmt: skip


async def test_the_status_bar_shows_the_number_of_recipients_of_a_message(
    window: MainWindow, room: ChatsRoom, connect_client: Connect, qtbot: Any
) -> None:
    await connect_client()
    qtbot.keyClicks(room.composer.line, "Hi")
    qtbot.mouseClick(room.composer.button, LEFT)
    await until(lambda: window.status.message.text() == "delivered to 1 client")


# the selected message


async def test_without_a_selected_or_hovered_message_there_are_no_buttons(room: ChatsRoom, qtbot: Any) -> None:
    before = room.bubbles.messages
    assert not room.bubbles.actions_bar.isVisible()
    room.bubbles.setFocus()
    for key in KEYS.values():
        qtbot.keyClick(room.bubbles, key)
    await wait_until_updated(room)
    assert room.bubbles.messages == before


async def test_the_buttons_are_beside_the_message_under_the_pointer(room: ChatsRoom, qtbot: Any) -> None:
    bar = room.bubbles.actions_bar
    for line in (-1, -2):
        index = room.bubbles.model().index(line % len(room.bubbles.messages), 0)
        bubble = room.bubbles.bubble_rect(index)
        qtbot.mouseMove(room.bubbles.viewport(), bubble.center())
        assert bar.message == room.bubbles.messages[line]
        assert bar.geometry().top() == bubble.top()
        assert not bar.geometry().intersects(bubble)
        assert room.bubbles.viewport().rect().contains(bar.geometry())
    assert room.bubbles.selected is None
    assert not bar.deliver.isVisible()


async def test_no_context_menu_opens_without_a_selected_message(room: ChatsRoom) -> None:
    room.bubbles.customContextMenuRequested.emit(QPoint(5, 5))
    assert QApplication.activePopupWidget() is None


@every_input
async def test_an_undelivered_message_can_be_marked_as_delivered(
    room: ChatsRoom, companion: Companion, qtbot: Any, by: str
) -> None:
    await choose(room, "bob", qtbot)
    await post(companion, "bob", "are you there?", RestCaller("", ""))
    await wait_until_updated(room)
    assert not select(room, -1, qtbot)["delivered"]
    await use(room, by, "Mark delivered", qtbot)
    assert (await stored_messages(companion, "bob"))[-1]["delivered"]
    assert room.bubbles.messages[-1]["delivered"]


@every_input
async def test_a_reaction_of_the_friend_is_added_and_removed(
    room: ChatsRoom, companion: Companion, qtbot: Any, by: str, subtests: pytest.Subtests
) -> None:
    selected = select(room, 1, qtbot)
    emojis = ("👍", "🎉", "🦆", "👩‍👩‍👧‍👦")
    for emoji in emojis if by == "button" else emojis[-1:]:
        with subtests.test(emoji=emoji):
            await react(room, by, emoji, qtbot)
            reactions = [{"emoji": emoji, "from": "alice"}]
            assert (await stored_messages(companion, "alice"))[1]["reactions"] == reactions
            assert room.bubbles.messages[1]["reactions"] == reactions
            assert room.bubbles.selected == room.bubbles.messages[1]
            await react(room, by, emoji, qtbot)
            assert (await stored_messages(companion, "alice"))[1] == selected


async def test_the_picker_shows_the_reactions_of_the_friend(room: ChatsRoom, qtbot: Any) -> None:
    select(room, 1, qtbot)
    await react(room, "button", "🦆", qtbot)
    await use(room, "button", "React", qtbot)
    picker = QApplication.activePopupWidget()
    assert isinstance(picker, EmojiPicker)
    assert [each.text() for each in picker.buttons if each.isChecked()] == ["🦆"]
    assert [each.accessibleName() for each in picker.buttons if each.isChecked()] == ["Remove 🦆 duck"]
    qtbot.keyClick(picker, Qt.Key.Key_Escape)


@every_input
async def test_a_message_is_deleted(room: ChatsRoom, companion: Companion, qtbot: Any, by: str) -> None:
    before = await stored_messages(companion, "alice")
    select(room, -1, qtbot)
    await use(room, by, "Delete", qtbot)
    assert await stored_messages(companion, "alice") == before[:-1]
    assert room.bubbles.messages == before[:-1]
    assert accessible_text_of(room, "alice") == "alice, online, 1 unread"


async def test_a_deleted_message_can_be_restored_to_its_place(
    room: ChatsRoom, companion: Companion, qtbot: Any
) -> None:
    state = await companion.chat.store.snapshot()
    selected = select(room, -2, qtbot)
    await use(room, "key", "Delete", qtbot)
    assert room.undo.text.text() == f"Deleted the message “{selected['text']}”"
    qtbot.mouseClick(room.undo.undo, LEFT)
    await wait_until_updated(room)
    assert await companion.chat.store.snapshot() == state
    assert accessible_text_of(room, "alice") == "alice, online, 2 unread"
    assert not room.undo.isVisible()


@pytest.mark.parametrize("by", ["menu", "script"])
async def test_undo_is_not_offered_after_the_chat_state_is_replaced(
    room: ChatsRoom, companion: Companion, qtbot: Any, by: str
) -> None:
    select(room, 0, qtbot)
    await use(room, "key", "Delete", qtbot)
    assert room.undo.isVisible()
    if by == "menu":
        room.menu.reset_state()
    else:
        await companion.chat.restore(await companion.chat.snapshot())
    await wait_until_updated(room)
    assert not room.undo.isVisible()


async def test_undo_is_not_offered_after_a_persona_is_renamed_elsewhere(
    room: ChatsRoom, companion: Companion, qtbot: Any
) -> None:
    select(room, 0, qtbot)
    await use(room, "key", "Delete", qtbot)
    assert room.undo.isVisible()
    await companion.chat.rename_person("alice", " anna ")
    assert not room.undo.isVisible()
    await wait_until_updated(room)
    assert room.header.name.text() == "anna", "its chat stays selected"


async def test_deleting_an_already_deleted_message_is_reported(
    room: ChatsRoom, companion: Companion, qtbot: Any
) -> None:
    messages: list[str] = []
    room.status_message.connect(messages.append)
    selected = select(room, 0, qtbot)
    deleting = companion.chat.delete_message(selected["msg_id"])
    qtbot.mouseClick(button(room, "Delete"), LEFT)
    await deleting
    await wait_until_updated(room)
    assert selected not in room.bubbles.messages
    assert messages == [f"There is no message {selected['msg_id']!r}."]


async def test_a_double_click_on_delete_deletes_one_message(
    room: ChatsRoom, companion: Companion, qtbot: Any
) -> None:
    before = len(room.bubbles.messages)
    selected = select(room, -2, qtbot)
    delete = button(room, "Delete")
    position = delete.mapTo(room.bubbles.viewport(), delete.rect().center())
    qtbot.mouseClick(delete, LEFT)
    await wait_until_updated(room)
    qtbot.mouseMove(room.bubbles.viewport(), position)  # now over another message
    assert room.bubbles.indexAt(position).isValid()
    bar = room.bubbles.actions_bar
    assert not (bar.isVisible() and bar.geometry().contains(position))
    assert len(room.bubbles.messages) == before - 1
    assert selected not in room.bubbles.messages
    assert room.bubbles.selected is None


async def test_focusing_the_messages_selects_none(room: ChatsRoom, qtbot: Any) -> None:
    """Tab makes the first message the current one, but does not select it."""
    before = room.bubbles.messages
    room.bubbles.setFocus(Qt.FocusReason.TabFocusReason)
    assert room.bubbles.selected is None
    qtbot.keyClick(room.bubbles, Qt.Key.Key_Delete)
    await wait_until_updated(room)
    assert room.bubbles.messages == before


async def test_selecting_another_friend_clears_the_selected_message(
    room: ChatsRoom, companion: Companion, qtbot: Any
) -> None:
    select(room, 0, qtbot)
    await choose(room, "bob", qtbot)
    assert room.bubbles.selected is None


# user names and typing


async def test_the_header_shows_the_friend_and_the_local_user(
    room: ChatsRoom, companion: Companion, qtbot: Any
) -> None:
    await choose(room, "bob", qtbot)
    shown = [each.text() for each in room.header.findChildren(QLabel)]
    assert shown[:4] == ["You play", "bob", "· your UI acts as", "me"]
    assert room.header.presence.text() == "Offline"
    await companion.apply(replace(companion.settings, username="zoe"))
    await wait_until_updated(room)
    assert room.header.local_user.text() == "zoe"


@pytest.mark.usefixtures("styled")
async def test_a_long_name_in_the_header_leaves_room_for_the_other(
    window: MainWindow, room: ChatsRoom, companion: Companion, qtbot: Any
) -> None:
    window.resize(880, 560)
    await companion.chat.add_person("W" * 64, is_friend=True)
    await wait_until_updated(room)
    await choose(room, "W" * 64, qtbot)
    header = room.header
    await until(lambda: header.local_user.width() >= header.local_user.sizeHint().width() > 0)
    await companion.apply(replace(companion.settings, username="M" * 64))
    await wait_until_updated(room)
    await until(lambda: header.local_user.toolTip() == "M" * 64)
    assert min(header.local_user.width(), header.name.width()) >= MIN_NAME_WIDTH


async def test_the_room_shows_while_the_ui_is_typing(
    room: ChatsRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client, other = await connect_client(), await connect_client("carol")
    await other.send('{"event": "typing", "data": {"to": "alice", "typing": true}}')
    await client.send('{"event": "typing", "data": {"to": "bob", "typing": true}}')
    await until(lambda: companion.chat.ui_typing.is_typing("bob"))
    assert room.ui_typing.text() == ""
    await choose(room, "bob", qtbot)
    assert room.ui_typing.text() == "me is typing to bob in your UI …"
    await client.send('{"event": "typing", "data": {"to": "bob", "typing": false}}')
    await until(lambda: room.ui_typing.text() == "")
    await client.send('{"event": "typing", "data": {"to": "bob", "typing": true}}')
    await until(room.ui_typing.text)


async def test_the_typing_hint_ends_by_the_clock_of_the_companion(
    make_companion: MakeCompanion, windows: Windows, qtbot: Any
) -> None:
    time = FakeTime()
    companion = await make_companion(clock=time.clock)
    window = windows(companion)
    window.present()
    window.open_room(CHATS)
    room = window.chats
    room.reload()
    await wait_until_updated(room)
    companion.chat.ui_typing.note("alice", True)
    assert room.ui_typing.text()
    time.passed += 4.9
    room._typing_check.timeout.emit()
    assert room.ui_typing.text()
    time.passed += 0.2
    room._typing_check.timeout.emit()
    assert room.ui_typing.text() == ""
    assert not room._typing_check.isActive()


# the whole room


async def test_a_closed_room_ignores_later_changes(
    window: MainWindow, room: ChatsRoom, companion: Companion
) -> None:
    window.close_down()
    await companion.chat.add_friend("erin")
    await wait_until_idle(companion)
    assert not room._refresh.isActive()
    assert "erin" not in names(room)


async def test_closing_the_room_discards_a_reload_in_progress(
    window: MainWindow, room: ChatsRoom, companion: Companion
) -> None:
    await companion.chat.add_friend("erin")
    room.reload()
    window.close_down()
    await wait_until_idle(companion)
    assert "erin" not in names(room)


async def test_every_control_of_the_room_has_a_name(window: MainWindow, room: ChatsRoom, qtbot: Any) -> None:
    select(room, 0, qtbot)
    names_of_controls = {accessible_text(window, each) for each in controls(room)}
    assert {
        "Chats", "alice is online", "Stay online", "Auto-reply", "Messages", "React …", "Delete message",
        "Write as this friend", "Send as this friend", "Manage personas and the chat state",
    } == names_of_controls  # fmt: skip


async def test_the_room_can_be_used_with_the_keyboard_only(
    window: MainWindow, room: ChatsRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    window.open_room(EVENTS)
    window.open_room(CHATS)
    assert QApplication.focusWidget() is room.list
    qtbot.keyClick(room.list, Qt.Key.Key_Down)
    await wait_until_updated(room)
    assert room.header.name.text() == "carol"
    visited: list[QWidget] = []
    while QApplication.focusWidget() is not room.composer.line:
        focused = QApplication.focusWidget()
        assert focused is not None
        assert focused not in visited, [each.accessibleName() for each in visited]
        visited.append(focused)
        qtbot.keyClick(focused, Qt.Key.Key_Tab)
    qtbot.keyClicks(room.composer.line, "Hi")
    qtbot.keyClick(room.composer.line, ENTER)
    assert (await all_frames(companion, client))[-1]["data"]["from"] == "carol"


async def test_a_name_is_shown_as_plain_text(room: ChatsRoom, companion: Companion, qtbot: Any) -> None:
    await companion.chat.add_person("<b>zoe<b>", is_friend=True)
    await wait_until_updated(room)
    await choose(room, "<b>zoe<b>", qtbot)
    plain_label = QLabel("<b>zoe<b>", textFormat=Qt.TextFormat.PlainText)
    plain_label.setObjectName(room.header.name.objectName())
    plain_label.setParent(room)
    plain_label.ensurePolished()
    assert room.header.name.sizeHint().width() == plain_label.sizeHint().width()


async def test_after_several_quick_selections_the_last_chat_is_shown(room: ChatsRoom, companion: Companion) -> None:
    for name in ("dave", "bob", "carol", "bob"):
        room.list.setCurrentIndex(room.model.index(room.model.line_of(name), 0))
    await wait_until_updated(room)
    assert room.header.name.text() == "bob"
    assert room.bubbles.messages == await stored_messages(companion, "bob")


async def test_messages_of_other_users_are_not_shown_in_the_chat(room: ChatsRoom, companion: Companion) -> None:
    before = room.bubbles.messages
    await companion.fire(Envelope("new_message", message("for bob", peer="bob", sent=True)), origin=PANEL)
    await companion.fire(Envelope("new_message", message("from an unknown user", peer="mallory")), origin=PANEL)
    await wait_until_updated(room)
    assert room.bubbles.messages == before
    assert "mallory" not in names(room)


async def test_the_editor_follows_a_renamed_persona_and_keeps_its_text(
    room: ChatsRoom, companion: Companion, qtbot: Any
) -> None:
    await choose(room, "bob", qtbot)
    room.composer.line.setText("half a sentence")
    room.rename_persona("bob", "robert")
    await until(lambda: "robert" in companion.personas)
    await wait_until_updated(room)
    assert room.composer.line.placeholderText() == "Write as robert …"
    assert room.composer.line.text() == "half a sentence"
