"""Synchronize up to which message each chat with a peer was read, among the companions of one user.

The marks are in the table ``read_marks`` of the Supabase project, an extension of the companion. It is used only if
the user wants that and the table exists.
"""

from app import usernames
from app.protocol.directory.errors import DirectoryError, FailureKind
from app.protocol.directory.filters import equals, timestamp
from app.protocol.directory.rows import InvalidResponse, read_objects
from app.sources.supabase.client import DirectoryClient
from app.sources.supabase.contracts import Peers

MAX_ID_CHARS = 64


class ReadMarks:
    """The user's newest read message in each chat with a peer.

    ``noted`` are the chats in which the user may have read something. ``synchronize`` removes those whose marks it
    has sent. The marks of other companions whose message is not here are tried again with each synchronization.
    """

    def __init__(self, client: DirectoryClient, username: str, peers: Peers, noted: set[str]) -> None:
        self._client = client
        self._username = username
        self._peers = peers
        self._noted = noted
        self._known: dict[str, str] = {}

    async def synchronize(self) -> int:
        """Apply the marks of other companions, then send those of the noted chats.

        Return the number of applied marks. Raises ``DirectoryError`` and ``StorageError``.
        """
        query = {"username": equals(self._username), "select": "peer,msg_id", "order": "peer.asc"}
        try:
            rows = read_objects(await self._client.call("GET", "read_marks", query))
        except InvalidResponse as error:
            raise DirectoryError(FailureKind.RESPONSE, f"The read marks cannot be read: {error}.") from None
        applied, listed = 0, set()
        for each in rows:
            name, read = each.get("peer"), each.get("msg_id")
            if not isinstance(name, str) or not isinstance(read, str) or usernames.problem(name):
                continue
            if len(read) > MAX_ID_CHARS:
                continue
            listed.add(name)
            if self._known.get(name) != read:
                if await self._peers.apply_read_mark(name, read) is None:
                    continue  # for example the message is not here yet
                self._known[name] = read
                applied += 1
        self._known = {name: read for name, read in self._known.items() if name in listed}
        while self._noted and not self._peers.in_session:
            peer = self._noted.pop()  # before its mark is read: it may be noted again meanwhile
            sent = False
            try:
                sent = await self._send(peer)
            finally:
                if not sent:
                    self._noted.add(peer)
        return applied

    async def _send(self, peer: str) -> bool:
        """Send the mark of a chat, if there is one that is not known. Return False if a session has begun."""
        if not self._peers.trust(peer):  # chats with personas are not synchronized
            return True
        msg_id = await self._peers.newest_read(peer)
        if self._peers.in_session:  # perhaps it is a message of its copy of the chat state
            return False
        if msg_id is not None and len(msg_id) <= MAX_ID_CHARS and self._known.get(peer) != msg_id:
            read_at = timestamp(self._client.now())
            row = {"username": self._username, "peer": peer, "msg_id": msg_id, "read_at": read_at}
            prefer = "resolution=merge-duplicates,return=minimal"
            await self._client.call("POST", "read_marks", {}, row, prefer=prefer)
            self._known[peer] = msg_id
        return True
