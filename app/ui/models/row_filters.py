"""Return the filters that the context menu of a log row offers: show only, or hide, rows that are like it.
Each has a title and a function that edits the text of the log's filter, with ``hub.filter_text``.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from app.hub.filter_text import EXACT, can_be_value, event_value, hide, show_only
from app.hub.journal import Kind, Row
from app.hub.origin import PRIMING, REST
from app.hub.target import Target
from app.ui.models.log_text import with_user

MAX_TITLE_CHARS = 40


class RowFilter(NamedTuple):
    """A title such as ``Hide typing``, and the function that edits the text of the filter."""

    title: str
    edit: Callable[[str], str]


def row_filters(row: Row, events: Collection[str] = ()) -> list[RowFilter]:
    """Return the filters for a row: by its event, client or user, and by the kind of row.

    ``events`` are the names of the catalog, to tell ``typing`` from an event ``typing_stopped``.
    """
    return [each for title, key, value in _properties(row, events) for each in _both(title, key, value)]


def _both(title: str, key: str, value: str) -> tuple[RowFilter, RowFilter]:
    title = title if len(title) <= MAX_TITLE_CHARS else f"{title[: MAX_TITLE_CHARS - 1]}…"
    return (
        RowFilter(f"Show only {title}", partial(show_only, key=key, value=value)),
        RowFilter(f"Hide {title}", partial(hide, key=key, value=value)),
    )


def _properties(row: Row, events: Collection[str]) -> Iterator[tuple[str, str, str]]:
    """Yield title, key and value of each property of a row that a filter can select."""
    if can_be_value(row.event) and row.event.isprintable():
        named_by_catalog = row.kind is not Kind.SERVER and row.origin != REST
        yield row.event, "event", event_value(row.event, events) if named_by_catalog else f"{EXACT}{row.event}"
    number, user = _client_and_user(row)
    if number:
        yield f"client {with_user(number, row.user)}", "client", number
    elif user and can_be_value(user):
        yield f"user {user}", "user", user
    if row.origin == REST:
        yield "REST calls", "origin", REST
    elif row.origin == PRIMING:
        yield "priming", "is", PRIMING
    elif row.kind is Kind.SERVER:
        yield "server rows", "dir", Kind.SERVER.value


def _client_and_user(row: Row) -> tuple[str, str]:
    """Return the number of the client that a row is from, to or about, or the user that it is to, or neither."""
    if row.kind is not Kind.TO_UI:
        return row.client if row.client.isdecimal() else "", ""
    with suppress(ValueError):
        target = Target.parse(row.client)
        if target.clients and len(target.clients) == 1:
            return str(*target.clients), ""
        return "", target.user or ""
    return "", ""
