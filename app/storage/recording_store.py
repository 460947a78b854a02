"""Create the files of recordings of the traffic between UI and companion; rotate and list those of runs.
Runs of the program are recorded in a folder of their own. It keeps this run and the run that was recorded before,
each with its earlier part, if any; ``warnings`` says if the last run was recorded and did not end normally.
A recording that the user starts is a file in the folder of the session library, which lists it and does not rotate
it. ``recording_file`` writes the content.
"""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from app.protocol.errors import Conflict, InUse, NotFound, StorageError
from app.protocol.session.run_names import RUN_BEFORE, RUN_BEFORE_EARLIER, RUNS, THIS_RUN, THIS_RUN_EARLIER
from app.protocol.session.saved import END_LINE, LINES
from app.storage.recording_file import RecordingFile
from app.system.files import delete, reason, replace

END_BYTES = 4096


class RunRecording(NamedTuple):
    """A recording of a run: its name, its size in bytes, and whether the run ended normally."""

    name: str
    size: int
    complete: bool


class RecordingStore:
    """Creates and lists the files. The calls block."""

    def __init__(self, folder: Path | None, new_file: Callable[[str], Path]) -> None:
        """``folder`` None keeps no recordings of runs. ``new_file`` returns the file for a user's recording."""
        self._folder = folder
        self._new_file = new_file
        self.crashed: Path | None = None
        """The recording of the run before, if that run did not end normally. Set by ``begin_run``."""

    @property
    def records_runs(self) -> bool:
        """Whether there is a folder for the recordings of runs."""
        return self._folder is not None

    @property
    def warnings(self) -> list[str]:
        """A sentence if the run before did not end normally."""
        if self.crashed is None:
            return []
        return [f"The companion did not end normally last time. What happened until then is in {self.crashed}."]

    def begin_run(self) -> None:
        """Make room for the recording of this run, which ``begin_part`` begins.

        If the run before did not end normally, its recording replaces that of the run before it.
        """
        this, earlier = self._file(THIS_RUN), self._file(THIS_RUN_EARLIER)
        try:
            if not self._is_complete(this) if this.exists() else earlier.exists():
                self.crashed = self._file(RUN_BEFORE)
            self._keep_run()
        except OSError as error:
            raise self._failed(this, error) from None

    def end_run(self) -> None:
        """Make the recording of this run that of the run before. This needs no space on the disk."""
        with suppress(OSError):
            self._keep_run()

    def discard_run(self) -> None:
        """Delete the recording of this run, for example of a start that failed."""
        with suppress(OSError):
            delete(self._file(THIS_RUN_EARLIER))
            delete(self._file(THIS_RUN))

    def _keep_run(self) -> None:
        """Make the parts of this run those of the run before. Raises ``OSError``.

        If it was stopped halfway, the next call continues. The last part is moved last: if there is only an earlier
        part, the run was killed before it began the next one.
        """
        this, earlier = self._file(THIS_RUN), self._file(THIS_RUN_EARLIER)
        before, before_earlier = self._file(RUN_BEFORE), self._file(RUN_BEFORE_EARLIER)
        parts = [each for each in (this, earlier) if each.exists()]
        if parts and before.exists():
            # First, so that the run before never has an earlier part of another run.
            delete(before_earlier)
            delete(before)
        if len(parts) == 2:
            replace(earlier, before_earlier)
        if parts:
            replace(parts[0], before)

    def begin_part(self, header: bytes) -> RecordingFile:
        """Begin the first or next part of this run. The part before replaces the one before that.

        If the new part cannot be written, for example because the disk is full, the part before stays this run's.
        Raises ``StorageError``, and ``InUse`` if the part before cannot be renamed now.
        """
        this, earlier = self._file(THIS_RUN), self._file(THIS_RUN_EARLIER)
        try:
            has_part = this.exists()
            if has_part:
                replace(this, earlier)
            try:
                return RecordingFile(this, header)
            except OSError:
                if has_part:
                    replace(earlier, this)
                raise
        except OSError as error:
            raise self._failed(this, error) from None

    def begin(self, name: str, header: bytes) -> RecordingFile:
        """Begin a user's recording. Raises ``Conflict`` if there is a session or recording with that name."""
        if name.casefold() in RUNS:
            raise Conflict(f"{name} is the name of the recording of a run. Use another name.")
        file = self._new_file(name)
        try:
            return RecordingFile(file, header)
        except FileExistsError:
            raise Conflict(f"A session {name!r} already exists.") from None
        except OSError as error:
            raise self._failed(file, error) from None

    def runs(self) -> list[RunRecording]:
        """Return the recordings of runs that exist, the newest first."""
        found: list[RunRecording] = []
        for name in RUNS if self._folder else ():
            file = self._file(name)
            if file.is_file():
                found.append(RunRecording(name, file.stat().st_size, self._is_complete(file)))
        return found

    def names_of_files(self) -> list[str]:
        """Return the names of the recordings of runs that exist, the newest first."""
        return [name for name in RUNS if self._folder and self._file(name).is_file()]

    def find(self, recording: str | Path, user_file: Callable[[str], Path]) -> tuple[str, Path]:
        """Return the name and the file of a recording: of a run, of the user (``user_file``), or a file.

        Raises ``RequestError``.
        """
        if isinstance(recording, Path):
            return recording.name.removesuffix(LINES), recording
        return recording, self.path(recording) if recording in RUNS else user_file(recording)

    def path(self, name: str) -> Path:
        """Return the file of a recording of a run. Raises ``NotFound``."""
        if self._folder and name in RUNS and self._file(name).is_file():
            return self._file(name)
        raise NotFound(f"There is no recording {name[:80]!r}.")

    def _is_complete(self, file: Path) -> bool:
        with file.open("rb") as stream:
            stream.seek(max(0, file.stat().st_size - END_BYTES))
            return stream.read().rstrip(b"\n").endswith(END_LINE)

    def _file(self, name: str) -> Path:
        assert self._folder is not None
        return self._folder / f"{name}{LINES}"

    @staticmethod
    def _failed(file: Path, error: OSError) -> StorageError:
        kind = InUse if isinstance(error, PermissionError) else StorageError
        return kind(f"{file} could not be written: {reason(error)}")
