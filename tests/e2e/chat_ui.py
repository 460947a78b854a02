"""The tests' own chat UI, and the hands and eyes of a person in front of it."""

import asyncio
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
"""Between two looks at ``/friends``; the real UI takes 10 s."""


def site(port: int = UI_PORT) -> Site:
    """Serve the page, at the origin of the UI's development server unless told otherwise."""
    return Site(port, {path: (HERE / file).read_text(encoding="utf-8") for path, file in FILES.items()})


class Chat:
    """One open page. Everything is looked at in its document, as far as a person could see it."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))

    async def open(self, origin: str, program: Companion, *, poll: int = POLL_MS, **more: str) -> None:
        """Load the page and wait until it has its friends and is connected."""
        where = {"rest": program.rest_port, "events": program.port, "poll": poll, **more}
        await self.page.goto(f"{origin}/?{urlencode(where)}")
        await self.ready()

    async def reload(self) -> None:
        """Press F5."""
        await self.page.reload()
        await self.ready()

    async def ready(self) -> None:
        """Wait until the page has loaded what it loads."""
        await self.until(lambda: self.page.evaluate("seen.opened && seen.polls"), "the page to connect")

        async def connected() -> bool:
            return await self.badge() == "Connected"

        await self.until(connected, "the badge")

    async def until(self, true: Callable[[], Any], what: str, timeout: float = PATIENCE_S) -> Any:
        """Return the first true value that awaiting ``true()`` gives."""
        deadline = asyncio.get_running_loop().time() + timeout
        while not (value := await true()):
            if asyncio.get_running_loop().time() > deadline:
                shown = await self.page.inner_text("body")
                raise AssertionError(f"waited {timeout:g} s in vain for {what}; shown was:\n{shown}")
            await asyncio.sleep(0.02)
        return value

    async def polled(self, times: int = 2) -> None:
        """Wait until the page has looked at ``/friends`` some times more."""
        before = await self.page.evaluate("seen.polls")
        await self.until(lambda: self.page.evaluate(f"seen.polls >= {before + times}"), "the next polls")

    # eyes

    async def badge(self) -> str:
        """Return what the badge says."""
        return str(await self.page.inner_text("#badge"))

    async def contacts(self) -> list[str]:
        """Return the names in the list."""
        return list(await self.page.locator("#contacts b").all_inner_texts())

    async def online(self, name: str) -> bool:
        """Return whether a friend has the green dot."""
        return "online" in (await self.page.get_attribute(f"#contact-{name}", "class")).split()

    async def about(self, name: str, what: str) -> str:
        """Return what the list says of a friend: ``unread``, ``typing`` or ``preview``."""
        return str(await self.page.inner_text(f"#contact-{name} .{what}"))

    async def texts(self) -> list[str]:
        """Return the texts of the open chat, from top to bottom."""
        return list(await self.page.locator("#messages li").all_inner_texts())

    async def frames(self, event: str) -> list[Any]:
        """Return the data of all events of this name that have come since the page was loaded."""
        script = "(name) => seen.frames.filter((each) => each.event === name).map((each) => each.data)"
        return list(await self.page.evaluate(script, event))

    async def blank(self) -> bool:
        """Return whether the page has ceased to show anything."""
        return not (await self.page.inner_text("body")).strip()

    async def sees(self, text: str) -> None:
        """Wait until the open chat shows ``text`` at its end."""

        async def last() -> bool:
            return (await self.texts())[-1:] == [text]

        await self.until(last, repr(text))

    # hands

    async def open_chat(self, name: str) -> None:
        """Click on a friend and wait for the history."""
        before = await self.page.evaluate("seen.histories")
        await self.page.click(f"#contact-{name}")
        opened = f"seen.histories > {before} || !document.body.firstElementChild"
        await self.until(lambda: self.page.evaluate(opened), f"the chat with {name}")

    async def older(self) -> int:
        """Click on *Older messages*; return how many have come."""
        before = len(await self.texts())

        async def more() -> int:
            return len(await self.texts()) - before

        await self.page.click("#older")
        return int(await self.until(more, "older messages"))

    async def write(self, text: str) -> None:
        """Write into the open chat and press Enter."""
        await self.page.fill("#compose input", text)
        await self.page.press("#compose input", "Enter")

    async def add_friend(self, name: str) -> None:
        """Add somebody."""
        await self.page.fill("#add input", name)
        await self.page.press("#add input", "Enter")

    async def told(self) -> str:
        """Wait for the dialog, read and close it."""
        await self.page.wait_for_selector("#error[open]")
        text = await self.page.inner_text("#error p")
        await self.page.click("#error button")
        return str(text)


@asynccontextmanager
async def window(profile: Path, **options: Any) -> AsyncIterator[Chat]:
    """Open a browser of its own with one page in it."""
    async with chromium(profile, **options) as browser:
        yield Chat(await browser.new_page())
