"""Find out which schema the tables of the Supabase project have, with calls that return no rows.

The older schema has no signing keys and no signatures; the table ``read_marks`` is an extension of the companion.
"""

from typing import NamedTuple

from app.protocol.directory.errors import DirectoryError, FailureKind
from app.sources.supabase.client import DirectoryClient


class Schema(NamedTuple):
    """Which optional parts of the schema exist."""

    signing_keys: bool
    """The column ``users.signing_key``. Without it, no signature can be verified."""
    signatures: bool
    """The column ``messages.signature``: a queued message is a sealed text. If not, it is a whole envelope."""
    read_marks: bool
    """The table ``read_marks`` with its columns. It is looked for only if it is wanted."""

    @property
    def text(self) -> str:
        """The schema in a few words."""
        if self.signing_keys and self.signatures:
            return "newer schema"
        return "older schema, without signatures" if not (self.signing_keys or self.signatures) else "mixed schema"


async def probe(client: DirectoryClient, *, read_marks: bool) -> Schema:
    """Return the schema. Raises ``DirectoryError``, for example if a table is missing."""
    signatures = await _has_columns(client, "messages", "created_at,signature")
    if not signatures:
        await client.call("GET", "messages", {"select": "created_at", "limit": "0"})  # the queue needs it
    return Schema(
        await _has_columns(client, "users", "signing_key"),
        signatures,
        read_marks and await _has_table(client, "read_marks", "username,peer,msg_id,read_at"),
    )


async def _has_columns(client: DirectoryClient, table: str, columns: str) -> bool:
    try:
        await client.call("GET", table, {"select": columns, "limit": "0"})
    except DirectoryError as error:
        if error.kind is FailureKind.MISSING_COLUMN:
            return False
        raise
    return True


async def _has_table(client: DirectoryClient, table: str, columns: str) -> bool:
    try:
        return await _has_columns(client, table, columns)
    except DirectoryError as error:
        if error.kind is FailureKind.MISSING_TABLE:
            return False
        raise
