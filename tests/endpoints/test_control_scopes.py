"""The agent token: the operations that it does not allow, its limits, and what ends when it is revoked."""

import asyncio
import unicodedata
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from msgspec.structs import replace

from app.companion import Companion
from app.endpoints.control.api import OPERATIONS
from app.endpoints.control.operations import Operation, Scope
from app.endpoints.health import PATH as HEALTH
from app.hub.journal import Kind
from app.hub.row_marks import MAX_AGENT_MARKS
from app.hub.server_state import ServerState
from tests.conftest import PATIENCE_S, until
from tests.endpoints.conftest import MakeControl
from tests.endpoints.control_api import Control

ROOT = Path(__file__).parents[2]
DOCUMENTED = {
    "settings": {"change_settings"},
    "saved filters": {"save_filter", "rename_filter", "delete_filter"},
    "allowed origins": {"allow_origin", "disallow_origin"},
    "pins or pinned fixtures": {"pin_fixture", "unpin_fixture"},
    "lint rules": {"change_lint_rules"},
    "start at login": {"start_at_login"},
    "whether GET requests are logged": {"change_journal"},
    "tokens": {"create_agent_token", "revoke_agent_token"},
    "peers": {"add_peer", "forget_peer", "verify_peer", "erase_peers"},
    "keys": {"decide_keys", "rotate_keys", "export_keys", "import_keys"},
    "switch sources on or off, test them or delete their data": {
        "switch_source_on", "switch_source_off", "test_source", "delete_source_data",
    },
    "change the API key of the Supabase project": {"set_supabase_key", "remove_supabase_key"},
    "see where it is kept": {"show_supabase_key"},
    "open a recording or play a session by its path": {"open_recording_file", "run_session_file"},
    "check for updates": {"check_for_updates"},
}  # fmt: skip
"""What an agent cannot do, as the manual and the security policy say it, and the operations."""
FULL_ONLY = {name for names in DOCUMENTED.values() for name in names}
NAMES = {each.handler.__name__: each for each in OPERATIONS}


async def agent_headers(control: Control) -> dict[str, str]:
    answer = await control.post("/v1/tokens/agent")
    assert answer.status == 200
    return {"Authorization": f"Bearer {answer.json['token']}"}


def path_of(operation: Operation) -> str:
    path = operation.path
    for name in ("id", "seq", "name", "msg_id", "number", "breakpoint", "item", "kind"):
        path = path.replace(f"{{{name}}}", "1")
    return path


def test_the_operations_that_need_the_main_token() -> None:
    assert {name for name, each in NAMES.items() if each.scope is Scope.FULL} == FULL_ONLY


@pytest.mark.parametrize("file", ["resources/help/security.md", ".github/SECURITY.md"])
def test_the_documents_list_what_an_agent_cannot_do(file: str) -> None:
    text = (ROOT / file).read_text("utf-8")
    start = text.index("cannot", text.index("companion token --agent"))
    refused = " ".join(text[start : text.index("It can do everything else", start)].split())
    assert [words for words in DOCUMENTED if words not in refused] == []


async def test_an_agent_can_call_only_the_operations_of_its_scope(
    control: Control, subtests: pytest.Subtests
) -> None:
    """Requests are invalid, so that an allowed operation reports this and changes nothing."""
    control.companion.raise_window = control.companion.quit_program = lambda: None
    control.companion.show_fire_bar = lambda: None
    control.companion.show_recording = lambda recording: recording.close()
    agent = await agent_headers(control)
    for name, operation in NAMES.items():
        with subtests.test(name=name):
            settings = control.companion.settings
            invalid = (
                {"query": {"nothing": "1"}, "body": b"{"}
                if name != "journal_stream"
                else {"query": {"nothing": "1"}}
            )
            answer = await control.call(operation.method, path_of(operation), headers=agent, **invalid)
            if name in FULL_ONLY:
                assert answer.status == 403
                assert "cannot change settings, allowed origins, tokens, peers, keys or sources" in answer.detail
            else:
                assert answer.status == 422
                assert "unknown field: nothing" in answer.detail
            full = await control.call(operation.method, path_of(operation), **invalid)
            assert full.status == 422
            assert control.companion.settings == settings


async def test_an_agent_cannot_change_a_pinned_fixture(control: Control, subtests: pytest.Subtests) -> None:
    """Regression: it could not rename one, but replace and delete it."""
    agent, fixture = await agent_headers(control), {"event": "typing", "data": {"username": "al", "typing": True}}
    for name in ("folder/mine", "other"):
        await control.put(f"/v1/fixtures/{quote(name, safe='')}", fixture)
    await control.put("/v1/fixtures/folder%2Fmine/pin")
    settings, changed = control.companion.settings, {**fixture, "title": "changed"}
    saved = await control.get_json("/v1/fixtures/folder%2Fmine")
    for method, path, body in (
        ("PATCH", "mine", {"name": "renamed"}), ("PATCH", "other", {"name": "folder/mine"}),
        ("PUT", "folder%2Fmine", changed), ("PUT", "%20FOLDER%2Fmine", changed),
        ("PUT", "folder%2Fmine/frame", b"changed"), ("DELETE", "mine", None),
    ):  # fmt: skip
        with subtests.test(method=method, path=path):
            answer = await control.call(method, f"/v1/fixtures/{path}", body, headers=agent)
            assert (answer.status, answer.detail[:51]) == (
                403,
                "The agent token cannot change a pinned fixture. Sav",
            )
    assert await control.get_json("/v1/fixtures/folder%2Fmine") == saved
    assert (await control.put("/v1/fixtures/other", changed, headers=agent)).status == 200
    assert (await control.patch("/v1/fixtures/other", {"name": "another"}, headers=agent)).status == 200
    assert (await control.delete("/v1/fixtures/another", headers=agent)).status == 204
    assert (await control.delete("/v1/fixtures/mine")).status == 204
    assert control.companion.settings == settings


@pytest.mark.parametrize("pin", ["Menü", unicodedata.normalize("NFD", " menü"), "short", "folder/Short"])
async def test_every_spelling_of_a_pin_is_the_same_pin(control: Control, pin: str) -> None:
    """Regression: an agent could exchange the pinned fixture with another spelling of its name."""
    agent, fixture = await agent_headers(control), {"event": "typing", "data": {"username": "al", "typing": True}}
    for name in ("Menü", "folder/short", "other"):
        await control.put(f"/v1/fixtures/{quote(name, safe='')}", fixture)
    control.companion.settings.pinned = [pin]
    whole, *others = ("folder/short", "short", "FOLDER/short") if "hort" in pin else ("Menü", "Menu\u0308", "MENÜ ")
    for name in (whole, *others):
        path = f"/v1/fixtures/{quote(name, safe='')}"
        if name != "short" or pin == "short":
            assert (await control.put(path, fixture, headers=agent)).status == 403
            assert (await control.put(f"{path}/frame", b"changed", headers=agent)).status == 403
            assert (await control.patch("/v1/fixtures/other", {"name": name}, headers=agent)).status == 403
        assert (await control.delete(path, headers=agent)).status == 403
    listed = (await control.get_json("/v1/fixtures"))["fixtures"]
    assert [each["name"] for each in listed if each["pinned"]] == [whole]
    path = f"/v1/fixtures/{quote(whole, safe='')}"
    await control.put(f"{path}/pin")
    assert control.companion.settings.pinned == [pin], "it is not pinned twice"
    assert (await control.patch(path, {"name": "renamed"})).status == 200
    assert control.companion.settings.pinned == ["renamed"]
    assert (await control.patch("/v1/fixtures/renamed", {"name": whole})).status == 200
    control.companion.settings.pinned = [pin]
    assert (await control.delete(f"{path}/pin")).status == 204
    assert control.companion.settings.pinned == []


async def test_a_pin_of_a_whole_name_leaves_other_folders_to_an_agent(control: Control) -> None:
    agent, fixture = await agent_headers(control), {"event": "typing", "data": {"username": "al", "typing": True}}
    await control.put("/v1/fixtures/menu", fixture)
    control.companion.settings.pinned = ["menu"]
    assert (await control.put("/v1/fixtures/folder%2Fmenu", fixture, headers=agent)).status == 200
    assert (await control.put("/v1/fixtures/menu", fixture, headers=agent)).status == 403


async def test_an_agent_cannot_make_a_pin_stand_for_another_fixture(control: Control) -> None:
    agent, fixture = await agent_headers(control), {"event": "typing", "data": {"username": "al", "typing": True}}
    control.companion.settings.pinned = ["menu"]
    assert (await control.put("/v1/fixtures/b%2Fmenu", fixture, headers=agent)).status == 403, "there is none"
    for name in ("a%2Fmenu", "b%2Fmenu"):
        assert (await control.put(f"/v1/fixtures/{name}", fixture)).status == 200
    assert control.companion.fixtures.pinned == []
    assert (await control.delete("/v1/fixtures/a%2Fmenu", headers=agent)).status == 403, "b/menu would be pinned"
    assert (await control.patch("/v1/fixtures/a%2Fmenu", {"name": "a/z"}, headers=agent)).status == 403


async def test_an_agent_leaves_half_of_the_pins_to_the_user(control: Control) -> None:
    agent, journal = await agent_headers(control), control.companion.journal
    for number in range(1, MAX_AGENT_MARKS + 3):
        journal.append(Kind.SERVER, "row")
        if number <= MAX_AGENT_MARKS:
            journal.mark(journal.last_seq, pinned=True)
    path = f"/v1/journal/{journal.last_seq}"
    answer = await control.patch(path, {"pinned": True}, headers=agent)
    assert (answer.status, answer.detail) == (
        409,
        "At most 500 rows can be pinned or annotated with an agent token; the others of 1,000 are for the user. "
        "Unpin some first.",
    )
    assert (await control.patch(path, {"pinned": True})).status == 200
    changed = await control.patch(path, {"annotation": "marked already"}, headers=agent)
    assert (changed.status, changed.json["annotation"]) == (200, "marked already")


@pytest.mark.parametrize("revoke", [False, True])
async def test_scenarios_of_agents_stop_when_the_user_no_longer_allows_agents(
    control: Control, revoke: bool
) -> None:
    companion, scenario = control.companion, {"text": "wait 60s"}
    await companion.change_settings(lambda settings: replace(settings, agents=True))
    started = await control.post("/v1/runs", scenario, headers=await agent_headers(control))
    users = await control.post("/v1/runs", scenario)
    if revoke:
        await control.delete("/v1/tokens/agent")
    else:
        await companion.change_settings(lambda settings: replace(settings, agents=False))
    await companion.sessions.wait(companion.sessions.run(started.json["number"]))
    states = [(await control.get_json(f"/v1/runs/{each.json['number']}"))["state"] for each in (started, users)]
    assert states == ["stopped", "running"]


async def test_stopping_the_scenarios_of_agents_loads_nothing_if_there_are_none(companion: Companion) -> None:
    await companion.agent_token.revoke()
    await companion.change_settings(lambda settings: replace(settings, agents=not settings.agents))
    await companion.change_settings(lambda settings: replace(settings, agents=not settings.agents))
    assert not companion.has_sessions


async def test_revoking_ends_what_the_agent_has_begun(control: Control) -> None:
    companion, agent = control.companion, await agent_headers(control)
    waiting = asyncio.create_task(control.post("/v1/expectations", {"event": "typing"}, headers=agent))
    content = b'{"text": "wait 60s"}'
    reader, writer = await asyncio.open_connection("127.0.0.1", companion.control.port)
    head = [f"POST /v1/runs HTTP/1.1\r\nHost: 127.0.0.1:{companion.control.port}", *map(": ".join, agent.items())]
    writer.write("\r\n".join([*head, f"Content-Length: {len(content)}\r\n\r\n"]).encode() + content[:9])
    async with control.stream() as users, control.stream(headers=agent) as stream:
        await until(lambda: len(companion.agent_token._uses) == 3)
        assert (await control.delete("/v1/tokens/agent")).status == 204
        companion.journal.append(Kind.SERVER, "secret")
        assert await stream.next() == {}
        assert (await users.row())["event"] == "secret"
    writer.write(content[9:])
    assert b" 401 " in await asyncio.wait_for(reader.readline(), PATIENCE_S)
    writer.close()
    assert (await waiting).status == 401
    assert await control.get_json("/v1/runs") == []
    assert not companion.agent_token._uses


async def test_a_server_that_an_agent_stops_is_stopped_completely_although_the_token_is_revoked(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: its tasks and connections were left, and the window showed it as listening."""
    companion, agent = control.companion, await agent_headers(control)
    began, ending, stop = asyncio.Event(), asyncio.Event(), control.companion.server.stop
    states: list[ServerState] = []

    async def stop_slowly() -> None:
        began.set()
        await ending.wait()
        await stop()

    monkeypatch.setattr(companion.server, "stop", stop_slowly)
    stopping = asyncio.create_task(control.post("/v1/server/stop", headers=agent))
    await began.wait()
    assert (await control.delete("/v1/tokens/agent")).status == 204
    assert (await stopping).status == 401
    companion.changed.connect(lambda _: states.append(companion.state))
    ending.set()
    await until(lambda: states)
    assert states == [ServerState.STOPPED]


async def test_the_openapi_document_lists_the_tokens_of_each_operation(control: Control) -> None:
    document: dict[str, Any] = await control.get_json("/v1/openapi.json")
    assert set(document["components"]["securitySchemes"]) == {"token", "agentToken"}
    for path, methods in document["paths"].items():
        if path == HEALTH:
            continue
        for method, operation in methods.items():
            expected: list[dict[str, list[str]]] = [{"token": []}]
            if operation["operationId"] not in FULL_ONLY:
                expected.append({"agentToken": []})
            assert operation["security"] == expected, (method, path)


async def test_an_agent_token_is_valid_until_it_is_revoked(control: Control) -> None:
    agent = await agent_headers(control)
    assert await agent_headers(control) == agent, "the token is created once"
    fired = await control.post("/v1/trigger", {"event": "friend_online"}, headers=agent)
    assert fired.status == 200
    assert (await control.get("/v1/settings", headers=agent)).status == 200
    assert (await control.delete("/v1/tokens/agent")).status == 204
    assert (await control.get("/v1/settings", headers=agent)).status == 401
    assert (await control.get("/v1/settings")).status == 200
    assert await agent_headers(control) != agent


async def test_no_agent_token_exists_until_it_is_requested(control: Control) -> None:
    assert control.companion.agent_token.value == ""
    for token in ("", "Bearer", "Bearer "):
        assert (await control.get("/v1/status", headers={"Authorization": token})).status == 401


async def test_without_a_main_token_the_agent_token_is_rejected(make_control: MakeControl) -> None:
    control = await make_control()
    agent = await agent_headers(control)
    control.companion.control.token = ""
    assert (await control.get("/v1/status", headers=agent)).status == 401


@pytest.mark.parametrize(("limit", "allowed"), [(8, 4), (3, 1), (1, 0)])
async def test_an_agent_cannot_take_the_connections_that_revoke_its_token(
    make_control: MakeControl, limit: int, allowed: int
) -> None:
    """Regression: the main token was refused too, so that the agent token stayed valid."""
    control = await make_control(max_connections=limit)
    agent = await agent_headers(control)
    async with AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(control.stream(headers=agent)) for _ in range(allowed)]
        refused = await control.get("/v1/status", headers=agent)
        share = f"{allowed} of {limit}"
        reason = f"the connections for the agent token ({share}) are open already; try again in a moment"
        if not allowed:
            reason = "the only connection (max_connections) is not available to the agent token"
        assert (refused.status, refused.detail) == (503, reason)
        assert control.companion.rejection_log.latest[0].reason == refused.detail
        assert (await control.delete("/v1/tokens/agent")).status == 204
        assert [await each.next() for each in streams] == [{}] * allowed
