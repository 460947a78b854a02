"""Create, load and revoke the agent token: a second token of the control API with fewer rights, for AI agents.
``LIMITS`` says what it cannot do. It is created on demand,
and stored in the keyring if the main token is there, otherwise in a private file, or in memory if that fails.
``Scope`` in ``operations`` has the rights. ``given`` returns the token in an environment variable, which the
command line uses.

If the token is in the keyring, the file says so, as in ``peer_keys``: a later run may have its main token
elsewhere, or find the keyring locked, and must not report the token as missing or revoked.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from app.system import control_token
from app.system.control_token import Token, TokenError
from app.system.files import kind, read_text, reason, write_file
from app.system.paths import Folders
from app.system.peer_keys import MARKER, is_marker

log = logging.getLogger(__name__)

LIMITS = (
    "cannot change settings, allowed origins, tokens, peers, keys or sources, open files by path, "
    "or contact other hosts"
)
"""What requests with this token cannot do: the end of a sentence."""
VARIABLE = "COMPANION_AGENT_TOKEN"
"""If it is set, the command line uses this token instead of the main one."""


def given() -> str:
    """Return the token in the variable; empty if it is not set. Raise ``TokenError`` if it contains none."""
    value = os.environ.get(VARIABLE, "")
    return control_token.checked(value, VARIABLE) if value else ""


class AgentToken:
    """The agent token of one companion. Without ``folders``, it is kept in memory only."""

    def __init__(
        self,
        folders: Folders | None = None,
        *,
        in_keyring: bool = False,
        on_revoked: Callable[[], object] = lambda: None,
    ) -> None:
        """``in_keyring``: store a new token in the keyring if possible, because the main token is there.

        ``on_revoked`` is called when the token has become invalid.
        """
        self._folders = folders
        self._in_keyring = in_keyring
        self._on_revoked = on_revoked
        self._token: Token | None = None
        self._uses: set[asyncio.Timeout] = set()
        self._lock = asyncio.Lock()

    @property
    def value(self) -> str:
        """The secret; empty if no agent token was created."""
        return self._token.value if self._token else ""

    async def load(self) -> None:
        """Load the token of an earlier run. A file that cannot be used counts as missing."""
        async with self._lock:
            if self._folders:
                await self._load(self._folders)

    async def create(self) -> Token:
        """Return the token. Create and store it first if there is none.

        Raise ``TokenError`` if an earlier one is in the keyring and cannot be replaced there.
        """
        async with self._lock:
            if self._token is None:
                import secrets as random  # loads OpenSSL, which the window does not need

                self._token = await self._store(random.token_urlsafe(32))
            return self._token

    async def revoke(self) -> bool:
        """Make the token invalid, cancel what is ``in_use``, and delete it. Return whether there was one.

        Raise ``TokenError`` if the stored token could not be deleted: it would be valid again after the next start.
        """
        async with self._lock:
            existed, self._token = self._token is not None, None
            while self._uses:  # each once: a call may go on for a while after it was cancelled
                self._uses.pop().reschedule(0)
            self._on_revoked()
            if folders := self._folders:
                existed = await self._delete(folders) or existed
            return existed

    @asynccontextmanager
    async def in_use(self) -> AsyncIterator[None]:
        """While the body is executed, cancel it if the token is revoked. Raise ``TokenError`` then."""
        use = asyncio.timeout(None)
        self._uses.add(use)
        try:
            async with use:
                yield
        except TimeoutError:
            if not use.expired():
                raise
        finally:
            self._uses.discard(use)
        if use.expired():
            raise TokenError("The agent token was revoked.")

    async def _load(self, folders: Folders) -> None:
        file, account = folders.agent_token_file, self._account(folders)
        is_marked = _is_marked(file)
        if file.exists() and not is_marked:
            try:
                self._token = Token(control_token.from_file(file), "file", file)
            except TokenError as error:
                log.info("no agent token: %s", kind(error))
        if self._token is None and (is_marked or self._in_keyring):  # an earlier version did not mark the file
            kept = await control_token.in_thread(lambda: control_token.from_keyring(account))
            self._token = Token(kept, "keyring") if kept else None

    async def _delete(self, folders: Folders) -> bool:
        """Delete the token from the keyring and the file. Return whether there was one in either."""
        file, account, failed = folders.agent_token_file, self._account(folders), list[str]()
        existed, is_marked = _exists(file), _is_marked(file)
        if not is_marked:  # before anything that takes time, so that it is deleted whatever happens then
            _unlink(file, failed)
        kept = await control_token.in_thread(lambda: control_token.from_keyring(account))
        deleted = await control_token.change_in_thread(account, None, undo=False)
        # Without a file, the keyring may have a token of an earlier version, which did not mark the file.
        if not deleted and (
            is_marked or kept or (not existed and await control_token.in_thread(control_token.has_keyring))
        ):
            failed.append(
                "it could not be removed from the system's keyring, which cannot be used now. "
                f"Unlock it and try again, or the token may become valid again. It is stored there as {account}"
            )
        if is_marked and not failed:
            _unlink(file, failed)
        if failed:
            raise TokenError(f"The agent token is no longer valid, but {'; '.join(failed)}.")
        return existed or bool(kept)

    async def _store(self, value: str) -> Token:
        folders = self._folders
        if folders is None:
            return Token(value, "memory")
        file, is_marked = folders.agent_token_file, _is_marked(folders.agent_token_file)
        if self._in_keyring or is_marked:
            kept = await control_token.change_in_thread(self._account(folders), value)
            if kept == value:
                if not is_marked:
                    self._write(file, MARKER)
                return Token(value, "keyring")
        if is_marked:  # the old token would stay, and be valid again later
            raise TokenError(
                "The old agent token is in the system's keyring, which cannot be used now. Unlock it and try again."
            )
        return Token(value, "file", file) if self._write(file, value) else Token(value, "memory")

    @staticmethod
    def _write(file: Path, text: str) -> bool:
        """Write the file. Return whether that succeeded."""
        try:
            write_file(file, text + "\n")
        except OSError as error:
            log.info("the agent token cannot be stored: %s", kind(error))
            return False
        return True

    @staticmethod
    def _account(folders: Folders) -> str:
        return f"{folders.runtime} (agent)"


def _exists(file: Path) -> bool:
    return os.path.lexists(file)


def _unlink(file: Path, failed: list[str]) -> None:
    """Delete the file. Add to ``failed`` why that is not possible."""
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        failed.append(f"{file} cannot be deleted: {reason(error)}")


def _is_marked(file: Path) -> bool:
    """Return whether the file says that the token is in the keyring."""
    try:
        return is_marker(read_text(file, control_token.MAX_BYTES))
    except (OSError, UnicodeDecodeError):
        return False
