"""Call a callback when the process is asked to end: by Ctrl+C, SIGTERM, SIGHUP or, on Windows, a closed console.
``on_input_end`` calls one when standard input ends; ``companion serve --stop-with-stdin`` uses it. ``ignore_more``
ignores signals during the shutdown.
"""

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

WAKE_UP_S = 0.25
CLOSE = 2
"""The event of a closed console. Windows ends the process within 5 s, or as soon as all handlers have returned.

At log-off and shutdown, Windows ends this process without an event, because ``ctypes`` loads ``user32.dll``.
"""
CONSOLE_CLOSE_S = 4.5


def on_stop(loop: asyncio.AbstractEventLoop, stop: Callable[[], object]) -> None:
    """Call ``stop`` on the loop's thread when the user or the system asks this process to end.

    SIGHUP stays ignored if it is, for example by ``nohup``.
    """
    if sys.platform == "win32":
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGBREAK):
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))
        _let_python_notice(loop)
        _set_console_handler(console_handler(loop, stop))
    else:
        hang_up = [signal.SIGHUP] if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN else []
        for number in (signal.SIGINT, signal.SIGTERM, *hang_up):
            loop.add_signal_handler(number, stop)


def on_input_end(loop: asyncio.AbstractEventLoop, stop: Callable[[], object], descriptor: int = 0) -> None:
    """Call ``stop`` on the loop's thread when standard input ends: at once if it has no content or is closed.

    A pipe ends with the process at its other end, even if that process is killed. The input is ignored.
    """

    def read() -> None:
        with suppress(OSError):  # there is no standard input
            while os.read(descriptor, 4096):
                pass
        with suppress(RuntimeError):  # the loop is closed already
            loop.call_soon_threadsafe(stop)

    # A daemon, because a read of a pipe cannot be interrupted. `os.read` holds no lock of the interpreter.
    threading.Thread(target=read, name="standard input", daemon=True).start()


def ignore_more(loop: asyncio.AbstractEventLoop) -> None:
    """Ignore further signals, so that a second Ctrl+C does not interrupt the shutdown."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    if sys.platform == "win32":
        numbers.append(signal.SIGBREAK)
    else:
        numbers.append(signal.SIGHUP)
        for number in numbers:
            loop.remove_signal_handler(number)
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)


def _let_python_notice(loop: asyncio.AbstractEventLoop) -> None:
    """Wake up the loop every ``WAKE_UP_S``: an idle Qt loop runs no Python code, and so no signal handler."""
    loop.call_later(WAKE_UP_S, _let_python_notice, loop)


def console_handler(loop: asyncio.AbstractEventLoop, stop: Callable[[], object]) -> Callable[[int], bool]:
    """Return a handler for console events that ends the program cleanly when its console is closed.

    Windows calls it on a thread of its own. It does not return before the program has ended, because Windows ends
    the process as soon as it returns.
    """

    def handle(event: int) -> bool:
        if event != CLOSE:
            return False  # Ctrl+C and Ctrl+Break are signals
        with suppress(RuntimeError):  # the loop is closed already
            loop.call_soon_threadsafe(stop)
        time.sleep(CONSOLE_CLOSE_S)
        return True

    return handle


_handlers: list[object] = []
"""References to the registered handlers, which ctypes would free otherwise."""


def _set_console_handler(handle: Callable[[int], bool]) -> None:
    if sys.platform == "win32":
        import ctypes
        from ctypes import wintypes

        handler = ctypes.WINFUNCTYPE(wintypes.BOOL, wintypes.DWORD)(handle)
        _handlers.append(handler)
        ctypes.windll.kernel32.SetConsoleCtrlHandler(handler, True)
