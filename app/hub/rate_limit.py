"""Limit how fast a client may send: a token bucket with one warning, remembered across reconnects."""

from enum import Enum
from typing import NamedTuple

WARNING_S = 10.0
"""If a client exceeds its rate again this soon after a warning, its connection is closed."""
BYTES_PER_FRAME = 1024
"""A larger frame counts as several: one per this many bytes, since parsing takes time in proportion to the size."""
RECONNECT_DELAY_S = 1.0
"""A client that was closed for exceeding its rate is admitted again this long afterwards."""
REMEMBERED = 256
"""Disconnected clients whose rate is remembered at a time."""


class RateDecision(Enum):
    """What to do with a frame."""

    ALLOWED = 0
    WARN = 1
    EXCEEDED = 2


class RateLimiter:
    """Allow ``rate`` frames per second, and twice as many at once. All times are monotonic seconds."""

    def __init__(self, rate: float, now: float) -> None:
        self.rate = rate
        self._tokens = 2 * rate
        self._refilled_at = now
        self._warned_at = self._exceeded_at = float("-inf")

    def take(self, now: float, cost: float = 1) -> RateDecision:
        """Count one frame, or as many as ``cost`` says."""
        # The same as tokens(), in place: every frame passes here.
        self._tokens = tokens = min(2 * self.rate, self._tokens + (now - self._refilled_at) * self.rate) - cost
        self._refilled_at = now
        if tokens >= 0:
            return RateDecision.ALLOWED
        if now - self._warned_at < WARNING_S:
            self._tokens = 0  # what is rejected is not parsed either
            self._exceeded_at = now
            return RateDecision.EXCEEDED
        self._warned_at = now
        self._tokens = 2 * self.rate
        return RateDecision.WARN

    def tokens(self, now: float) -> float:
        """Return how many frames are allowed at once."""
        return min(2 * self.rate, self._tokens + (now - self._refilled_at) * self.rate)

    def recovered(self, now: float) -> bool:
        """Return whether this is as good as a new limiter: a full bucket, and no recent warning."""
        return self.tokens(now) >= 2 * self.rate and now - self._warned_at >= WARNING_S

    def admission_delay(self, now: float) -> float:
        """Return how many seconds a reconnecting client has to wait: 0 unless it was just closed."""
        return max(0.0, self._exceeded_at + RECONNECT_DELAY_S - now)


class ClientKey(NamedTuple):
    """What identifies a client across connections, as far as the protocol allows."""

    origin: str
    user_agent: str
    username: str


class RateMemory:
    """The limiters of clients that have disconnected, so that a reconnect does not reset a client's rate.

    A limiter is forgotten when it has recovered, and the oldest one is if there are too many.
    """

    def __init__(self, capacity: int = REMEMBERED) -> None:
        self._capacity = capacity
        self._limiters: dict[ClientKey, RateLimiter] = {}

    def __len__(self) -> int:
        return len(self._limiters)

    def limiter(self, key: ClientKey, rate: float, now: float) -> RateLimiter:
        """Return the limiter for a new connection of this client.

        While one is remembered, all new connections of the client share it.
        """
        known = self._limiters.get(key)
        if known is None or known.recovered(now):
            self._limiters.pop(key, None)
            return RateLimiter(rate, now)
        known.rate = rate
        return known

    def remember(self, key: ClientKey, limiter: RateLimiter, now: float) -> None:
        """Keep the limiter of a client that has disconnected or is about to."""
        if limiter.recovered(now):
            return
        known = self._limiters.get(key)
        if known is None and len(self._limiters) >= self._capacity:
            self._make_room(now)
        if known is None or limiter.tokens(now) < known.tokens(now):
            self._limiters[key] = limiter

    def admission_delay(self, key: ClientKey, now: float) -> float:
        """Return how many seconds a connecting client has to wait."""
        known = self._limiters.get(key)
        return known.admission_delay(now) if known else 0.0

    def _make_room(self, now: float) -> None:
        for key in [key for key, limiter in self._limiters.items() if limiter.recovered(now)]:
            del self._limiters[key]
        if len(self._limiters) >= self._capacity:
            del self._limiters[next(iter(self._limiters))]
