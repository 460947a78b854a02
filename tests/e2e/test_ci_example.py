"""An example of a chat UI's test in CI: start ``companion serve``, trigger an event, expect a request of the UI.

The manual (``ci.md``) shows the same test in TypeScript.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from .browser import FLAGS, Site
from .tools import need

COMPANION = [sys.executable, "-m", "app"]  # with an installed companion: ["companion"]


@pytest.fixture
def urls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Start a companion on free ports. Return the URLs from its first lines: listening, answering, control."""
    monkeypatch.setenv("COMPANION_DATA_DIR", str(tmp_path / "companion"))
    monkeypatch.setenv("COMPANION_TOKEN", os.urandom(16).hex())
    command = [*COMPANION, "serve", "--port", "0", "--rest-port", "0", "--control-port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield dict(server.stdout.readline().split() for _ in range(3))
        server.terminate()


def companion(*arguments: str) -> dict[str, Any]:
    """Run a command and return its JSON. The test fails if the exit code is not 0."""
    done = subprocess.run([*COMPANION, *arguments, "--json"], check=True, stdout=subprocess.PIPE, text=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


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
def page(urls: dict[str, str], site: Site) -> Iterator[Page]:
    """The tests' chat UI, opened with the companion's ports."""
    chromium = need("chromium", "chromium-browser", "google-chrome", install="apt-get install chromium, or Chrome")
    events, rest = (urls[name].split(":")[2].split("/")[0] for name in ("listening", "answering"))
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=list(FLAGS), chromium_sandbox=False)
        page = browser.new_page()
        page.goto(f"{site.origin}/?events={events}&rest={rest}")
        yield page
        browser.close()
