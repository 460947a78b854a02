"""The Settings room: a form for the settings file, the control token, and start at login."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace
from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLayout,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.system.autostart import Autostart, of_this_system
from app.system.control_token import Token
from app.system.paths import Folders
from app.system.settings import Settings, change_problems
from app.system.updates import built_in_address
from app.ui.plain_text import PlainTextLabel, set_tooltip
from app.ui.widgets.accessible_names import named, number_box
from app.ui.widgets.line_edit import LineEdit
from app.ui.widgets.text_edit import TextEdit

if TYPE_CHECKING:
    from app.ui.window import MainWindow

FIELDS = {
    "username": "Your user name", "port": "Event port", "rest_port": "REST port", "control_port": "Control port",
    "fixtures": "Fixtures folder", "allowed_origins": "Allowed origins", "journal_rows": "Keep at most",
    "updates_url": "Update feed",
}  # fmt: skip
"""The labels of the settings, for error messages."""
THEMES = (("system", "Same as system"), ("light", "Light"), ("dark", "Dark"))
ANY_PORT = "0 selects any free port"


def create(window: "MainWindow") -> "SettingsRoom":
    """Build the room and connect it to the others."""
    room = SettingsRoom(window.companion.settings, window.folders, friends=lambda: window.companion.personas)
    room.save_requested.connect(window.save_requested)
    return room


class SettingsRoom(QWidget):
    """Edit the settings. ``save_requested`` has the changed ``Settings``; the window saves and applies them."""

    save_requested = Signal(object)
    status_message = Signal(str)

    def __init__(
        self,
        settings: Settings,
        folders: Folders,
        autostart: Autostart | None = None,
        *,
        friends: Callable[[], Collection[str]] = tuple,
    ) -> None:
        """``friends`` returns the names that the local user must not have."""
        super().__init__()
        self._friends = friends
        self._settings = settings
        self._autostart = autostart or of_this_system()
        self._starts_at_login = False
        self._folders = folders
        self.username = named(LineEdit(limit=64), "Your user name")
        self.port = number_box("Port of the event server", 0, 65535, tip=ANY_PORT)
        self.port.setGroupSeparatorShown(False)
        self.rest = named(QCheckBox("Answer REST requests (turn off when the real backend runs)"), "REST stand-in")
        self.rest_port = number_box("Port of the REST stand-in", 0, 65535, tip=ANY_PORT)
        self.control = named(QCheckBox("Answer the control API (scripts and command line)"), "Control API")
        self.control_port = number_box("Port of the control API", 0, 65535, tip=ANY_PORT)
        self.fixtures = named(LineEdit(placeholder=str(folders.fixtures), clear_button=True), "Fixtures folder")
        self.copy_token = named(QPushButton("Copy token"), "Copy the control API's token", tip="For scripts")
        self.copy_token.setEnabled(False)
        self._token: Token | None = None
        self.require_token = named(
            QCheckBox("Require the token from clients (…/events?token=TOKEN)"), "Require the token from clients"
        )
        self.prime = named(
            QCheckBox("Send each new browser one message per friend (priming)"),
            "Prime browsers",
        )
        self.log_gets = named(
            QCheckBox("Log the UI's GET requests (repeated requests share one row)"), "Log GET requests"
        )
        self.decay = named(QCheckBox("Switch friends offline after 5 minutes without activity"), "Presence timeout")
        self.origins = named(TextEdit(), "Allowed origins, one per line")
        self.origins.setFixedHeight(104)
        self.journal_rows = number_box("Maximum number of frames in the log", 100, 1_000_000)
        self.journal_rows.setSingleStep(1000)
        self.journal_rows.setGroupSeparatorShown(True)
        self.journal_rows.setSuffix(" frames")
        self.theme = named(QComboBox(), "Appearance")
        for value, title in THEMES:
            self.theme.addItem(title, value)
        self.close_to_tray = named(QCheckBox("Keep running in the tray when the window is closed"), "Close to tray")
        self.confirm_quit = named(QCheckBox("Ask before quitting while clients are connected"), "Confirm quit")
        self.start_hidden = named(QCheckBox("Start in the tray, without the window"), "Start hidden")
        self.autostart = named(QCheckBox("Start at login, in the tray"), "Start at login")
        self.check_updates = named(
            QCheckBox("Check for updates once a day (downloads nothing)"), "Check for updates"
        )
        self.updates_url = named(
            LineEdit(placeholder=built_in_address() or "https://…", clear_button=True), "Update feed"
        )
        self._checks = (
            self.rest, self.control, self.require_token, self.prime, self.log_gets, self.decay,
            self.close_to_tray, self.confirm_quit, self.start_hidden, self.autostart, self.check_updates,
        )  # fmt: skip
        self.problem = named(PlainTextLabel(wordWrap=True), "Problem", style_id="problem")
        self.save = named(QPushButton("Save"), "Save settings", style_id="primary")
        self.revert = named(QPushButton("Revert"), "Revert to the saved settings", tip="Discard the changes")
        self.setFocusProxy(self.username)
        self._lay_out()
        self.show_settings(settings)
        self._connect()

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setHorizontalSpacing(24)
        form.setVerticalSpacing(10)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for title, field, hint in (
            ("Your user name", self.username, "Clients act as this user unless their URL has ?username=…"),
            ("Event port", self.port, "Port for WebSocket clients. The chat UI expects 8081."),
            ("REST port", self.rest_port, "Port for REST requests. The chat UI expects 8080."),
            ("Control port", self._with_token(), "Port for scripts and the command line. The default is 8082."),
            ("Fixtures folder", self.fixtures, "E.g. in your UI's repository. Leave empty for the default."),
            ("Allowed origins", self.origins,
             "Web pages that may connect, one origin per line. Other programs need no entry."),
            ("Keep at most", self.journal_rows, "Older frames are discarded from the log. "
             "Takes effect at the next start."),
            ("Appearance", self.theme, ""),
            ("Update feed", self.updates_url,
             "URL of a page like GitHub's releases/latest. Leave empty for the feed of this build."
             if built_in_address() else "URL of a page like GitHub's releases/latest. None is configured."),
        ):  # fmt: skip
            label = PlainTextLabel(title)
            label.setObjectName("muted")
            if isinstance(field, QWidget):
                label.setBuddy(field)
            form.addRow(label, _with_hint(field, hint))
        for check_box in self._checks:
            form.addRow("", check_box)
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(20, 18, 20, 12)
        column.setSpacing(14)
        column.addLayout(form)
        column.addLayout(self._files())
        column.addStretch(1)
        inner.setMaximumWidth(760)
        self.area = QScrollArea(widgetResizable=True)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setWidget(inner)
        buttons = QHBoxLayout()
        buttons.setContentsMargins(20, 10, 20, 14)
        buttons.addWidget(self.problem, 1)
        buttons.addWidget(self.revert)
        buttons.addWidget(self.save)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self.area, 1)
        outer.addLayout(buttons)

    def _with_token(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.control_port, 1)
        row.addWidget(self.copy_token)
        return row

    def show_token(self, token: Token | None) -> None:
        """Enable *Copy token*, or disable it if ``token`` is None. The tooltip says where the token is stored."""
        self._token = token
        self.copy_token.setEnabled(token is not None)
        if token:
            set_tooltip(self.copy_token, f"For scripts. Stored in {token.place}")

    def _copy_token(self) -> None:
        if self._token:
            QGuiApplication.clipboard().setText(self._token.value)
            self.status_message.emit("Token copied. Anyone who has it can control this companion.")

    def _files(self) -> QHBoxLayout:
        row = QHBoxLayout()
        where = PlainTextLabel(f"Settings file: {self._folders.settings_file}", wordWrap=True)
        where.setObjectName("muted")
        where.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        row.addWidget(where, 1)
        for title, folder in (
            ("Open settings folder", self._folders.config),
            ("Open logs folder", self._folders.logs),
        ):
            button = named(QPushButton(title), title)
            button.clicked.connect(lambda _=False, folder=folder: open_folder(folder))
            row.addWidget(button)
        return row

    def _connect(self) -> None:
        self.username.textChanged.connect(self._check)
        self.copy_token.clicked.connect(self._copy_token)
        self.fixtures.textChanged.connect(self._check)
        for box in (self.port, self.rest_port, self.control_port, self.journal_rows):
            box.valueChanged.connect(self._check)
        self.origins.textChanged.connect(self._check)
        self.theme.currentIndexChanged.connect(self._check)
        self.updates_url.textChanged.connect(self._check)
        for check_box in self._checks:
            check_box.toggled.connect(self._check)
        self.save.clicked.connect(self._save)
        self.revert.clicked.connect(lambda: self.show_settings(self._settings))
        self._check()

    def show_settings(self, settings: Settings) -> None:
        """Fill the form with saved settings."""
        self._settings = settings
        self.username.setText(settings.username)
        self.port.setValue(settings.port)
        self.rest.setChecked(settings.rest)
        self.rest_port.setValue(settings.rest_port)
        self.control.setChecked(settings.control)
        self.require_token.setChecked(settings.require_token)
        self.control_port.setValue(settings.control_port)
        self.fixtures.setText(settings.fixtures)
        self.prime.setChecked(settings.prime_browsers)
        self.log_gets.setChecked(settings.log_get_requests)
        self.decay.setChecked(settings.presence_decays)
        self.origins.setPlainText("\n".join(settings.allowed_origins))
        self.journal_rows.setValue(settings.journal_rows)
        self.theme.setCurrentIndex([value for value, _ in THEMES].index(settings.theme))
        self.close_to_tray.setChecked(settings.close_to_tray)
        self.confirm_quit.setChecked(settings.confirm_quit)
        self.start_hidden.setChecked(settings.start_hidden)
        self.check_updates.setChecked(settings.check_updates)
        self.updates_url.setText(settings.updates_url)
        self._show_autostart()
        self._check()

    def follow_settings(self, settings: Settings) -> None:
        """Show new settings. Keep the edits if only the pinned fixtures changed, which the form does not show."""
        if settings == replace(self._settings, pinned=settings.pinned):
            self._settings = settings
            self._check()
        else:
            self.show_settings(settings)

    def edited(self) -> Settings:
        """Return the settings as edited in the form."""
        return replace(
            self._settings,
            username=self.username.text().strip(),
            port=self.port.value(),
            rest=self.rest.isChecked(),
            rest_port=self.rest_port.value(),
            control=self.control.isChecked(),
            require_token=self.require_token.isChecked(),
            control_port=self.control_port.value(),
            fixtures=self.fixtures.text().strip(),
            prime_browsers=self.prime.isChecked(),
            log_get_requests=self.log_gets.isChecked(),
            presence_decays=self.decay.isChecked(),
            allowed_origins=_unique(self.origins.toPlainText().splitlines()),
            journal_rows=self.journal_rows.value(),
            theme=self.theme.currentData(),
            close_to_tray=self.close_to_tray.isChecked(),
            confirm_quit=self.confirm_quit.isChecked(),
            start_hidden=self.start_hidden.isChecked(),
            check_updates=self.check_updates.isChecked(),
            updates_url=self.updates_url.text().strip(),
        )

    def _check(self) -> None:
        edited = self.edited()
        errors = change_problems(self._settings, edited, self._friends())
        problems = [f"{FIELDS.get(each.name, each.name)}: {each.reason}" for each in errors]
        self.problem.setText("; ".join(problems))
        changed = edited != self._settings or self.autostart.isChecked() != self._starts_at_login
        self.save.setEnabled(changed and not problems)
        self.revert.setEnabled(changed)

    def _save(self) -> None:
        self.username.setFocus()  # otherwise the focus jumps to a button of the status bar
        self._switch_autostart()
        edited = self.edited()
        if edited == self._settings:
            self._check()
        else:
            self.save_requested.emit(edited)

    def _show_autostart(self) -> None:
        """Show whether start at login is on. Read it from the system: other tools can change it."""
        try:
            self._starts_at_login = self._autostart.is_on()
        except OSError:
            self._starts_at_login = False
        self.autostart.setChecked(self._starts_at_login)

    def _switch_autostart(self) -> None:
        wanted = self.autostart.isChecked()
        if wanted == self._starts_at_login:
            return
        try:
            (self._autostart.turn_on if wanted else self._autostart.turn_off)()
        except OSError as error:
            self.status_message.emit(f"Start at login could not be changed: {error.strerror}")
        else:
            self.status_message.emit("Start at login is on" if wanted else "Start at login is off")
        self._show_autostart()


def open_folder(folder: Path) -> None:
    """Open a folder in the system's file manager."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))


def _with_hint(field: QWidget | QLayout, hint: str) -> QVBoxLayout:
    column = QVBoxLayout()
    column.setSpacing(2)
    if isinstance(field, QWidget):
        column.addWidget(field)
    else:
        column.addLayout(field)
    if hint:
        note = PlainTextLabel(hint)
        note.setObjectName("muted")
        column.addWidget(note)
    return column


def _unique(values: list[str]) -> list[str]:
    return list(dict.fromkeys(value.strip() for value in values if value.strip()))
