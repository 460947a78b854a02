"""The event loop of the tray program: a qasync loop, so that one thread serves sockets and windows.

``new_loop`` returns a ``PumpedLoop`` where it works, and stock qasync otherwise. Both are ``qasync.QEventLoop``.
Only composition roots and tests import this package.
"""

import asyncio
import logging
import os
import selectors

from PySide6.QtCore import QCoreApplication

from app.loop.stock import StockLoop

log = logging.getLogger(__name__)

LOOP_VARIABLE = "COMPANION_LOOP"
"""Environment variable. ``qasync`` selects stock qasync."""


def new_loop(app: QCoreApplication) -> asyncio.AbstractEventLoop:
    """Return the loop to run the program on. Its ``description`` says which one it is, and why."""
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
    """Return whether Qt can watch the system's selector. Linux, macOS and the BSDs have one, Windows has not."""
    return hasattr(selectors.DefaultSelector, "fileno")


def why_not_pumped() -> str:
    """Return why the pumped loop cannot be used here; empty if it can."""
    if os.environ.get(LOOP_VARIABLE) == "qasync":
        return f"{LOOP_VARIABLE} asks for it"
    if not has_watchable_selector():
        return "this system has no selector that Qt can watch"
    try:
        from app.loop.self_test import missing_members, silent_notifier
    except (ImportError, AttributeError) as error:
        return f"asyncio or qasync has changed: {error}"
    return missing_members() or silent_notifier()
