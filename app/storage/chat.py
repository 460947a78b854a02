"""The chat state in SQL. Every function is a job for ``Database.submit``: a connection in, values out."""

import contextlib
import json
import sqlite3
from collections.abc import Iterable
from typing import Any

from app.protocol.backend import Conversation, MessageData, Person, parse_timestamp, peer_of

Connection = sqlite3.Connection

PERSON = "username, public_key, signing_key, online, last_seen, last_ip, added_at, is_friend, auto_reply, pinned"
MESSAGE = "msg_id, sender, recipient, text, timestamp, direction, delivered, delivery_method, reactions"


def _person(row: tuple[Any, ...]) -> Person:
    username, public_key, signing_key, online, last_seen, last_ip, added_at, is_friend, auto_reply, pinned = row
    return Person(
        username=username, public_key=public_key, signing_key=signing_key, online=bool(online),
        last_seen=last_seen, last_ip=last_ip, added_at=added_at, is_friend=bool(is_friend),
        auto_reply=bool(auto_reply), pinned=bool(pinned),
    )  # fmt: skip


def _message(row: tuple[Any, ...]) -> MessageData:
    msg_id, sender, recipient, text, timestamp, direction, delivered, method, reactions = row
    data = {
        "msg_id": msg_id, "from": sender, "to": recipient, "text": text, "timestamp": timestamp,
        "direction": direction, "delivered": bool(delivered), "delivery_method": method,
    }  # fmt: skip
    with contextlib.suppress(ValueError):  # of a damaged row the rest is still worth showing
        if reactions is not None:
            data["reactions"] = json.loads(reactions)
    return data


# people


def people(db: Connection) -> list[Person]:
    """Return the whole cast, by name."""
    return [_person(row) for row in db.execute(f"SELECT {PERSON} FROM people ORDER BY username")]


def person(db: Connection, username: str) -> Person | None:
    """Return one of the cast."""
    row = db.execute(f"SELECT {PERSON} FROM people WHERE username = ?", (username,)).fetchone()
    return _person(row) if row else None


def save_person(db: Connection, each: Person) -> None:
    """Add somebody to the cast, or change them."""
    db.execute(
        f"INSERT OR REPLACE INTO people ({PERSON}) VALUES (?,?,?,?,?,?,?,?,?,?)",
        (
            each.username, each.public_key, each.signing_key, each.online, each.last_seen, each.last_ip,
            each.added_at, each.is_friend, each.auto_reply, each.pinned,
        ),
    )  # fmt: skip


def remove_person(db: Connection, username: str) -> bool:
    """Take somebody off the cast; their messages stay."""
    return db.execute("DELETE FROM people WHERE username = ?", (username,)).rowcount > 0


def rename_person(db: Connection, old: str, new: str) -> None:
    """Give somebody another name, in their messages too."""
    db.execute("UPDATE people SET username = ? WHERE username = ?", (new, old))
    db.execute("UPDATE messages SET peer = ? WHERE peer = ?", (new, old))
    db.execute("UPDATE messages SET sender = ? WHERE sender = ? AND direction = 'received'", (new, old))
    db.execute("UPDATE messages SET recipient = ? WHERE recipient = ? AND direction = 'sent'", (new, old))


def set_presence(db: Connection, username: str, online: bool, at: float) -> bool:
    """Note that somebody came or went; False for a name outside the cast."""
    changed = db.execute(
        "UPDATE people SET online = ?, last_seen = ? WHERE username = ?", (online, at, username)
    ).rowcount
    return changed > 0


def expire_presence(db: Connection, before: float) -> list[str]:
    """Let those go offline who were last seen ``before`` then and are not pinned; return the friends' names."""
    rows = db.execute(
        "UPDATE people SET online = 0 WHERE online = 1 AND pinned = 0 AND last_seen < ?"
        " RETURNING username, is_friend",
        (before,),
    ).fetchall()
    return sorted(username for username, is_friend in rows if is_friend)


def seen(db: Connection, username: str, at: float) -> None:
    """Renew when somebody was last seen."""
    db.execute("UPDATE people SET last_seen = max(last_seen, ?) WHERE username = ?", (at, username))


# messages


def add_message(db: Connection, data: MessageData, *, read: bool = False) -> bool:
    """Store a message; False when its id is known already (nothing changes then)."""
    reactions = json.dumps(data["reactions"], ensure_ascii=False) if "reactions" in data else None
    return (
        db.execute(
            f"INSERT OR IGNORE INTO messages (peer, at, is_read, {MESSAGE}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                peer_of(data), parse_timestamp(data["timestamp"]), read or data["direction"] == "sent",
                data["msg_id"], data["from"], data["to"], data["text"], data["timestamp"], data["direction"],
                data["delivered"], data["delivery_method"], reactions,
            ),
        ).rowcount > 0
    )  # fmt: skip


def message(db: Connection, msg_id: str) -> MessageData | None:
    """Return one message."""
    row = db.execute(f"SELECT {MESSAGE} FROM messages WHERE msg_id = ?", (msg_id,)).fetchone()
    return _message(row) if row else None


def page(db: Connection, peer: str, limit: int, offset: int) -> tuple[list[MessageData], int]:
    """Return a page of a chat, oldest first, and the chat's total; ``offset`` counts from the newest."""
    (total,) = db.execute("SELECT count(*) FROM messages WHERE peer = ?", (peer,)).fetchone()
    rows = db.execute(
        f"SELECT {MESSAGE} FROM messages WHERE peer = ? ORDER BY at DESC, arrival DESC LIMIT ? OFFSET ?",
        (peer, limit, offset),
    ).fetchall()
    return [_message(row) for row in reversed(rows)], total


def newest_sent(db: Connection, peer: str) -> MessageData | None:
    """Return the local user's newest message to ``peer``."""
    row = db.execute(
        f"SELECT {MESSAGE} FROM messages WHERE peer = ? AND direction = 'sent'"
        " ORDER BY at DESC, arrival DESC LIMIT 1",
        (peer,),
    ).fetchone()
    return _message(row) if row else None


def delete_message(db: Connection, msg_id: str) -> bool:
    """Forget a message; False when there was none."""
    return db.execute("DELETE FROM messages WHERE msg_id = ?", (msg_id,)).rowcount > 0


def set_delivered(db: Connection, msg_id: str, method: str) -> MessageData | None:
    """Note that a message that waited was delivered; return it, or None when there is none."""
    db.execute(
        "UPDATE messages SET delivered = 1, delivery_method = ? WHERE msg_id = ? AND delivered = 0",
        (method, msg_id),
    )
    return message(db, msg_id)


def set_reactions(db: Connection, msg_id: str, reactions: list[dict[str, str]]) -> MessageData | None:
    """Replace a message's reactions; return it, or None when there is none."""
    text = json.dumps(reactions, ensure_ascii=False) if reactions else None
    db.execute("UPDATE messages SET reactions = ? WHERE msg_id = ?", (text, msg_id))
    return message(db, msg_id)


def deliver_waiting(db: Connection, peer: str) -> list[MessageData]:
    """Mark what waited for ``peer`` as delivered through the queue, and return it, oldest first."""
    rows = db.execute(
        f"SELECT {MESSAGE} FROM messages WHERE peer = ? AND direction = 'sent' AND delivered = 0"
        " ORDER BY at, arrival",
        (peer,),
    ).fetchall()
    db.execute(
        "UPDATE messages SET delivered = 1, delivery_method = 'offline'"
        " WHERE peer = ? AND direction = 'sent' AND delivered = 0",
        (peer,),
    )
    return [{**_message(row), "delivered": True, "delivery_method": "offline"} for row in rows]


def mark_read(db: Connection, peer: str, msg_id: str) -> int | None:
    """Mark what came from ``peer`` up to ``msg_id`` as read (by time, then arrival).

    Return how many were unread, or None when ``peer`` sent no such message.
    """
    row = db.execute(
        "SELECT at, arrival FROM messages WHERE msg_id = ? AND peer = ? AND direction = 'received'", (msg_id, peer)
    ).fetchone()
    if row is None:
        return None
    return db.execute(
        "UPDATE messages SET is_read = 1 WHERE peer = ? AND direction = 'received' AND is_read = 0"
        " AND (at, arrival) <= (?, ?)",
        (peer, *row),
    ).rowcount


def conversations(db: Connection) -> list[Conversation]:
    """Return every friend with unread count and newest message, the liveliest chat first."""
    unread = dict(
        db.execute(
            "SELECT peer, count(*) FROM messages WHERE direction = 'received' AND is_read = 0 GROUP BY peer"
        ).fetchall()
    )
    found = []
    for each in people(db):
        if each.is_friend:
            newest = page(db, each.username, 1, 0)[0]
            found.append(
                Conversation(person=each, unread=unread.get(each.username, 0), newest=newest[0] if newest else None)
            )
    return sorted(found, key=_latest_activity, reverse=True)


def _latest_activity(chat: Conversation) -> float:
    return parse_timestamp(chat.newest["timestamp"]) if chat.newest else 0.0


# the whole state


def dump(db: Connection) -> dict[str, Any]:
    """Return the whole chat state as JSON values."""
    rows = db.execute(f"SELECT is_read, {MESSAGE} FROM messages ORDER BY arrival").fetchall()
    return {
        "version": 1,
        "people": [{name: getattr(each, name) for name in each.__struct_fields__} for each in people(db)],
        "messages": [{**_message(row[1:]), "read": bool(row[0])} for row in rows],
    }


def is_unused(db: Connection) -> bool:
    """Return whether nothing was ever stored: no people now, and no message ever."""
    (people_now,) = db.execute("SELECT count(*) FROM people").fetchone()
    (messages_ever,) = db.execute("SELECT count(*) FROM sqlite_sequence WHERE name = 'messages'").fetchone()
    return not people_now and not messages_ever


def load(db: Connection, cast: Iterable[Person], messages: Iterable[tuple[MessageData, bool]]) -> None:
    """Replace the whole chat state, in one transaction: all of it or nothing."""
    db.execute("DELETE FROM people")
    db.execute("DELETE FROM messages")
    for each in cast:
        save_person(db, each)
    for data, read in messages:
        add_message(db, data, read=read)
