"""Open, check, repair, migrate and back up the SQLite file of the chat state.
If the file cannot be used, the state is kept in memory instead, with a warning for the user.

The steps when the file is opened:

1. If a newer version of the companion wrote the file, leave it unchanged and keep the state in memory.
2. If it is damaged, rename it, and restore the newest good backup. Without one, copy all rows
   if only text is damaged; otherwise start with an empty state.
3. Migrate it to the current schema, after a backup.
4. Back it up, unless it is new.

``Database.close`` backs it up, too. A state that equals the newest backup is not backed up again, so that starts
without changes do not displace older states. The newest ``KEPT_BACKUPS`` backups are kept, and the one before the
newest migration. Numbers in their names give the order, because the clock may have been wrong when one was made.

A backup that fails is only logged, except before a migration: the file is not migrated without one, and the state
is kept in memory.

Everything here blocks, so it runs on the storage thread (see ``database``).
"""

import contextlib
import filecmp
import logging
import re
import shutil
import sqlite3
import stat
import time
from pathlib import Path

from app.protocol.errors import StorageError
from app.protocol.times import local
from app.storage import inspection, migrations
from app.storage.inspection import NewerSchema, primary_code
from app.system.files import delete, kind, reason, replace, require_regular

log = logging.getLogger(__name__)

BUSY_MS = 5000
"""How long SQLite waits for another program that has locked the file."""
KEPT_BACKUPS = 3
"""Older backups are deleted."""
MIGRATION = "schema"
"""Begins the reason in the name of a backup that is made before a migration; the number of the schema follows."""
DISK_FULL_BYTES = 128 * 1024
"""If less space than this is free, an I/O error is reported as a full disk."""


class ChatFile:
    """The file and its backups. ``warnings`` are sentences for the user about problems when it was opened."""

    def __init__(self, path: Path | None) -> None:
        """``path`` None keeps the state in memory."""
        self.in_memory = path is None
        """Whether the state is kept in memory and lost at exit."""
        self.warnings: list[str] = []
        self.newer_file = ""
        """A sentence for the user if a newer version wrote the file, which is then not changed; otherwise empty."""
        self._path = path or Path(":memory:")
        self._backups = self._path.parent / "backups"

    def open(self) -> sqlite3.Connection:
        """Open, check, repair, migrate and back up the file. If that fails, use memory instead, with a warning."""
        try:
            return self._open()
        except (StorageError, NewerSchema, sqlite3.Error, OSError) as error:
            why = self.explain(error) if isinstance(error, sqlite3.Error) else str(error)
            if isinstance(error, NewerSchema):
                why = (
                    f"{self._path} was written by a newer version of the companion ({error}). Install that "
                    "version, or use another data folder"
                )
                self.newer_file = f"{why}."
            self.warnings.append(f"The chat state is kept in memory until you quit: {why}.")
            log.info("the chat state is kept in memory: %s", kind(error))
            self.in_memory, self._path = True, Path(":memory:")
            return self._open()

    def explain(self, error: sqlite3.Error) -> str:
        """Return a message for the user: what went wrong, and what to do."""
        text = str(error)
        if "full" in text or (primary_code(error) == sqlite3.SQLITE_IOERR and _disk_is_full(self._path.parent)):
            return f"the disk that holds {self._path.parent} is full: free some space and try again"
        if "locked" in text or "busy" in text:
            return f"another program has locked {self._path.name}: close it and try again"
        if "readonly" in text or "read-only" in text:
            return f"{self._path} is read-only: check its permissions"
        return f"{self._path.name} could not be used ({text}); a restart checks and repairs it"

    def _open(self) -> sqlite3.Connection:
        if not self.in_memory and not self._path.exists() and self._replacement.exists():
            replace(self._replacement, self._path)  # a repair was interrupted between its last two steps
        existed = not self.in_memory and self._path.exists()
        if existed:
            for suffix in ("", "-wal", "-shm"):
                require_regular(self._path.with_name(self._path.name + suffix))  # SQLite would wait for a FIFO
            self._adapt_modes()
            inspection.check_newer(self._path, BUSY_MS / 1000)
        if not self.in_memory:
            self._remove_unfinished_backups()
        if existed and (damage := self._damage(self._path, may_be_empty=not self._backup_files())):
            self._repair(damage)
        connection = self._connect(self._path)
        try:
            self._migrate(connection)
        except BaseException:
            connection.close()  # otherwise, the file would stay locked
            raise
        if existed:
            self.back_up(connection, "start")
        return connection

    def _adapt_modes(self) -> None:
        """Give the files beside the state its permissions. SQLite leaves them if the state was read-only."""
        with contextlib.suppress(OSError):
            mode = stat.S_IMODE(self._path.stat().st_mode)
            for suffix in ("-wal", "-shm"):
                beside = self._path.with_name(self._path.name + suffix)
                if beside.exists():
                    beside.chmod(mode)

    @property
    def _replacement(self) -> Path:
        """The file that a repair makes. It takes the place of the damaged one when it is complete."""
        return self._path.with_name(f"{self._path.name}.part")

    def _remove_unfinished_backups(self) -> None:
        for unfinished in self._backups.glob("*.part*"):
            with contextlib.suppress(OSError):
                unfinished.unlink(missing_ok=True)

    @staticmethod
    def _connect(path: Path) -> sqlite3.Connection:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        connection.text_factory = _decode_text  # quick_check does not find invalid UTF-8
        try:
            connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _damage(self, path: Path, *, may_be_empty: bool = False) -> str:
        """Return how a file is damaged; empty if it is not. Raises ``StorageError`` if it cannot be read."""
        try:
            return inspection.damage(path, BUSY_MS / 1000, may_be_empty=may_be_empty)
        except sqlite3.Error as error:
            raise StorageError(self.explain(error)) from None

    def _is_good(self, backup: Path) -> bool:
        with contextlib.suppress(NewerSchema, StorageError):
            return not self._damage(backup)
        return False

    def _repair(self, damage: str) -> None:
        """Rename the damaged file, and replace it by a backup, by its readable rows, or by a new file.

        The damaged file stays in its place until the other one is complete: a repair that fails is tried again.
        """
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self._replacement}{suffix}").unlink(missing_ok=True)
        outcome = self._make_replacement()
        stamp = time.strftime("%Y%m%d-%H%M%S")
        damaged = self._path.with_name(f"{self._path.name}.damaged-{stamp}")
        for suffix in ("", "-wal", "-shm"):
            part = Path(f"{self._path}{suffix}")
            if part.exists():
                replace(part, Path(f"{damaged}{suffix}"))
        if self._replacement.exists():
            replace(self._replacement, self._path)
        renamed = f"The file was renamed to {damaged.name}."
        self.warnings.append(f"The chat state was damaged ({damage}). {renamed} {outcome}")
        log.info("the chat state was damaged; the file was renamed to %s", damaged.name)

    def _make_replacement(self) -> str:
        """Make a file from a backup or from the readable rows, or none, and say which."""
        backups = self._backup_files()
        if backup := next(filter(self._is_good, backups), None):
            source, target = sqlite3.connect(backup), sqlite3.connect(self._replacement)
            with contextlib.closing(source), contextlib.closing(target):
                source.backup(target)
            return f"The backup of {local(backup.stat().st_mtime):%Y-%m-%d %H:%M} is in use."
        none = "No backup could be used (see the folder backups)" if backups else "There was no backup"
        if inspection.only_text_is_broken(self._path):
            if self._copy_rows(self._path):
                return f"{none}. Its content is in use, with � in place of the damaged characters."
            self._replacement.unlink(missing_ok=True)
        return f"{none}, so the state starts empty."

    def _copy_rows(self, source: Path) -> bool:
        """Copy all rows to a new file, and replace invalid UTF-8 by ``�``. Return whether that was possible."""
        old, new = sqlite3.connect(source), self._connect(self._replacement)
        with contextlib.closing(old), contextlib.closing(new):
            old.text_factory = _decode_text
            version = inspection.schema_version(old)
            self._migrate(new, version)
            new.execute("BEGIN")
            try:
                for table, names in inspection.columns_of(version).items():
                    rows = old.execute(f"SELECT {', '.join(names)} FROM {table}")
                    values = ", ".join("?" * len(names))
                    new.executemany(f"INSERT OR IGNORE INTO {table} ({', '.join(names)}) VALUES ({values})", rows)
            except sqlite3.Error as error:
                log.info("the damaged file cannot be copied: %s", kind(error))
                return False
            new.execute("COMMIT")
        return True

    def _migrate(self, connection: sqlite3.Connection, to: int | None = None) -> None:
        """Apply the missing migrations, or those up to the schema version ``to``."""
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        is_older, name = 0 < version < len(migrations.STEPS), f"{MIGRATION}{version}"
        if is_older and (why := self._backup_error(connection, name, always=True)):
            text = (
                f"{self._path.name} is of an older version and must be converted, but a backup before that failed "
                f"({why}). It was not changed: free some space, make {self._backups} writable, then start again"
            )
            raise StorageError(text)
        for number, step in enumerate(migrations.STEPS[version:to], start=version + 1):
            connection.executescript(f"BEGIN IMMEDIATE;\n{step}\nPRAGMA user_version = {number};\nCOMMIT;")

    def _backup_files(self) -> list[Path]:
        """Return the backups, newest first."""
        return sorted(self._backups.glob("chat-*.db"), key=_number, reverse=True)

    def back_up(self, connection: sqlite3.Connection, why: str) -> None:
        """Copy the file to the backups folder, unless the newest backup is equal. ``why`` becomes part of the name.

        A failure is only logged.
        """
        self._backup_error(connection, why)

    def _backup_error(self, connection: sqlite3.Connection, why: str, *, always: bool = False) -> str:
        """Copy the file like ``back_up``, or ``always``. Return the error, or an empty text."""
        if self.in_memory:
            return ""
        try:
            self._backups.mkdir(exist_ok=True)
            newest = next(iter(self._backup_files()), None)
            number = _number(newest) + 1 if newest else 1
            fresh = self._backups / f"chat-{number:06}-{why}.db"
            unfinished = fresh.with_suffix(".part")
            with contextlib.closing(sqlite3.connect(unfinished)) as target:
                connection.backup(target)
            if newest and not always and _are_equal(unfinished, newest):
                delete(unfinished)
                return ""
            replace(unfinished, fresh)
        except (OSError, sqlite3.Error) as error:
            log.info("the chat state could not be backed up: %s", kind(error))
            return self.explain(error) if isinstance(error, sqlite3.Error) else reason(error)
        try:
            backups = self._backup_files()
            before_migrations = [each for each in backups if f"-{MIGRATION}" in each.name]
            usual = [each for each in backups if each not in before_migrations]
            for old in usual[KEPT_BACKUPS:] + before_migrations[1:]:
                old.unlink()
        except OSError as error:
            log.info("an old backup could not be deleted: %s", kind(error))
        return ""


def _number(backup: Path) -> int:
    """Return the number in a backup's name. In names of earlier versions, it is a time in nanoseconds."""
    found = re.match(r"chat-([0-9]+)", backup.name)
    return int(found[1]) if found else 0


def _are_equal(file: Path, other: Path) -> bool:
    with contextlib.suppress(OSError):
        return filecmp.cmp(file, other, shallow=False)
    return False


def _decode_text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _disk_is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < DISK_FULL_BYTES
    except OSError:
        return False
