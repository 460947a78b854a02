"""What faults decide: it depends only on the seed, the fault and the number of frames, and has the given rates."""

import json
import re
from collections.abc import Sequence
from itertools import cycle, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol.faults.decisions import Decision, FaultSequence
from app.protocol.faults.kinds import (
    Bandwidth,
    Corrupt,
    Duplicate,
    Fault,
    Latency,
    Limit,
    Loss,
    Reorder,
    Stall,
    Truncate,
)
from app.protocol.faults.rest import RestFault, RestFaultSequence, matches_route

PAYLOAD = json.dumps({"event": "new_message", "data": {"text": "Grüße 👋"}}, ensure_ascii=False).encode()


def decide(faults: Sequence[Fault], number: int, seed: int = 7, payload: bytes = PAYLOAD) -> list[Decision]:
    sequence = FaultSequence(faults, seed)
    return [sequence.decide(payload, lambda _: True) for _ in range(number)]


def test_the_same_seed_decides_the_same_and_another_seed_otherwise() -> None:
    faults = [Loss(rate=0.3), Duplicate(rate=0.3), Reorder(), Latency(ms=100, jitter=100)]
    assert decide(faults, 50) == decide(faults, 50)
    assert decide(faults, 50) != decide(faults, 50, seed=8)


def test_the_decisions_of_a_seed_stay_the_same_in_all_versions() -> None:
    """A bad run of an older version can be repeated."""
    lost = [number for number, each in enumerate(decide([Loss(rate=0.3)], 30), 1) if each.lost]
    assert lost == [1, 7, 9, 10, 11, 12, 22, 23, 26, 28]


def test_another_fault_or_filter_does_not_change_what_a_fault_decides() -> None:
    alone = [each.lost for each in decide([Loss(rate=0.4)], 100)]
    sequence = FaultSequence([Duplicate(rate=0.5, only="x"), Loss(rate=0.4)], 7)
    filtered = cycle([True, False, False])
    beside = [sequence.decide(PAYLOAD, lambda fault: not fault.only or next(filtered)) for _ in range(100)]
    assert [each.lost for each in beside] == alone


def test_two_faults_of_a_kind_draw_different_numbers() -> None:
    twice = decide([Loss(rate=0.5), Loss(rate=0.5)], 400)
    assert 0.7 < sum(each.lost for each in twice) / 400 < 0.8


def test_a_frame_that_is_not_changed_is_not_reported() -> None:
    for fault, payload in ((Truncate(bytes=1000), b"short"), (Corrupt(), b"")):
        assert decide([fault], 1, payload=payload) == [Decision(payload)]


def test_a_route_can_be_encoded_and_a_star_stands_for_any_text() -> None:
    for route, path in (("DELETE /friends/Bob%20Smith", "/friends/Bob Smith"), ("DELETE /m*", "/messages/a\nb")):
        assert RestFaultSequence(RestFault(route=route, offline=True), 7).decide("DELETE", path)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_the_rate_of_losses_does_not_depend_on_their_correlation(correlation: float) -> None:
    lost = [each.lost for each in decide([Loss(rate=0.3, correlation=correlation)], 20_000)]
    assert abs(sum(lost) / len(lost) - 0.3) < 0.03
    after_a_loss = [second for first, second in pairwise(lost) if first]
    assert abs(sum(after_a_loss) / len(after_a_loss) - (0.3 + 0.7 * correlation)) < 0.03


def test_the_delays_are_uniform_around_the_latency() -> None:
    delays = [1000 * each.delay_s for each in decide([Latency(ms=200, jitter=50)], 5000)]
    assert min(delays) >= 150
    assert max(delays) <= 250
    for low in range(150, 250, 10):
        assert 400 < sum(low <= each < low + 10 for each in delays) < 600


def test_a_delay_is_never_negative() -> None:
    assert all(each.delay_s >= 0 for each in decide([Latency(ms=10, jitter=50)], 500))


def test_the_bandwidth_counts_the_payload() -> None:
    (decision,) = decide([Bandwidth(rate=2)], 1, payload=b"x" * 500)
    assert decision.transmission_s == 0.25


def test_a_pause_and_an_end_follow_every_so_many_frames() -> None:
    decisions = decide([Stall(after=3, duration=500), Limit(frames=4, then="reset")], 12)
    assert [number for number, each in enumerate(decisions, 1) if each.stall_s == 0.5] == [3, 6, 9, 12]
    assert [number for number, each in enumerate(decisions, 1) if each.end] == [4, 8, 12]


def test_a_reordered_frame_follows_up_to_the_window_later_ones() -> None:
    behind = [each.behind for each in decide([Reorder(window=3, rate=1)], 300)]
    assert set(behind) == {1, 2, 3}


@given(st.text(), st.integers(0, 1000), st.integers(0, 2**40))
def test_a_cut_or_corrupted_text_stays_utf8_unless_it_must_not(text: str, size: int, seed: int) -> None:
    payload = text.encode(errors="replace")
    for fault in (Truncate(bytes=size), Truncate(), Corrupt()):
        (decision,) = decide([fault], 1, seed, payload)
        decision.payload.decode()
    assert len(decide([Truncate(bytes=size)], 1, seed, payload)[0].payload) <= size
    if payload:
        assert decide([Corrupt()], 1, seed, payload)[0].payload != payload
        with pytest.raises(UnicodeDecodeError):
            decide([Corrupt(utf8=False)], 1, seed, payload)[0].payload.decode()


def test_each_decision_says_who_decided_and_how_to_repeat_it() -> None:
    decisions = decide([Loss(rate=1), Duplicate()], 2)
    assert [each.text for each in decisions[1].reasons] == [
        "dropped by loss (seed 7, draw 2)",
        "sent twice by duplicate (seed 7, draw 2)",
    ]


def test_a_rest_fault_acts_on_its_route_with_its_rate_and_count() -> None:
    sequence = RestFaultSequence(RestFault(route="GET /messages*", status=503, rate=0.5, count=3), 7)
    assert sequence.decide("POST", "/messages") is None
    assert sequence.decide("GET", "/friends") is None
    assert sequence.seen == 0
    acted = [sequence.decide("GET", "/messages/x") is not None for _ in range(200)]
    assert sum(acted) == sequence.acted == 3
    again = RestFaultSequence(RestFault(route="GET /messages*", status=503, rate=0.5, count=3), 7)
    assert [again.decide("GET", "/messages") is not None for _ in range(200)] == acted


@given(st.text("ab*", max_size=6), st.text("ab", max_size=6))
def test_a_route_matches_like_a_pattern(route: str, call: str) -> None:
    expected = re.fullmatch(route.replace("*", ".*"), call) is not None
    assert matches_route(route, call) == expected


def test_a_route_with_many_stars_is_compared_at_once() -> None:
    fault = RestFault(route="GET /" + "*a" * 90 + "*b", offline=True)
    assert RestFaultSequence(fault, 7).decide("GET", "/" + "a" * 8_000) is None  # an expression would take years
