"""Open recordings in windows of their own, for example from a menu or the control API, and keep these windows.
Also let the user choose a file, or a second recording to compare with an opened one, and open the dialog that makes
a bug report.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QMenu, QPushButton, QWidget

from app.protocol.session.run_names import THIS_RUN
from app.protocol.session.saved import LINES, SavedSession
from app.ui.file_dialogs import ask_for_file
from app.ui.plain_text import without_mnemonics
from app.ui.recording_window import RUN_TITLES, RecordingWindow
from app.ui.room_tasks import RoomTasks
from app.ui.rooms.events import connect_filter

if TYPE_CHECKING:
    from app.hub.journal import Row
    from app.observers.opened_recording import OpenedRecording
    from app.system.settings import Settings
    from app.ui.bundle_dialog import BundleDialog
    from app.ui.window import MainWindow

MAX_LISTED = 30
"""The menu lists at most this many recordings of the user. *Open file …* opens the others."""


def is_recording(saved: SavedSession) -> bool:
    """Return whether a saved session is a recording, which can be opened."""
    return saved.suffix == LINES and saved.kind == "recording"


class RecordingWindows:
    """The windows of opened recordings. They are closed together with the program's window."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._do = RoomTasks(window.companion.tasks, window.status.show_message)
        self.windows: list[RecordingWindow] = []

    def open(self, recording: str | Path) -> None:
        """Open a recording by its name in the library, or a file."""
        self._do(self._window.companion.recording_actions.open(recording), self.show)

    def close_down(self) -> None:
        """Close all windows."""
        self._do.close()
        for window in tuple(self.windows):
            window.close()

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        for window in self.windows:
            window.recolor()

    def follow_settings(self, settings: Settings) -> None:
        """Use changed saved filters."""
        for window in self.windows:
            window.room.follow_settings(settings)

    def show_menu(self, button: QPushButton) -> None:
        """Show a menu with all recordings below or above a button."""
        self._do(
            self._window.companion.recording_actions.runs(),
            lambda runs: self._popup(button, [run.name for run in runs]),
        )

    def _choose_other(self, window: RecordingWindow) -> None:
        """Show a menu with the recordings to compare with."""

        def show(runs: list[str]) -> None:
            if not window.is_closed:
                self._popup(window.compare, runs, partial(self.compare, window))

        self._do(self._window.companion.recording_actions.runs(), lambda runs: show([run.name for run in runs]))

    def compare(self, window: RecordingWindow, recording: str | Path) -> None:
        """Open another recording, and compare the one of a window with it, unless the window was closed."""
        if not window.is_closed:
            window.compare_with(recording, self.show)

    def _popup(
        self, button: QPushButton, runs: list[str], act: Callable[[str | Path], object] | None = None
    ) -> None:
        menu = self.menu(runs, button, act)
        menu.popup(button.mapToGlobal(button.rect().topLeft()) - QPoint(0, menu.sizeHint().height()))

    def menu(
        self, runs: Sequence[str], parent: QWidget, act: Callable[[str | Path], object] | None = None
    ) -> QMenu:
        """Return the menu: the recordings of runs, those of the user, and a file. ``act`` None opens them."""
        act = act or self.open
        menu = QMenu(parent)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for name in runs:
            if name in RUN_TITLES:
                menu.addAction(RUN_TITLES[name], partial(act, name))
        menu.addSeparator()
        own = [each for each in self._window.companion.saved_sessions.all if is_recording(each)]
        for each in own[:MAX_LISTED]:
            menu.addAction(without_mnemonics(each.name), partial(act, each.name))
        menu.addSeparator()
        menu.addAction("Open file …", partial(self.ask_for_file, act, parent.window()))
        if act == self.open:
            menu.addAction("Bug report of this run …", lambda: self.report())
        return menu

    def report(
        self, recording: str | Path | OpenedRecording = THIS_RUN, parent: QWidget | None = None
    ) -> BundleDialog:
        """Open the dialog that makes a bug report from a recording."""
        from app.ui.bundle_dialog import BundleDialog

        dialog = BundleDialog(parent or self._window, self._window.companion, recording)
        dialog.open()
        return dialog

    def ask_for_file(
        self, act: Callable[[str | Path], object] | None = None, parent: QWidget | None = None
    ) -> None:
        """Ask for a file in a dialog above ``parent`` or the main window, and open it, or pass it to ``act``."""
        filters = ["Recordings (*.session.jsonl)", "All files (*)"]
        ask_for_file(parent or self._window, "Open recording", filters, act or self.open)

    def show(self, recording: OpenedRecording) -> RecordingWindow:
        """Show an opened recording in a window of its own."""
        window = RecordingWindow(self._window.companion, recording)
        self.windows.append(window)
        main, room = self._window, window.room
        connect_filter(room, main)
        room.bar.manual_requested.connect(main.present)
        room.edit_requested.connect(self._edit)
        room.save_requested.connect(self._save)
        room.row_actions.scenario_requested.connect(self._save_scenario)
        window.help_requested.connect(partial(main.open_help, "recordings"))
        window.help_requested.connect(main.present)
        window.compare_requested.connect(self._choose_other)
        window.report.clicked.connect(lambda: self.report(window.recording, window))
        window.closed.connect(partial(self._closed, window))
        window.present()
        return window

    def _edit(self, row: Row) -> None:
        self._window.edit(row)
        self._window.present()

    def _save(self, row: Row) -> None:
        self._window.present()
        self._window.fixtures.save_row(row)

    def _save_scenario(self, text: str) -> None:
        self._window.edit_scenario(text)
        self._window.present()

    def _closed(self, window: RecordingWindow) -> None:
        if window in self.windows:
            self.windows.remove(window)
            window.close_down()
            window.deleteLater()
