"""The outbox for peers: which of them are due, how much work it is to find them, and what a read receipt proves."""

import pytest

from app.protocol.templates import iso
from app.sources.peers.outbox import BACKOFF_S, MAX_UNCONFIRMED
from app.storage import chat, peers
from app.storage.chat import Connection
from app.storage.database import Database


def add_friends(db: Connection, *names: str) -> None:
    db.executemany(
        "INSERT INTO people (username, public_key, signing_key, last_seen, last_ip, added_at, is_friend)"
        " VALUES (?, '', '', 0, '', 0, 1)",
        [(each,) for each in names],
    )


def send(db: Connection, msg_id: str, at: float) -> None:
    data = {
        "msg_id": msg_id, "from": "me", "to": "ben", "text": "", "timestamp": iso(at), "direction": "sent",
        "delivered": False, "delivery_method": "offline",
    }  # fmt: skip
    chat.add_message(db, data)
    peers.enqueue(db, msg_id, "ben", at)


def delivered(db: Connection) -> list[str]:
    return [id_ for (id_,) in db.execute("SELECT msg_id FROM messages WHERE delivered ORDER BY arrival")]


def in_outbox(db: Connection) -> list[str]:
    return [id_ for (id_,) in db.execute("SELECT id FROM peer_outbox ORDER BY position")]


async def test_a_receipt_does_not_confirm_later_messages_if_the_clock_was_set_back(database: Database) -> None:
    """Regression: a waiting message was marked as delivered, and never sent."""

    def job(db: Connection) -> tuple[int, list[str], list[str]]:
        send(db, "old", 1600.0)
        peers.done(db, "old", delivered=True, method="direct")
        send(db, "new", 1000.0)
        return peers.confirm_until(db, "ben", "old"), delivered(db), in_outbox(db)

    assert await database.submit(job) == (0, ["old"], ["new"])


@pytest.mark.parametrize(("method", "confirmed"), [("offline", ["queued", "read"]), ("direct", ["read"])])
async def test_a_receipt_for_a_queued_message_confirms_what_was_queued_before(
    database: Database, method: str, confirmed: list[str]
) -> None:
    """Regression: messages that were given up, still wait, or wait in the queue while a later one arrived directly,
    were marked as delivered."""

    def job(db: Connection) -> tuple[int, list[str], list[str]]:
        for number, name in enumerate(["queued", "given up", "refused", "read", "queued later"]):
            send(db, name, 1000.0 + number)
        peers.note_written(db, "refused", "direct")
        for name, how in [
            ("queued", "offline"), ("given up", "direct"), ("read", method), ("queued later", "offline")
        ]:  # fmt: skip
            peers.done(db, name, delivered=False, method=how)
        return peers.confirm_until(db, "ben", "read"), delivered(db), in_outbox(db)

    assert await database.submit(job) == (len(confirmed), confirmed, ["refused"])


async def test_a_receipt_does_not_confirm_an_older_message_that_was_queued_later(database: Database) -> None:
    """Regression: one that the queue had rejected first was marked as delivered while it waited there."""

    def job(db: Connection) -> tuple[int, list[str]]:
        for name in ("rejected first", "read"):
            send(db, name, 1000.0)
        for name in ("read", "rejected first"):
            peers.done(db, name, delivered=False, method="offline")
        return peers.confirm_until(db, "ben", "read"), delivered(db)

    assert await database.submit(job) == (1, ["read"])


async def test_a_receipt_does_not_confirm_what_was_queued_for_former_keys(database: Database) -> None:
    """Regression: the peer cannot decrypt it."""

    def job(db: Connection) -> tuple[int, list[str]]:
        send(db, "for the old keys", 1000.0)
        peers.done(db, "for the old keys", delivered=False, method="offline")
        peers.send_again(db, "ben", 1001.0)
        for name in ("for the new keys", "read"):
            send(db, name, 1002.0)
            peers.done(db, name, delivered=False, method="offline")
        return peers.confirm_until(db, "ben", "read"), delivered(db)

    assert await database.submit(job) == (2, ["for the new keys", "read"])


async def test_a_receipt_confirms_a_message_that_waits_to_be_sent_again(database: Database) -> None:
    def job(db: Connection) -> tuple[int, list[str], list[str]]:
        send(db, "read", 1000.0)
        peers.note_written(db, "read", "direct")
        return peers.confirm_until(db, "ben", "read"), delivered(db), in_outbox(db)

    assert await database.submit(job) == (1, ["read"], [])


async def test_a_receipt_confirms_nothing_if_its_message_is_to_another_peer(database: Database) -> None:
    def job(db: Connection) -> tuple[int, int, list[str], list[str]]:
        for name in ("queued", "waits", "read"):
            send(db, name, 1000.0)
        for name in ("queued", "read"):
            peers.done(db, name, delivered=False, method="offline")
        db.execute("UPDATE messages SET peer = 'carol' WHERE msg_id = 'read'")
        marked = peers.confirm_until(db, "ben", "read"), peers.confirm_until(db, "carol", "waits")
        return *marked, delivered(db), in_outbox(db)

    assert await database.submit(job) == (0, 0, [], ["waits"])


async def test_a_receipt_does_not_confirm_messages_that_were_removed_from_the_outbox(database: Database) -> None:
    """Regression: they were marked as delivered, and never sent."""

    def job(db: Connection) -> tuple[int, list[str]]:
        send(db, "forgotten", 1000.0)
        peers.forget_peer(db, "ben")
        send(db, "of a session", 1001.0)
        peers.drop_later(db, peers.last_position(db) - 1)
        add_friends(db, "ben")
        send(db, "read", 1002.0)
        return peers.confirm_until(db, "ben", "read"), delivered(db)

    assert await database.submit(job) == (1, ["read"])


async def test_a_receipt_does_not_confirm_messages_of_a_loaded_state(database: Database) -> None:
    """Regression: they were marked as delivered, and never sent."""

    def job(db: Connection) -> tuple[int, list[str]]:
        send(db, "waiting", 1000.0)
        stored = chat.message(db, "waiting")
        assert stored
        chat.load(db, [], [(stored, True)])
        send(db, "read", 1001.0)
        return peers.confirm_until(db, "ben", "read"), delivered(db)

    assert await database.submit(job) == (1, ["read"])


async def test_only_the_latest_reactions_to_messages_that_have_not_arrived_are_kept(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "MAX_EARLY", 2)

    def job(db: Connection) -> list[tuple[str, str]]:
        for peer, msg_id in [("ben", "1"), ("cleo", "1"), ("ben", "2"), ("ben", "1"), ("ben", "3")]:
            peers.note_early_reaction(db, peer, msg_id, "👍", present=True)
        kept = db.execute("SELECT peer, msg_id FROM peer_early_reactions ORDER BY position").fetchall()
        peers.forget_peer(db, "ben")
        return kept + db.execute("SELECT peer, msg_id FROM peer_early_reactions").fetchall()

    left = ("cleo", "1")
    assert await database.submit(job) == [left, ("ben", "2"), ("ben", "3"), left]


async def test_a_friend_is_due_if_one_of_its_oldest_items_is(database: Database) -> None:
    def job(db: Connection) -> list[list[str]]:
        add_friends(db, "ben", "cleo", "dora")
        for id_, peer, next_at in [
            ("1", "dora", 5.0), ("2", "cleo", 9.0), ("3", "cleo", 5.0), ("4", "ben", 5.0), ("5", "eve", 5.0)
        ]:  # fmt: skip
            peers.enqueue(db, id_, peer, next_at)
        return [peers.due(db, now, limit) for now, limit in [(4.0, 8), (5.0, 8), (5.0, 1), (9.0, 1)]]

    assert await database.submit(job) == [[], ["ben", "cleo", "dora"], ["ben", "dora"], ["ben", "cleo", "dora"]]


async def test_an_item_that_was_postponed_while_the_clock_was_ahead_is_due(database: Database) -> None:
    """Regression: it was not sent until the wrong time."""
    assert (max(BACKOFF_S), MAX_UNCONFIRMED) == (peers.MAX_DELAY_S, peers.MAX_WRITTEN)

    def job(db: Connection) -> list[bool]:
        add_friends(db, "ben")
        send(db, "id", 0.0)
        peers.note_written(db, "id", "direct")
        found = []
        for next_at in [1000.0 + peers.MAX_DELAY_S, 1001.0 + peers.MAX_DELAY_S]:
            peers.postpone(db, "id", next_at)
            found += [peers.due(db, 1000.0, 8) == ["ben"], bool(peers.waiting(db, "ben", 1000.0, 8))]
        return found

    assert await database.submit(job) == [False, False, True, True]


async def test_finding_who_is_due_takes_no_longer_if_many_items_wait(database: Database) -> None:
    """Regression: it read the whole outbox for each item, every few seconds."""

    def instructions(db: Connection) -> int:
        """Return how many instructions SQLite executes, in tens."""
        counted: list[None] = []
        db.set_progress_handler(lambda: counted.append(None), 10)
        assert peers.due(db, 5.0, 8) == ["cleo"]
        assert peers.due(db, 5.0, 8, notices=True) == ["dora"]
        db.set_progress_handler(None, 0)
        return len(counted)

    def job(db: Connection) -> tuple[int, int]:
        add_friends(db, "ben", "cleo", "dora")
        for each in range(20):
            peers.enqueue(db, f"ben {each}", "ben", 9.0)
        peers.enqueue(db, "cleo", "cleo", 5.0)
        peers.enqueue(db, "dora", "dora", 5.0, "{}")
        few = instructions(db)
        for each in range(20, 500):
            peers.enqueue(db, f"ben {each}", "ben", 5.0)
        return few, instructions(db)

    few, many = await database.submit(job)
    assert many <= few + 1
