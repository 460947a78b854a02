"""The one window: navigation, rooms, banner, status bar."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, cast, runtime_checkable

from msgspec.structs import replace
from PySide6.QtCore import QByteArray, QSettings, QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QGuiApplication, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app import __version__
from app.companion import Companion
from app.hub.hub import Delivery
from app.hub.journal import Row
from app.protocol.fixture import Fixture
from app.system.paths import Folders
from app.ui import theme
from app.ui.about import About
from app.ui.background import Errands
from app.ui.icons import icon, ui_icon
from app.ui.palette import Command, Palette
from app.ui.shortcuts import show_shortcuts
from app.ui.updates import Updates
from app.ui.widgets.banner import Banner
from app.ui.widgets.json_view import JsonView
from app.ui.widgets.lazy_stack import LazyStack
from app.ui.widgets.naming import named
from app.ui.widgets.status import StatusBar

if TYPE_CHECKING:
    from app.ui.rooms.chats import ChatsRoom
    from app.ui.rooms.clients import ClientsRoom
    from app.ui.rooms.events import EventsRoom
    from app.ui.rooms.fixtures import FixturesRoom
    from app.ui.rooms.inject import InjectRoom
    from app.ui.rooms.settings import SettingsRoom

EVENTS, CLIENTS, INJECT, FIXTURES, CHATS, SETTINGS = range(6)
ROOMS = (
    ("Events", "events"),
    ("Clients", "clients"),
    ("Inject", "inject"),
    ("Fixtures", "fixtures"),
    ("Chats", "chats"),
    ("Settings", "settings"),
)


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


class Window(QMainWindow):
    """Emits ``closed`` when the person closes it: the desktop decides what that means.

    The rooms are built when they are first wanted: a start shows one of them.
    """

    closed = Signal()
    quit_requested = Signal()
    save_requested = Signal(object)
    """New settings."""

    def __init__(self, companion: Companion, folders: Folders) -> None:
        super().__init__()
        self._companion = companion
        self._memory = QSettings(str(folders.window_file), QSettings.Format.IniFormat)
        self.setWindowTitle("P2P Chat Companion")
        self.setWindowIcon(icon("app"))
        self.setMinimumSize(QSize(880, 560).boundedTo(self.screen().availableSize()))
        self._folders = folders
        self.banner = Banner()
        self.status = StatusBar(companion)
        self.rooms = LazyStack(
            (
                self._make_events, self._make_clients, self._make_inject, self._make_fixtures, self._make_chats,
                self._make_settings,
            )
        )  # fmt: skip
        self._navigation = QButtonGroup(self)
        self._settings_shown = companion.settings
        self.open_control: Callable[[], Coroutine[Any, Any, Any]] = companion.start_control
        """Obtains the token and answers scripts: the desktop knows more than the companion."""
        self.updates = Updates(companion, self.banner)
        self._do = Errands(companion.tasks, self.status.say)
        self._lay_out()
        self._connect()
        self._add_shortcuts()
        self._restore()
        self.rooms.show_page(EVENTS)
        self.show_state()

    # the rooms

    @property
    def events(self) -> "EventsRoom":
        """The log."""
        return cast("EventsRoom", self.rooms.page(EVENTS))

    @property
    def clients(self) -> "ClientsRoom":
        """Who is connected."""
        return cast("ClientsRoom", self.rooms.page(CLIENTS))

    @property
    def inject(self) -> "InjectRoom":
        """The forms."""
        return cast("InjectRoom", self.rooms.page(INJECT))

    @property
    def fixtures(self) -> "FixturesRoom":
        """The saved events."""
        return cast("FixturesRoom", self.rooms.page(FIXTURES))

    @property
    def chats(self) -> "ChatsRoom":
        """The friends."""
        return cast("ChatsRoom", self.rooms.page(CHATS))

    @property
    def settings(self) -> "SettingsRoom":
        """The settings."""
        return cast("SettingsRoom", self.rooms.page(SETTINGS))

    def _make_events(self) -> "EventsRoom":
        from app.ui.rooms.events import EventsRoom

        room = EventsRoom(self._companion)
        room.edit_requested.connect(self._edit)
        room.inject_requested.connect(lambda: self.open_room(INJECT))
        room.save_requested.connect(lambda row: self.fixtures.save_row(row))
        room.told.connect(self.status.say)
        self._recall("log/details", room.splitter.restoreState)
        self._recall("log/columns", room.table.horizontalHeader().restoreState)
        return room

    def _make_clients(self) -> "ClientsRoom":
        from app.ui.rooms.clients import ClientsRoom

        room = ClientsRoom(self._companion)
        room.send_requested.connect(self._send_to)
        room.refused.allow_requested.connect(self._allow)
        room.told.connect(self.status.say)
        self._recall("clients/columns", room.table.horizontalHeader().restoreState)
        return room

    def _make_inject(self) -> "InjectRoom":
        from app.ui.rooms.inject import InjectRoom

        room = InjectRoom(self._companion)
        room.bar.told.connect(self.status.say)
        return room

    def _make_fixtures(self) -> "FixturesRoom":
        from app.ui.rooms.fixtures import FixturesRoom

        room = FixturesRoom(self._companion)
        room.pins_changed.connect(self._pin)
        room.told.connect(self.status.say)
        room.bar.told.connect(self.status.say)
        return room

    def _make_chats(self) -> "ChatsRoom":
        from app.ui.rooms.chats import ChatsRoom

        room = ChatsRoom(self._companion)
        room.reloaded.connect(lambda: self.inject.refresh() if self.rooms.has(INJECT) else None)
        room.told.connect(self.status.say)
        return room

    def _make_settings(self) -> "SettingsRoom":
        from app.ui.rooms.settings import SettingsRoom

        room = SettingsRoom(self._companion.settings, self._folders)
        room.save_requested.connect(self.save_requested)
        room.told.connect(self.status.say)
        return room

    # what the desktop calls

    def open_room(self, number: int) -> None:
        """Show a room."""
        self._navigation.button(number).setChecked(True)
        self.rooms.show_page(number)
        self.rooms.page(number).setFocus(Qt.FocusReason.ShortcutFocusReason)

    def present(self) -> None:
        """Come to the front, wherever the window is."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    def recolor(self) -> None:
        """Take the colours of the scheme in force."""
        for number, (_, name) in enumerate(ROOMS):
            self._navigation.button(number).setIcon(ui_icon(name, theme.colors().muted))
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
            self._memory.setValue("clients/columns", self.clients.table.horizontalHeader().saveState())
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

    def take_hint(self, name: str) -> bool:
        """Return whether a one-time hint is due, and note that it was shown."""
        due = not self._memory.value(f"hints/{name}", False, bool)
        self._memory.setValue(f"hints/{name}", True)
        return bool(due)

    def show_state(self) -> None:
        """Say in the banner what keeps the server from listening."""
        companion = self._companion
        self._tell_trouble(
            "port",
            companion.trouble,
            "Stop that program and retry, or choose another port in Settings.",
            companion.start,
        )
        self._tell_trouble(
            "rest",
            companion.rest_trouble,
            "Events work; your UI's REST calls are not answered here. Does the real backend run?",
            companion.start_rest,
        )
        self._tell_trouble(
            "control", companion.control_trouble, "Scripts cannot reach this companion.", self.open_control
        )
        if self._companion.settings is not self._settings_shown:
            self._settings_shown = self._companion.settings
            if self.rooms.has(SETTINGS):
                self.settings.follow(self._settings_shown)
            if self.rooms.has(INJECT):
                self.inject.rebuild()

    # building

    def _lay_out(self) -> None:
        right = QVBoxLayout()
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(0)
        right.addWidget(self.banner)
        right.addWidget(self.rooms, 1)
        body = QHBoxLayout()
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(0)
        body.addWidget(self._make_navigation())
        body.addLayout(right, 1)
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(body, 1)
        self.status.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        column.addWidget(self.status)
        self.setCentralWidget(whole)

    def _make_navigation(self) -> QWidget:
        side = QWidget()
        side.setObjectName("navigation")
        side.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        side.setFixedWidth(168)
        column = QVBoxLayout(side)
        column.setContentsMargins(10, 14, 10, 12)
        column.setSpacing(4)
        title = QLabel("P2P Chat\nCompanion")
        title.setObjectName("brand")
        brand = QHBoxLayout()
        brand.setContentsMargins(6, 0, 0, 12)
        brand.setSpacing(10)
        picture = QLabel()
        picture.setPixmap(icon("app").pixmap(32, 32))
        brand.addWidget(picture)
        brand.addWidget(title, 1)
        column.addLayout(brand)
        for number, (name, _) in enumerate(ROOMS):
            button = named(QPushButton(name), name, id="nav", tip=f"{name} (Ctrl+{number + 1})")
            button.setCheckable(True)
            button.setIconSize(QSize(20, 20))
            self._navigation.addButton(button, number)
            column.addWidget(button)
        column.addStretch(1)
        self.version = named(QPushButton(f"Version {__version__}"), "About", id="flat", tip="About")
        column.addWidget(self.version, 0, Qt.AlignmentFlag.AlignLeft)
        self._navigation.button(EVENTS).setChecked(True)
        self.recolor()
        return side

    def _connect(self) -> None:
        self._navigation.idClicked.connect(self.rooms.show_page)
        self.version.clicked.connect(self.open_about)
        self._disconnects = [
            self._companion.changed.connect(lambda _: self.show_state()),
            self._companion.chat.stranger.connect(self._offer_persona),
        ]

    def _add_shortcuts(self) -> None:
        keys: dict[str, Callable[[], object]] = {
            "Ctrl+Return": self._fire,
            "Ctrl+Enter": self._fire,
            "Ctrl+R": self.repeat,
            "Ctrl+K": self.open_palette,
            "Ctrl+L": lambda: self.events.clear(),
            "Ctrl+F": self._filter,
            "?": lambda: show_shortcuts(self),
            "F1": lambda: show_shortcuts(self),
            "Ctrl+Q": self.quit_requested.emit,
            "Ctrl+W": self.close,
        }
        for number in range(len(ROOMS)):
            keys[f"Ctrl+{number + 1}"] = partial(self.open_room, number)
        for key, act in keys.items():
            QShortcut(QKeySequence(key), self, act)

    def _restore(self) -> None:
        self.resize(QSize(1120, 720).boundedTo(self.screen().availableSize()))
        self._recall("geometry", self.restoreGeometry)

    def _recall(self, key: str, restore: Callable[[QByteArray], object]) -> None:
        if isinstance(saved := self._memory.value(key), QByteArray):
            restore(saved)

    # what a person does

    def _fire(self) -> None:
        fixtures = self.rooms.currentIndex() == FIXTURES
        (self.fixtures if fixtures else self.inject).bar.fire_or_stop()

    def repeat(self) -> None:
        """Fire once more what was fired last."""
        self._do(self._companion.player.fire_again(origin="panel"), self._told)

    def _told(self, delivery: Delivery) -> None:
        self.status.say(f"{delivery.note[:1].upper()}{delivery.note[1:]} · #{delivery.seq}")

    def open_palette(self) -> Palette:
        """Offer everything."""
        palette = Palette(self, self._commands())
        palette.open()
        return palette

    def _commands(self) -> list[Command]:
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
            Command("Keyboard shortcuts", partial(show_shortcuts, self), "?"),
            Command("About: versions and licences", self.open_about),
            Command("Quit", self.quit_requested.emit, "Ctrl+Q"),
        ]

    def open_about(self) -> About:
        """Show versions and licences."""
        about = About(self, self._companion, self.updates.address)
        about.open()
        return about

    def fire_fixture(self, fixture: Fixture) -> None:
        """Fire a fixture."""
        self._do(self._companion.player.fire(fixture, origin="panel"), self._told)

    def _allow(self, origin: str) -> None:
        """Let an origin in that was refused."""
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

    def _tell_trouble(
        self, topic: str, trouble: str, advice: str, start: Callable[[], Coroutine[Any, Any, Any]]
    ) -> None:
        if trouble:
            actions = (("Retry", partial(self._retry, start)), ("Settings", partial(self.open_room, SETTINGS)))
            self.banner.say(f"{trouble} {advice}", actions, topic)
        else:
            self.banner.retract(topic)

    def _retry(self, start: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        self._companion.tasks.spawn(start(), "retry")

    def showEvent(self, event: QShowEvent) -> None:
        """Qt tells: once this is painted there is time for the other rooms."""
        super().showEvent(event)
        self.rooms.build_the_rest()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Qt tells: the desktop decides."""
        event.ignore()
        self.closed.emit()
