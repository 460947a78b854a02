"""The top of the UI state room: choose the client, a correct or the released UI (*flavour*), and the open chat.
It lists connected and recent clients, and emits a signal for each choice. Choosing another open chat only corrects
the computed state; the UI itself opens none. It also shows in how many values the two flavours differ, and whether
the state that the UI reported agrees with the computed one. The flavours are *Guide*, a UI that follows the guide,
and *Shipped*, the released one.
"""

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QComboBox, QHBoxLayout, QMenu, QPushButton, QVBoxLayout, QWidget

from app.companion import Companion
from app.protocol.counts import count
from app.protocol.ui_moments import Inspection, KnownPage
from app.protocol.ui_stores import Flavour, UiStores
from app.ui.models.preview import text_of
from app.ui.plain_text import set_tooltip, without_mnemonics
from app.ui.widgets.accessible_names import named
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.eliding_box import ElidingBox
from app.ui.widgets.open_list import OpenList

MAX_DISCONNECTED = 20
"""The list contains at most this many pages that are not connected, and the chosen one."""
MAX_CHATS = 100
CHAT_WIDTH = 180
"""The greatest width of the name of the open chat in pixels."""
LINE_HEIGHT = 26
"""The height of the line about the report, with or without its buttons."""
MAX_NAME = 40
TITLES = {Flavour.GUIDE: "Guide", Flavour.SHIPPED: "Shipped"}
TIPS = {
    Flavour.GUIDE: "What a UI must show that follows the guide",
    Flavour.SHIPPED: "What the released UI shows, with its known differences",
}


class StateHead(QWidget):
    """The choices, and the results of the two comparisons. The room shows the state."""

    client_chosen = Signal(object)
    """Emitted with the number of the client that the user chose."""
    clients_changed = Signal()
    """Emitted when the list of clients, or the chosen one, may have changed."""
    flavour_chosen = Signal(object)
    differences_requested = Signal()
    """Emitted to list how the two flavours differ."""
    report_requested = Signal()
    """Emitted to list how the UI's report differs."""
    chat_chosen = Signal(object)
    """Emitted with the name of the friend whose chat is open, or None."""

    def __init__(self, companion: Companion, flavour: Flavour) -> None:
        super().__init__()
        self._states = companion.ui_states
        self._pages: list[KnownPage] = []
        self._stores = UiStores()
        self._wanted: int | None = None
        """The client that the user chose. It stays chosen if it is not connected."""
        self.keeps_client = False
        """Whether the chosen client stays chosen if another one connects: its past is shown."""
        self.clients = named(ElidingBox(), "Client", tip="The client whose state is shown")
        self.clients.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.clients.setMaximumWidth(260)
        self.hint = named(QPushButton(), "Differences of the flavours", style_id="flat")
        self.open_chat = named(QPushButton(), "Open chat", style_id="menuButton")
        self.open_chat.setMenu(QMenu(self.open_chat))
        self.report = named(ElidedLabel(), "Report of the UI", style_id="result")
        self.show_report = named(QPushButton("Show the differences"), "Show the differences", style_id="flat")
        self.how_to_report = named(QPushButton("How to report"), "How to report the stores", style_id="flat")
        row = QHBoxLayout()
        row.setContentsMargins(16, 10, 16, 4)
        row.setSpacing(8)
        row.addWidget(self.clients)
        row.addLayout(self._flavours(flavour))
        row.addWidget(self.hint)
        row.addStretch(1)
        row.addWidget(self.open_chat)
        second = QHBoxLayout()
        second.setContentsMargins(16, 0, 16, 2)
        second.setSpacing(4)
        self.report.setMinimumHeight(LINE_HEIGHT)
        second.addWidget(self.report)
        second.addWidget(self.show_report)
        second.addWidget(self.how_to_report)
        second.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(row)
        column.addLayout(second)
        self.clients.activated.connect(self._choose)
        self.clients.currentIndexChanged.connect(self._describe)
        self.hint.clicked.connect(lambda: self.differences_requested.emit())
        self.show_report.clicked.connect(lambda: self.report_requested.emit())
        self.open_chat.menu().aboutToShow.connect(self._fill_menu)
        hub, readiness, open_list = companion.hub, companion.readiness, OpenList(self.clients)
        self._disconnects = [
            changed.connect(lambda _: open_list.when_closed(self.refresh))
            for changed in (hub.clients_changed, hub.joined, readiness.became_ready)
        ]
        self.refresh()

    def close_down(self) -> None:
        """Disconnect from the hub's signals."""
        for disconnect in self._disconnects:
            disconnect()

    def _flavours(self, chosen: Flavour) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(0)
        self.flavours = QButtonGroup(self)
        for number, (flavour, side) in enumerate(((Flavour.GUIDE, "Left"), (Flavour.SHIPPED, "Right"))):
            title = TITLES[flavour]
            button = named(QPushButton(title), f"Flavour: {title}", style_id=f"segment{side}", tip=TIPS[flavour])
            button.setCheckable(True)
            button.setChecked(flavour is chosen)
            self.flavours.addButton(button, number)
            row.addWidget(button)
        self.flavours.idClicked.connect(lambda number: self.flavour_chosen.emit(list(Flavour)[number]))
        return row

    @property
    def client(self) -> int | None:
        """The number of the chosen client, or None if there is none."""
        number: int | None = self.clients.currentData()
        return number

    @property
    def report_text(self) -> str:
        """Whether the report of the UI agrees."""
        return self.report.text()

    def select(self, client: int) -> bool:
        """Choose a client, or the newer client of its page. Return False if the page is not known."""
        number = self._states.page_number(client)
        if number is None:
            return False
        self.refresh(number)
        self.clients.setCurrentIndex(self.clients.findData(number))
        return True

    def _choose(self, line: int) -> None:
        self._wanted = self.clients.itemData(line)
        self.client_chosen.emit(self._wanted)

    def _describe(self, line: int) -> None:
        if line >= 0:
            page = self._pages[line]
            set_tooltip(self.clients, f"{_title(page)} · {page.origin or 'not a browser'}")

    def refresh(self, also: int | None = None) -> None:
        """Show the clients that are known now. If the chosen one has gone and another one has come, choose that.

        The page with the number ``also`` is in the list, even if many others have disconnected later.
        """
        pages, before = self._states.pages, self.client
        now = self._states.page_number(before) if before is not None else None
        gone = [page for page in pages if not page.connected]
        recent = gone[-MAX_DISCONNECTED:]
        listed = [page for page in gone if page in recent or page.client in (now, also)]
        shown = [*sorted(page for page in pages if page.connected), *reversed(listed)]
        if shown == self._pages:
            return
        self._pages = shown
        self.clients.clear()
        for page in shown:
            self.clients.addItem(_title(page), page.client)
        if before == self._wanted:
            self._wanted = now
        known = next((page for page in shown if page.client == now), None)
        newest = max((page for page in shown if page.connected), default=None, key=lambda page: page.client)
        stays = known and (known.connected or newest is None or self.keeps_client or known.client == self._wanted)
        chosen = known if stays else newest or next(iter(shown), None)
        if chosen:
            self.clients.setCurrentIndex(self.clients.findData(chosen.client))
        self.clients_changed.emit()

    def show_state(self, shown: Inspection, age: str) -> None:
        """Show the open chat and the comparisons. ``age`` is that of the UI's report."""
        self._stores = shown.view.stores
        name = shown.view.stores.active_chat
        how = "set by you" if shown.view.chosen else "from GET /messages"
        text = f"Open chat: {text_of(name)[:MAX_NAME]}" if name is not None else "Open chat: none"
        shown_text = self.open_chat.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, CHAT_WIDTH)
        self.open_chat.setText(without_mnemonics(shown_text))
        self.open_chat.setAccessibleName(text)
        self.open_chat.setEnabled(shown.live)
        tip = f"{how}. Correct it if another chat is open in your UI." if shown.live else "Go live to correct it."
        set_tooltip(self.open_chat, f"{text}, {tip}")
        flavours = shown.flavours or []
        number = len(flavours)
        self.hint.setText(f"≠ {count(number, 'value')}" if number else "= same state")
        self.hint.setVisible(shown.flavours is not None)
        self.hint.setEnabled(bool(number))
        paths = [each.path for each in flavours[:10]]
        set_tooltip(self.hint, "\n".join(["The flavours differ now:", *paths]) if paths else "Both have this state")
        self._show_report(shown, age)

    def _show_report(self, shown: Inspection, age: str) -> None:
        number = len(shown.differences)
        if not shown.live:
            text, tone = "Reports are compared with the present state only", "muted"
        elif shown.report is None:
            text, tone = "The UI has not reported its stores", "muted"
        elif number:
            text, tone = f"✗ Reported {age} ago: differs in {count(number, 'value')}", "error"
        else:
            text, tone = f"✓ Reported {age} ago: equal", "ok"
        self.report.setText(text)
        self.show_report.setVisible(tone == "error")
        self.how_to_report.setVisible(shown.live and shown.report is None)
        if self.report.property("tone") != tone:
            self.report.setProperty("tone", tone)
            self.report.style().unpolish(self.report)
            self.report.style().polish(self.report)

    def _fill_menu(self) -> None:
        menu = self.open_chat.menu()
        menu.clear()
        names = [each.username for each in self._stores.contacts if isinstance(each.username, str)]
        menu.addAction("None", partial(self.chat_chosen.emit, None))
        menu.addSeparator()
        for name in dict.fromkeys(names[:MAX_CHATS]):
            menu.addAction(without_mnemonics(name[:MAX_NAME]), partial(self.chat_chosen.emit, name))


def _title(page: KnownPage) -> str:
    state = "disconnected" if not page.connected else "ready" if page.ready else "not ready yet"
    return f"{page.client} · {page.username[:MAX_NAME]} · {state}"
