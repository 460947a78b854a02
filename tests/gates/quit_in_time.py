"""Quitting takes at most two seconds, with stalled, half-open and flooding clients, and with held items."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.e2e import sockets
from tests.e2e.processes import Companion, serve, tray, wait_until, without_rate_limit
from tests.gates.flooder import flooders
from tests.gates.gate import Outcome, Server, server

STALLED, HALF_OPEN = 20, 100
LIMIT_S = 2.0
FLOODERS = 4
HELD_CLIENTS, HELD_EVENTS = 20, 60
FLOODED_S = 0.5
"""Time until the flood has filled every buffer."""
TIMES, TIMES_LONG = 2, 10
BEGINNING = b"GET /events HTTP/1.1\r\nHost: 127.0.0.1"
FRAMES, FRAME_BYTES = 40, 8 * 1024
"""Together, more than the socket buffers of a stalled client, and less than these and its outbox."""


def quit_program(program: Companion) -> tuple[int | None, float]:
    """Send SIGTERM to a program. Return its exit code (None if it does not end), and the seconds until its end."""
    began = time.monotonic()
    program.process.send_signal(signal.SIGTERM)
    try:
        code: int | None = program.process.wait(5 * LIMIT_S)
    except subprocess.TimeoutExpired:
        code = None
    return code, time.monotonic() - began


def flooded(name: str) -> tuple[int | None, float]:
    """Quit a program whose clients send as fast as they can, without a rate limit."""
    with TemporaryDirectory(prefix="companion-gate-") as folder:
        start = {"serve": serve, "tray": tray}[name]
        with start(without_rate_limit(Path(folder) / "data")) as program, flooders(program.port, FLOODERS):
            time.sleep(FLOODED_S)
            return quit_program(program)


def half_open(program: Server) -> Iterator[tuple[int, bytes]]:
    """Yield ports and incomplete requests, for every server and stage, endlessly."""
    host = b"Host: 127.0.0.1:%d\r\n"
    key = b"Authorization: Bearer " + program.token.encode() + b"\r\n"
    rest, control = program.program.rest_port, program.control_port
    return cycle(
        (
            (program.port, b""),
            (program.port, BEGINNING),
            (rest, b""),
            (rest, b"POST /mess"),
            (rest, b"GET /status HTTP/1.1\r\n" + host % rest + b"\r\n"),
            (rest, b"POST /messages HTTP/1.1\r\n" + host % rest + b"Content-Length: 500\r\n\r\n{"),
            (control, b"GET /v1/sta"),
            (control, b"GET /v1/journal/stream HTTP/1.1\r\n" + host % control + key + b"\r\n"),
            (control, b"POST /v1/events HTTP/1.1\r\n" + host % control + key + b"Content-Length: 9\r\n\r\n{"),
        )
    )


def measure(program: Server) -> Outcome:
    with ExitStack() as stack:
        for _ in range(STALLED):
            stalled = stack.enter_context(sockets.raw(program.port, read_buffer=sockets.SMALL))
            assert sockets.handshake(stalled, "/events?username=stalled").startswith("HTTP/1.1 101 ")
        for _ in range(FRAMES):
            program.fire("x" * FRAME_BYTES)
        waiting = sum(each["queued_bytes"] > 0 for each in program.clients())
        for port, beginning in islice(half_open(program), HALF_OPEN):
            stack.enter_context(sockets.raw(port)).sendall(beginning)
        code, took = quit_program(program.program)
    return Outcome(
        f"exit code {code} after {took:.2f} s with {waiting} stalled clients and {HALF_OPEN} half-open connections",
        f"0 within {LIMIT_S:g} s with {STALLED}",
        code == 0 and took <= LIMIT_S and waiting == STALLED,
    )


def measure_held() -> tuple[str, bool]:
    """Quit a program whose breakpoint holds frames of clients, events and a REST call."""
    with server() as program, ExitStack() as stack:
        program.request("POST", "/v1/breakpoints", '{"timeout_s": 600}')
        for number in range(HELD_CLIENTS):
            client = stack.enter_context(sockets.client(program.url, f"held-{number}"))
            for _ in range(FRAMES):
                sockets.send(client, "typing", to="alice", typing=True)
        for _ in range(HELD_EVENTS):
            program.request("POST", "/v1/events", '{"event":"friend_online","data":{"username":"alice"}}')
        rest, host = stack.enter_context(sockets.raw(program.program.rest_port)), program.program.rest_port
        rest.sendall(b"GET /friends HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % host)
        expected = HELD_CLIENTS + HELD_EVENTS + 1
        held = wait_until(lambda: _held(program) == expected and expected, f"{expected} held items")
        code, took = quit_program(program.program)
        answered = rest.recv(64).startswith(b"HTTP/1.1 200 ")
    passed = code == 0 and took <= LIMIT_S and answered
    return f"exit code {code} after {took:.2f} s with {held} held items", passed


def _held(program: Server) -> int:
    return len(program.request("GET", "/v1/breakpoints/held"))


def run(long: bool) -> Outcome:
    with server() as program:
        figures, limit, passed = measure(program)
    for name in ("serve", "tray"):
        ends = [flooded(name) for _ in range(TIMES_LONG if long else TIMES)]
        passed &= all(code == 0 and took <= LIMIT_S for code, took in ends)
        times = ", ".join(f"{took:.2f}" if code == 0 else f"{took:.2f} (exit code {code})" for code, took in ends)
        figures += f"; {name} flooded by {FLOODERS} clients: {times} s"
    held, held_passed = measure_held()
    figures, passed = f"{figures}; {held}", passed and held_passed
    return Outcome(figures, limit, passed)
