"""What the UI must send after an event was fired."""

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QHBoxLayout, QWidget

from app.hub.expectation import Expectation, ExpectationResult
from app.protocol.catalog import Catalog
from app.protocol.contract import Direction
from app.ui.plain_text import PlainTextLabel
from app.ui.widgets.naming import named

NOTHING = "nothing"
REST_CALLS = ("POST /messages", "POST /friends", "GET /messages", "GET /friends")


class ExpectRow(QWidget):
    """Chooses a client event (or a REST call) and a time; ``nothing`` by default."""

    def __init__(self, catalog: Catalog) -> None:
        super().__init__()
        self.choice = named(QComboBox(), "Event that your UI must send", tip="Checked after each fire")
        self._catalog = catalog
        self.within = named(QDoubleSpinBox(minimum=0.1, maximum=60.0, decimals=1, value=2.0), "Within seconds")
        self.within.setPrefix("within ")
        self.within.setSuffix(" s")
        self.within.setSingleStep(0.5)
        self.within.lineEdit().setTextMargins(6, 0, 0, 0)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for widget in (PlainTextLabel("Then expect"), self.choice, self.within):
            row.addWidget(widget)
        row.addStretch(1)
        self.choice.currentTextChanged.connect(lambda _: self._show_state())
        self.list_events()

    def list_events(self) -> None:
        """Offer the client events of the current catalog. The choice stays if it is still offered."""
        chosen = self.choice.currentText()
        with QSignalBlocker(self.choice):
            self.choice.clear()
            self.choice.addItems([NOTHING, *self._catalog.names(Direction.FROM_UI), *REST_CALLS])
            self.choice.setCurrentIndex(max(self.choice.findText(chosen), 0))
        self._show_state()

    @property
    def expected(self) -> Expectation | None:
        """What is chosen; None for nothing."""
        name = self.choice.currentText()
        return None if name == NOTHING else Expectation(name)

    def _show_state(self) -> None:
        self.within.setEnabled(self.expected is not None)


def verdict(expected: Expectation, met: ExpectationResult, within_s: float) -> tuple[str, str]:
    """Return what came of an expectation, and the tone to say it in."""
    if met.row:
        number = f" · #{met.row.seq}" if met.row.seq else ""  # a GET request may have no row
        return f"✓ {expected} came after {met.after_s * 1000:,.0f} ms{number}", "ok"
    names: Sequence[str] = list(dict.fromkeys(row.event or "a broken frame" for row in met.received_instead))
    instead = f"came instead: {', '.join(names)}" if names else "nothing came instead"
    return f"✗ no {expected} within {within_s:g} s; {instead}", "error"
