"""Define the limits of breakpoints, the directions that one can hold, and the actions on a held item.
A breakpoint holds events, client frames or REST calls that match a filter, until a decision or a timeout. This
module holds nothing: ``interceptors.breakpoints`` does. The command line, control API and window use it too.
"""

from enum import StrEnum

DEFAULT_TIMEOUT_S = 60.0
MIN_TIMEOUT_S, MAX_TIMEOUT_S = 0.001, 600.0
"""Seconds after which a held item continues by itself."""
MAX_BREAKPOINTS = 100
MAX_HELD = 100
"""Maximum number of held items. Further ones continue at once."""
MAX_HELD_BYTES = 16 * 1024 * 1024
"""Maximum size of the payloads of all held items."""
MAX_HITS = 1_000_000


class BreakpointDirection(StrEnum):
    """Which causes a breakpoint holds: events to the UI, client frames, REST calls, or all of them."""

    ALL = "all"
    TO_UI = "to_ui"
    FROM_UI = "from_ui"
    REST = "rest"


class HeldAction(StrEnum):
    """What to do with a held item."""

    CONTINUE = "continue"
    MODIFY = "modify"
    DROP = "drop"
    INJECT = "inject"
    CLOSE = "close"
