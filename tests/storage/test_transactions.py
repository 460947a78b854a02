"""Jobs run one at a time, in order, completely or not at all; SQLite errors become messages for users."""

import asyncio
import os
import sqlite3
import threading
from functools import partial
from pathlib import Path

import pytest

from app.protocol.backend import Person
from app.protocol.errors import StorageError
from app.storage import chat as jobs
from app.storage import chat_file as module
from app.storage.database import Database
from tests.conftest import until
from tests.storage.conftest import Open
from tests.storage.stored import add, names, names_in, other_connection, pragma


async def test_a_job_is_committed_before_its_result_is_returned(database: Database, path: Path) -> None:
    await add(database, "zoe")
    assert names_in(path) == ["zoe"]


async def test_write_ahead_log_and_full_synchronisation_are_enabled(database: Database) -> None:
    assert await pragma(database, "journal_mode") == "wal"
    assert await pragma(database, "synchronous") == 2
    assert await pragma(database, "busy_timeout") == 5000


async def test_results_are_returned_in_the_order_of_the_calls(database: Database) -> None:
    results: list[int] = []

    def job(number: int, _: object) -> int:
        return number

    futures = [database.submit(partial(job, number)) for number in range(100)]
    for future in futures:
        asyncio.ensure_future(future).add_done_callback(lambda done: results.append(done.result()))
    assert await asyncio.gather(*futures) == list(range(100))
    await asyncio.sleep(0)
    assert results == list(range(100))


async def test_a_job_sees_the_data_stored_by_earlier_jobs(database: Database) -> None:
    pending = [add(database, f"name{number:02}") for number in range(20)]
    await asyncio.gather(*pending, return_exceptions=False)
    assert len(await names(database)) == 20


async def test_a_failed_job_is_rolled_back_and_raises_its_own_error(database: Database) -> None:
    await add(database, "zoe")

    def fail(db: sqlite3.Connection) -> None:
        jobs.remove_person(db, "zoe")
        raise KeyError("on purpose")

    with pytest.raises(KeyError, match="on purpose"):
        await database.submit(fail)
    assert await names(database) == ["zoe"]


async def test_the_job_after_a_failed_one_is_committed(database: Database, path: Path) -> None:
    failed = database.submit(lambda db: db.execute("INSERT INTO nowhere VALUES (1)"))
    after = database.submit(lambda db: db.execute("DELETE FROM people").rowcount)
    with pytest.raises(StorageError, match="no such table: nowhere"):
        await failed
    assert await after == 0
    await add(database, "zoe")
    assert names_in(path) == ["zoe"]


async def test_the_database_is_busy_while_jobs_are_pending(database: Database) -> None:
    assert not database.busy
    pending = [database.submit(lambda _: None) for _ in range(3)]
    assert database.busy
    await asyncio.gather(*pending)
    await until(lambda: not database.busy)


async def test_the_database_is_busy_until_who_waits_for_a_job_has_continued(database: Database) -> None:
    """An event that is not stored waits while it is busy, so it does not overtake the one that was stored."""
    await database.submit(lambda _: None)
    assert database.busy
    await asyncio.sleep(0)
    assert not database.busy


async def test_cancelling_a_wait_does_not_undo_the_job_or_leave_the_database_busy(database: Database) -> None:
    async def wait() -> None:
        await add(database, "zoe")

    waiting = asyncio.ensure_future(wait())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await database.submit(lambda _: None)
    await until(lambda: not database.busy)


async def test_a_full_disk_is_reported_and_the_transaction_is_rolled_back(database: Database) -> None:
    await add(database, "zoe")
    size = await pragma(database, "page_count")
    await pragma(database, f"max_page_count = {size}")

    def fill(db: sqlite3.Connection) -> None:
        jobs.remove_person(db, "zoe")
        for number in range(1_000):
            db.execute("INSERT INTO people VALUES (?,?,'',0,0,'',0,0,0,0)", (f"n{number}", "k" * 1_000))

    with pytest.raises(StorageError, match=r"the disk that holds .* is full: free some space and try again"):
        await database.submit(fill)
    assert await names(database) == ["zoe"]
    await pragma(database, f"max_page_count = {size + 10_000}")
    await database.submit(fill)
    assert len(await names(database)) == 1_000


class BlockedDatabase:
    """Block the storage thread until released, so that jobs submitted meanwhile form one batch."""

    def __init__(self, database: Database) -> None:
        self.statements: list[str] = []
        self._release = threading.Event()
        self._database = database

    async def __aenter__(self) -> "BlockedDatabase":
        await self._database.submit(lambda db: db.set_trace_callback(self.statements.append))
        self.statements.clear()
        self._blocking = asyncio.ensure_future(self._database.run_in_thread(lambda: self._release.wait(10)))
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._release.set()
        await self._blocking

    @property
    def commits(self) -> int:
        return self.statements.count("COMMIT")


async def test_waiting_jobs_share_one_transaction(database: Database, path: Path) -> None:
    async with BlockedDatabase(database) as blocked:
        pending = [asyncio.ensure_future(add(database, f"n{number:02}")) for number in range(50)]
        await asyncio.sleep(0)
    await asyncio.gather(*pending)
    assert blocked.commits == 1
    assert len(names_in(path)) == 50


async def test_at_most_max_batch_jobs_share_a_transaction(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.storage.database.MAX_BATCH", 20)
    async with BlockedDatabase(database) as blocked:
        pending = [asyncio.ensure_future(add(database, f"n{number:02}")) for number in range(50)]
        await asyncio.sleep(0)
    await asyncio.gather(*pending)
    assert blocked.commits == 3
    assert len(await names(database)) == 50


async def test_only_the_failed_jobs_of_a_shared_transaction_are_undone(database: Database, path: Path) -> None:
    def fail(db: sqlite3.Connection) -> None:
        jobs.save_person(db, Person(username="undone"))
        raise KeyError("on purpose")

    async with BlockedDatabase(database) as blocked:
        before = asyncio.ensure_future(add(database, "anna"))
        failing = asyncio.ensure_future(database.submit(fail))
        wrong = asyncio.ensure_future(database.submit(lambda db: db.execute("INSERT INTO nowhere VALUES (1)")))
        seen = asyncio.ensure_future(names(database))
        after = asyncio.ensure_future(add(database, "zoe"))
        await asyncio.sleep(0)
    with pytest.raises(KeyError, match="on purpose"):
        await failing
    with pytest.raises(StorageError, match="no such table: nowhere"):
        await wrong
    await asyncio.gather(before, after)
    assert await seen == ["anna"]
    assert blocked.commits == 1
    assert names_in(path) == ["anna", "zoe"]


async def test_a_full_disk_fails_only_the_jobs_in_a_shared_transaction_that_need_space(database: Database) -> None:
    await add(database, "zoe")
    await pragma(database, f"max_page_count = {await pragma(database, 'page_count') + 1}")
    runs = 0

    def fill(db: sqlite3.Connection) -> None:
        for number in range(1_000):
            db.execute("INSERT INTO people VALUES (?,?,'',0,0,'',0,0,0,0)", (f"n{number}", "k" * 1_000))

    def roll_back(db: sqlite3.Connection) -> None:
        """End the whole transaction, as SQLite does if the disk is full."""
        db.execute("ROLLBACK")
        raise sqlite3.OperationalError("database or disk is full")

    def count(db: sqlite3.Connection) -> None:
        nonlocal runs
        runs += 1
        jobs.save_person(db, Person(username="once"))

    async with BlockedDatabase(database):
        first = asyncio.ensure_future(add(database, "anna"))
        full = [asyncio.ensure_future(database.submit(job)) for job in (fill, roll_back)]
        last = asyncio.ensure_future(database.submit(count))
        await asyncio.sleep(0)
    for each in full:
        with pytest.raises(StorageError, match="is full"):
            await each
    await asyncio.gather(first, last)
    assert sorted(await names(database)) == ["anna", "once", "zoe"]
    assert runs == 1


async def test_a_failed_commit_fails_every_job_in_the_transaction(database: Database) -> None:
    def refuse(db: sqlite3.Connection) -> None:
        db.execute("PRAGMA defer_foreign_keys = ON")
        db.execute("CREATE TEMP TABLE parent (id INTEGER PRIMARY KEY)")
        db.execute("CREATE TEMP TABLE child (id INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED)")
        db.execute("INSERT INTO child VALUES (1)")

    (before,) = await database.submit(lambda db: db.execute("PRAGMA foreign_keys").fetchone())
    connection = database._connection
    assert connection is not None
    await database.run_in_thread(lambda: connection.execute("PRAGMA foreign_keys = ON"))
    async with BlockedDatabase(database):
        waiting = [asyncio.ensure_future(add(database, "anna")), asyncio.ensure_future(database.submit(refuse))]
        await asyncio.sleep(0)
    for each in waiting:
        with pytest.raises(StorageError, match="FOREIGN KEY constraint failed"):
            await each
    assert before == 0
    assert await names(database) == []


async def test_a_locked_file_is_reported_and_usable_after_it_is_unlocked(
    monkeypatch: pytest.MonkeyPatch, path: Path, open_database: Open
) -> None:
    monkeypatch.setattr(module, "BUSY_MS", 20)
    database = await open_database(path)
    with other_connection(path) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StorageError, match=r"another program has locked chat\.db: close it and try again"):
            await add(database, "zoe")
        other.execute("ROLLBACK")
        await add(database, "zoe")
    assert await names(database) == ["zoe"]


async def test_a_copy_that_is_kept_while_the_file_is_locked_is_an_error(
    monkeypatch: pytest.MonkeyPatch, path: Path, open_database: Open
) -> None:
    monkeypatch.setattr(module, "BUSY_MS", 20)
    database = await open_database(path)
    await database.begin_scratch()
    with other_connection(path) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match=r"another program has locked chat\.db: close it and try again"):
            await database.end_scratch(keep=True)
        other.execute("ROLLBACK")
    await add(database, "zoe")
    assert await names(database) == ["zoe"]


async def test_a_job_waits_for_a_short_lock(database: Database, path: Path) -> None:
    with other_connection(path) as other:
        other.execute("BEGIN EXCLUSIVE")
        adding = asyncio.ensure_future(add(database, "zoe"))
        await asyncio.sleep(0.05)
        assert not adding.done()
        other.execute("ROLLBACK")
        await adding
    assert names_in(path) == ["zoe"]


async def test_a_read_only_file_is_reported(database: Database) -> None:
    await database.submit(lambda db: db.execute("PRAGMA query_only = ON").fetchall())
    with pytest.raises(StorageError, match=r"chat\.db is read-only: check its permissions"):
        await add(database, "zoe")


async def test_a_job_on_a_closed_database_raises_an_error(path: Path) -> None:
    database = Database(path)
    with pytest.raises(StorageError, match="the chat state is closed"):
        await database.submit(jobs.people)
    await database.open()
    await database.close()
    await database.close()


async def test_close_finishes_submitted_jobs(path: Path) -> None:
    database = Database(path)
    await database.open()
    pending = [asyncio.ensure_future(add(database, f"n{number}")) for number in range(20)]
    await asyncio.sleep(0)
    await database.close()
    await asyncio.gather(*pending)
    assert len(names_in(path)) == 20


async def test_without_a_file_nothing_is_written(
    tmp_path: Path, open_database: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    database = await open_database(None)
    await add(database, "zoe")
    await database.close()
    assert not any(os.scandir(tmp_path))
