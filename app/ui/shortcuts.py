"""The dialog with the keyboard shortcuts."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QWidget

from app.ui.plain_text import PlainTextLabel
from app.ui.room_registry import Room

SHORTCUTS = (
    ("Ctrl+K", "Do anything, found by a few letters"),
    ("Ctrl+Enter", "Fire what Inject or Fixtures holds, or stop a series; in Chats: send the message"),
    ("Ctrl+R", "Repeat what was fired last, with fresh values"),
    ("Ctrl+F", "Filter the log"),
    ("Ctrl+L", "Clear the log's view"),
    ("P", "Pause or resume the log's view"),
    ("R", "Resend the selected frame"),
    ("E", "Edit the selected frame in Inject"),
    ("S", "Save the selected frame as a fixture"),
    ("Ctrl+C", "Copy the selected frame as JSON"),
    ("Ctrl+Shift+C", "Copy it as a command for a terminal"),
    ("Ctrl+Alt+C", "Copy it as a line for Playwright"),
    ("F2", "Change the user that the selected client acts as"),
    ("Ctrl+W", "Close the window"),
    ("Ctrl+Q", "Quit"),
    ("? or F1", "This list"),
)


def room_shortcuts(rooms: Sequence[Room]) -> tuple[str, str]:
    """Return the line of the list for the shortcuts that open rooms."""
    opened = sorted((room for room in rooms if room.shortcut), key=lambda room: room.shortcut)
    return f"{opened[0].shortcut} … {opened[-1].shortcut}", ", ".join(room.title for room in opened)


def show_shortcuts(parent: QWidget, rooms: Sequence[Room]) -> QDialog:
    """Open a dialog with all shortcuts, without blocking."""
    lines = [room_shortcuts(rooms), *SHORTCUTS]
    dialog = QDialog(parent)
    dialog.setWindowTitle("Keyboard shortcuts")
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    grid = QGridLayout(dialog)
    grid.setContentsMargins(20, 16, 20, 16)
    grid.setHorizontalSpacing(18)
    for line, (keys, action) in enumerate(lines):
        label = PlainTextLabel(keys)
        label.setObjectName("detailHead")
        grid.addWidget(label, line, 0)
        grid.addWidget(PlainTextLabel(action), line, 1)
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok)
    buttons.accepted.connect(dialog.accept)
    grid.addWidget(buttons, len(lines), 0, 1, 2)
    dialog.open()
    return dialog
