"""The combo box that chooses clients as a ``Target``: everyone, all clients of a user, or one client.
In Inject, Fixtures and Scenarios it chooses the recipients of events, and so it does in the form for an event to
fire after an item that a breakpoint holds. In Faults, it chooses the clients whose frames are disturbed.
"""

from PySide6.QtCore import QSignalBlocker, QSize, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QComboBox, QSizePolicy
from typing_extensions import override

from app.companion import Companion
from app.hub.target import ALL, Target
from app.ui.models.log_text import recipients
from app.ui.plain_text import set_tooltip
from app.ui.widgets.accessible_names import named
from app.ui.widgets.eliding_box import ElidingBox
from app.ui.widgets.open_list import OpenList

EVERYONE = "Everyone"
MAX_POPUP_WIDTH, MARGIN = 800, 40
TIP = "Clients that receive the event"
MIN_WIDTH, USUAL_WIDTH, MAX_WIDTH = 104, 208, 320
"""The usual width has room for ``Client 2 (disconnected)``. In a narrow bar, the box becomes smaller."""


class TargetBox(ElidingBox):
    """Choose clients. A choice whose clients have disconnected stays, and is marked."""

    chosen = Signal()
    """Emitted when other recipients were chosen."""

    def __init__(self, companion: Companion, name: str = "Send to", tip: str = TIP) -> None:
        super().__init__()
        named(self, name)
        self._tip = tip
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(MIN_WIDTH)
        self.setMaximumWidth(MAX_WIDTH)
        self._companion = companion
        self._open_list = OpenList(self)
        self.list_targets()
        self.currentIndexChanged.connect(lambda _: self._on_chosen())

    @property
    def target(self) -> Target:
        """The chosen recipients."""
        chosen = self.currentData()
        return chosen if isinstance(chosen, Target) else ALL

    @override
    def sizeHint(self) -> QSize:
        hint = super().sizeHint()
        return QSize(max(USUAL_WIDTH, hint.width()), hint.height())

    def _on_chosen(self) -> None:
        self._show_whole_text()
        self.chosen.emit()

    def _show_whole_text(self) -> None:
        set_tooltip(self, f"{self.currentText()}\n{self._tip}")

    def follow_clients(self) -> None:
        """List the clients again. A hidden box waits: with many clients, filling it takes a while."""
        if self.isVisible():
            self._open_list.when_closed(self.list_targets)

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.list_targets()

    @override
    def showPopup(self) -> None:
        # By default, the list is as wide as the box, and cuts longer texts.
        measure = self.view().fontMetrics().horizontalAdvance
        widest = max(measure(self.itemText(number)) for number in range(self.count()))
        self.view().setMinimumWidth(min(widest + MARGIN, MAX_POPUP_WIDTH))
        super().showPopup()

    def list_targets(self, choose: Target | None = None) -> None:
        """List the connected clients and their users. Keep the choice, or choose ``choose``."""
        before = self.target
        chosen = choose or before
        clients = self._companion.hub.clients
        offers = [(EVERYONE, ALL)]
        offers += [
            (f"All clients of {name}", Target(user=name))
            for name in sorted({client.username for client in clients})
        ]
        offers += [
            (f"{client.id} · {client.username}", Target(clients=frozenset({client.id}))) for client in clients
        ]
        if chosen not in [target for _, target in offers]:
            title = recipients(str(chosen)).capitalize() if chosen.user is None else f"All clients of {chosen.user}"
            title += f" except client {chosen.excluded}" if chosen.excluded is not None else ""
            offers.append((title if chosen.select(clients) else f"{title} (disconnected)", chosen))
        with QSignalBlocker(self):
            self.clear()
            for title, target in offers:
                self.addItem(title, target)
            self.setCurrentIndex([target for _, target in offers].index(chosen))
        self._show_whole_text()
        if chosen != before:
            self.chosen.emit()
