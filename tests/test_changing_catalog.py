"""The catalog of events can change while clients are connected."""

from typing import Any

from app.companion import Companion
from app.hub.origin import Origin
from app.hub.router import Outcome
from app.protocol.contract import Direction, Event
from app.protocol.envelope import Envelope
from app.protocol.event_type import StructEvent
from tests.conftest import Connect, until


class Delivered(Event, frozen=True, kw_only=True):
    """A message reached its recipient."""

    msg_id: str


class Reacted(Event, frozen=True, kw_only=True):
    """The user reacted."""

    emoji: str


ADDED = [
    StructEvent("message_delivered", Direction.TO_UI, Delivered),
    StructEvent("reaction", Direction.FROM_UI, Reacted),
]


async def test_an_added_event_can_be_fired_at_a_connected_client(
    companion: Companion, connect_client: Connect
) -> None:
    client = await connect_client()
    event = Envelope("message_delivered", {"msg_id": "1"})
    assert companion.catalog.problems(event)
    companion.use_events([*companion.catalog, *ADDED])
    delivery = await companion.fire(event, origin=Origin("test"))
    assert delivery.delivered == 1
    assert "message_delivered" in await client.recv()


async def test_an_added_client_event_reaches_its_handler(companion: Companion, connect_client: Connect) -> None:
    handled: list[Any] = []

    def handle(_: object, data: Reacted) -> Outcome:
        handled.append(data)
        return Outcome("noted")

    client = await connect_client()
    companion.router.on("reaction", handle)
    await client.send('{"event":"reaction","data":{"emoji":"👍"}}')
    await until(lambda: any("unknown client event" in row.note for row in companion.journal))
    companion.use_events([*companion.catalog, *ADDED])
    await client.send('{"event":"reaction","data":{"emoji":"👍"}}')
    await until(lambda: handled)
    assert handled == [Reacted(emoji="👍")]


async def test_a_removed_event_is_rejected(companion: Companion, connect_client: Connect) -> None:
    client = await connect_client()
    companion.use_events([each for each in companion.catalog if each.name != "typing"])
    await client.send('{"event":"typing","data":{"to":"bob","typing":true}}')
    await until(lambda: any("unknown client event 'typing'" in row.note for row in companion.journal))
    assert companion.catalog.problems(Envelope("typing", {"username": "alice", "typing": True}))


async def test_catalog_changed_is_emitted_when_the_events_are_replaced(companion: Companion) -> None:
    changes: list[None] = []
    companion.catalog_changed.connect(changes.append)
    companion.use_events(list(companion.catalog))
    assert changes == [None]
