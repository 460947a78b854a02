"""Check each frame by itself for the lint: unknown events and fields, missing fields and invalid values.
``FrameReader`` does this for one event, and returns the data for the other rules. It decodes and validates a
built-in event that no file extends in one fast step. Other events, and frames that fail, take a slow way that finds
the errors, but skips frames over ``MAX_PAYLOAD`` bytes. A frame that the companion validated before it was sent is
not validated again.

``report_blank`` and ``friends_blank`` find values that make the released UI fail while it draws, in a
``new_message`` and in the response of ``GET /friends``.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from app.protocol.catalog import Catalog
from app.protocol.contract import Direction
from app.protocol.envelope import BadFrame, Envelope, decode
from app.protocol.event_type import EventProblem, EventType, StructEvent
from app.protocol.lint.findings import Report
from app.protocol.lint.rules import (
    BLANKS_UI,
    INVALID_FRAME,
    INVALID_VALUE,
    MISSING_FIELD,
    UNKNOWN_EVENT,
    UNKNOWN_FIELD,
    Rule,
)
from app.protocol.lint.to_ui import SentFields
from app.protocol.ui_violations import shown

MAX_PAYLOAD = 64 * 1024
"""Larger frames are not examined: it would take too long."""
MAX_PROBLEMS = 5
"""Problems of one frame that are reported."""
MAX_TEXT = 300


class _SentFrame(Struct, gc=False):
    data: SentFields


class _DeliveredFrame(Struct, gc=False):
    event: str
    data: SentFields


decode_delivered = msgspec.json.Decoder(_DeliveredFrame).decode
"""Decodes a frame that a fault may have changed. It may be another event than its row says."""


class _FieldNames(Struct, gc=False):
    """A frame of which only the names of the fields are decoded."""

    data: dict[str, msgspec.Raw]


_field_names = msgspec.json.Decoder(_FieldNames).decode


_WITH_RULES = ("new_message", "friend_online", "friend_offline", "typing")
"""The events to the UI that other rules are about."""


class FrameReader:
    """Reads the frames of one event in one direction, and reports how they violate the contract."""

    def __init__(self, kind: EventType | None, direction: Direction, report: Report) -> None:
        """``kind`` None: the event is not in the catalog."""
        self.event = kind.name if kind else ""
        self._kind = kind
        self._direction = direction
        self._report = report
        self.decode: Callable[[bytes], Any] | None = None
        """Decodes and checks a frame: returns an object whose ``data`` is a struct, or raises ``ValueError``.

        None if the event is not declared as a struct.
        """
        if type(kind) is StructEvent:  # a subclass may have further fields
            self.decode = msgspec.json.Decoder(_strict_frame(kind)).decode
        self.decode_checked = self.decode
        """The same for a frame that was checked before it was sent: it decodes only what the rules read."""
        if kind and direction is Direction.TO_UI and kind.name in _WITH_RULES:
            self.decode_checked = msgspec.json.Decoder(_SentFrame).decode

    @property
    def valid_is_complete(self) -> bool:
        """Whether a frame that satisfies the schema has no unknown fields either.

        The schema of a file may say nothing about other fields. Then they are valid, but reported.
        """
        if self._kind is None:
            return False
        schema = self._kind.schema
        is_own = self._kind.details.file and not self._kind.extends
        return not is_own or "additionalProperties" in schema or "patternProperties" in schema

    def read_names(self, seq: int, payload: bytes) -> None:
        """Report the unknown fields of a frame that satisfies the schema."""
        if self._kind is None or len(payload) > MAX_PAYLOAD:
            self.read(seq, payload)
            return
        for name in self._kind.unknown_fields(_field_names(payload).data)[:MAX_PROBLEMS]:
            self._report(UNKNOWN_FIELD, seq, _sentence(self.event, EventProblem(name, UNKNOWN)))

    def read(self, seq: int, payload: bytes) -> dict[str, Any] | None:
        """Report the problems of a frame, and return its data; None if it has none."""
        if len(payload) > MAX_PAYLOAD:
            return None
        try:
            frame = decode(payload.decode())
        except UnicodeDecodeError:
            self._report(INVALID_FRAME, seq, "the frame is not valid UTF-8")
            return None
        except BadFrame as bad:
            self._report(INVALID_FRAME, seq, str(bad)[:MAX_TEXT])
            return None
        data: dict[str, Any] = frame.data
        if self._kind is None or self._kind.name != frame.event:
            self._report(UNKNOWN_EVENT, seq, f"{shown(frame.event)} is not an event {_TO[self._direction]}")
            return data
        for problem in self._problems(frame)[:MAX_PROBLEMS]:
            self._report(_rule_of(problem), seq, _sentence(frame.event, problem))
        return data

    def _problems(self, frame: Envelope) -> list[EventProblem]:
        assert self._kind
        found = self._kind.problems(frame.data)
        named = {each.path for each in found}
        more = [each for each in self._kind.unknown_fields(frame.data) if each not in named]
        return found + [EventProblem(each, UNKNOWN) for each in more]


UNKNOWN = "unknown field"
MISSING = "is missing"
_TO = {Direction.TO_UI: "to the UI", Direction.FROM_UI: "from the UI"}


def _sentence(event: str, problem: EventProblem) -> str:
    """Return a problem with the path from the event: ``typing.to: is missing``."""
    return f"{event}.{problem}"[:MAX_TEXT] if problem.path else f"{event}: {problem}"[:MAX_TEXT]


def _rule_of(problem: EventProblem) -> Rule:
    if problem.message.startswith(UNKNOWN):
        return UNKNOWN_FIELD
    return MISSING_FIELD if problem.message.startswith(MISSING) else INVALID_VALUE


def _strict_frame(kind: StructEvent) -> type[Any]:
    """Return a struct of a whole frame that accepts no unknown fields in ``data``."""
    fields = [
        (each.name, each.type, msgspec.field(name=each.encode_name, **({} if each.required else {"default": None})))
        for each in msgspec.structs.fields(kind.struct)
    ]
    data = msgspec.defstruct(f"Lint_{kind.name}", fields, forbid_unknown_fields=True, kw_only=True, gc=False)
    return msgspec.defstruct(
        f"LintFrame_{kind.name}", [("data", data)], tag_field="event", tag=kind.name, gc=False
    )  # fmt: skip


def readers(catalog: Catalog, report: Report) -> dict[tuple[Direction, str], FrameReader]:
    """Return a reader for each event of a catalog."""
    return {(each.direction, each.name): FrameReader(each, each.direction, report) for each in catalog}


def report_blank(seq: int, data: dict[str, Any], report: Report) -> None:
    """Report a ``new_message`` that makes the released UI fail while it draws."""
    if "timestamp" not in data or _is_no_date(data["timestamp"]):
        report(BLANKS_UI, seq, "the timestamp of new_message is missing or is not a date")
    if isinstance(data.get("text"), dict):
        report(BLANKS_UI, seq, "the text of new_message is an object")
    if not isinstance(data.get("reactions") or [], list):
        report(BLANKS_UI, seq, "the reactions of new_message are not an array")


def _is_no_date(value: Any) -> bool:
    """Return whether JavaScript cannot convert a value to a date. Texts in unusual formats count as dates."""
    if not isinstance(value, str):
        return isinstance(value, dict | list)
    from email.utils import parsedate_to_datetime  # slow to load, and rarely needed

    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            parse(value)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        return False
    return not any(char.isdigit() for char in value)


def friends_blank(friends: Any) -> str:
    """Return why a response of ``GET /friends`` makes the released UI fail while it draws, or an empty text."""
    for each in friends if isinstance(friends, list) else ():
        if not isinstance(each, dict):
            continue
        if not isinstance(each.get("username"), str):
            return "GET /friends: a friend has no username"
        if "last_seen" not in each or _is_no_date(each["last_seen"]):
            return f"GET /friends: last_seen of {shown(each['username'])} is missing or is not a date"
    return ""
