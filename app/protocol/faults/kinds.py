"""The kinds of faults of frames, such as ``Latency`` and ``Loss``: one struct each, with its parameters.
A fault disrupts the frames to or from a client on purpose. This module only declares them; ``decisions`` decides
what they do. Faults of REST calls are in ``rest``.

Some parameters have the names that Toxiproxy uses, such as ``jitter``. Times are in milliseconds, and sizes in
bytes. ``rate`` is a probability, but of ``Bandwidth`` it is kilobytes per second.
"""

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta, Struct, field

MAX_DELAY_MS = 600_000
MAX_FRAMES = 1_000_000
MAX_WINDOW = 100
DEFAULT_CODE = 1012

Ms = Annotated[float, Meta(ge=0, le=MAX_DELAY_MS)]
Rate = Annotated[float, Meta(ge=0, le=1)]
Direction = Literal["to_ui", "from_ui", "both"]
DIRECTIONS = ("to_ui", "from_ui", "both")


class Fault(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True,
            tag_field="fault", tag=str.lower):  # fmt: skip
    """What all faults share. ``only`` is a filter in the language of the log: the frames that the fault acts on."""

    main: ClassVar[str] = "rate"
    """The parameter that is written behind the name: ``loss=0.5``."""

    direction: Direction = "to_ui"
    only: Annotated[str, Meta(max_length=500)] = ""

    @property
    def name(self) -> str:
        """The kind as a word: ``loss``."""
        return type(self).__name__.lower()


class Latency(Fault, frozen=True, kw_only=True):
    """Delays each frame by ``ms``, plus or minus up to ``jitter``. The order of the frames is kept."""

    main: ClassVar[str] = "ms"

    ms: Ms
    jitter: Ms = 0.0


class Bandwidth(Fault, frozen=True, kw_only=True):
    """Limits the payload to ``rate`` kilobytes per second. Frames that have to wait keep their order."""

    rate: Annotated[float, Meta(ge=0.001, le=1_000_000)]


class Loss(Fault, frozen=True, kw_only=True):
    """Drops frames. ``correlation`` groups the losses in bursts, and does not change how many frames are lost."""

    rate: Rate
    correlation: Annotated[float, Meta(ge=0, le=0.99)] = 0.0


class Duplicate(Fault, frozen=True, kw_only=True):
    """Sends a frame twice."""

    rate: Rate = 1.0


class Reorder(Fault, frozen=True, kw_only=True):
    """Sends a frame after up to ``window`` later ones; if none follow within 2 s, it is sent then."""

    main: ClassVar[str] = "window"

    window: Annotated[int, Meta(ge=1, le=MAX_WINDOW)] = 3
    rate: Rate = 0.5


class Truncate(Fault, frozen=True, kw_only=True):
    """Cuts the payload after ``bytes``, or at a random place. It stays valid UTF-8."""

    bytes: Annotated[int, Meta(ge=0, le=MAX_FRAMES)] | None = None
    rate: Rate = 1.0


class Corrupt(Fault, frozen=True, kw_only=True):
    """Replaces one character of the payload by another one, or by a byte that is not UTF-8 if ``utf8`` is false."""

    rate: Rate = 1.0
    utf8: bool = True


class Stall(Fault, frozen=True, kw_only=True):
    """After every ``after`` frames, sends nothing for some milliseconds. Frames wait meanwhile."""

    main: ClassVar[str] = "after"

    after: Annotated[int, Meta(ge=1, le=MAX_FRAMES)]
    duration: Annotated[float, Meta(ge=1, le=MAX_DELAY_MS)] = field(name="for")


class Limit(Fault, frozen=True, kw_only=True):
    """After every ``frames`` frames, closes the connection with ``code``, or resets it."""

    main: ClassVar[str] = "frames"

    frames: Annotated[int, Meta(ge=1, le=MAX_FRAMES)]
    then: Literal["close", "reset"] = "close"
    code: Annotated[int, Meta(ge=1000, le=4999)] = DEFAULT_CODE


AnyFault = Latency | Bandwidth | Loss | Duplicate | Reorder | Truncate | Corrupt | Stall | Limit
KINDS: tuple[type[Fault], ...] = (
    Latency, Bandwidth, Loss, Duplicate, Reorder, Truncate, Corrupt, Stall, Limit,
)  # fmt: skip
KIND_BY_NAME = {kind.__name__.lower(): kind for kind in KINDS}


def parameters(kind: type[Fault]) -> tuple[str, ...]:
    """Return the names of the parameters of a kind, as they are written."""
    shared = {each.name for each in msgspec.structs.fields(Fault)}
    return tuple(each.encode_name for each in msgspec.structs.fields(kind) if each.name not in shared)
