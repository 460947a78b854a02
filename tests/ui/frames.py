"""Helpers to receive the frames of the WebSocket clients of a test."""

import asyncio
import json
from typing import Any

from websockets.asyncio.client import ClientConnection

from app.companion import Companion
from app.protocol.envelope import Envelope
from tests.conftest import PATIENCE_S, until

SENTINEL = Envelope("sentinel", {})


async def text(client: ClientConnection) -> str:
    """Return the next frame as text."""
    async with asyncio.timeout(PATIENCE_S):
        frame = await client.recv()
    assert isinstance(frame, str)
    return frame


async def frame(client: ClientConnection) -> Any:
    """Return the next frame as decoded JSON."""
    return json.loads(await text(client))


LONG_RUNNING_TASKS = {
    "limit the recording of this run",
    "presence decay",
    "watch the event files",
    "Companion.fire_series",
    "check which clients are ready",
    "lint the traffic",
    "measure the clients' frames",
    "Companion.wait_for_ready_client",
}


async def wait_until_idle(companion: Companion) -> None:
    """Wait until all tasks have ended, except for long-running ones. Examine the traffic now, not 0.25 s later."""
    await until(lambda: {task.get_name() for task in companion.tasks._running} <= LONG_RUNNING_TASKS)
    await companion.contract_lint.catch_up()


async def wait_until_series_ended(companion: Companion) -> None:
    """Wait until a stopped series has ended: an event that is being stored is still sent."""
    await until(lambda: "Companion.fire_series" not in {task.get_name() for task in companion.tasks._running})


async def all_frames(companion: Companion, client: ClientConnection) -> list[Any]:
    """Return every frame that was sent to ``client`` so far."""
    await wait_until_idle(companion)
    companion.hub.broadcast(SENTINEL)
    frames = []
    while (each := await frame(client))["event"] != SENTINEL.event:
        frames.append(each)
    return frames
