"""Data types of a session: header, steps, comments. Headers and steps are converted from and to JSON values.
A session is a scenario or a recording. A comment is a line of the file without a step, and is kept as text.
``actions`` has the kinds of steps; ``lines`` and ``transcript`` read and write text.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

import msgspec
from msgspec import NODEFAULT, Meta, Struct

from app.protocol.did_you_mean import suggestion
from app.protocol.envelope import are_same
from app.protocol.session.actions import KIND_BY_KEY, WRITTEN, Action, Repeat, User, key_of, keys_of
from app.validation_messages import fault

FORMAT = 1
"""The version of the format that this program writes, and the newest one that it reads."""
MAX_SEED = 2**32 - 1
NO_HEADER = 'The first line must be a header like {"session": 1, "title": "…"}.'
NO_STEPS = "The session has no steps."
RUN_TITLE = "This run"
"""The title in the header of the recording of a run."""
MAX_NESTING = 8
"""Steps inside steps are allowed to this depth."""
MAX_PLAYS = 1_000_000
"""A repeat may play at most this many steps, repeats inside it included."""


_Kind = TypeVar("_Kind")


class ConnectedClient(Struct, frozen=True, kw_only=True):
    """A client that was connected when a recording began: its number, its user, and its page."""

    client: Annotated[int, Meta(ge=1)]
    user: str = ""
    page: Annotated[str, Meta(description="The origin of the client's page")] = ""
    agent: Annotated[str, Meta(description="The User-Agent of the client's page")] = ""


class Header(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The facts about a session: its first line as JSON, or the title and the settings of a transcript."""

    session: Annotated[int, Meta(ge=1, description="Version of the format")] = msgspec.field(default=FORMAT)
    title: Annotated[str, Meta(max_length=200)] = ""
    kind: Literal["scenario", "recording"] = "scenario"
    seed: Annotated[int, Meta(ge=0, le=MAX_SEED)] | None = None
    me: Annotated[User | None, Meta(description="The local user")] = None
    started: Annotated[str, Meta(description="When the recording began, ISO 8601")] = ""
    state: Annotated[
        Any, Meta(description="A saved chat state, or the path of its file relative to the session")
    ] = None
    clients: Annotated[
        tuple[ConnectedClient, ...], Meta(description="The clients that were connected when the recording began")
    ] = ()
    companion: Annotated[str, Meta(description="The version that wrote a recording")] = ""
    text: Annotated[str, Meta(description="The header as written in a transcript")] = ""


class Comment(NamedTuple):
    """A line without a step: blank, or a comment with its ``#``."""

    text: str
    line: int = 0


@dataclass(frozen=True)
class Step:
    """One step. ``steps`` are the steps inside a rule or a repeat.

    ``extra`` holds the keys that this version does not know. ``text`` is the step as written in a transcript, if
    ``transcript_writer`` would write it differently. ``line`` is the step's line in the file, from 1. Equality
    ignores the last two.
    """

    action: Action
    steps: tuple["Step", ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)
    text: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)

    @property
    def key(self) -> str:
        """The JSON key that names the kind of step."""
        return key_of(type(self.action))

    def to_json(self) -> dict[str, Any]:
        """Return the step as JSON values."""
        fields = struct_to_json(self.action)
        if self.steps:
            fields[self.action.block] = [each.to_json() for each in self.steps]
        text = {"text": self.text} if self.text else {}
        return {**fields, **self.extra, **text}

    def is_same(self, other: "Step") -> bool:
        """Return whether the steps are equal, also in the types of their values: ``true`` is not ``1``."""
        pairs = zip(self.walk(), other.walk(), strict=False)
        return self == other and all(
            are_same((struct_to_json(one.action), one.extra), (struct_to_json(another.action), another.extra))
            for one, another in pairs
        )

    def walk(self) -> Iterator["Step"]:
        """Yield the step and all steps inside it."""
        yield self
        for each in self.steps:
            yield from each.walk()


@dataclass(frozen=True)
class Session:
    """A scenario or recording: the header, then steps and comments in order."""

    header: Header = field(default_factory=Header)
    entries: tuple[Step | Comment, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)
    """Keys of the header that this version does not know."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps, without comments."""
        return tuple(each for each in self.entries if isinstance(each, Step))

    @property
    def is_empty(self) -> bool:
        """Whether it does nothing: it has no steps, and its header has no chat state. It is not played."""
        return not self.steps and self.header.state is None


class InvalidStep(ValueError):
    """Invalid JSON of a step or header. ``path`` is the place within the JSON, empty if unknown."""

    def __init__(self, reason: str, path: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = path


def header_from_json(fields: Any) -> tuple[Header, dict[str, Any]]:
    """Convert JSON values to a header, and return it with its unknown keys. Raises ``InvalidStep``."""
    if not isinstance(fields, dict) or "session" not in fields:
        raise InvalidStep(NO_HEADER)
    version = fields["session"]
    if isinstance(version, int) and version > FORMAT:
        raise InvalidStep(
            f"The session has version {version} of the format, and this program reads version {FORMAT}. Update it.",
            "session",
        )
    known = {each.encode_name for each in msgspec.structs.fields(Header)}
    return _converted(fields, Header), {key: value for key, value in fields.items() if key not in known}


def header_to_json(header: Header, extra: dict[str, Any]) -> dict[str, Any]:
    """Return a header as JSON values. Its first key is ``session``."""
    return {"session": header.session, **struct_to_json(header), **extra}


@cache
def _fields(kind: type[Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(kind)  # which evaluates the annotations each time


def struct_to_json(value: Struct) -> dict[str, Any]:
    """Return the fields of a struct without those that have their default. Whole numbers have no ``.0``."""
    fields = {}
    for each in _fields(type(value)):
        content = getattr(value, each.name)
        if each.default is not NODEFAULT and content == each.default:
            continue
        if each.default_factory is not NODEFAULT and content == each.default_factory():
            continue
        fields[each.encode_name] = _plain(content)
    return fields


def _plain(value: Any) -> Any:
    if isinstance(value, Struct):
        return struct_to_json(value)
    if isinstance(value, tuple) and value and isinstance(value[0], Struct):
        return [struct_to_json(each) for each in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def step_from_json(fields: Any, line: int = 0, depth: int = 0) -> Step:
    """Convert JSON values to a step. Raises ``InvalidStep``."""
    if not isinstance(fields, dict):
        raise InvalidStep('A step must be an object like {"say": "hi", "as": "alice"}.')
    if depth > MAX_NESTING:
        raise InvalidStep(f"Steps are nested deeper than {MAX_NESTING} levels.")
    kind = _kind(fields)
    action: Action = _converted(fields, kind)
    known = {"text", *keys_of(kind)}
    extra = {key: value for key, value in fields.items() if key not in known}
    steps = _inner(action, line, depth)
    if isinstance(action, Repeat) and (plays := action.repeat * sum(map(_plays, steps))) > MAX_PLAYS:
        raise InvalidStep(f"This plays {plays:,} steps; at most {MAX_PLAYS:,} are allowed.", key_of(Repeat))
    if steps:
        action = msgspec.structs.replace(action, **{action.block: []})
    text = fields.get("text", "")
    return Step(action, steps, extra, text if isinstance(text, str) else "", line)


def _plays(step: Step) -> int:
    """Return how many steps a step plays."""
    return step.action.repeat * sum(map(_plays, step.steps)) if isinstance(step.action, Repeat) else 1


def _inner(action: Action, line: int, depth: int) -> tuple[Step, ...]:
    steps = []
    for index, fields in enumerate(getattr(action, action.block) if action.block else ()):
        try:
            steps.append(step_from_json(fields, line, depth + 1))
        except InvalidStep as error:
            inner = f"{action.block}[{index}]"
            raise InvalidStep(error.reason, f"{inner}.{error.path}" if error.path else inner) from None
    return tuple(steps)


def _kind(fields: dict[str, Any]) -> type[Action]:
    found = [key for key in KIND_BY_KEY if key in fields]
    if not found:
        names = [key_of(kind) for kind in WRITTEN]
        hint = next((hint for key in fields if (hint := suggestion(str(key), names))), ".")
        raise InvalidStep(f"Unknown kind of step{hint} A step has one of the keys {', '.join(names)}.")
    kind = KIND_BY_KEY[found[0]]
    others = [key for key in found[1:] if key not in set(keys_of(kind))]
    if others:
        reason = f"A step does one thing, but this one has the keys {found[0]} and {others[0]}."
        raise InvalidStep(reason, others[0])
    return kind


def _converted(fields: dict[str, Any], kind: type[_Kind]) -> _Kind:
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        found = fault(error)
        raise InvalidStep(f"{found.path or 'The step'} {found.sentence}.", found.path) from None
