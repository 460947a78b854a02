"""Return the texts and the colours of a row of the log, one per column.
What many rows share is cached, such as direction, client, result and colours. The summary of the payload is not.
Also functions that put clients, recipients, times and origins (what caused a row) into words.
"""

from contextlib import suppress
from enum import IntEnum
from functools import lru_cache

import msgspec

from app.hub.journal import Kind, Row, Verdict
from app.hub.origin import AGENT, BACKEND, CONTROL, PANEL, PRIMING, REST, TRAY, Origin
from app.hub.row_marks import UNMARKED, Mark
from app.hub.target import Target
from app.protocol.envelope import BadFrame, Envelope, decode
from app.protocol.event_summaries import file_summary
from app.protocol.summary import summarize
from app.protocol.times import local
from app.ui.theme import Colors

SUMMARY_BYTES = 20_000
"""Larger payloads are not decoded for their summary, which shows 200 characters."""

_events = msgspec.json.Decoder(Envelope)

MAX_CELL_CHARS = 300
"""Longer texts are cut; a client can send an event name of 64 KiB."""


class Col(IntEnum):
    """Columns, left to right."""

    TIME = 0
    DIRECTION = 1
    CLIENT = 2
    EVENT = 3
    SUMMARY = 4
    SIZE = 5
    RESULT = 6


TITLES = ("Time", "Direction", "Client", "Event", "Summary", "Size", "Result")
MONO = (Col.TIME, Col.EVENT, Col.SIZE)
"""Columns in the fixed-width font."""

ARROWS = {Kind.TO_UI: "To UI ↓", Kind.FROM_UI: "From UI ↑", Kind.SERVER: "Server"}
SIGNS = {Verdict.OK: "", Verdict.WARNING: "▲ ", Verdict.INVALID: "✕ "}
LINT = "▲ "
"""In front of the rules of the lint that a row violates."""
SOURCES = {
    PANEL: "the window", TRAY: "the tray", CONTROL: "a script", AGENT: "a coding agent", BACKEND: "the chat state",
}  # fmt: skip
"""Origins in words, where their names do not explain themselves."""

Texts = tuple[str, str, str, str, str, str, str]
"""One text per column."""


def texts(row: Row, mark: Mark = UNMARKED) -> Texts:
    """Return the text of every column, with the time of day in the time column."""
    direction, client, event, verdict = _from_head(
        row.kind, row.client, row.event, row.verdict, row.note, row.origin, row.user
    )
    size = f"{row.size:,} B" if row.size else ""
    if mark.lint:
        verdict = f"{LINT}{', '.join(mark.lint)} · {verdict}"[:MAX_CELL_CHARS]
    return clock(row.wall), direction, client, event, marked_summary(row, mark), size, verdict


def colors(row: Row, scheme: Colors, mark: Mark = UNMARKED) -> Texts:
    """Return the colour of every column's text, e.g. ``#1b1c20``."""
    found = _colors(row.kind, row.verdict, row.origin == PRIMING, scheme)
    if not mark.lint or row.verdict is Verdict.INVALID:
        return found
    return (*found[: Col.RESULT], scheme.warning)  # type: ignore[return-value]


@lru_cache(maxsize=1024)
def _from_head(
    kind: Kind, client: str, event: str, verdict: Verdict, note: str, origin: Origin, user: str
) -> tuple[str, str, str, str]:
    """Return direction, client, event and result. Cached: most rows share them with many others."""
    client = client_text(kind, client, user)[:MAX_CELL_CHARS]
    result = _result(kind, verdict, note, origin)
    return ARROWS[kind], client, event[:MAX_CELL_CHARS] or "–", result[:MAX_CELL_CHARS]


def client_text(kind: Kind, client: str, user: str) -> str:
    """Return the client of a row in words: ``To: everyone``, ``To: 2 · bob``, ``2 · bob`` or ``REST``."""
    if kind is Kind.TO_UI and client:
        single = user and client.startswith("client:") and "," not in client
        number = client.removeprefix("client:").partition(" ")[0]
        return f"To: {with_user(number, user) if single else recipients(client)}"
    return "REST" if client == REST else with_user(client, user)


def with_user(client: str, user: str) -> str:
    """Return the number of a client with the user that it acts as: ``2 · bob``."""
    return f"{client} · {user}" if client and user else client


def recipients(target: str) -> str:
    """Return a row's target in words: ``everyone``, ``bob``, ``client 2`` or ``clients 2, 5``."""
    try:
        chosen = Target.parse(target)
    except ValueError:
        return target
    if chosen.user is not None:
        return chosen.user
    if chosen.clients is None:
        return "everyone"
    numbers = ", ".join(map(str, sorted(chosen.clients)))
    return f"client {numbers}" if len(chosen.clients) == 1 else f"clients {numbers}"


@lru_cache(maxsize=64)
def _colors(kind: Kind, verdict: Verdict, priming: bool, scheme: Colors) -> Texts:
    quiet, invalid = kind is Kind.SERVER or priming, verdict is Verdict.INVALID
    usual, muted = scheme.muted if quiet else scheme.text, scheme.muted
    direction = {Kind.TO_UI: muted if priming else scheme.accent, Kind.FROM_UI: scheme.ok, Kind.SERVER: muted}[kind]
    event = scheme.error if invalid else usual
    result = {Verdict.INVALID: scheme.error, Verdict.WARNING: scheme.warning, Verdict.OK: muted}[verdict]
    return muted, direction, muted, event, usual, muted, result


def clock(wall: float) -> str:
    """Return the local time of day with milliseconds, e.g. ``18:42:30.125``. ``wall`` is a Unix time in seconds."""
    return f"{_time_of_day(wall // 1)}.{int(wall % 1 * 1000):03}"


@lru_cache(maxsize=256)
def _time_of_day(second: float) -> str:
    """Return the local time of day. Cached: many rows share a second."""
    return f"{local(second):%H:%M:%S}"


def result(row: Row) -> str:
    """Return the text of the result column: the verdict, its note and the source."""
    return _result(row.kind, row.verdict, row.note, row.origin)


def _result(kind: Kind, verdict: Verdict, note: str, origin: Origin) -> str:
    if kind is Kind.SERVER:
        return f"{SIGNS[verdict]}{verdict}" if verdict is not Verdict.OK else ""
    cause = f" · from {SOURCES[origin]}" if Origin(origin).by_hand else " · priming" if origin == PRIMING else ""
    return f"{SIGNS[verdict]}{note or verdict}{cause}"


def marked_summary(row: Row, mark: Mark) -> str:
    """Return the summary of a row, after its annotation."""
    return f"“{mark.annotation}” · {summary(row)}"[:MAX_CELL_CHARS] if mark.annotation else summary(row)


def source(origin: Origin) -> str:
    """Return the origin of a row in words, e.g. ``the window`` for ``panel``."""
    return SOURCES.get(origin, str(origin))


def summary(row: Row) -> str:
    """Return the payload of a row in a few words, or its note if it has none. For a row of the server: the note."""
    if not row.payload or (row.note and row.kind is Kind.SERVER):
        return row.note[:MAX_CELL_CHARS]
    if row.verdict is Verdict.OK and row.size <= SUMMARY_BYTES:  # almost always a valid event
        with suppress(msgspec.DecodeError, ValueError, RecursionError):
            data = _events.decode(row.payload).data
            return file_summary(row.kind.value, row.event, data) or summarize(data)
    text = row.payload[:SUMMARY_BYTES].decode("utf-8", "replace")
    try:
        data = decode(text).data
        return file_summary(row.kind.value, row.event, data) or summarize(data)
    except BadFrame:
        return " ".join(text[:200].split())
