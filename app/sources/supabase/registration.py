"""Register the user in the directory, keep that registration alive or end it, and look up other users.
The directory is the table ``users`` of the Supabase project.
"""

from collections.abc import Sequence
from typing import Any

from app.protocol.directory.errors import DirectoryError, FailureKind
from app.protocol.directory.filters import equals, is_one_of, timestamp
from app.protocol.directory.rows import DirectoryUser, InvalidResponse, TooManyValues, read_objects, read_users
from app.protocol.summary import one_line
from app.sources.supabase.client import DirectoryClient
from app.sources.supabase.contracts import Identity
from app.sources.supabase.schema_probe import Schema

LOCAL_NAME = "me"
"""The default name of the local user. It cannot be registered, because every companion starts with it."""
NAMES_PER_CALL = 50
"""More names would make an address that some proxies reject."""
OTHER_NAME = "This node is registered under another name. Use that name, or delete that registration first."


def name_taken(found: DirectoryUser) -> str:
    """Return the sentence about a name that another node has registered."""
    return (
        f"The name {found.username} is registered by another node ({one_line(found.node_id[:8])}…). "
        "Choose another user name, or import the keys with which it was registered."
    )


class Registration:
    """The user's row in the table ``users``. Methods raise ``DirectoryError``."""

    def __init__(self, client: DirectoryClient, schema: Schema) -> None:
        self._client = client
        self._columns = "username,node_id,public_key,last_ip,last_seen" + ",signing_key" * schema.signing_keys
        self._has_signing_keys = schema.signing_keys

    async def register(self, username: str, identity: Identity, last_ip: str, personas: Sequence[str]) -> None:
        """Create or renew the row. The name must not be ``me``, a persona's, or that of another node."""
        if username == LOCAL_NAME:
            raise DirectoryError(
                FailureKind.NAME_REFUSED,
                f"The user name {LOCAL_NAME} cannot be registered, because it is the default of every companion. "
                "Choose your own in Settings (username).",
            )
        if username in personas:
            raise DirectoryError(
                FailureKind.NAME_REFUSED,
                f"The name {username} cannot be registered, because it is a persona in Chats. Rename the persona.",
            )
        found = await self.look_up(username)
        if found and found.node_id != identity.node_id:
            raise DirectoryError(FailureKind.NAME_TAKEN, name_taken(found))
        row: dict[str, Any] = {
            "username": username, "node_id": identity.node_id, "public_key": identity.public_key,
            "last_ip": last_ip, "last_seen": timestamp(self._client.now()),
        }  # fmt: skip
        if self._has_signing_keys:
            row["signing_key"] = identity.signing_key
        try:
            await self._client.call("POST", "users", {}, row, prefer="resolution=merge-duplicates,return=minimal")
        except DirectoryError as error:
            if error.kind is not FailureKind.DUPLICATE:
                raise
            raise DirectoryError(FailureKind.NAME_TAKEN, OTHER_NAME) from None  # node_id is unique

    async def heartbeat(self, username: str, node_id: str, last_ip: str) -> bool:
        """Renew ``last_seen``. Return False if no row of this node was changed.

        The row was deleted or may not be changed, or another node has registered the name meanwhile.
        """
        changes = {"last_ip": last_ip, "last_seen": timestamp(self._client.now())}
        query = {"username": equals(username), "node_id": equals(node_id), "select": "username"}
        body = await self._client.call("PATCH", "users", query, changes, prefer="return=representation")
        return bool(_objects(body))

    async def look_up(self, username: str) -> DirectoryUser | None:
        """Return the row of a user, or None."""
        query = {"username": equals(username), "select": self._columns, "limit": "1"}
        users = _users(await self._client.call("GET", "users", query))
        return next((each for each in users if each.username == username), None)

    async def has_row(self, node_id: str) -> bool:
        """Return whether this node is registered, under any name."""
        query = {"node_id": equals(node_id), "select": "username", "limit": "1"}
        return bool(_objects(await self._client.call("GET", "users", query)))

    async def look_up_all(self, usernames: Sequence[str]) -> list[DirectoryUser]:
        """Return the rows of several users, those that exist."""
        found: list[DirectoryUser] = []
        for start in range(0, len(usernames), NAMES_PER_CALL):
            found += await self._look_up_some(usernames[start : start + NAMES_PER_CALL])
        return found

    async def _look_up_some(self, names: Sequence[str]) -> list[DirectoryUser]:
        """Return the rows of a few users, without a row that is larger than a response: its user wrote it."""
        query = {"username": is_one_of(names), "select": self._columns}
        try:
            users = _users(await self._client.call("GET", "users", query))
        except DirectoryError as error:
            if error.kind is not FailureKind.TOO_LARGE:
                raise
            if len(names) == 1:
                return []
            half = len(names) // 2
            return await self._look_up_some(names[:half]) + await self._look_up_some(names[half:])
        return [each for each in users if each.username in names]

    async def unregister(self, node_id: str) -> str:
        """Delete the row of this node, under any name. Return the name, empty if there was no row."""
        query = {"node_id": equals(node_id), "select": "username"}
        deleted = _objects(await self._client.call("DELETE", "users", query, prefer="return=representation"))
        if deleted:
            return one_line(str(deleted[0].get("username")))
        if await self.has_row(node_id):  # row-level security is no error there
            raise DirectoryError(
                FailureKind.ROW_SECURITY,
                "Row-level security does not let this program delete its row of the table users. "
                "Add a policy that allows DELETE for the role anon.",
            )
        return ""


def _users(body: bytes) -> list[DirectoryUser]:
    try:
        return read_users(body)
    except TooManyValues as error:
        raise DirectoryError(
            FailureKind.TOO_LARGE, f"The project's response cannot be used: {error}. Check the address."
        ) from None
    except InvalidResponse as error:
        raise DirectoryError(
            FailureKind.RESPONSE, f"The project's response cannot be used: {error}. Check the address."
        ) from None


def _objects(body: bytes) -> list[dict[str, Any]]:
    try:
        return read_objects(body)
    except InvalidResponse as error:
        raise DirectoryError(
            FailureKind.RESPONSE, f"The project's response cannot be used: {error}. Check the address."
        ) from None
