"""The strip at the top of the window: shows why frames cannot leave, with buttons that resolve it.

``ui/conditions.py`` finds the reasons.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QApplication, QHBoxLayout, QPushButton, QWidget

from app.ui import theme
from app.ui.icons import ui_icon
from app.ui.plain_text import PlainTextLabel, set_tooltip
from app.ui.widgets.accessible_names import named

ICON_SIZE = 16


@dataclass(frozen=True)
class Condition:
    """A reason why frames do not leave as expected.

    ``text`` is a sentence. ``actions`` are the titles of buttons and what they do. ``tone`` is ``warning`` or
    ``error``.
    """

    text: str
    actions: tuple[tuple[str, Callable[[], object]], ...]
    tone: str = "warning"


class ConditionStrip(QWidget):
    """Shows the first of the current conditions, and the others in its tooltip. Hidden if there is none."""

    focus_released = Signal()
    """Emitted when the button that has the keyboard focus is removed. Qt would give it to any other widget."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("strip")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setVisible(False)
        self._icon = PlainTextLabel()
        self.text = named(PlainTextLabel(wordWrap=True), "Why frames do not leave")
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(16, 4, 12, 4)
        self._row.setSpacing(8)
        self._row.addWidget(self._icon)
        self._row.addWidget(self.text, 1)
        self.buttons: list[QPushButton] = []
        self._conditions: Sequence[Condition] = ()

    def show_conditions(self, conditions: Sequence[Condition]) -> None:
        """Show the first condition, the most important one."""
        texts = [each.text for each in conditions]
        if texts != [each.text for each in self._conditions]:
            self._conditions = conditions
            self._show(texts)
        self.setVisible(bool(conditions))

    def _show(self, texts: list[str]) -> None:
        if QApplication.focusWidget() in self.buttons:
            self.focus_released.emit()
        for button in self.buttons:
            self._row.removeWidget(button)
            button.deleteLater()
        self.buttons = []
        if not self._conditions:
            return
        first = self._conditions[0]
        for title, act in first.actions:
            button = named(QPushButton(title), title, style_id="stripButton")
            button.clicked.connect(lambda _=False, act=act: act())
            self._row.addWidget(button)
            self.buttons.append(button)
        more = f" (and {len(texts) - 1} more)" if len(texts) > 1 else ""
        self.text.setText(f"{first.text}{more}")
        set_tooltip(self, "\n".join(texts))
        self.setProperty("tone", first.tone)
        self.style().polish(self)
        self.recolor()

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        if self._conditions:
            tone = self._conditions[0].tone
            picture = ui_icon("error" if tone == "error" else "warning", getattr(theme.colors(), tone))
            self._icon.setPixmap(picture.pixmap(ICON_SIZE, ICON_SIZE))
