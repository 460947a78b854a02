"""The class ``Companion``: a running companion, whose methods tests call, for example to fire events, to wait for
what the UI sends, and to play scenarios. Most methods send requests to the control API. Durations are in seconds.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from pytest_p2p_companion.control import Control
from pytest_p2p_companion.errors import NotMetError
from pytest_p2p_companion.journal_text import journal_text, printable
from pytest_p2p_companion.parts import ChatState, Faults, UiState
from pytest_p2p_companion.process import ServeProcess
from pytest_p2p_companion.shapes import Fired, JournalRow, RunInfo

__tracebackhide__ = True  # the report of a failed test shows the line of the test, not those of this module

WITHIN_S = 5.0
POLL_S = 30.0
MAX_ROWS = 10_000
PLAYING = ("running", "paused")
"""States of a scenario that has not ended."""
EARLIER = (
    "It was sent before expect was called, as row {}. To count it, set after, for example to the seq of the event "
    "that you fired before."
)
Json = Mapping[str, Any]


class Companion:
    """A companion that these tests have started. Its calls block; in coroutines, use ``asyncio.to_thread``.

    Every call raises ``RequestError`` if the companion rejects it, and ``CompanionError`` if it does not answer.
    """

    def __init__(self, process: ServeProcess, control: Control) -> None:
        self._process = process
        self._control = control
        status = self.status()
        self.events_url: str = status["events"]["url"]
        """The URL of the event server, such as ``ws://127.0.0.1:8081/events``."""
        self.rest_url: str = status["rest"]["url"] if status["rest"]["wanted"] else ""
        """The URL of the REST stand-in; empty with ``--no-rest``."""
        self.control_url = control.url
        self.faults = Faults(control)
        self.state = ChatState(control)
        self.ui_state = UiState(control)
        self._since = 0

    @property
    def data_dir(self) -> Path:
        """The temporary data folder: ``COMPANION_DATA_DIR`` for commands that should use this companion."""
        return self._process.data_dir

    @property
    def output(self) -> str:
        """The last lines that the companion printed."""
        return self._process.output

    def fire(
        self, event: str, data: Json | None = None, *, to: str = "all", wait: float = 0, strict: bool = True
    ) -> Fired:
        """Fire an event with exactly this data.

        ``to``: all, user:NAME or client:NUMBER. ``wait``: fail if no client is ready to show events within this
        time. ``strict=False`` fires it even if it violates the contract.
        """
        query = {"to": to, "wait": wait, "strict": strict}
        body = {"event": event, "data": dict(data or {})}
        return cast(Fired, self.request("POST", "/v1/events", body, query=query, waits=wait))

    def trigger(
        self,
        event: str = "",
        *,
        fixture: str = "",
        data: Json | None = None,
        set: Json | None = None,  # noqa: A002 - the name of the option of ``companion trigger``
        remove: Sequence[str] = (),
        persona: str = "",
        seed: int | None = None,
        to: str | None = None,
        wait: float = 0,
        strict: bool = True,
    ) -> Fired:
        """Fire an event with default values, or a fixture, changed by the arguments.

        ``data`` has fields of the data, ``set`` values by their path (``{"data.text": "Hi"}``), ``remove`` paths to
        remove. ``persona`` is the friend that sends it. The result of the fixture's expectation is in the return
        value.
        """
        if event and fixture:
            raise TypeError("Give an event or a fixture, not both.")
        body = {
            "set": {**_paths(data), **(set or {})}, "remove": list(remove), "persona": persona, "seed": seed,
            "to": to, "wait": wait, "strict": strict, **({"fixture": fixture} if fixture else {"event": event}),
        }  # fmt: skip
        return cast(Fired, self.request("POST", "/v1/trigger", body, waits=wait + POLL_S))

    def say(self, persona: str, text: str, *, to: str | None = None, wait: float = 0) -> Fired:
        """Let a friend send a message to the user."""
        return self.trigger("new_message", data={"text": text}, persona=persona, to=to, wait=wait)

    def expect(
        self,
        event: str,
        *,
        data: Json | None = None,
        where: Json | None = None,
        sender: str = "",
        within: float = WITHIN_S,
        after: int | None = None,
        strict: bool = True,
    ) -> JournalRow:
        """Wait until the UI sends an event or a REST request (``"POST /messages"``), and return its row.

        ``data`` has required values of fields, ``where`` values by their path. ``after`` also accepts rows after
        this number, such as ``seq`` of an event that was fired. Raises ``NotMetError`` if nothing matches in time,
        and with ``strict`` a ``RequestError`` at once if the contract makes it impossible.
        """
        body = {
            "event": event, "sender": sender, "within": within, "strict": strict,
            "where": {**_paths(data), **(where or {})}, **({} if after is None else {"after": after}),
        }  # fmt: skip
        result = self.request("POST", "/v1/expectations", body, waits=within)
        if result["row"]:
            return cast(JournalRow, result["row"])
        others = result["received_instead"]
        instead = f". Received instead:\n{journal_text(others)}" if others else ". No other event was received."
        earlier = result.get("earlier")
        early = f"\n{EARLIER.format(earlier['seq'])}" if earlier and earlier["seq"] > self._since else ""
        why = f" {result['why_no_client']}" if result.get("why_no_client") else ""
        raise NotMetError(f"The UI did not send {event} within {within:g} s{instead}{why}{early}", result)

    def scenario(self, text: str = "", *, name: str = "", **options: Any) -> RunInfo:
        """Play a scenario: its text, or a saved one by its name. ``options``: see ``POST /v1/runs``; not ``step``.

        Raises ``NotMetError`` if an expectation is not met.
        """
        if text and name:
            raise TypeError("Give the text of a scenario or the name of one, not both.")
        if options.get("step"):
            raise TypeError('A scenario is played to its end. For single steps, use request("POST", "/v1/runs").')
        what = {"name": name} if name else {"text": text}
        run = cast(RunInfo, self.request("POST", "/v1/runs", {**options, **what}))
        while run["state"] in PLAYING:
            query = {"seen": run["version"], "wait": POLL_S}
            run = cast(RunInfo, self.request("GET", f"/v1/runs/{run['number']}", query=query, waits=POLL_S))
        if run["state"] == "passed":
            return run
        unmet = [
            f"line {each['line']}: {each['text']}: {each['detail']}" for each in run["results"] if not each["met"]
        ]
        lines = filter(None, [*unmet, *run["error"].split("\n"), run.get("note", "")])
        why = "\n".join(map(printable, lines)) or f"The scenario was {run['state']}."
        title = printable(f" {run['title'] if run['title'] != run['name'] else name}".rstrip())
        raise NotMetError(f"Scenario{title}: {run['state']}.\n{why}", run)

    def journal(self, filter: str = "", *, after: int | None = None, limit: int = MAX_ROWS) -> list[JournalRow]:  # noqa: A002
        """Return rows of the log, the oldest first: those since the test began, or after the row ``after``.

        ``filter`` is written as in the window: ``event:typing dir:c2s``.
        """
        rows: list[JournalRow] = []
        following = self._since if after is None else after
        while len(rows) < limit:
            query = {"after": following, "filter": filter, "limit": min(limit - len(rows), MAX_ROWS)}
            page = self.request("GET", "/v1/journal", query=query)
            rows += page["rows"]
            following = page["next_after"]
            if not page["rows"] or following >= page["last_seq"]:
                break
        return rows

    def latest(self, limit: int) -> tuple[list[JournalRow], int]:
        """Return the last rows since the test began, and the number of earlier ones."""
        found = self.request("GET", "/v1/journal", query={"limit": limit})["rows"]
        rows = [row for row in found if row["seq"] > self._since]
        return rows, rows[0]["seq"] - self._since - 1 if rows else 0

    def status(self) -> dict[str, Any]:
        """Return the state of servers, clients and log."""
        return cast(dict[str, Any], self.request("GET", "/v1/status"))

    def allow_origin(self, origin: str) -> None:
        """Let pages of an origin, such as ``http://localhost:5173``, connect."""
        self.request("POST", "/v1/origins", {"origin": origin})

    def reset(self) -> None:
        """Return to the state after the start: the first friends and messages, no faults, breakpoints or refusals.

        Scenarios are stopped, what breakpoints hold is dropped, all clients are disconnected, sending is resumed,
        and ``journal`` begins with the next row.
        """
        for run in self.request("GET", "/v1/runs"):
            if run["state"] in PLAYING:
                self.request("POST", f"/v1/runs/{run['number']}/stop")
        if self.request("POST", "/v1/server/resume")["state"] == "stopped":
            self.request("POST", "/v1/server/start")
        self.request("POST", "/v1/clients/drop")
        self.request("DELETE", "/v1/faults")
        self.request("DELETE", "/v1/breakpoints")
        self.request("POST", "/v1/breakpoints/held/all", {"action": "drop"})  # they would continue in the next test
        self.request("POST", "/v1/server/accept")
        self.state.reset()
        self._since = self.status()["journal"]["last_seq"]

    def request(
        self, method: str, path: str, body: Any = None, *, query: dict[str, Any] | None = None, waits: float = 0
    ) -> Any:
        """Call any operation of the control API. ``waits`` is added to the timeout."""
        return self._control.call(method, path, body, query=query, waits=waits)

    def stop(self) -> None:
        """Stop the companion. May be called twice."""
        self._process.stop()


def _paths(data: Json | None) -> dict[str, Any]:
    """Return the paths of fields of an event's data."""
    return {f"data.{name}": value for name, value in (data or {}).items()}
