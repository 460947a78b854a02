"""The list of keyboard shortcuts names every key that the window reacts to, grouped by room."""

import re

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog, QLabel

from app.companion import Companion
from app.hub.origin import PANEL
from app.protocol.envelope import Envelope
from app.ui.room_registry import ROOMS
from app.ui.shortcuts import GROUPS, SHORTCUTS, room_shortcuts
from app.ui.window import MainWindow
from tests.conftest import until
from tests.test_manual import PAGES, keys_of, rows
from tests.ui.frames import wait_until_idle

pytestmark = pytest.mark.usefixtures("all_rooms")

TIMELINE_KEYS = {"Left", "Right", "Home", "End"}
"""Keys of the timeline in the window of a recording; they are no shortcuts."""


@pytest.fixture
async def dialog(window: MainWindow) -> QDialog:
    window.show_shortcuts()
    (dialog,) = window.findChildren(QDialog)
    await until(dialog.isVisible)
    return dialog


def labels(dialog: QDialog, style_id: str) -> list[QLabel]:
    return [each for each in dialog.findChildren(QLabel) if each.objectName() == style_id]


async def test_every_key_of_the_window_is_listed(window: MainWindow, companion: Companion) -> None:
    for room in ROOMS:
        window.open_room(room.name)
    assert window.events.held
    window.events.held.build()
    keys = {each.key().toString() for each in window.findChildren(QShortcut)}
    keys |= {key.toString() for each in window.findChildren(QAction) for key in each.shortcuts()}
    listed = {key for title, _ in [room_shortcuts(ROOMS), *SHORTCUTS] for key in keys_of(title)}
    assert {"Ctrl+K", "Ctrl+Shift+C", "P"} <= keys
    # Both Enter keys are listed as one. Ctrl+A (select all) is Qt's own key.
    assert keys - {"", "Ctrl+Return"} == listed - {"Ctrl+A", *TIMELINE_KEYS}


REPEATING = {"Alt+Left", "Alt+Right"}
"""Keys that move a selection or a position while they are held down."""


async def test_a_held_key_triggers_once_unless_it_moves_something(window: MainWindow, companion: Companion) -> None:
    for room in ROOMS:
        window.open_room(room.name)
    assert window.events.held
    window.events.held.build()
    window.open_breakpoints()
    window.reconnect_windows.open_lab()
    window.reconnect_windows.open_refuse()
    repeating = {each.key().toString() for each in window.findChildren(QShortcut) if each.autoRepeat()}
    for action in window.findChildren(QAction):
        if action.autoRepeat():
            repeating |= {key.toString() for key in action.shortcuts()}
    assert repeating == REPEATING


async def test_ctrl_r_that_is_held_down_fires_once(window: MainWindow, companion: Companion) -> None:
    await companion.composer.fire_event(Envelope("friend_online", {"username": "bob"}), origin=PANEL)
    for number in range(5):
        QTest.simulateEvent(window, True, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier, "\x12", number > 0, -1)
    await wait_until_idle(companion)
    rows = companion.journal.rows
    fired = [row.event for seq in range(rows.first, rows.last + 1) if (row := rows.row(seq))]
    assert fired.count("friend_online") == 2


def test_a_group_is_that_of_all_rooms_or_of_one() -> None:
    assert set(GROUPS) - {"Everywhere", "Recording"} <= {room.title for room in ROOMS}


def test_the_manual_has_the_same_groups() -> None:
    page = PAGES["shortcuts.md"]
    assert re.findall(r"^## (.+)$", page, re.MULTILINE) == list(GROUPS)
    for title, lines in GROUPS.items():
        in_manual = {keys for keys, _ in rows(page, title)}
        assert in_manual - {room_shortcuts(ROOMS)[0]} == {keys for keys, _ in lines}, title


async def test_the_dialog_lists_all_keys_below_the_titles_of_the_groups(dialog: QDialog) -> None:
    assert [label.text() for label in labels(dialog, "groupTitle")] == list(GROUPS)
    assert [label.text() for label in labels(dialog, "keyCap")] == [
        room_shortcuts(ROOMS)[0],
        *(keys for keys, _ in SHORTCUTS),
    ]


@pytest.mark.usefixtures("styled")
async def test_all_actions_begin_at_the_same_place_and_no_text_is_cut(dialog: QDialog) -> None:
    caps = labels(dialog, "keyCap")
    texts = [each for each in dialog.findChildren(QLabel) if not each.objectName()]
    assert len(texts) == len(caps)
    assert len({each.x() for each in texts}) == 1
    assert max(each.geometry().right() for each in caps) < texts[0].x()
    assert [each.text() for each in texts if each.height() < each.heightForWidth(each.width())] == []
