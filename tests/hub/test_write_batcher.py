"""Frames are batched in order within limits, and are written immediately when there is little to send."""

import asyncio
import itertools
import random
import time
from typing import Any

import pytest
from typing_extensions import override

from app.hub.clients import OUTBOX_BYTES, Client
from app.hub.clock import Clock
from app.hub.flush_policy import MAX_IMMEDIATE_SINGLES, MAX_QUEUE_WAIT_S, SINGLE_QUIET_RATIO
from app.hub.hub import Hub
from app.hub.journal import Journal
from app.hub.origin import Origin
from app.hub.target import ALL, Target
from app.hub.write_batcher import (
    CLIENTS_PER_CLOCK_CHECK,
    FULL_SOCKET_RETRY_S,
    MAX_BATCH_BYTES,
    MAX_FULL_SOCKET_RETRIES,
    MAX_QUEUE_BYTES,
    WriteBatcher,
)
from app.protocol.envelope import Envelope
from tests.conftest import seeds, until
from tests.hub.doubles import FakeTime, RecordingTransport


class BatchingStage:
    """A batching hub with recording clients. Each write advances the fake clock by ``flush_s`` seconds."""

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
        self.hub.publish(event, origin=Origin("test"), to=to or ALL)

    def received(self, number: int) -> list[str]:
        data = b"".join(self.transports[number].frames)
        return [part.split('"')[0] for part in data.decode().split('"username":"')[1:]]


class SlowTransport(RecordingTransport):
    """A transport whose writes take time on the fake clock."""

    def __init__(self, stage: BatchingStage) -> None:
        super().__init__()
        self.stage = stage

    @override
    def write(self, piece: bytes) -> None:
        super().write(piece)
        self.stage.time.passed += self.stage.flush_s


async def test_the_first_frame_is_written_immediately_and_later_frames_together() -> None:
    stage = BatchingStage()
    stage.join()
    stage.fire("a")
    assert stage.received(0) == ["a"]
    for name in "bcd":
        stage.fire(name)
    assert stage.received(0) == ["a"]
    stage.time.passed += 2 * stage.flush_s
    await until(lambda: len(stage.transports[0].frames) == 2)
    assert stage.received(0) == ["a", "b", "c", "d"]


async def test_a_frame_after_a_pause_is_written_immediately() -> None:
    stage = BatchingStage()
    stage.join()
    for name in "abc":
        stage.fire(name)
        assert stage.received(0)[-1] == name
        stage.time.passed += 2 * stage.flush_s + 0.001


async def test_no_frame_waits_longer_than_the_limit_after_a_slow_flush() -> None:
    stage = BatchingStage(flush_s=1.0)
    stage.join()
    stage.fire("a")
    stage.time.passed += MAX_QUEUE_WAIT_S
    stage.fire("b")
    assert stage.received(0) == ["a", "b"]


async def test_a_full_batch_is_written_before_its_flush_is_due() -> None:
    stage = BatchingStage()
    stage.join()
    stage.fire("x")
    names = [f"{number:04}" + "y" * 900 for number in range(200)]
    for name in names:
        stage.fire(name)
    assert len(stage.transports[0].frames) > 2
    assert max(len(piece) for piece in stage.transports[0].frames) < MAX_BATCH_BYTES + 1024
    stage.hub.batcher.flush()
    assert stage.received(0) == ["x", *names]


async def test_a_frame_larger_than_a_batch_is_written_immediately() -> None:
    stage = BatchingStage()
    stage.join()
    large = "b" * (MAX_BATCH_BYTES + 1)
    stage.fire("a")
    stage.fire(large)
    assert stage.received(0) == ["a", large]
    stage.time.passed += 1
    stage.fire("c")
    assert stage.received(0) == ["a", large, "c"]


async def test_each_client_receives_its_own_frames_in_order_across_mixed_targets() -> None:
    stage = BatchingStage()
    clients = [stage.join(name) for name in ("me", "bob", "bob")]
    targets = [
        None,
        Target(user="bob"),
        Target(clients=frozenset({clients[0].id})),
        Target(user="bob", excluded=clients[1].id),
    ]
    expected: list[list[str]] = [[], [], []]
    recipients = [(0, 1, 2), (1, 2), (0,), (2,)]
    for number, kind in enumerate(itertools.islice(itertools.cycle([0, 1, 2, 3, 3, 1, 0]), 60)):
        stage.fire(str(number), targets[kind])
        for each in recipients[kind]:
            expected[each].append(str(number))
    stage.hub.batcher.flush()
    assert [stage.received(number) for number in range(3)] == expected
    assert [client.frames_out for client in clients] == [len(each) for each in expected]


@pytest.mark.parametrize("seed", seeds(5, long=20))
async def test_each_client_receives_its_frames_in_order_for_random_timings(seed: int) -> None:
    chance = random.Random(seed)
    stage = BatchingStage(flush_s=chance.choice([0.00001, 0.003]))
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
    assert [stage.received(number) for number in range(len(clients))] == expected


async def test_a_client_that_joins_later_receives_no_queued_frames() -> None:
    stage = BatchingStage()
    stage.join()
    stage.fire("a")
    stage.fire("b")
    late = stage.join()
    stage.fire("c")
    stage.hub.batcher.flush()
    assert (stage.received(0), stage.received(1)) == (["a", "b", "c"], ["c"])
    assert late.frames_out == 1


async def test_queued_frames_are_dropped_for_a_departed_client_but_sent_to_the_others() -> None:
    stage = BatchingStage()
    departed, _ = stage.join(), stage.join()
    stage.fire("a")
    stage.fire("b")
    stage.hub.leave(departed)
    stage.hub.batcher.flush()
    assert (stage.received(0), stage.received(1)) == (["a"], ["a", "b"])


async def test_queued_frames_are_written_before_a_close() -> None:
    stage = BatchingStage()
    client = stage.join()
    stage.fire("a")
    stage.fire("b")
    client.close(1000, "enough")
    assert stage.received(0) == ["a", "b"]
    assert stage.transports[0].closed == [(1000, "enough")]


async def test_a_client_that_reads_nothing_is_aborted_at_the_outbox_limit() -> None:
    stage = BatchingStage()
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

    def __init__(self, stage: BatchingStage, room: int, turns: int) -> None:
        super().__init__(stage)
        self.room, self.turns = room, turns
        self.unread_bytes = 0
        self.client: Client | None = None

    @override
    def write(self, piece: bytes) -> None:
        super().write(piece)
        self.unread_bytes += len(piece)
        if self.unread_bytes >= self.room and self.client and not self.client.outbox.blocked:
            self.client.outbox.block()
            if self.turns:
                asyncio.get_running_loop().call_soon(self._read, self.turns)

    def _read(self, turns: int) -> None:
        if turns > 1:
            asyncio.get_running_loop().call_soon(self._read, turns - 1)
        elif self.client:
            self.unread_bytes = 0
            self.client.outbox.unblock()


def add_narrow_client(stage: BatchingStage, turns: int, room: int = 2 * MAX_BATCH_BYTES) -> Client:
    """Add a client whose socket is full after ``room`` bytes. ``turns`` 0: it never drains."""
    transport = NarrowSocket(stage, room, turns)
    stage.transports.append(transport)
    transport.client = stage.hub.join(transport)
    return transport.client


def count_pauses() -> list[float]:
    """Return a list that gets an item for every retry of a full socket."""
    loop, pauses = asyncio.get_running_loop(), list[float]()
    original_call_later = loop.call_later

    def call_later(delay: float, *rest: Any) -> asyncio.TimerHandle:
        if delay == FULL_SOCKET_RETRY_S:
            pauses.append(delay)
        return original_call_later(delay, *rest)

    loop.call_later = call_later  # type: ignore[method-assign,assignment]
    return pauses


def burst(stage: BatchingStage, number: int, first: int = 0) -> list[str]:
    """Fire events of one kilobyte each in one loop iteration."""
    names = [f"{each:06}" + "z" * 1000 for each in range(first, first + number)]
    for name in names:
        stage.fire(name)
    return names


@pytest.mark.parametrize("turns", [1, 3, 20])
async def test_a_burst_does_not_abort_clients_that_had_no_time_to_read(turns: int) -> None:
    stage = BatchingStage(flush_s=0.00002)
    clients = [add_narrow_client(stage, turns), add_narrow_client(stage, turns), stage.join()]
    names = burst(stage, 3000)
    await asyncio.sleep(0)
    names += burst(stage, 500, 3000)  # while the first burst is being written
    stage.fire("last", Target(clients=frozenset({clients[0].id})))
    await until(lambda: stage.received(0)[-1:] == ["last"])
    await until(lambda: all(client.frames_out >= len(names) and not client.outbox.waiting for client in clients))
    assert stage.received(0) == [*names, "last"]
    assert stage.received(1) == stage.received(2) == names
    assert max(len(piece) for transport in stage.transports for piece in transport.frames) < MAX_BATCH_BYTES + 1100
    assert "aborted" not in [row.event for row in stage.hub.journal]


async def test_a_burst_aborts_stalled_clients_and_reaches_all_others() -> None:
    stage = BatchingStage(flush_s=0.00002)
    stalled = [add_narrow_client(stage, turns=0) for _ in range(3 * CLIENTS_PER_CLOCK_CHECK)]
    quick = stage.join()
    pauses = count_pauses()
    names = burst(stage, 3000)
    while not all(client.outbox.closed for client in stalled):
        assert max(client.outbox.waiting for client in stalled) <= OUTBOX_BYTES
        await asyncio.sleep(0)
    # The number of retries does not depend on the number of stalled clients.
    assert 0 < len(pauses) <= MAX_FULL_SOCKET_RETRIES * (OUTBOX_BYTES // MAX_BATCH_BYTES + 2)
    await until(lambda: quick.frames_out == len(names))
    assert stage.received(3 * CLIENTS_PER_CLOCK_CHECK) == names
    assert [transport.aborted for transport in stage.transports] == [1] * len(stalled) + [0]


async def test_a_second_burst_waits_for_full_sockets_like_the_first() -> None:
    stage = BatchingStage(flush_s=0.00002)
    clients = [add_narrow_client(stage, turns=3) for _ in range(3)]
    names = burst(stage, 1500)
    await asyncio.sleep(0)
    names += burst(stage, 3000, len(names))
    while clients[0].frames_out < len(names) - 10:
        names += burst(stage, 1, len(names))
        for _ in range(10):
            await asyncio.sleep(0)
    await until(lambda: all(client.frames_out == len(names) for client in clients))
    assert [stage.received(number) for number in range(3)] == [names] * 3
    assert "aborted" not in [row.event for row in stage.hub.journal]


async def test_a_burst_during_a_flush_waits_for_full_sockets() -> None:
    stage = BatchingStage(flush_s=0.00002)
    clients = [add_narrow_client(stage, turns=3) for _ in range(3 * CLIENTS_PER_CLOCK_CHECK)]
    names = ["a"]
    stage.fire("a")
    assert not stage.transports[-1].frames
    clients[0].outbox.block()
    asyncio.get_running_loop().call_later(0.01, clients[0].outbox.unblock)
    names += burst(stage, 3000)
    await asyncio.sleep(0)
    stage.fire("c", Target(clients=frozenset({clients[-1].id})))
    await until(lambda: clients[-1].frames_out == len(names) + 1)
    assert stage.received(3 * CLIENTS_PER_CLOCK_CHECK - 1) == [*names, "c"]
    await until(lambda: all(client.frames_out >= len(names) for client in clients))
    assert "aborted" not in [row.event for row in stage.hub.journal]


async def test_closing_one_client_during_a_burst_does_not_affect_the_others() -> None:
    stage = BatchingStage(flush_s=0.00002)
    clients = [add_narrow_client(stage, turns=1) for _ in range(5)]
    clients.append(stage.join())
    names = burst(stage, 3000)
    await asyncio.sleep(0)
    clients[-1].close(1000, "enough")
    assert stage.received(5) == names
    await until(lambda: all(client.frames_out == len(names) for client in clients))
    assert [stage.received(number) for number in range(6)] == [names] * 6
    assert "aborted" not in [row.event for row in stage.hub.journal]


async def test_large_frames_to_many_clients_wait_for_full_sockets() -> None:
    stage = BatchingStage(flush_s=0.00002)
    clients = [add_narrow_client(stage, turns=1) for _ in range(CLIENTS_PER_CLOCK_CHECK + 1)]
    names = [f"{number:02}" + "z" * 50_000 for number in range(40)]
    for name in names:
        stage.fire(name)
        stage.time.passed += 0.0008
    await until(lambda: all(client.frames_out == len(names) for client in clients))
    assert stage.received(CLIENTS_PER_CLOCK_CHECK) == names
    assert "aborted" not in [row.event for row in stage.hub.journal]


async def test_the_writes_of_a_burst_are_not_built_in_advance() -> None:
    stage = BatchingStage(flush_s=0.00002)
    for _ in range(20):
        add_narrow_client(stage, turns=1)
    for _ in range(300):  # every event has other recipients
        burst(stage, 1)
        stage.fire("z" * 5000, Target(excluded=stage.hub.clients[3].id))
    await asyncio.sleep(0)
    assert len(stage.hub.batcher._writes) <= 2 * 20


async def test_the_queue_for_full_sockets_is_bounded() -> None:
    stage = BatchingStage(flush_s=0.00002)
    stalled = add_narrow_client(stage, turns=0)
    sent = 0
    while not stalled.outbox.closed:
        stage.fire("z" * 50_000)
        sent += 50_000
    assert MAX_QUEUE_BYTES < sent < MAX_QUEUE_BYTES + 10 * MAX_BATCH_BYTES


async def test_a_single_client_frame_is_queued_only_behind_other_frames() -> None:
    stage = BatchingStage()
    for name in ("alice", "bob"):
        stage.join(name)
    for name in "abc":
        stage.fire(name, Target(user="alice"))
        assert stage.received(0)[-1] == name
        stage.time.passed += (SINGLE_QUIET_RATIO + 0.1) * stage.flush_s
    stage.fire("d")
    stage.fire("e")
    stage.fire("f", Target(user="alice"))  # not before the queued frames
    assert stage.received(0) == [*"abcd"]
    stage.hub.batcher.flush()
    assert (stage.received(0), stage.received(1)) == ([*"abcdef"], [*"de"])


async def test_frames_for_several_clients_are_written_at_the_end_of_the_loop_iteration() -> None:
    stage = BatchingStage(flush_s=0.00001)
    for name in ("alice", "bob", "carol"):
        stage.join(name)
    stage.fire("a", Target(user="alice"))
    stage.fire("b", Target(user="bob"))
    stage.fire("c", Target(user="carol"))
    assert [stage.received(number) for number in range(3)] == [["a"], [], []]
    await asyncio.sleep(0)
    assert [stage.received(number) for number in range(3)] == [["a"], ["b"], ["c"]]
    for name in "de":
        stage.fire(name, Target(user="carol"))
        await asyncio.sleep(0)
        assert stage.received(2)[-1] == name


async def test_lone_single_client_frames_are_mostly_written_immediately() -> None:
    stage = BatchingStage(flush_s=0.00001)
    stage.join("alice")

    async def fire_and_check(name: str) -> bool:
        stage.fire(name, Target(user="alice"))
        immediately = stage.received(0)[-1] == name
        await asyncio.sleep(0)
        assert stage.received(0)[-1] == name
        return immediately

    immediate = [await fire_and_check(str(number)) for number in range(2 * MAX_IMMEDIATE_SINGLES + 4)]
    assert immediate == [True, *2 * [False, *MAX_IMMEDIATE_SINGLES * [True]], False]


async def test_after_several_frames_in_one_loop_iteration_the_next_frames_are_queued() -> None:
    stage = BatchingStage(flush_s=0.00001)
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
        assert name not in stage.received(0) + stage.received(1)
        await asyncio.sleep(0)
        assert (stage.received(0)[-1], stage.received(1)[-1]) == (name, name)


async def test_a_frame_that_is_fired_when_a_flush_is_due_is_written_with_the_queue() -> None:
    stage = BatchingStage()
    stage.join()
    stage.fire("a")
    stage.fire("b")
    stage.time.passed += 2 * stage.flush_s
    stage.fire("c")
    assert stage.received(0) == ["a"]  # written at the end of this loop iteration
    stage.fire("d")
    await asyncio.sleep(0)
    assert stage.received(0) == [*"abcd"]
    assert len(stage.transports[0].frames) == 2


async def test_a_frame_fired_in_the_loop_iteration_of_a_flush_is_written_with_it() -> None:
    stage = BatchingStage()
    stage.join()
    stage.fire("a")
    stage.fire("b")
    asyncio.get_running_loop().call_later(stage.flush_s + 0.001, stage.fire, "c")
    time.sleep(2 * stage.flush_s)  # noqa: ASYNC251  now both are due in one loop iteration, the flush first
    await until(lambda: len(stage.transports[0].frames) > 1)
    assert stage.received(0) == [*"abc"]


@pytest.mark.parametrize("interval_s", [0.0, 0.000008])
async def test_frames_are_batched_after_a_short_flush(interval_s: float, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = BatchingStage(flush_s=0.00001)
    stage.join()
    loop = asyncio.get_running_loop()
    now = loop.time()
    with monkeypatch.context() as frozen:  # no timer fires meanwhile, even on a slow machine
        frozen.setattr(loop, "time", lambda: now)
        stage.fire("a")
        for name in "bcdef":
            stage.time.passed += interval_s
            stage.fire(name)
            await asyncio.sleep(0)
        assert stage.received(0) == ["a"]
    await until(lambda: len(stage.transports[0].frames) > 1)
    assert stage.received(0) == [*"abcdef"]
    assert len(stage.transports[0].frames) == 2


async def test_a_flush_to_many_clients_yields_to_the_event_loop() -> None:
    stage = BatchingStage()
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
    stage = BatchingStage()
    clients = [stage.join() for _ in range(3 * CLIENTS_PER_CLOCK_CHECK)]
    stage.fire("a")
    stage.fire("b")
    await asyncio.sleep(0)
    stage.fire("c", Target(clients=frozenset({clients[-1].id})))
    stage.hub.leave(clients[-2])
    await until(lambda: stage.received(3 * CLIENTS_PER_CLOCK_CHECK - 1) == ["a", "b", "c"])
    assert all(stage.received(number) == ["a", "b"] for number in range(3 * CLIENTS_PER_CLOCK_CHECK - 2))
    assert stage.received(3 * CLIENTS_PER_CLOCK_CHECK - 2) == []


async def test_close_flushes_the_queue_of_that_client_at_once_and_keeps_the_others_queued() -> None:
    stage = BatchingStage()
    clients = [stage.join() for _ in range(3 * CLIENTS_PER_CLOCK_CHECK)]
    stage.fire("a")
    stage.fire("b")
    assert stage.received(3 * CLIENTS_PER_CLOCK_CHECK - 1) == []
    clients[-1].close(1000, "enough")
    assert stage.received(3 * CLIENTS_PER_CLOCK_CHECK - 1) == ["a", "b"]
    assert stage.received(3 * CLIENTS_PER_CLOCK_CHECK - 2) == []
    stage.fire("c")
    clients[-1].close(1000, "twice")
    await until(lambda: stage.received(3 * CLIENTS_PER_CLOCK_CHECK - 2) == ["a", "b", "c"])
    assert all(stage.received(number) == ["a", "b", "c"] for number in range(3 * CLIENTS_PER_CLOCK_CHECK - 1))
    assert stage.received(3 * CLIENTS_PER_CLOCK_CHECK - 1) == ["a", "b"]
    assert clients[-1].frames_out == 2


async def test_a_flush_empties_the_queue_and_cancels_its_timer() -> None:
    stage = BatchingStage()
    stage.join()
    stage.fire("a")
    stage.fire("b")
    stage.hub.batcher.flush()
    assert stage.received(0) == ["a", "b"]
    await asyncio.sleep(0.02)
    assert len(stage.transports[0].frames) == 2


@pytest.mark.parametrize("number", [1, 3])
def test_without_batching_no_event_loop_is_needed(number: int) -> None:
    written: list[bytes] = []

    class Transport(RecordingTransport):
        @override
        def write(self, piece: bytes) -> None:
            written.append(piece)

    hub = Hub(Journal())
    client = hub.join(Transport())
    batcher = WriteBatcher(Clock(), batch=False)
    for each in range(number):
        batcher.put(b"%d" % each, 1, (client,))
    assert written == [b"%d" % each for each in range(number)]
