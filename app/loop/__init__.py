"""The event loop under the window: asyncio's own, turned by Qt.

Only composition roots come here, and whoever needs a loop that serves sockets and windows.
"""

import asyncio
import os
import selectors

from PySide6.QtCore import QCoreApplication


def pumps_here() -> bool:
    """Return whether this system has a selector that Qt can watch (Linux, macOS and the BSDs have)."""
    return hasattr(selectors.DefaultSelector, "fileno")


def new_loop(app: QCoreApplication) -> asyncio.AbstractEventLoop:
    """Return the pumped loop, or qasync's where that cannot be."""
    if pumps_here():
        from app.loop.pumped import PumpedLoop

        return PumpedLoop(app)
    return plain_qasync(app)


def plain_qasync(app: QCoreApplication) -> asyncio.AbstractEventLoop:
    """Return qasync's loop as it is: the one for Windows."""
    os.environ["QT_API"] = "pyside6"  # otherwise it takes the first Qt it finds
    from qasync import QEventLoop

    loop: asyncio.AbstractEventLoop = QEventLoop(app)
    return loop
