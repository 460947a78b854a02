"""The banner says what is wrong with event files, until they are corrected. Inject follows the files."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.companion import Companion
from app.storage.event_folder import EventFolder
from app.ui.room_registry import CONTRACT, INJECT, SETTINGS
from app.ui.window import MainWindow
from tests.protocol.event_files.test_parse import DELIVERED


@pytest.fixture
def first_room() -> str:
    return INJECT


async def test_a_broken_file_is_in_the_banner_until_it_is_corrected(
    window: MainWindow, companion: Companion, tmp_path: Path
) -> None:
    def write(content: Any) -> None:
        (tmp_path / "delivered.json").write_text(json.dumps(content), encoding="utf-8")

    window.open_room(INJECT)
    write({**DELIVERED, "direction": "<img src=x>"})
    await companion.event_files.use(EventFolder(tmp_path))
    assert "delivered.json, line 1 column " in window.banner.text.text()
    assert "direction: must be one of: to_ui, from_ui." in window.banner.text.text()
    write(DELIVERED)
    await companion.event_files.read()
    assert not window.banner.isVisibleTo(window)
    titles = [window.inject.tabs.tabText(number) for number in range(window.inject.tabs.count())]
    assert any("delivered" in each.lower() for each in titles), titles


async def test_a_button_of_the_banner_shows_the_file_with_its_error(
    window: MainWindow, companion: Companion, tmp_path: Path
) -> None:
    write(tmp_path, "a.json", DELIVERED)
    write(tmp_path, "b.json", {**DELIVERED, "event": "two words"})
    await companion.event_files.use(EventFolder(tmp_path))
    assert titles(window) == ["Show in Contract", "Dismiss"]
    window.banner.buttons[0].click()
    assert window.rooms.current == CONTRACT
    page = window.contract.catalog
    assert window.contract.pages.currentWidget() is page
    assert page.selected
    assert page.selected.file == "b.json"
    assert "must not contain spaces" in page.problems.text()


async def test_a_button_of_the_banner_opens_the_settings_if_the_folder_is_missing(
    window: MainWindow, companion: Companion, tmp_path: Path
) -> None:
    await companion.event_files.use(EventFolder(tmp_path / "missing", chosen=True))
    assert titles(window) == ["Open Settings", "Dismiss"]
    window.banner.buttons[0].click()
    assert window.rooms.current == SETTINGS


def write(folder: Path, name: str, content: Any) -> None:
    (folder / name).write_text(json.dumps(content), encoding="utf-8")


def titles(window: MainWindow) -> list[str]:
    return [each.text() for each in window.banner.buttons]
