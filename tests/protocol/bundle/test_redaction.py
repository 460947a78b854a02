"""What stays in a redacted bundle: the program's own words, IDs and times."""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from urllib.parse import quote

import pytest

from app.protocol.bundle.pseudonyms import Pseudonyms
from app.protocol.bundle.redaction import Redactor
from app.protocol.bundle.scrubbing import Scrubber
from app.protocol.bundle.settings import settings_of


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
    assert redactor.note("field 'text', field 'to'") == "field 'text', field 'to'"
    redactor.know_user("Text")
    assert redactor.note("field 'text', field 'to'") == f"field '{redactor.text('text')}', field 'to'"


def test_calls_queries_pages_and_browsers(redactor: Redactor) -> None:
    bob = redactor.text("bob")
    assert redactor.call("DELETE /friends/bob") == f"DELETE /friends/{bob}"
    assert redactor.query("peer=bob&limit=50&bob=%C3%A9")[: 5 + len(bob)] == f"peer={bob}"
    assert redactor.page("http://localhost:5173") == "http://localhost:5173"
    assert redactor.page("https://bob.example").startswith(f"{redactor.text('https')}://{bob}.")
    agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
    assert redactor.user_agent(agent) == agent
    assert redactor.user_agent("Mozilla/5.0 bob") == f"Mozilla/5.0 {bob}"


def test_the_requested_part_of_a_list_is_kept(redactor: Redactor) -> None:
    assert redactor.query("limit=50&offset=0") == "limit=50&offset=0"
    for query in ("peer=1234", "offset=49170123456", "limit=bob"):
        assert redactor.query(query) != query


def test_a_number_never_becomes_infinite() -> None:
    for key in range(20):
        text = Redactor(Pseudonyms(bytes([key]))).frame('{"n": 1.7976931348623157e308}')
        assert "Infinity" not in text
        json.loads(text)


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


def test_only_times_keep_large_numbers_in_a_frame(redactor: Redactor) -> None:
    data = dict.fromkeys(("seed", "client", "seq", "after"), 49170123456)
    frame = redactor.frame(json.dumps({"event": "own", "data": {**data, "timestamp": 1795970422}}))
    assert "49170123456" not in frame
    assert "1795970422" in frame


def test_the_fraction_of_a_coordinate_is_replaced(redactor: Redactor) -> None:
    found = redactor.value([52.520008, -13.404954, 0.5, 1.25, 123456.5])
    assert [int(each) for each in found[:2]] == [52, -13]
    assert found[0] != 52.520008
    assert found[1] != -13.404954
    assert found[2:4] == [0.5, 1.25]
    assert int(found[4]) != 123456


@pytest.mark.parametrize(
    "name", ["token", "X-Api-Key", "refreshToken", "PASSWORD", "user_secret", "pin", "cookies"]
)
def test_fields_for_secrets_keep_nothing(redactor: Redactor, name: str) -> None:
    uuid = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
    values = [uuid, "2026-11-28T14:40:22.217Z", 1234, 12.5, {"value": uuid, "list": [uuid, 1234]}]
    found = redactor.value({"other": {name: values}})
    text = json.dumps(found)
    for each in (uuid, "2026", "1234", "12.5"):
        assert each not in text
    assert redactor.value({"typing": 1234, "pinned": 1234, "opinion": 12}) != {}
    kept = redactor.value({"pinned": 1234})
    assert list(kept.values()) == [1234]


def test_escaped_letters_beyond_the_first_plane_are_replaced(redactor: Redactor) -> None:
    name = "𠮷野𝐛𝐨𝐛"
    escaped = "".join(f"\\u{unit:04x}" for unit in memoryview(name.encode("utf-16-le")).cast("H"))
    found = redactor.frame(f'["{escaped}", ')
    assert json.loads(found.removesuffix(", ") + "]") == [redactor.text(name)]
    assert redactor.text(name)[0] != "𠮷"


def test_quoted_texts_and_users_with_numbers_as_names_are_not_kept_in_notes(redactor: Redactor) -> None:
    redactor.know_user("1234")
    found = redactor.note("1234 acts as 'me at the first host 4711', field 'text', client 3")
    assert found == (
        f"{redactor.text('1234')} acts as '{redactor.text('me at the first host 4711')}', field 'text', client 3"
    )


@pytest.mark.parametrize(
    "address", ["192.168.1.20", "10.0.0.1", "fe80::1234:5678:9012:3456", "2001:db8:1:2:3:4:5:6"]
)
def test_addresses_in_notes_are_replaced(redactor: Redactor, address: str) -> None:
    found = redactor.note(f"connected from {address}:9100 at 127.0.0.1:8081, 10:30:00")
    assert address not in found
    assert not any(f":{part}" in found.partition(" at ")[0] for part in ("5678", "1:2"))
    assert found.endswith("at 127.0.0.1:8081, 10:30:00")
    assert redactor.value({"version": "10.0.0.1"}, "version") != {"version": "10.0.0.1"}


def test_escapes_in_paths_are_names_too(redactor: Redactor) -> None:
    assert redactor.call("GET /friends/b%6fb%20x") == f"GET /friends/{redactor.text('bob')}%20{redactor.text('x')}"


@pytest.mark.parametrize(
    "text", ["\ud800", "a=\udcff&\ud800=%ff", "GET /x/\ud800%ff/\udcff", "'\ud800", '{"a": "\ud800']
)
def test_lone_surrogates_are_no_errors(redactor: Redactor, text: str) -> None:
    for redact in (redactor.query, redactor.call, redactor.note, redactor.frame, redactor.target, redactor.event):
        assert json.dumps(redact(text))


SECRET = 'S3"cr\\et'


@pytest.mark.parametrize(
    "value",
    [
        {"password": SECRET}, {"payload": json.dumps({"password": SECRET})}, {"x-api-key": [SECRET]},
        {"payload": json.dumps({"event": "x", "data": json.dumps({"token": {"value": SECRET}})})},
        {"payload": json.dumps({"pin": 1234567})}, {"base64": b64encode(b'\xff {"token":"S3cret"}').decode()},
        {"text": "S3 eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZSJ9.c2lnbmF0dXJlLW9mLWl0"},
        {"text": "-----BEGIN PRIVATE KEY-----\nS3cret\n-----END PRIVATE KEY-----"},
    ],
)  # fmt: skip
def test_secrets_of_any_type_and_at_any_depth_are_removed(value: dict[str, object]) -> None:
    found = json.dumps(Scrubber([], []).value(value))
    for each in ("cr", "1234567", "c2lnbmF0dXJl", b64encode(b'\xff {"token":"S3cret"}').decode()):
        assert each not in found
    assert "removed" in found or "base64" in found


FIELDS = ['"token" ', '"token":[', '"token":"', '"token":"\\', '\\"token\\":{"']


@pytest.mark.parametrize(
    "text",
    [
        "a-", "token=", "token: '", "\\u0061", "cookie:",
        *(
            pytest.param(each, marks=pytest.mark.long)
            for each in (*FIELDS, "\\", "a", "token ", "token-", "sk-", "eyJ-", " 'a", "1:", "1.", "e\u0301")
        ),
    ],
)  # fmt: skip
def test_long_texts_take_no_time_that_grows_with_the_square_of_their_length(redactor: Redactor, text: str) -> None:
    """This would take many minutes otherwise."""
    long = text * 50_000
    assert len(redactor.note(long)) == len(long)
    assert redactor.frame(long)
    assert Scrubber(["0123456789"], ["/home/bob"]).value({"payload": long})


def test_public_keys_of_peers_are_no_secrets() -> None:
    person = {"username": "bob", "public_key": "aGVsbG8=", "signing_key": "d29ybGQ="}
    assert Scrubber([], []).value({"people": [person]}) == {"people": [person]}


@pytest.mark.parametrize("folder", ["/home/Al x", "C:\\Users\\Al x"])
@pytest.mark.parametrize("form", [
    lambda path: path.replace("/", "\\/"), lambda path: json.dumps(path), lambda path: path.replace("\\", "/"),
    lambda path: quote(path, ""), quote, lambda path: re.sub("%..", lambda found: found[0].lower(), quote(path)),
])  # fmt: skip
def test_a_folder_is_found_in_each_form(folder: str, form: Callable[[str], str]) -> None:
    text = Scrubber([], [folder]).text(f"at {form(folder)}")
    assert text.strip('"') in ("at ~", 'at "~'), text


def test_a_frame_without_secrets_stays_as_it_is() -> None:
    text = ' { "token" : null,"a":1.0,  "b": "\\u0041", "a": 2, "c": "the task-list of secrets, a token"}'
    assert Scrubber(["0123456789"], []).value({"payload": text}) == {"payload": text}


def test_a_bundle_that_is_not_redacted_contains_no_tokens_keys_and_folders() -> None:
    scrub = Scrubber(["s3cret-of-the-api"], ["/home/bob", "C:\\Users\\bob"]).value
    value = {
        "note": "s3cret-of-the-api in /home/bob/x and C:\\Users\\bob\\y", "api_key": "abc", "myToken": "abc",
        "payload": json.dumps({"password": "abc", "text": "token", "path": "C:\\Users\\bob"}),
        "query": "a=1&token=abc&b=2", "header": "Bearer abcdefghijk",
    }  # fmt: skip
    found = scrub(value)
    assert found == {
        "note": "removed in ~/x and ~\\y", "api_key": "removed", "myToken": "removed",
        "payload": json.dumps({"password": "removed", "text": "token", "path": "~"}),
        "query": "a=1&token=removed&b=2", "header": "Bearer removed",
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "tokens=5ecret",
        "api_key2=5ecret",
        "a=1&otp=5ecret",
        'no JSON {"password": 5, "a": NaN}',
        "http://me:5ecret@host/",
        "{'password': '5ecret x', 'a': None}",
        "password: 5ecret",
        "x-api-key : 5ecret",
        "Authorization: Token 5ecret",
        "Cookie: a=x; sid=5ecret",
        "sb_secret_5ecret_of_a_project",
        "AKIA5ECRET5ECRET5ECR",
        "x%26token%3D5ecret",
        "%22token%22%3a%225ecret",
        '{"tokenValue":"5ecret", "session_id":"5ecret", "password_hash": "5ecret"',
        '{"passwor\\u0064":"5ecret"',
        '{"text":"{\\"passwor\\\\u0064\\":\\"5ecret',
        '{"a":"\\u0035ecret-of-the-api"',
    ],
)
def test_secrets_in_texts_that_are_not_json_are_removed(text: str) -> None:
    found = Scrubber(["5ecret-of-the-api"], []).value({"text": text})["text"]
    assert "5" not in found.replace("%25", "")
    assert "removed" in found


CUT_OFF = json.dumps({"event": "login", "data": {"password": SECRET, "pins": [1], "otp": "98S3"}})


@pytest.mark.parametrize("end", [3, 4, 8])
@pytest.mark.parametrize("levels", [0, 1, 2, 3])
def test_secrets_in_a_frame_that_is_cut_off_are_removed_at_any_depth(levels: int, end: int) -> None:
    text = CUT_OFF[:-end]
    for _ in range(levels):
        text = json.dumps({"text": text, "a": 1})
    for whole in (text + ",", text[: -levels * 10] if levels else text):
        found = Scrubber([], []).text(whole)
        assert not any(each in found for each in ("S3", "cr", "et\\", "98"))
    found = Scrubber([], []).text(text)
    for _ in range(levels):
        found = json.loads(found)["text"]
    assert found.startswith('{"event": "login", "data": {"password": "removed", "pins": [1], "otp": ')


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"otp":"987","otp":"987"}', '{"otp":"removed","otp":"removed"}'),
        ('{"tokens":["a]","b"],"x":NaN}', '{"tokens":"removed","x":NaN}'),
        ('{"token":{"a":["}\\""]},"x":[NaN]}', '{"token":"removed","x":[NaN]}'),
        ('{"token":[1', '{"token":"removed"'),
        ('{"token":"a\\', '{"token":"removed'),
        ('{"token":["a', '{"token":"removed"'),
        ('{"token":"","tokens":[ ],"secret":{},"pin":null,"password":true,"x":NaN}', None),
        ('{"pins":"987","a_pin":"987","x":NaN}', None),
    ],
)
def test_secrets_of_any_type_in_invalid_json_are_removed(text: str, expected: str | None) -> None:
    assert Scrubber([], []).value({"payload": text}) == {"payload": expected or text}


def test_folders_are_replaced_as_whole_names_and_in_any_case_on_windows() -> None:
    scrub = Scrubber([], ["/home/al", "C:\\Users\\Bob"]).text
    assert (
        scrub("/home/alice/x, /home/al.old, /home/al/x and /home/al.") == "/home/alice/x, /home/al.old, ~/x and ~."
    )
    assert scrub("c:\\users\\bob\\x") == "~\\x"


def test_a_user_with_the_name_of_a_theme_is_redacted(redactor: Redactor) -> None:
    values = {"username": "dark", "theme": "dark"}
    found = settings_of(values, {"username": "me", "theme": "system"}, redactor)
    assert found["username"] != "dark"
    assert found["theme"] == "dark"
