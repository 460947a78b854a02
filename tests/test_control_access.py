import asyncio
import os
import shutil
import stat
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from app.companion import Companion
from app.control_access import ControlAccess
from app.system import control_token, instance
from app.system.instance import Instance
from app.system.paths import Folders
from app.system.settings import Settings
from tests.cli.doubles import unused_port
from tests.conftest import until
from tests.system.keyrings import HangingKeyring, MemoryKeyring, using


@pytest.fixture(autouse=True)
def ring(monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryKeyring]:
    monkeypatch.delenv(control_token.VARIABLE, raising=False)
    ring = MemoryKeyring()
    with using(ring):
        yield ring


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


def found(folders: Folders) -> Instance | None:
    return instance.find(folders.instance_file)


async def status(url: str, token: str) -> int:
    """What the control API answers to somebody with that token."""
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession() as session, session.get(f"{url}/v1/status", headers=headers) as answer:
        return answer.status


async def test_after_open_the_instance_file_exists_and_only_a_valid_token_is_accepted(
    companion: Companion, folders: Folders, access: ControlAccess
) -> None:
    assert found(folders) is None
    assert await access.open()
    told = found(folders)
    assert told is not None
    assert (told.pid, told.control, told.events) == (os.getpid(), companion.control.url, companion.server.url)
    token = control_token.read(told.token_in, None, folders.runtime)
    assert token is not None
    assert access.token == token
    assert await status(told.control, token.value) == 200
    assert await status(told.control, token.value + "x") == 401
    assert await status(told.control, "") == 401


async def test_stopping_and_starting_the_event_server_updates_the_instance_file(
    companion: Companion, folders: Folders, access: ControlAccess
) -> None:
    await access.open()
    await companion.stop()
    told = found(folders)
    assert told is not None
    assert told.events == ""
    await companion.start()
    told = found(folders)
    assert told is not None
    assert told.events == companion.server.url


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
async def test_the_file_is_for_this_user_alone_and_holds_no_secret(folders: Folders, access: ControlAccess) -> None:
    await access.open()
    assert stat.S_IMODE(folders.instance_file.stat().st_mode) == 0o600
    assert access.token is not None
    assert access.token.value not in folders.instance_file.read_text()


async def test_the_instance_file_contains_the_path_of_a_token_file(
    companion: Companion, folders: Folders, tmp_path: Path
) -> None:
    access = ControlAccess(companion, folders, tmp_path / "token")
    assert await access.open()
    told = found(folders)
    assert told is not None
    assert (told.token_in, told.token_file) == ("file", str((tmp_path / "token").resolve()))
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
    told = found(folders)
    assert told is not None
    assert told.control == f"http://127.0.0.1:{port}"
    assert access.token is not None
    assert await status(told.control, access.token.value) == 200


async def test_disabling_and_enabling_the_control_api_updates_the_instance_file(
    companion: Companion, folders: Folders, access: ControlAccess
) -> None:
    await access.open()
    await companion.apply(Settings(port=0, control=False))
    told = found(folders)
    assert told is not None
    assert (told.control, told.token_in) == ("", "keyring")
    await companion.apply(Settings(port=0, control=True, control_port=unused_port()))
    told = found(folders)
    assert told is not None
    assert told.control == companion.control.url


async def test_a_control_api_disabled_at_startup_is_not_an_error(folders: Folders) -> None:
    companion = Companion(Settings(port=0, control=False))
    access = ControlAccess(companion, folders, None)
    assert await access.open()
    assert not companion.control.listening
    assert companion.services["control"].error == ""
    told = found(folders)
    assert told is not None
    assert told.control == ""
    access.close()
    await companion.close()


async def test_what_changes_nothing_does_not_write_the_file_again(
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
    told = found(folders)
    assert told is not None
    assert told.control == ""
    await companion.apply(Settings(port=0, control_port=unused_port()))
    told = found(folders)
    assert told is not None
    assert told.control == companion.control.url
    access.close()


async def test_an_invalid_token_is_reported_and_the_control_api_does_not_start(
    companion: Companion, folders: Folders, access: ControlAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(control_token.VARIABLE, "short")
    assert not await access.open()
    assert companion.services["control"].error.startswith(f"{control_token.VARIABLE} contains no valid token")
    assert access.token is None
    assert not companion.control.listening
    there = found(folders)  # scripts are told that it runs and answers none
    assert there is not None
    assert there.control == ""


async def test_switched_off_it_asks_no_keyring_and_is_found_and_switched_on_it_answers(
    companion: Companion, folders: Folders, access: ControlAccess
) -> None:
    off = Settings(port=0, control=False, control_port=0)
    await companion.apply(off)
    assert await access.open()
    assert access.token is None
    there = found(folders)
    assert there is not None
    assert (there.control, there.token_in) == ("", "")
    await companion.apply(Settings(port=0, control=True, control_port=0))
    await until(lambda: companion.control.listening)
    assert access.token
    await until(lambda: (now := found(folders)) is not None and now.control == companion.control.url)


async def test_without_a_token_a_new_port_opens_nothing_and_the_reason_stays(
    companion: Companion, folders: Folders, access: ControlAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(control_token.VARIABLE, "short")
    await access.open()
    await companion.apply(Settings(port=0, control_port=unused_port()))
    assert not companion.control.listening
    assert companion.services["control"].error.startswith(f"{control_token.VARIABLE} contains no valid token")


async def test_without_a_token_every_request_is_rejected(companion: Companion) -> None:
    await companion.control.start()
    for token in ("", " ", "None"):
        assert await status(companion.control.url, token) == 401


async def test_a_keyring_that_hangs_does_not_keep_it_from_closing(
    companion: Companion, folders: Folders, access: ControlAccess
) -> None:
    ring = HangingKeyring()
    with using(ring):
        try:
            opening = asyncio.create_task(access.open())
            await asyncio.sleep(0.02)
            opening.cancel()
            access.close()
            await asyncio.gather(opening, return_exceptions=True)
        finally:
            ring.answer.set()
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
    assert found(folders) is not None
