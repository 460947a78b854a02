"""The schema is migrated in numbered steps, and the file is backed up first."""

import shutil
from pathlib import Path

import pytest

from app.storage import chat_file as module
from app.storage import migrations
from app.storage.chat import is_unused
from app.storage.chat_file import KEPT_BACKUPS
from app.storage.migrations import STEPS
from tests.storage.conftest import Open
from tests.storage.stored import add, backups, damaged_files, names, names_in, pragma, version_in

NEXT = "ALTER TABLE people ADD COLUMN nickname TEXT NOT NULL DEFAULT '';"
BROKEN = f"{NEXT} CREATE UNIQUE INDEX alone ON people (last_ip);"
"""Fails halfway if two people have the same address, as all people here do."""


def add_step(monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    monkeypatch.setattr(migrations, "STEPS", (*STEPS, step))


async def test_a_new_file_has_the_newest_schema(path: Path, open_database: Open) -> None:
    database = await open_database(path)
    assert await database.submit(is_unused)
    assert database.file.warnings == []
    assert version_in(path) == len(STEPS)
    assert backups(path) == []


async def test_a_file_that_is_opened_again_keeps_its_content(path: Path, open_database: Open) -> None:
    first = await open_database(path)
    await add(first, "zoe")
    await first.close()
    again = await open_database(path)
    assert not await again.submit(is_unused)
    assert again.file.warnings == []
    assert await names(again) == ["zoe"]


async def test_a_file_with_an_older_schema_is_backed_up_and_migrated(
    path: Path, open_database: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = await open_database(path)
    await add(old, "zoe")
    await old.close()
    add_step(monkeypatch, NEXT)
    new = await open_database(path)
    assert not await new.submit(is_unused)
    assert await names(new) == ["zoe"]
    assert await pragma(new, "user_version") == len(STEPS) + 1
    (before,) = [file for file in backups(path) if file.name.endswith(f"-schema{len(STEPS)}.db")]
    assert version_in(before) == len(STEPS)
    assert names_in(before) == ["zoe"]
    await new.close()
    for number in range(KEPT_BACKUPS):  # regression: these displaced it
        new = await open_database(path)
        await add(new, f"n{number}")
        await new.close()
    assert before.exists()
    assert len(backups(path)) == KEPT_BACKUPS + 1


async def test_a_failed_migration_leaves_the_file_unchanged_and_is_reported(
    path: Path, open_database: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY_MS", 20)
    old = await open_database(path)
    await add(old, "yan", "zoe")
    await old.close()
    with monkeypatch.context() as patch:
        add_step(patch, BROKEN)
        failed = await open_database(path)
        (warning,) = failed.file.warnings
        assert warning.startswith("The chat state is kept in memory until you quit")
    assert version_in(path) == len(STEPS)
    assert await names(failed) == []
    again = await open_database(path)
    assert await names(again) == ["yan", "zoe"]
    assert again.file.warnings == []


async def test_a_file_that_cannot_be_backed_up_is_not_migrated(
    path: Path, open_database: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = await open_database(path)
    await add(old, "zoe")
    await old.close()
    folder = path.with_name("backups")
    shutil.rmtree(folder)
    folder.write_text("a file in the way of the folder")
    add_step(monkeypatch, NEXT)
    refused = await open_database(path)
    (warning,) = refused.file.warnings
    assert warning.startswith(
        "The chat state is kept in memory until you quit: chat.db is of an older version and must be converted, "
        "but a backup before that failed ("
    )
    assert warning.endswith(f"free some space, make {folder} writable, then start again.")
    assert (version_in(path), names_in(path)) == (len(STEPS), ["zoe"])
    folder.unlink()
    again = await open_database(path)
    assert (await names(again), again.file.warnings) == (["zoe"], [])
    assert len(backups(path)) == 2


async def newer_file(path: Path, open_database: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        add_step(patch, NEXT)
        newer = await open_database(path)
        await add(newer, "zoe")
        await newer.close()


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


async def test_a_file_of_a_newer_version_is_rejected_and_not_written(
    path: Path, open_database: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    await newer_file(path, open_database, monkeypatch)
    before = contents(path.parent)
    older = await open_database(path)
    assert older.file.newer_file == (
        f"{path} was written by a newer version of the companion (schema {len(STEPS) + 1}; this version supports "
        f"{len(STEPS)}). Install that version, or use another data folder."
    )
    assert older.file.warnings == [f"The chat state is kept in memory until you quit: {older.file.newer_file}"]
    assert older.file.in_memory
    await add(older, "yan")
    await older.close()
    assert contents(path.parent) == before


async def test_a_newer_schema_in_the_write_ahead_log_is_rejected_and_not_written(
    path: Path, open_database: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A newer version that was killed right after its migration leaves such a file."""
    killed = tmp_path / "killed"
    killed.mkdir()
    await (await open_database(path)).close()
    with monkeypatch.context() as patch:
        add_step(patch, NEXT)
        newer = await open_database(path)
        await add(newer, "zoe")
        for suffix in ("", "-wal"):
            shutil.copy(f"{path}{suffix}", killed / f"chat.db{suffix}")
        await newer.close()
    before = contents(killed)
    assert int.from_bytes(before["chat.db"][60:64], "big") == len(STEPS), "the file itself has the old schema"
    older = await open_database(killed / "chat.db")
    assert f"schema {len(STEPS) + 1}" in older.file.newer_file
    await older.close()
    assert contents(killed) == before


def damage(path: Path) -> None:
    path.write_bytes(b"no database" * 1000)


async def test_a_backup_of_a_newer_version_does_not_replace_a_damaged_file(
    path: Path, open_database: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    await newer_file(path, open_database, monkeypatch)
    assert backups(path) != []
    damage(path)
    recovered = await open_database(path)
    assert await names(recovered) == []
    assert recovered.file.warnings[0].endswith("(see the folder backups), so the state starts empty.")
    assert len(damaged_files(path)) == 1
