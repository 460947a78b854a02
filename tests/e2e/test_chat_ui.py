"""A chat UI in a real browser works with the companion as its only backend, for REST and events."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from . import sockets
from .browser import UI_PORT, Site, chromium
from .chat_ui import Chat, window
from .conftest import Run, Start, both_variants
from .processes import Companion, listen, serve
from .rest import PAGE, Rest
from .tools import artifact

CAST = ["alice", "bob", "carol", "dave"]
ONLINE = {"alice": True, "bob": False, "carol": True, "dave": False}
TYPING_TIMEOUT_MS = 5_000

ATTEMPTS = """
async (api) => {
    const outcome = async (work) => {
        try {
            const answer = await work();
            return answer.type === "opaque" ? "sent blindly" : `read ${await answer.text()}`;
        } catch (error) {
            return error.message;
        }
    };
    const headers = { "Content-Type": "application/json" };
    const body = JSON.stringify({ to: "alice", text: "from a stranger" });
    return {
        read: await outcome(() => fetch(`${api}/friends`)),
        read_as_the_ui_does: await outcome(() => fetch(`${api}/friends`, { headers })),
        post: await outcome(() => fetch(`${api}/messages`, { method: "POST", headers, body })),
        delete: await outcome(() => fetch(`${api}/friends/alice`, { method: "DELETE", headers })),
        post_without_preflight: await outcome(() => fetch(`${api}/messages`, { method: "POST", body })),
        post_blindly: await outcome(() => fetch(`${api}/messages`, { method: "POST", mode: "no-cors", body })),
        read_blindly: await outcome(() => fetch(`${api}/friends`, { mode: "no-cors" })),
    };
}
"""
"""The requests that a page from a foreign origin tries."""
FORM = """
<form method="post" enctype="text/plain" action="{api}/messages">
<input name='{{"to":"alice","text":"from a stranger","x":"' value='"}}'><button>Win a prize</button>
</form>
"""


@pytest.fixture
async def chat(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Chat]:
    """An empty page in a separate browser. A screenshot of its end is kept."""
    async with window(tmp_path / "profile") as chat:
        yield chat
        await chat.page.screenshot(path=artifact(f"chat-{request.node.name}.png"))
        assert chat.errors == []


@both_variants
async def test_the_page_shows_its_friends_with_presence_and_history(
    program: Companion, site: Site, chat: Chat
) -> None:
    await chat.open(site.origin, program)
    assert await chat.contacts() == CAST
    assert {name: await chat.online(name) for name in CAST} == ONLINE
    await chat.open_chat("bob")
    assert (await chat.texts())[-1] == "Got them, thanks 👍"
    assert await chat.page.inner_text("#me") == "me"


async def test_every_call_is_preflighted_and_answered(server: Companion, site: Site, chat: Chat) -> None:
    network = await chat.page.context.new_cdp_session(chat.page)
    preflights: list[tuple[str, int]] = []
    answers: list[tuple[str, int]] = []

    def answered(got: Any) -> None:
        url, status = got["response"]["url"], got["response"]["status"]
        if url.startswith(server.rest_url):
            (preflights if got["type"] == "Preflight" else answers).append((url, status))

    network.on("Network.responseReceived", answered)
    await network.send("Network.enable")
    await chat.open(site.origin, server, poll=60_000)
    await chat.open_chat("alice")
    await chat.write("a preflighted message")
    await chat.wait_for_last("a preflighted message")
    await chat.add_friend("erin")
    await chat.page.wait_for_selector("#contact-erin")
    assert await chat.page.evaluate("call('DELETE', '/friends/dave')") is None
    (message, *_) = (await chat.page.evaluate("chat.messages.alice"))[::-1]
    assert await chat.page.evaluate(f"call('DELETE', '/messages/{message['msg_id']}')") is None

    async def complete() -> bool:
        return len(answers) >= 8

    await chat.until(complete, "the browser to report the last call")
    assert sorted(status for _, status in answers) == [200] * 5 + [201, 204, 204]
    assert {url for url, _ in preflights} == {url for url, _ in answers}, "each URL had a preflight"
    assert {status for _, status in preflights} == {204}
    with Rest(server) as rest:
        assert "dave" not in rest.friends()
        assert "a preflighted message" not in [each["text"] for each in rest.history("alice")]


async def test_the_text_of_an_error_reaches_the_dialog(server: Companion, site: Site, chat: Chat) -> None:
    """Without CORS headers, the dialog would show "Failed to fetch"."""
    await chat.open(site.origin, server)
    for name, error in {
        "nobody": "There is no user 'nobody'.",
        "alice": "alice is already a friend.",
        "": "The user name is empty.",
    }.items():
        await chat.add_friend(name)
        assert await chat.error_message() == error
    await chat.open_chat("alice")
    await chat.write("x" * 10_001)
    assert "10,000" in await chat.error_message()
    with Rest(server) as rest:
        rest.request("DELETE", "/friends/alice")
    await chat.write("too late")
    assert await chat.error_message() == "'alice' is not a friend."


async def test_the_chat_of_an_added_friend_can_be_opened_and_used(
    server: Companion, site: Site, chat: Chat
) -> None:
    """The shipped UI goes blank if the opened chat has had no message since the page was loaded."""
    await chat.open(site.origin, server)
    await chat.add_friend("erin")
    await chat.page.wait_for_selector("#contact-erin")
    await chat.open_chat("erin")
    assert not await chat.blank()
    assert await chat.texts() == [], "the placeholder is not part of the history"
    await chat.write("Welcome!")
    await chat.wait_for_last("Welcome!")


@pytest.mark.parametrize("change", ["added", "renamed"])
async def test_the_chat_of_a_friend_who_appears_while_the_page_is_open_can_be_opened(
    server: Companion, site: Site, chat: Chat, run: Run, tmp_path: Path, change: str
) -> None:
    """Regression: only friends added by the UI were primed, so opening another friend's chat blanked the page."""
    await chat.open(site.origin, server)
    scene = tmp_path / "scene.json"
    await asyncio.to_thread(run, "state", "save", scene)
    state = json.loads(scene.read_text(encoding="utf-8"))
    person = next(each for each in state["people"] if each["username"] == "bob")
    if change == "renamed":
        person["username"] = "zoe"
    else:
        state["people"].append({**person, "username": "zoe"})
    scene.write_text(json.dumps(state), encoding="utf-8")
    await asyncio.to_thread(run, "state", "load", scene)
    await chat.page.wait_for_selector("#contact-zoe")
    await chat.open_chat("zoe")
    assert not await chat.blank()


async def test_130_messages_are_paged_from_the_newest(server: Companion, site: Site, chat: Chat) -> None:
    await chat.open(site.origin, server)
    with Rest(server) as rest:
        for n in range(130):
            rest.post("bob", f"message {n}")
        everything = [each["text"] for each in rest.history("bob")]
        assert everything[-130:] == [f"message {n}" for n in range(130)]
        await chat.reload()
        await chat.open_chat("bob")
        assert await chat.texts() == everything[-PAGE:]
        assert await chat.older() == PAGE
        assert await chat.texts() == everything[-2 * PAGE :]
        rest.post("bob", "one more between two pages")
        everything.append("one more between two pages")
        await chat.wait_for_last(everything[-1])
    assert await chat.older() == len(everything) - 2 * PAGE - 1
    assert await chat.texts() == everything, "no gap, no duplicate, oldest first"
    assert not await chat.page.is_visible("#older")


async def test_a_message_reaches_the_recipient_and_the_other_window_but_not_the_sender(
    server: Companion, site: Site, chat: Chat, tmp_path: Path, running: Start
) -> None:
    """The sending page receives no event, the user's other page gets ``sent``, the friend gets ``received``."""
    alice = running(listen("--port", str(server.port), "--as", "alice", "--json"))
    alice.wait_for_line("^connected", among="err")
    async with window(tmp_path / "other", user_agent="Another browser") as other:
        await chat.open(site.origin, server)
        await other.open(site.origin, server)
        for each in (chat, other):
            await each.open_chat("alice")
        await chat.write("Hello from here")
        await chat.wait_for_last("Hello from here")
        await other.wait_for_last("Hello from here")
        await other.write("And from there")
        await chat.wait_for_last("And from there")
        assert [each["text"] for each in await chat.frames("new_message")][len(CAST) :] == ["And from there"]
        (sent,) = (await other.frames("new_message"))[len(CAST) :]
        assert await chat.contact_text("alice", "unread") == await other.contact_text("alice", "unread") == ""
        texts = await chat.texts()
        assert await other.texts() == texts
        for each in (chat, other):
            await each.reload()
            await each.open_chat("alice")
            assert await each.texts() == texts, "the same after a reload"
    assert (sent["from"], sent["to"], sent["text"], sent["direction"]) == ("me", "alice", "Hello from here", "sent")
    alice.wait_for_line("And from there")
    assert len(alice.out) == 2
    received = alice.wait_for_line("Hello from here").string
    assert '"direction":"received"' in received
    with Rest(server) as rest:
        assert rest.history("alice")[-2] == sent, "stored as it was sent"


async def test_typing_is_shown_until_5_seconds_after_the_last_typing_event(
    server: Companion, site: Site, chat: Chat
) -> None:
    await chat.page.clock.install()
    await chat.open(site.origin, server)

    async def shown() -> bool:
        return await chat.contact_text("alice", "typing") != ""

    async def gone() -> bool:
        return not await shown()

    with sockets.client(server.url, "alice") as alice:
        sockets.send(alice, "typing", to="me", typing=True)
        await chat.until(shown, "alice typing")
        sockets.send(alice, "typing", to="me", typing=False)
        await chat.until(gone, "alice not typing")
        sockets.send(alice, "typing", to="me", typing=True)
    await chat.until(shown, "alice typing")
    await chat.page.clock.fast_forward(TYPING_TIMEOUT_MS)
    await chat.until(gone, "the end of typing, for which the server sends no event")


@pytest.fixture
def primed(request: pytest.FixtureRequest, data_dir: Path) -> bool:
    """Write the setting ``prime_browsers``, and return its value."""
    data_dir.mkdir()
    (data_dir / "settings.toml").write_text(f"prime_browsers = {str(request.param).lower()}\n")
    return bool(request.param)


@pytest.mark.parametrize("primed", [True, False], indirect=True)
async def test_priming_keeps_the_page_from_going_blank(
    primed: bool, server: Companion, site: Site, chat: Chat
) -> None:
    await chat.open(site.origin, server, primed=primed)
    await chat.polled()
    primers = await chat.frames("new_message")
    assert [each["to"] for each in primers] == (CAST if primed else [])
    assert {each["direction"] for each in primers} == ({"sent"} if primed else set())
    for name in CAST:
        assert await chat.contact_text(name, "unread") == await chat.contact_text(name, "preview") == "", (
            "nothing else changes"
        )
    await chat.open_chat("dave")
    assert await chat.blank() is not primed


async def test_the_page_reconnects_after_the_server_was_killed(
    running: Start, data_dir: Path, site: Site, chat: Chat
) -> None:
    first = running(serve(data_dir))
    await chat.open(site.origin, first)
    await chat.open_chat("alice")
    await chat.write("before")
    await chat.wait_for_last("before")
    first.process.kill()
    first.wait()

    async def badge_off() -> bool:
        return await chat.badge() == "Disconnected"

    await chat.until(badge_off, "the badge to go off")
    second = running(serve(data_dir, port=first.port, rest_port=first.rest_port))
    await chat.until(lambda: chat.page.evaluate("seen.opened === 2"), "the page to connect again")
    await chat.polled()
    assert await chat.badge() == "Connected"
    await chat.write("after")
    await chat.wait_for_last("after")
    with Rest(second) as rest:
        assert [each["text"] for each in rest.history("alice")][-2:] == ["before", "after"]


async def test_a_page_from_a_foreign_origin_can_neither_read_nor_post(
    server: Companion, running: Start, tmp_path: Path
) -> None:
    site = running(Site(UI_PORT + 1, {"/": FORM.format(api=server.rest_url)}))
    # Cross-Origin-Resource-Policy hides even from no-cors requests that there was a response.
    attempts = [
        "read",
        "read_as_the_ui_does",
        "post",
        "delete",
        "post_without_preflight",
        "post_blindly",
        "read_blindly",
    ]
    blocked = dict.fromkeys(attempts, "Failed to fetch")
    with Rest(server) as rest:
        before = rest.request("GET", "/friends").body, rest.history("alice")
        async with chromium(tmp_path / "profile") as browser:
            page = await browser.new_page()
            await page.goto(site.origin)
            assert await page.evaluate(ATTEMPTS, server.rest_url) == blocked
            await page.set_content("<iframe sandbox='allow-scripts' srcdoc='<p>without an origin</p>'></iframe>")
            frame = page.frames[-1]
            await frame.wait_for_selector("p")
            assert await frame.evaluate(ATTEMPTS, server.rest_url) == blocked
            await page.goto(site.origin)
            async with page.expect_navigation():
                await page.click("button")
            assert "is not in the allowed origins" in await page.inner_text("body")
            await page.goto(f"http://rebound.localhost:{server.rest_port}/friends")
            assert "is not this machine's loopback address" in await page.inner_text("body")
        assert (rest.request("GET", "/friends").body, rest.history("alice")) == before
