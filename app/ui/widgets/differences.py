"""The list of the frames and REST calls that the UI sent differently in two recordings. It emits the selected one.
The UI is the chat UI whose traffic was recorded. The window of a recording contains the list, and selects the rows
of a difference in both recordings.
"""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QListWidget, QListWidgetItem, QPushButton, QVBoxLayout, QWidget

from app.protocol.counts import count
from app.protocol.session.comparison import SentByUi, UiDifference
from app.protocol.summary import field_text, summarize
from app.ui.plain_text import set_tooltip
from app.ui.widgets.accessible_names import named
from app.ui.widgets.elided_label import ElidedLabel

HEIGHT = 120
MAX_CHARS = 300


class Differences(QWidget):
    """A list below the log. ``-`` marks what only the first recording has, ``+`` what only the second one has."""

    chosen = Signal(object)
    """Emitted with the ``UiDifference`` that the user has selected."""

    def __init__(self) -> None:
        super().__init__()
        self._found: Sequence[UiDifference] = ()
        self.title = named(ElidedLabel(), "Comparison", style_id="groupTitle")
        self.close_button = named(
            QPushButton("×"), "Close the comparison", style_id="flat", tip="Close the comparison"
        )
        self.list = named(QListWidget(), "What the UI sent differently", style_id="differences")
        self.list.setUniformItemSizes(True)
        self.list.setFixedHeight(HEIGHT)
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        head = QHBoxLayout()
        head.addWidget(self.title, 1)
        head.addWidget(self.close_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 4, 16, 4)
        column.setSpacing(2)
        column.addLayout(head)
        column.addWidget(self.list)
        self.close_button.clicked.connect(self.hide)
        self.list.currentRowChanged.connect(self._emit)
        self.list.itemClicked.connect(lambda _: self._emit(self.list.currentRow()))

    def show_differences(self, found: Sequence[UiDifference], first: str, second: str) -> None:
        """Show the differences of two recordings with these names."""
        self._found = found
        result = count(len(found), "difference") if found else "no differences"
        self.title.setText(f"What the UI sent: {first} (−) and {second} (+), {result}")
        self.list.blockSignals(True)
        self.list.clear()
        for each in found:
            item = QListWidgetItem(_text(each))
            set_tooltip(item, _text(each))
            self.list.addItem(item)
        self.list.blockSignals(False)
        self.list.setVisible(bool(found))
        self.show()

    def _emit(self, row: int) -> None:
        if 0 <= row < len(self._found):
            self.chosen.emit(self._found[row])


def _text(difference: UiDifference) -> str:
    """Return a difference as one line."""
    parts = [f"{sign} {_sent(sent)}" for sign, sent in (("−", difference.first), ("+", difference.second)) if sent]
    return "   ".join(parts)[: 2 * MAX_CHARS]


def _sent(sent: SentByUi) -> str:
    return summarize(f"line {sent.line}: {sent.event} {field_text(sent.data)}"[:MAX_CHARS])
