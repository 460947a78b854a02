"""The options of the two sources in the Sources room: widgets that show them, and emit signals to change them.
For the direct link to peers: whether other machines can connect. For a Supabase project: its address, its API key,
and *Peek only*, with which received messages are not deleted from its queue; sending is not affected. A stored API
key is never shown, only where it is kept.
"""

import os

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.supabase_project import MAX_KEY, MAX_URL, key_problem, url_problem
from app.system.settings import Settings
from app.system.supabase_key import KEY_VARIABLE, URL_VARIABLE
from app.ui.plain_text import PlainTextLabel
from app.ui.widgets.accessible_names import named
from app.ui.widgets.line_edit import LineEdit

LAN = "Every machine in your network can then connect to {port}. Otherwise, only programs on this machine can."
LOCAL_NAME = "me"
NO_NAME = "Your user name is me, the default. Choose your own in Settings, so that friends can add you."
NO_KEY = "No API key is stored. Enter the project's publishable key, or its older anon key."


class PeerOptions(QWidget):
    """Whether other machines can connect."""

    lan_switched = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.lan = named(QCheckBox("Let other machines of your network connect (LAN)"), "Peers on other machines")
        self.meaning = named(PlainTextLabel(wordWrap=True), "What this means", style_id="muted")
        self.name_note = named(PlainTextLabel(NO_NAME, wordWrap=True), "Your user name", style_id="warning")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        for widget in (self.lan, self.meaning, self.name_note):
            column.addWidget(widget)
        self.lan.clicked.connect(self.lan_switched)

    def show_settings(self, settings: Settings, open_port: int) -> None:
        """Show the settings in use. ``open_port`` is the port on which peers can connect now, or 0."""
        self.lan.setChecked(settings.peer_lan)
        port = open_port or settings.peer_port
        self.meaning.setText(LAN.format(port=f"port {port}" if port else "the port for peers"))
        self.name_note.setVisible(settings.username == LOCAL_NAME)


class SupabaseOptions(QWidget):
    """Address and API key of the project, and whether messages are only read."""

    url_saved = Signal(str)
    key_stored = Signal(str)
    key_removal_requested = Signal()
    peek_switched = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.url = named(LineEdit(limit=MAX_URL, placeholder="https://PROJECT.supabase.co", clear_button=True),
                         "Address of the project")  # fmt: skip
        self.save = named(QPushButton("Save"), "Save the address of the project")
        self.key = named(LineEdit(limit=MAX_KEY), "API key of the project")
        self.key.setEchoMode(LineEdit.EchoMode.Password)
        self.store = named(QPushButton("Store"), "Store the API key")
        self.remove = named(QPushButton("Remove …"), "Remove the API key", style_id="danger")
        self.url_note = named(PlainTextLabel(wordWrap=True), "About the address", style_id="muted")
        self.key_note = named(PlainTextLabel(wordWrap=True), "About the API key", style_id="muted")
        self.peek = named(
            QCheckBox("Peek only: read messages in the queue, but never delete them there"), "Peek only"
        )
        self._saved_url = ""
        self._place = ""
        self._lay_out()
        self.url.textChanged.connect(lambda _: self._check())
        self.url.returnPressed.connect(self.save.click)
        self.key.textChanged.connect(lambda _: self._check())
        self.key.returnPressed.connect(self.store.click)
        self.save.clicked.connect(lambda: self.url_saved.emit(self.url.text().strip()))
        self.store.clicked.connect(lambda: self.key_stored.emit(self.key.text().strip()))
        self.remove.clicked.connect(self.key_removal_requested)
        self.peek.clicked.connect(self.peek_switched)
        self._check()

    def show_settings(self, settings: Settings) -> None:
        """Show the settings in use. An address that is being edited stays."""
        edited = self.url.text().strip() != self._saved_url
        if settings.supabase_url != self._saved_url:
            self._saved_url = settings.supabase_url
            if not edited:
                self.url.setText(settings.supabase_url)
        self.peek.setChecked(settings.supabase_peek_only)
        self._check()

    def show_key_place(self, place: str) -> None:
        """Show where the API key is kept; empty if there is none."""
        self._place = place
        self._check()

    def forget_typed_key(self) -> None:
        """Empty the field of the key, which is stored now."""
        self.key.clear()

    def _check(self) -> None:
        """Show what is wrong with the texts, or what is stored, and enable the buttons accordingly."""
        url, key = self.url.text().strip(), self.key.text().strip()
        wrong = url_problem(url) if url else ""
        given = os.environ.get(URL_VARIABLE, "").strip()
        note = f"The address {wrong}." if wrong else f"{URL_VARIABLE} is used instead: {given}" if given else ""
        if not note and url != self._saved_url:
            note = "Not saved yet. Press Enter to save it."
        _show_note(self.url_note, note, bool(wrong))
        self.url_note.setVisible(bool(note))
        self.save.setEnabled(not wrong and url != self._saved_url)
        wrong = key_problem(key) if key else ""
        stored = f"A key is stored in {self._place}. It is not shown again." if self._place else NO_KEY
        _show_note(self.key_note, f"The API key {wrong}." if wrong else stored, bool(wrong))
        self.key.setPlaceholderText("Enter another key to replace it" if self._place else "sb_publishable_…")
        self.store.setText("Replace" if self._place else "Store")
        self.store.setEnabled(bool(key) and not wrong)
        self.remove.setEnabled(bool(self._place) and KEY_VARIABLE not in self._place)

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        rows = (
            ("Project", self.url, (self.save,), self.url_note),
            ("API key", self.key, (self.store, self.remove), self.key_note),
        )
        for number, (title, field, buttons, note) in enumerate(rows):
            label = PlainTextLabel(title)
            label.setObjectName("muted")
            label.setBuddy(field)
            grid.addWidget(label, 2 * number, 0, Qt.AlignmentFlag.AlignVCenter)
            grid.addWidget(field, 2 * number, 1)
            side = QHBoxLayout()
            side.setSpacing(8)
            for button in buttons:
                side.addWidget(button)
            side.addStretch(1)
            grid.addLayout(side, 2 * number, 2)
            grid.addWidget(note, 2 * number + 1, 1, 1, 2)
        grid.addWidget(self.peek, 4, 1, 1, 2)


def _show_note(label: PlainTextLabel, text: str, wrong: bool) -> None:
    label.setText(text)
    style = "problem" if wrong else "muted"
    if label.objectName() != style:
        label.setObjectName(style)
        label.style().polish(label)
