"""The kinds of steps in a session (scenario or recording), one struct each, with the keys of their JSON.
A step is one thing that is done or was recorded, such as firing an event. This module only declares the kinds;
``sources.sessions`` performs them.

The first own field of a struct is the key that names the step: ``{"say": "hi", "as": "alice"}``. The kinds that
people write come first, those that only recordings contain last. The module ``steps`` keeps unknown keys.
"""

from functools import cache
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta, Struct, field

from app.protocol.faults.kinds import Direction
from app.protocol.faults.profiles import MAX_FAULTS
from app.protocol.faults.profiles import Seed as FaultSeed
from app.protocol.refusals import MAX_REFUSALS, MODE_PATTERN, MODES
from app.protocol.session.durations import MAX_RECORDED_SECONDS, MAX_SECONDS
from app.usernames import MAX_LENGTH

MAX_REPEATS = 10_000

Seconds = Annotated[float, Meta(ge=0, le=MAX_SECONDS, description="Seconds")]
User = Annotated[str, Meta(min_length=1, max_length=MAX_LENGTH, description="User name")]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
To = Annotated[str, Meta(min_length=1, max_length=400, description="all, user:NAME or client:NUMBER")]
Where = Annotated[dict[str, Any], Meta(description="Required values: path → JSON value")]
Cause = Annotated[
    str, Meta(min_length=1, max_length=200, description="A client event, or a REST call like POST /messages")
]
Sender = Annotated[str, Meta(min_length=1, max_length=80, description="User name or client:NUMBER")]
Times = Annotated[int, Meta(ge=1, le=MAX_REPEATS, description="At most this often; no limit if omitted")]
Steps = Annotated[list[dict[str, Any]], Meta(min_length=1, description="Steps")]


class Action(Struct, frozen=True, kw_only=True):
    """What a step does. ``after`` is the pause between the end of the previous step and the start of this one."""

    block: ClassVar[str] = ""
    """The key of the steps inside this one; empty if there are none."""

    after: Annotated[Seconds, Meta(description="Seconds between the end of the previous step and this one")] = 0.0


class Fire(Action, frozen=True, kw_only=True):
    """Fire an event. Missing fields get the same values as in ``companion trigger``."""

    fire: Annotated[Name, Meta(description="The event's name")]
    data: Annotated[dict[str, Any], Meta(description="Fields of the event; may contain templates")] = field(
        default_factory=dict
    )
    to: To = "all"
    as_user: User | None = field(default=None, name="as")


class UseFixture(Action, frozen=True, kw_only=True):
    """Fire a fixture. ``set`` changes values by path."""

    fixture: Annotated[Name, Meta(description="The fixture's name: folder/name")]
    as_user: User | None = field(default=None, name="as")
    to: To | None = None
    changes: Annotated[dict[str, Any], Meta(description="Values to set: path → JSON value")] = field(
        default_factory=dict, name="set"
    )


class SendFrame(Action, frozen=True, kw_only=True):
    """Send a text unchanged as a frame."""

    frame: Annotated[str, Meta(description="The frame's text")]
    to: To = "all"


class Say(Action, frozen=True, kw_only=True):
    """Send a message of a friend, after a typing indicator of ``typing`` seconds."""

    say: Annotated[str, Meta(description="The text of the message")]
    as_user: User = field(name="as")
    typing: Seconds = 0.0
    to: To = "all"


class Typing(Action, frozen=True, kw_only=True):
    """Switch a friend's typing indicator. ``for`` switches it off again after that many seconds."""

    typing: bool
    as_user: User = field(name="as")
    duration: Seconds | None = field(default=None, name="for")
    to: To = "all"


class Presence(Action, frozen=True, kw_only=True):
    """Switch a friend online or offline."""

    presence: Literal["online", "offline"]
    user: User


class Expect(Action, frozen=True, kw_only=True):
    """Require a client event or a REST call. Calls since the start of the most recent firing step count."""

    expect: Cause
    sender: Sender | None = field(default=None, name="from")
    where: Where = field(default_factory=dict)
    within: Seconds = 5.0


class ReadyClient(Struct, frozen=True, kw_only=True):
    """The client that ``wait`` waits for, and the timeout in seconds."""

    client: To
    within: Seconds = 30.0


class Wait(Action, frozen=True, kw_only=True):
    """Wait for some seconds, or for a client that is ready to show events."""

    wait: Seconds | ReadyClient


class Close(Action, frozen=True, kw_only=True):
    """Close the connections of clients with a code."""

    close: To
    code: Annotated[int, Meta(ge=1000, le=4999)] = 1000
    reason: Annotated[str, Meta(max_length=123)] = ""


class Abort(Action, frozen=True, kw_only=True):
    """Reset the connections of clients, without a closing handshake."""

    abort: To


class Refuse(Action, frozen=True, kw_only=True):
    """Refuse the next connections so that the UI notices it."""

    refuse: Annotated[int, Meta(ge=1, le=MAX_REFUSALS, description="The number of connections")]
    mode: Annotated[str, Meta(pattern=MODE_PATTERN, description=MODES)] = "503"


class Faults(Action, frozen=True, kw_only=True):
    """Arm faults for clients: those of ``set``, or a profile. Without either, clear them."""

    faults: To
    set: Annotated[
        tuple[Annotated[str, Meta(max_length=200)], ...],
        Meta(max_length=MAX_FAULTS, description="loss=0.5, latency=200~50, …, as in companion faults set"),
    ] = ()
    profile: Annotated[str, Meta(max_length=200)] = ""
    direction: Direction = "to_ui"
    only: Annotated[str, Meta(max_length=500, description="A filter: the frames that the faults act on")] = ""
    seed: FaultSeed | None = None


class RestFault(Action, frozen=True, kw_only=True):
    """Arm the fault of a REST route; without ``set``, clear it."""

    rest_fault: Annotated[str, Meta(max_length=200, description="POST /messages; * stands for any method or text")]
    set: Annotated[
        tuple[Annotated[str, Meta(max_length=10_000)], ...],
        Meta(max_length=MAX_FAULTS, description="status=503, rate=0.5, offline, …, as in companion faults rest"),
    ] = ()
    seed: FaultSeed | None = None


class ChangeState(Action, frozen=True, kw_only=True):
    """Load, reset or save the chat state. ``file`` is inside the folder of the session."""

    state: Literal["load", "reset", "save"]
    file: Annotated[str, Meta(max_length=400)] = ""


class When(Action, frozen=True, kw_only=True):
    """A rule: run the steps whenever a client event or REST call occurs, until the session ends."""

    block: ClassVar[str] = "do"

    when: Cause
    sender: Sender | None = field(default=None, name="from")
    where: Where = field(default_factory=dict)
    do: Steps
    times: Times | None = None


class Repeat(Action, frozen=True, kw_only=True):
    """Run the steps several times."""

    block: ClassVar[str] = "steps"

    repeat: Annotated[int, Meta(ge=1, le=MAX_REPEATS)]
    steps: Steps


class Mark(Action, frozen=True, kw_only=True):
    """A named position, from which the session can be played."""

    mark: Name


class Note(Action, frozen=True, kw_only=True):
    """A comment that is shown in the log when the session is played."""

    note: Annotated[str, Meta(max_length=1000)]


class Recorded(Action, frozen=True, kw_only=True):
    """The keys that all steps of a recording share. ``after`` may be longer than in steps that people write."""

    after: Annotated[
        float,
        Meta(
            ge=0, le=MAX_RECORDED_SECONDS, description="Seconds between the end of the previous step and this one"
        ),
    ] = 0.0
    seq: Annotated[int, Meta(ge=0, description="The row's number in the log; 0 if it had no row")] = 0
    verdict: Literal["ok", "warning", "invalid"] = "ok"
    comment: Annotated[str, Meta(description="The row's note, which explains the verdict")] = ""
    user: Annotated[str, Meta(description="The user that the client acts as")] = ""
    origin: Annotated[str, Meta(description="What caused it: panel, tray, control, backend, client 2, …")] = ""


class Sent(Recorded, frozen=True, kw_only=True):
    """A frame that was sent to the UI."""

    s2c: Annotated[str, Meta(description="The event's name")]
    payload: Annotated[str, Meta(description="The frame's text")] = ""
    base64: Annotated[str, Meta(description="The frame's bytes if they are not UTF-8")] = ""
    to: str = "all"
    recipients: Annotated[tuple[int, ...], Meta(description="Numbers of the clients that received it")] = ()


class Received(Recorded, frozen=True, kw_only=True):
    """A frame that a client sent."""

    c2s: Annotated[str, Meta(description="The event's name")]
    payload: Annotated[str, Meta(description="The frame's text")] = ""
    base64: Annotated[str, Meta(description="The frame's bytes if they are not UTF-8")] = ""
    client: int | str = ""


class RestCall(Recorded, frozen=True, kw_only=True):
    """A REST call of the UI, with its response. ``after`` is the time of the response."""

    rest: Annotated[str, Meta(description="Method and path: POST /messages")]
    query: str = ""
    request: Annotated[Any, Meta(description="The request's body: JSON, or text that is not JSON")] = None
    status: int = 0
    response: Annotated[Any, Meta(description="The response's body: JSON, or text that is not JSON")] = None
    took: Annotated[float, Meta(ge=0, description="Seconds between request and response")] = 0.0
    page: Annotated[str, Meta(description="The origin of the page that made the call")] = ""
    agent: Annotated[str, Meta(description="The User-Agent of the page")] = ""


class ServerEvent(Recorded, frozen=True, kw_only=True):
    """An event of the server itself, such as a client that connected. ``page`` and ``agent`` are the client's."""

    server: Annotated[str, Meta(description="The event's name")]
    payload: Annotated[str, Meta(description="What it is about, such as a frame that a fault dropped")] = ""
    base64: Annotated[str, Meta(description="The same as bytes, if they are not UTF-8")] = ""
    client: int | str = ""
    page: Annotated[str, Meta(description="The origin of the client's page")] = ""
    agent: Annotated[str, Meta(description="The User-Agent of the client's page")] = ""
    code: Annotated[
        int | None, Meta(description="The close code of a connection that ended; null if it was cut")
    ] = None
    by_client: Annotated[bool, Meta(description="Whether the client ended the connection")] = False


WRITTEN = (
    Say, Fire, UseFixture, SendFrame, Typing, Presence, Expect, Wait, Close, Abort, Refuse, Faults, RestFault,
    ChangeState, When, Repeat, Mark, Note,
)  # fmt: skip
"""The kinds of steps that people write. ``Say`` precedes ``Typing``, because it has a key ``typing`` too."""
RECORDED = (Sent, Received, RestCall, ServerEvent)
"""The kinds of steps that only recordings contain."""
KINDS: tuple[type[Action], ...] = (*WRITTEN, *RECORDED)


def key_of(kind: type[Action]) -> str:
    """Return the JSON key that names a kind of step."""
    names = [each.encode_name for each in msgspec.structs.fields(kind)]
    return next(name for name in names if name not in SHARED_KEYS)


SHARED_KEYS = frozenset(each.encode_name for each in msgspec.structs.fields(Recorded))
KIND_BY_KEY: dict[str, type[Action]] = {key_of(kind): kind for kind in KINDS}
"""The kinds of steps by the key that names them, in the order in which a step's keys are looked up."""


@cache
def keys_of(kind: type[Action]) -> tuple[str, ...]:
    """Return the JSON keys of a kind of step."""
    return tuple(each.encode_name for each in msgspec.structs.fields(kind))
