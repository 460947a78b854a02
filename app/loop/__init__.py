"""The event loop of the tray program: an asyncio loop that runs in Qt's loop, so one thread serves both.

``new_loop`` returns a ``PumpedLoop``, which is faster than stock qasync. It returns stock qasync if that loop does
not work on this system, for example on Windows, or if the environment variable ``COMPANION_LOOP`` is ``qasync``.
Both are instances of ``qasync.QEventLoop``. Only the modules that start the program and tests import this package.
"""

import asyncio
import logging
import os
import selectors

from PySide6.QtCore import QCoreApplication

from app.loop.stock import StockLoop

log = logging.getLogger(__name__)

LOOP_VARIABLE = "COMPANION_LOOP"
"""Environment variable. The value ``qasync`` selects stock qasync."""


def new_loop(app: QCoreApplication) -> asyncio.AbstractEventLoop:
    """Return the event loop for the program. Its ``description`` says which loop it is, and why."""
    if reason := why_not_pumped():
        log.info("Using stock qasync: %s", reason)
        return stock_loop(app, reason)
    from app.loop.pumped import PumpedLoop

    return PumpedLoop(app)


def stock_loop(app: QCoreApplication, reason: str = "") -> asyncio.AbstractEventLoop:
    """Return stock qasync; ``reason`` says why the pumped loop is not used."""
    loop: asyncio.AbstractEventLoop = StockLoop(app)
    loop.description = f"stock qasync ({reason})" if reason else "stock qasync"  # type: ignore[attr-defined]
    return loop


def has_watchable_selector() -> bool:
    """Return whether the system's selector has a descriptor that Qt can watch. On Windows, it has not."""
    return hasattr(selectors.DefaultSelector, "fileno")


def why_not_pumped() -> str:
    """Return why the pumped loop cannot be used here; empty if it can."""
    if os.environ.get(LOOP_VARIABLE) == "qasync":
        return f"{LOOP_VARIABLE} selects it"
    if not has_watchable_selector():
        return "Qt cannot watch the selector of this system"
    try:
        from app.loop.self_test import missing_members, notifier_failure
    except (ImportError, AttributeError) as error:
        return f"asyncio or qasync has changed: {error}"
    return missing_members() or notifier_failure()
