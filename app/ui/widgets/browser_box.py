"""The combo box that chooses the browser or program that the reconnect lab tests.
The lab refuses its attempts to reconnect, and measures their delays. An entry stands for all connected clients with
the same ``Origin`` and ``User-Agent`` headers. The chosen entry stays chosen while it is not connected.
"""

from collections.abc import Iterable

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QComboBox, QSizePolicy

from app.hub.clients import Client, Handshake
from app.ui.models.lab_text import clients_text, page_text
from app.ui.plain_text import set_tooltip
from app.ui.widgets.accessible_names import named
from app.ui.widgets.eliding_box import ElidingBox
from app.ui.widgets.open_list import OpenList

NO_CLIENT = "No client is connected"
CHOOSE = "Choose a browser"
MIN_CHARS = 24


class BrowserBox(ElidingBox):
    """Lists browsers, each with its clients. The chosen one stays chosen while it is not connected."""

    chosen = Signal()
    """Emitted when another browser was chosen, or when it has connected or disconnected."""

    def __init__(self) -> None:
        super().__init__()
        named(self, "Browser")
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(MIN_CHARS)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._browsers: dict[Handshake, list[Client]] = {}
        self._chosen: Handshake | None = None
        self._open_list = OpenList(self)
        self.activated.connect(self._on_activated)

    @property
    def client(self) -> int | None:
        """The number of a client of the chosen browser; None if it is not connected."""
        clients = self._browsers.get(self._chosen, []) if self._chosen else []
        return clients[0].id if clients else None

    @property
    def is_only_one(self) -> bool:
        """Whether at most one browser is listed, connected or not."""
        return len(self._pages) <= 1

    @property
    def why_not(self) -> str:
        """Why no connected browser is chosen, or an empty text."""
        if self.client is not None:
            return ""
        if self._chosen:
            return "This browser is not connected."
        return f"{CHOOSE}." if self._browsers else f"{NO_CLIENT}. Open your UI."

    def choose(self, client: Client) -> None:
        """Choose the browser of a client."""
        self._chosen = _handshake(client)
        self._fill()

    def show_clients(self, clients: Iterable[Client]) -> None:
        """List the browsers of these clients. If there is only one and none was chosen, choose it."""
        listed = list(clients)
        self._open_list.when_closed(lambda: self._list(listed))

    def _list(self, clients: Iterable[Client]) -> None:
        self._browsers = {}
        for each in clients:
            self._browsers.setdefault(_handshake(each), []).append(each)
        if self._chosen is None and len(self._browsers) == 1:
            (self._chosen,) = self._browsers
        self._fill()

    def _fill(self) -> None:
        with QSignalBlocker(self):
            self.clear()
            for page, clients in self._browsers.items():
                self.addItem(f"{page_text(page)} ({clients_text(clients)})")
            if self._chosen and self._chosen not in self._browsers:
                self.addItem(f"{page_text(self._chosen)} (not connected)")
            self.setPlaceholderText(CHOOSE if self._browsers else NO_CLIENT)
            self.setCurrentIndex(self._pages.index(self._chosen) if self._chosen else -1)
        set_tooltip(self, self.currentText())
        self.chosen.emit()

    @property
    def _pages(self) -> list[Handshake]:
        """The listed pages, in order."""
        lost = [self._chosen] if self._chosen and self._chosen not in self._browsers else []
        return [*self._browsers, *lost]

    def _on_activated(self, index: int) -> None:
        self._chosen = self._pages[index]
        self._fill()


def _handshake(client: Client) -> Handshake:
    return Handshake(client.origin, client.user_agent)
