"""A friend that answers by itself: pauses, types for a while, then writes. Seeded, so that a run repeats."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress

from app.hub.origin import AUTO_REPLY
from app.hub.pipeline import FIRE_ERRORS
from app.hub.signals import Signal
from app.hub.tasks import Tasks
from app.protocol.backend import MessageData
from app.protocol.envelope import Envelope
from app.sources.source import Publisher

ANSWERS = (
    "Sounds good!",
    "Let me check and come back to you",
    "👍",
    "Haha, yes",
    "Can we talk about it tomorrow?",
    "I was just thinking the same",
    "Not sure I follow. Which one do you mean?",
    "Done ✅",
    "Give me five minutes",
    "Thanks!",
)
PAUSE_S = (0.4, 1.2)
TYPING_S = (1.0, 2.5)
"""Shortest and longest time."""


class AutoReply:
    """A source that answers the messages that the local user posts."""

    name = "auto-reply"

    def __init__(
        self, posted: Signal[MessageData], answers: Callable[[str], Awaitable[bool]], seed: int = 1
    ) -> None:
        """``answers`` returns whether a friend is online and has auto-reply switched on."""
        self._posted = posted
        self._answers = answers
        self._random = random.Random(seed)

    async def run(self, publisher: Publisher) -> None:
        """Answer messages until the task is cancelled."""
        tasks = Tasks()

        def on_message(message: MessageData) -> None:
            tasks.spawn(self._answer(message["to"], publisher), f"{message['to']} answers")

        disconnect = self._posted.connect(on_message)
        try:
            await asyncio.Event().wait()
        finally:
            disconnect()
            await tasks.cancel()

    async def _answer(self, friend: str, publisher: Publisher) -> None:
        with suppress(*FIRE_ERRORS):  # a full disk, for example; even to look up the friend may fail
            if not await self._answers(friend):
                return
            pause, typing = self._random.uniform(*PAUSE_S), self._random.uniform(*TYPING_S)
            text = self._random.choice(ANSWERS)
            await publisher.clock.sleep(pause)
            await self._type(friend, publisher, True)
            await publisher.clock.sleep(typing)
            await self._type(friend, publisher, False)
            await publisher.fire(publisher.message_from(friend, text), origin=AUTO_REPLY)

    @staticmethod
    async def _type(friend: str, publisher: Publisher, typing: bool) -> None:
        await publisher.fire(Envelope("typing", {"username": friend, "typing": typing}), origin=AUTO_REPLY)
