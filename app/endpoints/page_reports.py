"""``POST /_companion/ui-state`` of the REST stand-in: a page of the UI reports the content of its stores.
``observers.ui_state`` keeps the reports: the newest says what the UI holds now, and earlier ones, up to a limit,
when the UI began to deviate from the expected state. The caller checks the page's origin.

It needs no token, because a page has none. A page can report only for a client that connected with the same origin
and user agent, also while it reconnects. The answer to a valid report is delayed, and a page may send one report at
a time, so that it cannot report too often.
"""

import json
from http import HTTPStatus
from typing import Any, Protocol

from aiohttp import web

from app.endpoints.body import as_json, read_bytes
from app.endpoints.errors import status_of
from app.endpoints.http_server import BODY_TIMEOUT_S
from app.hub.clock import Clock
from app.protocol.errors import Invalid, RequestError
from app.protocol.ui_paths import STORES

PATH = "/_companion/ui-state"
MAX_BYTES = 2 * 1024 * 1024
INTERVAL_S = 0.1
"""Delay of the answer. A page sends its next report after the answer, so this limits the rate of reports."""
S_PER_BYTE = 0.5 / MAX_BYTES
"""Further delay, because the time to parse and to compare a report grows with its size."""


class UiStates(Protocol):
    """Keeps the reported states; see ``app/observers/ui_state.py``."""

    def page_of_browser(self, origin: str, user_agent: str, username: str | None = None) -> Any:
        """Return the connected page of a browser, or the one that will reconnect.

        Raises ``NotFound``, and ``Conflict`` if there are several.
        """

    def report_of_page(self, page: Any, state: Any) -> None:
        """Store the state that a page reports."""

    async def make_room(self, client: int, size: int) -> None:
        """Compare earlier reports before the next one, of ``size`` bytes, discards some of them."""


class PageReports:
    """Handles the requests of pages that report their stores. A page may send one at a time."""

    def __init__(self, states: UiStates, clock: Clock) -> None:
        self._states = states
        self._clock = clock
        self._reporting: set[Any] = set()

    async def handle(self, request: web.Request) -> web.Response:
        """Store a report, and answer after a delay. The caller has checked the origin."""
        if request.method != "POST":
            return _error(HTTPStatus.METHOD_NOT_ALLOWED, f"{PATH} supports only POST.", {"Allow": "POST, OPTIONS"})
        origin = request.headers.get("Origin")
        if not origin:
            reason = "Only pages report here, and a page sends an Origin. Use `companion ui-state report`."
            return _error(HTTPStatus.FORBIDDEN, reason)
        try:
            agent = request.headers.get("User-Agent", "")
            page = self._states.page_of_browser(origin, agent, request.query.get("user"))
            if page in self._reporting:
                reason = "The page has not received the answer to its last report yet. Send one report at a time."
                return _error(HTTPStatus.TOO_MANY_REQUESTS, reason, {"Retry-After": "1"})
            self._reporting.add(page)
            try:
                await self._store(request, page)
            finally:
                self._reporting.discard(page)
        except RequestError as error:
            return _error(status_of(error), error.reason)
        except TimeoutError:
            reason = f"The body did not arrive within {BODY_TIMEOUT_S:g} s."
            return _error(HTTPStatus.REQUEST_TIMEOUT, reason)
        return web.Response(status=HTTPStatus.NO_CONTENT)

    async def _store(self, request: web.Request, page: Any) -> None:
        body = await read_bytes(request, MAX_BYTES)
        state = await as_json(body)
        stores = {name: state.get(name) for name in STORES.values()} if isinstance(state, dict) else {}
        if not stores or not all(isinstance(each, dict) for each in stores.values()):
            raise Invalid("The body must be an object with the stores chatStore, contactStore and uiStore.")
        await self._states.make_room(page.clients[-1], len(body))
        self._states.report_of_page(page, stores)
        await self._clock.sleep(INTERVAL_S + len(body) * S_PER_BYTE)


def _error(status: HTTPStatus, reason: str, headers: dict[str, str] | None = None) -> web.Response:
    body = json.dumps({"error": reason}).encode()
    return web.Response(status=status, body=body, content_type="application/json", headers=headers)
