"""The page about all events."""

import json

import pytest

from app.protocol.catalog import built_in
from app.protocol.contract import Direction
from app.protocol.contract_documents.applications import Application
from app.protocol.contract_documents.asyncapi import asyncapi
from app.protocol.contract_documents.described_event import DescribedEvent, EnvelopeKeys, described
from app.protocol.contract_documents.event_page import event_page
from app.protocol.contract_documents.typescript import typescript
from app.protocol.event_files.parse import parse_event_file


def test_the_page_lists_the_fields_of_each_event() -> None:
    page = event_page(described(built_in()))
    to_ui, from_ui = page.split("## Events from the UI")
    assert [line for line in to_ui.splitlines() if line.startswith("###")] == [
        "### `new_message`", "### `friend_online`", "### `friend_offline`", "### `typing`",
    ]  # fmt: skip
    assert "### `typing`" in from_ui
    assert r'| `direction` | "received" \| "sent" | yes | Relative to the local user |' in to_ui
    assert "| `reactions[].emoji` | `string` | yes | The emoji |" in to_ui
    assert "| `reactions` | `Reaction[]` | no | Reactions to the message |" in to_ui


def test_keys_and_effect_are_shown_and_texts_are_escaped() -> None:
    tree = {"type": "object", "properties": {"next": {"$ref": "#"}}}
    schema = {
        "type": "object",
        "properties": {"a|b`": {"type": "string", "description": "<img src=x>\n| *x*"}, "t": tree},
    }  # fmt: skip
    event = DescribedEvent(
        name="`x`",
        direction=Direction.TO_UI,
        help="[link](x)",
        schema=schema,
        examples=[{}],
        effect="set_delivered",
    )
    page = event_page([event], EnvelopeKeys(event="type", data="payload"))
    assert "### `` `x` ``" in page
    assert r"\<img src=x\> \| \*x\*" in page
    assert r"\[link\](x)" in page
    assert r"| `` a\|b` `` |" in page
    assert r"Effect: set\_delivered." in page
    assert '"type": "`x`"' in page
    assert "None." in page.split("## Events from the UI")[1]


def test_what_event_files_say_is_shown() -> None:
    file = """{
        "event": "like", "direction": "from_ui", "title": "Like", "description": "A user likes a message.",
        "data": {"type": "object", "required": ["to", "id"],
                 "properties": {"to": {"type": "string"}, "id": {"type": "string", "format": "uuid"}}},
        "examples": [{"to": "bob", "id": "550e8400-e29b-41d4-a716-446655440000"}],
        "effect": {"add_reaction": {"msg_id": "/id", "emoji": {"value": "+1"}, "by": {"sender": true}}},
        "forward": {"event": "liked", "to": "/to", "data": {"id": "/id"}}}"""
    like = parse_event_file("like.json", file, built_in())
    (event,) = described([like])
    assert (event.help, event.examples) == ("A user likes a message.", [like.sample])
    assert event.effect == "adds a reaction to a message, is forwarded to a user as liked"
    without = [(each.name, each.direction.value) for each in described(built_in()) if not each.effect]
    assert without == [("typing", "s2c")]


@pytest.mark.parametrize(
    ("texts", "shown"),
    [
        ({}, []),
        ({"title": "It *waves*"}, [r"**It \*waves\***"]),
        ({"description": "A user waves."}, ["A user waves."]),
        ({"title": "Wave", "description": "A user waves."}, ["**Wave**", "A user waves."]),
    ],
)
def test_title_and_description_are_shown_once_each(texts: dict[str, str], shown: list[str]) -> None:
    content = json.dumps({"event": "wave", "direction": "to_ui", "data": {}, **texts})
    events = described([parse_event_file("wave.json", content, built_in())])
    text = event_page(events).split("### `wave`")[1].split("```")[0]
    assert text.split("\n\n")[1:-1] == shown
    message = asyncapi(events, "ws://x/", "1", Application.BACKEND)["components"]["messages"]["to_ui.wave"]
    assert message["title"] == texts.get("title", "wave")
    assert message.get("summary") == texts.get("description")
    about = ": ".join(texts[key] for key in ("title", "description") if key in texts)
    assert events[0].about == about
    assert about in typescript(events)
