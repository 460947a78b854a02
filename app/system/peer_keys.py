"""Store the user's own secret keys, as text, in the system's keyring or in a private file (mode 0600).
The keys are those for encrypted messages with peers. The file is used if the keyring is missing or locked.

The file is ``peer-keys.json`` in the data folder. If the keys are in the keyring, the file says so. A locked
keyring is therefore not taken for missing keys, which would be replaced by new ones.
"""

import json
import os
import stat
import sys
from pathlib import Path

from app.system.control_token import change_in_thread, from_keyring, in_thread
from app.system.files import read_text, reason, write_file

MAX_BYTES = 16 * 1024
IN_KEYRING = "keyring"
MARKER = json.dumps({"kept_in": IN_KEYRING})
"""The text of a file whose secret is in the keyring."""


class PeerKeysError(Exception):
    """Keys that cannot be read or stored; the text says why and what to do, and never contains a key."""


class PeerKeysStore:
    """Where the secret keys of one data folder are kept. The file methods run in the calling thread."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._account = f"{file} (peer keys)"

    async def load(self) -> str | None:
        """Return the keys, or None if none were stored. Raises ``PeerKeysError`` if they cannot be read."""
        import asyncio

        text = await asyncio.to_thread(self._read)
        if text is not None and not is_marker(text):
            return text
        kept = await in_thread(lambda: from_keyring(self._account))
        if kept is None and text is not None:
            raise PeerKeysError(
                "The keys for peers are in the system's keyring, which cannot be read now. Unlock it and try "
                f"again, or delete {self._file} and import a backup of the keys."
            )
        return kept

    async def store(self, text: str) -> str:
        """Store the keys, and return where, as a phrase. Raises ``PeerKeysError``; the old keys are kept then."""
        import asyncio

        if await change_in_thread(self._account, text) == text:
            if not await asyncio.to_thread(self._is_marked):
                await asyncio.to_thread(self._write, MARKER)
            return "the system's keyring"
        if await asyncio.to_thread(self._is_marked):  # the old keys would come back when the new ones are deleted
            raise PeerKeysError(
                "The old keys for peers are in the system's keyring, which cannot be used now. Unlock it and try "
                f"again, or delete {self._file}."
            )
        await asyncio.to_thread(self._write, text)
        return f"the file {self._file}"

    async def delete(self) -> None:
        """Delete the keys. Raises ``PeerKeysError`` if they are still there afterwards."""
        import asyncio

        text = await asyncio.to_thread(self._read)
        is_marked = text is not None and is_marker(text)  # otherwise, they may be those of an earlier version
        deleted = await change_in_thread(self._account, None, undo=is_marked)
        if is_marked and deleted is None:
            raise PeerKeysError(
                "The keys for peers are in the system's keyring, which cannot be used now. Unlock it."
            )
        try:
            await asyncio.to_thread(self._file.unlink, missing_ok=True)
        except OSError as error:
            raise PeerKeysError(f"{self._file} cannot be deleted: {reason(error)}.") from None

    def _is_marked(self) -> bool:
        """Return whether the file already says that the keys are in the keyring, so that no write can fail."""
        try:
            text = self._read()
        except PeerKeysError:
            return False
        return text is not None and is_marker(text)

    def _read(self) -> str | None:
        if not os.path.lexists(self._file):
            return None
        try:
            text = read_text(self._file, MAX_BYTES)
            mode = stat.S_IMODE(self._file.stat().st_mode)
        except (OSError, UnicodeDecodeError) as error:
            raise PeerKeysError(f"The file {self._file} cannot be read: {reason(error)}.") from None
        if sys.platform != "win32" and mode & 0o077:  # Windows has no such modes
            raise PeerKeysError(
                f"Other users can read {self._file}. Make it private with `chmod 600 {self._file}`."
            )
        return text

    def _write(self, text: str) -> None:
        try:
            write_file(self._file, text + "\n")
        except OSError as error:
            raise PeerKeysError(f"{self._file} cannot be written: {reason(error)}.") from None


def is_marker(text: str) -> bool:
    """Return whether the text of a file says that the secret is in the keyring."""
    try:
        return bool(json.loads(text) == json.loads(MARKER))
    except (ValueError, RecursionError):
        return False
