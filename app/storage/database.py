"""Run jobs on the SQLite database of the chat state in one thread, in the order in which they were submitted.
Jobs that are submitted while another transaction runs are batched into one transaction, to save disk syncs.
The thread also runs other blocking work, for example of the file libraries. While a session (a script of events,
or a recording) is played, jobs can run on a copy in memory, which is dropped at the end or replaces the state of
the file.
"""

import asyncio
import contextlib
import sqlite3
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from typing_extensions import override

from app.protocol.errors import StorageError
from app.storage import peers
from app.storage.chat_file import ChatFile

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], T]
PendingJob = tuple[Job[Any], "asyncio.Future[Any]"]
JobResult = tuple["asyncio.Future[Any]", Any, BaseException | None]
"""A job's future, its result, and its error if it failed."""

MAX_BATCH = 256
"""At most this many jobs share a transaction, because the first of them waits for the last."""


class _Result(asyncio.Future[T]):
    """The result of a job. It cannot be cancelled."""

    @override
    def cancel(self, msg: Any = None) -> bool:
        return False


class Database:
    """Run jobs on the database of the chat state. ``file`` has the warnings from opening the file."""

    def __init__(self, path: Path | None) -> None:
        """``path`` None keeps the state in memory."""
        self.file = ChatFile(path)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="storage")
        self._connection: sqlite3.Connection | None = None
        self._beneath_scratch: sqlite3.Connection | None = None
        """The connection to the file while a copy of the state is in use."""
        self._jobs: deque[PendingJob] = deque()
        """Jobs that were submitted and have not started."""
        self._scheduled = False
        """Whether ``_drain_queue`` is scheduled on the thread."""
        self._unfinished = 0
        """Number of jobs for which ``busy`` is true."""

    @property
    def busy(self) -> bool:
        """Whether any job has not finished, or who waits for its result has not continued yet."""
        return self._unfinished > 0

    @property
    def in_scratch(self) -> bool:
        """Whether jobs run on a copy of the state; see ``begin_scratch``."""
        return self._beneath_scratch is not None

    async def open(self) -> None:
        """Open the file. See ``ChatFile.open``."""
        self._connection = await asyncio.get_running_loop().run_in_executor(self._thread, self.file.open)

    def submit(self, job: Job[T]) -> Awaitable[T]:
        """Run a job in a transaction. The returned awaitable finishes after the commit, with the job's result.

        Jobs run and finish in the order of the calls. The awaitable cannot be cancelled: a task that is cancelled
        meanwhile ends when the job has finished. An exception in a job rolls back only its own changes and is
        raised by the awaitable; SQLite errors become ``StorageError``.
        """
        loop = asyncio.get_running_loop()
        future: _Result[T] = _Result(loop=loop)  # ``_Result[T]()`` would make an alias for each job
        self._unfinished += 1
        self._jobs.append((job, future))
        if not self._scheduled:
            self._scheduled = True
            try:
                self._thread.submit(self._drain_queue, loop)
            except BaseException:  # the thread was shut down
                self._scheduled = False
                self._jobs.pop()
                self._unfinished -= 1
                raise
        return future

    async def run_in_thread(self, work: Callable[[], T]) -> T:
        """Run other blocking work on the same thread, outside of any transaction."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def begin_scratch(self) -> None:
        """Run the following jobs on a copy of the state in memory. The file is not changed until ``end_scratch``.

        If the program is killed meanwhile, the file has the state before.
        """
        await self.run_in_thread(self._begin_scratch)

    async def end_scratch(self, *, keep: bool) -> None:
        """Return to the state of the file, or replace it by the copy if ``keep``. Raises ``StorageError``.

        Items that were added to the outbox for peers in the copy are dropped.
        """
        await self.run_in_thread(lambda: self._end_scratch(keep))

    async def close(self) -> None:
        """Finish the submitted jobs, back up the file and close it. May be called twice."""
        if self._connection is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown(wait=True)

    def _set_results(self, results: list[JobResult]) -> None:
        for future, result, error in results:
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)
        # after those who wait for the results: an event that is not stored must not overtake theirs
        asyncio.get_running_loop().call_soon(self._finish, len(results))

    def _finish(self, jobs: int) -> None:
        self._unfinished -= jobs

    # on the thread

    def _drain_queue(self, loop: asyncio.AbstractEventLoop) -> None:
        """Run the queued jobs, at most ``MAX_BATCH`` per transaction."""
        self._scheduled = False  # before the queue is read: a later job schedules it again
        pending = [self._jobs.popleft() for _ in range(len(self._jobs))]
        for first in range(0, len(pending), MAX_BATCH):
            results = self._transact(pending[first : first + MAX_BATCH])
            with contextlib.suppress(RuntimeError):  # the loop is closed, so no caller waits
                loop.call_soon_threadsafe(self._set_results, results)

    def _transact(self, batch: list[PendingJob]) -> list[JobResult]:
        connection = self._connection
        try:
            if connection is None:
                raise StorageError("the chat state is closed")
            connection.execute("BEGIN IMMEDIATE")
            results = []
            for each in batch:
                results.append(self._attempt(connection, each))
                if not connection.in_transaction:
                    break
            else:
                connection.execute("COMMIT")
                return results
        except BaseException as error:
            if connection is not None and connection.in_transaction:
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
            failure = self._failure(error)
            return [(future, None, failure) for _, future in batch]
        if len(batch) == 1:
            return results
        # A failed job ended the shared transaction: run each job again in its own transaction.
        return [one for each in batch for one in self._transact([each])]

    def _attempt(self, connection: sqlite3.Connection, pending: PendingJob) -> JobResult:
        """Run one job of a batch in a savepoint. A full disk can end the transaction of the whole batch."""
        job, future = pending
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

    def _begin_scratch(self) -> None:
        assert self._connection is not None
        assert self._beneath_scratch is None
        scratch = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._connection.backup(scratch)
        self._beneath_scratch, self._connection = self._connection, scratch

    def _end_scratch(self, keep: bool) -> None:
        scratch, self._connection, self._beneath_scratch = self._connection, self._beneath_scratch, None
        assert scratch is not None
        assert self._connection is not None
        with contextlib.closing(scratch):
            if not keep:
                return
            try:  # messages that a session posts must not be sent to real people
                peers.drop_later(scratch, peers.last_position(self._connection))
                scratch.backup(self._connection, progress=_give_up_if_locked)
            except sqlite3.Error as error:
                raise StorageError(self.file.explain(error)) from None

    def _close(self) -> None:
        if self._beneath_scratch is not None:
            self._end_scratch(keep=False)
        if self._connection is not None:
            self.file.back_up(self._connection, "stop")
            self._connection.close()
            self._connection = None


def _give_up_if_locked(status: int, _remaining: int, _total: int) -> None:
    """Raise an error if a step of a copy found the file locked, which Python would otherwise repeat without end."""
    if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        raise sqlite3.OperationalError("database is locked")
