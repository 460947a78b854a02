"""Helpers of the chat tests: the frames of a client and the rows of the journal."""

import asyncio
import json
from typing import Any

from websockets.asyncio.client import ClientConnection

from app.companion import Companion
from app.hub.journal import Kind, Row
from app.hub.origin import Origin
from app.protocol.backend import MessageData, Person, RestCaller
from app.protocol.envelope import Envelope
from tests.conftest import PATIENCE_S

MARKER = Envelope("typing", {"username": "marker", "typing": True})


async def frames_so_far(companion: Companion, *sockets: ClientConnection) -> list[list[dict[str, Any]]]:
    """Return the frames that each client received since the last call, including those that were just fired."""
    await companion.fire(MARKER, origin=Origin("test"))
    return [await _up_to_the_marker(socket) for socket in sockets]


async def _up_to_the_marker(socket: ClientConnection) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        frame = json.loads(await asyncio.wait_for(socket.recv(), PATIENCE_S))
        if frame["data"] == MARKER.data:
            return found
        found.append(frame)


def sent_rows(companion: Companion) -> list[Row]:
    return [row for row in companion.journal if row.kind is Kind.TO_UI]


def sender_text_and_direction(frame: dict[str, Any]) -> tuple[str, str, str]:
    """Return sender, text and direction of a message."""
    return frame["data"]["from"], frame["data"]["text"], frame["data"]["direction"]


async def friend(companion: Companion, username: str) -> Person:
    return next(each for each in await companion.chat.store.friends() if each.username == username)


async def unread(companion: Companion) -> dict[str, int]:
    return {chat.person.username: chat.unread for chat in await companion.chat.conversations()}


async def post(companion: Companion, to: str, text: str, window: RestCaller) -> MessageData:
    """Post a message as the REST stand-in does, and send its effects."""
    posted = await companion.chat.post_message(to, text, window)
    companion.hub.carry_out(posted.effects)
    return posted.data
