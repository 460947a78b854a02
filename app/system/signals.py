"""Ctrl+C, SIGTERM and their Windows twins, as one call."""

import asyncio
import signal
import sys
from collections.abc import Callable

WAKE_UP_S = 0.25


def on_stop(loop: asyncio.AbstractEventLoop, stop: Callable[[], object]) -> None:
    """Call ``stop`` on the loop's thread when the user or the system asks this process to end."""
    if sys.platform == "win32":
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGBREAK):
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))
        _let_python_notice(loop)
    else:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, stop)


def ignore_more(loop: asyncio.AbstractEventLoop) -> None:
    """Let a second Ctrl+C or SIGTERM not disturb the end that the first one began."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    if sys.platform != "win32":
        numbers.append(signal.SIGHUP)
        for number in numbers:
            loop.remove_signal_handler(number)
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)


def _let_python_notice(loop: asyncio.AbstractEventLoop) -> None:
    """Wake up now and then: an idle Qt loop runs no Python, and so no handler either."""
    loop.call_later(WAKE_UP_S, _let_python_notice, loop)
