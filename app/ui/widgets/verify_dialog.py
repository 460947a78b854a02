"""The dialog in which the user verifies the keys of a peer, a friend with a companion of their own, by voice.
Both people see the same fingerprint, 60 digits made from the keys of both. The user can type what the friend reads;
while that is incomplete or wrong, *They match* is disabled. The button emits a signal, and the Sources room stores
that the peer is verified. If the peer has offered new keys, their fingerprint is shown too, but not compared.
"""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.protocol.peers.peer import Peer
from app.ui.plain_text import PlainTextLabel
from app.ui.widgets.accessible_names import named
from app.ui.widgets.fingerprint import Fingerprint, difference
from app.ui.widgets.line_edit import LineEdit

HOW = (
    "Call {name}, and read the digits to each other, group by group. Both of you see the same 60 digits if "
    "no key was replaced on the way. Do not send them in the chat."
)
OLD_ONLY = "They match marks the old keys as verified. To use the new ones, compare their digits, then accept them."
MATCH = "All 60 digits match."
NEW_MATCH = "All 60 digits match those of the new keys. To use the new keys, close this dialog and accept them."
OPTIONAL = "You can also type what your friend reads: it is compared while you type."


class VerifyDialog(QDialog):
    """Call ``show_digits`` when the fingerprint is known."""

    matched = Signal(str)
    """Emitted with the digits of the pinned keys, which were shown, when the user says that they match."""

    def __init__(self, parent: QWidget, peer: Peer) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(f"Verify {peer.username}")
        how = HOW.format(name=peer.username) + (f" {OLD_ONLY}" if peer.offered else "")
        self.how = named(PlainTextLabel(how, wordWrap=True), "How to compare")
        self.pinned = Fingerprint("With the old keys" if peer.offered else "Here")
        self.theirs = Fingerprint("Your friend")
        self.offered = Fingerprint("With the new keys")
        self.offered.setVisible(peer.offered is not None)
        self.typed = named(LineEdit(limit=200, placeholder="Digits that your friend reads"), "Your friend's digits")
        self.info = named(PlainTextLabel(OPTIONAL, wordWrap=True), "Comparison", style_id="result")
        self.match = named(QPushButton("They match"), "They match", style_id="primary")
        self.close_button = named(QPushButton("Cancel"), "Cancel")
        self._digits = self._offered_digits = ""
        self.is_open = True
        self.finished.connect(lambda _: setattr(self, "is_open", False))
        self._lay_out()
        self.typed.textChanged.connect(lambda _: self._check())
        self.match.clicked.connect(self._accept)
        self.close_button.clicked.connect(self.reject)
        self._check()

    def show_digits(self, digits: Sequence[str]) -> None:
        """Show the fingerprint, and the one with the new keys if there are any."""
        if not self.is_open:
            return
        self._digits = digits[0]
        self.pinned.show_digits(digits[0])
        if len(digits) > 1:
            self._offered_digits = digits[1]
            self.offered.show_digits(digits[1])
        self._check()

    def _check(self) -> None:
        said = self.typed.text()
        self.theirs.show_typed(said)
        wrong = difference(self._digits, said) if said.strip() and self._digits else ""
        text, tone = OPTIONAL, "muted"
        if said.strip() and self._digits:
            text, tone = _result(wrong, MATCH)
            if tone == "error" and self._offered_digits:
                of_new = _result(difference(self._offered_digits, said), NEW_MATCH)
                text, tone = (text, tone) if of_new[1] == "error" else of_new
        self.info.setText(text)
        self.info.setProperty("tone", tone)
        self.info.style().polish(self.info)
        self.match.setEnabled(bool(self._digits) and not wrong)

    def _accept(self) -> None:
        self.matched.emit(self._digits)
        self.accept()

    def _lay_out(self) -> None:
        digits = QHBoxLayout()
        digits.setSpacing(32)
        digits.addWidget(self.pinned)
        digits.addWidget(self.theirs)
        digits.addWidget(self.offered)
        digits.addStretch(1)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addStretch(1)
        foot.addWidget(self.close_button)
        foot.addWidget(self.match)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 20, 16)
        column.setSpacing(12)
        column.addWidget(self.how)
        column.addLayout(digits)
        column.addWidget(self.typed)
        column.addWidget(self.info)
        column.addStretch(1)
        column.addLayout(foot)
        self.setMinimumWidth(520)


def _result(wrong: str, match: str) -> tuple[str, str]:
    """Return the text and the tone for a result of ``difference``. ``match``: the text if all digits match."""
    if wrong:
        return wrong, "muted" if wrong.endswith("so far.") else "error"
    return match, "ok"
