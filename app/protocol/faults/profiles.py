"""Profiles: sets of faults of frames and of REST calls, which are saved as JSON files and armed by name.
A fault disturbs on purpose, for example by a delay; armed means switched on. This module has the struct of a file,
and parses and formats its text. ``storage.profile_library`` reads and writes the files; ``interceptors.faults``
arms profiles.
"""

import json
from collections.abc import Iterable
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta, Struct, field

from app.protocol.envelope import BadFrame, parse_json
from app.protocol.faults.draws import MAX_SEED
from app.protocol.faults.kinds import AnyFault, Fault
from app.protocol.faults.rest import RestFault, check_rest_fault, rest_fault_text
from app.protocol.faults.words import InvalidFault, faults_text
from app.validation_messages import fault

MAX_PROFILE_BYTES = 64 * 1024
MAX_FAULTS = 50
Seed = Annotated[int, Meta(ge=0, le=MAX_SEED)]


class Profile(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The content of a profile file."""

    editor_schema: Annotated[str, Meta(description="The JSON Schema of this file, for editors")] = field(
        default="", name="$schema"
    )
    title: Annotated[str, Meta(max_length=200, description="Title shown in the window")] = ""
    about: Annotated[str, Meta(max_length=1000, description="What it imitates")] = ""
    seed: Annotated[Seed | None, Meta(description="The seed, if none is given")] = None
    faults: Annotated[tuple[AnyFault, ...], Meta(max_length=MAX_FAULTS, description="Faults of frames")] = ()
    rest: Annotated[tuple[RestFault, ...], Meta(max_length=MAX_FAULTS, description="Faults of REST calls")] = ()

    def to_json(self) -> str:
        """Return the text of the profile's file."""
        return json.dumps(msgspec.to_builtins(self), indent=2, ensure_ascii=False) + "\n"


class SavedProfile(NamedTuple):
    """A profile with its name. ``own``: it is one of the user's own, not a built-in one."""

    name: str
    profile: Profile
    own: bool

    @property
    def title(self) -> str:
        """The title, or the last part of the name if there is none."""
        return self.profile.title or self.name.rpartition("/")[2]


def all_faults_text(faults: Iterable[Fault], rest: Iterable[RestFault]) -> str:
    """Return faults as they are written: those of frames, then those of REST calls with their routes."""
    calls = [f"{each.route} {rest_fault_text(each)}" for each in rest]
    return "; ".join(filter(None, [faults_text(faults), *calls]))


def parse_profile(text: str) -> Profile:
    """Parse the text of a profile's file. Raises ``InvalidFault``."""
    try:
        profile = msgspec.structs.replace(msgspec.convert(parse_json(text), Profile), editor_schema="")
    except BadFrame as bad:
        raise InvalidFault(str(bad)) from None
    except msgspec.ValidationError as error:
        raise InvalidFault(str(fault(error))) from None
    routes = set()
    for each in profile.rest:
        check_rest_fault(each)
        if each.route in routes:
            raise InvalidFault(f"{each.route} has several faults; write one for each route")
        routes.add(each.route)
    if not (profile.faults or profile.rest):
        raise InvalidFault("it has no faults")
    return profile
