"""Create, store and find the token of the control API. Also store, read and delete other secrets in the keyring.
The companion uses, in this order: the file of ``--token-file``, the environment variable ``COMPANION_TOKEN``, the
system's keyring, a private file in the data folder, or memory if that file cannot be written. Commands read the
token of a running companion from the place that its instance file names, or else from the variable (``read``).

The other secrets are those of ``agent_token``, ``peer_keys`` and ``supabase_key``.
"""

import logging
import os
import stat
import sys
import threading
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import NamedTuple, TypeVar

from typing_extensions import override

from app.system.files import kind, read_text, reason, write_file
from app.system.paths import Folders

log = logging.getLogger(__name__)
T = TypeVar("T")

VARIABLE = "COMPANION_TOKEN"
SERVICE = "p2p-chat-companion"
KEYRING_TIMEOUT_S = 5.0
"""Timeout in seconds. A locked keyring asks the user for a password, which the companion does not wait for."""
_changing = defaultdict[str, threading.Lock](threading.Lock)
"""Locks by account, held during a change in the keyring, so that a late one ends before the next one begins."""
_numbers = count(1)
"""The numbers of the changes in the keyring, in the order of the requests."""
_newest_made = defaultdict[str, int](int)
"""The numbers of the newest changes that were made in the keyring, by account."""
MIN_LENGTH = 16
MAX_BYTES = 4096


class TokenError(Exception):
    """A token that cannot be used; the text says why and what to do."""


class Token(NamedTuple):
    """The secret and where it is kept: ``environment``, ``file``, ``keyring`` or ``memory``."""

    value: str
    kept_in: str
    file: Path | None = None
    notice: str = ""
    """Message to show once, because the token has just been stored outside of a keyring."""

    @property
    def place(self) -> str:
        """Where the token is stored, as a phrase for messages."""
        match self.kept_in:
            case "file":
                return f"the file {self.file}"
            case "keyring":
                return f"the system's keyring, as {SERVICE}"
            case "environment":
                return f"the variable {VARIABLE}"
        return "memory, for this run only"

    @override
    def __repr__(self) -> str:
        return f"Token(kept in {self.kept_in})"  # never the secret: a repr ends up in logs


def _new() -> str:
    import secrets  # loads OpenSSL, which is not needed before the window appears

    return secrets.token_urlsafe(32)


def given(file: Path | None) -> Token | None:
    """Return the token of ``--token-file`` (created if it is missing) or of the variable. Raise ``TokenError``."""
    if file is not None:
        return Token(from_file(file), "file", file.resolve())
    if value := os.environ.get(VARIABLE, ""):
        return Token(checked(value, VARIABLE), "environment")
    return None


async def obtain(file: Path | None, folders: Folders) -> Token:
    """Return the token for the companion that uses ``folders``. Create it at the first start.

    If a keyring becomes available later, the token moves from the data folder to the keyring and stays valid. If
    the keyring already contains a token, that one is used and the file is removed.

    Raise ``TokenError`` if a given token, or the only one in the data folder, cannot be used.
    """
    if token := given(file):
        return token
    unusable = None
    try:
        stored = _stored_in(folders)
    except TokenError as error:
        stored, unusable = None, error
    fresh = stored or _new()
    kept = await in_thread(lambda: from_keyring(folders.runtime) or store_in_keyring(folders.runtime, fresh) or "")
    if kept:
        with suppress(OSError):
            folders.token_file.unlink(missing_ok=True)
        return Token(kept, "keyring")
    if unusable:
        raise unusable
    return (
        Token(stored, "file", folders.token_file)
        if stored
        else _store(fresh, folders.token_file, locked=kept is None)
    )


def _stored_in(folders: Folders) -> str | None:
    return from_file(folders.token_file) if os.path.lexists(folders.token_file) else None


def _store(token: str, file: Path, *, locked: bool) -> Token:
    """Store a new token in a file. ``locked``: the keyring did not answer, so it may contain another token."""
    no_keyring, remedy = "No keyring is available", "install a keyring"
    if locked:
        no_keyring, remedy = "The keyring did not answer (it may be locked)", "unlock the keyring and restart"
    try:
        write_file(file, token + "\n")
    except OSError as error:
        log.info("the token cannot be stored: %s", kind(error))
        return Token(
            token,
            "memory",
            notice=f"{no_keyring}, and {file} cannot be written ({reason(error)}), so the control API's token is "
            f"for this run only. Set {VARIABLE}, or start with --token-file FILE.",
        )
    return Token(
        token,
        "file",
        file,
        f"{no_keyring}, so the control API's token is stored in {file}, which only you can read. "
        f"To keep it elsewhere, set {VARIABLE}, start with --token-file FILE, or {remedy}.",
    )


def find(file: Path | None, folders: Folders) -> Token | None:
    """Return the token that a companion with ``folders`` would use, or None if none was created yet.

    Raise ``TokenError`` like ``obtain``.
    """
    if token := given(file):
        return token
    if kept := from_keyring(folders.runtime):
        return Token(kept, "keyring")
    stored = _stored_in(folders)
    return Token(stored, "file", folders.token_file) if stored else None


def read(kept_in: str, file: Path | None, folder: Path) -> Token | None:
    """Return the token of a running companion, from the place in its instance file. Raise ``TokenError``."""
    if kept_in == "file" and file is not None:
        if not os.path.lexists(file):
            raise TokenError(f"The token file {file} of the running companion no longer exists.")
        return Token(from_file(file), "file", file)
    if kept_in == "keyring" and (kept := from_keyring(folder)):
        return Token(kept, "keyring")
    return given(None)


def from_keyring(account: Path | str) -> str | None:
    """Return the token in the keyring for ``account`` or None. The main token's account is the runtime folder."""
    try:
        import keyring  # slow: it looks for the system's backends

        return keyring.get_password(SERVICE, str(account))
    except Exception as error:  # backends raise many kinds of errors
        log.info("the keyring cannot be used: %s", type(error).__name__)
        return None


def store_in_keyring(account: Path | str, token: str) -> str | None:
    """Store a token in the keyring, and return the token that it then contains, or None if that is not possible."""
    try:
        import keyring

        keyring.set_password(SERVICE, str(account), token)
        return keyring.get_password(SERVICE, str(account))
    except Exception as error:
        log.info("the keyring cannot be used: %s", type(error).__name__)
        return None


def delete_from_keyring(account: str) -> str | None:
    """Delete a token from the keyring. Return ``deleted``, even if there was none; None if it is not possible."""
    try:
        import keyring

        if keyring.get_password(SERVICE, account) is not None:
            keyring.delete_password(SERVICE, account)
    except Exception as error:
        log.info("the token cannot be deleted from the keyring: %s", type(error).__name__)
        return None
    return "deleted"


def has_keyring() -> bool:
    """Return whether there is a keyring, which may be locked."""
    try:
        import keyring
        from keyring.backends import fail

        return not isinstance(keyring.get_keyring(), fail.Keyring)
    except Exception as error:
        log.info("the keyring cannot be used: %s", type(error).__name__)
        return False


def from_file(file: Path) -> str:
    """Return the token in a file, which is created if it is missing. Raise ``TokenError`` if it is not usable."""
    try:
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_file(file, _new() + "\n")
        text = read_text(file, MAX_BYTES)
        if sys.platform != "win32" and stat.S_IMODE(file.stat().st_mode) & 0o077:  # Windows has no such modes
            raise TokenError(f"Other users can read {file}. Make it private with `chmod 600 {file}`.")
        return checked(text, str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise TokenError(f"The token file {file} cannot be used: {reason(error)}.") from None


def checked(text: str, where: str) -> str:
    """Return the token in a text, which may end in a line break. ``where`` names it in the ``TokenError``."""
    value = text.strip()
    if len(value) < MIN_LENGTH or not value.isascii() or not value.isprintable() or " " in value:
        raise TokenError(
            f"{where} contains no valid token. "
            f"Use at least {MIN_LENGTH} letters, digits or symbols, without spaces."
        )
    return value


async def change_in_thread(account: str, token: str | None, *, undo: bool = True) -> str | None:
    """Store a token in the keyring like ``store_in_keyring``, or delete it if it is None, in a daemon thread.

    Return None after ``KEYRING_TIMEOUT_S``. If the user unlocks the keyring later, it keeps its content: the change
    is not made, or undone if it had begun. If ``undo`` is False, it is made nevertheless, unless a newer change of
    the account was made meanwhile. Changes of one account are made one after another.
    """
    return await _within_timeout(partial(_change, account, token, next(_numbers), undo=undo))


def _change(account: str, token: str | None, number: int, result: Future[str | None], *, undo: bool) -> None:
    """Change the keyring and set ``result``. If that is cancelled, see ``change_in_thread``."""
    try:
        import keyring

        keyring.get_password(SERVICE, account)  # a locked keyring may never answer this: others do not wait for it
        with _changing[account]:
            if result.cancelled() and (undo or _newest_made[account] > number):
                return
            before = keyring.get_password(SERVICE, account) if undo else None  # it may ask the user
            changed = _stored_or_deleted(account, token)
            if not _set(result, changed) and undo:
                _stored_or_deleted(account, before)
            elif changed is not None:
                _newest_made[account] = max(_newest_made[account], number)
    except Exception as error:  # backends raise many kinds of errors
        log.info("the keyring cannot be used: %s", type(error).__name__)
        _set(result, None)


def _stored_or_deleted(account: str, token: str | None) -> str | None:
    return delete_from_keyring(account) if token is None else store_in_keyring(account, token)


async def in_thread(work: Callable[[], T]) -> T | None:
    """Run ``work`` in a daemon thread. Return its result, or None after ``KEYRING_TIMEOUT_S``."""

    def run(result: Future[T]) -> None:
        _set(result, work())

    return await _within_timeout(run)


async def _within_timeout(run: Callable[[Future[T]], object]) -> T | None:
    """Run a function that sets a result in a daemon thread. Cancel the result after ``KEYRING_TIMEOUT_S``."""
    import asyncio

    result: Future[T] = Future()
    threading.Thread(target=run, args=(result,), name="keyring", daemon=True).start()
    try:
        async with asyncio.timeout(KEYRING_TIMEOUT_S):
            return await asyncio.wrap_future(result)
    except TimeoutError:
        log.info("the keyring did not answer within %g s", KEYRING_TIMEOUT_S)
        return None if result.cancel() else result.result()
    finally:
        result.cancel()


def _set(result: Future[T], value: T) -> bool:
    """Set a result. Return False if it is cancelled."""
    try:
        result.set_result(value)
    except InvalidStateError:
        return False
    return True
