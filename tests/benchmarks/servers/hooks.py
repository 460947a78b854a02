"""Publish events or receive typing frames in a companion, with or without hooks, to count instructions.

``python -m tests.benchmarks.servers.hooks publish|typing COUNT bare|hooks``. Nothing is written to a socket,
because that cost depends on timing and would hide the hooks' cost.
"""

import asyncio
import sys

from websockets.asyncio.client import connect

from app.companion import Companion
from app.hub.causes import Cause
from app.hub.clients import Client
from app.hub.target import Target
from app.protocol.envelope import Envelope
from app.system.settings import Settings
from tests.benchmarks.servers.load import MESSAGE

PER_TURN = 20
NO_RECIPIENT = Target(user="nobody")
TYPING = Envelope("typing", {"username": "bob", "typing": True}).encode()


def register(companion: Companion) -> None:
    """Register one interceptor that is not armed, and one observer of each kind."""

    def intercept(cause: Cause) -> Cause:
        raise AssertionError("it is not armed")

    companion.hub.interceptors.add(intercept, armed=False)
    companion.journal.appended.connect(bool)
    companion.hub.rest_exchanges.connect(bool)


def publish(companion: Companion, _: Client) -> None:
    """Do the work of lines 4 and 5 for an event, except for sending it."""
    companion.hub.publish(Envelope("new_message", MESSAGE), to=NO_RECIPIENT, origin="load")


def type_(companion: Companion, client: Client) -> None:
    """Do the work of line 6 for a frame, except for reading and forwarding it."""
    companion.router.receive(client, TYPING.decode(), TYPING)


async def main(what: str, times: int, hooks: bool) -> None:
    """Do the work ``times`` times, a few per iteration of the loop."""
    companion = Companion(Settings(port=0, rest=False, control=False, prime_browsers=False))
    assert await companion.start()
    if hooks:
        register(companion)
    async with connect(companion.server.url):
        work, client = {"publish": publish, "typing": type_}[what], next(iter(companion.hub.clients))
        for _ in range(times // PER_TURN):
            for _ in range(PER_TURN):
                work(companion, client)
            await asyncio.sleep(0)
        assert companion.journal.last_seq >= times
    await companion.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3] == "hooks"))
