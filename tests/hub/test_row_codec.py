"""A row converted to JSON and back stays the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.hub.row import Kind, Row, Verdict
from app.hub.row_codec import decode, encode

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
rows = st.builds(
    Row,
    seq=st.integers(1, 2**53),
    wall=st.integers(-62_000_000_000_000, 253_000_000_000_000).map(lambda ms: ms / 1000),
    mono=st.floats(0, 1e9, allow_nan=False),
    kind=st.sampled_from(Kind),
    client=text,
    event=text,
    payload=st.binary(max_size=60) | text.map(str.encode),
    size=st.just(0),
    verdict=st.sampled_from(Verdict),
    note=text,
    origin=text,
    user=text,
    recipients=st.lists(st.integers(1, 10_000), max_size=5).map(tuple),
).map(lambda row: row._replace(size=len(row.payload)))


@given(rows)
def test_a_row_is_unchanged_after_encoding_and_decoding(row: Row) -> None:
    decoded = decode(encode(row))
    assert decoded._replace(wall=0) == row._replace(wall=0)
    assert decoded.wall == pytest.approx(row.wall, abs=0.0011)  # in year 9999, a float is exact to 0.03 ms


@given(rows)
def test_a_row_is_one_line(row: Row) -> None:
    assert b"\n" not in encode(row)


@pytest.mark.parametrize("line", [b"", b"{}", b"[]", b'{"seq": 1}', b"\xff"])
def test_an_invalid_line_raises_valueerror(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the message comes from msgspec, base64 or datetime
        decode(line)
