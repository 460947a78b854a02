"""Let SIGTERM, SIGHUP and Ctrl+Break raise ``KeyboardInterrupt``: a command cleans up as it does after Ctrl+C.
``interrupts_delayed`` raises it later: when the answer has arrived that says what to clean up.
"""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from app.system.terminal import say

STOPPING = "Stopping; press Ctrl+C again to end at once."
"""The answer of the companion may take a while."""


@contextmanager
def interrupted_by_signals() -> Iterator[None]:
    """Let SIGTERM, SIGHUP and Ctrl+Break raise ``KeyboardInterrupt`` in the main thread, as Ctrl+C does.

    SIGHUP stays ignored if it is, for example by ``nohup``.
    """
    numbers = [signal.SIGTERM]
    if sys.platform == "win32":
        numbers.append(signal.SIGBREAK)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, signal.default_int_handler) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def interrupts_delayed(*, quiet: bool = False) -> Iterator[None]:
    """Delay the ``KeyboardInterrupt`` of Ctrl+C and other signals to the end of the block, except for a second one.

    This is for a request that starts something in the companion. Unless ``quiet``, Ctrl+C prints that it was seen.
    """
    known = (getattr(signal, name, None) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"))
    numbers = [each for each in known if each and signal.getsignal(each) is signal.default_int_handler]
    received = False

    def note(number: int, _: object) -> None:
        nonlocal received
        if received:
            raise KeyboardInterrupt
        received = True
        if number == signal.SIGINT and not quiet:
            with suppress(OSError):  # the terminal may be gone
                say(STOPPING)

    try:
        for number in numbers:
            signal.signal(number, note)
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.default_int_handler)
        if received:
            raise KeyboardInterrupt
