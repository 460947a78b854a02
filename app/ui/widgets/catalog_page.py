"""The page *Events* of the Contract room: the events of the contract, and the schema of the selected one.
Event files with errors are listed too. The page's buttons open an event to the UI in Inject, open or reload the
folder of event files, import an AsyncAPI document and save documents about the contract. The Contract room does
what they ask for.
"""

import json

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QVBoxLayout, QWidget

from app.companion import Companion
from app.protocol.contract import Direction
from app.protocol.counts import count
from app.ui import theme
from app.ui.icons import ui_icon
from app.ui.models.contract_events import Col, ContractEventsModel, EventLine, event_lines
from app.ui.plain_text import PlainTextLabel, set_tooltip
from app.ui.widgets.accessible_names import named
from app.ui.widgets.details_splitter import DetailsSplitter
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.focus_start import FocusStart
from app.ui.widgets.json_view import JsonView
from app.ui.widgets.page_head import fill_page, head_line
from app.ui.widgets.plain_table import plain_table

SAMPLES: dict[int, str] = {
    Col.EVENT: "message_delivered", Col.DIRECTION: "From UI ↑", Col.DEFINED: "new_message.json (extends)",
}  # fmt: skip
NO_FOLDER = "There is no folder of event files. Choose one in Settings."
MAX_SCHEMA_CHARS = 100_000
"""Longer schemas are cut."""


class CatalogPage(FocusStart):
    """Shows the events in use, and follows their changes."""

    inject_requested = Signal(str)
    """Emitted with the name of an event to the UI that Inject should show."""
    folder_requested = Signal()
    """Emitted to open the folder of event files."""
    reload_requested = Signal()
    import_requested = Signal()

    def __init__(self, companion: Companion) -> None:
        super().__init__()
        self._companion = companion
        self.model = ContractEventsModel()
        self.table = plain_table("Events of the contract", self.model, SAMPLES, Col.FIELDS)
        self.summary = named(ElidedLabel(), "Number of events", style_id="muted")
        self.folder = named(QPushButton("Open folder"), "Open the folder of event files")
        self.reload = named(
            QPushButton("Reload"),
            "Read the event files again",
            tip="Read the event files again, and use them",
        )
        self.import_ = named(
            QPushButton("Import …"), "Import an AsyncAPI document",
            tip="Turn an AsyncAPI document into event files",
        )  # fmt: skip
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
        self.problems = named(PlainTextLabel(wordWrap=True), "Errors of the file", style_id="problem")
        self.problems.setMinimumWidth(1)
        self.schema = JsonView("JSON Schema of the event's data", read_only=True)
        self.splitter = DetailsSplitter()
        self._lay_out()
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._show_event())
        self.table.activated.connect(lambda _: self.inject.click())
        self.inject.clicked.connect(self._inject)
        self.folder.clicked.connect(self.folder_requested)
        self.reload.clicked.connect(self.reload_requested)
        self.import_.clicked.connect(self.import_requested)
        self._disconnects = [
            companion.catalog_changed.connect(lambda _: self.refresh()),
            companion.event_files.changed.connect(lambda _: self.refresh()),
        ]
        self.refresh()
        self.table.selectRow(0)
        self.recolor()

    def close_down(self) -> None:
        """Disconnect from the companion's signals."""
        for disconnect in self._disconnects:
            disconnect()

    def _lay_out(self) -> None:
        head = head_line(self.summary, self.folder, self.reload, self.import_, self.documents)
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
        details.addWidget(self.problems)
        details.addWidget(self.schema, 1)
        self.splitter.fill(self, fill_page(QWidget(), head, self.table), right)
        self.start_at(self.table)

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        muted = theme.colors().muted
        self.inject.setIcon(ui_icon("edit", muted))
        self.folder.setIcon(ui_icon("folder", muted))
        self.reload.setIcon(ui_icon("refresh", muted))
        self.import_.setIcon(ui_icon("plus", muted))
        self.table.viewport().update()

    @property
    def selected(self) -> EventLine | None:
        """The selected line, or None."""
        rows = self.table.selectionModel().selectedRows()
        return self.model.lines[rows[0].row()] if rows else None

    def select_error(self) -> None:
        """Select the first line with an error, if there is one."""
        number = next((number for number, each in enumerate(self.model.lines) if each.problems), None)
        if number is not None:
            self.table.selectRow(number)
            self.table.scrollTo(self.model.index(number, 0))

    def refresh(self) -> None:
        """Show the events in use. The selected line stays selected, if it still exists."""
        before, files = self.selected, self._companion.event_files
        self.model.show(event_lines(self._companion.catalog, files.files))
        wrong = sum(bool(each.problems) for each in self.model.lines)
        parts = [count(sum(each.event is not None for each in self.model.lines), "event")]
        parts += [count(len(files.files), "file")] if files.files else []
        parts += [f"{wrong} with errors"] if wrong else []
        self.summary.setText(" · ".join(parts))
        for button in (self.folder, self.reload, self.import_):
            button.setEnabled(files.folder is not None)
        set_tooltip(self.folder, str(files.folder) if files.folder else NO_FOLDER)
        line = self.model.line_of(before.key) if before else None
        if line is not None:
            self.table.selectRow(line)
        self._show_event()

    def _show_event(self) -> None:
        line = self.selected
        event = line.event if line else None
        self.inject.setEnabled(event is not None and event.direction is Direction.TO_UI)
        if line:
            name, direction, defined, _ = line.texts
            self.title.setText(f"{name} · {direction}" if event else line.file)
            text = event.about if event else ""
            about = [text if text.endswith((".", "!", "?")) else f"{text}."] if text else []
            about += [f"Defined in {defined}."] if event and line.file else []
            self.about.setText(" ".join(about))
        else:
            self.title.setText("No event is selected")
            self.about.setText("")
        self.problems.setText("\n".join(line.problems) if line else "")
        self.problems.setVisible(bool(line and line.problems))
        schema = json.dumps(event.schema, indent=2, ensure_ascii=False) if event else ""
        self.schema.setPlainText(schema[:MAX_SCHEMA_CHARS])

    def _inject(self) -> None:
        if self.selected and self.selected.event:
            self.inject_requested.emit(self.selected.event.name)
