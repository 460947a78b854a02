"""A splitter for rooms: a list on the left and, beside it, a pane with one of several pages.
The room shows in the pane what belongs to the selected item. Fixtures, Scenarios and the profiles in Faults use it.
"""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSplitter, QStackedWidget, QVBoxLayout, QWidget


class ListAndPane(QSplitter):
    """A list and a pane with one of ``pages``, side by side. The pane gets the space when the window grows."""

    def __init__(self, entries: QWidget, pages: Sequence[QWidget], widths: Sequence[int]) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.pane = QStackedWidget()
        for page in pages:
            self.pane.addWidget(page)
        self.addWidget(entries)
        self.addWidget(self.pane)
        self.setStretchFactor(1, 1)
        self.setSizes(list(widths))
        self.setChildrenCollapsible(False)
        self.setHandleWidth(1)

    def fill(self, room: QWidget, *below: QWidget) -> None:
        """Fill a room with this layout and the widgets below it."""
        whole = QVBoxLayout(room)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self, 1)
        for each in below:
            whole.addWidget(each)
