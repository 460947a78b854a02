"""Data types, limits and checks of the simulated chat backend: persons, messages, conversations, names and times.
It stores nothing: ``chat.store`` does. Messages are dicts, exactly the ``data`` of a ``new_message`` event.

A ``Person`` is a friend of the UI's user, or a user that the UI can add as a friend. It is a *persona*, a chat user
that the companion simulates and the developer plays, or a peer, a friend with a companion of their own.
"""

import json
from datetime import datetime
from typing import Any, NamedTuple

from msgspec import Struct

from app import usernames
from app.protocol.errors import Malformed, TooLarge
from app.protocol.templates import iso
from app.protocol.times import seconds_of

MAX_TEXT = 10_000
"""The maximum number of characters in a message."""
MAX_REACTIONS = 50
"""The maximum number of reactions of a user to a message."""
ONLINE_FOR_S = 300.0
"""A friend goes offline if last seen longer ago than this."""
DEFAULT_LIMIT = 50
MAX_LIMIT = 1_000
"""Messages per page of ``GET /messages``."""
PEER_PORT = 9100
"""The port in the response of ``GET /status``; nothing listens on it."""
MAX_STATE_BYTES = 64 * 1024 * 1024
"""The maximum size of a chat state file that is loaded."""

MessageData = dict[str, Any]
"""A stored message: exactly the ``data`` of a ``new_message`` event."""


class Person(Struct, kw_only=True):
    """A persona or a peer: a friend, or a user that the UI can add as a friend.

    Times are in seconds since the epoch.
    """

    username: str
    public_key: str = ""
    signing_key: str = ""
    online: bool = False
    last_seen: float = 0.0
    last_ip: str = "127.0.0.1"
    added_at: float = 0.0
    is_friend: bool = False
    auto_reply: bool = False
    pinned: bool = False
    """Whether the person stays online regardless of ``last_seen``."""
    is_peer: bool = False
    """Whether it is a peer, a friend with a companion of their own, and not a persona."""

    def friend(self) -> dict[str, Any]:
        """Return the person as ``GET /friends`` lists it."""
        return {
            "username": self.username,
            "public_key": self.public_key,
            "signing_key": self.signing_key,
            "online": self.online,
            "last_seen": iso(self.last_seen),
            "last_ip": self.last_ip,
            "added_at": iso(self.added_at),
        }


class RestCaller(NamedTuple):
    """Identifies the sender of a REST request. Two windows of one browser with the same origin are equal."""

    origin: str
    user_agent: str


class Conversation(Struct, kw_only=True):
    """A friend with unread count and newest message, as the list of chats shows it."""

    person: Person
    unread: int = 0
    newest: MessageData | None = None


def state_text(state: Any, limit: int = MAX_STATE_BYTES) -> str:
    """Return a chat state, as JSON values, as the text of a file. Raises ``TooLarge`` if it could not be loaded."""
    text = json.dumps(state, indent=1, ensure_ascii=False) + "\n"
    if (size := len(text.encode())) > limit:
        raise TooLarge(
            f"The chat state has {size / 1024 / 1024:,.1f} MB as a file. It was not saved, because at most "
            f"{limit >> 20} MB can be loaded. Delete messages first."
        )
    return text


def valid_username(name: str) -> str:
    """Return a user name without surrounding spaces. Raises ``RequestError`` if it is invalid."""
    clean = name.strip()
    if wrong := usernames.problem(clean):
        raise Malformed(f"The name {wrong}.")
    return clean


def peer_of(message: MessageData) -> str:
    """Return the user in whose chat the UI shows a message (guide §2.1)."""
    return str(message["to"] if message["direction"] == "sent" else message["from"])


def parse_timestamp(timestamp: str) -> float:
    """Return an ISO 8601 time as seconds since the epoch, or 0 if it is invalid."""
    try:
        return seconds_of(datetime.fromisoformat(timestamp.upper()))
    except (ValueError, OverflowError):
        return 0.0


def is_valid_time(seconds: float) -> bool:
    """Return whether a time in seconds since the epoch can be formatted."""
    try:
        iso(seconds)
    except (ValueError, OverflowError):
        return False
    return True
