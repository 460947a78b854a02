"""The SQL of the chat state: query and change people, messages, whether these were read, or the whole state.
People are *personas* (simulated chat users) and *peers* (real friends with a companion of their own).
``storage.peers`` has the SQL of the data that only peers have, such as pinned keys, inbox and outbox.
A function with a connection is a job for ``Database.submit``, or a part of one.
"""

import contextlib
import json
import sqlite3
from collections.abc import Iterable
from typing import Any, NamedTuple

from app.protocol.backend import Conversation, MessageData, Person, parse_timestamp, peer_of

Connection = sqlite3.Connection


class DeletedMessage(NamedTuple):
    """A message that was deleted, with what is needed to restore it: its place and whether it was read.

    ``waiting``: it was in the outbox for a peer.
    """

    arrival: int
    read: bool
    data: MessageData
    waiting: bool


CLOCK_AHEAD_S = 300.0
"""A time that is more than this many seconds in the future was stored while the clock was ahead."""
PERSON_COLUMNS = (
    "username, public_key, signing_key, online, last_seen, last_ip, added_at, is_friend, auto_reply, pinned"
)
_IS_PEER = "EXISTS (SELECT 1 FROM peers WHERE peers.username = people.username)"
MESSAGE_COLUMNS = (
    "msg_id, sender, recipient, text, timestamp, direction, delivered, delivery_method, reactions, extra"
)
MESSAGE_FIELDS = (
    "msg_id", "from", "to", "text", "timestamp", "direction", "delivered", "delivery_method", "reactions",
)  # fmt: skip
"""The fields of a message that have a column. Others, which files add to ``new_message``, are in ``extra``."""


def _person(row: tuple[Any, ...]) -> Person:
    (
        username,
        public_key,
        signing_key,
        online,
        last_seen,
        last_ip,
        added_at,
        is_friend,
        auto_reply,
        pinned,
        is_peer,
    ) = row
    return Person(
        username=username, public_key=public_key, signing_key=signing_key, online=bool(online),
        last_seen=last_seen, last_ip=last_ip, added_at=added_at, is_friend=bool(is_friend),
        auto_reply=bool(auto_reply), pinned=bool(pinned), is_peer=bool(is_peer),
    )  # fmt: skip


def _message(row: tuple[Any, ...]) -> MessageData:
    msg_id, sender, recipient, text, timestamp, direction, delivered, method, reactions, extra = row
    data = {
        "msg_id": msg_id, "from": sender, "to": recipient, "text": text, "timestamp": timestamp,
        "direction": direction, "delivered": bool(delivered), "delivery_method": method,
    }  # fmt: skip
    with contextlib.suppress(ValueError):  # show the rest of a damaged row
        if reactions is not None:
            data["reactions"] = json.loads(reactions)
        if extra is not None and isinstance(more := json.loads(extra), dict):
            data.update(more)
    return data


# people


def people(db: Connection) -> list[Person]:
    """Return all personas and peers, sorted by name."""
    return [
        _person(row) for row in db.execute(f"SELECT {PERSON_COLUMNS}, {_IS_PEER} FROM people ORDER BY username")
    ]


def person(db: Connection, username: str) -> Person | None:
    """Return a persona or a peer by name, or None."""
    row = db.execute(f"SELECT {PERSON_COLUMNS}, {_IS_PEER} FROM people WHERE username = ?", (username,)).fetchone()
    return _person(row) if row else None


def save_person(db: Connection, each: Person) -> None:
    """Insert or update the row of a persona or a peer."""
    db.execute(
        f"INSERT OR REPLACE INTO people ({PERSON_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?)",
        (
            each.username, each.public_key, each.signing_key, each.online, each.last_seen, each.last_ip,
            each.added_at, each.is_friend, each.auto_reply, each.pinned,
        ),
    )  # fmt: skip


def remove_person(db: Connection, username: str) -> bool:
    """Delete a persona or a peer from the people, but not the messages. Return False if there is none."""
    return db.execute("DELETE FROM people WHERE username = ?", (username,)).rowcount > 0


def rename_person(db: Connection, old: str, new: str) -> None:
    """Rename a persona, including in its messages and reactions."""
    db.execute("UPDATE people SET username = ? WHERE username = ?", (new, old))
    db.execute("UPDATE messages SET peer = ? WHERE peer = ?", (new, old))
    db.execute("UPDATE messages SET sender = ? WHERE sender = ? AND direction = 'received'", (new, old))
    db.execute("UPDATE messages SET recipient = ? WHERE recipient = ? AND direction = 'sent'", (new, old))
    for (msg_id,) in db.execute("SELECT msg_id FROM messages WHERE reactions IS NOT NULL").fetchall():
        before: list[dict[str, str]] = (message(db, msg_id) or {}).get("reactions", [])
        after = [{**each, "from": new} if each.get("from") == old else each for each in before]
        if after != before:
            set_reactions(db, msg_id, after)


def set_presence(db: Connection, username: str, online: bool, at: float) -> bool:
    """Set presence and ``last_seen`` of a persona or a peer. Return False if there is none with this name."""
    changed = db.execute(
        "UPDATE people SET online = ?, last_seen = ? WHERE username = ?", (online, at, username)
    ).rowcount
    return changed > 0


def expire_presence(db: Connection, before: float) -> list[str]:
    """Switch personas and peers offline that were last seen before ``before`` and are not pinned.

    Return the names of the friends among them.
    """
    rows = db.execute(
        "UPDATE people SET online = 0 WHERE online = 1 AND pinned = 0 AND last_seen < ?"
        " RETURNING username, is_friend",
        (before,),
    ).fetchall()
    return sorted(username for username, is_friend in rows if is_friend)


def correct_last_seen(db: Connection, now: float) -> None:
    """Set ``last_seen`` of those who are online to ``now`` if the clock was ahead when it was set.

    They would stay online until then.
    """
    db.execute("UPDATE people SET last_seen = ? WHERE online = 1 AND last_seen > ?", (now, now + CLOCK_AHEAD_S))


def seen(db: Connection, username: str, at: float, now: float | None = None) -> None:
    """Set ``last_seen`` of a persona or a peer, if ``at`` is later, or if the clock was ahead when it was set.

    ``now`` is ``at`` by default.
    """
    latest = (at if now is None else now) + CLOCK_AHEAD_S
    db.execute(
        "UPDATE people SET last_seen = ? WHERE username = ? AND last_seen NOT BETWEEN ? AND ?",
        (at, username, at, latest),
    )


# messages


def add_message(db: Connection, data: MessageData, *, read: bool = False) -> bool:
    """Store a message. Return False, without a change, if its id is already stored."""
    reactions = json.dumps(data["reactions"], ensure_ascii=False) if "reactions" in data else None
    more = extra_fields(data)
    return (
        db.execute(
            f"INSERT OR IGNORE INTO messages (peer, at, is_read, {MESSAGE_COLUMNS})"
            " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                peer_of(data), parse_timestamp(data["timestamp"]), read or data["direction"] == "sent",
                data["msg_id"], data["from"], data["to"], data["text"], data["timestamp"], data["direction"],
                data["delivered"], data["delivery_method"], reactions,
                json.dumps(more, ensure_ascii=False) if more else None,
            ),
        ).rowcount > 0
    )  # fmt: skip


def extra_fields(data: MessageData) -> dict[str, Any]:
    """Return the fields that files have added to ``new_message``."""
    return {name: value for name, value in data.items() if name not in MESSAGE_FIELDS}


def message(db: Connection, msg_id: str) -> MessageData | None:
    """Return a message by id, or None."""
    row = db.execute(f"SELECT {MESSAGE_COLUMNS} FROM messages WHERE msg_id = ?", (msg_id,)).fetchone()
    return _message(row) if row else None


def page(db: Connection, peer: str, limit: int, offset: int) -> tuple[list[MessageData], int]:
    """Return a page of a chat, oldest message first, and the total number of messages.

    ``offset`` is the number of newest messages to skip.
    """
    (total,) = db.execute("SELECT count(*) FROM messages WHERE peer = ?", (peer,)).fetchone()
    rows = db.execute(
        f"SELECT {MESSAGE_COLUMNS} FROM messages WHERE peer = ? ORDER BY at DESC, arrival DESC LIMIT ? OFFSET ?",
        (peer, limit, offset),
    ).fetchall()
    return [_message(row) for row in reversed(rows)], total


def newest_sent(db: Connection, peer: str) -> MessageData | None:
    """Return the local user's newest message to ``peer``, or None."""
    row = db.execute(
        f"SELECT {MESSAGE_COLUMNS} FROM messages WHERE peer = ? AND direction = 'sent'"
        " ORDER BY at DESC, arrival DESC LIMIT 1",
        (peer,),
    ).fetchone()
    return _message(row) if row else None


def delete_message(db: Connection, msg_id: str) -> DeletedMessage | None:
    """Delete a message, also from the outbox for a peer. Return it, or None if there is no such message.

    If it stayed in the outbox, another message that is stored with its id would be sent.
    """
    rows = db.execute(
        f"DELETE FROM messages WHERE msg_id = ? RETURNING arrival, is_read, {MESSAGE_COLUMNS}", (msg_id,)
    ).fetchall()
    if not rows:
        return None
    waiting = db.execute("DELETE FROM peer_outbox WHERE id = ?", (msg_id,)).rowcount > 0
    return DeletedMessage(rows[0][0], bool(rows[0][1]), _message(rows[0][2:]), waiting)


def restore_message(db: Connection, deleted: DeletedMessage) -> bool:
    """Store a deleted message again, at its former place. Return False, without a change, if its id is stored."""
    if not add_message(db, deleted.data, read=deleted.read):
        return False
    db.execute("UPDATE messages SET arrival = ? WHERE msg_id = ?", (deleted.arrival, deleted.data["msg_id"]))
    return True


def set_text(db: Connection, msg_id: str, text: str) -> bool:
    """Replace the text of a message. Return False if there is no such message."""
    return db.execute("UPDATE messages SET text = ? WHERE msg_id = ?", (text, msg_id)).rowcount > 0


def set_delivered(db: Connection, msg_id: str, method: str) -> MessageData | None:
    """Mark a waiting message as delivered. Return it, or None if there is no such message."""
    db.execute(
        "UPDATE messages SET delivered = 1, delivery_method = ? WHERE msg_id = ? AND delivered = 0",
        (method, msg_id),
    )
    return message(db, msg_id)


def set_reactions(db: Connection, msg_id: str, reactions: list[dict[str, str]]) -> MessageData | None:
    """Replace the reactions of a message. Return it, or None if there is no such message."""
    text = json.dumps(reactions, ensure_ascii=False) if reactions else None
    db.execute("UPDATE messages SET reactions = ? WHERE msg_id = ?", (text, msg_id))
    return message(db, msg_id)


def deliver_waiting(db: Connection, peer: str) -> list[MessageData]:
    """Mark the messages that wait for ``peer`` as delivered offline, and return them, oldest first."""
    rows = db.execute(
        f"SELECT {MESSAGE_COLUMNS} FROM messages WHERE peer = ? AND direction = 'sent' AND delivered = 0"
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
    """Mark the messages from ``peer`` up to ``msg_id`` as read, ordered by time, then arrival.

    ``msg_id`` may be a message to ``peer``, which is the newest one in many chats. Return how many messages were
    unread, or None if the chat with ``peer`` has no such message.
    """
    row = db.execute("SELECT at, arrival FROM messages WHERE msg_id = ? AND peer = ?", (msg_id, peer)).fetchone()
    if row is None:
        return None
    return db.execute(
        "UPDATE messages SET is_read = 1 WHERE peer = ? AND direction = 'received' AND is_read = 0"
        " AND (at, arrival) <= (?, ?)",
        (peer, *row),
    ).rowcount


def newest_read(db: Connection, peer: str) -> str | None:
    """Return the id of the newest message from ``peer`` that is read, or None."""
    row = db.execute(
        "SELECT msg_id FROM messages WHERE peer = ? AND direction = 'received' AND is_read = 1"
        " ORDER BY at DESC, arrival DESC LIMIT 1",
        (peer,),
    ).fetchone()
    return row[0] if row else None


def conversations(db: Connection) -> list[Conversation]:
    """Return every friend with unread count and newest message, sorted by the newest message."""
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
    """Return the whole chat state as JSON values, without the peers, which belong to this data folder."""
    rows = db.execute(f"SELECT is_read, {MESSAGE_COLUMNS} FROM messages ORDER BY arrival").fetchall()
    return {
        "version": 1,
        "people": [
            {name: getattr(each, name) for name in each.__struct_fields__ if name != "is_peer"}
            for each in people(db)
            if not each.is_peer
        ],
        "messages": [_dumped(_message(row[1:]), bool(row[0])) for row in rows],
    }


def _dumped(data: MessageData, read: bool) -> dict[str, Any]:
    """Return a message of a snapshot. Fields of files are in ``extra``, because one may be named ``read``."""
    more = extra_fields(data)
    fields = {name: value for name, value in data.items() if name not in more}
    return {**fields, "read": read, **({"extra": more} if more else {})}


def is_unused(db: Connection) -> bool:
    """Return whether the state was never used: there are no personas, and no message was ever stored."""
    (people_now,) = db.execute("SELECT count(*) FROM people").fetchone()
    (messages_ever,) = db.execute("SELECT count(*) FROM sqlite_sequence WHERE name = 'messages'").fetchone()
    return not people_now and not messages_ever


def load(db: Connection, cast: Iterable[Person], messages: Iterable[tuple[MessageData, bool]]) -> None:
    """Replace the whole chat state. ``messages`` are pairs of a message and whether it was read.

    Peers are kept, and replace personas with the same name. Messages that wait to be sent to peers are deleted.
    """
    db.execute("DELETE FROM people WHERE username NOT IN (SELECT username FROM peers)")
    db.execute("DELETE FROM messages")
    db.execute("DELETE FROM peer_outbox")
    peers = {name for (name,) in db.execute("SELECT username FROM peers")}
    for each in cast:
        if each.username not in peers:
            save_person(db, each)
    for data, read in messages:
        add_message(db, data, read=read)
