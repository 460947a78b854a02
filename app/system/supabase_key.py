"""Find, store and delete the API key of a Supabase project, and find the address of the project.
The environment has precedence. Otherwise, the key is in the system's keyring or a private file, and the address in
the settings. The key is never written to the settings file.

If the key is in the keyring, the file says so, as in ``peer_keys``. A locked keyring is therefore not taken for a
missing key, and what is in it is not reported as deleted.
"""

import asyncio
import os
import stat
import sys
from pathlib import Path

from app.system.control_token import change_in_thread, from_keyring, has_keyring, in_thread
from app.system.files import read_text, reason, write_file
from app.system.peer_keys import MARKER, is_marker

URL_VARIABLE = "COMPANION_SUPABASE_URL"
KEY_VARIABLE = "COMPANION_SUPABASE_KEY"
MAX_BYTES = 16 * 1024
IN_MEMORY = "memory, for this run only"
IN_KEYRING = "the system's keyring"


class SupabaseKeyError(Exception):
    """A key that cannot be read, stored or deleted. The text says why and what to do, never the key itself."""


def project_url(setting: str) -> str:
    """Return the address of the project: that of the environment, or else the setting."""
    return os.environ.get(URL_VARIABLE, "").strip() or setting.strip()


def variables_in_use() -> list[str]:
    """Return the names of the environment variables that are used instead of the stored address and key."""
    return [name for name in (URL_VARIABLE, KEY_VARIABLE) if os.environ.get(name, "").strip()]


class SupabaseKey:
    """Where the API key of one data folder is kept. Without a file, it is kept in memory."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._account = f"{file} (Supabase)"
        self._in_memory = ""

    async def place(self) -> str:
        """Return where the key is that ``load`` returns, as a phrase; empty if there is none.

        Raises ``SupabaseKeyError``.
        """
        if os.environ.get(KEY_VARIABLE, "").strip():
            return f"the variable {KEY_VARIABLE}"
        if self._file is None:
            return IN_MEMORY if self._in_memory else ""
        if text := await asyncio.to_thread(self._read, self._file):
            return IN_KEYRING if is_marker(text) else f"the file {self._file}"
        return IN_KEYRING if await in_thread(lambda: from_keyring(self._account)) else ""

    async def load(self) -> str:
        """Return the key, or an empty text if there is none. Raises ``SupabaseKeyError``."""
        if given := os.environ.get(KEY_VARIABLE, "").strip():
            return given
        if self._file is None:
            return self._in_memory
        text = await asyncio.to_thread(self._read, self._file)
        if text and not is_marker(text):
            return text
        kept = await in_thread(lambda: from_keyring(self._account))
        if text and not kept:
            raise SupabaseKeyError(
                "The API key is in the system's keyring, which cannot be used now. "
                "Unlock it and try again, or store the key again."
            )
        return kept or ""

    async def store(self, key: str) -> str:
        """Store the key, and return where, as a phrase. Raises ``SupabaseKeyError``."""
        if self._file is None:
            self._in_memory = key
            return IN_MEMORY
        if await change_in_thread(self._account, key) == key:
            if not await asyncio.to_thread(self._is_marked, self._file):
                await asyncio.to_thread(self._write, self._file, MARKER)
            return IN_KEYRING
        if await asyncio.to_thread(self._is_marked, self._file):  # the old key would stay, and be used again later
            raise SupabaseKeyError(
                "The old API key is in the system's keyring, which cannot be used now. Unlock it and try again, or "
                f"delete {self._file}."
            )
        await asyncio.to_thread(self._write, self._file, key)
        return f"the file {self._file}"

    async def delete(self) -> None:
        """Delete the key. Raises ``SupabaseKeyError`` if it may still be there."""
        self._in_memory = ""
        if self._file is None:
            return
        is_marked = await asyncio.to_thread(self._is_marked, self._file)
        deleted = await change_in_thread(self._account, None, undo=is_marked)
        is_left = not deleted and (is_marked or await self._may_be_left(self._file))
        if not (is_marked and is_left):
            await asyncio.to_thread(self._remove, self._file)
        if is_left:
            raise SupabaseKeyError(
                "The API key could not be removed from the system's keyring, which cannot be used now. "
                f"Unlock it and try again. The key is stored there as {self._account}."
            )

    async def _may_be_left(self, file: Path) -> bool:
        """Return whether the keyring may have a key of an earlier version, which did not mark the file."""
        if await asyncio.to_thread(os.path.lexists, file):
            return bool(await in_thread(lambda: from_keyring(self._account)))
        return await asyncio.to_thread(has_keyring)

    def _is_marked(self, file: Path) -> bool:
        """Return whether the file says that the key is in the keyring."""
        try:
            return is_marker(self._read(file))
        except SupabaseKeyError:
            return False

    @staticmethod
    def _write(file: Path, text: str) -> None:
        try:
            write_file(file, text + "\n")
        except OSError as error:
            raise SupabaseKeyError(f"{file} cannot be written: {reason(error)}.") from None

    @staticmethod
    def _read(file: Path) -> str:
        if not os.path.lexists(file):
            return ""
        try:
            text = read_text(file, MAX_BYTES).strip()
            mode = stat.S_IMODE(file.stat().st_mode)
        except (OSError, UnicodeDecodeError) as error:
            raise SupabaseKeyError(f"The file {file} cannot be read: {reason(error)}.") from None
        if sys.platform != "win32" and mode & 0o077:  # Windows has no such modes
            raise SupabaseKeyError(f"Other users can read {file}. Make it private with `chmod 600 {file}`.")
        return text

    @staticmethod
    def _remove(file: Path) -> None:
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise SupabaseKeyError(f"{file} cannot be deleted: {reason(error)}.") from None
