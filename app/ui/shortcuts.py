"""Open the dialog that lists the keyboard shortcuts, grouped by room.
The lists are written in this module. It registers no keys: the window, the rooms and their widgets do.
"""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.ui.plain_text import PlainTextLabel
from app.ui.room_registry import NUMBER_KEYS, Room
from app.ui.widgets.accessible_names import named

GROUPS = {
    "Everywhere": (
        ("Ctrl+0", "Open Faults"),
        ("Ctrl+,", "Open Settings"),
        ("Ctrl+K", "Command palette: search every action"),
        (
            "Ctrl+Enter",
            "Fire the event in Inject or Fixtures, or stop a repeat; in Scenarios, run or stop; in Chats, send; "
            "in Faults, arm",
        ),
        ("Ctrl+R", "Repeat the last event with a new ID and time"),
        ("Ctrl+B", "Show the fire bar; if it is visible, use it with the keyboard"),
        ("Ctrl+F", "Filter the log; in UI state, Fixtures, Scenarios, Faults, Settings and Help, search there"),
        ("Ctrl+L", "Clear the log view"),
        ("F8", "Continue the selected or the oldest item that is held at a breakpoint"),
        ("Ctrl+W", "Close the window"),
        ("Ctrl+Q", "Quit"),
        ("F1", "Help for the current room"),
        ("?", "Show this list"),
    ),
    "Events": (
        ("P", "Freeze or unfreeze the log"),
        ("R", "Resend the selected frame"),
        ("E", "Edit the selected event in Inject"),
        ("S", "Save the selected frame as a fixture"),
        ("M", "Pin or unpin the selected rows"),
        ("A", "Annotate the selected row"),
        ("B", "Add a breakpoint for the event of the selected row"),
        ("U", "Show the state of the UI after the selected row"),
        ("Esc", "Close the details"),
        ("Ctrl+A", "Select all rows"),
        ("Ctrl+C", "Copy the selected frame as JSON, or several rows as JSON lines"),
        ("Ctrl+Shift+C", "Copy the selected event as a terminal command"),
        ("Ctrl+Alt+C", "Copy the selected event as a line for Playwright"),
        ("E or D", "In the list of held items: edit or drop the selected item"),
        ("I or X", "In the list of held items: inject an event after the selected item, or close its connection"),
    ),
    "Recording": (
        ("Alt+Left or Alt+Right", "Select the previous or next row"),
        ("Left or Right", "In the timeline: select the previous or next row"),
        ("Home or End", "In the timeline: select the first or last row"),
    ),
    "Chats": (
        ("D", "Mark the selected message as delivered"),
        ("R", "React to the selected message"),
        ("Del", "Delete the selected message"),
    ),
    "Clients": (("F2", "Change the user that the selected client acts as"),),
    "Fixtures": (
        ("Ctrl+S", "Save the changes; those of a built-in fixture under another name"),
        ("F2", "Rename the fixture that is selected in the list"),
        ("Del", "Delete the fixture that is selected in the list"),
    ),
    "Scenarios": (
        ("Ctrl+N", "Write a new scenario"),
        ("Ctrl+S", "Save the scenario"),
        ("F2", "Rename the scenario or recording that is selected in the list"),
        ("Del", "Delete the scenario or recording that is selected in the list"),
        ("F8", "Pause or resume the run, if nothing is held at a breakpoint"),
        ("F10", "Play the next step, or run step by step"),
    ),
    "Sources": (
        ("Ctrl+N", "In Peers: add a peer"),
        ("Del", "In Peers: forget the selected peer"),
    ),
    "Contract": (("Del", "Turn the selected rule off or on"),),
    "Faults": (("Del", "Clear the selected entry"),),
    "UI state": (
        ("Alt+Left or Alt+Right", "Show the state after the previous or next change"),
        ("Alt+End", "Follow the log again"),
        ("O", "Show the row that made the selected value"),
    ),
    "Settings": (("Ctrl+S", "Save the changes"),),
    "Help": (("Alt+Left or Alt+Right", "Go back or forward"),),
}
"""The keys and their actions by group: *Everywhere*, or the title of a room."""
SHORTCUTS = tuple(line for group in GROUPS.values() for line in group)
"""The keys and actions of all groups, without those that open rooms."""

SIZE = QSize(620, 640)
KEYS_WIDTH = 172


def room_shortcuts(rooms: Sequence[Room]) -> tuple[str, str]:
    """Return the first line of the list: the shortcuts that open rooms, and the rooms' titles."""
    numbered = rooms[:NUMBER_KEYS]
    return f"Ctrl+1 … Ctrl+{len(numbered)}", "Open " + ", ".join(room.title for room in numbered)


def show_shortcuts(parent: QWidget, rooms: Sequence[Room], open_help: Callable[[], object]) -> QDialog:
    """Open a dialog with all shortcuts and a button that calls ``open_help``. It does not block."""
    dialog = QDialog(parent)
    dialog.setWindowTitle("Keyboard shortcuts")
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.resize(SIZE.boundedTo(parent.size()))
    area = named(QScrollArea(widgetResizable=True), "Keyboard shortcuts")
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(_list({**GROUPS, "Everywhere": (room_shortcuts(rooms), *GROUPS["Everywhere"])}))
    manual = named(QPushButton("Open Help"), "Open Help")
    manual.clicked.connect(dialog.accept)
    manual.clicked.connect(lambda: open_help())
    close = named(QPushButton("Close"), "Close", style_id="primary")
    close.setDefault(True)
    close.clicked.connect(dialog.accept)
    foot = QFrame()
    foot.setObjectName("dialogFoot")
    buttons = QHBoxLayout(foot)
    buttons.setContentsMargins(20, 12, 20, 12)
    buttons.setSpacing(8)
    buttons.addWidget(manual)
    buttons.addStretch(1)
    buttons.addWidget(close)
    column = QVBoxLayout(dialog)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    column.addWidget(area, 1)
    column.addWidget(foot)
    dialog.open()
    close.setFocus()
    return dialog


def _list(groups: dict[str, tuple[tuple[str, str], ...]]) -> QWidget:
    inner = QWidget()
    grid = QGridLayout(inner)
    grid.setContentsMargins(20, 16, 20, 8)
    grid.setHorizontalSpacing(16)
    grid.setVerticalSpacing(8)
    grid.setColumnMinimumWidth(0, KEYS_WIDTH)
    grid.setColumnStretch(1, 1)
    top = Qt.AlignmentFlag.AlignTop
    for number, (title, shortcuts) in enumerate(groups.items()):
        heading = PlainTextLabel(title)
        heading.setObjectName("groupTitle")
        heading.setContentsMargins(0, 12 if number else 0, 0, 0)
        grid.addWidget(heading, grid.rowCount(), 0, 1, 2)
        for keys, action in shortcuts:
            row = grid.rowCount()
            label = PlainTextLabel(keys)
            label.setObjectName("keyCap")
            grid.addWidget(label, row, 0, top | Qt.AlignmentFlag.AlignLeft)
            text = PlainTextLabel(action, wordWrap=True)
            text.setContentsMargins(0, 2, 0, 0)
            grid.addWidget(text, row, 1, top)
    grid.setRowStretch(grid.rowCount(), 1)
    return inner
