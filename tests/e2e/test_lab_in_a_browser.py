"""The reconnect lab finds the reconnect bugs of a chat UI in TypeScript, in Chromium."""

import asyncio
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.ui_stores.build import DEVELOPMENT, Build

from .browser import Site, chromium
from .conftest import Start
from .processes import COMPANION, Program, free_port, serve
from .tools import posix_only

pytestmark = posix_only

VERDICTS = {
    "": (0, ["attempt 1 ", "attempt 2 ", "2 of 10 attempts"]),
    "no-backoff": (1, ["attempt 1 ", "attempt 2 after 3."]),
    "eager": (1, ["attempt 1 ", "attempt 2 after 0."]),
    "gives-up": (2, ["attempt 1 ", "gave up after 1"]),
}
"""The exit code, and beginnings of lines or parts of the verdict, by the planted bug."""


@pytest.fixture
def ui(running: Start, tmp_path: Path) -> Site:
    """The page."""
    build = Build(tmp_path / "ui")
    pages = {
        "/": (build.source / "index.html").read_text(encoding="utf-8"),
        "/main.js": build.bundle("reporting.ts", *DEVELOPMENT).read_text(encoding="utf-8"),
    }
    site: Site = running(Site(free_port(), pages))
    return site


@pytest.mark.long
async def test_each_planted_bug_is_in_the_verdict(ui: Site, running: Start, tmp_path: Path) -> None:
    """Each bug has a companion of its own, so that the labs can run at the same time."""
    folders = {bug: tmp_path / (bug or "correct") for bug in VERDICTS}
    for folder in folders.values():
        folder.mkdir()
        (folder / "settings.toml").write_text(f'allowed_origins = ["{ui.origin}"]\n')
    programs = {bug: running(serve(folder)) for bug, folder in folders.items()}
    async with chromium(tmp_path / "profile") as browser:
        for bug, program in programs.items():
            page = await browser.new_page()
            where = {"rest": program.rest_port, "events": program.port, "bugs": bug}
            await page.goto(f"{ui.origin}/?{urlencode(where)}")
            await page.wait_for_function("stores.uiStore.getState().wsConnected")
        lab = (*COMPANION, "reconnects", "lab", "--attempts", "2", "--data-dir")
        labs = {bug: running(Program(f"lab {bug}", *lab, folders[bug])) for bug in VERDICTS}
        codes = await asyncio.gather(*(asyncio.to_thread(each.wait) for each in labs.values()))
    for (bug, (expected, parts)), code in zip(VERDICTS.items(), codes, strict=True):
        assert code == expected, labs[bug]
        text = "\n".join(labs[bug].out + labs[bug].err)
        for part in parts:
            assert part in text, f"{bug or 'correct'}: {part!r} is missing in:\n{text}"
