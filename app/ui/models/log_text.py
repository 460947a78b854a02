"""What the log says of a row, in words and colours."""

import time
from enum import IntEnum

from app.hub.journal import Kind, Row, Verdict
from app.protocol.envelope import BadFrame, decode
from app.protocol.summary import summarize
from app.ui.theme import Colors

SUMMARY_BYTES = 20_000
"""A summary shows two hundred characters: more need not be decoded for it."""


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


def words(row: Row, column: Col) -> str:
    """Return what a column says; the time is the model's business."""
    match column:
        case Col.DIRECTION:
            return ARROWS[row.kind]
        case Col.CLIENT:
            return row.client
        case Col.EVENT:
            return row.event or "–"
        case Col.SUMMARY:
            return summary(row)
        case Col.SIZE:
            return f"{row.size:,} B" if row.size else ""
        case Col.RESULT:
            return result(row)
        case _:
            return clock(row.wall)


def clock(wall: float) -> str:
    """Return local time of day with milliseconds."""
    return time.strftime("%H:%M:%S", time.localtime(wall)) + f".{int(wall % 1 * 1000):03}"


def result(row: Row) -> str:
    """Return the verdict with its note in a few words."""
    if row.kind is Kind.SERVER:
        return f"{SIGNS[row.verdict]}{row.verdict}" if row.verdict is not Verdict.OK else ""
    origin = f" · by {row.origin}" if row.origin in ("panel", "tray") else ""
    return f"{SIGNS[row.verdict]}{row.note or row.verdict}{origin}"


def summary(row: Row) -> str:
    """Return what a row tells in a few words."""
    if not row.payload:
        return row.note
    text = row.payload[:SUMMARY_BYTES].decode("utf-8", "replace")
    try:
        return summarize(decode(text).data)
    except BadFrame:
        return " ".join(text[:200].split())


def color(row: Row, column: Col, scheme: Colors) -> str:
    """Return the colour of a cell's text."""
    if row.verdict is Verdict.INVALID and column in (Col.RESULT, Col.EVENT):
        return scheme.error
    if row.verdict is Verdict.WARNING and column is Col.RESULT:
        return scheme.warning
    if column is Col.DIRECTION and row.kind is not Kind.SERVER:
        return scheme.accent if row.kind is Kind.TO_UI else scheme.ok
    if row.kind is Kind.SERVER or column in (Col.TIME, Col.SIZE, Col.RESULT, Col.CLIENT):
        return scheme.muted
    return scheme.text
