"""A popup card that explains the filter of the log with one example per kind of term; a click emits the example."""

from PySide6.QtCore import QPoint, QRect, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QPushButton, QVBoxLayout, QWidget
from typing_extensions import override

from app.hub.filter_grammar import EXAMPLES
from app.ui import theme
from app.ui.plain_text import PlainTextLabel
from app.ui.widgets.accessible_names import named

MARGIN = 8
"""Pixels between the card and the edge of the window."""
INTRODUCTION = "Rows must match all terms. Click an example to add it to the filter, then change it."


class FilterHelp(QFrame):
    """A popup with one example per kind of term. It destroys itself when it is closed."""

    chosen = Signal(str)
    """Emitted with the example that the user clicked."""
    manual_requested = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        named(self, "How to filter the log", style_id="card")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(8)
        title = PlainTextLabel("Filter the log")
        title.setObjectName("detailHead")
        introduction = PlainTextLabel(INTRODUCTION)
        introduction.setObjectName("muted")
        column.addWidget(title)
        column.addWidget(introduction)
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(0)
        self.examples: list[QPushButton] = []
        for line, (term, meaning) in enumerate(EXAMPLES):
            button = named(QPushButton(term), f"{term}: {meaning}", style_id="example")
            button.setFont(theme.mono())
            button.clicked.connect(lambda _, term=term: self._choose(term))
            grid.addWidget(button, line, 0)
            grid.addWidget(PlainTextLabel(meaning), line, 1)
            self.examples.append(button)
        column.addLayout(grid)
        self.manual = named(QPushButton("Open the manual"), "Open the manual about the filter", style_id="flat")
        self.manual.clicked.connect(self._open_manual)
        column.addWidget(self.manual, 0, Qt.AlignmentFlag.AlignRight)

    def show_below(self, widget: QWidget) -> None:
        """Show the card below a widget, within its window and the screen if there is room."""
        self.adjustSize()
        window = widget.window()
        inside = QRect(window.mapToGlobal(QPoint()), window.size()) & widget.screen().availableGeometry()
        place = widget.mapToGlobal(QPoint(0, widget.height() + 4))
        place.setX(max(inside.left() + MARGIN, min(place.x(), inside.right() + 1 - self.width() - MARGIN)))
        place.setY(max(inside.top() + MARGIN, min(place.y(), inside.bottom() + 1 - self.height() - MARGIN)))
        self.move(place)
        self.show()
        self.examples[0].setFocus(Qt.FocusReason.PopupFocusReason)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close()
        else:
            super().keyPressEvent(event)

    def _choose(self, term: str) -> None:
        self.close()
        self.chosen.emit(term)

    def _open_manual(self) -> None:
        self.close()
        self.manual_requested.emit()
