"""The dialog that adds a peer, a friend with a companion of their own, or edits a known one.
The fields are the name, the public keys and the address, which may be empty. Pasting the JSON that
``companion peers key`` prints fills in the name and the keys. Each field is checked while the user types. The name
of a known peer cannot be changed; other keys are only offered, and take effect when the user accepts them.
"""

from collections.abc import Callable

import msgspec
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app import usernames
from app.protocol.counts import count_with
from app.protocol.errors import Malformed
from app.protocol.peers import base64_text
from app.protocol.peers.errors import InvalidKeys
from app.protocol.peers.keys import KEY_BYTES, KEY_CHARS, PublicKeys
from app.protocol.peers.peer import DEFAULT_PORT, MAX_ADDRESS_CHARS, Peer, parse_address
from app.ui.plain_text import PlainTextLabel
from app.ui.widgets.accessible_names import named
from app.ui.widgets.line_edit import LineEdit

MAX_JSON = 4_000
FIELD_WIDTH = 460
HOW = (
    "Ask your friend for the output of “companion peers key”, or for what Copy public keys in this room "
    "copies, and paste it into any field. It contains no secret."
)
OTHER_NAME = "These keys are those of {other}, not of {name}. To add {other}, use Add peer …."
NO_JSON = "The clipboard has no keys. Copy the JSON that your friend has sent first."
LABELS = {"username": "Name", "public_key": "Public key", "signing_key": "Signing key", "address": "Address"}
HINTS = {
    "username": "The user name in the friend's settings",
    "public_key": "public_key in the JSON (X25519, base64)",
    "signing_key": "signing_key in the JSON (Ed25519, base64)",
    "address": f"HOST:PORT, such as 192.168.1.20:{DEFAULT_PORT}. Empty: where the peer connects from",
}


class PeerDialog(QDialog):
    """Ask for a peer. Call ``accept`` when it is stored, or ``show_problem``.

    ``conflicts`` returns whether a name is that of a persona.
    """

    chosen = Signal(str, object, str)
    """Emitted with the name, the ``PublicKeys`` and the address. The keys of a known peer are None if they were not
    changed: keys that are offered for it stay offered."""
    persona_conflict = Signal(str)
    """Emitted when the user wants to rename or remove a persona that has the name of the peer."""

    def __init__(
        self, parent: QWidget, own_name: str, conflicts: Callable[[str], bool], peer: Peer | None = None
    ) -> None:
        """``peer`` is a known one to edit."""
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(f"Edit {peer.username}" if peer else "Add peer")
        self._own_name = own_name
        self._conflicts = conflicts
        self.how = named(PlainTextLabel(HOW, wordWrap=True), "Where the keys are from", style_id="muted")
        self.fields = {
            name: named(LineEdit(limit=MAX_JSON, placeholder=HINTS[name]), title) for name, title in LABELS.items()
        }
        self.notes = {
            name: named(PlainTextLabel(wordWrap=True), f"About {title}", style_id="problem")
            for name, title in LABELS.items()
        }
        self.paste = named(
            QPushButton("Paste keys"), "Paste keys", tip="Fill the form with the JSON in the clipboard"
        )
        self.persona = named(QPushButton("Rename or remove the persona …"), "Rename or remove the persona")
        verb = "Save" if peer else "Add peer"
        self.accept_button = named(QPushButton(verb), verb, style_id="primary")
        self.cancel = named(QPushButton("Cancel"), "Cancel")
        self.is_open = True
        self.finished.connect(lambda _: setattr(self, "is_open", False))
        self._known: dict[str, str] = {}
        """The stored texts of a known peer."""
        self.keys: PublicKeys | None = None
        """The keys in the form, if both can be used."""
        self._lay_out()
        if peer:
            self._fill_peer(peer)
        for field in self.fields.values():
            field.textChanged.connect(self._changed)
        self.paste.clicked.connect(self.paste_json)
        self.persona.clicked.connect(lambda: self.persona_conflict.emit(self.name))
        self.accept_button.clicked.connect(self._accept)
        self.cancel.clicked.connect(self.reject)
        self.check()

    @property
    def name(self) -> str:
        """The name in the form."""
        return self.fields["username"].text().strip()

    @property
    def address(self) -> str:
        """The address in the form."""
        return self.fields["address"].text().strip()

    def paste_json(self) -> None:
        """Fill the form with the JSON in the clipboard."""
        text = QGuiApplication.clipboard().text()
        if not self.fill(text[: MAX_JSON + 1]):
            self._note("public_key", NO_JSON)
            self._fit()

    def fill(self, text: str) -> bool:
        """Fill the form with JSON of public keys. Return False if the text is not such JSON."""
        try:
            found = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            return False
        if not isinstance(found, dict) or not isinstance(found.get("public_key"), str):
            return False
        other = found.get("username", "")
        is_other = bool(self._known) and other not in ("", self.name)
        for name, field in self.fields.items():
            value = found.get(name, "")
            if isinstance(value, str) and value and field.isEnabled() and not is_other:
                self._set(name, value)
        for name, field in self.fields.items():
            if field.text().lstrip().startswith("{"):  # the text was pasted there
                self._set(name, self._known.get(name, ""))
        self.check()
        if is_other:
            self._note("public_key", OTHER_NAME.format(other=str(other)[: usernames.MAX_LENGTH], name=self.name))
            self._fit()
        return True

    def show_problem(self, text: str) -> None:
        """Show why the peer could not be stored. The form stays as it is."""
        self.check()
        self._note("address", text)
        self._fit()

    def check(self) -> None:
        """Show what is wrong with the fields, and enable the buttons accordingly."""
        texts = {name: field.text().strip() for name, field in self.fields.items()}
        notes = {
            "username": self._name_problem(texts["username"]),
            "address": _address_problem(texts["address"]),
            **{name: _key_problem(texts[name], LABELS[name]) for name in ("public_key", "signing_key")},
        }
        self.keys = None
        if texts["public_key"] and texts["signing_key"] and not (notes["public_key"] or notes["signing_key"]):
            try:
                self.keys = PublicKeys.parse(texts["public_key"], texts["signing_key"])
            except InvalidKeys as error:
                notes["public_key"] = f"{error}."
        for name, text in notes.items():
            self._note(name, text)
        self.persona.setVisible(self._conflicts(texts["username"]))
        self._fit()
        self.accept_button.setEnabled(bool(texts["username"]) and self.keys is not None and not any(notes.values()))

    def _fit(self) -> None:
        """Show all notes in full: the dialog grows with the number of their lines."""
        width = self.fields["username"].width() if self.isVisible() else FIELD_WIDTH
        for note in self.notes.values():
            note.setMinimumHeight(note.heightForWidth(width) if note.text() else 0)
        self.adjustSize()

    def _changed(self, text: str) -> None:
        if not (text.lstrip().startswith("{") and self.fill(text)):
            self.check()

    def _name_problem(self, name: str) -> str:
        if not name:
            return ""
        if wrong := usernames.problem(name):
            return f"The name {wrong}."
        if name == self._own_name:
            return f"{name} is your own user name. Enter the name of your friend."
        if self._conflicts(name):
            return (
                f"{name} is a persona here. A persona and a peer cannot share a name: rename or remove the persona."
            )
        return ""

    def _note(self, name: str, text: str) -> None:
        self.notes[name].setText(text)
        self.notes[name].setVisible(bool(text))

    def _accept(self) -> None:
        if self.keys:
            self.accept_button.setEnabled(False)
            is_same = self.keys.as_json().items() <= self._known.items()
            self.chosen.emit(self.name, None if is_same else self.keys, self.address)

    def _fill_peer(self, peer: Peer) -> None:
        self._known = {"username": peer.username, **peer.keys.as_json(), "address": peer.address}
        for name, value in self._known.items():
            self.fields[name].setText(value)
        self.fields["username"].setEnabled(False)

    def _set(self, name: str, text: str) -> None:
        """Set the text of a field without checking it."""
        self.fields[name].blockSignals(True)
        self.fields[name].setText(text)
        self.fields[name].blockSignals(False)

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        for number, (name, title) in enumerate(LABELS.items()):
            label = PlainTextLabel(title)
            label.setObjectName("muted")
            label.setBuddy(self.fields[name])
            grid.addWidget(label, 2 * number, 0)
            grid.addWidget(self.fields[name], 2 * number, 1)
            grid.addWidget(self.notes[name], 2 * number + 1, 1)
        grid.addWidget(self.persona, 2 * len(LABELS), 1, Qt.AlignmentFlag.AlignLeft)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(self.paste)
        foot.addStretch(1)
        foot.addWidget(self.cancel)
        foot.addWidget(self.accept_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 20, 16)
        column.setSpacing(12)
        column.addWidget(self.how)
        column.addLayout(grid)
        column.addStretch(1)
        column.addLayout(foot)
        self.setMinimumWidth(600)


def _key_problem(text: str, title: str) -> str:
    """Return what is wrong with a key in base64, in a sentence; empty if it is empty or can be decoded."""
    if not text:
        return ""
    try:
        content = base64_text.decode(text)
    except ValueError:
        return f"{title}: this is not base64. A key has {KEY_CHARS} characters and ends with “=”."
    if len(content) != KEY_BYTES:
        size = "few" if len(content) < KEY_BYTES else "many"
        return f"{title}: {count_with(len(content), 'byte', 'is', 'are')} too {size}; {KEY_BYTES} are needed."
    return ""


def _address_problem(address: str) -> str:
    if not address:
        return ""
    if len(address) > MAX_ADDRESS_CHARS:
        return f"The address is too long. The maximum is {MAX_ADDRESS_CHARS} characters."
    try:
        parse_address(address)
    except Malformed as error:
        return str(error)
    return ""
