"""A persona that answers by itself: types for a while, then says something. Seeded, so that a run repeats."""

import asyncio
import random
from collections.abc import Awaitable, Callable

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

Sleep = Callable[[float], Awaitable[None]]
Type = Callable[[bool], Awaitable[object]]
Say = Callable[[str], Awaitable[object]]


class AutoReply:
    """Draws pauses and answers from one seeded source."""

    def __init__(self, seed: int = 1, sleep: Sleep = asyncio.sleep) -> None:
        self._random = random.Random(seed)
        self._sleep = sleep

    async def answer(self, type_: Type, say: Say) -> None:
        """Pause, type, say."""
        pause, typing = self._random.uniform(0.4, 1.2), self._random.uniform(1.0, 2.5)
        text = self._random.choice(ANSWERS)
        await self._sleep(pause)
        await type_(True)
        await self._sleep(typing)
        await type_(False)
        await say(text)
