"""The strict decoder: every kind of invalid frame, and its limits."""

import json
import tracemalloc
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from app.protocol import envelope
from app.protocol.envelope import MAX_DEPTH, NEEDS_STRICT_PARSER, BadFrame, Envelope, check_tree, decode

LONE_SURROGATE = "\\ud83d"
SURROGATE = "contains a lone surrogate, which is not valid Unicode"


def with_data(data: str) -> str:
    return f'{{"event":"x","data":{data}}}'


def nested(levels: int, opening: str, closing: str) -> str:
    """Return an envelope with ``levels`` nested containers, including the envelope and its data."""
    return with_data(f'{{"a":{opening * (levels - 3)}[]{closing * (levels - 3)}}}')


def decode_error(frame: str | bytes) -> BadFrame:
    with pytest.raises(BadFrame) as raised:
        decode(frame)
    return raised.value


def test_a_valid_frame_is_decoded_to_an_envelope() -> None:
    assert decode('{"event":"typing","data":{"to":"bob","typing":true}}') == Envelope(
        "typing", {"to": "bob", "typing": True}
    )


def test_whitespace_and_the_order_of_keys_do_not_matter() -> None:
    assert decode(' {\n "data" : { } ,\t"event" : "x" } ') == Envelope("x", {})


def test_additional_keys_are_ignored() -> None:
    assert decode('{"event":"x","data":{},"id":7}') == Envelope("x", {})


@pytest.mark.parametrize(
    ("frame", "reason", "where", "event"),
    [
        ("", "the frame is empty", "", ""),
        (" \n\t", "the frame is empty", "", ""),
        ("hello", "invalid JSON: Expecting value", "line 1 column 1", ""),
        ("{", "invalid JSON: Expecting property name enclosed in double quotes", "line 1 column 2", ""),
        ('{"event":\n oops}', "invalid JSON: Expecting value", "line 2 column 2", ""),
        ('{"event":"x","data":{}}!', "invalid JSON: Extra data", "line 1 column 24", ""),
        ("\ufeff{}", "invalid JSON: Expecting value", "line 1 column 1", ""),
        ("[]", 'not an object: expected {"event", "data"}, got an array', "", ""),
        ("null", 'not an object: expected {"event", "data"}, got null', "", ""),
        ("true", 'not an object: expected {"event", "data"}, got a boolean', "", ""),
        ("7", 'not an object: expected {"event", "data"}, got a number', "", ""),
        ("7.5", 'not an object: expected {"event", "data"}, got a number', "", ""),
        ('"typing"', 'not an object: expected {"event", "data"}, got a string', "", ""),
        ("{}", "missing", "event", ""),
        ('{"event":null,"data":{}}', "missing", "event", ""),
        ('{"event":7,"data":{}}', "expected a string, got a number", "event", ""),
        ('{"event":{},"data":{}}', "expected a string, got an object", "event", ""),
        ('{"event":"","data":{}}', "is empty", "event", ""),
        ('{"event":"x"}', "missing", "data", "x"),
        ('{"event":"x","data":null}', "expected an object, got null", "data", "x"),
        ('{"event":"x","data":[]}', "expected an object, got an array", "data", "x"),
        (with_data('{"a":NaN}'), "NaN is not valid JSON", "", ""),
        (with_data('{"a":Infinity}'), "Infinity is not valid JSON", "", ""),
        (with_data('{"a":-Infinity}'), "-Infinity is not valid JSON", "", ""),
        (with_data('{"a":1e999}'), "the number 1e999 is too large", "", ""),
        (with_data('{"a":-1e999}'), "the number -1e999 is too large", "", ""),
        ('{"event":"x","event":"x","data":{}}', "duplicate key", "event", ""),
        (with_data('{"a":[{"b":{"c":1,"c":1}}]}'), "duplicate key", "c", ""),
        (
            f'{{"event":"{LONE_SURROGATE}","data":{{}}}}',
            "contains a lone surrogate, which is not valid Unicode",
            "event",
            "",
        ),
        (
            with_data(f'{{"a":["ok","{LONE_SURROGATE}"]}}'),
            "contains a lone surrogate, which is not valid Unicode",
            "data.a[1]",
            "",
        ),
        (
            with_data(f'{{"a":{{"{LONE_SURROGATE}":1}}}}'),
            "contains a lone surrogate, which is not valid Unicode",
            "data.a",
            "",
        ),
        (
            with_data('{"a":"\\ude00\\ud83d"}'),
            "contains a lone surrogate, which is not valid Unicode",
            "data.a",
            "",
        ),
        (b"{}", "binary frame: send events as JSON in text frames", "", ""),
        (b"\xff", "binary frame: send events as JSON in text frames", "", ""),
    ],
)
def test_an_invalid_frame_is_rejected_with_reason_and_position(
    frame: str | bytes, reason: str, where: str, event: str
) -> None:
    error = decode_error(frame)
    assert (error.reason, error.where, error.event) == (reason, where, event)
    assert str(error) == (f"{where}: {reason}" if where else reason)


def test_a_surrogate_pair_is_decoded_to_one_character() -> None:
    assert decode(with_data('{"\\ud83d\\ude00":"\\ud83d\\ude00"}')).data == {"😀": "😀"}


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"k":', "}")])
def test_32_levels_of_nesting_are_allowed_and_33_are_not(opening: str, closing: str) -> None:
    assert decode(nested(32, opening, closing)).event == "x"
    assert decode_error(nested(33, opening, closing)).reason == f"nested deeper than {MAX_DEPTH} levels"


def test_nesting_beyond_the_recursion_limit_is_rejected_with_the_same_reason() -> None:
    assert decode_error("[" * 30_000 + "]" * 30_000).reason == "nested deeper than 32 levels"
    assert decode_error('{"a":' * 30_000).reason == "nested deeper than 32 levels"


def test_an_integer_with_thousands_of_digits_is_rejected() -> None:
    assert decode_error(with_data('{"a":' + "9" * 5_000 + "}")).reason.startswith("invalid number")


def test_a_large_integer_is_decoded_exactly() -> None:
    assert decode(with_data('{"a":123456789012345678901234567890}')).data == {"a": 123456789012345678901234567890}


@pytest.mark.parametrize(
    "frame",
    [
        f'{{"{LONE_SURROGATE}":1,"{LONE_SURROGATE}":2}}',
        with_data(f'{{"{LONE_SURROGATE}":1}}'),
        with_data(f'{{"a":{{"{LONE_SURROGATE}":"{LONE_SURROGATE}"}}}}'),
    ],
)
def test_an_error_message_can_always_be_encoded(frame: str) -> None:
    assert str(decode_error(frame)).encode()


def test_an_envelope_is_encoded_as_compact_utf8() -> None:
    assert Envelope("x", {"text": "grüße 😀", "n": [1, None]}).encode() == (
        '{"event":"x","data":{"text":"grüße 😀","n":[1,null]}}'.encode()
    )


def assert_decoded_or_rejected(frame: str | bytes) -> None:
    """Decode a frame. The result must be an envelope or a ``BadFrame``."""
    with suppress(BadFrame):
        assert isinstance(decode(frame), Envelope)


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_is_decoded_or_rejected(text: str) -> None:
    assert_decoded_or_rejected(text)


@given(st.text('{}[]",:\\ud8dceE019.-+nulfatrsNI \n'))
def test_any_text_similar_to_json_is_decoded_or_rejected(text: str) -> None:
    assert_decoded_or_rejected(text)
    assert_decoded_or_rejected(with_data(text))


@given(st.binary())
def test_any_binary_frame_is_rejected(frame: bytes) -> None:
    assert_decoded_or_rejected(frame)


names = st.text(min_size=1)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(names, st.dictionaries(st.text(), values, max_size=5))
def test_any_encoded_envelope_is_decoded_to_the_same_envelope(name: str, data: dict[str, Any]) -> None:
    assert decode(Envelope(name, data).encode().decode()) == Envelope(name, data)


@given(names, st.dictionaries(st.text(), values, max_size=5))
def test_json_of_the_standard_library_is_decoded_to_the_same_envelope(name: str, data: dict[str, Any]) -> None:
    assert decode(json.dumps({"event": name, "data": data})) == Envelope(name, data)


def parse_fast(text: str) -> str:
    """Return the ``repr`` of the result of the fast parser, or an empty text if it needs the strict parser.

    Check that the strict parser returns the same.
    """
    value = envelope._parse_fast(text)
    if value is NEEDS_STRICT_PARSER:
        return ""
    assert repr(value) == repr(envelope._parse_strict(text))  # repr() distinguishes 1, 1.0 and True
    return repr(value)


keys = st.sampled_from(["a", "b", "", "ä", "😀", "}", "[,"])
json_texts = st.recursive(
    st.sampled_from(["1", "1.0", "-0", "-0.0", "1e5", "1e999", "1e-999", "9" * 40, "9" * 5_000, "null", "true"])
    | st.sampled_from(["NaN", "Infinity", "01", '""', '"ä"', '"[{"', '"\\""', '"\\ud800"', '"\t"', '"\x7f"'])
    | st.floats(allow_nan=False, allow_infinity=False).map(repr),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda each: f"[{' , '.join(each)}]")
        | st.lists(st.tuples(keys, inner), max_size=3).map(
            lambda pairs: "{" + ", ".join(f'"{key}": {value}' for key, value in pairs) + "}"
        )
    ),
    max_leaves=12,
)


@given(json_texts)
def test_the_fast_parser_agrees_with_the_strict_parser_for_valid_and_invalid_values(text: str) -> None:
    parse_fast(text)


@given(st.text('{}[]",:\\ud8dceE019.-+nulfatrsNI \n'))
def test_the_fast_parser_agrees_with_the_strict_parser_for_any_text(text: str) -> None:
    parse_fast(text)


@pytest.mark.parametrize(
    ("text", "is_fast"),
    [
        ('{"event": "x", "data": {"a": [1, -0.5, null, true, "ä"]}}', True),
        ('{"a":1,"a":1}', False),
        ('{"a":{"b":"","b":{"c":[]}}}', False),
        ('"\\u0061"', False),
        ("[" * 32 + "]" * 32, True),
        ("[" * 33 + "]" * 33, False),
        (json.dumps("x" * envelope.MAX_FRAME_BYTES), False),
    ],
)
def test_which_texts_the_fast_parser_accepts(text: str, is_fast: bool) -> None:
    assert bool(parse_fast(text)) is is_fast


@pytest.mark.parametrize("value", [{"a": ["[" * 40]}, {"{" * 40: []}])
def test_brackets_in_strings_do_not_count_as_nesting(value: Any) -> None:
    check_tree(value)
    assert decode(with_data(json.dumps(value))).data == value


@pytest.mark.parametrize(
    ("data", "reason", "where"),
    [
        ('{"a":1,"b":2,"b":3}', "duplicate key", "b"),
        ('"no end', "invalid JSON: Unterminated string", "line 1 column 21"),
        (f"-{'1' * 400}.0", f"the number -{'1' * 23} is too large", ""),
        (f'{{"a":{{"b":"{LONE_SURROGATE}"}},"c":{{"d":[]}}}}', SURROGATE, "data.a.b"),
        (f'[["{LONE_SURROGATE}"],[[]],{{"a":{{}}}}]', SURROGATE, "data[0][0]"),
        ('"\\udfff"', SURROGATE, "data"),
        ('"\\ud800"', SURROGATE, "data"),
    ],
)
def test_a_rule_is_checked_for_every_value_and_names_it(data: str, reason: str, where: str) -> None:
    error = decode_error(with_data(data))
    assert (error.reason, error.where) == (reason, where)


def test_a_value_is_checked_for_deep_nesting() -> None:
    value: Any = []
    for _ in range(MAX_DEPTH - 1):
        value = [value]
    check_tree(value)
    with pytest.raises(BadFrame, match="nested deeper than 32 levels"):
        check_tree([value])


@pytest.mark.parametrize("key", ["k" * 30_000, "k" * 30_000 + "\N{GRINNING FACE}"])
def test_a_long_key_is_not_repeated_for_each_item_of_its_list(key: str) -> None:
    frame = with_data(f'{{"{key}\\n":[{"0," * 15_000}0]}}')
    tracemalloc.start()
    try:
        decode(frame)
        assert tracemalloc.get_traced_memory()[1] < 50 * len(frame)
    finally:
        tracemalloc.stop()


def test_a_long_path_is_shortened_in_the_error() -> None:
    error = decode_error(with_data(f'{{"{"k" * 30_000}":["{LONE_SURROGATE}"]}}'))
    assert (error.reason, error.where) == (SURROGATE, f"data.{'k' * 154}…")


def test_finding_a_duplicate_key_compares_each_name_once() -> None:
    compared = 0

    class Name(str):
        __slots__ = ()

        @override
        def __eq__(self, other: object) -> bool:
            nonlocal compared
            compared += 1
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    names = [*(Name(number) for number in range(1_000)), Name(999)]
    with pytest.raises(BadFrame, match="999: duplicate key"):
        envelope._check_unique_keys([(name, 1) for name in names])
    assert compared < 10 * len(names)
