"""The control API's token: from the environment, a file, or the system's keyring; else in memory only."""

import logging
import os
import secrets
import stat
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from app.system.files import read_text, reason, write_file

log = logging.getLogger(__name__)

VARIABLE = "COMPANION_TOKEN"
SERVICE = "p2p-chat-companion"
KEYRING_PATIENCE_S = 5.0
"""A locked keyring asks its user first; the companion does not wait for that."""
MIN_LENGTH = 16
MAX_BYTES = 4096


class TokenError(Exception):
    """A token that cannot be used; the text says why and what to do."""


class Token(NamedTuple):
    """The secret and where it is kept: ``environment``, ``file``, ``keyring`` or ``memory``."""

    value: str
    kept_in: str
    file: Path | None = None

    def __repr__(self) -> str:
        return f"Token(kept in {self.kept_in})"  # never the secret: a repr ends up in logs


def given(file: Path | None) -> Token | None:
    """Return the token that a person gave by file (made where it is missing) or variable. Raises ``TokenError``."""
    if file is not None:
        return Token(_from_file(file), "file", file.resolve())
    if value := os.environ.get(VARIABLE, ""):
        return Token(_checked(value, VARIABLE), "environment")
    return None


async def obtain(file: Path | None, folder: Path) -> Token:
    """Return the token for the companion that runs with ``folder``, made at the first start.

    Raises ``TokenError`` for one that was given and cannot be used.
    """
    if token := given(file):
        return token
    kept = await _in_thread(lambda: from_keyring(folder) or _into_keyring(folder, secrets.token_urlsafe(32)))
    return Token(kept, "keyring") if kept else Token(secrets.token_urlsafe(32), "memory")


def read(kept_in: str, file: Path | None, folder: Path) -> str | None:
    """Return a running companion's token from where it said that it is kept. Raises ``TokenError``."""
    if kept_in == "file" and file is not None:
        if not file.exists():
            raise TokenError(f"{file}, which held the running companion's token, is gone.")
        return _from_file(file)
    if kept_in == "keyring" and (kept := from_keyring(folder)):
        return kept
    token = given(None)
    return token.value if token else None


def from_keyring(folder: Path) -> str | None:
    """Return the token that the keyring keeps for ``folder``, or None."""
    try:
        import keyring  # asks the system what there is: not at every start of the program

        return keyring.get_password(SERVICE, str(folder))
    except Exception as error:  # a keyring's backends raise what they like
        log.info("no keyring: %s", type(error).__name__)
        return None


def _into_keyring(folder: Path, token: str) -> str | None:
    try:
        import keyring

        keyring.set_password(SERVICE, str(folder), token)
        return keyring.get_password(SERVICE, str(folder))
    except Exception as error:
        log.info("no keyring: %s", type(error).__name__)
        return None


def _from_file(file: Path) -> str:
    try:
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_file(file, secrets.token_urlsafe(32) + "\n")
        if sys.platform != "win32" and stat.S_IMODE(file.stat().st_mode) & 0o077:
            raise TokenError(f"{file} can be read by others: make it private with `chmod 600 {file}`.")
        return _checked(read_text(file, MAX_BYTES), str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise TokenError(f"The token file {file} cannot be used: {reason(error)}.") from None


def _checked(text: str, where: str) -> str:
    value = text.strip()
    if len(value) < MIN_LENGTH or not value.isascii() or not value.isprintable() or " " in value:
        raise TokenError(
            f"{where} holds no usable token: at least {MIN_LENGTH} letters, digits or signs, without spaces."
        )
    return value


async def _in_thread(work: Callable[[], str | None]) -> str | None:
    """Run ``work`` aside; None when it takes too long. The thread ends with the process at the latest."""
    import asyncio

    loop = asyncio.get_running_loop()
    done: asyncio.Future[str | None] = loop.create_future()

    def hand_over(result: str | None) -> None:
        if not done.done():
            done.set_result(result)

    def run() -> None:
        result = work()
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(hand_over, result)

    threading.Thread(target=run, name="keyring", daemon=True).start()
    try:
        async with asyncio.timeout(KEYRING_PATIENCE_S):
            return await done
    except TimeoutError:
        log.info("the keyring did not answer within %g s", KEYRING_PATIENCE_S)
        return None
