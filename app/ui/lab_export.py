"""Save a run of the reconnect lab as a picture (SVG or PNG) or as JSON: ask for the file, and write it.
The reconnect lab refuses the attempts of a browser to reconnect, and measures their delays. Its window,
``reconnect_lab_window``, uses this.
"""

from functools import partial
from pathlib import Path

from PySide6.QtCore import QBuffer, QIODevice

from app.hub.lab_run import LabRun
from app.protocol.reconnect_lab import LabReport
from app.protocol.reconnect_plot import lab_picture
from app.ui.file_dialogs import FileActions

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


class LabExport(FileActions):
    """Saves runs. ``report`` gets what was saved, or why it could not be."""

    def ask_for_picture(self, run: LabRun) -> None:
        """Ask for a file, and save a picture of a run to it."""
        self._ask_where("Save picture", PICTURES, "reconnects", partial(self.save_picture, run))

    def ask_for_json(self, run: LabRun) -> None:
        """Ask for a file, and save a run to it as JSON."""
        self._ask_where("Save JSON", {"JSON (*.json)": ".json"}, "reconnects", partial(self.save_json, run))

    def save_picture(self, run: LabRun, file: Path) -> None:
        """Save a run as SVG or PNG, which the suffix of the file decides."""
        suffix = file.suffix.lower()
        if suffix not in PICTURES.values():
            self._report(f"The file name must end with .svg or .png, not {suffix or 'nothing'}.")
            return
        self._write(file, picture_of(run.report, suffix))

    def save_json(self, run: LabRun, file: Path) -> None:
        """Save a run as the control API returns it."""
        self._write(file, self._companion.lab_json(run))
