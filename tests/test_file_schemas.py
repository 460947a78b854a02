"""Every file that is saved is valid according to its schema, and refers to it where the format allows that."""

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from app.chat.snapshot import parse_snapshot
from app.companion import Companion
from app.protocol.asyncapi_import.convert import import_asyncapi
from app.protocol.catalog import built_in
from app.protocol.contract_documents.file_kinds import FileKind
from app.protocol.contract_documents.file_schemas import file_schema
from app.protocol.errors import RequestError
from app.protocol.faults.profiles import Profile, parse_profile
from app.protocol.fixture import Fixture, FixtureExpectation, parse_fixture
from app.protocol.session.lines import format_lines
from app.protocol.session.transcript import parse_transcript
from app.storage.fixtures import FixtureLibrary
from app.storage.profile_library import ProfileLibrary
from app.system.settings import Settings, settings_schema
from app.system.settings_file import SCHEMA_FILE, SettingsFile
from resources import FOLDER

EVENT = Fixture(
    title="Hi", event="new_message", data={"text": "{{faker.sentence}}"}, to="user:bob", times=3,
    expect=FixtureExpectation(event="mark_read", where={"data.peer": "alice"}, within=1.5),
)  # fmt: skip
RAW = Fixture(frame="{", malformed=True)
PROFILE = (
    '{"title": "Bad", "faults": [{"fault": "loss", "rate": 0.5}], "rest": [{"route": "GET /x", "status": 503}]}'
)


def validator(kind: FileKind) -> Any:
    schema = settings_schema() if kind is FileKind.SETTINGS else file_schema(kind)
    jsonschema_rs.meta.validate(schema)
    return jsonschema_rs.validator_for(schema)


def referenced(file: Path) -> dict[str, Any]:
    """Return the schema that a file refers to, as an editor finds it."""
    reference = json.loads(file.read_text("utf-8"))["$schema"]
    found: dict[str, Any] = json.loads((file.parent / reference).read_text("utf-8"))
    return found


def test_saved_fixtures_refer_to_their_schema_and_are_valid(tmp_path: Path) -> None:
    library = FixtureLibrary(tmp_path, tmp_path / "none")
    for name, fixture in (("x", EVENT), ("a/b/raw", RAW)):
        library.save(name, fixture)
        file = tmp_path / f"{name}.json"
        schema = referenced(file)
        assert schema == file_schema(FileKind.FIXTURE)
        jsonschema_rs.validate(schema, json.loads(file.read_text("utf-8")))
    library.rename("a/b/raw", "raw")
    library.rename("x", "a/x")
    assert referenced(tmp_path / "raw.json") == referenced(tmp_path / "a" / "x.json") == schema
    library.read()
    assert library.warnings == []
    assert {each.name: each.fixture for each in library.all} == {"a/x": EVENT, "raw": RAW}


def test_saved_profiles_refer_to_their_schema_and_are_valid(tmp_path: Path) -> None:
    library = ProfileLibrary(tmp_path, tmp_path / "none")
    library.save("bad", parse_profile(PROFILE))
    file = tmp_path / "bad.json"
    jsonschema_rs.validate(referenced(file), json.loads(file.read_text("utf-8")))
    library.read()
    assert (library.warnings, [each.profile for each in library.all]) == ([], [parse_profile(PROFILE)])


def test_built_in_files_are_valid() -> None:
    """They are what files of the version before look like: without a reference."""
    for kind, folder in ((FileKind.FIXTURE, "fixtures"), (FileKind.PROFILE, "profiles")):
        files = list((FOLDER / folder).rglob("*.json"))
        assert files, folder
        schema = validator(kind)
        for file in files:
            schema.validate(json.loads(file.read_text("utf-8")))


@pytest.mark.parametrize("reference", ["other.json", "https://example.com/x", ""])
def test_any_reference_is_ignored(reference: str) -> None:
    fixture = json.dumps({"$schema": reference, "event": "typing", "data": {}})
    assert parse_fixture(fixture) == Fixture(event="typing", data={})
    profile = json.loads(PROFILE)
    assert parse_profile(json.dumps({"$schema": reference, **profile})) == parse_profile(PROFILE)


@pytest.mark.parametrize(
    "invalid", [{"event": "x", "data": {}, "nothing": 1}, {"title": "x"}, {"frame": "x", "data": 1}]
)
def test_what_is_no_fixture_is_invalid_in_the_schema_too(invalid: dict[str, Any]) -> None:
    assert not validator(FileKind.FIXTURE).is_valid(invalid)


def test_a_file_of_the_user_with_the_name_of_the_schema_is_kept(tmp_path: Path) -> None:
    file = tmp_path / FileKind.FIXTURE.schema_file
    library = FixtureLibrary(tmp_path, tmp_path / "none")
    for content in ("mine", "[]", '{"title": "mine"}'):
        file.write_text(content)
        library.save("x", EVENT)
        assert file.read_text("utf-8") == content
    file.write_text(json.dumps({"title": file_schema(FileKind.FIXTURE)["title"], "old": True}))
    library.save("x", EVENT)
    assert json.loads(file.read_text("utf-8")) == file_schema(FileKind.FIXTURE)


def test_new_settings_refer_to_their_schema_and_are_valid(tmp_path: Path) -> None:
    file = SettingsFile(tmp_path / "settings.toml")
    file.save(Settings(port=9000, saved_filters={"a": "is:invalid"}, theme="dark"))
    text = file.path.read_text("utf-8")
    assert text.startswith(f"#:schema ./{SCHEMA_FILE}\n")
    schema = json.loads((tmp_path / SCHEMA_FILE).read_text("utf-8"))
    jsonschema_rs.validate(schema, tomllib.loads(text))
    assert not jsonschema_rs.is_valid(schema, {"port": 70_000})
    assert schema["properties"].keys() == set(Settings.__struct_fields__)
    assert (file.load().port, file.warnings) == (9000, [])


def test_settings_of_the_version_before_are_kept_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("# mine\nport = 1\n")
    SettingsFile(tmp_path / "settings.toml").save(Settings(port=2))
    assert (tmp_path / "settings.toml").read_text("utf-8") == "# mine\nport = 2\n"


def test_lines_of_sessions_are_valid() -> None:
    schema = validator(FileKind.SESSION)
    scenarios = list((FOLDER / "sessions").rglob("*.chat"))
    assert scenarios
    for file in scenarios:
        for line in format_lines(parse_transcript(file.read_text("utf-8"))).splitlines():
            if line.startswith("{"):
                schema.validate(json.loads(line))


async def test_a_saved_chat_state_is_valid_and_may_have_a_reference(companion: Companion) -> None:
    snapshot = await companion.chat.store.snapshot()
    assert snapshot["people"]
    assert snapshot["messages"]
    schema = validator(FileKind.STATE)
    schema.validate(snapshot)
    parse_snapshot({"$schema": "x", **snapshot})
    del snapshot["people"][0]["username"]
    assert not schema.is_valid(snapshot)
    with pytest.raises(RequestError):
        parse_snapshot(snapshot)


def test_imported_event_files_are_valid() -> None:
    document = Path(__file__).parent / "protocol" / "asyncapi_import" / "support_chat.yaml"
    schema = validator(FileKind.EVENT)
    for each in import_asyncapi(document.read_text("utf-8"), built_in()).events:
        schema.validate(json.loads(each.text))


def test_profile_files_are_read_without_the_reference() -> None:
    assert Profile(faults=parse_profile(PROFILE).faults).to_json().startswith('{\n  "faults"')
