"""Import the chat's WebSocket messages, and REST calls, from a HAR file as a recording. Other traffic is left out.

A connection is the chat's if it has messages, and its path ends with ``/events`` or a message is an event; there
must be one. REST calls are imported if their path is ``/status``, ``/friends``, ``/messages`` or below, and only
from the server (host and port) with the most calls, on the host of the first connection if that has any. Page loads
and scripts are no calls, if the file says what they are (``_resourceType``). Messages are in the field
``_webSocketMessages`` of an entry, as Chrome, Playwright and mitmproxy write them, binary ones in base64. Their
times are in seconds since the epoch, or in milliseconds if Playwright wrote them.

Equal messages that several connections received at the same time are one frame to several clients: this program
exports it to the entry of each.

A connection ends after the ``time`` of its entry, as Chrome and this program write it. If that is before the last
message, as in files of Playwright, it is no end: the connection ends when its browser connects again.
"""

import json
from bisect import bisect
from collections import Counter, deque
from collections.abc import Iterator
from datetime import datetime
from heapq import heappop, heappush
from itertools import groupby
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, unquote_plus, urlsplit

import msgspec
from msgspec import Struct, field

from app.exports.conversion import (
    ROUTES,
    STATUSES,
    Imported,
    Moment,
    bytes_of,
    connected,
    disconnected,
    event_of,
    received,
    recording,
    sent,
    with_own_names,
)
from app.protocol.bundle.secret_names import is_secret
from app.protocol.counts import count, count_with
from app.protocol.envelope import BadFrame, fits_in_line, parse_json
from app.protocol.raw_frames import RAW_EVENT
from app.protocol.session.actions import Action, RestCall, Sent
from app.protocol.session.errors import InvalidSession
from app.protocol.templates import iso
from app.protocol.times import seconds_of
from app.protocol.wire_names import WireNames
from app.usernames import MAX_LENGTH
from app.validation_messages import fault

_TEXT, _BINARY = 1, 2
_MILLISECONDS = 1e11
"""A greater time is in milliseconds: as seconds, it would be after the year 5000."""
_ROUNDED_S = 0.001
"""By how much the end of a connection may be before its last message: ``startedDateTime`` is in milliseconds."""
_DEFAULT_USER = "me"


class _Header(Struct):
    name: str | None = None
    value: str | None = None


class _Body(Struct):
    text: str | None = None
    encoding: str | None = None
    file: str | None = field(default=None, name="_file")


class _Request(Struct):
    method: str
    url: str
    headers: list[_Header] | None = None
    body: _Body | None = field(default=None, name="postData")


class _Response(Struct):
    status: float | None = None
    content: _Body | None = None


class _Message(Struct):
    type: str
    time: float
    data: str
    opcode: float = _TEXT


class _Entry(Struct):
    request: _Request
    response: _Response | None = None
    started: str | None = field(default=None, name="startedDateTime")
    time: float | None = None
    comment: Any = None
    resource_type: Any = field(default=None, name="_resourceType")
    web_socket_messages: list[_Message] | None = field(default=None, name="_webSocketMessages")

    @property
    def messages(self) -> list[_Message]:
        """The messages of a WebSocket connection."""
        return self.web_socket_messages or []

    @property
    def status(self) -> int:
        """The status of the response; 0 if there is none."""
        return int(self.response.status or 0) if self.response else 0

    @property
    def content(self) -> _Body | None:
        """The body of the response."""
        return self.response.content if self.response else None

    def header(self, name: str) -> str:
        """Return a header of the request."""
        headers = self.request.headers or ()
        return next((each.value or "" for each in headers if (each.name or "").casefold() == name), "")


class _Log(Struct):
    entries: list[_Entry]


class _Har(Struct):
    log: _Log


def import_har(text: str, title: str, names: WireNames | None = None) -> Imported:
    """Return the recording of a HAR file. Raises ``InvalidSession`` with the place.

    ``names`` are those of the envelope's keys in its messages, if the UI has others than the companion.
    """
    entries = _with_own_names(_parse(text), names)
    chosen = [(number, each) for number, each in enumerate(entries, 1) if _is_chat(each)]
    if not chosen:
        raise InvalidSession(_without_messages(entries, names or WireNames()))
    notes: list[str] = []
    moments: list[Moment] = []
    starts: dict[tuple[str, ...], list[float]] = {}
    for number, entry in chosen:
        starts.setdefault(_browser(entry), []).append(_started(entry, number))
    for each in starts.values():
        each.sort()
    for client, (number, entry) in enumerate(chosen, 1):
        steps = list(_messages(entry, client, number, notes))
        moments += [*steps, *_end(entry, steps, client, starts[_browser(entry)])]
    moments = list(_merged(moments))
    calls = [(number, each) for number, each in enumerate(entries, 1) if _is_call(each)]
    server = _server([each for _, each in calls], chosen[0][1])
    own = [(number, each) for number, each in calls if _address(each) == server]
    moments += [_call(each, number) for number, each in own]
    if secrets := sorted({name for _, each in own for name in _secret_names(_url(each).query)}):
        notes.append(f"Secrets in addresses left out: {', '.join(secrets)[:200]}.")
    if failed := Counter(each.status for _, each in own if not _has_response(each)):
        its = "its" if failed.total() == 1 else "their"
        notes.append(
            f"{count_with(failed.total(), 'call', 'has', 'have')} no response: "
            f"{its} status in the file is {', '.join(map(str, sorted(failed)))[:200]}."
        )
    elsewhere = sorted({_address(each) for _, each in calls} - {server})
    if elsewhere:
        notes.append(f"Calls to other servers left out: {', '.join(elsewhere)[:200]}.")
    others = sum(bool(each.messages) for each in entries) - len(chosen)
    if others:
        notes.append(f"{count(others, 'WebSocket connection')} without chat events left out.")
    return Imported(recording(moments, title, _user(chosen[0][1])), tuple(notes))


def _parse(text: str) -> list[_Entry]:
    try:
        return msgspec.json.decode(text, type=_Har).log.entries
    except msgspec.ValidationError as error:
        found = fault(error)
        raise InvalidSession(f"Not a HAR file: {found.path or 'the file'} {found.sentence}.") from None
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise _no_json(text, str(error)) from None


def _with_own_names(entries: list[_Entry], names: WireNames | None) -> list[_Entry]:
    for message in (each for entry in entries for each in entry.messages if names):
        if message.opcode == _TEXT:
            message.data = with_own_names(message.data, names)
    return entries


def _no_json(text: str, reason: str) -> InvalidSession:
    """Return the error for text that is not valid JSON, with its line and column."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        line = text.split("\n")[error.lineno - 1]
        return InvalidSession(f"Not a HAR file: {error.msg}.", error.lineno, error.colno, line)
    except (ValueError, RecursionError):
        pass
    return InvalidSession(f"Not a HAR file: {reason}.")


def _is_chat(entry: _Entry) -> bool:
    """Return whether a connection is the chat's: its path is ``/events``, or one of its messages is an event."""
    if not entry.messages:
        return False
    path = _url(entry).path
    return path.rstrip("/").endswith("/events") or any(event_of(each.data) != RAW_EVENT for each in entry.messages)


def _without_messages(entries: list[_Entry], names: WireNames) -> str:
    sockets = [each for each in entries if _url(each).scheme in ("ws", "wss")]
    if any(each.messages for each in entries):
        return f'The HAR file has no WebSocket message like {{"{names.event}": "typing", "{names.data}": {{}}}}.'
    if any(each.content and each.content.file for each in sockets):
        return "The WebSocket messages are not in the HAR file: in Playwright, record it with content: 'embed'."
    if sockets:
        return (
            "The HAR file has a WebSocket connection without messages: open the developer tools before the page, "
            "and export it with content."
        )
    return "The HAR file has no WebSocket connection."


def _messages(entry: _Entry, client: int, number: int, notes: list[str]) -> Iterator[Moment]:
    """Yield the steps of a connection, whose entry has this number."""
    user, last = _user(entry), _started(entry, number)
    yield Moment(last, connected(client, user, entry.header("origin"), entry.header("user-agent")))
    backwards = 0.0
    for index, message in enumerate(entry.messages, 1):
        place = f"Entry {number}, message {index}"
        time = _seconds(message.time)
        if not 0 <= time < _MILLISECONDS:
            raise InvalidSession(f"{place}: time {message.time!r} is not a time in seconds.")
        if time < last and index > 1 and not backwards:
            backwards = last - time
            notes.append(f"{place}: its time is {backwards:.3g} s before the previous one; the order is kept.")
        last = max(time, last)
        if message.opcode not in (_TEXT, _BINARY):
            notes.append(f"{place} left out: opcode {message.opcode:g} is neither a text nor a binary message.")
            continue
        text, base64 = (message.data, "") if message.opcode == _TEXT else ("", message.data)
        if base64 and bytes_of(base64) is None:
            raise InvalidSession(f"{place}: the data of a binary message must be base64.")
        if message.type == "send":
            yield Moment(last, received(text, client, user, base64))
        elif message.type == "receive":
            yield Moment(last, sent(text, client, base64=base64))
        else:
            raise InvalidSession(f"{place}: type must be send or receive, not {message.type[:40]!r}.")


def _end(entry: _Entry, steps: list[Moment], client: int, starts: list[float]) -> Iterator[Moment]:
    """Yield the end of a connection, if it is known.

    ``steps`` are its other steps, and ``starts`` the sorted times at which its browser connected.
    """
    started, last = steps[0].time, steps[-1].time
    end = round(started + (entry.time or 0.0) / 1000, 6)
    if not started < end < _MILLISECONDS or end < last - _ROUNDED_S:
        after = bisect(starts, started)
        end = starts[after] if after < len(starts) else 0.0
        if end < last:
            return  # it is not known, or both were connected at the same time
    yield Moment(
        max(end, last), disconnected(client, _user(entry), entry.comment if isinstance(entry.comment, str) else "")
    )


def _merged(moments: list[Moment]) -> Iterator[Moment]:
    """Yield the steps of all connections in the order of time, with one step for a frame to several clients."""
    for time, group in groupby(sorted(moments, key=lambda each: each.time), key=lambda each: each.time):
        for action in _merged_at_once([each.action for each in group]):
            yield Moment(time, action)


def _merged_at_once(actions: list[Any]) -> Iterator[Action]:
    """Merge steps of the same time. The steps of each client keep their order.

    The next frame is one that is the next one of all its recipients, or else the next one of the first client.
    """
    queues: dict[Any, deque[Any]] = {}
    for action in actions:
        queues.setdefault(action.recipients[0] if isinstance(action, Sent) else action.client, deque()).append(
            action
        )
    places = {client: place for place, client in enumerate(queues)}
    left = {client: Counter(map(_frame, queue)) for client, queue in queues.items()}
    recipients = Counter(frame for frames in left.values() for frame in frames)
    """How many clients have each frame in their queues."""
    next_of: dict[object, list[Any]] = {}
    """The clients that have a frame next."""
    ready: list[tuple[int, object]] = []
    """A heap of the frames that all their recipients have next, each with the place of its first recipient."""

    def add(clients: list[Any]) -> None:
        """Add clients whose next frames are new."""
        frames = {client: _frame(queues[client][0]) for client in clients if queues[client]}
        for client, frame in frames.items():
            next_of.setdefault(frame, []).append(client)
        for frame in dict.fromkeys(frames.values()):
            if len(next_of[frame]) == recipients[frame]:
                heappush(ready, (min(map(places.__getitem__, next_of[frame])), frame))

    add(list(queues))
    for queue in queues.values():
        while queue:
            frame = heappop(ready)[1] if ready else _frame(queue[0])
            clients = sorted(next_of.pop(frame), key=places.__getitem__)
            for client in clients:
                action = queues[client].popleft()
                left[client][frame] -= 1
                recipients[frame] -= not left[client][frame]
            add(clients)
            yield sent(action.payload, *clients, base64=action.base64) if len(clients) > 1 else action


def _frame(action: Action) -> object:
    """Return what is equal for the steps of one frame to several clients."""
    return (action.payload, action.base64) if isinstance(action, Sent) else action


def _browser(entry: _Entry) -> tuple[str, ...]:
    return entry.request.url, entry.header("origin"), entry.header("user-agent")


def _is_call(entry: _Entry) -> bool:
    """Return whether an entry is a REST call with a path of the chat's backend."""
    url = _url(entry)
    if url.scheme not in ("http", "https") or entry.request.method == "OPTIONS" or entry.messages:
        return False
    if entry.resource_type not in (None, "", "fetch", "xhr"):
        return False
    return url.path.removeprefix("/").partition("/")[0] in ROUTES


def _has_response(entry: _Entry) -> bool:
    return entry.status in STATUSES


def _server(calls: list[_Entry], socket: _Entry) -> str:
    """Return the address of the chat's backend: that with the most calls, on the WebSocket's host if it has any."""
    host = _url(socket).hostname
    on_host = [each for each in calls if _url(each).hostname == host]
    addresses = Counter(_address(each) for each in on_host or calls)
    return addresses.most_common(1)[0][0] if addresses else ""


def _address(entry: _Entry) -> str:
    """Return the host of an entry, and its port if it is not the usual one."""
    url = _url(entry)
    return url.netloc.rpartition("@")[2].casefold().removesuffix(":80" if url.scheme == "http" else ":443")


def _call(entry: _Entry, number: int) -> Moment:
    """Return the step of a REST call to the chat's backend."""
    url = _url(entry)
    took = max(entry.time or 0, 0) / 1000
    response: dict[str, Any] = {"verdict": "warning", "comment": "no response"}
    if _has_response(entry):
        response = {"status": entry.status, "response": _json(entry.content)}
    return Moment(
        _started(entry, number) + took,
        RestCall(
            rest=f"{entry.request.method} {_decoded(url.path)}", query=_without_secrets(url.query),
            request=_json(entry.request.body),
            took=round(took, 6), page=entry.header("origin"), agent=entry.header("user-agent"), origin="rest",
            **response,
        ),
    )  # fmt: skip


def _without_secrets(query: str) -> str:
    """Return a query without the parameters whose names are those of secrets."""
    return "&".join(each for each in query.split("&") if not is_secret(_name(each)))


def _secret_names(query: str) -> Iterator[str]:
    return filter(is_secret, map(_name, query.split("&")))


def _name(parameter: str) -> str:
    return unquote_plus(parameter.partition("=")[0])


def _seconds(time: float) -> float:
    return time / 1000 if time > _MILLISECONDS else time


def _started(entry: _Entry, number: int) -> float:
    started = entry.started or ""
    try:
        seconds = seconds_of(datetime.fromisoformat(started))
        iso(seconds)  # with a UTC offset, it can be outside of the years 1 to 9999
        return seconds
    except (ValueError, OverflowError):
        raise InvalidSession(
            f"Entry {number}: startedDateTime {started[:40]!r} is not a time like 2026-01-01T00:00:00Z."
        ) from None


def _url(entry: _Entry) -> SplitResult:
    """Return the URL of an entry; an empty one if it is invalid, such as ``http://[x/``."""
    try:
        return urlsplit(entry.request.url)
    except ValueError:
        return SplitResult("", "", "", "", "")


def _decoded(path: str) -> str:
    """Return a path without escapes, as in the log. One with an escape that is not UTF-8 stays as it is."""
    try:
        return unquote(path, errors="strict")
    except UnicodeDecodeError:
        return path


def _user(entry: _Entry) -> str:
    names = parse_qs(_url(entry).query).get("username", [])
    return names[0] if names and len(names[0]) <= MAX_LENGTH else _DEFAULT_USER


def _json(body: _Body | None) -> Any:
    content = _content(body)
    try:
        value = parse_json(content) if content else None
    except BadFrame:  # also NaN and lone surrogates, which no recording can contain
        return content
    return value if fits_in_line(value) else content


def _content(body: _Body | None) -> str:
    if body is None or not body.text:
        return ""
    if body.encoding == "base64":
        return (bytes_of(body.text) or b"").decode(errors="replace")
    return body.text
