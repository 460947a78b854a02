"""A hub with the handlers of the chat and a chat state in memory, and clients that send events."""

import json
from typing import Any

from app.chat.read_marks import mark_read
from app.chat.service import ChatService
from app.chat.store import ChatStore
from app.chat.typing_frames import forward_typing
from app.hub.clients import Client
from app.hub.generated_values import GeneratedValues
from app.hub.journal import Kind, Row
from app.hub.router import Router
from app.protocol.catalog import built_in
from app.storage.database import Database
from tests.hub.doubles import Stage


class ChatStage(Stage):
    def __init__(self) -> None:
        super().__init__()
        self.database = Database(None)
        self.values = GeneratedValues(self.time.clock)
        backend = ChatStore(self.database, built_in(), self.values, lambda: self.hub.local_user)
        self.service = ChatService(backend, self.hub)
        self.router = Router(self.hub, built_in())
        self.router.on("typing", forward_typing(self.hub, backend.note_activity, self.service.ui_typing.note))
        self.router.on("mark_read", mark_read(self.service))

    async def send_event(self, client: Client, event: str, **data: Any) -> Row:
        """Send an event as ``client`` does, and return the journal row of the frame."""
        pending = self.router.receive(client, json.dumps({"event": event, "data": data}))
        if pending:
            await pending
        return [row for row in self.journal if row.kind is Kind.FROM_UI][-1]
