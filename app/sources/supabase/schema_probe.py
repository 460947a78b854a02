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
    """The table ``read_marks``. It is looked for only if it is wanted."""

    @property
    def text(self) -> str:
        """The schema in a few words."""
        if self.signing_keys and self.signatures:
            return "newer schema"
        return "older schema, without signatures" if not (self.signing_keys or self.signatures) else "mixed schema"


async def probe(client: DirectoryClient, *, read_marks: bool) -> Schema:
    """Return the schema. Raises ``DirectoryError``, for example if a table is missing."""
    return Schema(
        await _has_column(client, "users", "signing_key"),
        await _has_column(client, "messages", "signature"),
        read_marks and await _has_table(client, "read_marks"),
    )


async def _has_column(client: DirectoryClient, table: str, column: str) -> bool:
    try:
        await client.call("GET", table, {"select": column, "limit": "0"})
    except DirectoryError as error:
        if error.kind is FailureKind.MISSING_COLUMN:
            return False
        raise
    return True


async def _has_table(client: DirectoryClient, table: str) -> bool:
    try:
        await client.call("GET", table, {"select": "username", "limit": "0"})
    except DirectoryError as error:
        if error.kind in (FailureKind.MISSING_TABLE, FailureKind.MISSING_COLUMN):
            return False
        raise
    return True
