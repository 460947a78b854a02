"""The table of the lint's rules: for each its id, its severity, its title, why it matters, and what to do.
The lint compares the traffic with the contract. The checks are in other modules: ``frames``, ``to_ui``,
``from_ui``, ``rest`` and ``linter``.

The ids are public: they are used in settings, filters, the command line and the control API.
"""

from enum import StrEnum
from typing import NamedTuple

from app.protocol.did_you_mean import suggestion


class Severity(StrEnum):
    """How serious a finding is. The values are stored.

    ``error``: the UI shows something wrong, or cannot use the frame; ``warning``: the traffic differs from the
    guide; ``info``: it has no effect, but is probably a mistake.
    """

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


SEVERITIES = tuple(Severity)
"""From the most to the least serious."""


class Rule(NamedTuple):
    """A rule. ``why`` says what goes wrong if it is violated, and ``advice`` what to do."""

    id: str
    severity: Severity
    title: str
    why: str
    advice: str


_ERROR, _WARNING, _INFO = SEVERITIES

INVALID_FRAME = Rule(
    "invalid-frame", _ERROR, "Frame is not an event",
    "A frame must be a text frame with a JSON object: an event's name and its data. The receiver ignores any other "
    "frame.",
    "Correct the code that writes the frame: encode an object with a JSON library.",
)  # fmt: skip
UNKNOWN_EVENT = Rule(
    "unknown-event", _WARNING, "Event is not in the contract",
    "The receiver ignores an event that it does not know.",
    "Correct the event's name, or add the event to the contract.",
)  # fmt: skip
UNKNOWN_FIELD = Rule(
    "unknown-field", _WARNING, "Field is not in the contract",
    "The receiver ignores a field that it does not know, so a value under a wrong name is lost.",
    "Correct the field's name, remove the field, or add it to the contract.",
)  # fmt: skip
MISSING_FIELD = Rule(
    "missing-field", _ERROR, "Required field is missing",
    "The receiver reads the field, and works with an undefined value or rejects the frame.",
    "Add the field to the event.",
)  # fmt: skip
INVALID_VALUE = Rule(
    "invalid-value", _ERROR, "Field has an invalid value",
    "The value has the wrong type or format, so the receiver rejects the frame or shows something wrong.",
    "Correct the value; the schema beside the event in Inject shows what is allowed.",
)  # fmt: skip
TYPING_REPEATED = Rule(
    "typing-repeated", _WARNING, "typing: true within the cooldown",
    "Guide §3.1: while the user keeps typing, the UI does not send typing: true again within 1,000 ms.",
    "Send typing: true when typing begins, not on every key.",
)  # fmt: skip
TYPING_NOT_STOPPED = Rule(
    "typing-not-stopped", _WARNING, "typing: false is never sent",
    "Guide §3.1: the UI sends typing: false one second after the last key. Otherwise the friend's UI still shows "
    "that the user is typing. Reported 5 s after the message was sent, 60 s after the last typing: true, or when "
    "the client ends its connection.",
    "Send typing: false when the user stops typing, and when the message is sent.",
)  # fmt: skip
TYPING_LEFT_ON = Rule(
    "typing-left-on", _WARNING, "typing stays on after the chat was changed",
    "The friend in the previous chat never receives typing: false, and still sees that the user is typing.",
    "Send typing: false to the friend in the old chat when another chat is opened.",
)  # fmt: skip
MARK_READ_MISSING = Rule(
    "mark-read-missing", _WARNING, "mark_read is never sent",
    "Guide §3.2: the UI sends mark_read when the user opens a chat. Otherwise the messages stay unread in the "
    "backend. Reported 5 s after a chat with a new message was opened.",
    "Send mark_read with the ID of the newest message when a chat is opened.",
)  # fmt: skip
MARK_READ_UNKNOWN = Rule(
    "mark-read-unknown", _WARNING, "mark_read for an unknown message",
    "The backend has no such message from this friend, so nothing is marked as read.",
    "Send the msg_id of the newest message that the friend has sent.",
)  # fmt: skip
DUPLICATE_ID = Rule(
    "duplicate-id", _WARNING, "Message ID is used twice",
    "A UI skips a message whose ID it knows. The released UI still changes unread count and preview.",
    "Give each message an ID of its own ({{uuid}} in a fixture), and send it only once to each client.",
)  # fmt: skip
UNKNOWN_USER = Rule(
    "unknown-user", _WARNING, "Event is about a user who is not a contact",
    "An event about a user who is not in the response of GET /friends changes no contact of the UI.",
    "Add the friend first, and wait until the UI has loaded its friends again (at most 10 s).",
)  # fmt: skip
PRESENCE_REPEATED = Rule(
    "presence-repeated", _INFO, "Same presence is sent twice",
    "friend_online for a friend who is online, or friend_offline for one who is offline, changes nothing. "
    "friend_offline also moves the time of “last seen”.",
    "Send presence only when it changes.",
)  # fmt: skip
CLOCK_SKEW = Rule(
    "clock-skew", _WARNING, "Timestamp is in the future",
    "The timestamp of the message is more than 60 s after the time at which it was sent, so the clocks of sender "
    "and recipient differ, or the time zone is wrong.",
    "Use the current time in UTC ({{now}} in a fixture), and check the clocks.",
)  # fmt: skip
REST_DISAGREES = Rule(
    "rest-disagrees", _ERROR, "REST and events disagree",
    "The UI shows what the event said until its next request, and then something else.",
    "Store a change first, then send the event, and answer REST calls from the same state.",
)  # fmt: skip
BLANKS_UI = Rule(
    "blanks-ui", _ERROR, "Blanks the released UI",
    "The released UI fails while it draws, and shows an empty page until it is reloaded.",
    "Correct the value; if a chat without a message was opened, turn on “Prime browsers” in Settings.",
)  # fmt: skip
WRONG_UI_STATE = Rule(
    "wrong-ui-state", _WARNING, "Leaves the released UI in a wrong state",
    "The computed stores of the released UI differ from those of a correct UI after this frame.",
    "See the row of the log with the event ui-state, and the room UI state.",
)  # fmt: skip

RULES: tuple[Rule, ...] = (
    BLANKS_UI, REST_DISAGREES, INVALID_FRAME, MISSING_FIELD, INVALID_VALUE, UNKNOWN_FIELD, UNKNOWN_EVENT,
    DUPLICATE_ID, UNKNOWN_USER, CLOCK_SKEW, TYPING_REPEATED, TYPING_NOT_STOPPED, TYPING_LEFT_ON, MARK_READ_MISSING,
    MARK_READ_UNKNOWN, WRONG_UI_STATE, PRESENCE_REPEATED,
)  # fmt: skip
"""All rules, in the order in which they are listed."""

BY_ID = {rule.id: rule for rule in RULES}


def is_serious(severity: Severity, limit: Severity) -> bool:
    """Return whether a severity is at least as serious as ``limit``."""
    return SEVERITIES.index(severity) <= SEVERITIES.index(limit)


def unknown_rule(rule_id: str) -> str:
    """Return a sentence for an id that no rule has, with a suggestion; empty for a known id."""
    if rule_id in BY_ID:
        return ""
    hint = suggestion(rule_id, BY_ID).removeprefix("; ") or f"known: {', '.join(BY_ID)}"
    return f"there is no lint rule {rule_id[:60]!r} ({hint})"
