"""A message that the local user posts is stored, answered, and sent to the recipient and the other windows."""

import asyncio

import pytest

from app.companion import Companion
from app.hub.journal import Kind, Verdict
from app.hub.origin import PANEL
from app.protocol.backend import MAX_TEXT, RestCaller
from app.protocol.envelope import Envelope
from app.protocol.errors import Malformed, NotFound, RequestError
from tests.chat.windows import frames_so_far, post, sender_text_and_direction, sent_rows
from tests.conftest import Connect

PAGE = "http://localhost:1420"
HERE = RestCaller(PAGE, "Chromium")


@pytest.fixture(autouse=True)
def _disable_priming(companion: Companion) -> None:
    companion.settings.prime_browsers = False


async def test_a_message_to_an_online_friend_is_delivered_immediately(companion: Companion) -> None:
    data = await post(companion, "alice", "Hi", HERE)
    assert (data["from"], data["to"], data["direction"]) == ("me", "alice", "sent")
    assert (data["delivered"], data["delivery_method"]) == (True, "direct")
    assert (await companion.chat.store.page("alice", 1, 0))[0] == [data]
    assert companion.catalog.problems(Envelope("new_message", data)) == []


async def test_a_post_is_received_by_the_recipient_and_shown_as_sent_in_the_senders_other_windows(
    companion: Companion, connect_client: Connect
) -> None:
    sender = await connect_client(origin=PAGE, user_agent_header="Chromium")
    same_page_other_browser = await connect_client(origin=PAGE, user_agent_header="Firefox")
    same_browser_other_page = await connect_client(origin="tauri://localhost", user_agent_header="Chromium")
    terminal = await connect_client()
    alice, bob = await connect_client("alice"), await connect_client("bob")
    data = await post(companion, "alice", "Hi", HERE)
    frames = await frames_so_far(
        companion, sender, same_page_other_browser, same_browser_other_page, terminal, alice, bob
    )
    received = {"event": "new_message", "data": {**data, "direction": "received"}}
    sent = {"event": "new_message", "data": data}
    assert frames == [[], [sent], [sent], [sent], [received], []]


async def test_a_recipients_window_with_the_senders_origin_and_browser_receives_the_message(
    companion: Companion, connect_client: Connect
) -> None:
    alice = await connect_client("alice", origin=PAGE, user_agent_header="Chromium")
    await post(companion, "alice", "Hi", HERE)
    (frames,) = await frames_so_far(companion, alice)
    assert [sender_text_and_direction(frame) for frame in frames] == [("me", "Hi", "received")]


async def test_a_message_without_connected_clients_is_neither_sent_nor_logged(companion: Companion) -> None:
    await post(companion, "alice", "Hi", HERE)
    assert sent_rows(companion) == []


async def test_two_tabs_of_one_browser_both_receive_the_message(
    companion: Companion, connect_client: Connect
) -> None:
    """HTTP requests do not identify the tab. The tab that sent the message ignores the duplicate ID."""
    tabs = [await connect_client(origin=PAGE, user_agent_header="Chromium") for _ in range(2)]
    data = await post(companion, "alice", "Hi", HERE)
    assert await frames_so_far(companion, *tabs) == [[{"event": "new_message", "data": data}]] * 2


async def test_a_message_to_an_offline_friend_is_not_delivered(
    companion: Companion, connect_client: Connect
) -> None:
    bob, other = await connect_client("bob"), await connect_client(origin=PAGE, user_agent_header="Firefox")
    data = await post(companion, "bob", "Hi", HERE)
    assert (data["delivered"], data["delivery_method"]) == (False, "offline")
    for_bob, for_me = await frames_so_far(companion, bob, other)
    assert for_bob == []
    assert for_me == [{"event": "new_message", "data": data}]


async def test_coming_online_delivers_waiting_messages_once_and_in_order(
    companion: Companion, connect_client: Connect
) -> None:
    bob = await connect_client("bob")
    for text in ("one", "two"):
        await post(companion, "bob", text, HERE)
    for online in ("friend_online", "friend_offline", "friend_online"):
        await companion.fire(Envelope(online, {"username": "bob"}), origin=PANEL)
    (frames,) = await frames_so_far(companion, bob)
    assert [frame["event"] for frame in frames] == [
        "friend_online", "new_message", "new_message", "friend_offline", "friend_online",
    ]  # fmt: skip
    delivered = frames[1:3]
    assert [sender_text_and_direction(frame) for frame in delivered] == [
        ("me", "one", "received"),
        ("me", "two", "received"),
    ]
    assert {(frame["data"]["delivered"], frame["data"]["delivery_method"]) for frame in delivered} == {
        (True, "offline")
    }
    stored = (await companion.chat.store.page("bob", 2, 0))[0]
    assert [(m["text"], m["delivered"], m["delivery_method"], m["direction"]) for m in stored] == [
        ("one", True, "offline", "sent"),
        ("two", True, "offline", "sent"),
    ]


async def test_waiting_messages_of_a_friend_without_a_client_are_logged_as_delivered(companion: Companion) -> None:
    for text in ("one", "two"):
        await post(companion, "bob", text, HERE)
    await companion.fire(Envelope("friend_online", {"username": "bob"}), origin=PANEL)
    assert [row.event for row in sent_rows(companion)] == ["friend_online"]
    (row,) = [row for row in companion.journal if row.event == "delivered"]
    assert (row.kind, row.verdict) == (Kind.SERVER, Verdict.OK)
    assert row.note == "2 messages that waited for bob delivered; no client acts as bob"
    assert all(message["delivered"] for message in (await companion.chat.store.page("bob", 2, 0))[0])


async def test_messages_for_an_offline_friend_are_not_delivered_when_another_friend_comes_online(
    companion: Companion, connect_client: Connect
) -> None:
    bob, dave = await connect_client("bob"), await connect_client("dave")
    await post(companion, "bob", "Hi", HERE)
    await companion.fire(Envelope("friend_online", {"username": "dave"}), origin=PANEL)
    assert [[frame["event"] for frame in frames] for frames in await frames_so_far(companion, bob, dave)] == [
        ["friend_online"],
        ["friend_online"],
    ]
    assert not (await companion.chat.store.page("bob", 1, 0))[0][0]["delivered"]


async def test_a_message_marked_as_delivered_is_not_delivered_again(
    companion: Companion, connect_client: Connect
) -> None:
    bob = await connect_client("bob")
    data = await post(companion, "bob", "Hi", HERE)
    await companion.chat.set_delivered(data["msg_id"])
    assert (await companion.chat.store.page("bob", 1, 0))[0][0]["delivered"]
    await companion.fire(Envelope("friend_online", {"username": "bob"}), origin=PANEL)
    (frames,) = await frames_so_far(companion, bob)
    assert [frame["event"] for frame in frames] == ["friend_online"]


async def test_a_text_of_the_maximum_length_is_accepted_and_a_longer_one_rejected(companion: Companion) -> None:
    assert (await post(companion, "alice", "😀" * MAX_TEXT, HERE))["text"] == "😀" * MAX_TEXT
    before = await companion.chat.store.snapshot()
    for text in ("x" * (MAX_TEXT + 1), ""):
        with pytest.raises(RequestError) as caught:
            await post(companion, "alice", text, HERE)
        assert isinstance(caught.value, Malformed)
    assert await companion.chat.store.snapshot() == before


@pytest.mark.parametrize("to", ["erin", "unknown", "me", "ALICE", "alice\0"])
async def test_a_message_to_a_user_who_is_not_a_friend_is_rejected(companion: Companion, to: str) -> None:
    before = await companion.chat.store.snapshot()
    with pytest.raises(RequestError, match="is not a friend") as caught:
        await post(companion, to, "Hi", HERE)
    assert isinstance(caught.value, NotFound)
    assert await companion.chat.store.snapshot() == before


async def test_posts_and_fired_events_keep_the_order_of_the_calls(
    companion: Companion, connect_client: Connect
) -> None:
    alice = await connect_client("alice")
    await asyncio.gather(
        post(companion, "alice", "1", HERE),
        companion.fire(Envelope("typing", {"username": "bob", "typing": True}), origin=PANEL),
        post(companion, "alice", "2", HERE),
    )
    (frames,) = await frames_so_far(companion, alice)
    assert [frame["event"] for frame in frames] == ["new_message", "typing", "new_message"]


async def test_a_post_uses_the_current_name_of_the_local_user(
    companion: Companion, connect_client: Connect
) -> None:
    companion.settings.username = companion.hub.local_user = "zoe"
    terminal = await connect_client()
    data = await post(companion, "alice", "Hi", HERE)
    assert data["from"] == "zoe"
    (frames,) = await frames_so_far(companion, terminal)
    assert [sender_text_and_direction(frame) for frame in frames] == [("zoe", "Hi", "sent")]
    assert [row.kind for row in companion.journal if row.origin == "backend"] == [Kind.TO_UI]
