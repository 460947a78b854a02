"""Convert a recording to a script: the frames that one page received, what it sent, and REST calls.
A script is a data structure (``steps``); the other modules here write it as a test of Playwright or pytest, or
as handlers for MSW.

A script has one connection: the client with the most frames, where those that it sent count twice. Frames to it
become sends. What it sent, and REST calls of any page except GET, become expectations, grouped with the user's
actions that cause them. A GET is expected only if it shows that the user opened another chat. A wait is kept only
if a typing indicator timed out in it. For a test with a companion, effects are left out, because the companion
sends them again: frames with an origin in ``EFFECTS``, or that the client itself caused. Frames that faults
delivered are sent as delivered, because a test arms no faults.
"""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec

from app.exports.conversion import STATUSES
from app.exports.templates.steps import Expect, Pause, Response, Script, Send, Step, Turn
from app.exports.templates.user_actions import LOADS_CHAT, UserActions
from app.protocol.catalog import Catalog, built_in
from app.protocol.constants import TYPING_TIMEOUT_MS
from app.protocol.contract import Direction
from app.protocol.envelope import BadFrame, decode
from app.protocol.errors import Invalid
from app.protocol.event_files.effects import DeleteMessage, EditMessage
from app.protocol.raw_frames import RAW_EVENT, disrupted_row, is_sent_only
from app.protocol.session.actions import RECORDED, Received, RestCall, Sent, ServerEvent
from app.protocol.session.steps import ConnectedClient, Session
from app.protocol.ui_effects import changes_in
from app.protocol.ui_stores import opened_chat
from app.protocol.wire_names import WireNames

MAX_STEPS = 2_000
"""At most this many frames and calls become a script."""
MAX_STATE_BYTES = 256 * 1024
"""A larger chat state is not part of a test."""
BURST_S = 0.3
"""Maximum time between calls of the UI that have the same cause."""
LOADING_S = 2.0
"""The time in which a UI loads its data. Later requests are polls."""
EFFECTS = ("rest", "backend", "priming")
"""Kinds of origins of frames that a companion sends automatically when the session is repeated. Auto-replies are
missing, because they may be switched off in the companion of the test.
"""
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}")
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TITLE_LENGTH = 80
_OTHERS = ("frame to other clients or to none", "frames to other clients or to none")
_FROM_OTHERS = ("frame from another client", "frames from other clients")
_BINARY = ("binary frame", "binary frames")
_OTHER_PATH = (
    "call whose path has an ID or a time that differs each time",
    "calls whose paths have IDs or times that differ each time",
)
_RAW_ID = (
    "new ID of a message that the UI posts, in a raw frame",
    "new IDs of messages that the UI posts, in raw frames",
)
_DELETE_MESSAGE = "DELETE /messages/"
_INVALID = ("frame of the UI that is not a valid event", "frames of the UI that are not valid events")


def script_of(
    session: Session,
    name: str,
    *,
    catalog: Catalog,
    repeats_effects: bool,
    names: WireNames | None = None,
) -> Script:
    """Return the script of a recording. Raises ``Invalid`` if it has no recorded traffic, or too much.

    ``repeats_effects``: a companion runs while the script is played, so effects are left out, and ids in them are
    not expected, because they differ each time. ``names`` are those of the envelope's keys, if the UI has others
    than the companion. The events of ``catalog`` may delete or edit messages.
    """
    names = names or WireNames()
    recorded = [each.action for each in session.steps if isinstance(each.action, RECORDED)]
    if not recorded:
        raise Invalid("The session has no recorded traffic. Play it, then export a recording of the run.")
    if len(recorded) > MAX_STEPS:
        raise Invalid(
            f"{len(recorded):,} frames and calls are too many for a test; at most {MAX_STEPS:,} are exported. "
            "Select rows in the log, or record less."
        )
    header = session.header
    state, too_large = _state_of(header.state)
    client = _busiest_client(recorded)
    browser = _browser(header.clients, recorded, client)
    changes = _MessageChanges(catalog, header.me or "me")
    script = _Script(client, browser, state, repeats_effects, names, _disrupted(recorded, client), changes)
    for time, action in _timed(recorded):
        script.add(time, action)
    title = " ".join((header.title or name or "Session").split())[:_TITLE_LENGTH] or "Session"
    steps = script.finish()
    return Script(
        title,
        header.me or "me",
        state,
        steps,
        tuple(script.responses),
        tuple(script.loads),
        (*script.notes(), *(too_large if repeats_effects else ())),
        names,
        frozenset(changes.outdated),
    )


def _state_of(state: Any) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    """Return the chat state at the start of a recording, and a note if it is too large for a test."""
    if not isinstance(state, dict):
        return None, ()
    if (size := len(msgspec.json.encode(state))) > MAX_STATE_BYTES:
        return None, (
            f"Left out: the chat state at the start ({size >> 10:,} KiB). Friends and messages may differ.",
        )
    return state, ()


def _busiest_client(recorded: Iterable[Any]) -> str:
    """Return the client with most frames; frames that it sent count more, because they become expectations."""
    counts: Counter[str] = Counter()
    for action in recorded:
        if isinstance(action, Sent):
            counts.update(map(str, action.recipients))
        elif isinstance(action, Received):
            counts[str(action.client)] += 2
        elif isinstance(action, ServerEvent) and action.server == "connected":
            counts[str(action.client)] += 0
    return max(counts, key=lambda each: counts[each], default="")


def _browser(connected: Iterable[ConnectedClient], recorded: Iterable[Any], client: str) -> tuple[str, str]:
    """Return the origin and the user agent of a client's page; empty texts if they are not known."""
    events = (each for each in recorded if isinstance(each, ServerEvent) and each.server == "connected")
    known: Iterable[ConnectedClient | ServerEvent] = (*connected, *events)
    return next(((each.page, each.agent) for each in known if str(each.client) == client), ("", ""))


def _timed(recorded: Iterable[Any]) -> list[tuple[float, Any]]:
    """Return the recorded traffic with its times, in order. A call that opens a chat has that of its request."""
    timed = []
    now = 0.0
    for each in recorded:
        now += each.after
        timed.append((now - each.took if isinstance(each, RestCall) and _opens(each) else now, each))
    return sorted(timed, key=lambda each: each[0])


def _opens(call: RestCall) -> str | None:
    """Return the friend whose chat the UI opened with a call."""
    return opened_chat(call.query) if call.rest == LOADS_CHAT else None


def _cause_row(action: Sent) -> int:
    """Return the number of the row of the frame that faults delivered with this one, or 0."""
    return disrupted_row(action.comment) if action.origin == "faults" else 0


def _disrupted(recorded: Iterable[Any], client: str) -> set[int]:
    """Return the rows of the frames that a client received from faults, which have rows of their own."""
    sent = (each for each in recorded if isinstance(each, Sent))
    return {_cause_row(each) for each in sent if client in map(str, each.recipients)} - {0}


class _Call(NamedTuple):
    """A frame or a REST call of the UI, and the time of it."""

    at: float
    expect: Expect


class _MessageChanges:
    """Follows the texts of messages, and which of them were deleted or edited later."""

    def __init__(self, catalog: Catalog, local_user: str) -> None:
        self._catalog = catalog
        self._local_user = local_user
        self._texts: dict[str, str] = {}
        """The texts of messages by their ids."""
        self.outdated: set[str] = set()
        """The texts of messages that were deleted or edited."""

    def keep(self, stored: Any, message: Any) -> None:
        """Keep the text of a message by the id in what was stored."""
        match stored, message:
            case {"msg_id": str(msg_id)}, {"text": str(text)}:
                self._texts[msg_id] = text

    def end(self, msg_id: str) -> None:
        """Note that a message does not have its text any more, if it is known."""
        if text := self._texts.get(msg_id):
            self.outdated.add(text)

    def follow(self, direction: Direction, event: str, payload: str, user: str = "") -> None:
        """Note the changes that the file of an event defines. ``user`` is that of the client that has sent it."""
        known = self._catalog.get(direction, event)
        if known is None:
            return
        frame = payload.encode("utf-8", "surrogatepass")
        for change in changes_in(event, frame, known.details.effects, self._local_user, user):
            if isinstance(change, DeleteMessage | EditMessage):
                self.end(change.msg_id)


class _Script:
    """Collects the steps."""

    def __init__(
        self,
        client: str,
        browser: tuple[str, str],
        state: Any,
        repeats_effects: bool,
        names: WireNames,
        disrupted: set[int],
        changes: _MessageChanges,
    ) -> None:
        self._client = client
        self._browser = browser
        self._names = names
        self._repeats_effects = repeats_effects
        self._known = set(_UUID.findall(msgspec.json.encode(state).decode())) if state else set()
        self._catalog = built_in()
        self._steps: list[Step] = []
        self._turn: list[_Call] = []
        self._acts = UserActions()
        self._now = self._sent_at = 0.0
        self._typing: set[str] = set()
        self._disrupted = disrupted
        self._causes: dict[int, Sent] = {}
        """The frames whose deliveries have rows of their own."""
        self._delivered: set[int] = set()
        """The rows of those that were delivered already."""
        self._left_out: Counter[tuple[str, str]] = Counter()
        self.responses: list[Response] = []
        self._changes = changes
        self._posted: set[str] = set()
        """The ids of messages that the UI has posted. A companion gives them other ones when it repeats them."""
        self.loads: dict[str, float] = {}
        """The first GET requests, and their times."""

    def add(self, time: float, action: Any) -> None:
        """Add what was recorded at a time, in seconds since the first one."""
        self._now = time
        if isinstance(action, Sent):
            self._changes.follow(Direction.TO_UI, action.s2c, action.payload)
        elif isinstance(action, Received):
            self._changes.follow(Direction.FROM_UI, action.c2s, action.payload, action.user)
        match action:
            case Sent() if action.seq in self._disrupted:
                self._causes[action.seq] = action
            case Sent():
                if self._client and self._client not in map(str, action.recipients):
                    self._left_out[_OTHERS] += 1
                elif action.base64:
                    self._left_out[_BINARY] += 1
                else:
                    self._send(action)
            case Received():
                if str(action.client) != self._client:
                    self._left_out[_FROM_OTHERS] += 1
                elif (data := _data_of(action.payload)) is None or action.verdict == "invalid":
                    self._left_out[_INVALID] += 1
                else:
                    self._expect(Expect(action.seq, action.c2s, self._constant(data)))
            case RestCall():
                self._call(action)

    def finish(self) -> tuple[Step, ...]:
        """Return the steps."""
        self._end_turn()
        sends = (each for each in self._steps if isinstance(each, Send) and not each.is_raw)
        sent = {msg_id for each in sends for msg_id in _UUID.findall(each.frame)}
        return tuple(_with_ids_in(sent, each) if isinstance(each, Turn) else each for each in self._steps)

    def notes(self) -> tuple[str, ...]:
        """Return sentences about what was left out."""
        return tuple(
            f"Left out: {number} {one if number == 1 else many}." for (one, many), number in self._left_out.items()
        )

    def _send(self, action: Sent) -> None:
        row = _cause_row(action)
        cause = self._causes.get(row, action)
        is_effect = self._is_effect(cause.origin)
        frame = action.payload if action.s2c == RAW_EVENT else self._on_wire(action.payload)
        send = Send(action.seq, frame, is_effect=is_effect)
        try:
            envelope = decode(action.payload)
        except BadFrame:
            pass
        else:
            is_valid = not self._catalog.problems(envelope)
            is_copy = row in self._delivered  # a companion would store the message again
            is_raw = is_copy or (cause.verdict != "invalid" and is_sent_only(cause.s2c, cause.comment))
            send = Send(action.seq, frame, envelope.event, envelope.data, is_effect, is_valid, is_raw)
        self._delivered |= {row} - {0}
        if not (is_effect and self._repeats_effects):
            self._end_turn()
            self._keep_pause()
            self._steps.append(send)
            self._sent_at = self._now
            ids = set(_UUID.findall(action.payload))
            self._known |= ids - self._posted
            if (old := ids & self._posted) and (send.is_raw or not send.event):
                self._left_out[_RAW_ID] += len(old)
        if send.event == "new_message":
            self._changes.keep(send.data, send.data)
        self._follow_typing(send)

    def _is_effect(self, origin: str) -> bool:
        kind, _, client = origin.partition(" ")
        return kind in EFFECTS or (kind == "client" and client == self._client)

    def _on_wire(self, frame: str) -> str:
        """Return a frame as clients receive it. One that is not Unicode stays as it is."""
        return self._names.to_wire(frame.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    def _follow_typing(self, send: Send) -> None:
        match send.event, send.data:
            case "typing", {"username": str(friend), "typing": True}:
                self._typing.add(friend)
            case "typing", {"username": str(friend)}:
                self._typing.discard(friend)
            case ("new_message", {"from": str(friend)}) | ("friend_offline", {"username": str(friend)}):
                self._typing.discard(friend)

    def _keep_pause(self) -> None:
        """Keep a pause in which a typing indicator ended."""
        if self._typing and self._now - self._sent_at >= TYPING_TIMEOUT_MS / 1000:
            self._steps.append(Pause(TYPING_TIMEOUT_MS / 1000 + 0.5, "the typing indicator disappears meanwhile"))
            self._typing.clear()

    def _call(self, action: RestCall) -> None:
        if action.status in STATUSES:
            self.responses.append(Response(_with_query(action), action.status, action.response))
            if not self._repeats_effects:
                self._known.update(_UUID.findall(str(action.response)))
        if (friend := _opens(action)) and self._is_of_page(action):
            data = {"peer": friend} if self._repeats_effects else {}  # only a companion has the query as data
            self._expect(Expect(action.seq, action.rest, data, is_rest=True, opens=friend))
            return
        if action.rest.startswith("GET "):
            if not self._steps and self._now - next(iter(self.loads.values()), self._now) <= LOADING_S:
                self.loads.setdefault(action.rest, self._now)
            return
        data = action.request if isinstance(action.request, dict) else {}
        succeeded = not action.status or 200 <= action.status < 300  # rows of the log have no status
        is_stored = action.verdict == "ok" and succeeded
        if is_stored and action.rest.startswith(_DELETE_MESSAGE):
            self._changes.end(action.rest.removeprefix(_DELETE_MESSAGE))
        if self._varies(action.rest):
            self._left_out[_OTHER_PATH] += 1
            return
        text = data.get("text") if action.rest == "POST /messages" and is_stored else ""
        if text:
            self._changes.keep(action.response, data)
        expect = Expect(action.seq, action.rest, self._constant(data), is_rest=True)
        if isinstance(text, str) and text:
            expect = expect._replace(sent_text=text, msg_id=self._posted_id(action.response))
        self._expect(expect)

    def _posted_id(self, response: Any) -> str:
        """Return the id of a posted message; empty if there is none, or if it is the same when it is repeated."""
        match response:
            case {"msg_id": str(msg_id)} if self._repeats_effects:
                self._posted.add(msg_id)
                return msg_id
        return ""

    def _is_of_page(self, call: RestCall) -> bool:
        """Return whether the exported page, or another one of the same browser, made a call."""
        found = zip(self._browser, (call.page, call.agent), strict=True)
        return all(mine == its or not mine or not its for mine, its in found)

    def _expect(self, expect: Expect) -> None:
        if self._turn and self._now - self._turn[-1].at > BURST_S:
            self._end_turn()
        self._turn.append(_Call(self._now, expect))

    def _end_turn(self) -> None:
        if not self._turn:
            return
        expects: list[Expect] = []
        for each in self._turn:
            if not any((each.expect.event, each.expect.data) == (kept.event, kept.data) for kept in expects):
                expects.append(each.expect)
        self._turn.clear()
        acts = tuple(self._acts.before(expects))
        opened = {each.friend for each in acts if each.what == "open"}
        expects = [each for each in expects if not each.opens or each.opens in opened]
        if not expects:
            return  # the UI loaded the open chat again
        last = self._steps[-1] if self._steps else None
        if isinstance(last, Turn) and not acts and all(_same(each, last.expects) for each in expects):
            return  # the UI repeated itself
        self._steps.append(Turn(acts, tuple(expects)))

    def _constant(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return the fields whose values are the same each time: no new ids, no times."""
        return {key: value for key, value in data.items() if _KEY.fullmatch(key) and not self._varies(value)}

    def _varies(self, value: Any) -> bool:
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        return bool(_TIME.search(text)) or any(each not in self._known for each in _UUID.findall(text))


def _with_ids_in(ids: set[str], turn: Turn) -> Turn:
    """Return a turn whose messages have only those IDs that are in a set."""
    expects = (each if each.msg_id in ids else each._replace(msg_id="") for each in turn.expects)
    return turn._replace(expects=tuple(expects))


def _same(expect: Expect, others: tuple[Expect, ...]) -> bool:
    return any((expect.event, expect.data) == (each.event, each.data) for each in others)


def _data_of(frame: str) -> dict[str, Any] | None:
    try:
        data = decode(frame).data
    except BadFrame:
        return None
    return data if isinstance(data, dict) else {}


def _with_query(action: RestCall) -> str:
    """Return a call with its query, sorted by name, as the exported ``withQuery`` does."""
    query = "&".join(sorted(f"{name}={value}" for name, value in parse_qsl(action.query, keep_blank_values=True)))
    return f"{action.rest}?{query}" if query else action.rest
