"""Close all clients several times, with a pause after each time, so that a UI has to reconnect again and again.
The window *Refuse connections* starts and stops such a series, which a timer runs.
"""

from PySide6.QtCore import QObject, QTimer, Signal

from app.hub.hub import Hub

MAX_TIMES = 1000
MAX_PAUSE_S = 600


class ClientFlapping(QObject):
    """One series at a time. ``changed`` is emitted after each time, and when the series ends."""

    changed = Signal()

    def __init__(self, hub: Hub, parent: QObject) -> None:
        super().__init__(parent)
        self._hub = hub
        self._code = 0
        self.times = self.done = 0
        self.closed = 0
        """How many clients were connected the last time, and closed."""
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._close_clients)

    @property
    def is_running(self) -> bool:
        """Whether the clients will be closed again."""
        return self._timer.isActive()

    def start(self, times: int, every_s: int, code: int) -> None:
        """Close all clients now, and ``times`` - 1 times more, each ``every_s`` seconds after the time before."""
        self.times, self.done, self._code = times, 0, code
        self._timer.start(every_s * 1000)
        self._close_clients()

    def stop(self) -> None:
        """Close no more clients."""
        if self.is_running:
            self._timer.stop()
            self.changed.emit()

    def _close_clients(self) -> None:
        clients = list(self._hub.clients)
        for each in clients:
            each.close(self._code, "")
        self.closed = len(clients)
        self.done += 1
        if self.done >= self.times:
            self._timer.stop()
        self.changed.emit()
