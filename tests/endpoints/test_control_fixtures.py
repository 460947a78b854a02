"""The fixtures in the control API: list, read, save, rename and delete. Built-in fixtures never change."""

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from app.protocol.contract_documents.file_kinds import FileKind
from tests.endpoints.conftest import MakeControl
from tests.endpoints.control_api import Control, frame, online

BODY: dict[str, Any] = {
    "title": "Grüße 👋", "must": "Show it.", "event": "new_message", "to": "user:bob", "times": 2, "order": 7,
    "data": {"text": "{{faker.sentence}}", "x": [1, None]}, "malformed": True,
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of the user's fixtures."""
    return tmp_path / "fixtures"


def relative_paths(folder: Path) -> list[str]:
    """Return the relative paths of all files and folders in a folder, without the schema for editors."""
    found = [each.relative_to(folder).as_posix() for each in folder.rglob("*")]
    return sorted(each for each in found if each != FileKind.FIXTURE.schema_file)


async def names(control: Control, *, own: bool = True) -> list[str]:
    return [each["name"] for each in (await control.get_json("/v1/fixtures"))["fixtures"] if each["own"] is own]


async def test_built_in_fixtures_are_listed_with_what_a_ui_must_do(control: Control, folder: Path) -> None:
    page = await control.get_json("/v1/fixtures")
    assert (page["folder"], page["complaints"]) == (str(folder), [])
    listed = {each["name"]: each for each in page["fixtures"]}
    assert listed["basics/message"] == {
        "name": "basics/message", "title": "A friend says hi", "event": "new_message", "must": "",
        "malformed": False, "own": False, "pinned": True, "problems": [], "faults": [],
        "expect": None,
    }  # fmt: skip
    assert listed["nasty/duplicate id"]["must"].startswith("Show it once")
    assert not listed["nasty/duplicate id"]["pinned"]
    assert listed["nasty/empty frame"]["malformed"]


async def test_each_listed_fixture_can_be_read_and_fired(control: Control) -> None:
    for name in await names(control, own=False):
        shown = await control.get_json(f"/v1/fixtures/{quote(name, safe='')}")
        assert (shown["name"], shown["own"]) == (name, False)
        assert (await control.post("/v1/trigger", {"fixture": name})).status == 200


async def test_a_saved_fixture_is_listed_and_written_to_disk(control: Control, folder: Path) -> None:
    saved = await control.put("/v1/fixtures/mine", BODY)
    assert saved.status == 200
    assert saved.json == {"name": "mine", "own": True, "fixture": BODY}
    assert await control.get_json("/v1/fixtures/mine") == saved.json
    assert await names(control) == ["mine"]
    in_file = json.loads((folder / "mine.json").read_text("utf-8"))
    assert in_file == {"$schema": FileKind.FIXTURE.schema_file, **BODY}
    assert (await control.put("/v1/fixtures/mine", in_file)).json == saved.json, (
        "the content of a file can be saved"
    )


async def test_a_name_with_folders_is_one_encoded_path_segment(control: Control, folder: Path) -> None:
    for encoded in ("a%2Fb%2Fc", "A%20b%2FGr%C3%BC%C3%9Fe", "x%2fy"):
        assert (await control.put(f"/v1/fixtures/{encoded}", online())).status == 200
        assert (await control.get(f"/v1/fixtures/{encoded}")).status == 200
    assert sorted(await names(control)) == ["A b/Grüße", "a/b/c", "x/y"]
    assert (folder / "a" / "b" / "c.json").is_file()
    assert (await control.delete("/v1/fixtures/a%2Fb%2Fc")).status == 204
    assert sorted(await names(control)) == ["A b/Grüße", "x/y"]


async def test_saving_again_replaces_the_fixture(control: Control) -> None:
    await control.put("/v1/fixtures/mine", BODY)
    assert (await control.put("/v1/fixtures/mine", {"frame": ""})).status == 200
    assert (await control.get_json("/v1/fixtures/mine"))["fixture"] == {"frame": ""}
    assert await names(control) == ["mine"]


async def test_fixture_names_are_case_insensitive(control: Control, folder: Path) -> None:
    await control.put("/v1/fixtures/Mine", BODY)
    await control.put("/v1/fixtures/mine", {"frame": "new"})
    for _ in range(2):
        assert len(await names(control)) == 1
        assert (await control.get_json("/v1/fixtures/MINE"))["fixture"] == {"frame": "new"}
    assert (await control.delete("/v1/fixtures/mine")).status == 204
    assert await names(control) == []
    assert relative_paths(folder) == []


async def test_a_raw_frame_and_an_event_without_data_can_be_saved(control: Control) -> None:
    client = await control.connect()
    for body, text in (
        ({"frame": "{{uuid"}, "{{uuid"),
        ({"frame": ""}, ""),
        ({"event": "x", "data": [1], "malformed": True}, '{"event":"x","data":[1]}'),
        ({"event": "x", "data": None, "malformed": True}, '{"event":"x","data":null}'),
    ):
        saved = await control.put("/v1/fixtures/mine", body)
        assert (saved.status, saved.json["fixture"]) == (200, body)
        assert (await control.post("/v1/trigger", {"fixture": "mine"})).status == 200
        assert await frame(client) == text


async def test_an_invalid_fixture_is_rejected_and_not_saved(
    control: Control, folder: Path, subtests: pytest.Subtests
) -> None:
    await control.put("/v1/fixtures/mine", BODY)
    for body, place in [
        ({}, "either an event with data or a frame"),
        ({"event": "x", "data": {}, "frame": ""}, "either an event with data or a frame"),
        ({"event": "", "data": {}}, "either an event"),
        ({"event": "x", "data": {}, "to": "everybody"}, "invalid target"),
        ({"event": "x", "data": {}, "to": ""}, "invalid target"),
        ({"event": "x" * 81, "data": {}}, "at event"),
        ({"frame": "", "title": "x" * 201}, "at title"),
        ({"frame": "", "times": 1001}, "at times"),
    ]:
        with subtests.test(body=body, place=place):
            for name in ("mine", "other"):
                answer = await control.put(f"/v1/fixtures/{name}", body)
                assert answer.status == 422
                assert place in answer.detail
            assert (await control.get_json("/v1/fixtures/mine"))["fixture"] == BODY
            assert relative_paths(folder) == ["mine.json"]


async def test_a_name_that_is_not_a_portable_file_name_is_rejected(
    control: Control, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    await control.put("/v1/fixtures/mine", BODY)
    before = relative_paths(tmp_path)
    for name in (
        "..", "..%2Fx", "a%2F..%2Fb", "%2Fetc%2Fpasswd", "a%2F", "%2Fa", "a%2F%2Fb", "a%5Cb", "C%3Ax", ".hidden",
        "a.", "con", "NUL.txt", "a%2Faux", "a%00b", "%0A", "a%2Fb%2Fc%2Fd", "x" * 61, "%20", "%F0%9F%98%80", "%ff",
        "a%ED%A0%80",
    ):  # fmt: skip
        with subtests.test(name=name):
            answer = await control.put(f"/v1/fixtures/{name}", BODY)
            assert answer.status == 400
            assert "invalid name" in answer.detail or "two folders deep" in answer.detail
            assert (await control.patch("/v1/fixtures/mine", {"name": "../x"})).status == 400
            assert relative_paths(tmp_path) == before


async def test_an_unknown_fixture_returns_404(control: Control, subtests: pytest.Subtests) -> None:
    for method in ["GET", "PATCH", "DELETE"]:
        for name in ["nothing", "basics", "..%2Fx", "%00", "x" * 5_000, "%ff", "basics%2Fmessage.json"]:
            with subtests.test(method=method, name=name[:20]):
                answer = await control.call(
                    method, f"/v1/fixtures/{name}", {"name": "x"} if method == "PATCH" else None
                )
                assert answer.status == 404
                assert answer.detail.startswith("There is no fixture ")
                assert len(answer.body) < 500


# built-in fixtures


async def test_built_in_fixtures_cannot_be_deleted_or_renamed(control: Control) -> None:
    for answer in (
        await control.delete("/v1/fixtures/basics%2Fmessage"),
        await control.delete("/v1/fixtures/message"),
        await control.patch("/v1/fixtures/basics%2Fmessage", {"name": "mine"}),
    ):
        assert answer.status == 409
        assert answer.detail == "basics/message is built in and cannot be changed. Save a copy and edit the copy."
    assert "basics/message" in await names(control, own=False)
    assert await names(control) == []


async def test_a_user_fixture_hides_the_built_in_one_until_it_is_deleted(control: Control) -> None:
    await control.put("/v1/fixtures/basics%2Fmessage", {"frame": "mine"})
    assert (await control.get_json("/v1/fixtures/basics%2Fmessage"))["fixture"] == {"frame": "mine"}
    assert "basics/message" not in await names(control, own=False)
    assert (await control.delete("/v1/fixtures/basics%2Fmessage")).status == 204
    assert (await control.get_json("/v1/fixtures/basics%2Fmessage"))["fixture"]["event"] == "new_message"
    assert (await control.delete("/v1/fixtures/basics%2Fmessage")).status == 409


# rename and delete


async def test_a_renamed_fixture_has_only_its_new_name(control: Control, folder: Path) -> None:
    await control.put("/v1/fixtures/a%2Fmine", BODY)
    answer = await control.patch("/v1/fixtures/a%2Fmine", {"name": "b/other"})
    assert (answer.status, answer.json) == (200, {"name": "b/other", "own": True, "fixture": BODY})
    assert await names(control) == ["b/other"]
    assert relative_paths(folder) == ["b", "b/other.json"]
    assert (await control.get("/v1/fixtures/a%2Fmine")).status == 404


@pytest.mark.parametrize("new", ["mine", "Mine", " mine "])
async def test_renaming_to_its_own_name_keeps_it(control: Control, new: str) -> None:
    await control.put("/v1/fixtures/mine", BODY)
    answer = await control.patch("/v1/fixtures/mine", {"name": new})
    assert (answer.status, answer.json["name"]) == (200, new.strip())
    assert await names(control) == [new.strip()]
    assert (await control.get_json("/v1/fixtures/mine"))["fixture"] == BODY


@pytest.mark.parametrize("existing_name", ["other", "OTHER"])
async def test_renaming_to_an_existing_name_is_rejected(control: Control, existing_name: str) -> None:
    await control.put("/v1/fixtures/mine", BODY)
    await control.put("/v1/fixtures/other", {"frame": "other"})
    answer = await control.patch("/v1/fixtures/mine", {"name": existing_name})
    assert (answer.status, answer.detail) == (409, f"A fixture {existing_name!r} already exists.")
    assert (await control.get_json("/v1/fixtures/mine"))["fixture"] == BODY
    assert (await control.get_json("/v1/fixtures/other"))["fixture"] == {"frame": "other"}


async def test_a_fixture_can_be_deleted_once(control: Control, folder: Path) -> None:
    await control.put("/v1/fixtures/a%2Fmine", BODY)
    answer = await control.delete("/v1/fixtures/a%2Fmine")
    assert (answer.status, answer.body) == (204, b"")
    assert (await control.delete("/v1/fixtures/a%2Fmine")).status == 404
    assert relative_paths(folder) == []


# the disk


async def test_fixture_files_in_the_folder_are_listed_and_invalid_ones_reported(
    control: Control, folder: Path
) -> None:
    (folder / "by hand").mkdir(parents=True)
    (folder / "by hand" / "one.json").write_text('{"frame":"x"}', "utf-8")
    (folder / "broken.json").write_text("{", "utf-8")
    page = await control.get_json("/v1/fixtures")
    assert [each["name"] for each in page["fixtures"] if each["own"]] == ["by hand/one"]
    (warning,) = page["complaints"]
    assert "broken.json is not a valid fixture" in warning
    assert warning in (await control.get_json("/v1/status"))["complaints"]
    assert (await control.post("/v1/trigger", {"fixture": "one"})).status == 200


async def test_without_a_folder_nothing_can_be_saved(make_control: MakeControl) -> None:
    control = await make_control(fixtures="")
    assert (await control.get_json("/v1/fixtures"))["folder"] is None
    assert (await control.put("/v1/fixtures/mine", BODY)).status == 503
    assert (await control.get("/v1/fixtures/mine")).status == 404


async def test_a_fixture_folder_that_is_a_file_is_reported(control: Control, folder: Path) -> None:
    await asyncio.to_thread(folder.rmdir)
    await asyncio.to_thread(folder.touch)
    answer = await control.put("/v1/fixtures/mine", BODY)
    assert answer.status == 503
    assert "could not be written" in answer.detail
    assert (await control.get("/v1/fixtures/mine")).status == 404
    assert (await control.get("/v1/fixtures")).status == 200


async def test_a_manually_added_fixture_file_can_be_fired_immediately(control: Control, folder: Path) -> None:
    client = await control.connect()
    await asyncio.to_thread(
        (folder / "mine.json").write_text, '{"event":"friend_online","data":{"username":"bob"}}'
    )
    assert (await control.post("/v1/trigger", {"fixture": "mine"})).status == 200
    assert json.loads(await frame(client))["data"] == {"username": "bob"}


async def test_an_invalid_fixture_not_marked_malformed_is_listed_with_its_problems(
    control: Control, folder: Path
) -> None:
    text = '{"event":"friend_online","data":{"username":"{{persna}}","age":3}}'
    await asyncio.to_thread((folder / "mine.json").write_text, text)
    (listed,) = [each for each in (await control.get_json("/v1/fixtures"))["fixtures"] if each["own"]]
    assert listed["faults"] == ["{{persna}} is not a template", "data.age: unknown field; known fields: username"]
