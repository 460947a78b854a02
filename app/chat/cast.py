"""Return the personas (simulated chat users) and chat messages of the first start, with times relative to now.
``ChatStore`` stores them when the chat state is new or is reset. ``person`` makes a persona, also one that the user
adds later.
"""

import base64
import uuid
from collections.abc import Iterator

from app.protocol.backend import MessageData, Person
from app.protocol.templates import iso

MINUTE = 60.0
HOUR = 60 * MINUTE
DAY = 24 * HOUR

FRIENDS = {"alice": 0.0, "bob": 3 * HOUR, "carol": 0.0, "dave": 2 * DAY}
"""The friends, and how many seconds ago each was last seen."""
STRANGERS = ("erin", "frank")
"""Personas that are not friends yet, for testing *Add friend*."""

# Per friend: (sender, text, age in seconds). An empty sender is the local user.
HISTORY: dict[str, tuple[tuple[str, str, float], ...]] = {
    "alice": (
        ("alice", "Morning! Did the new build start for you?", 26 * HOUR),
        ("", "It did. The dark theme looks great.", 25.9 * HOUR),
        ("alice", "🎉 Told you. I still see a flicker when the sidebar opens, though", 25.8 * HOUR),
        ("", "I'll look at it tomorrow", 25.7 * HOUR),
        ("alice", "No hurry. Lunch on Friday?", 12 * MINUTE),
        ("alice", "The usual place", 11 * MINUTE),
    ),
    "bob": (
        ("", "Can you send me the protocol notes?", 2 * DAY),
        ("bob", "Sure, they are in the shared folder now.\nThe part on reconnecting is still a draft.", 1.9 * DAY),
        ("", "Got them, thanks 👍", 1.8 * DAY),
    ),
    "carol": (
        ("carol", "I moved the stand-up to 10:15", 5 * HOUR),
        ("", "Fine with me", 4.9 * HOUR),
        ("carol", "And please bring the numbers", 4.8 * HOUR),
    ),
    "dave": (
        ("dave", "Back from holiday on Monday. Anything on fire?", 3 * DAY),
        ("", "Nothing you could not put out", 2.9 * DAY),
    ),
}
UNREAD = {"alice": 2, "carol": 1}
"""Number of unread messages per friend; these are the newest ones."""


def person(username: str, now: float, *, is_friend: bool, seen_ago: float = 0.0) -> Person:
    """Return a persona. Its keys are derived from the name, so they are always the same."""
    return Person(
        username=username,
        public_key=_key(username, "public"),
        signing_key=_key(username, "signing"),
        online=is_friend and seen_ago < 5 * MINUTE,
        last_seen=now - seen_ago,
        added_at=now - 30 * DAY,
        is_friend=is_friend,
    )


def cast(now: float) -> list[Person]:
    """Return all personas of the first start. ``now`` is in seconds since the epoch."""
    friends = [person(name, now, is_friend=True, seen_ago=ago) for name, ago in FRIENDS.items()]
    return friends + [person(name, now, is_friend=False, seen_ago=DAY) for name in STRANGERS]


def history(local_user: str, now: float) -> Iterator[tuple[MessageData, bool]]:
    """Return the messages of the first start, each with whether the local user has read it."""
    for friend, lines in HISTORY.items():
        for number, (sender, text, ago) in enumerate(lines):
            unread = number >= len(lines) - UNREAD.get(friend, 0)
            yield (
                {
                    "msg_id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"p2pchat:{friend}:{number}")),
                    "from": sender or local_user,
                    "to": local_user if sender else friend,
                    "text": text,
                    "timestamp": iso(now - ago),
                    "direction": "received" if sender else "sent",
                    "delivered": True,
                    "delivery_method": "direct",
                },
                not unread,
            )


def _key(username: str, purpose: str) -> str:
    import hashlib  # loads OpenSSL: only for a new chat state

    return base64.b64encode(hashlib.sha256(f"{purpose}:{username}".encode()).digest()).decode()
