"""A hub with the chat's handlers, spoken to as by clients."""

import json
from typing import Any

from app.chat.read_marks import InMemoryReadMarks, mark_read
from app.chat.typing import forward_typing
from app.hub.clients import Client
from app.hub.journal import Kind, Row
from app.hub.router import Router
from app.protocol.catalog import built_in
from tests.hub.doubles import Stage


class ChatStage(Stage):
    def __init__(self) -> None:
        super().__init__()
        self.marks = InMemoryReadMarks()
        self.router = Router(self.hub, built_in())
        self.router.on("typing", forward_typing(self.hub))
        self.router.on("mark_read", mark_read(self.marks))

    def says(self, client: Client, event: str, **data: Any) -> Row:
        """Let ``client`` send an event; return that frame's row."""
        self.router.receive(client, json.dumps({"event": event, "data": data}))
        return [row for row in self.journal if row.kind is Kind.FROM_UI][-1]
