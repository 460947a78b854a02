"""Switches for presence, and buttons that type while they are pressed."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QScrollArea, QWidget

from app.companion import Companion
from app.hub.held_items import BreakpointOptions
from app.protocol.constants import TYPING_TIMEOUT_MS
from app.ui.widgets import quick_controls
from app.ui.widgets.quick_controls import HoldToType, PresenceGrid, TypingGrid
from app.ui.widgets.switch import Switch
from app.ui.window import EVENTS, INJECT, MainWindow
from tests.conftest import Connect, until
from tests.ui.cast import set_friends
from tests.ui.frames import all_frames, frame
from tests.ui.parts import child

LEFT = Qt.MouseButton.LeftButton
Show = Callable[[QWidget], None]
Fired = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def first_room() -> str:
    return INJECT


@pytest.fixture
def fired() -> Fired:
    return []


@pytest.fixture
def typing(fired: Fired, show: Show) -> TypingGrid:
    grid = TypingGrid(["alice", "bob"], lambda event, data: fired.append((event, data)))
    show(grid)
    return grid


def typing_event(typing: bool, username: str = "alice") -> tuple[str, dict[str, Any]]:
    return ("typing", {"username": username, "typing": typing})


def test_a_switch_follows_mouse_and_space_bar(show: Show, qtbot: Any) -> None:
    switch = Switch()
    show(switch)
    qtbot.mouseClick(switch, LEFT)
    assert switch.isChecked()
    off_image = switch.grab().toImage()
    qtbot.keyClick(switch, Qt.Key.Key_Space)
    assert not switch.isChecked()
    assert switch.grab().toImage() != off_image


def test_a_persona_is_switched_on_and_off(fired: Fired, show: Show, qtbot: Any) -> None:
    grid = PresenceGrid({"bob": False, "alice": True}, lambda event, data: fired.append((event, data)))
    show(grid)
    assert {name: each.accessibleName() for name, each in grid.switches.items()} == {
        "alice": "alice is online",
        "bob": "bob is online",
    }
    assert grid.switches["alice"].isChecked()
    assert not grid.switches["bob"].isChecked()
    qtbot.mouseClick(grid.switches["bob"], LEFT)
    qtbot.mouseClick(grid.switches["alice"], LEFT)
    qtbot.mouseClick(grid.switches["bob"], LEFT)
    assert fired == [
        ("friend_online", {"username": "bob"}),
        ("friend_offline", {"username": "alice"}),
        ("friend_offline", {"username": "bob"}),
    ]


def test_a_persona_types_while_the_mouse_button_is_pressed(typing: TypingGrid, fired: Fired, qtbot: Any) -> None:
    button = typing.buttons["alice"]
    qtbot.mousePress(button, LEFT)
    assert fired == [typing_event(True)]
    assert button.text() == "alice is typing …"
    qtbot.mouseRelease(button, LEFT)
    assert fired == [typing_event(True), typing_event(False)]
    assert button.text() == "alice"


def test_a_persona_types_while_the_space_bar_is_pressed(typing: TypingGrid, fired: Fired, qtbot: Any) -> None:
    button = typing.buttons["bob"]
    qtbot.keyPress(button, Qt.Key.Key_Space)
    assert fired == [typing_event(True, "bob")]
    qtbot.keyRelease(button, Qt.Key.Key_Space)
    assert fired == [typing_event(True, "bob"), typing_event(False, "bob")]


def test_typing_is_repeated_before_the_ui_times_out(
    typing: TypingGrid, fired: Fired, show: Show, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert quick_controls.STILL_TYPING_MS < TYPING_TIMEOUT_MS
    monkeypatch.setattr(quick_controls, "STILL_TYPING_MS", 10)
    grid = TypingGrid(["carol"], lambda event, data: fired.append((event, data)))
    show(grid)
    qtbot.mousePress(grid.buttons["carol"], LEFT)
    qtbot.waitUntil(lambda: len(fired) >= 3)
    qtbot.mouseRelease(grid.buttons["carol"], LEFT)
    assert fired[:-1] == [typing_event(True, "carol")] * (len(fired) - 1)
    assert fired[-1] == typing_event(False, "carol")
    number = len(fired)
    QTest.qWait(40)
    assert len(fired) == number


def test_hiding_the_grid_ends_typing(typing: TypingGrid, fired: Fired, qtbot: Any) -> None:
    qtbot.mousePress(typing.buttons["alice"], LEFT)
    typing.hide()
    assert fired == [typing_event(True), typing_event(False)]
    typing.show()
    qtbot.mouseRelease(typing.buttons["alice"], LEFT)
    assert fired == [typing_event(True), typing_event(False)]


def test_losing_the_focus_ends_typing(typing: TypingGrid, fired: Fired, qtbot: Any) -> None:
    button = typing.buttons["alice"]
    button.setFocus()
    qtbot.keyPress(button, Qt.Key.Key_Space)
    typing.buttons["bob"].setFocus()
    assert fired == [typing_event(True), typing_event(False)]


def test_hiding_the_typing_grid_fires_nothing_if_no_button_is_pressed(typing: TypingGrid, fired: Fired) -> None:
    typing.hide()
    assert fired == []


async def test_a_pressed_button_sends_typing_to_a_client_until_it_is_released(
    window: MainWindow, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    panel = window.inject.event_panel("typing")
    assert panel
    window.open_room(INJECT)
    window.inject.open_panel(panel)
    button = child(panel, TypingGrid).buttons["alice"]
    qtbot.mousePress(button, LEFT)
    assert await frame(client) == {"event": "typing", "data": {"username": "alice", "typing": True}}
    qtbot.mouseRelease(button, LEFT)
    assert await frame(client) == {"event": "typing", "data": {"username": "alice", "typing": False}}
    await until(lambda: window.inject.bar.status.text().startswith("Delivered to 1 client"))
    qtbot.mousePress(button, LEFT)
    window.open_room(EVENTS)
    assert [each["data"]["typing"] for each in await all_frames(companion, client)] == [True, False]


async def test_changing_the_friends_ends_typing_of_a_pressed_button(
    window: MainWindow, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    panel = window.inject.event_panel("typing")
    assert panel
    window.open_room(INJECT)
    window.inject.open_panel(panel)
    qtbot.mousePress(child(panel, TypingGrid).buttons["alice"], LEFT)
    await set_friends(companion, "zoe")
    window.inject.refresh()
    assert [each["data"]["typing"] for each in await all_frames(companion, client)] == [True, False]


async def test_a_switch_fires_to_the_selected_target(
    window: MainWindow, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    alice, bob = await connect_client("alice"), await connect_client("bob")
    panel = window.inject.event_panel("friend_online")
    assert panel
    window.open_room(INJECT)
    window.inject.open_panel(panel)
    window.inject.bar.choose_client(2)
    switch = child(panel, PresenceGrid).switches["bob"]
    qtbot.mouseClick(switch, LEFT)
    qtbot.mouseClick(switch, LEFT)
    assert await all_frames(companion, bob) == [
        {"event": "friend_online", "data": {"username": "bob"}},
        {"event": "friend_offline", "data": {"username": "bob"}},
    ]
    assert await all_frames(companion, alice) == []


async def test_waiting_for_a_client_fires_the_switched_presence(
    window: MainWindow, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    panel = window.inject.event_panel("friend_online")
    assert panel
    window.open_room(INJECT)
    window.inject.open_panel(panel)
    qtbot.mouseClick(child(panel, PresenceGrid).switches["dave"], LEFT)
    await until(window.inject.bar.when_connected.isVisible)
    qtbot.mouseClick(window.inject.bar.when_connected, LEFT)
    client = await connect_client()
    await until(lambda: window.inject.bar.now.text() == "Fire")
    assert [each["data"] for each in await all_frames(companion, client)] == [{"username": "dave"}]


async def test_a_switch_shows_the_presence_after_its_event_was_dropped(
    window: MainWindow, companion: Companion, qtbot: Any
) -> None:
    panel = window.inject.event_panel("friend_online")
    assert panel
    window.open_room(INJECT)
    window.inject.open_panel(panel)
    switch = child(panel, PresenceGrid).switches["dave"]
    before = switch.isChecked()
    companion.breakpoints.add(BreakpointOptions(filter="event:friend_online,friend_offline"))
    qtbot.mouseClick(switch, LEFT)
    await until(lambda: companion.breakpoints.held)
    companion.breakpoints.drop()
    await until(lambda: switch.isChecked() is before)
    companion.breakpoints.clear()
    qtbot.mouseClick(switch, LEFT)
    await until(lambda: companion.chat.played["dave"] is not before)
    assert switch.isChecked() is not before


LONG_NAMES = ["christopher.robinson", "maria.fernandez", "alexander.hamilton", "elizabeth.warren"]


@pytest.mark.usefixtures("styled")
@pytest.mark.parametrize("width", [300, 638, 1400])
@pytest.mark.parametrize("names", [LONG_NAMES, ["W" * 64, *(f"friend-{number}" for number in range(30))]])
def test_controls_are_as_many_in_a_row_as_fit(show: Show, names: list[str], width: int) -> None:
    """Regression: the last ones were cut and could not be scrolled to."""
    for grid in (TypingGrid(names, lambda *_: None), PresenceGrid(dict.fromkeys(names, True), lambda *_: None)):
        grid.resize(width, 400)
        show(grid)
        QApplication.processEvents()
        room = grid.area.viewport().rect()
        assert grid.area.horizontalScrollBar().maximum() == 0
        scrolls = grid.area.verticalScrollBar().maximum() > 0
        content = grid.area.widget()
        assert content is not None
        for cell in content.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly):
            assert cell.mapTo(grid.area.viewport(), cell.rect().bottomRight()).x() < room.right() + 1 - 8 * scrolls
        for button in grid.findChildren(HoldToType):
            assert button.shown_text == button.text() or button.text() == button.toolTip()
            assert button.shown_text == button.text() or len(button.text()) == 64 or width == 300


@pytest.mark.usefixtures("styled")
async def test_many_controls_scroll_and_keep_their_size(
    window: MainWindow, companion: Companion, qtbot: Any, subtests: Any
) -> None:
    for scrolls in (False, True):
        for number in range(60 if scrolls else 0):
            await companion.chat.add_person(f"friend-{number}", is_friend=True)
        window.inject.refresh()
        for event in ("typing", "friend_online"):
            with subtests.test(event, scrolls=scrolls):
                await _check_sizes(window, event, scrolls, qtbot)


async def _check_sizes(window: MainWindow, event: str, scrolls: bool, qtbot: Any) -> None:
    panel = window.inject.event_panel(event)
    assert panel
    assert panel.fold
    window.inject.open_panel(panel)
    window.resize(880, 560)
    quick = panel.quick
    assert isinstance(quick, TypingGrid | PresenceGrid)
    controls = list((quick.buttons if isinstance(quick, TypingGrid) else quick.switches).values())
    (area,) = quick.findChildren(QScrollArea)

    def rows_are_apart() -> bool:
        tops = sorted({each.mapTo(quick, QPoint()).y() for each in controls})
        return all(below - above >= controls[0].height() for above, below in pairwise(tops))

    for opened in (False, True):
        panel.fold.show_part(opened)
        await until(lambda: (area.verticalScrollBar().maximum() > 0) is scrolls)
        await until(rows_are_apart)
        assert all(each.height() >= each.sizeHint().height() for each in controls)
    controls[-2].setFocus()
    qtbot.keyClick(controls[-2], Qt.Key.Key_Tab)
    assert window.focusWidget() is controls[-1]
    assert not controls[-1].visibleRegion().isEmpty(), "Tab scrolls to it"
