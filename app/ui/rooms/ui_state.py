"""The UI state room: what the stores of a client's UI must contain, as a tree and as a preview, now or in the past.
The stores are where a chat UI keeps its state. The room also lists what the last change did, and which values the
UI reported differently. Another list shows how the two flavours differ: the state of a correct UI, and that of the
released one.
"""

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QSettings, Qt, Signal
from PySide6.QtGui import QGuiApplication, QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QHeaderView,
    QSplitter,
    QStackedWidget,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from app.companion import Companion
from app.hub.row import Row
from app.protocol.ui_changes import MISSING, without_guesses
from app.protocol.ui_moments import Inspection, StateChange
from app.protocol.ui_paths import locate, path_of
from app.protocol.ui_stores import Flavour
from app.ui.models.json_tree import Steps
from app.ui.models.state_tree import Note, NoteKind
from app.ui.models.units import ago
from app.ui.models.value_table import value_or_missing, value_text
from app.ui.plain_text import PlainTextLabel
from app.ui.room_registry import EVENTS
from app.ui.state_follower import StateFollower
from app.ui.widgets.accessible_names import named
from app.ui.widgets.empty_state import EmptyState
from app.ui.widgets.focus_start import FocusStart
from app.ui.widgets.moment_bar import MomentBar
from app.ui.widgets.state_head import StateHead
from app.ui.widgets.state_lists import StateLists
from app.ui.widgets.state_page import StatePage
from app.ui.widgets.ui_preview import UiPreview

if TYPE_CHECKING:
    from app.ui.window import MainWindow

WIDE = 1_000
"""Width in pixels from which the preview is beside the state. In a narrower room, it is a tab."""
SIZES = (560, 520)
"""The default widths of the state and the preview."""
MIN_PREVIEW = 200
FLAVOUR = "ui-state/flavour"
"""The key of the flavour in the window's state file."""
MAX_REMOVED = 3
"""At most this many removed members are named in a note."""
A_GUESS = "a guess: two inputs came at the same time"
HOW_TO_REPORT = "cli-ui-state"
"""The page of the manual about reporting the stores."""


def create(window: "MainWindow") -> "UiStateRoom":
    """Build the room and connect it to the others."""
    room = UiStateRoom(window.companion, window.memory)
    room.row_requested.connect(partial(_show_row, window))
    room.help_requested.connect(lambda: window.open_help(HOW_TO_REPORT))
    return room


def _show_row(window: "MainWindow", seq: int) -> None:
    """Open Events with a row selected."""
    window.open_room(EVENTS)
    if not window.events.show_row(seq):
        window.status.show_message(f"Row #{seq} is not in the log view")


class UiStateRoom(FocusStart):
    """Shows one client's state."""

    status_message = Signal(str)
    row_requested = Signal(int)
    """Emitted with the number of a row that Events should show."""
    help_requested = Signal()
    """Emitted to open the manual at how a UI reports its stores."""

    def __init__(self, companion: Companion, memory: QSettings) -> None:
        super().__init__()
        self._companion = companion
        self._memory = memory
        self.follower = StateFollower(companion)
        self.follower.flavour = _flavour(memory.value(FLAVOUR))
        self.head = StateHead(companion, self.follower.flavour)
        self.bar = MomentBar(self)
        self.notice = named(PlainTextLabel(wordWrap=True), "How far the state can be trusted", style_id="warning")
        self.notice.setContentsMargins(16, 4, 16, 4)
        self.state = StatePage()
        self.preview = UiPreview()
        self.empty = EmptyState("ui-state", "No client is connected", ("Copy URL", self._copy_url))
        self._lay_out()
        self._connect()
        self.start_at(self.state)
        self._choose_client()

    def close_down(self) -> None:
        """Stop following."""
        self.follower.close()
        self.head.close_down()

    @property
    def layout_parts(self) -> dict[str, QSplitter | QHeaderView]:
        """The parts whose sizes the window saves."""
        return {"ui-state/preview": self.splitter}

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        self.empty.recolor()
        self.bar.recolor()
        self.state.recolor()

    def focus_search(self) -> None:
        """Give the search of the tree the keyboard focus."""
        self.tabs.setCurrentWidget(self.state)
        self.state.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.state.search.selectAll()

    def show_after(self, seq: int) -> None:
        """Show the state after a row of the log, of a client that it is about, or of the one that is chosen."""
        row = self._companion.journal.row(seq)
        about = _clients_of(row) if row else []
        if self.head.client not in about and about and not any(self.head.select(client) for client in about):
            self.status_message.emit(f"The page of client {about[0]} is no longer known")
            return
        self.head.keeps_client = True
        self.follower.show_client(self.head.client, seq)

    # building

    def _lay_out(self) -> None:
        self.tabs = named(QTabWidget(), "Views of the state", style_id="stateTabs")
        self.tabs.setDocumentMode(True)
        named(self.tabs.tabBar(), "Views of the state")
        self.tabs.addTab(self.state, "State")
        self.lists = StateLists(self.tabs)
        self._beside = QWidget()
        beside = QVBoxLayout(self._beside)
        beside.setContentsMargins(12, 12, 16, 12)
        self.splitter = QSplitter()
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setHandleWidth(1)
        self.splitter.addWidget(self.tabs)
        self.splitter.addWidget(self._beside)
        self.splitter.setSizes(SIZES)
        self._tab = QWidget()
        tab = QVBoxLayout(self._tab)
        tab.setContentsMargins(16, 8, 16, 12)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.head)
        column.addWidget(self.bar)
        column.addWidget(self.notice)
        column.addWidget(self.splitter, 1)
        self.body = QStackedWidget()
        self.body.addWidget(self.empty)
        self.body.addWidget(page)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.body)
        self._place_preview(wide=False)

    def _place_preview(self, *, wide: bool) -> None:
        """Put the preview beside the state, or into a tab."""
        place = self._beside if wide else self._tab
        layout = place.layout()
        if layout is not None and self.preview.parent() is not place:
            layout.addWidget(self.preview)
        if wide and not self._beside.isVisibleTo(self):
            self._beside.setVisible(True)
            if min(self.splitter.sizes()) < MIN_PREVIEW:  # it was hidden when the sizes were saved
                self.splitter.setSizes(SIZES)
        self._beside.setVisible(wide)
        at = self.tabs.indexOf(self._tab)
        if wide and at >= 0:
            self.tabs.removeTab(at)
        elif not wide and at < 0:
            self.tabs.insertTab(1, self._tab, "Preview")

    def _connect(self) -> None:
        self.head.client_chosen.connect(self.follower.show_client)
        self.head.clients_changed.connect(self._choose_client)
        self.head.flavour_chosen.connect(self._use_flavour)
        self.head.differences_requested.connect(lambda: self.tabs.setCurrentWidget(self.lists.flavours))
        self.head.how_to_report.clicked.connect(lambda: self.help_requested.emit())
        self.head.report_requested.connect(lambda: self.tabs.setCurrentWidget(self.lists.report))
        self.head.chat_chosen.connect(self._select_chat)
        self.preview.chat_chosen.connect(self._select_chat)
        self.bar.step_requested.connect(self.follower.step)
        self.bar.seek_requested.connect(self.follower.seek)
        self.bar.live_requested.connect(lambda: self.follower.show_moment(None))
        self.follower.shown.connect(self._show)
        self.follower.waiting.connect(self.bar.show_waiting)
        self.follower.failed.connect(self._fail)
        self.follower.origin_found.connect(self._show_origin)
        for part in (self.state.tree, self.preview):
            part.origin_requested.connect(self.follower.find_origin)
        self.state.tree.status_message.connect(self.status_message)
        self.lists.row_requested.connect(self.row_requested)
        self.lists.help_requested.connect(self.help_requested)
        self.lists.chosen.connect(self._reveal)
        self.lists.moment_chosen.connect(self.follower.show_moment)

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.head.refresh()
        self.follower.set_active(True)

    @override
    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.follower.set_active(False)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_preview(wide=self.width() >= WIDE)

    # user actions

    def _choose_client(self) -> None:
        """Show the client that is chosen in the list, or why there is none."""
        client = self.head.client
        self.body.setCurrentIndex(0 if client is None else 1)
        url = self._companion.server.url
        self.empty.hint.setText(
            f"Connect your UI to {url}. This room then shows what your UI must show, and what it has reported."
        )
        if client != self.follower.client:
            self.preview.question.hide()
            self.follower.show_client(client)
        else:
            self.follower.refresh()

    def _use_flavour(self, flavour: Flavour) -> None:
        self._memory.setValue(FLAVOUR, flavour.value)
        self.follower.show_flavour(flavour)

    def _select_chat(self, peer: str | None) -> None:
        self.follower.select(peer)
        self.status_message.emit(f"Open chat set to {peer}" if peer else "No chat is open")

    def _copy_url(self) -> None:
        QGuiApplication.clipboard().setText(self._companion.client_url)
        self.status_message.emit(f"Copied {self._companion.server.url}")

    def _reveal(self, steps: Steps) -> None:
        self.tabs.setCurrentWidget(self.state)
        self.state.tree.reveal(steps)

    def _show_origin(self, change: StateChange | None) -> None:
        if change is None:
            self.status_message.emit("This value has not changed since the page was loaded")
        elif change.moment.seq:
            self.row_requested.emit(change.moment.seq)
            self.status_message.emit(f"Row #{change.moment.seq} made this value: {change.moment.title}")
        else:
            self.follower.show_moment(change.moment)
            self.lists.open_changes()
            self.status_message.emit(f"No row of the log made this value: {change.moment.title}")

    # showing a state

    def _fail(self, reason: str) -> None:
        self.status_message.emit(reason)
        if self.follower.moment is not None:  # the row is no longer in the log
            self.follower.show_moment(None)

    def _show(self, shown: Inspection) -> None:
        view = shown.view
        self.bar.show_moment(view, live=shown.live, last_seq=self._companion.journal.last_seq, wall=shown.wall)
        self._show_notice(shown)
        self.head.keeps_client = not shown.live
        self.head.show_state(shown, ago(self._companion.clock.mono() - shown.report.at) if shown.report else "")
        stores, guesses = without_guesses(view.stores.to_json())
        self.state.tree.show_state(stores, _notes(shown, stores, guesses))
        self.preview.show_stores(view.stores, shown.wall, can_choose=shown.live)
        self.lists.show_state(shown, stores, self.head.report_text)

    def _show_notice(self, shown: Inspection) -> None:
        view, parts = shown.view, []
        if view.rest_is_guess:
            parts.append("REST calls may belong to another page: several pages of this browser match.")
        if not view.complete:
            parts.append("Some rows of this page are no longer in the log, so the state is incomplete.")
        elif view.first:
            parts.append("Older rows of this page are no longer in the log. The state is still complete.")
        self.notice.setText(" ".join(parts))
        self.notice.setVisible(bool(parts))


def _clients_of(row: Row) -> list[int]:
    """Return the clients that received a frame, sent it, or that a row is about."""
    return list(row.recipients) or ([int(row.client)] if row.client.isdecimal() else [])


def _flavour(saved: object) -> Flavour:
    return Flavour.SHIPPED if saved == Flavour.SHIPPED.value else Flavour.GUIDE


def _notes(shown: Inspection, stores: dict[str, object], guesses: Iterable[Steps]) -> dict[Steps, Note]:
    """Return the notes of the tree: what the last change did, and what the UI reported instead."""
    notes: dict[Steps, Note] = {steps: Note(NoteKind.GUESS, A_GUESS) for steps in guesses}
    removed: dict[Steps, list[str]] = {}
    for each in shown.changes:
        if each.new is MISSING:
            removed.setdefault(each.steps[:-1], []).append(path_of(each.steps[-1:]))
        elif each.old is MISSING:
            notes[each.steps] = Note(NoteKind.CHANGED, "new")
        else:
            notes[each.steps] = Note(NoteKind.CHANGED, f"was {value_text(each.old)}")
    for parent, names in removed.items():
        if parent not in notes or notes[parent].kind is NoteKind.GUESS:
            more = f" and {len(names) - MAX_REMOVED:,} more" if len(names) > MAX_REMOVED else ""
            notes[parent] = Note(NoteKind.CHANGED, f"removed: {', '.join(names[:MAX_REMOVED])}{more}")
    for difference in shown.differences:
        steps = locate(stores, difference.path)
        if steps is not None:
            reported = shown.report.state if shown.report else None
            value = value_or_missing(difference.reported, reported, difference.path)
            notes[steps] = Note(NoteKind.DIFFERS, f"UI has {'no value' if value is MISSING else value_text(value)}")
    return notes
