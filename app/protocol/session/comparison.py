"""Compare what the UI sent in two recordings: frames, and REST calls with their query (GET) or body, in order.
Polls (``POLLS``) and responses are not compared. Times are ignored, also those in the data, and each UUID is
replaced by a number. Yields the differences within the first ``MAX_COMPARED`` frames and calls of each recording.
"""

import json
import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from app.protocol.session.actions import Received, RestCall
from app.protocol.session.steps import Session, Step

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
POLLS = ("GET /friends", "GET /status")
"""Calls that the UI repeats all the time. They are not compared."""
MAX_COMPARED = 20_000
"""At most this many frames and calls of each recording are compared, because that takes time."""


class SentByUi(NamedTuple):
    """A frame or REST call of the UI: its line in the recording, its event, and its data in a comparable form."""

    line: int
    event: str
    data: str


class UiDifference(NamedTuple):
    """What one recording has in a place and the other one does not. Either of them may be None."""

    first: SentByUi | None
    second: SentByUi | None


def sent_by_ui(session: Session) -> list[SentByUi]:
    """Return what the UI sent. Ids are numbered in the order in which they occur, and times are left out."""
    ids: dict[str, str] = {}
    found = []
    for step in session.steps:
        if (each := _sent(step, ids)) and each.event not in POLLS:
            found.append(each)
    return found[:MAX_COMPARED]


def compare(first: Session, second: Session) -> Iterator[UiDifference]:
    """Yield what the UI sent differently in two recordings, in order."""
    ones, others = sent_by_ui(first), sent_by_ui(second)
    matcher = SequenceMatcher(None, [each[1:] for each in ones], [each[1:] for each in others], autojunk=False)
    for kind, start, end, other_start, other_end in matcher.get_opcodes():
        if kind == "equal":
            continue
        left, right = ones[start:end], others[other_start:other_end]
        for index in range(max(len(left), len(right))):
            yield UiDifference(
                left[index] if index < len(left) else None, right[index] if index < len(right) else None
            )


def _sent(step: Step, ids: dict[str, str]) -> SentByUi | None:
    action = step.action
    if isinstance(action, Received):
        return SentByUi(step.line, action.c2s, _comparable(_parsed(action.payload), ids))
    if isinstance(action, RestCall):
        content = action.query if action.rest.startswith("GET ") else action.request
        return SentByUi(step.line, action.rest, _comparable(content, ids))
    return None


def _parsed(payload: str) -> Any:
    try:
        frame = json.loads(payload)
    except (ValueError, RecursionError):
        return payload
    return frame.get("data", frame) if isinstance(frame, dict) else frame


def _comparable(value: Any, ids: dict[str, str]) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    text = _TIME.sub("(time)", text)
    return _UUID.sub(lambda found: ids.setdefault(found[0].lower(), f"(id {len(ids) + 1})"), text)
