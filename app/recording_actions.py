"""What the window and the control API do with recordings: list, open, play, compare and lint them, compute the UI
state, and make bug report bundles. Each is done in a thread and written in another module, loaded when it is used.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from app.hub.long_calls import GoOn, LongCalls, compute
from app.hub.session_run import Options
from app.observers.opened_recording import OpenedRecording, open_recording
from app.protocol.catalog import Catalog

if TYPE_CHECKING:
    from app.endpoints.http_server import HttpServer
    from app.hub.session_run import SessionRun
    from app.observers.recordings import Recordings
    from app.protocol.session.comparison import UiDifference
    from app.recording_bundle import Contents
    from app.sources.sessions.runs import SessionRuns
    from app.storage.event_files import EventFiles
    from app.storage.recording_store import RecordingStore, RunRecording
    from app.storage.saved_sessions import SavedSessions
    from app.supabase_wiring import SwitchableSupabase
    from app.system.agent_token import AgentToken
    from app.system.settings import Settings


class Host(Protocol):
    """The part of the companion that this module uses."""

    catalog: Catalog
    event_files: EventFiles
    control: HttpServer
    agent_token: AgentToken
    supabase: SwitchableSupabase
    bundling: LongCalls

    @property
    def settings(self) -> Settings:
        """The settings in use."""

    @property
    def recording_store(self) -> RecordingStore:
        """The files of recordings."""

    @property
    def recordings(self) -> Recordings:
        """The recordings that are being made."""

    @property
    def saved_sessions(self) -> SavedSessions:
        """The library of sessions, which contains the user's recordings."""

    @property
    def sessions(self) -> SessionRuns:
        """Runs of sessions."""


class RecordingActions:
    """Works with recordings. One is given by its name, of a run or in the session library, or as a file.

    Methods with an opened recording raise ``Conflict`` if its file was replaced since it was opened.
    """

    def __init__(self, host: Host, folder: Path | None) -> None:
        """``folder`` is that of the recordings of runs."""
        self._host = host
        self._folder = folder

    async def runs(self) -> list[RunRecording]:
        """Return the recordings of this run and the one before."""
        return await asyncio.to_thread(self._host.recording_store.runs)

    def run_file(self, name: str) -> Path:
        """Return the file of one of ``runs``. Raises ``NotFound``."""
        return self._host.recording_store.path(name)

    async def stop(self, name: str = "") -> None:
        """End a recording of the user, and list its file. Raises ``NotFound`` and ``StorageError``."""
        await self._host.recordings.stop(name)
        await self._host.saved_sessions.read()

    async def open(self, recording: str | Path) -> OpenedRecording:
        """Open a recording, for a window. Raises ``RequestError``."""
        return await open_recording(*await self._find(recording))

    async def play(self, recording: OpenedRecording, from_row: int | None) -> SessionRun:
        """Play an opened recording from a row on. Raises ``RequestError`` and ``StorageError``."""
        from app.storage.session_library import read_recording

        session = await compute(recording.read, read_recording)
        return self._host.sessions.start(recording.name, session, Options(from_row=from_row))

    async def ui_state(self, recording: OpenedRecording, client: int | None, seq: int) -> dict[str, Any]:
        """Return the state of a client's UI after a row of a recording. Raises ``RequestError``."""
        from app.protocol.ui_stores import Flavour
        from app.recorded_state import recorded_state

        catalog = Catalog(self._host.catalog)
        return await compute(recording.read, lambda file: recorded_state(file, catalog, client, Flavour.GUIDE, seq))

    async def lint(self, recording: OpenedRecording) -> dict[int, tuple[str, ...]]:
        """Return the rules of the lint that rows of a recording violate. Raises ``RequestError``."""
        from app.recorded_lint import lint_marks

        catalog = Catalog(self._host.catalog)
        return await compute(recording.read, lambda file: lint_marks(file, catalog))

    async def compare(self, first: OpenedRecording, second: OpenedRecording) -> list[UiDifference]:
        """Return what the UI sent differently in two recordings. Raises ``RequestError`` and ``StorageError``."""
        from app.storage.session_library import compare_recordings

        return await compute(first.read, lambda file: second.read(lambda other: compare_recordings(file, other)))

    async def bundle(self, recording: str | Path | OpenedRecording, *, redact: bool = True) -> bytes:
        """Return the bug report bundle of a recording: an archive with all that is needed to reproduce a bug.

        It is given up if the caller is cancelled. Raises ``RequestError``.
        """
        return await self._host.bundling.run(await self._bundling(recording, redact))

    async def bundle_with_preview(
        self, recording: str | Path | OpenedRecording, *, redact: bool = True
    ) -> tuple[bytes, str]:
        """Return the bundle of a recording and its content as text. Raises ``RequestError``."""
        from app.protocol.bundle.archive import read_bundle
        from app.protocol.bundle.preview import PREVIEW_LINES, preview_text

        bundle = await self._bundling(recording, redact)

        def with_preview(go_on: GoOn) -> tuple[bytes, str]:
            content = bundle(go_on)
            go_on()
            return content, preview_text(read_bundle(content), PREVIEW_LINES)

        return await self._host.bundling.run(with_preview)

    async def _bundling(self, recording: str | Path | OpenedRecording, redact: bool) -> Callable[[GoOn], bytes]:
        """Return the long call that makes the bundle of a recording."""
        from app.recording_bundle import bundle_of

        contents = await self._contents()
        if isinstance(recording, OpenedRecording):
            name, read = recording.name, recording.read
            return lambda go_on: read(lambda file: bundle_of(file, name, contents, go_on, redact=redact))
        name, file = await self._find(recording)
        return lambda go_on: bundle_of(file, name, contents, go_on, redact=redact)

    async def _find(self, recording: str | Path) -> tuple[str, Path]:
        host = self._host
        return await asyncio.to_thread(host.recording_store.find, recording, host.saved_sessions.recording_file)

    async def _contents(self) -> Contents:
        from app.recording_bundle import Contents

        settings, files = self._host.settings, self._host.event_files
        secrets = (self._host.control.token, self._host.agent_token.value, *await self._host.supabase.secrets())
        folders = (Path.home(), self._folder, files.folder, settings.fixtures, settings.sessions, settings.faults)
        return Contents(
            settings,
            [files.folder / each.file for each in files.files if files.folder and each.in_use],
            [each for each in secrets if each],
            [str(each) for each in folders if each],
        )
