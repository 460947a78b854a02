"""The buttons above an event in Inject: *Format* (indent the JSON), *Reset* or *Undo*, and form or JSON.
They only emit signals: ``event_panel`` acts.
"""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QWidget

from app.ui.plain_text import set_tooltip
from app.ui.widgets.accessible_names import named

FORM, JSON = 0, 1
"""The views of an event."""


class EventToolbar(QWidget):
    """Buttons only; the panel acts."""

    view_chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.format = named(QPushButton("Format"), "Format", tip="Indent the JSON")
        self.reset = named(QPushButton("Reset"), "Reset")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.format)
        row.addWidget(self.reset)
        views = QHBoxLayout()
        views.setSpacing(0)
        row.addLayout(views)
        self._views = QButtonGroup(self)
        for number, title in ((FORM, "Form"), (JSON, "JSON")):
            button = named(QPushButton(title), f"Show as {title}", style_id=f"segment{title}")
            button.setCheckable(True)
            self._views.addButton(button, number)
            views.addWidget(button)
        self._views.idClicked.connect(self.view_chosen)

    def show_state(self, view: int, *, can_undo: bool, can_reset: bool) -> None:
        """Show the view and which actions are possible. ``can_undo``: what was written was just replaced."""
        self._views.button(view).setChecked(True)
        self.format.setVisible(view == JSON)
        self.reset.setText("Undo" if can_undo else "Reset")
        self.reset.setAccessibleName(self.reset.text())
        set_tooltip(self.reset, "Bring back what was here" if can_undo else "Go back to the default values")
        self.reset.setEnabled(can_undo or can_reset)
