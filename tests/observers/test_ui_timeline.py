"""The history of a UI page: seeking, stepping and finding origins give what a full replay gives."""

import json
import math
from collections.abc import Callable
from itertools import pairwise
from operator import methodcaller
from random import Random
from typing import Any

import pytest

from app.hub.hub import Hub
from app.hub.journal import Journal, Kind
from app.hub.rest_exchange import RestExchange
from app.observers import ui_history, ui_state, ui_timeline
from app.observers.ui_state import UiStates
from app.protocol.errors import NotFound
from app.protocol.raw_frames import RAW_EVENT
from app.protocol.ui_changes import without_guesses
from app.protocol.ui_comparison import as_plain, value_at
from app.protocol.ui_moments import StateChange
from app.protocol.ui_paths import locate
from app.protocol.ui_stores import Flavour, UiStores
from tests.conftest import seeds
from tests.hub.doubles import FakeTime, RecordingTransport
from tests.ui_stores.sequences import NAMES, sequence

BOTH = pytest.mark.parametrize("flavour", list(Flavour))
PATHS = (
    "chat.activeChat", "ui.wsConnected", "ui.backendConnected",
    *(
        path.format(name)
        for name in NAMES
        for path in (
            "chat.typingUsers.{}", "chat.hasMore.{}", "chat.messages.{}", "contact.contacts[{}].unreadCount",
            "contact.contacts[{}].online", "contact.contacts[{}].lastMessage", "contact.contacts[{}].last_seen",
        )
    ),
)  # fmt: skip
ORIGIN, AGENT = "http://localhost:1420", "a browser"


class Page:
    """A page of the UI, and the inputs of its stores in the order of time."""

    def __init__(self, max_rows: int = 100_000) -> None:
        self.time = FakeTime()
        self.hub = Hub(Journal(self.time.clock, max_rows), self.time.clock)
        self.states = UiStates(self.hub)
        self.client = self.hub.join(RecordingTransport(), origin=ORIGIN, user_agent=AGENT)
        self._begun: RestExchange | None = None
        self.inputs: list[tuple[float, int, Callable[[UiStores], UiStores]]] = [(self.now, 1, UiStores.opened)]

    @property
    def now(self) -> float:
        return self.time.clock.mono()

    def wait(self, seconds: float) -> None:
        self.time.passed += seconds

    def frame(self, event: str, **data: Any) -> int:
        payload = json.dumps({"event": event, "data": data}).encode()
        at = self.now
        self.inputs.append((at, 1, lambda stores: stores.received(payload, at)))
        return self.hub.journal.append(
            Kind.TO_UI, event, payload=payload, recipients=(self.client.id,)
        ).seq  # fmt: skip

    def message(self, msg_id: str, sender: str = "alice", text: str = "hi") -> int:
        data = {"msg_id": msg_id, "from": sender, "to": "me", "text": text, "direction": "received"}
        return self.frame("new_message", **data)

    def call(self, method: str, path: str, query: str = "", body: Any = None, answer: Any = None, took: float = 0,
             status: int = 200, seq: int = 0) -> None:  # fmt: skip
        request, response = json.dumps(body).encode(), json.dumps(answer).encode()
        started, ended = self.now - took, self.now
        self.inputs.append((started, 0, lambda stores: stores.requested(method, path, query)))
        self.inputs.append(
            (ended, 2, lambda stores: stores.responded(method, path, query, request, status, response))
        )
        self.hub.rest_exchanges.emit(
            RestExchange(method, path, query, request, status, response, ORIGIN, AGENT, started, ended, seq)
        )

    def begin(self, query: str, answer: Any, status: int = 200) -> None:
        """Request a page of messages; ``finish`` answers it."""
        self.inputs.append((self.now, 0, lambda stores: stores.requested("GET", "/messages", query)))
        self._begun = RestExchange(
            "GET", "/messages", query, b"", status, json.dumps(answer).encode(), ORIGIN, AGENT, self.now, math.inf
        )
        self.hub.rest_begun.emit(self._begun._replace(status=0, response=b""))

    def finish(self, seq: int = 0) -> None:
        """Answer the request that ``begin`` has sent, if there is one."""
        if call := self._begun:
            self._begun = None
            self.inputs.append(
                (self.now, 2, lambda s: s.responded("GET", call.path, call.query, b"", call.status, call.response))
            )
            self.hub.rest_exchanges.emit(call._replace(ended=self.now, seq=seq))

    def friends(self, *names: str) -> None:
        self.call("GET", "/friends", answer=[{"username": name, "online": False} for name in names])

    def play(self, steps: list[Any]) -> None:
        """Send random steps. Pages and sent messages take a while, so that their requests are known late."""
        for step in steps:
            self.wait(max(0.0, 50.0 + step["at"] - self.now))
            ok = 200 if step.get("ok", True) else 500
            self.finish()
            match step["kind"]:
                case "frame":
                    self.frame(step["frame"]["event"], **step["frame"]["data"])
                case "click":
                    self.states.select(self.client.id, step["peer"])
                    self.inputs.append((self.now, 3, methodcaller("selected", step["peer"])))
                case "page" if len(self.inputs) % 2:
                    self.begin(f"peer={step['peer']}&offset={step['offset']}", step["answer"], ok)
                case "page":
                    query = f"peer={step['peer']}&offset={step['offset']}"
                    self.call("GET", "/messages", query, answer=step["answer"], took=2.0, status=ok)
                case "friends":
                    self.call("GET", "/friends", answer=step["answer"], status=ok)
                case "add":
                    self.call("POST", "/friends", answer=step["answer"], status=ok)
                case "send":
                    body = {"to": step["to"], "text": step["text"]}
                    self.call("POST", "/messages", body=body, answer=step["answer"], took=0.2, status=ok)

    def replayed(self, flavour: Flavour, until: float) -> UiStores:
        stores = UiStores(flavour)
        for at, _, change in sorted(self.inputs, key=lambda each: each[:2]):
            if at <= until:
                stores = change(stores.at(at))
        return stores.at(until)


@pytest.fixture
def page() -> Page:
    return Page()


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep a state every few steps, so that short histories cross many of them."""
    for module in (ui_history, ui_timeline):
        monkeypatch.setattr(module, "CHUNK", 4)


def plain(stores: UiStores) -> Any:
    return as_plain(stores.to_json())


async def all_changes(page: Page, flavour: Flavour) -> list[StateChange]:
    """Return all changes, oldest first, by stepping back from now."""
    view = await page.states.view(page.client.id, flavour)
    found = [view.change]
    while found[-1].moment.number > view.first:
        step = await page.states.step(page.client.id, flavour, found[-1].moment, -1)
        assert step
        found.append(step)
    return found[::-1]


@BOTH
@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("seed", seeds(3, long=12))
async def test_following_gives_the_state_of_a_full_replay(seed: int, flavour: Flavour) -> None:
    page, random = Page(), Random(seed)
    steps = sequence(random, 60)
    while steps:
        part = random.randrange(1, 12)
        page.play(steps[:part])
        del steps[:part]
        if random.random() < 0.5:
            await page.states.view(page.client.id, Flavour.GUIDE)
        view = await page.states.view(page.client.id, flavour)
        assert plain(view.stores) == plain(page.replayed(flavour, page.now))
        assert view.complete


@BOTH
@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("seed", seeds(2, long=6))
async def test_stepping_visits_every_change_in_both_directions(seed: int, flavour: Flavour) -> None:
    page = Page()
    page.play(sequence(Random(seed), 50))
    page.wait(6)
    back = await all_changes(page, flavour)
    assert len(back) > 10
    for earlier, later in pairwise(back):
        assert later.before.same_as(earlier.after)
        assert not later.before.same_as(later.after)
    if len(back) > 5:
        recent = await page.states.recent_changes(page.client.id, flavour, None, 5)
        assert [each.moment for each in recent] == [each.moment for each in back[-5:]]
    everything = await page.states.recent_changes(page.client.id, flavour, None, 10_000)
    assert [each.moment for each in everything] == [each.moment for each in back[1:]]
    forward = [back[0]]
    while step := await page.states.step(page.client.id, flavour, forward[-1].moment, 1):
        forward.append(step)
    assert [each.moment for each in forward] == [each.moment for each in back]
    assert plain(back[-1].after) == plain(page.replayed(flavour, page.now))


@BOTH
@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("seed", seeds(3, long=20))
async def test_the_origin_of_a_value_is_its_last_change(seed: int, flavour: Flavour) -> None:
    page = Page()
    page.play(sequence(Random(seed), 50))
    history = await all_changes(page, flavour)
    found_any = 0
    for path in PATHS:
        values = [value_at(without_guesses(each.after.to_json())[0], path) for each in history]
        if locate(without_guesses(history[-1].after.to_json())[0], path) is None:
            continue
        last = max((n for n in range(1, len(values)) if values[n] != values[n - 1]), default=None)
        found = await page.states.origin(page.client.id, flavour, path)
        assert (found and found.moment) == (history[last].moment if last else None), path
        found_any += found is not None
    assert found_any > 5


async def test_a_raw_frame_with_key_names_that_the_ui_does_not_use_changes_nothing(page: Page) -> None:
    page.call("GET", "/friends", answer=[{"username": "alice", "online": False}])
    online = '{"event": "friend_online", "data": {"username": "alice"}}'
    for payload, expected in ((online, False), (online.replace("{", '{"event": 1, ', 1), True)):
        page.wait(1)
        # The log has the first one as a raw frame only if the UI has other names, and the second one always.
        page.hub.journal.append(Kind.TO_UI, RAW_EVENT, payload=payload.encode(), recipients=(page.client.id,))
        found = await page.states.expected(page.client.id, Flavour.GUIDE)
        assert found.stores.contacts[0].friend["online"] is expected


async def test_an_origin_follows_a_contact_and_a_message_that_move(page: Page) -> None:
    page.friends("alice", "bob")
    page.wait(1)
    first = page.message("1")
    page.message("2", sender="bob")
    page.wait(1)
    page.friends("carol", "bob", "alice")
    page.call("GET", "/messages", "peer=alice&offset=1", answer={"messages": [{"msg_id": "0", "text": "old"}]})

    async def origin(path: str) -> tuple[int, str]:
        found = await page.states.origin(page.client.id, Flavour.GUIDE, path)
        assert found
        return found.moment.seq, found.moment.title

    assert await origin("contact.contacts[alice].unreadCount") == (first, "new_message · alice → me: hi")
    assert await origin("contact.contacts[2].lastMessage") == (first, "new_message · alice → me: hi")
    assert await origin("chat.messages.alice[-1].text") == (first, "new_message · alice → me: hi")
    assert await origin("chat.messages.alice[0].text") == (0, "GET /messages of alice → 200")
    assert await page.states.origin(page.client.id, Flavour.GUIDE, "chat.activeChat") is None
    with pytest.raises(NotFound, match=r"no value 'chat.messages.zoe'"):
        await page.states.origin(page.client.id, Flavour.GUIDE, "chat.messages.zoe")


async def test_a_typing_indicator_that_ends_by_itself_is_a_change_of_its_own(page: Page) -> None:
    seq = page.frame("typing", username="alice", typing=True)
    page.wait(4.9)
    view = await page.states.view(page.client.id, Flavour.GUIDE)
    assert (view.change.moment.seq, view.stores.shown_typing) == (seq, {"alice": True})
    page.wait(0.2)
    view = await page.states.view(page.client.id, Flavour.GUIDE)
    assert view.stores.shown_typing == {"alice": False}
    assert view.change.moment[1:] == (55.0, 0, "alice stopped typing: no typing event for 5 s")
    before = await page.states.step(page.client.id, Flavour.GUIDE, view.change.moment, -1)
    assert before
    assert before.moment.seq == seq
    after = await page.states.step(page.client.id, Flavour.GUIDE, before.moment, 1)
    assert after
    assert after.moment == view.change.moment


async def test_a_repeated_typing_event_is_no_change(page: Page) -> None:
    seq = page.frame("typing", username="alice", typing=True)
    page.wait(1)
    page.frame("typing", username="alice", typing=True)
    assert (await page.states.view(page.client.id, Flavour.GUIDE)).change.moment.seq == seq


async def test_the_row_of_a_rest_call_stands_for_its_response(page: Page) -> None:
    page.friends("alice")
    page.wait(1)
    row = page.hub.journal.append(Kind.FROM_UI, "POST /messages", client="rest")
    page.wait(0.5)
    body = {"to": "alice", "text": "hello"}
    page.call("POST", "/messages", body=body, answer={"msg_id": "1"}, took=0.6, seq=row.seq)
    view = await page.states.view(page.client.id, Flavour.GUIDE, row.seq)
    assert [each["text"] for each in view.stores.messages["alice"]] == ["hello"]
    assert (view.moment.seq, view.moment.title) == (row.seq, "POST /messages → 200")


@pytest.mark.parametrize("seen_before", [False, True])
async def test_a_request_that_is_held_opens_the_chat_at_once(page: Page, seen_before: bool) -> None:
    """Regression: the expected chat was the one before, until the request was answered."""
    page.friends("alice", "bob")
    page.wait(1)
    page.begin("peer=alice&offset=0", {"messages": [], "total": 0, "has_more": False})
    page.wait(1)
    page.message("1")
    if seen_before:
        view = await page.states.view(page.client.id, Flavour.GUIDE)
        assert (view.stores.active_chat, plain(view.stores)) == (
            "alice",
            plain(page.replayed(Flavour.GUIDE, page.now)),
        )
    page.wait(1)
    row = page.hub.journal.append(Kind.FROM_UI, "GET /messages", client="rest")
    page.finish(row.seq)
    view = await page.states.view(page.client.id, Flavour.GUIDE)
    assert plain(view.stores) == plain(page.replayed(Flavour.GUIDE, page.now))
    origin = await page.states.origin(page.client.id, Flavour.GUIDE, "chat.activeChat")
    assert origin
    assert origin.moment.seq == row.seq


@pytest.mark.usefixtures("small_chunks")
@BOTH
async def test_the_state_stays_correct_while_old_rows_leave_the_log(flavour: Flavour) -> None:
    page, random = Page(max_rows=20), Random(5)
    steps = sequence(random, 400)
    while steps:
        page.play(steps[:5])
        del steps[:5]
        view = await page.states.view(page.client.id, flavour)
        assert plain(view.stores) == plain(page.replayed(flavour, page.now))
        assert view.complete
    assert view.first > 0
    assert view.steps > 400
    earliest = (await all_changes(page, flavour))[0].moment
    assert (earliest.number, earliest.title) == (view.first, "Older steps are no longer known")


async def test_a_state_with_missing_rows_says_so(page: Page) -> None:
    page = Page(max_rows=10)
    for number in range(20):
        page.message(str(number))
    view = await page.states.view(page.client.id, Flavour.GUIDE)
    assert not view.complete
    assert len(view.stores.messages["alice"]) == 10


async def test_the_rows_of_other_clients_leave_the_state_correct(page: Page) -> None:
    page = Page(max_rows=10)
    page.message("1")
    assert len((await page.states.view(page.client.id, Flavour.GUIDE)).stores.messages["alice"]) == 1
    for _ in range(30):
        page.hub.journal.append(Kind.TO_UI, "typing", recipients=(99,))
        view = await page.states.view(page.client.id, Flavour.GUIDE)
    assert (len(view.stores.messages["alice"]), view.complete) == (1, True)
    page.message("2")
    view = await page.states.view(page.client.id, Flavour.GUIDE)
    assert (len(view.stores.messages["alice"]), view.complete) == (2, True)


async def test_pages_are_listed_with_their_newest_client(page: Page) -> None:
    page.hub.leave(page.client)
    page.wait(5)
    again = page.hub.join(RecordingTransport(), "bob", origin=ORIGIN, user_agent=AGENT)
    page.hub.join(RecordingTransport(), "zoe", origin="http://localhost:5173")
    known = [(each.client, each.username, each.connected) for each in page.states.pages]
    assert known == [(again.id, "bob", True), (3, "zoe", True)]
    assert page.states.page_number(page.client.id) == again.id
    page.hub.leave(again)
    assert [each.connected for each in page.states.pages] == [False, True]


@pytest.mark.usefixtures("small_chunks")
async def test_the_flavours_share_their_messages(page: Page) -> None:
    for number in range(40):
        page.message(str(number))
    guide, shipped = [(await page.states.view(page.client.id, flavour)).stores for flavour in Flavour]
    assert shipped.messages["alice"][30] is guide.messages["alice"][30]
    assert plain(shipped) == plain(page.replayed(Flavour.SHIPPED, page.now))
    page.message("last")
    for flavour in Flavour:
        view = await page.states.view(page.client.id, flavour)
        assert plain(view.stores) == plain(page.replayed(flavour, page.now))


async def test_an_inspection_compares_a_report_only_if_something_has_changed(page: Page) -> None:
    page.message("1")
    client, flavour = page.client.id, Flavour.GUIDE
    state = plain((await page.states.view(client, flavour)).stores)
    page.states.report(client, state)
    page.wait(1)
    page.message("2")
    page.wait(2)
    first = await page.states.inspect(client, flavour)
    page.wait(2)
    second = await page.states.inspect(client, flavour)
    assert [each.path for each in first.differences] == ["chatStore.messages.alice[1]"]
    assert second.differences is first.differences
    assert [each.path for each in second.deviations] == ["chatStore.messages.alice[1]"]
    page.states.report(client, plain(second.view.stores))
    third = await page.states.inspect(client, flavour)
    assert third.differences == []


async def test_an_inspection_does_not_search_very_many_steps_for_deviations(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ui_state, "MAX_COMPARED", 5)
    for number in range(10):
        page.message(str(number))
    page.states.report(page.client.id, {})
    page.wait(2)
    found = await page.states.inspect(page.client.id, Flavour.GUIDE)
    assert found.differences
    assert found.deviations == []
