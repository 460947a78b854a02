"""When a client is ready, with a clock that the test advances."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from app.hub.clients import Client
from app.hub.origin import CONTROL, PRIMING, Origin, client_origin
from app.hub.readiness import Readiness
from app.hub.target import ALL, Target
from app.hub.tasks import Tasks
from app.protocol.envelope import Envelope
from tests.conftest import until
from tests.hub.doubles import RecordingTransport, Stage

PAGE = "http://localhost:1420"
ONLINE = Envelope("friend_online", {"username": "alice"})


@dataclass
class Rest:
    """The state of the REST stand-in."""

    listening: bool = True
    loading: bool = False


class Waiting:
    """A hub with ``Readiness`` and a fake clock, which only ``pass_time`` advances."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.rest = Rest()
        self.tasks = Tasks()
        self.readiness = Readiness(stage.hub, self.tasks, self.rest, self._sleep)
        self.ready: list[Client] = []
        self.readiness.became_ready.connect(self.ready.append)
        self._tick = asyncio.Event()

    async def _sleep(self, _: float) -> None:
        self._tick.clear()
        await self._tick.wait()

    def join(self, username: str = "me", origin: str = "") -> Client:
        return self.stage.hub.join(RecordingTransport(), username, origin=origin)

    async def pass_time(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.stage.time.passed += seconds
        self._tick.set()
        for _ in range(3):
            await asyncio.sleep(0)


@pytest.fixture
async def waiting(stage: Stage) -> AsyncIterator[Waiting]:
    waiting = Waiting(stage)
    yield waiting
    await waiting.tasks.cancel()


async def test_a_client_without_origin_is_ready_after_half_a_second(waiting: Waiting) -> None:
    client = waiting.join()
    await waiting.pass_time(0.49)
    assert not client.ready
    await waiting.pass_time(0.02)
    assert client.ready
    assert waiting.ready == [client]


async def test_a_client_that_disconnects_within_half_a_second_is_never_ready(waiting: Waiting) -> None:
    client = waiting.join()
    await waiting.pass_time(0.4)
    waiting.stage.hub.leave(client)
    await waiting.pass_time(5)
    assert not client.ready
    assert waiting.ready == []


async def test_a_page_is_ready_a_moment_after_it_has_requested_its_friends(waiting: Waiting) -> None:
    page = waiting.join(origin=PAGE)
    await waiting.pass_time(0.6)
    assert not page.ready
    waiting.readiness.friends_requested("http://localhost:3000")
    await waiting.pass_time(0.1)
    assert not page.ready
    waiting.readiness.friends_requested(PAGE)
    await waiting.pass_time(0.2)
    assert not page.ready, "a slow page would handle the response after the event"
    await waiting.pass_time(0.2)
    assert page.ready


async def test_a_request_does_not_make_a_page_ready_before_half_a_second(waiting: Waiting) -> None:
    page = waiting.join(origin=PAGE)
    waiting.readiness.friends_requested(PAGE)
    await waiting.pass_time(0.4)
    assert not page.ready
    await waiting.pass_time(0.2)
    assert page.ready


async def test_a_request_before_the_connection_does_not_make_a_page_ready(waiting: Waiting) -> None:
    waiting.join(origin=PAGE)
    waiting.readiness.friends_requested(PAGE)
    await waiting.pass_time(0.1)
    later = waiting.join(origin=PAGE)
    await waiting.pass_time(0.6)
    assert not later.ready


async def test_without_a_request_a_page_is_ready_after_two_seconds(waiting: Waiting) -> None:
    page = waiting.join(origin=PAGE)
    await waiting.pass_time(1.9)
    assert not page.ready
    await waiting.pass_time(0.1)
    assert page.ready


async def test_the_two_seconds_begin_when_requests_can_be_answered(waiting: Waiting) -> None:
    """On a busy machine, the first request waits for seconds until aiohttp is loaded."""
    waiting.rest.loading = True
    page = waiting.join(origin=PAGE)
    await waiting.pass_time(3)
    assert not page.ready
    waiting.rest.loading = False
    await waiting.pass_time(1.9)
    assert not page.ready
    await waiting.pass_time(0.1)
    assert page.ready


async def test_a_request_after_nearly_two_seconds_is_waited_for(waiting: Waiting) -> None:
    page = waiting.join(origin=PAGE)
    await waiting.pass_time(1.9)
    waiting.readiness.friends_requested(PAGE)
    await waiting.pass_time(0.2)
    assert not page.ready
    await waiting.pass_time(0.2)
    assert page.ready


async def test_another_page_of_the_origin_that_polls_does_not_delay_a_page(waiting: Waiting) -> None:
    page = waiting.join(origin=PAGE)
    for _ in range(6):
        waiting.readiness.friends_requested(PAGE)
        await waiting.pass_time(0.1)
    assert page.ready


async def test_a_client_that_is_no_page_does_not_wait_for_rest(waiting: Waiting) -> None:
    waiting.rest.loading = True
    client = waiting.join()
    await waiting.pass_time(0.5)
    assert client.ready


async def test_without_rest_a_page_is_ready_after_half_a_second(waiting: Waiting) -> None:
    waiting.rest.listening = False
    page = waiting.join(origin=PAGE)
    await waiting.pass_time(0.5)
    assert page.ready


async def test_one_task_serves_all_clients_and_ends_with_the_last(waiting: Waiting) -> None:
    for _ in range(100):
        waiting.join()
    await waiting.pass_time(0.5)
    assert len(waiting.ready) == 100
    assert waiting.tasks._running == set()
    late = waiting.join()
    await waiting.pass_time(0.5)
    assert late.ready


async def test_wait_ends_only_when_the_requested_target_is_ready(waiting: Waiting) -> None:
    wait_for_bob = asyncio.create_task(waiting.readiness.wait(Target(user="bob"), 60))
    client = waiting.join("me")
    await waiting.pass_time(0.5)
    assert not wait_for_bob.done()
    waiting.stage.hub.identify(client, "bob")
    await until(wait_for_bob.done)
    assert wait_for_bob.result()
    assert waiting.readiness.ready(Target(user="bob")) == [client]


@pytest.mark.parametrize("end", [lambda client: client.close(1012, "restart"), Client.abort])
async def test_a_client_that_is_being_closed_is_not_ready(waiting: Waiting, end: Callable[[Client], None]) -> None:
    client = waiting.join()
    await waiting.pass_time(0.6)
    end(client)
    assert not client.ready
    waited = asyncio.create_task(waiting.readiness.wait(ALL, 5))
    again = waiting.join()
    await waiting.pass_time(0.4)
    assert not waited.done(), "an event that is fired now has no recipient"
    await waiting.pass_time(0.2)
    assert await waited
    assert waiting.readiness.ready(ALL) == [again]


async def test_a_client_that_is_closed_before_it_is_ready_never_becomes_ready(waiting: Waiting) -> None:
    client = waiting.join()
    client.close(1012, "restart")
    await waiting.pass_time(0.6)
    assert waiting.ready == []


async def test_wait_times_out_without_a_ready_client(waiting: Waiting) -> None:
    waiting.join()
    assert not await waiting.readiness.wait(ALL, 0.01)


# a client that disconnects right after a delivery


def lost(stage: Stage) -> list[tuple[str, str]]:
    return [(row.client, row.note) for row in stage.rows("disconnected after delivery")]


def test_a_client_that_disconnects_right_after_a_delivery_is_reported(stage: Stage) -> None:
    client = stage.join()
    delivery = stage.hub.publish(ONLINE, origin=CONTROL)
    stage.time.passed += 0.09
    stage.hub.leave(client)
    assert lost(stage) == [
        (
            "1",
            f"client 1 disconnected within 100 ms of #{delivery.seq}, so its UI may not show that event",
        )
    ]


@pytest.mark.parametrize(
    ("to", "passed", "origin"),
    [
        (ALL, 0.2, CONTROL),
        (Target(user="bob"), 0.0, CONTROL),
        (ALL, 0.0, PRIMING),
        (ALL, 0.0, client_origin(1)),
    ],
    ids=["later", "other recipient", "priming", "own event"],
)
def test_other_deliveries_are_not_reported(stage: Stage, to: Target, passed: float, origin: Origin) -> None:
    client = stage.join("me")
    stage.join("bob")
    stage.hub.publish(ONLINE, to=to, origin=origin)
    stage.time.passed += passed
    stage.hub.leave(client)
    assert lost(stage) == []


def test_unsent_events_and_events_before_the_client_joined_are_not_reported(stage: Stage) -> None:
    stage.join("bob")
    stage.hub.publish(ONLINE, origin=CONTROL)
    client = stage.join("me")
    stage.hub.paused = True
    stage.hub.publish(ONLINE, origin=CONTROL)
    stage.hub.leave(client)
    assert lost(stage) == []


def test_a_client_that_the_companion_disconnects_is_not_reported(stage: Stage) -> None:
    one, two, three = stage.join(), stage.join(), stage.join()
    stage.hub.publish(ONLINE, origin=CONTROL)
    one.close(1001, "")
    two.abort()
    stage.hub.leave(one)
    stage.hub.leave(two)
    stage.hub.leave(three, ended_here=True)
    assert lost(stage) == []
