import asyncio
import os
import shutil
import stat
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import aiohttp
import pytest
from keyring.backends import fail

from app.cli.control import read_token
from app.companion import Companion
from app.control_access import ControlAccess
from app.system import control_token, instance
from app.system.agent_token import AgentToken
from app.system.control_token import TokenError
from app.system.instance import Instance
from app.system.paths import Folders
from app.system.settings import Settings
from tests.cli.doubles import unused_port
from tests.conftest import PATIENCE_S, make_link, until
from tests.system.keyrings import HangingKeyring, LockedKeyring, MemoryKeyring, using


@pytest.fixture(autouse=True)
def keyring(monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryKeyring]:
    monkeypatch.delenv(control_token.VARIABLE, raising=False)
    keyring = MemoryKeyring()
    with using(keyring):
        yield keyring


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    folders = Folders.of(tmp_path / "home")
    folders.create()
    return folders


@pytest.fixture
async def companion() -> AsyncIterator[Companion]:
    companion = Companion(Settings(port=0, control_port=0))
    assert await companion.start(), companion.services["events"].error
    yield companion
    await companion.close()


@pytest.fixture
def access(companion: Companion, folders: Folders) -> Iterator[ControlAccess]:
    access = ControlAccess(companion, folders, None)
    yield access
    access.close()


def read_instance(folders: Folders) -> Instance | None:
    return instance.find(folders.instance_file)


async def status_code(url: str, token: str) -> int:
    """Return the HTTP status of a request with this token."""
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession() as session, session.get(f"{url}/v1/status", headers=headers) as answer:
        return answer.status


async def test_after_open_the_instance_file_exists_and_only_a_valid_token_is_accepted(
    companion: Companion, folders: Folders, access: ControlAccess
) -> None:
    assert read_instance(folders) is None
    assert await access.open()
    running = read_instance(folders)
    assert running is not None
    assert (running.pid, running.control, running.events) == (
        os.getpid(),
        companion.control.url,
        companion.server.url,
    )
    token = control_token.read(running.token_in, None, folders.runtime)
    assert token is not None
    assert access.token == token
    assert await status_code(running.control, token.value) == 200
    assert await status_code(running.control, token.value + "x") == 401
    assert await status_code(running.control, "") == 401


async def test_stopping_and_starting_the_event_server_updates_the_instance_file(
    companion: Companion, folders: Folders, access: ControlAccess
) -> None:
    await access.open()
    await companion.stop()
    running = read_instance(folders)
    assert running is not None
    assert running.events == ""
    await companion.start()
    running = read_instance(folders)
    assert running is not None
    assert running.events == companion.server.url


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no file modes")
async def test_the_instance_file_is_private_and_contains_no_token(folders: Folders, access: ControlAccess) -> None:
    await access.open()
    assert stat.S_IMODE(folders.instance_file.stat().st_mode) == 0o600
    assert access.token is not None
    assert access.token.value not in folders.instance_file.read_text()


async def test_the_instance_file_contains_the_path_of_a_token_file(
    companion: Companion, folders: Folders, tmp_path: Path
) -> None:
    access = ControlAccess(companion, folders, tmp_path / "token")
    assert await access.open()
    running = read_instance(folders)
    assert running is not None
    assert (running.token_in, running.token_file) == ("file", str((tmp_path / "token").resolve()))
    access.close()


async def test_close_removes_the_instance_file_and_later_server_changes_do_not_restore_it(
    companion: Companion, folders: Folders, access: ControlAccess
) -> None:
    await access.open()
    access.close()
    assert not folders.instance_file.exists()
    await companion.apply(Settings(port=0, control_port=unused_port()))
    await companion.close()
    access.close()
    assert not folders.instance_file.exists()


async def test_a_new_control_port_updates_the_instance_file(
    companion: Companion, folders: Folders, access: ControlAccess
) -> None:
    await access.open()
    port = unused_port()
    await companion.apply(Settings(port=0, control_port=port))
    running = read_instance(folders)
    assert running is not None
    assert running.control == f"http://127.0.0.1:{port}"
    assert access.token is not None
    assert await status_code(running.control, access.token.value) == 200


async def test_disabling_and_enabling_the_control_api_updates_the_instance_file(
    companion: Companion, folders: Folders, access: ControlAccess
) -> None:
    await access.open()
    await companion.apply(Settings(port=0, control=False))
    running = read_instance(folders)
    assert running is not None
    assert (running.control, running.token_in) == ("", "keyring")
    await companion.apply(Settings(port=0, control=True, control_port=unused_port()))
    running = read_instance(folders)
    assert running is not None
    assert running.control == companion.control.url


async def test_a_control_api_disabled_at_startup_is_not_an_error(folders: Folders) -> None:
    companion = Companion(Settings(port=0, control=False))
    access = ControlAccess(companion, folders, None)
    assert await access.open()
    assert not companion.control.listening
    assert companion.services["control"].error == ""
    running = read_instance(folders)
    assert running is not None
    assert running.control == ""
    access.close()
    await companion.close()


async def test_the_instance_file_is_not_rewritten_without_changes(
    companion: Companion, folders: Folders, access: ControlAccess
) -> None:
    await access.open()
    folders.instance_file.unlink()
    companion.pause()
    companion.pause(False)
    assert not folders.instance_file.exists()


async def test_a_busy_control_port_is_reported_and_the_instance_file_is_still_written(
    companion: Companion, folders: Folders
) -> None:
    await companion.apply(Settings(port=0, control_port=companion.server.port))
    access = ControlAccess(companion, folders, None)
    assert not await access.open()
    assert companion.services["control"].error.startswith(f"Port {companion.server.port} is busy")
    running = read_instance(folders)
    assert running is not None
    assert running.control == ""
    await companion.apply(Settings(port=0, control_port=unused_port()))
    running = read_instance(folders)
    assert running is not None
    assert running.control == companion.control.url
    access.close()


async def test_an_invalid_token_is_reported_and_the_control_api_does_not_start(
    companion: Companion, folders: Folders, access: ControlAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(control_token.VARIABLE, "short")
    assert not await access.open()
    assert companion.services["control"].error.startswith(f"{control_token.VARIABLE} contains no valid token")
    assert access.token is None
    assert not companion.control.listening
    running = read_instance(folders)  # scripts learn that the companion runs without a control API
    assert running is not None
    assert running.control == ""


async def test_a_disabled_control_api_reads_no_keyring_and_can_be_enabled_later(
    companion: Companion, folders: Folders, access: ControlAccess
) -> None:
    off = Settings(port=0, control=False, control_port=0)
    await companion.apply(off)
    assert await access.open()
    assert access.token is None
    running = read_instance(folders)
    assert running is not None
    assert (running.control, running.token_in) == ("", "")
    await companion.apply(Settings(port=0, control=True, control_port=0))
    await until(lambda: companion.control.listening)
    assert access.token
    await until(
        lambda: (changed := read_instance(folders)) is not None and changed.control == companion.control.url
    )


async def test_without_a_token_a_new_port_is_not_opened_and_the_error_stays(
    companion: Companion, folders: Folders, access: ControlAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(control_token.VARIABLE, "short")
    await access.open()
    await companion.apply(Settings(port=0, control_port=unused_port()))
    assert not companion.control.listening
    assert companion.services["control"].error.startswith(f"{control_token.VARIABLE} contains no valid token")


async def test_a_token_error_ends_when_the_api_is_switched_off_and_is_reported_when_it_is_switched_on(
    companion: Companion, folders: Folders, access: ControlAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, on = companion.services["control"], companion.settings
    failed: list[str] = []
    companion.services.failed.connect(lambda each: failed.append(each.error))
    monkeypatch.setenv(control_token.VARIABLE, "short")
    assert not await access.open()
    assert len(failed) == 1
    await companion.apply(Settings(port=0, control=False, control_port=0))
    assert service.error == ""
    assert len(failed) == 1
    await companion.apply(on)
    await until(lambda: len(failed) == 2)
    assert service.error
    await companion.apply(Settings(port=0, control=False, control_port=0))
    monkeypatch.delenv(control_token.VARIABLE)
    await companion.apply(on)
    await until(lambda: companion.control.listening)
    assert read_instance(folders) is not None


async def test_commands_with_another_spelling_of_the_data_folder_find_the_token(
    companion: Companion, folders: Folders, access: ControlAccess, tmp_path: Path, keyring: MemoryKeyring
) -> None:
    """Regression: on macOS, ``--data-dir`` in another case had no access. The account is a path."""
    assert await access.open()
    make_link(tmp_path / "HOME", folders.data)  # macOS finds the folder without a link
    root = tmp_path / "HOME"
    other = Folders(root, root, root / "logs", root)
    running = read_instance(other)
    assert running is not None
    assert running.token_in == "keyring"
    assert read_token(running, other).value in keyring.passwords.values()


async def test_without_a_token_every_request_is_rejected(companion: Companion) -> None:
    await companion.control.start()
    for token in ("", " ", "None"):
        assert await status_code(companion.control.url, token) == 401


async def test_a_hanging_keyring_does_not_prevent_closing(
    companion: Companion, folders: Folders, access: ControlAccess
) -> None:
    keyring = HangingKeyring()
    with using(keyring):
        try:
            opening = asyncio.create_task(access.open())
            await asyncio.sleep(0.02)
            opening.cancel()
            access.close()
            await asyncio.gather(opening, return_exceptions=True)
        finally:
            keyring.unlocked.set()
    assert opening.cancelled()
    assert not companion.control.listening
    assert not folders.instance_file.exists()


@pytest.mark.parametrize("expected_warnings", [["the instance file cannot be written, so "]])
async def test_a_failed_write_of_the_instance_file_is_retried(
    companion: Companion, folders: Folders, access: ControlAccess
) -> None:
    shutil.rmtree(folders.runtime)
    assert await access.open()
    assert companion.control.listening
    folders.create()
    companion.pause()
    assert read_instance(folders) is not None


@pytest.mark.parametrize("expected_warnings", [["the instance file cannot be written, so "]])
async def test_the_instance_file_is_written_as_soon_as_possible_after_that_failed(
    folders: Folders, access: ControlAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: after a full disk, it was only written when something in the companion changed."""
    monkeypatch.setattr("app.control_access.RETRY_S", 0.01)
    shutil.rmtree(folders.runtime)
    assert await access.open()
    folders.create()
    await until(lambda: read_instance(folders) is not None)
    access.close()
    assert read_instance(folders) is None


# the agent token


async def test_an_agent_token_that_is_requested_while_the_keyring_is_read_is_the_stored_one(
    folders: Folders,
) -> None:
    slow = HangingKeyring()
    slow.passwords[control_token.SERVICE, f"{folders.runtime} (agent)"] = "the-stored-agent-token"
    with using(slow):
        agent = AgentToken(folders, in_keyring=True)
        loading = asyncio.create_task(agent.load())
        await until(slow.requested.is_set)
        creating = asyncio.create_task(agent.create())
        await asyncio.sleep(0)
        slow.unlocked.set()
        await loading
        assert (await creating).value == agent.value == "the-stored-agent-token"


async def test_a_revoked_agent_token_is_deleted_from_the_keyring_even_if_the_file_cannot_be(
    keyring: MemoryKeyring, folders: Folders
) -> None:
    agent = AgentToken(folders, in_keyring=True)
    await agent.create()
    folders.agent_token_file.unlink()
    folders.agent_token_file.mkdir()
    with pytest.raises(TokenError, match="cannot be deleted"):
        await agent.revoke()
    assert keyring.passwords == {}


async def test_a_revoked_agent_token_is_deleted_when_the_keyring_is_unlocked_later(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring = HangingKeyring()
    keyring.unlocked.set()
    with using(keyring):
        agent = AgentToken(folders, in_keyring=True)
        await agent.create()
        keyring.unlocked.clear()
        with monkeypatch.context() as patch:
            patch.setattr(control_token, "KEYRING_TIMEOUT_S", 0.02)
            with pytest.raises(TokenError, match="Unlock it and try again"):
                await agent.revoke()
        await asyncio.to_thread(keyring.answer)
    assert keyring.passwords == {}


async def test_a_late_deletion_of_an_agent_token_is_made_if_the_next_one_was_given_up(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring = HangingKeyring()
    keyring.unlocked.set()
    with using(keyring):
        agent = AgentToken(folders, in_keyring=True)
        await agent.create()
        keyring.unlocked.clear()
        with monkeypatch.context() as patch:
            patch.setattr(control_token, "KEYRING_TIMEOUT_S", 0.02)
            for change in (agent.revoke, agent.create):
                with pytest.raises(TokenError, match="Unlock it and try again"):
                    await change()
        await asyncio.to_thread(keyring.answer)
        later = AgentToken(folders, in_keyring=True)
        await later.load()
    assert later.value == "", "a revoked token does not come back"


async def test_a_late_deletion_of_an_agent_token_does_not_delete_the_next_one(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: the next token was reported as stored, and was missing after the next start."""
    keyring = HangingKeyring(change=True)
    keyring.unlocked.set()
    with using(keyring):
        agent = AgentToken(folders, in_keyring=True)
        await agent.create()
        keyring.unlocked.clear()
        keyring.requested.clear()
        revocation = asyncio.create_task(agent.revoke())
        await until(keyring.requested.is_set)
        revocation.cancel()
        keyring.answer_later_calls()
        with monkeypatch.context() as patch:
            patch.setattr(control_token, "KEYRING_TIMEOUT_S", 0.02)
            with pytest.raises(TokenError, match="Unlock it and try again"):
                await agent.create()
        await asyncio.to_thread(keyring.answer)
        assert keyring.passwords == {}, "a revoked token does not come back"
        token = await agent.create()
        later = AgentToken(folders, in_keyring=True)
        await later.load()
        assert later.value == token.value


@pytest.mark.parametrize("by", ["this version", "an earlier version"])
async def test_an_agent_token_in_the_keyring_is_revoked_wherever_the_main_token_is(
    keyring: MemoryKeyring, folders: Folders, by: str
) -> None:
    """Regression: with COMPANION_TOKEN, the keyring was ignored, and its token was valid again later."""
    await AgentToken(folders, in_keyring=True).create()
    if by == "an earlier version":
        folders.agent_token_file.unlink()
    agent = AgentToken(folders, in_keyring=False)
    await agent.load()
    assert await agent.revoke()
    assert (keyring.passwords, folders.agent_token_file.exists()) == ({}, False)
    assert not await agent.revoke()


@pytest.mark.parametrize("by", ["this version", "an earlier version"])
@pytest.mark.parametrize("in_keyring", [True, False])
async def test_an_agent_token_in_a_locked_keyring_is_not_reported_as_revoked(
    folders: Folders, by: str, in_keyring: bool
) -> None:
    """Regression: the answer was that there is no agent token, and it was valid again later."""
    token = await AgentToken(folders, in_keyring=True).create()
    if by == "an earlier version":
        folders.agent_token_file.unlink()
    with using(LockedKeyring()):
        agent = AgentToken(folders, in_keyring=in_keyring)
        await agent.load()
        with pytest.raises(
            TokenError, match=r"could not be removed from the system's keyring.*Unlock it"
        ) as caught:
            await agent.revoke()
        assert token.value not in str(caught.value)
    assert await agent.revoke()
    later = AgentToken(folders, in_keyring=True)
    await later.load()
    assert later.value == ""


async def test_an_agent_token_in_a_locked_keyring_is_not_replaced(folders: Folders) -> None:
    """The new token would be in the file. When it is revoked, the old one would be valid again."""
    old = await AgentToken(folders, in_keyring=True).create()
    with using(LockedKeyring()), pytest.raises(TokenError, match="Unlock it"):
        await AgentToken(folders).create()
    new = await AgentToken(folders).create()
    assert (new.kept_in, new.value == old.value) == ("keyring", False)


async def test_without_a_keyring_a_missing_agent_token_is_revoked_without_an_error(folders: Folders) -> None:
    with using(fail.Keyring()):
        assert not await AgentToken(folders).revoke()
        agent = AgentToken(folders)
        assert (await agent.create()).kept_in == "file"
        assert await agent.revoke()


@pytest.mark.parametrize("in_keyring", [True, False])
async def test_a_token_is_revoked_although_no_thread_is_free(folders: Folders, in_keyring: bool) -> None:
    """Regression: revoking waited for a free thread before it deleted the file; the token became valid again."""
    agent, ended = AgentToken(folders, in_keyring=in_keyring), threading.Event()
    await agent.create()
    with ThreadPoolExecutor(1) as only:
        asyncio.get_running_loop().set_default_executor(only)
        only.submit(ended.wait)
        try:
            assert await asyncio.wait_for(agent.revoke(), PATIENCE_S)
        finally:
            ended.set()
    assert not folders.agent_token_file.exists()


async def test_the_file_of_a_revoked_token_is_deleted_at_once(folders: Folders) -> None:
    """If the process ended before the keyring answers, the token would be valid again after the next start."""
    agent = AgentToken(folders)
    await agent.create()
    with using(hanging := HangingKeyring()):
        revoking = asyncio.create_task(agent.revoke())
        await asyncio.sleep(0)
        assert not folders.agent_token_file.exists()
        revoking.cancel()
        hanging.unlocked.set()
