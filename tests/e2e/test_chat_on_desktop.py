"""Events fired from the window and the tray menu appear in the chat UI, and are still there after a reload."""

from pathlib import Path
from typing import Any

import pytest

from .browser import Site
from .chat_ui import Chat, window
from .conftest import Start
from .desktop import Desktop
from .person import Person, icon, open_menu
from .processes import listen, tray
from .rest import Rest
from .tools import artifact, linux_only

pytestmark = [linux_only, pytest.mark.timeout(180), pytest.mark.parametrize("tray_name", ["trayer"], indirect=True)]

SAYS_HI, COMES_ONLINE, GOES_OFFLINE = range(3)
"""Positions of alice's events in the tray menu *Fire*."""


class Stage:
    """The desktop, the tray program, a listening client and the chat UI of one test."""

    def __init__(self, desktop: Desktop, running: Start, data_dir: Path, chat: Chat) -> None:
        before = desktop.screenshot()
        self.desktop = desktop
        self.program = running(tray(data_dir, env=desktop.env))
        self.person = Person(desktop, self.program)
        self.icon = icon(desktop, before)
        self.alice = running(listen("--port", str(self.program.port), "--as", "alice", "--json"))
        self.alice.wait_for_line("^connected", among="err")
        self.chat = chat

    def fire(self, position: int) -> None:
        """Fire the event at this position of the tray menu."""
        open_menu(self.desktop, self.icon)
        self.desktop.press("Down", "Down", "Right", *["Down"] * position, "Return")

    async def alice_is(self, online: bool) -> None:
        """Check that the page and REST show alice's presence, now and after the page has polled."""

        async def shown() -> bool:
            return await self.chat.online("alice") is online

        await self.chat.until(shown, f"alice {'online' if online else 'offline'}")
        await self.chat.polled()
        assert await shown(), "unchanged by a poll"
        with Rest(self.program) as rest:
            assert rest.friends()["alice"]["online"] is online


@pytest.mark.long
async def test_presence_that_was_fired_stays(
    desktop: Desktop, running: Start, data_dir: Path, site: Site, tmp_path: Path
) -> None:
    """A message to an offline friend waits until the friend is online."""
    async with window(tmp_path / "profile") as chat:
        stage = Stage(desktop, running, data_dir, chat)
        await chat.open(site.origin, stage.program)
        assert await chat.online("alice")
        stage.fire(GOES_OFFLINE)
        await stage.alice_is(online=False)

        with Rest(stage.program) as rest:
            answer = rest.request("POST", "/messages", {"to": "alice", "text": "Are you there?"})
            assert answer.status == 202
            assert answer.body["delivered"] is False
            assert answer.body["delivery_method"] == answer.body["method"] == "offline"
            assert "alice" in answer.body["note"]
            await chat.open_chat("alice")
            await chat.wait_for_last("Are you there?")
            await chat.write("Call me")
            await chat.wait_for_last("Call me")
            assert [each["delivered"] for each in rest.history("alice")[-2:]] == [False, False]
            assert not any("new_message" in line for line in stage.alice.out)

            stage.fire(COMES_ONLINE)
            await stage.alice_is(online=True)
            stage.alice.wait_for_line("Call me")
            late = [line for line in stage.alice.out if "new_message" in line]
            assert ["Are you there?" in late[0], "Call me" in late[1], len(late)] == [True, True, 2], late
            for line in late:
                assert '"direction":"received","delivered":true,"delivery_method":"offline"' in line
            assert [each["delivered"] for each in rest.history("alice")[-2:]] == [True, True]
            assert rest.request("POST", "/messages", {"to": "alice", "text": "Good"}).status == 200
        await chat.page.screenshot(path=artifact("chat-presence.png"))
        assert chat.errors == []
    assert stage.program.err == []


async def test_a_message_that_was_fired_is_still_there_after_a_reload(
    desktop: Desktop, running: Start, data_dir: Path, site: Site, tmp_path: Path
) -> None:
    """Events are fired in Inject with the mouse, and in the tray menu."""
    async with window(tmp_path / "profile") as chat:
        stage = Stage(desktop, running, data_dir, chat)
        await chat.open(site.origin, stage.program)
        stage.fire(SAYS_HI)

        async def unread(number: str) -> bool:
            return await chat.contact_text("alice", "unread") == number

        await chat.until(lambda: unread("1"), "one unread message")
        assert await chat.contact_text("alice", "preview") == "Hi from alice!"
        stage.person.open_inject()
        stage.person.fire()
        await chat.until(lambda: unread("2"), "two unread messages")
        fired = (await chat.frames("new_message"))[-2:]
        await chat.open_chat("alice")
        await chat.wait_for_last(fired[-1]["text"])  # the page renders after the history has arrived
        texts = await chat.texts()
        assert texts[-2:] == [each["text"] for each in fired]
        assert await chat.contact_text("alice", "unread") == ""
        stage.person.fire()
        fired = (await chat.until(lambda: three_received(chat), "the third"))[-3:]
        await chat.wait_for_last(fired[-1]["text"])
        texts = await chat.texts()
        assert len(texts) == len(set(await chat.page.evaluate("chat.messages.alice.map((m) => m.msg_id)")))
        await chat.reload()
        await chat.open_chat("alice")
        await chat.wait_for_last(texts[-1])
        assert await chat.texts() == texts
        with Rest(stage.program) as rest:
            assert rest.history("alice")[-3:] == fired, "the history contains the fired payloads"
        await chat.page.screenshot(path=artifact("chat-fired.png"))
        assert chat.errors == []
    assert stage.program.err == []


async def three_received(chat: Chat) -> list[Any]:
    """Return the page's messages if they are the four priming messages and three others, else an empty list."""
    messages = await chat.frames("new_message")
    return messages if len(messages) == 7 else []
