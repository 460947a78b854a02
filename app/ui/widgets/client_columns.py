"""Lay out the columns of the clients' table: which ones fit into its width, and how wide each must be.
The important columns are always shown, the others in order of importance while there is room. Widths fit typical
contents, unless the user has set them. *Client* and *Origin* also grow with theirs, up to a limit, until the user
resizes them.
"""

from collections.abc import Iterable

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtWidgets import QApplication, QHeaderView, QTableView
from typing_extensions import override

from app.ui.models.clients import TITLES, Col

SAMPLES = {
    Col.CLIENT: "2 · username", Col.READY: "not yet", Col.LAST_SENT: "new_message · 59 min ago",
    Col.FROM_UI: "999 · 19.8 KiB", Col.TO_UI: "999 · 19.8 KiB", Col.ORIGIN: "http://localhost:1420",
    Col.SINCE: "12 h 59 min", Col.QUEUE: "256.0 KiB", Col.PING: "123.4 ms", Col.AGENT: "Mozilla/5.0 (X11; Linux",
}  # fmt: skip
"""Texts that determine the smallest widths of the columns."""
AGE = " · 59 min ago"
"""What follows the name of an event in the column *Last sent*."""
ALWAYS = (Col.CLIENT, Col.READY, Col.LAST_SENT, Col.ORIGIN)
"""The columns that are always shown, as wide as their contents."""
GROWING = (Col.CLIENT, Col.ORIGIN)
"""The columns that become wider when a new client needs it."""
OPTIONAL = (Col.RATE, Col.TO_UI, Col.FROM_UI, Col.SINCE, Col.PING, Col.QUEUE, Col.AGENT)
"""The other columns, the most important first. The first one that does not fit hides those after it, too."""
PADDING = 9
"""Pixels to the left and right of a cell's text, as in the style sheet."""
MAX_WIDTH = 260
"""A column does not become wider than this by itself. Its cells have tooltips."""
RATE_WIDTH = 92


class ClientColumns(QObject):
    """Lays out the columns of ``table``. Call ``fit`` when its rows have changed.

    The important columns are never narrower than their contents, unless the user makes them so. ``events`` are the
    names of the events that *Last sent* can show.
    """

    fitted = Signal()
    """Emitted after the columns have followed a change of the table's width."""

    def __init__(self, table: QTableView, events: Iterable[str]) -> None:
        super().__init__(table)
        self._table = table
        self._events = list(events)
        self._narrowed: set[int] = set()
        """The columns that the user has resized since the program started."""
        self._fitting = False
        header = table.horizontalHeader()
        header.sectionResized.connect(self._on_resized)
        header.setMinimumSectionSize(40)
        table.viewport().installEventFilter(self)
        for column in Col:
            table.setColumnWidth(column, self._needed(column))

    @property
    def hidden(self) -> list[Col]:
        """The columns for which there is no room."""
        return [column for column in Col if self._table.isColumnHidden(column)]

    def list_events(self, events: Iterable[str]) -> None:
        """Make room for the names of the events of a changed contract."""
        self._events = list(events)
        self._table.setColumnWidth(Col.LAST_SENT, self._needed(Col.LAST_SENT))

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Lay out the columns when the width of the table has changed."""
        if event.type() == QEvent.Type.Resize and not self._fitting:
            self.fit()
            self.fitted.emit()
        return super().eventFilter(watched, event)

    def fit(self) -> None:
        """Show the columns for which there is room. The last one with a free text gets the rest of the width."""
        self._fitting = True
        widths = {column: self._width(column) for column in Col}
        free = self._table.viewport().width() - sum(widths[column] for column in ALWAYS)
        shown = set(ALWAYS)
        for column in OPTIONAL:
            free -= widths[column]
            if free < 0:
                break
            shown.add(column)
        stretched = Col.AGENT if Col.AGENT in shown else Col.ORIGIN
        header = self._table.horizontalHeader()
        for column in Col:
            mode = QHeaderView.ResizeMode.Stretch if column is stretched else QHeaderView.ResizeMode.Interactive
            if header.sectionResizeMode(column) != mode:
                header.setSectionResizeMode(column, mode)
            self._table.setColumnHidden(column, column not in shown)
            if column is not stretched and self._table.columnWidth(column) != widths[column]:
                self._table.setColumnWidth(column, widths[column])
        self._fitting = False

    def _width(self, column: Col) -> int:
        """Return the width of a column: as the user or a saved layout has set it, or wider if it must grow."""
        now, needed = self._table.columnWidth(column), self._needed(column)
        stretched = self._table.horizontalHeader().sectionResizeMode(column) == QHeaderView.ResizeMode.Stretch
        if self._table.isColumnHidden(column) or stretched:
            return needed
        grows = column in GROWING and column not in self._narrowed
        return max(now, needed) if grows else now

    def _needed(self, column: Col) -> int:
        """Return the width of a column's title and contents."""
        if column is Col.RATE:
            return RATE_WIDTH
        texts = [TITLES[column], SAMPLES[column]]
        if column is Col.LAST_SENT:
            texts += [name + AGE for name in self._events]
        elif column in GROWING:
            model = self._table.model()
            texts += [str(model.index(line, column).data()) for line in range(model.rowCount())]
        widest = max(map(self._table.fontMetrics().horizontalAdvance, texts))
        return min(widest, MAX_WIDTH) + 2 * PADDING

    def _on_resized(self, column: int, _: int, __: int) -> None:
        if not self._fitting and QApplication.mouseButtons():  # restoring a saved layout also resizes
            self._narrowed.add(column)
