"""The events of a folder, without a companion."""

from pathlib import Path

import pytest

from app.contract_folder import catalog_of, contract_of
from app.protocol.catalog import built_in
from app.protocol.contract import Direction
from app.protocol.contract_documents.described_event import described
from app.protocol.errors import Invalid


def test_an_empty_folder_has_the_built_in_events(tmp_path: Path) -> None:
    assert contract_of(tmp_path) == described(built_in())


def test_files_add_and_extend_events(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("event: seen\ndirection: from_ui\ndata: {properties: {id: {type: string}}}")
    (tmp_path / "b.json").write_text(
        '{"extends": "new_message", "data": {"properties": {"thread": {"type": "string"}}}}'
    )
    events = {each.name: each for each in contract_of(tmp_path)}
    assert "seen" in events
    assert "thread" in events["new_message"].schema["properties"]


def test_all_errors_are_reported(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    (tmp_path / "b.json").write_text("{}")
    with pytest.raises(Invalid) as raised:
        contract_of(tmp_path)
    assert "a.json" in raised.value.reason
    assert "b.json" in raised.value.reason


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="does not exist"):
        contract_of(tmp_path / "missing")


def test_a_missing_event_that_is_forwarded_is_an_error_of_the_contract_but_recordings_can_be_read(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.yaml").write_text("{event: a, direction: from_ui, data: {}, forward: {event: b}}")
    with pytest.raises(Invalid, match="no event with the direction to_ui is named b"):
        contract_of(tmp_path)
    assert catalog_of(tmp_path).get(Direction.FROM_UI, "a")
    (tmp_path / "b.yaml").write_text("{event: a, direction: from_ui, data: {}}")
    with pytest.raises(Invalid, match=r"which a\.yaml defines already"):
        catalog_of(tmp_path)
