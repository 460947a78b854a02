"""Find out at start whether the pumped loop works with this Python, this qasync and this Qt."""

import asyncio
import selectors
import socket
from contextlib import closing

from PySide6.QtCore import QEventLoop, QSocketNotifier, QTimer

from app.loop.pumped import LOOP_MEMBERS, TIMER_MEMBERS

PATIENCE_MS = 100
"""How long Qt may take to report a descriptor that is readable already. It takes less than 1 ms where it works."""


def missing_members() -> str:
    """Return which private members of asyncio the pumped loop needs and does not find; empty if it finds all."""
    handle = asyncio.TimerHandle
    with closing(asyncio.SelectorEventLoop()) as loop:
        places = ((loop, "loop", LOOP_MEMBERS), (handle, "timer handle", TIMER_MEMBERS))
        missing = [
            f"{place}.{name}" for owner, place, names in places for name in names if not hasattr(owner, name)
        ]
    return f"asyncio has no {', '.join(missing)} any more" if missing else ""


def silent_notifier() -> str:
    """Return why Qt cannot watch the system's selector; empty if it can.

    Makes a descriptor of a selector readable and waits until a notifier reports it.
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
        timeout.start(PATIENCE_MS)
        writer.send(b".")
        loop.exec(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)
        notifier.setEnabled(False)
        timeout.stop()
    return "" if reported else f"Qt did not report a readable descriptor within {PATIENCE_MS} ms"
