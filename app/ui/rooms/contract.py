"""The Contract room: what in the traffic violates the contract, by rule, and the events of the contract.
The contract says which events and REST calls are valid. The room also turns rules off and on, saves the findings to
a file, imports AsyncAPI documents as event files, and exports documents about the events.
"""

from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSplitter, QStackedWidget, QTabBar, QVBoxLayout

from app.companion import Companion
from app.protocol.counts import count
from app.protocol.lint.rules import BY_ID
from app.system.settings import Settings
from app.ui.browser import open_folder
from app.ui.document_export import DocumentExport
from app.ui.document_import import DocumentImport
from app.ui.lint_export import LintExport
from app.ui.room_registry import EVENTS, INJECT
from app.ui.room_tasks import RoomTasks
from app.ui.widgets.accessible_names import named
from app.ui.widgets.catalog_page import CatalogPage
from app.ui.widgets.focus_start import FocusStart
from app.ui.widgets.lint_page import LintPage

if TYPE_CHECKING:
    from app.ui.window import MainWindow

TABS = RULES, CATALOG = "Rules", "Events"


def create(window: "MainWindow") -> "ContractRoom":
    """Build the room and connect it to the others."""
    room = ContractRoom(window.companion)
    room.row_requested.connect(partial(_show_row, window))
    room.filter_requested.connect(partial(_filter_events, window))
    room.inject_requested.connect(partial(_open_inject, window))
    room.save_requested.connect(window.save_requested)
    return room


def _show_row(window: "MainWindow", seq: int) -> None:
    """Open Events with a row selected."""
    window.open_room(EVENTS)
    if not window.events.show_row(seq):
        window.status.show_message(f"Row #{seq} is not in the log view")


def _filter_events(window: "MainWindow", text: str) -> None:
    """Open Events with a filter."""
    window.events.filter.replace_text(text)
    window.open_room(EVENTS)


def _open_inject(window: "MainWindow", event: str) -> None:
    """Open Inject with an event."""
    window.open_room(INJECT)
    if panel := window.inject.event_panel(event):
        window.inject.open_panel(panel)


class ContractRoom(FocusStart):
    """The rules of the lint, and the events of the catalog."""

    status_message = Signal(str)
    row_requested = Signal(int)
    """Emitted with the number of a row that Events should show."""
    filter_requested = Signal(str)
    """Emitted with the filter that Events should use."""
    inject_requested = Signal(str)
    """Emitted with the name of an event that Inject should show."""
    save_requested = Signal(object)
    """Emitted with the changed ``Settings``."""

    def __init__(self, companion: Companion) -> None:
        super().__init__()
        self._companion = companion
        self._do = RoomTasks(companion.tasks, self.status_message.emit)
        self.tabs = named(QTabBar(drawBase=False, expanding=False), "What to show", style_id="tabs")
        for title in TABS:
            self.tabs.addTab(title)
        self.lint = LintPage(companion)
        self.export = LintExport(self, companion, self._do, self.status_message.emit)
        self.documents = DocumentImport(self, companion, self._do, self.status_message.emit)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.lint)
        self.catalog = CatalogPage(companion)
        self.pages.addWidget(self.catalog)
        DocumentExport(self, companion, self._do, self.status_message.emit).fill(self.catalog.menu)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.tabs)
        whole.addWidget(self.pages, 1)
        self.start_at(self.lint)
        self._connect()

    def _connect(self) -> None:
        self.tabs.currentChanged.connect(self._switch_page)
        self.catalog.inject_requested.connect(self.inject_requested)
        self.catalog.folder_requested.connect(self._open_folder)
        self.catalog.reload_requested.connect(self._reload)
        self.catalog.import_requested.connect(self.documents.ask)
        self.lint.card.row_requested.connect(self.row_requested)
        self.lint.card.switched.connect(self.switch)
        self.lint.filter_requested.connect(self.filter_requested)
        self.lint.export_requested.connect(self.export.ask)

    # called by the window

    def close_down(self) -> None:
        """Disconnect from the companion's signals. Results of running tasks are not shown."""
        self.lint.follow(False)
        self.catalog.close_down()
        self._do.close()

    def follow_settings(self, settings: Settings) -> None:
        """Show the rules that are on now."""
        self.lint.refresh()

    @property
    def layout_parts(self) -> dict[str, QSplitter]:
        """The parts whose sizes the window saves."""
        return {"contract/rules": self.lint.splitter, "contract/events": self.catalog.splitter}

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        self.lint.recolor()
        self.catalog.recolor()

    def show_rule(self, rule_id: str) -> None:
        """Show a rule."""
        self.tabs.setCurrentIndex(TABS.index(RULES))
        self.lint.select(rule_id)
        self.lint.table.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_file_errors(self) -> None:
        """Show the first event file with an error."""
        self.tabs.setCurrentIndex(TABS.index(CATALOG))
        self.catalog.select_error()
        self.catalog.table.setFocus(Qt.FocusReason.OtherFocusReason)

    def _switch_page(self, number: int) -> None:
        self.pages.setCurrentIndex(number)
        self.start_at((self.lint, self.catalog)[number])

    def _open_folder(self) -> None:
        """Open the folder of event files in the system's file manager. It is created if it does not exist."""
        if folder := self._companion.event_files.folder:
            self._do(self._companion.make_folder(folder), lambda _: open_folder(folder))

    def _reload(self) -> None:
        files = self._companion.event_files

        def report(_: None) -> None:
            wrong = len(files.warnings)
            text = f"Read {count(len(files.files), 'event file')}"
            self.status_message.emit(f"{text}: {count(wrong, 'error')}" if wrong else text)

        self._do(files.read(), report)

    def switch(self, rule_id: str, on: bool) -> None:
        """Turn a rule of the lint on or off, and save that as a setting."""
        settings = self._companion.settings
        off = {*settings.lint_off, rule_id} - ({rule_id} if on else set())
        self.save_requested.emit(replace(settings, lint_off=[each for each in BY_ID if each in off]))
        if (rule_id not in self._companion.settings.lint_off) is on:
            self.status_message.emit(f"Turned {'on' if on else 'off'}: {BY_ID[rule_id].title}")
