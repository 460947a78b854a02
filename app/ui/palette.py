"""The command palette (Ctrl+K): search every action of the window and run it."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QListWidget, QListWidgetItem, QVBoxLayout, QWidget
from typing_extensions import override

from app.ui.plain_text import PlainTextLabel, set_tooltip
from app.ui.widgets.accessible_names import named
from app.ui.widgets.line_edit import LineEdit

LIST_KEYS = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)


class Command(NamedTuple):
    """An action of the palette. The search looks at ``title`` and ``hint``, which also shows a shortcut or name."""

    title: str
    act: Callable[[], object]
    hint: str = ""


def matching(commands: Sequence[Command], words: str) -> list[Command]:
    """Return the commands that contain every word; those whose title begins with the first word come first."""
    wanted = words.casefold().split()
    found = [each for each in commands if all(word in f"{each.title} {each.hint}".casefold() for word in wanted)]
    return sorted(found, key=lambda each: not (wanted and each.title.casefold().startswith(wanted[0])))


class Palette(QDialog):
    """A search line above a list of commands; Enter runs the selected one. Call ``open()``; it does not block."""

    def __init__(self, parent: QWidget, commands: Sequence[Command]) -> None:
        super().__init__(parent)
        self._commands = commands
        self._found: list[Command] = []
        self.setWindowTitle("Commands")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(560, 420)
        self.search = named(LineEdit(limit=200, placeholder="Search commands and fixtures"), "Search commands")
        self.list = named(QListWidget(), "Commands", style_id="palette")
        hint = PlainTextLabel("↑ ↓ to select · Enter to run · Esc to close")
        hint.setObjectName("muted")
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 10)
        column.setSpacing(8)
        for widget in (self.search, self.list, hint):
            column.addWidget(widget)
        self.search.textChanged.connect(self._show)
        self.search.returnPressed.connect(self._run_selected)
        self.search.installEventFilter(self)
        self.list.itemActivated.connect(lambda _: self._run_selected())
        self._show("")

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Move the list's selection with the arrow keys while the search line has the focus."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and event.key() in LIST_KEYS:
            self.list.keyPressEvent(event)
            return True
        return super().eventFilter(watched, event)

    def _show(self, words: str) -> None:
        self._found = matching(self._commands, words)
        self.list.clear()
        for each in self._found:
            item = QListWidgetItem(f"{each.title}   {each.hint}" if each.hint else each.title)
            set_tooltip(item, each.hint)
            self.list.addItem(item)
        self.list.setCurrentRow(0)

    def _run_selected(self) -> None:
        row = self.list.currentRow()
        if 0 <= row < len(self._found):
            act = self._found[row].act
            self.accept()
            act()
