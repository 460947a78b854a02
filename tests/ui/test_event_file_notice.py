"""The banner says what is wrong with event files, until they are corrected. Inject follows the files."""

import json
from pathlib import Path
from typing import Any

from app.companion import Companion
from app.storage.event_folder import EventFolder
from app.ui.window import INJECT, MainWindow
from tests.protocol.event_files.test_parse import DELIVERED


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
