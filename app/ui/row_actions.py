"""Actions on the selected rows of the log, such as *Resend*, *Edit in Inject* and *Break on this event*.
The others save rows as a fixture or a scenario; copy them as JSON, a command or a line of a Playwright test; pin,
annotate and export them; and show the UI state after a row. *Break on this event* adds a breakpoint, which holds
further events of this kind. Each action can say why it is not possible with the selection.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from app.companion import Companion
from app.hub.journal import Kind, Row, Verdict
from app.hub.origin import PANEL, REST
from app.hub.row_codec import encode_lines
from app.hub.row_marks import MAX_MARKS
from app.protocol.contract import Direction
from app.protocol.counts import count
from app.protocol.envelope import BadFrame, decode, parse_json
from app.protocol.errors import RequestError
from app.ui.breakpoint_actions import BreakpointActions, why_no_breakpoint
from app.ui.keys import IN_CHILDREN, Action
from app.ui.models.event_log import EventLogModel
from app.ui.plain_text import set_tooltip
from app.ui.room_tasks import RoomTasks
from app.ui.row_export import RowExport
from app.ui.widgets.log_table import LogTable
from app.ui.widgets.row_header import ANNOTATE, BREAK, EDIT, EXPORT, PIN, RESEND, SAVE
from app.ui.widgets.utf16 import for_qt

if TYPE_CHECKING:
    from app.observers.opened_recording import OpenedRecording

COPY_JSON = "Copy as JSON"
COPY_COMMAND = "Copy as command"
COPY_PLAYWRIGHT = "Copy as Playwright"
SCENARIO = "Save as scenario …"
SHOW_STATE = "Show UI state after this row"
TITLE = "From the log"
"""The title of a scenario that was made of rows."""
NOT_LIVE = "A recording is not live. Add breakpoints in Events."
NO_STEPS = "Select frames to the UI or from it. The selected rows make no steps of a scenario."
COPIES = (COPY_JSON, COPY_COMMAND, COPY_PLAYWRIGHT)
MAX_COPIED_ROWS, MAX_COPIED_BYTES = 10_000, 8 * 1024 * 1024
"""Copying more would block the window. *Export …* has no limit."""

_TO_UI_ONLY = {RESEND: "resent", EDIT: "edited", SAVE: "saved", COPY_COMMAND: "fired"}
_ONE_ONLY = {**_TO_UI_ONLY, COPY_COMMAND: "copied as one command", COPY_PLAYWRIGHT: "copied as one line",
             ANNOTATE: "annotated", SHOW_STATE: "shown", BREAK: "held"}  # fmt: skip


def why_not(title: str, row: Row | None, number: int) -> str:
    """Return why an action cannot be done with the selection, or an empty text if it can.

    ``number`` rows are selected; ``row`` is the selected one if it is only one.
    """
    if title in _ONE_ONLY and number > 1:
        return f"Select one row. Several rows cannot be {_ONE_ONLY[title]} together."
    if title in _TO_UI_ONLY and (row is None or row.kind is not Kind.TO_UI):
        return f"Select a frame that was sent to the UI. Other rows cannot be {_TO_UI_ONLY[title]}."
    if title == BREAK and (why := why_no_breakpoint(row)):
        return why
    if title == COPY_PLAYWRIGHT and (row is None or not _in_playwright(row)):
        return "Select a frame to the UI, or a valid frame from the UI."
    return "" if number else "Select a row."


class RowActions(QObject):
    """Create the actions for a log table. ``by_title`` contains them, in the order of the menu.

    Actions stay enabled, so that the shortcut of an impossible one shows the reason. ``show_in`` disables the
    impossible ones while a menu is open.
    """

    edit_requested = Signal(object)
    save_requested = Signal(object)
    annotate_requested = Signal()
    scenario_requested = Signal(str)
    """Emitted with the text of a scenario that was made of the selected rows."""
    state_requested = Signal(int)
    """Emitted with the number of a row after which the UI's state should be shown."""
    status_message = Signal(str)

    def __init__(
        self, companion: Companion, table: LogTable, model: EventLogModel, recorded: OpenedRecording | None = None
    ) -> None:
        """``recorded`` is the recording that the table shows; None: the live log."""
        super().__init__(table)
        self._companion = companion
        self._journal = recorded.journal if recorded else companion.journal
        self._number_of: Callable[[int], int] = recorded.seq if recorded else int
        self._table = table
        self._model = model
        self._is_recording = recorded is not None
        self._do = RoomTasks(companion.tasks, self.status_message.emit)
        self._exporter = RowExport(table, companion, self._do, self.status_message.emit, recorded)
        self.by_title: dict[str, Action] = {}
        keys: tuple[tuple[str, str | QKeySequence.StandardKey, Callable[[], object]], ...] = (
            (RESEND, "R", self._resend),
            (EDIT, "E", self._edit),
            (SAVE, "S", self._save),
            (SCENARIO, "", self._save_scenario),
            (COPY_JSON, QKeySequence.StandardKey.Copy, self._copy),
            (COPY_COMMAND, "Ctrl+Shift+C", self._copy_command),
            (COPY_PLAYWRIGHT, "Ctrl+Alt+C", self._copy_playwright),
            (PIN, "M", self._pin),
            (ANNOTATE, "A", self._annotate),
            (BREAK, "B", self._break),
            (EXPORT, "", self._export),
            (SHOW_STATE, "U", self._show_state),
        )
        for title, key, act in keys:
            action = Action(title, self, act, key, IN_CHILDREN)
            table.addAction(action)
            self.by_title[title] = action

    def add_shortcuts_to(self, *widgets: QWidget) -> None:
        """Let the shortcuts of the actions work in more widgets and their children."""
        for widget in widgets:
            widget.addActions(list(self.by_title.values()))

    def close_down(self) -> None:
        """Do not report the results of running tasks."""
        self._do.close()

    @property
    def selected(self) -> Row | None:
        """The selected row; None if no row or several rows are selected."""
        line = self._table.selected_line
        return None if line is None else self._model.row(line)

    def why_not(self, title: str) -> str:
        """Return why an action is not possible with the current selection, or an empty text."""
        if title == BREAK and self._is_recording:
            return NOT_LIVE
        return why_not(title, self.selected, self._table.selected_count)

    @property
    def all_pinned(self) -> bool:
        """Whether every selected row is pinned."""
        if not 0 < self._table.selected_count <= MAX_MARKS:
            return False
        return all(self._model.mark(seq).pinned for seq in self._table.selected_seqs)

    def trigger(self, title: str) -> None:
        """Do an action."""
        self.by_title[title].trigger()

    def show_in(self, menu: QMenu, titles: tuple[str, ...] = ()) -> None:
        """Fill a menu that is about to be shown, and disable the actions that are not possible.

        Call ``enable_all`` when the menu is hidden.
        """
        chosen = [self.by_title[title] for title in titles or self.by_title]
        menu.clear()
        menu.setToolTipsVisible(True)
        for action in chosen:
            why = self.why_not(action.text())
            action.setEnabled(not why)
            set_tooltip(action, why)
            if action.text() in (COPY_JSON, PIN, SHOW_STATE) and not menu.isEmpty():
                menu.addSeparator()
            menu.addAction(action)
        pin = self.by_title[PIN]
        pin.setText("Unpin" if self.all_pinned else PIN)

    def enable_all(self) -> None:
        """Enable all actions again, after a menu was closed."""
        for title, action in self.by_title.items():
            action.setEnabled(True)
            action.setText(title)

    def _possible(self, title: str) -> bool:
        """Return whether an action is possible, and report why if it is not."""
        if why := self.why_not(title):
            self.status_message.emit(why)
        return not why

    def _resend(self) -> None:
        if self._possible(RESEND) and (row := self.selected):
            self._do(
                self._companion.resend(row, origin=PANEL),
                lambda delivery: self.status_message.emit(f"Resent #{self._number_of(row.seq)}: {delivery.note}"),
            )

    def _edit(self) -> None:
        if self._possible(EDIT):
            self.edit_requested.emit(self.selected)

    def _save(self) -> None:
        if self._possible(SAVE):
            self.save_requested.emit(self.selected)

    def _save_scenario(self) -> None:
        if self._possible(SCENARIO):
            self.make_scenario(self.scenario_requested.emit, TITLE)

    def make_scenario(self, then: Callable[[str], object], title: str = "") -> None:
        """Pass the steps of a scenario that does again what the selected rows show to ``then``, as text."""
        from app.hub.scenario_from_rows import MAX_ROWS

        store, seqs = self._model.snapshot(), self._table.selected_seqs
        if len(seqs) > MAX_ROWS:
            self.status_message.emit(
                f"A scenario is made of at most {MAX_ROWS:,} rows. {len(seqs):,} are selected."
            )
            return
        rows = [row for seq in seqs if (row := store.row(seq))]

        def made(text: str) -> None:
            if text.removeprefix(f"# {title}").strip():
                then(text)
            else:
                self.status_message.emit(NO_STEPS)

        self._do(self._companion.export_actions.scenario(rows, title), made)

    def _copy(self) -> None:
        from app.ui.widgets.details import pretty

        if row := self.selected:
            text = pretty(row.payload.decode("utf-8", "replace")) or row.note
            QGuiApplication.clipboard().setText(for_qt(text))
            self.status_message.emit(f"Copied #{self._number_of(row.seq)}")
        elif self._possible(COPY_JSON):
            self._copy_lines()

    def _copy_lines(self) -> None:
        """Copy several rows, as ``companion journal --json`` prints them."""
        number = self._table.selected_count
        if number <= MAX_COPIED_ROWS:
            lines, size = [], 0
            for line in encode_lines(self._model.snapshot(), self._table.selected_seqs, self._number_of):
                lines.append(line.decode())
                size += len(line)
                if size > MAX_COPIED_BYTES:
                    break
            else:
                QGuiApplication.clipboard().setText("\n".join(lines))
                self.status_message.emit(f"Copied {count(len(lines), 'row')} as JSON lines")
                return
        self.status_message.emit(f"{count(number, 'row')} are too much to copy. Use Export … instead.")

    def _copy_command(self) -> None:
        from app.protocol import command

        if self._possible(COPY_COMMAND) and (row := self.selected):
            hub = self._companion.hub
            words = command.trigger_command(hub.wire_text(row), self._companion.catalog, hub.wire_names)
            QGuiApplication.clipboard().setText(words)
            self.status_message.emit(f"Copied #{self._number_of(row.seq)} as a command")

    def _copy_playwright(self) -> None:
        """Copy a line for a Playwright test: it fires the selected event, or waits for it if the UI sent it."""
        from app.protocol import command

        if not self._possible(COPY_PLAYWRIGHT) or (row := self.selected) is None:
            return
        hub = self._companion.hub
        if row.kind is Kind.TO_UI:
            words = command.trigger_arguments(hub.wire_text(row), self._companion.catalog, hub.wire_names)
        else:
            words = command.expect_arguments(row.event, _data(row, row.payload.decode("utf-8", "replace")))
        QGuiApplication.clipboard().setText(command.playwright_line(words))
        self.status_message.emit(f"Copied #{self._number_of(row.seq)} as a line for Playwright")

    def _pin(self) -> None:
        """Pin the selected rows, or unpin them if all are pinned. If that fails for one, none is changed."""
        if not self._possible(PIN):
            return
        if (number := self._table.selected_count) > MAX_MARKS:
            self.status_message.emit(f"At most {MAX_MARKS:,} rows can be pinned. {number:,} are selected.")
            return
        seqs, pinned = self._table.selected_seqs, not self.all_pinned
        changed: list[int] = []
        try:
            for seq in seqs:
                if self._model.mark(seq).pinned != pinned:
                    self._journal.mark(seq, pinned=pinned)
                    changed.append(seq)
        except RequestError as error:
            for seq in changed:
                self._journal.mark(seq, pinned=not pinned)
            self.status_message.emit(error.reason)
            return
        rows = f"#{self._number_of(seqs[0])}" if len(seqs) == 1 else count(len(seqs), "row")
        self.status_message.emit(f"{'Pinned' if pinned else 'Unpinned'} {rows}")

    def _annotate(self) -> None:
        if self._possible(ANNOTATE):
            self.annotate_requested.emit()

    def _break(self) -> None:
        """Add a breakpoint for the event of the selected row."""
        if self._possible(BREAK) and (row := self.selected):
            catalog = self._companion.catalog
            names = {*catalog.names(Direction.TO_UI), *catalog.names(Direction.FROM_UI)}
            BreakpointActions(self._companion, self.status_message.emit).break_on_row(row, names)

    def _show_state(self) -> None:
        if self._possible(SHOW_STATE) and (row := self.selected):
            self.state_requested.emit(row.seq)

    def save_annotation(self, seq: int, text: str) -> None:
        """Annotate a row; an empty text removes the annotation."""
        try:
            self._journal.mark(seq, annotation=text)
        except RequestError as error:
            self.status_message.emit(error.reason)
        else:
            row = f"#{self._number_of(seq)}"
            self.status_message.emit(f"Annotated {row}" if text else f"Removed the annotation of {row}")

    def export_shown(self) -> None:
        """Ask for a file, and save the rows that the log shows now to it."""
        self._exporter.ask(self._model.snapshot(), self._model.seqs)

    def _export(self) -> None:
        if self._possible(EXPORT):
            self._exporter.ask(self._model.snapshot(), self._table.selected_seqs)


def _in_playwright(row: Row) -> bool:
    return row.kind is Kind.TO_UI or (row.kind is Kind.FROM_UI and row.verdict is not Verdict.INVALID)


def _data(row: Row, text: str) -> object:
    """Return the data of a client's event or the body of a REST call, or None if it is not valid."""
    try:
        return parse_json(text) if row.origin == REST else decode(text).data
    except BadFrame:
        return None
