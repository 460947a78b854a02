"""Connections without a complete handshake are closed, and do not keep clients out for long."""

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
"""Number of connections between two pauses. The system's accept queue holds 100."""
PAUSE_S = 0.02
AT_LEAST = 1_000
"""Minimum of simultaneous connections. On a slow machine, the first are closed before the last are opened."""
SETTLE_S = 0.5
"""Rejected connections are closed within this time."""


def open_connections(stack: ExitStack, port: int, idle: int, unfinished: int) -> None:
    """Open connections that send nothing, and connections that send only the beginning of a handshake."""
    for number in range(idle + unfinished):
        client = stack.enter_context(socket.create_connection(("127.0.0.1", port), 10))
        if number % (idle + unfinished) >= idle:
            client.sendall(BEGINNING)
        if number % AT_ONCE == AT_ONCE - 1:
            time.sleep(PAUSE_S)


def try_to_connect(program: Server) -> str:
    """Try to connect as an ordinary client, and return the result as text."""
    began = time.monotonic()
    try:
        with sockets.client(program.url, "ordinary"):
            return f"served in {1000 * (time.monotonic() - began):.0f} ms"
    except (ConnectionError, WebSocketException, EOFError) as error:
        return f"rejected in {1000 * (time.monotonic() - began):.0f} ms ({type(error).__name__})"
    except TimeoutError:
        return "left waiting"


def measure(program: Server, idle: int, unfinished: int) -> tuple[int, int, str, str]:
    """Return the connections at the peak and at the end, and the results of a client meanwhile and afterwards."""
    with ExitStack() as stack:
        before = program.sockets()
        open_connections(stack, program.port, idle, unfinished)
        last = time.monotonic()
        time.sleep(SETTLE_S)
        peak = program.sockets() - before
        during = try_to_connect(program)
        time.sleep(max(0.0, last + GONE_AFTER_S - time.monotonic()))
        left = program.sockets() - before
        return peak, left, during, try_to_connect(program)


def run(long: bool) -> Outcome:
    with server(max_connections=2 * (IDLE + UNFINISHED)) as roomy:
        peak, left, during, after = measure(roomy, IDLE, UNFINISHED)
    with server() as ordinary:
        kept, kept_left, crowded, later = measure(ordinary, 200, 200)
        rejections = len(ordinary.journal_rows("refused"))
    return Outcome(
        f"{left} of {IDLE + UNFINISHED} left after {GONE_AFTER_S:g} s ({peak} at once), "
        f"a client meanwhile {during}, then {after}; "
        f"with the default limit {kept} of 400 kept, {kept_left} left, a client meanwhile {crowded}, "
        f"then {later}, {rejections} rejections in the log",
        f"0 of {IDLE + UNFINISHED}, then served; 0 of at most 256, rejected or served at once, then served",
        peak >= AT_LEAST
        and left == kept_left == 0
        and kept <= 256
        and all(each.startswith("served") for each in (during, after, later))
        and crowded != "left waiting",
    )
