"""Every REST call of the UI, with every status it can return and exactly the documented fields."""

import asyncio
import base64
import json
import re
import uuid
from datetime import datetime
from typing import Any

import pytest

from app import __version__
from app.hub.journal import Kind, Verdict
from app.hub.origin import PANEL
from app.protocol.envelope import Envelope
from app.protocol.event_files.parse import parse_event_file
from tests.conftest import PATIENCE_S, Connect
from tests.endpoints.http_client import PAGE, Answer, Rest

FRIEND = {"username", "public_key", "signing_key", "online", "last_seen", "last_ip", "added_at"}
MESSAGE = {"msg_id", "from", "to", "text", "timestamp", "direction", "delivered", "delivery_method"}
UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def is_json(answer: Answer) -> bool:
    return answer.headers["Content-Type"].split(";")[0] == "application/json"


async def page(rest: Rest, query: str) -> tuple[list[str], int, bool]:
    """Return the texts of a page, the total, and whether there are more messages."""
    answer = await rest.get(f"/messages?{query}")
    assert answer.status == 200
    assert list(answer.json) == ["messages", "total", "has_more"]
    return [message["text"] for message in answer.json["messages"]], answer.json["total"], answer.json["has_more"]


# GET /status


async def test_status(rest: Rest) -> None:
    answer = await rest.get("/status")
    assert answer.status == 200
    assert is_json(answer)
    status = answer.json
    assert status.pop("uptime_seconds") >= 0
    assert re.fullmatch(r"[0-9a-f]+", status.pop("node_id"))
    assert status == {
        "status": "ok", "username": "me", "friends_count": 4, "peer_port": 0, "supabase_connected": False,
        "version": __version__,
    }  # fmt: skip


async def test_status_shows_the_number_of_friends_and_the_current_user(rest: Rest) -> None:
    await rest.delete("/friends/alice")
    rest.companion.hub.local_user = "zoe"
    status = (await rest.get("/status")).json
    assert (status["friends_count"], status["username"]) == (3, "zoe")


# GET /friends


async def test_friends_returns_an_array_of_friends(rest: Rest) -> None:
    answer = await rest.get("/friends")
    assert answer.status == 200
    assert is_json(answer)
    assert [friend["username"] for friend in answer.json] == ["alice", "bob", "carol", "dave"]
    for friend in answer.json:
        assert set(friend) == FRIEND
        assert isinstance(friend["online"], bool)
        assert isinstance(friend["last_ip"], str)
        for time in ("last_seen", "added_at"):
            assert UTC.fullmatch(friend[time])
            datetime.fromisoformat(friend[time])
        for key in ("public_key", "signing_key"):
            assert base64.b64decode(friend[key], validate=True)


async def test_without_friends_an_empty_array_is_returned(rest: Rest) -> None:
    for name in ("alice", "bob", "carol", "dave"):
        assert (await rest.delete(f"/friends/{name}")).status == 204
    assert (await rest.get("/friends")).json == []


async def test_presence_follows_fired_events(rest: Rest) -> None:
    await rest.companion.fire(Envelope("friend_online", {"username": "bob"}), origin=PANEL)
    await rest.companion.fire(Envelope("friend_offline", {"username": "alice"}), origin=PANEL)
    online = {friend["username"]: friend["online"] for friend in (await rest.get("/friends")).json}
    assert (online["alice"], online["bob"]) == (False, True)


# POST /friends


async def test_a_persona_that_is_not_a_friend_can_be_added(rest: Rest) -> None:
    answer = await rest.post("/friends", {"username": " erin "})
    assert answer.status == 201
    assert is_json(answer)
    assert set(answer.json) == FRIEND
    assert answer.json["username"] == "erin"
    assert answer.json in (await rest.get("/friends")).json


async def test_invalid_names_are_rejected_with_a_reason(rest: Rest, subtests: pytest.Subtests) -> None:
    before = await rest.state()
    for body, status, error in [
        ({"username": "unknown"}, 404, "There is no user 'unknown'."),
        ({"username": "alice"}, 409, "alice is already a friend."),
        ({}, 400, "The field 'username' is missing."),
        ({"username": None}, 400, "The field 'username' is missing."),
        ({"username": ""}, 400, "The user name is empty."),
        ({"username": "  "}, 400, "The user name is empty."),
        ({"username": 7}, 400, "The field 'username' must be text."),
        ({"username": ["alice"]}, 400, "The field 'username' must be text."),
        ([], 400, "The body must be a JSON object."),
    ]:
        with subtests.test(body=body, status=status):
            answer = await rest.post("/friends", body)
            assert (answer.status, answer.error) == (status, error)
            assert await rest.state() == before


async def test_a_very_long_name_is_rejected_with_a_short_error(rest: Rest) -> None:
    answer = await rest.post("/friends", {"username": "n" * 100_000})
    assert answer.status == 404
    assert len(answer.error) < 200


# DELETE /friends/{username}


async def test_removing_a_friend_keeps_the_messages(rest: Rest) -> None:
    before = await page(rest, "peer=alice")
    answer = await rest.delete("/friends/alice")
    assert (answer.status, answer.body) == (204, b"")
    assert "alice" not in [friend["username"] for friend in (await rest.get("/friends")).json]
    assert await page(rest, "peer=alice") == before
    assert (await rest.post("/friends", {"username": "alice"})).status == 201


async def test_removing_a_user_who_is_not_a_friend_returns_404(rest: Rest, subtests: pytest.Subtests) -> None:
    for name in ["erin", "unknown", "ALICE", "alice%20", "%20"]:
        with subtests.test(name=name):
            before = await rest.state()
            answer = await rest.delete(f"/friends/{name}")
            assert answer.status == 404
            assert "is not a friend" in answer.error
            assert await rest.state() == before


# GET /messages


async def test_a_message_equals_the_payload_of_new_message(rest: Rest) -> None:
    event = rest.companion.message_from("bob", "Grüße 👋\n\0 end")
    event.data["reactions"] = [{"emoji": "👍", "from": "me"}]
    await rest.companion.fire(event, origin=PANEL)
    answer = await rest.get("/messages?peer=bob")
    assert is_json(answer)
    assert answer.json["messages"][-1] == event.data
    assert {frozenset(message) for message in answer.json["messages"][:-1]} == {frozenset(MESSAGE)}


async def test_the_history_with_an_unknown_peer_is_empty(rest: Rest) -> None:
    assert await page(rest, "peer=unknown") == ([], 0, False)


async def test_130_messages_are_paged_from_the_newest(rest: Rest) -> None:
    for number in range(130):
        await rest.companion.fire(rest.companion.message_from("erin", str(number)), origin=PANEL)

    def texts(first: int, end: int) -> list[str]:
        return [str(number) for number in range(first, end)]

    assert await page(rest, "peer=erin") == (texts(80, 130), 130, True)
    assert await page(rest, "peer=erin&limit=50&offset=50") == (texts(30, 80), 130, True)
    assert await page(rest, "peer=erin&limit=50&offset=100") == (texts(0, 30), 130, False)
    assert await page(rest, "peer=erin&limit=50&offset=80") == (texts(0, 50), 130, False)
    assert await page(rest, "peer=erin&limit=50&offset=79") == (texts(1, 51), 130, True)
    assert await page(rest, "peer=erin&offset=130") == ([], 130, False)
    assert await page(rest, "peer=erin&offset=999") == ([], 130, False)
    assert await page(rest, "peer=erin&limit=1") == (["129"], 130, True)
    assert await page(rest, "peer=erin&limit=&offset=") == (texts(80, 130), 130, True)
    assert await page(rest, f"peer=erin&limit={10**17}&offset=0") == (texts(0, 130), 130, False)
    assert await page(rest, f"peer=erin&limit=1000&offset={10**17}") == ([], 130, False)


async def test_a_page_has_at_most_1000_messages(rest: Rest) -> None:
    state = await rest.state()
    message = next(each for each in state["messages"] if each["direction"] == "received")
    state["messages"] = [{**message, "from": "erin", "msg_id": str(uuid.uuid4())} for _ in range(1_001)]
    await rest.companion.chat.restore(state)
    texts, total, more = await page(rest, "peer=erin&limit=5000")
    assert (len(texts), total, more) == (1_000, 1_001, True)


async def test_a_missing_peer_or_invalid_number_is_rejected(rest: Rest, subtests: pytest.Subtests) -> None:
    for query in (
        "", "peer=", "limit=5", "Peer=alice", "peer=alice&limit=0", "peer=alice&limit=-1", "peer=alice&limit=x",
        "peer=alice&limit=5.0", "peer=alice&limit=1e3", "peer=alice&limit=%D9%A5", "peer=alice&offset=-1",
        "peer=alice&offset=x", "peer=alice&limit=%205", "peer=alice&limit=0x10", "peer=alice&limit=%C2%B2",
        f"peer=alice&offset={10**30}", f"peer=alice&limit={'9' * 5_000}", "peer=alice&limit=%2B5",
    ):  # fmt: skip
        with subtests.test(query=query[:40]):
            answer = await rest.get(f"/messages?{query}")
            assert answer.status == 400
            assert len(answer.error) < 200


# POST /messages


async def test_a_message_to_an_online_friend_returns_200_with_direct_delivery(rest: Rest) -> None:
    answer = await rest.post("/messages", {"to": "alice", "text": "Hi"})
    assert answer.status == 200
    assert is_json(answer)
    newest = (await rest.get("/messages?peer=alice&limit=1")).json["messages"][0]
    assert answer.json == {
        "msg_id": newest["msg_id"], "delivered": True, "delivery_method": "direct", "method": "direct",
        "timestamp": newest["timestamp"],
    }  # fmt: skip
    assert (newest["from"], newest["to"], newest["text"], newest["direction"]) == ("me", "alice", "Hi", "sent")
    assert UTC.fullmatch(newest["timestamp"])


async def test_a_message_to_an_offline_friend_returns_202_with_a_note(rest: Rest) -> None:
    answer = await rest.post("/messages", {"to": "bob", "text": "Hi"})
    assert answer.status == 202
    newest = (await rest.get("/messages?peer=bob&limit=1")).json["messages"][0]
    note = answer.json["note"]
    assert isinstance(note, str)
    assert answer.json == {
        "msg_id": newest["msg_id"], "delivered": False, "delivery_method": "offline", "method": "offline",
        "timestamp": newest["timestamp"], "note": note,
    }  # fmt: skip
    assert newest["delivered"] is False


async def test_the_sending_window_does_not_receive_its_own_message(rest: Rest, connect_to: Connect) -> None:
    window = await connect_to(origin=PAGE, user_agent_header="Chromium")
    other = await connect_to(origin=PAGE, user_agent_header="Firefox")
    answer = await rest.post(
        "/messages", {"to": "alice", "text": "Hi"}, headers={"Origin": PAGE, "User-Agent": "Chromium"}
    )
    await rest.companion.fire(Envelope("friend_online", {"username": "bob"}), origin=PANEL)
    event = json.loads(await asyncio.wait_for(other.recv(), PATIENCE_S))
    assert (event["data"]["msg_id"], event["data"]["direction"]) == (answer.json["msg_id"], "sent")
    assert json.loads(await asyncio.wait_for(window.recv(), PATIENCE_S))["event"] == "friend_online"


@pytest.fixture
def connect_to(rest: Rest, connect_client: Connect) -> Connect:
    """Return a function that opens clients of the companion that ``rest`` calls."""
    return connect_client


@pytest.fixture
def companion(rest: Rest) -> Any:
    return rest.companion


@pytest.mark.parametrize(
    "text",
    ["x" * 10_000, "😀" * 10_000, "ü" * 10_000, '"\\\n\0' * 2_500],
    ids=["plain", "emoji", "umlaut", "escapes"],
)
async def test_10_000_characters_are_accepted_also_as_escapes(rest: Rest, text: str) -> None:
    for body in (
        json.dumps({"to": "alice", "text": text}),
        json.dumps({"to": "alice", "text": text}, ensure_ascii=False),
    ):
        assert (await rest.post("/messages", body.encode())).status == 200
        newest = (await rest.get("/messages?peer=alice&limit=1")).json["messages"][0]
        assert newest["text"] == text


async def test_an_invalid_message_is_rejected_and_not_stored(rest: Rest, subtests: pytest.Subtests) -> None:
    before = await rest.state()
    for body, status, error in [
        ({"text": "Hi"}, 400, "'to' is missing"),
        ({"to": "alice"}, 400, "'text' is missing"),
        ({}, 400, "is missing"),
        ({"to": "alice", "text": None}, 400, "'text' is missing"),
        ({"to": "alice", "text": ""}, 400, "empty"),
        ({"to": "alice", "text": 7}, 400, "'text' must be text"),
        ({"to": {"username": "alice"}, "text": "Hi"}, 400, "'to' must be text"),
        ({"to": "alice", "text": "x" * 10_001}, 400, "10,001 characters; at most 10,000 are allowed"),
        ({"to": "alice", "text": "😀" * 10_001}, 400, "10,001 characters"),
        ({"to": "unknown", "text": "Hi"}, 404, "'unknown' is not a friend"),
        ({"to": "erin", "text": "Hi"}, 404, "'erin' is not a friend"),
        ({"to": "me", "text": "Hi"}, 404, "'me' is not a friend"),
        ("alice", 400, "must be a JSON object"),
    ]:
        with subtests.test(body=body, status=status):
            answer = await rest.post("/messages", body)
            assert answer.status == status
            assert error in answer.error
            assert await rest.state() == before


async def test_a_posted_field_that_an_event_file_forbids_is_refused(rest: Rest) -> None:
    """Regression: it was ignored, as fields are that no file mentions."""
    file = '{"extends": "new_message", "data": {"properties": {"thread": false}}}'
    rest.companion.use_events([parse_event_file("e.json", file, rest.companion.catalog)])
    answer = await rest.post("/messages", {"to": "alice", "text": "Hi", "thread": 1})
    assert answer.status == 400
    assert "thread: is not allowed." in answer.error


async def test_concurrent_posts_are_each_stored_once(rest: Rest) -> None:
    before = (await rest.get("/messages?peer=alice")).json["total"]
    answers = await asyncio.gather(
        *(rest.post("/messages", {"to": "alice", "text": f"number {number}"}) for number in range(50))
    )
    assert [answer.status for answer in answers] == [200] * 50
    stored = (await rest.get("/messages?peer=alice&limit=50")).json
    assert stored["total"] == before + 50
    assert {message["text"] for message in stored["messages"]} == {f"number {number}" for number in range(50)}
    assert {message["msg_id"] for message in stored["messages"]} == {answer.json["msg_id"] for answer in answers}


# DELETE /messages/{msg_id}


async def test_a_message_can_be_deleted_once(rest: Rest) -> None:
    newest = (await rest.get("/messages?peer=bob")).json["messages"][-1]
    answer = await rest.delete(f"/messages/{newest['msg_id']}")
    assert (answer.status, answer.body) == (204, b"")
    assert newest not in (await rest.get("/messages?peer=bob")).json["messages"]
    again = await rest.delete(f"/messages/{newest['msg_id']}")
    assert again.status == 404
    assert newest["msg_id"] in again.error


# rows in the journal


CALLS_THAT_FAIL = [
    ("POST", "/health", 404, "The path /health does not exist."),
    ("GET", "/users", 404, "The path /users does not exist."),
    ("GET", "/messages", 400, "The query parameter peer is missing. Use ?peer=NAME."),
    ("PUT", "/messages", 405, "/messages does not support PUT."),
    ("PATCH", "/friends", 405, "/friends does not support PATCH."),
    ("HEAD", "/status", 405, "/status does not support HEAD."),
    ("POST", "/messages/x/reactions", 404, "The path /messages/x/reactions does not exist."),
]


@pytest.mark.parametrize(("method", "path", "status", "reason"), CALLS_THAT_FAIL)
async def test_every_failed_call_is_logged(rest: Rest, method: str, path: str, status: int, reason: str) -> None:
    for _ in range(2):
        assert (await rest.call(method, path)).status == status
    rows = [row for row in rest.companion.journal if row.kind is Kind.FROM_UI]
    assert [(row.event, row.note, row.verdict) for row in rows] == [
        (f"{method} {path}", reason, Verdict.INVALID)
    ] * 2


async def test_a_preflight_for_an_unsupported_method_is_logged(rest: Rest) -> None:
    """The browser sends no other request, so it would not be visible in the log otherwise."""
    for method in ("PUT", "POST"):
        await rest.call("OPTIONS", "/messages", headers={"Origin": PAGE, "Access-Control-Request-Method": method})
    (row,) = [row for row in rest.companion.journal if row.kind is Kind.FROM_UI]
    assert (row.event, row.verdict) == ("OPTIONS /messages", Verdict.INVALID)
    assert row.note == "A page asks for the method PUT, but only GET, POST, DELETE, OPTIONS are supported."


async def test_get_requests_are_logged_on_demand_with_their_query(rest: Rest) -> None:
    await rest.get("/friends")
    await rest.companion.log_get_requests(True)
    for _ in range(5):
        await rest.get("/friends")
    await rest.get("/messages?peer=b%C3%B6b&limit=50&offset=0")
    await rest.companion.log_get_requests(False)
    await rest.get("/status")
    rows = [row for row in rest.companion.journal if row.kind is Kind.FROM_UI]
    assert [(row.event, row.note, row.verdict) for row in rows] == [
        ("GET /friends", "200", Verdict.OK),
        ("GET /messages", "200", Verdict.OK),
    ]
    assert json.loads(rows[1].payload) == {"peer": "böb", "limit": 50, "offset": 0}
    rest.companion.rest_log.close()
    (repeats,) = rest.companion.journal.after(rows[1].seq)
    assert repeats.event == "GET /friends"
    assert re.fullmatch(r"200 · ×4 in \d+ s", repeats.note)


async def test_calls_that_change_something_are_logged_and_get_requests_are_not(rest: Rest) -> None:
    await rest.get("/friends")
    await rest.get("/status")
    await rest.get("/messages?peer=alice")
    await rest.post("/messages", {"to": "alice", "text": "Hi"})
    await rest.post("/friends", {"username": "unknown"})
    await rest.delete("/friends/dave")
    rows = [row for row in rest.companion.journal if row.kind is Kind.FROM_UI]
    assert [(row.event, row.verdict) for row in rows] == [
        ("POST /messages", Verdict.OK),
        ("POST /friends", Verdict.INVALID),
        ("DELETE /friends/dave", Verdict.OK),
    ]
    assert json.loads(rows[0].payload) == {"to": "alice", "text": "Hi"}
    assert rows[1].note == "There is no user 'unknown'."
