"""Rows and REST exchanges become lines of a recording and back, without loss."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.hub.clients import Ending
from app.hub.origin import REST, Origin
from app.hub.recorded_rows import Page, RecordedReader, exchange_line, row_line
from app.hub.rest_exchange import RestExchange
from app.hub.row import Kind, Row, Verdict
from app.protocol.envelope import MAX_DEPTH, parse_json
from app.protocol.session.actions import Received, Recorded, RestCall, Sent, ServerEvent
from app.protocol.session.steps import step_from_json

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
ROWS = st.builds(
    Row,
    seq=st.just(1),
    wall=st.just(1000.5),
    mono=st.just(0.5),
    kind=st.sampled_from(Kind),
    client=st.sampled_from(["all", "user:bob", "client:1,2", "3"]),
    event=TEXTS,
    payload=st.one_of(st.binary(max_size=20), TEXTS.map(str.encode)),
    size=st.just(0),
    verdict=st.sampled_from(Verdict),
    note=TEXTS,
    origin=TEXTS.map(Origin),
    user=TEXTS,
    recipients=st.lists(st.integers(1, 9), max_size=3).map(tuple),
).map(lambda row: as_journalled(row))


def as_journalled(row: Row) -> Row:
    """Return a row with the fields that rows of its kind have."""
    payload = b"" if row.kind is Kind.SERVER else row.payload
    recipients = row.recipients if row.kind is Kind.TO_UI else ()
    return row._replace(payload=payload, size=len(payload), recipients=recipients)


@given(ROWS)
def test_a_row_is_read_as_it_was(row: Row) -> None:
    recorded = RecordedReader(1000.0).read(row_line(row, 0.5))
    assert recorded is not None
    assert recorded.row == row


@given(ROWS)
def test_every_line_is_a_step_of_a_session(row: Row) -> None:
    step = step_from_json(json.loads(row_line(row, 0.5)))
    kinds: dict[Kind, type[Recorded]] = {Kind.TO_UI: Sent, Kind.FROM_UI: Received, Kind.SERVER: ServerEvent}
    assert isinstance(step.action, kinds[row.kind])
    assert step.extra == {}


EXCHANGE = RestExchange(
    "POST", "/messages", "a=1", b'{"to": "alice"}', 200, b'{"msg_id": "1"}', "http://page", "Firefox", 1.0, 1.25, 7
)


def test_an_exchange_and_its_row_share_a_line() -> None:
    row = Row(
        7,
        1001.25,
        1.25,
        Kind.FROM_UI,
        "rest",
        "POST /messages",
        b'{"to":"alice"}',
        14,
        Verdict.OK,
        "200",
        REST,
        "me",
    )
    line = exchange_line(EXCHANGE, 1.25, row)
    assert isinstance(step_from_json(json.loads(line)).action, RestCall)
    reader = RecordedReader(1000.0)
    recorded = reader.read(line)
    assert recorded is not None
    assert recorded.row == row._replace(seq=1), "rows are numbered from 1"
    assert recorded.exchange == EXCHANGE._replace(seq=1)
    assert list(reader.numbers) == [7]


def test_an_exchange_without_a_row_is_read() -> None:
    recorded = RecordedReader(0.0).read(exchange_line(EXCHANGE._replace(seq=0), 1.25, None))
    assert recorded is not None
    assert recorded.row is None
    assert recorded.exchange == EXCHANGE._replace(seq=0)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"no json", b'{"a":[1,null]}', b"[" * 100_000, b'"hello"', b"null", b"NaN", b'{"a":1e999}',
        rb'{"text":"\ud800"}', b'{"a":123456789012345678901234567890}',
    ],
)  # fmt: skip
def test_bodies_of_any_kind_are_recorded(body: bytes) -> None:
    recorded = RecordedReader(0.0).read(exchange_line(EXCHANGE._replace(request=body), 0.0, None))
    assert recorded is not None
    assert recorded.exchange is not None
    assert recorded.exchange.request.replace(b" ", b"") == body.replace(b" ", b"")


@pytest.mark.parametrize("levels", [MAX_DEPTH - 1, MAX_DEPTH, 983, 100_000])
def test_a_line_with_a_deeply_nested_body_can_be_read(levels: int) -> None:
    """Regression: such a line was not a step of a session, which has at most ``MAX_DEPTH`` levels."""
    body = b"[" * levels + b"]" * levels
    line = exchange_line(EXCHANGE._replace(request=body, response=body), 0.0, None)
    action = step_from_json(parse_json(line.decode())).action
    assert isinstance(action, RestCall)
    assert isinstance(action.request, str) == (levels >= MAX_DEPTH)
    recorded = RecordedReader(0.0).read(line)
    assert recorded is not None
    assert recorded.exchange is not None
    assert recorded.exchange.request == recorded.exchange.response == body


def test_a_path_and_headers_that_are_not_utf_8_are_recorded() -> None:
    """Regression: the line could not be encoded, and the recording stopped."""
    exchange = EXCHANGE._replace(path="/a\udcff", query="b=\udcff", origin="c\udcff", user_agent="d\udcff")
    recorded = RecordedReader(0.0).read(exchange_line(exchange, 1.25, None))
    assert recorded is not None
    assert recorded.exchange is not None
    assert recorded.exchange[1:3] == ("/a?", "b=?")
    assert recorded.exchange[6:8] == ("c?", "d?")
    row = Row(1, 0.0, 0.0, Kind.SERVER, "1", "connected", b"", 0, Verdict.OK, "\udcff", Origin("server"), "me")
    assert json.loads(row_line(row, 0.0, Page("", "\udcff")))["agent"] == "?"
    sent = row._replace(kind=Kind.TO_UI, client="all")
    assert json.loads(row_line(sent, 0.0))["comment"] == "?"


def test_the_page_of_a_client_is_kept() -> None:
    row = Row(1, 1000.0, 0.0, Kind.SERVER, "1", "connected", b"", 0, Verdict.OK, "", Origin("server"), "me")
    recorded = RecordedReader(1000.0).read(row_line(row, 0.0, Page("http://page", "Firefox")))
    assert recorded is not None
    assert recorded.page == Page("http://page", "Firefox")


def test_how_a_connection_ended_is_kept() -> None:
    row = Row(1, 1000.0, 0.0, Kind.SERVER, "1", "disconnected", b"", 0, Verdict.OK, "", Origin("server"), "me")
    recorded = RecordedReader(1000.0).read(row_line(row, 0.0, ending=Ending(1001, by_client=True)))
    assert recorded is not None
    assert recorded.ending.page_closed


@pytest.mark.parametrize("line", ['{"note": "x"}', '{"say": "hi", "as": "alice"}'])
def test_other_steps_are_skipped(line: str) -> None:
    assert RecordedReader(0.0).read(line) is None


def test_a_mark_is_read_without_a_row() -> None:
    found = RecordedReader(0.0).read('{"mark": "x"}')
    assert found
    assert (found.mark, found.row) == ("x", None)


@pytest.mark.parametrize(
    "line", ["", "{", "[]", '{"s2c": 3}', '{"s2c": "x", "base64": "?"}', '{"s2c":"x","verdict":"?"}']
)
def test_an_invalid_line_raises_value_error(line: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - msgspec's and base64's messages
        RecordedReader(0.0).read(line)


def test_a_deeply_nested_body_raises_value_error() -> None:
    """Regression: ``RecursionError``, at levels that Python 3.11 reads, but cannot encode on the present stack."""
    read = 0
    for levels in range(1, 1000):
        with suppress(ValueError):
            RecordedReader(0.0).read(f'{{"rest": "POST /x", "request": {"[" * levels}{"]" * levels}}}')
            read += 1
    assert read > 100
