"""Save what the lint has found in this run, as text, JSON or JUnit XML: ask for the file, and write it.
The lint checks events and REST calls against the contract and other rules (``protocol.lint.rules``).
"""

from pathlib import Path

import msgspec

from app.protocol.lint.report import LintReport, as_junit, as_text
from app.protocol.lint.rules import Severity
from app.ui.file_dialogs import FileActions

TEXT, JSON, JUNIT = ".txt", ".json", ".xml"
FORMATS = {"Text (*.txt)": TEXT, "JSON (*.json)": JSON, "JUnit XML (*.xml)": JUNIT}


def findings_as(found: LintReport, suffix: str) -> bytes:
    """Return the findings as text, JSON or JUnit XML, as the suffix says. The command prints the same."""
    if suffix == JSON:
        return msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"
    if suffix == JUNIT:
        return as_junit(found, "contract lint", Severity.WARNING).encode()
    return "".join(f"{line}\n" for line in as_text(found)).encode()


class LintExport(FileActions):
    """Saves the findings of the run. ``report`` is called with the result or the error."""

    def ask(self) -> None:
        """Ask for a file, and save the findings to it. The suffix decides the format."""
        self._ask_where("Save findings", FORMATS, "lint", self.save)

    def save(self, file: Path) -> None:
        """Save the findings. Only the suffixes ``.txt``, ``.json`` and ``.xml`` are allowed."""
        suffix = file.suffix.lower()
        if suffix not in FORMATS.values():
            self._report(f"The file name must end with .txt, .json or .xml, not {suffix or 'nothing'}.")
            return
        self._write(file, findings_as(self._companion.contract_lint.report(), suffix))
