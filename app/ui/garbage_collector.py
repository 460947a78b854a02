"""Run Python's garbage collector from a timer on Qt's thread, instead of in whichever thread allocates.
Once a second it collects the generations that have passed Python's thresholds.

Automatic collection could destroy Qt objects of a reference cycle in another thread, e.g. the storage thread, and
Qt crashes if a timer is stopped from another thread.

Most objects that exist once the program has started live until it ends. They are frozen (``gc.freeze``), so that a
full collection does not traverse all modules and the whole window each time. The journal stores its rows in
columns, so they add few objects.
"""

import gc

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QTimer

CHECK_MS = 1000


class GarbageCollector(QObject):
    """Replace Python's automatic collection from creation until ``close_down``."""

    def __init__(self) -> None:
        super().__init__()
        gc.disable()
        self.freeze()
        self._started = False
        self._timer = QTimer(self, interval=CHECK_MS)
        self._timer.timeout.connect(self.check)
        self._timer.start()

    def freeze(self) -> None:
        """Exclude all current objects from later collections. Most are modules; almost none are garbage."""
        gc.freeze()

    def close_down(self) -> None:
        """Collect the remaining objects while Qt can still destroy its part, and turn automatic collection on."""
        self._timer.stop()
        gc.unfreeze()
        collect_all()
        gc.enable()

    def check(self) -> None:
        """Collect the generations that have passed Python's thresholds.

        The first call comes right after the start: collect everything, then freeze the rest.
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


def collect_all() -> None:
    """Destroy unreferenced objects and those scheduled with ``deleteLater``.

    Otherwise they would be destroyed at interpreter exit, in an undefined order.
    """
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
