"""What goes in and out of the control API. The OpenAPI document and all checks are made from these."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from app import usernames
from app.hub.row_codec import JournalRow
from app.protocol.fixture import Fixture, Saved

TO = Meta(description="Who gets it: all, user:NAME, client:NUMBER or client:1,2", examples=["all"])
WAIT = Meta(ge=0, le=3600, description="Seconds to wait for a ready client of the target; 0: do not wait")
UserName = Annotated[str, Meta(min_length=1, max_length=usernames.MAX_LENGTH)]
CloseCode = Annotated[int, Meta(ge=1000, le=4999, description="Close code (RFC 6455 §7.4)", examples=[1001])]
Seq = Annotated[int, Meta(ge=0, le=2**53, description="Number of a journal row")]


class Input(Struct, forbid_unknown_fields=True, kw_only=True):
    """What a caller gives: a name that is not known is an error."""


# queries


class NoQuery(Input):
    """No query parameters."""


class SendQuery(Input):
    """Whom a frame is for."""

    to: Annotated[str, TO] = "all"
    wait: Annotated[float, WAIT] = 0.0


class FireQuery(SendQuery):
    """Whom an event is for, and how strict to be."""

    strict: Annotated[
        bool, Meta(description="1: an event that breaks the contract is refused; 0: it is sent all the same")
    ] = True


class CloseQuery(Input):
    """How to part with clients."""

    code: CloseCode = 1001
    reason: Annotated[str, Meta(max_length=123, description="Reason in the close frame")] = ""
    abort: Annotated[bool, Meta(description="1: cut the connection without a closing handshake")] = False


class JournalQuery(Input):
    """Which rows."""

    after: Annotated[Seq | None, Meta(description="Only rows with a higher number; without it the newest")] = None
    filter: Annotated[
        str, Meta(max_length=500, description="The log's filter language", examples=["event:typing dir:c2s"])
    ] = ""
    limit: Annotated[int, Meta(ge=1, le=10_000, description="At most so many rows")] = 100


class StreamQuery(Input):
    """Which rows to follow."""

    after: Annotated[Seq | None, Meta(description="Begin after this row; without it with the next one")] = None
    filter: Annotated[str, Meta(max_length=500, description="The log's filter language")] = ""


# bodies


class EventBody(Input):
    """An event (guide §2)."""

    event: Annotated[str, Meta(min_length=1, examples=["friend_online"])]
    data: Annotated[dict[str, Any], Meta(examples=[{"username": "alice"}])]


class TriggerBody(Input):
    """An event by its name, a fixture, or what was fired last, with ``set`` and ``remove`` applied."""

    event: Annotated[str, Meta(max_length=80, description="Name of an event", examples=["new_message"])] = ""
    fixture: Annotated[str, Meta(max_length=200, description="Name of a fixture")] = ""
    last: Annotated[bool, Meta(description="Repeat what was fired last")] = False
    set: Annotated[dict[str, Any], Meta(description="Path → JSON value", examples=[{"data.text": "hi"}])] = {}
    remove: Annotated[list[str], Meta(description="Paths to leave out")] = []
    persona: Annotated[str, Meta(max_length=64, description="Whom {{persona}} means; empty: the first friend")] = ""
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1, description="Makes the same values again")] | None = None
    to: Annotated[str | None, TO] = None
    wait: Annotated[float, WAIT] = 0.0
    strict: bool = True


class JournalBody(Input):
    """What the journal holds."""

    log_get_requests: Annotated[
        bool, Meta(description="Log the UI's successful GET requests, until the companion ends")
    ]


class IdentityBody(Input):
    """The user that a client acts as."""

    username: UserName


class RenameBody(Input):
    """A fixture's new name."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]


class FrameQuery(Input):
    """How to save a frame."""

    renew: Annotated[bool, Meta(description="1: a new ID and time each time it is fired; 0: as it is")] = False


class ExpectationBody(Input):
    """What a client must send, and within which time."""

    event: Annotated[str, Meta(max_length=200, description="Name of a client event; empty: any")] = ""
    sender: Annotated[
        str, Meta(max_length=80, description="User name or client:NUMBER; empty: any", examples=["me"])
    ] = ""
    where: Annotated[
        dict[str, Any], Meta(description="Path → the JSON value it must have", examples=[{"data.typing": True}])
    ] = {}
    within: Annotated[float, Meta(ge=0, le=3600, description="Seconds")] = 5.0
    after: Annotated[Seq | None, Meta(description="Rows after this one count too; without it only new ones")] = None
    strict: Annotated[bool, Meta(description="Refuse what no client of the contract would ever send")] = True


# answers


class Fired(Struct, kw_only=True):
    """What became of an event."""

    seq: Annotated[int, Meta(description="Its number in the journal")]
    delivered: Annotated[int, Meta(description="How many clients got it")]
    clients: Annotated[list[int], Meta(description="Their numbers")]
    warnings: list[str]


class ServiceInfo(Struct, kw_only=True):
    """One of the servers. ``error`` says why it does not listen although it should."""

    name: Annotated[str, Meta(description="events, rest, control, …")]
    title: str
    url: str
    wanted: bool
    listening: bool
    error: str


class Door(Struct, kw_only=True):
    """One of the servers. ``trouble`` says why it does not listen although it should."""

    url: str
    wanted: bool
    listening: bool
    trouble: str


class JournalState(Struct, kw_only=True):
    """How much the journal holds."""

    rows: int
    first_seq: int
    last_seq: int
    dropped: int
    log_get_requests: Annotated[bool, Meta(description="Whether successful GET requests of the UI are logged")]


class Status(Struct, kw_only=True):
    """What the companion does now."""

    version: str
    pid: int
    window: Annotated[bool, Meta(description="Whether it has a window (false: serve)")]
    username: str
    state: Literal["stopped", "listening", "paused", "port busy"]
    clients: int
    events: Door
    rest: Door
    control: Door
    services: Annotated[list[ServiceInfo], Meta(description="All servers, in the order in which they start")]
    journal: JournalState
    in_memory: Annotated[bool, Meta(description="Whether the chat state is lost at the end")]
    warnings: Annotated[list[str], Meta(description="What the user should know: a damaged file, for example")]
    complaints: Annotated[list[str], Meta(description="Deprecated: the same as warnings")]


class ClientInfo(Struct, kw_only=True):
    """A connected client. Times in seconds, ``connected_at`` since the epoch."""

    id: int
    username: str
    origin: str
    user_agent: str
    connected_at: float
    frames_in: int
    frames_out: int
    bytes_in: int
    bytes_out: int
    queued_bytes: int
    ping_s: float
    ready: Annotated[bool, Meta(description="Whether its UI can be expected to show events")]


class Dropped(Struct, kw_only=True):
    """Which clients were parted with."""

    clients: list[int]


class JournalPage(Struct, kw_only=True):
    """Rows in order; read on with ``after`` = ``next_after``."""

    rows: list[JournalRow]
    next_after: int
    last_seq: int
    dropped: int


class Expected(Struct, kw_only=True):
    """What came of an expectation."""

    met: bool
    after_s: Annotated[float, Meta(description="Seconds until it came, or that were waited")]
    row: JournalRow | None
    received_instead: Annotated[list[JournalRow], Meta(description="Client events that did not match")]
    instead: Annotated[list[JournalRow], Meta(description="Deprecated: the same as received_instead")]


class EventInfo(Struct, kw_only=True):
    """An event of the catalog."""

    name: str
    direction: Annotated[Literal["s2c", "c2s"], Meta(description="s2c: to the UI; c2s: from the UI")]
    help: str
    schema: Annotated[dict[str, Any], Meta(description="JSON schema of the event's data")]
    sample: Annotated[dict[str, Any], Meta(description="Valid data, as an example")]


class FixtureInfo(Struct, kw_only=True):
    """A fixture in the list."""

    name: str
    title: str
    event: str
    must: str
    malformed: bool
    own: Annotated[bool, Meta(description="Whether it can be changed")]
    pinned: bool
    problems: Annotated[list[str], Meta(description="How it unintentionally violates the contract")]
    faults: Annotated[list[str], Meta(description="Deprecated: the same as problems")]


class FixtureList(Struct, kw_only=True):
    """All fixtures. ``warnings`` lists files that are not valid fixtures."""

    fixtures: list[FixtureInfo]
    folder: str | None
    warnings: list[str]
    complaints: Annotated[list[str], Meta(description="Deprecated: the same as warnings")]


class FixtureFull(Struct, kw_only=True):
    """A fixture with what it holds."""

    name: str
    own: bool
    fixture: Fixture


class ProblemPart(Struct, kw_only=True):
    """One thing that is wrong, and where."""

    path: str
    message: str


class Problem(Struct, kw_only=True):
    """RFC 9457: why a request was not done, and what to do."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    problems: list[ProblemPart] | UnsetType = UNSET


def full(saved: Saved) -> FixtureFull:
    """Return a fixture for an answer."""
    return FixtureFull(name=saved.name, own=saved.own, fixture=saved.fixture)
