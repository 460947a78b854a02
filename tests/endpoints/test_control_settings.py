"""Settings, allowed origins, pins and start at login by the control API, as in *Settings*."""

import asyncio
import sys
from http import HTTPStatus
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from app.control_access import ControlAccess
from app.endpoints.control.settings_shapes import SettingsChange
from app.protocol.peers.keys import Identity
from app.system.agent_token import AgentToken
from app.system.control_token import TokenError
from app.system.data_directory import DataDirectory, Overrides
from app.system.paths import Folders
from app.system.settings import Settings
from app.system.settings_checks import InvalidSetting, InvalidSettings
from app.system.settings_file import SettingsFile
from app.system.updates import Release, UpdateError
from tests.conftest import until
from tests.endpoints.conftest import MakeControl
from tests.endpoints.control_api import Control
from tests.endpoints.login_item import LoginItem

ORIGIN = "http://localhost:5173"
UNKNOWN_HOME = [
    ({"sessions": "~no-such-user/x"}, "sessions", "the home folder of this user is unknown"),
][: sys.platform != "win32"]
"""Windows supposes that the home folders of all users are in one folder."""


def test_every_setting_can_be_changed() -> None:
    assert SettingsChange.__struct_fields__ == Settings.__struct_fields__


async def test_the_current_settings_are_returned(make_control: MakeControl) -> None:
    control = await make_control(username="zoe", log_get_requests=True)
    body = await control.get_json("/v1/settings")
    assert msgspec.convert(body["values"], Settings) == control.companion.settings
    assert (body["at_next_start"], body["warnings"]) == ([], [])


async def test_a_change_is_applied_and_reports_what_requires_a_restart(control: Control) -> None:
    answer = await control.patch("/v1/settings", {"username": " zoe ", "journal_rows": 500})
    assert answer.status == 200
    assert answer.json["values"]["username"] == "zoe"
    assert answer.json["at_next_start"] == ["journal_rows"]
    assert control.companion.local_user == "zoe"
    again = await control.patch("/v1/settings", {"journal_rows": 500})
    assert again.json["at_next_start"] == []


async def test_another_user_name_warns_if_there_are_peers(control: Control) -> None:
    """Regression: all peers refused messages under the new name, and nothing said why."""
    assert (await control.patch("/v1/settings", {"username": "zoe"})).json["warnings"] == []
    for name in ("ben", "dora", "cleo", "finn", "gone"):
        await control.companion.peers.add(name, Identity.generate().public)
    await control.companion.chat.remove_friend("gone")
    answer = await control.patch("/v1/settings", {"username": "zoe2"})
    assert answer.json["warnings"] == [
        "Your peers (ben, cleo, dora and 1 more) know you as zoe: messages between you are refused until they add "
        "you as zoe2."
    ]
    assert (await control.patch("/v1/settings", {"username": "zoe2"})).json["warnings"] == []


async def test_a_change_is_validated_as_in_the_window(
    control: Control, monkeypatch: pytest.MonkeyPatch, subtests: pytest.Subtests
) -> None:
    monkeypatch.setattr("app.system.updates.built_in_address", lambda: "")
    before = control.companion.settings
    for change, path, message in [
        ({"username": "alice"}, "username", "alice is a friend in this chat state. Choose another name"),
        ({"username": "a/b"}, "username", "must not contain control characters or a slash"),
        ({"rest": True, "rest_port": 9, "port": 9}, "rest_port", "9 is already the port of the event server"),
        ({"allowed_origins": ["localhost"]}, "allowed_origins", "is not an origin"),
        ({"check_updates": True}, "updates_url", "enter an address: this build has no default"),
        ({"updates_url": "ftp://x"}, "updates_url", "https://"),
        ({"fixtures": "ui/fixtures"}, "fixtures", "enter the full path: the companion may start in any folder"),
        ({"events_folder": "."}, "events_folder", "enter the full path"),
        *UNKNOWN_HOME,
    ]:
        with subtests.test(change=change, path=path):
            answer = await control.patch("/v1/settings", change)
            assert answer.status == 422
            (problem,) = answer.problem["problems"]
            assert problem["path"] == path
            assert message in problem["message"]
            assert message in answer.detail
            assert control.companion.settings == before


async def test_a_change_is_saved_without_the_values_of_the_command_line(control: Control, tmp_path: Path) -> None:
    companion = control.companion
    home = DataDirectory.open(tmp_path / "home")
    try:
        home.load(Overrides(port=companion.settings.port))
        companion.current_settings.write = home.save
        await control.patch("/v1/settings", {"presence_decays": False})
        file = home.folders.settings_file.read_text("utf-8")
    finally:
        home.lock.release()
    assert "presence_decays = false" in file
    assert "\nport" not in file


async def test_a_list_that_is_given_replaces_that_of_an_edited_file(control: Control, tmp_path: Path) -> None:
    """Regression: entries that were added to the file stayed, also if they were not given."""
    file = SettingsFile(tmp_path / "settings.toml")
    file.load()
    control.companion.current_settings.write = file.save
    await control.patch("/v1/settings", {"allowed_origins": [ORIGIN], "pinned": ["a", "b"]})
    edited = SettingsFile(file.path).load()
    edited.allowed_origins.append("http://localhost:1")
    SettingsFile(file.path).save(edited)
    await control.post("/v1/origins", {"origin": "http://localhost:2"})
    origins = SettingsFile(file.path).load().allowed_origins
    assert sorted(origins) == sorted([ORIGIN, "http://localhost:1", "http://localhost:2"]), "one was added"
    await control.patch("/v1/settings", {"allowed_origins": ["http://localhost:2"], "pinned": ["b", "a"]})
    saved = SettingsFile(file.path).load()
    assert (saved.allowed_origins, saved.pinned) == (["http://localhost:2"], ["b", "a"])


async def test_an_unwritable_settings_file_is_reported_and_changes_nothing(control: Control) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    control.companion.current_settings.write = fail
    before = control.companion.settings
    answer = await control.patch("/v1/settings", {"theme": "dark"})
    assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert answer.detail.startswith("The settings could not be saved: No space left on device")
    assert control.companion.settings == before


async def test_concurrent_changes_are_all_applied(control: Control) -> None:
    origins = [f"http://localhost:{port}" for port in range(2000, 2020)]
    await asyncio.gather(*(control.post("/v1/origins", {"origin": each}) for each in origins))
    assert set(origins) <= set(control.companion.settings.allowed_origins)


async def test_the_answer_is_sent_before_the_control_api_stops(control: Control) -> None:
    answer = await control.patch("/v1/settings", {"control": False})
    assert (answer.status, answer.json["values"]["control"]) == (200, False)
    await until(lambda: not control.companion.control.listening)


async def test_an_origin_is_allowed_and_disallowed_and_a_rejected_one_is_listed(control: Control) -> None:
    assert (await control.get("/v1/status", headers={"Origin": ORIGIN})).status == 403
    origins = await control.get_json("/v1/origins")
    assert ORIGIN in [each["origin"] for each in origins["refused"]]
    for _ in range(2):
        answer = await control.post("/v1/origins", {"origin": ORIGIN})
        assert answer.json["allowed"].count(ORIGIN) == 1
    assert (await control.get("/v1/status", headers={"Origin": ORIGIN})).status == 200
    answer = await control.delete("/v1/origins", query={"origin": ORIGIN})
    assert ORIGIN not in answer.json["allowed"]
    answer = await control.delete("/v1/origins", query={"origin": ORIGIN})
    assert (answer.status, answer.detail) == (404, f"{ORIGIN} is not an allowed origin.")


async def test_a_fixture_is_pinned_and_unpinned_and_a_pin_follows_a_rename(control: Control) -> None:
    await control.put("/v1/fixtures/mine%2Fx", {"frame": "x"})
    for _ in range(2):
        assert (await control.put("/v1/fixtures/mine%2Fx/pin")).status == 204
    assert control.companion.settings.pinned.count("mine/x") == 1
    await control.patch("/v1/fixtures/Mine%2FX", {"name": "mine/y"})
    assert [each.name for each in control.companion.fixtures.pinned][-1] == "mine/y"
    assert (await control.delete("/v1/fixtures/MINE%2Fy/pin")).status == 204
    assert (await control.delete("/v1/fixtures/mine%2Fy/pin")).status == 404
    await control.put("/v1/fixtures/y/pin")
    await control.companion.change_settings(lambda before: replace(before, pinned=["MINE/Y"]))
    await control.patch("/v1/fixtures/y", {"name": "mine/z"})
    assert control.companion.settings.pinned == ["mine/z"]
    assert (await control.delete("/v1/fixtures/z/pin")).status == 204
    assert control.companion.settings.pinned == []


@pytest.mark.parametrize("error", [OSError("No space"), InvalidSettings([InvalidSetting("settings.toml", "x")])])
async def test_a_fixture_whose_pin_cannot_be_saved_is_not_renamed(control: Control, error: Exception) -> None:
    """Regression: the answer was the error, but it was renamed, and its pin was lost."""
    await control.put("/v1/fixtures/mine%2Fx", {"frame": "x"})
    await control.put("/v1/fixtures/mine%2Fx/pin")

    def fail(*_: object) -> None:
        raise error

    control.companion.current_settings.write = fail
    answer = await control.patch("/v1/fixtures/mine%2Fx", {"name": "mine/y"})
    assert answer.status >= 400
    assert [each.name for each in control.companion.fixtures.all if each.own] == ["mine/x"]
    assert control.companion.fixtures.pinned[-1].name == "mine/x"


async def test_a_pin_that_several_fixtures_match_stands_for_none_of_them(control: Control) -> None:
    for name in ("a%2Fx", "b%2Fx"):
        await control.put(f"/v1/fixtures/{name}", {"frame": "x"})
    control.companion.settings.pinned = ["x"]
    assert (await control.delete("/v1/fixtures/a%2Fx/pin")).status == 404
    await control.patch("/v1/fixtures/a%2Fx", {"name": "a/z"})
    assert control.companion.settings.pinned == ["x"], "renaming it does not pin it"
    await control.patch("/v1/fixtures/a%2Fz", {"name": "a/x"})
    assert (await control.put("/v1/fixtures/a%2Fx/pin")).status == 204
    assert [each.name for each in control.companion.fixtures.pinned] == ["a/x"]
    listed = (await control.get_json("/v1/fixtures"))["fixtures"]
    assert [each["name"] for each in listed if each["pinned"]] == ["a/x"]
    await control.patch("/v1/fixtures/a%2Fx", {"name": "a/z"})
    assert control.companion.settings.pinned == ["x", "a/z"]
    assert (await control.delete("/v1/fixtures/a%2Fz/pin")).status == 204
    assert control.companion.settings.pinned == ["x"]


async def test_start_at_login_is_switched(control: Control, login_item: LoginItem) -> None:
    for on in (True, True, False, False):
        answer = await control.put("/v1/start-at-login", {"on": on})
        assert answer.json == {"on": on} == await control.get_json("/v1/start-at-login")
        assert login_item.exists() is on
    await control.put("/v1/start-at-login", {"on": True})
    control.companion.data_dir = Path("/x/y")
    assert await control.get_json("/v1/start-at-login") == {"on": False}, "it starts with other folders"
    for on in (True, False):
        assert (await control.put("/v1/start-at-login", {"on": on})).json == {"on": on}
    login_item.make_changes_fail()
    answer = await control.put("/v1/start-at-login", {"on": True})
    assert answer.status == 503
    assert answer.detail.startswith("Start at login could not be read or changed: ")


async def test_a_newer_version_is_reported(control: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = []

    async def look(address: str) -> Release | None:
        addresses.append(address)
        if "broken" in address:
            raise UpdateError("no response")
        return Release("9.9.9", "https://example.org/9.9.9") if "new" in address else None

    monkeypatch.setattr("app.endpoints.control.settings.look", look)
    monkeypatch.setattr("app.endpoints.control.settings.built_in_address", lambda: "")
    answer = await control.post("/v1/updates/check")
    assert (answer.status, answer.detail) == (409, "No address to check for updates is set. Set updates_url first.")
    for path, expected in (("new", "9.9.9"), ("old", None)):
        await control.patch("/v1/settings", {"updates_url": f"https://example.org/{path}"})
        answer = await control.post("/v1/updates/check")
        assert (answer.status, answer.json["newer"]) == (200, expected)
    await control.patch("/v1/settings", {"updates_url": "https://example.org/broken"})
    answer = await control.post("/v1/updates/check")
    assert (answer.status, answer.detail) == (502, "The check for updates failed: no response.")
    assert len(addresses) == 3


# the agent token's storage


async def test_the_agent_token_survives_a_restart_in_a_private_file(tmp_path: Path) -> None:
    folders = Folders.of(tmp_path)
    token = await AgentToken(folders).create()
    assert (token.kept_in, token.file) == ("file", folders.agent_token_file)
    if sys.platform != "win32":
        assert folders.agent_token_file.stat().st_mode & 0o777 == 0o600
    second = AgentToken(folders)
    await second.load()
    assert second.value == token.value
    assert await second.revoke()
    assert not folders.agent_token_file.exists()
    third = AgentToken(folders)
    await third.load()
    assert third.value == ""


async def test_the_agent_token_can_be_revoked_while_a_call_with_an_earlier_one_is_ending(tmp_path: Path) -> None:
    """Regression: the second token stayed in its file, and was valid again after the next start."""
    folders = Folders.of(tmp_path)
    agent = AgentToken(folders)
    begun, ending, may_end = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def call() -> None:
        async with agent.in_use():
            try:
                begun.set()
                await asyncio.Event().wait()
            finally:
                ending.set()
                await may_end.wait()

    await agent.create()
    calling = asyncio.create_task(call())
    await begun.wait()
    assert await agent.revoke()
    await ending.wait()
    await agent.create()
    assert await agent.revoke()
    assert not folders.agent_token_file.exists()
    may_end.set()
    with pytest.raises(TokenError, match="revoked"):
        await calling


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no file modes")
async def test_an_agent_token_file_that_others_can_read_is_replaced(tmp_path: Path) -> None:
    folders = Folders.of(tmp_path)
    folders.agent_token_file.write_text("a-token-that-others-can-read")
    folders.agent_token_file.chmod(0o644)
    agent = AgentToken(folders)
    await agent.load()
    assert agent.value == ""
    assert (await agent.create()).value != "a-token-that-others-can-read"
    assert folders.agent_token_file.stat().st_mode & 0o777 == 0o600


async def test_the_agent_token_is_loaded_when_the_control_api_starts(control: Control, tmp_path: Path) -> None:
    folders = Folders.of(tmp_path)
    token = await AgentToken(folders).create()
    access = ControlAccess(control.companion, folders, tmp_path / "main-token")
    await control.companion.control.stop()
    await access.open()
    answer = await control.get("/v1/status", headers={"Authorization": f"Bearer {token.value}"})
    access.close()
    assert answer.status == 200
