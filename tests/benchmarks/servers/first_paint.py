"""Print ``painted`` when a window is painted for the first time: ``… first_paint empty`` or ``tray``.

For the tray program, print ``filled`` when the window is painted with its log.
"""

import sys

from PySide6 import QtWidgets
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QStackedWidget
from typing_extensions import override


def empty() -> int:
    """Show an empty window, to measure Qt alone."""

    class Empty(QMainWindow):
        @override
        def paintEvent(self, event: QPaintEvent) -> None:
            super().paintEvent(event)
            print("painted", flush=True)

    app = QApplication(["empty"])
    window = Empty()
    window.resize(1000, 640)
    window.show()
    return app.exec()


def tray() -> None:
    """Start the tray program like a double click."""
    from app.__main__ import run

    class Seen(QMainWindow):
        rooms: QStackedWidget

        @override
        def paintEvent(self, event: QPaintEvent) -> None:
            super().paintEvent(event)
            print("painted", flush=True)

        @override
        def repaint(self) -> None:  # type: ignore[override]
            """Paint the window and all that is visible in it."""
            super().repaint()
            room = self.rooms.currentWidget()
            if room and room.isVisible() and room.height() > self.height() / 2:
                print("filled", flush=True)

    setattr(QtWidgets, "QMainWindow", Seen)  # noqa: B010  mypy knows the name as a class
    sys.argv = ["companion"]
    run()


if __name__ == "__main__":
    tray() if sys.argv[1] == "tray" else empty()
