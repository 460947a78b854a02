"""Save the findings of the lint as text, JSON or JUnit XML: ask for the file, and write it.
The lint compares the traffic with the contract of events and REST calls.
"""

from collections.abc import Callable
from pathlib import Path

import msgspec
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from app.companion import Companion
from app.protocol.lint.report import LintReport, as_junit, as_text
from app.protocol.lint.rules import Severity
from app.ui.models.file_names import suggested
from app.ui.room_tasks import RoomTasks

TEXT, JSON, JUNIT = ".txt", ".json", ".xml"
FORMATS = {"Text (*.txt)": TEXT, "JSON (*.json)": JSON, "JUnit XML (*.xml)": JUNIT}


def findings_as(found: LintReport, suffix: str) -> bytes:
    """Return the findings as text, JSON or JUnit XML, as the suffix says. The command prints the same."""
    if suffix == JSON:
        return msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"
    if suffix == JUNIT:
        return as_junit(found, "contract lint", Severity.WARNING).encode()
    return "".join(f"{line}\n" for line in as_text(found)).encode()


class LintExport:
    """Saves the findings of the run. ``report`` gets what was saved, or why it could not be."""

    def __init__(
        self, parent: QWidget, companion: Companion, do: RoomTasks, report: Callable[[str], object]
    ) -> None:
        self._parent = parent
        self._companion = companion
        self._do = do
        self._report = report

    def ask(self) -> None:
        """Ask for a file, and save the findings to it. The suffix decides the format."""
        dialog = QFileDialog(self._parent, "Save findings")
        dialog.setNameFilters(list(FORMATS))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(TEXT)
        dialog.selectFile(suggested("lint", TEXT[1:], self._companion.clock.wall()))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.filterSelected.connect(lambda kind: dialog.setDefaultSuffix(FORMATS[kind]))
        dialog.fileSelected.connect(lambda file: self.save(Path(file)))
        dialog.open()

    def save(self, file: Path) -> None:
        """Save the findings. Only the suffixes ``.txt``, ``.json`` and ``.xml`` are allowed."""
        suffix = file.suffix.lower()
        if suffix not in FORMATS.values():
            self._report(f"The file name must end with .txt, .json or .xml, not {suffix or 'nothing'}.")
            return
        content = findings_as(self._companion.contract_lint.report(), suffix)
        self._do(self._companion.export_file(file, content), lambda _: self._report(f"Saved to {file}"))
