"""The Settings room: a form for the settings file, the tokens of the control API, and start at login.
*Save* changes start at login, and emits changed settings in ``save_requested``; ``desktop/tray_app.py`` writes the
file and applies them. Until then, a chosen theme is only previewed. The token buttons copy tokens, or revoke the
agent token, immediately.
"""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.protocol.counts import count
from app.system.autostart import Autostart, of_this_system
from app.system.control_token import Token, TokenError
from app.system.paths import Folders
from app.system.settings import AT_NEXT_START, Settings
from app.system.settings_checks import change_problems, rename_warning
from app.ui.browser import open_folder
from app.ui.keys import IN_CHILDREN, Shortcut
from app.ui.plain_text import PlainTextLabel
from app.ui.room_tasks import RoomTasks
from app.ui.setting_titles import SETTING_TITLES as TITLES
from app.ui.widgets.accessible_names import named
from app.ui.widgets.focus_start import FocusStart
from app.ui.widgets.navigation import Badge
from app.ui.widgets.search_field import SearchField
from app.ui.widgets.settings_fields import SettingsFields
from app.ui.widgets.settings_form import WIDTH, SettingsForm
from app.ui.widgets.token_buttons import TokenButtons
from app.ui.widgets.unsaved_bar import UnsavedBar

if TYPE_CHECKING:
    from app.ui.window import MainWindow

UNSAVED = Badge("●", "unsaved changes", "warning")


def create(window: "MainWindow") -> "SettingsRoom":
    """Build the room and connect it to the others."""
    companion = window.companion
    tokens = TokenButtons(
        lambda: companion.agent_token, RoomTasks(companion.tasks, window.status.show_message, (TokenError,))
    )
    room = SettingsRoom(
        companion.settings,
        window.folders,
        tokens,
        friends=lambda: companion.friends,
        clients=lambda: companion.hub.connection_count,
        peers=lambda: companion.peers.pinned.keys() & set(companion.friends),
    )
    room.save_requested.connect(window.edits_save_requested)
    room.theme_previewed.connect(window.theme_previewed)
    room.show_token(window.token)
    room.show_tray(window.has_tray)
    return room


class SettingsRoom(FocusStart):
    """Check and show the edits. *Save* emits ``save_requested`` with the changed ``Settings``."""

    save_requested = Signal(object)
    theme_previewed = Signal(str)
    """Emitted with the theme to show: the chosen one, or the saved one again after *Discard*."""
    status_message = Signal(str)
    badge_changed = Signal(object)

    def __init__(
        self,
        settings: Settings,
        folders: Folders,
        tokens: TokenButtons,
        autostart: Autostart | None = None,
        *,
        friends: Callable[[], Collection[str]] = tuple,
        clients: Callable[[], int] = lambda: 0,
        peers: Callable[[], Collection[str]] = tuple,
    ) -> None:
        """``friends`` returns the names that the local user cannot have, ``clients`` the number of clients.

        ``peers`` returns the names of the friends who are peers.
        """
        super().__init__()
        self._friends = friends
        self._clients = clients
        self._peers = peers
        self._settings = settings
        self._autostart = autostart or of_this_system(folders.data_dir)
        self._starts_at_login = False
        self._theme: str = settings.theme
        """The theme that is shown."""
        self.tokens = tokens
        self.fields = SettingsFields(folders, tokens, _files(folders))
        self.form = SettingsForm(self.fields.sections())
        self.bar = UnsavedBar()
        self.search = named(SearchField(limit=200, placeholder="Search settings"), "Search settings", tip="Ctrl+F")
        self.start_at(self.fields.username)
        self._lay_out()
        self.show_settings(settings)
        self.fields.edited.connect(self._check)
        self.search.textChanged.connect(self.form.filter)
        self.search.left.connect(self.setFocus)
        self.bar.save.clicked.connect(self._save)
        Shortcut("Ctrl+S", self, self.bar.save.click, IN_CHILDREN)
        self.bar.discard.clicked.connect(self._discard)
        tokens.status_message.connect(self.status_message)

    def _lay_out(self) -> None:
        top = QVBoxLayout()
        top.setContentsMargins(16, 12, 16, 8)
        self.search.setMaximumWidth(WIDTH)
        top.addWidget(self.search)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(top)
        column.addWidget(self.form, 1)
        column.addWidget(self.bar)

    def focus_search(self) -> None:
        """Give the search field the keyboard focus, and select its text."""
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    def show_setting(self, name: str) -> None:
        """Scroll to a setting and give it the keyboard focus."""
        self.search.clear()
        self.form.reveal(name)

    def show_token(self, token: Token | None) -> None:
        """Show whether the control API has a token."""
        self.tokens.show_token(token)

    def show_tray(self, available: bool) -> None:
        """Show whether there is a tray icon, which notifications need."""
        self.fields.show_tray(available)

    def show_settings(self, settings: Settings) -> None:
        """Fill the form with saved settings."""
        self._settings = settings
        self.fields.show_settings(settings)
        self._show_autostart()
        self._check()

    def follow_settings(self, settings: Settings) -> None:
        """Show the settings that have changed, and keep the edits of the others."""
        before, self._settings = self._settings, settings
        self.fields.follow_settings(before, settings)
        self._check()

    def _check(self) -> None:
        edited = self.fields.read(self._settings)
        errors: dict[str, list[str]] = {}
        for each in change_problems(self._settings, edited, self._friends()):
            errors.setdefault(each.name, []).append(each.reason)
        self.form.show_errors({name: "; ".join(reasons) for name, reasons in errors.items()})
        problem = "; ".join(f"{TITLES.get(name, name)}: {why}" for name, each in errors.items() for why in each)
        changed = edited != self._settings or self.fields.autostart.isChecked() != self._starts_at_login
        self.bar.show_changes(changed, self._consequences(edited), problem)
        self.badge_changed.emit(UNSAVED if changed else None)
        if edited.theme != self._theme:
            self._theme = edited.theme
            self.theme_previewed.emit(edited.theme)

    def _consequences(self, edited: Settings) -> list[str]:
        """Return the side effects of saving that the user might not expect."""
        consequences = []
        if edited.port != self._settings.port and (clients := self._clients()):
            consequences.append(f"{count(clients, 'client')} will be disconnected")
        if warning := rename_warning(self._settings, edited, self._peers()):
            consequences.append(warning)
        if edited.theme != self._settings.theme:
            consequences.append("The theme is a preview until you save it")
        consequences += [
            f"{TITLES[name]}: takes effect at the next start"
            for name in AT_NEXT_START
            if getattr(edited, name) != getattr(self._settings, name)
        ]
        return consequences

    def _save(self) -> None:
        if self.bar.isAncestorOf(self.window().focusWidget() or self):
            self.setFocus()  # otherwise Qt moves the focus from the disabled button to the status bar
        self._switch_autostart()
        edited = self.fields.read(self._settings)
        if edited == self._settings:
            self._check()
        else:
            self.save_requested.emit(edited)

    def _discard(self) -> None:
        self.setFocus()
        self.show_settings(self._settings)

    def _show_autostart(self) -> None:
        """Show whether start at login is on. Read it from the system: other tools can change it."""
        try:
            self._starts_at_login = self._autostart.is_on()
        except OSError:
            self._starts_at_login = False
        self.fields.autostart.setChecked(self._starts_at_login)

    def _switch_autostart(self) -> None:
        wanted = self.fields.autostart.isChecked()
        if wanted == self._starts_at_login:
            return
        try:
            (self._autostart.turn_on if wanted else self._autostart.turn_off)()
        except OSError as error:
            self.status_message.emit(f"Start at login could not be changed: {error.strerror}")
        else:
            self.status_message.emit("Start at login is on" if wanted else "Start at login is off")
        self._show_autostart()


def _files(folders: Folders) -> QWidget:
    """Return the path of the settings file, and buttons that open the folders."""
    files = QWidget()
    column = QVBoxLayout(files)
    column.setContentsMargins(0, 0, 0, 0)
    place = PlainTextLabel(f"Settings file: {folders.settings_file}", wordWrap=True)
    place.setObjectName("muted")
    place.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    column.addWidget(place)
    row = QHBoxLayout()
    row.setSpacing(8)
    for title, folder in (("Open settings folder", folders.config), ("Open logs folder", folders.logs)):
        button = named(QPushButton(title), title)
        button.clicked.connect(lambda _=False, folder=folder: open_folder(folder))
        row.addWidget(button)
    row.addStretch(1)
    column.addLayout(row)
    return files
