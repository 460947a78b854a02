"""The page *Peers* of the Sources room: the table of the peers, and buttons that add, verify, edit and forget one.
A peer is a friend with a companion of their own. Verifying means to compare the fingerprint of the keys with the
friend. The model is ``models/peers.py``. The buttons emit signals; the room acts.
"""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QApplication, QPushButton, QStackedWidget

from app.protocol.counts import count
from app.protocol.peers.peer import Peer
from app.ui import theme
from app.ui.icons import ui_icon
from app.ui.keys import IN_CHILDREN, IN_WIDGET, Shortcut
from app.ui.models.peers import Col, PeersModel
from app.ui.widgets.accessible_names import named
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.empty_state import EmptyState
from app.ui.widgets.focus_start import FocusStart
from app.ui.widgets.page_head import fill_page, head_line
from app.ui.widgets.plain_table import offer_buttons, plain_table

SAMPLES: dict[int, str] = {
    Col.NAME: "a-long-user-name", Col.PRESENCE: "○ seen 2026-12-24 23:59", Col.WAITING: "Waiting",
    Col.KEYS: "not compared",
}  # fmt: skip
EMPTY = "No peers yet"
HINT = (
    "A peer is a friend with a companion of their own. Exchange public keys (the tab Your keys copies yours), "
    "then add your friend here."
)


class PeerList(FocusStart):
    """Call ``show_peers`` to update it. The selected peer stays selected."""

    add_requested = Signal()
    verify_requested = Signal(object)
    edit_requested = Signal(object)
    forget_requested = Signal(object)
    """Emitted, as the two above, with the selected ``Peer``."""

    def __init__(self) -> None:
        super().__init__()
        self.model = PeersModel()
        self.summary = named(ElidedLabel(), "Number of peers", style_id="muted")
        self.add = named(QPushButton("Add peer …"), "Add peer", style_id="primary", tip="Add a peer (Ctrl+N)")
        self.verify = named(QPushButton("Verify …"), "Verify the selected peer",
                            tip="Compare the fingerprint with the friend (Enter)")  # fmt: skip
        self.edit = named(
            QPushButton("Edit …"), "Edit the selected peer", tip="Change its address, or offer other keys"
        )
        self.forget = named(QPushButton("Forget …"), "Forget the selected peer", style_id="danger",
                            tip="Forget the peer and its keys (Del)")  # fmt: skip
        self.table = plain_table("Peers", self.model, SAMPLES, Col.ADDRESS)
        self.empty = EmptyState("link", EMPTY, ("Add peer …", self.add_requested.emit))
        self.empty.show_text(EMPTY, HINT)
        self.body = QStackedWidget()
        self.body.addWidget(self.empty)
        self.body.addWidget(self.table)
        self._head = head_line(self.summary, self.verify, self.edit, self.forget, self.add)
        fill_page(self, self._head, self.body)
        self._connect()
        self.recolor()
        self._show_state()

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        self.forget.setIcon(ui_icon("trash", theme.colors().error))
        self.empty.recolor()

    @property
    def selected(self) -> Peer | None:
        """The selected peer, or None."""
        lines = self.table.selectionModel().selectedRows()
        return self.model.peers[lines[0].row()] if lines else None

    def show_peers(self, peers: list[Peer]) -> None:
        """Show these peers."""
        before = self.selected
        self.model.show(peers)
        names = [each.username for each in peers]
        if before and before.username in names and self.selected is None:
            self.table.selectRow(names.index(before.username))
        self._show_state()

    def choose(self, name: str) -> None:
        """Select a peer."""
        names = [each.username for each in self.model.peers]
        if name in names:
            self.table.selectRow(names.index(name))

    def _connect(self) -> None:
        self.add.clicked.connect(self.add_requested)
        for button, signal in (
            (self.verify, self.verify_requested), (self.edit, self.edit_requested),
            (self.forget, self.forget_requested),
        ):  # fmt: skip
            button.clicked.connect(lambda _=False, signal=signal: self.selected and signal.emit(self.selected))
        self.table.activated.connect(lambda _: self.verify.click())
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._show_state())
        offer_buttons(self.table, self.verify, self.edit, self.forget)
        Shortcut("Del", self.table, self.forget.click, IN_WIDGET)
        Shortcut("Ctrl+N", self, self.add.click, IN_CHILDREN)

    def _show_state(self) -> None:
        peers = self.model.peers
        online = sum(each.online for each in peers)
        self.summary.setText(f"{count(len(peers), 'peer')}, {online} online" if peers else "")
        buttons = (self.verify, self.edit, self.forget)
        if self.selected is None and QApplication.focusWidget() in buttons:
            (self.table if peers else self.window()).setFocus()  # otherwise Qt focuses another button
        for button in buttons:
            button.setEnabled(self.selected is not None)
        self.body.setCurrentWidget(self.table if peers else self.empty)
        self._head.setVisible(bool(peers))
        self.start_at(self.table if peers else self.empty)
