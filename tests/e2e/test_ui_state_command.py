"""``companion ui-state`` with a chat UI in a real browser: the page shows the expected state."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from . import sockets
from .browser import Site
from .chat_ui import Chat, window
from .conftest import Run, RunJson
from .processes import Companion, wait_until


@pytest.fixture
async def chat(tmp_path: Path) -> AsyncIterator[Chat]:
    async with window(tmp_path / "profile") as chat:
        yield chat
        assert chat.errors == []


async def shown(chat: Chat) -> dict[str, tuple[bool, int, str]]:
    """Return presence, unread count and preview of each contact in the page."""
    return {
        name: (
            await chat.online(name),
            int(await chat.contact_text(name, "unread") or 0),
            await chat.contact_text(name, "preview"),
        )
        for name in await chat.contacts()
    }


def expected(stores: dict[str, Any]) -> dict[str, tuple[bool, int, str]]:
    return {
        each["username"]: (each["online"], each["unreadCount"], each["lastMessage"] or "")
        for each in stores["contactStore"]["contacts"]
    }


async def test_the_expected_state_is_what_the_page_shows(
    program: Companion, site: Site, chat: Chat, run: Run, run_json: RunJson, tmp_path: Path
) -> None:
    await chat.open(site.origin, program)
    run("trigger", "new_message", "--as", "bob", "--set", "text=one", "--wait", "10")
    run("trigger", "new_message", "--as", "carol", "--set", "text=two")
    run("trigger", "friend_online", "--as", "bob")
    await chat.open_chat("carol")
    run("trigger", "new_message", "--as", "carol", "--set", "text=three")
    await chat.wait_for_last("three")
    await chat.polled()
    stores = run_json("ui-state", "show", "--flavour", "shipped")
    assert expected(stores) == await shown(chat)
    assert stores["chatStore"]["activeChat"] == "carol"
    assert [each["text"] for each in stores["chatStore"]["messages"]["carol"]] == await chat.texts()
    file = tmp_path / "stores.json"
    file.write_text(json.dumps(stores))
    assert run("ui-state", "compare", file, "--flavour", "shipped").out == ["equal"]
    stores["contactStore"]["contacts"][1]["unreadCount"] += 1
    file.write_text(json.dumps(stores))
    assert run("journal", "--filter", "is:ui-state").out == []
    differing = run("ui-state", "compare", file, "--flavour", "shipped", exits=1)
    assert differing.err == ["contactStore.contacts[bob].unreadCount: expected 1, the UI has 2"]


def test_expect_checks_the_reported_state(server: Companion, run: Run, tmp_path: Path) -> None:
    with sockets.client(server.url):
        unmet = run("ui-state", "expect", "chat.activeChat=null", "--within", "0", exits=1)
        assert "the UI has not reported its state" in unmet.err[0]
        file = tmp_path / "stores.json"
        file.write_text('{"chatStore": {"activeChat": "bob"}}')
        run("ui-state", "report", file)
        unmet = run("ui-state", "expect", "chat.activeChat=bob", "--within", "0", "--after", "999", exits=1)
        assert "the UI has not reported its state after row 999" in unmet.err[0]
        assert run("ui-state", "expect", "chat.activeChat=bob", "--within", "0").out == ["✓ met"]
        unmet = run("ui-state", "expect", "chat.activeChat=alice", "--within", "0", exits=1)
        assert unmet.err[0] == 'chat.activeChat: expected "alice", the UI has "bob"'
        file.write_text("[1]")
        run("ui-state", "compare", file, exits=2)
        run("ui-state", "show", "--client", "99", exits=2)


async def test_the_log_predicts_what_the_page_shows_for_a_duplicate(
    program: Companion, site: Site, chat: Chat, run: Run, run_json: RunJson
) -> None:
    await chat.open(site.origin, program)
    first = run_json("trigger", "new_message", "--as", "bob", "--set", "text=one", "--wait", "10")
    second = run_json("trigger", "--row", str(first["seq"]))
    warnings = wait_until(lambda: run("journal", "--filter", "is:ui-state").out, "a warning in the log")
    note = f"#{second['seq']}: unread of bob will be 2 in the released UI, 1 in a correct one: duplicate ID of #"
    assert note in warnings[-1]
    assert (await shown(chat))["bob"][1] == 2


def test_the_changes_and_their_rows_are_printed(server: Companion, run: Run, run_json: RunJson) -> None:
    with sockets.client(server.url):
        run("trigger", "typing", "--as", "bob", "--set", "typing=true")
        seq = run_json("journal", "--limit", "1")["seq"]
        lines = run("ui-state", "changes", "--limit", "1").out
        assert lines == [f"#{seq} typing · bob is typing", "  chatStore.typingUsers.bob: added true"]
        assert run("ui-state", "why", "chat.typingUsers.bob").out == lines
        assert run("ui-state", "why", "chat.activeChat").out == ["not changed since the page was loaded"]
        assert run_json("ui-state", "changes", "--limit", "1")["seq"] == seq
        assert run_json("ui-state", "why", "chat.typingUsers.bob")["change"]["changes"][0]["kind"] == "added"
        assert run("ui-state", "clients").out[0].startswith("1 · me  ")
        assert run_json("ui-state", "clients")["connected"]
        run("ui-state", "why", "chat.typingUsers.zoe", exits=2)
