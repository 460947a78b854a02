"""The Events room: the live log of frames, REST calls and what else happens, such as a connection that ends.
It has a filter, and shows the details of the selected row. Breakpoints can be added here; the items that they hold
are listed above the log. The window of a recording uses the same class to show its rows.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, cast

from msgspec.structs import replace
from PySide6.QtCore import QItemSelectionModel, QPoint, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QMenu,
    QPushButton,
    QSplitter,
    QVBoxLayout,
)

from app.companion import Companion
from app.hub.journal import Row
from app.hub.payload_matcher import prepare_expressions
from app.protocol.counts import count
from app.protocol.times import local
from app.system.settings import Settings
from app.ui import theme
from app.ui.icons import ui_icon
from app.ui.keys import IN_WIDGET, Action, Shortcut
from app.ui.models.event_log import EventLogModel, TimeStyle
from app.ui.models.row_filters import row_filters
from app.ui.plain_text import PlainTextLabel, without_mnemonics
from app.ui.room_registry import INJECT, UI_STATE
from app.ui.row_actions import COPIES, RowActions
from app.ui.widgets.accessible_names import named
from app.ui.widgets.breakpoints_button import BreakpointsButton
from app.ui.widgets.details_splitter import DetailsSplitter
from app.ui.widgets.filter_bar import FilterBar
from app.ui.widgets.fixed_size_label import FixedSizeLabel
from app.ui.widgets.focus_start import FocusStart
from app.ui.widgets.held_strip import HeldStrip
from app.ui.widgets.log_pages import CLEAR_FILTER, CLEARED, EMPTY, LOG, SHOW_EARLIER, LogPages
from app.ui.widgets.log_table import LogTable
from app.ui.widgets.row_header import EDIT, PIN
from app.ui.widgets.short_button import ShortButton
from app.ui.widgets.still_log import StillLog

if TYPE_CHECKING:
    from app.observers.opened_recording import OpenedRecording
    from app.ui.widgets.details import Details
    from app.ui.window import MainWindow

FILTER_DELAY_MS = 60
"""Debounce of the filter. It can be short: a running search stops at the next key."""
FREEZE_TIP = "Stop updating the log (P). New rows are still recorded and appear when you unfreeze it."
TIME_STYLES = ("Clock time", "Since first row", "Since previous row", "Since last fire")
"""Titles of ``TimeStyle``, in its order."""
TIME_TIP = "How the log shows times. Since last fire: since an event was fired by hand or by a script."
CLEAR_TIP = "Clear the log view (Ctrl+L). The rows can be shown again."
EXPORT_TIP = "Save the rows that the log shows to a file: a test, a scenario, a bug report, JSON lines or HAR"
OPEN_TIP = "Open a recording in a window of its own, beside the log"


def create(window: MainWindow) -> EventsRoom:
    """Build the room and connect it to the others."""
    room = EventsRoom(window.companion)
    room.edit_requested.connect(window.edit)
    room.inject_requested.connect(lambda: window.open_room(INJECT))
    room.save_requested.connect(lambda row: window.fixtures.save_row(row))
    room.row_actions.scenario_requested.connect(window.edit_scenario)
    room.row_actions.state_requested.connect(partial(_show_state, window))
    room.fire_requested.connect(lambda: window.inject.fire_or_stop())
    room.open_recording.clicked.connect(lambda: window.recordings.show_menu(room.open_recording))
    if room.held and room.breakpoints:
        room.held.manual_requested.connect(lambda: window.open_help("breakpoints"))
        room.breakpoints.list_requested.connect(lambda: window.open_breakpoints())
    connect_filter(room, window)
    return room


def connect_filter(room: EventsRoom, window: MainWindow) -> None:
    """Let the filter bar of a log open the manual, and save filters."""
    room.bar.manual_requested.connect(lambda: window.open_help("filter"))
    room.bar.filters_changed.connect(
        lambda saved: window.save_requested.emit(replace(window.companion.settings, saved_filters=saved))
    )


def _show_state(window: MainWindow, seq: int) -> None:
    """Open UI state at the state after a row."""
    window.ui_state.show_after(seq)
    window.open_room(UI_STATE)


class EventsRoom(FocusStart):
    """The log with filter, details and row actions. ``status_message`` has the results of actions.

    It shows the live log, or a recording, which has no *Freeze log* and no *Clear view*.
    """

    edit_requested = Signal(object)
    """Edit this ``Row`` in Inject."""
    inject_requested = Signal()
    save_requested = Signal(object)
    """Save this ``Row`` as a fixture."""
    fire_requested = Signal()
    """Fire the event that Inject shows."""
    status_message = Signal(str)

    def __init__(self, companion: Companion, recorded: OpenedRecording | None = None) -> None:
        """``recorded`` None shows the live log."""
        super().__init__()
        self._companion = companion
        self._recorded = recorded
        self._journal = recorded.journal if recorded else companion.journal
        self.model = EventLogModel(self._journal)
        self._details: Details | None = None
        self.counts = named(PlainTextLabel(), "State of the log", style_id="muted")
        self.freeze = named(ShortButton("Freeze log"), "Freeze log", tip=FREEZE_TIP)
        self.freeze.setCheckable(True)
        self.time_style = named(QComboBox(), "Time format", tip=TIME_TIP)
        self.time_style.addItems(TIME_STYLES)
        self.clear_button = named(ShortButton("Clear view"), "Clear the log view", tip=CLEAR_TIP)
        live = () if recorded else (self.freeze, self.clear_button)
        self.held = None if recorded else HeldStrip(companion)
        self.breakpoints = None if recorded else BreakpointsButton(companion, lambda: self.filter.text())
        own = (self.breakpoints,) if self.breakpoints else ()
        self.bar = FilterBar(
            companion, *own, self.time_style, *live, recorded=(lambda: recorded.clients) if recorded else None
        )
        self.filter, self.filter_problem = self.bar.field, self.bar.problem
        self.show_earlier = named(QPushButton(SHOW_EARLIER), SHOW_EARLIER, style_id="flat")
        self.show_earlier.setVisible(False)
        self.export = named(QPushButton("Export …"), "Export the shown rows", style_id="flat", tip=EXPORT_TIP)
        self.open_recording = named(
            QPushButton("Open recording …"), "Open a recording", style_id="flat", tip=OPEN_TIP
        )
        self._filter_timer = QTimer(self, interval=FILTER_DELAY_MS, singleShot=True)
        self._disconnects: list[Callable[[], None]] = []
        self._lay_out()
        self.start_at(self.table)
        self.row_actions = RowActions(companion, self.table, self.model, recorded)
        self._actions = self._make_actions()
        self._connect()
        self.recolor()
        self._show_counts()

    @property
    def details(self) -> Details:
        """The details of the selected row, built on first use."""
        if self._details is None:
            self._details = self._make_details()
        return self._details

    def build_next_part(self) -> bool:
        """Build the details, which are not visible at first."""
        if self._details is not None:
            return False
        self._details = self._make_details()
        return True

    def close_down(self) -> None:
        """Disconnect from the signals of the journal and the catalog."""
        self.row_actions.close_down()
        for disconnect in self._disconnects:
            disconnect()
        for part in (self.held, self.breakpoints):
            if part:
                part.close_down()
        self.bar.close_down()
        self.model.close()

    @property
    def layout_parts(self) -> dict[str, QSplitter | QHeaderView]:
        """The parts whose sizes the window saves."""
        return {"log/details": self.splitter, "log/columns": self.table.horizontalHeader()}

    def follow_settings(self, settings: Settings) -> None:
        """Use changed saved filters."""
        self.bar.follow_saved(settings.saved_filters)
        if "@" in self.filter.text():
            self._filter_timer.start()

    def fire_or_stop(self) -> None:
        """Apply the form of a held item if it has the focus. Otherwise, fire the event that Inject shows."""
        if self.held is None or not self.held.apply():
            self.fire_requested.emit()

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        muted = theme.colors().muted
        self._show_freeze_icon()
        self.clear_button.setIcon(ui_icon("clear", muted))
        self.bar.recolor()
        if self.breakpoints:
            self.breakpoints.recolor()
        self.body.recolor()
        if self._details:
            self._details.header.recolor()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        if self.held:
            column.addWidget(self.held)
        companion = self._companion
        address = None if self._recorded else lambda: companion.server.url
        self.body = LogPages(DetailsSplitter, self.model, address)
        column.addWidget(self.body, 1)
        self.splitter = cast(DetailsSplitter, self.body.page(LOG))
        self.table = LogTable(self.model, self.splitter)
        self.table.can_drag = self._recorded is None
        self.splitter.add_log(self.table)
        StillLog(self.body, self.table)
        self.foot = foot = QHBoxLayout()
        column.addLayout(foot)
        foot.setContentsMargins(16, 4, 16, 6)
        foot.addWidget(FixedSizeLabel(self.counts), 1)
        foot.addWidget(self.show_earlier)
        if self._recorded is None:
            foot.addWidget(self.open_recording)
        foot.addWidget(self.export)

    def _connect(self) -> None:
        self.filter.textChanged.connect(self._filter_typed)
        self.filter.left.connect(self.table.setFocus)
        self.body.inject_requested.connect(self.inject_requested)
        self.body.earlier_requested.connect(self.undo_clear)
        self.body.all_requested.connect(self.clear_filter)
        self.export.clicked.connect(self.row_actions.export_shown)
        self._filter_timer.timeout.connect(self._apply_filter)
        self.freeze.toggled.connect(self._freeze)
        self.clear_button.clicked.connect(self.clear)
        self.show_earlier.clicked.connect(self.undo_clear)
        self.bar.status_message.connect(self.status_message)
        if self.held and self.breakpoints:
            self.held.status_message.connect(self.status_message)
            self.held.focus_released.connect(self.table.setFocus)
            self.breakpoints.status_message.connect(self.status_message)
        self.time_style.currentIndexChanged.connect(lambda index: self.model.set_time_style(TimeStyle(index)))
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._show_details())
        self.table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.table.customContextMenuRequested.connect(self._context_menu)
        self.table.doubleClicked.connect(lambda _: self.row_actions.trigger(EDIT))
        # Qt disconnects methods, but not lambdas, when the room is destroyed; the model may live longer.
        self.model.flushed.connect(self._show_counts)
        self.table.following_changed.connect(self._show_counts)
        self.model.modelReset.connect(self._show_details)
        self.destroyed.connect(self.model.close)
        self.row_actions.edit_requested.connect(self.edit_requested)
        self.row_actions.save_requested.connect(self.save_requested)
        self.row_actions.status_message.connect(self.status_message)
        self.row_actions.annotate_requested.connect(lambda: self.details.header.annotation.begin())

    def _make_details(self) -> Details:
        from app.ui.widgets.details import Details
        from app.ui.widgets.diff_view import previous_alike

        rows = self._journal.rows
        number_of = self._recorded.seq if self._recorded else int
        details = Details(self._companion.catalog, lambda row: previous_alike(rows, row), rows.marks, number_of)
        self._disconnects += [
            self._companion.catalog_changed.connect(lambda _: details.update_schema()),
            rows.marks.changed.connect(details.update_mark),
        ]
        self._connect_details(details)
        details.mark_words(self.model.words)
        self.splitter.add_details(details)
        return details

    def _connect_details(self, details: Details) -> None:
        actions = self.row_actions
        details.header.triggered.connect(self._on_button)
        details.header.copy_menu.aboutToShow.connect(lambda: actions.show_in(details.header.copy_menu, COPIES))
        details.header.copy_menu.aboutToHide.connect(actions.enable_all)
        details.header.annotation.left.connect(self.table.setFocus)
        details.annotated.connect(actions.save_annotation)
        details.tree.status_message.connect(self.status_message)
        details.closed.connect(self._close_details)
        actions.add_shortcuts_to(details.header, details.tabs.tabBar())
        Shortcut("Esc", self.table, self._close_details, IN_WIDGET)

    def _on_button(self, title: str) -> None:
        self.row_actions.trigger(title)
        if title == PIN:  # the button was toggled by the click
            self._show_details()

    def _close_details(self) -> None:
        """Close the details. The arrow keys go on from the row that was selected."""
        self.table.clearSelection()
        self.table.setFocus()

    def _make_actions(self) -> dict[str, Action]:
        freeze = Action("Freeze log", self, self.freeze.toggle, "P")
        if self._recorded is None:
            self.table.addAction(freeze)
        return {**self.row_actions.by_title, "Freeze log": freeze}

    @property
    def selected(self) -> Row | None:
        """The selected row; None if no row or several rows are selected."""
        return self.row_actions.selected

    @property
    def filtering(self) -> bool:
        """Whether the filter has not been applied to all rows yet."""
        return self._filter_timer.isActive() or self.model.searching

    def clear(self) -> None:
        """Remove all rows from the view. The journal keeps them; ``undo_clear`` shows them again."""
        self.body.cleared_at = f"{local(self._companion.clock.wall()):%H:%M}"
        self.model.clear()

    def clear_filter(self) -> None:
        """Remove all terms of the filter. Ctrl+Z in the filter field brings them back."""
        self.filter.replace_text("")

    def show_row(self, seq: int) -> bool:
        """Select a row. If the filter hides it, or it was cleared from the view, clear the filter or show it again.

        Return False if the log does not have the row, or not yet because it is frozen.
        """
        self.model.flush()
        if self._filter_timer.isActive():
            self._apply_filter_now()
        line = self.model.line_of(seq)
        if line is None and self.filter.text():
            self.clear_filter()
            self._apply_filter_now()
            line = self.model.line_of(seq)
        if line is None and self.model.cleared:
            self.undo_clear()
            line = self.model.line_of(seq)
        if line is None:
            return False
        self._select_line(line)
        return True

    def show_nearest(self, seq: int) -> None:
        """Select a row, or the last one before it that the filter shows."""
        self.model.flush()
        if (line := self.model.line_near(seq)) is not None:
            self._select_line(line)

    def step(self, by: int) -> None:
        """Select the next row that is shown (1), or the previous one (-1)."""
        line, last = self.table.selected_line, self.model.rowCount() - 1
        if last >= 0:
            self._select_line(min(max(line + by, 0), last) if line is not None else (0 if by > 0 else last))

    def _select_line(self, line: int) -> None:
        self.table.follow(False)
        index = self.model.index(line, 0)
        rows = QItemSelectionModel.SelectionFlag.Rows  # selectRow would extend the selection while Shift is pressed
        self.table.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect | rows)
        self.table.scrollTo(index, QAbstractItemView.ScrollHint.PositionAtCenter)

    def undo_clear(self) -> None:
        """Show the rows again that *Clear view* has removed."""
        self.model.show_cleared()
        self.table.setFocus()

    def focus_filter(self) -> None:
        """Move the keyboard focus to the filter and select its text."""
        self.filter.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.filter.selectAll()

    def _filter_typed(self, text: str) -> None:
        if "/" in text:
            prepare_expressions()
        self._filter_timer.start()

    def _apply_filter_now(self) -> None:
        self._filter_timer.stop()
        self._apply_filter()

    def _apply_filter(self) -> None:
        self.bar.show_problems(self.model.set_filter(self.filter.text(), self._companion.settings.saved_filters))
        if self._details:
            self._details.mark_words(self.model.words)

    def _show_details(self) -> None:
        if self._details is None and not self.table.selected_count:
            return
        opens = self.details.isHidden()
        if (number := self.table.selected_count) > 1:
            self.details.show_several(number, self.row_actions.all_pinned, self.row_actions.why_not)
        else:
            self.details.show_row(self.selected, self.row_actions.why_not)
        if opens and not self.details.isHidden():
            self.table.show_selection_after_resize()

    def _freeze(self, frozen: bool) -> None:
        for each in (self.freeze, self._actions["Freeze log"]):
            each.setText("Unfreeze log" if frozen else "Freeze log")
        self._show_freeze_icon()
        self.model.set_frozen(frozen)
        self._show_counts()

    def _show_freeze_icon(self) -> None:
        self.freeze.setIcon(ui_icon("play" if self.freeze.isChecked() else "pause", theme.colors().muted))

    def _context_menu(self, place: QPoint) -> None:
        if not self.table.selected_count:
            return
        menu = QMenu(self)
        self.row_actions.show_in(menu)
        menu.aboutToHide.connect(self.row_actions.enable_all)
        if self._recorded is None:
            menu.addAction(self._actions["Freeze log"])
        if row := self.selected:
            self._add_filters(menu, row)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.table.viewport().mapToGlobal(place))

    def _add_filters(self, menu: QMenu, row: Row) -> None:
        menu.addSeparator()
        for each in row_filters(row, self.bar.event_names()):
            action = menu.addAction(without_mnemonics(each.title))
            action.triggered.connect(lambda _, edit=each.edit: self.filter.replace_text(edit(self.filter.text())))
        if self.filter.text():
            menu.addAction(CLEAR_FILTER, self.clear_filter)

    def _show_counts(self) -> None:
        shown = self.model.rowCount()
        # The first row of a session only says that the server listens.
        is_new = self._recorded is None and self._journal.last_seq <= 1
        self.body.choose_page(filtered=bool(self.filter.text()), is_new=is_new)
        counted = 0 if self.body.current == EMPTY else self.model.total
        self.bar.show_count(min(shown, counted), counted)
        self.export.setEnabled(shown > 0 and self.body.current == LOG)
        self.show_earlier.setVisible(self.model.cleared > 0 and self.body.current != CLEARED)
        parts = ["searching older rows …"] if self.model.searching else []
        if self.freeze.isChecked():
            parts.append(f"log frozen, {count(self.model.waiting, 'new row')} waiting")
        elif self.body.current == LOG and self._recorded is None:
            following = self.table.following
            parts.append("following new rows" if following else "not following: scroll to the end to follow")
        if dropped := self._journal.dropped:
            parts.append(f"{count(dropped, 'older row')} discarded")
        text = " · ".join(parts)
        self.counts.setText(f"{text[:1].upper()}{text[1:]}")
