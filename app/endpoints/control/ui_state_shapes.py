"""JSON types of the control API operations on the expected and the reported state of a UI, and functions that
convert states, changes and pages to responses. A state is the content of the UI's stores: the companion computes
the expected one, and the UI or a test reports the real one.
"""

from itertools import islice
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from app.endpoints.control.shapes import Input
from app.protocol.ui_changes import MISSING, changes
from app.protocol.ui_comparison import as_plain
from app.protocol.ui_moments import KnownPage, StateChange
from app.protocol.ui_stores import ExpectedState, Flavour

MAX_CHANGED = 1_000
"""At most this many values of a change are returned."""

ClientNumber = Annotated[
    int, Meta(ge=1, le=2**53, description="Number of the client. Default: the only connected client", examples=[1])
]
AfterRow = Annotated[int, Meta(ge=1, le=2**53, description="The state just after this row of the log")]
AnyFlavour = Annotated[Flavour, Meta(description="guide: a correct UI; shipped: the released UI")]
Stores = Annotated[
    dict[str, Any],
    Meta(description="The stores of the UI: chatStore, contactStore, uiStore", examples=[{"chatStore": {}}]),
]


IsPartial = Annotated[bool, Meta(description="Compare only the values in the state, such as those on the screen")]


class UiStateQuery(Input):
    """Which state of which client."""

    client: ClientNumber | None = None
    flavour: AnyFlavour = Flavour.GUIDE
    after: AfterRow | None = None


class UiChangesQuery(UiStateQuery):
    """Which changes of which client."""

    limit: Annotated[int, Meta(ge=1, le=200, description="Return at most this many changes, the last ones")] = 1


class UiOriginQuery(Input):
    """Which value of which client."""

    value: Annotated[
        str,
        Meta(
            min_length=1, max_length=1000, description="Path of the value",
            examples=["contact.contacts[alice].unreadCount"],
        ),
    ]  # fmt: skip
    client: ClientNumber | None = None
    flavour: AnyFlavour = Flavour.GUIDE
    after: AfterRow | None = None


class UiClientQuery(Input):
    """Which client."""

    client: ClientNumber | None = None


class UiReportQuery(Input):
    """Which client reports, and whether its state is partial."""

    client: ClientNumber | None = None
    partial: IsPartial = False


class ComparisonBody(Input):
    """What to compare with the expected state. Without a state, the one that the UI reported last."""

    client: ClientNumber | None = None
    flavour: AnyFlavour = Flavour.GUIDE
    state: Stores | None = None
    partial: IsPartial = False
    after: Annotated[int, Meta(ge=0, le=2**53, description="Only deviations that began after this row")] = 0
    limit: Annotated[int, Meta(ge=1, le=1000, description="Return at most this many differences")] = 20


class UiExpectationBody(Input):
    """What the state that the UI reports must fulfil."""

    client: ClientNumber | None = None
    conditions: Annotated[
        tuple[str, ...], Meta(max_length=100, description="Each: PATH=VALUE", examples=[["chat.activeChat=alice"]])
    ] = ()
    equal: Annotated[bool, Meta(description="Whether it must also equal the expected state")] = False
    flavour: AnyFlavour = Flavour.GUIDE
    after: Annotated[int, Meta(ge=0, le=2**53, description="Only states that were reported after this row")] = 0
    within: Annotated[float, Meta(ge=0, le=3600, description="Seconds to wait")] = 5.0


class ActiveChatBody(Input):
    """Which chat is open in the UI."""

    client: ClientNumber | None = None
    peer: Annotated[str, Meta(min_length=1, max_length=200, examples=["alice"])] | None = None


class UiStateInfo(Struct, kw_only=True):
    """What the UI's stores must contain. A value that only the UI's own clock decides is null."""

    client: int
    flavour: Flavour
    seq: Annotated[int, Meta(description="Number of the last row that was taken into account")]
    complete: Annotated[bool, Meta(description="Whether all rows since the page connected are still in the log")]
    rest_is_guess: Annotated[bool, Meta(description="Whether REST calls may belong to another page")]
    stores: dict[str, Any]


class DifferenceInfo(Struct, kw_only=True):
    """A value that differs. A missing value is null."""

    path: str
    expected: Any
    reported: Any


class ChangedValue(Struct, kw_only=True):
    """A value that a change added, removed or changed. A value that does not exist is null."""

    path: str
    kind: Literal["added", "removed", "changed"]
    before: Any
    after: Any


class UiChangeInfo(Struct, kw_only=True):
    """A change of the stores.

    It was made by the row ``seq`` of the log, or (``seq`` is 0) by something that has no row: a response to a GET
    request that was not logged, or a typing indicator that ended by itself.
    """

    seq: int
    time: Annotated[float, Meta(description="Seconds since the epoch")]
    title: Annotated[str, Meta(description="What happened", examples=["new_message · alice → me: Hi"])]
    changes: list[ChangedValue]


class UiChanges(Struct, kw_only=True):
    """The last changes of the stores, oldest first."""

    client: int
    flavour: Flavour
    changes: list[UiChangeInfo]


class UiOrigin(Struct, kw_only=True):
    """The change that made a value. It is null if the value has not changed since the page was loaded."""

    client: int
    flavour: Flavour
    path: str
    change: UiChangeInfo | None


class UiPageInfo(Struct, kw_only=True):
    """A page of the UI. ``client`` is the number of its newest connection."""

    client: int
    user: str
    connected: bool
    ready: Annotated[bool, Meta(description="Whether it can be expected to show events")]
    origin: str
    rest_is_guess: Annotated[bool, Meta(description="Whether REST calls may belong to another page")]
    has_reported: Annotated[bool, Meta(description="Whether the UI has reported its state")]


class DeviationInfo(Struct, kw_only=True):
    """A value that the UI reported wrongly, and the row of the log after which it began to."""

    seq: Annotated[int, Meta(description="Number of the row")]
    last_seq: Annotated[int, Meta(description="If higher than seq: it began after one of the rows up to this one")]
    title: Annotated[str, Meta(description="What the row is, or what happened after it", examples=["new_message"])]
    path: str
    expected: Any
    reported: Any


class Comparison(Struct, kw_only=True):
    """The result of a comparison: the first differences, in the order of the stores.

    ``deviations`` are those of the states that the UI reported since its page was loaded, in the order of the rows.
    They are kept if the UI is correct again.
    """

    client: int
    equal: bool
    differences: list[DifferenceInfo]
    deviations: list[DeviationInfo]


class ReportedState(Struct, kw_only=True):
    """The state that a UI reported last. ``seq`` is the number of the newest row at that time."""

    client: int
    seq: int
    partial: bool
    stores: dict[str, Any]


class UiExpectationResult(Struct, kw_only=True):
    """Whether the reported state fulfils the expectation, and what is still different."""

    client: Annotated[int | None, Meta(description="Null if no client was connected")]
    met: bool
    has_reported: Annotated[bool, Meta(description="Whether the UI has reported its state, after the given row")]
    differences: list[DifferenceInfo]
    why_no_client: Annotated[
        str, Meta(description="That no client is connected, and whether a page was refused; empty if one is")
    ] = ""


def ui_state_info(found: ExpectedState, stores: dict[str, Any]) -> UiStateInfo:
    """Return an expected state for an answer, with its stores as plain JSON."""
    return UiStateInfo(
        client=found.client, flavour=found.stores.flavour, seq=found.seq, complete=found.complete,
        rest_is_guess=found.rest_is_guess, stores=stores,
    )  # fmt: skip


def change_info(change: StateChange, wall: float) -> UiChangeInfo:
    """Return a change for an answer. ``wall`` is its time in seconds since the epoch."""
    return UiChangeInfo(
        seq=change.moment.seq, time=wall, title=change.moment.title,
        changes=[_changed(*each[1:]) for each in islice(changes(change.before, change.after), MAX_CHANGED)],
    )  # fmt: skip


def _changed(path: str, old: Any, new: Any) -> ChangedValue:
    kind: Literal["added", "removed", "changed"] = (
        "added" if old is MISSING else "removed" if new is MISSING else "changed"
    )
    before, after = (None if each is MISSING else as_plain(each) for each in (old, new))
    return ChangedValue(path=path, kind=kind, before=before, after=after)


def page_info(page: KnownPage) -> UiPageInfo:
    """Return a page for an answer."""
    return UiPageInfo(
        client=page.client, user=page.username, connected=page.connected, ready=page.ready, origin=page.origin,
        rest_is_guess=page.rest_is_guess, has_reported=page.has_reported,
    )  # fmt: skip
