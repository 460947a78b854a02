"""The list of keyboard shortcuts names every key that the window reacts to."""

import pytest
from PySide6.QtGui import QAction, QShortcut

from app.companion import Companion
from app.ui.room_registry import ROOMS
from app.ui.shortcuts import SHORTCUTS, room_shortcuts
from app.ui.window import MainWindow
from tests.test_manual import keys_of

pytestmark = pytest.mark.usefixtures("all_rooms")


async def test_every_key_of_the_window_is_listed(window: MainWindow, companion: Companion) -> None:
    for room in ROOMS:
        window.open_room(room.name)
    keys = {each.key().toString() for each in window.findChildren(QShortcut)}
    keys |= {key.toString() for each in window.findChildren(QAction) for key in each.shortcuts()}
    listed = {key for title, _ in [room_shortcuts(ROOMS), *SHORTCUTS] for key in keys_of(title)}
    assert {"Ctrl+K", "Ctrl+Shift+C", "P"} <= keys
    # Both Enter keys are listed as one, and F2 is Qt's own key for editing.
    assert keys - {"", "Ctrl+Return"} == listed - {"F2"}
