"""Helpers for playing a recording: tell fired events from their effects, replace recorded IDs, times and client
numbers by new ones, and hold the options of the replay. ``recorded_performer`` fires the events.

A cause is an event that the window, the tray, the API, a scenario or a source fired. Its effects, such as forwarded
typing and auto-reply, are not fired: the companion produces them again.
"""

import re
import uuid
from base64 import b64decode
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from app.hub.origin import AUTO_REPLY, BACKEND, PRIMING, REST, SERVER, Origin
from app.hub.target import ALL, Target
from app.protocol.envelope import BadFrame, Envelope, decode
from app.protocol.session.actions import Received, RestCall, Sent, ServerEvent
from app.protocol.session.steps import Session
from app.protocol.templates import iso
from app.protocol.times import seconds_of

EFFECTS = frozenset(each.kind for each in (BACKEND, PRIMING, AUTO_REPLY, REST, SERVER, Origin("client")))
"""The kinds of origin of frames that the companion sends by itself."""
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)")
_FREE_TEXT = ("text",)
"""Fields whose values are never ids or times."""


def is_cause(step: Sent) -> bool:
    """Return whether a recorded frame was fired, and is not the effect of something else."""
    return Origin(step.origin).kind not in EFFECTS


def payload_of(step: Sent | Received) -> bytes:
    """Return the recorded frame."""
    return b64decode(step.base64) if step.base64 else step.payload.encode()


class Renewal:
    """Replaces ids, times and client numbers of a recording by those of the run.

    An old id always gets the same new id, which depends on the seed. Times move by the difference between the begin
    of the recording and that of the run.
    """

    def __init__(self, session: Session, seed: int, start: float) -> None:
        """``start`` is the begin of the run in seconds since the epoch."""
        self._seed = seed
        self._shift = start - _started(session, start)
        self._users = {
            str(each.action.client): each.action.user
            for each in session.steps
            if isinstance(each.action, ServerEvent) and each.action.server == "connected"
        }

    def event(self, step: Sent) -> Envelope | None:
        """Return the event of a recorded frame with new ids and times, or None if the frame has no valid event."""
        try:
            found = decode(payload_of(step).decode())
        except (BadFrame, UnicodeDecodeError):
            return None
        return Envelope(found.event, self.value(found.data))

    def value(self, value: Any, key: str = "") -> Any:
        """Return JSON with new ids and times."""
        match value:
            case dict():
                return {name: self.value(each, name) for name, each in value.items()}
            case list():
                return [self.value(each, key) for each in value]
            case str() if key not in _FREE_TEXT:
                return self._text(value)
        return value

    def state(self, state: Any) -> Any:
        """Return a chat state whose times have moved. Its ids stay the same."""
        if not isinstance(state, dict):
            return state
        return {
            **state,
            "people": [self._person(each) for each in state.get("people", ())],
            "messages": [self._message(each) for each in state.get("messages", ())],
        }

    def target(self, text: str) -> Target:
        """Return the recipients of a recorded frame: clients are found by the user that they acted as."""
        try:
            target = Target.parse(text)
        except ValueError:
            return ALL
        if target.clients is None:
            return target
        users = {self._users.get(str(each), "") for each in target.clients}
        return Target(user=users.pop()) if len(users) == 1 and "" not in users else ALL

    def _text(self, text: str) -> str:
        if _UUID.fullmatch(text):
            return str(uuid.UUID(int=Random(f"{self._seed}:id:{text.lower()}").getrandbits(128), version=4))
        return self._time(text)

    def _time(self, text: str) -> str:
        if not _TIME.fullmatch(text):
            return text
        try:
            return iso(seconds_of(datetime.fromisoformat(text)) + self._shift)
        except (ValueError, OverflowError):
            return text

    def _person(self, person: Any) -> Any:
        if not isinstance(person, dict):
            return person
        moved = {
            key: person[key] + self._shift
            for key in ("last_seen", "added_at")
            if isinstance(person.get(key), int | float)
        }
        return {**person, **moved}

    def _message(self, message: Any) -> Any:
        if not isinstance(message, dict) or not isinstance(message.get("timestamp"), str):
            return message
        return {**message, "timestamp": self._time(message["timestamp"])}


@dataclass
class Replay:
    """How the steps of a recording are played. ``heard`` is the row of the last thing that the UI sent again."""

    renewal: Renewal
    sync: bool
    exact: bool
    heard: int


def awaited(step: Received | RestCall) -> tuple[str, str]:
    """Return the event and the sender of what the UI has to send again, for an expectation."""
    if isinstance(step, RestCall):
        return step.rest, ""
    return step.c2s, step.user


def _started(session: Session, otherwise: float) -> float:
    try:
        return seconds_of(datetime.fromisoformat(session.header.started))
    except (ValueError, OverflowError):
        return otherwise


def is_poll(event: str) -> bool:
    """Return whether this is a REST call that the UI makes again and again, whatever happens."""
    return event.startswith("GET ") and event != "GET /messages"
