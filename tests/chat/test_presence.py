"""Presence: fired events, the answer of ``GET /friends``, and going offline without activity."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from app.chat import service as module
from app.companion import Companion
from app.hub.origin import PANEL
from app.protocol.backend import ONLINE_FOR_S, RestCaller
from app.protocol.envelope import Envelope
from app.protocol.templates import iso
from tests.chat.windows import frames_so_far, friend, post
from tests.conftest import PATIENCE_S, Connect, MakeCompanion, until
from tests.hub.doubles import FakeTime


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
async def companion(make_companion: MakeCompanion, time: FakeTime) -> AsyncIterator[Companion]:
    """A listening companion with a fake clock."""
    companion = await make_companion(clock=time.clock)
    assert await companion.start(), companion.services["events"].error
    yield companion
    await companion.close()


async def set_online(companion: Companion, username: str, *, online: bool) -> None:
    event = "friend_online" if online else "friend_offline"
    await companion.fire(Envelope(event, {"username": username}), origin=PANEL)


async def online(companion: Companion) -> list[str]:
    return [each.username for each in await companion.chat.store.friends() if each.online]


@pytest.mark.parametrize("turns", [1, 2, 3])
async def test_a_presence_event_that_is_cancelled_is_stored_and_sent_or_neither(
    companion: Companion, turns: int
) -> None:
    fired = asyncio.create_task(set_online(companion, "alice", online=False))
    for _ in range(turns):
        await asyncio.sleep(0)
    fired.cancel()
    await asyncio.wait([fired])
    sent = any(each.event == "friend_offline" for each in companion.journal)
    assert ("alice" in await online(companion)) is companion.chat.presence["alice"] is not sent


async def test_fired_presence_events_change_the_friends_list(companion: Companion, time: FakeTime) -> None:
    assert await online(companion) == ["alice", "carol"]
    time.passed = 7.0
    await set_online(companion, "bob", online=True)
    assert (await friend(companion, "bob")).friend()["last_seen"] == iso(time.clock.wall())
    time.passed = 9.5
    await set_online(companion, "alice", online=False)
    assert (await friend(companion, "alice")).friend()["last_seen"] == iso(time.clock.wall())
    assert await online(companion) == ["bob", "carol"]


async def test_the_friends_list_has_changed_before_a_client_receives_the_event(
    companion: Companion, connect_client: Connect
) -> None:
    socket = await connect_client()
    firing = asyncio.create_task(set_online(companion, "dave", online=True))
    await asyncio.wait_for(socket.recv(), PATIENCE_S)
    assert "dave" in await online(companion)
    await firing


async def test_a_presence_event_of_an_unknown_user_is_sent_and_changes_no_state(
    companion: Companion, connect_client: Connect
) -> None:
    socket = await connect_client()
    before = await companion.chat.store.snapshot()
    await set_online(companion, "zoe", online=True)
    await set_online(companion, "zoe", online=False)
    assert [len(frames) for frames in await frames_so_far(companion, socket)] == [2]
    assert await companion.chat.store.snapshot() == before


async def test_after_five_minutes_of_inactivity_a_friend_goes_offline_and_clients_are_notified(
    companion: Companion, connect_client: Connect, time: FakeTime
) -> None:
    socket = await connect_client()
    await set_online(companion, "bob", online=True)
    seen = (await friend(companion, "bob")).last_seen
    time.passed = ONLINE_FOR_S
    companion.hub.carry_out(await companion.chat.expire_presence())
    assert await online(companion) == ["alice", "bob", "carol"]
    time.passed = ONLINE_FOR_S + 1
    companion.hub.carry_out(await companion.chat.expire_presence())
    companion.hub.carry_out(await companion.chat.expire_presence())
    assert await online(companion) == []
    assert (await friend(companion, "bob")).last_seen == seen
    (frames,) = await frames_so_far(companion, socket)
    assert [(frame["event"], frame["data"]["username"]) for frame in frames] == [
        ("friend_online", "bob"),
        ("friend_offline", "alice"),
        ("friend_offline", "bob"),
        ("friend_offline", "carol"),
    ]


async def test_activity_postpones_going_offline(companion: Companion, time: FakeTime) -> None:
    time.passed = ONLINE_FOR_S - 1
    await set_online(companion, "alice", online=True)
    time.passed = 2 * ONLINE_FOR_S - 2
    companion.hub.carry_out(await companion.chat.expire_presence())
    assert await online(companion) == ["alice"]


async def from_alice(companion: Companion) -> None:
    await companion.fire(companion.message_from("alice", "Hi"), origin=PANEL)


async def to_alice(companion: Companion) -> None:
    await post(companion, "alice", "Hi", RestCaller("", ""))


async def alice_types(companion: Companion) -> None:
    await companion.fire(Envelope("typing", {"username": "alice", "typing": True}), origin=PANEL)


@pytest.mark.parametrize("act", [from_alice, to_alice, alice_types])
async def test_messages_and_typing_count_as_activity(
    companion: Companion, time: FakeTime, act: Callable[[Companion], Awaitable[None]]
) -> None:
    time.passed = ONLINE_FOR_S - 1
    await act(companion)
    assert (await friend(companion, "alice")).last_seen == time.clock.wall()
    time.passed = 2 * ONLINE_FOR_S - 2
    companion.hub.carry_out(await companion.chat.expire_presence())
    assert await online(companion) == ["alice"]


async def test_typing_of_a_client_that_acts_as_a_friend_counts_as_activity(
    companion: Companion, connect_client: Connect, time: FakeTime
) -> None:
    socket = await connect_client("alice")
    time.passed = ONLINE_FOR_S - 1
    await socket.send('{"event":"typing","data":{"to":"me","typing":true}}')
    await until(lambda: any(row.event == "typing" for row in companion.journal))
    time.passed = ONLINE_FOR_S + 1
    companion.hub.carry_out(await companion.chat.expire_presence())
    assert await online(companion) == ["alice"]


async def test_activity_is_stored_at_the_end(make_companion: MakeCompanion, time: FakeTime, tmp_path: Path) -> None:
    first = await make_companion(clock=time.clock, chat_file=tmp_path / "chat.db", presence_decays=False)
    time.passed = 60.0
    await first.fire(Envelope("typing", {"username": "bob", "typing": True}), origin=PANEL)
    await first.close()
    second = await make_companion(clock=time.clock, chat_file=tmp_path / "chat.db", presence_decays=False)
    assert (await friend(second, "bob")).last_seen == time.clock.wall()


async def test_typing_of_an_offline_friend_updates_last_seen_and_leaves_it_offline(
    companion: Companion, time: FakeTime
) -> None:
    time.passed = 60.0
    await companion.fire(Envelope("typing", {"username": "bob", "typing": True}), origin=PANEL)
    bob = await friend(companion, "bob")
    assert (bob.online, bob.last_seen) == (False, time.clock.wall())


async def test_friends_of_the_first_start_stay_online_for_the_full_time(
    companion: Companion, time: FakeTime
) -> None:
    """The manual: friends go offline after 5 minutes, also those of the first start."""
    time.passed = ONLINE_FOR_S - 1
    companion.hub.carry_out(await companion.chat.expire_presence())
    assert await online(companion) == ["alice", "carol"]


async def test_a_pinned_friend_stays_online(companion: Companion, time: FakeTime) -> None:
    await companion.chat.change_person("alice", pinned=True)
    time.passed = 10 * ONLINE_FOR_S
    companion.hub.carry_out(await companion.chat.expire_presence())
    assert await online(companion) == ["alice"]
    await companion.chat.change_person("alice", pinned=False)
    companion.hub.carry_out(await companion.chat.expire_presence())
    assert await online(companion) == []


async def test_a_pinned_friend_can_still_be_sent_offline(companion: Companion) -> None:
    await companion.chat.change_person("alice", pinned=True)
    await set_online(companion, "alice", online=False)
    assert "alice" not in await online(companion)


async def test_presence_expires_automatically_unless_the_setting_is_off(
    make_companion: MakeCompanion, time: FakeTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PRESENCE_CHECK_S", 0.005)
    companion = await make_companion(clock=time.clock, presence_decays=False)
    emitted: list[None] = []
    companion.chat.changed.connect(emitted.append)
    time.passed = ONLINE_FOR_S * 2
    for _ in range(10):
        await asyncio.sleep(0.005)
    assert await online(companion) == ["alice", "carol"]
    companion.settings.presence_decays = True
    await until(lambda: len(emitted) == 2)
    assert await online(companion) == []


async def test_a_friend_that_was_removed_and_added_again_is_offline(companion: Companion) -> None:
    await companion.chat.remove_friend("alice")
    await companion.chat.add_friend("alice")
    assert "alice" not in await online(companion)


async def test_after_a_day_offline_only_pinned_friends_are_online_at_start(
    make_companion: MakeCompanion, tmp_path: Path, time: FakeTime
) -> None:
    """``/friends``: online if last seen within five minutes; its first answer counts too."""
    first = await make_companion(clock=time.clock, chat_file=tmp_path / "chat.db")
    await first.chat.change_person("carol", pinned=True)
    assert await online(first) == ["alice", "carol"]
    await first.close()
    time.passed = 86_400.0
    assert await online(await make_companion(clock=time.clock, chat_file=tmp_path / "chat.db")) == ["carol"]


async def test_a_local_user_who_is_also_a_friend_adds_a_warning_at_start(make_companion: MakeCompanion) -> None:
    companion = await make_companion(username="alice")
    await companion.open()
    (warning,) = companion.warnings
    assert "alice is also a friend in this chat state" in warning
