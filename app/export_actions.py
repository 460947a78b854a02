"""What the window and the control API export: saved sessions, recordings and rows of the log, as tests, scenarios
or other files. Each is converted in a thread and written in another module, loaded when it is used.
"""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from app.exports.conversion import Exported
from app.hub.hub import Hub
from app.hub.journal import Row
from app.hub.long_calls import compute
from app.hub.row_store import RowStore
from app.protocol.catalog import Catalog
from app.protocol.export_kinds import Kind
from app.session_export import export_session, part_of, session_of_rows
from app.storage import exported_file, journal_export
from app.storage.saved_sessions import SavedSessions

if TYPE_CHECKING:
    from app.observers.opened_recording import OpenedRecording


class Host(Protocol):
    """The part of the companion that this module uses."""

    hub: Hub
    catalog: Catalog

    @property
    def local_user(self) -> str:
        """The user that a client acts as by default."""

    @property
    def saved_sessions(self) -> SavedSessions:
        """The library of sessions."""


class ExportActions:
    """Exports as text of one of the kinds of ``export_kinds``, and to files."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def session(self, name: str, kind: Kind) -> Exported:
        """Return a saved session as a test or another file. Raises ``RequestError``."""
        saved = await self._host.saved_sessions.look_up(name)
        session = await self._host.saved_sessions.load(saved)
        return await compute(
            export_session, session, kind, saved.name, self._host.catalog, self._host.hub.wire_names
        )

    async def log(self, rows: Sequence[Row], kind: Kind, title: str = "") -> Exported:
        """Return rows of the log as a test or another file. Raises ``Invalid``."""
        host = self._host

        def convert() -> Exported:
            session = session_of_rows(rows, host.local_user, title)
            return export_session(session, kind, "", host.catalog, host.hub.wire_names)

        return await compute(convert)

    async def recording(self, recording: "OpenedRecording", rows: Sequence[int], kind: Kind) -> Exported:
        """Return rows of a recording as a test or another file, with its REST calls. Raises ``RequestError``.

        Raises ``Conflict`` if the file of the recording was replaced since it was opened.
        """
        from app.storage.session_library import read_recording

        host, lines = self._host, {recording.lines[row - 1] for row in rows}

        def convert() -> Exported:
            session = part_of(recording.read(read_recording), lines)
            return export_session(session, kind, recording.name, host.catalog, host.hub.wire_names)

        return await compute(convert)

    async def scenario(self, rows: Sequence[Row], title: str = "") -> str:
        """Return a scenario that causes again what rows of the journal show. See ``hub.scenario_from_rows``."""
        from app.hub.scenario_from_rows import scenario_from_rows
        from app.protocol.session.transcript import format_transcript

        host, names = self._host, self._host.hub.wire_names

        def convert() -> str:
            return format_transcript(scenario_from_rows(rows, host.catalog, host.local_user, title, names))

        return await compute(convert)

    async def write(self, file: Path, exported: Awaitable[Exported]) -> Exported:
        """Wait for what ``log`` or ``recording`` returns, and write it. Raises ``StorageError``."""
        done = await exported
        await self.write_file(file, done.text.encode("utf-8", "replace"))
        return done

    async def write_file(self, file: Path, content: bytes) -> None:
        """Write an exported document to a file. See ``storage.exported_file``."""
        await exported_file.export_file(file, content)

    async def write_rows(
        self, rows: RowStore, seqs: Sequence[int], file: Path, number_of: Callable[[int], int] = int
    ) -> int:
        """Write rows of a copy of the journal's rows to a file as JSON lines. See ``storage.journal_export``."""
        return await journal_export.export_rows(rows, seqs, file, number_of)
