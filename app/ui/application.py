"""The QApplication of the program, which emits a signal when the operating system asks the program to quit.
Qt itself would end the event loop. Instead, ``desktop/tray_app.py`` receives the signal and shuts the program down
in order.
"""

from PySide6.QtCore import QEvent, Signal
from PySide6.QtWidgets import QApplication
from typing_extensions import override


class Application(QApplication):
    """Emit ``quit_requested`` if the system asks the program to quit (Cmd+Q, log-off).

    At log-off, Windows ends the process soon after this signal: see ``TrayApp``, which uses ``aboutToQuit`` there.
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
