"""The SQL of peers: pinned keys and addresses, what has arrived from them (inbox), and the items to send to them
(outbox). A function with a connection is a job for ``Database.submit``, or a part of one.

The table ``peer_queued`` has the ids of the messages that were put into the offline queue (Supabase), in that
order, except those that were encrypted for former keys of the peer. The inbox has ids and digests, to recognize
duplicates; the messages themselves are rows of the table ``messages``. The table ``peer_early_reactions`` has the
reactions of peers to their messages that have not arrived, because they are still in the offline queue.
A peer is also a row of the table ``people``, which has its presence and friendship.
"""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple
from uuid import UUID

from app.protocol.backend import MAX_REACTIONS, MessageData
from app.protocol.peers import base64_text
from app.protocol.peers.keys import PublicKeys
from app.protocol.peers.peer import Peer
from app.storage import chat as sql
from app.storage.chat import Connection

_COLUMNS = (
    "p.username, p.public_key, p.signing_key, p.address, p.node_id, p.verified, p.offered_public_key,"
    " p.offered_signing_key, p.rejected_public_key, p.rejected_signing_key,"
    " coalesce(f.is_friend, 0), coalesce(f.online, 0), coalesce(f.last_seen, 0),"
    " coalesce(f.last_ip, ''), coalesce(f.added_at, 0), p.acknowledges,"
    " (SELECT count(*) FROM peer_outbox o JOIN messages m ON m.msg_id = o.id"
    " WHERE o.peer = p.username AND o.notice = '')"
)
_FROM = "FROM peers p LEFT JOIN people f ON f.username = p.username"

MAX_DELAY_S = 300.0
"""No attempt is postponed for longer. If one seems to be, the clock was set back, and the item is due now."""
_DUE = f"(next_at <= :now OR next_at > :now + {MAX_DELAY_S})"

MAX_WRITTEN = 8
"""A message that was written this often, and a notice that was written once, waits if other keys are offered."""

MAX_EARLY = 1_000
"""At most this many reactions of a peer to messages that have not arrived are kept; the oldest are dropped."""

_POSSIBLE = (
    "(notice = '' OR NOT EXISTS (SELECT 1 FROM peer_outbox m WHERE m.notice = ''"
    " AND m.id = json_extract(peer_outbox.notice, '$.msg_id')))"
    f" AND (written < CASE notice WHEN '' THEN {MAX_WRITTEN} ELSE 1 END OR NOT EXISTS (SELECT 1 FROM peers k"
    " WHERE k.username = peer_outbox.peer AND k.offered_public_key IS NOT NULL))"
)
"""A reaction must not be sent before its message: the peer cannot store it. What was written often, and is kept
because the user has to decide about other keys, must not be written again before that."""

_SAME = (
    "peer = :peer AND CASE notice WHEN '' THEN 0 ELSE json_extract(notice, '$.kind', '$.msg_id', '$.emoji')"
    " = json_extract(:notice, '$.kind', '$.msg_id', '$.emoji') END"
)
"""A waiting receipt for the same message, or reaction to it with the same emoji."""

Place = Literal["outbox", "queue", ""]


class Waiting(NamedTuple):
    """An item of the outbox: a message of the chat state, or a notice as JSON (``message`` is None then).

    ``written`` of the ``attempts`` were written to the peer completely, but not acknowledged. ``due``: the time of
    its next attempt has come.
    """

    id: str
    peer: str
    attempts: int
    written: int
    due: bool
    message: MessageData | None
    notice: str


def _keys(public_key: str, signing_key: str) -> PublicKeys:
    return PublicKeys(base64_text.decode(public_key), base64_text.decode(signing_key))


def _peer(row: tuple[Any, ...]) -> Peer:
    name, public, signing, address, node_id, verified, offered, offered_signing, *rest = row
    rejected, rejected_signing, friend, online, seen, ip, at, acknowledges, n = rest
    return Peer(
        username=name, keys=_keys(public, signing), address=address, node_id=node_id, verified=bool(verified),
        offered=_keys(offered, offered_signing) if offered else None,
        rejected=_keys(rejected, rejected_signing) if rejected else None, is_friend=bool(friend),
        online=bool(online), last_seen=seen, last_ip=ip, added_at=at, acknowledges=bool(acknowledges), waiting=n,
    )  # fmt: skip


def peers(db: Connection) -> list[Peer]:
    """Return all peers, sorted by name."""
    return [_peer(row) for row in db.execute(f"SELECT {_COLUMNS} {_FROM} ORDER BY p.username")]


def peer(db: Connection, username: str) -> Peer | None:
    """Return a peer by name, or None."""
    row = db.execute(f"SELECT {_COLUMNS} {_FROM} WHERE p.username = ?", (username,)).fetchone()
    return _peer(row) if row else None


def is_peer(db: Connection, username: str) -> bool:
    """Return whether a user name is that of a peer."""
    return db.execute("SELECT 1 FROM peers WHERE username = ?", (username,)).fetchone() is not None


def save_peer(db: Connection, each: Peer) -> None:
    """Insert or update keys and address of a peer. Friendship and presence are those of ``people``."""
    keys = each.keys.as_json()
    offered = each.offered.as_json() if each.offered else {}
    rejected = each.rejected.as_json() if each.rejected else {}
    db.execute(
        "INSERT OR REPLACE INTO peers (username, public_key, signing_key, node_id, address, verified,"
        " offered_public_key, offered_signing_key, rejected_public_key, rejected_signing_key, acknowledges)"
        " VALUES (?,?,?,?,?,?,?,?,?,?,?)",
        (
            each.username, keys["public_key"], keys["signing_key"], each.node_id, each.address, each.verified,
            offered.get("public_key"), offered.get("signing_key"), rejected.get("public_key"),
            rejected.get("signing_key"), each.acknowledges,
        ),
    )  # fmt: skip
    db.execute(
        "UPDATE people SET public_key = ?, signing_key = ? WHERE username = ?",
        (keys["public_key"], keys["signing_key"], each.username),
    )


def forget_peer(db: Connection, username: str) -> None:
    """Delete a peer with its items in the outbox. Its messages and their ids in the inbox are kept."""
    db.execute("DELETE FROM peers WHERE username = ?", (username,))
    for table in ("peer_outbox", "peer_early_reactions"):
        db.execute(f"DELETE FROM {table} WHERE peer = ?", (username,))
    sql.remove_person(db, username)


def note_frame(db: Connection, username: str, ip: str, at: float) -> None:
    """Store that a verified frame of a peer has just come from an address."""
    db.execute("UPDATE people SET last_ip = ? WHERE username = ?", (ip, username))
    sql.seen(db, username, at)


def store_registered_ip(db: Connection, username: str, ip: str) -> None:
    """Store the address with which a peer is registered, unless something has arrived from the peer itself."""
    db.execute(
        "UPDATE people SET last_ip = ? WHERE username = ?"
        " AND (last_ip = '' OR NOT EXISTS (SELECT 1 FROM peer_inbox WHERE peer = username))",
        (ip, username),
    )


# inbox


def note_arrival(db: Connection, peer_name: str, msg_id: str, digest: str, at: float) -> bool:
    """Record that a message or notice has arrived. Return False if it is a duplicate.

    The record is kept forever: the time of an envelope is not signed, so only the record shows a later replay.
    """
    return (
        db.execute(
            "INSERT OR IGNORE INTO peer_inbox (digest, peer, msg_id, at) VALUES (?,?,?,?)",
            (digest, peer_name, msg_id, at),
        ).rowcount > 0
    )  # fmt: skip


def has_arrived(db: Connection, digest: str) -> bool:
    """Return whether the content of a message or notice has arrived."""
    return db.execute("SELECT 1 FROM peer_inbox WHERE digest = ?", (digest,)).fetchone() is not None


def newest_received(db: Connection, peer_name: str, msg_id: str) -> str | None:
    """Return the ID of the newest stored message of a peer up to a message of its chat, or None.

    Only messages that came from the peer itself: anyone can fire an event that looks the same.
    """
    row = db.execute(
        "SELECT m.msg_id FROM messages mark JOIN messages m ON m.peer = mark.peer"
        " AND (m.at, m.arrival) <= (mark.at, mark.arrival)"
        " JOIN peer_inbox i ON i.msg_id = m.msg_id AND i.peer = m.sender"
        " WHERE mark.msg_id = ? AND mark.peer = ? ORDER BY m.at DESC, m.arrival DESC LIMIT 1",
        (msg_id, peer_name),
    ).fetchone()
    return row[0] if row else None


def receive(db: Connection, data: MessageData, digests: Sequence[str], ip: str, at: float) -> MessageData | None:
    """Store a message of a peer, and the address it came from. Return it as stored; None if it is a duplicate.

    ``digests`` are hashes of its content; the first one is recorded.

    The sender's id may be that of a different message: ids in a queue can be read by others, and dialect B does not
    protect them. The message is then stored with another id, which is the same if it arrives again.
    """
    sender, text, sent_id = data["from"], data["text"], data["msg_id"]
    if any(has_arrived(db, each) for each in digests):
        return None
    digest = digests[0]
    while (taken := sql.message(db, data["msg_id"])) is not None:
        if (taken["from"], taken["direction"], taken["text"]) == (sender, "received", text):
            note_arrival(db, sender, data["msg_id"], digest, at)
            return None
        data = {**data, "msg_id": _other_id(data)}
    if not note_arrival(db, sender, data["msg_id"], digest, at):
        return None  # it was deleted here
    if ip:  # not for a duplicate: a replay would redirect messages to the peer
        note_frame(db, sender, ip, at)
    sql.add_message(db, data)
    if early := _take_early_reactions(db, sender, sent_id):
        sql.set_reactions(db, data["msg_id"], [{"emoji": each, "from": sender} for each in early[:MAX_REACTIONS]])
    return data


def _other_id(data: MessageData) -> str:
    from hashlib import sha256  # loads OpenSSL, which the window does not need

    content = "\0".join((data["from"], data["msg_id"], data["text"]))
    return str(UUID(bytes=sha256(content.encode()).digest()[:16], version=4))


def note_early_reaction(db: Connection, peer_name: str, msg_id: str, emoji: str, *, present: bool) -> bool:
    """Keep a peer's reaction to a message of its own until that arrives; ``present`` False: it was removed again.

    Return False, without a change, if the message has arrived, and was deleted here.
    """
    key = (peer_name, msg_id, emoji)
    if db.execute("SELECT 1 FROM peer_inbox WHERE peer = ? AND msg_id = ?", key[:2]).fetchone():
        return False
    if present:
        db.execute("INSERT OR IGNORE INTO peer_early_reactions (peer, msg_id, emoji) VALUES (?,?,?)", key)
        db.execute(
            "DELETE FROM peer_early_reactions WHERE peer = :peer AND position <= (SELECT position"
            " FROM peer_early_reactions WHERE peer = :peer ORDER BY position DESC LIMIT 1 OFFSET :limit)",
            {"peer": peer_name, "limit": MAX_EARLY},
        )
    else:
        db.execute("DELETE FROM peer_early_reactions WHERE peer = ? AND msg_id = ? AND emoji = ?", key)
    return True


def _take_early_reactions(db: Connection, peer_name: str, msg_id: str) -> list[str]:
    """Remove the reactions that were kept for a message, and return them, oldest first."""
    which = "FROM peer_early_reactions WHERE peer = ? AND msg_id = ?"
    found = db.execute(f"SELECT emoji {which} ORDER BY position", (peer_name, msg_id)).fetchall()
    db.execute(f"DELETE {which}", (peer_name, msg_id))
    return [emoji for (emoji,) in found]


# outbox


def enqueue(db: Connection, id_: str, peer_name: str, next_at: float, notice: str = "") -> None:
    """Add a stored message, or a notice, to the outbox for a peer."""
    db.execute(
        "INSERT OR IGNORE INTO peer_outbox (id, peer, notice, next_at) VALUES (?,?,?,?)",
        (id_, peer_name, notice, next_at),
    )


def enqueue_receipt(db: Connection, id_: str, peer_name: str, next_at: float, receipt: str) -> bool:
    """Add a read receipt to the outbox. Return False if one for the same message waits already."""
    same = f"SELECT 1 FROM peer_outbox WHERE {_SAME}"
    if db.execute(same, {"peer": peer_name, "notice": receipt}).fetchone():
        return False
    enqueue(db, id_, peer_name, next_at, receipt)
    return True


def enqueue_reaction(db: Connection, id_: str, peer_name: str, next_at: float, reaction: str) -> bool:
    """Add a reaction to the outbox, instead of those to the same message with the same emoji that wait.

    One of them may have been written, perhaps just now. The new one is written after it, because attempts to send
    to a peer are made one after the other, and has the same effect if it did not arrive.
    """
    db.execute(f"DELETE FROM peer_outbox WHERE {_SAME}", {"peer": peer_name, "notice": reaction})
    enqueue(db, id_, peer_name, next_at, reaction)
    return True


def waiting(db: Connection, peer_name: str, now: float, limit: int, *, notices: bool = False) -> list[Waiting]:
    """Return the messages, or the notices, to send to a peer, oldest first: those not written yet or due.

    One that was written, and may have arrived, must not be written again before it is due. A reaction to a message
    that is still in the outbox is left out, and, while other keys are offered, what was written ``MAX_WRITTEN``
    times (notices: once). Messages that were deleted meanwhile are dropped.
    """
    db.execute(
        "DELETE FROM peer_outbox WHERE peer = ? AND notice = ''"
        " AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.msg_id = peer_outbox.id)",
        (peer_name,),
    )
    rows = db.execute(
        f"SELECT id, peer, attempts, written, {_DUE}, notice FROM peer_outbox"
        f" WHERE peer = :peer AND (notice = '') = :is_message AND (written = 0 OR {_DUE}) AND {_POSSIBLE}"
        " ORDER BY position LIMIT :limit",
        {"peer": peer_name, "is_message": not notices, "now": now, "limit": limit},
    ).fetchall()
    return [
        Waiting(id_, peer_, attempts, written, bool(due), None if notice else sql.message(db, id_), notice)
        for id_, peer_, attempts, written, due, notice in rows
    ]


def is_waiting(db: Connection, id_: str) -> bool:
    """Return whether an item is still in the outbox."""
    return db.execute("SELECT 1 FROM peer_outbox WHERE id = ?", (id_,)).fetchone() is not None


def place(db: Connection, msg_id: str) -> Place:
    """Return where a message is: still in the outbox, or in the offline queue, or in neither of them."""
    if is_waiting(db, msg_id):
        return "outbox"
    is_queued = db.execute("SELECT 1 FROM peer_queued WHERE msg_id = ?", (msg_id,)).fetchone()
    return "queue" if is_queued else ""


def due(db: Connection, now: float, limit: int, *, notices: bool = False) -> list[str]:
    """Return the friends with an item that is due and among the ``limit`` oldest ones of ``waiting``."""
    rows = db.execute(
        "SELECT username FROM people f WHERE is_friend AND EXISTS (SELECT 1 FROM (SELECT next_at FROM peer_outbox"
        f" WHERE peer = f.username AND (notice = '') = :is_message AND (written = 0 OR {_DUE}) AND {_POSSIBLE}"
        f" ORDER BY position LIMIT :limit) WHERE {_DUE}) ORDER BY username",
        {"is_message": not notices, "now": now, "limit": limit},
    ).fetchall()
    return [name for (name,) in rows]


def done(db: Connection, id_: str, *, delivered: bool, method: str) -> None:
    """Remove an item from the outbox, and store how its message was sent."""
    db.execute("DELETE FROM peer_outbox WHERE id = ?", (id_,))
    db.execute(
        "UPDATE messages SET delivered = max(delivered, ?), delivery_method = ? WHERE msg_id = ?"
        " AND direction = 'sent'",
        (delivered, method, id_),
    )
    if method == "offline":  # a message with this method may also never have been sent
        db.execute(
            "INSERT OR IGNORE INTO peer_queued (msg_id) SELECT msg_id FROM messages WHERE msg_id = ?", (id_,)
        )


def note_queued(db: Connection, id_: str, keys: PublicKeys) -> bool:
    """Remove a message from the outbox that was encrypted for ``keys``, and put into the offline queue.

    Return False, without a change, if its peer has other keys now, for which it is to be sent again.
    """
    row = db.execute(
        "SELECT public_key, signing_key FROM peers JOIN peer_outbox ON peer = username WHERE id = ?", (id_,)
    ).fetchone()
    if row and _keys(*row) != keys:
        return False
    done(db, id_, delivered=False, method="offline")
    return True


def note_acknowledged(db: Connection, username: str, at: float) -> None:
    """Record that a peer has acknowledged something, which is also a sign of life."""
    db.execute("UPDATE peers SET acknowledges = 1 WHERE username = ? AND acknowledges = 0", (username,))
    sql.seen(db, username, at)


def note_written(db: Connection, id_: str, method: str) -> None:
    """Count an attempt that was written but not confirmed, and store how its message was sent."""
    db.execute("UPDATE peer_outbox SET written = written + 1 WHERE id = ?", (id_,))
    db.execute("UPDATE messages SET delivery_method = ? WHERE msg_id = ? AND direction = 'sent'", (method, id_))


def postpone(db: Connection, id_: str, next_at: float) -> None:
    """Count an attempt, and set when the next one is due."""
    db.execute("UPDATE peer_outbox SET attempts = attempts + 1, next_at = ? WHERE id = ?", (next_at, id_))


def send_again(db: Connection, peer_name: str, now: float) -> None:
    """Make all items for a peer due, as if they had not been tried: it may not have been able to decrypt them.

    For the same reason, the messages in the offline queue are not known to arrive before later ones.
    """
    db.execute("UPDATE peer_outbox SET attempts = 0, written = 0, next_at = ? WHERE peer = ?", (now, peer_name))
    db.execute("DELETE FROM peer_queued WHERE msg_id IN (SELECT msg_id FROM messages WHERE peer = ?)", (peer_name,))


def last_position(db: Connection) -> int:
    """Return the highest position in the outbox that was ever used."""
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'peer_outbox'").fetchone()
    return int(row[0]) if row else 0


def drop_later(db: Connection, position: int) -> None:
    """Delete the items behind a position from the outbox."""
    db.execute("DELETE FROM peer_outbox WHERE position > ?", (position,))


def confirm_until(db: Connection, peer_name: str, msg_id: str) -> int:
    """Mark the messages to a peer as delivered of which a read receipt for ``msg_id`` shows that they have arrived.

    These are the message itself and, if it was put into the offline queue, those that were put there before it: the
    peer reads the queue in order. A message that was sent directly says nothing about the queue. One that is still
    in the outbox is sent again, and one that was given up, or removed from the outbox, may never have arrived.
    Return the number of messages marked.
    """
    db.execute("DELETE FROM peer_outbox WHERE id = ? AND peer = ? AND notice = ''", (msg_id, peer_name))
    return db.execute(
        "UPDATE messages SET delivered = 1 WHERE peer = :peer AND direction = 'sent' AND delivered = 0"
        " AND (msg_id = :id OR msg_id IN (SELECT msg_id FROM peer_queued"
        " WHERE position < (SELECT position FROM peer_queued JOIN messages USING (msg_id)"
        " WHERE msg_id = :id AND peer = :peer)))",
        {"peer": peer_name, "id": msg_id},
    ).rowcount


def erase(db: Connection) -> None:
    """Delete all peers, the inbox, the outbox, early reactions and what is known about the queue.

    Messages are kept.
    """
    db.execute("DELETE FROM people WHERE username IN (SELECT username FROM peers)")
    for table in ("peers", "peer_inbox", "peer_outbox", "peer_queued", "peer_early_reactions"):
        db.execute(f"DELETE FROM {table}")
