"""What the log says of a row, in words and colours."""

from contextlib import suppress
from enum import IntEnum
from functools import lru_cache

import msgspec

from app.hub.journal import Kind, Row, Verdict
from app.hub.origin import PRIMING, Origin
from app.protocol.envelope import BadFrame, Envelope, decode
from app.protocol.summary import summarize
from app.protocol.times import local
from app.ui.theme import Colors

SUMMARY_BYTES = 20_000
"""A summary shows two hundred characters: more need not be decoded for it."""

_events = msgspec.json.Decoder(Envelope)

MAX_CELL_CHARS = 300
"""More than a cell can show: a client can send an event name of 64 KiB."""


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
"""Columns in the font for numbers and names."""

ARROWS = {Kind.TO_UI: "To UI ↓", Kind.FROM_UI: "From UI ↑", Kind.SERVER: "Server"}
SIGNS = {Verdict.OK: "", Verdict.WARNING: "▲ ", Verdict.INVALID: "✕ "}


Texts = tuple[str, str, str, str, str, str, str]
"""One for every column."""


def texts(row: Row) -> Texts:
    """Return what every column says, with the time of day for the time."""
    direction, client, event, verdict = _from_head(
        row.kind, row.client, row.event, row.verdict, row.note, row.origin
    )
    size = f"{row.size:,} B" if row.size else ""
    return clock(row.wall), direction, client, event, summary(row), size, verdict


def colors(row: Row, scheme: Colors) -> Texts:
    """Return the name of the colour of every column's text."""
    return _colors(row.kind, row.verdict, row.origin == PRIMING, scheme)


@lru_cache(maxsize=1024)
def _from_head(
    kind: Kind, client: str, event: str, verdict: Verdict, note: str, origin: Origin
) -> tuple[str, str, str, str]:
    """Return direction, client, event and result, which most rows share with many others."""
    to = client.partition(" except:")[0][:MAX_CELL_CHARS]
    result = _result(kind, verdict, note, origin)
    return ARROWS[kind], to, event[:MAX_CELL_CHARS] or "–", result[:MAX_CELL_CHARS]


@lru_cache(maxsize=64)
def _colors(kind: Kind, verdict: Verdict, priming: bool, scheme: Colors) -> Texts:
    quiet, invalid = kind is Kind.SERVER or priming, verdict is Verdict.INVALID
    usual, muted = scheme.muted if quiet else scheme.text, scheme.muted
    direction = {Kind.TO_UI: muted if priming else scheme.accent, Kind.FROM_UI: scheme.ok, Kind.SERVER: muted}[kind]
    event = scheme.error if invalid else usual
    result = {Verdict.INVALID: scheme.error, Verdict.WARNING: scheme.warning, Verdict.OK: muted}[verdict]
    return muted, direction, muted, event, usual, muted, result


def clock(wall: float) -> str:
    """Return local time of day with milliseconds."""
    return f"{_time_of_day(wall // 1)}.{int(wall % 1 * 1000):03}"


@lru_cache(maxsize=256)
def _time_of_day(second: float) -> str:
    """Return local time of day. Cached: many rows share a second."""
    return f"{local(second):%H:%M:%S}"


def result(row: Row) -> str:
    """Return the verdict with its note in a few words."""
    return _result(row.kind, row.verdict, row.note, row.origin)


def _result(kind: Kind, verdict: Verdict, note: str, origin: Origin) -> str:
    if kind is Kind.SERVER:
        return f"{SIGNS[verdict]}{verdict}" if verdict is not Verdict.OK else ""
    by = f" · by {origin}" if Origin(origin).by_hand else " · priming" if origin == PRIMING else ""
    return f"{SIGNS[verdict]}{note or verdict}{by}"


def summary(row: Row) -> str:
    """Return what a row tells in a few words."""
    if not row.payload:
        return row.note[:MAX_CELL_CHARS]
    if row.verdict is Verdict.OK and row.size <= SUMMARY_BYTES:  # as good as always an event that was read before
        with suppress(msgspec.DecodeError, ValueError, RecursionError):
            return summarize(_events.decode(row.payload).data)
    text = row.payload[:SUMMARY_BYTES].decode("utf-8", "replace")
    try:
        return summarize(decode(text).data)
    except BadFrame:
        return " ".join(text[:200].split())
