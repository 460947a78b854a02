"""Run the real window and paste into every editor: ``python -m tests.gates.paster DATA_DIR OPTION…``.

The options are those of the program. When ``DATA_DIR/paste`` appears, Ctrl+V is pressed in each editor, with a text
that is too large and with one that is not. The results are written to ``DATA_DIR/paste.json``.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from typing_extensions import override

from app import desktop
from app.__main__ import run
from app.ui.room_registry import ROOMS
from app.ui.widgets.line_edit import LineEdit
from app.ui.widgets.text_edit import TextEdit
from app.ui.window import MainWindow
from tests.gates.window_driver import WindowDriver

SETTLE_TICKS = 20
HUGE = '{"event":"new_message","data":{"text":"' + "x" * 5_000_000 + '"}}'
LARGE = "x" * (256 * 1024)


class Paster(WindowDriver):
    """Pastes into every editor of the window."""

    def __init__(self, data_dir: Path) -> None:
        super().__init__(data_dir, "paste")
        self._report = {"rejected": 0, "inserted": 0}

    @override
    def report(self) -> dict[str, Any]:
        return dict(self._report)

    @override
    def steps(self) -> Iterator[None]:
        (window,) = (each for each in QApplication.topLevelWidgets() if isinstance(each, MainWindow))
        for room in ROOMS:
            window.open_room(room.name)
            for _ in range(SETTLE_TICKS):  # Inject rebuilds its forms when the friends are loaded
                yield
        for editor in window.findChildren(TextEdit):
            if not editor.isReadOnly():
                yield from self._paste_text(editor)
        for line in window.findChildren(LineEdit):
            yield from self._paste_line(line)

    def _paste_text(self, editor: TextEdit) -> Iterator[None]:
        editor.setPlainText("before")
        yield from self._press_paste(editor, HUGE)
        self._check(editor.toPlainText() == "before", "rejected", editor)
        editor.selectAll()
        yield from self._press_paste(editor, LARGE)
        self._check(editor.toPlainText() == LARGE, "inserted", editor)
        editor.setPlainText("")

    def _paste_line(self, line: LineEdit) -> Iterator[None]:
        line.setText("1")
        yield from self._press_paste(line, HUGE)
        self._check(line.text() == "1" or not line.isEnabled(), "rejected", line)

    @staticmethod
    def _press_paste(editor: TextEdit | LineEdit, text: str) -> Iterator[None]:
        QGuiApplication.clipboard().setText(text)
        QTest.keySequence(editor, QKeySequence(QKeySequence.StandardKey.Paste))
        for _ in range(5):
            yield

    def _check(self, right: bool, outcome: str, editor: TextEdit | LineEdit) -> None:
        if right:
            self._report[outcome] += 1
        else:
            self.flaws.add(f"{editor.accessibleName()} was not {outcome}")


if __name__ == "__main__":
    application = desktop._open_display()
    pasting = Paster(Path(sys.argv.pop(1)))
    run()
