"""Garbage is collected on Qt's thread only, and in pauses too short to be seen.

Python's collector runs in whatever thread happens to allocate, so also in the one that stores: there it would
destroy Qt objects that were part of a cycle, and Qt does not survive a timer that is stopped from another thread.

What is there once the program has started stays to the end. It is set aside, or every full collection would go
through all modules and the whole window again. The journal keeps its rows in columns, so they hardly count.
"""

import gc

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QTimer

CHECK_MS = 1000


class GarbageCollector(QObject):
    """Takes over from Python's own for as long as it lives."""

    def __init__(self) -> None:
        super().__init__()
        gc.disable()
        self.set_aside()
        self._started = False
        self._timer = QTimer(self, interval=CHECK_MS)
        self._timer.timeout.connect(self.check)
        self._timer.start()

    def set_aside(self) -> None:
        """Never look again at what is there now: modules, say, most of all objects and no garbage among them."""
        gc.freeze()

    def close_down(self) -> None:
        """Collect what is left while Qt is still there to destroy its part, and give the work back."""
        self._timer.stop()
        gc.unfreeze()
        clear_out()
        gc.enable()

    def check(self) -> None:
        """Collect the generations whose thresholds are passed, as Python itself would.

        The first time the program has just started: its garbage goes, and what is left is set aside.
        """
        if not self._started:
            self._started = True
            gc.collect()
            gc.freeze()
            return
        counts, thresholds = gc.get_count(), gc.get_threshold()
        due = [number for number in range(3) if counts[number] > thresholds[number]]
        if due:
            gc.collect(max(due))


def clear_out() -> None:
    """Destroy what was asked to go and what nobody holds: at the end of Python the order would be anybody's."""
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
