"""Access to the control API, its OpenAPI document, and a check of every operation against the document."""

import asyncio
import json
import re
import socket
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from app.endpoints.control.api import OPERATIONS
from app.endpoints.health import PATH as HEALTH
from app.protocol.backend import MAX_STATE_BYTES
from app.protocol.envelope import MAX_RAW_BYTES
from tests.conftest import PATIENCE_S
from tests.endpoints.conftest import MakeControl
from tests.endpoints.control_api import TOKEN, Control, message, typing
from tests.endpoints.http_client import PAGE, Answer
from tests.endpoints.login_item import LoginItem
from tests.endpoints.raw import tcp_to
from tests.protocol.peers.vector import ALICE, BOB

BEARER = f"Bearer {TOKEN}"


async def raw(control: Control, *headers: bytes, line: bytes = b"GET /v1/status HTTP/1.1") -> Answer:
    """Send a request with only these headers and Host."""
    async with tcp_to(control.companion.control.port) as client:
        host = b"Host: 127.0.0.1:%d" % control.companion.control.port
        if any(header.startswith(b"Host:") for header in headers):
            host = b"X-Unused: 1"
        await client.send(b"\r\n".join([line, host, *headers, b"Connection: close", b"", b""]))
        head, _, body = (await client.read_to_end()).partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines)
    return Answer(int(status.split()[1]), fields, body)  # type: ignore[arg-type]


# the token


async def test_a_request_with_the_token_is_accepted(control: Control) -> None:
    assert (await control.get("/v1/status")).status == 200
    assert (await raw(control, b"Authorization: " + BEARER.encode())).status == 200


INVALID_HEADERS = {
    "missing": [],
    "empty": [b"Authorization:"],
    "only the scheme": [b"Authorization: Bearer"],
    "an empty token": [b"Authorization: Bearer "],
    "another token": [b"Authorization: Bearer another"],
    "one character too short": [b"Authorization: " + BEARER.encode()[:-1]],
    "one character too long": [b"Authorization: " + BEARER.encode() + b"x"],
    "upper case": [b"Authorization: Bearer " + TOKEN.upper().encode()],
    "basic": [b"Authorization: Basic " + TOKEN.encode()],
    "no scheme": [b"Authorization: " + TOKEN.encode()],
    "another scheme": [b"Authorization: Token " + TOKEN.encode()],
    "two headers": [b"Authorization: " + BEARER.encode()] * 2,
    "the valid header first": [b"Authorization: " + BEARER.encode(), b"Authorization: Bearer x"],
    "the valid header last": [b"Authorization: Bearer x", b"Authorization: " + BEARER.encode()],
    "two tokens in one header": [b"Authorization: " + BEARER.encode() + b", " + BEARER.encode()],
    "not ASCII": ["Authorization: Bearer Zoë 😀".encode()],
    "not UTF-8": [b"Authorization: Bearer \xff\xfe\x80"],
    "in another header": [b"X-Token: " + TOKEN.encode(), b"Proxy-Authorization: " + BEARER.encode()],
    "very long": [b"Authorization: Bearer " + b"x" * 5_000],
}


async def test_a_request_with_a_wrong_or_missing_token_is_rejected(
    control: Control, subtests: pytest.Subtests
) -> None:
    for case in INVALID_HEADERS:
        with subtests.test(case=case):
            answer = await raw(control, *INVALID_HEADERS[case])
            assert answer.status == 401
            assert "companion token" in answer.detail
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            assert TOKEN.encode() not in answer.body


async def test_a_token_in_the_query_is_ignored(control: Control) -> None:
    for query in (f"token={TOKEN}", f"access_token={TOKEN}"):
        answer = await control.get(f"/v1/status?{query}", headers={"Authorization": ""})
        assert answer.status == 401


@pytest.mark.parametrize("headers", [[], [b"Authorization: Bearer"], [b"Authorization: Bearer "]])
async def test_a_companion_without_a_token_rejects_every_request(control: Control, headers: list[bytes]) -> None:
    control.companion.control.token = ""
    assert (await raw(control, *headers)).status == 401
    assert (await control.get("/v1/status")).status == 401


async def test_a_request_with_a_wrong_token_has_no_effect(control: Control) -> None:
    before, rows = await control.state(), len(control.companion.journal)
    for path in ("/v1/events", "/v1/nowhere", "/v1/state/reset"):
        answer = await control.post(path, message(), headers={"Authorization": "Bearer x"})
        assert answer.status == 401
    assert await control.state() == before
    assert len(control.companion.journal) == rows


# host and origin


async def test_the_host_names_of_this_machine_are_accepted(control: Control, subtests: pytest.Subtests) -> None:
    for name in ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"]:
        with subtests.test(name=name):
            host = f"{name}:{control.companion.control.port}"
            assert (await control.get("/v1/status", headers={"Host": host})).status == 200


async def test_another_host_is_rejected_even_with_the_token(control: Control, subtests: pytest.Subtests) -> None:
    port = control.companion.control.port
    hosts = ["evil.example", f"evil.example:{port}", "127.0.0.1", "127.0.0.1:1", f"127.0.0.1.evil.example:{port}"]
    for number, host in enumerate(hosts, 1):
        with subtests.test(host=host):
            answer = await control.get("/v1/status", headers={"Host": host})
            assert answer.status == 403
            assert host in answer.detail
            assert [row["verdict"] for row in await control.rows("refused")] == ["warning"] * number


async def test_another_origin_is_rejected_even_with_the_token(control: Control, subtests: pytest.Subtests) -> None:
    for origin in ["http://evil.example", "null", f"{PAGE}.evil.example", f"{PAGE}/"]:
        with subtests.test(origin=origin):
            answer = await control.get("/v1/status", headers={"Origin": origin})
            assert answer.status == 403
            assert origin in answer.detail


async def test_an_allowed_origin_needs_the_token(control: Control) -> None:
    assert (await control.get("/v1/status", headers={"Origin": PAGE})).status == 200
    assert (await control.get("/v1/status", headers={"Origin": PAGE, "Authorization": ""})).status == 401


@pytest.mark.parametrize("header", [b"Origin: http://\xff\xfe", b"Host: \xff\xfe", "Origin: http://zoë".encode()])
async def test_a_rejected_header_with_undecodable_bytes_leaves_the_journal_readable(
    control: Control, header: bytes
) -> None:
    assert (await raw(control, header, b"Authorization: " + BEARER.encode())).status == 403
    assert (await control.rows("refused"))[-1]["note"]
    async with control.stream(after=0, filter="refused") as stream:
        assert (await stream.row())["event"] == "refused"


async def test_the_control_api_listens_only_on_the_loopback_address(control: Control) -> None:
    with socket.socket() as tcp:
        tcp.settimeout(0.5)
        assert tcp.connect_ex(("127.0.0.2", control.companion.control.port)) != 0


# unknown paths and methods


async def test_an_unknown_path_is_not_found(control: Control, subtests: pytest.Subtests) -> None:
    for path in (
        "/", "/v1", "/v1/", "/v1/nowhere", "/v2/status", "/v1/status/", "//v1/status", "/V1/status",
        "/v1/fixtures/a/b", "/v1/clients/1/2", "/%00", "/%ff", "/%ED%A0%80", "/" + "n" * 6_000,
    ):  # fmt: skip
        with subtests.test(path=path[:20]):
            answer = await control.get(path)
            assert answer.status == 404
            assert answer.detail.startswith("The path ")


async def test_the_answer_to_an_unknown_method_lists_the_allowed_ones(
    control: Control, subtests: pytest.Subtests
) -> None:
    for method, path, allow in [
        ("DELETE", "/v1/status", {"GET"}),
        ("HEAD", "/v1/status", {"GET"}),
        ("OPTIONS", "/v1/events", {"GET", "POST"}),
        ("PUT", "/v1/events", {"GET", "POST"}),
        ("POST", "/v1/state", {"GET", "PUT"}),
        ("GET", "/v1/clients/drop", {"POST", "PATCH", "DELETE"}),
        ("POST", "/v1/fixtures/x", {"GET", "PUT", "PATCH", "DELETE"}),
        ("TRACE", "/v1/status", {"GET"}),
    ]:
        with subtests.test(method=method, path=path):
            answer = await control.call(method, path)
            assert answer.status == 405
            assert set(answer.headers["Allow"].replace(" ", "").split(",")) == allow
            if method != "HEAD":
                assert method in answer.detail


# the OpenAPI document


async def openapi_document(control: Control) -> dict[str, Any]:
    return dict(await control.get_json("/v1/openapi.json"))


def operations(openapi: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Return method, path and description of each operation that needs a token."""
    return [
        (method.upper(), path, each)
        for path, item in openapi["paths"].items()
        for method, each in item.items()
        if path != HEALTH
    ]


async def test_health_needs_no_token_and_answers_as_documented(control: Control) -> None:
    openapi = await openapi_document(control)
    operation = openapi["paths"][HEALTH]["get"]
    assert operation["security"] == []
    answer = await control.call("GET", HEALTH, headers={"Authorization": ""})
    assert answer.status == 503, "REST has not started"
    ((_, content),) = [
        each for each in operation["responses"]["503"]["content"].items() if each[0] == "application/json"
    ]
    jsonschema.Draft202012Validator(content["schema"]).validate(answer.json)


def assert_documented(openapi: dict[str, Any], operation: dict[str, Any], answer: Answer) -> None:
    """Check that status, content type and body of an answer are documented."""
    assert str(answer.status) in operation["responses"]
    documented = operation["responses"][str(answer.status)].get("content", {})
    if not documented:
        assert answer.body == b""
        return
    ((media, content),) = documented.items()
    assert answer.headers["Content-Type"].split(";")[0] == media
    if media == "application/zip":
        assert answer.body.startswith(b"PK")
        return
    value = answer.json if media.endswith("json") and media != "application/x-ndjson" else answer.body.decode()
    jsonschema.Draft202012Validator({**content["schema"], "components": openapi["components"]}).validate(value)


async def test_the_openapi_document_is_valid_and_contains_the_url_of_this_server(control: Control) -> None:
    from openapi_spec_validator import validate  # not above: every process of the suite would load it

    openapi = await openapi_document(control)
    validate(openapi)
    assert openapi["servers"] == [{"url": control.companion.control.url}]
    assert openapi["security"] == [{"token": []}]


async def test_every_schema_referenced_by_the_document_exists(control: Control) -> None:
    openapi = await openapi_document(control)
    names = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(openapi)))
    assert names <= openapi["components"]["schemas"].keys()


async def test_every_operation_has_a_unique_id_and_a_summary(control: Control) -> None:
    all_operations = [each for *_, each in operations(await openapi_document(control))]
    assert len(all_operations) == len(OPERATIONS)
    assert len({each["operationId"] for each in all_operations}) == len(all_operations)
    assert all(each["summary"].endswith(".") for each in all_operations)


ASYNCAPI = json.dumps(
    {
        "asyncapi": "3.0.0",
        "info": {"title": "A chat backend", "version": "1"},
        "channels": {
            "events": {
                "messages": {
                    "ping": {
                        "payload": {
                            "type": "object",
                            "properties": {"event": {"const": "ping_sent"}, "data": {"type": "object"}},
                        }
                    }
                }
            }
        },
        "operations": {"send": {"action": "send", "channel": {"$ref": "#/channels/events"}}},
    }
)
INPUT: dict[str, tuple[str, Any]] = {
    "fire_event": ("", message()),
    "send_frame": ("", b"not JSON"),
    "trigger": ("", {"event": "friend_online"}),
    "list_events": ("", None),
    "make_scenario": ("", {"title": "From the log"}),
    "export_log": ("", {"as": "markdown", "title": "From the log"}),
    "resend": ("SEQ/resend", None),
    "status": ("", None),
    "clients": ("", None),
    "identify_client": ("1", {"username": "bob"}),
    "close_client": ("1", None),
    "drop_clients": ("", None),
    "journal": ("", None),
    "change_journal": ("", {"log_get_requests": True}),
    "mark_row": ("SEQ", {"pinned": True, "annotation": "late"}),
    "list_filters": ("", None),
    "save_filter": ("errors", {"filter": "is:invalid dir:c2s"}),
    "rename_filter": ("errors", {"name": "wrong"}),
    "delete_filter": ("errors", None),
    "expect": ("", {"event": "typing", "within": 0.05, "after": 0}),
    "list_breakpoints": ("", None),
    "add_breakpoint": ("", {"filter": "event:typing", "once": True}),
    "remove_breakpoint": ("1", None),
    "remove_breakpoints": ("", None),
    "list_held": ("", None),
    "wait_for_held": ("?within=0", None),
    "resolve_held": ("all", {"action": "modify", "set": {"username": "alice"}}),
    "list_fixtures": ("", None),
    "show_fixture": ("mine", None),
    "save_fixture": ("mine", {"event": "friend_online", "data": {"username": "alice"}}),
    "rename_fixture": ("mine", {"name": "other"}),
    "delete_fixture": ("mine", None),
    "save_frame": ("mine/frame", b'{"event":"friend_online","data":{"username":"alice"}}'),
    "pin_fixture": ("mine/pin", None),
    "unpin_fixture": ("basics%2Fmessage/pin", None),
    "list_personas": ("", None),
    "add_persona": ("", {"username": "gina"}),
    "change_persona": ("bob", {"online": False, "auto_reply": True}),
    "remove_persona": ("bob", None),
    "list_messages": ("?peer=alice", None),
    "mark_delivered": ("MESSAGE", {"delivered": True}),
    "add_reaction": ("MESSAGE/reactions", {"emoji": "👍", "by": "alice"}),
    "remove_reaction": ("MESSAGE/reactions?emoji=x&by=alice", None),
    "delete_message": ("MESSAGE", None),
    "show_settings": ("", None),
    "change_settings": ("", {"theme": "dark"}),
    "list_origins": ("", None),
    "allow_origin": ("", {"origin": "http://localhost:5173"}),
    "disallow_origin": ("?origin=http://localhost:1420", None),
    "starts_at_login": ("", None),
    "start_at_login": ("", {"on": False}),
    "check_for_updates": ("", None),
    "create_agent_token": ("", None),
    "revoke_agent_token": ("", None),
    "expected_ui_state": ("", None),
    "ui_state_changes": ("", None),
    "ui_state_origin": ("?value=chat.activeChat", None),
    "ui_state_clients": ("", None),
    "report_ui_state": ("", {"chatStore": {}}),
    "reported_ui_state": ("", None),
    "compare_ui_state": ("", {"state": {"chatStore": {}}}),
    "expect_ui_state": ("", {"equal": True, "within": 0}),
    "select_chat": ("", {"peer": "alice"}),
    "reconnects": ("", None),
    "start_lab": ("", {}),
    "show_lab": ("", None),
    "draw_lab": ("", None),
    "stop_lab": ("", None),
    "refuse_connections": ("", {}),
    "accept_connections": ("", None),
    "refusals": ("", None),
    "contract": ("", None),
    "show_file_schema": ("event", None),
    "asyncapi_document": ("", None),
    "typescript_types": ("", None),
    "contract_page": ("", None),
    "lint": ("", None),
    "change_lint_rules": ("", {"off": ["clock-skew"]}),
    "import_document": ("", {"document": ASYNCAPI, "dry_run": True}),
    "list_sources": ("", None),
    "show_source": ("supabase", None),
    "switch_source_on": ("peers/on", None),
    "switch_source_off": ("peers/off", None),
    "test_source": ("peers/test", None),
    "set_supabase_key": ("", {"key": "sb_publishable_of_the_tests"}),
    "delete_source_data": ("peers/data", None),
    "event_files": ("", None),
    "reload_event_files": ("", None),
    "faults": ("", None),
    "arm_faults": ("", {"faults": [{"fault": "loss", "rate": 0.1}]}),
    "clear_faults": ("", None),
    "arm_rest_fault": ("", {"fault": {"route": "GET /friends", "delay": 1}}),
    "list_profiles": ("", None),
    "save_profile": ("mine", {"faults": [{"fault": "duplicate"}]}),
    "rename_profile": ("mine", {"name": "yours"}),
    "delete_profile": ("mine", None),
    "show_supabase_key": ("", None),
    "remove_supabase_key": ("", None),
    "list_peers": ("", None),
    "add_peer": ("", {"username": "ben", **BOB.public.as_json(), "address": "127.0.0.1:9"}),
    "forget_peer": ("ben", None),
    "verify_peer": ("ben/verified", {}),
    "decide_keys": ("ben/keys", {"accept": True}),
    "erase_peers": ("", None),
    "own_keys": ("", None),
    "rotate_keys": ("", None),
    "export_keys": ("", {}),
    "import_keys": ("", {}),
    "list_sessions": ("", None),
    "show_session": ("greeting", None),
    "export_session": ("greeting/export?as=scenario", None),
    "save_session": ("greeting?notation=chat", b"alice: hi"),
    "rename_session": ("greeting", {"name": "other"}),
    "delete_session": ("greeting", None),
    "check_session": ("", {"text": "alice: hi", "notation": "chat"}),
    "list_recordings": ("", None),
    "start_recording": ("", {"name": "mine/r"}),
    "stop_recording": ("", {}),
    "download_recording": ("this-run", None),
    "bundle_recording": ("this-run/bundle", None),
    "open_recording": ("", {"name": "this-run"}),
    "open_recording_file": ("", None),
    "run_session_file": ("", None),
    "run_session": ("", {"text": "alice: hi", "notation": "chat", "step": True}),
    "list_runs": ("", None),
    "show_run": ("1", None),
    "pause_run": ("1/pause", None),
    "resume_run": ("1/resume", None),
    "step_run": ("1/step", None),
    "stop_run": ("1/stop", None),
    "save_state": ("", None),
    "load_state": ("", None),  # call_by_name() inserts the current state
    "reset_state": ("", None),
    "pause_server": ("", None),
    "resume_server": ("", None),
    "stop_server": ("", None),
    "start_server": ("", None),
    "open_window": ("", None),
    "open_fire_bar": ("", None),
    "quit": ("", None),
    "openapi": ("", None),
}


@pytest.fixture(autouse=True)
def _own_autostart_and_releases(login_item: LoginItem, monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_release(_: str) -> None:
        return None

    monkeypatch.setattr("app.endpoints.control.settings.built_in_address", lambda: "https://example.org/latest")
    monkeypatch.setattr("app.endpoints.control.settings.look", no_release)


async def call_by_name(control: Control, method: str, path: str, name: str) -> Answer:
    """Call an operation with the input with which it succeeds."""
    suffix, body = INPUT[name]
    state = await control.state()
    if name == "load_state":
        body = state
    if name in ("open_recording_file", "run_session_file"):
        body = {"file": str(control.companion.recording_store.path("this-run"))}
    if name in ("export_keys", "import_keys"):
        body = {"file": str(control.companion.recording_store.path("this-run").with_name("keys.json"))}
    if name == "import_keys":
        await control.post("/v1/peers/key/export", body)
        body["replace"] = True
    fired = await control.post("/v1/events", {"event": "friend_online", "data": {"username": "alice"}})
    suffix = suffix.replace("SEQ", str(fired.json["seq"])).replace("MESSAGE", state["messages"][0]["msg_id"])
    return await control.call(method, path.partition("{")[0] + suffix, body)


async def prepare(control: Control) -> None:
    """Create what the operations need, and again what the last one has removed."""
    if control.companion.server.listening and not control.companion.hub.clients:
        client = await control.connect(max_queue=None)  # it reads nothing, and must not delay a stop
        await client.send(typing())
    await control.put("/v1/fixtures/mine", INPUT["save_fixture"][1])
    await control.put("/v1/filters/errors", INPUT["save_filter"][1])
    await control.post("/v1/tokens/agent")
    await control.put("/v1/ui-state/reported", INPUT["report_ui_state"][1])
    await control.put("/v1/sessions/greeting", INPUT["save_session"][1])
    await control.put("/v1/faults/profiles/mine", INPUT["save_profile"][1])
    await control.companion.identity.obtain()
    await control.post("/v1/peers", {**INPUT["add_peer"][1], **ALICE.public.as_json()})
    await control.post("/v1/peers", INPUT["add_peer"][1])
    await control.post("/v1/recordings", {"name": "being-made"})
    await control.post("/v1/breakpoints", {"filter": "event:friend_offline"})
    await control.post("/v1/events", {"event": "friend_offline", "data": {"username": "bob"}})


KEEP_CLIENTS_AWAY = ("start_lab", "show_lab", "draw_lab", "stop_lab", "refuse_connections")
"""Operations in whose companion no client can connect, so that it is of no use for other operations."""
SHARED = [name for name in INPUT if name not in KEEP_CLIENTS_AWAY]


@pytest.mark.parametrize(
    "names", [SHARED, *([name] for name in KEEP_CLIENTS_AWAY)], ids=["shared", *KEEP_CLIENTS_AWAY]
)
async def test_every_operation_can_be_reached_and_answers_as_documented(
    make_control: MakeControl, tmp_path: Path, subtests: pytest.Subtests, names: list[str]
) -> None:
    (tmp_path / "events").mkdir()
    control = await make_control(recordings_folder=tmp_path / "recordings", events_folder=str(tmp_path / "events"))
    await control.post("/v1/runs", INPUT["run_session"][1])
    control.companion.raise_window = control.companion.quit_program = lambda: None
    control.companion.show_fire_bar = lambda: None
    control.companion.show_recording = lambda recording: recording.close()
    openapi = await openapi_document(control)
    by_name = {each[2]["operationId"]: each for each in operations(openapi)}
    changed = True
    for name in names:
        with subtests.test(name=name):
            method, path, operation = by_name[name]
            if changed:
                await prepare(control)
            changed = method != "GET"
            if name in ("show_lab", "draw_lab", "stop_lab"):
                await control.post("/v1/reconnects/lab", INPUT["start_lab"][1])
            answer = await call_by_name(control, method, path, name)
            assert answer.status in (200, 204)
            assert_documented(openapi, operation, answer)


async def test_the_table_contains_every_operation_except_the_stream(control: Control) -> None:
    names = {each["operationId"] for *_, each in operations(await openapi_document(control))}
    assert names == {*INPUT, "journal_stream"}


async def test_every_operation_requires_the_token_and_returns_the_documented_401(control: Control) -> None:
    before, openapi = await control.state(), await openapi_document(control)
    rows = len(control.companion.journal)
    for method, path, operation in operations(openapi):
        address = path.replace("{name}", "basics%2Fmessage").replace("{id}", "1").replace("{seq}", "1")
        address = address.replace("{number}", "1")
        address = address.replace("{msg_id}", "1").replace("{breakpoint}", "1").replace("{item}", "1")
        for token in ("", "Bearer wrong"):
            answer = await control.call(method, address, {}, headers={"Authorization": token})
            assert answer.status == 401, operation["operationId"]
            assert_documented(openapi, operation, answer)
    assert await control.state() == before
    assert len(control.companion.journal) == rows
    assert control.companion.server.listening


REJECTED_CALLS: list[tuple[str, str, Any, int]] = [
    ("fire_event", "", b"{", 400),
    ("resend", "999/resend", None, 404),
    ("resend", "1/resend", None, 409),
    ("add_persona", "", {"username": "alice"}, 409),
    ("add_persona", "", {"username": "a/b"}, 400),
    ("change_persona", "unknown", {"online": True}, 404),
    ("change_persona", "bob", {"username": "alice"}, 409),
    ("remove_persona", "unknown", None, 404),
    ("mark_delivered", "nothing", {"delivered": True}, 404),
    ("mark_delivered", "nothing", {"delivered": False}, 422),
    ("add_reaction", "nothing/reactions", {"emoji": "👍", "by": "alice"}, 404),
    ("remove_reaction", "nothing/reactions?emoji=x&by=alice", None, 404),
    ("delete_message", "nothing", None, 404),
    ("list_messages", "", None, 422),
    ("change_settings", "", {"port": 70_000}, 422),
    ("change_settings", "", {"username": "alice"}, 422),
    ("change_settings", "", {"colour": "red"}, 422),
    ("allow_origin", "", {"origin": "localhost"}, 422),
    ("disallow_origin", "?origin=http://nowhere", None, 404),
    ("pin_fixture", "nothing/pin", None, 404),
    ("unpin_fixture", "nothing/pin", None, 404),
    ("revoke_agent_token", "", None, 404),
    ("fire_event", "", b"x" * 70_000, 413),
    ("send_frame", "", b"x" * (MAX_RAW_BYTES + 1), 413),
    ("fire_event", "?wait=0.01", message(), 409),
    ("fire_event", "", {"event": "new_message", "data": {}}, 422),
    ("trigger", "", {"event": "nothing_like_that"}, 422),
    ("trigger", "", {"fixture": "nothing like that"}, 404),
    ("trigger", "", {"last": True}, 409),
    ("identify_client", "7", {"username": "bob"}, 404),
    ("close_client", "7", None, 404),
    ("journal", "?filter=is:what", None, 422),
    ("add_breakpoint", "", {"filter": "is:what"}, 422),
    ("remove_breakpoint", "7", None, 404),
    ("resolve_held", "7", {"action": "drop"}, 404),
    ("resolve_held", "all", {"action": "inject", "event": "typing"}, 409),
    ("show_fixture", "nothing", None, 404),
    ("rename_fixture", "basics%2Fmessage", {"name": "x"}, 409),
    ("rename_fixture", "nothing", {"name": "x"}, 404),
    ("delete_fixture", "basics%2Fmessage", None, 409),
    ("save_fixture", "..%2Fx", {"frame": ""}, 400),
    ("load_state", "", {"version": 9}, 400),
    ("load_state", "", b"[]", 422),
    ("load_state", "", b"x" * (MAX_STATE_BYTES + 1), 413),
    ("import_document", "", {"document": "{}"}, 422),
    ("show_source", "nothing", None, 404),
    ("switch_source_on", "nothing/on", None, 404),
    ("switch_source_off", "nothing/off", None, 404),
    ("test_source", "nothing/test", None, 404),
    ("set_supabase_key", "", {"key": "sb_secret_of_the_tests"}, 422),
    ("delete_source_data", "nothing/data", None, 404),
    ("open_window", "", None, 409),
    ("open_fire_bar", "", None, 409),
    ("quit", "", None, 409),
]


async def test_every_error_response_is_documented(control: Control, subtests: pytest.Subtests) -> None:
    openapi = await openapi_document(control)
    for name, suffix, body, status in REJECTED_CALLS:
        with subtests.test(name=name, tail=suffix, status=status):
            ((method, path, operation),) = [each for each in operations(openapi) if each[2]["operationId"] == name]
            answer = await control.call(method, path.partition("{")[0] + suffix, body)
            assert answer.status == status
            assert answer.problem
            assert_documented(openapi, operation, answer)


async def test_a_missing_fixture_folder_is_a_documented_error(make_control: MakeControl) -> None:
    control = await make_control(fixtures="")
    answer = await control.put("/v1/fixtures/mine", {"frame": ""})
    assert (answer.status, answer.detail) == (503, "there is no folder for fixtures.")
    openapi = await openapi_document(control)
    assert_documented(openapi, openapi["paths"]["/v1/fixtures/{name}"]["put"], answer)


# the token is not disclosed


async def test_answers_and_logs_do_not_contain_the_token(
    control: Control, caplog: pytest.LogCaptureFixture
) -> None:
    answers = []
    with caplog.at_level("INFO"):
        for method, path, operation in operations(await openapi_document(control)):
            name = operation["operationId"]
            if name == "journal_stream":
                continue
            suffix, body = INPUT[name]
            address = path.partition("{")[0] + suffix.replace("SEQ", "1")
            for headers in ({}, {"Authorization": f"bearer {TOKEN}"}, {"Origin": "http://evil.example"}):
                answers.append(await control.call(method, address, body, headers=headers))
        answers.append(await raw(control, *INVALID_HEADERS["two headers"]))
        answers.append(await raw(control, b"Authorization: " + BEARER.encode(), b"not a header"))
        answers.append(await raw(control, b"Authorization: " + BEARER.encode(), line=b"GET /v1/status"))
    assert TOKEN not in caplog.text
    assert not [answer for answer in answers if TOKEN.encode() in answer.body]
    assert TOKEN not in json.dumps(await control.rows())


async def test_a_hundred_concurrent_requests_are_answered(control: Control) -> None:
    answers = await asyncio.gather(*(control.post("/v1/events", message(str(n))) for n in range(100)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.json["seq"] for answer in answers}) == 100
    texts = {each["text"] for each in (await control.state())["messages"]}
    assert {str(n) for n in range(100)} <= texts


# headers of every response, and requests that close the connection


async def test_responses_hide_library_versions_and_forbid_embedding(control: Control) -> None:
    for token in (BEARER, "Bearer wrong"):
        answer = await raw(control, f"Authorization: {token}".encode())
        assert answer.headers["Server"] == "p2p-chat-ws/0.1"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


async def test_a_request_without_the_token_closes_the_connection(control: Control) -> None:
    async with tcp_to(control.companion.control.port) as client:
        await client.send(b"GET /v1/status HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % control.companion.control.port)
        assert (
            b"401" in (await asyncio.wait_for(client.read_to_end(), PATIENCE_S)).split(b"\r\n")[0]
        )  # read_to_end() returns when the connection is closed


async def test_an_absolute_url_as_request_target_is_rejected(control: Control) -> None:
    bearer = f"Authorization: {BEARER}".encode()
    answer = await raw(control, bearer, line=b"GET http://evil.example/v1/status HTTP/1.1")
    assert answer.status == 400


async def test_a_missing_body_ends_the_request_with_a_timeout(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.endpoints.body.BODY_TIMEOUT_S", 0.2)
    answer = await raw(
        control, f"Authorization: {BEARER}".encode(), b"Content-Length: 10", line=b"POST /v1/events HTTP/1.1"
    )
    assert answer.status == 408
