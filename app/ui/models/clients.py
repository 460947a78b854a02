"""The table model of the room Clients: the connected clients. The user that a client acts as can be edited.
A client is a connection of a chat UI or another program to the event server. Lines come and go with the clients;
the counters change when ``refresh`` is called.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QModelIndex, Qt
from typing_extensions import override

from app import usernames
from app.hub.client_activity import ClientActivity, LastSent
from app.hub.clients import Client
from app.hub.hub import Hub
from app.ui.models.titled_table import Index, TitledTable
from app.ui.models.units import ago, amount
from app.ui.plain_text import tooltip_text


class Col(IntEnum):
    """Columns, left to right."""

    CLIENT = 0
    READY = 1
    LAST_SENT = 2
    RATE = 3
    FROM_UI = 4
    TO_UI = 5
    ORIGIN = 6
    SINCE = 7
    QUEUE = 8
    PING = 9
    AGENT = 10


TITLES = (
    "Client", "Ready", "Last sent", "Frames/s", "From UI ↑", "To UI ↓", "Origin", "Connected", "Queue", "Ping",
    "User agent",
)  # fmt: skip
READY_TIP = (
    "A client is ready 0.5 s after it has connected. If the REST stand-in is on, its page must also have requested "
    "GET /friends, or 2 s must have passed."
)
HEADER_TIPS = (
    "The number of the client and the user that it acts as", READY_TIP, "The last event that the client was sent",
    "Frames in both directions in the last second, and in the last 30 seconds as a graph",
    "Frames that the client sent, and their size", "Frames that were sent to the client, and their size",
    "The web page that the client belongs to", "How long the client has been connected",
    "Bytes that wait until the client reads them", "How long the client took to answer the last ping",
    "The browser or program that the client runs in",
)  # fmt: skip
MAX_EVENT_CHARS = 80
RATES = Qt.ItemDataRole.UserRole
"""The role of the column *Frames/s* with the frames in each of the last seconds, the latest last."""


class ClientsModel(TitledTable[Client]):
    """One line per connected client. The user in the column *Client* is editable.

    ``identify`` is called with a client and its new user name, ``reject`` with the reason if that is not valid.
    """

    def __init__(
        self,
        hub: Hub,
        activity: ClientActivity,
        identify: Callable[[Client, str], None],
        reject: Callable[[str], object] = lambda _: None,
    ) -> None:
        super().__init__(TITLES)
        self._hub = hub
        self._activity = activity
        self._identify = identify
        self._reject = reject
        self._lines = list(hub.clients)
        self._names: dict[int, str] = {}
        self._syncing = self._outdated = False
        self._disconnect = hub.clients_changed.connect(lambda _: self.sync())

    def close(self) -> None:
        """Disconnect from the hub's signals."""
        self._disconnect()

    def client(self, line: int) -> Client:
        """Return the client in a line of the table."""
        return self._lines[line]

    def sync(self) -> None:
        """Remove disconnected clients and add new ones. The other lines keep their selection.

        A view reacts to the change of a line before it is complete. If that calls ``sync``, it runs once more at
        the end.
        """
        self._outdated = True
        if self._syncing:
            return
        self._syncing = True
        try:
            while self._outdated:
                self._outdated = False
                self._sync()
        finally:
            self._syncing = False

    def _sync(self) -> None:
        now = {client.id: client for client in self._hub.clients}
        for line in reversed(range(len(self._lines))):
            if self._lines[line].id not in now:
                self.beginRemoveRows(QModelIndex(), line, line)
                del self._lines[line]
                self.endRemoveRows()
        known = {client.id for client in self._lines}
        fresh = [client for client in now.values() if client.id not in known]
        if fresh:
            start = len(self._lines)
            self.beginInsertRows(QModelIndex(), start, start + len(fresh) - 1)
            self._lines += fresh
            self.endInsertRows()
        self.refresh()

    def refresh(self) -> None:
        """Update counters and changed names. A name that has not changed is not updated: it may be being edited."""
        if not self._lines:
            return
        self.dataChanged.emit(self.index(0, Col.READY), self.index(len(self._lines) - 1, Col.AGENT))
        for line, client in enumerate(self._lines):
            if self._names.get(client.id, client.username) != client.username:
                self.dataChanged.emit(self.index(line, Col.CLIENT), self.index(line, Col.CLIENT))
        self._names = {client.id: client.username for client in self._lines}

    # QAbstractTableModel

    @override
    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        match role:
            case Qt.ItemDataRole.ToolTipRole if orientation is Qt.Orientation.Horizontal:
                return tooltip_text(HEADER_TIPS[section])
        return super().headerData(section, orientation, role)

    @override
    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsEditable if index.column() == Col.CLIENT else flags

    @override
    def other_data(self, line: Client, column: int, role: int) -> Any:
        match role:
            case Qt.ItemDataRole.EditRole if column == Col.CLIENT:
                return line.username
            case Qt.ItemDataRole.UserRole if column == Col.RATE:  # RATES
                return self._activity.rates(line)
        return None

    @override
    def tip(self, line: Client, column: int) -> str:
        match column:
            case Col.CLIENT:
                return f"Client {line.id} acts as {line.username}. Double-click or press F2 to change the user."
            case Col.READY:
                return READY_TIP
            case Col.RATE:
                rates = self._activity.rates(line)
                return f"{rates[-1]:,} frames/s, at most {max(rates):,} in the last {len(rates)} s" if rates else ""
        return self.text(line, column)

    @override
    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Change the user that a client acts as, or call ``reject`` if the name is not valid.

        A view also calls this when it closes the editor of a line that is being removed.
        """
        if role != Qt.ItemDataRole.EditRole or index.column() != Col.CLIENT:
            return False
        client = self._lines[index.row()]
        if client not in self._hub.clients:
            return False
        if problem := name_problem(value):
            self._reject(problem)
            return False
        self._identify(client, value.strip())
        return True

    @override
    def text(self, line: Client, column: int) -> str:
        match column:
            case Col.CLIENT:
                return f"{line.id} · {line.username}"
            case Col.READY:
                return "yes" if line.ready else "not yet"
            case Col.LAST_SENT:
                return _last_sent(self._activity.last_sent(line), self._hub.clock.wall())
            case Col.RATE:
                return f"{next(reversed(self._activity.rates(line)), 0):,}"
            case Col.FROM_UI:
                return f"{line.frames_in:,} · {amount(line.bytes_in)}"
            case Col.TO_UI:
                return f"{line.frames_out:,} · {amount(line.bytes_out)}"
            case Col.ORIGIN:
                return line.origin or "not a browser"
            case Col.SINCE:
                return ago(self._hub.clock.wall() - line.connected_at)
            case Col.QUEUE:
                return amount(line.outbox.waiting) if line.outbox.waiting else "–"
            case Col.PING:
                seconds = line.transport.latency()
                return f"{seconds * 1000:.1f} ms" if seconds else "–"
        return line.user_agent or "–"


def name_problem(text: str) -> str:
    """Return why a text is not valid as a user name, as a sentence, or an empty text."""
    wrong = usernames.problem(text.strip())
    return f"The user name {wrong}." if wrong else ""


def _last_sent(last: LastSent | None, now: float) -> str:
    return f"{last.event[:MAX_EVENT_CHARS]} · {ago(now - last.wall)} ago" if last else "nothing yet"
