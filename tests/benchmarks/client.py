"""Control the load client: connect it to a server, run a load, and measure what it costs the server."""

import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from tests.benchmarks.build import compiled
from tests.benchmarks.child import Child

WINDOW = 1024
"""Maximum backlog of a client in events, for ``paced`` and ``tick``: 256 KB, less than the companion's buffers."""
UNCORKED_WINDOW = 256
"""The same for ``uncorked``: single frames that fit into the socket buffer. More would be queued, not sent."""
JOIN_S = 300.0
"""Timeout of connecting. A window that updates its list of all clients for each new one is slow with a thousand."""
SETTLE_S = 0.06
"""Wait for the repaint after the last frame, whose CPU time counts."""
CATCH_UP_MS = 4000
SHARED = Path("/dev/shm")


class Cost(NamedTuple):
    """``us``: server CPU per delivery in µs. ``per_s``: deliveries per second.

    ``share``: delivered share of the frames that were due. ``delivered``: frames. ``p50``, ``p99``, ``worst``:
    latency in ms.
    """

    us: float
    per_s: float
    share: float
    p50: float
    p99: float
    worst: float
    delivered: int


class Link:
    """Connections to one server. The end of the ``with`` statement closes them."""

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
            self._client.read_response(JOIN_S)
            server.wait_until_idle()
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
        """Send one event per iteration of the server's loop, for ``ms``."""
        return self._broadcast(("paced", ms, WINDOW))

    def uncorked(self, ms: int) -> Cost:
        """Like ``paced``, but the server must send each event at once, without batching."""
        return self._broadcast(("uncorked", ms, UNCORKED_WINDOW))

    def tick(self, ms: int) -> Cost:
        """Send 20 events per iteration of the loop, for ``ms``."""
        return self._broadcast(("tick", ms, WINDOW))

    def burst(self, count: int) -> Cost:
        """Send ``count`` events at once."""
        return self._broadcast(("burst", count), catch_up_ms=60_000)

    def rate(self, per_s: int, ms: int) -> Cost:
        """Send ``per_s`` events per second, for ``ms``."""
        return self._broadcast(("rate", per_s, ms))

    def echo(self, ms: int) -> Cost:
        """Each sender types again as soon as its receiver has received the frame, for ``ms``."""
        self._client.request("reset")
        before, began = self.server.cpu(), time.monotonic()
        result = self._client.request("echo", ms)
        took = time.monotonic() - began
        time.sleep(SETTLE_S)
        return _cost(result, result["received"], result["received"], self.server.cpu() - before, took)

    def flood(self, count: int) -> Cost:
        """Each sender sends ``count`` typing frames without a recipient."""
        self._client.request("reset")
        before, began = self.server.cpu(), time.monotonic()
        result = self._client.request("flood", count)
        took = time.monotonic() - began
        time.sleep(SETTLE_S)
        return _cost(
            result, count * result["received"], count * result["received"], self.server.cpu() - before, took
        )

    def _broadcast(self, command: tuple[object, ...], catch_up_ms: int = CATCH_UP_MS) -> Cost:
        self._client.request("reset")
        self.server.request("ledger", self._page.name)
        before, began = self.server.cpu(), time.monotonic()
        load = self.server.request(*command)
        result = self._client.request("wait", load["sent"] * self.listeners, catch_up_ms)
        took = time.monotonic() - began
        time.sleep(SETTLE_S)
        wanted = load.get("due", load["sent"]) * self.listeners
        return _cost(result, result["frames"], wanted, self.server.cpu() - before, took)


def _cost(result: dict[str, Any], delivered: int, wanted: int, cpu_s: float, took_s: float) -> Cost:
    share = delivered / wanted if wanted else 0.0
    p50, p99, worst = (result[name] / 1e6 for name in ("p50", "p99", "max"))
    return Cost(cpu_s * 1e6 / max(delivered, 1), delivered / took_s, share, p50, p99, worst, delivered)
