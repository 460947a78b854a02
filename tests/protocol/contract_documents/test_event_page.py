"""The page about all events."""

from app.protocol.catalog import built_in
from app.protocol.contract import Direction
from app.protocol.contract_documents.described_event import DescribedEvent, EnvelopeKeys, described
from app.protocol.contract_documents.event_page import event_page


def test_the_page_lists_the_fields_of_each_event() -> None:
    page = event_page(described(built_in()))
    to_ui, from_ui = page.split("## Events from the UI")
    assert [line for line in to_ui.splitlines() if line.startswith("###")] == [
        "### `new_message`", "### `friend_online`", "### `friend_offline`", "### `typing`",
    ]  # fmt: skip
    assert "### `typing`" in from_ui
    assert r'| `direction` | `"received" \| "sent"` | yes | Relative to the local user |' in to_ui
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
    assert r"Effect on the chat state: set\_delivered." in page
    assert '"type": "`x`"' in page
    assert "None." in page.split("## Events from the UI")[1]
