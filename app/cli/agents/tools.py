"""The tools and resources of ``companion mcp``, as methods that call the control API of the running companion.
A coding agent tests a chat UI with them: for example, it fires events, plays scenarios, waits for events of the UI,
and reads the log. Agents read the docstrings of the tools and the types of their arguments.
"""

import asyncio
import re
from typing import Annotated, Any, Literal

from pydantic import Field

from app.cli.agents.connection import AgentError, Connection
from app.cli.agents.rows import NOTICE, client_of, result_of, summary, whole
from app.cli.agents.threads import in_daemon_thread, in_thread, start_last_call

ENDED = ("passed", "failed", "error", "stopped")
POLL_S = 20.0
MAX_ROWS = 200
MAX_EXPORTED = 2_000
MAX_FILTER = 500
LIMIT = "At most this many rows: the newest ones, or with `after` the first ones"
_PLAIN = re.compile(r"[A-Za-z_]\w*")

Client = Annotated[int | None, Field(description="Number of the client; may be left out if there is only one")]
Seconds = Annotated[float, Field(ge=0, le=600)]
After = Annotated[int | None, Field(description="Only rows of the log after this one")]
Filter = Annotated[
    str,
    Field(
        max_length=MAX_FILTER,
        description="Filter of the log, such as `event:typing dir:c2s user:me text`; empty: all rows. "
        "dir:c2s is from the UI, dir:s2c to the UI; is:warning and is:invalid find what is wrong",
    ),
]
To = Annotated[str, Field(description="Recipients: all, user:NAME or client:NUMBER")]
Json = dict[str, Any]


class Tools:
    """At most eight tools, so that they take little of an agent's context."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def status(self) -> Json:
        """Return the state of the companion: its servers, connected clients (chat UIs), warnings, last log row."""
        status, clients = await self._call("GET", "/v1/status"), await self._list("/v1/clients")
        kept = ("version", "username", "state", "events", "rest", "journal", "warnings")
        return {"notice": NOTICE, **{name: status[name] for name in kept}, "clients": [*map(client_of, clients)]}

    async def fire(
        self,
        event: Annotated[
            str, Field(description="Name of an event to the UI, such as new_message, typing or one of the contract")
        ],
        data: Annotated[
            Json | None, Field(description="Fields of the event; others get values of the sample")
        ] = None,
        persona: Annotated[str, Field(description="The friend that acts")] = "",
        to: To = "all",
        wait_s: Annotated[float, Field(ge=0, le=600, description="Wait this long for a client that is ready")] = 0,
        strict: Annotated[bool, Field(description="false: send it even if it violates the contract")] = True,
    ) -> Json:
        """Fire an event at the chat UI, and return the number of its row and how many clients it reached."""
        for name in data or {}:
            if not _PLAIN.fullmatch(name):
                raise AgentError(f"The field name {name[:40]!r} cannot be set here. Use letters, digits and _.")
        body = {
            "event": event, "set": {f"data.{name}": value for name, value in (data or {}).items()},
            "persona": persona, "to": to, "wait": wait_s, "strict": strict,
        }  # fmt: skip
        return await self._call("POST", "/v1/trigger", body, more_s=wait_s)

    async def scenario(
        self,
        text: Annotated[
            str,
            Field(
                description="A scenario, one statement per line: `alice (types 2s): hi`, `bob comes online`, "
                "`wait 500ms`, `fire EVENT with field=value`, `expect POST /messages where to=alice within 5s`. "
                "Empty to use a name"
            ),
        ] = "",
        name: Annotated[str, Field(description="A saved scenario")] = "",
        speed: Annotated[float | Literal["max"], Field(description="0.25 to 16, or max")] = 1.0,
        timeout_s: Seconds = 60,
    ) -> Json:
        """Play a scenario on a copy of the chat state, and return the verdict with the expectations not met."""
        if bool(text) == bool(name):
            raise AgentError("Give either text or name.")
        what: Json = {"text": text, "name": "agent"} if text else {"name": name}
        body = {**what, "speed": speed, "timeout": max(timeout_s, 0.001)}
        started = in_thread(lambda: self._connection.call("POST", "/v1/runs", body))
        try:
            run = await asyncio.wrap_future(started)
            path = f"/v1/runs/{run['number']}"
            while run["state"] not in ENDED:
                run = await self._call("GET", path, more_s=POLL_S, seen=run["version"], wait=POLL_S)
        except (asyncio.CancelledError, AgentError):  # cancelled by the agent, or because the input has closed
            start_last_call(lambda: self._connection.call("POST", f"/v1/runs/{started.result()['number']}/stop"))
            raise
        return result_of(run)

    async def expect(
        self,
        event: Annotated[str, Field(description="Event or REST call of the UI: `typing`, `POST /messages`")],
        where: Annotated[
            Json | None, Field(description='Required values by path, such as {"data.to": "bob"}')
        ] = None,
        sender: Annotated[str, Field(description="The user that the UI acts as; empty: any")] = "",
        within_s: Seconds = 10,
        after: Annotated[
            int | None,
            Field(description="Also accept what came after this row, such as the seq that fire returned"),
        ] = None,
    ) -> Json:
        """Wait until the UI sends an event or makes a REST call. Return whether it did, or what it sent instead.

        Without ``after``, only what the UI sends from now on counts.
        """
        body = {"event": event, "where": where or {}, "sender": sender, "within": within_s, "after": after}
        found = await self._call("POST", "/v1/expectations", body, more_s=within_s)
        row = found["row"]
        return {
            "notice": NOTICE, "met": found["met"], "after_s": found["after_s"],
            "row": summary(row) if row else None,
            "received_instead": [summary(each) for each in found["received_instead"]],
            "earlier": summary(found["earlier"]) if found["earlier"] else None,
            **({"why_no_client": why} if (why := found.get("why_no_client")) else {}),
        }  # fmt: skip

    async def journal_query(
        self,
        filter: Filter = "",  # noqa: A002 - the name that agents see
        after: After = None,
        limit: Annotated[int, Field(ge=1, le=MAX_ROWS, description=LIMIT)] = 30,
        full: Annotated[bool, Field(description="Return whole frames instead of summaries")] = False,
    ) -> Json:
        """Return rows of the log (frames, REST calls, events of the server) as summaries, or whole if ``full``."""
        found = await self._call("GET", "/v1/journal", filter=filter, after=after, limit=limit)
        rows = [whole(each) if full else summary(each) for each in found["rows"]]
        return {"notice": NOTICE, **found, "rows": rows}

    async def ui_state_compare(
        self,
        client: Client = None,
        after: Annotated[int, Field(ge=0, description="Only deviations after this row")] = 0,
        flavour: Annotated[
            Literal["guide", "shipped"],
            Field(description="guide: a correct UI; shipped: the released UI with its bugs"),
        ] = "guide",
        expected: Annotated[bool, Field(description="Also return what the stores must contain")] = False,
    ) -> Json:
        """Compare the state that the UI reports with the one that the traffic must have caused.

        If they are not equal, the deviations name the row of the log after which the UI was wrong first, the path
        in its stores, and the expected and the reported value. The UI must contain the reporter that
        `companion ui-state code reporter` prints.
        """
        body = {"client": client, "flavour": flavour, "after": after, "limit": MAX_ROWS}
        found: Json = await self._call("POST", "/v1/ui-state/compare", body)
        if expected:
            state = await self._call("GET", "/v1/ui-state", client=client, flavour=flavour)
            found["expected"] = state["stores"]
        return {"notice": NOTICE, **found}

    async def breakpoint(
        self,
        action: Annotated[
            Literal["add", "list", "wait", "continue", "drop", "modify", "remove"],
            Field(description="wait: until something is held; continue, drop, modify: decide about a held item"),
        ],
        filter: Annotated[  # noqa: A002
            str, Field(description="add: what to hold, such as `event:new_message`")
        ] = "",
        number: Annotated[int | None, Field(description="remove: the breakpoint; decide: the held item")] = None,
        changes: Annotated[
            Json | None, Field(description='modify: values by path, such as {"data.text": "hi"}')
        ] = None,
        within_s: Annotated[float, Field(ge=0, le=600, description="wait: the timeout")] = 30,
    ) -> Json:
        """Hold events, client frames or REST calls before they take effect, look at them, and decide about them."""
        match action:
            case "add" if not filter.strip():
                raise AgentError("The action add needs a filter. All events, frames and REST calls would be held.")
            case "add":
                return await self._call("POST", "/v1/breakpoints", {"filter": filter})
            case "list":
                held = await self._list("/v1/breakpoints/held")
                return {"notice": NOTICE, "breakpoints": await self._list("/v1/breakpoints"), "held": held}
            case "wait":
                found = await self._call("GET", "/v1/breakpoints/wait", more_s=within_s, within=within_s)
                return {"notice": NOTICE, **found}
        if number is None:
            raise AgentError(f"The action {action} needs a number.")
        if action == "remove":
            await self._call("DELETE", f"/v1/breakpoints/{number}")
            return {"removed": number}
        body = {"action": action, **({"set": changes or {}} if action == "modify" else {})}
        return await self._call("POST", f"/v1/breakpoints/held/{number}", body)

    async def export(
        self,
        kind: Annotated[
            Literal[
                "playwright", "playwright-routes", "msw", "pytest", "scenario", "markdown", "asyncapi", "typescript"
            ],
            Field(description="Rows of the log as a test, handlers, scenario or bug report; or the contract"),
        ],
        filter: Filter = "",  # noqa: A002
        after: After = None,
        limit: Annotated[int, Field(ge=1, le=MAX_EXPORTED, description=LIMIT)] = 100,
    ) -> Json:
        """Return the text of a file: rows of the log as a test or a bug report, or the contract."""
        match kind:
            case "asyncapi":
                return {"text": await self._text("/v1/asyncapi.json"), "suffix": "json"}
            case "typescript":
                return {"text": await self._text("/v1/contract/typescript"), "suffix": "ts"}
        body = {"as": kind, "filter": filter, "after": after, "limit": limit}
        found = await self._call("POST", "/v1/journal/export", body)
        return {"notice": NOTICE, **found}

    async def contract(self) -> str:
        """Return the events of the contract with their JSON Schemas, as JSON."""
        return await self._text("/v1/contract")

    async def journal(self) -> Json:
        """Return summaries of the newest rows of the log."""
        return await self.journal_query(limit=100)

    async def _call(self, method: str, path: str, body: Any = None, more_s: float = 0.0, **query: Any) -> Json:
        answer: Json = await in_daemon_thread(
            lambda: self._connection.call(method, path, body, more_s=more_s, **query)
        )
        return answer

    async def _list(self, path: str) -> list[Json]:
        answer: list[Json] = await in_daemon_thread(lambda: self._connection.call("GET", path))
        return answer

    async def _text(self, path: str) -> str:
        return str(await in_daemon_thread(lambda: self._connection.call("GET", path, as_text=True)))
