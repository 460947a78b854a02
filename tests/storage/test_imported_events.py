"""Imported events are written as files, and never replace other files without being asked to."""

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from app.protocol.asyncapi_import.imported_file import FileStatus, ImportedEvent
from app.protocol.contract import Direction
from app.protocol.contract_documents.file_kinds import FileKind
from app.protocol.errors import Conflict, StorageError
from app.storage.imported_events import save_events

EVENTS = [
    ImportedEvent(file=f"{name}.json", event=name, direction=Direction.TO_UI, text=f'{{"event": "{name}"}}\n')
    for name in ("a", "b")
]
NEW, UNCHANGED, DIFFERENT, DEFINED = FileStatus


def statuses(folder: Path, *, force: bool = False, dry_run: bool = False) -> list[FileStatus]:
    return [each.status for each in save_events(folder, EVENTS, force=force, dry_run=dry_run)]


def test_files_are_written_with_the_schema_and_then_unchanged(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "events"
    assert statuses(folder, dry_run=True) == [NEW, NEW]
    assert not folder.exists()
    assert statuses(folder) == [NEW, NEW]
    schema = json.loads((folder / FileKind.EVENT.schema_file).read_text())
    assert schema["title"] == "Event"
    assert {each.name for each in folder.iterdir()} == {"a.json", "b.json", FileKind.EVENT.schema_file}
    assert statuses(folder) == [UNCHANGED, UNCHANGED]


def test_files_with_the_line_ends_of_a_checkout_on_windows_are_unchanged(tmp_path: Path) -> None:
    statuses(tmp_path)
    for file in tmp_path.iterdir():
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    before = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    assert statuses(tmp_path) == [UNCHANGED, UNCHANGED]
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == before


def test_a_file_with_other_content_is_kept_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text("mine")
    assert statuses(tmp_path, dry_run=True) == [NEW, DIFFERENT]
    with pytest.raises(Conflict) as raised:
        statuses(tmp_path)
    assert raised.value.reason == (
        f"b.json in {tmp_path} would be replaced, so nothing was written. Use --force to replace files, or import "
        "into another folder."
    )
    assert [each.name for each in tmp_path.iterdir()] == ["b.json"]
    assert (tmp_path / "b.json").read_text() == "mine"
    assert statuses(tmp_path, force=True) == [NEW, DIFFERENT]
    assert (tmp_path / "b.json").read_text() == EVENTS[1].text


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="could not be written"):
        statuses(tmp_path / "file")


POKED = """# by hand
event: a
direction: to_ui
data: {properties: {by: {type: string}}}
summary: "{by} poked you"
effect: {set_delivered: {msg_id: /by}}
"""


TYPING = [
    ImportedEvent(file=file, event="typing", direction=direction, text=f'{{"event": "typing", "in": "{file}"}}\n')
    for file, direction in (("typing.json", Direction.TO_UI), ("typing-2.json", Direction.FROM_UI))
]


@pytest.mark.parametrize("events", [TYPING, TYPING[::-1]])
@pytest.mark.parametrize("direction", ["", '"direction": "from_ui", '])
@pytest.mark.parametrize("name", ["typing.json", "other.json"])
def test_two_events_of_an_import_are_two_files(
    tmp_path: Path, events: list[ImportedEvent], direction: str, name: str
) -> None:
    """Regression: a file without a direction counted for both, so that one event replaced the other."""
    (tmp_path / name).write_text(f'{{{direction}"extends": "typing"}}')
    found = save_events(tmp_path, events, force=True)
    written = {(tmp_path / each.event.file).read_text() for each in found}
    assert written == {each.text for each in TYPING}


def test_an_event_that_another_file_defines_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "own" / "poked.yaml"
    file.parent.mkdir()
    file.write_text(POKED)
    found = save_events(tmp_path, EVENTS)
    assert [(each.event.file, each.event.event, each.status) for each in found] == [
        ("own/poked.yaml", "a", DEFINED), ("b.json", "b", NEW),
    ]  # fmt: skip
    assert file.read_text() == POKED
    assert not (tmp_path / "a.json").exists()


def imported(field: str) -> ImportedEvent:
    """Return the event ``a`` with one field."""
    content = {"event": "a", "direction": "to_ui", "data": {"properties": {field: {"type": "string"}}}}
    return ImportedEvent(file="a.json", event="a", direction=Direction.TO_UI, text=json.dumps(content))


def test_nothing_is_replaced_if_the_users_parts_do_not_fit(tmp_path: Path) -> None:
    file = tmp_path / "poked.yaml"
    file.write_text(POKED)
    with pytest.raises(
        Conflict, match=r"^Nothing was written, because summary, effect of an event file .*poked\.yaml"
    ):
        save_events(tmp_path, [imported("other"), EVENTS[1]], force=True)
    assert file.read_text() == POKED
    assert [each.name for each in tmp_path.iterdir()] == ["poked.yaml"]


def test_force_replaces_the_schema_and_keeps_what_the_user_wrote(tmp_path: Path) -> None:
    file = tmp_path / "poked.yaml"
    file.write_text(POKED)
    for status in (DIFFERENT, UNCHANGED):
        found = save_events(tmp_path, [imported("by")], force=True)
        assert [(each.event.file, each.status) for each in found] == [("poked.yaml", status)]
        assert json.loads(file.read_text()) == {
            **json.loads(imported("by").text),
            "summary": "{by} poked you", "effect": {"set_delivered": {"msg_id": "/by"}},
        }  # fmt: skip
    assert not (tmp_path / "a.json").exists()
    without = save_events(tmp_path, [replace(imported("by"), file="poked.yaml")])
    assert [each.status for each in without] == [UNCHANGED], "the parts of the user are no difference"


def test_an_event_of_the_other_direction_is_another_event(tmp_path: Path) -> None:
    (tmp_path / "poked.yaml").write_text(POKED.replace("to_ui", "from_ui"))
    assert statuses(tmp_path) == [NEW, NEW]
