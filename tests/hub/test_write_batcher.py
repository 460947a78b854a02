"""Frames are batched in order, whole and bounded, and are written immediately when there is little to send."""

import asyncio
import itertools
import random
import time
from typing import Any

import pytest

from app.hub.clients import OUTBOX_BYTES, Client
from app.hub.clock import Clock
from app.hub.flush_policy import MAX_IMMEDIATE_SINGLES, MAX_QUEUE_WAIT_S, SINGLE_QUIET_RATIO
from app.hub.hub import Hub
from app.hub.journal import Journal
from app.hub.target import Target
from app.hub.write_batcher import (
    CLIENTS_PER_CLOCK_CHECK,
    FULL_SOCKET_RETRY_S,
    MAX_BATCH_BYTES,
    MAX_FULL_SOCKET_RETRIES,
    MAX_QUEUE_BYTES,
    WriteBatcher,
)
from app.protocol.envelope import Envelope
from tests.conftest import until
from tests.hub.doubles import FakeTime, RecordingTransport


class Busy:
    """A batching hub with recording clients. Each flush seems to take ``flush_s`` seconds."""

    def __init__(self, flush_s: float = 0.003) -> None:
        self.time = FakeTime()
        self.hub = Hub(Journal(self.time.clock), self.time.clock, batch=True)
        self.flush_s = flush_s
        self.transports: list[RecordingTransport] = []

    def join(self, username: str | None = None) -> Client:
        transport = SlowTransport(self)
        self.transports.append(transport)
        return self.hub.join(transport, username)

    def fire(self, text: str, to: Target | None = None) -> None:
        event = Envelope("friend_online", {"username": text})
        self.hub.publish(event, origin="test", **({"to": to} if to else {}))

    def got(self, number: int) -> list[str]:
        together = b"".join(self.transports[number].frames)
        return [part.split('"')[0] for part in together.decode().split('"username":"')[1:]]


class SlowTransport(RecordingTransport):
    """A transport whose writes take time on the fake clock."""

    def __init__(self, stage: Busy) -> None:
        super().__init__()
        self.stage = stage

    def write(self, piece: bytes) -> None:
        super().write(piece)
        self.stage.time.passed += self.stage.flush_s


async def test_the_first_one_goes_at_once_and_what_follows_goes_together() -> None:
    stage = Busy()
    stage.join()
    stage.fire("a")
    assert stage.got(0) == ["a"]
    for name in "bcd":
        stage.fire(name)
    assert stage.got(0) == ["a"]
    stage.time.passed += 2 * stage.flush_s
    await until(lambda: len(stage.transports[0].frames) == 2)
    assert stage.got(0) == ["a", "b", "c", "d"]


async def test_after_a_while_of_nothing_one_goes_at_once_again() -> None:
    stage = Busy()
    stage.join()
    for name in "abc":
        stage.fire(name)
        assert stage.got(0)[-1] == name
        stage.time.passed += 2 * stage.flush_s + 0.001


async def test_no_frame_waits_longer_than_the_limit_after_a_slow_flush() -> None:
    stage = Busy(flush_s=1.0)
    stage.join()
    stage.fire("a")
    stage.time.passed += MAX_QUEUE_WAIT_S
    stage.fire("b")
    assert stage.got(0) == ["a", "b"]


async def test_much_at_once_is_handed_on_before_its_time() -> None:
    stage = Busy()
    stage.join()
    stage.fire("x")
    names = [f"{number:04}" + "y" * 900 for number in range(200)]
    for name in names:
        stage.fire(name)
    assert len(stage.transports[0].frames) > 2
    assert max(len(piece) for piece in stage.transports[0].frames) < MAX_BATCH_BYTES + 1024
    stage.hub.batcher.flush()
    assert stage.got(0) == ["x", *names]


async def test_a_frame_that_is_too_large_to_wait_goes_before_the_next_one() -> None:
    stage = Busy()
    stage.join()
    large = "b" * (MAX_BATCH_BYTES + 1)
    stage.fire("a")
    stage.fire(large)
    assert stage.got(0) == ["a", large]
    stage.time.passed += 1
    stage.fire("c")
    assert stage.got(0) == ["a", large, "c"]


async def test_each_client_receives_its_own_frames_in_order_across_mixed_targets() -> None:
    stage = Busy()
    clients = [stage.join(name) for name in ("me", "bob", "bob")]
    targets = [
        None,
        Target(user="bob"),
        Target(clients=frozenset({clients[0].id})),
        Target(user="bob", excluded=clients[1].id),
    ]
    expected: list[list[str]] = [[], [], []]
    who = [(0, 1, 2), (1, 2), (0,), (2,)]
    for number, kind in enumerate(itertools.islice(itertools.cycle([0, 1, 2, 3, 3, 1, 0]), 60)):
        stage.fire(str(number), targets[kind])
        for each in who[kind]:
            expected[each].append(str(number))
    stage.hub.batcher.flush()
    assert [stage.got(number) for number in range(3)] == expected
    assert [client.frames_out for client in clients] == [len(each) for each in expected]


@pytest.mark.parametrize("seed", range(20))
async def test_the_order_stays_whatever_comes_when(seed: int) -> None:
    chance = random.Random(seed)
    stage = Busy(flush_s=chance.choice([0.00001, 0.003]))
    clients = [stage.join(f"u{number % 5}") for number in range(2 * CLIENTS_PER_CLOCK_CHECK + 3)]
    expected: list[list[str]] = [[] for _ in clients]
    for number in range(150):
        to = chance.choice([Target(), Target(user="u1"), Target(clients=frozenset({chance.choice(clients).id}))])
        text = f"{number}" + "z" * chance.choice([0, 0, 0, 100, 5_000, MAX_BATCH_BYTES])
        stage.fire(text, to)
        for client in to.select(clients):
            expected[client.id - 1].append(text)
        stage.time.passed += chance.choice([0, 0, 0.0005, 0.05])
        for _ in range(chance.choice([0, 0, 0, 1, 3])):
            await asyncio.sleep(0)
        if chance.random() < 0.03:
            stage.hub.batcher.flush()
    stage.hub.batcher.flush()
    assert [stage.got(number) for number in range(len(clients))] == expected


async def test_a_client_that_joins_later_receives_no_queued_frames() -> None:
    stage = Busy()
    stage.join()
    stage.fire("a")
    stage.fire("b")
    late = stage.join()
    stage.fire("c")
    stage.hub.batcher.flush()
    assert (stage.got(0), stage.got(1)) == (["a", "b", "c"], ["c"])
    assert late.frames_out == 1


async def test_queued_frames_are_dropped_for_a_departed_client_but_sent_to_the_others() -> None:
    stage = Busy()
    gone, _ = stage.join(), stage.join()
    stage.fire("a")
    stage.fire("b")
    stage.hub.leave(gone)
    stage.hub.batcher.flush()
    assert (stage.got(0), stage.got(1)) == (["a"], ["a", "b"])


async def test_what_was_sent_before_a_close_goes_before_it() -> None:
    stage = Busy()
    client = stage.join()
    stage.fire("a")
    stage.fire("b")
    client.close(1000, "enough")
    assert stage.got(0) == ["a", "b"]
    assert stage.transports[0].closed == [(1000, "enough")]


async def test_a_client_that_reads_nothing_is_given_up_at_the_same_bound() -> None:
    stage = Busy()
    slow, quick = stage.join(), stage.join()
    slow.outbox.block()
    sent = 0
    while not slow.outbox.closed:
        stage.fire("z" * 1000)
        await asyncio.sleep(0)
        sent += 1
        assert slow.outbox.waiting <= OUTBOX_BYTES
        assert sent < 1000
    size = len(Envelope("friend_online", {"username": "z" * 1000}).encode())
    assert sent * size > OUTBOX_BYTES
    assert sent * size <= OUTBOX_BYTES + MAX_BATCH_BYTES + size
    assert stage.transports[0].aborted == 1
    stage.hub.batcher.flush()
    assert quick.frames_out == sent
    assert [row.event for row in stage.hub.journal].count("aborted") == 1


class NarrowSocket(SlowTransport):
    """A socket that is full after ``room`` bytes, and drains after ``turns`` loop iterations."""

    def __init__(self, stage: Busy, room: int, turns: int) -> None:
        super().__init__(stage)
        self.room, self.turns = room, turns
        self.taken = 0
        self.client: Client | None = None

    def write(self, piece: bytes) -> None:
        super().write(piece)
        self.taken += len(piece)
        if self.taken >= self.room and self.client and not self.client.outbox.blocked:
            self.client.outbox.block()
            if self.turns:
                asyncio.get_running_loop().call_soon(self._read, self.turns)

    def _read(self, turns: int) -> None:
        if turns > 1:
            asyncio.get_running_loop().call_soon(self._read, turns - 1)
        elif self.client:
            self.taken = 0
            self.client.outbox.unblock()


def narrow(stage: Busy, turns: int, room: int = 2 * MAX_BATCH_BYTES) -> Client:
    """Add a client whose socket is full after ``room`` bytes. ``turns`` 0: it never drains."""
    transport = NarrowSocket(stage, room, turns)
    stage.transports.append(transport)
    transport.client = stage.hub.join(transport)
    return transport.client


def count_pauses() -> list[float]:
    """Return a list that grows with every pause of a burst."""
    loop, pauses = asyncio.get_running_loop(), list[float]()
    usual = loop.call_later

    def call_later(delay: float, *rest: Any) -> asyncio.TimerHandle:
        if delay == FULL_SOCKET_RETRY_S:
            pauses.append(delay)
        return usual(delay, *rest)

    loop.call_later = call_later  # type: ignore[method-assign]
    return pauses


def burst(stage: Busy, number: int, first: int = 0) -> list[str]:
    """Fire events of one kilobyte each in one loop iteration."""
    names = [f"{each:06}" + "z" * 1000 for each in range(first, first + number)]
    for name in names:
        stage.fire(name)
    return names


@pytest.mark.parametrize("turns", [1, 3, 20])
async def test_a_burst_does_not_abort_clients_that_had_no_time_to_read(turns: int) -> None:
    stage = Busy(flush_s=0.00002)
    clients = [narrow(stage, turns), narrow(stage, turns), stage.join()]
    names = burst(stage, 3000)
    await asyncio.sleep(0)
    names += burst(stage, 500, 3000)  # in the middle of it
    stage.fire("last", Target(clients=frozenset({clients[0].id})))
    await until(lambda: stage.got(0)[-1:] == ["last"])
    await until(lambda: all(client.frames_out >= len(names) and not client.outbox.waiting for client in clients))
    assert stage.got(0) == [*names, "last"]
    assert stage.got(1) == stage.got(2) == names
    assert max(len(piece) for transport in stage.transports for piece in transport.frames) < MAX_BATCH_BYTES + 1100
    assert "aborted" not in [row.event for row in stage.hub.journal]


async def test_a_burst_aborts_stalled_clients_and_reaches_all_others() -> None:
    stage = Busy(flush_s=0.00002)
    stalled = [narrow(stage, turns=0) for _ in range(3 * CLIENTS_PER_CLOCK_CHECK)]
    quick = stage.join()
    pauses = count_pauses()
    names = burst(stage, 3000)
    while not all(client.outbox.closed for client in stalled):
        assert max(client.outbox.waiting for client in stalled) <= OUTBOX_BYTES
        await asyncio.sleep(0)
    # One more than fits is what gives them up; ten times as many stalled clients cost the others no more.
    assert 0 < len(pauses) <= MAX_FULL_SOCKET_RETRIES * (OUTBOX_BYTES // MAX_BATCH_BYTES + 2)
    await until(lambda: quick.frames_out == len(names))
    assert stage.got(3 * CLIENTS_PER_CLOCK_CHECK) == names
    assert [transport.aborted for transport in stage.transports] == [1] * len(stalled) + [0]


async def test_a_second_burst_waits_like_the_first_whatever_comes_after_it() -> None:
    stage = Busy(flush_s=0.00002)
    clients = [narrow(stage, turns=3) for _ in range(3)]
    names = burst(stage, 1500)
    await asyncio.sleep(0)
    names += burst(stage, 3000, len(names))
    while clients[0].frames_out < len(names) - 10:
        names += burst(stage, 1, len(names))
        for _ in range(10):
            await asyncio.sleep(0)
    await until(lambda: all(client.frames_out == len(names) for client in clients))
    assert [stage.got(number) for number in range(3)] == [names] * 3
    assert "aborted" not in [row.event for row in stage.hub.journal]


async def test_a_burst_that_comes_while_a_flush_is_under_way_waits_too() -> None:
    stage = Busy(flush_s=0.00002)
    clients = [narrow(stage, turns=3) for _ in range(3 * CLIENTS_PER_CLOCK_CHECK)]
    names = ["a"]
    stage.fire("a")
    assert not stage.transports[-1].frames
    clients[0].outbox.block()
    asyncio.get_running_loop().call_later(0.01, clients[0].outbox.unblock)
    names += burst(stage, 3000)
    await asyncio.sleep(0)
    stage.fire("c", Target(clients=frozenset({clients[-1].id})))
    await until(lambda: clients[-1].frames_out == len(names) + 1)
    assert stage.got(3 * CLIENTS_PER_CLOCK_CHECK - 1) == [*names, "c"]
    await until(lambda: all(client.frames_out >= len(names) for client in clients))
    assert "aborted" not in [row.event for row in stage.hub.journal]


async def test_to_close_one_client_in_a_burst_costs_the_others_nothing() -> None:
    stage = Busy(flush_s=0.00002)
    clients = [narrow(stage, turns=1) for _ in range(5)]
    clients.append(stage.join())
    names = burst(stage, 3000)
    await asyncio.sleep(0)
    clients[-1].close(1000, "enough")
    assert stage.got(5) == names
    await until(lambda: all(client.frames_out == len(names) for client in clients))
    assert [stage.got(number) for number in range(6)] == [names] * 6
    assert "aborted" not in [row.event for row in stage.hub.journal]


async def test_large_frames_to_many_wait_for_full_sockets_as_well() -> None:
    stage = Busy(flush_s=0.00002)
    clients = [narrow(stage, turns=1) for _ in range(CLIENTS_PER_CLOCK_CHECK + 1)]
    names = [f"{number:02}" + "z" * 50_000 for number in range(40)]
    for name in names:
        stage.fire(name)
        stage.time.passed += 0.0008
    await until(lambda: all(client.frames_out == len(names) for client in clients))
    assert stage.got(CLIENTS_PER_CLOCK_CHECK) == names
    assert "aborted" not in [row.event for row in stage.hub.journal]


async def test_pieces_of_a_burst_are_made_one_at_a_time() -> None:
    stage = Busy(flush_s=0.00002)
    for _ in range(20):
        narrow(stage, turns=1)
    for _ in range(300):  # nobody gets the same
        burst(stage, 1)
        stage.fire("z" * 5000, Target(excluded=stage.hub.clients[3].id))
    await asyncio.sleep(0)
    assert len(stage.hub.batcher._writes) <= 2 * 20


async def test_what_waits_for_full_sockets_is_bounded() -> None:
    stage = Busy(flush_s=0.00002)
    stalled = narrow(stage, turns=0)
    sent = 0
    while not stalled.outbox.closed:
        stage.fire("z" * 50_000)
        sent += 50_000
    assert MAX_QUEUE_BYTES < sent < MAX_QUEUE_BYTES + 10 * MAX_BATCH_BYTES


async def test_what_is_for_one_client_by_name_waits_only_where_something_waits_already() -> None:
    stage = Busy()
    for name in ("alice", "bob"):
        stage.join(name)
    for name in "abc":
        stage.fire(name, Target(user="alice"))
        assert stage.got(0)[-1] == name
        stage.time.passed += (SINGLE_QUIET_RATIO + 0.1) * stage.flush_s
    stage.fire("d")
    stage.fire("e")
    stage.fire("f", Target(user="alice"))  # not before what waits already
    assert stage.got(0) == [*"abcd"]
    stage.hub.batcher.flush()
    assert (stage.got(0), stage.got(1)) == ([*"abcdef"], [*"de"])


async def test_what_one_turn_of_a_busy_loop_brings_for_several_leaves_at_its_end() -> None:
    stage = Busy(flush_s=0.00001)
    for name in ("alice", "bob", "carol"):
        stage.join(name)
    stage.fire("a", Target(user="alice"))
    stage.fire("b", Target(user="bob"))
    stage.fire("c", Target(user="carol"))
    assert [stage.got(number) for number in range(3)] == [["a"], [], []]
    await asyncio.sleep(0)
    assert [stage.got(number) for number in range(3)] == [["a"], ["b"], ["c"]]
    for name in "de":
        stage.fire(name, Target(user="carol"))
        await asyncio.sleep(0)
        assert stage.got(2)[-1] == name


async def test_what_comes_alone_in_turn_after_turn_seldom_waits_for_the_end_of_its_own() -> None:
    stage = Busy(flush_s=0.00001)
    stage.join("alice")

    async def fired(name: str) -> bool:
        stage.fire(name, Target(user="alice"))
        at_once = stage.got(0)[-1] == name
        await asyncio.sleep(0)
        assert stage.got(0)[-1] == name
        return at_once

    took = [await fired(str(number)) for number in range(2 * MAX_IMMEDIATE_SINGLES + 4)]
    assert took == [True, *2 * [False, *MAX_IMMEDIATE_SINGLES * [True]], False]


async def test_where_several_came_in_one_turn_the_next_ones_wait_for_its_end() -> None:
    stage = Busy(flush_s=0.00001)
    for name in ("alice", "bob"):
        stage.join(name)
    for name in "ab":
        stage.fire(name, Target(user="alice"))
        await asyncio.sleep(0)
    for _ in range(MAX_IMMEDIATE_SINGLES):
        stage.fire("c", Target(user="alice"))
    for name in "xy":
        stage.fire(name, Target(user="alice"))
        stage.fire(name, Target(user="bob"))
        assert name not in stage.got(0) + stage.got(1)
        await asyncio.sleep(0)
        assert (stage.got(0)[-1], stage.got(1)[-1]) == (name, name)


async def test_what_comes_when_the_wait_is_over_takes_along_what_has_gathered() -> None:
    stage = Busy()
    stage.join()
    stage.fire("a")
    stage.fire("b")
    stage.time.passed += 2 * stage.flush_s
    stage.fire("c")
    assert stage.got(0) == ["a"]  # what else this turn brings goes with it
    stage.fire("d")
    await asyncio.sleep(0)
    assert stage.got(0) == [*"abcd"]
    assert len(stage.transports[0].frames) == 2


async def test_what_comes_as_the_time_of_a_flush_comes_goes_with_it() -> None:
    stage = Busy()
    stage.join()
    stage.fire("a")
    stage.fire("b")
    asyncio.get_running_loop().call_later(stage.flush_s + 0.001, stage.fire, "c")
    time.sleep(2 * stage.flush_s)  # noqa: ASYNC251  now both are due in one turn, the flush first
    await until(lambda: len(stage.transports[0].frames) > 1)
    assert stage.got(0) == [*"abc"]


@pytest.mark.parametrize("apart_s", [0.0, 0.000008])
async def test_a_short_flush_lets_the_next_one_gather_all_the_same(
    apart_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Busy(flush_s=0.00001)
    stage.join()
    loop = asyncio.get_running_loop()
    now = loop.time()
    with monkeypatch.context() as frozen:  # no timer fires meanwhile, however slow this machine is
        frozen.setattr(loop, "time", lambda: now)
        stage.fire("a")
        for name in "bcdef":
            stage.time.passed += apart_s
            stage.fire(name)
            await asyncio.sleep(0)
        assert stage.got(0) == ["a"]
    await until(lambda: len(stage.transports[0].frames) > 1)
    assert stage.got(0) == [*"abcdef"]
    assert len(stage.transports[0].frames) == 2


async def test_a_flush_to_many_gives_others_their_turn() -> None:
    stage = Busy()
    for _ in range(5 * CLIENTS_PER_CLOCK_CHECK + 1):
        stage.join()

    def served() -> int:
        return sum(1 for transport in stage.transports if transport.frames)

    stage.fire("a")
    seen = [served()]
    while seen[-1] < len(stage.transports):
        await asyncio.sleep(0)
        seen.append(served())
    assert seen == [
        CLIENTS_PER_CLOCK_CHECK,
        2 * CLIENTS_PER_CLOCK_CHECK,
        3 * CLIENTS_PER_CLOCK_CHECK,
        4 * CLIENTS_PER_CLOCK_CHECK,
        5 * CLIENTS_PER_CLOCK_CHECK,
        5 * CLIENTS_PER_CLOCK_CHECK + 1,
    ]


async def test_a_frame_fired_between_two_flush_slices_is_sent_after_the_queued_frames() -> None:
    stage = Busy()
    clients = [stage.join() for _ in range(3 * CLIENTS_PER_CLOCK_CHECK)]
    stage.fire("a")
    stage.fire("b")
    await asyncio.sleep(0)
    stage.fire("c", Target(clients=frozenset({clients[-1].id})))
    stage.hub.leave(clients[-2])
    await until(lambda: stage.got(3 * CLIENTS_PER_CLOCK_CHECK - 1) == ["a", "b", "c"])
    assert all(stage.got(number) == ["a", "b"] for number in range(3 * CLIENTS_PER_CLOCK_CHECK - 2))
    assert stage.got(3 * CLIENTS_PER_CLOCK_CHECK - 2) == []


async def test_close_flushes_the_queue_of_that_client_at_once_and_keeps_the_others_queued() -> None:
    stage = Busy()
    clients = [stage.join() for _ in range(3 * CLIENTS_PER_CLOCK_CHECK)]
    stage.fire("a")
    stage.fire("b")
    assert stage.got(3 * CLIENTS_PER_CLOCK_CHECK - 1) == []
    clients[-1].close(1000, "enough")
    assert stage.got(3 * CLIENTS_PER_CLOCK_CHECK - 1) == ["a", "b"]
    assert stage.got(3 * CLIENTS_PER_CLOCK_CHECK - 2) == []
    stage.fire("c")
    clients[-1].close(1000, "twice")
    await until(lambda: stage.got(3 * CLIENTS_PER_CLOCK_CHECK - 2) == ["a", "b", "c"])
    assert all(stage.got(number) == ["a", "b", "c"] for number in range(3 * CLIENTS_PER_CLOCK_CHECK - 1))
    assert stage.got(3 * CLIENTS_PER_CLOCK_CHECK - 1) == ["a", "b"]
    assert clients[-1].frames_out == 2


async def test_at_the_end_nothing_waits() -> None:
    stage = Busy()
    stage.join()
    stage.fire("a")
    stage.fire("b")
    stage.hub.batcher.flush()
    assert stage.got(0) == ["a", "b"]
    await asyncio.sleep(0.02)
    assert len(stage.transports[0].frames) == 2


@pytest.mark.parametrize("number", [1, 3])
def test_without_waiting_no_loop_is_needed(number: int) -> None:
    taken: list[bytes] = []

    class Transport(RecordingTransport):
        def write(self, piece: bytes) -> None:
            taken.append(piece)

    hub = Hub(Journal())
    client = hub.join(Transport())
    batcher = WriteBatcher(Clock(), batch=False)
    for each in range(number):
        batcher.put(b"%d" % each, 1, (client,))
    assert taken == [b"%d" % each for each in range(number)]
