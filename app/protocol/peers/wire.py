"""Parse, check and write the JSON objects (envelopes) that companions send each other as peers.
``WireEnvelope`` has the fields of every kind of envelope. Functions check a field: user name, ID, text, base64 or
time. The formats of messages (``dialect_a``, ``dialect_b``, …) and ``ack_and_ping`` build on this module. The
envelopes of events to and from the UI are something else: see ``protocol.envelope``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType, field

from app import usernames
from app.protocol.backend import MAX_TEXT
from app.protocol.counts import count
from app.protocol.peers import base64_text
from app.protocol.peers.errors import BadPeerEnvelope, BadPeerFrame
from app.protocol.times import seconds_of, utc
from app.validation_messages import fault

NONCE_BYTES = 24
MAC_BYTES = 16
SIGNATURE_BYTES = 64
_ID_LENGTH = 36
_HYPHENS = (8, 13, 18, 23)


class WireEnvelope(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An envelope as it is on the wire. Fields that it does not have are ``UNSET``; unknown fields are ignored.

    The order of the fields is the one of the specification's table.
    """

    type: str | UnsetType = UNSET
    msg_id: str | UnsetType = UNSET
    from_: str | UnsetType = field(name="from", default=UNSET)
    to: str | UnsetType = UNSET
    timestamp: str | UnsetType = UNSET
    nonce: str | UnsetType = UNSET
    ciphertext: str | UnsetType = UNSET
    signature: str | UnsetType = UNSET
    text: str | UnsetType = UNSET
    ack_msg_id: str | UnsetType = UNSET


_decoder = msgspec.json.Decoder(WireEnvelope)


def parse(body: bytes) -> WireEnvelope:
    """Parse the JSON of a frame. Raises ``BadPeerFrame`` for anything but an object, and ``BadPeerEnvelope``."""
    try:
        wire = _decoder.decode(body)
        msgspec.json.encode(wire)  # a lone surrogate could not be stored or shown
    except msgspec.ValidationError as error:
        wrong = fault(error)
        if not wrong.path:
            raise BadPeerFrame(f"The frame {wrong.sentence}") from None
        raise BadPeerEnvelope(f"{wrong.path} {wrong.sentence}") from None
    except (ValueError, RecursionError) as error:
        raise BadPeerFrame(f"The frame is not valid JSON in UTF-8: {_short(str(error))}") from None
    return wire


def encode(wire: WireEnvelope) -> bytes:
    """Return an envelope as compact JSON in UTF-8, without escapes. Raises ``BadPeerEnvelope``."""
    return encode_json(wire)


def encode_json(value: Any) -> bytes:
    """Return a value as compact JSON in UTF-8. Raises ``BadPeerEnvelope`` for text with a lone surrogate."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        raise BadPeerEnvelope("The text contains a lone surrogate, which is not valid Unicode") from None


def required(value: str | UnsetType, name: str) -> str:
    """Return a field, or raise ``BadPeerEnvelope`` if it is missing."""
    if value is UNSET:
        raise BadPeerEnvelope(f"{name} is missing")
    return value


def binary(value: str | UnsetType, name: str, *, length: int | None = None, at_least: int = 0) -> bytes:
    """Return the bytes of a field in base64. Raises ``BadPeerEnvelope``."""
    try:
        content = base64_text.decode(required(value, name))
    except BadPeerEnvelope:
        raise
    except ValueError as error:
        raise BadPeerEnvelope(f"{name} is {error}") from None
    if length is not None and len(content) != length:
        raise BadPeerEnvelope(f"{name} has {count(len(content), 'byte')}; {length} are needed")
    if len(content) < at_least:
        raise BadPeerEnvelope(f"{name} has {count(len(content), 'byte')}; at least {at_least} are needed")
    return content


def user(value: str | UnsetType, name: str) -> str:
    """Return a user name, or raise ``BadPeerEnvelope`` if it is missing or not valid."""
    found = required(value, name)
    if wrong := usernames.problem(found):
        raise BadPeerEnvelope(f"{name} {wrong}")
    return found


def message_id(value: object, name: str = "msg_id") -> str:
    """Return a message's id, or raise ``BadPeerEnvelope`` if it is not a UUID."""
    if isinstance(value, str) and len(value) == _ID_LENGTH and all(value[at] == "-" for at in _HYPHENS):
        digits = value.replace("-", "")
        if len(digits) == _ID_LENGTH - len(_HYPHENS) and all(each in "0123456789abcdefABCDEF" for each in digits):
            return value
    raise BadPeerEnvelope(f"{name} is missing or not a UUID")


def text(value: object) -> str:
    """Return the text of a message, or raise ``BadPeerEnvelope`` if there is none or it is too long."""
    if not isinstance(value, str) or not value:
        raise BadPeerEnvelope("text is missing, empty or not text")
    if len(value) > MAX_TEXT:
        raise BadPeerEnvelope(f"text has {len(value):,} characters; at most {MAX_TEXT:,} are allowed")
    return value


def stamp(seconds: float) -> str:
    """Return a time in seconds since the epoch in the format of envelopes: ``2026-02-11T16:00:00Z``."""
    return utc(int(seconds)).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def seconds(value: str | UnsetType) -> float:
    """Return an ISO 8601 time as seconds since the epoch; a time without an offset is in UTC.

    Raises ``BadPeerEnvelope``.
    """
    said = required(value, "timestamp")
    try:
        moment = datetime.fromisoformat(said.upper())
        found = seconds_of(moment if moment.utcoffset() is not None else moment.replace(tzinfo=UTC))
        utc(found)  # with its offset, a time can be outside of the calendar
        return found
    except (ValueError, OverflowError):
        raise BadPeerEnvelope(f"timestamp {_short(said)!r} is not an ISO 8601 time") from None


def _short(said: str) -> str:
    return said if len(said) <= 60 else said[:59] + "…"
