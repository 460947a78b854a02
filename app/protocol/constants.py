"""Constants of the guide, the UI's specification, such as the URL of the event server, the delays of reconnects and
the typing timeouts. Those that its Appendix B lists have the same names here. ``reconnect_delay_ms`` computes the
delay before a reconnect.
"""

import math

WS_URL = "ws://127.0.0.1:8081/events"
"""The URL that the UI connects to (guide §1)."""
WS_RECONNECT_DELAY_MS = 3_000
"""Delay before the first reconnect."""
WS_RECONNECT_FACTOR = 1.5
"""Factor by which the delay grows per attempt; part of the guide's ``scheduleReconnect()``."""
MAX_GROWTH = 100
"""The delay grows up to this attempt."""
WS_MAX_RECONNECT_ATTEMPTS = 10
"""The UI gives up after this many failed attempts."""
TYPING_DEBOUNCE_MS = 1_000
"""A UI sends ``typing: true`` at most this often."""
TYPING_TIMEOUT_MS = 5_000
"""A UI hides its typing indicator after this long without a new event."""

EVENTS_PATH = "/events"
SERVER_HEADER = "p2p-chat-ws/0.1"
"""The ``Server`` response header (guide §4.5)."""


def reconnect_delay_ms(attempt: int) -> int:
    """Return the delay in whole milliseconds before reconnect ``attempt`` (1-based), as in the table of §1.

    Rounds halves up, like JavaScript's ``Math.round``. Attempts far beyond the last one have the same delay.
    """
    attempt = min(
        attempt, MAX_GROWTH
    )  # the power of a program that retries for ever would be too large for a float
    return math.floor(WS_RECONNECT_DELAY_MS * WS_RECONNECT_FACTOR ** (attempt - 1) + 0.5)
