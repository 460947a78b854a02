"""The row of the fire bar that chooses an expectation: what the UI must send after each event that is fired."""

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QHBoxLayout, QWidget

from app.hub.expectation import Expectation, ExpectationResult
from app.protocol.catalog import Catalog
from app.protocol.contract import Direction
from app.ui.plain_text import PlainTextLabel
from app.ui.widgets.accessible_names import named

NOTHING = "nothing"
REST_CALLS = ("POST /messages", "POST /friends", "GET /messages", "GET /friends")


class ExpectRow(QWidget):
    """Choose a client event or a REST call, and a timeout. With the default, ``nothing``, nothing is checked."""

    def __init__(self, catalog: Catalog) -> None:
        super().__init__()
        self.choice = named(QComboBox(), "Event that your UI must send", tip="Checked after each event you fire")
        self._catalog = catalog
        self.within = named(QDoubleSpinBox(minimum=0.1, maximum=60.0, decimals=1, value=2.0), "Within, in seconds")
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
        """List the client events of the current contract. Keep the choice if it is still listed."""
        chosen = self.choice.currentText()
        with QSignalBlocker(self.choice):
            self.choice.clear()
            self.choice.addItems([NOTHING, *self._catalog.names(Direction.FROM_UI), *REST_CALLS])
            self.choice.setCurrentIndex(max(self.choice.findText(chosen), 0))
        self._show_state()

    @property
    def expected(self) -> Expectation | None:
        """The chosen expectation, or None."""
        name = self.choice.currentText()
        return None if name == NOTHING else Expectation(name)

    def _show_state(self) -> None:
        self.within.setEnabled(self.expected is not None)


def result_text(expected: Expectation, result: ExpectationResult, within_s: float) -> tuple[str, str]:
    """Return the text that shows the result of an expectation, and its tone (``ok`` or ``error``)."""
    if result.row:
        number = f" · #{result.row.seq}" if result.row.seq else ""  # a GET request may have no row
        return f"✓ {expected} came after {result.after_s * 1000:,.0f} ms{number}", "ok"
    names: Sequence[str] = list(dict.fromkeys(row.event or "a broken frame" for row in result.received_instead))
    instead = f"came instead: {', '.join(names)}" if names else "nothing came instead"
    return f"✗ no {expected} within {within_s:g} s; {instead}", "error"
