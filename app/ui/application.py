"""The program's QApplication. It emits ``quit_requested`` if the operating system asks it to quit (Cmd+Q, log-off)."""

from PySide6.QtCore import QEvent, Signal
from PySide6.QtWidgets import QApplication
from typing_extensions import override


class Application(QApplication):
    """Emit ``quit_requested`` if the system asks the program to quit (Cmd+Q, log-off).

    By default, Qt would end ``QApplication.exec()``, in which the asyncio event loop runs. An event filter would
    also work, but Qt would call it for every event of every object.
    """

    quit_requested = Signal()

    @override
    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Quit:
            self.quit_requested.emit()
            return True
        return super().event(event)
