"""The saved sessions (scenarios and recordings) for the rest of the program: find, read, save, rename, delete them.
Also read and write chat states, the JSON files in a session's folder that it loads or saves. Disk access runs in
threads, except in ``recording_file`` and ``new_recording``, which block. A recording that is being written is not
replaced, renamed or deleted. ``session_library`` reads and writes the files. The base class is in ``saved_files``;
``recording_store`` creates recordings.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from typing_extensions import override

from app.hub.long_calls import compute
from app.protocol.errors import Conflict, NotFound, StorageError
from app.protocol.session.saved import (
    EditableText,
    SavedSession,
    editable,
    format_session,
    hash_of,
    parse_session,
)
from app.protocol.session.steps import Session
from app.storage.file_library import changed_meanwhile
from app.storage.saved_files import Disk, SavedFiles
from app.storage.session_library import SessionLibrary, load_file


class SavedSessions(SavedFiles[SavedSession, SessionLibrary]):
    """The current session library. Reading a large recording does not delay the database."""

    active_recordings: Callable[[], Iterable[str]] = tuple
    """Returns the names of the recordings that are being written. Set by the companion."""

    def __init__(self, library: SessionLibrary, disk: Disk) -> None:
        super().__init__(library, disk)
        self._writing = asyncio.Lock()
        """Held from the parse of a text until it is written, so that changes are made in the order of the calls."""

    def recording_file(self, name: str) -> Path:
        """Return the file of a recording. Blocks. Raises ``NotFound``, and ``Invalid`` for a transcript."""
        return self._library.recording(name)

    def new_recording(self, name: str) -> Path:
        """Return the file for a new recording. Blocks. Raises ``Conflict`` if the user has a session like that."""
        return self._library.new_recording(name)

    async def text(self, saved: SavedSession) -> str:
        """Return the text of a session."""
        return await compute(self._library.text, saved)

    async def editable(self, saved: SavedSession) -> EditableText:
        """Return the text of a session to edit."""
        return await compute(lambda: editable(self._library.text(saved), saved.suffix))

    async def save_edited(
        self, name: str, edited: EditableText, suffix: str, *, replaces: Collection[str] = ()
    ) -> SavedSession:
        """Save a session whose text may be in another notation than its file, which has the notation ``suffix``.

        ``replaces`` are the hashes of the texts that the file may have, as ``editable`` returns them; empty: any.
        Raises ``Conflict`` if it has another one, unless that is ``edited``: another program has written it.
        """
        async with self._writing:
            if replaces:
                with suppress(NotFound, StorageError):  # the file was deleted
                    found = await self.editable(self.find(name))
                    if hash_of(found.text) not in (*replaces, hash_of(edited.text)):
                        raise changed_meanwhile(name)
            text = edited.text
            if edited.notation != suffix:
                text = format_session(await compute(parse_session, *edited), suffix)
            return await self._save(name, text, suffix)

    async def load(self, saved: SavedSession) -> Session:
        """Read a whole session."""
        return await compute(self._library.load, saved)

    async def load_file(self, file: Path) -> Session:
        """Read the session in any file."""
        return await compute(load_file, file)

    async def read_beside(self, saved: SavedSession, name: str) -> Any:
        """Return the JSON in a file of the folder of a session."""
        return await compute(self._library.read_beside, saved, name)

    async def save(self, name: str, text: str, suffix: str) -> SavedSession:
        """Save one of the user's sessions, and replace an existing one with that name."""
        async with self._writing:
            return await self._save(name, text, suffix)

    async def _save(self, name: str, text: str, suffix: str) -> SavedSession:
        # A long text is not parsed in the thread of the database, which the chats need.
        saved = await compute(self._library.described, name, text, suffix)
        self._require_not_recorded(saved.name)
        return await self._change(lambda: self._library.write(saved, text))

    @override
    async def rename(self, name: str, new: str) -> SavedSession:
        async with self._writing:
            self._require_not_recorded(self.find(name).name)
            return await super().rename(name, new)

    @override
    async def delete(self, name: str) -> None:
        async with self._writing:
            self._require_not_recorded(self.find(name).name)
            await super().delete(name)

    def _require_not_recorded(self, name: str) -> None:
        """Raise ``Conflict`` if a session is a recording that is being written."""
        if name.casefold() in (each.casefold() for each in self.active_recordings()):
            raise Conflict(f"{name!r} is being recorded. Stop the recording first.")

    def files_of(self, saved: SavedSession) -> "FilesBeside":
        """Return the files in the folder of a session, for its steps."""
        return FilesBeside(self, saved)

    async def write_beside(self, saved: SavedSession, name: str, content: Any) -> None:
        """Write JSON to a file of the folder of one of the user's sessions."""
        await asyncio.to_thread(self._library.write_beside, saved, name, content)


class FilesBeside:
    """The files in the folder of a saved session, which its steps load and save."""

    def __init__(self, sessions: SavedSessions, saved: SavedSession) -> None:
        self._sessions = sessions
        self._saved = saved

    async def read(self, name: str) -> Any:
        """Return the JSON in a file."""
        return await self._sessions.read_beside(self._saved, name)

    async def write(self, name: str, content: Any) -> None:
        """Write JSON to a file."""
        await self._sessions.write_beside(self._saved, name, content)
