"""Personas, friendships and messages by the control API, as in *Chats*."""

import json
from typing import Any
from urllib.parse import quote

from app.protocol.event_files.parse import parse_event_file
from tests.conftest import until
from tests.endpoints.control_api import Control, frame, message, typing

WAITING = {"delivered": False, "delivery_method": "offline", "direction": "sent", "from": "me", "to": "erin"}


async def persona(control: Control, name: str) -> dict[str, Any] | None:
    return next((each for each in await control.get_json("/v1/personas") if each["username"] == name), None)


async def test_a_persona_is_added_renamed_and_removed(control: Control) -> None:
    added = await control.post("/v1/personas", {"username": " gina "})
    assert added.json == {
        "username": "gina", "is_friend": True, "online": False, "auto_reply": False, "stay_online": False,
        "ui_typing": False, "is_peer": False,
    }  # fmt: skip
    assert await persona(control, "gina") == added.json
    renamed = await control.patch("/v1/personas/gina", {"username": "Zoë 2"})
    assert (renamed.status, renamed.json["username"]) == (200, "Zoë 2")
    assert await persona(control, "gina") is None
    assert (await control.delete(f"/v1/personas/{quote('Zoë 2')}")).status == 204
    assert await persona(control, "Zoë 2") is None


async def test_adding_and_removing_a_friend_repeatedly_succeeds(control: Control) -> None:
    await control.post("/v1/personas", {"username": "gina", "is_friend": False})
    for friend in (True, True, False, False):
        answer = await control.patch("/v1/personas/gina", {"is_friend": friend})
        assert (answer.status, answer.json["is_friend"]) == (200, friend)
    assert "gina" not in control.companion.personas


async def test_behaviour_and_presence_are_changed_together(control: Control) -> None:
    client = await control.connect()
    answer = await control.patch(
        "/v1/personas/dave", {"online": True, "auto_reply": True, "stay_online": True, "username": "davy"}
    )
    assert answer.json == {
        "username": "davy", "is_friend": True, "online": True, "auto_reply": True, "stay_online": True,
        "ui_typing": False, "is_peer": False,
    }  # fmt: skip
    assert '"friend_online"' in await frame(client)
    people = {each["username"]: each for each in (await control.state())["people"]}
    assert people["davy"]["pinned"] is True
    again = await control.patch("/v1/personas/davy", {"online": True, "auto_reply": False})
    assert (again.json["online"], again.json["auto_reply"], again.json["stay_online"]) == (True, False, True)
    assert len(await control.rows("event:friend_online")) == 1, "only a change is fired"


async def test_a_persona_is_switched_online_if_a_file_requires_another_field(control: Control) -> None:
    """Regression: it was answered with 422, and the persona stayed offline."""
    data = {"required": ["since"], "properties": {"since": {"type": "string", "format": "date-time"}}}
    file = json.dumps({"extends": "friend_online", "data": data})
    control.companion.use_events([parse_event_file("e.json", file, control.companion.catalog)])
    assert (await control.patch("/v1/personas/dave", {"online": True})).json["online"]
    (row,) = await control.rows("event:friend_online")
    assert sorted(json.loads(row["frame"])["data"]) == ["since", "username"]


async def test_a_persona_says_whether_the_ui_is_typing_to_it(control: Control) -> None:
    client = await control.connect()
    await client.send(typing(True, "bob"))
    await until(lambda: control.companion.chat.ui_typing.is_typing("bob"))
    assert [each["username"] for each in await control.get_json("/v1/personas") if each["ui_typing"]] == ["bob"]


async def test_a_change_that_cannot_be_made_changes_nothing(control: Control) -> None:
    before = await control.state()
    answer = await control.patch("/v1/personas/bob", {"username": "alice", "auto_reply": True, "is_friend": False})
    assert answer.status == 409
    assert await control.state() == before


async def test_a_waiting_message_is_marked_as_delivered(control: Control) -> None:
    event = message("later", **WAITING)
    await control.post("/v1/events", event)
    msg_id = event["data"]["msg_id"]
    page = await control.get_json("/v1/messages", peer="erin")
    assert (page["total"], [each["delivered"] for each in page["messages"]]) == (1, [False])
    answer = await control.patch(f"/v1/messages/{msg_id}", {"delivered": True})
    assert answer.json == {**event["data"], "delivered": True, "delivery_method": "direct"}


async def test_reactions_are_added_and_removed(control: Control) -> None:
    event = message()
    await control.post("/v1/events", event)
    path = f"/v1/messages/{event['data']['msg_id']}/reactions"
    for by in ("alice", "me", "alice"):
        answer = await control.put(path, {"emoji": "👍", "by": by})
    both = [{"emoji": "👍", "from": "alice"}, {"emoji": "👍", "from": "me"}]
    assert answer.json["reactions"] == both
    for _ in range(2):
        answer = await control.delete(path, query={"emoji": "👍", "by": "alice"})
        assert answer.json["reactions"] == both[1:]
    unknown = await control.put(path, {"emoji": "👍", "by": "unknown"})
    assert (unknown.status, unknown.detail) == (404, "There is no persona 'unknown'.")
    stored = await control.stored(event["data"]["msg_id"])
    assert stored
    assert stored["reactions"] == both[1:]


async def test_a_message_is_deleted_once(control: Control) -> None:
    event = message()
    await control.post("/v1/events", event)
    path = f"/v1/messages/{event['data']['msg_id']}"
    assert (await control.delete(path)).status == 204
    assert await control.stored(event["data"]["msg_id"]) is None
    answer = await control.delete(path)
    assert (answer.status, answer.detail) == (404, f"There is no message '{event['data']['msg_id']}'.")


async def test_messages_are_read_in_pages(control: Control) -> None:
    for number in range(5):
        await control.post("/v1/events", message(str(number), **{"from": "erin"}))
    page = await control.get_json("/v1/messages", peer="erin", limit=2, offset=1)
    assert (page["total"], [each["text"] for each in page["messages"]]) == (5, ["2", "3"])


async def test_a_row_is_resent_to_the_same_clients_and_not_stored_again(control: Control) -> None:
    bob, me = await control.connect("bob"), await control.connect("me")
    event = message("once")
    fired = await control.post("/v1/events", event, query={"to": "user:bob"})
    first = await frame(bob)
    total = len((await control.state())["messages"])
    again = await control.post(f"/v1/journal/{fired.json['seq']}/resend")
    assert (again.status, again.json["clients"]) == (200, fired.json["clients"])
    assert await frame(bob) == first
    await until(lambda: not me.recv_messages.frames)
    assert len((await control.state())["messages"]) == total
    assert (await control.rows())[-1]["origin"] == "control"


async def test_only_a_frame_to_the_ui_can_be_resent(control: Control) -> None:
    answer = await control.post("/v1/journal/1/resend")
    assert (answer.status, answer.detail) == (
        409,
        "Row 1 cannot be sent again, because it is not a frame to the UI.",
    )
    answer = await control.post("/v1/journal/x/resend")
    assert (answer.status, answer.detail) == (404, "Row x is not in the log.")


async def test_the_catalog_lists_the_events_of_both_directions(control: Control) -> None:
    events = await control.get_json("/v1/events")
    directions = {each["name"]: each["direction"] for each in events}
    assert directions["mark_read"] == "c2s"
    assert [each["direction"] for each in events if each["name"] == "typing"] == ["s2c", "c2s"]
    for each in events:
        assert each["help"]
        assert each["schema"]["properties"].keys() >= each["sample"].keys()
    control.companion.use_events([])
    assert await control.get_json("/v1/events") == []


async def test_a_frame_is_saved_as_a_fixture_with_or_without_new_ids(control: Control) -> None:
    event = message("keep")
    text = json.dumps(event).encode()
    unchanged = await control.put("/v1/fixtures/mine/frame", text)
    assert unchanged.json["fixture"]["data"] == event["data"]
    renewed = await control.put("/v1/fixtures/mine/frame", text, query={"renew": 1})
    assert renewed.json["fixture"]["data"] == {**event["data"], "msg_id": "{{uuid}}", "timestamp": "{{now}}"}
    raw = await control.put("/v1/fixtures/other/frame", b"not an event")
    assert raw.json["fixture"]["frame"] == "not an event"


async def test_a_frame_that_was_sent_is_saved_without_templates(control: Control) -> None:
    text = json.dumps(message("{{now}}")).encode()
    for query, sent in (({"literal": 1}, "{{braces}}now}}"), ({}, "{{now}}")):
        saved = await control.put("/v1/fixtures/mine/frame", text, query=query)
        assert saved.json["fixture"]["data"]["text"] == sent
    raw = await control.put("/v1/fixtures/other/frame", b"{{now}}", query={"literal": 1})
    assert raw.json["fixture"]["frame"] == "{{braces}}now}}"
