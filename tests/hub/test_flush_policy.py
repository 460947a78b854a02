"""When queued frames may be written. The policy computes this from times only."""

import pytest

from app.hub.flush_policy import (
    MAX_COUNTED_WRITE_S,
    MAX_IMMEDIATE_SINGLES,
    MAX_QUEUE_WAIT_S,
    MIN_FLUSH_INTERVAL_S,
    SINGLE_QUIET_RATIO,
    FlushPolicy,
)


def after_flush(duration_s: float, writes: int = 1_000_000) -> FlushPolicy:
    """Return a policy after one flush that began at 100 s, with so many writes that its whole duration counts."""
    policy = FlushPolicy()
    policy.flush_began(100.0, writes)
    policy.slice_ended(100.0, 100.0 + duration_s)
    return policy


def test_the_first_frame_is_written_at_once() -> None:
    assert FlushPolicy().allows_now(0.0, single=False)


def test_a_broadcast_waits_for_as_long_as_the_previous_flush_took() -> None:
    policy = after_flush(0.004)
    assert not policy.allows_now(100.0079, single=False)
    assert policy.allows_now(100.0081, single=False)


def test_no_broadcast_waits_longer_than_the_maximum() -> None:
    assert after_flush(5.0).allows_now(105.0 + MAX_QUEUE_WAIT_S, single=False)


def test_queued_frames_are_due_after_half_of_the_flush_but_not_before_the_shortest_cycle() -> None:
    assert after_flush(0.004).next_flush_at == pytest.approx(100.006)
    assert after_flush(0.0001).next_flush_at == pytest.approx(100.0 + MIN_FLUSH_INTERVAL_S)


def test_a_flush_that_was_interrupted_counts_only_what_its_writes_can_take() -> None:
    assert after_flush(1.0, writes=2).allows_now(101.0 + 2 * MAX_COUNTED_WRITE_S, single=False)


def test_slices_of_one_flush_add_up() -> None:
    policy = FlushPolicy()
    policy.flush_began(100.0, 1_000_000)
    policy.slice_ended(100.0, 100.002)
    policy.slice_ended(100.010, 100.012)
    assert policy.next_flush_at == pytest.approx(100.014)


def test_a_single_client_frame_waits_longer_unless_a_lone_frame_was_flushed() -> None:
    policy = after_flush(0.001)
    assert not policy.allows_now(100.002, single=True)
    assert policy.allows_now(100.0011 + SINGLE_QUIET_RATIO * 0.001, single=True)
    policy.queue_flushed(1)
    assert [policy.allows_now(100.002, single=True) for _ in range(MAX_IMMEDIATE_SINGLES + 1)] == [
        *[True] * MAX_IMMEDIATE_SINGLES,
        False,
    ]
    policy.queue_flushed(2)
    assert not policy.allows_now(100.002, single=True)
