"""Ask for a file to open or to save, in a dialog that does not block.

``FileActions`` is the base class of several exports and of the AsyncAPI import: its methods ask where to save, and
write a file and report that. Subclasses may write or read the file themselves.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from app.companion import Companion
from app.protocol.times import local
from app.ui.room_tasks import RoomTasks


def suggested(content: str, suffix: str, wall: float) -> str:
    """Return a file name such as ``companion-log-2026-11-29-0812.ndjson``. ``wall`` is a Unix time in seconds."""
    return f"companion-{content}-{local(wall):%Y-%m-%d-%H%M}{suffix}"


def ask_for_file(
    parent: QWidget, title: str, filters: Sequence[str], then: Callable[[Path], object]
) -> QFileDialog:
    """Ask for an existing file, and call ``then`` with it. Without ``filters``, all files are shown."""
    dialog = _dialog(parent, title, filters, then)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    dialog.open()
    return dialog


def ask_where_to_save(
    parent: QWidget,
    title: str,
    formats: Mapping[str, str],
    content: str,
    wall: float,
    then: Callable[[Path], object],
    *,
    confirm_overwrite: bool = True,
) -> QFileDialog:
    """Ask for a file to save to, and call ``then`` with it.

    ``formats`` has the suffix for each name filter, such as ``.json``; the first one is preselected. ``content``
    and ``wall`` are for the suggested name. If another filter is chosen, the name stays, with its suffix.
    """

    def choose_format(chosen: str) -> None:
        before, now = f".{dialog.defaultSuffix()}", formats[chosen]
        file = next(iter(dialog.selectedFiles()), "")
        has_name = file and not Path(file).is_dir()  # without a name, Qt returns the folder
        dialog.setDefaultSuffix(now)
        dialog.selectFile(with_suffix(file, before, now) if has_name else suggested(content, now, wall))

    dialog = _dialog(parent, title, list(formats), then)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setOption(QFileDialog.Option.DontConfirmOverwrite, not confirm_overwrite)
    suffix = next(iter(formats.values()))
    dialog.setDefaultSuffix(suffix)
    dialog.selectFile(suggested(content, suffix, wall))
    dialog.filterSelected.connect(choose_format)
    dialog.open()
    return dialog


def with_suffix(file: str, before: str, now: str) -> str:
    """Return a file name with the suffix ``now`` instead of ``before``. Any other suffix stays.

    Qt's own dialog may have replaced the last part of the suffix already: ``.spec.ts`` becomes ``.spec.md``.
    """
    replaced = before.rpartition(".")[0] + "." + now.rpartition(".")[2]
    for suffix in (before, replaced):
        if file.endswith(suffix):
            return file.removesuffix(suffix) + now
    return file


def _dialog(parent: QWidget, title: str, filters: Sequence[str], then: Callable[[Path], object]) -> QFileDialog:
    dialog = QFileDialog(parent, title)
    if filters:
        dialog.setNameFilters(filters)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.fileSelected.connect(lambda file: then(Path(file)))
    return dialog


class FileActions:
    """The base of actions that ask for a file, and then read or write it. ``report`` gets results and errors."""

    def __init__(
        self, parent: QWidget, companion: Companion, do: RoomTasks, report: Callable[[str], object]
    ) -> None:
        self._parent = parent
        self._companion = companion
        self._do = do
        self._report = report

    def _ask_where(
        self, title: str, formats: Mapping[str, str], content: str, then: Callable[[Path], object]
    ) -> QFileDialog:
        """Ask for a file to save to; see ``ask_where_to_save``."""
        return ask_where_to_save(self._parent, title, formats, content, self._companion.clock.wall(), then)

    def _write(self, file: Path, content: bytes) -> None:
        """Write a file, and report it."""
        self._do(
            self._companion.export_actions.write_file(file, content), lambda _: self._report(f"Saved to {file}")
        )
