"""A fixture: a saved event, or any saved text, that can be fired by its name. One JSON file each."""

import json
import re
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from app.protocol.catalog import Catalog
from app.protocol.contract import Direction
from app.protocol.envelope import BadFrame, Envelope, check_tree, parse_json
from app.protocol.json_path import absolute_path, apply_changes
from app.protocol.templates import MAX_TEMPLATES, TemplateContext, TemplateError, count_templates, resolve
from app.validation_messages import fault

SUFFIX = ".json"
MAX_FIXTURE_BYTES = 64 * 1024
_PART = re.compile(r"[^\W_](?:[\w .()+-]{0,58}[\w)+-])?")
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in "123456789¹²³")}


class BadFixture(ValueError):
    """Something that is no fixture, or no name of one; the text is for people."""


class Fixture(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Either ``event`` and ``data``, or ``frame``. Field names are the keys of the file."""

    title: Annotated[str, Meta(max_length=200, description="What a person reads")] = ""
    must: Annotated[str, Meta(max_length=1000, description="What a correct UI must do with it")] = ""
    event: Annotated[str, Meta(max_length=80, description="The event's name")] = ""
    data: Annotated[Any, Meta(description="The event's data; may hold templates")] | UnsetType = UNSET
    frame: Annotated[str, Meta(description="A raw text frame, sent as it is")] | UnsetType = UNSET
    malformed: Annotated[bool, Meta(description="It breaks the contract on purpose")] = False
    to: Annotated[str, Meta(description="all, user:NAME or client:NUMBER")] = "all"
    times: Annotated[int, Meta(ge=1, le=1000, description="How often the very same frame is sent")] = 1
    order: Annotated[int, Meta(description="Its place in its folder")] = 0

    @property
    def raw(self) -> bool:
        """Whether it is a frame and no event."""
        return self.frame is not UNSET

    def envelope(self) -> Envelope:
        """Return the event, templates unresolved."""
        return Envelope(self.event, {} if self.data is UNSET else self.data)

    def with_changes(self, to: dict[str, Any], without: list[str]) -> "Fixture":
        """Return it with overrides. Raises ``BadPath``, and ``BadFixture`` where nothing can be overridden."""
        if not (to or without):
            return self
        if self.raw:
            raise BadFixture("a raw frame has no fields that could be set or removed")
        whole = apply_changes(
            {"event": self.event, "data": self.envelope().data},
            {absolute_path(path): value for path, value in to.items()},
            [absolute_path(path) for path in without],
        )
        if not isinstance(whole.get("event"), str) or "data" not in whole:
            raise BadFixture("an event needs its name and its data; send anything else as a raw frame")
        try:
            check_tree(whole)
        except BadFrame as bad:
            raise BadFixture(str(bad)) from None
        return msgspec.structs.replace(self, event=whole["event"], data=whole["data"])

    def to_json(self) -> str:
        """Return the text of its file, one value a line."""
        return json.dumps(msgspec.to_builtins(self), indent=2, ensure_ascii=False) + "\n"


class SavedFixture(NamedTuple):
    """A fixture with its name (``folder/name``); ``own`` ones can be changed."""

    name: str
    fixture: Fixture
    own: bool

    @property
    def title(self) -> str:
        """What a person reads."""
        return self.fixture.title or self.name.rpartition("/")[2]

    @property
    def folder(self) -> str:
        """The folder part of its name."""
        return self.name.rpartition("/")[0]


def parse_fixture(text: str) -> Fixture:
    """Read a fixture's file. Raises ``BadFixture``."""
    try:
        return fixture_from_json(parse_json(text))
    except BadFrame as bad:
        raise BadFixture(str(bad)) from None


def fixture_from_json(value: Any) -> Fixture:
    """Return a fixture from JSON values. Raises ``BadFixture``."""
    try:
        fixture = msgspec.convert(value, Fixture)
    except msgspec.ValidationError as error:
        raise BadFixture(str(fault(error))) from None
    if fixture.raw == bool(fixture.event) or (fixture.raw and fixture.data is not UNSET):
        raise BadFixture("it needs either an event with its data, or a frame")
    if (count := count_templates(fixture.frame if fixture.raw else fixture.data)) > MAX_TEMPLATES:
        raise BadFixture(f"it has {count:,} templates; at most {MAX_TEMPLATES} are allowed")
    return fixture


def from_frame(text: str, catalog: Catalog) -> Fixture:
    """Return the fixture that a pasted frame makes: an event where it is one, else a raw frame."""
    try:
        value = parse_json(text)
    except BadFrame:
        value = None
    match value:
        case {"event": str(name), "data": data} if 0 < len(name) <= 80 and len(value) == 2:
            try:
                data_now = resolve(data, TemplateContext(wall=0.0, preview=True))
                malformed = bool(catalog.problems(Envelope(name, data_now)))
            except TemplateError:
                malformed = True  # saving and firing it report the error
            return Fixture(event=name, data=data, malformed=malformed)
    return Fixture(frame=text, malformed=True)


def with_fresh_values(fixture: Fixture, catalog: Catalog) -> Fixture:
    """Return a fixture that has a new ID and time each time it is fired.

    A raw or malformed one is returned as it is: what is wrong with it may be just there.
    """
    known = catalog.get(Direction.TO_UI, fixture.event)
    data = fixture.envelope().data
    if fixture.malformed or known is None or not isinstance(data, dict):
        return fixture
    return msgspec.structs.replace(fixture, data=known.with_fresh_values(data))


def valid_fixture_name(name: str) -> str:
    """Return a name fit for files on every system: ``folder/name``, at most three deep. Raises ``BadFixture``."""
    parts = name.strip().split("/")
    for part in parts:
        if not _PART.fullmatch(part) or part.casefold().partition(".")[0].rstrip() in _RESERVED:
            raise BadFixture(
                f"{name[:80]!r} is no name: use letters, digits, spaces and - _ . ( ) +, and / between folders"
            )
    if len(parts) > 3:
        raise BadFixture("a fixture lies at most two folders deep")
    return "/".join(parts)
