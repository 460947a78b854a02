"""How a chat UI tests itself in its CI: start ``companion serve``, trigger what happens, expect what the UI sends.

The manual (``ci.md``) shows the same test in TypeScript.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from .browser import FLAGS, Site
from .tools import need

COMPANION = [sys.executable, "-m", "app"]  # where it is installed: ["companion"]


@pytest.fixture
def doors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """A companion of the test's own, on free ports; its first lines say which: listening, answering, control."""
    monkeypatch.setenv("COMPANION_DATA_DIR", str(tmp_path / "companion"))
    monkeypatch.setenv("COMPANION_TOKEN", os.urandom(16).hex())
    command = [*COMPANION, "serve", "--port", "0", "--rest-port", "0", "--control-port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield dict(server.stdout.readline().split() for _ in range(3))
        server.terminate()


def companion(*verb: str) -> dict:
    """Run a verb; the test fails where its exit code is not 0."""
    done = subprocess.run([*COMPANION, *verb, "--json"], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def test_a_message_is_shown_and_answered(page: Page) -> None:
    page.wait_for_selector("#contact-bob")
    fired = companion("trigger", "new_message", "--as", "bob", "--set", "text=Are you there?", "--wait", "10")
    expect(page.locator("#contact-bob")).to_contain_text("Are you there?")
    page.click("#contact-bob")
    page.fill("#compose input", "Yes!")
    page.press("#compose input", "Enter")
    companion("expect", "POST /messages", "--where", "to=bob", "--where", "text=Yes!", "--after", str(fired["seq"]))


# ----


@pytest.fixture
def page(doors: dict[str, str], site: Site) -> Iterator[Page]:
    """The tests' own chat UI, told where the companion is."""
    chromium = need("chromium", "chromium-browser", "google-chrome", install="apt-get install chromium, or Chrome")
    events, rest = (doors[door].split(":")[2].split("/")[0] for door in ("listening", "answering"))
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=list(FLAGS), chromium_sandbox=False)
        page = browser.new_page()
        page.goto(f"{site.origin}/?events={events}&rest={rest}")
        yield page
        browser.close()
