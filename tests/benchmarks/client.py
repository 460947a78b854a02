"""The load client's end in Python: connections to one server, and what a load on them cost that server."""

import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from tests.benchmarks.build import compiled
from tests.benchmarks.child import Child

WINDOW = 1024
"""How many events a client may be behind in ``paced`` and ``tick``: 256 KB, which the companion may hold."""
UNCORKED_WINDOW = 256
"""What a socket of the companion's holds of single frames; beyond it a server queues instead of sending."""
JOIN_S = 300.0
"""So long may connecting take: a window that looks at all clients for each that comes is slow with a thousand."""
SETTLE_S = 0.06
"""A window that repaints after the last frame pays for it within this time."""
CATCH_UP_MS = 4000
SHARED = Path("/dev/shm")


class Cost(NamedTuple):
    """``us``: server CPU per delivery in µs. ``per_s``: deliveries per second. ``share``: of all, how many came.

    ``p50``, ``p99``, ``worst``: latency in ms. ``delivered``: frames.
    """

    us: float
    per_s: float
    share: float
    p50: float
    p99: float
    worst: float
    delivered: int


class Link:
    """Connections to one server. Leaving the ``with`` closes them."""

    def __init__(
        self, server: Child, port: int, *, listeners: int = 0, pairs: int = 0, stalled: int = 0, sample: int = 1
    ) -> None:
        self.server = server
        self.listeners = listeners
        self._page = tempfile.NamedTemporaryFile(dir=SHARED if SHARED.is_dir() else None)  # noqa: SIM115
        self._page.write(bytes(4096))
        self._page.flush()
        numbers = map(str, (port, self._page.name, listeners, pairs, stalled, sample))
        self._client = Child("load client", [compiled("client.c"), *numbers])
        try:
            self._client.answer(JOIN_S)
            server.calm_down()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.end()
        self._page.close()

    def paced(self, ms: int) -> Cost:
        """One event per turn of the server's loop, for ``ms``."""
        return self._broadcast(("paced", ms, WINDOW))

    def uncorked(self, ms: int) -> Cost:
        """The same, and the server may not gather events to send them together."""
        return self._broadcast(("uncorked", ms, UNCORKED_WINDOW))

    def tick(self, ms: int) -> Cost:
        """20 events per turn of the loop."""
        return self._broadcast(("tick", ms, WINDOW))

    def burst(self, count: int) -> Cost:
        """``count`` events at once."""
        return self._broadcast(("burst", count), catch_up_ms=60_000)

    def rate(self, per_s: int, ms: int) -> Cost:
        """``per_s`` events per second."""
        return self._broadcast(("rate", per_s, ms))

    def echo(self, ms: int) -> Cost:
        """Every sender types again as soon as its receiver has heard of it."""
        self._client.ask("reset")
        before, began = self.server.cpu(), time.monotonic()
        told = self._client.ask("echo", ms)
        took = time.monotonic() - began
        time.sleep(SETTLE_S)
        return _cost(told, told["heard"], told["heard"], self.server.cpu() - before, took)

    def flood(self, count: int) -> Cost:
        """Every sender types ``count`` frames to nobody."""
        self._client.ask("reset")
        before, began = self.server.cpu(), time.monotonic()
        told = self._client.ask("flood", count)
        took = time.monotonic() - began
        time.sleep(SETTLE_S)
        return _cost(told, count * told["heard"], count * told["heard"], self.server.cpu() - before, took)

    def _broadcast(self, command: tuple[object, ...], catch_up_ms: int = CATCH_UP_MS) -> Cost:
        self._client.ask("reset")
        self.server.ask("ledger", self._page.name)
        before, began = self.server.cpu(), time.monotonic()
        did = self.server.ask(*command)
        told = self._client.ask("wait", did["sent"] * self.listeners, catch_up_ms)
        took = time.monotonic() - began
        time.sleep(SETTLE_S)
        wanted = did.get("due", did["sent"]) * self.listeners
        return _cost(told, told["frames"], wanted, self.server.cpu() - before, took)


def _cost(told: dict[str, Any], delivered: int, wanted: int, cpu_s: float, took_s: float) -> Cost:
    share = delivered / wanted if wanted else 0.0
    p50, p99, worst = (told[name] / 1e6 for name in ("p50", "p99", "max"))
    return Cost(cpu_s * 1e6 / max(delivered, 1), delivered / took_s, share, p50, p99, worst, delivered)
