"""The QApplication of the program: a quit request of the system becomes a signal."""

from PySide6.QtCore import QEvent, Signal
from PySide6.QtWidgets import QApplication
from typing_extensions import override


class Application(QApplication):
    """Emit ``quit_requested`` if the system asks the program to quit (Cmd+Q, log-off).

    Qt's own quit would break the event loop. An event filter would do the same, but Qt would call it for every
    event of every object.
    """

    quit_requested = Signal()

    @override
    def event(self, event: QEvent) -> bool:
        """Qt asks; only what is meant for the application itself comes here."""
        if event.type() == QEvent.Type.Quit:
            self.quit_requested.emit()
            return True
        return super().event(event)
