"""Where the API key of a Supabase project is kept: environment, keyring, private file, memory."""

import asyncio
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail

from app.system import control_token
from app.system.supabase_key import KEY_VARIABLE, URL_VARIABLE, SupabaseKey, SupabaseKeyError, project_url
from tests.conftest import until
from tests.system.keyrings import HangingKeyring, LockedKeyring, MemoryKeyring, using

KEY = "sb_publishable_0123456789"
posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")


@pytest.fixture(autouse=True)
def memory_keyring(monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryKeyring]:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    keyring = MemoryKeyring()
    with using(keyring):
        yield keyring


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "supabase-key"


def mode_of(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def set_mode(file: Path, mode: int) -> None:
    file.chmod(mode)


def remove(file: Path) -> None:
    file.unlink()


def content_of(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def block_deletion(file: Path) -> None:
    """Put a folder in place of the file."""
    file.unlink(missing_ok=True)
    file.mkdir()


async def test_the_keyring_is_preferred(memory_keyring: MemoryKeyring, file: Path) -> None:
    with using(fail.Keyring()):
        await SupabaseKey(file).store("older")
    assert await SupabaseKey(file).store(KEY) == "the system's keyring"
    assert list(memory_keyring.passwords.values()) == [KEY]
    assert "older" not in content_of(file)
    assert await SupabaseKey(file).load() == KEY
    await SupabaseKey(file).delete()
    assert (await SupabaseKey(file).load(), memory_keyring.passwords) == ("", {})
    assert list(file.parent.iterdir()) == []


@pytest.mark.parametrize("by", ["this version", "an earlier version"])
async def test_a_key_in_a_locked_keyring_is_not_reported_as_deleted(file: Path, by: str) -> None:
    """Regression: the deletion seemed to succeed, and the key was used again when the keyring was unlocked."""
    await SupabaseKey(file).store(KEY)
    if by == "an earlier version":
        remove(file)
    with using(LockedKeyring()), pytest.raises(SupabaseKeyError, match=r"cannot be used now.*Unlock") as caught:
        await SupabaseKey(file).delete()
    assert KEY not in str(caught.value)
    assert await SupabaseKey(file).load() == KEY
    await SupabaseKey(file).delete()
    assert await SupabaseKey(file).load() == ""


async def test_a_key_in_a_locked_keyring_is_not_missing_and_not_replaced(file: Path) -> None:
    """Regression: a new key was stored in the file. When it was deleted, the old one was used again."""
    await SupabaseKey(file).store(KEY)
    with using(LockedKeyring()):
        assert await SupabaseKey(file).place() == "the system's keyring"
        with pytest.raises(SupabaseKeyError, match=r"cannot be used now.*Unlock"):
            await SupabaseKey(file).load()
        with pytest.raises(SupabaseKeyError, match=r"cannot be used now.*Unlock"):
            await SupabaseKey(file).store("newer")
    assert await SupabaseKey(file).load() == KEY


@pytest.mark.parametrize("keyring", [LockedKeyring, fail.Keyring])
async def test_a_key_in_the_file_can_be_deleted_without_the_keyring(
    file: Path, keyring: type[KeyringBackend]
) -> None:
    with using(keyring()):
        await SupabaseKey(file).store(KEY)
        await SupabaseKey(file).delete()
    assert await SupabaseKey(file).load() == ""
    assert list(file.parent.iterdir()) == []


async def test_without_a_keyring_nothing_can_be_left_in_it(file: Path) -> None:
    with using(fail.Keyring()):
        await SupabaseKey(file).delete()


async def test_the_key_in_the_keyring_is_deleted_even_if_the_file_cannot_be(
    memory_keyring: MemoryKeyring, file: Path
) -> None:
    await SupabaseKey(file).store(KEY)
    block_deletion(file)
    with pytest.raises(SupabaseKeyError, match="cannot be deleted"):
        await SupabaseKey(file).delete()
    assert memory_keyring.passwords == {}


@posix
async def test_without_a_keyring_a_private_file_has_the_key(file: Path) -> None:
    with using(fail.Keyring()):
        assert await SupabaseKey(file).store(KEY) == f"the file {file}"
        assert mode_of(file) == 0o600
        assert await SupabaseKey(file).load() == KEY
        set_mode(file, 0o644)
        with pytest.raises(SupabaseKeyError, match="Other users can read"):
            await SupabaseKey(file).load()
        await SupabaseKey(file).delete()
        assert await SupabaseKey(file).load() == ""


async def test_a_locked_keyring_and_a_folder_that_cannot_be_written_are_reported(tmp_path: Path) -> None:
    with using(LockedKeyring()):
        with pytest.raises(SupabaseKeyError, match="cannot be written") as caught:
            await SupabaseKey(tmp_path / "missing" / "supabase-key").store(KEY)
        assert KEY not in str(caught.value)


async def test_a_late_deletion_does_not_delete_the_next_key(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Regression: the next key was reported as stored, and was gone."""
    keyring = HangingKeyring(change=True)
    keyring.unlocked.set()
    with using(keyring):
        await SupabaseKey(file).store(KEY)
        keyring.unlocked.clear()
        keyring.requested.clear()
        deletion = asyncio.create_task(SupabaseKey(file).delete())
        await until(keyring.requested.is_set)
        deletion.cancel()
        keyring.answer_later_calls()
        with monkeypatch.context() as patch:
            patch.setattr(control_token, "KEYRING_TIMEOUT_S", 0.02)
            with pytest.raises(SupabaseKeyError, match="cannot be used now"):
                await SupabaseKey(file).store("sb_publishable_next")
        await asyncio.to_thread(keyring.answer)
        assert await SupabaseKey(file).load() == KEY
        await SupabaseKey(file).store("sb_publishable_next")
        assert await SupabaseKey(file).load() == "sb_publishable_next"


async def test_the_environment_is_preferred_and_never_stored(
    monkeypatch: pytest.MonkeyPatch, memory_keyring: MemoryKeyring, file: Path
) -> None:
    await SupabaseKey(file).store(KEY)
    monkeypatch.setenv(KEY_VARIABLE, " sb_publishable_other\n")
    monkeypatch.setenv(URL_VARIABLE, "https://q.supabase.co")
    assert await SupabaseKey(file).load() == "sb_publishable_other"
    assert project_url("https://p.supabase.co") == "https://q.supabase.co"
    monkeypatch.delenv(URL_VARIABLE)
    assert project_url(" https://p.supabase.co ") == "https://p.supabase.co"
    assert list(memory_keyring.passwords.values()) == [KEY]


async def test_without_a_file_the_key_is_kept_in_memory() -> None:
    key = SupabaseKey(None)
    assert await key.store(KEY) == "memory, for this run only"
    assert await key.load() == KEY
    await key.delete()
    assert await key.load() == ""
