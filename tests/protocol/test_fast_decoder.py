"""The fast decoder returns the same result as the strict one, or None."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.protocol.catalog import Catalog, built_in
from app.protocol.contract import Direction, Event
from app.protocol.envelope import BadFrame, decode
from app.protocol.events import MarkRead, TypingTo
from app.protocol.fast_decoder import FastDecoder
from tests.conftest import examples

CATALOG = built_in()
FAST_DECODER = FastDecoder(CATALOG)


def decode_strictly(text: str) -> tuple[str, Event] | None:
    """Return the strict decoder's result, or None if it rejects the frame or ignores unknown fields."""
    try:
        envelope = decode(text)
        known = CATALOG.get(Direction.FROM_UI, envelope.event)
        if known is None or known.unknown_fields(envelope.data):
            return None
        return known.name, known.typed(envelope)
    except BadFrame:
        return None


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ('{"event":"typing","data":{"to":"alice","typing":true}}', TypingTo(to="alice", typing=True)),
        (
            ' { "data" : {"typing":false, "to":"älice 👩‍👩‍👧"},\n"event":"typing"}',
            TypingTo(to="älice 👩‍👩‍👧", typing=False),
        ),
        ('{"event":"mark_read","data":{"peer":"bob","msg_id":"x"}}', MarkRead(peer="bob", msg_id="x")),
    ],
)
def test_valid_client_events_are_decoded(text: str, data: Event) -> None:
    result = FAST_DECODER.read(text.encode())
    assert result
    assert result[1] == data
    assert result == decode_strictly(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"event":"typing","data":{"to":"a","typing":true},"data":{"to":"b","typing":true}}',
        '{"event":"typing","event":"typing","data":{"to":"a","typing":true}}',
        '{"event":"typing","data":{"to":"a","to":"b","typing":true}}',
        '{"event":"typing","data":{"to":"a","typing":true,"typing":false}}',
        '{"event":"typing","data":{"to":"a","typing":true,"more":1}}',
        '{"event":"typing","data":{"to":"a","typing":true},"more":1}',
        r'{"event":"typing","data":{"to":"\u0061","typing":true}}',
        r'{"event":"typing","data":{"to":"\ud800","typing":true}}',
        '{"event":"typing","data":{"to":"","typing":true}}',
        '{"event":"typing","data":{"to":"a"}}',
        '{"event":"typing","data":{"to":"a","typing":1}}',
        '{"event":"typing","data":null}',
        '{"event":"mark_read","data":{"to":"a","typing":true}}',
        '{"event":"typing","data":{"to":"a\nb","typing":true}}',
        "",
        "[]",
        "{",
    ],
)
def test_unusual_frames_are_left_to_the_strict_decoder(text: str) -> None:
    assert FAST_DECODER.read(text.encode()) is None


NAMES = st.sampled_from(["event", "data", "to", "typing", "peer", "msg_id", "username", "x"])
VALUES = st.sampled_from(["typing", "mark_read", "alice", "", True, False, None, 0, 1.5]) | st.text(max_size=4)


@st.composite
def frames(draw: st.DrawFn) -> str:
    """Return text that resembles a client event: with duplicate, missing or unknown keys, in any order."""

    def object_of(pairs: list[tuple[str, str]]) -> str:
        return "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in pairs) + "}"

    def scalar(value: Any) -> str:
        return json.dumps(value, ensure_ascii=draw(st.booleans()))

    typing = [("to", scalar(draw(VALUES))), ("typing", scalar(draw(VALUES)))]
    reading = [("peer", scalar(draw(VALUES))), ("msg_id", scalar(draw(VALUES)))]
    inner = draw(st.permutations(draw(st.sampled_from([typing, reading])) + draw(some_pairs())))
    outer = [("event", scalar(draw(VALUES))), ("data", object_of(inner[: draw(st.integers(0, len(inner)))]))]
    return object_of(draw(st.permutations(outer + draw(some_pairs()))))


def some_pairs() -> st.SearchStrategy[list[tuple[str, str]]]:
    return st.just([]) | st.lists(st.tuples(NAMES, VALUES.map(json.dumps)), max_size=2)


@given(frames() | st.text(max_size=80))
@settings(max_examples=examples(100))
@example('{"event":"typing","data":{"to":"alice","typing":true}}')
def test_the_fast_decoder_agrees_with_the_strict_decoder(text: str) -> None:
    try:
        payload = text.encode()
    except UnicodeEncodeError:
        return
    result = FAST_DECODER.read(payload)
    assert result is None or result == decode_strictly(text)


def test_without_client_events_all_frames_are_left_to_the_strict_decoder() -> None:
    decoder = FastDecoder(Catalog([each for each in CATALOG if each.direction is Direction.TO_UI]))
    assert decoder.read(b'{"event":"typing","data":{"to":"alice","typing":true}}') is None
    assert decoder.read(b"null") is None
