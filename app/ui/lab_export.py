"""Save a run of the reconnect lab as a picture (SVG or PNG) or as JSON: ask for the file, and write it.
The reconnect lab refuses the attempts of a browser to reconnect, and measures their delays. Its window,
``reconnect_lab_window``, uses this.
"""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QBuffer, QIODevice, Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from app.companion import Companion
from app.hub.lab_run import LabRun
from app.protocol.reconnect_lab import LabReport
from app.protocol.reconnect_plot import lab_picture
from app.ui.models.file_names import suggested
from app.ui.room_tasks import RoomTasks

SVG, PNG = ".svg", ".png"
PICTURES = {"SVG picture (*.svg)": SVG, "PNG picture (*.png)": PNG}


def picture_of(report: LabReport, suffix: str) -> bytes:
    """Return a run as a picture; ``suffix`` is ``.svg`` or ``.png``."""
    if suffix == SVG:
        return lab_picture(report).encode()
    from app.ui.widgets.plot_painter import lab_image

    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    lab_image(report).save(buffer, "PNG")  # type: ignore[call-overload]
    return bytes(buffer.data().data())


class LabExport:
    """Saves runs. ``report`` gets what was saved, or why it could not be."""

    def __init__(
        self, parent: QWidget, companion: Companion, do: RoomTasks, report: Callable[[str], object]
    ) -> None:
        self._parent = parent
        self._companion = companion
        self._do = do
        self._report = report

    def ask_for_picture(self, run: LabRun) -> None:
        """Ask for a file, and save a picture of a run to it."""
        dialog = self._dialog("Save picture", list(PICTURES), SVG)
        dialog.filterSelected.connect(lambda kind: dialog.setDefaultSuffix(PICTURES[kind]))
        dialog.fileSelected.connect(lambda file: self.save_picture(run, Path(file)))
        dialog.open()

    def ask_for_json(self, run: LabRun) -> None:
        """Ask for a file, and save a run to it as JSON."""
        dialog = self._dialog("Save JSON", ["JSON (*.json)"], ".json")
        dialog.fileSelected.connect(lambda file: self.save_json(run, Path(file)))
        dialog.open()

    def save_picture(self, run: LabRun, file: Path) -> None:
        """Save a run as SVG or PNG, which the suffix of the file decides."""
        suffix = file.suffix.lower()
        if suffix not in PICTURES.values():
            self._report(f"The file name must end with .svg or .png, not {suffix or 'nothing'}.")
            return
        self._save(file, picture_of(run.report, suffix))

    def save_json(self, run: LabRun, file: Path) -> None:
        """Save a run as the control API returns it."""
        self._save(file, self._companion.lab_json(run))

    def _save(self, file: Path, content: bytes) -> None:
        self._do(self._companion.export_file(file, content), lambda _: self._report(f"Saved to {file}"))

    def _dialog(self, title: str, filters: list[str], suffix: str) -> QFileDialog:
        dialog = QFileDialog(self._parent, title)
        dialog.setNameFilters(filters)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(suffix)
        dialog.selectFile(suggested("reconnects", suffix[1:], self._companion.clock.wall()))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return dialog
