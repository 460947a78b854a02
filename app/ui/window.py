"""The main window: its shell, filled with rooms and a status bar."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, Self, cast, runtime_checkable

from msgspec.structs import replace
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeySequence, QShortcut, QShowEvent

from app.hub.origin import PANEL
from app.system.ports import OWN_PROCESS
from app.ui.main_window_shell import CHATS, CLIENTS, EVENTS, FIXTURES, INJECT, ROOMS, SETTINGS, MainWindowShell

if TYPE_CHECKING:  # loaded later: the shell is painted first
    from app.companion import Companion
    from app.hub.hub import Delivery
    from app.hub.journal import Row
    from app.hub.refused import Refused
    from app.protocol.fixture import Fixture
    from app.ui.about import About
    from app.ui.palette import Command, Palette
    from app.ui.rooms.chats import ChatsRoom
    from app.ui.rooms.clients import ClientsRoom
    from app.ui.rooms.events import EventsRoom
    from app.ui.rooms.fixtures import FixturesRoom
    from app.ui.rooms.inject import InjectRoom
    from app.ui.rooms.settings import SettingsRoom

__all__ = ["CHATS", "CLIENTS", "EVENTS", "FIXTURES", "INJECT", "ROOMS", "SETTINGS", "Window"]

MOST_OFFERS = 20
"""A program that invents origins must not keep the window busy."""


@runtime_checkable
class Listening(Protocol):
    """A room that listens to the companion until ``close_down``."""

    def close_down(self) -> None:
        """Stop listening."""


@runtime_checkable
class Colored(Protocol):
    """A room that draws something in colours of its own."""

    def recolor(self) -> None:
        """Take the colours of the scheme in force."""


class ShownService(Protocol):
    """What the banner shows of a server. See ``endpoints.service.Service``."""

    name: str
    error: str
    consequence: str


class Window(MainWindowShell):
    """The main window with its rooms, after ``fill``. A room is built when it is first opened or used."""

    quit_requested = Signal()
    save_requested = Signal(object)
    """New settings."""
    filled = False

    def fill(self, companion: Companion) -> Self:
        """Show a companion. Called once."""
        from app.ui.background import RoomTasks
        from app.ui.updates import Updates
        from app.ui.widgets.lazy_stack import LazyStack
        from app.ui.widgets.status import StatusBar

        self.filled = True
        self._offered_origins: set[str] = set()
        self._companion = companion
        self.status = StatusBar(companion)
        self.rooms = LazyStack(
            (
                self._make_events, self._make_clients, self._make_inject, self._make_fixtures, self._make_chats,
                self._make_settings,
            )
        )  # fmt: skip
        self._settings_shown = companion.settings
        self.open_control: Callable[[], Coroutine[Any, Any, Any]] = partial(companion.start_service, "control")
        """Obtains the token and answers scripts: the desktop knows more than the companion."""
        self.updates = Updates(companion, self.banner)
        self._do = RoomTasks(companion.tasks, self.status.say)
        self._put_in(self.rooms, self.status)
        self._connect()
        self._add_shortcuts()
        self.rooms.show_page(max(EVENTS, self._navigation.checkedId()))
        self.show_state()
        if self.isVisible():
            self.repaint()  # before more rooms are built
            self.rooms.build_the_rest()
        return self

    # the rooms

    @property
    def events(self) -> EventsRoom:
        """The log."""
        return cast("EventsRoom", self.rooms.page(EVENTS))

    @property
    def clients(self) -> ClientsRoom:
        """Who is connected."""
        return cast("ClientsRoom", self.rooms.page(CLIENTS))

    @property
    def inject(self) -> InjectRoom:
        """The forms."""
        return cast("InjectRoom", self.rooms.page(INJECT))

    @property
    def fixtures(self) -> FixturesRoom:
        """The saved events."""
        return cast("FixturesRoom", self.rooms.page(FIXTURES))

    @property
    def chats(self) -> ChatsRoom:
        """The friends."""
        return cast("ChatsRoom", self.rooms.page(CHATS))

    @property
    def settings(self) -> SettingsRoom:
        """The settings."""
        return cast("SettingsRoom", self.rooms.page(SETTINGS))

    def _make_events(self) -> EventsRoom:
        from app.ui.rooms.events import EventsRoom

        room = EventsRoom(self._companion)
        room.edit_requested.connect(self._edit)
        room.inject_requested.connect(lambda: self.open_room(INJECT))
        room.save_requested.connect(lambda row: self.fixtures.save_row(row))
        room.status_message.connect(self.status.say)
        self._recall("log/details", room.splitter.restoreState)
        self._recall("log/columns", room.table.horizontalHeader().restoreState)
        return room

    def _make_clients(self) -> ClientsRoom:
        from app.ui.rooms.clients import ClientsRoom

        room = ClientsRoom(self._companion)
        room.send_requested.connect(self._send_to)
        room.refused.allow_requested.connect(self._allow)
        room.status_message.connect(self.status.say)
        self._recall("clients/columns with ready", room.table.horizontalHeader().restoreState)
        return room

    def _make_inject(self) -> InjectRoom:
        from app.ui.rooms.inject import InjectRoom

        room = InjectRoom(self._companion)
        room.bar.status_message.connect(self.status.say)
        return room

    def _make_fixtures(self) -> FixturesRoom:
        from app.ui.rooms.fixtures import FixturesRoom

        room = FixturesRoom(self._companion)
        room.pins_changed.connect(self._pin)
        room.status_message.connect(self.status.say)
        room.bar.status_message.connect(self.status.say)
        return room

    def _make_chats(self) -> ChatsRoom:
        from app.ui.rooms.chats import ChatsRoom

        room = ChatsRoom(self._companion)
        room.reloaded.connect(lambda: self.inject.refresh() if self.rooms.has(INJECT) else None)
        room.status_message.connect(self.status.say)
        return room

    def _make_settings(self) -> SettingsRoom:
        from app.ui.rooms.settings import SettingsRoom

        room = SettingsRoom(self._companion.settings, self._folders, friends=lambda: self._companion.personas)
        room.save_requested.connect(self.save_requested)
        room.status_message.connect(self.status.say)
        return room

    # what the desktop calls

    def show_rejection(self, text: str) -> None:
        """Show why an editor has rejected a text."""
        self.status.say(text)

    def open_room(self, number: int) -> None:
        """Show a room."""
        self._navigation.button(number).setChecked(True)
        self.rooms.show_page(number)
        self.rooms.page(number).setFocus(Qt.FocusReason.ShortcutFocusReason)

    def recolor(self) -> None:
        """Take the colours of the scheme in force."""
        super().recolor()
        if not self.filled:
            return
        from app.ui.widgets.json_view import JsonView

        for view in self.findChildren(JsonView):
            view.highlighter.recolor()
        for room in self.rooms.built:
            if isinstance(room, Colored):
                room.recolor()

    def close_down(self) -> None:
        """Remember sizes and stop listening to the companion: the last call before the end."""
        self._memory.setValue("geometry", self.saveGeometry())
        self._memory.setValue("log/details", self.events.splitter.saveState())
        self._memory.setValue("log/columns", self.events.table.horizontalHeader().saveState())
        if self.rooms.has(CLIENTS):
            self._memory.setValue("clients/columns with ready", self.clients.table.horizontalHeader().saveState())
        self._memory.sync()
        for disconnect in self._disconnects:
            disconnect()
        self._do.close()
        self.updates.close_down()
        self.status.close_down()
        self.rooms.close_down()
        for room in self.rooms.built:
            if isinstance(room, Listening):
                room.close_down()

    def show_state(self) -> None:
        """Say in the banner what keeps the server from listening."""
        companion = self._companion
        for service in companion.services:
            self._show_service(service)
        if self._companion.settings is not self._settings_shown:
            self._settings_shown = self._companion.settings
            if self.rooms.has(SETTINGS):
                self.settings.follow(self._settings_shown)
            if self.rooms.has(INJECT):
                self.inject.rebuild()

    # building

    def _connect(self) -> None:
        self._navigation.idClicked.connect(self.rooms.show_page)
        self.version.clicked.connect(self.open_about)
        self._disconnects = [
            self._companion.changed.connect(lambda _: self.show_state()),
            self._companion.chat.stranger.connect(self._offer_persona),
            self._companion.refused.added.connect(self._origin_refused),
        ]

    def _add_shortcuts(self) -> None:
        keys: dict[str, Callable[[], object]] = {
            "Ctrl+Return": self._fire,
            "Ctrl+Enter": self._fire,
            "Ctrl+R": self.repeat,
            "Ctrl+K": self.open_palette,
            "Ctrl+L": lambda: self.events.clear(),
            "Ctrl+F": self._filter,
            "?": self.show_shortcuts,
            "F1": self.show_shortcuts,
            "Ctrl+Q": self.quit_requested.emit,
            "Ctrl+W": self.close,
        }
        for number in range(len(ROOMS)):
            keys[f"Ctrl+{number + 1}"] = partial(self.open_room, number)
        for key, act in keys.items():
            QShortcut(QKeySequence(key), self, act)

    # what a person does

    def _fire(self) -> None:
        """Fire or send what the visible room holds. No text field may fire an event that is out of sight."""
        room = self.rooms.currentIndex()
        if room == CHATS:
            self.chats.composer.send()
        elif room != SETTINGS:
            (self.fixtures if room == FIXTURES else self.inject).bar.fire_or_stop()

    def repeat(self) -> None:
        """Fire once more what was fired last."""
        self._do(self._companion.player.fire_again(origin=PANEL), self._told)

    def _told(self, delivery: Delivery) -> None:
        parts = [f"{delivery.note[:1].upper()}{delivery.note[1:]}", f"#{delivery.seq}", *delivery.warnings]
        self.status.say(" · ".join(parts))

    def open_palette(self) -> Palette:
        """Offer everything."""
        from app.ui.palette import Palette

        palette = Palette(self, self._commands())
        palette.open()
        return palette

    def _commands(self) -> list[Command]:
        from app.ui.palette import Command

        companion = self._companion
        url = companion.server.url
        fires = [
            Command(f"Fire: {each.title}", partial(self.fire_fixture, each.fixture), each.name)
            for each in companion.fixtures.all
        ]
        rooms = [
            Command(f"Open {name}", partial(self.open_room, number), f"Ctrl+{number + 1}")
            for number, (name, _) in enumerate(ROOMS)
        ]
        return [
            Command("Repeat last", self.repeat, "Ctrl+R"),
            *fires,
            Command("Resume sending" if companion.hub.paused else "Pause sending", self.status.pause.click),
            Command("Stop server" if companion.server.listening else "Start server", self.status.power.click),
            *rooms,
            Command("Filter the log", self._filter, "Ctrl+F"),
            Command("Clear the log's view", self.events.clear, "Ctrl+L"),
            Command("Pause or resume the log's view", self.events.pause.toggle, "P"),
            Command("Copy the URL", partial(QGuiApplication.clipboard().setText, url), url),
            Command("Keyboard shortcuts", self.show_shortcuts, "?"),
            Command("About: versions and licences", self.open_about),
            Command("Quit", self.quit_requested.emit, "Ctrl+Q"),
        ]

    def show_shortcuts(self) -> None:
        """Show all keys."""
        from app.ui.shortcuts import show_shortcuts

        show_shortcuts(self)

    def open_about(self) -> About:
        """Show versions and licences."""
        from app.ui.about import About

        about = About(self, self._companion, self.updates.address)
        about.open()
        return about

    def fire_fixture(self, fixture: Fixture) -> None:
        """Fire a fixture."""
        self._do(self._companion.player.fire(fixture, origin=PANEL), self._told)

    def _origin_refused(self, refused: Refused) -> None:
        """Offer to allow a refused web page, in whichever room is open; once per origin."""
        from app.system.settings import origin_problem

        origin = refused.origin
        if not origin or origin in self._offered_origins or len(self._offered_origins) >= MOST_OFFERS:
            return
        self._offered_origins.add(origin)
        if origin_problem(origin) or len(origin) > 80:
            return
        self.banner.say(
            f"A page of {origin} may not connect. Allow this origin, then reload the page.",
            (("Allow this origin", partial(self._allow, origin)),),
            topic="refused",
        )

    def _allow(self, origin: str) -> None:
        """Let an origin in that was refused."""
        self.banner.retract("refused")
        settings = self._companion.settings
        origins = list(dict.fromkeys([*settings.allowed_origins, origin]))
        self.save_requested.emit(replace(settings, allowed_origins=origins))
        self.status.say(f"{origin} may connect now: reload that page")

    def _pin(self, names: list[str]) -> None:
        self.save_requested.emit(replace(self._companion.settings, pinned=names))

    def _filter(self) -> None:
        self.open_room(EVENTS)
        self.events.focus_filter()

    def _edit(self, row: Row) -> None:
        self.inject.edit(row)
        self.open_room(INJECT)

    def _send_to(self, client: int) -> None:
        self.inject.bar.choose_client(client)
        self.open_room(INJECT)

    def _offer_persona(self, name: str) -> None:
        self.banner.say(
            f"Your UI asked for a friend {name[:64]!r}, who is not in the cast. Add the persona, then ask again.",
            ((f"Add persona {name[:20]}", partial(self._add_persona, name)),),
            topic="stranger",
        )

    def _add_persona(self, name: str) -> None:
        self.banner.retract("stranger")
        self.chats.add_persona(name, is_friend=False)

    def _show_service(self, service: ShownService) -> None:
        """Show why a server does not listen, with a button that retries."""
        if not service.error:
            self.banner.retract(service.name)
            return
        own = OWN_PROCESS in service.error
        remedy = "" if own else "Stop that program and retry, or choose another port in Settings."
        if service.name == "rest" and not own:
            remedy = "Does the real backend run?"
        text = " ".join(part for part in (service.error, service.consequence, remedy) if part)
        actions = (
            ("Retry", partial(self._retry, service.name)),
            ("Settings", partial(self.open_room, SETTINGS)),
        )
        self.banner.say(text, actions, service.name)

    def _retry(self, name: str) -> None:
        start = self.open_control() if name == "control" else self._companion.start_service(name)
        self._companion.tasks.spawn(start, "retry")

    def showEvent(self, event: QShowEvent) -> None:
        """Qt tells: once this is painted there is time for the other rooms."""
        super().showEvent(event)
        if self.filled:
            self.rooms.build_the_rest()
