"""Test whether ``PumpedLoop``, the event loop of asyncio inside Qt's, works with the installed Python and Qt.
``missing_members`` looks for the private members of asyncio that the loop uses, and ``notifier_failure`` tries
whether Qt can watch a selector. Both return the reason, or an empty text. They are called at start.
"""

import asyncio
import selectors
import socket
from contextlib import closing

from PySide6.QtCore import QEventLoop, QSocketNotifier, QTimer

from app.loop.pumped import LOOP_MEMBERS, TIMER_MEMBERS

NOTIFIER_TIMEOUT_MS = 100
"""How long Qt may take to report a readable descriptor. It takes less than 1 ms if it works."""


def missing_members() -> str:
    """Return an error that names the private members of asyncio that the pumped loop needs and that are missing.

    The text is empty if none is missing.
    """
    handle = asyncio.TimerHandle
    with closing(asyncio.SelectorEventLoop()) as loop:
        places = ((loop, "loop", LOOP_MEMBERS), (handle, "timer handle", TIMER_MEMBERS))
        missing = [
            f"{place}.{name}" for owner, place, names in places for name in names if not hasattr(owner, name)
        ]
    return f"this version of asyncio lacks {', '.join(missing)}" if missing else ""


def notifier_failure() -> str:
    """Return why Qt cannot watch the system's selector; an empty text if it can.

    Makes a descriptor in a selector readable, and waits until a ``QSocketNotifier`` reports it.
    """
    reader, writer = socket.socketpair()
    loop = QEventLoop()
    reported = False

    def report() -> None:
        nonlocal reported
        reported = True
        loop.quit()

    with reader, writer, selectors.DefaultSelector() as selector:
        selector.register(reader, selectors.EVENT_READ)
        notifier = QSocketNotifier(selector.fileno(), QSocketNotifier.Type.Read)
        notifier.activated.connect(report)
        timeout = QTimer(singleShot=True)
        timeout.timeout.connect(loop.quit)
        timeout.start(NOTIFIER_TIMEOUT_MS)
        writer.send(b".")
        loop.exec(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)
        notifier.setEnabled(False)
        timeout.stop()
    return "" if reported else f"Qt did not report a readable descriptor within {NOTIFIER_TIMEOUT_MS} ms"
