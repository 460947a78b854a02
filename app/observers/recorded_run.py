"""Read a recording into memory, and offer its rows and clients to observers as a running hub does.
While it reads, it emits the hub's signals about clients and REST exchanges. ``contract_lint`` and ``ui_state`` can
examine a recording in this way; other observers, such as ``reconnects``, need a hub.
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable

from app.hub.clients import Client
from app.hub.clock import Clock
from app.hub.hub import Hub
from app.hub.journal import Journal
from app.hub.recorded_rows import CUT, Recorded, RecordedReader
from app.hub.rest_exchange import RestExchange
from app.hub.row import Kind, Row
from app.hub.signals import Signal
from app.protocol.session.steps import ConnectedClient

MAX_ROWS = 1_000_000
MAX_BYTES = 1024 * 1024 * 1024


class RecordedClient:
    """A client of the recorded run."""

    def __init__(self, number: int, username: str, origin: str, user_agent: str) -> None:
        self.id = number
        self.username = username
        self.origin = origin
        self.user_agent = user_agent
        self.ready = False
        self.ending = CUT


class RecordedRun:
    """The rows and clients of a recording. ``read`` emits signals about clients and REST exchanges, as the hub did.

    Connect observers before ``read``. Its clock stands at the time of the last line.
    """

    def __init__(self, started: float, local_user: str = "") -> None:
        """``started`` is when the recording began, in seconds since the epoch. ``local_user`` may be unknown."""
        self.started = started
        self.local_user = local_user
        self._reader = RecordedReader(started)
        self.clock = Clock(wall=lambda: started + self._reader.passed, mono=lambda: self._reader.passed)
        self.journal = Journal(self.clock, MAX_ROWS, MAX_BYTES)
        self.joined: Signal[RecordedClient] = Signal()
        self.left: Signal[RecordedClient] = Signal()
        self.rest_begun: Signal[RestExchange] = Signal()
        """Never emitted: calls are recorded when they have ended."""
        self.rest_exchanges: Signal[RestExchange] = Signal()
        self.lines = 0
        """Number of lines that were read."""
        self.go_on: Callable[[], None] = lambda: None
        """Called before each line is read. It may raise an exception to end that."""
        self._clients: dict[int, RecordedClient] = {}

    @property
    def clients(self) -> tuple[RecordedClient, ...]:
        """The clients that are connected at the end."""
        return tuple(self._clients.values())

    def client(self, client_id: int) -> RecordedClient | None:
        """Return a client that is connected at the end, by its number."""
        return self._clients.get(client_id)

    def row_number(self, seq: int) -> int | None:
        """Return the number here of the row that had this number in the log, or None; None for 0."""
        if not seq:
            return None
        index = bisect_left(self._reader.numbers, seq)
        return index + 1 if self._reader.numbers[index : index + 1] == array("q", [seq]) else None

    def seq(self, number: int) -> int:
        """Return the number in the log of a row here; 0 if it had none."""
        return self._reader.numbers[number - 1] if 0 < number <= len(self._reader.numbers) else 0

    def begin_with(self, clients: Iterable[ConnectedClient]) -> None:
        """Note the clients that were connected when the recording began, before the lines are read.

        The state of their UI is incomplete: row 0, with which their pages begin, does not exist.
        """
        for each in clients:
            self._join(RecordedClient(each.client, each.user, each.page, each.agent))

    def read(self, lines: Iterable[bytes | str]) -> None:
        """Read the lines after the header. Comments and steps that are no recorded traffic are skipped.

        Raises ``ValueError`` for an invalid line.
        """
        for line in lines:
            self.read_line(line)

    def read_line(self, line: bytes | str) -> Recorded | None:
        """Read the next line, and return what it contains. Raises ``ValueError`` if it is invalid."""
        self.go_on()
        self.lines += 1
        if line[:1] not in (b"{", "{") and (not line.strip() or line.lstrip()[:1] in (b"#", "#")):
            return None
        found = self._reader.read(line, bool(self.rest_exchanges))
        if found is None:
            return None
        if found.row:
            self.journal.rows.add(found.row)
            if found.row.kind is Kind.SERVER:
                self._note_client(found.row, found)
        if found.exchange:
            self.rest_exchanges.emit(found.exchange)
        return found

    def _join(self, client: RecordedClient) -> None:
        self._clients[client.id] = client
        self.joined.emit(client)

    def _note_client(self, row: Row, found: Recorded) -> None:
        if row.event == "connected" and (number := _number(row)):
            self._join(RecordedClient(number, row.user, found.page.origin, found.page.user_agent))
        elif row.event == "disconnected" and (client_left := self._clients.pop(_number(row), None)):
            client_left.ending = found.ending
            self.left.emit(client_left)


def _number(row: Row) -> int:
    """Return the number of the client that a row is about, or 0."""
    return int(row.client) if row.client.isascii() and row.client.isdigit() else 0


Watched = Hub | RecordedRun
"""What observers can watch."""
AnyClient = Client | RecordedClient
