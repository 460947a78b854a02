"""63 of 64 clients stop reading. The last one receives every event in order, and the memory stays small."""

import threading
import time
from contextlib import ExitStack

from typing_extensions import override
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from tests.e2e import sockets
from tests.gates.gate import MIB, Outcome, Server, server

STALLED = 63
EVENTS, EVENTS_LONG = 5_000, 20_000
EVENT_BYTES = 250
MAY_GROW = 32 * MIB
CATCH_UP_S = 15.0


def event(number: int) -> str:
    """Return an event of about 250 bytes that contains its number."""
    return f'{{"event":"load","data":{{"n":{number},"text":"{"x" * (EVENT_BYTES - 44)}"}}}}'


class Healthy(threading.Thread):
    """Reads frames until it has received ``wanted`` of them."""

    def __init__(self, client: ClientConnection, wanted: int) -> None:
        super().__init__(daemon=True)
        self.got: list[str | bytes] = []
        self._client = client
        self._wanted = wanted

    @override
    def run(self) -> None:
        try:
            while len(self.got) < self._wanted:
                self.got.append(self._client.recv(timeout=CATCH_UP_S))
        except (TimeoutError, ConnectionClosed):
            return


def measure(program: Server, events: int) -> Outcome:
    with ExitStack() as stack:
        healthy = Healthy(stack.enter_context(sockets.client(program.url, "healthy")), events)
        for _ in range(STALLED):
            stalled = stack.enter_context(sockets.raw(program.port, read_buffer=sockets.SMALL))
            assert sockets.handshake(stalled, "/events?username=stalled").startswith("HTTP/1.1 101 ")
        assert len(program.clients()) == STALLED + 1
        healthy.start()
        program.reset_peak()
        before, began = program.memory(), time.monotonic()
        for number in range(events):
            program.fire(event(number))
        took = time.monotonic() - began
        healthy.join(CATCH_UP_S)
        grown = program.peak() - before
        left = [each["username"] for each in program.clients()]
        aborted = len(program.journal_rows("aborted"))
    in_order = healthy.got == [event(number) for number in range(events)]
    return Outcome(
        f"{aborted} of {STALLED} stalled clients aborted, "
        f"{len(healthy.got)} of {events} events of {EVENT_BYTES} bytes {'in order' if in_order else 'OUT OF ORDER'}"
        f" at {events / took:.0f}/s, at most {grown / MIB:+.1f} MiB",
        f"all aborted, every event in order, {MAY_GROW / MIB:+.0f} MiB",
        in_order and aborted == STALLED and left == ["healthy"] and grown <= MAY_GROW,
    )


def run(long: bool) -> Outcome:
    with server() as program:
        return measure(program, EVENTS_LONG if long else EVENTS)
