"""The dialog that lists the keyboard shortcuts."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QPushButton, QWidget

from app.ui.plain_text import PlainTextLabel
from app.ui.room_registry import Room

SHORTCUTS = (
    ("Ctrl+K", "Command palette: search every action"),
    ("Ctrl+Enter", "Fire the event in Inject or Fixtures, or stop a repeat; in Chats, send the message"),
    ("Ctrl+R", "Repeat the last event with a new ID and time"),
    ("Ctrl+F", "Filter the log; in Settings and Help, search there"),
    ("Ctrl+L", "Clear the log view"),
    ("P", "Freeze or unfreeze the log"),
    ("R", "Resend the selected frame"),
    ("E", "Edit the selected event in Inject"),
    ("S", "Save the selected frame as a fixture"),
    ("Ctrl+C", "Copy the selected frame as JSON"),
    ("Ctrl+Shift+C", "Copy the selected event as a terminal command"),
    ("Ctrl+Alt+C", "Copy the selected event as a line for Playwright"),
    ("F2", "Change the user that the selected client acts as"),
    ("Ctrl+W", "Close the window"),
    ("Ctrl+Q", "Quit"),
    ("Alt+Left or Alt+Right", "In Help, go back or forward"),
    ("F1", "Help for the current room"),
    ("?", "Show this list"),
)


def room_shortcuts(rooms: Sequence[Room]) -> tuple[str, str]:
    """Return the first line of the list: the shortcuts that open rooms, and the rooms' titles."""
    opened = sorted((room for room in rooms if room.shortcut.startswith("Ctrl+")), key=lambda room: room.shortcut)
    return f"{opened[0].shortcut} … {opened[-1].shortcut}", ", ".join(room.title for room in opened)


def show_shortcuts(parent: QWidget, rooms: Sequence[Room], open_help: Callable[[], object]) -> QDialog:
    """Open a dialog with all shortcuts and a button that calls ``open_help``. It does not block."""
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
    manual = QPushButton("Open Help")
    buttons.addButton(manual, QDialogButtonBox.ButtonRole.ActionRole)
    manual.clicked.connect(dialog.accept)
    manual.clicked.connect(lambda: open_help())
    grid.addWidget(buttons, len(lines), 0, 1, 2)
    dialog.open()
    return dialog
