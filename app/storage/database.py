"""One SQLite connection on one thread. Jobs run in the order in which they were submitted.

Jobs that arrive while the disk is busy share one transaction, so a single wait for the disk commits them all.
"""

import asyncio
import contextlib
import sqlite3
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from app.protocol.errors import StorageError
from app.storage.chat_file import ChatFile

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], T]
Waiting = tuple[Job[Any], "asyncio.Future[Any]"]
Ended = tuple["asyncio.Future[Any]", Any, BaseException | None]
"""A job's future, its result, and its error if it failed."""

MAX_BATCH = 256
"""At most this many jobs share a transaction: the first of them waits for the last."""


class Database:
    """Runs jobs on the chat state. ``file`` knows how it was opened."""

    def __init__(self, path: Path | None) -> None:
        """``path`` None keeps the state in memory."""
        self.file = ChatFile(path)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="storage")
        self._connection: sqlite3.Connection | None = None
        self._jobs: deque[Waiting] = deque()
        """Submitted, and not begun."""
        self._scheduled = False
        """Whether the thread is going to drain the queue."""
        self._waiting = 0
        """How many jobs were submitted and have not ended."""

    @property
    def busy(self) -> bool:
        """Whether jobs are under way."""
        return self._waiting > 0

    async def open(self) -> None:
        """Open the file; see ``ChatFile.open``."""
        self._connection = await asyncio.get_running_loop().run_in_executor(self._thread, self.file.open)

    def submit(self, job: Job[T]) -> Awaitable[T]:
        """Run ``job`` in a transaction; awaiting the result means waiting for the commit.

        Jobs run, and results arrive, in the order of the calls. An exception of the job undoes its own changes only
        and is passed on; errors of SQLite become ``StorageError``.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._waiting += 1
        self._jobs.append((job, future))
        if not self._scheduled:
            self._scheduled = True
            try:
                self._thread.submit(self._drain_queue, loop)
            except BaseException:  # the thread has ended
                self._scheduled = False
                self._jobs.pop()
                self._waiting -= 1
                raise
        return future

    async def run_in_thread(self, work: Callable[[], T]) -> T:
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

    def _drain_queue(self, loop: asyncio.AbstractEventLoop) -> None:
        """Run the queued jobs, at most ``MAX_BATCH`` per transaction."""
        self._scheduled = False  # before the queue is read: a later job schedules it again
        waiting = [self._jobs.popleft() for _ in range(len(self._jobs))]
        for first in range(0, len(waiting), MAX_BATCH):
            ended = self._transact(waiting[first : first + MAX_BATCH])
            with contextlib.suppress(RuntimeError):  # the loop is closed, so no job is awaited any more
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
        return StorageError(self.file.explain(error)) if isinstance(error, sqlite3.Error) else error

    def _close(self) -> None:
        if self._connection is not None:
            self.file.back_up(self._connection, "stop")
            self._connection.close()
            self._connection = None
