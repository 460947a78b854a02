"""Import frames and REST calls from lines of JSON as a recording, and export a recording as lines of JSON.

A line may be a row of the log as ``companion journal --json`` prints it, a frame (``{"event": …, "data": …}``), a
frame that ``wscat`` printed with ``< `` (received) or ``> `` (sent) before it, or a message as in a HAR file.
A frame alone counts as sent to the UI. Of the rows of the server, the import keeps only the ends of connections;
the export contains all.
"""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from app.exports.conversion import (
    Exported,
    Imported,
    Moment,
    bytes_of,
    connected,
    disconnected,
    query_of_row,
    received,
    recording,
    sent,
    text_or_json,
    unreceived_note,
    with_own_names,
)
from app.protocol.envelope import BadFrame, parse_json
from app.protocol.session.actions import Received, RestCall, Sent, ServerEvent
from app.protocol.session.errors import InvalidSession
from app.protocol.session.steps import Session
from app.protocol.templates import iso
from app.protocol.times import seconds_of
from app.protocol.wire_names import WireNames

_WSCAT = ("Connected (press CTRL+C to quit)", "Disconnected (code: ")
_MARKS = {"< ": "s2c", "> ": "c2s"}
_DIRECTIONS = {"receive": "s2c", "send": "c2s"}
_USER = "me"
_MILLISECONDS = 1e11
_STATUS = re.compile(r"[1-5][0-9]{2}\b")
"""The status of a REST call, with which the note of its row begins."""


class _Line(NamedTuple):
    """What a line contains: a frame, a REST call, or neither if ``direction`` is empty.

    ``user`` is the user that the client acts as, if the line says so. ``ending`` is how the connection ended, in
    the row of a disconnected client.
    """

    time: float | None
    direction: str
    clients: tuple[int, ...] = (1,)
    text: str = ""
    base64: str = ""
    call: RestCall | None = None
    user: str = ""
    ending: str = ""


def import_json_lines(text: str, title: str, names: WireNames | None = None) -> Imported:
    """Return the recording of the frames in a file. Raises ``InvalidSession`` with the line.

    ``names`` are those of the envelope's keys in frames, if the UI has others than the companion; rows of the log
    have the companion's.
    """
    moments: list[Moment] = []
    lines: list[_Line] = []
    users: dict[int, str] = {}
    clients: set[int] = set()
    notes: list[str] = []
    unreceived = 0
    last = 0.0
    for number, ended in enumerate(text.split("\n"), 1):  # JSON may contain other line separators, such as U+2028
        line = ended.removesuffix("\r")
        if not line.strip() or line.startswith(_WSCAT):
            continue
        found = _parsed(line, number, names)
        if found.time is not None and found.time < last and not notes:
            notes.append(
                f"Line {number}: its time is {last - found.time:.3g} s before the previous one; the order is kept."
            )
        last = max(last, found.time or 0.0)
        lines.append(found._replace(time=last))
        if found.user:
            users.setdefault(found.clients[0], found.user)
    for found in lines:
        at = found.time or 0.0
        if found.call:
            moments.append(Moment(at, found.call))
            continue
        if found.ending and found.clients[0] in clients:
            user = found.user or users.get(found.clients[0], _USER)
            moments.append(Moment(at, disconnected(found.clients[0], user, found.ending)))
        if not found.direction:
            continue
        for client in found.clients:
            if client not in clients:
                clients.add(client)
                moments.append(Moment(at, connected(client, users.get(client, _USER), "", "")))
        if not found.clients:
            unreceived += 1
        elif found.direction == "s2c":
            moments.append(Moment(at, sent(found.text, *found.clients, base64=found.base64)))
        elif found.direction == "c2s":
            user = found.user or users.get(found.clients[0], _USER)
            moments.append(Moment(at, received(found.text, found.clients[0], user, found.base64)))
    if not moments:
        raise InvalidSession("The file has no frames.")
    if unreceived:
        notes.append(unreceived_note(unreceived))
    return Imported(recording(moments, title, next(iter(users.values()), _USER)), tuple(notes))


def _parsed(line: str, number: int, names: WireNames | None) -> _Line:
    mark = _MARKS.get(line[:2], "")
    if mark:
        return _Line(None, mark, text=with_own_names(line[2:], names))
    try:
        value = parse_json(line)
    except BadFrame as error:
        raise InvalidSession(f"{error.reason}.", number, 1, line) from None
    if not isinstance(value, dict):
        raise InvalidSession('A line must be an object like {"event": "typing", "data": {}}.', number, 1, line)
    if isinstance(value.get("frame"), str) and value.get("direction") in ("s2c", "c2s", "server"):
        return _row(value, line, number)
    if isinstance(value.get("data"), str) and value.get("type") in _DIRECTIONS:
        binary = value.get("opcode") == 2
        time = _time(value.get("time"), line, number)
        base64 = value["data"] if binary else ""
        text = "" if binary else with_own_names(value["data"], names)
        return _Line(time, _DIRECTIONS[value["type"]], text=text, base64=_checked(base64, line, number))
    return _Line(None, "s2c", text=with_own_names(line, names))


def _row(value: dict[str, Any], line: str, number: int) -> _Line:
    time = _time(value.get("time"), line, number)
    if value.get("origin") == "rest" and value["direction"] == "c2s":
        return _Line(time, "c2s", call=_rest_call(value, line, number))
    base64 = value.get("base64", "")
    client = str(value.get("client", ""))
    recipients = value.get("recipients")
    if recipients is None or value["direction"] != "s2c":
        recipients = [int(client) if client.isascii() and client.isdigit() else 1]
    if not isinstance(recipients, list) or not all(isinstance(each, int) for each in recipients):
        raise InvalidSession("recipients must be a list of numbers.", number, 1, line)
    frame = "" if base64 else value["frame"]
    shown = value["direction"] if value["direction"] != "server" else ""
    user = str(value.get("user", "")) if len(recipients) == 1 else ""
    ended = value["direction"] == "server" and value.get("event") == "disconnected" and client
    ending = str(value.get("note") or "connection lost") if ended else ""
    return _Line(time, shown, tuple(recipients), frame, _checked(base64, line, number), user=user, ending=ending)


def _rest_call(value: dict[str, Any], line: str, number: int) -> RestCall:
    """Return the call in a row. Rows of the log have no response, and have the status in their note."""
    event, query, note = value.get("event"), value.get("query", ""), str(value.get("note", ""))
    status, took = value.get("status", 0), value.get("took", 0.0)
    if not isinstance(event, str) or not isinstance(query, str):
        raise InvalidSession("event and query of a REST call must be texts.", number, 1, line)
    if not isinstance(took, int | float) or isinstance(took, bool) or not 0 <= took < _MILLISECONDS:
        raise InvalidSession("took must be a number of seconds.", number, 1, line)
    if isinstance(status, bool) or not isinstance(status, int):
        raise InvalidSession("status must be a number.", number, 1, line)
    if not status and (found := _STATUS.match(note)):
        status = int(found[0])
    body = value["frame"]
    try:
        request = parse_json(body) if body else None
    except BadFrame:
        request = body
    if not query and (query := query_of_row(event, request)):
        request = None
    verdict = value.get("verdict")
    return RestCall(
        rest=event, query=query, request=request, status=status, response=value.get("response"), took=took,
        user=str(value.get("user", "")), comment=note, origin="rest",
        verdict=verdict if verdict in ("warning", "invalid") else "ok",
    )  # fmt: skip


def _checked(base64: Any, line: str, number: int) -> str:
    if not isinstance(base64, str) or bytes_of(base64) is None:
        raise InvalidSession("A binary frame must be base64.", number, 1, line)
    return base64


def _time(value: Any, line: str, number: int) -> float | None:
    try:
        if isinstance(value, str):
            seconds = seconds_of(datetime.fromisoformat(value))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            seconds = value / 1000 if value > _MILLISECONDS else float(value)
        else:
            return None
        iso(seconds)  # it can be after the year 9999, such as a time in microseconds
        return seconds
    except (ValueError, OverflowError):
        raise InvalidSession(f"time {str(value)[:40]!r} is not a time.", number, 1, line) from None


def export_json_lines(session: Session) -> Exported:
    """Return the rows of a recording, REST calls included, with the keys of ``companion journal --json``."""
    return Exported("".join(f"{json.dumps(each, ensure_ascii=False)}\n" for each in _rows(session)))


def _rows(session: Session) -> Iterator[dict[str, Any]]:
    passed, started = 0.0, started_at(session)
    for step in session.steps:
        passed += step.action.after
        if row := _row_of(step.action):
            row["size"] = len(bytes_of(row["base64"]) or b"") if row["base64"] else len(row["frame"].encode())
            yield {"seq": row.pop("seq"), "time": iso(started + passed), "mono": round(passed, 6), **row}


def _row_of(action: Any) -> dict[str, Any]:
    match action:
        case Sent():
            about = {"direction": "s2c", "client": action.to, "event": action.s2c}
        case Received():
            about = {"direction": "c2s", "client": str(action.client), "event": action.c2s}
        case ServerEvent():
            about = {"direction": "server", "client": str(action.client), "event": action.server}
        case RestCall():
            about = {"direction": "c2s", "client": "rest", "event": action.rest}
        case _:
            return {}
    shared = {
        "seq": action.seq, "user": action.user, "verdict": action.verdict, "note": action.comment,
        "frame": getattr(action, "payload", ""), "base64": getattr(action, "base64", ""),
        "origin": action.origin, "recipients": list(getattr(action, "recipients", ())),
    }  # fmt: skip
    if isinstance(action, RestCall):
        shared |= {
            "frame": text_or_json(action.request), "origin": "rest", "query": action.query, "status": action.status,
            "response": action.response, "took": action.took,
        }  # fmt: skip
    return {**about, **shared}


def started_at(session: Session) -> float:
    """Return when a recording began, in seconds since the epoch; 0 if it does not say so."""
    try:
        return seconds_of(datetime.fromisoformat(session.header.started)) if session.header.started else 0.0
    except (ValueError, OverflowError):
        return 0.0
