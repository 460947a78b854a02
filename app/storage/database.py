"""One connection on one thread. Jobs run in the order in which they were submitted.

Those that came while the disk was busy share one transaction: one wait for the disk commits them all.
"""

import asyncio
import contextlib
import logging
import shutil
import sqlite3
import time
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from app.protocol.backend import StorageError
from app.protocol.times import local
from app.storage import inspection, migrations
from app.storage.inspection import NewerSchema, primary_code
from app.system.files import replace

log = logging.getLogger(__name__)

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], T]
Waiting = tuple[Job[Any], "asyncio.Future[Any]"]
Ended = tuple["asyncio.Future[Any]", Any, BaseException | None]
"""Who waits, the job's result, and what went wrong."""

MOST_TOGETHER = 256
"""So many jobs share a transaction: what the last of them waits for the first."""
BUSY_MS = 5000
KEPT_BACKUPS = 3
ROOM_BYTES = 128 * 1024
"""Less free space than this explains an I/O error."""


class Database:
    """The file, its thread, its backups.

    ``complaints`` says what a person must know of the start: a damaged file was set aside, say.
    """

    def __init__(self, path: Path | None) -> None:
        """``path`` None keeps the state in memory."""
        self._in_memory = path is None
        self._path = path or Path(":memory:")
        self._backups = self._path.parent / "backups"
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="storage")
        self._connection: sqlite3.Connection | None = None
        self._jobs: deque[Waiting] = deque()
        """Submitted, and not begun."""
        self._called = False
        """Whether the thread will look at what is in there."""
        self._waiting = 0
        """Submitted, and not ended."""
        self.complaints: list[str] = []
        self.newer_file = ""
        """A sentence if a newer companion wrote the file. It was not changed, and the state is kept in memory."""

    @property
    def in_memory(self) -> bool:
        """Whether the state is lost at the end."""
        return self._in_memory

    @property
    def busy(self) -> bool:
        """Whether jobs are under way."""
        return self._waiting > 0

    async def open(self) -> None:
        """Open, check, repair and migrate the file. Where that fails, the state is kept in memory, and said so."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._open_somehow)

    def submit(self, job: Job[T]) -> Awaitable[T]:
        """Run ``job`` in a transaction; awaiting it gives its result after the commit.

        The order of calls is the order of jobs and of results. An exception of the job undoes what it did, and no
        other's work, and is passed on; the database's own become ``StorageError``.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._waiting += 1
        self._jobs.append((job, future))
        if not self._called:
            self._called = True
            try:
                self._thread.submit(self._work_off, loop)
            except BaseException:  # it has ended, and nobody will look
                self._called = False
                self._jobs.pop()
                self._waiting -= 1
                raise
        return future

    async def aside(self, work: Callable[[], T]) -> T:
        """Run other work with the disk on the same thread, outside of any transaction."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def close(self) -> None:
        """Finish what was submitted, back up and close. May be called twice."""
        if self._connection is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown(wait=True)

    def _tell(self, ended: list[Ended]) -> None:
        for future, result, error in ended:
            self._waiting -= 1
            if future.cancelled():
                continue
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

    # on the thread

    def _work_off(self, loop: asyncio.AbstractEventLoop) -> None:
        """Do what is waiting, in one transaction for so many."""
        self._called = False  # before the look: who comes after it calls again
        waiting = [self._jobs.popleft() for _ in range(len(self._jobs))]
        for first in range(0, len(waiting), MOST_TOGETHER):
            ended = self._transact(waiting[first : first + MOST_TOGETHER])
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(self._tell, ended)

    def _transact(self, batch: list[Waiting]) -> list[Ended]:
        connection = self._connection
        try:
            if connection is None:
                raise StorageError("the chat state is closed")
            connection.execute("BEGIN IMMEDIATE")
            ended = []
            for each in batch:
                ended.append(self._attempt(connection, each))
                if not connection.in_transaction:
                    break
            else:
                connection.execute("COMMIT")
                return ended
        except BaseException as error:
            if connection is not None and connection.in_transaction:
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
            failure = self._failure(error)
            return [(future, None, failure) for _, future in batch]
        if len(batch) == 1:
            return ended
        # SQLite has undone the others' work with its own: each gets a transaction to itself.
        return [one for each in batch for one in self._transact([each])]

    def _attempt(self, connection: sqlite3.Connection, waiting: Waiting) -> Ended:
        """Do one job of several. A full disk may end the transaction of all."""
        job, future = waiting
        try:
            connection.execute("SAVEPOINT job")
            result = job(connection)
            connection.execute("RELEASE job")
        except BaseException as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK TO job")
                connection.execute("RELEASE job")
            return future, None, self._failure(error)
        return future, result, None

    def _failure(self, error: BaseException) -> BaseException:
        return StorageError(self._explain(error)) if isinstance(error, sqlite3.Error) else error

    def _explain(self, error: sqlite3.Error) -> str:
        text = str(error)
        if "full" in text or (primary_code(error) == sqlite3.SQLITE_IOERR and _disk_is_full(self._path.parent)):
            return f"the disk that holds {self._path.parent} is full: free some space and try again"
        if "locked" in text or "busy" in text:
            return f"another program holds {self._path.name}: close it and try again"
        if "readonly" in text or "read-only" in text:
            return f"{self._path} cannot be written: check its permissions"
        return f"{self._path.name} could not be used ({text}); a restart checks and repairs it"

    def _open_somehow(self) -> None:
        try:
            self._open()
        except (StorageError, NewerSchema, sqlite3.Error, OSError) as error:
            why = self._explain(error) if isinstance(error, sqlite3.Error) else str(error)
            if isinstance(error, NewerSchema):
                why = (
                    f"{self._path} was written by a newer version of the companion ({error}). Install that "
                    "version, or use another data folder"
                )
                self.newer_file = f"{why}."
            self.complaints.append(f"The chat state is kept in memory until you quit: {why}.")
            log.info("%s", self.complaints[-1])
            if self._connection is not None:  # or the file would stay locked
                self._connection.close()
            self._in_memory, self._path = True, Path(":memory:")
            self._open()

    def _open(self) -> None:
        existed = not self._in_memory and self._path.exists()
        if existed:
            inspection.check_newer(self._path, BUSY_MS / 1000)
        for unfinished in self._backups.glob("*.part*"):
            unfinished.unlink(missing_ok=True)
        if existed and (damage := self._damage(self._path, may_be_empty=not self._backup_files())):
            self._repair(damage)
        self._connection = self._connect(self._path)
        self._migrate(self._connection)
        if existed:
            self._back_up(self._connection, "start")

    @staticmethod
    def _connect(path: Path) -> sqlite3.Connection:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        connection.text_factory = _text  # damage within a text is not found by quick_check
        try:
            connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _damage(self, path: Path, *, may_be_empty: bool = False) -> str:
        """Return what is wrong with a file, or nothing. Raise ``StorageError`` if it cannot be read."""
        try:
            return inspection.damage(path, BUSY_MS / 1000, may_be_empty=may_be_empty)
        except sqlite3.Error as error:
            raise StorageError(self._explain(error)) from None

    def _is_good(self, backup: Path) -> bool:
        with contextlib.suppress(NewerSchema):
            return not self._damage(backup)
        return False

    def _repair(self, damage: str) -> None:
        stamp = time.strftime("%Y%m%d-%H%M%S")
        aside = self._path.with_name(f"{self._path.name}.damaged-{stamp}")
        for suffix in ("", "-wal", "-shm"):
            part = Path(f"{self._path}{suffix}")
            if part.exists():
                replace(part, Path(f"{aside}{suffix}"))
        good = next(filter(self._is_good, self._backup_files()), None)
        if good:
            source, target = sqlite3.connect(good), sqlite3.connect(self._path)
            with contextlib.closing(source), contextlib.closing(target):
                source.backup(target)
            rest = f"The backup of {local(good.stat().st_mtime):%Y-%m-%d %H:%M} is in use."
        elif inspection.only_text_is_broken(aside) and self._copy_rows(aside):
            rest = "There was no backup. Its content is in use, with � in place of the damaged characters."
        else:
            rest = "There was no backup; it starts anew."
        self.complaints.append(f"The chat state was damaged ({damage}) and set aside as {aside.name}. {rest}")
        log.info("%s", self.complaints[-1])

    def _copy_rows(self, source: Path) -> bool:
        """Copy all rows into a new file and replace text that is not UTF-8. Return whether that was possible."""
        old, new = sqlite3.connect(source), self._connect(self._path)
        with contextlib.closing(old), contextlib.closing(new):
            old.text_factory = _text
            version = inspection.schema_version(old)
            self._migrate(new, version)
            new.execute("BEGIN")
            try:
                for table, names in inspection.columns_of(version).items():
                    rows = old.execute(f"SELECT {', '.join(names)} FROM {table}")
                    values = ", ".join("?" * len(names))
                    new.executemany(f"INSERT OR IGNORE INTO {table} ({', '.join(names)}) VALUES ({values})", rows)
            except sqlite3.Error as error:
                log.info("the damaged file cannot be copied: %s", error)
                return False
            new.execute("COMMIT")
        return True

    def _migrate(self, connection: sqlite3.Connection, to: int | None = None) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if 0 < version < len(migrations.STEPS):
            self._back_up(connection, f"schema{version}")
        for number, step in enumerate(migrations.STEPS[version:to], start=version + 1):
            connection.executescript(f"BEGIN IMMEDIATE;\n{step}\nPRAGMA user_version = {number};\nCOMMIT;")

    def _backup_files(self) -> list[Path]:
        """Return the backups, newest first."""
        return sorted(self._backups.glob("chat-*.db"), key=lambda file: file.stat().st_mtime, reverse=True)

    def _back_up(self, connection: sqlite3.Connection, why: str) -> None:
        """Copy the file; failing to do so is told in the log and stops nothing."""
        if self._in_memory:
            return
        try:
            self._backups.mkdir(exist_ok=True)
            fresh = self._backups / f"chat-{time.time_ns()}-{why}.db"
            unfinished = fresh.with_suffix(".part")
            with contextlib.closing(sqlite3.connect(unfinished)) as target:
                connection.backup(target)
            replace(unfinished, fresh)
            for old in self._backup_files()[KEPT_BACKUPS:]:
                old.unlink()
        except (OSError, sqlite3.Error) as error:
            log.info("no backup of the chat state: %s", error)

    def _close(self) -> None:
        if self._connection is not None:
            self._back_up(self._connection, "stop")
            self._connection.close()
            self._connection = None


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _disk_is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < ROOM_BYTES
    except OSError:
        return False
