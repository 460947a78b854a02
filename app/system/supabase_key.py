"""Find, store and delete the API key of a Supabase project, and find the address of the project.
The environment has precedence. Otherwise, the key is in the system's keyring or a private file, and the address in
the settings. The key is never written to the settings file.
"""

import asyncio
import os
import stat
import sys
from pathlib import Path

from app.system.control_token import delete_from_keyring, from_keyring, in_thread, store_in_keyring
from app.system.files import read_text, reason, write_file

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
        if await asyncio.to_thread(self._read, self._file):
            return f"the file {self._file}"
        return IN_KEYRING if await in_thread(lambda: from_keyring(self._account)) else ""

    async def load(self) -> str:
        """Return the key, or an empty text if there is none. Raises ``SupabaseKeyError``."""
        if given := os.environ.get(KEY_VARIABLE, "").strip():
            return given
        if self._file is None:
            return self._in_memory
        if text := await asyncio.to_thread(self._read, self._file):
            return text
        return await in_thread(lambda: from_keyring(self._account)) or ""

    async def store(self, key: str) -> str:
        """Store the key, and return where, as a phrase. Raises ``SupabaseKeyError``."""
        if self._file is None:
            self._in_memory = key
            return IN_MEMORY
        if await in_thread(lambda: store_in_keyring(self._account, key)) == key:
            await asyncio.to_thread(self._remove, self._file)
            return IN_KEYRING
        try:
            await asyncio.to_thread(write_file, self._file, key + "\n")
        except OSError as error:
            raise SupabaseKeyError(f"{self._file} cannot be written: {reason(error)}.") from None
        return f"the file {self._file}"

    async def delete(self) -> None:
        """Delete the key. Raises ``SupabaseKeyError`` if it may still be there."""
        self._in_memory = ""
        if self._file is None:
            return
        deleted = await in_thread(lambda: delete_from_keyring(self._account))
        await asyncio.to_thread(self._remove, self._file)
        if deleted is None and await in_thread(lambda: from_keyring(self._account)):
            raise SupabaseKeyError(f"The API key cannot be deleted from the keyring ({self._account}).")

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
