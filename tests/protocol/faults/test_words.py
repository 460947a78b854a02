"""Faults and REST faults as words, and profiles as JSON."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol.faults.kinds import (
    DIRECTIONS,
    MAX_DELAY_MS,
    AnyFault,
    Bandwidth,
    Corrupt,
    Duplicate,
    Latency,
    Limit,
    Loss,
    Reorder,
    Stall,
    Truncate,
)
from app.protocol.faults.profiles import parse_profile
from app.protocol.faults.rest import RestFault, parse_rest_fault, rest_fault_text, why_no_calls
from app.protocol.faults.words import InvalidFault, fault_text, faults_from_json, faults_text, parse_fault
from resources import FOLDER

WORDS = {
    "latency=200": Latency(ms=200),
    "latency=200~50": Latency(ms=200, jitter=50),
    "bandwidth=12.5": Bandwidth(rate=12.5),
    "loss=0.5": Loss(rate=0.5),
    "loss=0.5,correlation=0.25": Loss(rate=0.5, correlation=0.25),
    "duplicate": Duplicate(),
    "duplicate=0.1": Duplicate(rate=0.1),
    "reorder=5,rate=0.25": Reorder(window=5, rate=0.25),
    "truncate": Truncate(),
    "truncate,bytes=10": Truncate(bytes=10),
    "corrupt=0.5,utf8=false": Corrupt(rate=0.5, utf8=False),
    "stall=10,for=2000": Stall(after=10, duration=2000),
    "limit=20": Limit(frames=20),
    "limit=20,then=reset": Limit(frames=20, then="reset"),
}


@pytest.mark.parametrize("word", WORDS)
def test_a_word_is_a_fault_and_a_fault_is_this_word(word: str) -> None:
    assert parse_fault(word) == WORDS[word]
    assert fault_text(WORDS[word]) == word


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("los=0.5", "There is no fault 'los'; did you mean loss?"),
        ("", "There is no fault ''"),
        ("loss=2", "rate: must be at most 1"),
        ("loss=much", "rate: must be a number"),
        ("loss", "lacks the field rate; write loss=RATE"),
        ("loss=0.5,bursts=2", "'bursts=2' is unknown. loss has the parameters rate, correlation"),
        ("latency=700000", "must be at most 600000"),
        ("stall=10", "lacks the field for"),
        ("loss=0.1,rate=0.9", "rate is given twice"),
        ("latency=200~50,jitter=70", "jitter is given twice"),
        ("loss=0.3,correlation=1", "correlation: must be at most 0.99"),
    ],
)
def test_an_invalid_word_is_explained(word: str, reason: str) -> None:
    with pytest.raises(InvalidFault) as error:
        parse_fault(word)
    assert reason in str(error.value)


RATES = st.floats(0, 1)
MS = st.floats(0, MAX_DELAY_MS)
SHARED = {"direction": st.sampled_from(DIRECTIONS), "only": st.sampled_from(["", "event:typing"])}
FRAMES = st.integers(1, 1000)
FAULTS: st.SearchStrategy[AnyFault] = st.one_of(
    st.builds(Latency, ms=MS, jitter=MS, **SHARED),
    st.builds(Bandwidth, rate=st.floats(0.001, 1_000_000), **SHARED),
    st.builds(Loss, rate=RATES, correlation=st.floats(0, 0.99), **SHARED),
    st.builds(Duplicate, rate=RATES, **SHARED),
    st.builds(Reorder, window=st.integers(1, 100), rate=RATES, **SHARED),
    st.builds(Truncate, bytes=st.none() | FRAMES, rate=RATES, **SHARED),
    st.builds(Corrupt, rate=RATES, utf8=st.booleans(), **SHARED),
    st.builds(Stall, after=FRAMES, duration=st.floats(1, MAX_DELAY_MS), **SHARED),
    st.builds(Limit, frames=FRAMES, then=st.sampled_from(["close", "reset"]), **SHARED),
)


@given(FAULTS)
def test_every_fault_survives_its_text(fault: AnyFault) -> None:
    assert parse_fault(fault_text(fault), fault.direction, fault.only) == fault
    assert faults_from_json([msgspec.to_builtins(fault)]) == (fault,)


def test_the_direction_and_filter_that_faults_share_are_written_once() -> None:
    shared = [Loss(rate=0.5, only="event:typing"), Duplicate(only="event:typing")]
    other = Latency(ms=20, direction="both")
    assert faults_text([*shared, other]) == "loss=0.5 duplicate only event:typing; latency=20 direction both"


def test_rest_faults_as_words() -> None:
    fault = parse_rest_fault("POST /messages", ["status=503", "rate=0.5", "delay=300", "no-cors"])
    assert fault == RestFault(route="POST /messages", status=503, rate=0.5, delay=300, no_cors=True)
    assert parse_rest_fault("POST /messages", rest_fault_text(fault).split()) == fault


@pytest.mark.parametrize(
    ("route", "words", "reason"),
    [
        ("/messages", ["status=503"], "is not a route"),
        ("PATCH /messages", ["status=503"], "is not a route"),
        ("GET /friends", ["rate=0.5"], "has no effect"),
        ("GET /friends", ["stauts=503"], "'stauts=503' is unknown"),
        ("GET /friends", ["status=42"], "must be at least 200"),
        ("GET /friends", ["no-cors", "status=503", "no_cors"], "no-cors is given twice"),
    ],
)
def test_an_invalid_rest_fault_is_explained(route: str, words: list[str], reason: str) -> None:
    with pytest.raises(InvalidFault) as error:
        parse_rest_fault(route, words)
    assert reason in str(error.value)


@pytest.mark.parametrize("name", ["flaky-cafe", "train-tunnel", "3g", "lossy", "out-of-order", "twice"])
def test_the_built_in_profiles_are_valid(name: str) -> None:
    profile = parse_profile((FOLDER / "profiles" / f"{name}.json").read_text(encoding="utf-8"))
    assert profile.title
    assert profile.about
    assert parse_profile(profile.to_json()) == profile


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "invalid JSON"),
        ("[]", "must be an object"),
        ("{}", "it has no faults"),
        ('{"faults": [{"fault": "loss"}]}', "lacks the field rate"),
        ('{"faults": [{"fault": "lag", "ms": 3}]}', "faults[0]"),
        ('{"rest": [{"route": "x", "status": 500}]}', "is not a route"),
        (
            '{"rest": [{"route": "GET /x", "delay": 5}, {"route": "GET /x", "status": 500}]}',
            "GET /x has several faults; write one for each route",
        ),
        ('{"run": "rm"}', "has an unknown field: run"),
        ("[" * 5000 + "]" * 5000, "nest"),
    ],
)
def test_an_invalid_profile_is_explained(text: str, reason: str) -> None:
    with pytest.raises(InvalidFault) as error:
        parse_profile(text)
    assert reason in str(error.value)


@pytest.mark.parametrize(
    ("route", "effect", "warned"),
    [
        ("POST /mesages", "status=503", True),
        ("* /mesages", "hang", True),
        ("GET /messages?peer=bob", "offline", True),
        ("post /messages", "status=503", False),
        ("* /friends", "status=503", False),
        ("DELETE /friends/zo%C3%AB", "status=503", False),
        ("GET /mesages*", "status=503", False),
        ("GET /profile", "status=200", False),
    ],
)
def test_a_rest_fault_of_a_route_that_the_backend_does_not_have_is_warned_about(
    route: str, effect: str, warned: bool
) -> None:
    why = why_no_calls(parse_rest_fault(route, [effect]))
    assert why.startswith(f"The REST API has no {route!r}") if warned else why == ""
