"""The page *Events* of the Contract room: the events of the contract, and the schema of the selected one."""

import json

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QVBoxLayout, QWidget

from app.companion import Companion
from app.hub.hub import count
from app.protocol.event_type import EventType
from app.ui import theme
from app.ui.icons import ui_icon
from app.ui.models.contract_events import ARROWS, Col, ContractEventsModel
from app.ui.plain_text import PlainTextLabel
from app.ui.widgets.accessible_names import named
from app.ui.widgets.details_splitter import DetailsSplitter
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.json_view import JsonView
from app.ui.widgets.plain_table import plain_table

SAMPLES: dict[int, str] = {Col.EVENT: "message_delivered", Col.DIRECTION: "From UI ↑"}
MAX_SCHEMA_CHARS = 100_000
"""Longer schemas are cut."""


class CatalogPage(QWidget):
    """Shows the events in use, and follows their changes."""

    inject_requested = Signal(str)
    """Emitted with the name of an event to the UI that Inject should show."""

    def __init__(self, companion: Companion) -> None:
        super().__init__()
        self._companion = companion
        self.model = ContractEventsModel()
        self.table = plain_table("Events of the contract", self.model, SAMPLES, Col.FIELDS)
        self.summary = named(ElidedLabel(), "Number of events", style_id="muted")
        self.documents = named(
            QPushButton("Save documents"), "Save documents about the contract", style_id="menuButton",
            tip="Save AsyncAPI, TypeScript types or a readable page",
        )  # fmt: skip
        self.menu = QMenu(self.documents)
        self.documents.setMenu(self.menu)
        self.title = named(ElidedLabel(), "Event", style_id="emptyTitle")
        self.about = named(PlainTextLabel(wordWrap=True), "About the event", style_id="muted")
        self.about.setMinimumWidth(1)
        self.inject = named(QPushButton("Open in Inject"), "Open the event in Inject")
        self.schema = JsonView("JSON Schema of the event's data", read_only=True)
        self.splitter = DetailsSplitter()
        self._lay_out()
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._show_event())
        self.table.activated.connect(lambda _: self.inject.click())
        self.inject.clicked.connect(self._inject)
        self._disconnect = companion.catalog_changed.connect(lambda _: self.refresh())
        self.refresh()
        self.table.selectRow(0)
        self.recolor()

    def close_down(self) -> None:
        """Disconnect from the companion's signals."""
        self._disconnect()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(16, 8, 16, 8)
        head.setSpacing(8)
        head.addWidget(self.summary, 1)
        head.addWidget(self.documents)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self.table, 1)
        texts = QVBoxLayout()
        texts.setSpacing(2)
        texts.addWidget(self.title)
        texts.addWidget(self.about)
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addLayout(texts, 1)
        line.addWidget(self.inject, 0, Qt.AlignmentFlag.AlignTop)
        right = QWidget()
        details = QVBoxLayout(right)
        details.setContentsMargins(16, 12, 16, 8)
        details.setSpacing(8)
        details.addLayout(line)
        details.addWidget(self.schema, 1)
        self.splitter.add_log(left)
        self.splitter.add_details(right)
        self.splitter.setHandleWidth(1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.splitter)
        self.setFocusProxy(self.table)

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        self.inject.setIcon(ui_icon("edit", theme.colors().muted))

    @property
    def selected(self) -> EventType | None:
        """The selected event, or None."""
        rows = self.table.selectionModel().selectedRows()
        return self.model.lines[rows[0].row()] if rows else None

    def refresh(self) -> None:
        """Show the events in use. The selected one stays selected, if it still exists."""
        before = self.selected
        events = list(self._companion.catalog)
        self.model.show(events)
        self.summary.setText(count(len(events), "event"))
        line = self.model.line_of(before.direction, before.name) if before else None
        if line is not None:
            self.table.selectRow(line)
        self._show_event()

    def _show_event(self) -> None:
        event = self.selected
        self.inject.setEnabled(event is not None and event.direction.value == "s2c")
        self.title.setText(f"{event.name} · {ARROWS[event.direction]}" if event else "No event is selected")
        self.about.setText(event.help if event else "")
        schema = json.dumps(event.schema, indent=2, ensure_ascii=False) if event else ""
        self.schema.setPlainText(schema[:MAX_SCHEMA_CHARS])

    def _inject(self) -> None:
        if self.selected:
            self.inject_requested.emit(self.selected.name)
