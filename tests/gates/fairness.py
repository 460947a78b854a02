"""While one client sends as fast as it can, another client's latency grows only a little, and it loses no frame."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import NamedTuple

from typing_extensions import override

from tests.e2e import sockets
from tests.e2e.processes import serve, tray
from tests.gates.flooder import flooders, masked
from tests.gates.gate import Outcome

ROUNDS, ROUNDS_LONG = 5, 9
SECONDS = 1.5
EVERY_S = 0.01
"""Interval of the healthy client: 100 frames per second, a fifth of the rate limit."""
LIMIT = 5.0
UNNOTICED_MS = 50.0
"""A latency below this passes at any ratio: on a machine whose cores are all busy, a few ms are the scheduler's."""
TYPING = masked(b'{"event":"typing","data":{"to":"bob","typing":true}}')
FORWARDED = b'{"username":"alice","typing":true}'
PATIENCE_S = 10.0


class Fairness(NamedTuple):
    """Latencies of a healthy client in ms, one per round, and the number of its lost frames."""

    calm: list[float]
    flooded: list[float]
    lost: int

    @property
    def ratio(self) -> float:
        """The median of the rounds' ratios. Each flooded round is compared with the calm one before it."""
        return median(one / other for one, other in zip(self.flooded, self.calm, strict=True))

    @property
    def ok(self) -> bool:
        """Whether no frame was lost, and the flood delays the others by a factor or a time that is small enough."""
        return not self.lost and (self.ratio <= LIMIT or median(self.flooded) <= UNNOTICED_MS)

    @override
    def __str__(self) -> str:
        return f"p99 {median(self.flooded):.2f} ms instead of {median(self.calm):.2f} ms, {self.lost} lost"


class Pair:
    """Measure the latency of typing frames from one client to another."""

    def __init__(self, stack: ExitStack, port: int) -> None:
        self._alice, self._bob = (stack.enter_context(sockets.raw(port)) for _ in range(2))
        for client, name in ((self._alice, "alice"), (self._bob, "bob")):
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.settimeout(PATIENCE_S)
            assert sockets.handshake(client, f"/events?username={name}").startswith("HTTP/1.1 101 ")
        self._received = b""

    def p99(self, seconds: float) -> tuple[float, int]:
        """Send typing frames for some time. Return the 99th percentile in ms, and the number of lost frames.

        If a frame is sent late because the one before was late, its latency is measured from the time it was due.
        """
        latencies, lost = [], 0
        began = time.perf_counter()
        for number in range(round(seconds / EVERY_S)):
            due = began + number * EVERY_S
            time.sleep(max(0.0, due - time.perf_counter()))
            self._alice.sendall(TYPING)
            try:
                self._wait_for_frame()
            except TimeoutError:
                lost += 1
            latencies.append(1000 * (time.perf_counter() - due))
        return quantiles(latencies, n=100)[98], lost

    def _wait_for_frame(self) -> None:
        """Read until the typing frame is received. Others, such as priming frames, may precede it."""
        while FORWARDED not in self._received:
            got = self._bob.recv(65_536)
            assert got, "the server closed a healthy client"
            self._received += got
        self._received = self._received.partition(FORWARDED)[2]


def p99(port: int, seconds: float) -> tuple[float, int]:
    """Measure with new connections, because these clients do not answer pings."""
    with ExitStack() as stack:
        return Pair(stack, port).p99(seconds)


def compare(port: int, rounds: int, seconds: float) -> Fairness:
    """Measure a healthy client alternately with and without a flood."""
    calm, flooded, lost = [], [], 0
    p99(port, 0.2)
    for _ in range(rounds):
        quiet, missing = p99(port, seconds)
        with flooders(port):
            loaded, more_missing = p99(port, seconds)
        calm.append(quiet)
        flooded.append(loaded)
        lost += missing + more_missing
    return Fairness(calm, flooded, lost)


@contextmanager
def running(name: str) -> Iterator[int]:
    """Run ``serve`` or the tray program, and yield its port."""
    start = {"serve": serve, "tray": tray}[name]
    with TemporaryDirectory(prefix="companion-gate-") as folder, start(Path(folder) / "data") as program:
        yield program.port


def run(long: bool) -> Outcome:
    figures = []
    for name in ("serve", "tray"):
        with running(name) as port:
            figures.append((name, compare(port, ROUNDS_LONG if long else ROUNDS, SECONDS)))
    return Outcome(
        "; ".join(f"{name} {fairness.ratio:.1f}× ({fairness})" for name, fairness in figures),
        f"{LIMIT:g}× or {UNNOTICED_MS:g} ms, 0 lost",
        all(fairness.ok for _, fairness in figures),
    )
