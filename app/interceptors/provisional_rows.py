"""Build the journal row that a cause would get if it were handled now, without adding it to the journal.
A cause is a fired event, a raw or resent frame, a client's frame or a REST call. The filters of breakpoints test
the row; a held item shows its event and payload. ``check_client_frame`` also validates the edits of a client's
frame that a breakpoint holds.
"""

import json
from urllib.parse import parse_qsl

from app.hub.causes import Cause, ClientFrame, FiredEvent, FiredFrame, RestCall
from app.hub.client_frames import AnyFrame, decode_frame, payload_of
from app.hub.hub import Hub
from app.hub.origin import REST
from app.hub.row import Kind, Row, Verdict
from app.protocol.breakpoints import BreakpointDirection
from app.protocol.catalog import Catalog
from app.protocol.contract import Direction
from app.protocol.envelope import BadFrame, Envelope


def direction_of(cause: Cause) -> BreakpointDirection:
    """Return the direction of a cause."""
    match cause:
        case ClientFrame():
            return BreakpointDirection.FROM_UI
        case RestCall():
            return BreakpointDirection.REST
        case _:
            return BreakpointDirection.TO_UI


def provisional_row(cause: Cause, hub: Hub, catalog: Catalog) -> Row:
    """Return the row that a cause would get now. Its number is 0.

    The result of handling the cause is not known yet, so the verdict is ``invalid`` if an event or a client's frame
    violates the contract, and ``ok`` otherwise; the note is empty. Only a raw or resent frame already has a verdict
    and a note.
    """
    wall, mono = hub.clock.wall(), hub.clock.mono()
    match cause:
        case FiredEvent(event=event, to=to, origin=origin):
            payload = event_payload(event)
            verdict = Verdict.INVALID if not cause.strict and catalog.problems(event) else Verdict.OK
            return Row(
                0, wall, mono, Kind.TO_UI, str(to), event.event, payload, len(payload), verdict, "", origin,
                recipients=hub.recipients(to).ids,
            )  # fmt: skip
        case FiredFrame(outgoing=out):
            return Row(
                0, wall, mono, Kind.TO_UI, str(out.to), out.event, out.payload, len(out.payload), out.verdict,
                out.note, out.origin, recipients=hub.recipients(out.to).ids,
            )  # fmt: skip
        case ClientFrame(client=client, frame=frame, origin=origin):
            payload = payload_of(frame)
            name, problem = check_client_frame(frame, catalog)
            verdict = Verdict.INVALID if problem else Verdict.OK
            return Row(
                0, wall, mono, Kind.FROM_UI, client.number, name[:80], payload, len(payload), verdict, "",
                origin, client.username,
            )  # fmt: skip
        case RestCall(method=method, path=path):
            payload = _query_payload(cause.query) if method == "GET" else cause.body
            return Row(
                0, wall, mono, Kind.FROM_UI, "rest", f"{method} {path}"[:80], payload, len(payload), Verdict.OK,
                "", REST, hub.local_user,
            )  # fmt: skip
        case _:
            raise TypeError(f"unknown cause {type(cause).__name__}")


def check_client_frame(frame: AnyFrame, catalog: Catalog) -> tuple[str, str]:
    """Return the name of the event in a client's frame, and how the frame violates the contract; empty if not."""
    try:
        envelope = decode_frame(frame)
        known = catalog.get(Direction.FROM_UI, envelope.event)
        if known is None:
            names = ", ".join(catalog.names(Direction.FROM_UI))
            return envelope.event, f"unknown client event {envelope.event[:80]!r}. Use {names}"
        known.typed(envelope)
    except BadFrame as bad:
        return bad.event, str(bad)
    return envelope.event, ""


def event_payload(event: Envelope) -> bytes:
    """Return an event as JSON. Lone surrogates, which an event that is not valid may contain, are replaced."""
    try:
        return event.encode()
    except UnicodeEncodeError:
        text = json.dumps({"event": event.event, "data": event.data}, ensure_ascii=False)
        return text.encode(errors="replace")


def _query_payload(query: str) -> bytes:
    values = dict(parse_qsl(query, keep_blank_values=True))
    return json.dumps(values, ensure_ascii=False).encode(errors="replace") if values else b""
