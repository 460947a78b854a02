"""Reply to messages of the local user: if the recipient is an online friend with auto-reply switched on, wait, fire
a typing indicator for a while, and then fire a random message from this friend.

Texts and times are random with a fixed seed, or that of a session, so that runs can be repeated.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress

from app.hub.generated_values import GeneratedValues
from app.hub.origin import AUTO_REPLY
from app.hub.pipeline import FIRE_ERRORS
from app.hub.signals import Signal
from app.hub.tasks import Tasks
from app.protocol.backend import MessageData
from app.protocol.envelope import Envelope
from app.sources.source import Publisher

REPLIES = (
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
"""Shortest and longest duration in seconds."""


class AutoReply:
    """A source that replies to the messages that the local user posts."""

    name = "auto-reply"

    def __init__(
        self,
        posted: Signal[MessageData],
        is_enabled: Callable[[str], Awaitable[bool]],
        seed: int = 1,
        values: GeneratedValues | None = None,
    ) -> None:
        """``is_enabled`` returns whether a friend is online and has auto-reply switched on.

        ``values`` are used instead of ``seed`` while a session has fixed them.
        """
        self._posted = posted
        self._is_enabled = is_enabled
        self._values = values
        self._seeded = random.Random(seed)
        self._replies = Tasks()

    @property
    def _random(self) -> random.Random:
        return self._values.random("auto-reply") if self._values and self._values.fixed else self._seeded

    async def run(self, publisher: Publisher) -> None:
        """Reply to messages until the task is cancelled."""

        def on_message(message: MessageData) -> None:
            self._replies.spawn(self._reply(message["to"], publisher), f"auto-reply of {message['to']}")

        disconnect = self._posted.connect(on_message)
        try:
            await asyncio.Event().wait()
        finally:
            disconnect()
            await self.cancel_replies()

    async def cancel_replies(self) -> None:
        """Cancel the replies that were not sent yet."""
        await self._replies.cancel()

    async def _reply(self, friend: str, publisher: Publisher) -> None:
        with suppress(*FIRE_ERRORS):  # for example a full disk; looking up the friend may fail too
            if not await self._is_enabled(friend):
                return
            pause, typing = self._random.uniform(*PAUSE_S), self._random.uniform(*TYPING_S)
            text = self._random.choice(REPLIES)
            await publisher.clock.sleep(pause)
            await self._type(friend, publisher, True)
            try:
                await publisher.clock.sleep(typing)
            finally:
                await self._type(friend, publisher, False)
            if await self._is_enabled(friend):  # it may be offline, or no friend any more
                await publisher.fire(publisher.message_from(friend, text), origin=AUTO_REPLY)

    @staticmethod
    async def _type(friend: str, publisher: Publisher, typing: bool) -> None:
        event = Envelope("typing", {"username": friend, "typing": typing})
        with suppress(*FIRE_ERRORS):  # for example, a file may restrict the event
            await publisher.fire_built_in(event, origin=AUTO_REPLY)
