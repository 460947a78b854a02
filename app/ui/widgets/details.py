"""The details pane of the Events room: a log row as tree, formatted JSON, raw text, schema, or diff from the
previous row with the same event and direction. A row about a peer's envelope also has the views *Opened*
(decrypted) and *Sealed*. For a row without content, such as a connect, ``row_facts`` is shown. The views are
read-only. ``row_header`` is the header above them, with an annotation and buttons such as *Resend*;
``ui/row_actions`` carries out the actions.
"""

import json
from collections.abc import Callable, Sequence

import msgspec
from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QTabWidget, QVBoxLayout, QWidget
from typing_extensions import override

from app.hub.journal import Kind, Row
from app.hub.origin import PEERS
from app.hub.row_marks import NO_MARKS, RowMarks
from app.protocol.catalog import Catalog
from app.protocol.contract import Direction
from app.protocol.envelope import MAX_FRAME_BYTES
from app.protocol.event_type import EventType
from app.protocol.json_format import indent
from app.ui.keys import IN_CHILDREN, Shortcut
from app.ui.plain_text import PlainTextLabel, tooltip_text
from app.ui.widgets.accessible_names import named
from app.ui.widgets.diff_view import DiffView
from app.ui.widgets.json_tree import JsonTree
from app.ui.widgets.json_view import JsonView
from app.ui.widgets.line_edit import LineEdit
from app.ui.widgets.row_facts import RowFacts
from app.ui.widgets.row_header import RowHeader

DIRECTIONS = {Kind.TO_UI: Direction.TO_UI, Kind.FROM_UI: Direction.FROM_UI}
OPENED_TIP = "What was in the envelope: the decrypted text"
SEALED_TIP = "The envelope as it was on the wire"
SEARCH_TIP = "Find a key or value of this frame. Enter goes to the next match, Shift+Enter to the previous one."


class Details(QWidget):
    """The details pane of the Events room. ``previous`` returns the row to compare with in *Diff*.

    ``ui.row_actions`` carries out the actions of its header; ``header.triggered`` has the title of the chosen one.
    """

    closed = Signal()
    """Emitted when the user closes the pane."""
    annotated = Signal(int, str)
    """Emitted with the number of the row and its new annotation."""

    def __init__(
        self,
        catalog: Catalog,
        previous: Callable[[Row], Row | None] = lambda _: None,
        marks: RowMarks = NO_MARKS,
        number_of: Callable[[int], int] = int,
    ) -> None:
        """``number_of`` returns the number that is shown for a row."""
        super().__init__()
        self._catalog = catalog
        self._previous = previous
        self._marks = marks
        self._row: Row | None = None
        self._filled: set[QWidget] = set()
        """The tabs that show the row already; a tab is filled when it becomes visible."""
        self.header = RowHeader(number_of)
        self.tree = JsonTree()
        self.pretty = JsonView("Pretty", read_only=True)
        self.raw = JsonView("Raw", read_only=True)
        self.schema = JsonView("Schema", read_only=True)
        self.diff = DiffView()
        self.tabs = named(QTabWidget(documentMode=True), "Details", style_id="details")
        named(self.tabs.tabBar(), "Views of the row")
        self.opened = JsonView("Opened", read_only=True)
        self.sealed = JsonView("Sealed", read_only=True)
        views = (("Tree", self.tree), ("Pretty", self.pretty), ("Raw", self.raw), ("Schema", self.schema))
        hops = (("Opened", self.opened), ("Sealed", self.sealed))
        for title, view in (*views, ("Diff", self.diff), *hops):
            self.tabs.addTab(view, title)
        for view, tip in ((self.opened, OPENED_TIP), (self.sealed, SEALED_TIP)):
            self.tabs.setTabVisible(self.tabs.indexOf(view), False)
            self.tabs.setTabToolTip(self.tabs.indexOf(view), tooltip_text(tip))
        self.tabs.setTabToolTip(
            self.tabs.indexOf(self.diff), tooltip_text("Changes since the previous event of this kind")
        )
        self.search = named(
            LineEdit(limit=500, placeholder="Find in frame", clear_button=True),
            "Find in frame",
            style_id="find",
            tip=SEARCH_TIP,
        )
        self.search.installEventFilter(self)
        self.found = named(PlainTextLabel(), "Matches", style_id="muted")
        self._finder = self._make_finder()
        self.tabs.setCornerWidget(self._finder)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 8, 12, 8)
        column.setSpacing(4)
        self.facts = RowFacts()
        self.several = QWidget()
        """Below the header if several rows are selected: nothing."""
        self.body = QStackedWidget()
        for page in (self.tabs, self.facts, self.several):
            self.body.addWidget(page)
        column.addWidget(self.header)
        column.addWidget(self.body, 1)
        self._connect()
        self.hide()

    def _make_finder(self) -> QWidget:
        finder = QWidget()
        line = QHBoxLayout(finder)
        line.setContentsMargins(8, 0, 0, 2)
        line.addWidget(self.found)
        self.search.setMinimumWidth(96)
        self.search.setMaximumWidth(132)  # wider, it would push tabs out of a narrow pane
        line.addWidget(self.search, 1)
        return finder

    def _connect(self) -> None:
        self.tabs.currentChanged.connect(lambda _: self._fill())
        self.search.textChanged.connect(self.tree.search)
        self.search.returnPressed.connect(self.tree.next_match)
        self.tree.found.connect(self.found.setText)
        self.header.closed.connect(self._close)
        Shortcut("Esc", self, self._close, IN_CHILDREN)
        self.header.annotation.saved.connect(self._annotate)

    def show_row(self, row: Row | None, why_not: Callable[[str], str] = lambda _: "") -> None:
        """Show ``row``, or hide the pane if it is None. ``why_not`` says which actions are not possible."""
        self.header.annotation.finish()
        self.setVisible(row is not None)
        before, self._row = self._row, row
        if row is None:
            return
        self.header.show_row(row, self._marks[row.seq], why_not)
        has_envelope = row.origin == PEERS and row.kind is Kind.SERVER and bool(row.payload)
        for view in (self.opened, self.sealed):
            self.tabs.setTabVisible(self.tabs.indexOf(view), has_envelope)
        self.body.setCurrentWidget(self.tabs if row.payload else self.facts)
        self.facts.show_row(row)
        if before is None or (before.seq, before.payload) != (row.seq, row.payload):
            self._filled.clear()  # otherwise keep what is folded, and the scroll positions
        self._fill()

    def show_several(self, number: int, pinned: bool, why_not: Callable[[str], str]) -> None:
        """Show that several rows are selected, whether all are pinned, and which actions are possible."""
        self.header.annotation.finish()
        self._row = None
        self.header.show_several(number, pinned, why_not)
        self.body.setCurrentWidget(self.several)
        self.show()

    def mark_words(self, words: Sequence[str]) -> None:
        """Mark the words of the filter in the frame."""
        self.tree.mark(words)
        for view in (self.pretty, self.raw):
            view.highlighter.mark(words)

    def update_mark(self, seq: int) -> None:
        """Show the pin and the annotation of a row again, if it is the one that is shown."""
        if self._row and self._row.seq == seq:
            self.header.show_mark(self._marks[seq])

    def _fill(self) -> None:
        """Fill the visible tab, unless it shows the row already."""
        tab = self.tabs.currentWidget()
        self._finder.setVisible(tab is self.tree)
        if self._row is None or tab in self._filled:
            return
        self._filled.add(tab)
        text = self._row.payload.decode("utf-8", "replace")
        if tab is self.tree:
            self.tree.show_frame(self._row.payload)
        elif tab is self.raw:
            self.raw.set_text(text)
        elif tab is self.pretty:
            self.pretty.set_text(pretty(text))
        elif tab is self.opened:
            self.opened.set_text(_part(text, "opened"))
        elif tab is self.sealed:
            self.sealed.set_text(_part(text, "sealed"))
        elif tab is self.schema:
            self.schema.set_text(self._schema(self._row))
        else:
            self.diff.compare(self._previous(self._row), self._row, pretty, self.header.number_of)

    def update_schema(self) -> None:
        """Show the schema of the row again, after the catalog has changed."""
        self._filled.discard(self.schema)
        self._fill()

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Let Shift+Enter in the search go to the previous match, and Esc clear it before it closes the pane."""
        if not isinstance(event, QKeyEvent):
            return super().eventFilter(watched, event)
        if event.key() == Qt.Key.Key_Escape and self.search.text():
            if event.type() == QEvent.Type.ShortcutOverride:
                event.accept()
            elif event.type() == QEvent.Type.KeyPress:
                self.search.clear()
            return True
        if event.type() == QEvent.Type.KeyPress:
            backwards = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
            if backwards and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self.tree.next_match(-1)
                return True
        return super().eventFilter(watched, event)

    def _annotate(self, text: str) -> None:
        if self._row:
            self.annotated.emit(self._row.seq, text)

    def _close(self) -> None:
        self.hide()
        self.closed.emit()

    def _schema(self, row: Row) -> str:
        known = self._event_type(row)
        if known is None:
            return "" if row.kind is Kind.SERVER else f"Event {row.event!r} is not defined in this direction"
        return json.dumps({"description": known.about, **known.schema}, indent=2, ensure_ascii=False)

    def _event_type(self, row: Row) -> EventType | None:
        direction = DIRECTIONS.get(row.kind)
        return self._catalog.get(direction, row.event) if direction else None


def _part(text: str, name: str) -> str:
    """Return a part of the payload of a row about a peer, indented."""
    try:
        found = msgspec.json.decode(text, type=dict[str, msgspec.Raw])[name]
    except (msgspec.DecodeError, RecursionError, KeyError):
        return ""
    return pretty(bytes(found).decode())


def pretty(text: str) -> str:
    """Return JSON indented, with its values as they are written. Return a text that is not valid JSON unchanged."""
    if len(text) > MAX_FRAME_BYTES:  # splitting it into tokens would take too long
        try:
            return msgspec.json.format(text)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            return text
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text
    return indent(text)
