"""Sources in the control API, with a stand-in for the Supabase project."""

import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from app.system.supabase_key import KEY_VARIABLE, SupabaseKey
from tests.conftest import until
from tests.endpoints.conftest import MakeControl
from tests.endpoints.control_api import Control
from tests.postgrest_stand_in.server import PUBLISHABLE, StandIn
from tests.system.keyrings import LockedKeyring, MemoryKeyring, using


@pytest.fixture
async def project() -> AsyncIterator[StandIn]:
    async with StandIn() as stand_in:
        yield stand_in


@pytest.fixture
async def control(make_control: MakeControl, project: StandIn) -> Control:
    return await make_control(username="anna", supabase_url=project.url, supabase_address="192.0.2.7")


async def state(control: Control) -> str:
    return str((await control.get_json("/v1/sources/supabase"))["state"])


async def until_state(control: Control, wanted: str) -> None:
    await until(lambda: control.companion.supabase.status.condition == wanted)


async def test_sources_are_off_by_default_and_make_no_call(control: Control, project: StandIn) -> None:
    (source,) = [each for each in await control.get_json("/v1/sources") if each["name"] == "supabase"]
    assert source == {
        "name": "supabase", "title": "Directory and queue (Supabase)", "on": False, "state": "off", "text": "Off.",
        "last_success": None, "next_try": None, "latency_ms": None, "counts": {}, "warnings": [],
    }  # fmt: skip
    assert project.requests == []
    assert (await control.get("/v1/sources/supabas")).detail == (
        "There is no source 'supabas'; did you mean supabase?"
    )


async def test_switching_on_a_source_that_has_failed_tries_again(control: Control, project: StandIn) -> None:
    """Regression: it did nothing, so that peers were off after their port was free again."""
    companion, server = control.companion, control.companion.peer_server
    with socket.create_server(("127.0.0.1", 0)) as occupied:
        port = occupied.getsockname()[1]
        await companion.apply(replace(companion.settings, peer_port=port))
        assert (await control.post("/v1/sources/peers/on")).json["state"] == "failed"
    assert (await control.post("/v1/sources/peers/on")).json["state"] == "ok"
    assert (server.listening, server.port) == (True, port)
    await control.post("/v1/sources/supabase/on")
    await until_state(control, "failed")
    await companion.supabase._key.store(PUBLISHABLE)
    await control.post("/v1/sources/supabase/on")
    await until_state(control, "ok")


async def test_a_source_is_switched_on_and_off_and_that_is_saved(control: Control, project: StandIn) -> None:
    answer = await control.post("/v1/sources/supabase/on")
    assert (answer.status, answer.json["on"]) == (200, True)
    await until_state(control, "failed")
    assert control.companion.supabase.status.text.startswith("The API key is missing")
    assert project.requests == []
    answer = await control.put("/v1/sources/supabase/key", {"key": PUBLISHABLE})
    assert answer.json == {"kept_in": "memory, for this run only"}
    await until_state(control, "ok")
    assert [each["username"] for each in await project.rows("users")] == ["anna"]
    assert (await control.get_json("/v1/settings"))["values"]["supabase"] is True
    answer = await control.post("/v1/sources/supabase/off")
    assert (answer.json["on"], answer.json["state"]) == (False, "off")
    number = len(project.requests)
    assert (await control.get_json("/v1/settings"))["values"]["supabase"] is False
    assert len(project.requests) == number


async def test_a_changed_setting_starts_the_source_again(control: Control, project: StandIn) -> None:
    await control.put("/v1/sources/supabase/key", {"key": PUBLISHABLE})
    await control.post("/v1/sources/supabase/on")
    await until_state(control, "ok")
    await control.patch("/v1/settings", {"supabase_address": "192.0.2.8", "supabase_peek_only": True})
    await until_state(control, "ok")
    (row,) = await project.rows("users")
    assert row["last_ip"] == "192.0.2.8"
    assert control.companion.supabase.status.text.endswith("messages are read, but not deleted.")


async def test_the_connection_is_tested_without_a_change(control: Control, project: StandIn) -> None:
    result = (await control.post("/v1/sources/supabase/test")).json
    assert not result["ok"]
    await control.put("/v1/sources/supabase/key", {"key": PUBLISHABLE})
    result = (await control.post("/v1/sources/supabase/test")).json
    assert result["ok"], result
    assert await state(control) == "off"
    assert {each.method for each in project.requests} == {"GET"}


@pytest.mark.parametrize(
    "key", ["sb_secret_0123456789", "nonsense", "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.x"]
)
async def test_keys_with_too_many_rights_are_refused_and_never_quoted(control: Control, key: str) -> None:
    answer = await control.put("/v1/sources/supabase/key", {"key": key})
    assert answer.status == 422
    assert answer.detail.startswith("The API key is")
    assert key not in answer.detail


async def test_the_status_tells_the_ui_the_truth(control: Control, project: StandIn) -> None:
    async def connected() -> bool:
        return bool((await control.companion.chat.status())["supabase_connected"])

    assert not await connected()
    await control.post("/v1/sources/supabase/on")
    await until_state(control, "failed")
    assert not await connected()
    await control.put("/v1/sources/supabase/key", {"key": PUBLISHABLE})
    await until_state(control, "ok")
    assert await connected()


async def test_variables_that_stay_are_named_when_the_data_is_deleted(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, PUBLISHABLE)
    answer = await control.delete("/v1/sources/supabase/data")
    assert answer.json == {"text": f"Deleted: the API key, the address of the project. Still set: {KEY_VARIABLE}."}


async def test_a_key_in_a_locked_keyring_cannot_be_deleted(control: Control, tmp_path: Path) -> None:
    """Regression: the answer was that no key is stored."""
    key = control.companion.supabase._key = SupabaseKey(tmp_path / "supabase-key")
    with using(MemoryKeyring()):
        await key.store(PUBLISHABLE)
    with using(LockedKeyring()):
        for path in ("/v1/sources/supabase/key", "/v1/sources/supabase/data"):
            answer = await control.delete(path)
            assert answer.status == 503
            assert answer.detail.startswith("The API key could not be removed from the system's keyring")
        assert await control.get_json("/v1/sources/supabase/key") == {"kept_in": "the system's keyring"}


async def test_all_data_of_a_source_is_deleted(control: Control, project: StandIn) -> None:
    await control.put("/v1/sources/supabase/key", {"key": PUBLISHABLE})
    await control.post("/v1/sources/supabase/on")
    await until_state(control, "ok")
    answer = await control.delete("/v1/sources/supabase/data", query={"remote": "true"})
    assert answer.json == {"text": "Deleted: the registration of anna, the API key, the address of the project."}
    assert await project.rows("users") == []
    settings = (await control.get_json("/v1/settings"))["values"]
    assert (settings["supabase"], settings["supabase_url"]) == (False, "")
    result = (await control.post("/v1/sources/supabase/test")).json
    assert result["text"].startswith("The address of the project is missing")


@pytest.mark.parametrize("url", ["http://p.supabase.co", "p.supabase.co", "https://a:b@p.supabase.co"])
async def test_addresses_without_encryption_are_refused(control: Control, url: str) -> None:
    answer = await control.patch("/v1/settings", {"supabase_url": url})
    assert answer.status == 422


async def test_the_peer_link_is_in_the_list_and_is_switched_on_and_off(make_control: MakeControl) -> None:
    control = await make_control(username="anna", peer_port=0)
    assert [each["name"] for each in await control.get_json("/v1/sources")] == ["peers", "supabase"]
    result = (await control.post("/v1/sources/peers/test")).json
    assert result == {
        "ok": False,
        "text": "Peers are switched off, so the companion does not listen for connections. Switch them on first.",
    }
    switched = (await control.post("/v1/sources/peers/on")).json
    assert (switched["on"], switched["state"]) == (True, "ok")
    assert switched["text"].startswith("Listening at tcp://127.0.0.1:")
    assert (await control.post("/v1/sources/peers/test")).json["text"].endswith(", for this machine only.")
    assert control.companion.peer_server.listening
    await control.patch("/v1/settings", {"supabase": True})
    answer = await control.delete("/v1/sources/peers/data")
    assert (answer.status, answer.detail) == (
        409, "Directory and queue in Supabase use your keys and peers. Switch supabase off first."
    )  # fmt: skip
    await control.patch("/v1/settings", {"supabase": False})
    before = (await control.companion.identity.obtain()).node_id
    answer = await control.delete("/v1/sources/peers/data")
    assert answer.json["text"].startswith("Deleted: all peers")
    assert not control.companion.peer_server.listening
    assert (await control.companion.identity.obtain()).node_id != before


async def test_data_that_cannot_be_deleted_in_the_project_is_kept(control: Control, project: StandIn) -> None:
    await control.put("/v1/sources/supabase/key", {"key": PUBLISHABLE})
    await control.post("/v1/sources/supabase/on")
    await until_state(control, "ok")
    row = {"to_user": "anna", "from_user": "anna", "ciphertext": "c", "signature": "s"}
    await project.add("messages", {"id": "00000000-0000-4000-8000-000000000001", **row})
    answer = await control.delete("/v1/sources/supabase/data", query={"remote": "true"})
    assert (answer.status, answer.detail) == (
        502,
        "Messages for this user wait in the queue, so the registration cannot be deleted. "
        "The source is switched off, and nothing was deleted.",
    )
    assert (await control.post("/v1/sources/supabase/test")).json["ok"]
    await control.patch("/v1/settings", {"supabase_url": ""})
    answer = await control.delete("/v1/sources/supabase/data", query={"remote": "true"})
    assert (answer.status, answer.detail[:38]) == (409, "The address of the project is missing:")


async def test_the_place_of_the_api_key_is_returned_and_the_key_is_removed(control: Control) -> None:
    assert await control.get_json("/v1/sources/supabase/key") == {"kept_in": ""}
    await control.put("/v1/sources/supabase/key", {"key": PUBLISHABLE})
    assert await control.get_json("/v1/sources/supabase/key") == {"kept_in": "memory, for this run only"}
    assert (await control.delete("/v1/sources/supabase/key")).json == {"kept_in": ""}
    assert await control.get_json("/v1/sources/supabase/key") == {"kept_in": ""}
    result = (await control.post("/v1/sources/supabase/test")).json
    assert not result["ok"]
    assert "The API key is missing" in result["text"]
