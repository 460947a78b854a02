"""Delays between attempts after failures: at least as long as the server asks for.
They double up to a limit; a random share is added, so that the companions of a project do not all call the server
at once.
"""

from random import Random

FIRST_S = 5.0
LAST_S = 900.0
SPREAD = 0.2
"""Each delay is longer by a random share of up to this."""


class BackOff:
    """The delay before the next attempt. ``seed`` decides the random share."""

    def __init__(self, seed: str) -> None:
        self._random = Random(seed)
        self.failures = 0
        """Number of failures since the last success."""

    def succeeded(self) -> None:
        """Begin again with the first delay."""
        self.failures = 0

    def failed(self, retry_after_s: float | None = None) -> float:
        """Count a failure. Return the seconds to wait, at least those that the server asks for."""
        delay = min(FIRST_S * 2.0 ** min(self.failures, 16), LAST_S)
        self.failures += 1
        return max(delay * (1 + SPREAD * self._random.random()), retry_after_s or 0.0)
