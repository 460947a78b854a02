"""Qt's application, as the loop needs it."""

from PySide6.QtCore import QEvent, Signal
from PySide6.QtWidgets import QApplication
from typing_extensions import override


class Application(QApplication):
    """Turns the system's wish to quit (Cmd+Q, log-off) into ours: Qt's own would break the loop.

    A filter would do the same, but Qt would ask it about every event of every object.
    """

    quit_wanted = Signal()

    @override
    def event(self, event: QEvent) -> bool:
        """Qt asks; only what is meant for the application itself comes here."""
        if event.type() == QEvent.Type.Quit:
            self.quit_wanted.emit()
            return True
        return super().event(event)
