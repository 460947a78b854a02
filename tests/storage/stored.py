"""Helpers of the storage tests: fill a database, and read its file with another connection."""

import contextlib
import sqlite3
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from app.protocol.backend import Person
from app.storage import chat as jobs
from app.storage.database import Database


async def add(database: Database, *names: str) -> None:
    """Add people with these names, each in its own transaction."""
    for name in names:
        await database.submit(partial(jobs.save_person, each=Person(username=name)))


async def names(database: Database) -> list[str]:
    return [each.username for each in await database.submit(jobs.people)]


async def pragma(database: Database, name: str) -> Any:
    return await database.submit(lambda db: db.execute(f"PRAGMA {name}").fetchone()[0])


def names_in(file: Path) -> list[str]:
    """Return the names in a file, read with a separate connection."""
    with contextlib.closing(sqlite3.connect(file)) as connection:
        return [name for (name,) in connection.execute("SELECT username FROM people ORDER BY username")]


def version_in(file: Path) -> int:
    with contextlib.closing(sqlite3.connect(file)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def backups(path: Path) -> list[Path]:
    """Return the backups of ``path``, oldest first."""
    return sorted((path.parent / "backups").glob("*"))


def damaged_files(path: Path) -> list[Path]:
    return [file for file in path.parent.glob("chat.db.damaged-*") if not file.name.endswith(("-wal", "-shm"))]


@contextlib.contextmanager
def other_connection(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a connection to the file as another program would. Its open transaction is rolled back at the end."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=5)
    try:
        yield connection
    finally:
        connection.close()
