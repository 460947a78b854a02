"""The form of an event file is filled and fired in the window; a client receives it, and the chat state changes."""

import json
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt

from app.companion import Companion
from app.hub.origin import Origin
from app.protocol.contract import Direction
from app.protocol.envelope import Envelope
from app.ui.widgets.fields import LongTextField
from app.ui.window import INJECT, MainWindow
from tests.conftest import Connect, MakeCompanion, until
from tests.ui.frames import frame

MSG_ID = "a1b2c3d4-e5f6-4890-abcd-ef1234567890"
EDITED = {
    "event": "message_edited",
    "direction": "to_ui",
    "title": "Message edited",
    "data": {
        "type": "object",
        "required": ["msg_id", "text", "by"],
        "properties": {
            "msg_id": {"type": "string", "format": "uuid"},
            "text": {"type": "string", "contentMediaType": "text/plain", "examples": ["before"]},
            "by": {"type": "string", "format": "username"},
        },
    },
    "effect": {"edit_message": {"msg_id": "/msg_id", "text": "/text"}},
}


@pytest.fixture
async def companion(make_companion: MakeCompanion, tmp_path: Path) -> Companion:
    folder = tmp_path / "events"
    folder.mkdir()
    companion = await make_companion(events_folder=str(folder))
    assert await companion.start(), companion.services["events"].error
    return companion


async def test_the_form_of_a_file_is_filled_and_fired_and_changes_the_chat_state(
    window: MainWindow, companion: Companion, connect_client: Connect, tmp_path: Path, qtbot: Any
) -> None:
    new_message = companion.catalog.get(Direction.TO_UI, "new_message")
    assert new_message
    await companion.fire(Envelope("new_message", {**new_message.sample, "msg_id": MSG_ID}), origin=Origin("test"))
    window.open_room(INJECT)
    room = window.inject
    client = await connect_client()
    (tmp_path / "events" / "edited.json").write_text(json.dumps(EDITED), encoding="utf-8")
    await companion.event_files.read()
    panel = room.event_panel("message_edited")
    assert panel
    room.open_panel(panel)
    form = panel.form()
    form.set_value({"msg_id": MSG_ID, "text": "", "by": "bob"})
    text = form.field("text")
    assert isinstance(text, LongTextField)
    qtbot.keyClicks(text.edit, "typed in the form")
    qtbot.mouseClick(room.bar.now, Qt.MouseButton.LeftButton)
    assert await frame(client) == {
        "event": "message_edited",
        "data": {"msg_id": MSG_ID, "text": "typed in the form", "by": "bob"},
    }
    messages, _ = await companion.chat.store.page("alice", 100, 0)
    assert next(each["text"] for each in messages if each["msg_id"] == MSG_ID) == "typed in the form"
    (tmp_path / "events" / "edited.json").unlink()
    await companion.event_files.read()
    await until(lambda: room.event_panel("message_edited") is None)
