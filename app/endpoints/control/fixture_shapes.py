"""JSON types of the control API operations on fixtures (saved events or raw frames), and a function that converts a
saved fixture to its response.
"""

from typing import Annotated

from msgspec import Meta, Struct

from app.endpoints.control.shapes import Input
from app.protocol.fixture import Fixture, FixtureExpectation, SavedFixture


class RenameBody(Input):
    """The new name of a fixture, session or fault profile."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]


class FrameQuery(Input):
    """How to save a frame."""

    renew: Annotated[bool, Meta(description="1: a new ID and time each time it is fired; 0: unchanged")] = False
    literal: Annotated[bool, Meta(description="1: the frame has no templates; text like {{now}} stays")] = False


class FixtureInfo(Struct, kw_only=True):
    """A fixture in the list."""

    name: str
    title: str
    event: str
    must: str
    malformed: bool
    own: Annotated[bool, Meta(description="Whether it is one of your own, which can be changed")]
    pinned: bool
    problems: Annotated[list[str], Meta(description="Unintended violations of the contract")]
    faults: Annotated[list[str], Meta(description="Deprecated: the same as problems")]
    expect: Annotated[FixtureExpectation | None, Meta(description="What the UI must send after it was fired")]


class FixtureList(Struct, kw_only=True):
    """All fixtures. ``warnings`` names files that are not valid fixtures."""

    fixtures: list[FixtureInfo]
    folder: str | None
    warnings: list[str]
    complaints: Annotated[list[str], Meta(description="Deprecated: the same as warnings")]


class FixtureFull(Struct, kw_only=True):
    """A fixture with its content."""

    name: str
    own: bool
    fixture: Fixture


def fixture_full(saved: SavedFixture) -> FixtureFull:
    """Convert a fixture to an answer."""
    return FixtureFull(name=saved.name, own=saved.own, fixture=saved.fixture)
