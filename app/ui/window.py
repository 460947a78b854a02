"""The main window: rooms, status bar, shortcuts and the command palette, in the shell that is painted first."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Self, cast

from msgspec.structs import replace
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QDialog, QWidget
from typing_extensions import override

from app.hub.origin import PANEL
from app.ui.main_window_shell import MainWindowShell
from app.ui.room_registry import (
    CHATS,
    CLIENTS,
    EVENTS,
    FIXTURES,
    HELP,
    INJECT,
    NUMBER_KEYS,
    ROOMS,
    SETTINGS,
    Room,
)

if TYPE_CHECKING:  # loaded later: the shell is painted first
    from app.companion import Companion
    from app.hub.expectation import ExpectationResult
    from app.hub.hub import Delivery
    from app.hub.journal import Row
    from app.manual.pages import Manual
    from app.protocol.fixture import Fixture
    from app.system.control_token import Token
    from app.ui.about import About
    from app.ui.palette import Palette
    from app.ui.rooms.chats import ChatsRoom
    from app.ui.rooms.clients import ClientsRoom
    from app.ui.rooms.events import EventsRoom
    from app.ui.rooms.fixtures import FixturesRoom
    from app.ui.rooms.help import HelpRoom
    from app.ui.rooms.inject import InjectRoom
    from app.ui.rooms.settings import SettingsRoom
    from app.ui.widgets.first_steps import FirstSteps

__all__ = ["CHATS", "CLIENTS", "EVENTS", "FIXTURES", "HELP", "INJECT", "ROOMS", "SETTINGS", "MainWindow"]

FIRST_TEXT = "Hi from {{persona}}!"
"""The message that the first steps fire."""


class MainWindow(MainWindowShell):
    """The main window with its rooms, once ``fill`` was called. A room is built when it is first opened or used."""

    quit_requested = Signal()
    save_requested = Signal(object)
    """Emitted with new ``Settings`` to save and apply."""
    fired = Signal(object)
    """Emitted with the ``Delivery`` of an event that the palette or *Repeat last* fired."""
    fire_bar_requested = Signal()
    first_steps: FirstSteps | None = None
    """The panel with the first steps, once it was shown."""
    filled = False
    token: Token | None = None

    def fill(self, companion: Companion) -> Self:
        """Create the rooms and the status bar for a companion. Call it once."""
        from app.ui.badges import RoomBadges
        from app.ui.conditions import Conditions
        from app.ui.notices import Notices
        from app.ui.room_tasks import RoomTasks
        from app.ui.updates import Updates
        from app.ui.widgets.lazy_stack import LazyStack
        from app.ui.widgets.status import StatusBar

        self.filled = True
        self.companion = companion
        self.status = StatusBar(companion)
        self.rooms = LazyStack(
            {room.name: partial(self._build, room) for room in self.room_list},
            [room.name for room in self.room_list if room.on_demand],
        )
        self._settings_shown = companion.settings
        self.open_control: Callable[[], Coroutine[Any, Any, Any]] = partial(companion.start_service, "control")
        """Starts the control API. The desktop program replaces it with a function that obtains the token first."""
        self.updates = Updates(companion, self.banner)
        self._do = RoomTasks(companion.tasks, self.status.show_message)
        self._conditions = Conditions(companion, self._do, partial(self.open_room, SETTINGS))
        self._notices = Notices(self)
        self._badges = RoomBadges(self)
        self._insert_rooms(self.rooms, self.status)
        self._connect()
        self._add_shortcuts()
        self.rooms.show_page(self.navigation.current)
        self.show_state()
        if self.isVisible():
            self.repaint()  # before more rooms are built
            self.rooms.build_the_rest()
        return self

    # the rooms

    @property
    def events(self) -> EventsRoom:
        """The room with the log."""
        return cast("EventsRoom", self.rooms.page(EVENTS))

    @property
    def clients(self) -> ClientsRoom:
        """The room with the connected clients."""
        return cast("ClientsRoom", self.rooms.page(CLIENTS))

    @property
    def inject(self) -> InjectRoom:
        """The room with a form per event."""
        return cast("InjectRoom", self.rooms.page(INJECT))

    @property
    def fixtures(self) -> FixturesRoom:
        """The room with the saved events."""
        return cast("FixturesRoom", self.rooms.page(FIXTURES))

    @property
    def chats(self) -> ChatsRoom:
        """The room with the conversations."""
        return cast("ChatsRoom", self.rooms.page(CHATS))

    @property
    def settings(self) -> SettingsRoom:
        """The room with the settings."""
        return cast("SettingsRoom", self.rooms.page(SETTINGS))

    @property
    def help(self) -> HelpRoom:
        """The room with the manual."""
        return cast("HelpRoom", self.rooms.page(HELP))

    @cached_property
    def manual(self) -> Manual:
        """The manual that the Help room shows."""
        from app.manual.pages import installed

        return installed()

    def _build(self, room: Room) -> QWidget:
        """Build a room's page, connect its status messages and restore its layout. See ``room_hooks.py``."""
        from app.ui.room_hooks import HasBadge, RemembersLayout, ReportsStatus

        page = room.build(self)
        if isinstance(page, HasBadge):
            page.badge_changed.connect(partial(self.navigation.set_badge, room.name))
        if isinstance(page, ReportsStatus):
            page.status_message.connect(self.status.show_message)
        if isinstance(page, RemembersLayout):
            for key, part in page.layout_parts.items():
                self._recall(key, part.restoreState)
        return page

    # called by the desktop program and by widgets

    def show_token(self, token: Token | None) -> None:
        """Keep the token of the control API for Settings, which can copy it; None if there is none."""
        self.token = token
        if self.rooms.has(SETTINGS):
            self.settings.show_token(token)

    def show_rejection(self, text: str) -> None:
        """Show why an editor rejected a text."""
        self.status.show_message(text)

    def open_room(self, name: str) -> None:
        """Show a room and give it the keyboard focus."""
        self.rooms.show_page(name)
        self.navigation.select(name)
        self.rooms.page(name).setFocus(Qt.FocusReason.ShortcutFocusReason)

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        super().recolor()
        if not self.filled:
            return
        from app.ui.room_hooks import Recolors
        from app.ui.widgets.json_view import JsonView

        for view in self.findChildren(JsonView):
            view.highlighter.recolor()
        for room in self.rooms.built:
            if isinstance(room, Recolors):
                room.recolor()

    def close_down(self) -> None:
        """Save the layout and stop listening to the companion. The last call before the window is destroyed."""
        from app.ui.room_hooks import ClosesDown, RemembersLayout

        self._memory.setValue("geometry", self.saveGeometry())
        self._remember_navigation()
        for room in self.rooms.built:
            if isinstance(room, RemembersLayout):
                for key, part in room.layout_parts.items():
                    self._memory.setValue(key, part.saveState())
        self._memory.sync()
        for disconnect in self._disconnects:
            disconnect()
        self._notices.close_down()
        self._badges.close_down()
        self._do.close()
        self.updates.close_down()
        self.status.close_down()
        if self.first_steps:
            self.first_steps.close_down()
        self.rooms.close_down()
        for room in self.rooms.built:
            if isinstance(room, ClosesDown):
                room.close_down()

    def show_state(self) -> None:
        """Show in the strip and the banner what does not work, and pass changed settings to the rooms."""
        from app.ui.room_hooks import FollowsSettings

        self.strip.show_conditions(self._conditions.current())
        self._notices.show_services()
        if self.companion.settings is not self._settings_shown:
            self._settings_shown = self.companion.settings
            for room in self.rooms.built:
                if isinstance(room, FollowsSettings):
                    room.follow_settings(self._settings_shown)

    # building

    def _connect(self) -> None:
        self.navigation.room_chosen.connect(self.rooms.show_page)
        self.version.clicked.connect(self.open_about)
        for notices in (self.banner, self.strip):
            notices.focus_released.connect(lambda: self.rooms.page(self.rooms.current).setFocus())
        self._disconnects = [
            self.companion.changed.connect(lambda _: self.show_state()),
        ]

    def _add_shortcuts(self) -> None:
        keys: dict[str, Callable[[], object]] = {
            "Ctrl+Return": self._fire,
            "Ctrl+Enter": self._fire,
            "Ctrl+R": self.repeat,
            "Ctrl+K": self.open_palette,
            "Ctrl+L": lambda: self.events.clear(),
            "Ctrl+F": self._search,
            "?": self.show_shortcuts,
            "Ctrl+Q": self.quit_requested.emit,
            "Ctrl+W": self.close,
        }
        keys |= {
            f"Ctrl+{n}": partial(self.open_room, room.name)
            for n, room in enumerate(self.room_list[:NUMBER_KEYS], 1)
        }
        keys |= {room.shortcut: partial(self.open_room, room.name) for room in self.room_list if room.shortcut}
        keys["F1"] = self.open_help
        for key, act in keys.items():
            QShortcut(QKeySequence(key), self, act)

    # user actions

    def _fire(self) -> None:
        """Handle Ctrl+Enter: the current room fires or sends."""
        from app.ui.room_hooks import Fires

        room = self.rooms.page(self.rooms.current)
        if isinstance(room, Fires):
            room.fire_or_stop()

    def repeat(self) -> None:
        """Fire the last event again."""
        self.fire(self.companion.composer.fire_again(origin=PANEL))

    def fire(self, firing: Coroutine[Any, Any, Delivery]) -> None:
        """Run a coroutine that fires an event, and show the result in the status bar."""
        self._do(firing, self._show_delivery)

    def _show_delivery(self, delivery: Delivery) -> None:
        parts = [f"{delivery.note[:1].upper()}{delivery.note[1:]}", f"#{delivery.seq}", *delivery.warnings]
        self.status.show_message(" · ".join(parts))
        self.fired.emit(delivery)

    def open_palette(self) -> Palette:
        """Open the command palette."""
        from app.ui.palette_commands import open_palette

        return open_palette(self)

    def open_setting(self, name: str) -> None:
        """Open Settings at a setting; ``name`` is its key in the settings file."""
        from app.ui.room_hooks import ShowsSetting

        self.open_room(SETTINGS)
        page = self.rooms.page(SETTINGS)
        if isinstance(page, ShowsSetting):
            page.show_setting(name)

    def show_first_steps(self, *, focus: bool = True) -> FirstSteps:
        """Show the first steps above the rooms. ``focus`` gives them the keyboard focus."""
        from app.ui.widgets.first_steps import FirstSteps

        if self.first_steps is None:
            steps = self.first_steps = FirstSteps(self.companion)
            steps.allow_requested.connect(self.allow)
            steps.name_chosen.connect(
                lambda name: self.save_requested.emit(replace(self.companion.settings, username=name))
            )
            steps.fire_requested.connect(self._fire_first_event)
            steps.skipped.connect(steps.hide)
            self.fired.connect(steps.show_fired)
            self._place.insertWidget(0, steps)
        self.first_steps.show()
        if focus:
            self.first_steps.address.setFocus()
        return self.first_steps

    def _fire_first_event(self) -> None:
        self.fire(self.companion.composer.fire_message("", FIRST_TEXT, origin=PANEL))

    def open_help(self, topic: str = "") -> None:
        """Open the manual at the page about a room or a command; without a topic, at the current room's page."""
        topic = topic or self.rooms.current
        self.help.open_page_about(topic)
        self.open_room(HELP)

    def show_shortcuts(self) -> QDialog:
        """Show the keyboard shortcuts."""
        from app.ui.shortcuts import show_shortcuts

        return show_shortcuts(self, self.room_list, self.open_help)

    def open_about(self) -> About:
        """Open the About dialog."""
        from app.ui.about import About

        about = About(self, self.companion, self.updates.address)
        about.help_requested.connect(lambda: self.open_help("index"))
        about.open()
        return about

    def fire_fixture(self, fixture: Fixture) -> None:
        """Fire a fixture, and show the result of its expectation."""
        self._do(self.companion.composer.fire(fixture, origin=PANEL), partial(self._show_fixture, fixture))

    def _show_fixture(self, fixture: Fixture, delivery: Delivery) -> None:
        self._show_delivery(delivery)
        self._do(self.companion.check_fixture(fixture, delivery), partial(self._show_expectation, fixture))

    def _show_expectation(self, fixture: Fixture, result: ExpectationResult | None) -> None:
        from app.ui.widgets.expect_row import fixture_result_text

        if result:
            self.status.show_message(fixture_result_text(fixture, result))

    def allow(self, origin: str) -> None:
        """Add a refused origin to the allowed origins."""
        self.banner.remove_notice("refused")
        settings = self.companion.settings
        origins = list(dict.fromkeys([*settings.allowed_origins, origin]))
        self.save_requested.emit(replace(settings, allowed_origins=origins))
        self.status.show_message(f"{origin} is allowed. Reload the page.")

    def pin(self, names: list[str]) -> None:
        """Save the list of fixtures that the tray menu shows."""
        self.save_requested.emit(replace(self.companion.settings, pinned=names))

    def _search(self) -> None:
        """Search in the visible room if it has a search of its own, and filter the log otherwise."""
        from app.ui.room_hooks import Searches

        room = self.rooms.page(self.rooms.current)
        if isinstance(room, Searches):
            room.focus_search()
        else:
            self.open_filter()

    def open_filter(self) -> None:
        """Open Events, and give the filter of the log the keyboard focus."""
        self.open_room(EVENTS)
        self.events.focus_filter()

    def edit(self, row: Row) -> None:
        """Open Inject with an event from the log."""
        self.inject.edit(row)
        self.open_room(INJECT)

    def send_to(self, client: int) -> None:
        """Open Inject with a client as the target."""
        self.inject.bar.choose_client(client)
        self.open_room(INJECT)

    def start_service(self, name: str) -> None:
        """Start a server again that could not listen."""
        start = self.open_control() if name == "control" else self.companion.start_service(name)
        self._do(start)

    @override
    def showEvent(self, event: QShowEvent) -> None:
        """Build the remaining rooms while the event loop is idle, once the window is visible."""
        super().showEvent(event)
        if self.filled:
            self.rooms.build_the_rest()
