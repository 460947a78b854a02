"""Every operation, option, exit code and setting of an earlier version still exists and works as before."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from app.companion import Companion
from app.endpoints.control.api import OPERATIONS
from app.endpoints.control.openapi import document
from app.system.exit_codes import Exit
from app.system.settings import Settings
from tests.compatibility.snapshots import VERSIONS, part
from tests.compatibility.take_snapshot import commands

pytestmark = pytest.mark.parametrize("version", VERSIONS)

Document = dict[str, Any]


@pytest.fixture(scope="module")
def current() -> Document:
    return document(OPERATIONS, "http://127.0.0.1:8082")


def test_every_command_option_and_argument_still_exists(version: str) -> None:
    new_commands = commands()
    assert any(each["options"] and each["arguments"] for each in part(version, "commands.json").values())
    for name, before in part(version, "commands.json").items():
        assert name in new_commands, f"the command `{name}` is gone"
        for option, old in before["options"].items():
            assert option in new_commands[name]["options"], f"`{name} {option}` is gone"
            new = new_commands[name]["options"][option]
            assert (new["flag"], new["type"]) == (old["flag"], old["type"]), f"`{name} {option}` takes other values"
            assert new["multiple"] >= old["multiple"], f"`{name} {option}` cannot be repeated any more"
        required = [each["name"] for each in new_commands[name]["arguments"] if each["required"]]
        old_required = [each["name"] for each in before["arguments"] if each["required"]]
        assert len(required) <= len(old_required), f"`{name}` needs more arguments than before: {required}"
        assert len(new_commands[name]["arguments"]) >= len(before["arguments"]), f"`{name}` takes fewer arguments"


def test_exit_codes_keep_their_meaning(version: str) -> None:
    codes = {each.name: each.value for each in Exit}
    assert part(version, "exit_codes.json").items() <= codes.items()


def test_every_setting_still_exists_with_its_default(version: str) -> None:
    defaults = msgspec.to_builtins(Settings())
    for key, before in part(version, "settings.json").items():
        assert defaults[key] == before["default"], key
        msgspec.convert({key: before["default"]}, Settings)


def test_every_built_in_fixture_still_exists(version: str, companion: Companion) -> None:
    names = {saved.name for saved in companion.fixtures.all}
    missing = set(part(version, "fixtures.json")) - names - {"mine/greeting"}
    assert not missing


def test_every_operation_still_exists(version: str, current: Document) -> None:
    for path, method in operations(part(version, "openapi.json")):
        assert method in current["paths"].get(path, {}), f"{method.upper()} {path} is gone"


def test_every_query_parameter_and_body_field_is_still_accepted(version: str, current: Document) -> None:
    before = part(version, "openapi.json")
    for path, method in operations(before):
        old, new = before["paths"][path][method], current["paths"][path][method]
        missing = {each["name"] for each in old.get("parameters", [])} - {
            each["name"] for each in new["parameters"]
        }
        assert not missing, f"{method.upper()} {path} does not take {missing} any more"
        required = {each["name"] for each in new["parameters"] if each.get("required")}
        required -= {each["name"] for each in old["parameters"] if each.get("required")}
        assert not required, f"{method.upper()} {path} now requires {required}"
        old_fields, new_fields = body_fields(before, old), body_fields(current, new)
        assert old_fields.keys() <= new_fields.keys(), (
            f"{method.upper()} {path}: {old_fields.keys() - new_fields.keys()}"
        )
        newly_required = {name for name, is_required in new_fields.items() if is_required} - {
            name for name, is_required in old_fields.items() if is_required
        }
        assert not newly_required, f"{method.upper()} {path} now requires {newly_required}"


def test_every_schema_still_has_its_fields(version: str, current: Document) -> None:
    before = part(version, "openapi.json")
    for name, schema in before["components"]["schemas"].items():
        new = current["components"]["schemas"].get(name)
        assert new, f"the schema {name} is gone"
        missing = schema.get("properties", {}).keys() - new.get("properties", {}).keys()
        assert not missing, f"{name} has no {missing} any more"


def operations(api: Document) -> Iterator[tuple[str, str]]:
    """Yield path and method of every operation."""
    for path, methods in api["paths"].items():
        for method in methods:
            yield path, method


def body_fields(api: Document, operation: Document) -> dict[str, bool]:
    """Return the fields of an operation's JSON body, and whether each is required."""
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    while "$ref" in schema:
        schema = api["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    required = schema.get("required", [])
    return {name: name in required for name in schema.get("properties", {})}
