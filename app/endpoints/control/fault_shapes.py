"""JSON types of the control API operations on faults and fault profiles, and a function that converts a profile to
its response. A fault disturbs frames, connections or REST calls on purpose: it delays frames, for example.
"""

from typing import Annotated

from msgspec import Meta, Struct

from app.endpoints.control.shapes import Input
from app.protocol.faults.draws import MAX_SEED
from app.protocol.faults.kinds import AnyFault
from app.protocol.faults.profiles import MAX_FAULTS, Profile, SavedProfile
from app.protocol.faults.rest import RestFault

Seed = Annotated[
    int, Meta(ge=0, le=MAX_SEED, description="Decides what is lost, and so on; chosen if it is missing")
]
To = Annotated[str, Meta(max_length=400, description="all, user:NAME or client:NUMBER")]


class ArmBody(Input):
    """Faults, or the name of a profile."""

    to: To = "all"
    faults: Annotated[tuple[AnyFault, ...], Meta(max_length=MAX_FAULTS)] = ()
    profile: Annotated[str, Meta(max_length=200, description="Name of a profile, instead of faults")] = ""
    seed: Seed | None = None


class ArmRestBody(Input):
    """A fault of a REST route."""

    fault: RestFault
    seed: Seed | None = None


class ClearQuery(Input):
    """What to clear; everything if neither is given."""

    to: Annotated[str, Meta(max_length=400, description="Only the faults that are armed for this target")] = ""
    route: Annotated[str, Meta(max_length=200, description="Only the fault of this REST route")] = ""


class Cleared(Struct, kw_only=True):
    """How many targets and routes had faults."""

    cleared: int


class ArmedInfo(Struct, kw_only=True):
    """Faults that are armed for a target."""

    number: int
    to: str
    profile: str
    seed: int
    faults: tuple[AnyFault, ...]
    clients: Annotated[list[int], Meta(description="Connected clients that they act on")]
    seen: Annotated[int, Meta(description="Frames that they have decided about")]
    acted: Annotated[dict[str, int], Meta(description="How often each kind of fault has acted")]


class ArmedRestInfo(Struct, kw_only=True):
    """A fault that is armed for a REST route."""

    fault: RestFault
    seed: int
    seen: Annotated[int, Meta(description="Calls of the route")]
    acted: Annotated[int, Meta(description="Calls that it has acted on")]


class FaultState(Struct, kw_only=True):
    """All faults that are armed."""

    frames: list[ArmedInfo]
    rest: list[ArmedRestInfo]


class ProfileInfo(Struct, kw_only=True):
    """A profile of faults."""

    name: str
    title: str
    own: Annotated[bool, Meta(description="Whether it is one of your own, which can be changed")]
    profile: Profile


class ProfileList(Struct, kw_only=True):
    """All profiles. ``warnings`` names files that are not valid profiles."""

    profiles: list[ProfileInfo]
    folder: str | None
    warnings: list[str]


def profile_info(saved: SavedProfile) -> ProfileInfo:
    """Return a profile for a response."""
    return ProfileInfo(name=saved.name, title=saved.title, own=saved.own, profile=saved.profile)
