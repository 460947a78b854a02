"""Convert journal rows to JSON, for the control API, the command line, copying and exports as JSON lines.
``decode`` converts them back (only tests do), exactly except that ``time`` was cut to milliseconds. A frame that is
not UTF-8 is also kept in ``base64``. Marks (pins, annotations and lint) and summaries are written, but not read
back. The lines of recordings have another form: see ``recorded_rows``.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from app.hub.origin import Origin
from app.hub.row import Kind, Row, Verdict
from app.hub.row_marks import UNMARKED, Mark
from app.hub.row_store import RowStore
from app.protocol.event_summaries import payload_summary
from app.protocol.templates import iso
from app.protocol.times import seconds_of


class JournalRow(Struct, kw_only=True):
    """One row of the journal."""

    seq: int
    time: Annotated[str, Meta(description="ISO 8601")]
    mono: Annotated[float, Meta(description="Monotonic time in seconds")] = 0.0
    direction: Literal["s2c", "c2s", "server"]
    client: Annotated[
        str, Meta(description="Number of the client that sent the frame, or target of a frame to the UI")
    ]
    user: Annotated[
        str, Meta(description="The user that the client acts as, if the row is from, to or about a single client")
    ]
    event: str
    frame: Annotated[str, Meta(description="The frame's text")]
    base64: Annotated[str, Meta(description="The frame's bytes in base64 if they are not UTF-8, else empty")] = ""
    size: Annotated[int, Meta(description="Bytes")]
    verdict: Literal["ok", "warning", "invalid"]
    note: str
    origin: str
    summary: Annotated[str, Meta(description="The text that an event file gives the event; else empty")] = ""
    recipients: Annotated[
        tuple[int, ...], Meta(description="Ids of the clients that a frame to the UI was sent to")
    ] = ()
    pinned: bool = False
    annotation: Annotated[str, Meta(description="The user's annotation")] = ""
    lint: Annotated[
        tuple[str, ...], Meta(description="Rules of the lint that the row violates, soon after it was added")
    ] = ()


def to_json(row: Row, mark: Mark = UNMARKED) -> JournalRow:
    """Convert a row and its mark to JSON values."""
    try:
        frame, base64 = row.payload.decode(), ""
    except UnicodeDecodeError:
        frame, base64 = row.payload.decode(errors="replace"), b64encode(row.payload).decode()
    return JournalRow(
        seq=row.seq, time=iso(row.wall), mono=row.mono, direction=row.kind.value, client=row.client, user=row.user,
        event=row.event, frame=frame, base64=base64, size=row.size, verdict=row.verdict.value, note=row.note,
        origin=str(row.origin), recipients=row.recipients,
        summary=payload_summary(row.kind.value, row.event, frame),
        pinned=mark.pinned, annotation=mark.annotation, lint=mark.lint,
    )  # fmt: skip


def from_json(value: JournalRow) -> Row:
    """Convert the result of ``to_json`` back to a row, without its mark.

    Raises ``ValueError`` for an invalid time or base64.
    """
    payload = b64decode(value.base64, validate=True) if value.base64 else value.frame.encode()
    return Row(
        value.seq, seconds_of(datetime.fromisoformat(value.time)), value.mono, Kind(value.direction), value.client,
        value.event, payload, len(payload), Verdict(value.verdict), value.note, Origin(value.origin), value.user,
        value.recipients,
    )  # fmt: skip


def encode(row: Row, mark: Mark = UNMARKED) -> bytes:
    """Encode a row and its mark as one line of JSON, without the line break."""
    return msgspec.json.encode(to_json(row, mark))


def encode_lines(rows: RowStore, seqs: Iterable[int], number_of: Callable[[int], int] = int) -> Iterator[bytes]:
    """Encode the rows with these numbers and their marks. Rows that are not stored are left out.

    ``number_of`` returns the number to write for a row.
    """
    for seq in seqs:
        if row := rows.row(seq):
            yield encode(row._replace(seq=number_of(seq)), rows.marks[seq])


def decode(line: bytes) -> Row:
    """Decode a line of JSON to a row. Raises ``ValueError`` for an invalid line."""
    return from_json(msgspec.json.decode(line, type=JournalRow))
