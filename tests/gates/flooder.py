"""``python -m tests.gates.flooder PORT`` sends typing frames as fast as it can, until it is killed."""

import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.e2e import sockets
from tests.e2e.processes import ROOT

FRAME = b'{"event":"typing","data":{"to":"nobody","typing":true}}'
AT_ONCE = 1_000
CLOSED = b"\x88"
"""First byte of a close frame. No other frame that the flooder receives contains it."""


def masked(payload: bytes) -> bytes:
    """Return a client's text frame of fewer than 126 bytes. The masking key 0 leaves the payload unchanged."""
    return bytes([0x81, 0x80 | len(payload), 0, 0, 0, 0]) + payload


def flood(port: int) -> None:
    """Connect and send until the server closes."""
    data = memoryview(masked(FRAME) * AT_ONCE)
    sent = 0
    with sockets.raw(port) as client:
        sockets.handshake(client, "/events?username=flooder")
        client.setblocking(False)
        while True:
            readable, writable, _ = select.select([client], [client], [])
            if readable and ((got := client.recv(65_536)) == b"" or CLOSED in got):
                return
            if writable:
                sent = (sent + client.send(data[sent:])) % len(data)


@contextmanager
def flooders(port: int, number: int = 1) -> Iterator[None]:
    """Run ``number`` flooders, each in its own process."""
    command = [sys.executable, "-m", __name__, str(port)]
    running = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(number)]
    try:
        for process in running:
            assert process.stdout
            assert process.stdout.readline() == "flooding\n"
        yield
    finally:
        for process in running:
            process.kill()
            process.communicate()


if __name__ == "__main__":
    print("flooding", flush=True)
    while True:
        with suppress(OSError, AssertionError):  # closed, reset, or not admitted
            flood(int(sys.argv[1]))
