"""The tabs *Changes*, *Reported* and *Flavours* of the UI state room, which list values of the UI's stores.
They list the last changes with the values that the shown one set, what the UI reports or reported differently, and
how the flavours differ. A flavour is the UI whose state is computed: a correct one, or the released one with its
errors. ``StateLists`` is not a widget: it adds the tabs to a given tab widget. The room passes what they show.
"""

from typing import Any

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QPushButton, QSplitter, QTabWidget, QWidget

from app.protocol.counts import count
from app.protocol.times import local
from app.protocol.ui_deviations import Deviation
from app.protocol.ui_moments import Inspection
from app.protocol.ui_paths import locate
from app.ui.models.value_table import Line, lines_of, value_or_missing
from app.ui.widgets.accessible_names import named
from app.ui.widgets.state_history import StateHistory
from app.ui.widgets.value_table import ValueTable

NOT_REPORTED = (
    "Your UI has not reported its stores. A few lines in a development build, or a test, can report them. Then "
    "this room shows where your UI deviates, and since which row of the log."
)
NOT_LIVE = "A report is compared with the present state. Go live to see the comparison."
FLAVOURS_EQUAL = (
    "The shipped UI counts duplicates and your own messages as unread, and shows them as the last message of their "
    "sender. At this moment, this makes no difference."
)


class StateLists(QObject):
    """Three tabs with tables of values; the first one also has the list of the last changes."""

    row_requested = Signal(int)
    """Emitted with the number of a row that Events should show."""
    help_requested = Signal()
    """Emitted to open the manual at how a UI reports its stores."""
    moment_chosen = Signal(object)
    """Emitted with the ``Moment`` that should be shown."""
    chosen = Signal(object)
    """Emitted with the steps of a value that the tree should show."""

    def __init__(self, tabs: QTabWidget) -> None:
        super().__init__(tabs)
        self._tabs = tabs
        self.changes = ValueTable("Changes of the last step", ("Path", "Before", "After"))
        self.report = ValueTable("Values that differ in the UI", ("Path", "Expected", "Reported", "Since"))
        self.flavours = ValueTable("Values that differ in the shipped UI", ("Path", "Guide", "Shipped"))
        self.show_row = named(QPushButton("Show row"), "Show the row in Events")
        self.changes.head.addWidget(self.show_row)
        self.show_first_row = named(
            QPushButton("Show row"), "Show the row after which the UI differed", tip="Show the row in Events"
        )
        self.report.head.addWidget(self.show_first_row)
        self.how_to_report = named(QPushButton("How to report"), "How to report the stores of your UI")
        self.report.head.addWidget(self.how_to_report)
        self._changed_row = 0
        self._titles = ((self.changes, "Changes"), (self.report, "Reported"), (self.flavours, "Flavours"))
        self.history = StateHistory()
        self.history.chosen.connect(self.moment_chosen)
        self._pages = (self._with_history(), self.report, self.flavours)
        for page, (table, title) in zip(self._pages, self._titles, strict=True):
            tabs.addTab(page, title)
            table.chosen.connect(self.chosen)
        self.show_row.clicked.connect(lambda: self.row_requested.emit(self._changed_row))
        self.show_first_row.clicked.connect(self._show_first_row)
        self.report.selected.connect(self._show_buttons)
        self.how_to_report.clicked.connect(lambda: self.help_requested.emit())
        self._show_buttons()

    def show_state(self, shown: Inspection, stores: dict[str, Any], report: str) -> None:
        """Show what can be said about a state. ``report`` is the heading of the report."""
        self._show_changes(shown)
        self._show_report(shown, stores, report)
        self._show_flavours(shown)
        numbers = (len(shown.changes), len(shown.differences), len(shown.flavours or ()))
        for page, (_, title), number in zip(self._pages, self._titles, numbers, strict=True):
            self._tabs.setTabText(self._tabs.indexOf(page), f"{title} ({number})" if number else title)

    def open_changes(self) -> None:
        """Show the tab with the changes."""
        self._tabs.setCurrentWidget(self._pages[0])

    def _with_history(self) -> QWidget:
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.setChildrenCollapsible(False)
        splitter.setHandleWidth(1)
        splitter.addWidget(self.history)
        splitter.addWidget(self.changes)
        splitter.setSizes([170, 260])
        return splitter

    def _show_changes(self, shown: Inspection) -> None:
        self.history.show_changes(shown)
        change = shown.view.change.moment
        time = f"{local(shown.wall - shown.view.moment.at + change.at):%H:%M:%S}" if change.number else ""
        parts = (f"#{change.seq}" if change.seq else "", time, change.title)
        self.changes.heading.setText(" · ".join(part for part in parts if part))
        self.changes.nothing.setText("Nothing has changed yet.")
        self.changes.model.show_lines(lines_of(shown.changes))
        self._changed_row = change.seq
        self.show_row.setEnabled(bool(change.seq))

    def _show_report(self, shown: Inspection, stores: dict[str, Any], heading: str) -> None:
        self.report.heading.setText(heading)
        equal = NOT_REPORTED if shown.report is None else "The UI reported exactly the expected state."
        self.report.nothing.setText(equal if shown.live else NOT_LIVE)
        since = {each.path: each for each in shown.deviations}
        reported = shown.report.state if shown.report else None
        lines = [
            Line(
                locate(stores, each.path) or (),
                each.path,
                value_or_missing(each.expected, stores, each.path),
                value_or_missing(each.reported, reported, each.path),
                *_row(since.get(each.path)),
            )
            for each in shown.differences
        ]
        now = {each.path for each in shown.differences}
        earlier = [each for each in shown.deviations if each.path not in now or each is not since[each.path]]
        for each in reversed(earlier):
            title, seq = _row(each)
            lines.append(Line((), each.path, each.expected, each.reported, f"earlier: {title}", seq))
        self.report.model.show_lines(lines)
        self._show_buttons()

    def _show_flavours(self, shown: Inspection) -> None:
        found = shown.flavours
        number = len(found or ())
        self.flavours.heading.setText(
            f"{count(number, 'value')} in the shipped UI" if number else "The shipped UI has the same state"
        )
        if found is None:
            self.flavours.heading.setText("Comparing the flavours …")
        self.flavours.nothing.setText("" if found is None else FLAVOURS_EQUAL)
        self.flavours.model.show_lines(lines_of(found or []))

    def _show_buttons(self) -> None:
        line = self.report.line
        self.show_first_row.setEnabled(bool(line and line.seq))
        self.show_first_row.setVisible(bool(self.report.model.lines))

    def _show_first_row(self) -> None:
        if (line := self.report.line) and line.seq:
            self.row_requested.emit(line.seq)


def _row(deviation: Deviation | None) -> tuple[str, int]:
    """Return the row after which a value began to differ: in words, and its number."""
    if deviation is None:
        return "", 0
    rows = f"#{deviation.seq}"
    if deviation.last_seq > deviation.seq:
        rows = f"{rows} to #{deviation.last_seq}"
    return f"{rows} {deviation.title}", deviation.seq
