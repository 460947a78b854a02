"""Faults in the control API: arm, list and clear them; profiles."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import until
from tests.endpoints.control_api import Control, assert_nothing_received, frame, online, typing

LOSS = {"fault": "loss", "rate": 1}


async def test_without_faults_nothing_is_armed(control: Control) -> None:
    assert await control.get_json("/v1/faults") == {"frames": [], "rest": []}


async def test_armed_faults_act_and_are_listed_with_what_they_have_done(control: Control) -> None:
    client = await control.connect("bob")
    answer = await control.put("/v1/faults", {"to": "user:bob", "faults": [LOSS], "seed": 7})
    assert answer.status == 200
    sent = await control.post("/v1/events", online())
    assert sent.json["clients"] == [1]
    await assert_nothing_received(client)
    (armed,) = (await control.get_json("/v1/faults"))["frames"]
    assert armed == {
        "number": 1, "to": "user:bob", "profile": "", "seed": 7, "faults": [{"fault": "loss", "rate": 1.0}],
        "clients": [1], "seen": 1, "acted": {"loss": 1},
    }  # fmt: skip
    (row,) = await control.rows("event:=fault")
    assert row["note"] == f"#{sent.json['seq']} friend_online: dropped by loss (seed 7, draw 1)"
    assert (await control.delete("/v1/faults", query={"to": "user:bob"})).json == {"cleared": 1}
    await control.post("/v1/events", online())
    assert json.loads(await frame(client)) == online()


async def test_frames_of_the_ui_are_lost_doubled_and_corrupted(control: Control) -> None:
    client = await control.connect("bob")

    async def received(*faults: dict[str, Any]) -> list[dict[str, Any]]:
        after = control.companion.journal.last_seq
        body = {"faults": [{**each, "direction": "from_ui"} for each in faults]}
        assert (await control.put("/v1/faults", body)).status == 200
        await client.send(typing())
        await until(lambda: control.companion.hub.clients[0].frames_in > before)
        await (await client.ping())
        await until(lambda: any(row.event == "fault" for row in control.companion.journal if row.seq > after))
        rows = await control.rows("dir:c2s")
        return [each for each in rows if each["seq"] > after]

    before = 0
    assert await received(LOSS) == []
    before = 1
    await received({"fault": "duplicate"})
    await until(lambda: sum(row.event == "typing" for row in control.companion.journal) == 2)
    before = 2
    await received({"fault": "truncate", "bytes": 5})
    await until(lambda: any(row.verdict == "invalid" for row in control.companion.journal))


async def test_a_profile_is_saved_armed_renamed_and_deleted(control: Control, tmp_path: Path) -> None:
    profile = {"title": "Mine", "seed": 3, "faults": [LOSS], "rest": [{"route": "GET /friends", "status": 503}]}
    saved = await control.put("/v1/faults/profiles/mine", profile)
    assert saved.status == 200, saved.body
    assert (saved.json["name"], saved.json["own"]) == ("mine", True)
    armed = (await control.put("/v1/faults", {"profile": "mine"})).json
    assert (armed["frames"][0]["profile"], armed["frames"][0]["seed"], armed["rest"][0]["seed"]) == ("mine", 3, 3)
    assert (await control.delete("/v1/faults")).json == {"cleared": 2}
    assert (await control.patch("/v1/faults/profiles/mine", {"name": "yours"})).json["name"] == "yours"
    assert (await control.delete("/v1/faults/profiles/yours")).status == 204
    names = [each["name"] for each in (await control.get_json("/v1/faults/profiles"))["profiles"]]
    assert names == ["3g", "flaky-cafe", "lossy", "out-of-order", "train-tunnel", "twice"]


async def test_a_broken_profile_is_a_warning_and_the_others_stay(control: Control) -> None:
    folder = control.companion.profiles.folder
    assert folder
    folder.mkdir(exist_ok=True)
    (folder / "broken.json").write_text('{"faults": [{"fault": "loss", "rate": 5}]}', encoding="utf-8")
    listed = await control.get_json("/v1/faults/profiles")
    (warning,) = listed["warnings"]
    assert warning.endswith("is not a valid profile: faults[0].rate: must be at most 1.")
    assert len(listed["profiles"]) == 6
    answer = await control.put("/v1/faults", {"profile": "broken"})
    assert answer.status == 404
    assert "must be at most 1" in answer.detail


async def test_invalid_faults_are_explained(control: Control, subtests: pytest.Subtests) -> None:
    for body, reason in [
        ({}, "Give either faults or the name of a profile."),
        ({"faults": [LOSS], "profile": "lossy"}, "Give either"),
        ({"faults": [{"fault": "lag"}]}, "faults[0]"),
        ({"faults": [{"fault": "loss", "rate": 2}]}, "faults[0].rate must be at most 1"),
        ({"faults": [LOSS], "to": "everybody"}, "invalid target"),
        ({"faults": [{**LOSS, "only": "larger:much"}]}, "filter"),
    ]:
        with subtests.test(body=body, reason=reason):
            answer = await control.put("/v1/faults", body)
            assert answer.status in (400, 422)
            assert reason in answer.detail
            assert (await control.get_json("/v1/faults"))["frames"] == []


@pytest.mark.parametrize("fault", [{"route": "GET"}, {"route": "GET /friends"}, {"route": "GET /x", "status": 42}])
async def test_an_invalid_rest_fault_is_explained(control: Control, fault: dict[str, Any]) -> None:
    answer = await control.put("/v1/faults/rest", {"fault": fault})
    assert answer.status == 422
    assert answer.detail


async def test_faults_of_a_target_and_of_a_route_are_cleared_together(control: Control) -> None:
    await control.put("/v1/faults", {"to": "user:bob", "faults": [LOSS]})
    fault = {"route": "POST /messages", "status": 503}
    assert (await control.put("/v1/faults/rest", {"fault": fault})).status == 200
    query = {"to": "user:bob", "route": "POST /messages"}
    assert (await control.delete("/v1/faults", query=query)).json == {"cleared": 2}
    state = await control.get_json("/v1/faults")
    assert (state["frames"], state["rest"]) == ([], [])
