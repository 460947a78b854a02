"""JSON types of the control API's requests and responses on personas, messages and reactions to messages.
A persona is a chat user that the companion simulates. ``persona_info`` converts a stored one, or a peer (a friend
with a companion of their own), to its response.
"""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from app import usernames
from app.endpoints.control.shapes import Input
from app.protocol.backend import DEFAULT_LIMIT, MAX_LIMIT, Person

PersonaName = Annotated[str, Meta(min_length=1, max_length=usernames.MAX_LENGTH, examples=["gina"])]
Emoji = Annotated[str, Meta(min_length=1, max_length=32, description="The emoji", examples=["👍"])]
Reacting = Annotated[str, Meta(min_length=1, max_length=usernames.MAX_LENGTH, description="The user who reacts")]


class PersonaBody(Input):
    """A new persona."""

    username: PersonaName
    is_friend: Annotated[bool, Meta(description="Add it as a friend; if false, the UI can add it by name")] = True


class PersonaChange(Input):
    """Changes of a persona. Omitted fields stay unchanged."""

    username: PersonaName | UnsetType = UNSET
    is_friend: Annotated[bool, Meta(description="Make or end the friendship")] | UnsetType = UNSET
    online: Annotated[bool, Meta(description="Fire friend_online or friend_offline")] | UnsetType = UNSET
    auto_reply: Annotated[bool, Meta(description="Reply to every message of the local user")] | UnsetType = UNSET
    stay_online: (
        Annotated[bool, Meta(description="Stay online instead of going offline after 5 minutes")] | UnsetType
    ) = UNSET


class PersonaInfo(Struct, kw_only=True):
    """A persona: a chat user that the companion simulates and you play."""

    username: str
    is_friend: bool
    online: bool
    auto_reply: bool
    stay_online: bool
    ui_typing: Annotated[bool, Meta(description="Whether your UI is typing to it now")]
    is_peer: Annotated[bool, Meta(description="Whether it is a peer, with a companion of their own, not a persona")]


class MessagesQuery(Input):
    """The chat, and the page of its messages."""

    peer: Annotated[str, Meta(min_length=1, description="The other user of the chat", examples=["alice"])]
    limit: Annotated[int, Meta(ge=1, le=MAX_LIMIT, description="Maximum number of messages")] = DEFAULT_LIMIT
    offset: Annotated[int, Meta(ge=0, le=2**53, description="Skip this many of the newest messages")] = 0


class MessagePage(Struct, kw_only=True):
    """Messages of a chat, oldest first, each as the data of ``new_message``."""

    messages: list[dict[str, Any]]
    total: Annotated[int, Meta(description="Number of messages in the chat")]


class DeliveredBody(Input):
    """The new state of a message."""

    delivered: Literal[True]


class ReactionBody(Input):
    """A reaction."""

    emoji: Emoji
    by: Reacting


class ReactionQuery(Input):
    """A reaction."""

    emoji: Emoji
    by: Reacting


def persona_info(person: Person, *, ui_typing: bool) -> PersonaInfo:
    """Convert a stored persona or peer to its response."""
    return PersonaInfo(
        username=person.username, is_friend=person.is_friend, online=person.online, auto_reply=person.auto_reply,
        stay_online=person.pinned, ui_typing=ui_typing, is_peer=person.is_peer,
    )  # fmt: skip
