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
def now() -> Document:
    return document(OPERATIONS, "http://127.0.0.1:8082")


def test_every_command_option_and_argument_still_exists(version: str) -> None:
    today = commands()
    assert any(each["options"] and each["arguments"] for each in part(version, "commands.json").values())
    for name, before in part(version, "commands.json").items():
        assert name in today, f"the command `{name}` is gone"
        for option, was in before["options"].items():
            assert option in today[name]["options"], f"`{name} {option}` is gone"
            still = today[name]["options"][option]
            assert (still["flag"], still["type"]) == (was["flag"], was["type"]), (
                f"`{name} {option}` takes other values"
            )
            assert still["multiple"] >= was["multiple"], f"`{name} {option}` cannot be repeated any more"
        required = [each["name"] for each in today[name]["arguments"] if each["required"]]
        old_required = [each["name"] for each in before["arguments"] if each["required"]]
        assert len(required) <= len(old_required), f"`{name}` needs more arguments than before: {required}"
        assert len(today[name]["arguments"]) >= len(before["arguments"]), f"`{name}` takes fewer arguments"


def test_exit_codes_keep_their_meaning(version: str) -> None:
    today = {each.name: each.value for each in Exit}
    assert part(version, "exit_codes.json").items() <= today.items()


def test_every_setting_still_exists_with_its_default(version: str) -> None:
    defaults = msgspec.to_builtins(Settings())
    for key, before in part(version, "settings.json").items():
        assert defaults[key] == before["default"], key
        msgspec.convert({key: before["default"]}, Settings)


def test_every_built_in_fixture_still_exists(version: str, companion: Companion) -> None:
    today = {saved.name for saved in companion.fixtures.all}
    missing = set(part(version, "fixtures.json")) - today - {"mine/greeting"}
    assert not missing


def test_every_operation_still_exists(version: str, now: Document) -> None:
    for path, method in operations(part(version, "openapi.json")):
        assert method in now["paths"].get(path, {}), f"{method.upper()} {path} is gone"


def test_every_query_parameter_and_body_field_is_still_accepted(version: str, now: Document) -> None:
    before = part(version, "openapi.json")
    for path, method in operations(before):
        old, new = before["paths"][path][method], now["paths"][path][method]
        gone = {each["name"] for each in old.get("parameters", [])} - {each["name"] for each in new["parameters"]}
        assert not gone, f"{method.upper()} {path} does not take {gone} any more"
        required = {each["name"] for each in new["parameters"] if each.get("required")}
        required -= {each["name"] for each in old["parameters"] if each.get("required")}
        assert not required, f"{method.upper()} {path} now requires {required}"
        fields, wanted = body_fields(before, old), body_fields(now, new)
        assert fields.keys() <= wanted.keys(), f"{method.upper()} {path}: {fields.keys() - wanted.keys()}"
        newly = {name for name, needed in wanted.items() if needed} - {
            name for name, needed in fields.items() if needed
        }
        assert not newly, f"{method.upper()} {path} now requires {newly}"


def test_every_answer_still_has_its_fields(version: str, now: Document) -> None:
    before = part(version, "openapi.json")
    for name, schema in before["components"]["schemas"].items():
        today = now["components"]["schemas"].get(name)
        assert today, f"the schema {name} is gone"
        gone = schema.get("properties", {}).keys() - today.get("properties", {}).keys()
        assert not gone, f"{name} has no {gone} any more"


def operations(of: Document) -> Iterator[tuple[str, str]]:
    """Yield path and method of every operation."""
    for path, methods in of["paths"].items():
        for method in methods:
            yield path, method


def body_fields(of: Document, operation: Document) -> dict[str, bool]:
    """Return the fields of an operation's JSON body, and whether each is required."""
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    while "$ref" in schema:
        schema = of["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    required = schema.get("required", [])
    return {name: name in required for name in schema.get("properties", {})}
