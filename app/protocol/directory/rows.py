"""Parse rows of the tables ``users`` and ``messages`` of a Supabase project from the JSON of a response.

Other programs write these rows, so any value in them may be wrong. A user without a valid name is left out; other
invalid values of a user become empty. A message that cannot be used is returned as ``BadRow`` with the reason.
``content_of`` returns the content of a message, still encrypted: a whole envelope, or a text with its signature.
"""

import base64
import binascii
import json
from datetime import datetime
from typing import Any, NamedTuple

from msgspec import Struct

from app import usernames
from app.protocol.times import seconds_of, utc

MAX_CONTENT = 2 * 1024 * 1024
"""Maximum length of the column ``ciphertext``: an envelope of 1 MiB in base64 has less."""
MAX_ID = 64
MAX_VALUES = 5_000
"""At most this many objects and lists are parsed: more would hold up the event loop. PostgREST sends at most 1,000
rows, and a row may contain the JSON of an envelope."""


class InvalidResponse(ValueError):
    """The body of a response is not the JSON array of objects that PostgREST sends."""


class TooManyValues(InvalidResponse):
    """The body of a response would take too long to parse. Ask for fewer rows."""


class DirectoryUser(Struct, frozen=True, kw_only=True):
    """A row of ``users``. Times are seconds since the epoch; None if there is none."""

    username: str
    node_id: str = ""
    public_key: str = ""
    signing_key: str = ""
    last_ip: str = ""
    last_seen: float | None = None


class QueuedRow(Struct, frozen=True, kw_only=True):
    """A row of ``messages``. ``created_at`` is the text of the response, which marks the position of a page."""

    id: str
    from_user: str
    created_at: str
    at: float
    """``created_at`` in seconds since the epoch."""
    ciphertext: str
    signature: str | None = None
    """None in the older schema, which stores no signatures."""


class BadRow(NamedTuple):
    """A row that cannot be used, and the reason.

    ``id`` and ``created_at`` are the texts of the response, empty if there are none. They mark the position of a
    page, also if Python cannot represent the time: PostgreSQL has ``-infinity`` and years BC.
    """

    id: str
    created_at: str
    reason: str


class SealedEnvelope(NamedTuple):
    """The content of a queued row in the older schema: the JSON of a whole envelope."""

    envelope: bytes


class SealedText(NamedTuple):
    """The content of a queued row in the newer schema: base64 of nonce and box, and the signature of that text.

    ``signature`` is None if the project stores no signatures.
    """

    ciphertext: str
    signature: str | None


def read_objects(body: bytes) -> list[dict[str, Any]]:
    """Return the objects in a response. Raises ``InvalidResponse``, and ``TooManyValues`` before it is parsed."""
    if body.count(b"{") + body.count(b"[") > MAX_VALUES:
        raise TooManyValues("the response has too many rows")
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidResponse("the response is not JSON") from None
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise InvalidResponse("the response is not a list of rows")
    return value


def read_users(body: bytes) -> list[DirectoryUser]:
    """Return the users in a response, without those that have no valid name. Raises ``InvalidResponse``."""
    return [
        DirectoryUser(
            username=row["username"],
            last_seen=parse_time(row.get("last_seen")),
            **{name: _text(row.get(name)) for name in ("node_id", "public_key", "signing_key", "last_ip")},
        )
        for row in read_objects(body)
        if isinstance(row.get("username"), str) and not usernames.problem(row["username"])
    ]


def read_queue(body: bytes) -> list[QueuedRow | BadRow]:
    """Return the messages in a response, in its order. Raises ``InvalidResponse``."""
    return [_queued(row) for row in read_objects(body)]


def _queued(row: dict[str, Any]) -> QueuedRow | BadRow:
    row_id, created_at = _text(row.get("id"), MAX_ID), _text(row.get("created_at"), MAX_ID)
    at = parse_time(created_at)
    content, sender = row.get("ciphertext"), row.get("from_user")
    if not row_id:
        return BadRow("", created_at, "it has no id")
    if at is None:
        return BadRow(row_id, created_at, "created_at is not a time")
    if not isinstance(sender, str) or usernames.problem(sender):
        return BadRow(row_id, created_at, "from_user is not a valid name")
    if not isinstance(content, str) or not content:
        return BadRow(row_id, created_at, "ciphertext is empty")
    if len(content) > MAX_CONTENT:
        return BadRow(row_id, created_at, f"ciphertext has more than {MAX_CONTENT // 1024 // 1024} MiB")
    signature = _text(row["signature"], 1024) if "signature" in row else None
    return QueuedRow(
        id=row_id, from_user=sender, created_at=created_at, at=at, ciphertext=content, signature=signature
    )


def content_of(row: QueuedRow) -> SealedEnvelope | SealedText:
    """Return what a row contains: an envelope, as JSON or in base64, or a sealed text with its signature."""
    if row.ciphertext.lstrip().startswith("{"):
        return SealedEnvelope(row.ciphertext.encode(errors="replace"))
    try:
        decoded = base64.b64decode(row.ciphertext, validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if decoded.lstrip().startswith(b"{") and _is_object(decoded):  # a random nonce may begin with {
        return SealedEnvelope(decoded)
    return SealedText(row.ciphertext, row.signature)


def _is_object(text: bytes) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def parse_time(value: object) -> float | None:
    """Return an ISO time with an offset as seconds since the epoch; None if it is not one."""
    if not isinstance(value, str) or len(value) > MAX_ID:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    if moment.utcoffset() is None:
        return None
    found = seconds_of(moment)
    try:
        utc(found)
    except OverflowError:  # with its offset, a time can be outside of the calendar
        return None
    return found


def _text(value: object, limit: int = 4096) -> str:
    """Return a text, or an empty one for another value and for a text that cannot be stored."""
    if not isinstance(value, str) or len(value) > limit:
        return ""
    try:
        value.encode()
    except UnicodeEncodeError:
        return ""
    return value
