"""Create and recognize the drag-and-drop data (MIME data) of a fixture or of the selected log rows.
Both can be dropped into a scenario. A fixture, which is a saved event or raw frame, is dragged by its name. The
data of rows has no content: the drop target asks the Events room for the selected rows.
"""

from PySide6.QtCore import QMimeData

FIXTURE = "application/x-p2p-chat-companion-fixture"
ROWS = "application/x-p2p-chat-companion-rows"


def fixture_data(name: str) -> QMimeData:
    """Return the data of a fixture that is dragged."""
    data = QMimeData()
    data.setData(FIXTURE, name.encode())
    return data


def rows_data() -> QMimeData:
    """Return the data of the selected rows of the log. The target asks Events for them."""
    data = QMimeData()
    data.setData(ROWS, b"selected")
    return data


def is_ours(data: QMimeData) -> bool:
    """Return whether data was dragged from a list of this window."""
    return data.hasFormat(FIXTURE) or data.hasFormat(ROWS)


def fixture_in(data: QMimeData) -> str:
    """Return the name of the fixture in dragged data, or an empty text."""
    return bytes(data.data(FIXTURE).data()).decode(errors="replace") if data.hasFormat(FIXTURE) else ""
