import asyncio
import logging
import os
import shutil
import stat
import sys
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail, null

from app.system import control_token
from app.system.control_token import (
    SERVICE,
    VARIABLE,
    Token,
    TokenError,
    change_in_thread,
    find,
    from_keyring,
    given,
    obtain,
    read,
)
from app.system.paths import Folders
from tests.conftest import PATIENCE_S, until
from tests.system.keyrings import (
    ForgetfulKeyring,
    HangingKeyring,
    LockedKeyring,
    MemoryKeyring,
    ReadOnlyKeyring,
    using,
)

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
SECRET = "0123456789abcdef"


@pytest.fixture(autouse=True)
def memory_keyring(monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryKeyring]:
    """Replace the developer's keyring, and remove the environment variable."""
    monkeypatch.delenv(VARIABLE, raising=False)
    memory_keyring = MemoryKeyring()
    with using(memory_keyring):
        yield memory_keyring


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    folders = Folders.of(tmp_path / "home")
    folders.create()
    return folders


def private(file: Path, content: str | bytes) -> Path:
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    file.chmod(0o600)
    return file


async def test_the_first_start_creates_a_token_in_the_keyring(
    memory_keyring: MemoryKeyring, tmp_path: Path
) -> None:
    token = await obtain(None, Folders.of(tmp_path))
    assert token.kept_in == "keyring"
    assert len(token.value) >= 32
    assert memory_keyring.passwords == {(SERVICE, str(tmp_path)): token.value}
    assert await obtain(None, Folders.of(tmp_path)) == token
    assert from_keyring(tmp_path) == token.value


async def test_each_folder_has_a_token_of_its_own(tmp_path: Path) -> None:
    tokens = [await obtain(None, Folders.of(tmp_path / name)) for name in ("a", "b")]
    assert tokens[0].value != tokens[1].value


async def test_the_variable_takes_precedence_and_the_keyring_is_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(VARIABLE, f" {SECRET}\n")
    with using(LockedKeyring()):
        assert await obtain(None, Folders.of(tmp_path)) == Token(SECRET, "environment")
    assert read("keyring", None, tmp_path) == Token(SECRET, "environment")


def test_an_empty_variable_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "")
    assert given(None) is None


async def test_a_token_file_takes_precedence_over_the_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(VARIABLE, SECRET * 2)
    file = private(tmp_path / "token", f"{SECRET}\n")
    assert await obtain(file, Folders.of(tmp_path)) == Token(SECRET, "file", file.resolve())


async def test_a_missing_token_file_is_created(tmp_path: Path, memory_keyring: MemoryKeyring) -> None:
    file = tmp_path / "new" / "token"
    token = await obtain(file, Folders.of(tmp_path))
    assert file.read_text() == f"{token.value}\n"
    assert (token.kept_in, token.file) == ("file", file.resolve())
    assert len(token.value) >= 32
    assert await obtain(file, Folders.of(tmp_path)) == token
    assert memory_keyring.passwords == {}


@posix
def test_a_new_token_file_and_its_folder_are_private(tmp_path: Path) -> None:
    file = tmp_path / "new" / "token"
    before = os.umask(0)
    try:
        given(file)
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


@posix
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o777, 0o610])
def test_a_token_file_that_others_can_read_is_rejected_with_a_remedy(tmp_path: Path, mode: int) -> None:
    file = private(tmp_path / "token", SECRET)
    file.chmod(mode)
    with pytest.raises(TokenError) as caught:
        given(file)
    assert str(caught.value) == f"Other users can read {file}. Make it private with `chmod 600 {file}`."
    file.chmod(0o600)
    assert given(file) == Token(SECRET, "file", file.resolve())


@posix
def test_a_token_file_that_only_its_owner_can_read_is_accepted(tmp_path: Path) -> None:
    file = private(tmp_path / "token", SECRET)
    file.chmod(0o400)
    assert given(file) is not None


BAD = ["", "\n", "x" * 15, "   x   \n", "0123456789 abcdef", "0123456789\tabcdef", "ü" * 20, "0123456789\nabcdef0"]


@pytest.mark.parametrize("content", BAD)
def test_a_file_with_an_invalid_token_is_rejected(tmp_path: Path, content: str) -> None:
    file = private(tmp_path / "token", content)
    with pytest.raises(TokenError) as caught:
        given(file)
    message = f"{file} contains no valid token. Use at least 16 letters, digits or symbols, without spaces."
    assert str(caught.value) == message
    assert file.read_bytes() == content.encode()


@pytest.mark.parametrize("value", [value for value in BAD if value])
def test_a_variable_with_an_invalid_token_is_rejected(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(VARIABLE, value)
    with pytest.raises(TokenError, match=f"^{VARIABLE} contains no valid token"):
        given(None)


def test_a_token_file_that_is_not_text_is_rejected(tmp_path: Path) -> None:
    file = private(tmp_path / "token", b"\xff" * 40)
    with pytest.raises(TokenError, match=r"The token file .*token cannot be used: .*\."):
        given(file)


def test_a_token_file_that_cannot_be_read_or_created_is_reported(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir(mode=0o700)
    (tmp_path / "file").write_text("a file")
    for file in (tmp_path / "folder", tmp_path / "file" / "token", tmp_path / ("x" * 300)):
        with pytest.raises(TokenError, match=r"The token file .* cannot be used: .*\."):
            given(file)


@posix
def test_a_token_file_that_would_block_is_reported(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo", 0o600)
    private(tmp_path / "huge", "x" * 50_000)
    for name, wrong in (("fifo", "Not a regular file"), ("huge", "The file is larger than 4 KiB")):
        file = tmp_path / name
        uses: list[Callable[[], object]] = [partial(given, file), partial(read, "file", file, tmp_path)]
        for use in uses:
            with pytest.raises(TokenError) as caught:
                use()
            assert str(caught.value) == f"The token file {file} cannot be used: {wrong}."


async def test_an_invalid_given_token_is_not_replaced_by_a_new_token(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, memory_keyring: MemoryKeyring
) -> None:
    monkeypatch.setenv(VARIABLE, "short")
    with pytest.raises(TokenError):
        await obtain(None, Folders.of(tmp_path))
    with pytest.raises(TokenError):
        read("keyring", None, tmp_path)
    assert memory_keyring.passwords == {}


NO_KEYRINGS = [LockedKeyring, ForgetfulKeyring, ReadOnlyKeyring, null.Keyring, fail.Keyring]


@pytest.mark.parametrize("kind", NO_KEYRINGS)
async def test_without_a_keyring_the_token_is_in_a_private_file_and_a_notice_is_shown_once(
    folders: Folders, kind: type[KeyringBackend]
) -> None:
    with using(kind()):
        assert find(None, folders) is None
        token, again = await obtain(None, folders), await obtain(None, folders)
        found = find(None, folders)
    assert (token.kept_in, token.file) == ("file", folders.token_file)
    assert len(token.value) >= 32
    assert folders.token_file.read_text() == f"{token.value}\n"
    if os.name == "posix":
        assert stat.S_IMODE(folders.token_file.stat().st_mode) == 0o600
        assert stat.S_IMODE(folders.data.stat().st_mode) == 0o700
    assert str(folders.token_file) in token.notice
    assert all(way in token.notice for way in (VARIABLE, "--token-file", "install a keyring"))
    assert token.value not in token.notice
    assert again == found == token._replace(notice="")


async def test_a_token_moves_to_a_keyring_that_appears_later_and_stays_valid(
    folders: Folders, memory_keyring: MemoryKeyring
) -> None:
    with using(LockedKeyring()):
        token = await obtain(None, folders)
    assert await obtain(None, folders) == Token(token.value, "keyring")
    assert memory_keyring.passwords == {(SERVICE, str(folders.runtime)): token.value}
    assert not folders.token_file.exists()


async def test_a_token_in_the_keyring_takes_precedence_over_the_stored_file(folders: Folders) -> None:
    token = await obtain(None, folders)
    with using(LockedKeyring()):
        assert (await obtain(None, folders)).kept_in == "file"
    assert await obtain(None, folders) == token
    assert not folders.token_file.exists()


async def test_a_given_token_does_not_change_the_stored_token_file(
    folders: Folders, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with using(LockedKeyring()):
        stored = await obtain(None, folders)
    monkeypatch.setenv(VARIABLE, SECRET)
    assert await obtain(None, folders) == find(None, folders) == Token(SECRET, "environment")
    assert (await obtain(tmp_path / "chosen", folders)).file == tmp_path / "chosen"
    monkeypatch.delenv(VARIABLE)
    with using(LockedKeyring()):
        assert (await obtain(None, folders)).value == stored.value


@posix
async def test_a_stored_token_that_others_can_read_is_not_used(
    folders: Folders, memory_keyring: MemoryKeyring
) -> None:
    with using(LockedKeyring()):
        leaked = await obtain(None, folders)
        folders.token_file.chmod(0o644)
        lookups: list[Callable[[], Awaitable[object]]] = [
            lambda: obtain(None, folders),
            lambda: asyncio.to_thread(find, None, folders),
        ]
        for lookup in lookups:
            with pytest.raises(TokenError, match="Other users can read"):
                await lookup()
    assert (await obtain(None, folders)).value != leaked.value, "the keyring stores a new token"


@posix
async def test_a_stored_token_is_never_read_from_a_fifo(folders: Folders) -> None:
    os.mkfifo(folders.token_file, 0o600)
    with using(LockedKeyring()), pytest.raises(TokenError, match="Not a regular file"):
        await obtain(None, folders)


async def test_a_token_that_cannot_be_stored_is_valid_for_this_run_only(folders: Folders) -> None:
    shutil.rmtree(folders.data)
    with using(LockedKeyring()):
        token, again = await obtain(None, folders), await obtain(None, folders)
    assert (token.kept_in, again.kept_in) == ("memory", "memory")
    assert token.value != again.value
    assert "for this run only" in token.notice
    assert read("memory", None, folders.runtime) is None


@pytest.mark.parametrize(
    ("token", "place"),
    [
        (Token(SECRET, "environment"), "the variable COMPANION_TOKEN"),
        (Token(SECRET, "file", Path("x")), "the file x"),
        (Token(SECRET, "keyring"), "the system's keyring, as p2p-chat-companion"),
        (Token(SECRET, "memory"), "memory, for this run only"),
    ],
)
def test_the_place_of_a_token_is_named(token: Token, place: str) -> None:
    assert token.place == place


async def test_a_keyring_that_does_not_answer_times_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(control_token, "KEYRING_TIMEOUT_S", 0.05)
    hanging_keyring = HangingKeyring()
    with using(hanging_keyring):
        try:
            token = await asyncio.wait_for(obtain(None, Folders.of(tmp_path)), PATIENCE_S)
        finally:
            hanging_keyring.unlocked.set()
    await until(hanging_keyring.requested.is_set)  # its thread may start late
    assert token.kept_in == "file"
    assert "unlock the keyring and restart" in token.notice
    for _ in range(100):  # the late answer has no effect
        await asyncio.sleep(0.001)


def test_a_keyring_that_answers_after_the_loop_is_closed_has_no_effect(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(control_token, "KEYRING_TIMEOUT_S", 0.02)
    hanging_keyring = HangingKeyring()
    with using(hanging_keyring):
        assert asyncio.run(obtain(None, Folders.of(tmp_path))).kept_in == "file"
        hanging_keyring.answer()


async def test_late_changes_of_the_keyring_do_not_undo_a_later_one(monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = HangingKeyring(change=True)
    with using(keyring):
        with monkeypatch.context() as patch:
            patch.setattr(control_token, "KEYRING_TIMEOUT_S", 0.02)
            assert await change_in_thread("account", "first") is None
        second = asyncio.create_task(change_in_thread("account", "second"))
        await asyncio.to_thread(keyring.answer)
        assert await second == "second"
    assert list(keyring.passwords.values()) == ["second"]


async def test_a_call_of_the_keyring_that_hangs_blocks_no_later_change(monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = HangingKeyring()
    with using(keyring):
        with monkeypatch.context() as patch:
            patch.setattr(control_token, "KEYRING_TIMEOUT_S", 0.02)
            assert await change_in_thread("account", "first") is None
        keyring.answer_later_calls()
        for account in ("other", "account"):
            assert await change_in_thread(account, "second") == "second"
        await asyncio.to_thread(keyring.answer)
    assert list(keyring.passwords.values()) == ["second", "second"]


async def test_a_change_of_the_keyring_that_was_cancelled_is_undone() -> None:
    keyring = HangingKeyring(change=True)
    with using(keyring):
        change = asyncio.create_task(change_in_thread("account", "new"))
        await until(keyring.requested.is_set)
        change.cancel()
        with pytest.raises(asyncio.CancelledError):
            await change
        await asyncio.to_thread(keyring.answer)
    assert keyring.passwords == {}


async def test_waiting_for_the_keyring_can_be_cancelled(tmp_path: Path) -> None:
    hanging_keyring = HangingKeyring()
    with using(hanging_keyring):
        try:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(obtain(None, Folders.of(tmp_path)), 0.05)
        finally:
            hanging_keyring.unlocked.set()


async def test_secrets_are_not_in_repr_logs_or_errors(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    token = await obtain(None, Folders.of(tmp_path))
    with using(LockedKeyring()):
        memory = await obtain(None, Folders.of(tmp_path))
    assert (repr(token), str(memory), f"{token}") == (
        "Token(kept in keyring)", "Token(kept in file)", "Token(kept in keyring)",
    )  # fmt: skip
    assert repr([token]) == "[Token(kept in keyring)]"
    for word in (token.value, memory.value, "the secret of all secrets"):
        assert word not in caplog.text
    monkeypatch.setenv(VARIABLE, "hunter2 and more of it")
    with pytest.raises(TokenError) as caught:
        given(None)
    assert "hunter2" not in str(caught.value)


async def test_the_token_of_a_running_companion_is_read_from_its_location(tmp_path: Path) -> None:
    token = await obtain(None, Folders.of(tmp_path))
    assert read("keyring", None, tmp_path) == token
    assert read("keyring", None, tmp_path / "other") is None
    file = private(tmp_path / "token", SECRET)
    assert read("file", file, tmp_path) == Token(SECRET, "file", file)
    for kept_in in ("memory", "environment", "nowhere"):
        assert read(kept_in, None, tmp_path) is None
    assert read("file", None, tmp_path) is None


def test_a_missing_token_file_is_reported_and_not_recreated(tmp_path: Path) -> None:
    file = tmp_path / "token"
    with pytest.raises(TokenError, match=r"of the running companion no longer exists\."):
        read("file", file, tmp_path)
    assert not file.exists()
