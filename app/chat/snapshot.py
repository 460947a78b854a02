"""Validate a snapshot of the chat state, and return its personas and its messages with their read marks.
A snapshot is the chat state as JSON. It has no peers (friends with a companion of their own), but the messages
that were exchanged with them. ``storage.chat.dump`` makes it.
"""

from typing import Any

import msgspec

from app.protocol.backend import MessageData, Person, is_valid_time, valid_username
from app.protocol.catalog import built_in
from app.protocol.contract import Direction
from app.protocol.envelope import BadFrame, check_tree
from app.protocol.errors import Malformed, RequestError
from app.storage.chat import MESSAGE_FIELDS
from app.validation_messages import fault

VERSION = 1

State = tuple[list[Person], list[tuple[MessageData, bool]]]
"""The cast, and all messages, each with whether the local user has read it."""


def parse_snapshot(snapshot: Any) -> State:
    """Validate a snapshot and return its content. Raises ``RequestError`` with the location of the first error."""
    if not isinstance(snapshot, dict) or snapshot.get("version") != VERSION:
        raise _invalid(f'it needs "version": {VERSION}')
    return _people(snapshot.get("people")), _messages(snapshot.get("messages"))


def _people(entries: Any) -> list[Person]:
    try:
        people = msgspec.convert(entries, list[Person])
    except msgspec.ValidationError as error:
        wrong = fault(error)
        raise _invalid(f"{wrong.under('people')}: {wrong.sentence}") from None
    names = set()
    for number, each in enumerate(people):
        where = f"people[{number}]"
        try:
            clean = valid_username(each.username)
        except RequestError as error:
            raise _invalid(f"{where}.username: {error.reason}") from None
        if clean != each.username:
            raise _invalid(f"{where}.username has spaces around it")
        if clean in names:
            raise _invalid(f"{where}.username: {clean} appears twice")
        names.add(clean)
        for field in ("last_seen", "added_at"):
            if not is_valid_time(getattr(each, field)):
                raise _invalid(f"{where}.{field} is not a valid time in seconds since 1970")
    return people


def _messages(entries: Any) -> list[tuple[MessageData, bool]]:
    if not isinstance(entries, list):
        raise _invalid("messages must be a list")
    # Not the events in use: a state stays valid when a file adds a required field, or is removed.
    known = built_in().get(Direction.TO_UI, "new_message")
    assert known is not None
    messages = []
    ids = set()
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict) or not isinstance(entry.get("read"), bool):
            raise _invalid(f'messages[{number}]: must be an object with "read": true or false')
        data = {key: value for key, value in entry.items() if key not in ("read", "extra")}
        if problems := known.problems(data):
            raise _invalid(f"messages[{number}].{problems[0]}")
        if data["msg_id"] in ids:
            raise _invalid(f"messages[{number}].msg_id: {data['msg_id']} appears twice")
        ids.add(data["msg_id"])
        messages.append(({**data, **_extra(entry, number)}, entry["read"]))
    return messages


def _extra(entry: dict[str, Any], number: int) -> dict[str, Any]:
    """Return the fields of a message that files have added to ``new_message``."""
    more = entry.get("extra", {})
    if not isinstance(more, dict):
        raise _invalid(f"messages[{number}].extra must be an object")
    if taken := [name for name in more if name in MESSAGE_FIELDS]:
        raise _invalid(f"messages[{number}].extra must not contain {taken[0]}")
    try:
        check_tree(more)  # as in the events that had these fields
    except BadFrame as bad:
        raise _invalid(f"messages[{number}].extra: {bad}") from None
    return more


def _invalid(reason: str) -> RequestError:
    return Malformed(f"This is not a saved chat state: {reason}.")
