"""Everything that can be done, found by a few letters; and Ctrl+R from everywhere."""

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QDialog

from app.companion import Companion
from app.hub.server_state import ServerState
from app.protocol.envelope import Envelope
from app.protocol.fixture import Fixture
from app.ui.palette import Command, Palette, matching
from app.ui.window import EVENTS, INJECT, ROOMS, SETTINGS, MainWindow
from tests.conftest import Connect, MakeCompanion, until
from tests.ui.frames import all_frames, frame, settled
from tests.ui.test_accessibility import controls, spoken

LEFT = Qt.MouseButton.LeftButton
CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
async def companion(make_companion: MakeCompanion, tmp_path: Path) -> Companion:
    companion = await make_companion(fixtures_folder=tmp_path / "own")
    assert await companion.start(), companion.services["events"].error
    return companion


@pytest.fixture
async def palette(window: MainWindow, qtbot: Any) -> Palette:
    return opened(window, qtbot)


def opened(window: MainWindow, qtbot: Any) -> Palette:
    qtbot.keyClick(QApplication.focusWidget() or window, Qt.Key.Key_K, CONTROL)
    palette = QApplication.activeModalWidget()
    assert isinstance(palette, Palette)
    return palette


def offered(palette: Palette) -> list[str]:
    return [each.title for each in palette._found]


def chosen(palette: Palette) -> str:
    return palette.list.currentItem().text().partition("   ")[0]


async def front(window: MainWindow) -> None:
    """Be the active window again: here is no window manager that would see to it."""
    window.activateWindow()
    await until(window.isActiveWindow)


async def do(window: MainWindow, words: str, qtbot: Any) -> None:
    palette = opened(window, qtbot)
    qtbot.keyClicks(palette.search, words)
    qtbot.keyClick(palette.search, Qt.Key.Key_Return)
    await settled(window.companion)
    if QApplication.activeModalWidget() is None:
        await front(window)


# what is found


def commands(*titles: str) -> list[Command]:
    return [Command(title, lambda: None, hint) for title, _, hint in (each.partition("|") for each in titles)]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", ["Open Events", "Fire: open bug", "Quit"]),
        ("open", ["Open Events", "Fire: open bug"]),
        ("BUG fire", ["Fire: open bug"]),
        ("ctrl+q", ["Quit"]),
        ("  quit ", ["Quit"]),
        ("bug events", []),
    ],
)
def test_every_word_must_be_there_and_the_beginning_counts_first(words: str, found: list[str]) -> None:
    all_ = commands("Open Events|Ctrl+1", "Fire: open bug|bugs/open", "Quit|Ctrl+Q")
    assert [each.title for each in matching(all_, words)] == found


def test_what_begins_with_the_word_comes_before_what_only_holds_it() -> None:
    all_ = commands("Fire: open bug", "Reopen", "Open Events")
    assert [each.title for each in matching(all_, "open")] == ["Open Events", "Fire: open bug", "Reopen"]


async def test_it_offers_every_fixture_every_room_and_the_rest(palette: Palette, companion: Companion) -> None:
    found = offered(palette)
    assert found[0] == "Repeat last"
    assert [each for each in found if each.startswith("Fire: ")] == [
        f"Fire: {each.title}" for each in companion.fixtures.all
    ]
    assert [each for each in found if each.startswith("Open ")] == [f"Open {room.title}" for room in ROOMS]
    assert {"Pause sending", "Stop server", "Copy URL", "Keyboard shortcuts", "Quit"} <= set(found)
    assert palette.search.hasFocus()
    assert chosen(palette) == "Repeat last"


async def test_letters_narrow_down_and_nothing_found_does_nothing(palette: Palette, qtbot: Any) -> None:
    qtbot.keyClicks(palette.search, "friend typing")
    assert offered(palette)[:2] == ["Fire: A friend is typing", "Fire: A friend stops typing"]
    qtbot.keyClicks(palette.search, " zzz")
    assert offered(palette) == []
    qtbot.keyClick(palette.search, Qt.Key.Key_Return)
    assert palette.isVisible()
    palette.search.clear()
    assert len(offered(palette)) > 40


# keys


async def test_arrow_keys_move_in_the_list_while_one_types(palette: Palette, qtbot: Any) -> None:
    qtbot.keyClicks(palette.search, "open")
    first, second, third, *_ = offered(palette)
    qtbot.keyClick(palette.search, Qt.Key.Key_Down)
    qtbot.keyClick(palette.search, Qt.Key.Key_Down)
    assert chosen(palette) == third
    qtbot.keyClick(palette.search, Qt.Key.Key_Up)
    assert chosen(palette) == second
    assert palette.search.hasFocus()
    qtbot.keyClick(palette.search, Qt.Key.Key_PageDown)
    assert chosen(palette) == offered(palette)[-1]
    qtbot.keyClick(palette.search, Qt.Key.Key_PageUp)
    assert chosen(palette) == first


async def test_enter_does_what_is_chosen_and_closes(window: MainWindow, palette: Palette, qtbot: Any) -> None:
    qtbot.keyClicks(palette.search, "open set")
    qtbot.keyClick(palette.search, Qt.Key.Key_Return)
    assert window.rooms.current == SETTINGS
    await until(lambda: QApplication.activeModalWidget() is None)


async def test_enter_in_the_list_does_it_once(
    window: MainWindow, palette: Palette, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    qtbot.keyClicks(palette.search, "fire: a friend comes")
    palette.list.setFocus()
    qtbot.keyClick(palette.list, Qt.Key.Key_Return)
    assert [each["event"] for each in await all_frames(companion, client)] == ["friend_online"]
    assert QApplication.activeModalWidget() is None


async def test_escape_closes_and_does_nothing(
    window: MainWindow, palette: Palette, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    qtbot.keyClicks(palette.search, "fire")
    qtbot.keyClick(palette.search, Qt.Key.Key_Escape)
    assert QApplication.activeModalWidget() is None
    assert await all_frames(companion, client) == []


@pytest.mark.parametrize("room", [room.name for room in ROOMS])
async def test_ctrl_k_opens_it_from_every_room_and_once(window: MainWindow, qtbot: Any, room: str) -> None:
    window.open_room(room)
    palette = opened(window, qtbot)
    qtbot.keyClick(palette.search, Qt.Key.Key_K, CONTROL)
    assert [each for each in QApplication.topLevelWidgets() if isinstance(each, Palette) and each.isVisible()] == [
        palette
    ]
    palette.close()


async def test_its_controls_say_what_they_are(palette: Palette) -> None:
    found = list(controls(palette))
    assert set(found) == {palette.search, palette.list}
    assert all(spoken(palette, each) for each in found)


# what it does


async def test_firing_a_fixture_shows_its_delivery_in_the_status_bar(
    window: MainWindow, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    await do(window, "fire: a friend says", qtbot)
    assert (await frame(client))["data"]["text"] == "Hi from alice!"
    assert window.status.message.text().startswith("Delivered to 1 client · #")


async def test_a_fixture_that_was_just_saved_is_offered(
    window: MainWindow, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    await companion.fixtures.save("bugs/late", Fixture(event="typing", data={"username": "zoe", "typing": True}))
    await do(window, "bugs/late", qtbot)
    assert (await frame(client))["data"]["username"] == "zoe"


async def test_a_fixture_that_cannot_be_fired_is_reported(
    window: MainWindow, companion: Companion, qtbot: Any
) -> None:
    await companion.fixtures.save("bugs/wrong", Fixture(event="typing", data={}))
    await do(window, "bugs/wrong", qtbot)
    assert "data.username" in window.status.message.text()


async def test_pause_and_stop_are_offered_as_they_would_work_now(
    window: MainWindow, companion: Companion, qtbot: Any
) -> None:
    await do(window, "pause sending", qtbot)
    assert companion.state is ServerState.PAUSED
    await do(window, "resume sending", qtbot)
    assert companion.state is ServerState.LISTENING
    await do(window, "stop server", qtbot)
    await until(lambda: companion.state is ServerState.STOPPED)
    await do(window, "start server", qtbot)
    await until(lambda: companion.state is ServerState.LISTENING)


async def test_the_log_is_filtered_cleared_and_held(window: MainWindow, companion: Companion, qtbot: Any) -> None:
    await do(window, "freeze log", qtbot)
    assert window.events.freeze.isChecked()
    window.open_room(SETTINGS)
    await do(window, "filter", qtbot)
    assert window.rooms.current == EVENTS
    await until(window.events.filter.hasFocus)


async def test_the_url_is_copied_the_keys_are_shown_and_quitting_is_asked_for(
    window: MainWindow, companion: Companion, qtbot: Any
) -> None:
    await do(window, "copy url", qtbot)
    assert QGuiApplication.clipboard().text() == companion.server.url
    await do(window, "keyboard", qtbot)
    box = QApplication.activeModalWidget()
    assert isinstance(box, QDialog)
    box.close()
    await front(window)
    asked: list[bool] = []
    window.quit_requested.connect(lambda: asked.append(True))
    await do(window, "quit", qtbot)
    assert asked == [True]


# repeat last


async def test_repeat_last_sends_it_to_the_same_target_with_a_fresh_id(
    window: MainWindow, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    alice, bob = await connect_client("alice"), await connect_client("bob")
    window.open_room(INJECT)
    window.inject.bar.target_box.setCurrentText("All clients of bob")
    qtbot.mouseClick(window.inject.bar.now, LEFT)
    first = await frame(bob)
    window.inject.bar.target_box.setCurrentText("Everyone")
    await do(window, "repeat", qtbot)
    second = await frame(bob)
    assert first["data"]["text"] == second["data"]["text"]
    assert first["data"]["msg_id"] != second["data"]["msg_id"]
    assert await all_frames(companion, alice) == []


@pytest.mark.parametrize("room", [room.name for room in ROOMS])
async def test_ctrl_r_repeats_from_every_room(
    window: MainWindow, companion: Companion, connect_client: Connect, qtbot: Any, room: str
) -> None:
    client = await connect_client()
    await companion.composer.fire_event(Envelope("friend_online", {"username": "bob"}), origin="cli")
    window.open_room(room)
    qtbot.keyClick(QApplication.focusWidget() or window, Qt.Key.Key_R, CONTROL)
    assert [each["data"]["username"] for each in await all_frames(companion, client)] == ["bob", "bob"]
    assert window.status.message.text().startswith("Delivered to 1 client · #")


async def test_a_fixture_that_goes_to_one_user_is_repeated_to_that_user(
    window: MainWindow, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    alice, bob = await connect_client("alice"), await connect_client("bob")
    event = Fixture(event="typing", data={"username": "carol", "typing": True}, to="user:bob")
    await companion.fixtures.save("mine/for bob", event)
    await do(window, "mine/for bob", qtbot)
    qtbot.keyClick(window, Qt.Key.Key_R, CONTROL)
    assert len(await all_frames(companion, bob)) == 2
    assert await all_frames(companion, alice) == []


async def test_what_a_failed_fire_leaves_is_the_one_before(
    window: MainWindow, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    await companion.fixtures.save("mine/wrong", Fixture(event="typing", data={}))
    await do(window, "fire: a friend comes", qtbot)
    await do(window, "mine/wrong", qtbot)
    qtbot.keyClick(window, Qt.Key.Key_R, CONTROL)
    assert [each["event"] for each in await all_frames(companion, client)] == ["friend_online"] * 2


async def test_before_anything_was_fired_there_is_nothing_to_repeat(window: MainWindow, qtbot: Any) -> None:
    qtbot.keyClick(window, Qt.Key.Key_R, CONTROL)
    await until(window.status.message.text)
    assert window.status.message.text() == "Nothing has been fired yet."
