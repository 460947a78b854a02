"""Pages of hostile origins in real browsers cannot connect, read, store or send anything."""

import asyncio
import json
import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.e2e import sockets, tools
from tests.e2e.browser import chromium
from tests.e2e.processes import Program, wait_until
from tests.gates.gate import Outcome, server
from tests.gates.pages import REBOUND, Attackers

PAGES_S = 60.0
FLAGS = (
    f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1",
    # Newer versions block requests from public pages to this machine; older ones and other browsers do not.
    "--disable-features=BlockInsecurePrivateNetworkRequests,LocalNetworkAccessChecks",
)
PREFERENCES: dict[str, Any] = {
    "network.dns.localDomains": REBOUND,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "browser.aboutwelcome.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
    "app.normandy.enabled": False,
    "network.proxy.type": 0,
    "dom.security.https_first": False,
}

Visit = Callable[[Attackers, list[str], Path], None]
"""Opens URLs in a browser, and waits until all expected pages have reported."""


def all_reported(attackers: Attackers) -> None:
    """Wait for the reports of all expected pages."""

    def missing() -> set[str]:
        return attackers.expected - attackers.reports.keys()

    try:
        wait_until(lambda: not missing(), "the pages' reports", PAGES_S)
    except AssertionError:
        raise AssertionError(f"these pages did not report: {sorted(missing())}") from None


async def _in_chromium(attackers: Attackers, addresses: list[str], folder: Path) -> None:
    async with chromium(folder / "chromium", *FLAGS) as browser:
        same_origin = attackers.same_origin() if addresses == attackers.hostile else {}
        for address in (*addresses, *same_origin):
            page = await browser.new_page()
            if address in same_origin:
                await page.route(address, partial(_fulfil, html=same_origin[address]))
            await page.goto(address, wait_until="commit")
        await asyncio.to_thread(all_reported, attackers)


async def _fulfil(route: Any, html: str) -> None:
    await route.fulfill(body=html, content_type="text/html; charset=utf-8")


def in_chromium(attackers: Attackers, addresses: list[str], folder: Path) -> None:
    asyncio.run(_in_chromium(attackers, addresses, folder))


def in_firefox(attackers: Attackers, addresses: list[str], folder: Path) -> None:
    path = tools.need("firefox-esr", "firefox", install="apt-get install firefox-esr")
    profile = folder / "firefox"
    profile.mkdir(exist_ok=True)
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in PREFERENCES.items()]
    (profile / "user.js").write_text("".join(lines))
    environment = {"HOME": str(folder), "MOZ_CRASHREPORTER_DISABLE": "1"}
    options = ("--headless", "--no-remote", "--profile", profile)
    with Program("firefox", path, *options, *addresses, env=environment) as firefox:
        try:
            all_reported(attackers)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{firefox}") from None


def attack(name: str, visit: Visit) -> tuple[str, bool]:
    """Open all hostile pages in a browser, then an allowed one. Return the figures, and whether the gate passed."""
    with (
        TemporaryDirectory(prefix="companion-browsers-") as folder,
        server(presence_decays=False) as target,
        ExitStack() as stack,
    ):
        attackers = Attackers(stack, target, Path(folder))
        before = target.request("GET", "/v1/state")
        watcher = stack.enter_context(sockets.client(target.url, "alice"))
        visit(attackers, attackers.hostile, Path(folder))
        achieved = [each for report in attackers.reports.values() for each in report["got"]]
        stored = target.request("GET", "/v1/state") != before
        joined = len(target.journal_rows("connected")) - 1
        rejected = [row["note"] for row in target.journal_rows("refused")]
        rows = target.request("GET", "/v1/journal?limit=10000")["rows"]
        received = [row["event"] for row in rows if row["direction"] == "c2s"]
        target.fire("the end")
        delivered = watcher.recv(timeout=5) != "the end"
        origins = Counter(report["origin"] for report in attackers.reports.values())
        attackers.expected = {"allowed"}
        visit(attackers, [attackers.allowed], Path(folder))
        opened = [each for each in attackers.reports["allowed"]["got"] if each.startswith("opened")]
        for each in (*achieved, *received):
            print(f"  {name}: {each}")
    not_rejected = [each for each in origins if not any(each in note for note in rejected)]
    figures = (
        f"{name}: {joined} admitted, {len(achieved)} answers read, {len(received)} requests received, "
        f"{'something' if stored else 'nothing'} stored, {'something' if delivered else 'nothing'} delivered, by "
        f"{origins.total()} pages of {len(origins)} origins, {len(rejected)} rejections; "
        f"the allowed page {'connected' if opened else 'REJECTED'}"
    )
    if not_rejected:
        figures += f"; no rejection of {', '.join(not_rejected)}"
    held = not (achieved or stored or joined or received or delivered or not_rejected) and bool(opened)
    return figures, held


def run(long: bool) -> Outcome:
    figures, passed = [], True
    browsers: dict[str, Visit] = {"Chromium": in_chromium}
    if shutil.which("firefox-esr") or shutil.which("firefox"):
        browsers["Firefox"] = in_firefox
    else:
        figures.append("Firefox skipped: it is not installed")
    for name, visit in browsers.items():
        text, held = attack(name, visit)
        figures.append(text)
        passed &= held
    return Outcome("; ".join(figures), "0 admitted, nothing stored, nothing delivered", passed)
