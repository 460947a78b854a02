"""The comparison of the UI's types with the contract: each difference is named, and equal types have none."""

import re
from pathlib import Path
from random import Random

import pytest

from app.protocol.catalog import built_in
from app.protocol.contract import Direction
from app.protocol.contract_documents.described_event import DescribedEvent, EnvelopeKeys, described
from app.protocol.contract_documents.drift_check import Check, DriftCheck
from app.protocol.contract_documents.drift_result import DriftError, differences
from tests.protocol.contract_documents.compiler import compile_types
from tests.protocol.contract_documents.guide_mutations import GUIDE, mutant

from .guide_mutations import Mutant

NAMES = {Direction.TO_UI: "WSEvent", Direction.FROM_UI: "WSClientEvent"}
SEED, MUTANTS = 22, 50
NODE = {
    "type": "object", "required": ["id"],
    "properties": {"id": {"type": "string"}, "next": {"$ref": "#/$defs/node"}},
}  # fmt: skip
EVENTS = [
    DescribedEvent(
        name="tree", direction=Direction.TO_UI, help="",
        schema={
            "type": "object", "required": ["root", "tags"],
            "properties": {
                "root": {"$ref": "#/$defs/node"},
                "tags": {"type": "object", "additionalProperties": {"type": "number"}},
                "who": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
                "kind": {"oneOf": [
                    {"type": "object", "required": ["k"], "properties": {"k": {"const": 1}}},
                    {"type": "object", "required": ["k"], "properties": {"k": {"const": 2}}}]},
                "pair": {"type": "array", "prefixItems": [{"type": "string"}], "items": False, "minItems": 1},
            },
            "$defs": {"node": NODE},
        },
    )
]  # fmt: skip


def check_of(module: str, events: list[DescribedEvent] | None = None, keys: EnvelopeKeys | None = None) -> Check:
    return DriftCheck(module, NAMES, keys or EnvelopeKeys()).build(events or described(built_in()))


def compare(
    folder: Path, ui: str, events: list[DescribedEvent] | None = None, keys: EnvelopeKeys | None = None
) -> list[str]:
    """Return the sentences about a UI with these types."""
    (folder / "ui.ts").write_text(ui, encoding="utf-8")
    check = check_of("./ui.js", events, keys)
    (folder / "check.ts").write_text(check.text, encoding="utf-8")
    return [each.sentence for each in differences(check, compile_types(folder, "check.ts"), "check.ts")]


@pytest.mark.e2e
def test_each_of_50_random_changes_is_named_and_the_original_has_no_difference(
    tmp_path: Path, subtests: pytest.Subtests
) -> None:
    random = Random(SEED)
    original = [(GUIDE / f"{name}.ts").read_text(encoding="utf-8") for name in ("events", "message")]
    mutants = [("", *original), *((each.path, each.events, each.message) for each in _different(random))]
    checks = []
    for number, (_, events, message) in enumerate(mutants):
        folder = tmp_path / f"m{number}"
        folder.mkdir()
        (folder / "events.ts").write_text(events, encoding="utf-8")
        (folder / "message.ts").write_text(message, encoding="utf-8")
        checks.append(check_of("./events.js"))
        (folder / "check.ts").write_text(checks[-1].text, encoding="utf-8")
    output = compile_types(tmp_path, *(f"m{number}/check.ts" for number in range(len(mutants))))
    for number, ((path, events, message), check) in enumerate(zip(mutants, checks, strict=True)):
        with subtests.test(number=number, path=path):
            found = differences(check, output, f"m{number}/check.ts")
            # A renamed field or event is reported under both names; data that is used twice, for both events.
            named = {each.sentence.split(": ")[0] for each in found}
            assert (path in named) if path else not named, f"{named}\n{events}\n{message}"
            assert len(named) <= 2, named


def _different(random: Random) -> list[Mutant]:
    found: list[Mutant] = []
    while len(found) < MUTANTS:
        each = mutant(random)
        if each not in found:
            found.append(each)
    return found


@pytest.mark.e2e
def test_sentences(tmp_path: Path) -> None:
    ui = """
        interface Reaction { emoji: number; from: string; at: string }
        enum Method { Direct = "direct", Offline = "offline" }
        interface Message {
          readonly msg_id: string & { brand: 1 }; from: any; to: "bob"; timestamp: Date;
          direction: "sent" | "draft"; delivered: boolean | undefined; delivery_method: Method;
          reactions: readonly Reaction[] | null; text: unknown; [key: string]: unknown;
        }
        export type WSEvent =
          | { event: "new_message"; data: Message; ts: number }
          | { event: "friend_online" | "friend_offline"; data: { username: string | null } }
          | { event: "reaction"; data: {} }
          | { event: "typing"; info: { username: string; typing: boolean } };
        export type WSClientEvent = { event: "typing"; data: { to?: string; "x-y": 1; typing: boolean } };
    """
    found = compare(tmp_path, ui)
    (literals,) = [each for each in found if each.startswith("new_message.direction")]
    found.remove(literals)  # the order of the literals depends on the compiler
    assert literals.endswith('(the UI lacks "received"; the contract lacks "draft").')
    assert found == [
        "reaction: the UI has this event, the contract does not.",
        "new_message.ts: the UI has this field, the contract does not.",
        "new_message.from: the UI says any, the contract says string.",
        'new_message.to: the UI says "bob", the contract says string.',
        "new_message.text: the UI says unknown, the contract says string.",
        "new_message.timestamp: the UI says Date, the contract says string.",
        "new_message.delivered: optional in the UI, required in the contract.",
        "new_message.reactions: required in the UI, optional in the contract.",
        "new_message.reactions: may be null in the UI, is never null in the contract.",
        "new_message.reactions[].at: the UI has this field, the contract does not.",
        "new_message.reactions[].emoji: the UI says number, the contract says string.",
        "friend_online.username: the UI says string | null, the contract says string.",
        "friend_offline.username: the UI says string | null, the contract says string.",
        "typing.info: the UI has this field, the contract does not.",
        "typing: the UI's event has no data.",
        "typing.x-y (from the UI): the UI has this field, the contract does not.",
        "typing.to (from the UI): optional in the UI, required in the contract.",
        "mark_read (from the UI): the contract has this event, the UI does not.",
    ]


@pytest.mark.e2e
def test_types_that_are_compared_as_a_whole(tmp_path: Path) -> None:
    """Recursive types, records, unions of objects and tuples."""
    same = """
        interface Node2 { id: string; next?: Node2 }
        export type WSEvent = { event: "tree"; data: { root: Node2; tags: Record<string, number>;
          who?: Node2 | null; kind?: { k: 1 } | { k: 2 }; pair?: [string] } };
        export type WSClientEvent = never;
    """
    assert compare(tmp_path, same, EVENTS) == []
    other = same.replace("next?: Node2", "next?: string").replace("{ k: 2 }", "{ k: 3 }")
    other = other.replace("string, number", "string, string").replace("[string]", "string[]")
    found = compare(tmp_path, other, EVENTS)
    fields = {each.split(":")[0] for each in found}
    assert fields == {"tree.root.next", "tree.who.next", "tree.tags", "tree.kind", "tree.pair"}


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("ui", "sentence"),
    [
        ("export type WSEvent = any;", "events to the UI: the UI says any for the name of the event"),
        (
            "export type WSEvent = { event: string; data: {} };",
            "events to the UI: the UI says string for the name of the event",
        ),
    ],
)
def test_a_union_without_names_is_one_difference(tmp_path: Path, ui: str, sentence: str) -> None:
    found = compare(tmp_path, ui + "export type WSClientEvent = never;")
    assert [each for each in found if "from the UI" not in each] == [f"{sentence}, the contract lists names."]


@pytest.mark.e2e
def test_a_missing_type_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DriftError, match=r"The type WSClientEvent could not be imported: .* --client-type"):
        compare(tmp_path, "export type WSEvent = never;")


PRESENCE = [
    DescribedEvent(name=name, direction=Direction.TO_UI, help="",
                   schema={"type": "object", "required": ["user"], "properties": {"user": {"type": "string"}}})
    for name in ("on", "off")
]  # fmt: skip


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("ui", "message"),
    [
        (
            'import type { Data } from "./missing"; export type WSEvent = { event: "on" | "off"; data: Data };',
            "The UI's type of on cannot be resolved, so nothing was compared. ui.ts, line 1: "
            "Cannot find module './missing' or its corresponding type declarations.",
        ),
        (
            'export type WSEvent = { event: "on" | "off"; data: { user: Nme } }; ',
            "The UI's type of on.user cannot be resolved, so nothing was compared. ui.ts, line 1: "
            "Cannot find name 'Nme'.",
        ),
        (
            'export type { WSEvent } from "./nothing";',
            "The type WSEvent cannot be resolved, so nothing was compared. ui.ts, line 1: "
            "Cannot find module './nothing' or its corresponding type declarations.",
        ),
    ],
)
def test_a_type_that_cannot_be_resolved_is_an_error_that_names_the_reason(
    tmp_path: Path, ui: str, message: str
) -> None:
    with pytest.raises(DriftError) as raised:
        compare(tmp_path, f"{ui} export type WSClientEvent = never;", PRESENCE)
    assert str(raised.value) == message


@pytest.mark.e2e
def test_a_type_that_cannot_be_resolved_but_is_not_compared_is_no_error(tmp_path: Path) -> None:
    ui = """
        import type { Other } from "./missing";
        export type Unused = Other;
        export type WSEvent = { event: "on" | "off"; data: { user: string } };
        export type WSClientEvent = never;
    """
    assert compare(tmp_path, ui, PRESENCE) == []


@pytest.mark.e2e
@pytest.mark.parametrize("type_", ["any", "unknown"])
def test_data_of_any_type_is_one_difference(tmp_path: Path, type_: str) -> None:
    ui = f"""
        export type WSEvent = {{ event: "on"; data: {type_} }} | {{ event: "off"; data: {{ user: string }} }};
        export type WSClientEvent = never;
    """
    assert compare(tmp_path, ui, PRESENCE) == [
        f"on: the UI's type of data is {type_}, so nothing in it can be compared."
    ]


@pytest.mark.e2e
def test_data_that_may_be_missing_or_null_is_named(tmp_path: Path) -> None:
    ui = """
        export type WSEvent =
            { event: "on"; data?: { user: string } } | { event: "off"; data: { user: string } | null };
        export type WSClientEvent = never;
    """
    assert compare(tmp_path, ui, PRESENCE) == [
        "on: data is optional in the UI, required in the contract.",
        "off: data may be null in the UI, is never null in the contract.",
    ]


@pytest.mark.e2e
def test_a_type_may_lack_a_field_that_is_not_allowed(tmp_path: Path) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}, "b": False}}
    events = [DescribedEvent(name="on", direction=Direction.TO_UI, help="", schema=schema)]
    for fields in ("a?: string", "a?: string; b?: never"):
        ui = f"""
            export type WSEvent = {{ event: "on"; data: {{ {fields} }} }};
            export type WSClientEvent = never;
        """
        assert compare(tmp_path, ui, events) == []


KEYS = EnvelopeKeys(event="type", data="payload")


@pytest.mark.e2e
def test_frames_with_other_keys(tmp_path: Path) -> None:
    """The name of an event may also be a member of an enum."""
    ui = """
        enum Kind { On = "on", Off = "off" }
        interface Base { type: Kind; payload: unknown }
        interface On extends Base { type: Kind.On; payload: { user: string } }
        export type WSEvent = On | { type: Kind.Off; payload: { user: string } };
        export type WSClientEvent = never;
    """
    assert compare(tmp_path, ui, PRESENCE, KEYS) == []
    ui = ui.replace("Off; payload: {", "Off; data: {")
    assert compare(tmp_path, ui, PRESENCE, KEYS) == [
        "off.data: the UI has this field, the contract does not.",
        "off: the UI's event has no payload.",
    ]


@pytest.mark.e2e
def test_a_union_with_other_keys_is_one_difference(tmp_path: Path) -> None:
    ui = """
        export type WSEvent = { type: "on"; payload: { user: string } } | { type: "off"; payload: {} };
        export type WSClientEvent = never;
    """
    assert compare(tmp_path, ui, PRESENCE) == [
        "events to the UI: the UI's types have no key 'event' with the name of the event "
        "(they have payload, type). If the frames of the UI have other keys, "
        "set envelope_event_key and envelope_data_key."
    ]


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("", "It printed nothing"),
        ("error TS5083: Cannot read file 'tsconfig.json'.\n", "Its first error: Cannot read file"),
        ("node: not found\n", "It printed: node: not found"),
    ],
)
def test_a_compiler_that_compares_nothing_is_an_error(output: str, sentence: str) -> None:
    """Without the error that the module always has, no error does not mean that the types are equal."""
    with pytest.raises(DriftError, match=re.escape(f"compared no types. {sentence}")):
        differences(check_of("./ui.js"), output, "check.ts")
