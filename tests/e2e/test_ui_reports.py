"""A page with the reporter of the manual, in Chromium: correct, with planted bugs, and hostile."""

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlencode

import pytest

from app.protocol.ui_stores import Flavour
from tests.ui_stores.build import DEVELOPMENT, PRODUCTION, Build

from .browser import Site, chromium
from .conftest import Run, RunJson, Start
from .processes import Companion, free_port
from .test_mcp import agent, use
from .tools import posix_only
from .ui_actions import ControlApi, act

pytestmark = posix_only

ACTIONS = 60
"""Number of random actions per flavour."""
REPORT = "/_companion/ui-state"
Open = Callable[..., Any]


@pytest.fixture(autouse=True)
def no_priming(data_dir: Path) -> None:
    """A browser may handle the response of ``GET /friends`` before or after the frames of priming."""
    data_dir.mkdir()
    (data_dir / "settings.toml").write_text("prime_browsers = false\n")


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    return Build(tmp_path_factory.mktemp("ui"))


@pytest.fixture
def ui(build: Build, running: Start, run: Run, server: Companion) -> Site:
    """The page, at an origin that is allowed."""
    pages = {
        "/": (build.source / "index.html").read_text(encoding="utf-8"),
        "/main.js": build.bundle("reporting.ts", *DEVELOPMENT).read_text(encoding="utf-8"),
    }
    site: Site = running(Site(free_port(), pages))
    run("server", "allow", site.origin)
    return site


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Any]:
    async with chromium(tmp_path / "profile") as context:
        yield context


@pytest.fixture
async def open_page(ui: Site, browser: Any, server: Companion) -> Open:
    """``open_page(flavour="shipped")`` loads the page, and waits until it is connected and has its contacts."""

    async def load(**options: str) -> Any:
        page = await browser.new_page()
        ports = {"rest": server.rest_port, "events": server.port}
        await page.goto(f"{ui.origin}/?{urlencode({**ports, **options})}")
        ready = "stores.uiStore.getState().wsConnected && stores.contactStore.getState().contacts.length"
        await page.wait_for_function(ready)
        return page

    return load


async def test_the_reports_of_a_correct_page_equal_the_expected_state(
    open_page: Open, run: Run, run_json: RunJson
) -> None:
    page = await open_page()
    run("trigger", "new_message", "--as", "alice", "--set", "text=hi", "--wait", "10")
    run("ui-state", "expect", "chat.messages.alice[-1].text=hi", "contact.contacts[alice].unreadCount=1")
    await page.click("text=alice")
    await page.fill("input", "  hello  ")
    await page.press("input", "Enter")
    run("trigger", "typing", "--as", "bob", "--set", "typing=true")
    run("trigger", "friend_online", "--as", "dave")
    run("ui-state", "expect", "contact.contacts[alice].lastMessage=hello", "chat.typingUsers.bob=true")
    assert run("ui-state", "expect", "--all", "--within", "20").out == ["✓ met"]
    assert run("ui-state", "compare").out == ["equal"]
    stores = (
        "JSON.stringify({chatStore: 0, contactStore: 0, uiStore: 0}, (name, value) =>"
        " value === 0 && stores[name] ? stores[name].getState() : value)"
    )
    shown, reported = None, {}
    for _ in range(5):  # a poll of the page between the two may change a store
        shown, reported = json.loads(await page.evaluate(stores)), run_json("ui-state", "show", "--reported")
        if shown == reported:
            break
    assert reported == shown


@pytest.mark.long
async def test_a_burst_of_changes_is_few_reports(open_page: Open, run: Run) -> None:
    page = await open_page()
    reports: list[str] = []
    page.on("requestfinished", lambda request: reports.append(request.url) if REPORT in request.url else None)
    await page.evaluate(
        "(async () => { for (let n = 1; n <= 2000; n++) {"
        " stores.contactStore.getState().incrementUnread('alice'); if (n % 20 === 0) await 0; } })()"
    )
    run("ui-state", "expect", "contact.contacts[alice].unreadCount=2000", "--within", "20")
    async with page.expect_event("requestfinished", lambda request: REPORT in request.url):
        await page.evaluate("stores.uiStore.setState({sidebarWidth: 1})")
    assert 1 <= len(reports) <= 20


@pytest.mark.long
async def test_the_reporter_waits_for_a_companion(ui: Site, browser: Any, server: Companion, run: Run) -> None:
    """The REST server was stopped while the page changed. It reports as soon as it is back."""
    page = await browser.new_page()
    await page.route(f"**{REPORT}", lambda route: route.abort())
    await page.goto(f"{ui.origin}/?{urlencode({'rest': server.rest_port, 'events': server.port})}")
    await page.wait_for_function("stores.uiStore.getState().wsConnected")
    run("ui-state", "expect", "ui.wsConnected=true", "--within", "0", exits=1)
    await page.unroute(f"**{REPORT}")
    run("ui-state", "expect", "ui.wsConnected=true", "--within", "20")


@pytest.mark.long
async def test_a_correct_page_stays_equal_after_a_reconnect_and_beside_another_tab(
    open_page: Open, run: Run, run_json: RunJson
) -> None:
    page = await open_page()
    run("ui-state", "expect", "--all", "--within", "20")
    run("clients", "close", "1")
    await page.wait_for_function("!stores.uiStore.getState().wsConnected")
    await page.click("text=alice")
    await page.wait_for_function("stores.uiStore.getState().wsConnected")
    run("ui-state", "expect", "--all", "--within", "20")
    assert run("ui-state", "compare").out == ["equal"]
    client = ("--client", str(run_json("ui-state", "clients")["client"]))
    second = await open_page()
    await second.close()
    run("ui-state", "expect", "--all", "--within", "20", *client)
    assert run("ui-state", "compare", *client).out == ["equal"]


@pytest.mark.long
async def test_planted_bugs_are_named_at_their_first_row(open_page: Open, run: Run, run_json: RunJson) -> None:
    page = await open_page(bugs="duplicate,typing,unread")
    run("ui-state", "expect", "--all", "--within", "20")

    def fire(*event: str) -> int:
        return int(run_json("trigger", *event, "--loose")["seq"])

    names = [each["username"] for each in run_json("ui-state", "show")["contactStore"]["contacts"]]
    right, wrong = names[1], names[2]
    message = ("new_message", "--as", right, "--set", "msg_id=550e8400-e29b-41d4-a716-446655440000")
    first = fire(*message)
    unread = f"contact.contacts[{right}].unreadCount=1"
    run("ui-state", "expect", unread, "--after", str(first), "--within", "2", exits=1)
    typing = fire("typing", "--as", right, "--set", "typing=true")
    run("ui-state", "expect", f"chat.typingUsers.{right}=true", "--within", "20")
    run("ui-state", "expect", f"chat.typingUsers.{right}=false", "--within", "6", exits=1)
    duplicate = fire(*message)
    run("ui-state", "expect", f"contact.contacts[{wrong}].unreadCount=2", "--within", "20")
    assert run("ui-state", "expect", "--all", "--within", "0", exits=1).err[-1] == "✗ not met within 0 s"
    compared = run("ui-state", "compare", exits=1)
    assert [line for line in compared.err if line.startswith("row")] == [
        f"row {first} (new_message): contactStore.contacts[{right}].unreadCount: expected 1, the UI had 0",
        f"row {first} (new_message): contactStore.contacts[{wrong}].unreadCount: expected 0, the UI had 1",
        f"row {typing} (typing, 5 s later): chatStore.typingUsers.{right}: expected false, the UI had true",
    ]
    assert duplicate > typing
    assert compared.out == ["not equal"]
    await page.close()


async def test_an_agent_finds_a_planted_bug(open_page: Open, run: Run, data_dir: Path) -> None:
    """A script with the official MCP client tests the page, and learns at which row it went wrong, and how."""
    run("server", "settings", "agents=true")
    page = await open_page(bugs="unread")
    async with agent(data_dir) as client:
        (ui,) = (await use(client, "status"))["clients"]
        assert (await use(client, "ui_state_compare", client=ui["id"]))["equal"] is True
        stores = (await use(client, "ui_state_compare", expected=True))["expected"]
        names = [each["username"] for each in stores["contactStore"]["contacts"]]
        right, wrong = names[1], names[2]
        fired = await use(client, "fire", event="new_message", persona=right, data={"text": "hi"}, wait_s=10)
        run("ui-state", "expect", f"contact.contacts[{wrong}].unreadCount=1", "--within", "20")
        compared = await use(client, "ui_state_compare", after=fired["seq"] - 1)
    assert compared["equal"] is False
    found = {each["path"]: (each["seq"], each["expected"], each["reported"]) for each in compared["deviations"]}
    assert found == {
        f"contactStore.contacts[{right}].unreadCount": (fired["seq"], 1, 0),
        f"contactStore.contacts[{wrong}].unreadCount": (fired["seq"], 0, 1),
    }
    await page.close()


@pytest.mark.long
async def test_a_duplicate_that_is_counted_twice_is_named(open_page: Open, run: Run, run_json: RunJson) -> None:
    await open_page(bugs="duplicate")
    message = ("trigger", "new_message", "--as", "alice", "--set", "msg_id=550e8400-e29b-41d4-a716-446655440000")
    run(*message, "--loose")
    run("ui-state", "expect", "--all", "--within", "20")
    row = run_json(*message, "--loose")["seq"]
    run("ui-state", "expect", "contact.contacts[alice].unreadCount=2", "--within", "20")
    run("ui-state", "expect", "--all", "--within", "1", exits=1)
    compared = run_json("ui-state", "compare", exits=1)
    assert [(each["seq"], each["last_seq"], each["path"]) for each in compared["deviations"]] == [
        (row, row, "contactStore.contacts[alice].unreadCount")
    ]


@pytest.mark.long
async def test_a_page_that_behaves_like_the_released_ui_differs_from_the_guide_only(
    open_page: Open, run: Run, run_json: RunJson
) -> None:
    await open_page(flavour="shipped")
    message = ("trigger", "new_message", "--as", "bob", "--set", "msg_id=550e8400-e29b-41d4-a716-446655440000")
    run(*message, "--wait", "10")
    run("ui-state", "expect", "contact.contacts[bob].unreadCount=1", "--within", "20")  # before the duplicate
    row = run_json(*message, "--loose")["seq"]
    run("ui-state", "expect", "--all", "--flavour", "shipped", "contact.contacts[bob].unreadCount=2")
    assert run("ui-state", "compare", "--flavour", "shipped").out == ["equal"]
    deviations = run_json("ui-state", "compare", exits=1)["deviations"]
    unread = next(each for each in deviations if each["path"].endswith("contacts[bob].unreadCount"))
    assert (unread["seq"], unread["expected"], unread["reported"]) == (row, 1, 2)


@pytest.mark.long
@pytest.mark.parametrize("flavour", list(Flavour))
async def test_the_page_holds_the_expected_state_after_each_random_action(
    flavour: Flavour,
    open_page: Open,
    server: Companion,
    run_json: RunJson,
) -> None:
    random = Random(f"actions of {flavour}")
    page = await open_page(flavour=str(flavour))
    api = ControlApi(server, run_json("token")["token"])
    done: list[str] = []
    for _ in range(ACTIONS):
        done.append(await act(random, page, api))
        expected = {"flavour": flavour, "equal": True, "within": 15}
        result = await api.call("POST", "/v1/ui-state/expect", expected)
        assert result["met"], json.dumps([done[-20:], result["differences"]], indent=1)
    compared = await api.call("POST", "/v1/ui-state/compare", {"flavour": flavour})
    assert compared["deviations"] == [], done


async def test_a_build_for_production_contains_no_reporter(build: Build) -> None:
    text = build.bundle("reporting.ts", *PRODUCTION).read_text(encoding="utf-8")
    assert "/friends" in text
    assert "_companion" not in text


async def test_a_page_of_another_origin_cannot_report(
    open_page: Open, browser: Any, running: Start, server: Companion, run_json: RunJson, run: Run
) -> None:
    await open_page()
    run("ui-state", "expect", "--all", "--within", "20")
    before = run_json("ui-state", "show", "--reported")
    evil: Site = running(Site(free_port(), {"/": "<!doctype html><title>evil</title>"}))
    hostile = await browser.new_page()
    await hostile.goto(evil.origin)
    attack = """async ([url, options]) => {
        const body = JSON.stringify({chatStore: {activeChat: "evil"}, contactStore: {}, uiStore: {}});
        try {
            return (await fetch(url, {method: "POST", body, ...options})).status;
        } catch (error) { return error.name; }
    }"""
    url = f"http://127.0.0.1:{server.rest_port}{REPORT}"
    results = [
        await hostile.evaluate(attack, [url, options])
        for options in (
            {},
            {"headers": {"Content-Type": "application/json"}},
            {"mode": "no-cors"},
            {"mode": "no-cors", "keepalive": True},
            {"credentials": "include"},
        )
    ]
    assert set(results) == {"TypeError"}
    sent = await hostile.evaluate("(url) => navigator.sendBeacon(url, '{\"chatStore\": {}}')", url)
    assert sent
    form = """(url) => { document.body.innerHTML = `<form method=post enctype=text/plain action="${url}">
        <input name='{"chatStore":{},"x' value='":1}'></form>`;
        document.forms[0].submit(); }"""
    async with hostile.expect_navigation():
        await hostile.evaluate(form, url)
    assert run_json("ui-state", "show", "--reported") == before
    refused = run_json_lines(run("journal", "--filter", "event:refused", "--json").out)
    assert {evil.origin in row["note"] for row in refused} == {True}


def run_json_lines(lines: list[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines]
