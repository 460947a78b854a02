"""Guide §6.3: to add an event, add one struct to one file."""

import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from websockets.asyncio.client import connect

from app.companion import Companion
from app.hub.origin import PANEL
from app.protocol import events
from app.protocol.catalog import Catalog, built_in
from app.protocol.contract import Direction
from app.protocol.envelope import Envelope
from app.protocol.event_type import InvalidEvent
from app.system.settings import Settings
from tests.conftest import until

MESSAGE_DELIVERED = '''

@event("message_delivered", Direction.TO_UI)
class MessageDelivered(Event, frozen=True, kw_only=True):
    """A message reached its recipient."""

    msg_id: MessageId
    peer: Annotated[Username, Meta(description="Who has it now")]
'''
BARE = """

@event("message_delivered", Direction.TO_UI)
class MessageDelivered(Event):
    msg_id: str
    peer: str
"""
GOOD = Envelope("message_delivered", {"msg_id": "550e8400-e29b-41d4-a716-446655440000", "peer": "bob"})

EventsWith = Callable[[str], ModuleType]


@pytest.fixture
def events_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EventsWith:
    """Return a function that loads a copy of the events file with a text added to it."""

    def load(addition: str) -> ModuleType:
        file = tmp_path / "extended_events.py"
        file.write_text(Path(events.__file__).read_text(encoding="utf-8") + addition, encoding="utf-8")
        spec = importlib.util.spec_from_file_location("extended_events", file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, "extended_events", module)
        spec.loader.exec_module(module)
        return module

    return load


def test_the_built_in_catalog_rejects_the_new_event() -> None:
    assert Companion(Settings()).catalog.problems(GOOD)[0].path == "event"


def test_the_new_event_has_schema_sample_and_help(events_with: EventsWith) -> None:
    catalog = Catalog.of(events_with(MESSAGE_DELIVERED))
    assert catalog.names(Direction.TO_UI) == [*built_in().names(Direction.TO_UI), "message_delivered"]
    new = catalog.get(Direction.TO_UI, "message_delivered")
    assert new is not None
    assert new.help == "A message reached its recipient."
    assert list(new.schema["properties"]) == new.schema["required"] == ["msg_id", "peer"]
    assert new.sample == {"msg_id": "a1b2c3d4-e5f6-7890-abcd-ef1234567890", "peer": "alice"}
    assert new.problems(new.sample) == []


async def test_the_new_event_is_validated_and_sent(events_with: EventsWith) -> None:
    companion = Companion(Settings(port=0), Catalog.of(events_with(MESSAGE_DELIVERED)))
    assert await companion.start()
    try:
        async with connect(companion.server.url, proxy=None) as socket:
            await until(lambda: companion.hub.connection_count == 1)
            with pytest.raises(InvalidEvent) as caught:
                await companion.fire(Envelope("message_delivered", {"msg_id": "7", "peer": "bob"}), origin=PANEL)
            assert [problem.path for problem in caught.value.problems] == ["data.msg_id"]
            await companion.fire(GOOD, origin=PANEL)
            assert json.loads(await socket.recv()) == {"event": GOOD.event, "data": GOOD.data}
    finally:
        await companion.close()


def test_a_struct_with_only_field_names_and_types_is_sufficient(events_with: EventsWith) -> None:
    catalog = Catalog.of(events_with(BARE))
    new = catalog.get(Direction.TO_UI, "message_delivered")
    assert new is not None
    assert isinstance(new.help, str)
    assert list(new.sample) == ["msg_id", "peer"]
    assert new.problems(new.sample) == []
    assert catalog.problems(GOOD) == []
