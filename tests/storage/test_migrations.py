"""The schema goes forward in numbered steps, and the file is backed up first."""

from pathlib import Path

import pytest

from app.storage import database as module
from app.storage.chat import is_unused
from app.storage.migrations import STEPS
from tests.storage.conftest import Open
from tests.storage.stored import add, backups, names, names_in, pragma, set_aside, version_in

NEXT = "ALTER TABLE people ADD COLUMN nickname TEXT NOT NULL DEFAULT '';"
BROKEN = f"{NEXT} CREATE UNIQUE INDEX alone ON people (last_ip);"
"""Fails half-way where two people share an address, as all here do."""


def grow(monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    monkeypatch.setattr(module, "STEPS", (*STEPS, step))


async def test_a_fresh_file_gets_the_newest_schema(path: Path, open_database: Open) -> None:
    database = await open_database(path)
    assert await database.submit(is_unused)
    assert database.complaints == []
    assert version_in(path) == len(STEPS)
    assert backups(path) == []


async def test_a_file_that_is_opened_again_keeps_what_it_has(path: Path, open_database: Open) -> None:
    first = await open_database(path)
    await add(first, "zoe")
    await first.close()
    again = await open_database(path)
    assert not await again.submit(is_unused)
    assert again.complaints == []
    assert await names(again) == ["zoe"]


async def test_a_file_of_an_older_schema_is_backed_up_and_then_brought_forward(
    path: Path, open_database: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = await open_database(path)
    await add(old, "zoe")
    await old.close()
    grow(monkeypatch, NEXT)
    new = await open_database(path)
    assert not await new.submit(is_unused)
    assert await names(new) == ["zoe"]
    assert await pragma(new, "user_version") == len(STEPS) + 1
    (before,) = [file for file in backups(path) if file.name.endswith(f"-schema{len(STEPS)}.db")]
    assert version_in(before) == len(STEPS)
    assert names_in(before) == ["zoe"]


async def test_a_step_that_fails_leaves_the_file_as_it_was_and_says_so(
    path: Path, open_database: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY_MS", 20)
    old = await open_database(path)
    await add(old, "yan", "zoe")
    await old.close()
    with monkeypatch.context() as patch:
        grow(patch, BROKEN)
        failed = await open_database(path)
        (complaint,) = failed.complaints
        assert complaint.startswith("The chat state is kept in memory until you quit")
    assert version_in(path) == len(STEPS)
    assert await names(failed) == []
    again = await open_database(path)
    assert await names(again) == ["yan", "zoe"]
    assert again.complaints == []


async def test_a_file_of_a_newer_companion_is_set_aside_untouched(
    path: Path, open_database: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        grow(patch, NEXT)
        newer = await open_database(path)
        await add(newer, "zoe")
        await newer.close()
    older = await open_database(path)
    (complaint,) = older.complaints
    assert f"written by a newer companion (schema {len(STEPS) + 1})" in complaint
    (aside,) = set_aside(path)
    assert aside.name in complaint
    assert (names_in(aside), version_in(aside)) == (["zoe"], len(STEPS) + 1)
    assert await older.submit(is_unused)
    assert await names(older) == []
