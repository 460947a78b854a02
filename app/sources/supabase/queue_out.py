"""Put encrypted messages for peers that cannot be reached directly into the table ``messages`` of the Supabase
project.

The id of a row is the id of its message. A call whose answer was lost can therefore be repeated: the project
rejects the second row as a duplicate, which counts as success.
"""

import base64
from typing import Any

from app.protocol.directory.errors import DirectoryError, FailureKind
from app.sources.peers.parts import QueuedMessage
from app.sources.supabase.client import DirectoryClient
from app.sources.supabase.schema_probe import Schema


class QueueOut:
    """Writes rows to the table ``messages``."""

    def __init__(self, client: DirectoryClient, schema: Schema) -> None:
        self._client = client
        self._schema = schema

    async def put(self, message: QueuedMessage) -> None:
        """Put a message into the queue. Raises ``DirectoryError``."""
        row: dict[str, Any] = {
            "id": message.msg_id, "to_user": message.recipient, "from_user": message.sender,
        }  # fmt: skip
        if self._schema.signatures:
            row |= {"ciphertext": message.ciphertext, "signature": message.signature}
        else:
            row["ciphertext"] = base64.b64encode(message.envelope).decode()
        try:
            await self._client.call("POST", "messages", {}, row, prefer="return=minimal")
        except DirectoryError as error:
            if error.kind is not FailureKind.DUPLICATE:
                raise
