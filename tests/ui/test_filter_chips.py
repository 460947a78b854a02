"""The chips of the filter: they show the text of the filter and change it."""

from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QPushButton, QWidget

from app.ui.widgets.filter_chips import FilterChips

pytestmark = pytest.mark.usefixtures("styled")

LEFT = Qt.MouseButton.LeftButton
EVENTS = ["friend_online", "typing", "typing_stopped"]
CLIENTS = [(2, "bob"), (3, "R&D")]


@pytest.fixture
def chips(show: Callable[[QWidget], None]) -> FilterChips:
    chips = FilterChips(lambda: EVENTS, lambda: CLIENTS)
    show(chips)
    return chips


@pytest.fixture
def edited(chips: FilterChips) -> list[str]:
    edited: list[str] = []
    chips.edited.connect(edited.append)
    return edited


def checked_chips(chips: FilterChips) -> list[str]:
    chips_of_all_kinds = [chips.all, *chips.switches.values(), chips.event_menu, chips.client_menu]
    return [each.accessibleName().removeprefix("Filter: ") for each in chips_of_all_kinds if each.isChecked()]


def choices(chip: QPushButton) -> dict[str, QAction]:
    menu = chip.menu()
    menu.aboutToShow.emit()
    return {action.text(): action for action in menu.actions() if action.text()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["All"]),
        ("hello", []),
        ("dir:to is:invalid", ["To UI ↓", "Errors"]),
        ("dir:c2s origin:rest", ["From UI ↑", "REST"]),
        ("event:typing", ["Event: typing"]),
        ("event:=typing,x", ["Event: typing, x"]),
        ("-event:typing", ["Event: not typing"]),
        ("client:2", ["Client: 2 · bob"]),
        ("client:7", ["Client: 7"]),
        ("-dir:s2c", []),
    ],
)
def test_the_chips_show_the_text_of_the_filter(chips: FilterChips, text: str, expected: list[str]) -> None:
    chips.show_text(text)
    assert checked_chips(chips) == expected


def test_a_chip_switches_its_term_on_and_off(chips: FilterChips, edited: list[str], qtbot: Any) -> None:
    chips.show_text("hello")
    qtbot.mouseClick(chips.switches["Errors"], LEFT)
    qtbot.mouseClick(chips.switches["REST"], LEFT)
    qtbot.mouseClick(chips.switches["Errors"], LEFT)
    assert edited == ["hello is:invalid", "hello is:invalid origin:rest", "hello origin:rest"]
    assert checked_chips(chips) == ["REST"]


def test_one_direction_replaces_the_other(chips: FilterChips, edited: list[str], qtbot: Any) -> None:
    qtbot.mouseClick(chips.switches["To UI ↓"], LEFT)
    qtbot.mouseClick(chips.switches["From UI ↑"], LEFT)
    qtbot.mouseClick(chips.switches["From UI ↑"], LEFT)
    assert edited == ["dir:s2c", "dir:c2s", ""]


def test_all_clears_the_filter(chips: FilterChips, edited: list[str], qtbot: Any) -> None:
    chips.show_text("hello dir:s2c")
    qtbot.mouseClick(chips.all, LEFT)
    assert edited == [""]
    assert checked_chips(chips) == ["All"]
    qtbot.mouseClick(chips.all, LEFT)
    assert checked_chips(chips) == ["All"], "a click does not uncheck it"


def test_a_chip_is_operated_by_keyboard(chips: FilterChips, edited: list[str], qtbot: Any) -> None:
    chips.switches["Errors"].setFocus()
    qtbot.keyClick(chips.switches["Errors"], Qt.Key.Key_Space)
    assert edited == ["is:invalid"]


def test_the_event_chip_selects_several_events(chips: FilterChips, edited: list[str]) -> None:
    assert list(choices(chips.event_menu)) == ["Any event", *EVENTS]
    choices(chips.event_menu)["friend_online"].trigger()
    choices(chips.event_menu)["typing"].trigger()
    assert edited == ["event:friend_online", "event:friend_online,=typing"], (
        "an exact match, because typing is a part of another name"
    )
    checked = [title for title, action in choices(chips.event_menu).items() if action.isChecked()]
    assert checked == ["friend_online", "typing"]
    choices(chips.event_menu)["Any event"].trigger()
    assert edited[-1] == ""


def test_the_client_chip_lists_clients_with_their_users(chips: FilterChips, edited: list[str]) -> None:
    chips.show_text("-client:3 client:9")
    assert list(choices(chips.client_menu)) == ["Any client", "2 · bob", "3 · R&&D", "9 (disconnected)"]
    choices(chips.client_menu)["2 · bob"].trigger()
    assert edited == ["-client:3 client:9,2"]


def test_the_client_chip_shows_that_no_client_is_connected(show: Callable[[QWidget], None]) -> None:
    chips = FilterChips(list, list)
    show(chips)
    assert not choices(chips.client_menu)["No client is connected"].isEnabled()


def test_a_long_choice_is_cut_and_has_a_tooltip(chips: FilterChips) -> None:
    chips.resize(600, 30)
    chips.show_text("event:a_very_long_name_of_an_event")
    chips.grab()
    assert chips.event_menu.text().endswith("…")
    assert "a_very_long_name_of_an_event" in chips.event_menu.toolTip()
    assert "a_very_long_name_of_an_event" in chips.event_menu.accessibleName()


def test_the_chips_do_not_move_when_one_is_switched(chips: FilterChips, qtbot: Any) -> None:
    before = [each.geometry() for each in chips.switches.values()]
    chips.show_text("dir:s2c is:invalid origin:rest")
    chips.grab()
    assert [each.geometry() for each in chips.switches.values()] == before


@pytest.mark.parametrize(("number", "whole"), [(2, "2 · bob"), (3, "3 · R&&D")])
def test_the_preferred_width_of_a_chip_does_not_depend_on_the_part_of_its_title_that_is_shown(
    chips: FilterChips, number: int, whole: str
) -> None:
    """Regression: it was a pixel less with some parts, so that a title could stay elided at that width."""
    chips.show_text(f"client:{number}")
    chip = chips.client_menu
    preferred = chip.sizeHint().width()
    for width in range(30, preferred):
        chip.resize(width, chip.height())
        assert (chip.sizeHint().width(), chip.text() == whole) == (preferred, False), chip.text()
    chip.resize(preferred, chip.height())
    assert chip.text() == whole
