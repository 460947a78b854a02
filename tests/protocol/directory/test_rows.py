"""The readers of rows: valid rows, and any JSON, which must not raise anything but ``InvalidResponse``."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol.directory.errors import explain
from app.protocol.directory.filters import after, is_one_of, timestamp
from app.protocol.directory.rows import (
    BadRow,
    InvalidResponse,
    QueuedRow,
    SealedEnvelope,
    SealedText,
    content_of,
    parse_time,
    read_queue,
    read_users,
)

ROW = {"id": "1", "from_user": "bob", "created_at": "2026-02-11T16:00:00.5+00:00", "ciphertext": "QUJD"}


def read_one(**changes: Any) -> QueuedRow | BadRow:
    (row,) = read_queue(json.dumps([{**ROW, **changes}]).encode())
    return row


def test_a_valid_row() -> None:
    assert read_one(signature="s") == QueuedRow(
        id="1", from_user="bob", created_at="2026-02-11T16:00:00.5+00:00", at=1_770_825_600.5, ciphertext="QUJD",
        signature="s",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": None}, "it has no id"),
        ({"created_at": None}, "created_at is not a time"),
        ({"created_at": "2026-02-11T16:00:00"}, "created_at is not a time"),
        ({"from_user": "a/b"}, "from_user is not a valid name"),
        ({"from_user": 7}, "from_user is not a valid name"),
        ({"ciphertext": ""}, "ciphertext is empty"),
        ({"ciphertext": "x" * (2 * 1024 * 1024 + 1)}, "ciphertext has more than 2 MiB"),
    ],
)
def test_rows_that_cannot_be_used(changes: dict[str, Any], reason: str) -> None:
    row = read_one(**changes)
    assert isinstance(row, BadRow)
    assert row.reason == reason


def test_a_bad_row_does_not_hide_the_others() -> None:
    found = read_queue(json.dumps([{}, ROW, {**ROW, "from_user": "\ud800"}]).encode())
    assert [type(each) for each in found] == [BadRow, QueuedRow, BadRow]


ENVELOPE = b'{"type":"message"}'


@pytest.mark.parametrize(
    ("ciphertext", "content"),
    [
        (ENVELOPE.decode(), SealedEnvelope(ENVELOPE)),
        (base64.b64encode(ENVELOPE).decode(), SealedEnvelope(ENVELOPE)),
        (base64.b64encode(b"{" + bytes(60)).decode(), SealedText(base64.b64encode(b"{" + bytes(60)).decode(), "s")),
        ("QUJD", SealedText("QUJD", "s")),
        ("no base64!", SealedText("no base64!", "s")),
    ],
)
def test_both_kinds_of_content(ciphertext: str, content: object) -> None:
    row = read_one(ciphertext=ciphertext, signature="s")
    assert isinstance(row, QueuedRow)
    assert content_of(row) == content


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda each: st.lists(each, max_size=4) | st.dictionaries(st.text(max_size=8), each, max_size=4),
    max_leaves=12,
)
VALUE = JSON | st.sampled_from(list(ROW.values()))
OBJECT = st.dictionaries(
    st.sampled_from([*ROW, "signature", "username", "node_id", "last_seen", "public_key"]), VALUE, max_size=8
)


@given(
    st.binary(max_size=200)
    | JSON.map(json.dumps).map(str.encode)
    | st.lists(OBJECT).map(json.dumps).map(str.encode)
)
def test_any_response_is_read_or_rejected(body: bytes) -> None:
    for read in (read_queue, read_users):
        try:
            rows = read(body)
        except InvalidResponse:
            continue
        for row in rows:
            if isinstance(row, QueuedRow):
                assert isinstance(content_of(row), SealedEnvelope | SealedText)
                assert row.from_user.isprintable()


@given(st.integers(200, 599), st.binary(max_size=100) | JSON.map(json.dumps).map(str.encode))
def test_any_error_body_becomes_a_sentence(status: int, body: bytes) -> None:
    error = explain(status, body, "users")
    assert str(error).endswith((".", "…"))
    assert str(error).isprintable()


def test_a_missing_grant_is_not_called_a_missing_policy() -> None:
    body = b'{"code":"42501","message":"permission denied for table users"}'
    assert "GRANT" in str(explain(401, body, "users"))


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000])
def test_deep_nesting_is_rejected(body: bytes) -> None:
    with pytest.raises(InvalidResponse):
        read_queue(body)
    assert str(explain(500, body, "users"))


def test_users() -> None:
    rows = [{"username": "bob", "last_seen": "2026-02-11T16:00:00+00:00", "node_id": 5}, {"username": ""}, {}]
    (bob,) = read_users(json.dumps(rows).encode())
    assert (bob.username, bob.last_seen, bob.node_id) == ("bob", 1_770_825_600.0, "")


def test_filters_and_times() -> None:
    assert is_one_of(['a,"b"', "c\\(d)"]) == 'in.("a,\\"b\\"","c\\\\(d)")'
    assert after("2026-01-01T00:00:00+00:00", "x").startswith('(created_at.gt."2026-01-01T00:00:00+00:00",and(')
    assert timestamp(1_770_825_600.9) == "2026-02-11T16:00:00Z"
    assert parse_time("9999-12-31T23:59:59-00:00") is not None
    assert parse_time("now") is None
