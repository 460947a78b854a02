"""Let the user choose an AsyncAPI document, convert its events to event files, and report the result.
An event file defines an event. If a file of the same name would be replaced, the user is asked first. If none would
be, an event that another file already defines is left out, and reported.
"""

from functools import partial
from pathlib import Path

from app.protocol.asyncapi_import.imported_file import FileStatus, Imported, ImportedFile
from app.protocol.counts import count
from app.ui.file_dialogs import FileActions, ask_for_file
from app.ui.widgets.confirm import confirm

MAX_NAMES = 10


class DocumentImport(FileActions):
    """Imports documents. ``report`` is called with the result or the error."""

    def ask(self) -> None:
        """Ask for a document, and import it."""
        filters = ["AsyncAPI (*.json *.yaml *.yml)", "All files (*)"]
        ask_for_file(self._parent, "Import an AsyncAPI document", filters, self.load)

    def load(self, file: Path) -> None:
        """Import a document. If files would be replaced, ask first."""
        self._do(self._companion.import_document(file, dry_run=True), partial(self._check, file))

    def _check(self, file: Path, found: tuple[Imported, list[ImportedFile]]) -> None:
        if not any(each.status is FileStatus.DIFFERENT for each in found[1]):
            self._save(file)
            return
        replaced = [
            each.event.file for each in found[1] if each.status in (FileStatus.DIFFERENT, FileStatus.DEFINED)
        ]
        names = ", ".join(replaced[:MAX_NAMES]) + (" …" if len(replaced) > MAX_NAMES else "")
        question = f"Replace {count(len(replaced), 'event file')}?"
        confirm(
            self._parent, question, f"{names} would be replaced.", "Replace", partial(self._save, file, force=True)
        )

    def _save(self, file: Path, *, force: bool = False) -> None:
        self._do(self._companion.import_document(file, force=force), self._show)

    def _show(self, found: tuple[Imported, list[ImportedFile]]) -> None:
        imported, files = found
        defined = [each.event for each in files if each.status is FileStatus.DEFINED]
        text = f"Imported {count(len(files) - len(defined), 'event')} of the {imported.application}"
        known = [f"{each.event} is defined by {each.file} already" for each in defined[:MAX_NAMES]]
        more = [f"{len(defined) - MAX_NAMES} more are defined already"] if len(defined) > MAX_NAMES else []
        self._report(". ".join([text, *known, *more, *(note.removesuffix(".") for note in imported.notes)]))
