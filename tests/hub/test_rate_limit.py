"""The rate limit: bursts, one warning, and memory across reconnects."""

import pytest

from app.hub.rate_limit import RECONNECT_DELAY_S, WARNING_S, ClientKey, RateDecision, RateLimiter, RateMemory

ALLOWED, WARN, EXCEEDED = RateDecision
ALICE, BOB = ClientKey("http://ui", "browser", "alice"), ClientKey("http://ui", "browser", "bob")


def decisions(limiter: RateLimiter, frames: int, at: float, cost: float = 1) -> list[RateDecision]:
    return [limiter.take(at, cost) for _ in range(frames)]


def exceeded_limiter(at: float = 0.0) -> RateLimiter:
    """Return a limiter of 10 frames per second that was just exceeded."""
    limiter = RateLimiter(10, at)
    assert decisions(limiter, 42, at)[-1] is EXCEEDED
    return limiter


def test_twice_the_rate_is_allowed_at_once() -> None:
    assert set(decisions(RateLimiter(10, 0.0), 20, 0.0)) == {ALLOWED}


def test_frames_at_the_rate_are_always_allowed() -> None:
    limiter = RateLimiter(10, 0.0)
    assert {limiter.take(number / 10) for number in range(10_000)} == {ALLOWED}


def test_the_first_excess_is_a_warning_and_refills_the_bucket() -> None:
    assert decisions(RateLimiter(10, 0.0), 41, 0.0) == [ALLOWED] * 20 + [WARN] + [ALLOWED] * 20


def test_the_second_excess_closes_the_connection() -> None:
    limiter = RateLimiter(10, 0.0)
    decisions(limiter, 41, 0.0)
    assert limiter.take(0.0) is EXCEEDED


@pytest.mark.parametrize(("later", "decision"), [(WARNING_S - 0.1, EXCEEDED), (WARNING_S + 0.1, WARN)])
def test_a_warning_expires(later: float, decision: RateDecision) -> None:
    limiter = RateLimiter(10, 0.0)
    decisions(limiter, 21, 0.0)
    assert decisions(limiter, 21, later)[-1] is decision


def test_a_long_pause_refills_the_bucket_only_to_its_size() -> None:
    assert decisions(RateLimiter(10, 0.0), 21, 1_000.0)[-1] is WARN


def test_a_frame_with_a_higher_cost_counts_as_several() -> None:
    assert decisions(RateLimiter(10, 0.0), 5, 0.0, cost=5) == [ALLOWED] * 4 + [WARN]


def test_a_reconnect_continues_with_the_same_rate() -> None:
    memory = RateMemory()
    memory.remember(ALICE, exceeded_limiter(), 0.0)
    assert memory.limiter(ALICE, 10, 0.5).take(0.5, 6) is EXCEEDED
    assert memory.limiter(BOB, 10, 0.5).take(0.5, 6) is ALLOWED


def test_a_client_that_spent_its_burst_without_a_warning_does_not_get_another_one() -> None:
    memory, limiter = RateMemory(), RateLimiter(10, 0.0)
    decisions(limiter, 20, 0.0)
    memory.remember(ALICE, limiter, 0.0)
    assert memory.limiter(ALICE, 10, 0.0).take(0.0) is WARN


def test_parallel_connections_cannot_replace_a_spent_limiter_with_a_better_one() -> None:
    memory, other = RateMemory(), RateLimiter(10, 0.0)
    memory.remember(ALICE, exceeded_limiter(), 0.0)
    other.take(0.0)
    memory.remember(ALICE, other, 0.0)
    assert memory.limiter(ALICE, 10, 0.0).take(0.0) is EXCEEDED


def test_a_client_is_removed_when_its_rate_has_recovered() -> None:
    memory = RateMemory()
    memory.remember(ALICE, exceeded_limiter(), 0.0)
    assert memory.limiter(ALICE, 10, WARNING_S + 1).take(WARNING_S + 1) is ALLOWED
    assert len(memory) == 0
    memory.remember(ALICE, RateLimiter(10, 0.0), 0.0)
    assert len(memory) == 0


def test_a_changed_rate_applies_to_a_remembered_client() -> None:
    memory = RateMemory()
    memory.remember(ALICE, exceeded_limiter(), 0.0)
    assert memory.limiter(ALICE, 1000, 1.0).take(1.0, 500) is ALLOWED


def test_a_client_that_was_just_closed_is_admitted_after_a_delay() -> None:
    memory = RateMemory()
    memory.remember(ALICE, exceeded_limiter(), 0.0)
    assert memory.admission_delay(ALICE, 0.0) == RECONNECT_DELAY_S
    assert memory.admission_delay(ALICE, RECONNECT_DELAY_S) == 0
    assert memory.admission_delay(BOB, 0.0) == 0


def test_the_memory_is_bounded_and_evicts_recovered_clients_first() -> None:
    memory = RateMemory(capacity=2)
    memory.remember(ALICE, exceeded_limiter(at=100.0), 100.0)
    memory.remember(BOB, exceeded_limiter(), 0.0)
    memory.remember(ClientKey("", "", "carol"), exceeded_limiter(at=100.0), 100.0)
    assert len(memory) == 2
    assert memory.limiter(ALICE, 10, 100.0).take(100.0) is EXCEEDED
    memory.remember(ClientKey("", "", "dave"), exceeded_limiter(at=100.0), 100.0)
    assert len(memory) == 2
    assert memory.limiter(ALICE, 10, 100.0).take(100.0) is ALLOWED
