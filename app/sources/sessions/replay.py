"""Helpers for playing a recording: decide which of its steps are played, and give events new IDs and times. A
recorded client number is replaced by its user, or by all clients. ``recorded_performer`` fires the events.

A cause is a frame that was fired, for example in the window, by the API, a scenario or a peer. An effect is one
that the companion sends automatically, such as forwarded typing or an auto-reply. Effects are not fired, because
the companion produces them again; a replay in step with the UI waits for most of them. The option ``exact`` sends
both, with their recorded IDs and times, but not frames that no client received.
"""

import re
import uuid
from base64 import b64decode
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, TypeGuard

from app.hub.origin import EFFECTS, Origin
from app.hub.target import ALL, Target
from app.protocol.envelope import BadFrame, Envelope, decode
from app.protocol.session.actions import Action, Received, RestCall, Sent, ServerEvent
from app.protocol.session.steps import Session, Step
from app.protocol.times import seconds_of
from app.sources.sessions.in_step import SHORT_S, UUID, InRecording, InStep
from app.sources.sessions.local_user import LocalUser

UUID_CHARS = 36
MIN_CHARS = len("2026-01-01T00:00:00Z")
"""A shorter text is neither an id nor a time."""
SECONDS_CHARS = len("2026-01-01T00:00:00")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)")
_FREE_TEXT = ("text",)
"""Fields whose values are never ids or times."""
UNCERTAIN = ("priming", "server", "faults")
"""Effects that a replay does not wait for: a page is primed only once, and faults may no longer be armed."""


def is_cause(step: Sent) -> bool:
    """Return whether a recorded frame was fired, and is not the effect of something else."""
    return Origin(step.origin).kind not in EFFECTS


def payload_of(step: Sent | Received) -> bytes:
    """Return the recorded frame."""
    return b64decode(step.base64) if step.base64 else step.payload.encode()


class Renewal:
    """Gives the events of a recording new ids and times. Replaces client numbers by their user, or by all clients.

    An old id always gets the same new id, which depends on the seed, or is that of a message that the UI has posted
    again, or the companion has sent again. Times move by the difference between the begin of the recording, or of
    the part that is played, and that of the run. The local user of the session is that of this companion.
    """

    def __init__(self, session: Session, seed: int, start: float, local_user: str) -> None:
        """``start`` is the begin of the run in seconds since the epoch."""
        self._seed = seed
        self.local_user = LocalUser.of(session, local_user)
        self._shift = start - _started(session, start)
        self._kept: set[str] = set()
        """The ids of messages in the chat state at the begin, which stay the same."""
        self._again: dict[str, str] = {}
        """The new ids of messages that the UI has posted again, or the companion has sent again."""
        self._users = {str(each.client): each.user for each in session.header.clients}
        self._users |= {
            str(each.action.client): each.action.user
            for each in session.steps
            if isinstance(each.action, ServerEvent) and each.action.server == "connected"
        }

    def begin_after(self, seconds: float) -> None:
        """Set how long after the begin of the recording the replay begins."""
        self._shift -= seconds

    def use_id(self, recorded: str, new: str) -> None:
        """Replace the recorded id of a message by that of the message that was posted or sent instead of it."""
        self._again[recorded.lower()] = new

    def event(self, step: Sent) -> Envelope | None:
        """Return the event of a recorded frame with new ids and times, or None if the frame has no valid event."""
        try:
            found = decode(payload_of(step).decode())
        except (BadFrame, UnicodeDecodeError):
            return None
        return Envelope(found.event, self.local_user.value(self.value(found.data)))

    def payload(self, step: Sent) -> bytes:
        """Return a recorded frame with new ids and times; unchanged if it has neither, or no valid event."""
        event, payload = self.event(step), payload_of(step)
        return payload if event is None or event == decode(payload.decode()) else event.encode()

    def value(self, value: Any, key: str = "") -> Any:
        """Return JSON with new ids and times."""
        kind = type(value)  # JSON values have no subclasses
        if kind is str:
            return value if len(value) < MIN_CHARS or key in _FREE_TEXT else self._text(value)
        if kind is dict:
            return {name: self.value(each, name) for name, each in value.items()}
        return [self.value(each, key) for each in value] if kind is list else value

    def state(self, state: Any) -> Any:
        """Return a chat state with the local user here, whose times have moved.

        Its ids stay the same, also in the events about them.
        """
        if not isinstance(state, dict):
            return state
        moved = {"people": [], "messages": [], **state}
        for key, move in (("people", self._person), ("messages", self._message)):
            if isinstance(entries := moved[key], list):
                moved[key] = [move(each) for each in entries]
        return moved

    def target(self, text: str) -> Target:
        """Return the recipients of a recorded frame: clients are found by the user that they acted as."""
        try:
            target = Target.parse(text)
        except ValueError:
            return ALL
        if target.clients is None:
            return self.local_user.target(target)
        users = {self._users.get(str(each), "") for each in target.clients}
        return self.local_user.target(Target(user=users.pop())) if len(users) == 1 and "" not in users else ALL

    def _text(self, text: str) -> str:
        if len(text) == UUID_CHARS and UUID.fullmatch(text):
            if text.lower() in self._kept:
                return text
            if again := self._again.get(text.lower()):
                return again
            digest = sha256(f"{self._seed}:id:{text.lower()}".encode()).digest()
            return str(uuid.UUID(bytes=digest[:16], version=4))
        return self._time(text)

    def _time(self, text: str) -> str:
        """Return a moved time with the same offset and the same number of decimal places."""
        if not (found := _TIME.fullmatch(text)):
            return text
        digits, offset = found[1] or "", found[2]
        try:
            moved = datetime.fromisoformat(text) + timedelta(seconds=self._shift)
        except (ValueError, OverflowError):
            return text
        fraction = (f"{moved.microsecond:06}" + digits[6:])[: len(digits)]
        return f"{moved.isoformat()[:SECONDS_CHARS]}{'.' * bool(digits)}{fraction}{offset}"

    def _person(self, person: Any) -> Any:
        if not isinstance(person, dict):
            return person
        moved: dict[str, Any] = self.local_user.value(dict(person))
        for key in ("last_seen", "added_at"):
            if isinstance(person.get(key), int | float):
                with suppress(OverflowError):  # reading the state reports it
                    moved[key] = person[key] + self._shift
        return moved

    def _message(self, message: Any) -> Any:
        if not isinstance(message, dict) or not isinstance(message.get("timestamp"), str):
            return message
        self._kept.add(str(message.get("msg_id")).lower())
        return {**self.local_user.value(message), "timestamp": self._time(message["timestamp"])}


class Replay:
    """How the steps of a recording are played: which of them take part, and what has happened again so far.

    In step with the UI (``sync``), the replay also waits for the effects, so that what follows them in the
    recording follows them again. Polls do not take part: how many there are depends on nothing but time.
    """

    def __init__(self, session: Session, renewal: Renewal, *, sync: bool, exact: bool) -> None:
        self.renewal = renewal
        self.sync = sync
        self.exact = exact
        self.in_step: InStep | None = None
        self._recipients_known = any(
            isinstance(each.action, Sent) and each.action.recipients for each in session.steps
        )
        """Whether the recording says who received a frame; files of other tools may not."""
        self._left_out = _repeated_typing(session) | _short_connections(session) if sync else frozenset()

    def takes_part(self, step: Step) -> bool:
        """Return whether a step is played. The pause before one that is not is added to the pause of the next."""
        match action := step.action:
            case Sent():
                if self.exact:
                    return bool(action.recipients) or not self._recipients_known
                if is_cause(action):
                    return True
                awaits = Origin(action.origin).kind not in UNCERTAIN
            case Received():
                awaits = (
                    action.verdict != "invalid" and action.client != "rest"
                )  # the row of a call: not its response
            case RestCall():
                awaits = not is_poll(action.rest)
            case ServerEvent():
                awaits = action.server == "connected"
            case _:
                return True
        return self.sync and awaits and step.line not in self._left_out

    def awaits(self, action: Action) -> TypeGuard[InRecording]:
        """Return whether a step that takes part is not done, but has to happen again."""
        match action:
            case Sent():
                return not self.exact and not is_cause(action)
            case Received() | RestCall() | ServerEvent():
                return True
        return False


def connected_users(session: Session, number: int) -> list[str]:
    """Return the user of each client that was connected in a recording after this number of its steps."""
    users = {str(each.client): each.user for each in session.header.clients}
    for step in session.steps[:number]:
        match step.action:
            case ServerEvent(server="connected", client=client, user=user):
                users[str(client)] = user
            case ServerEvent(server="disconnected", client=client):
                users.pop(str(client), None)
    return list(users.values())


def _repeated_typing(session: Session) -> frozenset[int]:
    """Return the lines of typing frames that equal the previous one from the same user, or to the same user."""
    last: dict[str, str] = {}
    found = []
    for step in session.steps:
        match action := step.action:
            case Received(c2s="typing"):
                key = f"c2s {action.user}"
            case Sent(s2c="typing") if not is_cause(action):
                key = f"s2c {action.origin} {action.to}"
            case _:
                continue
        if last.get(key) == action.payload:
            found.append(step.line)
        last[key] = action.payload
    return frozenset(found)


def _short_connections(session: Session) -> frozenset[int]:
    """Return the lines of clients that connected for less than ``SHORT_S``, and were never ready."""
    began: dict[int | str, tuple[int, float]] = {}
    found, now = [], 0.0
    for step in session.steps:
        now += step.action.after
        match step.action:
            case ServerEvent(server="connected", client=client):
                began[client] = step.line, now
            case ServerEvent(server="disconnected", client=client) if client in began:
                line, since = began.pop(client)
                if now - since < SHORT_S:
                    found.append(line)
    return frozenset(found)


def _started(session: Session, otherwise: float) -> float:
    try:
        return seconds_of(datetime.fromisoformat(session.header.started))
    except (ValueError, OverflowError):
        return otherwise


def is_poll(event: str) -> bool:
    """Return whether this is a REST call that the UI makes again and again, whatever happens."""
    return event.startswith("GET ") and event != "GET /messages"
