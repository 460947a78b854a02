"""Make the HAR files in this folder: of the tests' chat UI, by Chromium's DevTools and by Playwright.

Run ``python -m tests.exports.har_files.make``. It needs Chromium and Playwright, and the port 1420. The DevTools
front end, which Chromium serves for remote debugging, builds the same HAR as its button "Export HAR".
"""

import json
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.e2e import processes
from tests.e2e.browser import FLAGS, Site
from tests.e2e.chat_ui import site
from tests.e2e.processes import Companion
from tests.e2e.tools import need

HERE = Path(__file__).parent
BUILD_HAR = """
async () => {
    const logs = await import("/devtools/models/logs/logs.js");
    const har = await import("/devtools/models/har/har.js");
    const requests = logs.NetworkLog.NetworkLog.instance().requests();
    const log = await har.Log.Log.build(requests, { sanitize: false });
    for (const [index, entry] of log.entries.entries()) {
        const content = await requests[index].requestContentData();
        if (!("error" in content)) entry.response.content.text = content.text;
    }
    return { log };
}
"""


def act(page: Page, where: Site, companion: Companion, folder: Path) -> None:
    """Open the chat UI, let bob say hello, and answer him."""
    page.goto(f"{where.origin}/?events={companion.port}&rest={companion.rest_port}")
    page.wait_for_function("seen.opened && seen.polls")
    fire = ["trigger", "new_message", "--as", "alice", "--set", "text=hello 👋", "--wait", "10"]
    subprocess.run([sys.executable, "-m", "app", *fire, "--data-dir", str(folder)], check=True)
    page.wait_for_function("seen.frames.some((each) => each.data.text === 'hello 👋')")
    page.click("#contact-alice")
    page.wait_for_function("seen.histories")
    page.fill("#compose input", "Yes!")
    page.press("#compose input", "Enter")
    page.wait_for_function("chat.messages.alice.some((each) => each.text === 'Yes!')")
    page.evaluate("""async () => {
        const events = new WebSocket(EVENTS);
        await new Promise((opened) => { events.onopen = opened; });
        events.send(JSON.stringify({ event: "typing", data: { to: "alice", typing: true } }));
        events.send(new Uint8Array([1, 2, 255]));
        events.send("");
        await new Promise((passed) => setTimeout(passed, 300));
        events.close();
    }""")


def by_playwright(driver: Any, where: Site, companion: Companion, folder: Path) -> dict[str, Any]:
    """Record with ``recordHar``, with the content in the file."""
    browser = driver.chromium.launch(executable_path=chromium(), args=list(FLAGS), chromium_sandbox=False)
    file = folder / "playwright.har"
    context = browser.new_context(record_har_path=file, record_har_content="embed")
    act(context.new_page(), where, companion, folder)
    context.close()
    browser.close()
    return dict(json.loads(file.read_text(encoding="utf-8")))


def by_devtools(driver: Any, where: Site, companion: Companion, folder: Path) -> dict[str, Any]:
    """Open the DevTools of a page in another tab, and let them build the HAR."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    flags = [*FLAGS, f"--remote-debugging-port={port}", f"--remote-allow-origins=http://127.0.0.1:{port}"]
    browser = driver.chromium.launch(executable_path=chromium(), args=flags, chromium_sandbox=False)
    page, tools = browser.new_page(), browser.new_page()
    target = page.context.new_cdp_session(page).send("Target.getTargetInfo")["targetInfo"]["targetId"]
    tools.goto(f"http://127.0.0.1:{port}/devtools/devtools_app.html?ws=127.0.0.1:{port}/devtools/page/{target}")
    tools.wait_for_selector("text=Network")
    tools.wait_for_timeout(2000)
    act(page, where, companion, folder)
    tools.wait_for_timeout(1000)
    har = dict(tools.evaluate(BUILD_HAR))
    browser.close()
    return har


def chromium() -> str:
    """Return the program of Chromium."""
    return need("chromium", "chromium-browser", "google-chrome", install="apt-get install chromium, or Chrome")


def small(har: dict[str, Any]) -> dict[str, Any]:
    """Leave out what the tests do not need: stack traces of initiators, and the source of the page."""
    for entry in har["log"]["entries"]:
        entry.pop("_initiator", None)
        if ":1420" in entry["request"]["url"]:
            entry["response"]["content"].pop("text", None)
    return har


def main() -> None:
    """Write both files."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver, site() as where:
        data = Path(folder)
        with processes.serve(data) as companion:
            for name, make in (("playwright", by_playwright), ("chromium", by_devtools)):
                har = small(make(driver, where, companion, data))
                text = json.dumps(har, ensure_ascii=False, indent=1) + "\n"
                (HERE / f"{name}.har").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
