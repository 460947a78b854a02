"""A browser that connects gets one sent message per friend, and nobody else does."""

import asyncio
import json
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection

from app.companion import Companion
from app.protocol.envelope import Envelope
from tests.chat.windows import frames_so_far, sent_rows
from tests.conftest import Connect, until

PAGE = "http://localhost:1420"
FRIENDS = ["alice", "bob", "carol", "dave"]


async def primers(socket: ClientConnection, number: int) -> list[dict[str, Any]]:
    return [json.loads(await asyncio.wait_for(socket.recv(), 5)) for _ in range(number)]


async def test_a_browser_gets_the_newest_sent_message_of_every_friend(
    companion: Companion, connect_client: Connect
) -> None:
    browser = await connect_client(origin=PAGE)
    frames = await primers(browser, 4)
    assert [(frame["event"], frame["data"]["to"], frame["data"]["direction"]) for frame in frames] == [
        ("new_message", friend, "sent") for friend in FRIENDS
    ]
    for frame in frames:
        messages, _ = await companion.chat.page(frame["data"]["to"], 50, 0)
        assert frame["data"] == [message for message in messages if message["direction"] == "sent"][-1]
    assert await frames_so_far(companion, browser) == [[]]


@pytest.mark.parametrize("other", [{}, {"username": "alice"}], ids=["wscat", "wscat for alice"])
async def test_a_client_without_origin_gets_none_and_not_the_browsers_either(
    companion: Companion, connect_client: Connect, other: dict[str, Any]
) -> None:
    terminal = await connect_client(**other)
    browser = await connect_client(origin=PAGE)
    await primers(browser, 4)
    assert await frames_so_far(companion, terminal) == [[]]


async def test_a_second_browser_is_primed_without_the_first(companion: Companion, connect_client: Connect) -> None:
    first = await connect_client(origin=PAGE)
    await primers(first, 4)
    second = await connect_client(origin=PAGE)
    await primers(second, 4)
    assert await frames_so_far(companion, first) == [[]]


async def test_it_changes_neither_unread_nor_the_chats(companion: Companion, connect_client: Connect) -> None:
    before = await companion.chat.backend.snapshot()
    await primers(await connect_client(origin=PAGE), 4)
    assert await companion.chat.backend.snapshot() == before


@pytest.mark.parametrize("who", ["erin", "zoe"])
async def test_for_a_friend_without_one_a_greeting_is_stored_once(
    companion: Companion, connect_client: Connect, who: str
) -> None:
    await (companion.chat.add_friend(who) if who == "erin" else companion.chat.add_person(who, is_friend=True))
    frames = await primers(await connect_client(origin=PAGE), 5)
    (greeting,) = [frame["data"] for frame in frames if frame["data"]["to"] == who]
    assert greeting["direction"] == "sent"
    assert companion.catalog.problems(Envelope("new_message", greeting)) == []
    assert (await companion.chat.page(who, 50, 0))[0] == [greeting]
    again = await primers(await connect_client(origin=PAGE), 5)
    assert greeting in [frame["data"] for frame in again]
    assert (await companion.chat.page(who, 50, 0))[1] == 1


async def test_strangers_are_left_out(companion: Companion, connect_client: Connect) -> None:
    await companion.chat.remove_friend("bob")
    frames = await primers(await connect_client(origin=PAGE), 3)
    assert [frame["data"]["to"] for frame in frames] == ["alice", "carol", "dave"]


async def test_it_can_be_switched_off(companion: Companion, connect_client: Connect) -> None:
    companion.settings.prime_browsers = False
    browser = await connect_client(origin=PAGE)
    assert await frames_so_far(companion, browser) == [[]]


async def test_the_journal_says_where_they_came_from(companion: Companion, connect_client: Connect) -> None:
    await primers(await connect_client(origin=PAGE), 4)
    assert {(row.origin, row.client) for row in sent_rows(companion)} == {("priming", "client:1")}


async def test_a_browser_that_is_gone_at_once_leaves_a_calm_log(
    companion: Companion, connect_client: Connect
) -> None:
    for _ in range(5):
        browser = await connect_client(origin=PAGE)
        browser.transport.abort()
        await until(lambda: companion.hub.connection_count == 0)
    await primers(await connect_client(origin=PAGE), 4)
