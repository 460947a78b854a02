"""Write values for requests to PostgREST: filters of rows (equal, one of several, after a row), and times.

A filter is the value of a query parameter, which the HTTP client encodes. A time is a value in a request body.
"""

from collections.abc import Iterable

from app.protocol.times import utc


def equals(value: str) -> str:
    """Return the filter for a column that equals a value."""
    return f"eq.{value}"


def is_one_of(values: Iterable[str]) -> str:
    """Return the filter for a column that equals one of several values."""
    return f"in.({','.join(map(quoted, values))})"


def after(created_at: str, row_id: str) -> str:
    """Return the filter ``or`` for the rows after a row, ordered by ``created_at`` and ``id``."""
    time = quoted(created_at)
    return f"(created_at.gt.{time},and(created_at.eq.{time},id.gt.{quoted(row_id)}))"


def quoted(value: str) -> str:
    r"""Return a value in quotes, so that ``,``, ``.``, ``:`` and parentheses in it are not parsed as syntax."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def timestamp(seconds: float) -> str:
    """Return seconds since the epoch as an ISO time in UTC, in whole seconds."""
    return utc(int(seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
