"""Compare what the UI sent in two recordings: frames, and REST calls with their query (GET) or body, in order.
Polls (``POLLS``) and responses are not compared. Times are ignored, also those in the data, and each UUID is
replaced by a number.
"""

import json
import re
from collections.abc import Sequence
from itertools import starmap, zip_longest
from typing import Any, NamedTuple

from app.protocol.session.actions import Received, RestCall
from app.protocol.session.steps import Session, Step

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_COLON = "(?::|%3[Aa])"
_TIME = re.compile(
    rf"\d{{4}}-\d\d-\d\dT\d\d{_COLON}\d\d{_COLON}\d\d(?:\.\d+)?(?:Z|(?:[+-]|%2[Bb])\d\d{_COLON}?\d\d)"
)
"""A time in JSON, or in the query of a URL."""
POLLS = ("GET /friends", "GET /status")
"""Calls that the UI repeats all the time. They are not compared."""
MAX_EDITS = 2_000
"""At most this many of them that only one recording has are distinguished from those that both have."""


class SentByUi(NamedTuple):
    """A frame or REST call of the UI: its line in the recording, its event, and its data in a comparable form."""

    line: int
    event: str
    data: str


class UiDifference(NamedTuple):
    """What one recording has in a place and the other one does not. Either of them may be None."""

    first: SentByUi | None
    second: SentByUi | None


class _Item(NamedTuple):
    """A frame or REST call with what is compared: the texts around the ids in its event and data, and the ids."""

    sent: SentByUi
    texts: tuple[tuple[str, ...], tuple[str, ...]]
    ids: tuple[int, ...]


def compare(first: Session, second: Session) -> list[UiDifference]:
    """Return what the UI sent differently in two recordings, in order.

    A frame that only one of them has may shift the numbers of all later ids. So the recordings are also compared
    with ids that are equal if they can be paired, and the shorter list is returned.
    """
    ones, others = _items(first), _items(second)
    return min((_differences(ones, others, pair_ids=each) for each in (False, True)), key=len)


def is_comparable(session: Session) -> bool:
    """Return whether a session is a recording, or contains recorded traffic of the UI."""
    steps = (each.action for top in session.steps for each in top.walk())
    return session.header.kind == "recording" or any(isinstance(each, Received | RestCall) for each in steps)


def _items(session: Session) -> list[_Item]:
    """Return what the UI sent. Ids are numbered in the order in which they occur, and times are left out."""
    ids: dict[str, int] = {}
    return [each for step in session.steps if (each := _item(step, ids)) and each.sent.event not in POLLS]


def _differences(ones: list[_Item], others: list[_Item], *, pair_ids: bool) -> list[UiDifference]:
    keys, other_keys = ([each.texts if pair_ids else each[1:] for each in side] for side in (ones, others))
    found: list[UiDifference] = []
    pairs: dict[int, int] = {}
    back: dict[int, int] = {}
    start = other_start = 0
    for at, other_at in [*_equal_items(keys, other_keys), (len(ones), len(others))]:
        left = ([each.sent for each in ones[start:at]], [each.sent for each in others[other_start:other_at]])
        found += starmap(UiDifference, zip_longest(*left))
        start, other_start = at + 1, other_at + 1
        if pair_ids and at < len(ones):
            one, other = ones[at], others[other_at]
            ids = zip(one.ids, other.ids, strict=True)
            if not all(pairs.setdefault(a, b) == b and back.setdefault(b, a) == a for a, b in ids):
                found.append(UiDifference(one.sent, other.sent))
    return found


def _equal_items(ones: Sequence[object], others: Sequence[object]) -> list[tuple[int, int]]:
    """Return the indexes of equal items in both lists, in order, so that the fewest items remain (Myers, 1986).

    Round n finds how far each diagonal (the difference of the two indexes) can be followed with n remaining items.
    After round ``MAX_EDITS``, the rest of both lists counts as different.
    """
    rounds: list[list[int]] = []
    for edits in range(MAX_EDITS + 1):
        rounds.append([])
        for number, diagonal in enumerate(range(-edits, edits + 1, 2)):
            at, _ = _begin(rounds, edits, number)
            while at < len(ones) and at - diagonal < len(others) and ones[at] == others[at - diagonal]:
                at += 1
            rounds[-1].append(at)
            if at >= len(ones) and at - diagonal >= len(others):
                return _path(rounds, number)
    ends = [
        (2 * at - diagonal, number)
        for number, (diagonal, at) in enumerate(zip(range(-MAX_EDITS, MAX_EDITS + 1, 2), rounds[-1], strict=True))
        if at <= len(ones) and at - diagonal <= len(others)
    ]
    return _path(rounds, max(ends)[1])


def _begin(rounds: list[list[int]], edits: int, number: int) -> tuple[int, int]:
    """Return the index at which a round begins on a diagonal, and the number of the diagonal that leads there."""
    if not edits:
        return 0, 0
    before = rounds[edits - 1]
    skips_other = before[number] if number < edits else -1
    skips_one = before[number - 1] + 1 if number else -1
    return (skips_other, number) if skips_other >= skips_one else (skips_one, number - 1)


def _path(rounds: list[list[int]], number: int) -> list[tuple[int, int]]:
    """Return the indexes of equal items on the way to a diagonal of the last round."""
    found: list[tuple[int, int]] = []
    for edits in range(len(rounds) - 1, -1, -1):
        diagonal, end = 2 * number - edits, rounds[edits][number]
        start, number = _begin(rounds, edits, number)
        found += ((at, at - diagonal) for at in range(end - 1, start - 1, -1))
    return found[::-1]


def _item(step: Step, ids: dict[str, int]) -> _Item | None:
    """Return what a step sent; None if it is not one of the UI. Ids that are not in ``ids`` yet are added."""
    action = step.action
    if isinstance(action, Received):
        event, content = action.c2s, f"base64: {action.base64}" if action.base64 else _parsed(action.payload)
    elif isinstance(action, RestCall):
        event, content = action.rest, action.query if action.rest.startswith("GET ") else action.request
    else:
        return None
    data = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, sort_keys=True)
    event, data = _TIME.sub("(time)", event), _TIME.sub("(time)", data)
    found = (each.lower() for text in (event, data) for each in _UUID.findall(text))
    numbers = tuple(ids.setdefault(each, len(ids) + 1) for each in found)
    texts = (tuple(_UUID.split(event)), tuple(_UUID.split(data)))
    event, data = (_UUID.sub(lambda id_: f"(id {ids[id_[0].lower()]})", text) for text in (event, data))
    return _Item(SentByUi(step.line, event, data), texts, numbers)


def _parsed(payload: str) -> Any:
    try:
        frame = json.loads(payload)
    except (ValueError, RecursionError):
        return payload
    return frame.get("data", frame) if isinstance(frame, dict) else frame
