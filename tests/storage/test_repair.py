"""A damaged file is renamed, the newest good backup replaces it, and the user gets a warning."""

import contextlib
import os
import random
import shutil
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.storage import chat_file as module
from app.storage import inspection
from app.storage.chat import is_unused
from app.storage.chat_file import KEPT_BACKUPS
from app.storage.database import Database
from tests.storage.conftest import Open
from tests.storage.stored import add, backups, damaged_files, names, names_in, other_connection

PAGE = 4096
MANY = [f"person{number:04}" for number in range(400)]


def truncate(file: Path) -> None:
    with file.open("r+b") as stream:
        stream.truncate(file.stat().st_size // 2 // PAGE * PAGE + 100)


def overwrite_header(file: Path) -> None:
    with file.open("r+b") as stream:
        stream.write(b"this is no SQLite database, not any more" * 3)


def overwrite_middle_pages(file: Path) -> None:
    noise = random.Random(1)
    pages = file.stat().st_size // PAGE
    with file.open("r+b") as stream:
        for page in range(pages // 3, pages * 2 // 3 + 1):
            stream.seek(page * PAGE)
            stream.write(noise.randbytes(PAGE))


def rename(file: Path, name: str) -> None:
    file.rename(file.with_name(name))


def empty(file: Path) -> None:
    file.write_bytes(b"")


def bytes_of(file: Path) -> bytes:
    return file.read_bytes()


DAMAGES = [truncate, overwrite_header, overwrite_middle_pages]
Damage = Callable[[Path], None]


async def create_filled_database(path: Path, open_database: Open) -> Database:
    """Create a database with many people and one backup, and close it."""
    database = await open_database(path)
    await database.submit(
        lambda db: db.executemany(
            "INSERT INTO people VALUES (?,?,'',0,0,'',0,0,0,0)", ((name, "k" * 300) for name in MANY)
        )
    )
    await database.close()
    return database


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_damaged_file_is_set_aside_and_the_last_backup_restored(
    path: Path, open_database: Open, damage: Damage
) -> None:
    await create_filled_database(path, open_database)
    damage(path)
    broken = bytes_of(path)
    repaired = await open_database(path)
    assert await names(repaired) == MANY
    assert not await repaired.submit(is_unused)
    (damaged_file,) = damaged_files(path)
    assert bytes_of(damaged_file) == broken
    (warning,) = repaired.file.warnings
    assert f"renamed to {damaged_file.name}" in warning
    assert "The backup of " in warning
    await add(repaired, "zoe")
    await repaired.close()
    assert "zoe" in names_in(path)


async def test_an_empty_file_is_restored(path: Path, open_database: Open) -> None:
    """A full disk or a power failure can leave an empty file."""
    await create_filled_database(path, open_database)
    empty(path)
    assert await names(await open_database(path)) == MANY


def replace_with_foreign_database(file: Path, version: int = 0) -> None:
    file.unlink()
    with contextlib.closing(sqlite3.connect(file)) as other:
        other.executescript(f"CREATE TABLE bookmarks (url TEXT); PRAGMA user_version = {version}")


def replace_with_foreign_database_of_other_version(file: Path) -> None:
    replace_with_foreign_database(file, version=77)


def replace_with_foreign_database_of_same_version(file: Path) -> None:
    replace_with_foreign_database(file, version=1)


def replace_with_database_without_tables(file: Path) -> None:
    file.unlink()
    with contextlib.closing(sqlite3.connect(file)) as other:
        other.executescript("CREATE TABLE x (y); DROP TABLE x")


def change(file: Path, sql: str) -> None:
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.executescript(sql)


def drop_table(file: Path) -> None:
    change(file, "DROP TABLE people")


def drop_column(file: Path) -> None:
    change(file, "ALTER TABLE messages DROP COLUMN reactions")


def invalidate_text(file: Path) -> None:
    change(file, "UPDATE people SET public_key = CAST(x'6bff6b' AS TEXT) WHERE username = 'person0007'")


FOREIGN = [
    (replace_with_foreign_database, "it belongs to another program"),
    (replace_with_foreign_database_of_other_version, "it belongs to another program"),
    (replace_with_foreign_database_of_same_version, "the table messages is missing"),
    (replace_with_database_without_tables, "it was empty"),
    (drop_table, "the table people is missing"),
    (drop_column, "the column reactions of the table messages is missing"),
    (invalidate_text, "text in the table people is not UTF-8"),
]


@pytest.mark.parametrize(("damage", "reason"), FOREIGN, ids=lambda each: getattr(each, "__name__", ""))
async def test_a_valid_database_that_is_not_a_chat_state_is_set_aside_and_the_backup_restored(
    path: Path, open_database: Open, damage: Damage, reason: str
) -> None:
    await create_filled_database(path, open_database)
    damage(path)
    broken = bytes_of(path)
    repaired = await open_database(path)
    assert await names(repaired) == MANY
    (damaged_file,) = damaged_files(path)
    assert bytes_of(damaged_file) == broken
    (warning,) = repaired.file.warnings
    assert warning.startswith(
        f"The chat state was damaged ({reason}). The file was renamed to {damaged_file.name}. The backup of "
    )


async def test_invalid_text_without_a_backup_is_replaced_and_other_data_is_kept(
    path: Path, open_database: Open
) -> None:
    await create_filled_database(path, open_database)
    for file in backups(path):
        file.unlink()
    invalidate_text(path)
    repaired = await open_database(path)
    assert await names(repaired) == MANY
    (key,) = await repaired.submit(
        lambda db: db.execute("SELECT public_key FROM people WHERE username = 'person0007'").fetchone()
    )
    assert key == "k\ufffdk"
    assert repaired.file.warnings[0].endswith(
        "There was no backup. Its content is in use, with \ufffd in place of the damaged characters."
    )
    await repaired.close()
    assert (await open_database(path)).file.warnings == []


async def test_the_first_start_causes_no_warnings(path: Path, open_database: Open) -> None:
    assert (await open_database(path)).file.warnings == []
    assert damaged_files(path) == []


@pytest.mark.parametrize("damage", DAMAGES)
async def test_an_older_backup_is_used_if_the_newest_is_damaged(
    path: Path, open_database: Open, damage: Damage
) -> None:
    await create_filled_database(path, open_database)
    later = await open_database(path)
    await add(later, "zoe")
    await later.close()
    newest = backups(path)[-1]
    assert "zoe" in names_in(newest)
    for file in (newest, path):
        damage(file)
    assert await names(await open_database(path)) == MANY


@pytest.mark.parametrize("damage", DAMAGES)
async def test_without_a_backup_the_state_starts_empty(path: Path, open_database: Open, damage: Damage) -> None:
    await create_filled_database(path, open_database)
    for file in backups(path):
        file.unlink()
    damage(path)
    recovered = await open_database(path)
    assert await recovered.submit(is_unused)
    assert await names(recovered) == []
    assert recovered.file.warnings[0].endswith("There was no backup, so the state starts empty.")


async def test_if_every_backup_is_damaged_the_state_starts_empty(path: Path, open_database: Open) -> None:
    await create_filled_database(path, open_database)
    for file in (*backups(path), path):
        overwrite_header(file)
    recovered = await open_database(path)
    assert await recovered.submit(is_unused)
    assert "No backup could be used (see the folder backups), so the state" in recovered.file.warnings[0]
    await add(recovered, "zoe")


async def test_a_repair_that_fails_is_tried_again_at_the_next_start(
    path: Path, open_database: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    await create_filled_database(path, open_database)
    overwrite_header(path)

    def fail(_: object) -> str:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(module.ChatFile, "_make_replacement", fail)
        first = await open_database(path)
        assert first.file.in_memory
        await first.close()
    assert damaged_files(path) == []
    assert await names(await open_database(path)) == MANY


async def test_a_repair_that_was_killed_between_its_last_steps_is_completed(
    path: Path, open_database: Open
) -> None:
    await create_filled_database(path, open_database)
    rename(path, "chat.db.part")
    assert await names(await open_database(path)) == MANY


async def test_a_backup_that_cannot_be_opened_is_skipped(path: Path, open_database: Open) -> None:
    await create_filled_database(path, open_database)
    overwrite_header(path)
    for name in ("chat-9.db", "chat-9.part"):
        (path.parent / "backups" / name).mkdir()
    repaired = await open_database(path)
    assert not repaired.file.in_memory
    assert await names(repaired) == MANY


async def test_the_warning_names_the_time_of_the_restored_backup(path: Path, open_database: Open) -> None:
    await create_filled_database(path, open_database)
    (backup,) = backups(path)
    timestamp = time.mktime((2026, 3, 1, 12, 34, 0, 0, 0, -1))
    os.utime(backup, (timestamp, timestamp))
    overwrite_header(path)
    (warning,) = (await open_database(path)).file.warnings
    assert "The backup of 2026-03-01 12:34 is in use." in warning


async def test_checking_backups_leaves_no_other_files(path: Path, open_database: Open) -> None:
    await create_filled_database(path, open_database)
    overwrite_header(path)
    await (await open_database(path)).close()
    assert all(file.suffix == ".db" for file in backups(path))


async def test_the_three_newest_backups_are_kept(path: Path, open_database: Open) -> None:
    for number in range(4):
        database = await open_database(path)
        await add(database, f"n{number}")
        await database.close()
    backup_files = backups(path)
    assert len(backup_files) == KEPT_BACKUPS == 3
    assert names_in(backup_files[-1]) == ["n0", "n1", "n2", "n3"]
    assert all(file.name.startswith("chat-") and file.suffix == ".db" for file in backup_files)


async def test_an_unchanged_state_does_not_displace_older_backups(path: Path, open_database: Open) -> None:
    """Regression: after a reset by mistake, one command that only reads deleted all backups of the state before."""
    database = await open_database(path)
    await add(database, "zoe")
    await database.close()
    database = await open_database(path)
    await database.submit(lambda db: db.execute("DELETE FROM people"))
    await database.close()
    for _ in range(KEPT_BACKUPS):
        await (await open_database(path)).close()
    assert [names_in(each) for each in backups(path)] == [["zoe"], []]
    overwrite_header(backups(path)[-1])
    await (await open_database(path)).close()
    first, _, last = backups(path)
    assert (names_in(first), names_in(last)) == (["zoe"], [])


@pytest.mark.parametrize("first", [4_000_000_000_000_000_000, 100], ids=["name of an earlier version", "number"])
async def test_backups_with_a_time_in_the_future_do_not_replace_newer_ones(
    path: Path, open_database: Open, first: int
) -> None:
    await create_filled_database(path, open_database)
    (old,) = backups(path)
    future = time.time() + 7200
    for number in range(first, first + KEPT_BACKUPS):
        copy = old.with_name(f"chat-{number:06}-stop.db")
        shutil.copy(old, copy)
        os.utime(copy, (future, future))
    later = await open_database(path)
    await add(later, "zoe")
    await later.close()
    assert len(backups(path)) == KEPT_BACKUPS
    assert "zoe" in names_in(backups(path)[-1])
    overwrite_header(path)
    assert "zoe" in await names(await open_database(path))


async def test_a_state_that_was_read_only_can_be_used_again(
    path: Path, open_database: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: files that SQLite had left were still read-only, and the state could not be read any more."""
    first = await open_database(path)
    await add(first, "zoe")
    await first.close()
    beside = [path.with_name(path.name + suffix) for suffix in ("-wal", "-shm")]
    for each in beside:
        each.touch()
        each.chmod(0o400)
    modes: list[set[int]] = []

    def note_modes(*_: object) -> None:  # SQLite as root ignores them, and replaces the files
        modes.append({each.stat().st_mode for each in (path, *beside)})

    monkeypatch.setattr(inspection, "check_newer", note_modes)
    assert await names(await open_database(path)) == ["zoe"]
    assert [len(each) for each in modes] == [1]


async def test_a_failed_backup_does_not_prevent_opening(path: Path, open_database: Open) -> None:
    (path.parent / "backups").write_text("a file")
    first = await open_database(path)
    await add(first, "zoe")
    await first.close()
    assert await names(await open_database(path)) == ["zoe"]


async def test_an_unusable_folder_is_reported_and_the_state_is_kept_in_memory(
    tmp_path: Path, open_database: Open
) -> None:
    (tmp_path / "file").write_text("a file")
    database = await open_database(tmp_path / "file" / "chat.db")
    (warning,) = database.file.warnings
    assert warning.startswith("The chat state is kept in memory until you quit: ")
    assert await database.submit(is_unused)
    await add(database, "zoe")
    assert await names(database) == ["zoe"]


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
async def test_a_valid_file_locked_by_another_program_is_not_treated_as_damaged(
    path: Path,
    open_database: Open,
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
) -> None:
    monkeypatch.setattr(module, "BUSY_MS", 20)
    await create_filled_database(path, open_database)
    with other_connection(path) as other:
        other.execute(f"PRAGMA journal_mode = {mode}")
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        other.execute("UPDATE people SET online = 1")
        other.execute("COMMIT")
        database = await open_database(path)
        assert database.file.warnings != []
        assert damaged_files(path) == []
    assert len(names_in(path)) == len(MANY)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no FIFOs in folders")
@pytest.mark.parametrize("suffix", ["", "-wal"])
async def test_a_fifo_in_the_place_of_the_file_is_reported_and_does_not_block(
    path: Path, open_database: Open, suffix: str
) -> None:
    if suffix:
        await create_filled_database(path, open_database)
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    os.mkfifo(path.with_name(path.name + suffix))
    database = await open_database(path)
    assert database.file.in_memory
    (warning,) = database.file.warnings
    assert "Not a regular file" in warning
    await add(database, "zoe")
