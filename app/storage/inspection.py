"""Check whether a SQLite file is a chat state that this version can use: neither damaged nor of a newer version.
``chat_file`` checks the state's own file and its backups with it, and repairs a damaged file.
"""

import contextlib
import shutil
import sqlite3
import tempfile
from functools import cache
from pathlib import Path

from app.storage import migrations


class NewerSchema(Exception):
    """A newer version of the companion wrote the file. It is not damaged, but this version must not change it."""

    def __init__(self, version: int) -> None:
        super().__init__(f"schema {version}; this version supports {len(migrations.STEPS)}")


def primary_code(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code, or 0 for an error of the ``sqlite3`` module itself."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def check_newer(path: Path, timeout_s: float) -> None:
    """Raise ``NewerSchema`` if a newer version wrote the file. Does not write, and ignores all other problems."""
    with contextlib.suppress(sqlite3.Error, OSError), tempfile.TemporaryDirectory() as folder:
        wal = path.with_name(f"{path.name}-wal")
        if wal.exists() and wal.stat().st_size:
            # The write-ahead log may have a newer schema, and reading in place would write it to the file.
            for file in (path, wal):
                shutil.copyfile(file, Path(folder, file.name))
            connection = sqlite3.connect(Path(folder, path.name), timeout=timeout_s)
        else:
            connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
        with contextlib.closing(connection):
            _check_newer(connection)


def damage(path: Path, timeout_s: float, *, may_be_empty: bool = False) -> str:
    """Return how the file is damaged, or an empty text.

    ``may_be_empty`` accepts a database without tables. Raises ``NewerSchema``, and ``sqlite3.Error`` if the file
    cannot be read for a reason other than damage, such as a full disk or a lock by another program.
    """
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=timeout_s)) as connection:
            return _broken_pages(connection) or _schema_damage(connection, may_be_empty) or _broken_text(connection)
    except sqlite3.Error as error:
        # 0 is an error of the sqlite3 module: a name that is not UTF-8.
        if primary_code(error) not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, 0):
            raise
        return str(error)


def only_text_is_broken(path: Path) -> bool:
    """Return whether all rows of a damaged file are readable, so that only text in them can be damaged."""
    try:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            return not _broken_pages(connection) and not _schema_damage(connection, may_be_empty=False)
    except (sqlite3.Error, NewerSchema):
        return False


def columns_of(version: int) -> dict[str, list[str]]:
    """Return the columns of each table in a schema version."""
    return _columns_after(migrations.STEPS[:version])


@cache
def _columns_after(steps: tuple[str, ...]) -> dict[str, list[str]]:
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        for step in steps:
            connection.executescript(step)
        return {table: _columns(connection, table) for table in sorted(_tables(connection))}


def schema_version(connection: sqlite3.Connection) -> int:
    """Return the number of migrations that were applied to the file."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _check_newer(connection: sqlite3.Connection) -> None:
    version = schema_version(connection)
    # Other programs set user_version too. A newer companion still has some of our tables.
    if version > len(migrations.STEPS) and not _tables(connection).isdisjoint(columns_of(len(migrations.STEPS))):
        raise NewerSchema(version)


def _broken_pages(connection: sqlite3.Connection) -> str:
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    return "" if verdict == "ok" else " ".join(str(verdict).split())


def _schema_damage(connection: sqlite3.Connection, may_be_empty: bool) -> str:
    _check_newer(connection)
    version, tables = schema_version(connection), _tables(connection)
    if not tables:
        return "" if may_be_empty and version == 0 else "it was empty"
    if not 0 < version <= len(migrations.STEPS):
        return "it belongs to another program"
    for table, names in columns_of(version).items():
        if table not in tables:
            return f"the table {table} is missing"
        if missing := set(names).difference(_columns(connection, table)):
            return f"the column {min(missing)} of the table {table} is missing"
    return ""


def _broken_text(connection: sqlite3.Connection) -> str:
    """Return which table contains text that is not UTF-8; SQLite itself does not check that."""
    for table, names in columns_of(schema_version(connection)).items():
        try:
            for _ in connection.execute(f"SELECT {', '.join(names)} FROM {table}"):
                pass
        except sqlite3.OperationalError as error:
            if primary_code(error):
                raise
            return f"text in the table {table} is not UTF-8"
    return ""


def _tables(connection: sqlite3.Connection) -> set[str]:
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return {name for (name,) in rows}


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [name for (name,) in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))]
