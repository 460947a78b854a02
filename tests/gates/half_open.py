"""Connections that never become clients go away by themselves, and keep nobody out for longer."""

import socket
import time
from contextlib import ExitStack

from websockets.exceptions import WebSocketException

from tests.e2e import sockets
from tests.gates.gate import Outcome, Server, server
from tests.gates.quit_in_time import BEGINNING

IDLE, UNFINISHED = 2_000, 2_000
GONE_AFTER_S = 7.0
AT_ONCE = 50
"""So many connections are opened before the server may breathe: the system's queue holds 100."""
BREATH_S = 0.02
AT_LEAST = 1_000
"""So many at once, or it means little; on a slow machine the first are gone before the last have come."""
SETTLE_S = 0.5
"""Whoever is turned away is closed a moment later."""


def crowd(stack: ExitStack, port: int, idle: int, unfinished: int) -> None:
    """Open connections that say nothing, or only the beginning of a handshake."""
    for number in range(idle + unfinished):
        client = stack.enter_context(socket.create_connection(("127.0.0.1", port), 10))
        if number % (idle + unfinished) >= idle:
            client.sendall(BEGINNING)
        if number % AT_ONCE == AT_ONCE - 1:
            time.sleep(BREATH_S)


def comes_in(program: Server) -> str:
    """Try to connect as an ordinary client; say what happened."""
    began = time.monotonic()
    try:
        with sockets.client(program.url, "ordinary"):
            return f"served in {1000 * (time.monotonic() - began):.0f} ms"
    except (ConnectionError, WebSocketException, EOFError) as error:
        return f"refused in {1000 * (time.monotonic() - began):.0f} ms ({type(error).__name__})"
    except TimeoutError:
        return "left waiting"


def measure(program: Server, idle: int, unfinished: int) -> tuple[int, int, str, str]:
    """Return how many connections there were and were left, and what a client met meanwhile and afterwards."""
    with ExitStack() as stack:
        before = program.sockets()
        crowd(stack, program.port, idle, unfinished)
        last = time.monotonic()
        time.sleep(SETTLE_S)
        there = program.sockets() - before
        during = comes_in(program)
        time.sleep(max(0.0, last + GONE_AFTER_S - time.monotonic()))
        left = program.sockets() - before
        return there, left, during, comes_in(program)


def run(long: bool) -> Outcome:
    with server(max_connections=2 * (IDLE + UNFINISHED)) as roomy:
        there, left, during, after = measure(roomy, IDLE, UNFINISHED)
    with server() as ordinary:
        kept, kept_left, crowded, later = measure(ordinary, 200, 200)
        told = len(ordinary.told("refused"))
    return Outcome(
        f"{left} of {IDLE + UNFINISHED} left after {GONE_AFTER_S:g} s ({there} at once), "
        f"a client meanwhile {during}, then {after}; "
        f"with the default limit {kept} of 400 kept, {kept_left} left, a client meanwhile {crowded}, "
        f"then {later}, {told} refusals in the log",
        f"0 of {IDLE + UNFINISHED}, then served; 0 of at most 256, refused or served at once, then served",
        there >= AT_LEAST
        and left == kept_left == 0
        and kept <= 256
        and all(each.startswith("served") for each in (during, after, later))
        and crowded != "left waiting",
    )
