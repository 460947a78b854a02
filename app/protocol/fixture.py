"""Fixtures, which are saved events or raw frames that can be fired by name: parse, check and format their JSON.
``storage.fixtures`` reads and writes the files.
"""

import json
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from app.protocol.catalog import Catalog
from app.protocol.contract import Direction
from app.protocol.envelope import BadFrame, Envelope, check_tree, decode, parse_json
from app.protocol.file_names import BadName, valid_name
from app.protocol.json_path import BadPath, absolute_path, apply_changes, check_path
from app.protocol.templates import MAX_TEMPLATES, TemplateContext, TemplateError, count_templates, escaped, resolve
from app.protocol.wire_names import WireNames, own_text
from app.validation_messages import fault

SUFFIX = ".json"
MAX_FIXTURE_BYTES = 64 * 1024
MIN_WITHIN_S, MAX_WITHIN_S = 0.1, 60.0
"""Limits for the timeout of a fixture's expectation."""
DEFAULT_WITHIN_S = 2.0


class BadFixture(ValueError):
    """An invalid fixture or fixture name. The text is shown to users."""


class FixtureExpectation(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What the UI must send after a fixture was fired."""

    event: Annotated[
        str, Meta(min_length=1, max_length=200, description="A client event, or a REST call like POST /messages")
    ]
    where: Annotated[dict[str, Any], Meta(description="Required values: path → JSON value")] = field(
        default_factory=dict
    )
    within: Annotated[float, Meta(ge=MIN_WITHIN_S, le=MAX_WITHIN_S, description="Timeout in seconds")] = (
        DEFAULT_WITHIN_S
    )


class Fixture(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The content of a fixture file: either ``event`` and ``data``, or ``frame``."""

    editor_schema: Annotated[str, Meta(description="The JSON Schema of this file, for editors")] = field(
        default="", name="$schema"
    )
    title: Annotated[str, Meta(max_length=200, description="Title shown in the window")] = ""
    must: Annotated[str, Meta(max_length=1000, description="What a correct UI must do with the event")] = ""
    event: Annotated[str, Meta(max_length=80, description="The event's name")] = ""
    data: Annotated[Any, Meta(description="The event's data, which may contain templates")] | UnsetType = UNSET
    frame: Annotated[str, Meta(description="A raw text frame, sent unchanged")] | UnsetType = UNSET
    malformed: Annotated[bool, Meta(description="Whether it violates the contract on purpose")] = False
    to: Annotated[str, Meta(description="all, user:NAME or client:NUMBER")] = "all"
    times: Annotated[int, Meta(ge=1, le=1000, description="Number of times the frame is sent")] = 1
    order: Annotated[int, Meta(description="Position in its folder")] = 0
    expect: Annotated[
        FixtureExpectation | None, Meta(description="What the UI must send after the fixture was fired")
    ] = None

    @property
    def raw(self) -> bool:
        """Whether this is a raw frame instead of an event."""
        return self.frame is not UNSET

    def envelope(self) -> Envelope:
        """Return the event with unexpanded templates."""
        return Envelope(self.event, {} if self.data is UNSET else self.data)

    def with_changes(self, to: dict[str, Any], without: list[str]) -> "Fixture":
        """Return a copy with the fields ``to`` set and the fields ``without`` removed, by path.

        Raises ``BadPath`` for an invalid path, and ``BadFixture`` for a raw frame or an invalid result.
        """
        if not (to or without):
            return self
        if self.raw:
            raise BadFixture("a raw frame has no fields to set or remove")
        whole = apply_changes(
            {"event": self.event, "data": self.envelope().data},
            {absolute_path(path): value for path, value in to.items()},
            [absolute_path(path) for path in without],
        )
        if not isinstance(whole.get("event"), str) or "data" not in whole:
            raise BadFixture("an event needs a name and data; send anything else as a raw frame")
        try:
            check_tree(whole)
        except BadFrame as bad:
            raise BadFixture(str(bad)) from None
        return msgspec.structs.replace(self, event=whole["event"], data=whole["data"])

    def to_json(self) -> str:
        """Return the text of the fixture file."""
        return json.dumps(msgspec.to_builtins(self), indent=2, ensure_ascii=False) + "\n"


class SavedFixture(NamedTuple):
    """A fixture with its name (``folder/name``). ``own``: it is one of the user's fixtures, not a built-in one."""

    name: str
    fixture: Fixture
    own: bool

    @property
    def title(self) -> str:
        """The title, or the last part of the name if there is none."""
        return self.fixture.title or self.name.rpartition("/")[2]

    @property
    def folder(self) -> str:
        """The folder part of the name."""
        return self.name.rpartition("/")[0]


def parse_fixture(text: str) -> Fixture:
    """Parse the text of a fixture file. Raises ``BadFixture``."""
    try:
        return fixture_from_json(parse_json(text))
    except BadFrame as bad:
        raise BadFixture(str(bad)) from None


def fixture_from_json(value: Any) -> Fixture:
    """Convert JSON values to a fixture. Raises ``BadFixture``."""
    try:
        fixture = msgspec.structs.replace(msgspec.convert(value, Fixture), editor_schema="")
    except msgspec.ValidationError as error:
        raise BadFixture(str(fault(error))) from None
    if fixture.raw == bool(fixture.event) or (fixture.raw and fixture.data is not UNSET):
        raise BadFixture("the fixture needs either an event with data or a frame")
    try:
        for path in fixture.expect.where if fixture.expect else ():
            check_path(path)
    except BadPath as bad:
        raise BadFixture(f"its expectation is wrong: {bad}") from None
    if (count := count_templates(fixture.frame if fixture.raw else fixture.data)) > MAX_TEMPLATES:
        raise BadFixture(f"the fixture has {count:,} templates; at most {MAX_TEMPLATES} are allowed")
    return fixture


def from_frame(text: str, catalog: Catalog, names: WireNames | None = None, *, literal: bool = False) -> Fixture:
    """Convert a frame to a fixture: an event if it has the form of one, otherwise a raw frame.

    With ``names``, the text is that on the wire, where the envelope's keys have these names. ``literal``: the frame
    was sent, so that no template in it is replaced.
    """
    try:
        value = parse_json(own_text(text, names))
    except BadFrame:
        value = None
    match value:
        case {"event": str(name), "data": data} if 0 < len(name) <= 80 and len(value) == 2:
            data = escaped(data) if literal else data
            try:
                data_now = resolve(data, TemplateContext(wall=0.0, preview=True))
                malformed = bool(catalog.problems(Envelope(name, data_now)))
            except TemplateError:
                malformed = True  # the error is reported when the fixture is saved or fired
            return Fixture(event=name, data=data, malformed=malformed)
    return Fixture(frame=escaped(text) if literal else text, malformed=True)


def why_no_event(text: str, catalog: Catalog, names: WireNames | None = None) -> str:
    """Return what is wrong with a frame, in words; empty if it is a valid event. ``names``: see ``from_frame``."""
    try:
        event = decode(own_text(text, names))
        event = Envelope(event.event, resolve(event.data, TemplateContext(wall=0.0, preview=True)))
    except (BadFrame, TemplateError) as error:
        return str(error)
    return "; ".join(map(str, catalog.problems(event)))


def with_fresh_values(fixture: Fixture, catalog: Catalog) -> Fixture:
    """Return a copy of a fixture that gets a new id and time each time it is fired.

    A raw or malformed fixture is returned unchanged, because its ids and times may be the invalid part.
    """
    known = catalog.get(Direction.TO_UI, fixture.event)
    data = fixture.envelope().data
    if fixture.malformed or known is None or not isinstance(data, dict):
        return fixture
    return msgspec.structs.replace(fixture, data=known.with_fresh_values(data))


def valid_fixture_name(name: str) -> str:
    """Return a fixture name without surrounding spaces. Raises ``BadFixture`` if it is invalid."""
    try:
        return valid_name(name, "fixture")
    except BadName as bad:
        raise BadFixture(str(bad)) from None
