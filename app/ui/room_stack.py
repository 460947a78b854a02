"""Build the rooms of the main window, each on first use or when idle, and connect them with the window.
``room_registry`` lists the rooms, and says which are built only on first use (``on_demand``). Actions such as
Ctrl+F go to the visible room, changes of settings or theme to all rooms that were built. Messages and badges of
rooms are shown, and their layout is saved. ``room_hooks`` declares what a room may have for this.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget
from typing_extensions import override

from app.system.settings import Settings
from app.ui.room_hooks import (
    BuildsInParts,
    ClosesDown,
    Fires,
    FollowsSettings,
    HasBadge,
    Pauses,
    Recolors,
    RemembersLayout,
    ReportsStatus,
    Searches,
)
from app.ui.room_registry import Room
from app.ui.widgets.lazy_stack import LazyStack

if TYPE_CHECKING:
    from app.ui.window import MainWindow


class RoomStack(LazyStack):
    """One page per room of a window."""

    def __init__(self, window: MainWindow) -> None:
        self._rooms = {room.name: room for room in window.room_list}
        super().__init__(
            {name: partial(self._build, room) for name, room in self._rooms.items()},
            [name for name, room in self._rooms.items() if room.on_demand],
        )
        self._window = window

    def _build(self, room: Room) -> QWidget:
        """Build a room's page, connect its status messages and restore its layout."""
        page = room.build(self._window)
        if isinstance(page, HasBadge):
            page.badge_changed.connect(partial(self._window.navigation.set_badge, room.name))
        if isinstance(page, ReportsStatus):
            page.status_message.connect(self._window.status.show_message)
        if isinstance(page, RemembersLayout):
            for key, part in page.layout_parts.items():
                self._window.recall(key, part.restoreState)
        return page

    @override
    def _build_next(self) -> None:
        """Complete a room before the next one is built."""
        if not any(isinstance(room, BuildsInParts) and room.build_next_part() for room in self.built):
            super()._build_next()

    @override
    def _prepare(self, name: str) -> bool:
        """Import a room's module before the room is built, because both together would delay the user's input."""
        room = self._rooms[name]
        if room.imported:
            return False
        room.load()
        return True

    def fire_or_stop(self) -> None:
        """Do the main action of the visible room, such as to fire its event, or stop it, if the room has one."""
        if isinstance(room := self.page(self.current), Fires):
            room.fire_or_stop()

    def pause_or_resume(self) -> bool:
        """Pause or resume what the visible room runs. Return False if it runs nothing."""
        if not isinstance(room := self.page(self.current), Pauses):
            return False
        room.pause_or_resume()
        return True

    def focus_search(self) -> bool:
        """Give the search field of the visible room the keyboard focus. Return False if it has none."""
        if not isinstance(room := self.page(self.current), Searches):
            return False
        room.focus_search()
        return True

    def follow_settings(self, settings: Settings) -> None:
        """Pass changed settings to the rooms."""
        for room in self.built:
            if isinstance(room, FollowsSettings):
                room.follow_settings(settings)

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        from app.ui.widgets.code_view import CodeView

        for view in self.findChildren(CodeView):
            view.highlighter.recolor()
        for room in self.built:
            if isinstance(room, Recolors):
                room.recolor()

    def remember_layout(self) -> None:
        """Save the sizes of splitters and columns."""
        for room in self.built:
            if isinstance(room, RemembersLayout):
                for key, part in room.layout_parts.items():
                    self._window.memory.setValue(key, part.saveState())

    @override
    def close_down(self) -> None:
        super().close_down()
        for room in self.built:
            if isinstance(room, ClosesDown):
                room.close_down()
