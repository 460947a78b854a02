"""Synchronize up to which message each chat with a peer was read, among the companions of one user.

The marks are in the table ``read_marks`` of the Supabase project, an extension of the companion. It is used only if
the user wants that and the table exists.
"""

from collections.abc import Awaitable, Callable

from app import usernames
from app.protocol.directory.errors import DirectoryError, FailureKind
from app.protocol.directory.filters import equals, timestamp
from app.protocol.directory.rows import InvalidResponse, read_objects
from app.sources.supabase.client import DirectoryClient

MAX_PENDING = 1000
MAX_ID_CHARS = 64


class ReadMarks:
    """The user's newest read message in each chat with a peer.

    ``apply(peer, msg_id)`` marks the messages of a chat as read, up to that message. It returns None if it
    could not, for example if there is no such message; then it is called again with the next synchronization.
    """

    def __init__(
        self, client: DirectoryClient, username: str, apply: Callable[[str, str], Awaitable[int | None]]
    ) -> None:
        self._client = client
        self._username = username
        self._apply = apply
        self._pending: dict[str, str] = {}
        self._known: dict[str, str] = {}

    def note(self, peer: str, msg_id: str) -> None:
        """Record that the user has read the messages of a peer up to this one. ``synchronize`` sends it."""
        if self._known.get(peer) != msg_id and (peer in self._pending or len(self._pending) < MAX_PENDING):
            self._pending[peer] = msg_id

    async def synchronize(self) -> int:
        """Send the noted marks, then apply those of other companions. Return the number of applied ones.

        Raises ``DirectoryError`` and ``StorageError``.
        """
        while self._pending:
            peer, msg_id = next(iter(self._pending.items()))
            row = {
                "username": self._username, "peer": peer, "msg_id": msg_id,
                "read_at": timestamp(self._client.now()),
            }  # fmt: skip
            prefer = "resolution=merge-duplicates,return=minimal"
            await self._client.call("POST", "read_marks", {}, row, prefer=prefer)
            self._known[peer] = msg_id
            if self._pending.get(peer) == msg_id:
                del self._pending[peer]
        query = {"username": equals(self._username), "select": "peer,msg_id", "order": "peer.asc"}
        try:
            rows = read_objects(await self._client.call("GET", "read_marks", query))
        except InvalidResponse as error:
            raise DirectoryError(FailureKind.RESPONSE, f"The read marks cannot be read: {error}.") from None
        applied, listed = 0, set(self._pending)
        for each in rows:
            name, read = each.get("peer"), each.get("msg_id")
            if not isinstance(name, str) or not isinstance(read, str) or usernames.problem(name):
                continue
            if len(read) > MAX_ID_CHARS:
                continue
            listed.add(name)
            if name not in self._pending and self._known.get(name) != read:
                if await self._apply(name, read) is None:
                    continue  # for example the message is not here yet
                self._known[name] = read
                applied += 1
        self._known = {name: read for name, read in self._known.items() if name in listed}
        return applied
