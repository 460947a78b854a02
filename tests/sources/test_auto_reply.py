"""Auto-reply alone, with a publisher and a clock that the test controls."""

import asyncio
from typing import Any

from app.hub.hub import Delivery
from app.hub.origin import Origin
from app.hub.signals import Signal
from app.hub.target import ALL, Target
from app.protocol.backend import MessageData
from app.protocol.catalog import built_in
from app.protocol.envelope import Envelope
from app.sources.auto_reply import REPLIES, AutoReply
from tests.conftest import until
from tests.hub.doubles import FakeTime

Fired = list[tuple[float, Any]]
"""When an event was fired, and its text, or whether a friend is typing."""


class NotedPublisher:
    """Record what a source fires, and when."""

    catalog = built_in()
    local_user = "me"
    personas = ("alice",)

    def __init__(self) -> None:
        self.time = FakeTime()
        self.clock = self.time.clock
        self.fired: Fired = []

    async def fire(self, event: Envelope, *, to: Target = ALL, origin: Origin, strict: bool = True) -> Delivery:
        said = event.data["typing"] if event.event == "typing" else event.data["text"]
        self.fired.append((round(self.time.passed, 6), said))
        return Delivery(len(self.fired), ())

    def message_from(self, persona: str, text: str) -> Envelope:
        return Envelope("new_message", {"from": persona, "text": text})


async def answers(seed: int, times: int = 1, *, wanted: bool = True) -> Fired:
    """Post messages one after the other, and return the events fired."""
    posted: Signal[MessageData] = Signal()
    publisher = NotedPublisher()

    async def answers_by_itself(friend: str) -> bool:
        return wanted

    task = asyncio.ensure_future(AutoReply(posted, answers_by_itself, seed).run(publisher))
    await asyncio.sleep(0)
    for number in range(1, times + 1):
        posted.emit({"to": "alice"})
        if wanted:
            await until(lambda expected=3 * number: len(publisher.fired) == expected)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert not posted
    return publisher.fired


async def test_it_waits_types_for_a_while_stops_and_writes() -> None:
    (began, typing), (stopped, still), (said, text) = await answers(1)
    assert (typing, still) == (True, False)
    assert text in REPLIES
    assert 0 < began < stopped == said


async def test_the_same_seed_gives_the_same_answers_at_the_same_moments() -> None:
    assert await answers(7, times=20) == await answers(7, times=20)


async def test_another_seed_gives_others() -> None:
    assert await answers(7, times=20) != await answers(8, times=20)


async def test_it_does_not_always_write_the_same() -> None:
    said = {what for _, what in await answers(1, times=20) if isinstance(what, str)}
    assert len(said) > 3


async def test_a_friend_with_auto_reply_off_does_not_reply() -> None:
    assert await answers(1, wanted=False) == []
