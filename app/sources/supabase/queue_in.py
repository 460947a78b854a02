"""Fetch the messages that wait in the Supabase project, and delete a row by its id after its message is committed.
The queue is the table ``messages``: peers put messages there that they cannot deliver directly. ``Peers.accept``
verifies and stores a message, and recognizes a known one.

A crash between commit and deletion neither loses nor duplicates a message: the row is fetched again, its message is
known, and the row is deleted then. Rows of unknown senders, and rows that cannot be used, are kept in the project.
With the option ``peek_only``, no row is deleted.
"""

from collections import OrderedDict
from typing import NamedTuple

from app.hub.hub import Hub
from app.hub.journal import Verdict
from app.protocol.directory.errors import DirectoryError, FailureKind
from app.protocol.directory.filters import after, equals
from app.protocol.directory.rows import BadRow, InvalidResponse, QueuedRow, TooManyValues, read_queue
from app.sources.supabase.client import DirectoryClient
from app.sources.supabase.contracts import SUPABASE, MessageStatus, Peers
from app.sources.supabase.schema_probe import Schema

PAGE = 100
"""Rows per call. The project returns at most 1,000, or fewer if it is configured so, and rows can be large."""
MAX_BYTES = 2 * 1024 * 1024
"""A page with more bytes is requested again with fewer rows. The largest envelope has 1.4 MB in base64."""
MAX_PAGES = 200
MAX_POLL_BYTES = 16 * 1024 * 1024
"""At most this many calls and bytes per poll: anyone may fill the queue. The next poll continues there."""
MAX_REMEMBERED = 20_000
"""At most this many rows that stay in the project are remembered; the oldest are forgotten, and logged again."""


class Fetched(NamedTuple):
    """The result of a poll: how many messages were new, and how many rows stay in the project or were deleted."""

    new: int = 0
    kept: int = 0
    deleted: int = 0


class _Position(NamedTuple):
    created_at: str
    id: str


class QueueIn:
    """Reads the rows of one user in the table ``messages``."""

    def __init__(
        self, client: DirectoryClient, schema: Schema, hub: Hub, peers: Peers, username: str, *, peek_only: bool
    ) -> None:
        self._client = client
        self._columns = "id,from_user,ciphertext,created_at" + ",signature" * schema.signatures
        self._hub = hub
        self._peers = peers
        self._username = username
        self._peek_only = peek_only
        self._kept: OrderedDict[str, str] = OrderedDict()
        """Rows that stay in the project, by id, each with the sender's trust when the row was last examined."""
        self._resume: _Position | None = None
        self._largest_page = 0
        """Number of rows. A page of that size may have reached the project's limit, so that more rows follow."""
        self._read = 0
        """Bytes of responses in this poll."""

    async def poll(self) -> Fetched:
        """Fetch all rows page by page. Raises ``DirectoryError`` and ``StorageError``; a repeat loses nothing."""
        position, total, size = self._resume, Fetched(), PAGE
        self._read = 0
        for _ in range(MAX_PAGES):
            try:
                rows = await self._page(position, size)
            except DirectoryError as error:
                if error.kind is not FailureKind.TOO_LARGE or size == 1:
                    raise
                size = max(1, size // 4)
                continue
            for row in rows:
                fetched = await self._handle(row)
                total = Fetched(*(one + other for one, other in zip(total, fetched, strict=True)))
            self._largest_page = max(self._largest_page, len(rows))
            if not rows or len(rows) < min(size, self._largest_page):
                self._resume = None
                return total
            last = rows[-1]
            position = _Position(last.created_at, last.id)
            if not all(position):  # no further page can be asked for
                self._resume = None
                return total
            size = min(PAGE, size * 2)
            if self._read >= MAX_POLL_BYTES:
                break
        self._resume = position
        return total

    async def _page(self, position: _Position | None, size: int) -> list[QueuedRow | BadRow]:
        query = {
            "to_user": equals(self._username), "select": self._columns, "order": "created_at.asc,id.asc",
            "limit": str(size),
        }  # fmt: skip
        if position:
            query["or"] = after(*position)
        try:
            return await self._rows(query, size)
        except InvalidResponse as error:
            raise DirectoryError(FailureKind.RESPONSE, f"The queue cannot be read: {error}.") from None

    async def _rows(self, query: dict[str, str], size: int) -> list[QueuedRow | BadRow]:
        """Return the rows of a page. A single row that is larger than a response is returned as ``BadRow``."""
        try:
            body = await self._client.call("GET", "messages", query, most=MAX_BYTES)
            self._read += len(body)
            try:
                return read_queue(body)
            except TooManyValues as error:
                raise DirectoryError(FailureKind.TOO_LARGE, f"The queue cannot be read: {error}.") from None
        except DirectoryError as error:
            if error.kind is not FailureKind.TOO_LARGE or size > 1:
                raise
        # Anyone may have written the texts of the row, so they are not requested.
        heads = read_queue(await self._client.call("GET", "messages", {**query, "select": "id,created_at"}))
        return [BadRow(each.id, each.created_at, "it is too large") for each in heads]

    async def _handle(self, row: QueuedRow | BadRow) -> Fetched:
        if isinstance(row, BadRow):
            self._keep(row.id, "", f"a queued row was not read: {row.reason}")
            return Fetched(kept=1)
        trust = self._peers.trust(row.from_user)
        if self._kept.get(row.id) == trust:
            return Fetched(kept=1)
        result = await self._peers.accept(row)
        # If a session has begun meanwhile, the message is accepted when it has ended. It may have ended already.
        if self._peers.in_session or result.status is MessageStatus.LATER:
            return Fetched(kept=1)
        match result.status:
            case MessageStatus.UNKNOWN_SENDER:
                self._keep(row.id, trust, f"a message of {row.from_user}, who is not a friend, stays in the queue")
            case MessageStatus.REFUSED:
                self._keep(row.id, trust, f"a message of {row.from_user} stays in the queue: {result.note}")
            case _:
                new = int(result.status is MessageStatus.STORED)
                if self._peek_only:
                    self._remember(row.id, trust)
                    return Fetched(new=new, kept=1)
                return Fetched(new, *await self._delete(row, trust))
        return Fetched(kept=1)

    async def _delete(self, row: QueuedRow, trust: str) -> tuple[int, int]:
        """Delete a row whose message is committed. Return how many rows were kept and deleted."""
        query = {"id": equals(row.id), "select": "id"}
        try:
            body = await self._client.call("DELETE", "messages", query, prefer="return=representation")
        except DirectoryError as error:
            if error.kind is not FailureKind.ROW_SECURITY:
                raise
            self._keep(row.id, trust, f"a message of {row.from_user} stays in the queue: {str(error).rstrip('.')}")
            return 1, 0
        if body.strip() != b"[]":
            return 0, 1
        # Another program has deleted it, or row-level security forbids that: do not try again at every poll.
        self._remember(row.id, trust)
        return 1, 0

    def _keep(self, row_id: str, trust: str, note: str) -> None:
        """Remember a row that stays in the project, and log it once."""
        if row_id not in self._kept:
            self._hub.log_server_event("queue", note=f"{note}.", verdict=Verdict.WARNING, origin=SUPABASE)
        self._remember(row_id, trust)

    def _remember(self, row_id: str, trust: str) -> None:
        self._kept[row_id] = trust
        self._kept.move_to_end(row_id)
        while len(self._kept) > MAX_REMEMBERED:
            self._kept.popitem(last=False)
