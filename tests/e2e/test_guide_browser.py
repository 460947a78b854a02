"""The guide's §5.7 in a real browser: the UI's page may connect, a page from a foreign origin may not."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from . import sockets
from .browser import UI_PORT, Console, Site, chromium
from .conftest import Start, both_variants
from .processes import Companion
from .tools import artifact

PAGE = "<!doctype html><title>A chat</title><h1>A chat</h1>"
SCRIPT = """
// Connect manually
const ws = new WebSocket("ws://127.0.0.1:8081/events");
ws.onmessage = (e) => console.log("Received:", JSON.parse(e.data));
ws.onopen = () => {
    console.log("Connected!");
    // Send a typing event
    ws.send(JSON.stringify({
        event: "typing",
        data: { to: "alice", typing: true }
    }));
};
"""
"""The script of the guide, unchanged."""

CONNECT = """
(url) => new Promise((resolve) => {
    const ws = new WebSocket(url);
    ws.onopen = () => resolve("open");
    ws.onclose = (e) => resolve("closed with " + e.code);
})
"""


@pytest.fixture
async def page(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    """An empty page in a separate browser. A screenshot of its end is kept."""
    async with chromium(tmp_path / "profile") as browser:
        page = await browser.new_page()
        yield page
        await page.screenshot(path=artifact(f"browser-{request.node.name}.png"))


def script(program: Companion) -> str:
    """Return the guide's script with the port of the program under test."""
    assert SCRIPT.count("8081") == 1
    return SCRIPT.replace("8081", str(program.port))


@both_variants
async def test_the_console_script_sends_and_receives(program: Companion, running: Start, page: Any) -> None:
    site = running(Site(UI_PORT, {"/": PAGE}))
    console = Console(page)
    await page.goto(site.origin)
    with sockets.client(program.url, "alice") as alice:
        await page.evaluate("(text) => { (0, eval)(text) }", script(program))
        await console.wait_for("Connected!")
        assert sockets.receive(alice) == {"event": "typing", "data": {"username": "me", "typing": True}}
        sockets.send(alice, "typing", to="me", typing=True)
        line = await console.wait_for("Received: {event: typing")
        assert line == "Received: {event: typing, data: Object}"
    assert not any("error" in each.lower() or "uncaught" in each for each in console.lines), console.lines


async def test_the_script_works_from_the_page_itself(program: Companion, running: Start, page: Any) -> None:
    """A page that contains the script connects, and connects again after a reload."""
    site = running(Site(UI_PORT, {"/": f"{PAGE}<script>{script(program)}</script>"}))
    console = Console(page)
    with sockets.client(program.url, "alice") as alice:
        await page.goto(site.origin)
        assert sockets.receive(alice)["data"] == {"username": "me", "typing": True}
        await page.reload()
        assert sockets.receive(alice)["data"] == {"username": "me", "typing": True}
        await console.wait_for("Connected!", times=2)


@pytest.mark.parametrize("path", ["/events", "/events?username=alice"])
async def test_a_page_from_a_foreign_origin_is_rejected(
    program: Companion, running: Start, page: Any, path: str
) -> None:
    """Any page in the developer's browser can reach 127.0.0.1, but its Origin header is not allowed."""
    site = running(Site(UI_PORT + 1, {"/": PAGE}))
    url = f"ws://127.0.0.1:{program.port}{path}"
    await page.goto(site.origin)
    assert await page.evaluate(CONNECT, url) == "closed with 1006"
    await page.set_content("<iframe sandbox='allow-scripts' srcdoc='<p>a page without an origin</p>'></iframe>")
    frame = page.frames[-1]
    await frame.wait_for_selector("p")
    assert await frame.evaluate(CONNECT, url) == "closed with 1006"
    with sockets.client(program.url, "bob") as bob, sockets.client(program.url, "alice") as alice:
        sockets.send(alice, "typing", to="bob", typing=True)
        assert sockets.receive(bob)["data"]["username"] == "alice", "other clients still work"


async def test_a_foreign_name_for_this_machine_is_rejected(program: Companion, running: Start, page: Any) -> None:
    """A foreign name that resolves to 127.0.0.1 (DNS rebinding) is rejected because of the Host header."""
    site = running(Site(UI_PORT, {"/": PAGE}))
    await page.goto(site.origin)
    assert await page.evaluate(CONNECT, f"ws://rebound.localhost:{program.port}/events") == "closed with 1006"
    assert await page.evaluate(CONNECT, program.url) == "open"
