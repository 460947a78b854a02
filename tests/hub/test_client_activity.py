"""The last event sent to a client, and its frames per second."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.hub import client_activity
from app.hub.client_activity import SECONDS, ClientActivity
from app.hub.hub import Hub
from app.hub.journal import Journal
from app.hub.origin import PANEL
from app.hub.target import Target
from app.hub.tasks import Tasks
from app.protocol.envelope import Envelope
from tests.conftest import until
from tests.hub.doubles import NoTasks, RecordingTransport, Stage

ONLINE = Envelope("friend_online", {"username": "alice"})
TYPING = Envelope("typing", {"username": "alice", "typing": True})


@pytest.fixture
def activity(stage: Stage) -> ClientActivity:
    return ClientActivity(stage.hub, NoTasks())


def test_the_last_event_sent_to_a_client_is_found(stage: Stage, activity: ClientActivity) -> None:
    alice, bob = stage.join("alice"), stage.join("bob")
    assert activity.last_sent(alice) is None
    first = stage.hub.broadcast(ONLINE)
    stage.time.passed += 3
    second = stage.hub.publish(TYPING, to=Target(user="bob"), origin=PANEL)
    assert activity.last_sent(alice) == (first.seq, "friend_online", 1_700_000_000.0)
    assert activity.last_sent(bob) == (second.seq, "typing", 1_700_000_003.0)


def test_events_that_were_not_sent_are_ignored(stage: Stage, activity: ClientActivity) -> None:
    alice = stage.join("alice")
    stage.hub.publish(TYPING, to=Target(user="unknown"), origin=PANEL)
    stage.hub.pause(True)
    stage.hub.broadcast(ONLINE)
    assert activity.last_sent(alice) is None


def test_the_last_event_is_still_known_after_its_row_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_activity, "SEARCH_ROWS", 3)
    hub = Hub(Journal(max_rows=10))
    activity = ClientActivity(hub, NoTasks())
    client = hub.join(RecordingTransport(), "bob")
    seq = hub.broadcast(ONLINE).seq
    found = activity.last_sent(client)
    assert found
    for _ in range(30):
        hub.log_server_event("other")
    assert hub.journal.row(seq) is None
    assert activity.last_sent(client) == found


def test_a_disconnected_client_has_no_activity(stage: Stage, activity: ClientActivity) -> None:
    client = stage.join("alice")
    stage.hub.broadcast(ONLINE)
    assert activity.last_sent(client)
    stage.hub.leave(client)
    assert activity.last_sent(client) is None
    assert activity.rates(client) == []


def test_rates_count_the_frames_of_each_second_in_both_directions(stage: Stage, activity: ClientActivity) -> None:
    client = stage.join("alice")
    assert activity.rates(client) == [0] * SECONDS
    stage.hub.broadcast(ONLINE)
    client.received(10)
    client.received(10)
    activity.measure()
    activity.measure()
    stage.hub.broadcast(ONLINE)
    activity.measure()
    assert activity.rates(client) == [*[0] * (SECONDS - 3), 3, 0, 1]


@pytest.fixture
async def tasks() -> AsyncIterator[Tasks]:
    tasks = Tasks()
    yield tasks
    await tasks.cancel()


async def test_nothing_is_measured_without_clients(stage: Stage, tasks: Tasks) -> None:
    sleeps: list[float] = []

    async def sleep(seconds: float) -> None:
        sleeps.append(seconds)
        await asyncio.sleep(0)

    ClientActivity(stage.hub, tasks, sleep)
    assert not tasks._running
    for _ in range(2):
        client = stage.join("alice")
        await until(lambda: sleeps)
        assert set(sleeps) == {1}
        stage.hub.leave(client)
        await until(lambda: not tasks._running)
        sleeps.clear()
