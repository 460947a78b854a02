"""The list of keys."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

SHORTCUTS = (
    ("Ctrl+1 … Ctrl+6", "Events, Clients, Inject, Fixtures, Chats, Settings"),
    ("Ctrl+K", "Do anything, found by a few letters"),
    ("Ctrl+Enter", "Fire what Inject or Fixtures holds, or stop a series"),
    ("Ctrl+R", "Repeat what was fired last, with fresh values"),
    ("Ctrl+F", "Filter the log"),
    ("Ctrl+L", "Clear the log's view"),
    ("P", "Pause or resume the log's view"),
    ("R", "Resend the selected frame"),
    ("E", "Edit the selected frame in Inject"),
    ("S", "Save the selected frame as a fixture"),
    ("Ctrl+C", "Copy the selected frame as JSON"),
    ("Ctrl+Shift+C", "Copy it as a command for a terminal"),
    ("F2", "Change the user that the selected client acts as"),
    ("Ctrl+W", "Close the window"),
    ("Ctrl+Q", "Quit"),
    ("? or F1", "This list"),
)


def show_shortcuts(parent: QWidget) -> QMessageBox:
    """Open the list; it does not block."""
    rows = "".join(f"<tr><td><b>{keys}</b></td><td>&nbsp;&nbsp;{what}</td></tr>" for keys, what in SHORTCUTS)
    box = QMessageBox(parent)
    box.setWindowTitle("Keyboard shortcuts")
    box.setTextFormat(Qt.TextFormat.RichText)
    box.setText(f"<table cellspacing='6'>{rows}</table>")
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.open()
    return box
