"""Templates: every value, limits, and text that only looks like a template."""

import uuid
from random import Random
from typing import Any

import pytest

from app.protocol.catalog import built_in
from app.protocol.contract import Direction
from app.protocol.templates import (
    BY_FORMAT,
    FAKER,
    MAX_EXPANDED_BYTES,
    MAX_TEMPLATES,
    ME,
    NOW,
    PERSONA,
    UUID,
    TemplateContext,
    TemplateError,
    count_templates,
    escaped,
    expand,
    invalid_templates,
    iso,
    resolve,
    uses_faker,
)

WALL = 1_705_314_600.25
"""2024-01-15T10:30:00.250Z"""
CONTEXT = TemplateContext(wall=WALL, me="zoe", persona="bob", seq=7)


def seeded_context(seed: int) -> TemplateContext:
    return TemplateContext(wall=WALL, random=Random(seed))


def test_iso_formats_a_time_as_the_guide_does() -> None:
    assert iso(WALL) == "2024-01-15T10:30:00.250Z"


def test_templates_are_replaced_at_every_level() -> None:
    data = {"a": ME, "b": [f"at {NOW}!", {"c": NOW}], "d": 7, "e": None, "f": True}
    assert resolve(data, CONTEXT) == {
        "a": "zoe",
        "b": ["at 2024-01-15T10:30:00.250Z!", {"c": "2024-01-15T10:30:00.250Z"}],
        "d": 7,
        "e": None,
        "f": True,
    }
    assert data["a"] == ME


@pytest.mark.parametrize(
    ("template", "value"),
    [
        (NOW, "2024-01-15T10:30:00.250Z"),
        (ME, "zoe"),
        (PERSONA, "bob"),
        ("{{seq}}", "7"),
        ("{{ me }}", "zoe"),
        ("{{now-5m}}", "2024-01-15T10:25:00.250Z"),
        ("{{ now-5m }}", "2024-01-15T10:25:00.250Z"),
        ("{{now+30s}}", "2024-01-15T10:30:30.250Z"),
        ("{{now-2h}}", "2024-01-15T08:30:00.250Z"),
        ("{{now+1d}}", "2024-01-16T10:30:00.250Z"),
        ("{{now-0s}}", "2024-01-15T10:30:00.250Z"),
        ("{{now-20000d}}", "1969-04-13T10:30:00.250Z"),
        ("{{me}}{{me}} and {{persona}}", "zoezoe and bob"),
        ("{{{me}}}", "{zoe}"),
        ("{{braces}}me}} and {{ braces }} me }}", "{{me}} and {{ me }}"),
    ],
)
def test_each_template_is_replaced_by_its_value(template: str, value: str) -> None:
    assert resolve(template, CONTEXT) == value


@pytest.mark.parametrize(
    "text",
    [
        "use {{now}} or {{faker.name}}",
        "{{ now-5m }}{{{me}}}",
        "{{braces}}now}} {{braces}}",
        "{{now+999999999d}}",
        "{{other}} {{ {{now",
        "{{{{now}}}}",
    ],
)
def test_escaped_text_expands_to_the_text_that_was_escaped(text: str) -> None:
    for data in (text, {"text": text, "deep": [{"a": text}, 1, None]}, [text]):
        assert resolve(escaped(data), CONTEXT) == data
    assert invalid_templates(escaped("use {{now}}"), CONTEXT) == []


def test_what_is_not_replaced_is_invalid() -> None:
    data = ["{{persna}} {{me}} {{faker.name}}", {"a": "{{now+999999999d}}"}]
    context = TemplateContext(wall=WALL, preview=True)
    assert invalid_templates(data, context) == ["{{persna}}", "{{now+999999999d}}"]


@pytest.mark.parametrize(
    "text",
    [
        "{{other}}",
        "{{faker.passport_number}}",
        "{{faker.seed_instance}}",
        "{{faker}}",
        "{{faker.}}",
        "{{other.sentence}}",
        "{{now.sentence}}",
        "{{now-5}}",
        "{{now-5w}}",
        "{{now-m}}",
        "{{now - 5m}}",
        "{{now+-5m}}",
        "{{now-1234567890s}}",
        "{{uuid-5m}}",
        "{{me+1d}}",
        "{{faker.sentence+1d}}",
        "{{UUID}}",
        "{{uuid}",
        "{uuid}}",
        "{{}}",
        "{{\nme\n}}",
        "{me}",
    ],
)
def test_text_that_is_not_a_template_is_unchanged(text: str) -> None:
    assert resolve(text, CONTEXT) == text


@pytest.mark.parametrize(
    "text", ["{{now+999999999d}}", "{{now-999999999d}}", "{{now+99999999h}}x", "{{now-739000d}}"]
)
def test_a_time_outside_the_calendar_range_is_unchanged(text: str) -> None:
    assert resolve(text, CONTEXT) == text


@pytest.mark.parametrize("value", [None, 7, 1.5, True, [], {}, "", "plain"])
def test_a_value_without_templates_is_unchanged(value: Any) -> None:
    assert resolve(value, CONTEXT) == value


def test_templates_in_keys_are_not_resolved() -> None:
    assert resolve({ME: ME}, CONTEXT) == {ME: "zoe"}


def test_a_value_that_looks_like_a_template_is_not_resolved_again() -> None:
    assert resolve(ME, TemplateContext(wall=WALL, me=PERSONA)) == PERSONA


def test_each_uuid_template_has_a_new_value() -> None:
    first, second = resolve([UUID, UUID], CONTEXT)
    assert uuid.UUID(first) != uuid.UUID(second)
    assert uuid.UUID(first).version == 4


def test_the_same_seed_creates_the_same_values() -> None:
    data = [UUID, UUID, "{{faker.name}}", "{{faker.sentence}}", "{{faker.emoji}}"]
    first = resolve(data, seeded_context(1))
    assert resolve(data, seeded_context(1)) == first
    assert resolve(data, seeded_context(2)) != first
    assert first[0] != first[1]


def test_without_a_seed_faker_values_differ() -> None:
    assert len(set(resolve(["{{faker.sentence}}"] * 10, CONTEXT))) > 5


@pytest.mark.parametrize("name", FAKER)
def test_every_offered_faker_template_creates_text(name: str) -> None:
    text = resolve(f"{{{{faker.{name}}}}}", seeded_context(1))
    assert text.strip()
    assert "{{" not in text


def test_template_values_are_valid_for_the_contract() -> None:
    new_message = built_in().get(Direction.TO_UI, "new_message")
    assert new_message is not None
    formats = {name: field.get("format") for name, field in new_message.schema["properties"].items()}
    templates = {name: BY_FORMAT[kind] for name, kind in formats.items() if kind in BY_FORMAT}
    assert templates == {"msg_id": UUID, "timestamp": NOW}
    assert new_message.problems(resolve({**new_message.sample, **templates}, CONTEXT)) == []


def test_too_many_templates_are_rejected_with_their_number() -> None:
    assert resolve([ME] * MAX_TEMPLATES, CONTEXT) == ["zoe"] * MAX_TEMPLATES
    with pytest.raises(TemplateError, match=r"^10,000 templates; at most 200 are allowed$"):
        resolve({"a": [ME * 4_000], "b": "{{now-5m}}" * 6_000}, CONTEXT)


def test_count_templates_counts_only_replaced_text() -> None:
    text = "{{uuid}} {{ now+1d }} {{faker.word}} {{faker.password}} {{uuid+1d}} {{unknown}} {{me.x}} {{}} }}{{"
    assert count_templates({"a": [text, 7], "{{me}}": None}) == 3


def test_the_expanded_text_is_bounded() -> None:
    long = TemplateContext(wall=WALL, me="x" * (MAX_EXPANDED_BYTES // 100))
    assert len(resolve(ME * 100, long)) <= MAX_EXPANDED_BYTES
    with pytest.raises(TemplateError, match=r"^over 1,024 KiB of text once its templates are expanded$"):
        resolve({"a": ME * 100, "b": [ME]}, long)


def test_expansion_can_pause_after_every_template() -> None:
    steps = expand({"a": [ME, "-"], "b": f"{ME}{ME}"}, CONTEXT)
    assert [next(steps) for _ in range(3)] == [None] * 3
    with pytest.raises(StopIteration) as end:
        next(steps)
    assert end.value.value == {"a": ["zoe", "-"], "b": "zoezoe"}


@pytest.mark.parametrize("name", FAKER)
def test_a_preview_needs_no_faker(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.protocol.templates._faker", None)
    assert uses_faker({"a": [f"{{{{faker.{name}}}}}"]})
    assert resolve(f"{{{{faker.{name}}}}}", TemplateContext(wall=WALL, preview=True)) == name
