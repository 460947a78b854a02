"""Chats: the developer plays a friend."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt

from app.companion import Companion
from app.protocol.backend import Conversation
from app.protocol.backend import Window as UiWindow
from app.protocol.envelope import Envelope
from app.ui.models.conversations import CHAT
from app.ui.rooms.chats import REACTION, ChatsRoom
from app.ui.window import CHATS, Window
from tests.conftest import until
from tests.ui.frames import all_frames, frame, settled

LEFT = Qt.MouseButton.LeftButton
HERE = UiWindow("", "")


@pytest.fixture
async def room(window: Window) -> Iterator[ChatsRoom]:
    window.open_room(CHATS)
    await until(lambda: window.chats.model.rowCount() == 4 and window.chats.bubbles.messages)
    return window.chats


def chats(room: ChatsRoom) -> dict[str, Conversation]:
    found = [room.model.item(line).data(CHAT) for line in range(room.model.rowCount())]
    return {chat.person.username: chat for chat in found}


async def choose(room: ChatsRoom, who: str) -> None:
    room.list.setCurrentIndex(room.model.index(room.model.line_of(who), 0))
    await until(lambda: room.name.text() == who and all(who in (m["from"], m["to"]) for m in room.bubbles.messages))


def texts(room: ChatsRoom) -> list[str]:
    return [message["text"] for message in room.bubbles.messages]


async def test_friends_are_listed_the_liveliest_first_with_what_is_unread(room: ChatsRoom) -> None:
    assert list(chats(room)) == ["alice", "carol", "bob", "dave"]
    assert {name: chat.unread for name, chat in chats(room).items()} == {
        "alice": 2,
        "carol": 1,
        "bob": 0,
        "dave": 0,
    }
    assert room.name.text() == "alice"
    assert texts(room)[-1] == "The usual place"


async def test_the_switch_agrees_with_the_backend(
    room: ChatsRoom, companion: Companion, connect_client: Any, qtbot: Any
) -> None:
    client = await connect_client()
    await choose(room, "bob")
    assert not room.online.isChecked()
    qtbot.mouseClick(room.online, LEFT)
    assert await frame(client) == {"event": "friend_online", "data": {"username": "bob"}}
    await until(lambda: chats(room)["bob"].person.online)
    assert next(each for each in await companion.chat.friends() if each.username == "bob").online


async def test_presence_fired_elsewhere_is_shown(room: ChatsRoom, companion: Companion) -> None:
    await companion.fire(Envelope("friend_offline", {"username": "alice"}), origin="panel")
    await until(lambda: not chats(room)["alice"].person.online)
    assert not room.online.isChecked()


async def test_mark_read_of_a_client_brings_the_count_down(
    room: ChatsRoom, companion: Companion, connect_client: Any
) -> None:
    client = await connect_client()
    newest = room.bubbles.messages[-1]["msg_id"]
    await client.send(json.dumps({"event": "mark_read", "data": {"peer": "alice", "msg_id": newest}}))
    await until(lambda: chats(room)["alice"].unread == 0)


async def test_writing_types_by_the_guides_debounce_and_sends(
    room: ChatsRoom, companion: Companion, connect_client: Any, qtbot: Any
) -> None:
    client = await connect_client()
    qtbot.keyClicks(room.composer.line, "Hello")
    qtbot.keyClick(room.composer.line, Qt.Key.Key_Return)
    sent = await all_frames(companion, client)
    assert [each["event"] for each in sent] == ["typing", "typing", "new_message"]
    assert [each["data"].get("typing") for each in sent] == [True, False, None]
    assert (sent[2]["data"]["from"], sent[2]["data"]["text"]) == ("alice", "Hello")
    await until(lambda: texts(room)[-1] == "Hello")
    assert room.composer.line.text() == ""


async def test_typing_stops_a_second_after_the_last_key(
    room: ChatsRoom, companion: Companion, connect_client: Any, qtbot: Any
) -> None:
    client = await connect_client()
    qtbot.keyClicks(room.composer.line, "Hm")
    assert (await frame(client))["data"] == {"username": "alice", "typing": True}
    assert (await frame(client))["data"] == {"username": "alice", "typing": False}


async def test_another_friend_is_not_typing_what_this_one_began(
    room: ChatsRoom, companion: Companion, connect_client: Any, qtbot: Any
) -> None:
    client = await connect_client()
    qtbot.keyClicks(room.composer.line, "Hm")
    await choose(room, "bob")
    sent = [each["data"] for each in await all_frames(companion, client)]
    assert sent == [{"username": "alice", "typing": True}, {"username": "alice", "typing": False}]
    assert room.composer.line.text() == ""


async def test_a_message_that_waits_can_be_marked_delivered(
    room: ChatsRoom, companion: Companion, qtbot: Any
) -> None:
    await companion.chat.post_message("bob", "Are you there?", HERE)
    await choose(room, "bob")
    await until(lambda: texts(room)[-1] == "Are you there?")
    room.bubbles.setCurrentIndex(room.bubbles.model().index(len(texts(room)) - 1, 0))
    assert not room.bubbles.messages[-1]["delivered"]
    qtbot.mouseClick(room._message_buttons[0], LEFT)
    await until(lambda: room.bubbles.messages[-1]["delivered"])


async def test_a_reaction_comes_and_goes_and_a_message_goes(room: ChatsRoom, qtbot: Any) -> None:
    room.bubbles.setCurrentIndex(room.bubbles.model().index(1, 0))
    react, delete = room._message_buttons[1:]
    qtbot.mouseClick(react, LEFT)
    await until(lambda: room.bubbles.messages[1].get("reactions") == [{"emoji": REACTION, "from": "alice"}])
    qtbot.mouseClick(react, LEFT)
    await until(lambda: "reactions" not in room.bubbles.messages[1])
    before = texts(room)
    qtbot.mouseClick(delete, LEFT)
    await until(lambda: texts(room) == before[:1] + before[2:])


async def test_without_a_selected_message_nothing_is_done_and_that_is_said(room: ChatsRoom, qtbot: Any) -> None:
    told: list[str] = []
    room.told.connect(told.append)
    qtbot.mouseClick(room._message_buttons[2], LEFT)
    assert told == ["Select a message first."]


async def test_stay_online_and_auto_reply_are_kept(room: ChatsRoom, companion: Companion, qtbot: Any) -> None:
    qtbot.keyClick(room.pinned, Qt.Key.Key_Space)
    qtbot.keyClick(room.auto_reply, Qt.Key.Key_Space)
    await settled(companion)
    alice = next(each for each in await companion.chat.friends() if each.username == "alice")
    assert (alice.pinned, alice.auto_reply) == (True, True)


async def test_a_persona_is_added_and_a_bad_name_is_refused(room: ChatsRoom, companion: Companion) -> None:
    told: list[str] = []
    room.told.connect(told.append)
    room.add_persona("zoë")
    await until(lambda: "zoë" in chats(room))
    room.add_persona("alice")
    await until(lambda: "alice is in the cast already." in told)
    await until(lambda: "zoë" in companion.personas)


async def test_a_scene_is_saved_and_loaded_and_a_bad_file_changes_nothing(
    room: ChatsRoom, companion: Companion, tmp_path: Path
) -> None:
    told: list[str] = []
    room.told.connect(told.append)
    scene, rubbish = tmp_path / "scene.json", tmp_path / "rubbish.json"
    rubbish.write_text("{}", encoding="utf-8")
    room.save_state(str(scene))
    await until(scene.exists)
    await companion.chat.remove_friend("dave")
    await until(lambda: "dave" not in chats(room))
    room.load_state(str(rubbish))
    await until(lambda: any("no saved chat state" in each for each in told))
    assert "dave" not in chats(room)
    room.load_state(str(scene))
    await until(lambda: "dave" in chats(room))


async def test_a_long_and_strange_chat_is_painted(room: ChatsRoom, window: Window, companion: Companion) -> None:
    for text in ("x" * 10_000, "مرحبا", "👩‍👩‍👧‍👦" * 50, "line\n" * 30, "<b>no markup</b>"):
        await companion.fire(companion.message_from("alice", text), origin="panel")
    await until(lambda: texts(room)[-1] == "<b>no markup</b>")
    assert not window.grab().isNull()


async def test_a_storm_of_changes_is_shown_while_it_lasts(room: ChatsRoom, companion: Companion) -> None:
    at_first = len(texts(room))
    for number in range(20_000):
        await companion.fire(companion.message_from("alice", f"{number}"), origin="panel")
        if len(texts(room)) > at_first:
            return
    pytest.fail("nothing of it was shown")


async def test_a_stranger_that_the_ui_asks_for_can_be_added(
    room: ChatsRoom, window: Window, companion: Companion, qtbot: Any
) -> None:
    with pytest.raises(Exception, match="There is no user"):
        await companion.chat.add_friend("zoe")
    assert "zoe" in window.banner.text.text()
    qtbot.mouseClick(window.banner.buttons[0], LEFT)
    await settled(companion)
    assert (await companion.chat.add_friend("zoe")).is_friend
    assert not window.banner.isVisible()
