"""Convert rows of the journal and REST exchanges to the lines (JSON objects) of a recording, and back.

Lines are written as steps of a session: ``Sent``, ``Received``, ``RestCall`` or ``ServerEvent`` of
``protocol.session.actions``. The reader also accepts marks (``{"mark": "end"}`` is the last line of a recording
that ended normally), and skips other steps. One struct, ``RecordedLine``, is used to read all lines, because a
recording can have hundreds of thousands of them. Text frames to the UI are written with a smaller struct.
"""

import json
from array import array
from base64 import b64decode, b64encode
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta, Struct

from app.hub.clients import Ending
from app.hub.origin import REST, Origin
from app.hub.rest_exchange import RestExchange
from app.hub.row import Kind, Row, Verdict
from app.protocol.envelope import fits_in_line
from app.protocol.session.durations import MAX_RECORDED_SECONDS

_encoder = msgspec.json.Encoder()

TOO_DEEP = "JSON is nested too deeply"


class Page(NamedTuple):
    """The page of a client: its HTTP origin and its User-Agent."""

    origin: str = ""
    user_agent: str = ""


NO_PAGE = Page()
CUT = Ending(None, by_client=False)
"""The ending of rows that are not about one."""


class RecordedLine(Struct, omit_defaults=True):
    """A line of a recording; at most one of ``s2c``, ``c2s``, ``rest``, ``server`` and ``mark`` is set."""

    after: Annotated[float, Meta(ge=0, le=MAX_RECORDED_SECONDS)] = 0.0
    s2c: str | None = None
    c2s: str | None = None
    rest: str | None = None
    server: str | None = None
    seq: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    payload: str = ""
    base64: str = ""
    to: str = "all"
    client: int | str = ""
    user: str = ""
    recipients: tuple[int, ...] = ()
    origin: str = ""
    verdict: Verdict = Verdict.OK
    comment: str = ""
    query: str = ""
    request: Any = None
    status: int = 0
    response: Any = None
    took: float = 0.0
    page: str = ""
    agent: str = ""
    code: int | None = None
    by_client: bool = False
    mark: str | None = None


class SentLine(Struct, omit_defaults=True):
    """The same for a frame to the UI, with only its fields: most lines are such, and take a third of the time."""

    after: float = 0.0
    s2c: str | None = None
    seq: int = 0
    payload: str = ""
    to: str = "all"
    user: str = ""
    recipients: tuple[int, ...] = ()
    origin: str = ""
    verdict: str = "ok"
    comment: str = ""


_decoder = msgspec.json.Decoder(RecordedLine)


def row_line(row: Row, after: float, page: Page = NO_PAGE, ending: Ending = CUT) -> bytes:
    """Return the line of a row, without the line break.

    ``page`` is that of a client that has connected, and ``ending`` says how the connection of one ended that has
    disconnected.
    """
    try:
        payload, base64 = row.payload.decode(), ""
    except UnicodeDecodeError:
        payload, base64 = "", b64encode(row.payload).decode()
    if row.kind is Kind.TO_UI and not base64:
        return _encoded(
            SentLine(
                round(after, 6), row.event, row.seq, payload, row.client, row.user, row.recipients,
                str(row.origin), row.verdict.value, row.note,
            )
        )  # fmt: skip
    line = RecordedLine(
        round(after, 6), seq=row.seq, payload=payload, base64=base64, user=row.user, recipients=row.recipients,
        origin=str(row.origin), verdict=row.verdict, comment=row.note,
        page=page.origin, agent=page.user_agent, code=ending.code, by_client=ending.by_client,
    )  # fmt: skip
    if row.kind is Kind.TO_UI:
        line.s2c, line.to = row.event, row.client
    elif row.kind is Kind.FROM_UI:
        line.c2s, line.client = row.event, _number(row.client)
    else:
        line.server, line.client = row.event, _number(row.client)
    return _encoded(line)


def exchange_line(exchange: RestExchange, after: float, row: Row | None) -> bytes:
    """Return the line of a REST exchange. ``row`` is its row in the journal, if it has one."""
    line = RecordedLine(
        round(after, 6), rest=f"{exchange.method} {exchange.path}", query=exchange.query,
        request=_body(exchange.request), status=exchange.status, response=_body(exchange.response),
        took=round(exchange.ended - exchange.started, 6), page=exchange.origin, agent=exchange.user_agent,
    )  # fmt: skip
    if row:
        line.seq, line.user, line.comment, line.verdict = row.seq, row.user, row.note, row.verdict
        line.base64 = b64encode(row.payload).decode()
    return _encoded(line)


class Recorded(NamedTuple):
    """What a line contains: a row, a REST exchange, both, or a mark. ``row_line`` describes the others."""

    row: Row | None
    exchange: RestExchange | None = None
    page: Page = NO_PAGE
    ending: Ending = CUT
    mark: str = ""


MAX_SHARED = 10_000
"""As many different tuples of recipients are shared by the rows that have them."""


class RecordedReader:
    """Reads the lines of a recording in order. ``started`` is its begin in seconds since the epoch.

    Rows are numbered from 1. ``numbers`` has the numbers that they had in the log. Monotonic times count from the
    begin.
    """

    def __init__(self, started: float) -> None:
        self._started = started
        self.numbers = array("q")
        self._recipients: dict[tuple[int, ...], tuple[int, ...]] = {}
        self.passed = 0.0
        """Seconds from the begin to the last line."""

    def read(self, line: bytes | str, exchanges: bool = True) -> Recorded | None:
        """Return the content of a line; None for a step that is not recorded traffic. Raises ``ValueError``.

        ``exchanges`` False omits the REST exchanges, but not their rows.
        """
        try:
            step = _decoder.decode(line)
        except RecursionError:
            raise ValueError(TOO_DEEP) from None
        self.passed += step.after
        if step.s2c is not None:
            return Recorded(self._row(step, Kind.TO_UI, step.s2c, step.to))
        if step.rest is not None:
            exchange = self._exchange(step) if exchanges else None  # before its row, which gets the next number
            return Recorded(self._row(step, Kind.FROM_UI, step.rest, "rest") if step.seq else None, exchange)
        if step.c2s is not None:
            return Recorded(self._row(step, Kind.FROM_UI, step.c2s, str(step.client)))
        if step.server is not None:
            row = self._row(step, Kind.SERVER, step.server, str(step.client))
            return Recorded(row, None, Page(step.page, step.agent), Ending(step.code, step.by_client))
        return Recorded(None, mark=step.mark) if step.mark else None

    def _row(self, step: RecordedLine, kind: Kind, event: str, client: str) -> Row:
        self.numbers.append(step.seq)
        payload = b64decode(step.base64, validate=True) if step.base64 else step.payload.encode()
        if step.rest is not None:
            payload = payload or _bytes(step.request)
        origin = REST if step.rest is not None else Origin(step.origin)
        return Row(
            len(self.numbers), self._started + self.passed, self.passed, kind, client, event, payload, len(payload),
            step.verdict, step.comment, origin, step.user, self._shared(step.recipients),
        )  # fmt: skip

    def _shared(self, recipients: tuple[int, ...]) -> tuple[int, ...]:
        """Return one tuple for equal ones: rows with the same recipients then share their ``RowKey``."""
        if len(self._recipients) >= MAX_SHARED:
            self._recipients.clear()
        return self._recipients.setdefault(recipients, recipients)

    def _exchange(self, step: RecordedLine) -> RestExchange:
        method, _, path = (step.rest or "").partition(" ")
        return RestExchange(
            method, path, step.query, _bytes(step.request), step.status, _bytes(step.response), step.page,
            step.agent, self.passed - step.took, self.passed, len(self.numbers) + 1 if step.seq else 0,
        )  # fmt: skip


def _number(client: str) -> int | str:
    return int(client) if client.isascii() and client.isdigit() else client


def _encoded(line: RecordedLine | SentLine) -> bytes:
    try:
        return _encoder.encode(line)
    except UnicodeEncodeError:  # lone surrogates: bytes of a header or a path that are not UTF-8
        for field in line.__struct_fields__:
            if isinstance(text := getattr(line, field), str):
                setattr(line, field, text.encode(errors="replace").decode())
        return _encoder.encode(line)


def _body(content: bytes) -> Any:
    """Return a body as JSON if ``_bytes`` can restore it: an object or array without NaN and lone surrogates.

    One that is nested too deeply for a line of a session is kept as text, too.
    """
    if not content:
        return None
    try:
        body = msgspec.json.decode(content)
    except (ValueError, RecursionError):
        body = None
    return body if isinstance(body, dict | list) and fits_in_line(body) else content.decode(errors="replace")


def _bytes(body: Any) -> bytes:
    if body is None:
        return b""
    try:
        return body.encode() if isinstance(body, str) else json.dumps(body, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError(TOO_DEEP) from None
