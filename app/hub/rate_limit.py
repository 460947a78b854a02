"""Limit a rate, such as that of a client's frames, with a token bucket: first a warning, then ``EXCEEDED``.
The caller acts on the returned decision, for example closes the connection. ``RateMemory`` keeps the limiters of
disconnected clients, so that reconnecting does not reset a client's rate.
"""

from enum import Enum
from typing import NamedTuple

WARNING_S = 10.0
"""If a client exceeds its rate again within this time after a warning, its connection is closed."""
BYTES_PER_FRAME = 1024
"""A larger frame counts as several: one per this many bytes, since parsing takes time in proportion to the size."""
RECONNECT_DELAY_S = 1.0
"""A client whose connection was closed for this reason may reconnect after this time."""
MAX_REMEMBERED = 256
"""At most this many disconnected clients are remembered."""


class RateDecision(Enum):
    """What to do with a frame."""

    ALLOWED = 0
    WARN = 1
    EXCEEDED = 2


class RateLimiter:
    """Allow ``rate`` frames per second, and bursts of twice as many. All times are monotonic seconds."""

    def __init__(self, rate: float, now: float) -> None:
        self.rate = rate
        self._tokens = 2 * rate
        self._refilled_at = now
        self._warned_at = self._exceeded_at = float("-inf")

    def take(self, now: float, cost: float = 1) -> RateDecision:
        """Count a frame that costs ``cost`` tokens, and return what to do with it."""
        # The same as tokens(), inlined because this runs for every frame.
        self._tokens = tokens = min(2 * self.rate, self._tokens + (now - self._refilled_at) * self.rate) - cost
        self._refilled_at = now
        if tokens >= 0:
            return RateDecision.ALLOWED
        if now - self._warned_at < WARNING_S:
            self._tokens = 0  # a rejected frame is not parsed, so it costs nothing
            self._exceeded_at = now
            return RateDecision.EXCEEDED
        self._warned_at = now
        self._tokens = 2 * self.rate
        return RateDecision.WARN

    def tokens(self, now: float) -> float:
        """Return how many frames are allowed now."""
        return min(2 * self.rate, self._tokens + (now - self._refilled_at) * self.rate)

    def recovered(self, now: float) -> bool:
        """Return whether this limiter equals a new one: a full bucket, and no recent warning."""
        return self.tokens(now) >= 2 * self.rate and now - self._warned_at >= WARNING_S

    def admission_delay(self, now: float) -> float:
        """Return how many seconds a reconnecting client has to wait; 0 unless it was just closed."""
        return max(0.0, self._exceeded_at + RECONNECT_DELAY_S - now)


class ClientKey(NamedTuple):
    """The properties that identify a client across connections, as far as the protocol allows."""

    origin: str
    user_agent: str
    username: str


class RateMemory:
    """Keep the limiters of disconnected clients, so that reconnecting does not reset a client's rate.

    A limiter is removed when it has recovered. If there are too many, the oldest one is removed.
    """

    def __init__(self, capacity: int = MAX_REMEMBERED) -> None:
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
