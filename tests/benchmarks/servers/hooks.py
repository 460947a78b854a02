"""Publish events or receive typing frames in a companion, without and with hooks or files, to count instructions.

``python -m tests.benchmarks.servers.hooks publish|typing COUNT bare|hooks|files``. With ``files``, the companion
has read 100 event files about other events. Nothing is written to a socket, and the files are not polled, because
these costs depend on timing and would hide those of hooks and files.
"""

import asyncio
import json
import sys
import tempfile
from pathlib import Path

from websockets.asyncio.client import connect

from app.companion import Companion
from app.hub.causes import Cause
from app.hub.clients import Client
from app.hub.origin import Origin
from app.hub.target import Target
from app.protocol.envelope import Envelope
from app.storage import event_files
from app.system.settings import Settings
from tests.benchmarks.servers.load import MESSAGE

PER_TURN = 20
NO_RECIPIENT = Target(user="nobody")
FILES = 100
TYPING = Envelope("typing", {"username": "bob", "typing": True}).encode()


def register(companion: Companion) -> None:
    """Register one interceptor that is not armed, and one observer of each kind."""

    def intercept(cause: Cause) -> Cause:
        raise AssertionError("it is not armed")

    companion.hub.interceptors.add(intercept, armed=False)
    companion.journal.appended.connect(bool)
    companion.hub.rest_exchanges.connect(bool)


def write_files(folder: Path) -> None:
    """Write event files, half of them for each direction, with a summary, and an effect or a forwarded event."""
    fields = {"msg_id": {"type": "string", "format": "uuid"}, "text": {"type": "string", "maxLength": 500}}
    for number in range(FILES // 2):
        content = {"event": f"own_{number}", "data": {"properties": fields, "required": list(fields)}}
        content["summary"] = "{text}"
        effect = {"edit_message": {"msg_id": "/msg_id", "text": "/text"}}
        for direction, more in (
            ("to_ui", {"effect": effect}),
            ("from_ui", {"forward": {"event": f"own_{number}"}}),
        ):
            text = json.dumps({**content, "direction": direction, **more})
            (folder / f"own_{number}.{direction}.json").write_text(text, encoding="utf-8")


def publish(companion: Companion, _: Client) -> None:
    """Do the work of lines 4 and 5 for an event, except for sending it."""
    companion.hub.publish(Envelope("new_message", MESSAGE), to=NO_RECIPIENT, origin=Origin("load"))


def type_(companion: Companion, client: Client) -> None:
    """Do the work of line 6 for a frame, except for reading and forwarding it."""
    companion.router.receive(client, TYPING.decode(), TYPING)


async def main(what: str, times: int, kind: str, folder: Path) -> None:
    """Do the work ``times`` times, a few per iteration of the loop."""
    settings = Settings(port=0, rest=False, control=False, prime_browsers=False)
    companion = Companion(settings, events_folder=folder)
    if kind == "files":
        write_files(folder)
        event_files.WATCH_S = 3600.0
    assert await companion.start()
    assert len(companion.event_files.files) == (FILES if kind == "files" else 0)
    assert companion.event_files.warnings == []
    if kind == "hooks":
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
    with tempfile.TemporaryDirectory() as events:
        asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3], Path(events)))
