"""The expected UI state over the control API: a client that acts as the UI does, over real sockets."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import aiohttp
import pytest

from app.hub.long_calls import compute
from app.observers.ui_reports import UiReports
from app.protocol.ui_comparison import Difference
from tests.conftest import PATIENCE_S, until
from tests.endpoints.conftest import MakeControl
from tests.endpoints.control_api import TOKEN, Control, message, online
from tests.endpoints.http_client import PAGE

BROWSER = {"Origin": PAGE, "User-Agent": "a browser", "Content-Type": "application/json"}


class Page:
    """A page of the chat UI: sends REST calls and opens one WebSocket, with one origin and user agent."""

    def __init__(self, control: Control, session: aiohttp.ClientSession) -> None:
        self._control = control
        self._session = session

    async def rest(self, method: str, path: str, body: Any = None) -> None:
        content = json.dumps(body) if body is not None else None
        url = self._control.companion.rest.url + path
        async with self._session.request(method, url, data=content, headers=BROWSER) as answer:
            await answer.read()

    async def load(self) -> None:
        await self.rest("GET", "/status")
        await self.rest("GET", "/friends")
        await self._control.connect(origin=PAGE, user_agent_header="a browser")


@pytest.fixture
async def page(make_control: MakeControl) -> Any:
    control = await make_control(allowed_origins=[PAGE])
    assert await control.companion.start_service("rest")
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        yield control, Page(control, session)


async def stores(control: Control, **query: object) -> dict[str, Any]:
    return dict((await control.get_json("/v1/ui-state", **query))["stores"])


async def contact(control: Control, name: str, **query: object) -> dict[str, Any]:
    contacts = (await stores(control, **query))["contactStore"]["contacts"]
    (found,) = (each for each in contacts if each["username"] == name)
    return dict(found)


async def test_the_state_of_a_page_results_from_frames_and_rest_calls(page: tuple[Control, Page]) -> None:
    control, ui = page
    await ui.load()
    sent = message("hello")
    await control.post("/v1/events", sent)
    found = await control.get_json("/v1/ui-state")
    assert (found["client"], found["flavour"], found["complete"], found["rest_is_guess"]) == (
        1,
        "guide",
        True,
        False,
    )
    assert found["stores"]["uiStore"]["backendConnected"] is True
    assert found["stores"]["chatStore"]["messages"] == {"alice": [sent["data"]]}
    alice = await contact(control, "alice")
    assert (alice["lastMessage"], alice["unreadCount"]) == ("hello", 1)
    await ui.rest("GET", "/messages?peer=alice&limit=50&offset=0")
    opened = await stores(control)
    assert opened["chatStore"]["activeChat"] == "alice"
    assert "hello" in [each["text"] for each in opened["chatStore"]["messages"]["alice"]]
    assert (await contact(control, "alice"))["unreadCount"] == 0


async def test_the_state_after_a_given_row(page: tuple[Control, Page]) -> None:
    control, ui = page
    await ui.load()
    first = (await control.post("/v1/events", message("one"))).json["seq"]
    await control.post("/v1/events", message("two"))
    assert (await contact(control, "alice"))["lastMessage"] == "two"
    assert (await contact(control, "alice", after=first))["lastMessage"] == "one"
    assert (await control.get("/v1/ui-state", query={"after": 9999})).status == 404


async def test_the_flavours_differ_for_a_duplicate(page: tuple[Control, Page]) -> None:
    control, ui = page
    await ui.load()
    duplicate = message("again")
    for _ in range(2):
        await control.post("/v1/events?strict=0", duplicate)
    assert (await contact(control, "alice"))["unreadCount"] == 1
    assert (await contact(control, "alice", flavour="shipped"))["unreadCount"] == 2


async def test_only_frames_to_this_client_count_and_several_clients_need_a_number(
    page: tuple[Control, Page],
) -> None:
    control, ui = page
    await ui.load()
    await control.connect("bob")
    await control.post("/v1/events?to=client:2", online("bob"))
    without_number = await control.get("/v1/ui-state")
    assert (without_number.status, without_number.detail) == (
        422,
        "2 clients are connected. Select one by its number.",
    )
    expecting = await control.post("/v1/ui-state/expect", {"equal": True, "within": 30})
    assert (expecting.status, expecting.detail) == (422, without_number.detail)
    assert (await contact(control, "bob", client=1))["online"] is False
    assert (await control.get("/v1/ui-state", query={"client": 7})).status == 404


async def test_rest_calls_of_two_pages_of_one_browser_are_assigned_by_guessing(page: tuple[Control, Page]) -> None:
    control, ui = page
    await ui.load()
    await ui.load()
    assert (await control.get_json("/v1/ui-state", client=2))["rest_is_guess"]


async def test_a_reported_state_is_compared_and_expected(page: tuple[Control, Page]) -> None:
    control, ui = page
    await ui.load()
    await control.post("/v1/events", message("hello"))
    assert (await control.post("/v1/ui-state/compare", {})).status == 409, "nothing is reported yet"
    without_report = await control.post(
        "/v1/ui-state/expect", {"conditions": ["chat.activeChat=null"], "within": 0}
    )
    assert (without_report.json["met"], without_report.json["has_reported"]) == (False, False)
    correct = await stores(control)
    assert (await control.post("/v1/ui-state/compare", {"state": correct})).json["equal"]
    incorrect = json.loads(json.dumps(correct))
    next(each for each in incorrect["contactStore"]["contacts"] if each["username"] == "alice")["unreadCount"] = 2
    (found,) = (await control.post("/v1/ui-state/compare", {"state": incorrect})).json["differences"]
    assert found["path"].endswith(".unreadCount")
    assert (found["expected"], found["reported"]) == (1, 2)
    expecting = asyncio.create_task(
        control.post("/v1/ui-state/expect", {"conditions": ["contact.contacts[alice].unreadCount=2"], "within": 30})
    )
    assert (await control.put("/v1/ui-state/reported", incorrect)).status == 204
    assert (await asyncio.wait_for(expecting, PATIENCE_S)).json["met"]
    comparison = await control.post("/v1/ui-state/expect", {"equal": True, "within": 0})
    assert (comparison.json["met"], [each["path"] for each in comparison.json["differences"]]) == (
        False,
        [found["path"]],
    )
    await control.put("/v1/ui-state/reported", correct)
    assert (await control.post("/v1/ui-state/expect", {"equal": True, "within": 0})).json["met"]


async def test_a_partial_state_is_compared_only_in_what_it_contains(page: tuple[Control, Page]) -> None:
    control, ui = page
    await ui.load()
    await control.post("/v1/events", message("hello"))
    names = [each["username"] for each in (await stores(control))["contactStore"]["contacts"]]
    on_screen: dict[str, Any] = {
        "chatStore": {"typingUsers": {"alice": False}},
        "contactStore": {
            "contacts": [
                {"username": name, "unreadCount": int(name == "alice"), "lastMessage": "hello" * (name == "alice")}
                for name in sorted(names, reverse=True)
            ]
        },
    }
    answer = await control.post("/v1/ui-state/compare", {"state": on_screen, "partial": True})
    assert answer.json["equal"], answer.json
    assert not (await control.post("/v1/ui-state/compare", {"state": on_screen})).json["equal"]
    assert (await control.put("/v1/ui-state/reported?partial=true", on_screen)).status == 204
    assert (await control.post("/v1/ui-state/expect", {"equal": True, "within": 0})).json["met"]
    found = await control.get_json("/v1/ui-state/reported")
    assert (found["partial"], found["stores"]) == (True, on_screen)
    alice = next(each for each in on_screen["contactStore"]["contacts"] if each["username"] == "alice")
    alice["unreadCount"] = 2
    del on_screen["contactStore"]["contacts"][0]
    answer = await control.post("/v1/ui-state/compare", {"state": on_screen, "partial": True})
    paths = {each["path"]: (each["expected"], each["reported"]) for each in answer.json["differences"]}
    assert paths.pop("contactStore.contacts[alice].unreadCount") == (1, 2)
    ((missing, (_, nothing)),) = paths.items()
    assert missing == f"contactStore.contacts[{max(names)}]"
    assert nothing is None


async def test_compare_names_the_row_at_which_the_reported_state_began_to_deviate(
    page: tuple[Control, Page],
) -> None:
    control, ui = page
    await ui.load()
    await control.put("/v1/ui-state/reported", await stores(control))
    first = await control.post("/v1/events", message("one"))
    incorrect = await stores(control)
    next(each for each in incorrect["contactStore"]["contacts"] if each["username"] == "alice")["unreadCount"] = 7
    await control.put("/v1/ui-state/reported", incorrect)
    answer = (await control.post("/v1/ui-state/compare", {})).json
    deviation = {
        "seq": first.json["seq"], "last_seq": first.json["seq"], "title": "new_message",
        "path": "contactStore.contacts[alice].unreadCount", "expected": 1, "reported": 7,
    }  # fmt: skip
    assert (answer["equal"], answer["deviations"]) == (False, [deviation])
    await control.put("/v1/ui-state/reported", await stores(control))
    answer = (await control.post("/v1/ui-state/compare", {})).json
    assert (answer["equal"], answer["deviations"]) == (True, [deviation]), "it is kept"
    answer = (await control.post("/v1/ui-state/compare", {"after": first.json["seq"]})).json
    assert (answer["equal"], answer["deviations"]) == (True, [])
    assert (await control.post("/v1/ui-state/compare", {"flavour": "shipped"})).json["deviations"] == [deviation]


async def test_an_expectation_does_not_wait_for_other_computations(page: tuple[Control, Page]) -> None:
    """Regression: it waited for the threads that parsed long sessions, longer than it may take."""
    control, ui = page
    await ui.load()
    assert (await control.put("/v1/ui-state/reported", await stores(control))).status == 204
    may_end = threading.Event()
    others = [asyncio.create_task(compute(may_end.wait, 60)) for _ in range(8)]
    try:
        expecting = control.post("/v1/ui-state/expect", {"equal": True, "within": 0})
        assert (await asyncio.wait_for(expecting, PATIENCE_S)).json["met"]
    finally:
        may_end.set()
        await asyncio.gather(*others)


async def test_states_are_compared_in_a_thread(page: tuple[Control, Page], monkeypatch: pytest.MonkeyPatch) -> None:
    """Regression: a comparison of 100,000 messages delayed all clients by a second."""
    control, ui = page
    await ui.load()
    count, threads = 0, list[threading.Thread]()

    def differences(*_: object, **__: object) -> Iterator[Difference]:
        for number in range(count):
            threads.append(threading.current_thread())
            yield Difference(f"chat.x{number}", 1, 2)
        threads.append(threading.current_thread())

    monkeypatch.setattr("app.observers.ui_state.differences", differences)
    state = await stores(control)
    assert (await control.put("/v1/ui-state/reported", state)).status == 204
    assert (await control.post("/v1/ui-state/compare", {})).json["equal"]
    assert len(threads) == 2, "once to wait until the UI has settled"
    count = 1_000
    found = (await control.post("/v1/ui-state/compare", {"state": state, "limit": 3})).json["differences"]
    assert [each["path"] for each in found] == ["chat.x0", "chat.x1", "chat.x2"]
    assert len(threads) == 2 + 3
    expected = {"equal": True, "conditions": ["chat.activeChat=bob"], "within": 0}
    unmet = (await control.post("/v1/ui-state/expect", expected)).json["differences"]
    assert [each["path"] for each in unmet] == ["chat.activeChat", *(f"chat.x{number}" for number in range(19))]
    assert len(threads) == 2 + 3 + 2 * 19, "the expectation was examined twice"
    assert threading.main_thread() not in threads


async def test_a_state_with_mistyped_stores_is_refused(page: tuple[Control, Page]) -> None:
    """Regression: such a partial state had nothing to compare, and was always equal."""
    control, ui = page
    await ui.load()
    mistyped: dict[str, Any] = {"contact": {"contacts": []}}
    for answer in (
        await control.post("/v1/ui-state/compare", {"state": mistyped, "partial": True}),
        await control.put("/v1/ui-state/reported?partial=true", mistyped),
        await control.put("/v1/ui-state/reported", mistyped),
    ):
        assert (answer.status, answer.detail.split("; ")[-1]) == (422, "did you mean contactStore?")
    assert (await control.get("/v1/ui-state/reported")).status == 409, "nothing was stored"


async def test_what_a_call_of_the_page_caused_is_named_after_the_row_of_the_call(
    page: tuple[Control, Page],
) -> None:
    control, ui = page
    await ui.load()
    event = (await control.post("/v1/events", message("one"))).json["seq"]
    await control.put("/v1/ui-state/reported", await stores(control))
    await control.post("/v1/ui-state/compare", {})
    await ui.rest("POST", "/messages", {"to": "alice", "text": "two"})
    (call,) = await control.rows('event:"POST /messages"')
    incorrect = await stores(control)
    next(each for each in incorrect["contactStore"]["contacts"] if each["username"] == "alice")["lastMessage"] = "x"
    await control.put("/v1/ui-state/reported", incorrect)
    (deviation,) = (await control.post("/v1/ui-state/compare", {"after": event})).json["deviations"]
    assert deviation["seq"] == deviation["last_seq"] == call["seq"] > event
    assert deviation["title"] == "POST /messages → 200"
    assert (await control.post("/v1/ui-state/compare", {"after": call["seq"]})).json["deviations"] == []


async def test_the_size_of_a_report_is_that_of_its_body(
    page: tuple[Control, Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: it was 0 if the body was chunked."""
    control, ui = page
    await ui.load()
    sizes: list[int] = []

    def has_room(_: UiReports, size: int) -> bool:
        sizes.append(size)
        return True

    monkeypatch.setattr(UiReports, "has_room", has_room)
    text = json.dumps(await stores(control)).encode()

    async def chunks() -> AsyncIterator[bytes]:
        yield text

    url, headers = f"{control.companion.control.url}/v1/ui-state/reported", {"Authorization": f"Bearer {TOKEN}"}
    async with (
        aiohttp.ClientSession(headers={**headers, "Content-Type": "application/json"}) as session,
        session.put(url, data=chunks()) as answer,
    ):
        assert answer.status == 204
    assert sizes[0] == len(text)


async def test_expect_can_require_a_report_after_a_row(page: tuple[Control, Page]) -> None:
    control, ui = page
    await ui.load()
    state = await stores(control)
    await control.put("/v1/ui-state/reported", state)
    condition: dict[str, Any] = {"conditions": ["chat.activeChat=null"], "within": 0}
    assert (await control.post("/v1/ui-state/expect", condition)).json["met"]
    row = (await control.post("/v1/events", online("alice"))).json["seq"]
    answer = (await control.post("/v1/ui-state/expect", {**condition, "after": row})).json
    assert (answer["met"], answer["has_reported"]) == (False, False), "the report is from before the event"
    await control.put("/v1/ui-state/reported", state)
    assert (await control.post("/v1/ui-state/expect", {**condition, "after": row})).json["met"]


async def test_expect_waits_for_a_client_while_none_is_connected(page: tuple[Control, Page]) -> None:
    control, ui = page
    nothing = (await control.post("/v1/ui-state/expect", {"equal": True, "within": 0})).json
    assert (nothing["met"], nothing["has_reported"], nothing["client"]) == (False, False, None)
    expecting = asyncio.create_task(control.post("/v1/ui-state/expect", {"equal": True, "within": 30}))
    await ui.load()
    assert (await control.put("/v1/ui-state/reported", await stores(control))).status == 204
    answer = await asyncio.wait_for(expecting, PATIENCE_S)
    assert (answer.json["met"], answer.json["client"]) == (True, 1)


async def test_a_report_does_not_count_while_no_client_is_connected(
    page: tuple[Control, Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: the last report of the client that had disconnected met the expectation."""
    control, ui = page
    await ui.load()
    companion, reported, met = control.companion, await stores(control), []

    async def wait_until(is_met: Callable[[], Awaitable[bool]], _: float) -> bool:
        met.append(await is_met())
        companion.ui_states.report(1, reported)
        met.append(await is_met())
        companion.hub.clients[0].abort()
        await until(lambda: not companion.hub.clients)
        met.append(await is_met())
        return met[-1]

    monkeypatch.setattr(companion.ui_states, "wait_until", wait_until)
    answer = (await control.post("/v1/ui-state/expect", {"conditions": ["chat.activeChat=null"]})).json
    assert met == [False, True, False]
    assert (answer["met"], answer["client"], answer["has_reported"]) == (False, None, False)


async def test_the_open_chat_can_be_corrected(page: tuple[Control, Page]) -> None:
    control, ui = page
    await ui.load()
    assert (await control.put("/v1/ui-state/active-chat", {"peer": "bob"})).status == 204
    await control.post("/v1/events", message("hi", **{"from": "bob"}))
    assert (await stores(control))["chatStore"]["activeChat"] == "bob"
    assert (await contact(control, "bob"))["unreadCount"] == 0


@pytest.mark.parametrize(
    ("conditions", "detail"),
    [
        (["alice"], "Write it as PATH=VALUE"),
        (["message.alice=1"], "Unknown store 'message'"),
        ([], "Give at least one condition"),
    ],
)
async def test_an_invalid_condition_is_rejected_with_the_reason(
    control: Control, conditions: list[str], detail: str
) -> None:
    await control.connect()
    answer = await control.post("/v1/ui-state/expect", {"conditions": conditions})
    assert answer.status == 422
    assert detail in answer.detail


async def test_without_a_client_an_error_is_returned(control: Control) -> None:
    answer = await control.get("/v1/ui-state")
    assert (answer.status, answer.detail) == (409, "No client is connected. Start your UI first.")


async def test_a_duplicate_is_reported_as_a_row_of_the_log(page: tuple[Control, Page]) -> None:
    control, ui = page
    await ui.load()
    duplicate = message("again")
    first = (await control.post("/v1/events", duplicate)).json["seq"]
    second = (await control.post("/v1/events?strict=0", duplicate)).json["seq"]
    await until(lambda: any(row.event == "ui-state" for row in control.companion.journal))
    (row,) = await control.rows("is:ui-state")
    assert row["note"] == (
        f"#{second}: unread of alice will be 2 in the released UI, 1 in a correct one: duplicate ID of #{first}"
    )
    assert (row["client"], row["verdict"]) == ("1", "warning")
    assert (await contact(control, "alice", flavour="shipped"))["unreadCount"] == 2


async def test_a_setting_switches_the_warnings_off_and_on(page: tuple[Control, Page]) -> None:
    control, ui = page
    await control.patch("/v1/settings", {"check_ui_state": False})
    await ui.load()
    assert not control.companion.ui_checks.active
    await control.patch("/v1/settings", {"check_ui_state": True})
    assert control.companion.ui_checks.active


async def test_the_last_changes_and_what_made_a_value(page: tuple[Control, Page]) -> None:
    control, ui = page
    await ui.load()
    first = (await control.post("/v1/events", message("one"))).json["seq"]
    second = (await control.post("/v1/events", message("two"))).json["seq"]
    found = (await control.get_json("/v1/ui-state/changes", limit=2))["changes"]
    assert [(each["seq"], each["title"]) for each in found] == [
        (first, "new_message · alice → me: one"),
        (second, "new_message · alice → me: two"),
    ]
    changed = {each["path"]: (each["kind"], each["before"], each["after"]) for each in found[1]["changes"]}
    assert changed["contactStore.contacts[alice].unreadCount"] == ("changed", 1, 2)
    assert changed["chatStore.messages.alice[1]"][0] == "added"
    (only,) = (await control.get_json("/v1/ui-state/changes", after=first))["changes"]
    assert only["seq"] == first
    value = "contact.contacts[alice].lastMessage"
    assert (await control.get_json("/v1/ui-state/origin", value=value))["change"]["seq"] == second
    assert (await control.get_json("/v1/ui-state/origin", value=value, after=first))["change"]["seq"] == first
    assert (await control.get_json("/v1/ui-state/origin", value="chat.activeChat"))["change"] is None
    loaded = (await control.get_json("/v1/ui-state/origin", value="contact.contacts[alice].username"))["change"]
    assert (loaded["seq"], loaded["title"]) == (0, "GET /friends → 200")
    missing = await control.get("/v1/ui-state/origin", query={"value": "chat.messages.nobody"})
    assert (missing.status, missing.detail) == (404, "The stores have no value 'chat.messages.nobody'.")


async def test_the_changes_of_a_page_that_was_just_loaded_end_at_its_beginning(
    page: tuple[Control, Page],
) -> None:
    control, ui = page
    await ui.load()
    found = (await control.get_json("/v1/ui-state/changes", limit=200))["changes"]
    assert found[0]["title"] == "GET /status → 200"
    assert "Client 1 connected" in [each["title"] for each in found]


async def test_the_known_pages_are_listed(page: tuple[Control, Page]) -> None:
    control, ui = page
    await ui.load()
    await (await control.connect("bob")).close()
    await until(lambda: control.companion.hub.connection_count == 1)
    found = {each["client"]: each for each in await control.get_json("/v1/ui-state/clients")}
    assert [(number, each["user"], each["connected"]) for number, each in sorted(found.items())] == [
        (1, "me", True),
        (2, "bob", False),
    ]
    assert (found[1]["origin"], found[1]["has_reported"], found[1]["rest_is_guess"]) == (PAGE, False, False)
