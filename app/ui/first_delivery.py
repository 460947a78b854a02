"""Watch the journal until an event that the user or a program fired has reached a client, and report its row once.
Events fired in the window, in the tray menu or by the control API (also by commands) count; those of scenarios and
sources do not. The panel *First steps*, which new users see, uses it to mark its last step as done.
"""

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

from app.hub.journal import Journal, Kind, Row
from app.hub.origin import Origin

DELAY_MS = 200
MAX_ROWS = 2_000
"""At most this many rows, the newest ones, are read after each delay."""


class FirstDelivery(QObject):
    """Call ``found`` with the first row of a fired event that reached a client, an earlier one included.

    While frames flow, the journal is read once per delay, so a row costs nothing. After ``found``, it is not read.
    """

    def __init__(self, journal: Journal, found: Callable[[Row], object]) -> None:
        super().__init__()
        self._journal = journal
        self._found = found
        self._seen = max(0, journal.last_seq - MAX_ROWS)
        self._open = True
        self._timer = QTimer(self, interval=DELAY_MS, singleShot=True)
        self._timer.timeout.connect(self._read)

    def start(self) -> None:
        """Begin to watch. ``found`` may be called immediately."""
        self._read()

    def close(self) -> None:
        """Stop watching."""
        self._open = False
        self._timer.stop()

    def _read(self) -> None:
        rows = self._journal.after(max(self._seen, self._journal.last_seq - MAX_ROWS))
        self._seen = self._journal.last_seq
        for row in rows:
            if row.kind is Kind.TO_UI and row.recipients and Origin(row.origin).injected:
                self._open = False
                self._found(row)
                return
        self._journal.once(self._on_row)

    def _on_row(self) -> None:
        if self._open:
            self._timer.start()
