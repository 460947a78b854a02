"""The rooms of the main window, in the order of the navigation. A new room takes one entry here.

This module is imported before the first paint, so it imports no room: ``Room.build`` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from app.ui.window import MainWindow


class Group(StrEnum):
    """The group that a room belongs to in the navigation."""

    WATCH = "Watch"
    FIRE = "Fire"
    WORLD = "World"
    PROVE = "Prove"
    PROGRAM = "Program"


@dataclass(frozen=True)
class Room:
    """An entry of the navigation and the page that it opens.

    ``icon`` is a file in ``resources/icons/ui``. ``factory`` is ``module:function``; the function gets the window,
    builds the page and connects it to the other rooms. ``room_hooks.py`` lists the protocols that a page can
    implement. ``shortcut`` may be empty.
    """

    name: str
    title: str
    icon: str
    group: Group
    factory: str
    shortcut: str = ""

    @property
    def tooltip(self) -> str:
        """The title, with the shortcut if there is one."""
        return f"{self.title} ({self.shortcut})" if self.shortcut else self.title

    def build(self, window: MainWindow) -> QWidget:
        """Import the room's module and build its page."""
        module, _, function = self.factory.partition(":")
        page: QWidget = getattr(import_module(module), function)(window)
        return page


EVENTS, CLIENTS, INJECT, FIXTURES, CHATS, SETTINGS, HELP = (
    "events", "clients", "inject", "fixtures", "chats", "settings", "help",
)  # fmt: skip

ROOMS = (
    Room(EVENTS, "Events", "events", Group.WATCH, "app.ui.rooms.events:create", "Ctrl+1"),
    Room(CLIENTS, "Clients", "clients", Group.WATCH, "app.ui.rooms.clients:create", "Ctrl+2"),
    Room(INJECT, "Inject", "inject", Group.FIRE, "app.ui.rooms.inject:create", "Ctrl+3"),
    Room(FIXTURES, "Fixtures", "fixtures", Group.FIRE, "app.ui.rooms.fixtures:create", "Ctrl+4"),
    Room(CHATS, "Chats", "chats", Group.WORLD, "app.ui.rooms.chats:create", "Ctrl+5"),
    Room(SETTINGS, "Settings", "settings", Group.PROGRAM, "app.ui.rooms.settings:create", "Ctrl+6"),
    Room(HELP, "Help", "help", Group.PROGRAM, "app.ui.rooms.help:create", "F1"),
)
