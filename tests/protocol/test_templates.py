import uuid

from app.protocol.catalog import built_in
from app.protocol.contract import Direction
from app.protocol.templates import BY_FORMAT, NOW, UUID, iso, resolve

WALL = 1_705_314_600.25
"""2024-01-15T10:30:00.250Z"""


def test_a_moment_is_written_as_the_guide_writes_time() -> None:
    assert iso(WALL) == "2024-01-15T10:30:00.250Z"


def test_templates_are_replaced_wherever_they_are() -> None:
    data = {"a": UUID, "b": [f"at {NOW}!", {"c": NOW}], "d": 7, "e": None, "f": "{{other}}"}
    assert resolve(data, WALL, lambda: "new") == {
        "a": "new",
        "b": ["at 2024-01-15T10:30:00.250Z!", {"c": "2024-01-15T10:30:00.250Z"}],
        "d": 7,
        "e": None,
        "f": "{{other}}",
    }
    assert data["a"] == UUID


def test_each_time_the_uuid_is_a_fresh_one() -> None:
    first, second = resolve([UUID, UUID], WALL)
    assert uuid.UUID(first) != uuid.UUID(second)


def test_what_the_templates_make_keeps_the_contract() -> None:
    new_message = built_in().get(Direction.TO_UI, "new_message")
    assert new_message is not None
    formats = {name: field.get("format") for name, field in new_message.schema["properties"].items()}
    templates = {name: BY_FORMAT[format] for name, format in formats.items() if format in BY_FORMAT}
    assert templates == {"msg_id": UUID, "timestamp": NOW}
    assert new_message.problems(resolve({**new_message.sample, **templates}, WALL)) == []
