"""Scenarios and recordings are played to a chat UI in a real browser: the same every time, at any speed."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from . import sockets
from .browser import Site
from .chat_ui import Chat, window
from .conftest import Run, StartCommand
from .processes import Companion, Program

TWO_RULES = """\
# Two rules
state reset
wait for all
when typing from bob where typing=true
    alice (types 500ms): I can see that
when POST /messages where to=alice
    wait 500ms
    alice: got it
    carol goes offline
bob comes online
alice: hi
expect typing from bob within 20s
wait 2s
alice: tell me more
expect POST /messages where to=alice within 20s
wait 2s
alice: bye
state save after.json
"""
CONVERSATION = """\
# A conversation
wait for user:me
wait for user:bob
alice: hi
expect typing from bob within 20s
expect POST /messages where to=alice within 20s
wait 5s
alice: bye
"""
AT = "2026-01-01T00:00:00Z"
SPEEDS = ["1", "8", "max"]


class Watched(Chat):
    """A page whose frames are collected as they arrive."""

    def __init__(self, page: Any) -> None:
        super().__init__(page)
        self.payloads: list[str | bytes] = []
        page.on("websocket", lambda socket: socket.on("framereceived", self._received))

    def _received(self, payload: str | bytes) -> None:
        self.payloads.append(payload)

    async def shown(self) -> list[str]:
        """Return the lines that the page shows, sorted.

        A browser handles the response of a POST before or after the frames that were sent at about the same time.
        """
        return sorted((await self.page.inner_text("body")).splitlines())

    async def has(self, text: str) -> None:
        """Wait until a friend's entry shows a text."""
        await self.until(lambda: self.page.locator("#contacts", has_text=text).count(), repr(text))

    async def says(self, *texts: str) -> None:
        """Wait until the open chat shows each of the texts."""

        async def all_shown() -> bool:
            return set(texts) <= set(await self.texts())

        await self.until(all_shown, repr(texts))


@asynccontextmanager
async def page(profile: Path) -> AsyncIterator[Watched]:
    """Open an empty page in a separate browser."""
    async with window(profile) as chat:
        yield Watched(chat.page)


async def ended(program: Program) -> None:
    """Wait until a command has ended. Its exit code must be 0."""
    assert await asyncio.to_thread(program.wait) == 0, program


def ids(payloads: list[str | bytes]) -> list[str]:
    messages = [json.loads(each) for each in payloads]
    return [each["data"]["msg_id"] for each in messages if each["event"] == "new_message"]


@pytest.mark.long
async def test_a_scenario_with_rules_ends_in_the_same_state_at_any_speed(
    server: Companion, site: Site, start_command: StartCommand, tmp_path: Path
) -> None:
    file, after = tmp_path / "rules.chat", tmp_path / "after.json"
    file.write_text(TWO_RULES, encoding="utf-8")
    shown, states = [], []
    for speed in SPEEDS:
        played = start_command("session", "run", file, "--seed", "7", "--at", AT, "--speed", speed)
        async with page(tmp_path / f"profile {speed}") as chat:
            await chat.open(site.origin, server)
            with sockets.client(server.url, "bob") as bob:
                await chat.has("hi")
                sockets.send(bob, "typing", to="me", typing=True)
                await chat.has("tell me more")
                sockets.send(bob, "typing", to="me", typing=False)
                await chat.open_chat("alice")
                await chat.write("Yes!")
                await ended(played)
            await chat.says("Yes!", "bye")
            await chat.polled()
            shown.append(await chat.shown())
            states.append(json.loads(after.read_text(encoding="utf-8")))
    assert shown[0] == shown[1] == shown[2]
    assert states[0] == states[1] == states[2]
    texts = [each["text"] for each in states[0]["messages"] if each["timestamp"] >= "2026"]
    assert texts[-6:] == ["hi", "I can see that", "tell me more", "Yes!", "got it", "bye"]


def alice_replies(run: Run, file: Path) -> None:
    """Switch alice's auto-reply on."""
    run("state", "save", file)
    state = json.loads(file.read_text(encoding="utf-8"))
    next(each for each in state["people"] if each["username"] == "alice")["auto_reply"] = True
    file.write_text(json.dumps(state), encoding="utf-8")
    run("state", "load", file)


async def converse(chat: Watched, site: Site, server: Companion) -> list[str | bytes]:
    """Do what the UIs of me and of bob do in the conversation. Return the frames that bob received."""
    await chat.open(site.origin, server)
    with sockets.client(server.url, "bob") as bob:
        await chat.has("hi")
        sockets.send(bob, "typing", to="me", typing=True)
        await chat.has("typing…")
        sockets.send(bob, "typing", to="me", typing=False)
        await chat.open_chat("alice")
        await chat.write("Yes!")
        await chat.says("Yes!", "bye")
        frames = [await asyncio.to_thread(bob.recv, 30)]
        while "bye" not in str(frames[-1]):
            frames.append(await asyncio.to_thread(bob.recv, 30))
    return frames


@pytest.mark.long
async def test_a_recording_is_replayed_the_same_every_time_and_the_users_chats_are_unchanged(
    server: Companion, site: Site, run: Run, start_command: StartCommand, tmp_path: Path, data_dir: Path
) -> None:
    scenario = tmp_path / "conversation.chat"
    scenario.write_text(CONVERSATION, encoding="utf-8")
    alice_replies(run, tmp_path / "state.json")
    run("session", "record", "start", "mine/conversation")
    async with page(tmp_path / "recorded") as chat:
        played = start_command("session", "run", scenario)
        await converse(chat, site, server)
        await ended(played)
        run("session", "record", "stop")
    recording = data_dir / "sessions" / "mine" / "conversation.session.jsonl"
    steps = [json.loads(line) for line in recording.read_text(encoding="utf-8").splitlines()[1:]]
    origins = {each["origin"].partition(" ")[0] for each in steps if "s2c" in each}
    assert origins >= {"scenario", "client", "auto-reply"}, "causes, a forwarded frame and an auto-reply"
    run("state", "save", tmp_path / "before.json")
    found = []
    for speed in SPEEDS:
        replay = start_command("session", "run", recording, "--sync", "--seed", 7, "--at", AT, "--speed", speed)
        async with page(tmp_path / f"replayed {speed}") as chat:
            of_bob = await converse(chat, site, server)
            await ended(replay)
            found.append((chat.payloads, of_bob, await chat.shown()))
            known = ids(chat.payloads)
            assert len(known) == len(set(known)), "no message has the id of another one"
    assert found[0] == found[1] == found[2]
    run("state", "save", tmp_path / "afterwards.json")
    before, afterwards = ((tmp_path / name).read_text() for name in ("before.json", "afterwards.json"))
    assert json.loads(before) == json.loads(afterwards)
