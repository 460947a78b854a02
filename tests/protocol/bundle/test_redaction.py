"""What stays in a redacted bundle: the program's own words, IDs and times."""

import json
from base64 import b64decode, b64encode

import pytest

from app.protocol.bundle.pseudonyms import Pseudonyms
from app.protocol.bundle.redaction import Redactor
from app.protocol.bundle.scrubbing import Scrubber


@pytest.fixture
def redactor() -> Redactor:
    return Redactor(Pseudonyms(b"key"))


def test_a_frame_keeps_its_fields_its_event_its_ids_and_its_nasty_characters(redactor: Redactor) -> None:
    data = {
        "msg_id": "a1b2c3d4-e5f6-7890-abcd-ef1234567890", "from": "alice", "text": "hi \u202ealice\x00 👍",
        "timestamp": "2026-11-28T14:40:22.217Z", "delivery_method": "direct", "delivered": True, "spouse": "alice",
    }  # fmt: skip
    found = json.loads(redactor.frame(json.dumps({"event": "new_message", "data": data})))
    alice = redactor.text("alice")
    assert found["event"] == "new_message"
    for field in ("msg_id", "timestamp", "delivery_method", "delivered"):
        assert found["data"][field] == data[field]
    assert found["data"]["from"] == alice != "alice"
    assert found["data"]["text"] == f"{redactor.text('hi')} \u202e{alice}\x00 👍"
    assert found["data"][redactor.text("spouse")] == alice


def test_the_spacing_of_a_frame_is_kept(redactor: Redactor) -> None:
    for text in ('{"event":"typing","data":{"typing":true}}', '{"event": "typing", "data": {"typing": true}}'):
        assert redactor.frame(text) == text


def test_a_frame_that_is_not_json_keeps_its_shape(redactor: Redactor) -> None:
    name = redactor.text("bob")
    assert redactor.frame('{"event": true, "data": bob') == f'{{"event": true, "data": {name}'
    assert redactor.frame('{"text":"\\ud800 bob\\n') == f'{{"text":"\\ud800 {name}\\n'
    assert "bob" not in redactor.frame('["\\u0062\\u006f\\u0062", ')


def test_a_frame_that_is_not_utf8_stays_so(redactor: Redactor) -> None:
    found = b64decode(redactor.bytes_frame(b64encode(b"\xff bob \xfe").decode()))
    assert found == b"\xff " + redactor.text("bob").encode() + b" \xfe"
    assert redactor.bytes_frame("not base64") == ""


@pytest.mark.parametrize("text", ["all", "client:3", "client:3,5 except:7", "3", "", "rest"])
def test_a_target_without_a_user_is_kept(redactor: Redactor, text: str) -> None:
    assert redactor.target(text) == text


def test_the_user_of_a_target_is_replaced(redactor: Redactor) -> None:
    assert redactor.target("user:bob except:7") == f"user:{redactor.text('bob')} except:7"


def test_notes_keep_the_words_of_the_program_but_not_a_user_with_such_a_name(redactor: Redactor) -> None:
    note = "not sent: no client is connected"
    assert redactor.note(note) == note
    redactor.know_users({"people": [{"username": "Client"}, {"username": "x"}, "wrong", {}]})
    assert redactor.note(note) == note.replace("client", redactor.text("client"))


def test_calls_queries_pages_and_browsers(redactor: Redactor) -> None:
    bob = redactor.text("bob")
    assert redactor.call("DELETE /friends/bob") == f"DELETE /friends/{bob}"
    assert redactor.query("peer=bob&limit=50&bob=%C3%A9")[: 5 + len(bob)] == f"peer={bob}"
    assert redactor.page("http://localhost:5173") == "http://localhost:5173"
    assert redactor.page("https://bob.example").startswith(f"{redactor.text('https')}://{bob}.")
    agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
    assert redactor.user_agent(agent) == agent
    assert redactor.user_agent("Mozilla/5.0 bob") == f"Mozilla/5.0 {bob}"


def test_large_numbers_of_unknown_fields_are_replaced(redactor: Redactor) -> None:
    found = redactor.value(
        {"phone": 49170123456, "small": 12, "last_seen": 1795970422.2, "much": -1e12, "inf": float("inf")}
    )
    numbers = list(found.values())
    assert numbers[0] != 49170123456
    assert len(str(numbers[0])) == 11
    assert numbers[1:3] == [12, 1795970422.2]
    assert numbers[3] != -1e12
    assert numbers[3] < 0
    assert numbers[4] is None


def test_a_bundle_that_is_not_redacted_contains_no_tokens_keys_and_folders() -> None:
    scrub = Scrubber(["s3cret-of-the-api"], ["/home/bob", "C:\\Users\\bob"]).scrub
    value = {
        "note": "s3cret-of-the-api in /home/bob/x and C:\\Users\\bob\\y", "api_key": "abc", "myToken": "abc",
        "payload": json.dumps({"password": "abc", "text": "token", "path": "C:\\Users\\bob"}),
        "query": "a=1&token=abc&b=2", "header": "Bearer abcdefghijk",
    }  # fmt: skip
    found = json.loads(scrub(json.dumps(value)))
    assert found == {
        "note": "removed in ~/x and ~\\y", "api_key": "removed", "myToken": "removed",
        "payload": json.dumps({"password": "removed", "text": "token", "path": "~"}),
        "query": "a=1&token=removed&b=2", "header": "Bearer removed",
    }  # fmt: skip
