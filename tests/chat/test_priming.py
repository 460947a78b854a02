"""Each browser that connects gets one sent message per friend; other clients get none."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from websockets.asyncio.client import ClientConnection

from app.chat.priming import PRIME_AFTER_S
from app.companion import Companion
from app.hub.filter import parse
from app.hub.journal import Verdict
from app.protocol.envelope import Envelope
from tests.chat.windows import frames_so_far, sent_rows
from tests.conftest import PATIENCE_S, Connect, until

PAGE = "http://localhost:1420"
FRIENDS = ["alice", "bob", "carol", "dave"]


async def primers(socket: ClientConnection, number: int) -> list[dict[str, Any]]:
    return [json.loads(await asyncio.wait_for(socket.recv(), PATIENCE_S)) for _ in range(number)]


async def test_a_browser_gets_the_newest_sent_message_of_every_friend(
    companion: Companion, connect_client: Connect
) -> None:
    browser = await connect_client(origin=PAGE)
    frames = await primers(browser, 4)
    assert [(frame["event"], frame["data"]["to"], frame["data"]["direction"]) for frame in frames] == [
        ("new_message", friend, "sent") for friend in FRIENDS
    ]
    for frame in frames:
        messages, _ = await companion.chat.store.page(frame["data"]["to"], 50, 0)
        assert frame["data"] == [message for message in messages if message["direction"] == "sent"][-1]
    assert await frames_so_far(companion, browser) == [[]]


@pytest.mark.parametrize("other", [{}, {"username": "alice"}], ids=["terminal", "terminal of alice"])
async def test_a_client_without_origin_is_not_primed(
    companion: Companion, connect_client: Connect, other: dict[str, Any]
) -> None:
    terminal = await connect_client(**other)
    browser = await connect_client(origin=PAGE)
    await primers(browser, 4)
    assert await frames_so_far(companion, terminal) == [[]]


async def test_priming_a_second_browser_sends_nothing_to_the_first(
    companion: Companion, connect_client: Connect
) -> None:
    first = await connect_client(origin=PAGE)
    await primers(first, 4)
    second = await connect_client(origin=PAGE)
    await primers(second, 4)
    assert await frames_so_far(companion, first) == [[]]


async def test_priming_does_not_change_the_chat_state(companion: Companion, connect_client: Connect) -> None:
    before = await companion.chat.store.snapshot()
    await primers(await connect_client(origin=PAGE), 4)
    assert await companion.chat.store.snapshot() == before


@pytest.mark.parametrize("name", ["erin", "zoe"])
async def test_a_friend_without_a_sent_message_is_primed_with_a_placeholder_that_is_not_stored(
    companion: Companion, connect_client: Connect, name: str
) -> None:
    await (companion.chat.add_friend(name) if name == "erin" else companion.chat.add_person(name, is_friend=True))
    before = await companion.chat.store.snapshot()
    frames = await primers(await connect_client(origin=PAGE), 5)
    (placeholder,) = [frame["data"] for frame in frames if frame["data"]["to"] == name]
    assert (placeholder["direction"], placeholder["delivered"]) == ("sent", False)
    assert "P2P Chat Companion" in placeholder["text"]
    assert companion.catalog.problems(Envelope("new_message", placeholder)) == []
    assert await companion.chat.store.page(name, 50, 0) == ([], 0)
    assert await companion.chat.store.snapshot() == before
    again = await primers(await connect_client(origin=PAGE), 5)
    assert placeholder in [frame["data"] for frame in again], "a UI that knows the id would show it twice"


async def add(companion: Companion) -> None:
    await companion.chat.add_person("zoe", is_friend=True)


async def befriend(companion: Companion) -> None:
    await companion.chat.add_person("zoe", is_friend=False)
    assert companion.journal.last_seq
    await companion.chat.add_friend("zoe")


async def rename(companion: Companion) -> None:
    await companion.chat.rename_person("bob", "zoe")


async def state_with_zoe(companion: Companion) -> dict[str, Any]:
    snapshot = await companion.chat.store.snapshot()
    return {**snapshot, "people": [*snapshot["people"], {"username": "zoe", "is_friend": True}]}


async def restore(companion: Companion) -> None:
    await companion.chat.restore(await state_with_zoe(companion))


async def load(companion: Companion, tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    file.write_text(json.dumps(await state_with_zoe(companion)), encoding="utf-8")
    await companion.chat.load(file)


async def add_while_the_window_reads_the_chats(companion: Companion) -> None:
    await asyncio.gather(companion.chat.add_person("zoe", is_friend=True), companion.chat.conversations())


@pytest.mark.parametrize("change", [add, befriend, rename, restore, load, add_while_the_window_reads_the_chats])
async def test_every_way_to_add_a_friend_primes_every_browser(
    companion: Companion, connect_client: Connect, tmp_path: Path, change: Callable[..., Awaitable[None]]
) -> None:
    browsers = [await connect_client(origin=PAGE) for _ in range(2)]
    terminal = await connect_client()
    for browser in browsers:
        await primers(browser, 4)
    await (change(companion, tmp_path) if change is load else change(companion))
    for browser in browsers:
        (frame,) = await primers(browser, 1)
        assert (frame["event"], frame["data"]["to"]) == ("new_message", "zoe")
    assert await frames_so_far(companion, terminal, *browsers) == [[], [], []]


async def test_a_reset_primes_the_restored_friends(companion: Companion, connect_client: Connect) -> None:
    await companion.chat.remove_person("alice")
    browser = await connect_client(origin=PAGE)
    await primers(browser, 3)
    await companion.chat.reset()
    assert [frame["data"]["to"] for frame in await primers(browser, 1)] == ["alice"]


async def test_priming_that_was_due_while_paused_happens_after_the_pause(
    companion: Companion, connect_client: Connect
) -> None:
    companion.pause()
    browser = await connect_client(origin=PAGE)
    await companion.chat.add_person("zoe", is_friend=True)
    await asyncio.sleep(2 * PRIME_AFTER_S)
    assert sent_rows(companion) == []
    companion.pause(False)
    frames = await primers(browser, 5)
    assert sorted(frame["data"]["to"] for frame in frames) == [*FRIENDS, "zoe"]


async def test_enabling_priming_primes_connected_browsers(companion: Companion, connect_client: Connect) -> None:
    await companion.apply(replace(companion.settings, prime_browsers=False))
    browser = await connect_client(origin=PAGE)
    assert await frames_so_far(companion, browser) == [[]]
    await companion.apply(replace(companion.settings, prime_browsers=True))
    assert len(await primers(browser, 4)) == 4


async def test_a_reloading_development_server_causes_no_warnings(
    companion: Companion, connect_client: Connect
) -> None:
    """React's StrictMode opens two connections that close at once; only the one that stays is primed."""
    for _ in range(2):
        await (await connect_client(origin=PAGE)).close()
        await until(lambda: companion.hub.connection_count == 0)
    await primers(await connect_client(origin=PAGE), 4)
    before = companion.journal.last_seq
    assert [row.event for row in companion.journal.after(1)] == [
        "connected", "disconnected", "connected", "disconnected", "connected", *["new_message"] * 4,
    ]  # fmt: skip
    assert {row.verdict for row in companion.journal} == {Verdict.OK}
    priming = parse("is:priming")
    assert [priming.matches(row) for row in companion.journal.after(before - 4)] == [True] * 4
    assert not any(priming.matches(row) for row in companion.journal if row.seq <= before - 4)


async def test_non_friends_are_not_primed(companion: Companion, connect_client: Connect) -> None:
    await companion.chat.remove_friend("bob")
    frames = await primers(await connect_client(origin=PAGE), 3)
    assert [frame["data"]["to"] for frame in frames] == ["alice", "carol", "dave"]


async def test_priming_can_be_disabled(companion: Companion, connect_client: Connect) -> None:
    companion.settings.prime_browsers = False
    browser = await connect_client(origin=PAGE)
    assert await frames_so_far(companion, browser) == [[]]


async def test_rows_of_primed_messages_have_the_origin_priming(
    companion: Companion, connect_client: Connect
) -> None:
    await primers(await connect_client(origin=PAGE), 4)
    assert {(row.origin, row.client) for row in sent_rows(companion)} == {("priming", "client:1")}


async def test_a_browser_that_disconnects_at_once_causes_no_warnings(
    companion: Companion, connect_client: Connect
) -> None:
    for _ in range(5):
        browser = await connect_client(origin=PAGE)
        browser.transport.abort()
        await until(lambda: companion.hub.connection_count == 0)
    await primers(await connect_client(origin=PAGE), 4)
