"""Documents about the contract in the control API."""

from app.protocol.contract_documents.file_schemas import FileKind
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
