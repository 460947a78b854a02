"""A splitter with a table and its details: they are beside the table if there is room, and below it otherwise."""

import json
import struct

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSplitter, QVBoxLayout, QWidget
from typing_extensions import override

BESIDE_WIDTH = 1_130
"""The details are beside the log if the splitter is at least this wide: in a window of 1,300 pixels."""
BELOW, BESIDE = "below", "beside"
QT_MARKER = 0xFF
DEFAULT_SIZES = {BELOW: [300, 300], BESIDE: [780, 520]}


class DetailsSplitter(QSplitter):
    """Contains the log, or another table, and its details. It remembers its sizes for both arrangements."""

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Vertical)
        self._sizes = {place: list(sizes) for place, sizes in DEFAULT_SIZES.items()}
        self.setChildrenCollapsible(False)
        self.splitterMoved.connect(lambda *_: self._remember())

    def add_log(self, log: QWidget) -> None:
        """Add the log. Call it first."""
        self.addWidget(log)
        self.setStretchFactor(0, 3)

    def add_details(self, details: QWidget) -> None:
        """Add the details, which may be built later than the log."""
        self.addWidget(details)
        self.setStretchFactor(1, 2)
        self.setSizes(self._sizes[self.place])

    def fill(self, page: QWidget, log: QWidget, details: QWidget) -> None:
        """Add both, and fill a page with the splitter."""
        self.add_log(log)
        self.add_details(details)
        self.setHandleWidth(1)
        whole = QVBoxLayout(page)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self)

    @property
    def place(self) -> str:
        """Where the details are: ``below`` or ``beside`` the log."""
        return BESIDE if self.orientation() is Qt.Orientation.Horizontal else BELOW

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        place = BESIDE if event.size().width() >= BESIDE_WIDTH else BELOW
        if place != self.place:
            self.setOrientation(Qt.Orientation.Horizontal if place == BESIDE else Qt.Orientation.Vertical)
            self.setSizes(self._sizes[place])
        super().resizeEvent(event)

    @override
    def saveState(self) -> QByteArray:
        self._remember()
        return QByteArray(json.dumps(self._sizes).encode())

    @override
    def restoreState(self, state: QByteArray | bytes | bytearray | memoryview) -> bool:
        """Restore the sizes of ``saveState``, or those that earlier versions saved for details below the log."""
        data = bytes(QByteArray(state).data())
        saved = _parse(data) or _parse_earlier(data)
        self._sizes |= saved
        self.setSizes(self._sizes[self.place])
        return bool(saved)

    def _remember(self) -> None:
        sizes = self.sizes()
        if len(sizes) == 2 and all(sizes):  # hidden details have no size
            self._sizes[self.place] = sizes


def _parse(state: bytes) -> dict[str, list[int]]:
    """Return the sizes of a saved state, or nothing if it is not one of ``DetailsSplitter``."""
    try:
        saved = json.loads(state)
    except ValueError:
        return {}
    found = saved if isinstance(saved, dict) else {}
    return {
        place: sizes
        for place, sizes in found.items()
        if place in DEFAULT_SIZES
        and isinstance(sizes, list)
        and len(sizes) == 2
        and all(isinstance(size, int) and 0 < size < 100_000 for size in sizes)
    }


def _parse_earlier(state: bytes) -> dict[str, list[int]]:
    """Return the sizes that ``QSplitter.saveState`` wrote: a marker, a version, the number of sizes, and them."""
    if len(state) < 20:
        return {}
    marker, _, number, *sizes = struct.unpack_from(">5i", state)
    return {BELOW: sizes} if marker == QT_MARKER and number == len(sizes) and min(sizes) > 0 else {}
