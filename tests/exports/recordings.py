"""Recordings for the tests of exports: steps of a session, and sessions with hostile texts in every field."""

import json
from collections.abc import Callable
from random import Random
from typing import Any

from app.protocol.session.actions import Action, Received, RestCall, Sent, ServerEvent
from app.protocol.session.steps import Header, Session, Step

IDS = tuple(f"{number:08d}-e5f6-7890-abcd-ef1234567890" for number in range(100))
NASTY = (
    "'", '"', "`", "${x}", "\\", "\\u0041", "\n", "\r\n", "\u2028", "\u2029", "</script>", "<!--", "-->", "*/",
    "/*", "//", "#", "'''", '"""', "```", "|", "\x00", "\x1b[31m", "\x7f", "\u202e", "\ufeff", "\ud83d\ude00",
    "😀", "é", "{", "}", "\\`", "{x}", "%s", "__proto__", "@everyone", "<img src=x>", "&amp;", " ", "a",
    "constructor",
)  # fmt: skip


def message(text: str, number: int = 1, sender: str = "alice") -> dict[str, Any]:
    """Return the data of a message to the user."""
    return {
        "msg_id": IDS[number], "from": sender, "to": "me", "text": text, "timestamp": "2026-01-01T10:00:00Z",
        "direction": "received", "delivered": True, "delivery_method": "direct",
    }  # fmt: skip


def s2c(seq: int, event: str, data: Any, after: float = 1.0, origin: str = "control", client: int = 1) -> Sent:
    """Return the step of a frame to the UI."""
    frame = json.dumps({"event": event, "data": data})
    return Sent(after=after, seq=seq, s2c=event, payload=frame, recipients=(client,), origin=origin)


def c2s(seq: int, event: str, data: Any, after: float = 1.0, client: int = 1) -> Received:
    """Return the step of a frame of the UI."""
    frame = json.dumps({"event": event, "data": data})
    return Received(after=after, seq=seq, c2s=event, payload=frame, client=client, origin=f"client {client}")


def posted(seq: int, to: str, text: str, after: float = 1.0, number: int = 50) -> RestCall:
    """Return the step of a message that the UI sent."""
    return RestCall(
        after=after, seq=seq, rest="POST /messages", status=200, request={"to": to, "text": text},
        response={"msg_id": IDS[number]}, origin="rest",
    )  # fmt: skip


def recording(*actions: Action, title: str = "A chat", state: Any = None) -> Session:
    """Return a recording with these steps."""
    return Session(Header(title=title, kind="recording", me="me", state=state), tuple(map(Step, actions)))


def about_posted_messages() -> Session:
    """Return a recording with events about messages that the UI has posted, and one that it has received."""
    return recording(
        s2c(1, "new_message", message("hi")),
        posted(2, "alice", "one", number=7),
        posted(3, "alice", "it's two", number=8),
        s2c(4, "message_deleted", {"msg_id": IDS[8], "all": [IDS[1], IDS[8]]}),
        RestCall(after=1, seq=5, rest=f"DELETE /messages/{IDS[8]}", status=204),
        posted(6, "bob", "three", number=9),
        s2c(7, "message_deleted", {"msg_id": IDS[9]}),
    )


def hostile(seed: int) -> Session:
    """Return a recording with random hostile texts in every field."""
    random = Random(seed)

    def text() -> str:
        joined = "".join(random.choices(NASTY, k=random.randint(0, 6)))
        return joined.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def value(depth: int = 0) -> Any:
        kinds: list[Callable[[], Any]] = [
            text,
            lambda: random.choice([None, True, False, 0, -1.5, 1e300, 2**63, "x"]),
        ]
        if depth < 3:
            kinds.append(lambda: [value(depth + 1) for _ in range(random.randint(0, 3))])
            kinds.append(lambda: {text(): value(depth + 1) for _ in range(random.randint(0, 3))})
        return random.choice(kinds)()

    deep: Any = text()
    for _ in range(random.choice([0, 250])):
        deep = [deep]
    raw = Sent(after=6, seq=3, s2c=text(), payload=text(), recipients=(1,), comment=text(), verdict="invalid")
    return recording(
        ServerEvent(server="connected", client=1, page=text(), agent=text(), comment=text()),
        RestCall(rest=f"GET /friends/{text()}", status=200, response=value(), query=text()),
        s2c(1, "new_message", {**message(text()), "from": text() or "x"}),
        s2c(2, text() or "x", {text(): value(), "deep": deep}),
        raw,
        s2c(4, "typing", {"username": text(), "typing": random.choice([True, False])}),
        c2s(5, "typing", {"to": text(), "typing": True}),
        c2s(6, text() or "x", {text(): value(), "field": value()}),
        c2s(7, "mark_read", {"peer": text(), "msg_id": IDS[1]}),
        posted(8, text(), text()),
        RestCall(after=1, seq=9, rest=f"{text() or 'x'} /{text()}", status=500, request=value(), response=value()),
        title=text(), state=random.choice([None, {text(): value()}]),
    )  # fmt: skip
