"""Expectations: wait, up to a timeout, for a client event or a REST call of the UI.
They can ask for a sender and for field values.
``why_impossible`` says why no client can meet an expectation, for example because its event is unknown.
"""

import asyncio
import re
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, NamedTuple

from typing_extensions import override

from app.hub.clock import Clock
from app.hub.hub import Delivery
from app.hub.journal import Journal, Kind, Row, Verdict
from app.hub.origin import REST
from app.hub.rest_log import LogPosition, RestLog, sums_up_repeats
from app.hub.signals import Signal
from app.hub.slices import Slices
from app.protocol.catalog import Catalog
from app.protocol.conditions import value_text
from app.protocol.contract import Direction
from app.protocol.did_you_mean import suggestion
from app.protocol.envelope import BadFrame, parse_json
from app.protocol.fixture import Fixture
from app.protocol.json_path import BadPath, absolute_path, value_at
from app.protocol.rest_calls import with_upper_method

MAX_RECEIVED_INSTEAD = 20
"""At most this many other rows are reported, the latest ones."""
MAX_EARLIER = 500
"""At most this many rows before an expectation are searched for one that came too early."""

_REST_CALL = re.compile(r"(GET|POST|DELETE) /.*")
_FIELD = re.compile(r"data\.([^.\[\]]+)")


@dataclass(frozen=True)
class Expectation:
    """A valid client event with this name, sender (``alice`` or ``client:3``) and field values.

    ``where`` maps paths like ``data.typing`` to JSON values. An empty ``event`` or ``sender`` matches any. A REST
    call of the UI counts as an event named, for example, ``POST /messages``, with its body as the data; the data of
    a GET request is its query. An empty ``event`` does not match GET requests, because the UI polls.
    """

    event: str = ""
    sender: str = ""
    where: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "event", with_upper_method(self.event))

    @override
    def __str__(self) -> str:
        parts = [self.event or "any event", f"from {self.sender}" if self.sender else ""]
        parts += [f"with {path}={value_text(value)}" for path, value in self.where.items()]
        return " ".join(part for part in parts if part)

    def met_by(self, row: Row) -> bool:
        """Return whether a row meets the expectation."""
        if row.kind is not Kind.FROM_UI or row.verdict is Verdict.INVALID:
            return False
        if _is_get(row.event) and (not self.event or sums_up_repeats(row)):
            return False
        if self.event not in ("", row.event) or self.sender not in ("", row.user, f"client:{row.client}"):
            return False
        try:
            value = parse_json(row.payload.decode()) if row.payload else {}
            whole = {"event": row.event, "data": value} if row.origin == REST else value
            return all(_equal(value_at(whole, absolute_path(path)), wanted) for path, wanted in self.where.items())
        except (BadFrame, BadPath, UnicodeDecodeError):
            return False


def expectation_of(fixture: Fixture) -> Expectation | None:
    """Return the expectation that a fixture contains, or None."""
    return Expectation(fixture.expect.event, where=fixture.expect.where) if fixture.expect else None


def is_rest_call(event: str) -> bool:
    """Return whether an expectation's event is a REST call."""
    return _REST_CALL.fullmatch(event) is not None


def why_impossible(expected: Expectation, catalog: Catalog) -> str:
    """Return why no client can ever meet the expectation under the contract; an empty text if one can."""
    if is_rest_call(expected.event) and "?" in expected.event:
        return f"{expected.event[:80]!r} has a query. Give each of its values with --where, like --where peer=bob"
    if not expected.event or is_rest_call(expected.event):
        return ""
    known = catalog.get(Direction.FROM_UI, expected.event)
    if known is None:
        names = catalog.names(Direction.FROM_UI)
        there = f'Use {", ".join(names)}, or a REST call like "POST /messages" or "GET /messages"'
        return f"There is no client event {expected.event[:80]!r}{suggestion(expected.event, names) or '.'} {there}"
    fields = known.fields
    for name in (found[1] for path in expected.where if (found := _FIELD.match(absolute_path(path)))):
        if known.unknown_fields({name: None}) or known.schema["properties"].get(name) is False:
            there = f" It has {', '.join(fields)}" if fields else ""
            return f"{expected.event} has no field {name[:80]!r}{suggestion(name, fields) or '.'}{there}"
    return ""


class ExpectationResult(NamedTuple):
    """The row that met the expectation or None, the seconds until then, and other rows received meanwhile."""

    row: Row | None
    after_s: float
    received_instead: list[Row]
    earlier: Row | None = None
    """The latest row before the expectation that would have met it, if none did in time."""


class FailedExpectation(NamedTuple):
    """An expectation that was not met in time."""

    expected: Expectation
    within_s: float


async def check_fixture(
    fixture: Fixture,
    delivery: Delivery,
    expect: Callable[[Expectation, float, int | None], Awaitable[ExpectationResult]],
) -> ExpectationResult | None:
    """Wait with ``expect`` for what a fixture expects of the UI after it was fired.

    Return None if it expects nothing, or if no client received it.
    """
    expected = expectation_of(fixture)
    if expected is None or fixture.expect is None or not delivery.clients:
        return None
    return await expect(expected, fixture.expect.within, delivery.seq)


def _is_get(event: str) -> bool:
    return event.startswith("GET ")


async def wait_for(
    journal: Journal,
    calls: RestLog,
    clock: Clock,
    expected: Expectation,
    within_s: float,
    after: int | LogPosition | None = None,
    failed: Signal[FailedExpectation] | None = None,
) -> ExpectationResult:
    """Wait until a row meets ``expected``, for at most ``within_s`` seconds from now; emit ``failed`` if none does.

    Only rows after the row number or position ``after`` count, or from now on if it is None; the result's time is
    measured from the same moment. GET requests count whether they are logged or not.
    The rows so far are searched in slices, even if that takes longer than ``within_s``.
    """
    deadline = asyncio.get_running_loop().time() + within_s
    first = journal.last_seq
    start = LogPosition(after) if isinstance(after, int) else after
    began = _time(start, journal, clock)
    arrived = asyncio.Event()
    gets = _is_get(expected.event)
    past = _rows_after(start, journal, calls, gets) if start is not None else ()
    pending: list[Row] = []
    received_instead: deque[Row] = deque(maxlen=MAX_RECEIVED_INSTEAD)

    def on_row(row: Row) -> None:
        pending.append(row)
        arrived.set()

    def check(row: Row) -> ExpectationResult | None:
        if expected.met_by(row):
            return ExpectationResult(row, max(0.0, row.mono - began), list(received_instead))
        if row.kind is Kind.FROM_UI and (gets or not _is_get(row.event) or row.verdict is Verdict.INVALID):
            received_instead.append(row)
        return None

    def check_pending() -> ExpectationResult | None:
        rows = pending[:]
        pending.clear()
        return next((met for row in rows if (met := check(row))), None)

    disconnects = [journal.appended.connect(on_row)]
    if gets:
        disconnects.append(calls.unlogged.connect(on_row))
    try:
        slices = Slices()
        for row in past:
            if met := check(row):
                return met
            await slices.yield_if_due()
        async with asyncio.timeout_at(deadline):
            while not (met := check_pending()):
                arrived.clear()
                await arrived.wait()
            return met
    except TimeoutError:
        if met := check_pending():
            return met
        if failed:
            failed.emit(FailedExpectation(expected, within_s))
        earlier = _latest(journal, expected, first) if start is None else None
        return ExpectationResult(None, clock.mono() - began, list(received_instead), earlier)
    finally:
        for disconnect in disconnects:
            disconnect()


def _time(start: LogPosition | None, journal: Journal, clock: Clock) -> float:
    if start is None:
        return clock.mono()
    row = journal.row(start.seq) if start.mono is None else None
    return row.mono if row else start.mono or clock.mono()


def _rows_after(start: LogPosition, journal: Journal, calls: RestLog, gets: bool) -> Iterator[Row]:
    """Return the rows so far, which are built when they are needed, and the kept calls without a row."""
    rows = journal.rows.copy()  # rows that are dropped meanwhile are searched, too
    seqs = range(max(start.seq + 1, rows.first), rows.last + 1)
    return chain((row for seq in seqs if (row := rows.row(seq))), calls.after(start) if gets else ())


def _latest(journal: Journal, expected: Expectation, last: int) -> Row | None:
    """Return the latest row up to the number ``last`` that meets an expectation."""
    rows = journal.after(max(0, last - MAX_EARLIER), MAX_EARLIER)
    return next((row for row in reversed(rows) if row.seq <= last and expected.met_by(row)), None)


def _equal(one: Any, other: Any) -> bool:
    """Return whether two JSON values are equal. Unlike in Python, true does not equal 1, at any depth."""
    match one, other:
        case dict(), dict():
            return one.keys() == other.keys() and all(_equal(value, other[key]) for key, value in one.items())
        case list(), list():
            return len(one) == len(other) and all(map(_equal, one, other))
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)
