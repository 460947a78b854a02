"""The input for how connections are refused on purpose: the mode, and the close code if the mode has one.
Modes are, for example, HTTP status 503 or a reset. The windows *Reconnect lab* and *Refuse connections* contain it.
"""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QWidget

from app.protocol.close_codes import why_not_sendable
from app.protocol.refusals import SILENCE_S, RefusalKind, RefusalMode
from app.ui.plain_text import set_tooltip
from app.ui.widgets.accessible_names import named, number_box

KINDS = {
    RefusalKind.STATUS: ("503 Service Unavailable", "The handshake is answered with the HTTP status 503"),
    RefusalKind.RESET: ("Reset", "The TCP connection is reset after the handshake"),
    RefusalKind.SILENCE: (
        "Silence", f"The handshake gets no answer; the connection is cut after {SILENCE_S:g} s"
    ),
    RefusalKind.CLOSE: ("Close with a code", "The connection is opened, and closed at once with a close code"),
    RefusalKind.GARBAGE: ("Garbage", "The answer is no HTTP but the bytes of a TLS server"),
}  # fmt: skip
"""The title and the meaning of each kind."""
DEFAULT_CODE = 1013


class RefusalModeField(QWidget):
    """Choose a mode. ``mode`` is None while the close code may not be sent; ``problem`` says why."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.kind = named(QComboBox(), "Refuse with")
        self.kind.addItems([title for title, _ in KINDS.values()])
        self.code = number_box("Close code", 1000, 4999, tip="Close code: 1000–1003, 1007–1014 or 3000–4999")
        self.code.setValue(DEFAULT_CODE)
        self.code.hide()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.kind)
        row.addWidget(self.code)
        self.setFocusProxy(self.kind)
        self.kind.currentIndexChanged.connect(lambda _: self._show())
        self.code.valueChanged.connect(lambda _: self.changed.emit())
        self._show()

    @property
    def mode(self) -> RefusalMode | None:
        """The chosen mode."""
        return None if self.problem else RefusalMode(self._kind, self.code.value() if self._has_code else 0)

    @property
    def problem(self) -> str:
        """Why the close code may not be sent, or an empty text."""
        return why_not_sendable(self.code.value()) if self._has_code else ""

    def choose(self, kind: RefusalKind, code: int = DEFAULT_CODE) -> None:
        """Choose a mode."""
        self.code.setValue(code)
        self.kind.setCurrentIndex(list(KINDS).index(kind))

    @property
    def _kind(self) -> RefusalKind:
        return list(KINDS)[self.kind.currentIndex()]

    @property
    def _has_code(self) -> bool:
        return self._kind is RefusalKind.CLOSE

    def _show(self) -> None:
        set_tooltip(self.kind, KINDS[self._kind][1])
        self.code.setVisible(self._has_code)
        self.changed.emit()
