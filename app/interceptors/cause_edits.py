"""Change a cause that a breakpoint holds: an event, a raw frame, a client's frame, or the body of a REST call.
An edit replaces its text or data, or sets and removes single values. ``edited`` checks the edit and returns a
changed copy, with which ``breakpoints`` continues.
"""

import json
from collections.abc import Callable
from typing import Any

from msgspec import UNSET

from app.hub.causes import Cause, ClientFrame, FiredEvent, FiredFrame, RestCall
from app.hub.client_frames import as_sent
from app.hub.held_items import Edit
from app.hub.outgoing import Outgoing
from app.hub.pipeline import NO_UNICODE, CheckedFrame
from app.interceptors.provisional_rows import check_client_frame
from app.protocol.catalog import Catalog
from app.protocol.envelope import MAX_FRAME_BYTES, BadFrame, Envelope, check_tree, decode, parse_json
from app.protocol.errors import Invalid, TooLarge
from app.protocol.event_type import InvalidEvent
from app.protocol.json_path import BadPath, absolute_path, apply_changes

MAX_EDITED_BYTES = 1024 * 1024
"""Larger texts cannot be changed, because parsing them would block the event loop for too long."""
MAX_REST_BODY_BYTES = 256 * 1024
"""As in ``endpoints.rest``."""


def edited(cause: Cause, edit: Edit, catalog: Catalog, check: Callable[[str, str], CheckedFrame]) -> Cause:
    """Return a changed copy of a cause.

    An event and a client's frame must be valid unless ``edit.loose`` is True. ``check`` finds the problems of a raw
    frame, by its event and its text in the log. Raises ``RequestError`` and ``InvalidEvent``; nothing has changed
    then.
    """
    if edit.text is None and edit.data is UNSET and not edit.set and not edit.remove:
        raise Invalid("Nothing is changed. Give a new text, new data, or values to set or remove.")
    if edit.text is not None and edit.data is not UNSET:
        raise Invalid("Give either a new text or new data, not both.")
    match cause:
        case FiredEvent():
            return _edited_event(cause, edit, catalog)
        case FiredFrame(outgoing=out):
            text = _edited_text(out.payload, edit, MAX_EDITED_BYTES, is_event=True)
            checked = check(out.event, text)
            frame = Outgoing.raw(
                checked.text, to=out.to, origin=out.origin, fault=checked.fault, event=checked.event
            )
            return cause.changed(outgoing=frame)
        case ClientFrame(frame=before):
            text = _edited_text(as_sent(before), edit, MAX_FRAME_BYTES, is_event=True)
            if not edit.loose and (problem := check_client_frame(text, catalog)[1]):
                raise Invalid(f"The changed frame violates the contract: {problem}.")
            return cause.changed(frame=text)
        case RestCall(method=method, body=body):
            if method in ("GET", "DELETE"):
                raise Invalid(f"A {method} request has no body that can be changed.")
            return cause.changed(body=_edited_text(body, edit, MAX_REST_BODY_BYTES, is_event=False).encode())
        case _:
            raise TypeError(f"unknown cause {type(cause).__name__}")


def _edited_event(cause: FiredEvent, edit: Edit, catalog: Catalog) -> FiredEvent:
    event = cause.event
    try:
        if edit.text is not None:
            _check_size(edit.text.encode(errors="replace"))
            event = decode(edit.text)
        elif edit.data is not UNSET:
            event = Envelope(event.event, edit.data)
        value = _with_changes({"event": event.event, "data": event.data}, edit, is_event=True)
        check_tree(value)
    except BadFrame as bad:
        raise Invalid(f"The changed event is not valid: {bad}.") from None
    for key in ("event", "data"):
        if key not in value:
            raise Invalid(f"The changed event is not valid: {key} is missing.")
    if not isinstance(value["event"], str):
        raise Invalid("The changed event is not valid: event must be text.")
    event = Envelope(value["event"], value["data"])
    _check_size(event.encode())
    problems = catalog.problems(event)
    if problems and not edit.loose:
        raise InvalidEvent(problems)
    return cause.changed(event=event, strict=not problems)


def _edited_text(before: str | bytes, edit: Edit, limit: int, *, is_event: bool) -> str:
    """Return the text of a frame or body after the changes, unchanged where ``edit`` does not change it."""
    if edit.text is not None and not edit.set and not edit.remove:
        text = edit.text
    else:
        text = _edited_json(before if edit.text is None else edit.text, edit, is_event=is_event)
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise Invalid(NO_UNICODE) from None
    if size > limit:
        raise _too_large(limit)
    return text


def _check_size(text: bytes) -> None:
    if len(text) > MAX_EDITED_BYTES:
        raise _too_large(MAX_EDITED_BYTES)


def _edited_json(before: str | bytes, edit: Edit, *, is_event: bool) -> str:
    if len(before) > MAX_EDITED_BYTES:
        raise TooLarge(
            f"A text over {MAX_EDITED_BYTES // 1024:,} KiB cannot be changed. Let it continue, or drop it."
        )
    if edit.data is not UNSET and not is_event:
        value = edit.data
    else:
        try:
            value = parse_json(before if isinstance(before, str) else before.decode())
        except (BadFrame, UnicodeDecodeError) as error:
            raise Invalid(
                f"Single values cannot be changed, because it is not valid JSON: {error}. Give a new text."
            ) from None
        if not isinstance(value, dict):
            raise Invalid("Single values cannot be changed, because it is not a JSON object. Give a new text.")
        if edit.data is not UNSET:
            value = {**value, "data": edit.data}
    value = _with_changes(value, edit, is_event=is_event)
    try:
        check_tree(value)
    except BadFrame as bad:
        raise Invalid(f"The changed JSON is not valid: {bad}.") from None
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _with_changes(value: Any, edit: Edit, *, is_event: bool) -> Any:
    path_of = absolute_path if is_event else str
    try:
        changes = {path_of(path): new for path, new in edit.set.items()}
        return apply_changes(value, changes, [path_of(path) for path in edit.remove])
    except BadPath as bad:
        raise Invalid(f"{bad}.") from None


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The changed text is over {limit // 1024:,} KiB.")
