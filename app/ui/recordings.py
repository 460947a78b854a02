"""Open recordings in windows of their own, from a menu, a file dialog or by name, and keep these windows."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app.ui.recording_window import RecordingWindow
from app.ui.room_tasks import RoomTasks
from app.ui.rooms.events import connect_filter

if TYPE_CHECKING:
    from app.hub.journal import Row
    from app.observers.opened_recording import OpenedRecording
    from app.ui.window import MainWindow


class RecordingWindows:
    """The windows of opened recordings. They are closed together with the program's window."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._do = RoomTasks(window.companion.tasks, window.status.show_message)
        self.windows: list[RecordingWindow] = []

    def open(self, recording: str | Path) -> None:
        """Open a recording by its name in the library, or a file. If it is open, bring its window to the front."""
        self._do(self._window.companion.open_recording(recording), self._show)

    def close_down(self) -> None:
        """Close all windows."""
        self._do.close()
        for window in tuple(self.windows):
            window.close()

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        for window in self.windows:
            window.recolor()

    def ask_for_file(self) -> None:
        """Ask for a file, and open it."""
        from PySide6.QtCore import Qt
        from PySide6.QtWidgets import QFileDialog

        dialog = QFileDialog(self._window, "Open recording", "", "Recordings (*.session.jsonl);;All files (*)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda file: self.open(Path(file)))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _show(self, recording: OpenedRecording) -> None:
        window = RecordingWindow(self._window.companion, recording)
        self.windows.append(window)
        main, room = self._window, window.room
        connect_filter(room, main)
        room.bar.manual_requested.connect(main.present)
        room.edit_requested.connect(self._edit)
        room.save_requested.connect(self._save)
        window.closed.connect(partial(self._closed, window))
        window.present()

    def _edit(self, row: Row) -> None:
        self._window.edit(row)
        self._window.present()

    def _save(self, row: Row) -> None:
        self._window.present()
        self._window.fixtures.save_row(row)

    def _closed(self, window: RecordingWindow) -> None:
        if window in self.windows:
            self.windows.remove(window)
            window.close_down()
            window.deleteLater()
