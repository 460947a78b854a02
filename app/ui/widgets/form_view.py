"""The view of an event as a form in Inject, with the event as JSON beside it if there is room."""

import json
from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QStackedWidget, QWidget
from typing_extensions import override

from app.protocol.envelope import Envelope
from app.ui.widgets.json_view import JsonView
from app.ui.widgets.schema_form import GRID, WIDTH, SchemaForm

WIDE = 1160
"""From this width in pixels, the JSON is shown: the room is 1,200 pixels wide then."""
QWIDGETSIZE_MAX = (1 << 24) - 1
"""Qt's value for no limit; PySide lacks the name."""


class FormView(QWidget):
    """A stack of forms. ``show_event`` updates the JSON."""

    def __init__(self, forms: Sequence[SchemaForm]) -> None:
        super().__init__()
        self.stack = QStackedWidget()
        for form in forms:
            self.stack.addWidget(_scrolled(form))
        self.preview = JsonView("Event as JSON, updated while you type", read_only=True)
        self.preview.setObjectName("preview")
        self.preview.hide()
        self._event: Envelope | None = None
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(3 * GRID)
        row.addWidget(self.stack, 1)
        row.addWidget(self.preview, 1)
        row.addStretch(0)

    def show_event(self, event: Envelope) -> None:
        """Show an event as JSON, now or as soon as there is room."""
        self._event = event
        if not self.preview.isHidden():
            bar = self.preview.verticalScrollBar()
            place = bar.value()
            self.preview.set_text(as_text(event))
            bar.setValue(place)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wide = self.width() >= WIDE
        if wide is self.preview.isHidden():
            self.preview.setVisible(wide)
            self.stack.setMaximumWidth(WIDTH + 2 * GRID if wide else QWIDGETSIZE_MAX)  # with the scroll bar
            if self._event:
                self.show_event(self._event)


def as_text(event: Envelope) -> str:
    """Return an event as indented JSON."""
    return json.dumps({"event": event.event, "data": event.data}, indent=2, ensure_ascii=False)


def _scrolled(widget: QWidget) -> QScrollArea:
    area = QScrollArea(widgetResizable=True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # Tab goes to the fields, and scrolls to them
    area.setWidget(widget)
    return area
