"""Schemas and frames that would take long to validate: each gets one sentence, and few errors are computed."""

import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from app.protocol.catalog import built_in
from app.protocol.envelope import BadFrame, Envelope
from app.protocol.event_files.parse import parse_event_file
from app.protocol.event_files.problems import MAX_PROBLEMS, InvalidEventFile, Wrong
from app.protocol.event_files.schema_check import cost, schema_errors
from app.protocol.event_files.source import Source
from app.protocol.event_files.validator import Validator, without_alternatives
from app.protocol.event_type import EventProblem, EventType

CATALOG = built_in()


def alternatives(number: int) -> list[dict[str, Any]]:
    return [{"required": [f"field{each}"]} for each in range(number)]


def event(schema: dict[str, Any]) -> EventType:
    """Return a client's event with a list ``a`` of values with this schema."""
    data = {"type": "object", "properties": {"a": schema}}
    content = {"event": "many", "direction": "from_ui", "data": data}
    return parse_event_file("many.json", json.dumps(content), CATALOG)


class NoErrors:
    """A validator that fails the test if all errors are requested."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def is_valid(self, value: Any) -> bool:
        return bool(self._real.is_valid(value))

    def iter_errors(self, value: Any) -> Iterator[Any]:
        raise AssertionError("all errors of a large value were requested")


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ({"items": {"required": ["x", "y", "z"]}}, EventProblem("a[0].x", "is missing")),
        (
            {"items": {"anyOf": alternatives(12)}},
            EventProblem("a[0]", "fits none of the alternatives, or more than one"),
        ),
        (
            {"anyOf": [{"items": {"anyOf": alternatives(12)}}, {"items": {"type": "string"}}]},
            EventProblem("a", "fits none of the alternatives, or more than one"),
        ),
    ],
)
def test_only_the_first_error_of_a_large_value_is_computed(
    schema: dict[str, Any], problem: EventProblem, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = {"properties": {"a": schema}}
    validator = Validator(whole, cost=cost(whole))
    monkeypatch.setattr(validator, "_validator", NoErrors(validator._validator))
    assert validator.problems({"a": [{}] * 10_000}) == [problem]
    with pytest.raises(AssertionError, match="all errors"):
        validator.problems({"a": [{}]})


def test_all_errors_of_a_small_value_are_reported() -> None:
    found = event({"items": {"required": ["x", "y"]}}).problems({"a": [{}, {}]})
    assert [each.path for each in found] == ["a[0].x", "a[0].y", "a[1].x", "a[1].y"]


def test_schemas_without_alternatives_accept_the_same_values() -> None:
    schema = {
        "anyOf": [{"type": "string"}, {"oneOf": [{"multipleOf": 2}, {"multipleOf": 3}], "type": "integer"}],
        "allOf": [{"not": {"const": 8}}],
        "enum": ["x", 2, 3, 6, 8, {"anyOf": [1]}],
    }
    whole, brief = Validator(schema), Validator(without_alternatives(schema))
    values = ["x", "y", 2, 3, 5, 6, 8, {"anyOf": [1]}, {}]
    accepted = [each for each in values if not whole.problems(each)]
    assert accepted == ["x", 2, 3] == [each for each in values if not brief.problems(each)]


def test_alternatives_beside_unevaluated_properties_stay() -> None:
    """Regression: with large data, the fields that an alternative has evaluated were reported as unknown."""
    schema = {"anyOf": [{"properties": {"kind": {}}}], "unevaluatedProperties": False}
    brief = Validator(without_alternatives(schema))
    assert brief.problems({"kind": 1}) == []
    assert [each.path for each in brief.problems({"kind": 1, "w": 2})] == ["w"]


def test_too_many_alternatives_are_refused() -> None:
    errors = schema_errors({"properties": {"a": {"items": {"anyOf": alternatives(900)}}}}, "data")
    assert [each.path for each in errors] == ["data"]
    assert errors[0].message == (
        "applies the equivalent of 1,801 simple schemas to one value; at most 1,000 are allowed. "
        "Use fewer alternatives"
    )
    fields: dict[str, Any] = {f"field{each}": {"type": "string"} for each in range(900)}
    assert schema_errors({"properties": fields}, "data") == [], "each schema applies to another value"


@pytest.mark.parametrize(
    "schema",
    [
        {"$defs": {"x": {"anyOf": alternatives(20)}}, "items": {"allOf": [{"$ref": "#/$defs/x"}] * 30}},
        {"anyOf": [{"items": {"required": ["x", "y"]}}] * 400},
        {"dependentSchemas": {"x": {"enum": list(range(4_100))}}},
        {"allOf": alternatives(300), "unevaluatedProperties": False},
    ],
)
def test_the_cost_includes_references_and_nested_values(schema: dict[str, Any]) -> None:
    assert "simple schemas to one value" in schema_errors(schema, "data")[0].message


def test_a_clients_frame_that_takes_too_long_to_validate_gets_one_sentence() -> None:
    objects = [{"properties": {"k": {"const": each}}, "required": ["k"]} for each in range(50)]
    parsed = event({"items": {"anyOf": objects}})
    assert parsed.typed(Envelope(event="many", data={"a": [{"k": 1}]})) == {"a": [{"k": 1}]}
    with pytest.raises(BadFrame) as bad:
        parsed.typed(Envelope(event="many", data={"a": [{"k": 1}] * 5_000}))
    assert bad.value.where == "data"
    assert bad.value.reason == (
        "is too large to be validated: it has 10,002 values, with up to 501 schemas for each"
    )


def test_long_texts_are_not_matched_with_large_patterns() -> None:
    parsed = event({"pattern": "[ab]*a[ab]{150}c"})
    assert [each.path for each in parsed.problems({"a": "x"})] == ["a"]
    with pytest.raises(BadFrame, match=r"too large to be validated: it has 60,001 characters, and the schema"):
        parsed.typed(Envelope(event="many", data={"a": "a" * 60_000}))
    short = event({"pattern": "^[a-f]+$"})
    assert short.typed(Envelope(event="many", data={"a": "a" * 60_000}))


@pytest.mark.parametrize("pattern", ["[ab]*a[ab]{3000}c", r"\w{3000}"])
def test_large_patterns_are_refused(pattern: str) -> None:
    with pytest.raises(InvalidEventFile, match=r"is too large \(at most 16 KiB once it is compiled; use maxLength"):
        event({"pattern": pattern})


@pytest.mark.parametrize(
    "pattern", [r"^\w{1,64}$", r"^[^\s@]+@[^\s@]+\.[^\s@]+$", "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"]
)
def test_usual_patterns_are_accepted(pattern: str) -> None:
    assert event({"pattern": pattern}).problems({"a": "!"})


def test_many_patterns_in_one_file_are_refused() -> None:
    fields: dict[str, Any] = {f"p{each}": {"pattern": rf"\w{{60}}{each:x}"} for each in range(100)}
    errors = schema_errors({"properties": fields}, "data")
    assert [each.message for each in errors] == [
        "has patterns that take more than 256 KiB once they are compiled, up to data.properties.p32. "
        "Use fewer patterns or lower repeat counts"
    ]


def test_large_patterns_for_one_value_are_refused() -> None:
    schemas = [{"pattern": rf"\w{{60}}{each:x}"} for each in range(10)]
    assert "applies patterns to one value" in schema_errors({"allOf": schemas}, "data")[0].message


def test_the_places_of_only_the_first_errors_are_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[object] = []

    def place(_: Source, path: object) -> tuple[int, int]:
        searched.append(path)
        return 1, 1

    monkeypatch.setattr(Source, "place", place)
    source = Source("x.json", {}, "{}", None)
    assert len(source.invalid([Wrong(str(each), "is wrong") for each in range(1_500)]).problems) == MAX_PROBLEMS
    assert len(searched) == MAX_PROBLEMS


def test_patterns_of_names_count_beside_a_pattern() -> None:
    names: dict[str, Any] = {rf"\w{{60}}{each:x}": True for each in range(100)}
    errors = schema_errors({"properties": {"a": {"pattern": "x", "patternProperties": names}}}, "data")
    assert "take more than 256 KiB once they are compiled" in errors[0].message


LONG_NAME = "\N{GRINNING FACE}" + "n" * 20_000


@pytest.mark.parametrize(
    ("file", "data"),
    [
        ("many.json", json.dumps({"properties": {LONG_NAME: {"anyOf": [True] * 4_000}}}, ensure_ascii=False)),
        ("many.yaml", f"\n  properties:\n    ? {LONG_NAME}\n    : anyOf: [{'true,' * 3_999}true]"),
    ],
)
def test_a_long_name_is_not_repeated_for_everything_in_it(file: str, data: str) -> None:
    is_json = file.endswith(".json")
    head = '{"event":"many","direction":"from_ui","data":' if is_json else "event: many\ndirection: from_ui\ndata:"
    content = head + data + "}" * is_json
    tracemalloc.start()
    try:
        with pytest.raises(InvalidEventFile, match="has 4,002 schemas once its references are expanded"):
            parse_event_file(file, content, CATALOG)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_an_error_below_a_long_name_has_the_place_of_the_name() -> None:
    text = f"event: many\ndirection: from_ui\ndata:\n  properties:\n    ? {LONG_NAME}\n    :\n      pattern: '('\n"
    with pytest.raises(InvalidEventFile) as raised:
        parse_event_file("many.yaml", text, CATALOG)
    assert (raised.value.problems[0].line, raised.value.problems[0].column) == (5, 7)
