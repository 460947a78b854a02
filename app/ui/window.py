"""The main window: shows the rooms (pages) that ``room_registry`` lists, the status bar, and the window's
shortcuts.

Navigation, banner and strip are in the base class ``MainWindowShell``, which is painted first. This module passes
changes of the companion to the parts that show them, opens dialogs and other windows, and has methods that several
rooms call, such as ``open_room``. To add a room, see ``room_registry``; the ``create`` function of a room connects
it to the window and to other rooms.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Self

from msgspec.structs import replace
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QDialog
from typing_extensions import override

from app.ui.keys import Shortcut
from app.ui.main_window_shell import MainWindowShell
from app.ui.room_registry import (
    CHATS,
    CLIENTS,
    EVENTS,
    FAULTS,
    FIXTURES,
    HELP,
    INJECT,
    NUMBER_KEYS,
    ROOMS,
    SCENARIOS,
    SETTINGS,
    SOURCES,
)
from app.ui.typed_rooms import TypedRooms

if TYPE_CHECKING:  # loaded later: the shell is painted first
    from pathlib import Path

    from app.companion import Companion
    from app.hub.journal import Row
    from app.manual.pages import Manual
    from app.system.control_token import Token
    from app.ui.about import About
    from app.ui.breakpoint_dialog import BreakpointDialog
    from app.ui.fault_commands import FaultCommands
    from app.ui.palette import Palette
    from app.ui.reconnect_windows import ReconnectWindows
    from app.ui.recordings import RecordingWindows
    from app.ui.run_commands import RunCommands
    from app.ui.source_commands import SourceCommands
    from app.ui.source_watch import SourceWatch
    from app.ui.widgets.condition_strip import Condition
    from app.ui.widgets.first_steps import FirstSteps

__all__ = ["CHATS", "CLIENTS", "EVENTS", "FIXTURES", "HELP", "INJECT", "ROOMS", "SETTINGS", "MainWindow"]


STRIP_MS = 100
"""Debounce of the strip while connections are refused: a faulty UI reconnects a thousand times per second."""


class MainWindow(MainWindowShell, TypedRooms):
    """The main window with its rooms, once ``fill`` was called. A room is built when it is first opened or used."""

    quit_requested = Signal()
    save_requested = Signal(object)
    """Emitted with new ``Settings`` to save and apply. They are in use at once, unless a notice says why not."""
    edits_save_requested = Signal(object)
    """Emitted with those of the room Settings. A list in them replaces the one of an edited file."""
    fire_bar_requested = Signal()
    theme_previewed = Signal(str)
    """Emitted with a theme to show until the next one, without saving it."""
    first_steps: FirstSteps | None = None
    """The panel with the first steps, once it was shown."""
    filled = False
    token: Token | None = None
    has_tray = True
    """Whether there is a tray icon. The desktop program sets it with ``show_tray``."""

    def fill(self, companion: Companion) -> Self:
        """Show the current room and the status bar for a companion, then create the rest. Call it once."""
        from app.ui.conditions import Conditions
        from app.ui.firing import Firing
        from app.ui.room_stack import RoomStack
        from app.ui.room_tasks import RoomTasks
        from app.ui.widgets.status import StatusBar

        self.filled = True
        self.companion = companion
        self.status = StatusBar(companion)
        self.rooms = RoomStack(self)
        self.firing = Firing(companion, self.status.show_message)
        self._settings_shown = companion.settings
        self.open_control: Callable[[], Coroutine[Any, Any, Any]] = partial(companion.start_service, "control")
        """Starts the control API. The desktop program replaces it with a function that obtains the token first."""
        self._do = RoomTasks(companion.tasks, self.status.show_message)
        self._conditions = Conditions(
            companion,
            self._do,
            partial(self.open_room, SETTINGS),
            lambda: self.fault_commands.reset(),
            partial(self.open_room, EVENTS),
            lambda: self.rooms.current == EVENTS,
            self._changed_keys,
        )
        self.rooms.show_page(self.navigation.current)
        self._insert_rooms(self.rooms, self.status)
        self.show_conditions()
        if self.isVisible():
            self._paint_rooms()
            self.rooms.build_the_rest()
        self._complete()
        return self

    def _complete(self) -> None:
        """Create the parts that are not visible."""
        from app.ui.badges import RoomBadges
        from app.ui.breakpoint_follower import BreakpointFollower
        from app.ui.fault_watch import FaultWatch
        from app.ui.notices import Notices
        from app.ui.source_watch import WatchedWindow
        from app.ui.updates import Updates

        self.updates = Updates(self.companion, self.banner)
        self._notices = Notices(self)
        self._badges = RoomBadges(self)
        self._fault_watch = FaultWatch(self)
        WatchedWindow(self, self.source_watch)
        self._breakpoints = BreakpointFollower(self, self.companion)
        self._connect()
        self._add_shortcuts()
        self.show_state()

    @cached_property
    def scenario_runs(self) -> RunCommands:
        """Runs scenarios from the palette."""
        from app.ui.run_commands import RunCommands

        return RunCommands(self.companion, self.status.show_message)

    @cached_property
    def fault_commands(self) -> FaultCommands:
        """Arms and clears faults for the strip and the palette."""
        from app.ui.fault_commands import FaultCommands

        return FaultCommands(self.companion, self.status.show_message, self.status.show_message)

    @cached_property
    def source_watch(self) -> SourceWatch:
        """Follows the peers and the sources."""
        from app.ui.source_watch import SourceWatch

        return SourceWatch(self.companion)

    @cached_property
    def source_commands(self) -> SourceCommands:
        """Switches sources, and decides about changed keys, for the strip and the palette."""
        from app.ui.source_commands import SourceCommands

        return SourceCommands(self, self.companion, self.status.show_message, self.status.show_message)

    def _changed_keys(self) -> list[Condition]:
        """Return the lines of the strip about peers whose keys have changed. Sources lists them itself."""
        if "source_watch" not in vars(self):  # nothing was read yet
            return []
        if not self.source_watch.changed_keys or self.rooms.current == SOURCES:
            return []
        from app.ui.source_watch import conditions

        return conditions(
            self.source_watch,
            lambda changed: self.source_commands.ask_to_accept(changed),
            lambda changed: self.source_commands.reject(changed),
        )

    @cached_property
    def manual(self) -> Manual:
        """The manual that the Help room shows."""
        from app.manual.pages import GeneratedPage, installed

        return installed([GeneratedPage("events-in-use", "Your events", "contract", self._events_page)])

    def _events_page(self) -> str:
        """Return a page about all events in use."""
        from app.protocol.contract_documents.described_event import EnvelopeKeys, described
        from app.protocol.contract_documents.event_page import event_page

        settings = self.companion.settings
        keys = EnvelopeKeys(event=settings.envelope_event_key, data=settings.envelope_data_key)
        return event_page(described(self.companion.catalog), keys)

    # called by the desktop program and by widgets

    def show_token(self, token: Token | None) -> None:
        """Keep the token of the control API for Settings, which can copy it; None if there is none."""
        self.token = token
        if self.rooms.has(SETTINGS):
            self.settings.show_token(token)

    def show_tray(self, available: bool) -> None:
        """Remember whether there is a tray icon, and show it in Settings, whose notifications need it."""
        if available != self.has_tray:
            self.has_tray = available
            if self.rooms.has(SETTINGS):
                self.settings.show_tray(available)

    def show_warnings(self) -> None:
        """Show in the banner what was noticed at the start, such as a run that did not end normally."""
        self._notices.show_warnings()

    def show_rejection(self, text: str) -> None:
        """Show why an editor rejected a text."""
        self.status.show_message(text)

    def open_room(self, name: str) -> None:
        """Show a room and give it the keyboard focus."""
        self.rooms.show_page(name)
        self.navigation.select(name)
        self.rooms.page(name).setFocus(Qt.FocusReason.ShortcutFocusReason)

    @cached_property
    def recordings(self) -> RecordingWindows:
        """The windows of opened recordings."""
        from app.ui.recordings import RecordingWindows

        return RecordingWindows(self)

    @cached_property
    def reconnect_windows(self) -> ReconnectWindows:
        """The windows *Reconnect lab* and *Refuse connections*."""
        from app.ui.reconnect_windows import ReconnectWindows

        return ReconnectWindows(self)

    def open_recording(self, recording: str | Path) -> None:
        """Open a recording in a window of its own: by its name, or a file."""
        self.recordings.open(recording)

    @override
    def recolor(self) -> None:
        """Use the colours of the current theme."""
        super().recolor()
        if self.filled:
            self.rooms.recolor()
        if "recordings" in vars(self):
            self.recordings.recolor()

    def close_down(self) -> None:
        """Save the layout, disconnect from all signals and close the rooms. The last call before destruction."""
        self._memory.setValue("geometry", self.saveGeometry())
        self._remember_navigation()
        self.rooms.remember_layout()
        self._memory.sync()
        if "recordings" in vars(self):
            self.recordings.close_down()
        if "reconnect_windows" in vars(self):
            self.reconnect_windows.close_down()
        self._disconnect()
        self._disconnect_refusals()
        self._strip_timer.stop()
        self._notices.close_down()
        self._badges.close_down()
        self._fault_watch.close_down()
        self.source_watch.close_down()
        if "source_commands" in vars(self):
            self.source_commands.close_down()
        if "fault_commands" in vars(self):
            self.fault_commands.close_down()
        self._breakpoints.close_down()
        self.firing.close_down()
        self.scenario_runs.close_down()
        self._do.close()
        self.updates.close_down()
        self.status.close_down()
        if self.first_steps:
            self.first_steps.close_down()
        self.rooms.close_down()

    def show_state(self) -> None:
        """Show in the strip and the banner what does not work, and pass changed settings to the rooms."""
        self.show_conditions()
        self._notices.show_services()
        if self.companion.settings is not self._settings_shown:
            self._settings_shown = self.companion.settings
            self.rooms.follow_settings(self._settings_shown)
            if "recordings" in vars(self):
                self.recordings.follow_settings(self._settings_shown)

    def _show_listed_conditions(self) -> None:
        """Show or hide the conditions that Events and Sources list themselves: held items, changed keys."""
        if self._breakpoints.held or self.source_watch.changed_keys:
            self.show_conditions()

    def show_conditions(self) -> None:
        """Show in the strip why frames do not leave as expected."""
        self.strip.show_conditions(self._conditions.current())

    # building

    def _connect(self) -> None:
        self.navigation.room_chosen.connect(self.rooms.show_page)
        self.version.clicked.connect(self.open_about)
        self.palette_button.clicked.connect(self.open_palette)
        for notices in (self.banner, self.strip):
            notices.focus_released.connect(lambda: self.rooms.page(self.rooms.current).setFocus())
        self._breakpoints.changed.connect(self.show_conditions)
        self.rooms.currentChanged.connect(lambda _: self._show_listed_conditions())
        self._disconnect = self.companion.changed.connect(lambda _: self.show_state())
        self._strip_timer = QTimer(self, interval=STRIP_MS, singleShot=True)
        self._strip_timer.timeout.connect(lambda: self.strip.show_conditions(self._conditions.current()))
        self._disconnect_refusals = self.companion.refusals.changed.connect(
            lambda _: None if self._strip_timer.isActive() else self._strip_timer.start()
        )

    def _add_shortcuts(self) -> None:
        keys: dict[str, Callable[[], object]] = {
            "Ctrl+Return": self.rooms.fire_or_stop,
            "Ctrl+Enter": self.rooms.fire_or_stop,
            "Ctrl+R": self.firing.repeat,
            "Ctrl+K": self.open_palette,
            "Ctrl+B": self.fire_bar_requested.emit,
            "Ctrl+L": lambda: self.events.clear(),
            "Ctrl+F": self._search,
            "F8": self.continue_held,
            "?": self.show_shortcuts,
            "Ctrl+Q": self.quit_requested.emit,
            "Ctrl+W": self.close,
        }
        rooms = self.room_list
        keys |= {f"Ctrl+{n}": partial(self.open_room, each.name) for n, each in enumerate(rooms[:NUMBER_KEYS], 1)}
        keys |= {each.shortcut: partial(self.open_room, each.name) for each in rooms if each.shortcut}
        keys["F1"] = self.open_help
        for key, act in keys.items():
            Shortcut(key, self, act)

    # user actions

    def open_palette(self) -> Palette:
        """Open the command palette."""
        from app.ui.palette_commands import open_palette

        return open_palette(self)

    def open_setting(self, name: str) -> None:
        """Open Settings at a setting; ``name`` is its key in the settings file."""
        self.open_room(SETTINGS)
        self.settings.show_setting(name)

    def show_first_steps(self, *, focus: bool = True) -> FirstSteps:
        """Show the first steps above the rooms. ``focus`` gives them the keyboard focus."""
        from app.ui.widgets import first_steps

        if self.first_steps is None:
            self.first_steps = first_steps.create(self)
            self._place.insertWidget(0, self.first_steps)
        self.first_steps.show()
        if focus:
            self.first_steps.setFocus()
        return self.first_steps

    def open_breakpoints(self) -> BreakpointDialog:
        """Open the list of breakpoints. The log's filter is the suggestion for a new one."""
        from app.ui.breakpoint_dialog import BreakpointDialog

        dialog = next(iter(self.findChildren(BreakpointDialog)), None)
        if dialog is None or not dialog.isVisible():
            dialog = BreakpointDialog(self, self.companion, self.events.bar.known)
            dialog.manual_requested.connect(lambda: self.open_help("breakpoints"))
        dialog.show_filter(self.events.filter.text())
        dialog.show()
        dialog.raise_()
        dialog.activateWindow()
        return dialog

    def continue_held(self) -> None:
        """Let the selected or the oldest held item continue. If nothing is held, pause or resume in Scenarios."""
        if self.companion.has_breakpoints and self.companion.breakpoints.held and self.events.held:
            self.events.held.continue_next()
        elif not self.rooms.pause_or_resume():
            self.status.show_message("Nothing is held at a breakpoint")

    def open_help(self, topic: str = "") -> None:
        """Open the manual at the page about a room or a command.

        Without a topic, open the page about the part that has the keyboard focus, or else about the current room.
        """
        from app.ui.help_topics import topic_of

        topic = topic or topic_of(self.focusWidget()) or self.rooms.current
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

    def allow(self, origin: str) -> None:
        """Add a refused origin to the allowed origins."""
        settings = self.companion.settings
        origins = list(dict.fromkeys([*settings.allowed_origins, origin]))
        self.save_requested.emit(replace(settings, allowed_origins=origins))
        if origin in self.companion.settings.allowed_origins:
            self.banner.remove_notice("refused")
            self.status.show_message(f"{origin} is allowed. Reload the page.")

    def pin(self, names: list[str]) -> None:
        """Save the list of fixtures that the tray menu shows."""
        self.save_requested.emit(replace(self.companion.settings, pinned=names))

    def _search(self) -> None:
        """Search in the visible room if it has a search of its own, and filter the log otherwise."""
        if not self.rooms.focus_search():
            self.open_filter()

    def open_filter(self) -> None:
        """Open Events, and give the filter of the log the keyboard focus."""
        self.open_room(EVENTS)
        self.events.focus_filter()

    def edit(self, row: Row) -> None:
        """Open Inject with an event from the log."""
        self.inject.edit(row)
        self.open_room(INJECT)

    def edit_scenario(self, text: str) -> None:
        """Open Scenarios with a new scenario."""
        self.open_room(SCENARIOS)
        self.scenarios.write(text)

    def send_to(self, client: int) -> None:
        """Open Inject with a client as the target."""
        self.inject.bar.choose_client(client)
        self.open_room(INJECT)

    def arm_faults_for(self, client: int) -> None:
        """Open Faults with a client as the target."""
        from app.hub.target import Target

        self.open_room(FAULTS)
        self.faults.choose_target(Target(clients=frozenset({client})))

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
