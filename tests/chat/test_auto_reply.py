"""A persona replies only if auto-reply is switched on and the persona is online."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.companion import Companion
from app.hub.clock import Clock
from app.hub.held_items import BreakpointOptions
from app.hub.journal import Row
from app.hub.origin import PANEL
from app.protocol.backend import RestCaller
from app.protocol.envelope import Envelope
from app.protocol.errors import Malformed
from app.sources.auto_reply import REPLIES
from tests.chat.windows import frames_so_far, post
from tests.conftest import Connect, MakeCompanion, until
from tests.hub.doubles import FakeTime

HERE = RestCaller("http://localhost:1420", "Chromium")


@pytest.fixture
async def companion(make_companion: MakeCompanion) -> AsyncIterator[Companion]:
    """A listening companion with a fake clock, so that its pauses take no time."""
    companion = await make_companion(clock=FakeTime().clock)
    assert await companion.start(), companion.services["events"].error
    yield companion
    await companion.close()


async def auto_reply_rows(companion: Companion) -> list[Row]:
    """Return the rows of auto-reply after all replies have finished."""
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name().startswith("auto-reply of ")))
    return [row for row in companion.journal if row.origin == "auto-reply"]


async def test_a_persona_types_and_answers(companion: Companion, connect_client: Connect) -> None:
    socket = await connect_client("me")
    await companion.chat.change_person("alice", auto_reply=True)
    await post(companion, "alice", "Hi", HERE)
    await until(lambda: len([row for row in companion.journal if row.origin == "auto-reply"]) == 3)
    (frames,) = await frames_so_far(companion, socket)
    _, typing, still, answer = frames
    assert [typing["data"], still["data"]] == [
        {"username": "alice", "typing": True},
        {"username": "alice", "typing": False},
    ]
    assert (answer["data"]["from"], answer["data"]["to"], answer["data"]["direction"]) == (
        "alice",
        "me",
        "received",
    )
    assert answer["data"]["text"] in REPLIES
    assert (await companion.chat.store.page("alice", 1, 0))[0] == [answer["data"]]


@pytest.mark.parametrize("enabled", [False, True])
async def test_no_auto_reply_is_sent_by_default_or_from_an_offline_friend(
    companion: Companion, enabled: bool
) -> None:
    await companion.chat.change_person("alice", auto_reply=enabled)
    if enabled:
        await companion.fire(Envelope("friend_offline", {"username": "alice"}), origin=PANEL)
    await post(companion, "alice", "Hi", HERE)
    assert await auto_reply_rows(companion) == []


@pytest.mark.parametrize("change", ["reset", "restore", "load", "remove", "offline"])
async def test_no_auto_reply_is_sent_after_its_chat_has_changed(
    make_companion: MakeCompanion, change: str, tmp_path: Path
) -> None:
    """Regression: it was stored in the chat state that had been loaded, or sent in the name of nobody."""
    pauses = [asyncio.Event(), asyncio.Event()]
    reached: list[float] = []

    async def sleep(seconds: float) -> None:
        reached.append(seconds)
        await pauses[len(reached) - 1].wait()

    companion = await make_companion(clock=Clock(sleep=sleep))
    await companion.open()
    chat = companion.chat
    await chat.change_person("alice", auto_reply=True)
    await chat.store.save(tmp_path / "state.json")
    snapshot = await chat.snapshot()
    await post(companion, "alice", "Hi", HERE)
    pauses[0].set()
    await until(lambda: len(reached) == 2)
    match change:
        case "reset":
            await chat.reset()
            await chat.change_person("alice", auto_reply=True)
        case "restore":
            await chat.restore(snapshot)
        case "load":
            await chat.load(tmp_path / "state.json")
        case "remove":
            await chat.remove_person("alice")
        case _:
            await companion.fire(Envelope("friend_offline", {"username": "alice"}), origin=PANEL)
    pauses[1].set()
    assert [json.loads(row.payload)["event"] for row in await auto_reply_rows(companion)] == ["typing"] * 2
    await companion.close()


@pytest.mark.parametrize("change", ["reset", "restore", "load"])
async def test_a_held_auto_reply_continues_before_another_chat_state_is_loaded(
    companion: Companion, change: str, tmp_path: Path
) -> None:
    """Regression: it stayed held, and was stored in the new chat state when it continued."""
    chat = companion.chat
    await chat.change_person("alice", auto_reply=True)
    await chat.store.save(tmp_path / "state.json")
    snapshot = await chat.snapshot()
    companion.breakpoints.add(BreakpointOptions(filter="event:new_message"))
    await post(companion, "alice", "Hi", HERE)
    await until(lambda: bool(companion.breakpoints.held))
    with pytest.raises(Malformed):
        await chat.restore({})
    assert companion.breakpoints.held, "nothing has changed"
    match change:
        case "reset":
            await chat.reset()
        case "restore":
            await chat.restore(snapshot)
        case _:
            await chat.load(tmp_path / "state.json")
    assert companion.breakpoints.held == []
    assert [row.event for row in companion.journal if row.event.startswith(("continued", "chat state"))] == [
        "continued", "chat state reset" if change == "reset" else "chat state loaded",
    ]  # fmt: skip
    assert not [each for each in (await chat.snapshot())["messages"] if each["text"] in REPLIES]


async def test_an_auto_reply_gets_no_auto_reply(companion: Companion) -> None:
    for name in ("alice", "carol"):
        await companion.chat.change_person(name, auto_reply=True)
    await post(companion, "alice", "Hi", HERE)
    assert len(await auto_reply_rows(companion)) == 3
