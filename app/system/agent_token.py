"""Create, load and revoke the agent token: a second token of the control API with fewer rights, for AI agents.
It cannot, for example, change settings, allowed origins or tokens, nor open files by path. It is created on demand,
and stored in the keyring if the main token is there, otherwise in a private file, or in memory if that fails.
``Scope`` in ``operations`` has the rights. ``given`` returns the token in an environment variable, which the
command line uses.
"""

import asyncio
import logging
import os

from app.system import control_token
from app.system.control_token import Token, TokenError
from app.system.files import reason, write_file
from app.system.paths import Folders

log = logging.getLogger(__name__)

VARIABLE = "COMPANION_AGENT_TOKEN"
"""If it is set, the command line uses this token instead of the main one."""


def given() -> str:
    """Return the token in the variable; empty if it is not set. Raise ``TokenError`` if it contains none."""
    value = os.environ.get(VARIABLE, "")
    return control_token.checked(value, VARIABLE) if value else ""


class AgentToken:
    """The agent token of one companion. Without ``folders``, it is kept in memory only."""

    def __init__(self, folders: Folders | None = None, *, in_keyring: bool = False) -> None:
        self._folders = folders
        self._in_keyring = in_keyring
        self._token: Token | None = None
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
        """Return the token. Create and store it first if there is none."""
        async with self._lock:
            if self._token is None:
                import secrets as random  # loads OpenSSL, which the window does not need

                self._token = await self._store(random.token_urlsafe(32))
            return self._token

    async def revoke(self) -> bool:
        """Make the token invalid and delete it. Return whether there was one.

        Raise ``TokenError`` if the stored token could not be deleted: it would be valid again after the next start.
        """
        async with self._lock:
            existed, self._token = self._token is not None, None
            if folders := self._folders:
                await self._delete(folders)
            return existed

    async def _load(self, folders: Folders) -> None:
        if self._in_keyring:
            kept = await control_token.in_thread(lambda: control_token.from_keyring(self._account(folders)))
            self._token = Token(kept, "keyring") if kept else None
        if self._token is None and folders.agent_token_file.exists():
            try:
                file = folders.agent_token_file
                self._token = Token(control_token.from_file(file), "file", file)
            except TokenError as error:
                log.info("no agent token: %s", error)

    async def _delete(self, folders: Folders) -> None:
        file, account = folders.agent_token_file, self._account(folders)
        failed = []
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            failed.append(f"{file} cannot be deleted: {reason(error)}")
        if self._in_keyring and not await control_token.in_thread(
            lambda: control_token.delete_from_keyring(account)
        ):
            failed.append(f"it cannot be deleted from the keyring ({account})")
        if failed:
            raise TokenError(f"The agent token is no longer valid, but {'; '.join(failed)}.")

    async def _store(self, value: str) -> Token:
        folders = self._folders
        if folders and self._in_keyring:
            kept = await control_token.in_thread(
                lambda: control_token.store_in_keyring(self._account(folders), value)
            )
            if kept:
                return Token(kept, "keyring")
        if folders:
            try:
                write_file(folders.agent_token_file, value + "\n")
                return Token(value, "file", folders.agent_token_file)
            except OSError as error:
                log.info("the agent token cannot be stored: %s", error)
        return Token(value, "memory")

    @staticmethod
    def _account(folders: Folders) -> str:
        return f"{folders.runtime} (agent)"
