"""The user's keys: created once, kept in a keyring or a private file, and not replaced if that is locked."""

# ruff: noqa: ASYNC240 - small files
import asyncio
import json
import stat
import sys
from pathlib import Path

import pytest

from app.protocol.errors import Conflict, Invalid, StorageError
from app.storage.peer_identity import PeerIdentity
from app.system import control_token, peer_keys
from tests.conftest import until
from tests.protocol.peers.vector import ALICE
from tests.system.keyrings import ForgetfulKeyring, HangingKeyring, LockedKeyring, MemoryKeyring, using


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "peer-keys.json"


async def test_without_a_keyring_the_keys_are_in_a_private_file(file: Path) -> None:
    first = await PeerIdentity(file).obtain()
    again = PeerIdentity(file)
    assert (await again.obtain()).public == first.public
    assert again.node_id == first.node_id
    if sys.platform != "win32":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
async def test_a_file_that_others_can_read_is_not_used(file: Path) -> None:
    await PeerIdentity(file).obtain()
    file.chmod(0o644)
    with pytest.raises(StorageError, match="chmod 600"):
        await PeerIdentity(file).obtain()


async def test_with_a_keyring_the_file_only_says_so(file: Path) -> None:
    with using(MemoryKeyring()):
        first = await PeerIdentity(file).obtain()
        assert json.loads(file.read_text()) == {"kept_in": "keyring"}
        assert (await PeerIdentity(file).load()).public == first.public


async def test_new_keys_in_a_keyring_need_no_space_on_the_disk(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Regression: a write that failed was reported, but the next start used the new keys."""
    with using(MemoryKeyring()):
        identity = PeerIdentity(file)
        first = await identity.obtain()

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(peer_keys, "write_file", full)
        new = await identity.rotate()
        assert new.public != first.public
        assert (await PeerIdentity(file).load()).public == new.public


async def test_a_locked_keyring_is_an_error_and_makes_no_new_keys(file: Path) -> None:
    with using(MemoryKeyring()):
        await PeerIdentity(file).obtain()
    for keyring in (LockedKeyring(), ForgetfulKeyring()):
        with using(keyring), pytest.raises(StorageError, match="Unlock it") as caught:
            await PeerIdentity(file).obtain()
        assert "the secret of all secrets" not in str(caught.value)
    assert json.loads(file.read_text()) == {"kept_in": "keyring"}


async def test_new_keys_are_refused_while_the_old_ones_are_in_a_locked_keyring(file: Path) -> None:
    """Regression: the new keys were stored in the file. After these were deleted, the old ones came back."""
    memory = MemoryKeyring()
    identity = PeerIdentity(file)
    with using(memory):
        old = await identity.obtain()
    for keyring in (LockedKeyring(), ForgetfulKeyring()):
        with using(keyring), pytest.raises(StorageError, match="Unlock it"):
            await identity.rotate()
    assert identity.current == old
    with using(memory):
        await identity.rotate()
        await identity.erase()
        with pytest.raises(Conflict, match="no keys yet"):
            await PeerIdentity(file).load()


async def test_there_are_no_keys_before_they_are_needed(file: Path) -> None:
    with pytest.raises(Conflict, match="no keys yet"):
        await PeerIdentity(file).load()
    assert not file.exists()


async def test_export_and_import_in_both_formats(file: Path, tmp_path: Path) -> None:
    identity = PeerIdentity(file)
    first = await identity.obtain()
    for shape in ("flat", "nested"):
        backup = tmp_path / f"{shape}.json"
        await identity.export(backup, shape)
        restored = PeerIdentity(tmp_path / f"other-{shape}.json")
        assert (await restored.restore(backup, replace=False)).public == first.public
        assert restored.node_id == first.node_id
        with pytest.raises(Conflict, match="exists already"):
            await identity.export(backup, "flat")


async def test_import_does_not_replace_keys_by_accident(file: Path, tmp_path: Path) -> None:
    identity = PeerIdentity(file)
    first = await identity.obtain()
    backup = tmp_path / "backup.json"
    backup.write_text(ALICE.to_json())
    with pytest.raises(Conflict, match="already"):
        await identity.restore(backup, replace=False)
    assert (await PeerIdentity(file).load()).public == first.public
    assert (await identity.restore(backup, replace=True)).public == ALICE.public
    assert (await PeerIdentity(file).load()).public == ALICE.public


async def test_the_node_id_stays_if_the_imported_file_has_none(file: Path, tmp_path: Path) -> None:
    identity = PeerIdentity(file)
    first = await identity.obtain()
    backup = tmp_path / "backup.json"
    keys = json.loads(ALICE.to_json())
    del keys["node_id"]
    backup.write_text(json.dumps(keys))
    restored = await PeerIdentity(file).restore(backup, replace=True)
    assert (restored.public, restored.node_id) == (ALICE.public, first.node_id)


async def test_keys_that_are_damaged_can_be_replaced(file: Path, tmp_path: Path) -> None:
    await PeerIdentity(file).obtain()
    file.write_text("{")
    backup = tmp_path / "backup.json"
    backup.write_text(ALICE.to_json())
    with pytest.raises(StorageError, match="damaged"):
        await PeerIdentity(file).restore(backup, replace=False)
    assert (await PeerIdentity(file).restore(backup, replace=True)).public == ALICE.public


@pytest.mark.parametrize("change", [False, True], ids=["asked before", "asked at the change"])
async def test_a_keyring_that_answers_late_keeps_the_old_keys(
    file: Path, monkeypatch: pytest.MonkeyPatch, change: bool
) -> None:
    """Regression: it got keys that the program did not use, or lost its keys, although an error said otherwise."""
    keyring = HangingKeyring(change=change)
    keyring.unlocked.set()
    identity = PeerIdentity(file)
    with using(keyring):
        first = await identity.obtain()
        for attempt in (identity.rotate, identity.erase, identity.rotate):
            keyring.unlocked.clear()
            with monkeypatch.context() as patch:
                patch.setattr(control_token, "KEYRING_TIMEOUT_S", 0.02)
                with pytest.raises(StorageError, match="Unlock it"):
                    await attempt()
            await asyncio.to_thread(keyring.answer)
            assert (await PeerIdentity(file).obtain()).public == first.public
        second = await identity.rotate()
        assert (await PeerIdentity(file).obtain()).public == second.public != first.public


@pytest.mark.parametrize("content", ["", "{}", "[]", "\xff", '{"kept_in": "keyring"}'])
async def test_a_file_without_keys_is_refused(file: Path, tmp_path: Path, content: str) -> None:
    backup = tmp_path / "backup.json"
    backup.write_bytes(content.encode("latin-1"))
    with pytest.raises(Invalid, match=r"no usable keys|cannot be read"):
        await PeerIdentity(file).restore(backup, replace=False)
    with pytest.raises(Invalid, match="cannot be read"):
        await PeerIdentity(file).restore(tmp_path, replace=False)


async def test_damaged_keys_are_an_error_and_are_kept(file: Path) -> None:
    file.write_text("{")
    file.chmod(0o600)
    with pytest.raises(StorageError, match="damaged"):
        await PeerIdentity(file).obtain()
    assert file.read_text() == "{"
    assert await PeerIdentity(file).exist()
    assert not await PeerIdentity(file.with_name("other")).exist()


async def test_rotation_and_erasing(file: Path) -> None:
    identity = PeerIdentity(file)
    first = await identity.obtain()
    second = await identity.rotate()
    assert (first.node_id, first.public == second.public) == (second.node_id, False)
    assert (await PeerIdentity(file).load()).public == second.public
    await identity.erase()
    assert (identity.current, file.exists()) == (None, False)
    assert (await identity.obtain()).node_id != first.node_id


async def test_keys_that_are_deleted_while_they_are_replaced_do_not_come_back(file: Path) -> None:
    identity = PeerIdentity(file)
    await identity.obtain()
    async with identity._lock:
        both = [asyncio.create_task(identity.rotate()), asyncio.create_task(identity.erase())]
        await until(lambda: len(identity._lock._waiters or ()) == len(both))
    await asyncio.gather(*both)
    assert (identity.current, file.exists()) == (None, False)


async def test_without_a_file_the_keys_are_in_memory() -> None:
    identity = PeerIdentity(None)
    assert (await identity.obtain()).public == (await identity.load()).public
