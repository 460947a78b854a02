"""The tables ``users``, ``messages`` and ``read_marks`` of the stand-in, in SQLite or in a real PostgreSQL."""

import itertools
import re
import sqlite3
import threading
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from tests.postgrest_stand_in.query import Condition, Query

TIMES = ("last_seen", "created_at", "read_at")
COMMANDS = ("SELECT", "INSERT", "UPDATE", "DELETE")


class SqlError(Exception):
    """An error of the database, with its SQLSTATE."""

    def __init__(self, code: str, message: str, details: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.details = code, message, details


class Store(Protocol):
    """The tables, as the stand-in uses them. ``forbidden``: pairs of a table and a command that RLS rejects."""

    forbidden: set[tuple[str, str]]

    @staticmethod
    def quote(name: str) -> str: ...

    def select(self, table: str, query: Query, limit: int) -> list[dict[str, Any]]: ...

    def insert(self, table: str, rows: list[dict[str, Any]], *, merge: bool) -> list[dict[str, Any]]: ...

    def update(self, table: str, changes: dict[str, Any], where: Condition) -> list[dict[str, Any]]: ...

    def delete(self, table: str, where: Condition) -> list[dict[str, Any]]: ...

    def close(self) -> None: ...


def ddl(*, new: bool, read_marks: bool, uuid_type: str, time_type: str, now: str, new_id: str) -> list[str]:
    """Return the statements that create the tables of the older or the newer schema."""
    users_more, messages_more = (", signing_key text NOT NULL", ", signature text NOT NULL") if new else ("", "")
    tables = [
        "CREATE TABLE users (username text PRIMARY KEY, node_id text UNIQUE NOT NULL, public_key text NOT NULL,"
        f" last_ip text, last_seen {time_type}{users_more})",
        f"CREATE TABLE messages (id {uuid_type} PRIMARY KEY DEFAULT {new_id}, to_user text NOT NULL"
        " REFERENCES users (username), from_user text NOT NULL, ciphertext text NOT NULL,"
        f" created_at {time_type} DEFAULT {now}{messages_more})",
    ]
    if read_marks:
        tables.append(
            "CREATE TABLE read_marks (username text NOT NULL, peer text NOT NULL, msg_id text NOT NULL,"
            f" read_at {time_type}, PRIMARY KEY (username, peer))"
        )
    return tables


KEYS = {"users": ("username",), "messages": ("id",), "read_marks": ("username", "peer")}


class SqliteStore:
    """The tables in SQLite, with PostgreSQL's error codes and its format of times."""

    def __init__(self, *, new: bool = True, read_marks: bool = False) -> None:
        self.forbidden: set[tuple[str, str]] = set()
        self._db = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA foreign_keys = ON")
        self._db.create_function("gen_id", 0, lambda: str(uuid.uuid4()))
        self._db.create_function("now", 0, lambda: _time(datetime.now(UTC).isoformat()))
        for each in ddl(new=new, read_marks=read_marks, uuid_type="text", time_type="text", now="(now())",
                        new_id="(gen_id())"):  # fmt: skip
            self._db.execute(each)
        self._lock = threading.Lock()

    @staticmethod
    def quote(name: str) -> str:
        return f"[{name}]"  # SQLite takes an unknown "name" for a text

    def select(self, table: str, query: Query, limit: int) -> list[dict[str, Any]]:
        columns = ", ".join(each if each == "*" else self.quote(each) for each in query.columns)
        sql = f"SELECT {columns} FROM [{table}]{self._where(table, 'SELECT', query.where)}"
        sql += f" ORDER BY {query.order}" if query.order else ""
        return self._run(f"{sql} LIMIT {limit} OFFSET {query.offset}", _values(query.where))

    def insert(self, table: str, rows: list[dict[str, Any]], *, merge: bool) -> list[dict[str, Any]]:
        if (table, "INSERT") in self.forbidden:
            raise _row_level(table)
        found = []
        for row in rows:
            names = ", ".join(map(self.quote, row))
            sql = f"INSERT INTO [{table}] ({names}) VALUES ({', '.join('?' * len(row))})"
            if merge:
                if (table, "UPDATE") in self.forbidden:
                    raise _row_level(table)
                sql += _upsert(table, row, self.quote)
            values = [_time(str(value)) if name in TIMES else value for name, value in row.items()]
            found += self._run(f"{sql} RETURNING *", values)
        return found

    def update(self, table: str, changes: dict[str, Any], where: Condition) -> list[dict[str, Any]]:
        sets = ", ".join(f"{self.quote(name)} = ?" for name in changes)
        values = [_time(str(value)) if name in TIMES else value for name, value in changes.items()]
        sql = f"UPDATE [{table}] SET {sets}{self._where(table, 'UPDATE', where)} RETURNING *"
        return self._run(sql, [*values, *_values(where)])

    def delete(self, table: str, where: Condition) -> list[dict[str, Any]]:
        sql = f"DELETE FROM [{table}]{self._where(table, 'DELETE', where)} RETURNING *"
        return self._run(sql, _values(where))

    def close(self) -> None:
        self._db.close()

    def _where(self, table: str, command: str, where: Condition) -> str:
        if {(table, command), (table, "SELECT")} & self.forbidden:
            return f" WHERE ({where.sql or 1}) AND 0"  # row-level security hides the rows
        return f" WHERE {where.sql}" if where.sql else ""

    def _run(self, sql: str, values: Sequence[Any]) -> list[dict[str, Any]]:
        with self._lock:
            try:
                return [dict(row) for row in self._db.execute(sql, tuple(values)).fetchall()]
            except sqlite3.Error as error:
                raise _as_postgres(str(error)) from None


def _as_postgres(text: str) -> SqlError:
    if match := re.search(r"no such column: (\S+)|has no column named (\S+)", text):
        return SqlError("42703", f"column {match[1] or match[2]} does not exist")
    if match := re.search(r"no such table: (\S+)", text):
        return SqlError("42P01", f'relation "public.{match[1]}" does not exist')
    if match := re.search(r"UNIQUE constraint failed: (\S+)", text):
        return SqlError("23505", "duplicate key value violates unique constraint", f"Key ({match[1]}) exists.")
    if "FOREIGN KEY" in text:
        return SqlError("23503", "insert or update violates foreign key constraint", "Key is not present.")
    if "NOT NULL" in text:
        return SqlError("23502", "null value in column violates not-null constraint")
    return SqlError("XX000", text)


def _time(text: str) -> str:
    """Return a time as PostgreSQL's JSON does, in UTC."""
    if text == "-infinity":  # sorts before all others, also as a text
        return text
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SqlError("22007", f'invalid input syntax for type timestamp with time zone: "{text}"') from None
    return moment.astimezone(UTC).isoformat()


def _values(where: Condition) -> list[str]:
    found = []
    for column, value in where.params:
        if column == "id":
            try:
                value = str(uuid.UUID(value))
            except ValueError:
                raise SqlError("22P02", f'invalid input syntax for type uuid: "{value}"') from None
        found.append(_time(value) if column in TIMES else value)
    return found


def _row_level(table: str) -> SqlError:
    return SqlError("42501", f'new row violates row-level security policy for table "{table}"')


def _upsert(table: str, row: dict[str, Any], quote: Any) -> str:
    keys = ", ".join(map(quote, KEYS[table]))
    sets = ", ".join(f"{quote(name)} = excluded.{quote(name)}" for name in row)
    return f" ON CONFLICT ({keys}) DO UPDATE SET {sets}"


_schemas = itertools.count(1)


class PostgresStore:
    """The tables in a schema of their own of a real PostgreSQL, with row-level security."""

    def __init__(self, address: str, *, new: bool = True, read_marks: bool = False) -> None:
        import psycopg

        self._psycopg = psycopg
        self._db = psycopg.connect(address, autocommit=True)
        self._schema = f"s{next(_schemas)}_{uuid.uuid4().hex[:8]}"
        self._tables = ["users", "messages", *(["read_marks"] if read_marks else [])]
        self._lock = threading.Lock()
        self._forbidden: set[tuple[str, str]] = set()
        run = self._db.execute
        run(f"CREATE SCHEMA {self._schema}")
        run(f"SET search_path TO {self._schema}")
        run("SET TIME ZONE 'UTC'")
        for each in ddl(new=new, read_marks=read_marks, uuid_type="uuid", time_type="timestamptz", now="now()",
                        new_id="gen_random_uuid()"):  # fmt: skip
            run(each)
        run("DO $$ BEGIN CREATE ROLE anon; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
        run(f"GRANT USAGE ON SCHEMA {self._schema} TO anon")
        for table in self._tables:
            run(f"GRANT ALL ON {table} TO anon")
            run(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        self._set_policies()

    @property
    def forbidden(self) -> set[tuple[str, str]]:
        return self._forbidden

    @forbidden.setter
    def forbidden(self, value: set[tuple[str, str]]) -> None:
        self._forbidden = value
        self._set_policies()

    def _set_policies(self) -> None:
        for table in self._tables:
            for command in COMMANDS:
                self._db.execute(f"DROP POLICY IF EXISTS may_{command.lower()} ON {table}")
                if (table, command) not in self._forbidden:
                    checks = {"INSERT": "WITH CHECK (true)", "UPDATE": "USING (true) WITH CHECK (true)"}
                    rule = checks.get(command, "USING (true)")
                    self._db.execute(f"CREATE POLICY may_{command.lower()} ON {table} FOR {command} TO anon {rule}")

    @staticmethod
    def quote(name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    def select(self, table: str, query: Query, limit: int) -> list[dict[str, Any]]:
        columns = ", ".join(each if each == "*" else self.quote(each) for each in query.columns)
        sql = f"SELECT {columns} FROM {self.quote(table)}{_where_sql(query.where)}"
        sql += f" ORDER BY {query.order}" if query.order else ""
        return self._run(f"{sql} LIMIT {limit} OFFSET {query.offset}", [v for _, v in query.where.params])

    def insert(self, table: str, rows: list[dict[str, Any]], *, merge: bool) -> list[dict[str, Any]]:
        found = []
        for row in rows:
            names = ", ".join(map(self.quote, row))
            sql = f"INSERT INTO {self.quote(table)} ({names}) VALUES ({', '.join('?' * len(row))})"
            sql += _upsert(table, row, self.quote) if merge else ""
            found += self._run(f"{sql} RETURNING *", list(row.values()))
        return found

    def update(self, table: str, changes: dict[str, Any], where: Condition) -> list[dict[str, Any]]:
        sets = ", ".join(f"{self.quote(name)} = ?" for name in changes)
        values = [*changes.values(), *(value for _, value in where.params)]
        return self._run(f"UPDATE {self.quote(table)} SET {sets}{_where_sql(where)} RETURNING *", values)

    def delete(self, table: str, where: Condition) -> list[dict[str, Any]]:
        values = [value for _, value in where.params]
        return self._run(f"DELETE FROM {self.quote(table)}{_where_sql(where)} RETURNING *", values)

    def close(self) -> None:
        self._db.execute("RESET ROLE")
        self._db.execute(f"DROP SCHEMA {self._schema} CASCADE")
        self._db.close()

    def _run(self, sql: str, values: Sequence[Any]) -> list[dict[str, Any]]:
        statement = sql.replace("%", "%%").replace("?", "%s")
        if " RETURNING *" in statement:  # a statement that changes rows may stand only in a WITH at the top
            statement = f"WITH t AS ({statement}) SELECT coalesce(json_agg(t), '[]') FROM t"
        else:
            statement = f"SELECT coalesce(json_agg(t), '[]') FROM ({statement}) t"
        with self._lock:
            try:
                with self._db.transaction():
                    self._db.execute("SET LOCAL ROLE anon")
                    row = self._db.execute(statement.encode(), tuple(values)).fetchone()
                return list(row[0]) if row else []
            except self._psycopg.Error as error:
                details = error.diag.message_detail
                raise SqlError(error.sqlstate or "XX000", error.diag.message_primary or "", details) from None


def _where_sql(where: Condition) -> str:
    return f" WHERE {where.sql}" if where.sql else ""
