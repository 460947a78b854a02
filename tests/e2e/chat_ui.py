"""Open the tests' chat UI in a browser, operate it, and read what it shows."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from .browser import UI_PORT, Site, chromium
from .processes import PATIENCE_S, Companion

HERE = Path(__file__).parent / "page"
FILES = {"/": "index.html", "/chat.js": "chat.js"}
POLL_MS = 400
"""Interval of the page's ``GET /friends``; the real UI uses 10 s."""

CLICK_S = 3.0
"""After this time without a response to a click, it is repeated."""


def site(port: int = UI_PORT) -> Site:
    """Serve the page. The default port is that of the UI's development server."""
    return Site(port, {path: (HERE / file).read_text(encoding="utf-8") for path, file in FILES.items()})


class Chat:
    """One open page. Its methods read the visible text of the document."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(f"uncaught: {error}"))

    async def open(
        self, origin: str, program: Companion, *, poll: int = POLL_MS, primed: bool = True, **more: str
    ) -> None:
        """Load the page, and wait until it is connected, has loaded the friends and, if ``primed``, is primed."""
        where = {"rest": program.rest_port, "events": program.port, "poll": poll, **more}
        await self.page.goto(f"{origin}/?{urlencode(where)}")
        await self.ready(primed)

    async def reload(self) -> None:
        """Press F5."""
        await self.page.reload()
        await self.ready()

    async def ready(self, primed: bool = True) -> None:
        """Wait until the page is connected, has its friends and, if ``primed``, is primed for all of them."""
        await self.until(lambda: self.page.evaluate("seen.opened && seen.polls"), "the page to connect")
        if primed:
            priming = "chat.contacts.every((each) => chat.messages[each.username])"
            await self.until(lambda: self.page.evaluate(priming), "priming, without which an opened chat is blank")

        async def connected() -> bool:
            return await self.badge() == "Connected"

        await self.until(connected, "the badge")

    async def until(self, true: Callable[[], Any], what: str, timeout: float = PATIENCE_S) -> Any:
        """Await ``true()`` until its result is true, and return the result. Fail after ``timeout`` seconds."""
        deadline = asyncio.get_running_loop().time() + timeout
        while not (value := await true()):
            if asyncio.get_running_loop().time() > deadline:
                shown = await self.page.inner_text("body")
                raise AssertionError(f"timeout after {timeout:g} s: {what}; the page shows:\n{shown}")
            await asyncio.sleep(0.02)
        return value

    async def polled(self, times: int = 2) -> None:
        """Wait until the page has requested ``GET /friends`` ``times`` more times."""
        before = await self.page.evaluate("seen.polls")
        await self.until(lambda: self.page.evaluate(f"seen.polls >= {before + times}"), "the next polls")

    # read the page

    async def badge(self) -> str:
        """Return the text of the badge."""
        return str(await self.page.inner_text("#badge"))

    async def contacts(self) -> list[str]:
        """Return the names in the contact list."""
        return list(await self.page.locator("#contacts b").all_inner_texts())

    async def online(self, name: str) -> bool:
        """Return whether a friend is shown as online."""
        return "online" in (await self.page.get_attribute(f"#contact-{name}", "class")).split()

    async def contact_text(self, name: str, part: str) -> str:
        """Return a part of a friend's entry in the list: ``unread``, ``typing`` or ``preview``."""
        return str(await self.page.inner_text(f"#contact-{name} .{part}"))

    async def texts(self) -> list[str]:
        """Return the texts of the open chat, from top to bottom."""
        return list(await self.page.locator("#messages li").all_inner_texts())

    async def frames(self, event: str) -> list[Any]:
        """Return the data of all events with this name that the page has received since it was loaded."""
        script = "(name) => seen.frames.filter((each) => each.event === name).map((each) => each.data)"
        return list(await self.page.evaluate(script, event))

    async def blank(self) -> bool:
        """Return whether the page has gone blank."""
        return not (await self.page.inner_text("body")).strip()

    async def wait_for_last(self, text: str) -> None:
        """Wait until ``text`` is the last message of the open chat."""

        async def last() -> bool:
            return (await self.texts())[-1:] == [text]

        await self.until(last, repr(text))

    # operate the page

    async def open_chat(self, name: str) -> None:
        """Click a friend, and wait until the history is loaded and rendered.

        The click is repeated, because the page may render the list anew between press and release.
        """
        before = await self.page.evaluate("seen.histories")
        opened = f"seen.histories > {before} || !document.body.firstElementChild"
        again = 0.0

        async def clicked() -> bool:
            nonlocal again
            if (now := asyncio.get_running_loop().time()) > again:
                await self.page.click(f"#contact-{name}")
                again = now + CLICK_S
            return bool(await self.page.evaluate(opened))

        await self.until(clicked, f"the chat with {name}")
        loaded = f"(chat.messages[{json.dumps(name)}] ?? []).length"
        rendered = (
            f"!document.body.firstElementChild || document.querySelectorAll('#messages li').length >= {loaded}"
        )
        await self.until(lambda: self.page.evaluate(rendered), f"the messages of {name}")

    async def older(self) -> int:
        """Click *Older messages*, and return how many messages were added."""
        before = len(await self.texts())

        async def more() -> int:
            return len(await self.texts()) - before

        await self.page.click("#older")
        return int(await self.until(more, "older messages"))

    async def write(self, text: str) -> None:
        """Type a message into the open chat, and press Enter."""
        await self.page.fill("#compose input", text)
        await self.page.press("#compose input", "Enter")

    async def add_friend(self, name: str) -> None:
        """Add a friend with the form."""
        await self.page.fill("#add input", name)
        await self.page.press("#add input", "Enter")

    async def error_message(self) -> str:
        """Wait for the error dialog, close it, and return its text."""
        await self.page.wait_for_selector("#error[open]")
        text = await self.page.inner_text("#error p")
        await self.page.click("#error button")
        return str(text)


@asynccontextmanager
async def window(profile: Path, **options: Any) -> AsyncIterator[Chat]:
    """Start a separate browser with one page."""
    async with chromium(profile, **options) as browser:
        yield Chat(await browser.new_page())
