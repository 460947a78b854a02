"""The outbox for peers: which of them are due, and how much work it is to find them."""

from app.storage import peers
from app.storage.chat import Connection
from app.storage.database import Database


def add_friends(db: Connection, *names: str) -> None:
    db.executemany(
        "INSERT INTO people (username, public_key, signing_key, last_seen, last_ip, added_at, is_friend)"
        " VALUES (?, '', '', 0, '', 0, 1)",
        [(each,) for each in names],
    )


async def test_a_friend_is_due_if_one_of_its_oldest_items_is(database: Database) -> None:
    def job(db: Connection) -> list[list[str]]:
        add_friends(db, "ben", "cleo", "dora")
        for id_, peer, next_at in [
            ("1", "dora", 5.0), ("2", "cleo", 9.0), ("3", "cleo", 5.0), ("4", "ben", 5.0), ("5", "eve", 5.0)
        ]:  # fmt: skip
            peers.enqueue(db, id_, peer, next_at)
        return [peers.due(db, now, limit) for now, limit in [(4.0, 8), (5.0, 8), (5.0, 1), (9.0, 1)]]

    assert await database.submit(job) == [[], ["ben", "cleo", "dora"], ["ben", "dora"], ["ben", "cleo", "dora"]]


async def test_finding_who_is_due_takes_no_longer_if_many_items_wait(database: Database) -> None:
    """Regression: it read the whole outbox for each item, every few seconds."""

    def instructions(db: Connection) -> int:
        """Return how many instructions SQLite executes, in tens."""
        counted: list[None] = []
        db.set_progress_handler(lambda: counted.append(None), 10)
        assert peers.due(db, 5.0, 8) == ["cleo"]
        db.set_progress_handler(None, 0)
        return len(counted)

    def job(db: Connection) -> tuple[int, int]:
        add_friends(db, "ben", "cleo", "dora")
        for each in range(20):
            peers.enqueue(db, f"ben {each}", "ben", 9.0)
        peers.enqueue(db, "cleo", "cleo", 5.0)
        few = instructions(db)
        for each in range(20, 500):
            peers.enqueue(db, f"ben {each}", "ben", 5.0)
        return few, instructions(db)

    few, many = await database.submit(job)
    assert many <= few + 1
