"""Messages and chat states for tests."""

import json
import uuid
from pathlib import Path
from typing import Any

from app.companion import Companion
from app.protocol.backend import MessageData
from app.protocol.templates import iso

LONG_AGO = 1_700_000_000.0


def message(text: str = "Hi", *, peer: str = "alice", sent: bool = False, **changes: Any) -> MessageData:
    return {
        "msg_id": str(uuid.uuid4()),
        "from": "me" if sent else peer,
        "to": peer if sent else "me",
        "text": text,
        "timestamp": iso(LONG_AGO),
        "direction": "sent" if sent else "received",
        "delivered": True,
        "delivery_method": "direct",
        **changes,
    }


def many_messages(number: int, peer: str = "alice") -> list[MessageData]:
    """Return messages one minute apart, oldest first. Every third one is from the local user."""
    return [
        message(f"Message {each}", peer=peer, sent=each % 3 == 0, timestamp=iso(LONG_AGO + 60 * each))
        for each in range(number)
    ]


async def load(companion: Companion, folder: Path, messages: list[MessageData]) -> None:
    """Replace all messages of the chat state with these. The cast is kept."""
    state = await companion.chat.store.snapshot()
    state["messages"] = [{**each, "read": True} for each in messages]
    file = folder / "state.json"
    file.write_text(json.dumps(state), encoding="utf-8")
    await companion.chat.load(file)


async def stored_messages(companion: Companion, peer: str) -> list[MessageData]:
    """Return the stored messages of a chat, as REST lists them."""
    return (await companion.chat.store.page(peer, 1000, 0))[0]
