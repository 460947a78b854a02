"""The rooms (pages) of the main window, in the order of the navigation. To add a room, add an entry here.

This module is imported before the first paint, so it imports no room: ``Room.build`` does.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from enum import StrEnum
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace
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


class Room(Struct, frozen=True):
    """An entry of the navigation and the page that it opens.

    ``icon`` is a file in ``resources/icons/ui``. ``factory`` is ``module:function``; the function gets the window,
    builds the page and connects it to the other rooms. ``room_hooks.py`` lists the protocols that a page can
    implement. ``shortcut`` is a key of its own; without one, ``numbered`` sets it.
    A room that is ``on_demand`` is not built before it is first used: it is large, and not used in every session.
    """

    name: str
    title: str
    icon: str
    group: Group
    factory: str
    shortcut: str = ""
    on_demand: bool = False

    @property
    def tooltip(self) -> str:
        """The title, with the shortcut if there is one."""
        return f"{self.title} ({self.shortcut})" if self.shortcut else self.title

    @property
    def imported(self) -> bool:
        """Whether the room's module is imported."""
        return self.factory.partition(":")[0] in sys.modules

    def load(self) -> ModuleType:
        """Import the room's module, and return it."""
        return import_module(self.factory.partition(":")[0])

    def build(self, window: MainWindow) -> QWidget:
        """Build the room's page; import its module first if necessary."""
        page: QWidget = getattr(self.load(), self.factory.partition(":")[2])(window)
        return page


EVENTS, CLIENTS, UI_STATE, INJECT, FIXTURES, SCENARIOS, CHATS, SOURCES, CONTRACT, FAULTS, SETTINGS, HELP = (
    "events", "clients", "ui-state", "inject", "fixtures", "scenarios", "chats", "sources", "contract", "faults",
    "settings", "help",
)  # fmt: skip

NUMBER_KEYS = 9
"""The first nine rooms have Ctrl+1 to Ctrl+9."""


def numbered(rooms: Iterable[Room]) -> tuple[Room, ...]:
    """Return the rooms, the first nine with their number as shortcut unless they have one of their own."""
    return tuple(
        replace(room, shortcut=f"Ctrl+{number}") if number <= NUMBER_KEYS and not room.shortcut else room
        for number, room in enumerate(rooms, 1)
    )


ROOMS = numbered(
    (
        Room(EVENTS, "Events", "events", Group.WATCH, "app.ui.rooms.events:create"),
        Room(CLIENTS, "Clients", "clients", Group.WATCH, "app.ui.rooms.clients:create"),
        Room(UI_STATE, "UI state", "ui-state", Group.WATCH, "app.ui.rooms.ui_state:create", on_demand=True),
        Room(INJECT, "Inject", "inject", Group.FIRE, "app.ui.rooms.inject:create"),
        Room(FIXTURES, "Fixtures", "fixtures", Group.FIRE, "app.ui.rooms.fixtures:create"),
        Room(SCENARIOS, "Scenarios", "scenarios", Group.FIRE, "app.ui.rooms.scenarios:create", on_demand=True),
        Room(CHATS, "Chats", "chats", Group.WORLD, "app.ui.rooms.chats:create"),
        Room(SOURCES, "Sources", "sources", Group.WORLD, "app.ui.rooms.sources:create", on_demand=True),
        Room(CONTRACT, "Contract", "contract", Group.PROVE, "app.ui.rooms.contract:create", on_demand=True),
        Room(FAULTS, "Faults", "faults", Group.PROVE, "app.ui.rooms.faults:create", "Ctrl+0", on_demand=True),
        Room(
            SETTINGS,
            "Settings",
            "settings",
            Group.PROGRAM,
            "app.ui.rooms.settings:create",
            "Ctrl+,",
            on_demand=True,
        ),
        Room(HELP, "Help", "help", Group.PROGRAM, "app.ui.rooms.help:create", "F1", on_demand=True),
    )
)  # fmt: skip
