import asyncio
import logging
import os
import stat
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail, null

from app.system import secrets
from app.system.secrets import SERVICE, VARIABLE, Token, TokenError, from_keyring, given, obtain, read
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
def ring(monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryKeyring]:
    """No test here sees the developer's own keyring or variable."""
    monkeypatch.delenv(VARIABLE, raising=False)
    ring = MemoryKeyring()
    with using(ring):
        yield ring


def private(file: Path, content: str | bytes) -> Path:
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    file.chmod(0o600)
    return file


async def test_at_the_first_start_a_token_is_made_and_kept_in_the_keyring(
    ring: MemoryKeyring, tmp_path: Path
) -> None:
    token = await obtain(None, tmp_path)
    assert token.kept_in == "keyring"
    assert len(token.value) >= 32
    assert ring.kept == {(SERVICE, str(tmp_path)): token.value}
    assert await obtain(None, tmp_path) == token
    assert from_keyring(tmp_path) == token.value


async def test_each_folder_has_a_token_of_its_own(tmp_path: Path) -> None:
    assert (await obtain(None, tmp_path / "a")).value != (await obtain(None, tmp_path / "b")).value


async def test_the_variable_wins_over_the_keyring_which_is_not_even_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(VARIABLE, f" {SECRET}\n")
    with using(LockedKeyring()):
        assert await obtain(None, tmp_path) == Token(SECRET, "environment")
    assert read("keyring", None, tmp_path) == SECRET


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "")
    assert given(None) is None


async def test_a_file_wins_over_the_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(VARIABLE, SECRET * 2)
    file = private(tmp_path / "token", f"{SECRET}\n")
    assert await obtain(file, tmp_path) == Token(SECRET, "file", file.resolve())


async def test_a_file_that_is_not_there_is_made(tmp_path: Path, ring: MemoryKeyring) -> None:
    file = tmp_path / "new" / "token"
    token = await obtain(file, tmp_path)
    assert file.read_text() == f"{token.value}\n"
    assert (token.kept_in, token.file) == ("file", file.resolve())
    assert len(token.value) >= 32
    assert await obtain(file, tmp_path) == token
    assert ring.kept == {}


@posix
def test_the_file_that_is_made_and_its_folder_are_for_this_user_alone(tmp_path: Path) -> None:
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
def test_a_file_that_others_can_read_is_refused_with_the_way_to_mend_it(tmp_path: Path, mode: int) -> None:
    file = private(tmp_path / "token", SECRET)
    file.chmod(mode)
    with pytest.raises(TokenError) as caught:
        given(file)
    assert str(caught.value) == f"{file} can be read by others: make it private with `chmod 600 {file}`."
    file.chmod(0o600)
    assert given(file) == Token(SECRET, "file", file.resolve())


@posix
def test_a_file_that_only_its_owner_can_read_is_good(tmp_path: Path) -> None:
    file = private(tmp_path / "token", SECRET)
    file.chmod(0o400)
    assert given(file) is not None


BAD = ["", "\n", "x" * 15, "   x   \n", "0123456789 abcdef", "0123456789\tabcdef", "ü" * 20, "0123456789\nabcdef0"]


@pytest.mark.parametrize("content", BAD)
def test_a_file_without_a_usable_token_is_told(tmp_path: Path, content: str) -> None:
    file = private(tmp_path / "token", content)
    with pytest.raises(TokenError) as caught:
        given(file)
    said = f"{file} holds no usable token: at least 16 letters, digits or signs, without spaces."
    assert str(caught.value) == said
    assert file.read_bytes() == content.encode()


@pytest.mark.parametrize("value", [value for value in BAD if value])
def test_a_variable_without_a_usable_token_is_told(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(VARIABLE, value)
    with pytest.raises(TokenError, match=f"^{VARIABLE} holds no usable token"):
        given(None)


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    file = private(tmp_path / "token", b"\xff" * 40)
    with pytest.raises(TokenError, match=r"The token file .*token cannot be used: .*\."):
        given(file)


def test_a_file_that_can_be_neither_read_nor_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir(mode=0o700)
    (tmp_path / "file").write_text("in the way")
    for file in (tmp_path / "folder", tmp_path / "file" / "token", tmp_path / ("x" * 300)):
        with pytest.raises(TokenError, match=r"The token file .* cannot be used: .*\."):
            given(file)


@posix
def test_a_token_file_that_would_block_is_reported(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo", 0o600)
    private(tmp_path / "huge", "x" * 50_000)
    for name, wrong in (("fifo", "Not a regular file"), ("huge", "The file is over 4 KiB")):
        file = tmp_path / name
        for use in (lambda file=file: given(file), lambda file=file: read("file", file, tmp_path)):
            with pytest.raises(TokenError) as caught:
                use()
            assert str(caught.value) == f"The token file {file} cannot be used: {wrong}."


async def test_a_token_that_was_given_and_cannot_be_used_is_no_reason_to_make_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ring: MemoryKeyring
) -> None:
    monkeypatch.setenv(VARIABLE, "short")
    with pytest.raises(TokenError):
        await obtain(None, tmp_path)
    with pytest.raises(TokenError):
        read("keyring", None, tmp_path)
    assert ring.kept == {}


@pytest.mark.parametrize("kind", [LockedKeyring, ForgetfulKeyring, ReadOnlyKeyring, null.Keyring, fail.Keyring])
async def test_without_a_keyring_that_keeps_it_the_token_is_in_memory(
    tmp_path: Path, kind: type[KeyringBackend]
) -> None:
    with using(kind()):
        token, again = await obtain(None, tmp_path), await obtain(None, tmp_path)
        assert read("keyring", None, tmp_path) is None
    assert token.kept_in == "memory"
    assert len(token.value) >= 32
    assert token.value != again.value


async def test_a_keyring_that_does_not_answer_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(secrets, "KEYRING_PATIENCE_S", 0.05)
    ring = HangingKeyring()
    with using(ring):
        try:
            token = await asyncio.wait_for(obtain(None, tmp_path), 5)
        finally:
            ring.answer.set()
    assert ring.asked.is_set()
    assert token.kept_in == "memory"
    for _ in range(100):  # the late answer does no harm
        await asyncio.sleep(0.001)


def test_a_keyring_that_answers_after_the_loop_has_ended_does_no_harm(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(secrets, "KEYRING_PATIENCE_S", 0.02)
    ring = HangingKeyring()
    with using(ring):
        assert asyncio.run(obtain(None, tmp_path)).kept_in == "memory"
        threads = [each for each in threading.enumerate() if each.name == "keyring"]
        ring.answer.set()
        for each in threads:
            each.join(5)


async def test_giving_up_waiting_for_the_keyring_is_possible(tmp_path: Path) -> None:
    ring = HangingKeyring()
    with using(ring):
        try:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(obtain(None, tmp_path), 0.05)
        finally:
            ring.answer.set()


async def test_no_secret_is_in_a_repr_or_a_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    token = await obtain(None, tmp_path)
    with using(LockedKeyring()):
        memory = await obtain(None, tmp_path)
    assert (repr(token), str(memory), f"{token}") == (
        "Token(kept in keyring)", "Token(kept in memory)", "Token(kept in keyring)",
    )  # fmt: skip
    assert repr([token]) == "[Token(kept in keyring)]"
    for word in (token.value, memory.value, "the secret of all secrets"):
        assert word not in caplog.text
    monkeypatch.setenv(VARIABLE, "hunter2 and more of it")
    with pytest.raises(TokenError) as caught:
        given(None)
    assert "hunter2" not in str(caught.value)


async def test_a_running_companions_token_is_read_from_where_it_is_kept(tmp_path: Path) -> None:
    kept = await obtain(None, tmp_path)
    assert read("keyring", None, tmp_path) == kept.value
    assert read("keyring", None, tmp_path / "other") is None
    file = private(tmp_path / "token", SECRET)
    assert read("file", file, tmp_path) == SECRET
    for kept_in in ("memory", "environment", "nowhere"):
        assert read(kept_in, None, tmp_path) is None
    assert read("file", None, tmp_path) is None


def test_a_token_file_that_is_gone_is_told_and_not_made_anew(tmp_path: Path) -> None:
    file = tmp_path / "token"
    with pytest.raises(TokenError, match=r"which held the running companion's token, is gone\."):
        read("file", file, tmp_path)
    assert not file.exists()
