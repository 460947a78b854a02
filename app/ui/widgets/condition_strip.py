"""The strip at the top of the window: why frames or REST calls are not handled normally, with buttons to fix it.
``ui/conditions.py`` finds these conditions: for example a stopped server, connections refused on purpose, or armed
faults, which drop, delay or damage frames or REST calls on purpose. The strip shows the first two in a line each
and counts the others; its tooltip lists all. Without conditions it is hidden. Other notices are in the ``banner``.
"""

from collections.abc import Callable, Sequence

from msgspec import Struct
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QApplication, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.ui import theme
from app.ui.icons import ui_icon
from app.ui.plain_text import PlainTextLabel, set_tooltip
from app.ui.widgets.accessible_names import named

ICON_SIZE = 16
NAME = "Why frames or REST calls are not handled normally"
MAX_LINES = 2
"""Further conditions are only counted, and listed in the tooltip."""


class Condition(Struct, frozen=True):
    """A reason why frames or REST calls are not handled normally.

    ``text`` is a sentence. ``actions`` are the titles of buttons and what they do. ``tone`` is ``warning`` or
    ``error``.
    """

    text: str
    actions: tuple[tuple[str, Callable[[], object]], ...]
    tone: str = "warning"


class ConditionStrip(QWidget):
    """Shows the first current conditions, each in a line with its buttons. Hidden without conditions."""

    focus_released = Signal()
    """Emitted when the button that has the keyboard focus is removed. Qt would give it to any other widget."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("strip")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setVisible(False)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(16, 4, 12, 4)
        self._column.setSpacing(4)
        self.lines: list[ConditionLine] = []
        self._conditions: Sequence[Condition] = ()

    @property
    def buttons(self) -> list[QPushButton]:
        """The buttons of all lines."""
        return [button for line in self.lines for button in line.buttons]

    def show_conditions(self, conditions: Sequence[Condition]) -> None:
        """Show the first conditions, which are the most important ones."""
        if [each.text for each in conditions] != [each.text for each in self._conditions]:
            self._conditions = conditions
            self._show()
        self.setVisible(bool(conditions))

    def _show(self) -> None:
        shown, more = self._conditions[:MAX_LINES], len(self._conditions) - MAX_LINES
        rest = [more if each is shown[-1] and more > 0 else 0 for each in shown]
        if [line.look for line in self.lines] == [look(each) for each in shown]:
            for line, condition, others in zip(self.lines, shown, rest, strict=True):
                line.show_condition(condition, others)  # keeps the buttons, one of which may be pressed
        else:
            self._rebuild(shown, rest)
        if self._conditions:
            set_tooltip(self, "\n".join(each.text for each in self._conditions))
            self.setProperty("tone", self._conditions[0].tone)
            self.style().polish(self)

    def _rebuild(self, shown: Sequence[Condition], rest: Sequence[int]) -> None:
        if QApplication.focusWidget() in self.buttons:
            self.focus_released.emit()
        for line in self.lines:
            self._column.removeWidget(line)
            line.hide()
            line.deleteLater()
        self.lines = [ConditionLine(each, others) for each, others in zip(shown, rest, strict=True)]
        for line in self.lines:
            self._column.addWidget(line)

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        for line in self.lines:
            line.recolor()


def look(condition: Condition) -> tuple[str, ...]:
    """Return the tone and the titles of the buttons. A line can show any condition for which they are the same."""
    return condition.tone, *(title for title, _ in condition.actions)


class ConditionLine(QWidget):
    """A condition: icon, text and buttons."""

    def __init__(self, condition: Condition, more: int) -> None:
        """``more`` is the number of further conditions that only the tooltip of the strip shows."""
        super().__init__()
        self.look = look(condition)
        self._tone = condition.tone
        self._icon = PlainTextLabel()
        self.text = named(PlainTextLabel(wordWrap=True), NAME)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self._icon)
        row.addWidget(self.text, 1)
        self.buttons: list[QPushButton] = []
        for number, (title, _) in enumerate(condition.actions):
            button = named(QPushButton(title), title, style_id="stripButton")
            button.clicked.connect(lambda _=False, number=number: self._actions[number][1]())
            row.addWidget(button)
            self.buttons.append(button)
        self.show_condition(condition, more)
        self.recolor()

    def show_condition(self, condition: Condition, more: int) -> None:
        """Show another condition that looks the same."""
        self._actions = condition.actions
        self.text.setText(f"{condition.text} (and {more} more)" if more else condition.text)

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        picture = ui_icon("error" if self._tone == "error" else "warning", getattr(theme.colors(), self._tone))
        self._icon.setPixmap(picture.pixmap(ICON_SIZE, ICON_SIZE))
