"""Saved filters in the control API, as in the menu *Saved* of *Events*."""

from tests.endpoints.control_api import Control


async def test_filters_are_saved_listed_renamed_and_deleted(control: Control) -> None:
    assert await control.get_json("/v1/filters") == []
    answer = await control.put("/v1/filters/my%20errors", {"filter": " is:invalid "})
    assert (answer.status, answer.json) == (200, {"name": "my errors", "filter": "is:invalid"})
    assert control.companion.settings.saved_filters == {"my errors": "is:invalid"}
    renamed = await control.patch("/v1/filters/my%20errors", {"name": "errors"})
    assert renamed.json == {"name": "errors", "filter": "is:invalid"}
    assert await control.get_json("/v1/filters") == [{"name": "errors", "filter": "is:invalid"}]
    assert (await control.delete("/v1/filters/errors")).status == 204
    assert (await control.delete("/v1/filters/errors")).status == 404


async def test_an_invalid_filter_or_name_is_not_saved(control: Control) -> None:
    answer = await control.put("/v1/filters/errors", {"filter": "is:odd"})
    assert answer.status == 422
    assert "invalid is:odd" in answer.json["detail"]
    assert (await control.put("/v1/filters/@x", {"filter": "is:ok"})).status == 422
    assert control.companion.settings.saved_filters == {}


async def test_the_journal_and_its_stream_accept_a_saved_filter(control: Control) -> None:
    await control.put("/v1/filters/online", {"filter": "event:friend_online"})
    for event in ("friend_online", "friend_offline"):
        await control.post("/v1/trigger", {"event": event})
    page = await control.get_json("/v1/journal?filter=%40online")
    assert [row["event"] for row in page["rows"]] == ["friend_online"]
    page = await control.get_json("/v1/journal?filter=%40online%20event:offline")
    assert page["rows"] == []
    unknown = await control.get("/v1/journal?filter=%40nothing")
    assert unknown.status == 422
    assert "there is no saved filter 'nothing' (saved: online)" in unknown.json["detail"]


async def test_saved_filters_can_be_changed_as_a_setting(control: Control) -> None:
    answer = await control.patch("/v1/settings", {"saved_filters": {"errors": "is:invalid"}})
    assert answer.json["values"]["saved_filters"] == {"errors": "is:invalid"}
    assert (await control.patch("/v1/settings", {"saved_filters": {"@": "x"}})).status == 422
