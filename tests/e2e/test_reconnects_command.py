"""``companion reconnects`` with a page in Chromium that reconnects with the guide's code."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from .browser import UI_PORT, Site, chromium
from .conftest import Run, RunJson, Start
from .processes import Companion, wait_until

PAGE = """<!doctype html><title>A chat</title><script>
const WS_RECONNECT_DELAY_MS = 3000;
const WS_MAX_RECONNECT_ATTEMPTS = 10;
class WebSocketService {
  reconnectAttempts = 0;
  connect() {
    this.ws = new WebSocket("ws://127.0.0.1:PORT/events");
    this.ws.onopen = () => { this.reconnectAttempts = 0; };
    this.ws.onclose = () => this.scheduleReconnect();
  }
  scheduleReconnect() {
    if (this.reconnectAttempts >= WS_MAX_RECONNECT_ATTEMPTS) return;
    const delay = WS_RECONNECT_DELAY_MS * Math.pow(1.5, this.reconnectAttempts);
    this.reconnectAttempts++;
    this.reconnectTimer = setTimeout(() => this.connect(), delay);
  }
  disconnect() { clearTimeout(this.reconnectTimer); this.ws.close(); }
}
const websocket = new WebSocketService();
websocket.connect();
</script>"""


class Watched:
    """The page, and what ``companion reconnects`` says of it."""

    def __init__(self, page: Any, run: Run, run_json: RunJson) -> None:
        self.page = page
        self.run = run
        self._run_json = run_json

    async def until(self, is_met: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait until the report meets a condition, and return it."""

        def met() -> dict[str, Any] | None:
            reports = self._run_json("reconnects")
            return reports[0] if len(reports) == 1 and is_met(reports[0]) else None

        return dict(await asyncio.to_thread(wait_until, met, "the report meets the condition"))

    async def connected(self) -> dict[str, Any]:
        return await self.until(lambda report: bool(report["clients"]))

    async def attempts(self, number: int) -> list[dict[str, Any]]:
        report = await self.until(lambda report: len(report["attempts"]) >= number)
        return list(report["attempts"])


@pytest.fixture
async def watched(
    program: Companion, running: Start, run: Run, run_json: RunJson, tmp_path: Path
) -> AsyncIterator[Watched]:
    site = running(Site(UI_PORT, {"/": PAGE.replace("PORT", str(program.port))}))
    async with chromium(tmp_path / "profile") as browser:
        page = await browser.new_page()
        await page.goto(site.origin)
        watched = Watched(page, run, run_json)
        await watched.connected()
        yield watched


@pytest.mark.long
async def test_a_page_that_reconnects_by_the_guide_fits(watched: Watched) -> None:
    run = watched.run
    run("clients", "close", "all")
    (first,) = await watched.attempts(1)
    assert (first["number"], first["verdict"]) == (1, "fits"), first
    await watched.page.reload()
    await watched.connected()
    run("server", "refuse", "2")
    run("clients", "close", "all", "--abort")
    attempts = await watched.attempts(3)
    assert [(each["number"], each["verdict"], each["client"] is None) for each in attempts] == [
        (1, "fits", False),
        (1, "fits", True),
        (2, "fits", True),
    ], attempts
    report = await watched.connected()
    assert (report["attempts"][-1]["number"], report["attempts"][-1]["verdict"]) == (3, "fits"), report
    assert report["jitter"].startswith("no jitter")
    lines = run("reconnects").out
    assert lines[0].startswith(f"http://localhost:{UI_PORT} · chromium · connected: ")
    assert lines[1].endswith("✓")


async def test_attempts_while_the_server_is_stopped_are_counted_as_unseen(watched: Watched) -> None:
    watched.run("server", "stop")
    await asyncio.sleep(4)  # the page's own timer: its first attempt fails at 3 s
    assert "1 attempt could not be seen while the server was stopped" in watched.run("reconnects").out[-1]
    watched.run("server", "start")
    (attempt,) = await watched.attempts(1)
    assert (attempt["number"], attempt["unseen"], attempt["verdict"]) == (2, 1, "fits"), attempt


@pytest.mark.long
async def test_the_released_ui_reconnects_after_its_own_disconnect(watched: Watched) -> None:
    await watched.page.evaluate("websocket.disconnect()")
    (attempt,) = await watched.attempts(1)
    assert (attempt["number"], attempt["verdict"]) == (1, "fits"), attempt
