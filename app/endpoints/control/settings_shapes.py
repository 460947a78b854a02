"""JSON types of the control API operations on settings, allowed origins, start at login, updates and agent token.
The list of allowed origins also has the latest rejections, by any server and for any reason: ``rejection_info``
converts one.
"""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from app.endpoints.control.shapes import Input
from app.hub.rejection_log import RejectionStats
from app.system.settings import Settings

Origin = Annotated[
    str,
    Meta(min_length=1, max_length=300, description="Origin of the web pages", examples=["http://localhost:5173"]),
]

SettingsChange = msgspec.defstruct(
    "SettingsChange",
    [(each.name, each.type | UnsetType, UNSET) for each in msgspec.structs.fields(Settings)],
    bases=(Input,),
    kw_only=True,
    module=__name__,
)
"""The settings to change. Omitted settings stay unchanged."""


class SettingsState(Struct, kw_only=True):
    """The settings in use."""

    values: Settings
    at_next_start: Annotated[list[str], Meta(description="Changed settings that take effect at the next start")]
    warnings: Annotated[
        list[str], Meta(description="Why servers could not start, and what a change of the user name breaks")
    ]


class OriginBody(Input):
    """The origin to allow."""

    origin: Origin


class OriginQuery(Input):
    """The origin to remove."""

    origin: Origin


class RejectionInfo(Struct, kw_only=True):
    """Refused connections with the same reason. ``last`` is in seconds since the epoch."""

    server: str
    reason: str
    origin: Annotated[str, Meta(description="The origin to allow; empty if allowing it would not help")]
    user_agent: str
    times: int
    last: float


class OriginList(Struct, kw_only=True):
    """The origins whose pages may connect, and the latest refused connections, newest first."""

    allowed: list[str]
    refused: list[RejectionInfo]


class Switch(Input):
    """A setting that is on or off."""

    on: bool


class SwitchState(Struct, kw_only=True):
    """A setting that is on or off."""

    on: bool


class NewerVersion(Struct, kw_only=True):
    """The result of a check: ``newer`` is null if the running version is the newest."""

    current: str
    newer: str | None
    page: Annotated[str | None, Meta(description="Web page about that version")]


class TokenInfo(Struct, kw_only=True):
    """A token and its storage."""

    token: str
    kept_in: Annotated[str, Meta(description="keyring, file or memory")]
    file: str


def rejection_info(rejection: RejectionStats) -> RejectionInfo:
    """Convert the statistics of a rejection to the shape of the response."""
    return RejectionInfo(
        server=rejection.server, reason=rejection.reason, origin=rejection.origin, user_agent=rejection.user_agent,
        times=rejection.times, last=rejection.last,
    )  # fmt: skip
