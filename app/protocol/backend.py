"""The chat backend's vocabulary: friends, messages, what may be asked for, and how refusals are worded."""

from datetime import datetime
from typing import Any, NamedTuple

from msgspec import Struct

from app import usernames
from app.protocol.errors import Malformed
from app.protocol.templates import iso
from app.protocol.times import seconds_of

MAX_TEXT = 10_000
"""Characters of a message's text."""
ONLINE_FOR_S = 300.0
"""A friend is online while last seen within this time, unless it went offline before."""
DEFAULT_LIMIT = 50
MAX_LIMIT = 1_000
PEER_PORT = 9100
MAX_STATE_BYTES = 64 * 1024 * 1024
"""Of a file that is loaded."""

MessageData = dict[str, Any]
"""A stored message: the ``data`` of ``new_message``, exactly."""


class Person(Struct, kw_only=True):
    """Somebody of the cast; a friend or not yet. Times in seconds since the epoch."""

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
    """Stays online, whatever its last_seen says."""

    def friend(self) -> dict[str, Any]:
        """Return what ``GET /friends`` lists."""
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
    """A UI window, as far as HTTP tells: two windows of one browser on one origin look the same."""

    origin: str
    user_agent: str


class Conversation(Struct, kw_only=True):
    """A friend as the list of chats shows it."""

    person: Person
    unread: int = 0
    newest: MessageData | None = None


def valid_username(name: str) -> str:
    """Return a user name fit for the cast. Raises ``RequestError``."""
    clean = name.strip()
    if wrong := usernames.problem(clean):
        raise Malformed(f"The name {wrong}.")
    return clean


def peer_of(message: MessageData) -> str:
    """Return in whose chat the UI files a message (guide §2.1)."""
    return str(message["to"] if message["direction"] == "sent" else message["from"])


def parse_timestamp(timestamp: str) -> float:
    """Return an ISO 8601 time as seconds since the epoch; 0 for one that is none."""
    try:
        return seconds_of(datetime.fromisoformat(timestamp.upper()))
    except (ValueError, OverflowError):
        return 0.0


def is_valid_time(seconds: float) -> bool:
    """Return whether seconds since the epoch can be written as a time."""
    try:
        iso(seconds)
    except (ValueError, OverflowError):
        return False
    return True
