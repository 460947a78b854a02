"""The QApplication of the program. It emits a signal if the operating system asks the program to quit."""

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
