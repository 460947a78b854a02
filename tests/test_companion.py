import asyncio
import json
from typing import Any

import pytest

from app.companion import Companion
from app.hub.clock import Clock
from app.hub.hub import Delivery
from app.hub.journal import Kind, Row, Verdict
from app.hub.origin import PANEL
from app.hub.router import ClientEvent
from app.hub.server_state import ServerState
from app.protocol.envelope import Envelope
from app.protocol.errors import RequestError
from app.protocol.event_type import InvalidEvent
from app.system.settings import Settings
from tests.cli.doubles import unused_port
from tests.conftest import PATIENCE_S, Connect, MakeCompanion, until

ONLINE = Envelope("friend_online", {"username": "alice"})
UUIDS = [f"00000000-0000-0000-0000-{number:012}" for number in range(5)]


def message(number: int, **changes: Any) -> Envelope:
    data = {
        "msg_id": UUIDS[number], "from": "alice", "to": "me", "text": "Hi", "timestamp": "2024-01-15T10:30:00Z",
        "direction": "received", "delivered": True, "delivery_method": "direct",
    }  # fmt: skip
    return Envelope("new_message", {**data, **changes})


def rows(companion: Companion, kind: Kind) -> list[Row]:
    return [row for row in companion.journal if row.kind is kind]


async def test_firing_on_a_stopped_companion_sends_nothing_and_reports_why(
    make_companion: MakeCompanion,
) -> None:
    companion = await make_companion()
    assert companion.state is ServerState.STOPPED
    assert (await companion.fire(ONLINE, origin=PANEL)).note == "not sent: the server is stopped. Start the server"


async def test_an_event_without_recipients_reports_why(make_companion: MakeCompanion) -> None:
    holder = await make_companion()
    assert await holder.start()
    busy = await make_companion(port=holder.server.port)
    assert not await busy.start()
    error = busy.services["events"].error
    assert error.startswith(f"Port {holder.server.port} is busy")
    note = (await busy.fire(ONLINE, origin=PANEL)).note
    assert note == f"not sent: p{error[1:]} Fix this, then start the server"
    assert (await holder.fire(ONLINE, origin=PANEL)).note == "not sent: no client is connected"
    holder.pause()
    assert (await holder.fire(ONLINE, origin=PANEL)).note == (
        "not sent: sending is paused, and events fired meanwhile are not sent later. "
        "Resume sending, then fire again"
    )
    await holder.stop()
    assert (await holder.fire(ONLINE, origin=PANEL)).note == "not sent: the server is stopped. Start the server"


async def test_a_message_from_an_offline_friend_is_sent_with_a_warning(
    companion: Companion, connect_client: Connect
) -> None:
    socket = await connect_client()
    delivery = await companion.fire(message(1, **{"from": "bob"}), origin=PANEL)
    assert (delivery.delivered, delivery.offline) == (1, "bob")
    assert delivery.warnings == ("bob is offline, so a real backend would send nothing: switch bob online first",)
    assert json.loads(await asyncio.wait_for(socket.recv(), PATIENCE_S))["data"]["from"] == "bob"
    await companion.fire(Envelope("friend_online", {"username": "bob"}), origin=PANEL)
    for event in (message(2, **{"from": "bob"}), message(3, **{"from": "me", "to": "dave"}, direction="sent")):
        assert (await companion.fire(event, origin=PANEL)).warnings == ()


async def test_the_settings_limit_the_length_of_the_journal(make_companion: MakeCompanion) -> None:
    companion = await make_companion(journal_rows=100)
    for _ in range(150):
        await companion.fire(ONLINE, origin=PANEL)
    assert (len(companion.journal), companion.journal.dropped) == (100, 50)


async def test_an_invalid_event_is_not_fired(companion: Companion, connect_client: Connect) -> None:
    socket = await connect_client()
    with pytest.raises(InvalidEvent) as caught:
        await companion.fire(Envelope("typing", {"username": "", "typing": "yes"}), origin=PANEL)
    assert [problem.path for problem in caught.value.problems] == ["data.username", "data.typing"]
    assert str(caught.value) == "data.username: must not be empty; data.typing: must be true or false, not text"
    assert not companion.composer.can_fire_again
    assert rows(companion, Kind.TO_UI) == []
    await companion.fire(ONLINE, origin=PANEL)
    assert json.loads(await asyncio.wait_for(socket.recv(), PATIENCE_S))["event"] == "friend_online"


async def test_an_event_that_cannot_be_fired_is_invalid_and_changes_nothing(
    make_companion: MakeCompanion, subtests: pytest.Subtests
) -> None:
    companion = await make_companion()
    before = await companion.chat.store.snapshot()
    for event in [
        Envelope("dance", {}),
        Envelope("mark_read", {"peer": "alice", "msg_id": "1"}),
        Envelope("friend_online", None),
        Envelope("friend_online", {"username": "alice", "extra": 1}),
        Envelope("friend_online", {"username": "\ud83d"}),
        message(1, text="\ud83d"),
        message(1, direction=None),
        Envelope("\ud83d", {}),
    ]:
        with subtests.test(event=event):
            with pytest.raises(InvalidEvent):
                await companion.fire(event, origin=PANEL)
            assert not companion.composer.can_fire_again
            assert len(companion.journal) == 0
            assert await companion.chat.store.snapshot() == before


async def test_fired_messages_can_be_marked_as_read(companion: Companion, connect_client: Connect) -> None:
    socket = await connect_client()
    for number in range(3):
        await companion.fire(message(number), origin=PANEL)
    await companion.fire(message(3, direction="sent"), origin=PANEL)
    for peer, number in (("alice", 1), ("alice", 2), ("alice", 2), ("alice", 3), ("bob", 0)):
        await socket.send(json.dumps({"event": "mark_read", "data": {"peer": peer, "msg_id": UUIDS[number]}}))
    await until(lambda: len(rows(companion, Kind.FROM_UI)) == 5)
    assert [row.note for row in rows(companion, Kind.FROM_UI)] == [
        "2 messages from alice read",
        "1 message from alice read",
        "0 messages from alice read",
        f"there is no message {UUIDS[3]} from alice, so nothing changed",
        f"there is no message {UUIDS[0]} from bob, so nothing changed",
    ]


async def test_client_events_are_emitted_to_connected_listeners(
    companion: Companion, connect_client: Connect
) -> None:
    client_events: list[ClientEvent] = []
    companion.router.client_event.connect(client_events.append)
    socket = await connect_client("alice")
    await socket.send('{"event":"typing","data":{"to":"bob","typing":true}}')
    await until(lambda: client_events)
    assert (client_events[0].client.username, client_events[0].name) == ("alice", "typing")


async def test_a_malformed_frame_is_sent_unchanged_and_its_problem_is_noted(
    companion: Companion, connect_client: Connect
) -> None:
    socket = await connect_client()
    texts = ["{nope", '{"event":"dance","data":{}}', '{"event":"typing","data":{"username":"a","typing":1}}', ""]
    for text in texts:
        await companion.send_raw(text, origin=PANEL)
    assert [await asyncio.wait_for(socket.recv(), PATIENCE_S) for _ in texts] == texts
    notes = [row.note for row in rows(companion, Kind.TO_UI)]
    assert all(note.startswith("sent on purpose: ") for note in notes)
    assert "line 1 column 2: invalid JSON" in notes[0]
    assert "dance" in notes[1]
    assert "data.typing: must be true or false, not a number" in notes[2]
    assert "the frame is empty" in notes[3]
    assert {row.verdict for row in rows(companion, Kind.TO_UI)} == {Verdict.INVALID}


async def test_send_raw_rejects_text_that_is_not_valid_unicode() -> None:
    companion = Companion(Settings(port=0))
    with pytest.raises(RequestError, match="surrogate"):
        await companion.send_raw("\ud83d", origin=PANEL)
    assert len(companion.journal) == 0


async def test_a_row_is_sent_again_byte_for_byte(companion: Companion, connect_client: Connect) -> None:
    socket = await connect_client()
    await companion.send_raw(" {nope ", origin=PANEL)
    await companion.fire(ONLINE, origin=PANEL)
    for row in rows(companion, Kind.TO_UI):
        await companion.resend(row, origin=PANEL)
    frames = [await asyncio.wait_for(socket.recv(), PATIENCE_S) for _ in range(4)]
    assert frames[:2] == frames[2:]
    assert [row.verdict for row in rows(companion, Kind.TO_UI)[2:]] == [Verdict.INVALID, Verdict.OK]


async def test_the_state_follows_start_pause_and_stop(companion: Companion) -> None:
    states: list[ServerState] = []
    companion.changed.connect(lambda _: states.append(companion.state))
    companion.pause()
    companion.pause()
    companion.pause(False)
    await companion.stop()
    await companion.start()
    assert states == [ServerState.PAUSED, ServerState.LISTENING, ServerState.STOPPED, ServerState.LISTENING]
    assert [row.event for row in rows(companion, Kind.SERVER)] == [
        "listening", "paused", "resumed", "stopped listening", "listening",
    ]  # fmt: skip


async def test_a_paused_companion_keeps_its_clients_but_sends_nothing(
    companion: Companion, connect_client: Connect
) -> None:
    alice, bob = await connect_client("alice"), await connect_client("bob")
    companion.pause()
    assert (await companion.fire(ONLINE, origin=PANEL)).note == (
        "not sent: sending is paused, and events fired meanwhile are not sent later. "
        "Resume sending, then fire again"
    )
    await companion.send_raw("nope", origin=PANEL)
    await alice.send('{"event":"typing","data":{"to":"bob","typing":true}}')
    await until(lambda: len(rows(companion, Kind.TO_UI)) == 3)
    assert companion.hub.connection_count == 2
    companion.pause(False)
    await companion.fire(ONLINE, origin=PANEL)
    assert json.loads(await asyncio.wait_for(bob.recv(), PATIENCE_S))["event"] == "friend_online"


async def test_a_new_port_restarts_the_server(companion: Companion, connect_client: Connect) -> None:
    socket = await connect_client()
    port = unused_port()
    await companion.apply(Settings(port=port, username="zoe"))
    await asyncio.wait_for(socket.wait_closed(), PATIENCE_S)
    assert socket.close_code == 1001
    assert (companion.server.port, companion.state) == (port, ServerState.LISTENING)
    await connect_client()
    assert companion.hub.clients[0].username == "zoe"


async def test_other_settings_do_not_close_connections(companion: Companion, connect_client: Connect) -> None:
    port = companion.server.port
    await connect_client()
    changes: list[None] = []
    companion.changed.connect(changes.append)
    await companion.apply(Settings(port=0, username="zoe", allowed_origins=["https://new.example"]))
    assert (companion.server.port, companion.hub.connection_count) == (port, 1)
    assert changes == [None]
    await connect_client(origin="https://new.example")
    assert [client.username for client in companion.hub.clients] == ["me", "zoe"]


async def test_each_delivery_of_a_series_is_reported(companion: Companion, connect_client: Connect) -> None:
    socket = await connect_client()
    deliveries: list[tuple[int, int]] = []
    await companion.fire_series(
        lambda: companion.fire(ONLINE, origin=PANEL),
        lambda number, delivery: deliveries.append((number, delivery.delivered)),
        times=3,
        every_s=0.01,
    )
    assert deliveries == [(1, 1), (2, 1), (3, 1)]
    for _ in range(3):
        await asyncio.wait_for(socket.recv(), PATIENCE_S)


async def test_close_cancels_a_running_series_and_can_be_called_twice(companion: Companion) -> None:
    fired: list[Delivery] = []
    series = companion.tasks.spawn(
        companion.fire_series(
            lambda: companion.fire(ONLINE, origin=PANEL), lambda _, delivery: fired.append(delivery), delay_s=60
        ),
        "series",
    )
    await asyncio.sleep(0)
    await companion.close()
    assert series.cancelled()
    assert fired == []
    await companion.close()


async def test_the_companion_uses_the_given_clock(make_companion: MakeCompanion) -> None:
    companion = await make_companion(clock=Clock(wall=lambda: 7.0, mono=lambda: 8.0))
    await companion.fire(ONLINE, origin=PANEL)
    assert [(row.wall, row.mono) for row in companion.journal] == [(7.0, 8.0)]


async def test_a_concurrent_open_waits_until_the_chat_state_is_loaded() -> None:
    companion = Companion(Settings(port=0))
    opening = asyncio.create_task(companion.open())
    await asyncio.sleep(0)
    try:
        await companion.open()
        assert len(await companion.chat.store.friends()) == 4
    finally:
        await opening
        await companion.close()
