"""Which requests belong to a page that was reloaded, and which to the page before."""

import json

import pytest

from app.hub.clients import Client, Ending
from app.hub.hub import Hub
from app.hub.journal import Journal
from app.hub.rest_exchange import RestExchange
from app.observers.ui_pages import MAX_EXCHANGES, UiPages
from app.observers.ui_state import UiStates
from app.protocol.errors import Conflict
from app.protocol.ui_comparison import as_plain
from app.protocol.ui_stores import Flavour, UiStores
from tests.hub.doubles import FakeTime, RecordingTransport, Stage

ORIGIN, AGENT = "http://localhost:1420", "a browser"


class Browser:
    """A browser with one page."""

    def __init__(self) -> None:
        self.time = FakeTime()
        self.hub = Hub(Journal(self.time.clock), self.time.clock)
        self.states = UiStates(self.hub)
        self.client = self.connect()

    def connect(self) -> Client:
        self.client = self.hub.join(RecordingTransport(), origin=ORIGIN, user_agent=AGENT)
        return self.client

    def disconnect(self) -> None:
        self.hub.leave(self.client)

    def wait(self, seconds: float) -> None:
        self.time.passed += seconds

    def get(self, path: str, query: str = "", answer: object = None) -> None:
        now, response = self.time.clock.mono(), json.dumps(answer).encode()
        self.hub.rest_exchanges.emit(RestExchange("GET", path, query, b"", 200, response, ORIGIN, AGENT, now, now))

    def open_chat(self, peer: str) -> None:
        self.get("/messages", f"peer={peer}&limit=50&offset=0", {"messages": [], "has_more": False})

    async def report(self, stores: UiStores | None = None) -> None:
        """Report stores, by default those that a correct UI has now."""
        page = self.states.page_of_browser(ORIGIN, AGENT)
        self.states.report_of_page(page, as_plain((stores or await self.stores()).to_json()))

    async def deviations(self) -> list[str]:
        return [each.path for each in await self.states.deviations(self.client.id, Flavour.GUIDE)]

    async def stores(self) -> UiStores:
        return (await self.states.expected(self.client.id, Flavour.GUIDE)).stores


async def test_a_reload_starts_with_empty_stores_and_no_open_chat() -> None:
    browser = Browser()
    browser.wait(20)
    browser.open_chat("alice")
    assert (await browser.stores()).active_chat == "alice"
    browser.wait(0.1)
    browser.disconnect()
    browser.wait(0.5)
    browser.get("/status", answer={})
    browser.connect()
    stores = await browser.stores()
    assert (stores.active_chat, stores.backend_connected, stores.ws_connected) == (None, True, True)


async def test_a_state_is_incomplete_if_exchanges_were_discarded_before_it_was_computed() -> None:
    browser = Browser()
    browser.wait(20)
    browser.get("/friends", answer=[{"username": "bob"}])
    for _ in range(MAX_EXCHANGES):
        browser.get("/status", answer={})
    assert not (await browser.states.expected(browser.client.id, Flavour.GUIDE)).complete
    browser.connect()
    assert (await browser.states.expected(browser.client.id, Flavour.GUIDE)).complete


async def test_the_first_polls_may_come_before_the_end_of_the_old_connection() -> None:
    browser = Browser()
    browser.wait(20)
    browser.open_chat("alice")
    browser.wait(0.1)
    browser.get("/status", answer={})
    browser.get("/friends", answer=[{"username": "bob"}])
    browser.wait(0.1)
    browser.disconnect()
    browser.connect()
    stores = await browser.stores()
    assert (stores.active_chat, stores.backend_connected) == (None, True)
    assert [each.username for each in stores.contacts] == ["bob"]


async def test_the_new_connection_may_begin_before_the_end_of_the_old_one_is_noticed() -> None:
    browser = Browser()
    browser.wait(20)
    browser.open_chat("alice")
    old = browser.client
    browser.get("/friends", answer=[{"username": "bob"}])
    browser.wait(0.01)
    browser.connect()
    assert (await browser.states.expected(browser.client.id, Flavour.GUIDE)).rest_is_guess
    browser.wait(0.05)
    browser.get("/friends", answer=[{"username": "bob"}, {"username": "zed"}])
    old.ending = Ending(1001, by_client=True)
    browser.hub.leave(old)
    stores = await browser.stores()
    assert stores.active_chat is None
    assert [each.username for each in stores.contacts] == ["bob", "zed"]
    stores = (await browser.states.expected(old.id, Flavour.GUIDE)).stores
    assert (stores.active_chat, [each.username for each in stores.contacts]) == ("alice", ["bob"])
    assert not (await browser.states.expected(browser.client.id, Flavour.GUIDE)).rest_is_guess
    browser.open_chat("bob")
    assert (await browser.stores()).active_chat == "bob"


async def test_older_polls_belong_to_the_old_page_only() -> None:
    browser = Browser()
    browser.wait(20)
    browser.get("/friends", answer=[{"username": "bob"}])
    browser.wait(2)
    browser.disconnect()
    browser.connect()
    assert (await browser.stores()).contacts == ()


@pytest.mark.parametrize("ending", [Ending(1001, by_client=True), Ending(1012, by_client=False)])
async def test_requests_of_the_reloaded_page_do_not_change_the_old_one(ending: Ending) -> None:
    browser = Browser()
    browser.wait(20)
    browser.get("/friends", answer=[{"username": "bob"}])
    browser.open_chat("alice")
    old = browser.client
    browser.wait(0.1)
    old.ending = ending
    browser.disconnect()
    browser.wait(0.1)
    browser.connect()
    browser.open_chat("bob")
    browser.get("/friends", answer=[{"username": "zed"}])
    stores = (await browser.states.expected(old.id, Flavour.GUIDE)).stores
    assert (stores.active_chat, [each.username for each in stores.contacts]) == ("alice", ["bob"])
    stores = await browser.stores()
    assert (stores.active_chat, [each.username for each in stores.contacts]) == ("bob", ["zed"])


async def test_a_page_that_reconnects_keeps_its_stores() -> None:
    browser = Browser()
    browser.wait(20)
    browser.open_chat("alice")
    browser.disconnect()
    browser.wait(3)
    browser.connect()
    stores = await browser.stores()
    assert (stores.active_chat, stores.ws_connected) == ("alice", True)


@pytest.mark.parametrize(
    ("ending", "after_s", "same"),
    [
        (Ending(1012, by_client=False), 3.0, True),
        (Ending(1012, by_client=False), 0.1, False),
        (Ending(1001, by_client=False), 3.0, True),
        (Ending(1001, by_client=True), 3.0, False),
        (Ending(1001, by_client=True), 0.1, False),
        (Ending(1005, by_client=True), 3.0, True),
        (Ending(None, by_client=True), 3.0, True),
    ],
)
def test_a_page_that_was_closed_or_reloaded_does_not_come_back(ending: Ending, after_s: float, same: bool) -> None:
    stage = Stage()
    pages = UiPages(stage.hub)

    def join() -> Client:
        return stage.hub.join(RecordingTransport(), origin="http://localhost:1420", user_agent="a browser")

    first = join()
    first.ending = ending
    stage.hub.leave(first)
    stage.time.passed += after_s
    second = join()
    assert (pages.page_of(first.id) is pages.page_of(second.id)) is same
    pages.close()


async def test_a_page_reconnects_after_a_tab_that_was_opened_later_was_closed() -> None:
    """Regression: the tab that connected last was taken for the one that was reloaded, so the state was lost."""
    browser = Browser()
    browser.wait(20)
    browser.open_chat("alice")
    first = browser.client
    later = browser.connect()
    later.ending = Ending(1001, by_client=True)
    browser.disconnect()
    browser.wait(60)
    browser.hub.leave(first)
    browser.wait(3.1)
    browser.connect()
    stores = await browser.stores()
    assert (stores.active_chat, stores.ws_connected) == ("alice", True)


async def test_a_page_reports_while_it_is_disconnected() -> None:
    browser = Browser()
    browser.wait(0.5)
    await browser.report()
    browser.wait(20)
    browser.disconnect()
    browser.wait(0.5)
    await browser.report()
    browser.wait(2.5)
    assert await browser.deviations() == []
    browser.connect()
    browser.wait(0.5)
    await browser.report()
    browser.wait(5)
    assert await browser.deviations() == []


async def test_the_first_reports_of_another_tab_are_not_those_of_the_page() -> None:
    browser = Browser()
    browser.wait(1)
    await browser.report()
    browser.wait(20)
    loading = UiStores(Flavour.GUIDE).selected("bob")
    for _ in range(3):  # with React's StrictMode, the page connects after three seconds
        await browser.report(loading)
        browser.wait(1.2)
    assert "chatStore.activeChat" in await browser.deviations(), "the other page is not known yet"
    first = browser.client
    second = browser.connect()
    browser.client = first
    browser.wait(2)
    assert await browser.deviations() == []
    last = browser.states.reported(first.id)
    assert last
    assert last.state["uiStore"]["wsConnected"] is True, "the last report of the page itself"
    assert browser.states.reported(second.id) is None


async def test_the_first_reports_of_a_reloaded_page_are_not_those_of_the_old_one() -> None:
    """The page was reloaded while it was disconnected."""
    browser = Browser()
    browser.wait(1)
    browser.open_chat("alice")
    await browser.report()
    browser.wait(5)
    browser.disconnect()
    browser.wait(0.5)
    await browser.report(UiStores(Flavour.GUIDE))
    browser.wait(1.5)
    old = browser.client
    browser.connect()
    browser.wait(2)
    browser.client = old
    assert await browser.deviations() == []


async def test_nothing_is_compared_while_reports_cannot_be_assigned() -> None:
    browser = Browser()
    browser.wait(1)
    await browser.report()
    browser.wait(20)
    first = browser.client
    second = browser.connect()
    browser.client = first
    browser.wait(1)
    browser.states.select(first.id, "alice")
    with pytest.raises(Conflict):
        await browser.report()
    browser.wait(5)
    assert await browser.deviations() == []
    second.ending = Ending(1001, by_client=True)
    browser.hub.leave(second)
    await browser.report()
    browser.wait(2)
    assert await browser.deviations() == []
    browser.states.select(first.id, "bob")
    browser.wait(2)
    assert await browser.deviations() == ["chatStore.activeChat"], "what is wrong later is found"
