"""Control API operations on the state of a client's UI: return the expected one and its latest changes, receive the
real one from a test, compare the two, or wait until the real one meets conditions or equals the expected.

The companion computes the expected state, but cannot read the real one: a test sends it here (*reports* it), and a
page of the UI to the REST stand-in (``page_reports``). Other operations return the last report, return which change
made a value, list the pages of UIs, and correct which chat is open.
"""

from collections.abc import Iterable
from http import HTTPStatus
from itertools import chain, islice
from typing import Any

from app.endpoints.control import ui_state_shapes as shapes
from app.endpoints.control.operations import Call, Operations, Scope, operation
from app.hub.long_calls import compute
from app.protocol.errors import Conflict, Invalid
from app.protocol.ui_comparison import (
    Condition,
    Difference,
    InvalidCondition,
    as_plain,
    parse_condition,
    why_not_comparable,
)
from app.protocol.ui_deviations import Report
from app.protocol.ui_stores import Flavour

MAX_STATE_BYTES = 4 * 1024 * 1024
"""Limit of a reported state."""
SHOWN_UNMET = 20
NOT_REPORTED = (
    "The UI has not reported its state. Send the state in the request (`companion ui-state compare FILE`), "
    "or report it (`companion ui-state report FILE`), or add the reporter to the UI: "
    "`companion ui-state code reporter` prints it."
)

NOT_FOUND = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)


class UiStateOperations(Operations):
    """Return the expected state of a UI's stores, and compare it with the reported state."""

    @operation("GET", "/v1/ui-state", scope=Scope.AGENT, query=shapes.UiStateQuery, answer=shapes.UiStateInfo,
               errors=NOT_FOUND)  # fmt: skip
    async def expected_ui_state(self, call: Call) -> shapes.UiStateInfo:
        """Return what the stores of a client's UI must contain (guide §6)."""
        query: shapes.UiStateQuery = call.query
        found = await self._service.ui_states.expected(self._number(query.client), query.flavour, query.after)
        # In a thread, because a long history has megabytes. The stores do not change.
        stores = await compute(lambda: as_plain(found.stores.to_json()))
        return shapes.ui_state_info(found, stores)

    @operation("GET", "/v1/ui-state/changes", scope=Scope.AGENT, query=shapes.UiChangesQuery,
               answer=shapes.UiChanges, errors=NOT_FOUND)  # fmt: skip
    async def ui_state_changes(self, call: Call) -> shapes.UiChanges:
        """Return the last changes of the expected state until now, or until a row of the log."""
        query: shapes.UiChangesQuery = call.query
        client, states = self._number(query.client), self._service.ui_states
        found = await states.recent_changes(client, query.flavour, query.after, query.limit)
        infos = [shapes.change_info(each, states.wall_time(each.moment.at)) for each in found]
        return shapes.UiChanges(client=client, flavour=query.flavour, changes=infos)

    @operation("GET", "/v1/ui-state/origin", scope=Scope.AGENT, query=shapes.UiOriginQuery, answer=shapes.UiOrigin,
               errors=NOT_FOUND)  # fmt: skip
    async def ui_state_origin(self, call: Call) -> shapes.UiOrigin:
        """Return the change that made a value of the expected state: the last one that changed this value."""
        query: shapes.UiOriginQuery = call.query
        client, states = self._number(query.client), self._service.ui_states
        found = await states.origin(client, query.flavour, query.value, query.after)
        info = shapes.change_info(found, states.wall_time(found.moment.at)) if found else None
        return shapes.UiOrigin(client=client, flavour=query.flavour, path=query.value, change=info)

    @operation("GET", "/v1/ui-state/clients", scope=Scope.AGENT, answer=list[shapes.UiPageInfo])
    async def ui_state_clients(self, call: Call) -> list[shapes.UiPageInfo]:
        """Return the pages whose state can be computed: connected clients, and pages that have disconnected."""
        return [shapes.page_info(page) for page in self._service.ui_states.pages]

    @operation("GET", "/v1/ui-state/reported", scope=Scope.AGENT, query=shapes.UiClientQuery,
               answer=shapes.ReportedState, errors=NOT_FOUND)  # fmt: skip
    async def reported_ui_state(self, call: Call) -> shapes.ReportedState:
        """Return the state that a client's UI reported last."""
        client = self._number(call.query.client)
        report = self._service.ui_states.reported(client)
        if report is None:
            raise Conflict(NOT_REPORTED)
        return shapes.ReportedState(client=client, seq=report.seq, partial=report.partial, stores=report.state)

    @operation("PUT", "/v1/ui-state/reported", scope=Scope.AGENT, query=shapes.UiReportQuery, body=shapes.Stores,
               limit=MAX_STATE_BYTES, errors=NOT_FOUND)  # fmt: skip
    async def report_ui_state(self, call: Call) -> None:
        """Report what the stores of a client's UI contain now, for comparisons and expectations."""
        query: shapes.UiReportQuery = call.query
        _check(call.body, partial=query.partial)
        client = self._number(query.client)
        await self._service.ui_states.make_room(client, call.body_bytes)
        self._service.ui_states.report(client, call.body, partial=query.partial)

    @operation("POST", "/v1/ui-state/compare", scope=Scope.AGENT, body=shapes.ComparisonBody,
               answer=shapes.Comparison, limit=MAX_STATE_BYTES, errors=NOT_FOUND)  # fmt: skip
    async def compare_ui_state(self, call: Call) -> shapes.Comparison:
        """Compare a state of the UI with the expected one; return the first values that differ.

        Without a state, compare what the UI reported. If it differs, wait until the UI had time to catch up.
        """
        body: shapes.ComparisonBody = call.body
        if body.state is not None:
            _check(body.state, partial=body.partial)
        client = self._number(body.client)
        states, flavour = self._service.ui_states, body.flavour
        report: Report | None
        if body.state is not None:
            report = Report.of(0, 0, body.state, partial=body.partial)
        elif states.reported(client) is None:
            raise Conflict(NOT_REPORTED)
        else:
            await states.wait_until_settled(client, flavour)
            report = states.reported(client)
        found = await self._differences(client, flavour, report, body.limit)
        deviations = [each for each in await states.deviations(client, flavour) if each.seq > body.after]
        return shapes.Comparison(
            client=client, equal=not found, differences=_infos(found),
            deviations=[shapes.DeviationInfo(**each._asdict()) for each in deviations[: body.limit]],
        )  # fmt: skip

    @operation("POST", "/v1/ui-state/expect", scope=Scope.AGENT, body=shapes.UiExpectationBody,
               answer=shapes.UiExpectationResult, errors=NOT_FOUND)  # fmt: skip
    async def expect_ui_state(self, call: Call) -> shapes.UiExpectationResult:
        """Wait until the state that the UI reports fulfils conditions. Without a report, they are not met.

        While no client is connected, such as while the UI reconnects, they are not met either.
        """
        body: shapes.UiExpectationBody = call.body
        conditions = _conditions(body.conditions)
        if not conditions and not body.equal:
            raise Invalid("Give at least one condition, or set equal.")
        states = self._service.ui_states
        client = body.client

        def report() -> Report | None:
            last = None if client is None else states.reported(client)
            return last if last and (last.seq >= body.after) else None

        async def unmet() -> list[Difference]:
            last = report()
            unfulfilled = chain.from_iterable(each.differences(last.state if last else None) for each in conditions)
            found = list(islice(unfulfilled, SHOWN_UNMET))
            if body.equal and client is not None and len(found) < SHOWN_UNMET:
                found += await self._differences(client, body.flavour, last, SHOWN_UNMET - len(found))
            return found

        async def is_met() -> bool:
            nonlocal client
            client = self._awaited(client, is_given=body.client is not None)
            return report() is not None and not await unmet()

        met = await states.wait_until(is_met, body.within)
        return shapes.UiExpectationResult(
            client=client,
            met=met,
            has_reported=report() is not None,
            differences=[] if met else _infos(await unmet()),
            why_no_client=self._service.why_no_client(body.within) if client is None else "",
        )

    @operation("PUT", "/v1/ui-state/active-chat", scope=Scope.AGENT, body=shapes.ActiveChatBody, errors=NOT_FOUND)
    async def select_chat(self, call: Call) -> None:
        """Set which chat is open in the UI, if the one derived from its requests is wrong."""
        self._service.ui_states.select(self._number(call.body.client), call.body.peer)

    def _number(self, client: int | None) -> int:
        """Return the number of a client, by default of the only one. Raises ``Conflict`` and ``Invalid``."""
        found = client if client is not None else self._only_client()
        if found is None:
            remedy = self._service.refused_page() or "Start your UI first."
            raise Conflict(f"No client is connected. {remedy}")
        return found

    def _awaited(self, last: int | None, *, is_given: bool) -> int | None:
        """Return the client that an expectation waits for: the given one, or the only one; None without one.

        It stays the ``last`` one while that is connected, although another client connects.
        """
        connected = [client.id for client in self._service.hub.clients]
        return last if is_given or last in connected else self._only_client()

    def _only_client(self) -> int | None:
        """Return the only connected client, or None without one. Raises ``Invalid`` if there are several."""
        connected = self._service.hub.clients
        if len(connected) > 1:
            raise Invalid(f"{len(connected)} clients are connected. Select one by its number.")
        return connected[0].id if connected else None

    async def _differences(
        self, client: int, flavour: Flavour, report: Report | None, limit: int
    ) -> list[Difference]:
        """Return how a report (by default, the last one) differs from the expected state."""
        states = self._service.ui_states
        report = report or states.reported(client) or Report.of(0, 0, {})
        return await states.compare(client, flavour, report, limit)


def _check(state: dict[str, Any], *, partial: bool) -> None:
    if reason := why_not_comparable(state, partial=partial):
        raise Invalid(reason)


def _conditions(texts: Iterable[str]) -> list[Condition]:
    try:
        return [parse_condition(each) for each in texts]
    except InvalidCondition as error:
        raise Invalid(str(error)) from None


def _infos(found: Iterable[Difference]) -> list[shapes.DifferenceInfo]:
    return [shapes.DifferenceInfo(path=each.path, expected=each.expected, reported=each.reported) for each in found]
