"""The composer: templates, targets, malformed fixtures, repeats, and long work in slices."""

import asyncio
import json
from typing import Any, ClassVar

import pytest

from app.hub.generated_values import GeneratedValues
from app.hub.hub import Delivery
from app.hub.origin import PANEL, Origin
from app.hub.target import ALL, Target
from app.protocol.catalog import built_in
from app.protocol.envelope import Envelope
from app.protocol.errors import Invalid, RequestError
from app.protocol.event_type import InvalidEvent
from app.protocol.fixture import Fixture, SavedFixture
from app.sources.composer import EventComposer
from tests.hub.doubles import FakeTime


class RecordingSender:
    """Record what is fired and sent."""

    clock = FakeTime().clock
    values = GeneratedValues(clock)
    catalog = built_in()
    local_user = "zoe"
    personas: ClassVar = ["alice", "carol"]
    friends: ClassVar = ["alice", "carol"]

    def __init__(self) -> None:
        self.events: list[Envelope] = []
        self.frames: list[str] = []
        self.targets: list[Target] = []
        self.fails = False

    async def fire(self, event: Envelope, *, to: Target = ALL, origin: Origin, strict: bool = True) -> Delivery:
        if self.fails:
            raise InvalidEvent([])
        if not strict and built_in().problems(event):
            delivery = await self.send_raw(event.encode().decode(), to=to, origin=origin)
            return delivery._replace(warnings=("sent, not stored",))
        self.events.append(event)
        self.targets.append(to)
        return Delivery(len(self.events), (), origin)

    def message_from(self, persona: str, text: str) -> Envelope:
        return Envelope("new_message", {"from": persona, "text": text})

    async def fire_built_in(self, event: Envelope, *, to: Target = ALL, origin: Origin) -> Delivery:
        return await self.fire(event, to=to, origin=origin)

    async def send_raw(self, text: str, *, to: Target = ALL, origin: Origin) -> Delivery:
        self.frames.append(text)
        self.targets.append(to)
        return Delivery(len(self.frames), (), origin)


class Desk:
    """A composer, its sender, and the personas of its template contexts."""

    def __init__(self) -> None:
        self.sender = RecordingSender()
        self.composer = EventComposer(self.sender)

    async def fire(self, fixture: Fixture, to: Target | None = None, **options: Any) -> Delivery:
        return await self.composer.fire(fixture, to=to, origin=PANEL, **options)


@pytest.fixture
def desk() -> Desk:
    return Desk()


ONLINE = Fixture(event="friend_online", data={"username": "{{persona}}"})
FRAME = Fixture(frame='{"seq":{{seq}},"id":"{{uuid}}"')


async def test_an_event_is_published_with_its_templates_resolved(desk: Desk) -> None:
    assert await desk.fire(ONLINE) == Delivery(1, (), "panel")
    await desk.fire(ONLINE, persona="bob")
    assert desk.sender.events == [
        Envelope("friend_online", {"username": "alice"}),
        Envelope("friend_online", {"username": "bob"}),
    ]
    assert ONLINE.data == {"username": "{{persona}}"}


async def test_an_event_that_violates_the_contract_is_passed_to_the_publisher(desk: Desk) -> None:
    await desk.fire(Fixture(event="unknown", data={"to": "{{me}}"}))
    assert desk.sender.events == [Envelope("unknown", {"to": "zoe"})]
    assert desk.sender.frames == []


async def test_a_malformed_event_is_sent_as_a_raw_frame(desk: Desk) -> None:
    await desk.fire(Fixture(event="unknown", data=["{{me}}"], malformed=True))
    assert [json.loads(frame) for frame in desk.sender.frames] == [{"event": "unknown", "data": ["zoe"]}]
    assert desk.sender.events == []


async def test_a_valid_event_marked_malformed_is_sent_as_a_normal_event(desk: Desk) -> None:
    await desk.fire(Fixture(event="friend_online", data={"username": "bob"}, malformed=True))
    assert (len(desk.sender.events), desk.sender.frames) == (1, [])


async def test_a_raw_frame_is_sent_with_its_values(desk: Desk) -> None:
    await desk.fire(Fixture(frame="{{me}} {{nope}}"))
    await desk.fire(Fixture(frame=""))
    assert desk.sender.frames == ["zoe {{nope}}", ""]


@pytest.mark.parametrize("fixture", [ONLINE, FRAME], ids=["event", "frame"])
async def test_times_sends_the_same_frame_repeatedly(desk: Desk, fixture: Fixture) -> None:
    three = Fixture(event=fixture.event, data=fixture.data, frame=fixture.frame, times=3)
    assert (await desk.fire(three)).seq == 3
    sent: list[object] = [*desk.sender.events, *desk.sender.frames]
    assert len(sent) == 3
    assert sent[0] == sent[1] == sent[2]
    assert desk.composer.context().seq == 1


async def test_a_rejected_event_ends_the_series(desk: Desk) -> None:
    desk.sender.fails = True
    with pytest.raises(InvalidEvent):
        await desk.fire(Fixture(event="friend_online", data={"username": "bob"}, times=3))
    assert desk.sender.events == []


async def test_the_same_seed_makes_the_same_frame(desk: Desk) -> None:
    fixture = Fixture(frame="{{uuid}} {{faker.name}}")
    for seed in (7, 7, 8, None, None):
        await desk.fire(fixture, seed=seed)
    first, same, other, *fresh = desk.sender.frames
    assert first == same
    assert len({first, other, *fresh}) == 4


async def test_an_explicit_target_overrides_the_target_of_the_fixture(desk: Desk) -> None:
    await desk.fire(ONLINE)
    await desk.fire(Fixture(frame="", to="user:bob"))
    await desk.fire(Fixture(frame="", to="user:bob"), ALL)
    await desk.fire(Fixture(frame="", to="invalid target"), Target(clients=frozenset({3})))
    assert desk.sender.targets == [ALL, Target(user="bob"), ALL, Target(clients=frozenset({3}))]


async def test_an_invalid_target_is_rejected_with_the_valid_forms(desk: Desk) -> None:
    with pytest.raises(RequestError) as caught:
        await desk.fire(Fixture(frame="", to="bob"))
    assert isinstance(caught.value, Invalid)
    assert (
        caught.value.reason
        == "The fixture has an invalid target 'bob': use all, user:NAME, client:NUMBER or client:1,2."
    )
    assert desk.sender.frames == []


async def test_an_integer_beyond_64_bits_is_sent_exactly(desk: Desk) -> None:
    await desk.fire(Fixture(event="unknown", data={"n": 2**70}, malformed=True))
    assert json.loads(desk.sender.frames[0]) == {"event": "unknown", "data": {"n": 2**70}}


class LoopCounter:
    """Count how often the composer yields to the event loop."""

    def __init__(self) -> None:
        self.count = 0

    async def __aenter__(self) -> "LoopCounter":
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()

    async def _run(self) -> None:
        while True:
            self.count += 1
            await asyncio.sleep(0)


async def test_the_composer_yields_between_two_repeats(desk: Desk) -> None:
    async with LoopCounter() as counter:
        await desk.fire(Fixture(event="typing", data={"username": "bob", "typing": True}, times=50))
        assert len(desk.sender.events) == 50
        assert counter.count >= 49


async def test_the_composer_yields_while_templates_are_expanded(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.hub.slices.SLICE_S", 0.0)
    async with LoopCounter() as counter:
        await desk.fire(Fixture(frame="{{me}}" * 200))
        assert desk.sender.frames == ["zoe" * 200]
        assert counter.count >= 199


async def test_an_event_with_too_many_templates_is_rejected(desk: Desk) -> None:
    with pytest.raises(RequestError) as caught:
        await desk.fire(Fixture(event="typing", data={"username": "{{uuid}}" * 201, "typing": True}))
    assert str(caught.value) == "The event has 201 templates; at most 200 are allowed."
    assert desk.sender.events == []


async def test_problems_are_computed_once_per_fixture_and_in_slices(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.hub.slices.SLICE_S", 0.0)
    found = [
        SavedFixture(f"{number}", Fixture(event="friend_online", data={"username": "a", f"{number}": 1}), True)
        for number in range(100)
    ]
    async with LoopCounter() as counter:
        first = await desk.composer.problems(found)
        assert counter.count >= 99
    assert first["7"] == ["data.7: unknown field; known fields: username"]
    monkeypatch.setattr(desk.composer, "preview", None)
    assert await desk.composer.problems(found) == first
    assert await desk.composer.problems(found[:1]) == {"0": first["0"]}


async def test_overlapping_calls_for_problems_each_return_all(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.hub.slices.SLICE_S", 0.0)
    found = [SavedFixture(name, ONLINE, True) for name in "abcd"]
    first, second = await asyncio.gather(desk.composer.problems(found), desk.composer.problems(found[:1]))
    assert (list(first), list(second)) == (["a", "b", "c", "d"], ["a"])


async def test_a_fixture_is_recent_once_also_if_its_values_differ_each_time(desk: Desk) -> None:
    fixture = Fixture(event="unknown", data={"id": "{{uuid}}"})
    for _ in range(2):
        await desk.fire(fixture)
    await desk.composer.fire_again(origin=PANEL)
    assert len({each.data["id"] for each in desk.sender.events}) == 3
    assert len(desk.composer.recent) == 1
    await desk.fire(ONLINE, persona="bob")
    await desk.fire(ONLINE, persona="carol")
    await desk.composer.fire_text("{{uuid}}", origin=PANEL)
    assert len(desk.composer.recent) == 4


async def test_problems_are_computed_again_when_the_catalog_changes(desk: Desk) -> None:
    found = [SavedFixture("x", Fixture(event="friend_online", data={"username": "a"}), True)]
    assert await desk.composer.problems(found) == {"x": []}
    before = list(desk.sender.catalog)
    desk.sender.catalog.replace([each for each in before if each.name != "friend_online"])
    assert "unknown server event" in (await desk.composer.problems(found))["x"][0]
    desk.sender.catalog.replace(before)
    assert await desk.composer.problems(found) == {"x": []}


async def test_the_list_of_problems_is_bounded(desk: Desk) -> None:
    fixture = Fixture(event="friend_online", data={"username": "{{x}}" * 10_000})
    problems = (await desk.composer.problems([SavedFixture("x", fixture, True)]))["x"]
    assert (len(problems), problems[0], problems[-1]) == (21, "{{x}} is not a template", "and 9,980 more")
