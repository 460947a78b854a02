"""Two recordings differ in what the UI sent, not in times and ids."""

import json
import random
import uuid
from typing import Any

import pytest

from app.protocol.session import comparison
from app.protocol.session.comparison import compare
from app.protocol.session.lines import parse_lines
from app.protocol.session.steps import Session


def recording(*steps: dict[str, Any]) -> Session:
    return parse_lines("\n".join(map(json.dumps, [{"session": 1, "kind": "recording"}, *steps]))).session


def frame(event: str, **data: Any) -> dict[str, Any]:
    return {"c2s": event, "payload": json.dumps({"event": event, "data": data}), "client": 1}


def texts(first: Session, second: Session) -> list[tuple[str | None, str | None]]:
    return [
        (one and f"{one.line} {one.event} {one.data}", other and f"{other.line} {other.event} {other.data}")
        for one, other in compare(first, second)
    ]


def read(msg_id: str, **more: Any) -> dict[str, Any]:
    return {**frame("mark_read", peer="alice", msg_id=msg_id), **more}


def test_times_ids_and_polls_are_no_difference() -> None:
    sessions = []
    for after in (0.1, 7.5):
        one, other = str(uuid.uuid4()), str(uuid.uuid4())
        sessions.append(
            recording(
                read(one, after=after), {"rest": "GET /friends", "after": after}, read(other), read(one),
                {"rest": "POST /messages", "request": {"to": "bob", "at": f"2026-01-01T00:00:0{int(after)}Z"}},
                *([{"rest": "GET /status"}] * int(after)),
            )
        )  # fmt: skip
    assert texts(*sessions) == []


def test_ids_in_paths_are_no_difference_unless_they_are_other_messages() -> None:
    def deleted(first: str, second: str) -> Session:
        return recording(read(first), {"rest": f"DELETE /messages/{second}", "request": {"by": first}})

    one, other = str(uuid.uuid4()), str(uuid.uuid4())
    assert texts(deleted(one, one), deleted(other, other)) == []
    (difference,) = texts(deleted(one, one), deleted(one, other))
    assert difference == (
        '3 DELETE /messages/(id 1) {"by": "(id 1)"}', '3 DELETE /messages/(id 2) {"by": "(id 1)"}'
    )  # fmt: skip


@pytest.mark.parametrize("text", ["(id)", "(id 1)", "(id 7)"])
def test_a_text_like_a_placeholder_is_not_an_id(text: str) -> None:
    """Regression: ``ValueError`` of ``zip``."""
    for other in ("(id)", "(id 1)", "(id 7)", str(uuid.uuid4())):
        found = texts(recording(frame("sent", text=text)), recording(frame("sent", text=other)))
        assert bool(found) == (text != other)


@pytest.mark.parametrize(
    "time",
    ["2026-01-01T10:00:00Z", "2026-01-01T10%3A00%3A00.5Z", "2026-01-01T10:00:00+0200",
     "2026-01-01T10%3a00%3a00%2B02%3A00", "2026-01-01T10:00:00-02:00"],
)  # fmt: skip
def test_times_in_queries_are_no_difference(time: str) -> None:
    def asked(before: str) -> Session:
        return recording({"rest": "GET /messages", "query": f"before={before}&limit=50"})

    assert texts(asked(time), asked("2025-06-01T08:00:00Z")) == []
    (difference,) = texts(asked(time), recording({"rest": "GET /messages", "query": "limit=50"}))
    assert difference[0] == "2 GET /messages before=(time)&limit=50"


def test_other_ids_in_other_places_are_a_difference() -> None:
    one, other = str(uuid.uuid4()), str(uuid.uuid4())
    (difference,) = texts(
        recording(read(one), read(other), read(one)), recording(read(one), read(other), read(other))
    )
    assert difference == (
        '4 mark_read {"msg_id": "(id 1)", "peer": "alice"}', '4 mark_read {"msg_id": "(id 2)", "peer": "alice"}'
    )  # fmt: skip


def test_missing_additional_and_changed_frames_are_named_with_their_lines() -> None:
    first = recording(
        frame("typing", to="alice", typing=True), frame("typing", to="alice", typing=False), read("x")
    )
    second = recording(frame("typing", to="alice", typing=True), read("y"), frame("nonsense"))
    assert texts(first, second) == [
        ('3 typing {"to": "alice", "typing": false}', '3 mark_read {"msg_id": "y", "peer": "alice"}'),
        ('4 mark_read {"msg_id": "x", "peer": "alice"}', "4 nonsense {}"),
    ]
    assert texts(recording(), recording(frame("typing", to="a"))) == [(None, '2 typing {"to": "a"}')]


def test_frames_to_the_ui_are_not_compared() -> None:
    assert texts(recording({"s2c": "new_message"}), recording({"server": "connected"})) == []


def test_a_frame_that_is_no_event_is_compared_as_text() -> None:
    one = {"c2s": "", "payload": "no json"}
    assert texts(recording(one), recording({**one, "payload": "other"})) == [("2  no json", "2  other")]


def test_a_binary_frame_is_compared() -> None:
    one = {"c2s": "", "base64": "AAAA"}
    assert texts(recording(one), recording(one)) == []
    assert texts(recording(one), recording({**one, "base64": "/////w=="})) == [
        ("2  base64: AAAA", "2  base64: /////w==")
    ]


def test_an_additional_frame_with_an_id_is_one_difference() -> None:
    def sent(text: str) -> dict[str, Any]:
        return frame("sent", id=str(uuid.uuid4()), text=text)

    first = recording(*map(sent, "abcde"))
    second = recording(*map(sent, "xabcde"))
    assert texts(first, second) == [(None, '2 sent {"id": "(id 1)", "text": "x"}')]


def test_few_items_remain_of_frames_that_are_alike() -> None:
    rng = random.Random(1)
    typing = [frame("typing", to=to, typing=typing) for to in ("alice", "bob") for typing in (True, False)]
    many = rng.choices(typing, k=3_000)
    fewer = [each for at, each in enumerate(many) if at % 100]
    found = compare(recording(*many), recording(*fewer))
    assert len(found) == 30
    assert all(each.second is None for each in found)


def test_the_rest_is_different_after_too_many_differences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "MAX_EDITS", 3)
    first, second = recording(*map(read, "abcdef")), recording(*map(read, "axcyef"))
    lines = [tuple(side and side.line for side in each) for each in compare(first, second)]
    assert lines == [(3, 3), (5, 5), (6, 6), (7, 7)]
    assert compare(first, first) == []


@pytest.mark.long
def test_a_difference_at_the_end_of_a_long_recording_is_found() -> None:
    frames = [frame("typing", username="alice", typing=bool(each % 2)) for each in range(20_001)]
    (difference,) = compare(recording(*frames), recording(*frames[:-1]))
    assert [side and side.line for side in difference] == [20_002, None]
