"""Databases in the temporary folder of the test, which are closed when it ends."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from app.storage.database import Database

Open = Callable[[Path | None], Awaitable[Database]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chat.db"


@pytest.fixture
async def open_database() -> AsyncIterator[Open]:
    """Return a function that opens databases."""
    opened: list[Database] = []

    async def open_one(path: Path | None) -> Database:
        database = Database(path)
        opened.append(database)
        await database.open()
        return database

    yield open_one
    for each in opened:
        await each.close()


@pytest.fixture
async def database(path: Path, open_database: Open) -> Database:
    """An open database in a file of its own."""
    return await open_database(path)
