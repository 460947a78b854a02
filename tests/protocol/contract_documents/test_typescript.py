"""TypeScript types made of JSON Schemas: sound, accepted by ``tsc --strict``, and as in the guide."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from app.protocol.catalog import built_in
from app.protocol.contract import Direction
from app.protocol.contract_documents.described_event import DescribedEvent, EnvelopeKeys, described
from app.protocol.contract_documents.typescript import typescript
from app.protocol.contract_documents.typescript_types import TypeScriptTypes
from tests.protocol.contract_documents.compiler import compile_types
from tests.protocol.contract_documents.random_schemas import cases

GUIDE = Path(__file__).with_name("guide")
TREE = {
    "$ref": "#/$defs/tree",
    "$defs": {
        "tree": {
            "type": "object",
            "required": ["name"],
            "properties": {
                "name": {"type": "string"},
                "below": {"type": "array", "items": {"$ref": "#/$defs/tree"}},
            },
        }
    },
}
OPEN = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": True}
CHOICES = {
    "type": "object",
    "properties": {"a": {"type": "string"}, "b": {"type": "number"}},
    "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
}
PATTERNS = {"type": "object", "patternProperties": {"^n": {"type": "number"}}, "additionalProperties": False}
LOOP: dict[str, Any] = {"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}, {"type": "string"}]}}}
# A schema, valid values, and values that neither the schema nor the type accepts.
CASES: list[tuple[dict[str, Any] | bool, list[Any], list[Any]]] = [
    ({"type": "string"}, ["", "x"], [1, None]),
    ({"type": "integer"}, [1, -2], ["1"]),
    ({"type": ["string", "null"]}, ["a", None], [1]),
    ({"enum": ["a", 1, None, True, {"k": [1]}, []]}, ["a", 1, None, True, {"k": [1]}, []], ["b", 2, False, [1]]),
    ({"const": "it's \"\n\u2028 \\ \x7f"}, ["it's \"\n\u2028 \\ \x7f"], ["its"]),
    ({"type": "string", "enum": ["a", 1]}, ["a"], [1]),
    ({"type": "array", "items": {"type": ["string", "number"]}}, [[], ["a", 1]], [[True], {}]),
    ({"type": "array"}, [[], [1, "a"]], ["x"]),
    (
        {"type": "array", "prefixItems": [{"type": "string"}, {"type": "number"}], "items": False, "minItems": 1},
        [["a"], ["a", 1]],
        [[], ["a", "b"], ["a", 1, 2]],
    ),
    (
        {"type": "array", "prefixItems": [{"type": "string"}], "items": {"type": "boolean"}, "minItems": 1.0},
        [["a"], ["a", True]],
        [["a", 1]],
    ),
    ({"type": "object"}, [{}, {"x": 1}], [1]),
    ({"type": "object", "additionalProperties": {"type": "number"}}, [{}, {"x": 1}], [{"x": "1"}]),
    (PATTERNS, [{}, {"n1": 1}], [{"n1": "1"}]),
    ({"type": "object", "additionalProperties": False}, [{}], [{"x": 1}]),
    (OPEN, [{}, {"a": "x", "b": 1}], [{"a": 1}]),
    (CHOICES, [{"a": "x"}, {"b": 1}, {"a": "x", "b": 1}], [{"a": 1}, "x"]),
    ({"type": "object", "required": ["x"]}, [{"x": None}], [{}]),
    ({"type": "object", "properties": {"x": False}}, [{}], [{"x": 1}]),
    (
        {"type": "object", "required": ["a b", "1", "__proto__x", "ü"],
         "properties": {key: {"type": "number"} for key in ("a b", "1", "__proto__x", "ü", "class")}},
        [{"a b": 1, "1": 2, "__proto__x": 3, "ü": 4, "class": 5}],
        [{"a b": 1, "1": 2, "__proto__x": 3, "ü": "4"}],
    ),
    (
        {"oneOf": [
            {"type": "object", "required": ["k", "n"],
             "properties": {"k": {"const": "n"}, "n": {"type": "number"}}},
            {"type": "object", "required": ["k", "s"],
             "properties": {"k": {"const": "s"}, "s": {"type": "string"}}}]},
        [{"k": "n", "n": 1}, {"k": "s", "s": "x"}],
        [{"k": "n", "s": "x"}],
    ),
    (
        {"allOf": [{"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}},
                   {"type": "object", "required": ["b"], "properties": {"b": {"type": "string"}}}]},
        [{"a": "x", "b": "y"}],
        [{"a": "x"}],
    ),
    (TREE, [{"name": "a", "below": [{"name": "b", "below": []}]}], [{"name": "a", "below": [{"name": 1}]}]),
    (LOOP, ["x", 1], []),
    ({"$ref": "#/properties/x", "properties": {"x": {"type": "array", "items": {"$ref": "#"}}}}, [[], [[]]], []),
    ({"properties": {"a": {"type": "string"}}}, [{"a": "x"}, 1, "x", None, [1]], [{"a": 1}]),
    ({"not": {"type": "string"}}, [1], []),
    (True, [1, None], []),
    ({"type": "array", "items": {"anyOf": [{"$ref": "#/$defs/x"}, {"type": "null"}]},
      "$defs": {"x": {"type": "string", "enum": ["a"]}}}, [["a", None]], [["b"]]),
]  # fmt: skip


def _module() -> str:
    """Return a module with the type and the values of each case. Each invalid value must be an error."""
    types = TypeScriptTypes()
    lines = []
    for number, (schema, valid, invalid) in enumerate(CASES):
        text = types.text(schema, schema)
        lines.append(f"type Case{number} = {text};")
        lines += [f"export const v{number}_{n}: Case{number} = {_literal(each)};" for n, each in enumerate(valid)]
        for n, each in enumerate(invalid):
            lines += ["// @ts-expect-error", f"export const i{number}_{n}: Case{number} = {_literal(each)};"]
    return "\n".join([*types.declarations, *lines])


def _literal(value: Any) -> str:
    return json.dumps(value)


@pytest.mark.e2e
def test_valid_values_have_the_type_and_invalid_ones_do_not(tmp_path: Path) -> None:
    for schema, valid, invalid in CASES:
        if schema is LOOP:  # a reference that leads to itself at once has no meaning in JSON Schema
            continue
        validator = jsonschema_rs.Draft202012Validator(schema)
        assert all(map(validator.is_valid, valid)), schema
        assert not any(map(validator.is_valid, invalid)), schema
    (tmp_path / "cases.ts").write_text(_module(), encoding="utf-8")
    assert compile_types(tmp_path, "cases.ts") == ""


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": ["integer", "null"]}, "number | null"),
        ({"type": "array", "items": {"enum": ["a", "b"]}}, '("a" | "b")[]'),
        ({"type": "object", "properties": {"a-b": {"type": "string"}}}, '{ "a-b"?: string }'),
        ({"$ref": "https://example.com/x.json"}, "unknown"),
        ({"$ref": "#/$defs/missing"}, "unknown"),
        ({"enum": []}, "never"),
        ({"allOf": [False, {"type": "string"}]}, "never"),
    ],
)
def test_types(schema: dict[str, Any], text: str) -> None:
    assert TypeScriptTypes(comments=False).text(schema, schema) == text


@pytest.mark.e2e
def test_the_unions_are_those_of_the_guide(tmp_path: Path) -> None:
    """Each type is assignable to the other, and ``event`` tells the members apart."""
    for each in GUIDE.iterdir():
        (tmp_path / each.name).write_text(each.read_text())
    (tmp_path / "ours.ts").write_text(typescript(described(built_in())), encoding="utf-8")
    (tmp_path / "same.ts").write_text(
        """
        import type * as guide from "./events"; import type * as ours from "./ours";
        export const a = (event: guide.WSEvent): ours.WSEvent => event;
        export const b = (event: ours.WSEvent): guide.WSEvent => event;
        export const c = (event: guide.WSClientEvent): ours.WSClientEvent => event;
        export const d = (event: ours.WSClientEvent): guide.WSClientEvent => event;
        export const e = (event: ours.WSEvent): string => event.event === "new_message" ? event.data.text : "";
        // @ts-expect-error
        export const f: ours.WSEvent = { event: "new_message", data: { username: "alice" } };
        """
    )
    assert compile_types(tmp_path, "same.ts") == ""


@pytest.mark.e2e
def test_odd_names_and_texts_are_harmless(tmp_path: Path) -> None:
    """Names and descriptions come from files."""
    odd = 'x */ y"\n; `${1}` \x1b[1m'
    schema = {"type": "object", "description": odd, "properties": {odd: {"description": odd, "type": "string"}}}
    events = [
        DescribedEvent(name=name, direction=direction, help=odd, schema=schema)
        for name in (odd, "new_message", "new-message", "123", "ключ", "Record", "W S Event")
        for direction in Direction
    ]
    text = typescript(events, EnvelopeKeys(event="the type", data=odd))
    (tmp_path / "odd.ts").write_text(text, encoding="utf-8")
    assert compile_types(tmp_path, "odd.ts") == ""
    assert "\x1b" not in text


def test_no_events_are_never() -> None:
    assert "export type WSEvent = never;" in typescript([])


@pytest.mark.e2e
def test_values_of_random_schemas_have_the_type(tmp_path: Path) -> None:
    """The types are sound: no valid value is rejected. A variable hides values from the check for extra fields."""
    types = TypeScriptTypes()
    lines = []
    for number, (schema, valid) in enumerate(cases(seed=22, number=150)):
        lines.append(f"export type Case{number} = {types.text(schema, schema)};")
        for n, each in enumerate(valid[:12]):
            lines.append(f"const v{number}_{n} = {_literal(each)}{'' if each is None else ' as const'};")
            lines.append(f"export const c{number}_{n}: Mutable<Case{number}> = v{number}_{n};")
    readonly = "type Mutable<T> = T extends object ? { readonly [K in keyof T]: Mutable<T[K]> } : T;"
    (tmp_path / "random.ts").write_text("\n".join([readonly, *types.declarations, *lines]), encoding="utf-8")
    assert compile_types(tmp_path, "random.ts")[:2000] == ""


def test_a_list_of_objects_is_no_interface() -> None:
    items = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}
    schema = {"$ref": "#/$defs/List", "$defs": {"List": {"type": "array", "items": items}}}
    types = TypeScriptTypes()
    types.declare("x", schema)
    assert "export type List = {\n  a?: string;\n}[];" in "\n".join(types.declarations)
