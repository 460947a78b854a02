import pytest

from app.hub.pace import GRACE_S, Pace, Verdict


def verdicts(pace: Pace, frames: int, at: float) -> list[Verdict]:
    return [pace.take(at) for _ in range(frames)]


def test_twice_the_rate_may_come_at_once() -> None:
    assert set(verdicts(Pace(10, 0.0), 20, 0.0)) == {Verdict.FINE}


def test_at_the_rate_it_goes_on_for_ever() -> None:
    pace = Pace(10, 0.0)
    assert {pace.take(number / 10) for number in range(10_000)} == {Verdict.FINE}


def test_the_first_overrun_is_a_warning_with_another_burst() -> None:
    assert verdicts(Pace(10, 0.0), 41, 0.0) == [Verdict.FINE] * 20 + [Verdict.WARN] + [Verdict.FINE] * 20


def test_the_second_overrun_is_enough() -> None:
    pace = Pace(10, 0.0)
    verdicts(pace, 41, 0.0)
    assert pace.take(0.0) is Verdict.OVER


@pytest.mark.parametrize(("later", "verdict"), [(GRACE_S - 0.1, Verdict.OVER), (GRACE_S + 0.1, Verdict.WARN)])
def test_a_warning_is_forgotten_after_a_while(later: float, verdict: Verdict) -> None:
    pace = Pace(10, 0.0)
    verdicts(pace, 21, 0.0)
    assert verdicts(pace, 21, later)[-1] is verdict


def test_a_long_silence_saves_up_no_more_than_a_burst() -> None:
    pace = Pace(10, 0.0)
    assert verdicts(pace, 21, 1_000.0)[-1] is Verdict.WARN
