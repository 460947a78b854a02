"""Make a recording from the traffic of an imported file, and define the results of importing and exporting.
The traffic is a series of steps with their times; functions create the step of a frame or a connection.
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Iterable
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec

from app.protocol.envelope import BadFrame, decode
from app.protocol.raw_frames import RAW_EVENT
from app.protocol.session.actions import Action, Received, RestCall, Sent, ServerEvent
from app.protocol.session.durations import MAX_RECORDED_SECONDS
from app.protocol.session.steps import Header, Session, Step
from app.protocol.templates import iso
from app.protocol.wire_names import WireNames, own_text

ROUTES = ("status", "friends", "messages")
"""The first part of the paths of the chat backend's REST calls."""
STATUSES = range(200, 600)
"""The statuses of responses. In other files, a call that failed has a status such as 0 or -1."""
IMPORTED = "import"
"""The origin of imported frames. A replay fires them, because it is not known which ones are effects of others."""

_BY_CLIENT = " by the client"
_CLOSED = re.compile(rf"closed with ([0-9]{{4}})\b({_BY_CLIENT})?")


class Imported(NamedTuple):
    """A recording made of a file. ``notes`` are sentences about what was left out or changed."""

    session: Session
    notes: tuple[str, ...] = ()


class Exported(NamedTuple):
    """The text of a file, and sentences about what it does not contain."""

    text: str
    notes: tuple[str, ...] = ()


class Moment(NamedTuple):
    """A step of imported traffic, and its time in seconds since the epoch."""

    time: float
    action: Action


def recording(moments: Iterable[Moment], title: str, me: str | None) -> Session:
    """Return the recording of traffic, sorted by time. Its rows are numbered from 1."""
    ordered = sorted(moments, key=lambda each: each.time)
    entries = []
    last, seq = (ordered[0].time if ordered else 0.0), 0
    for line, (time, action) in enumerate(ordered, 2):
        has_row = not isinstance(action, RestCall) or not action.rest.startswith("GET ")
        seq += has_row
        after = min(round(time - last, 6), MAX_RECORDED_SECONDS)
        numbered = msgspec.structs.replace(action, after=after, seq=seq if has_row else 0)
        entries.append(Step(numbered, line=line))
        last = time
    started = iso(ordered[0].time) if ordered and ordered[0].time > 0 else ""
    return Session(Header(title=title[:200], kind="recording", me=me, started=started), tuple(entries))


def sent(data: str, *clients: int, base64: str = "") -> Sent:
    """Return the step of a frame that clients received."""
    event = event_of(data)
    return Sent(
        s2c=event, payload=data, base64=base64, to=f"client:{','.join(map(str, clients))}", recipients=clients,
        origin=IMPORTED,
        verdict="ok" if event != RAW_EVENT else "invalid",
    )  # fmt: skip


def received(data: str, client: int, user: str, base64: str = "") -> Received:
    """Return the step of a frame that a client sent."""
    event = event_of(data)
    return Received(
        c2s=event, payload=data, base64=base64, client=client, user=user, origin=f"client {client}",
        verdict="ok" if event != RAW_EVENT else "invalid",
    )  # fmt: skip


def connected(client: int, user: str, page: str, agent: str) -> ServerEvent:
    """Return the step of a client that connects."""
    return ServerEvent(server="connected", client=client, user=user, page=page, agent=agent, origin="server")


def ending_text(code: int | None, *, by_client: bool) -> str:
    """Return how a connection ended, in words that ``disconnected`` reads."""
    if code is None:
        return "connection lost"
    return f"closed with {code}{_BY_CLIENT if by_client else ''}"


def disconnected(client: int, user: str, text: str) -> ServerEvent:
    """Return the step of a client whose connection ended. ``text`` says how; see ``ending_text``."""
    found = _CLOSED.match(text)
    code, by_client = (int(found[1]), bool(found[2])) if found else (None, False)
    return ServerEvent(
        server="disconnected", client=client, user=user, code=code, by_client=by_client, origin="server",
        comment=ending_text(code, by_client=by_client),
    )  # fmt: skip


def with_own_names(frame: str, names: WireNames | None) -> str:
    """Return a frame on the wire with the companion's names of the envelope's keys; ``names`` are the client's.

    A frame without the client's names stays as it is: files that the companion exports have its own names.
    """
    try:
        return own_text(frame, names)
    except BadFrame:
        return frame


def event_of(data: str) -> str:
    """Return the name of the event in a frame."""
    try:
        return decode(data).event
    except BadFrame:
        return RAW_EVENT


def bytes_of(base64: str) -> bytes | None:
    """Return decoded base64, or None if it is invalid."""
    try:
        return b64decode(base64, validate=True)
    except (binascii.Error, ValueError):
        return None


def text_or_json(body: Any) -> str:
    """Return the body of a recorded REST call as text."""
    if body is None:
        return ""
    return body if isinstance(body, str) else msgspec.json.encode(body).decode()


def query_of_row(event: str, request: Any) -> str:
    """Return the query of a call; the row of a GET request has it as the payload, as a JSON object."""
    return urlencode(request) if event.startswith("GET ") and isinstance(request, dict) else ""


def unreceived_note(count: int) -> str:
    """Return the note about frames that are left out because no client received them."""
    words = "frame that no client received is" if count == 1 else "frames that no client received are"
    return f"{count} {words} left out."
