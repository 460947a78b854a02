"""What real clients of a test receive."""

import asyncio
import json
from typing import Any

from websockets.asyncio.client import ClientConnection

from app.companion import Companion
from app.protocol.envelope import Envelope
from tests.conftest import PATIENCE_S, until

SENTINEL = Envelope("sentinel", {})


async def text(client: ClientConnection) -> str:
    """Return the next frame as it is."""
    async with asyncio.timeout(PATIENCE_S):
        frame = await client.recv()
    assert isinstance(frame, str)
    return frame


async def frame(client: ClientConnection) -> Any:
    """Return the next frame."""
    return json.loads(await text(client))


LASTING = {
    "presence decay",
    "Companion.fire_series",
    "check which clients are ready",
    "measure the clients' frames",
    "Companion.wait_for_ready_client",
}


async def settled(companion: Companion) -> None:
    """Wait until everything that was asked for by now is done; a series goes on."""
    await until(lambda: {task.get_name() for task in companion.tasks._running} <= LASTING)


async def all_frames(companion: Companion, client: ClientConnection) -> list[Any]:
    """Return every frame that was sent to ``client`` until now."""
    await settled(companion)
    companion.hub.broadcast(SENTINEL)
    frames = []
    while (each := await frame(client))["event"] != SENTINEL.event:
        frames.append(each)
    return frames
