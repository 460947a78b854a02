"""Quit takes two seconds at most, whatever the clients do."""

import signal
import subprocess
import time
from contextlib import ExitStack

from tests.e2e import sockets
from tests.gates.gate import Outcome, Server, server

STALLED, HALF_OPEN = 20, 100
LIMIT_S = 2.0
BEGINNING = b"GET /events HTTP/1.1\r\nHost: 127.0.0.1"
FRAMES, FRAME_BYTES = 40, 8 * 1024
"""Together more than a stalled client's socket holds, and less than its outbox may keep besides."""


def measure(program: Server) -> Outcome:
    process = program.program.process
    with ExitStack() as stack:
        for _ in range(STALLED):
            deaf = stack.enter_context(sockets.raw(program.port, read_buffer=sockets.SMALL))
            assert sockets.handshake(deaf, "/events?username=deaf").startswith("HTTP/1.1 101 ")
        for _ in range(FRAMES):
            program.fire("x" * FRAME_BYTES)
        waiting = sum(each["queued_bytes"] > 0 for each in program.clients())
        for number in range(HALF_OPEN):
            half = stack.enter_context(sockets.raw(program.port))
            if number % 2:
                half.sendall(BEGINNING)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        try:
            code: int | None = process.wait(5 * LIMIT_S)
        except subprocess.TimeoutExpired:
            code = None
        took = time.monotonic() - began
    return Outcome(
        f"exit code {code} after {took:.2f} s with {waiting} stalled clients and {HALF_OPEN} half-open connections",
        f"0 within {LIMIT_S:g} s with {STALLED}",
        code == 0 and took <= LIMIT_S and waiting == STALLED,
    )


def run(long: bool) -> Outcome:
    with server() as program:
        return measure(program)
