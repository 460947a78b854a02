"""The built-in events of the guide, the UI's specification (§2, §3, Appendix A): four to the UI and two from it.
Each is a struct, from which validation, the form in the Inject room, the schemas and the documentation are derived.

To add a built-in event (guide §6.3), add its struct here. One from the UI changes nothing until
``app/companion.py`` registers a handler for it. Event files add events without code: see ``event_files``.
"""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from app.protocol.contract import Direction, Event, event

# Formats and media types are hints for forms: a list of personas, a generated value, a field with several lines.
Username = Annotated[str, Meta(min_length=1, examples=["alice"], extra_json_schema={"format": "username"})]
MessageId = Annotated[
    str,
    Meta(
        pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?![\s\S])",
        description="Unique message identifier (UUID)",
        examples=["a1b2c3d4-e5f6-7890-abcd-ef1234567890"],
        extra_json_schema={"format": "uuid"},
    ),
]


class Reaction(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A user's emoji reaction to a message."""

    emoji: Annotated[str, Meta(min_length=1, description="The emoji", examples=["👍"])]
    from_: Annotated[Username, Meta(description="Who reacted")] = field(name="from")


@event("new_message", Direction.TO_UI)
class NewMessage(Event, frozen=True, kw_only=True):
    """A chat message arrived, directly from a peer or from the offline queue."""

    msg_id: MessageId
    from_: Annotated[Username, Meta(description="Sender")] = field(name="from")
    to: Annotated[Username, Meta(description="Recipient", examples=["bob"])]
    text: Annotated[
        str,
        Meta(
            description="Plain text of the message",
            examples=["Hey there!"],
            extra_json_schema={"contentMediaType": "text/plain"},
        ),
    ]
    timestamp: Annotated[
        datetime,
        Meta(tz=True, description="When it was sent (ISO 8601)", examples=["2024-01-15T10:30:00Z"]),
    ]
    direction: Annotated[
        Literal["received", "sent"],
        Meta(description="Relative to the local user", examples=["received"]),
    ]
    delivered: Annotated[bool, Meta(description="Whether delivery is confirmed", examples=[True])]
    delivery_method: Annotated[
        Literal["direct", "offline"],
        Meta(description="direct: peer to peer; offline: through the queue", examples=["direct"]),
    ]
    reactions: Annotated[list[Reaction], Meta(description="Reactions to the message")] | UnsetType = UNSET


@event("friend_online", Direction.TO_UI)
class FriendOnline(Event, frozen=True, kw_only=True):
    """A friend came online."""

    username: Annotated[Username, Meta(description="The friend who came online")]


@event("friend_offline", Direction.TO_UI)
class FriendOffline(Event, frozen=True, kw_only=True):
    """A friend went offline."""

    username: Annotated[Username, Meta(description="The friend who went offline")]


@event("typing", Direction.TO_UI)
class Typing(Event, frozen=True, kw_only=True):
    """A friend started or stopped typing."""

    username: Annotated[Username, Meta(description="The friend who is typing")]
    typing: Annotated[bool, Meta(description="true: started, false: stopped", examples=[True])]


@event("typing", Direction.FROM_UI)
class TypingTo(Event, frozen=True, kw_only=True):
    """The local user started or stopped typing to a peer."""

    to: Annotated[Username, Meta(description="The peer of the open chat")]
    typing: Annotated[bool, Meta(description="true: typing, false: stopped", examples=[True])]


@event("mark_read", Direction.FROM_UI)
class MarkRead(Event, frozen=True, kw_only=True):
    """The local user has read a peer's messages up to one of them."""

    peer: Annotated[Username, Meta(description="The conversation partner")]
    msg_id: Annotated[
        str,
        Meta(
            min_length=1,
            description="Latest message that was read",
            examples=["550e8400-e29b-41d4-a716-446655440000"],
        ),
    ]
