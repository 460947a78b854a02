"""The one window: navigation, rooms, banner, status bar."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from msgspec.structs import replace
from PySide6.QtCore import QByteArray, QSettings, QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QPushButton,
    QStackedWidget,
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
from app.ui.rooms.chats import ChatsRoom
from app.ui.rooms.clients import ClientsRoom
from app.ui.rooms.events import EventsRoom
from app.ui.rooms.fixtures import FixturesRoom
from app.ui.rooms.inject import InjectRoom
from app.ui.rooms.settings import SettingsRoom
from app.ui.shortcuts import show_shortcuts
from app.ui.updates import Updates
from app.ui.widgets.banner import Banner
from app.ui.widgets.json_view import JsonView
from app.ui.widgets.naming import named
from app.ui.widgets.status import StatusBar

EVENTS, CLIENTS, INJECT, FIXTURES, CHATS, SETTINGS = range(6)
ROOMS = (
    ("Events", "events"),
    ("Clients", "clients"),
    ("Inject", "inject"),
    ("Fixtures", "fixtures"),
    ("Chats", "chats"),
    ("Settings", "settings"),
)


class Window(QMainWindow):
    """Emits ``closed`` when the person closes it: the desktop decides what that means."""

    closed = Signal()
    quit_requested = Signal()

    def __init__(self, companion: Companion, folders: Folders) -> None:
        super().__init__()
        self._companion = companion
        self._memory = QSettings(str(folders.window_file), QSettings.Format.IniFormat)
        self.setWindowTitle("P2P Chat Companion")
        self.setWindowIcon(icon("app"))
        self.setMinimumSize(QSize(880, 560).boundedTo(self.screen().availableSize()))
        self.events = EventsRoom(companion)
        self.clients = ClientsRoom(companion)
        self.inject = InjectRoom(companion)
        self.fixtures = FixturesRoom(companion)
        self.chats = ChatsRoom(companion)
        self.settings = SettingsRoom(companion.settings, folders)
        self.banner = Banner()
        self.status = StatusBar(companion)
        self.rooms = QStackedWidget()
        self._rooms: tuple[QWidget, ...] = (
            self.events, self.clients, self.inject, self.fixtures, self.chats, self.settings
        )  # fmt: skip
        for room in self._rooms:
            self.rooms.addWidget(room)
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
        self.show_state()

    # what the desktop calls

    def open_room(self, number: int) -> None:
        """Show a room."""
        self._navigation.button(number).setChecked(True)
        self.rooms.setCurrentIndex(number)
        self._rooms[number].setFocus(Qt.FocusReason.ShortcutFocusReason)

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
        self.events.recolor()
        self.clients.recolor()
        self.fixtures.recolor()
        self.chats.recolor()

    def close_down(self) -> None:
        """Remember sizes and stop listening to the companion: the last call before the end."""
        self._memory.setValue("geometry", self.saveGeometry())
        self._memory.setValue("log/details", self.events.splitter.saveState())
        self._memory.setValue("log/columns", self.events.table.horizontalHeader().saveState())
        self._memory.setValue("clients/columns", self.clients.table.horizontalHeader().saveState())
        self._memory.sync()
        for disconnect in self._disconnects:
            disconnect()
        self._do.close()
        self.updates.close_down()
        self.status.close_down()
        self.inject.bar.close_down()
        self.events.close_down()
        self.clients.close_down()
        self.fixtures.close_down()
        self.chats.close_down()

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
            self.settings.follow(self._settings_shown)
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
        self._navigation.idClicked.connect(self.rooms.setCurrentIndex)
        self.version.clicked.connect(self.open_about)
        self.events.edit_requested.connect(self._edit)
        self.events.inject_requested.connect(lambda: self.open_room(INJECT))
        self.clients.send_requested.connect(self._send_to)
        self.clients.refused.allow_requested.connect(self._allow)
        self.events.save_requested.connect(self.fixtures.save_row)
        self.fixtures.pins_changed.connect(self._pin)
        for told in (
            self.events.told, self.clients.told, self.inject.bar.told, self.fixtures.told, self.fixtures.bar.told,
            self.chats.told, self.settings.told,
        ):  # fmt: skip
            told.connect(self.status.say)
        self.chats.reloaded.connect(self.inject.refresh)
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
            "Ctrl+L": self.events.clear,
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
        for key, restore in (
            ("geometry", self.restoreGeometry),
            ("log/details", self.events.splitter.restoreState),
            ("log/columns", self.events.table.horizontalHeader().restoreState),
            ("clients/columns", self.clients.table.horizontalHeader().restoreState),
        ):
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
        self.settings.save_requested.emit(replace(settings, allowed_origins=origins))
        self.status.say(f"{origin} may connect now: reload that page")

    def _pin(self, names: list[str]) -> None:
        self.settings.save_requested.emit(replace(self._companion.settings, pinned=names))

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

    def closeEvent(self, event: QCloseEvent) -> None:
        """Qt tells: the desktop decides."""
        event.ignore()
        self.closed.emit()
