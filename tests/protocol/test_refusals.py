"""The notation of the modes in which connections are refused, and the values of the reconnect lab."""

import pytest

from app.cli import reconnect_lab as command
from app.protocol import reconnect_lab as lab
from app.protocol.close_codes import may_close_with, why_not_sendable
from app.protocol.reconnect_lab import LabOptions, LabOutcome, default_within_s, outcome_of
from app.protocol.reconnects import Attempt, Band, Verdict
from app.protocol.refusals import COMPLETIONS, RefusalKind, RefusalMode, parse_mode

BAND = Band(3, 3.5, 0)


@pytest.mark.parametrize("text", [*COMPLETIONS, "close:1000", "close:4999", "close:3000"])
def test_a_mode_is_written_as_it_is_read(text: str) -> None:
    assert str(parse_mode(text)) == text


def test_a_close_code_is_part_of_the_mode() -> None:
    assert parse_mode("close:1013") == RefusalMode(RefusalKind.CLOSE, 1013)


@pytest.mark.parametrize(
    "text", ["", "close", "close:", "404", "close:10 13", "close:١٠١٣", "close:01013", "Reset", "503 "]
)
def test_an_unknown_mode_is_reported_with_the_valid_ones(text: str) -> None:
    with pytest.raises(ValueError, match=r"Use 503, reset, silence, close:CODE or garbage"):
        parse_mode(text)


@pytest.mark.parametrize("code", [1004, 1005, 1006, 1015, 2000, 2999, 5000])
def test_a_close_code_that_cannot_be_sent_is_reported(code: int) -> None:
    assert not may_close_with(code)
    assert why_not_sendable(code).startswith(f"The close code {code} cannot be sent")
    with pytest.raises(ValueError, match="cannot be sent"):
        parse_mode(f"close:{code}")


def test_the_command_has_the_limits_of_the_lab() -> None:
    assert (command.MOST_ATTEMPTS, command.MAX_WITHIN_S) == (lab.MAX_ATTEMPTS, lab.MAX_WITHIN_S)


@pytest.mark.parametrize(
    ("mode", "attempts", "seconds"),
    [("503", 1, 13), ("503", 2, 27.5), ("close:1013", 2, 26), ("silence", 1, 18)],
)
def test_the_default_time_limit_has_room_for_each_attempt(mode: str, attempts: int, seconds: float) -> None:
    assert default_within_s(LabOptions(parse_mode(mode), attempts)) == seconds


def test_the_default_time_limit_includes_giving_up() -> None:
    assert 600 < default_within_s(LabOptions(parse_mode("503"), 10)) <= lab.MAX_WITHIN_S


@pytest.mark.parametrize(
    ("verdicts", "gave_up", "outcome"),
    [
        ("fits fits", None, LabOutcome.FITS),
        ("fits fits", Verdict.FITS, LabOutcome.FITS),
        ("fits", None, LabOutcome.INCOMPLETE),
        ("", None, LabOutcome.INCOMPLETE),
        ("fits", Verdict.MISSING, LabOutcome.INCOMPLETE),
        ("fits unclear", None, LabOutcome.INCOMPLETE),
        ("fits early", None, LabOutcome.DEVIATES),
        ("late", None, LabOutcome.DEVIATES),
        ("unclear extra", None, LabOutcome.DEVIATES),
    ],
)
def test_the_outcome(verdicts: str, gave_up: Verdict | None, outcome: LabOutcome) -> None:
    attempts = [Attempt(number, 3.0, BAND, Verdict(each)) for number, each in enumerate(verdicts.split(), 1)]
    assert outcome_of(LabOptions(parse_mode("503"), 2), attempts, gave_up) is outcome


@pytest.mark.parametrize(("gave_up", "outcome"), [(None, LabOutcome.INCOMPLETE), (Verdict.FITS, LabOutcome.FITS)])
def test_a_run_that_waits_for_the_end_is_incomplete_without_it(
    gave_up: Verdict | None, outcome: LabOutcome
) -> None:
    attempts = [Attempt(number, 3.0, BAND, Verdict.FITS) for number in range(1, 11)]
    assert outcome_of(LabOptions(parse_mode("503"), 10), attempts, gave_up) is outcome
