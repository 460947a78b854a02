"""The banner of the Sources room about peers whose keys have changed: both fingerprints side by side, and buttons
to accept or reject the new keys. A peer is a friend with a companion of their own. Changed keys are refused until
the user accepts them.
"""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QApplication, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.ui.plain_text import PlainTextLabel
from app.ui.source_watch import ChangedKeys
from app.ui.widgets.accessible_names import named
from app.ui.widgets.fingerprint import Fingerprint

MAX_SHOWN = 3
"""At most this many peers are shown. The others follow when the user has decided about these."""
WHY = "Ask your friend before you accept: new keys mean a new installation, replaced keys, or an attacker."


class ChangedKeysBanner(QWidget):
    """Contains a part for each peer whose keys have changed. It is hidden if there are none."""

    accept_requested = Signal(object)  # ChangedKeys
    reject_requested = Signal(object)  # ChangedKeys

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("banner")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._shown: Sequence[ChangedKeys] = ()
        self.parts: list[QWidget] = []
        self.buttons: list[QPushButton] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(16, 8, 16, 8)
        self._column.setSpacing(12)
        self.hide()

    def show_changes(self, changed: Sequence[ChangedKeys]) -> None:
        """Show these peers instead of the previous ones."""
        if changed == self._shown:
            return
        self._shown = changed
        if QApplication.focusWidget() in self.buttons:
            self.window().setFocus()  # otherwise Qt focuses another button
        for part in self.parts:
            self._column.removeWidget(part)
            part.hide()
            part.deleteLater()
        self.buttons = []
        self.parts = [self._part(each) for each in changed[:MAX_SHOWN]]
        for part in self.parts:
            self._column.addWidget(part)
        self.setVisible(bool(changed))

    def _part(self, changed: ChangedKeys) -> QWidget:
        name = changed.name
        part = QWidget()
        text = named(PlainTextLabel(f"{name} was seen with other keys, which are refused. {WHY}", wordWrap=True),
                     "Changed keys")  # fmt: skip
        accept = named(QPushButton("Accept …"), f"Accept the new keys of {name}")
        reject = named(QPushButton("Reject"), f"Reject the new keys of {name}")
        accept.clicked.connect(lambda: self.accept_requested.emit(changed))
        reject.clicked.connect(lambda: self.reject_requested.emit(changed))
        self.buttons += [accept, reject]
        row = QHBoxLayout()
        row.setSpacing(32)
        for heading, digits in (("So far", changed.pinned), ("New", changed.offered)):
            shown = Fingerprint(heading)
            shown.show_digits(digits)
            shown.setVisible(bool(digits))
            row.addWidget(shown)
        row.addStretch(1)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for button in (accept, reject):
            buttons.addWidget(button, 0, Qt.AlignmentFlag.AlignBottom)
        row.addLayout(buttons)
        column = QVBoxLayout(part)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(text)
        column.addLayout(row)
        return part
