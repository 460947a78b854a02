"""Show one log row, read-only: formatted JSON, raw text, schema, and a diff to the previous event of its kind."""

import json
from collections.abc import Callable

import msgspec
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QTabWidget, QVBoxLayout, QWidget

from app.hub.journal import Kind, Row
from app.protocol.catalog import Catalog
from app.protocol.contract import Direction
from app.protocol.envelope import MAX_FRAME_BYTES
from app.protocol.event_type import EventType
from app.ui.models.log_text import ARROWS, clock, recipients, source
from app.ui.plain_text import PlainTextLabel, tooltip_text
from app.ui.widgets.accessible_names import named
from app.ui.widgets.diff_view import DiffView
from app.ui.widgets.json_view import JsonView

MAX_NAME_CHARS = 100
DIRECTIONS = {Kind.TO_UI: Direction.TO_UI, Kind.FROM_UI: Direction.FROM_UI}


class Details(QWidget):
    """The details pane of the Events room. ``previous`` returns the row to compare with in *Diff*.

    It has no actions on the row: those, such as *Resend*, are in ``ui.rooms.events``.
    """

    closed = Signal()
    """Emitted when the user closes the pane."""

    def __init__(self, catalog: Catalog, previous: Callable[[Row], Row | None] = lambda _: None) -> None:
        super().__init__()
        self._catalog = catalog
        self._previous = previous
        self._row: Row | None = None
        self._filled: set[QWidget] = set()
        """The tabs that show the row already; a tab is filled when it becomes visible."""
        self.head = named(PlainTextLabel(), "Row", style_id="detailHead")
        self.note = named(PlainTextLabel(wordWrap=True), "Result", style_id="muted")
        self.pretty = JsonView("Pretty", read_only=True)
        self.raw = JsonView("Raw", read_only=True)
        self.schema = JsonView("Schema", read_only=True)
        self.diff = DiffView()
        self.tabs = named(QTabWidget(documentMode=True), "Details")
        named(self.tabs.tabBar(), "Views of the row")
        for title, view in (("Pretty", self.pretty), ("Raw", self.raw), ("Schema", self.schema)):
            self.tabs.addTab(view, title)
        self.tabs.addTab(self.diff, "Diff")
        self.tabs.setTabToolTip(
            self.tabs.indexOf(self.diff), tooltip_text("Changes since the previous event of this kind")
        )
        self.tabs.currentChanged.connect(lambda _: self._fill())
        close = named(QPushButton("Close"), "Close the details", style_id="flat")
        close.clicked.connect(self._close)
        top = QHBoxLayout()
        top.addWidget(self.head)
        top.addWidget(self.note, 1)
        top.addWidget(close)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 6, 12, 8)
        column.setSpacing(4)
        column.addLayout(top)
        column.addWidget(self.tabs, 1)
        kept = self.tabs.sizePolicy()
        kept.setRetainSizeWhenHidden(True)  # keeps the head at the top if the row has no payload
        self.tabs.setSizePolicy(kept)
        self.hide()

    def show_row(self, row: Row | None) -> None:
        """Show ``row``, or hide the pane if it is None."""
        self.setVisible(row is not None)
        self._row = row
        if row is None:
            return
        self.head.setText(f"#{row.seq} · {ARROWS[row.kind]} · {row.event[:MAX_NAME_CHARS] or 'no event'}")
        facts = [clock(row.wall), f"source: {source(row.origin)}", f"{row.size:,} B", row.note or row.verdict]
        if row.client:
            facts.insert(
                1, f"client {row.client}" if row.kind is not Kind.TO_UI else f"to {recipients(row.client)}"
            )
        self.note.setText(" · ".join(facts))
        self.tabs.setVisible(bool(row.payload))
        self._filled.clear()
        self._fill()

    def _fill(self) -> None:
        """Fill the visible tab, unless it shows the row already."""
        tab = self.tabs.currentWidget()
        if self._row is None or tab in self._filled:
            return
        self._filled.add(tab)
        text = self._row.payload.decode("utf-8", "replace")
        if tab is self.raw:
            self.raw.set_text(text)
        elif tab is self.pretty:
            self.pretty.set_text(pretty(text))
        elif tab is self.schema:
            self.schema.set_text(self._schema(self._row))
        else:
            self.diff.compare(self._previous(self._row), self._row, pretty)

    def update_schema(self) -> None:
        """Show the schema of the row again, after the catalog has changed."""
        self._filled.discard(self.schema)
        self._fill()

    def _close(self) -> None:
        self.hide()
        self.closed.emit()

    def _schema(self, row: Row) -> str:
        known = self._event_type(row)
        if known is None:
            return "" if row.kind is Kind.SERVER else f"The contract has no event {row.event!r} in this direction"
        return json.dumps({"description": known.help, **known.schema}, indent=2, ensure_ascii=False)

    def _event_type(self, row: Row) -> EventType | None:
        direction = DIRECTIONS.get(row.kind)
        return self._catalog.get(direction, row.event) if direction else None


def pretty(text: str) -> str:
    """Return JSON indented. Return a text that is not valid JSON unchanged."""
    if len(text) > MAX_FRAME_BYTES:  # Python's encoder would take too long; msgspec does not decode escapes
        try:
            return msgspec.json.format(text)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            return text
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
