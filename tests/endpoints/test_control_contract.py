"""Documents about the contract in the control API."""

import json
from pathlib import Path

from app.protocol.contract_documents.file_kinds import FileKind
from tests.endpoints.conftest import MakeControl
from tests.endpoints.control_api import Control


async def test_the_contract_has_all_events_and_the_keys_of_a_frame(control: Control) -> None:
    found = await control.get_json("/v1/contract")
    assert found["events"] == await control.get_json("/v1/events")
    assert (found["event_key"], found["data_key"]) == ("event", "data")


async def test_the_asyncapi_document_describes_the_backend_or_the_client(control: Control) -> None:
    backend = await control.get_json("/v1/asyncapi.json")
    client = await control.get_json("/v1/asyncapi.json", **{"as": "client"})
    assert backend["operations"]["eventsToUi"]["action"] == "send"
    assert client["operations"]["eventsToUi"]["action"] == "receive"
    host = backend["servers"]["local"]["host"]
    assert f"ws://{host}{backend['channels']['events']['address']}" == control.companion.server.url
    refused = await control.get("/v1/asyncapi.json", query={"as": "server"})
    assert refused.status == 422
    assert "The query at as" in refused.detail


async def test_the_texts_follow_the_catalog(control: Control) -> None:
    companion = control.companion
    names = [each.name for each in companion.catalog]
    companion.use_events([each for each in companion.catalog if each.name != "friend_online"])
    for path in ("/v1/contract/typescript", "/v1/contract/page"):
        answer = await control.get(path)
        assert answer.status == 200
        assert "friend_offline" in answer.body.decode()
        assert "friend_online" not in answer.body.decode()
    assert "friend_online" in names


async def test_schemas_of_files(control: Control) -> None:
    for kind in FileKind:
        assert "$schema" in await control.get_json(f"/v1/contract/schemas/{kind}")
    missing = await control.get("/v1/contract/schemas/fixtures")
    assert missing.status == 404
    assert missing.detail == "There is no schema 'fixtures'; did you mean fixture?"
    assert (
        "Use event, fixture, session, profile, settings, state."
        in (await control.get("/v1/contract/schemas/x")).detail
    )


DATA = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}
PAYLOAD = {"properties": {"event": {"const": "seen"}, "data": DATA}}
DOCUMENT = json.dumps(
    {
        "asyncapi": "3.0.0",
        "info": {"title": "Chat UI", "version": "1"},
        "channels": {"c": {"messages": {"m": {"payload": PAYLOAD}}}},
        "operations": {"o": {"action": "receive", "channel": {"$ref": "#/channels/c"}}},
    }
)


async def test_a_document_is_imported_and_its_events_are_used_at_once(
    make_control: MakeControl, tmp_path: Path
) -> None:
    folder = tmp_path / "events"
    control = await make_control(events_folder=str(folder))
    plan = await control.post("/v1/contract/import", {"document": DOCUMENT, "dry_run": True})
    assert plan.status == 200
    assert not folder.exists()
    imported = await control.post("/v1/contract/import", {"document": DOCUMENT})
    assert imported.json == plan.json
    assert imported.json["application"] == "client"
    (file,) = imported.json["files"]
    assert (file["file"], file["event"], file["direction"], file["status"]) == ("seen.json", "seen", "to_ui", "new")
    assert (folder / "seen.json").read_text("utf-8") == file["content"]
    assert (await control.post("/v1/events", {"event": "seen", "data": {"id": "1"}})).status == 200
    assert (await control.post("/v1/events", {"event": "seen", "data": {"id": 1}})).status == 422
    (folder / "seen.json").write_text("mine")
    refused = await control.post("/v1/contract/import", {"document": DOCUMENT})
    assert refused.status == 409
    assert "nothing was written" in refused.detail
    other = await control.post("/v1/contract/import", {"document": DOCUMENT, "as": "backend", "force": True})
    assert [each["direction"] for each in other.json["files"]] == ["from_ui"]


async def test_what_is_no_document_is_an_error(make_control: MakeControl, control: Control, tmp_path: Path) -> None:
    answer = await control.post("/v1/contract/import", {"document": "x"})
    assert answer.status == 422
    assert answer.detail.startswith("This is not an AsyncAPI document")
    answer = await control.post("/v1/contract/import", {"document": DOCUMENT})
    assert answer.status == 409
    assert (
        answer.detail == "This companion has no folder of event files. Choose one with the setting events_folder."
    )
