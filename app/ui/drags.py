"""Create and recognize the drag-and-drop data (MIME data) of a fixture (a saved event or raw frame) or of log rows.
Both can be dropped into a scenario; held over a room in the navigation, they open it. The data of a fixture is its
name. The data of rows is the process that they are from: the drop target asks Events for the selected rows.
"""

import os

from PySide6.QtCore import QMimeData

FIXTURE = "application/x-p2p-chat-companion-fixture"
ROWS = "application/x-p2p-chat-companion-rows"
_HERE = str(os.getpid()).encode()


def fixture_data(name: str) -> QMimeData:
    """Return the data of a fixture that is dragged."""
    data = QMimeData()
    data.setData(FIXTURE, name.encode())
    return data


def rows_data() -> QMimeData:
    """Return the data of the selected rows of the log. The target asks Events for them."""
    data = QMimeData()
    data.setData(ROWS, _HERE)
    return data


def is_ours(data: QMimeData) -> bool:
    """Return whether data is a fixture, or rows of this program: another companion may be running."""
    return data.hasFormat(FIXTURE) or bytes(data.data(ROWS).data()) == _HERE


def fixture_in(data: QMimeData) -> str:
    """Return the name of the fixture in dragged data, or an empty text."""
    return bytes(data.data(FIXTURE).data()).decode(errors="replace") if data.hasFormat(FIXTURE) else ""
