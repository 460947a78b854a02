"""The guide's constants, by the names of Appendix B, and what follows from them."""

import math

WS_URL = "ws://127.0.0.1:8081/events"
"""Where the UI connects (guide §1)."""
WS_RECONNECT_DELAY_MS = 3_000
"""Base of the reconnect delay."""
WS_RECONNECT_FACTOR = 1.5
"""Growth per attempt; the guide has it inside ``scheduleReconnect()``."""
WS_MAX_RECONNECT_ATTEMPTS = 10
"""Give up after this many failures."""
TYPING_DEBOUNCE_MS = 1_000
"""A UI sends ``typing: true`` at most this often."""
TYPING_TIMEOUT_MS = 5_000
"""A UI hides its typing indicator after this long without a new event."""

EVENTS_PATH = "/events"
SERVER_HEADER = "p2p-chat-ws/0.1"
"""The ``Server`` response header (guide §4.5)."""


def reconnect_delay_ms(attempt: int) -> int:
    """Return the delay in whole milliseconds before reconnect ``attempt`` (1-based), as in the table of §1.

    Rounds halves up, like JavaScript's ``Math.round``.
    """
    return math.floor(WS_RECONNECT_DELAY_MS * WS_RECONNECT_FACTOR ** (attempt - 1) + 0.5)
