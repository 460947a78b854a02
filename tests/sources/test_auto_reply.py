"""Auto-reply alone, with a publisher and a clock that the test controls."""

import asyncio
from typing import Any, ClassVar

from typing_extensions import override

from app.hub.generated_values import GeneratedValues
from app.hub.hub import Delivery
from app.hub.origin import Origin
from app.hub.signals import Signal
from app.hub.target import ALL, Target
from app.protocol.backend import MessageData
from app.protocol.catalog import built_in
from app.protocol.envelope import Envelope
from app.protocol.event_type import InvalidEvent
from app.sources.auto_reply import REPLIES, AutoReply
from tests.conftest import until
from tests.hub.doubles import FakeTime

Fired = list[tuple[float, Any]]
"""When an event was fired, and its text, or whether a friend is typing."""


class RecordingPublisher:
    """Record what a source fires, and when."""

    catalog = built_in()
    local_user = "me"
    personas: ClassVar = ["alice"]
    friends: ClassVar = ["alice"]

    def __init__(self, time: FakeTime | None = None) -> None:
        self.time = time or FakeTime()
        self.clock = self.time.clock
        self.values = GeneratedValues(self.clock)
        self.fired: Fired = []

    async def fire(self, event: Envelope, *, to: Target = ALL, origin: Origin, strict: bool = True) -> Delivery:
        value = event.data["typing"] if event.event == "typing" else event.data["text"]
        self.fired.append((round(self.time.passed, 6), value))
        return Delivery(len(self.fired), ())

    def message_from(self, persona: str, text: str) -> Envelope:
        return Envelope("new_message", {"from": persona, "text": text})

    async def fire_built_in(self, event: Envelope, *, to: Target = ALL, origin: Origin) -> Delivery:
        return await self.fire(event, to=to, origin=origin)


async def replies(
    seed: int, times: int = 1, *, enabled: bool = True, publisher: RecordingPublisher | None = None, events: int = 3
) -> Fired:
    """Post messages one after the other, and return the fired events. ``events`` are expected per message."""
    message_posted: Signal[MessageData] = Signal()
    publisher = publisher or RecordingPublisher()

    async def has_auto_reply(friend: str) -> bool:
        return enabled

    task = asyncio.ensure_future(AutoReply(message_posted, has_auto_reply, seed).run(publisher))
    await asyncio.sleep(0)
    for number in range(1, times + 1):
        message_posted.emit({"to": "alice"})
        if enabled:
            await until(lambda expected=events * number: len(publisher.fired) == expected)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert not message_posted
    return publisher.fired


async def test_a_reply_is_typing_a_pause_typing_stop_and_a_message() -> None:
    (began, typing), (stopped, stopped_typing), (written, text) = await replies(1)
    assert (typing, stopped_typing) == (True, False)
    assert text in REPLIES
    assert 0 < began < stopped == written


async def test_the_same_seed_gives_the_same_replies_at_the_same_times() -> None:
    assert await replies(7, times=20) == await replies(7, times=20)


async def test_another_seed_gives_other_replies() -> None:
    assert await replies(7, times=20) != await replies(8, times=20)


async def test_the_texts_of_replies_vary() -> None:
    texts = {value for _, value in await replies(1, times=20) if isinstance(value, str)}
    assert len(texts) > 3


async def test_a_friend_with_auto_reply_off_does_not_reply() -> None:
    assert await replies(1, enabled=False) == []


class FailingTyping(RecordingPublisher):
    """Rejects typing, as if a file had extended the event by a required field."""

    @override
    async def fire(self, event: Envelope, *, to: Target = ALL, origin: Origin, strict: bool = True) -> Delivery:
        if event.event == "typing":
            raise InvalidEvent([])
        return await super().fire(event, to=to, origin=origin)


async def test_a_reply_comes_also_if_typing_cannot_be_fired() -> None:
    ((_, text),) = await replies(1, publisher=FailingTyping(), events=1)
    assert text in REPLIES


async def test_the_friend_stops_typing_if_the_reply_is_cancelled() -> None:
    class Endless(FakeTime):
        """A clock whose second sleep does not end."""

        @override
        async def sleep(self, seconds: float) -> None:
            await super().sleep(seconds)
            if len(self.slept) == 2:
                await asyncio.Event().wait()

    publisher = RecordingPublisher(Endless())
    assert [value for _, value in await replies(1, publisher=publisher, events=1)] == [True, False]
