"""Summaries of an event's data."""

from typing import Any

import pytest

from app.protocol.catalog import built_in
from app.protocol.contract import Direction
from app.protocol.summary import MAX_CHARS, summarize


@pytest.mark.parametrize(
    ("direction", "event", "line"),
    [
        (Direction.TO_UI, "new_message", "alice → bob: Hey there!"),
        (Direction.TO_UI, "friend_online", "alice"),
        (Direction.TO_UI, "friend_offline", "alice"),
        (Direction.TO_UI, "typing", "alice is typing"),
        (Direction.FROM_UI, "typing", "typing to alice"),
        (Direction.FROM_UI, "mark_read", "peer: alice, msg_id: 550e8400-e29b-41d4-a716-446655440000"),
    ],
)
def test_each_event_of_the_guide_has_a_summary(direction: Direction, event: str, line: str) -> None:
    known = built_in().get(direction, event)
    assert known is not None
    assert summarize(known.sample) == line


def test_the_summary_of_a_typing_stop_differs_from_a_start() -> None:
    assert summarize({"username": "alice", "typing": False}) == "alice stopped typing"
    assert summarize({"to": "alice", "typing": False}) == "stopped typing to alice"


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ({}, ""),
        (None, "null"),
        (
            {"order": {"items": [{"title": "Ünïcode 👋", "paid": True}], "note": None}},
            'order: {"items": [{"title": "Ünïcode 👋", "paid": true}], "note": null}',
        ),
        ([1, 2], "[1, 2]"),
        ({"username": 7}, "7"),
        ({"username": "alice", "typing": "yes"}, "username: alice, typing: yes"),
        ({"from": "a", "to": "b", "text": "two\nlines\tand  spaces"}, "a → b: two lines and spaces"),
    ],
)
def test_the_summary_of_other_data_shows_its_values(data: Any, line: str) -> None:
    assert summarize(data) == line


def test_emoji_that_are_newer_than_this_python_are_shown() -> None:
    newer = "\N{WAVING HAND SIGN}\U0001fa77\U0001fae8\U0001faff"  # of Unicode 13, 15, 15, and not assigned yet
    assert summarize({"username": newer}) == newer


@pytest.mark.parametrize("char", ["\x1b", "\u202e", "\u00ad", "\u200b", "\ud800", "\ue000", "\U000e0041"])
def test_what_is_not_visible_is_replaced(char: str) -> None:
    assert summarize({"username": f"a{char}b"}) == "a\ufffdb"


def test_a_summary_is_short() -> None:
    assert len(summarize({"from": "a" * 1_000, "to": "b", "text": "c" * 1_000})) <= MAX_CHARS
    assert len(summarize({str(i): "x" * 1_000 for i in range(100)})) <= MAX_CHARS
