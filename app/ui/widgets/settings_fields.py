"""The controls of the Settings room: create them, fill them with settings, read them, and group them in sections.
Settings that are changed only elsewhere, such as pinned fixtures and saved filters, have no control. Start at login
is not a setting but an entry of the system: its check box is created here, and the room fills and reads it. Nothing
is saved here. ``settings_form`` lays out the sections.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from msgspec.structs import replace
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QCheckBox, QComboBox, QSpinBox, QWidget

from app import usernames
from app.system.paths import Folders
from app.system.settings import Settings
from app.system.updates import built_in_address
from app.ui.global_shortcuts import advice
from app.ui.plain_text import PlainTextLabel, set_tooltip
from app.ui.setting_titles import SETTING_TITLES as TITLES
from app.ui.widgets.accessible_names import named, number_box
from app.ui.widgets.line_edit import LineEdit
from app.ui.widgets.settings_form import SettingRow, SettingsSection
from app.ui.widgets.text_edit import TextEdit

THEMES = (("system", "Same as system"), ("light", "Light"), ("dark", "Dark"))
NOTIFICATIONS = ("notify_messages", "notify_refused", "notify_disconnects", "notify_expectations")
TRAY = "The tray icon shows them while no window of the companion has the focus."
NO_TRAY = "Notifications need the tray icon, and this desktop shows none. On GNOME, install an extension for it."
ANY_PORT = "0 selects any free port"
MAX_NAME_UNITS, MAX_KEY_UNITS = 2 * usernames.MAX_LENGTH, 2 * 40
"""Limits of fields: the settings limit characters, and Qt counts UTF-16 code units."""


class SettingsFields(QObject):
    """Creates the controls, fills them with settings, and reads them. ``edited`` is emitted at each change."""

    edited = Signal()

    def __init__(self, folders: Folders, tokens: QWidget, files: QWidget) -> None:
        """``tokens`` and ``files`` are controls without a setting, shown in the sections Servers and Files."""
        super().__init__()
        self._tokens = tokens
        self._files = files
        self.username = named(LineEdit(limit=MAX_NAME_UNITS), "Your user name")
        self.port = _port("Port of the event server")
        self.rest_port = _port("Port of the REST stand-in")
        self.control_port = _port("Port of the control API")
        self.peer_port = _port("Port for peers")
        self.fixtures = named(LineEdit(placeholder=str(folders.fixtures), clear_button=True), "Fixtures folder")
        self.sessions = named(LineEdit(placeholder=str(folders.sessions), clear_button=True), "Sessions folder")
        self.faults = named(LineEdit(placeholder=str(folders.faults), clear_button=True), "Faults folder")
        self.events = named(LineEdit(placeholder=str(folders.events), clear_button=True), "Events folder")
        self.events_path = named(LineEdit(limit=100), "Path of the event server's URL")
        self.event_key = named(LineEdit(limit=MAX_KEY_UNITS), "Key of the event's name in frames")
        self.data_key = named(LineEdit(limit=MAX_KEY_UNITS), "Key of the event's data in frames")
        self.origins = named(TextEdit(), "Allowed origins, one per line")
        self.origins.setFixedHeight(130)
        self.journal_rows = number_box("Maximum number of rows in the log", 100, 1_000_000)
        self.journal_rows.setSingleStep(1000)
        self.journal_rows.setGroupSeparatorShown(True)
        self.journal_rows.setSuffix(" rows")
        self.recording_mb = number_box("Maximum size of the recording of a run", 1, 10_000)
        self.recording_mb.setSuffix(" MB")
        self.max_clients = number_box("Maximum number of clients", 1, 10_000)
        self.max_connections = number_box("Maximum number of connections", 1, 20_000)
        self.client_frames = number_box("Maximum number of frames per second from one client", 1, 1_000_000)
        self.client_frames.setSuffix(" per second")
        self.theme = named(QComboBox(), "Theme")
        for value, title in THEMES:
            self.theme.addItem(title, value)
        self.updates_url = named(
            LineEdit(placeholder=built_in_address() or "https://…", clear_button=True), "Update feed"
        )
        self.supabase_url = named(
            LineEdit(placeholder="https://PROJECT.supabase.co", clear_button=True, limit=500),
            TITLES["supabase_url"],
        )
        self.supabase_address = named(LineEdit(clear_button=True, limit=100), TITLES["supabase_address"])
        self.repeat_shortcut = named(LineEdit(limit=40, clear_button=True), TITLES["repeat_shortcut"])
        self.fire_bar_shortcut = named(LineEdit(limit=40, clear_button=True), TITLES["fire_bar_shortcut"])
        self.autostart = named(QCheckBox("Start at login, in the tray"), "Start at login")
        """Not a setting but an entry of the system."""
        self.checks = {
            name: named(QCheckBox(text), title)
            for name, text, title in (
                ("rest", "Answer REST requests (turn off when the real backend runs)", "REST stand-in"),
                ("control", "Answer the control API (scripts and command line)", "Control API"),
                ("agents", "Allow coding agents (companion mcp)", TITLES["agents"]),
                ("peers", "Exchange messages with peers, end-to-end encrypted", "Peers"),
                ("peer_lan", "Let peers on other machines of your network connect",
                 "Peers on other machines"),
                ("peer_notices", "Exchange typing, read receipts and reactions with peers",
                 "Typing and receipts of peers"),
                ("peer_unverified", "Accept messages that are not signed, encrypted or not (marked unverified)",
                 "Unverified messages"),
                ("require_token", "Require the token from clients (…/events?token=TOKEN)",
                 "Require the token from clients"),
                ("prime_browsers", "Send each new browser one message per friend (priming)", "Prime browsers"),
                ("log_get_requests", "Log the UI's GET requests (repeated requests share one row)",
                 "Log GET requests"),
                ("check_ui_state", "Warn of frames that leave the released UI in a wrong state",
                 "Check the UI's state"),
                ("record_runs", "Record every run, to examine it afterwards", "Record runs"),
                ("presence_decays", "Switch friends offline after 5 minutes without activity", "Presence timeout"),
                ("close_to_tray", "Keep running in the tray when the window is closed", "Close to tray"),
                ("confirm_quit", "Ask before quitting while clients are connected", "Confirm quit"),
                ("start_hidden", "Start in the tray, without the window", "Start hidden"),
                ("notify_messages", "Notify of new messages to your UI", "Notify of messages"),
                ("notify_refused", "Notify of refused web pages", "Notify of refused pages"),
                ("notify_disconnects", "Notify when a client disconnects by itself",
                 "Notify of disconnected clients"),
                ("notify_expectations", "Notify when an expectation fails", "Notify of failed expectations"),
                ("supabase", "Use a Supabase project as directory and queue", TITLES["supabase"]),
                ("supabase_peek_only", "Read messages in the queue, but never delete them there",
                 TITLES["supabase_peek_only"]),
                ("supabase_read_marks", "Synchronize read marks, if the table read_marks exists",
                 TITLES["supabase_read_marks"]),
                ("check_updates", "Check for updates once a day (downloads nothing)", "Check for updates"),
            )
        }  # fmt: skip
        """The check boxes, by the names of their settings."""
        self.notifications = named(PlainTextLabel(wordWrap=True), "Notifications", style_id="settingNote")
        self.notifications.setIndent(0)
        self.show_tray(True)
        self._values = self._bind()
        self._filled: dict[str, tuple[Any, Any]] = {}
        """The saved values, and what the controls returned after they were filled with them."""
        self._connect()

    def _bind(self) -> dict[str, tuple[Callable[[Any], object], Callable[[], Any]]]:
        """Return how to show and how to read each setting that has a control."""
        numbers = {
            "port": self.port, "rest_port": self.rest_port, "control_port": self.control_port,
            "peer_port": self.peer_port,
            "journal_rows": self.journal_rows, "recording_mb": self.recording_mb, "max_clients": self.max_clients,
            "max_connections": self.max_connections, "client_frames_per_s": self.client_frames,
        }  # fmt: skip
        lines = {
            "username": self.username, "fixtures": self.fixtures, "sessions": self.sessions,
            "faults": self.faults, "events_folder": self.events, "events_path": self.events_path,
            "envelope_event_key": self.event_key, "envelope_data_key": self.data_key,
            "updates_url": self.updates_url,
            "supabase_url": self.supabase_url, "supabase_address": self.supabase_address,
            "repeat_shortcut": self.repeat_shortcut, "fire_bar_shortcut": self.fire_bar_shortcut,
        }  # fmt: skip
        return {
            **{name: (box.setValue, box.value) for name, box in numbers.items()},
            **{name: (line.setText, partial(_stripped, line)) for name, line in lines.items()},
            **{name: (check.setChecked, check.isChecked) for name, check in self.checks.items()},
            "allowed_origins": (
                lambda origins: self.origins.setPlainText("\n".join(origins)),
                lambda: _unique(self.origins.toPlainText().splitlines()),
            ),
            "theme": (
                lambda theme: self.theme.setCurrentIndex([value for value, _ in THEMES].index(theme)),
                self.theme.currentData,
            ),
        }

    def _connect(self) -> None:
        for line in (
            self.username, self.fixtures, self.sessions, self.faults, self.events, self.events_path,
            self.event_key, self.data_key, self.updates_url, self.origins, self.supabase_url, self.supabase_address,
            self.repeat_shortcut, self.fire_bar_shortcut,
        ):  # fmt: skip
            line.textChanged.connect(lambda *_: self.edited.emit())
        for box in self._boxes:
            box.valueChanged.connect(lambda _: self.edited.emit())
        for check in (*self.checks.values(), self.autostart):
            check.toggled.connect(lambda _: self.edited.emit())
        self.theme.currentIndexChanged.connect(lambda _: self.edited.emit())

    @property
    def _boxes(self) -> tuple[QSpinBox, ...]:
        return (
            self.port, self.rest_port, self.control_port, self.peer_port, self.journal_rows, self.recording_mb,
            self.max_clients,
            self.max_connections, self.client_frames,
        )  # fmt: skip

    def show_settings(self, settings: Settings) -> None:
        """Fill the controls."""
        self._fill(settings, self._values)

    def follow_settings(self, before: Settings, settings: Settings) -> None:
        """Fill the controls of the settings that have changed. What the user has edited stays."""
        for name, (_, read) in self._values.items():
            value = getattr(settings, name)
            if value == getattr(before, name):
                continue
            is_edited = read() not in (self._filled[name][1], value)
            if name == "allowed_origins":  # also without edits, the user may be about to write in an empty line
                self._filled[name] = value, _unique(value)
                self._merge_origins(before.allowed_origins, value)
                if is_edited or read() == _unique(value):
                    continue
            elif is_edited:
                continue
            self._fill(settings, [name])

    def _merge_origins(self, before: Sequence[str], now: Sequence[str]) -> None:
        """Add and remove the origins that were added and removed elsewhere. The cursor and the other lines stay."""
        document, gone = self.origins.document(), set(before).difference(now)
        cursor = QTextCursor(document)
        lines = [document.findBlockByNumber(number).text() for number in range(document.blockCount())]
        cursor.beginEditBlock()
        for number in reversed(range(len(lines))):
            if lines[number].strip() in gone:
                _remove_line(cursor, number)
        new = [each for each in now if each not in before and each not in _unique(lines)]
        if new:
            self._append_lines(cursor, new)
        cursor.endEditBlock()

    def _append_lines(self, cursor: QTextCursor, lines: Sequence[str]) -> None:
        """Add lines at the end, but above an empty last line, in which the user may be about to write."""
        cursor.movePosition(cursor.MoveOperation.End)
        if not cursor.block().text().strip():
            cursor.movePosition(cursor.MoveOperation.StartOfBlock)
            cursor.insertText("".join(f"{each}\n" for each in lines))
            return
        own = self.origins.textCursor()
        place = own.anchor(), own.position()
        cursor.insertText("".join(f"\n{each}" for each in lines))
        own.setPosition(place[0])
        own.setPosition(place[1], own.MoveMode.KeepAnchor)
        self.origins.setTextCursor(own)

    def _fill(self, settings: Settings, names: Iterable[str]) -> None:
        for name in names:
            show, read = self._values[name]
            value = getattr(settings, name)
            show(value)
            self._filled[name] = value, read()

    def show_tray(self, available: bool) -> None:
        """Disable the switches of notifications, with the reason, if there is no tray icon that could show them."""
        self.notifications.setText(TRAY if available else NO_TRAY)
        for name in NOTIFICATIONS:
            self.checks[name].setEnabled(available)
            set_tooltip(self.checks[name], "" if available else NO_TRAY)

    def read(self, base: Settings) -> Settings:
        """Return ``base`` with the values of the controls. A control that was not edited has the saved value."""
        found = {}
        for name, (_, read) in self._values.items():
            saved, filled = self._filled[name]
            found[name] = saved if (value := read()) == filled else value
        return replace(base, **found)

    def sections(self) -> list[SettingsSection]:
        """Return the rows of all controls, in sections."""
        hint = (
            "URL of a page like GitHub's releases/latest. "
            + ("Leave empty for the feed of this build." if built_in_address() else "None is configured.")
        )  # fmt: skip
        return [
            SettingsSection("You", [
                SettingRow(["username"], "Your user name", self.username,
                           "Clients act as this user unless their URL has ?username=…"),
            ]),
            SettingsSection("Servers", [
                SettingRow(["port"], "Event port", self.port,
                           "Port for WebSocket clients. The chat UI expects 8081."),
                SettingRow(["events_path"], "Event path", self.events_path,
                           "Path of the event server's URL. The chat UI expects /events."),
                SettingRow(["envelope_event_key"], "Key of the event's name", self.event_key,
                           "In frames. The chat UI expects event."),
                SettingRow(["envelope_data_key"], "Key of the event's data", self.data_key,
                           "In frames. The chat UI expects data."),
                SettingRow(["rest_port"], "REST port", self.rest_port,
                           "Port for REST requests. The chat UI expects 8080."),
                self._check("rest"),
                SettingRow(["control_port"], "Control port", self.control_port,
                           "Port for scripts and the command line. The default is 8082."),
                self._check("control"),
                self._check("agents"),
                SettingRow([], "Tokens", self._tokens,
                           "Scripts on this computer present a token to the control API."),
            ]),
            SettingsSection("Peers", [
                self._check("peers"),
                SettingRow(["peer_port"], "Peer port", self.peer_port,
                           "TCP port for friends with a companion. They expect 9100."),
                SettingRow(["peer_lan"], "", self.checks["peer_lan"],
                           "Every machine in your network can then reach the port."),
                *map(self._check, ("peer_notices", "peer_unverified")),
            ]),
            SettingsSection("Who may connect", [
                SettingRow(["allowed_origins"], "Allowed origins", self.origins,
                           "Web pages that may connect, one origin per line. Other programs need no entry."),
                self._check("require_token"),
                SettingRow(["max_clients"], TITLES["max_clients"], self.max_clients,
                           "Further clients are refused."),
                SettingRow(["max_connections"], TITLES["max_connections"], self.max_connections,
                           "TCP connections to each server, those that have not become clients included."),
                SettingRow(["client_frames_per_s"], TITLES["client_frames_per_s"], self.client_frames,
                           "A client that sends more is warned, then disconnected. Bursts may be twice as high."),
            ]),
            SettingsSection("Behaviour", [
                *map(self._check, ("prime_browsers", "presence_decays", "log_get_requests", "check_ui_state")),
                SettingRow(["journal_rows"], TITLES["journal_rows"], self.journal_rows,
                           "Older rows are discarded from the log. Takes effect at the next start."),
                *map(self._check, ("close_to_tray", "confirm_quit", "start_hidden")),
                SettingRow([], "", self.autostart),
                SettingRow([], "Notifications", self.notifications),
                *map(self._check, NOTIFICATIONS),
                SettingRow(["repeat_shortcut"], TITLES["repeat_shortcut"], self.repeat_shortcut,
                           advice("companion trigger --last")),
                SettingRow(["fire_bar_shortcut"], TITLES["fire_bar_shortcut"], self.fire_bar_shortcut,
                           advice("companion open --fire-bar")),
            ]),
            SettingsSection("Directory and queue in Supabase", [
                self._check("supabase"),
                SettingRow(["supabase_url"], TITLES["supabase_url"], self.supabase_url,
                           "Store its publishable key in the room Sources"),
                SettingRow(["supabase_address"], TITLES["supabase_address"], self.supabase_address,
                           "Where other companions reach yours. Leave empty for the address in your network."),
                *map(self._check, ("supabase_peek_only", "supabase_read_marks")),
            ]),
            SettingsSection("Appearance", [SettingRow(["theme"], "Theme", self.theme)]),
            SettingsSection("Updates", [
                self._check("check_updates"),
                SettingRow(["updates_url"], "Update feed", self.updates_url, hint),
            ]),
            SettingsSection("Files", [
                SettingRow(["fixtures"], "Fixtures folder", self.fixtures,
                           "E.g. in your UI's repository. Leave empty for the default."),
                SettingRow(["sessions"], "Sessions folder", self.sessions,
                           "Scenarios and recordings. Leave empty for the default."),
                SettingRow(["faults"], "Faults folder", self.faults,
                           "Profiles of faults. Leave empty for the default."),
                SettingRow(["events_folder"], "Events folder", self.events,
                           "Files that define events. Leave empty for the default."),
                self._check("record_runs"),
                SettingRow(["recording_mb"], TITLES["recording_mb"], self.recording_mb),
                SettingRow([], "Your files", self._files),
            ]),
        ]  # fmt: skip

    def _check(self, name: str) -> SettingRow:
        return SettingRow([name], "", self.checks[name])


def _port(name: str) -> QSpinBox:
    box = number_box(name, 0, 65535, tip=ANY_PORT)
    box.setGroupSeparatorShown(False)
    return box


def _stripped(line: LineEdit) -> str:
    return line.text().strip()


def _remove_line(cursor: QTextCursor, number: int) -> None:
    """Remove a line with its line break."""
    block = cursor.document().findBlockByNumber(number)
    cursor.setPosition(block.position())
    cursor.movePosition(cursor.MoveOperation.EndOfBlock, cursor.MoveMode.KeepAnchor)
    cursor.removeSelectedText()
    if block.next().isValid():
        cursor.deleteChar()
    else:
        cursor.deletePreviousChar()


def _unique(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(value.strip() for value in values if value.strip()))
