"""A room is registered with one entry in the list of rooms."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget

from app.companion import Companion
from app.system.paths import Folders
from app.ui import room_hooks
from app.ui.icons import ui_icon
from app.ui.room_registry import EVENTS, ROOMS, Group
from app.ui.window import MainWindow
from tests.conftest import until
from tests.ui.conftest import close_and_destroy
from tests.ui.example_room import EXAMPLE, ExampleRoom

pytestmark = pytest.mark.usefixtures("all_rooms")

LEFT = Qt.MouseButton.LeftButton
CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
async def window(companion: Companion, tmp_path: Path) -> AsyncIterator[MainWindow]:
    window = MainWindow(Folders.of(tmp_path), [ROOMS[0], EXAMPLE, *ROOMS[1:]]).fill(companion)
    window.present()
    await until(window.isActiveWindow)
    yield window
    await close_and_destroy(window, companion)


def example(window: MainWindow) -> ExampleRoom:
    page = window.rooms.page("example")
    assert isinstance(page, ExampleRoom)
    return page


def button(window: MainWindow) -> QPushButton:
    return next(each for each in window.findChildren(QPushButton, "nav") if each.text() == "Example")


async def test_a_room_is_built_when_it_is_opened_and_kept(companion: Companion, tmp_path: Path, qtbot: Any) -> None:
    window = MainWindow(Folders.of(tmp_path), [*ROOMS, EXAMPLE]).fill(companion)
    assert not window.rooms.has("example")
    qtbot.mouseClick(button(window), LEFT)
    assert window.rooms.current == "example"
    assert window.rooms.currentWidget() is example(window)
    assert button(window).isChecked()
    await close_and_destroy(window, companion)


async def test_its_shortcut_opens_it_and_gives_it_the_focus(window: MainWindow, qtbot: Any) -> None:
    assert button(window).toolTip() == "Example (Ctrl+Alt+E)"
    qtbot.keyClick(QApplication.focusWidget() or window, Qt.Key.Key_E, CONTROL | Qt.KeyboardModifier.AltModifier)
    assert window.rooms.current == "example"
    assert button(window).isChecked()
    assert QApplication.focusWidget() is example(window)


async def test_the_other_rooms_keep_their_shortcuts(window: MainWindow, qtbot: Any) -> None:
    for room in ROOMS:
        QTest.keySequence(QApplication.focusWidget() or window, QKeySequence(room.shortcut))
        assert window.rooms.current == room.name


async def test_the_palette_and_the_list_of_shortcuts_contain_the_room(window: MainWindow, qtbot: Any) -> None:
    palette = window.open_palette()
    qtbot.keyClicks(palette.search, "example")
    assert [(each.title, each.hint) for each in palette.found] == [("Open Example", "Ctrl+Alt+E")]
    qtbot.keyClick(palette.search, Qt.Key.Key_Return)
    assert window.rooms.current == "example"
    window.show_shortcuts()
    box = QApplication.activeModalWidget()
    assert box
    shown = [label.text() for label in box.findChildren(QLabel)]
    assert "Ctrl+1 … Ctrl+9" in shown
    assert "Open Events, Example, Clients, UI state, Inject, Fixtures, Scenarios, Chats, Sources" in shown
    box.close()


async def test_the_window_calls_the_hooks_of_the_room(window: MainWindow, companion: Companion, qtbot: Any) -> None:
    room = example(window)
    window.open_room("example")
    qtbot.keyClick(room, Qt.Key.Key_Return, CONTROL)
    assert window.status.message.text() == "Fired at 0 clients"
    qtbot.keyClick(room, Qt.Key.Key_F, CONTROL)
    window.recolor()
    await companion.apply(replace(companion.settings, username="zoe"))
    assert [call for call in room.calls if call != "build"] == ["search", "recolor", "settings of zoe"]
    window.close_down()
    assert room.calls[-1] == "close"


async def test_the_parts_of_a_room_are_built_while_the_loop_is_idle(window: MainWindow) -> None:
    room = example(window)
    window.rooms.build_the_rest()
    await until(lambda: not window.rooms._idle.isActive())
    assert room.calls.count("build") >= 3, "until the room says that nothing is left"


async def test_a_room_is_imported_before_it_is_built(
    companion: Companion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is a step of its own, so that neither delays the user's input for long."""
    window = MainWindow(Folders.of(tmp_path), [ROOMS[0], EXAMPLE, *ROOMS[1:]]).fill(companion)
    monkeypatch.delitem(sys.modules, "tests.ui.example_room")
    steps = []
    while not window.rooms.has("example"):
        window.rooms._build_next()
        steps.append((EXAMPLE.imported, window.rooms.has("example")))
    await close_and_destroy(window, companion)
    assert steps == [(False, False), (True, False), (True, True)], "the details of the log, the import, the room"


async def test_the_layout_of_the_room_is_saved(companion: Companion, tmp_path: Path) -> None:
    sizes: list[list[int]] = []
    for _ in range(2):
        window = MainWindow(Folders.of(tmp_path), [*ROOMS, EXAMPLE]).fill(companion)
        window.open_room("example")
        window.present()
        await until(window.isActiveWindow)
        room = example(window)
        if not sizes:
            room.splitter.setSizes([100, 400])
        sizes.append(room.splitter.sizes())
        await close_and_destroy(window, companion)
    assert sizes[0] == sizes[1]


async def test_ctrl_enter_does_nothing_in_a_room_without_fire(window: MainWindow, qtbot: Any) -> None:
    window.open_room("settings")
    message, rows = window.status.message.text(), window.companion.journal.last_seq
    qtbot.keyClick(window.rooms.page("settings"), Qt.Key.Key_Return, CONTROL)
    assert (window.status.message.text(), window.companion.journal.last_seq) == (message, rows)


# the list of rooms


def test_names_and_shortcuts_are_unique() -> None:
    for values in ([room.name for room in ROOMS], [room.title for room in ROOMS]):
        assert len(set(values)) == len(values)
    shortcuts = [room.shortcut for room in ROOMS if room.shortcut]
    assert len(set(shortcuts)) == len(shortcuts)
    assert ROOMS[0].name == EVENTS


async def test_every_entry_builds_its_room_which_uses_these_hooks(
    window: MainWindow, subtests: pytest.Subtests
) -> None:
    """A renamed method would otherwise switch a hook off without an error."""
    for room in ROOMS:
        with subtests.test(room=room.name):
            page = window.rooms.page(room.name)
            assert isinstance(page, QWidget)
            assert not ui_icon(room.icon, "#000000").isNull()
            assert room.group in Group
    hooks = [name for name, each in vars(room_hooks).items() if getattr(each, "_is_runtime_protocol", False)]
    uses = {
        room.name: {hook for hook in hooks if isinstance(window.rooms.page(room.name), getattr(room_hooks, hook))}
        for room in ROOMS
    }
    assert uses == {
        "events": {
            "BuildsInParts",
            "ClosesDown",
            "Recolors",
            "ReportsStatus",
            "Fires",
            "FollowsSettings",
            "RemembersLayout",
        },
        "clients": {"ClosesDown", "Recolors", "ReportsStatus", "Fires", "RemembersLayout"},
        "ui-state": {"ClosesDown", "Recolors", "ReportsStatus", "RemembersLayout", "Searches"},
        "inject": {"ClosesDown", "ReportsStatus", "Fires", "FollowsSettings"},
        "fixtures": {"ClosesDown", "Recolors", "ReportsStatus", "Fires", "RemembersLayout", "Searches"},
        "scenarios": {
            "ClosesDown",
            "HasBadge",
            "Recolors",
            "ReportsStatus",
            "Fires",
            "Pauses",
            "RemembersLayout",
            "Searches",
        },
        "chats": {"ClosesDown", "HasBadge", "Recolors", "ReportsStatus", "Fires", "RemembersLayout"},
        "sources": {"ClosesDown", "FollowsSettings", "Recolors", "ReportsStatus", "RemembersLayout"},
        "contract": {"ClosesDown", "FollowsSettings", "Recolors", "ReportsStatus", "RemembersLayout"},
        "faults": {"ClosesDown", "Recolors", "ReportsStatus", "Fires", "RemembersLayout", "Searches"},
        "settings": {"ReportsStatus", "FollowsSettings", "HasBadge", "Searches"},
        "help": {"ClosesDown", "Recolors", "ReportsStatus", "RemembersLayout", "Searches"},
    }
