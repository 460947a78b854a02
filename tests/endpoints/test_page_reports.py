"""Pages that report their stores over the REST stand-in: which ones may, what is rejected, and how fast."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin

from app.endpoints import page_reports
from app.endpoints.page_reports import MAX_BYTES, PATH
from app.hub.rest_exchange import RestExchange
from app.protocol.ui_stores import Flavour
from tests.conftest import newest_client, until
from tests.endpoints.http_client import PAGE, Answer, Rest

AGENT = "a browser"
HEADERS = {"Origin": PAGE, "User-Agent": AGENT}
STORES: dict[str, Any] = {"chatStore": {"activeChat": "alice"}, "contactStore": {"contacts": []}, "uiStore": {}}


@pytest.fixture(autouse=True)
def no_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer at once. Tests that need the delay set it."""
    monkeypatch.setattr(page_reports, "INTERVAL_S", 0.0)


@asynccontextmanager
async def page(
    rest: Rest, origin: Origin = PAGE, agent: str = AGENT, username: str = "me"
) -> AsyncIterator[ClientConnection]:
    """Connect as a page of the UI does."""
    hub, url = rest.companion.hub, f"{rest.companion.server.url}?username={username}"
    before = newest_client(hub)
    async with connect(url, origin=origin, user_agent_header=agent, proxy=None) as client:
        await until(lambda: newest_client(hub) > before)
        yield client


async def report(rest: Rest, state: Any = STORES, path: str = PATH, **headers: str) -> Answer:
    return await rest.post(
        path, state, headers={**HEADERS, **{name.replace("_", "-"): v for name, v in headers.items()}}
    )


def reported(rest: Rest, client: int = 1) -> Any:
    last = rest.companion.ui_states.reported(client)
    return last.state if last else None


async def test_a_page_reports_the_state_of_its_own_client(rest: Rest) -> None:
    async with page(rest), page(rest, agent="another browser"):
        answer = await report(rest)
        assert (answer.status, answer.body) == (204, b"")
        assert answer.headers["Access-Control-Allow-Origin"] == PAGE
        assert reported(rest, 1) == STORES
        assert reported(rest, 2) is None


async def test_a_compressed_report_is_refused(rest: Rest) -> None:
    async with page(rest):
        assert (
            await report(rest, gzip.compress(json.dumps(STORES).encode()), Content_Encoding="gzip")
        ).status == 415
        assert reported(rest) is None


async def test_a_report_is_neither_logged_nor_an_exchange_of_the_ui(rest: Rest) -> None:
    exchanges: list[RestExchange] = []
    rest.companion.hub.rest_exchanges.connect(exchanges.append)
    async with page(rest):
        rows = len(rest.companion.journal)
        await report(rest)
        assert len(rest.companion.journal) == rows
        assert exchanges == []


async def test_only_the_three_stores_are_kept(rest: Rest) -> None:
    async with page(rest):
        await report(rest, {**STORES, "cookies": {"session": "secret"}})
        assert reported(rest) == STORES


async def test_a_page_without_a_client_cannot_report(rest: Rest) -> None:
    answer = await report(rest)
    assert (answer.status, answer.error) == (404, "No client of this page is connected to the event server.")
    async with page(rest, agent="another browser"):
        assert (await report(rest)).status == 404
        assert reported(rest) is None


async def test_two_pages_of_one_browser_need_the_name_of_their_user(rest: Rest) -> None:
    async with page(rest), page(rest, username="bob"):
        answer = await report(rest)
        assert answer.status == 409
        assert "add ?user=NAME" in answer.error
        assert (await report(rest, path=f"{PATH}?user=bob")).status == 204
        assert (reported(rest, 1), reported(rest, 2)) == (None, STORES)
        assert (await report(rest, path=f"{PATH}?user=carol")).status == 404


async def test_a_reload_leaves_the_reports_of_the_old_page(rest: Rest) -> None:
    async with page(rest) as client:
        await report(rest)
        await client.close(1001)
    await until(lambda: not rest.companion.hub.clients)
    assert (await report(rest)).status == 404, "the page was closed"
    async with page(rest):
        assert reported(rest, 2) is None


async def test_a_page_reports_while_it_reconnects(rest: Rest) -> None:
    disconnected = {**STORES, "uiStore": {"wsConnected": False}}
    async with page(rest), page(rest, agent="another browser"):
        rest.companion.hub.clients[0].close(1012, "")
        await until(lambda: len(rest.companion.hub.clients) == 1)
        assert (await report(rest, disconnected)).status == 204
        assert (reported(rest, 1), reported(rest, 2)) == (disconnected, None)
        assert (await report(rest, path=f"{PATH}?user=bob")).status == 404


async def test_pages_that_were_disconnected_together_cannot_be_told_apart(rest: Rest) -> None:
    async with page(rest), page(rest):
        pass
    await until(lambda: not rest.companion.hub.clients)
    assert (await report(rest)).status == 409
    assert (reported(rest, 1), reported(rest, 2)) == (None, None)


# hostile pages and programs


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost:1421", "http://LOCALHOST:1420"]
)
async def test_a_page_of_another_origin_is_rejected(rest: Rest, origin: str) -> None:
    async with page(rest):
        for method, body in (("POST", STORES), ("OPTIONS", None)):
            answer = await rest.call(method, PATH, body, headers={**HEADERS, "Origin": origin})
            assert answer.status == 403
            assert "Access-Control-Allow-Origin" not in answer.headers
        # what needs no preflight
        plain = {**HEADERS, "Origin": origin, "Content-Type": "text/plain"}
        assert (await rest.post(PATH, STORES, headers=plain)).status == 403
        assert reported(rest) is None


async def test_an_allowed_page_cannot_report_for_a_page_of_another_origin(rest: Rest) -> None:
    async with page(rest, origin=Origin("tauri://localhost")):
        assert (await report(rest)).status == 404
        assert reported(rest) is None


async def test_a_request_without_origin_is_rejected(rest: Rest) -> None:
    async with page(rest):
        answer = await rest.post(PATH, STORES, headers={"User-Agent": AGENT})
        assert answer.status == 403
        assert "companion ui-state report" in answer.error


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_only_post_is_supported(rest: Rest, method: str) -> None:
    answer = await rest.call(method, PATH, headers=HEADERS)
    assert (answer.status, answer.headers["Allow"]) == (405, "POST, OPTIONS")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"x" * (MAX_BYTES + 1), 413),
        (b"[" * 100_000, 400),
        (json.dumps({**STORES, "uiStore": {"deep": [[[]]]}}).replace("[[[]]]", "[" * 40 + "]" * 40).encode(), 400),
        (b'{"chatStore": {}, "chatStore": {}}', 400),
        (b'{"chatStore": {"n": NaN}}', 400),
        (b"\xff", 400),
        (b"", 400),
        (b"[]", 422),
        (b"{}", 422),
        (b'{"chatStore": {}, "contactStore": {}}', 422),
        (b'{"chatStore": {}, "contactStore": {}, "uiStore": []}', 422),
    ],
    ids=["too large", "deep", "deep object", "duplicate key", "NaN", "not UTF-8", "empty", "list", "no store",
         "store missing", "store is a list"],
)  # fmt: skip
async def test_a_body_that_is_no_state_is_rejected_with_the_reason(rest: Rest, body: bytes, status: int) -> None:
    async with page(rest):
        answer = await report(rest, body)
        assert answer.status == status
        assert answer.error
        assert answer.headers["Access-Control-Allow-Origin"] == PAGE
        assert reported(rest) is None
        assert (await report(rest)).status == 204, "the next report is accepted"


async def test_a_flood_is_rejected_and_other_pages_are_not_affected(
    rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_reports, "INTERVAL_S", 30.0)
    async with page(rest), page(rest, agent="another browser"):
        first = asyncio.create_task(report(rest))
        await until(lambda: reported(rest) is not None)
        for _ in range(20):
            answer = await report(rest, {**STORES, "uiStore": {"flood": True}})
            assert (answer.status, answer.headers["Retry-After"]) == (429, "1")
        assert reported(rest) == STORES
        other = asyncio.create_task(report(rest, User_Agent="another browser"))
        await until(lambda: reported(rest, 2) is not None)
        for task in (first, other):
            task.cancel()


async def test_many_reports_keep_the_memory_within_limits(rest: Rest) -> None:
    states = rest.companion.ui_states
    async with page(rest):
        found = states.page_of_browser(PAGE, AGENT)
        for number in range(2_000):
            await states.make_room(1, 100)
            states.report_of_page(found, {**STORES, "uiStore": {"n": number}})
        kept = found.reports._reports
        assert len(kept) <= 500
        for _ in range(5):
            await states.make_room(1, MAX_BYTES)
            states.report_of_page(found, {**STORES, "extraStore": "x" * MAX_BYTES})
        assert found.reports.bytes == sum(len(each.json) for each in kept) <= 2 * MAX_BYTES
        states.report_of_page(found, STORES)
        assert await states.deviations(1, Flavour.GUIDE) == []
        assert reported(rest) == STORES
