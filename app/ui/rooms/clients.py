"""The Clients room: a table of the connected clients, and below it rejected requests and how UIs reconnected.
It lists requests that violate access rules or limits, but not those that are refused on purpose. The user that a
client acts as is edited in the table. Buttons choose the selected client as the recipient in Inject, show its
events in the log, and close or abort its connection. Two more open windows to test how a UI reconnects: the
reconnect lab, and one that refuses connections on purpose.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QMenu,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QTableView,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from app.companion import Companion
from app.hub.clients import Client
from app.protocol.close_codes import may_close_with
from app.protocol.contract import Direction
from app.ui import theme
from app.ui.icons import ui_icon
from app.ui.models.clients import ClientsModel, Col, name_problem
from app.ui.room_registry import EVENTS
from app.ui.widgets.accessible_names import named
from app.ui.widgets.bounded_delegate import BoundedDelegate
from app.ui.widgets.client_columns import ClientColumns
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.empty_state import EmptyState
from app.ui.widgets.focus_start import FocusStart
from app.ui.widgets.line_edit import LineEdit
from app.ui.widgets.log_table import ROW_HEIGHT
from app.ui.widgets.page_head import head_line
from app.ui.widgets.plain_table import plain_table
from app.ui.widgets.rate_delegate import RateDelegate
from app.ui.widgets.reconnect_panel import ReconnectPanel
from app.ui.widgets.rejection_list import RejectionList
from app.ui.widgets.short_button import ShortButton, shorten_to_fit

if TYPE_CHECKING:
    from app.ui.window import MainWindow

MARGIN = 16
REFRESH_MS = 500
FACTS = {
    Col.SINCE: "connected for {}", Col.FROM_UI: "from UI {}", Col.TO_UI: "to UI {}", Col.PING: "ping {}",
    Col.QUEUE: "queue {}", Col.AGENT: "{}",
}  # fmt: skip
"""The columns that the line below the table shows if there is no room for them, and their texts there."""
HINT = "Double-click a client to change the user that it acts as."
LAB_TIP = "Refuse the attempts of your UI to reconnect, and compare their delays with the guide"
REFUSE_TIP = "Refuse the next connections on purpose, or close all clients several times"
CODES = (
    (1000, "1000 normal closure"),
    (1001, "1001 going away"),
    (1008, "1008 policy violation"),
    (1011, "1011 internal error"),
    (1012, "1012 service restart"),
    (1013, "1013 try again later"),
    (4000, "4000 application-defined"),
)


def create(window: "MainWindow") -> "ClientsRoom":
    """Build the room and connect it to the others."""
    room = ClientsRoom(window.companion)
    room.send_requested.connect(window.send_to)
    room.refused.allow_requested.connect(window.allow)
    room.faults_requested.connect(window.arm_faults_for)
    room.events_requested.connect(partial(_show_events, window))
    room.lab_requested.connect(lambda client: window.reconnect_windows.open_lab(client or None))
    room.refuse_requested.connect(lambda: window.reconnect_windows.open_refuse())
    room.fire_requested.connect(lambda: window.inject.fire_or_stop())
    return room


def _show_events(window: "MainWindow", client: int) -> None:
    """Open Events with the rows of one client."""
    window.events.filter.replace_text(f"client:{client}")
    window.open_room(EVENTS)


class ClientsRoom(FocusStart):
    """A table of clients, and buttons that act on the selected one."""

    send_requested = Signal(int)
    """Emitted with the number of a client to select as the recipient in *Inject*."""
    events_requested = Signal(int)
    """Emitted with the number of a client whose rows *Events* should show."""
    faults_requested = Signal(int)
    """Emitted with the number of a client to arm faults for."""
    lab_requested = Signal(int)
    """Emitted to open the reconnect lab, with the number of a client of the browser to examine; 0 for none."""
    refuse_requested = Signal()
    """Emitted to open the window *Refuse connections*."""
    fire_requested = Signal()
    """Emitted to fire the event that *Inject* shows."""
    status_message = Signal(str)

    def __init__(self, companion: Companion) -> None:
        super().__init__()
        self._companion = companion
        self.model = ClientsModel(
            companion.hub, companion.client_activity, companion.hub.identify, self.status_message.emit
        )
        self.table = self._make_table()
        self.columns = ClientColumns(self.table, companion.catalog.names(Direction.TO_UI))
        self.details = named(ElidedLabel(), "Details of the selected client", style_id="muted")
        self.target = named(ElidedLabel(), "Selected client", style_id="detailHead")
        self.send = named(
            ShortButton("Send to …"), "Send an event to this client", tip="Send an event to this client"
        )
        self.events = named(
            ShortButton("Show events"), "Show the events of this client", tip="Show its rows in Events"
        )
        self.code = named(
            QComboBox(editable=True), "Close code", tip="Close code: 1000–1003, 1007–1014 or 3000–4999"
        )
        self.code.setLineEdit(named(LineEdit(limit=200), "Close code"))
        for code, title in CODES:
            self.code.addItem(title, code)
        self.code.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.reason = named(LineEdit(limit=60, placeholder="Reason (optional)"), "Close reason")
        self.close_button = named(
            QPushButton("Close"), "Close the connection with this code", tip="Close the connection with this code"
        )
        self.abort = named(
            QPushButton("Abort"), "Abort the connection", tip="Disconnect without a closing handshake"
        )
        self.abort.setObjectName("danger")
        self.refused = RejectionList(companion.rejection_log)
        self.reconnects = ReconnectPanel(companion.reconnects)
        self.empty = EmptyState("clients", "No client is connected", ("Copy URL", self._copy_url))
        self.hint = named(ElidedLabel(HINT), "Hint", style_id="muted")
        self.lab = named(QPushButton("Reconnect lab …"), "Reconnect lab …", tip=LAB_TIP)
        self.refuse = named(QPushButton("Refuse connections …"), "Refuse connections …", tip=REFUSE_TIP)
        self.body = QStackedWidget()
        self.body.addWidget(self.empty)
        self.body.addWidget(self.table)
        self.foot = self._foot()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(head_line(self.hint, self.lab, self.refuse))
        column.addWidget(self.body, 1)
        # Below the table, whose rows must not move, and above the buttons: after Abort, a page reconnects.
        column.addWidget(self.refused)
        column.addWidget(self.reconnects)
        column.addWidget(self.foot)
        self._removed = False
        """Whether a client has disconnected since the room was opened."""
        self._timer = QTimer(self, interval=REFRESH_MS)
        self._timer.timeout.connect(self.model.refresh)
        self._timer.timeout.connect(self._show_details)
        self.start_at(self.table)
        self._connect()
        self.recolor()
        self._show_state()

    def close_down(self) -> None:
        """Disconnect from the hub's signals and stop the timer."""
        self._timer.stop()
        for disconnect in self._disconnects:
            disconnect()
        self.refused.close_down()
        self.model.close()

    @property
    def layout_parts(self) -> dict[str, QSplitter | QHeaderView]:
        """The parts whose sizes the window saves."""
        return {"clients/columns by priority": self.table.horizontalHeader()}

    def fire_or_stop(self) -> None:
        """Fire the event that Inject shows."""
        self.fire_requested.emit()

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        scheme = theme.colors()
        self.send.setIcon(ui_icon("send", scheme.muted))
        self.events.setIcon(ui_icon("filter", scheme.muted))
        self.close_button.setIcon(ui_icon("disconnect", scheme.muted))
        self.empty.recolor()
        self.reconnects.recolor()

    @override
    def showEvent(self, event: QShowEvent) -> None:
        """Update the counters while the room is visible, and select the only client if there is just one."""
        super().showEvent(event)
        self._timer.start()
        self._removed = False
        self._select_only_client()

    @override
    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave room for the close reason."""
        super().resizeEvent(event)
        shorten_to_fit((self.send, self.events), self._actions, self.width() - 2 * MARGIN)

    def _make_table(self) -> QTableView:
        table = plain_table("Clients", self.model, {}, None)
        table.setItemDelegate(BoundedDelegate(table, name_problem))
        table.setItemDelegateForColumn(Col.RATE, RateDelegate(table))
        table.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        table.verticalHeader().setDefaultSectionSize(ROW_HEIGHT + 4)
        return table

    def _foot(self) -> QWidget:
        """Return the selected client and the buttons that act on it."""
        foot = QWidget()
        self._actions = actions = QHBoxLayout()
        actions.setSpacing(8)
        actions.addWidget(self.send)
        actions.addWidget(self.events)
        actions.addStretch(1)
        for widget in (self.code, self.reason, self.close_button, self.abort):
            actions.addWidget(widget)
        chosen = QHBoxLayout()
        chosen.setSpacing(8)
        chosen.addWidget(self.target)
        chosen.addWidget(self.details, 1)
        column = QVBoxLayout(foot)
        column.setContentsMargins(MARGIN, 8, MARGIN, 12)
        column.setSpacing(8)
        column.addLayout(chosen)
        column.addLayout(actions)
        return foot

    def _connect(self) -> None:
        self.send.clicked.connect(self._with_selected(lambda client: self.send_requested.emit(client.id)))
        self.events.clicked.connect(self._with_selected(lambda client: self.events_requested.emit(client.id)))
        self.lab.clicked.connect(self._open_lab)
        self.refuse.clicked.connect(self.refuse_requested)
        self.table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.table.customContextMenuRequested.connect(self._context_menu)
        self.close_button.clicked.connect(self._with_selected(self._close))
        self.abort.clicked.connect(self._with_selected(self._abort))
        self.code.currentTextChanged.connect(lambda _: self._show_state())
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._show_state())
        self.columns.fitted.connect(self._show_details)
        self.model.dataChanged.connect(self._on_changed)
        self.model.rowsInserted.connect(lambda *_: self._on_inserted())
        self.model.rowsRemoved.connect(lambda *_: self._on_removed())
        self.refused.allow_requested.connect(lambda _: self._focus_body())
        self._disconnects = [
            self._companion.changed.connect(lambda _: self._show_state()),
            self._companion.catalog_changed.connect(lambda _: self._list_events()),
        ]

    def _list_events(self) -> None:
        """Make room for the names of the events of a changed contract."""
        self.columns.list_events(self._companion.catalog.names(Direction.TO_UI))
        self.columns.fit()

    @property
    def selected(self) -> Client | None:
        """The selected client, or None."""
        lines = self.table.selectionModel().selectedRows()
        return self.model.client(lines[0].row()) if lines else None

    def _show_details(self) -> None:
        """Show the selected client beside the buttons that act on it, and its details above them."""
        client = self.selected
        self.target.setText(self.model.text(client, Col.CLIENT) if client else "No client is selected")
        hidden = self.columns.hidden
        facts = {column: fact for column, fact in FACTS.items() if client and column in hidden}
        texts = [fact.format(self.model.text(client, column)) for column, fact in facts.items() if client]
        self.details.setText(" · ".join(text for text in texts if not text.endswith("–")))
        self.reconnects.refresh(client.id if client else None)

    def _on_changed(self, first: QModelIndex) -> None:
        if first.column() == Col.CLIENT:  # a longer name must not be cut
            self.columns.fit()

    def _on_inserted(self) -> None:
        if not self._removed:  # after Abort, do not select the reconnected client: a second click would abort it
            self._select_only_client()
        self.columns.fit()
        self._show_state()

    def _on_removed(self) -> None:
        self._removed = True
        self._show_state()

    def _select_only_client(self) -> None:
        if self.model.rowCount() == 1 and self.selected is None:
            self.table.selectRow(0)

    def _focus_body(self) -> None:
        """Move the keyboard focus to the table, or to the placeholder if the table is empty."""
        (self.table if self.model.rowCount() else self.empty).setFocus()

    def _with_selected(self, act: Callable[[Client], None]) -> Callable[[], None]:
        def slot() -> None:
            if client := self.selected:
                act(client)

        return slot

    def _context_menu(self, place: QPoint) -> None:
        """Offer the actions of the buttons, for the selected client."""
        client = self.selected
        if client is None:
            return
        menu = QMenu(self)
        for button in (self.send, self.events, self.close_button, self.abort):
            menu.addAction(button.text(), button.click).setEnabled(button.isEnabled())
        menu.addAction("Arm faults …", partial(self.faults_requested.emit, client.id))
        menu.addAction("Reconnect lab …", partial(self.lab_requested.emit, client.id))
        menu.addAction("Change user", partial(self._change_user, client))
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.table.viewport().mapToGlobal(place))

    def _open_lab(self) -> None:
        client = self.selected
        self.lab_requested.emit(client.id if client else 0)

    def _change_user(self, client: Client) -> None:
        """Edit the user of a client, unless it has disconnected while the menu was open."""
        if self.selected is client:
            line = self.table.selectionModel().selectedRows()[0].row()
            self.table.edit(self.model.index(line, Col.CLIENT))

    def _close_code(self) -> int | None:
        """Return the chosen close code, or None if the WebSocket protocol forbids sending it."""
        digits = self.code.currentText().strip().partition(" ")[0]
        code = int(digits) if digits.isdecimal() else 0
        return code if may_close_with(code) else None

    def _close(self, client: Client) -> None:
        code = self._close_code()
        if code is not None:
            client.close(code, self.reason.text())
            self.status_message.emit(f"Closing client {client.id} with code {code}")

    def _abort(self, client: Client) -> None:
        client.abort()
        self.status_message.emit(f"Aborted the connection of client {client.id}")

    def _copy_url(self) -> None:
        QGuiApplication.clipboard().setText(self._companion.client_url)
        self.status_message.emit(f"Copied {self._companion.server.url}")

    def _show_state(self) -> None:
        chosen, empty = self.selected is not None, not self.model.rowCount()
        focused = QApplication.focusWidget() or self.window()
        self.body.setCurrentIndex(0 if empty else 1)
        self.foot.setHidden(empty)
        self.hint.setText("" if empty else HINT)
        disabled = not chosen and focused in (self.send, self.events, self.close_button, self.abort)
        if self.isAncestorOf(focused) and (empty or disabled):
            self._focus_body()  # otherwise Qt focuses another button
        url = self._companion.server.url
        self.empty.hint.setText("Start your chat UI, or run one of these commands:")
        self.empty.show_commands("companion listen", f"wscat -c {url}")
        for button in (self.send, self.events, self.abort):
            button.setEnabled(chosen)
        self.close_button.setEnabled(chosen and self._close_code() is not None)
        self._show_details()
