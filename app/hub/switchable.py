"""Sources that the user can switch on and off: their interface, list and state, for window, API and command line.

Two are built in: the direct link to peers (friends who have a companion of their own), and Supabase (a directory of
users and a message queue on the Internet). ``Switchable`` is the interface, which can also test the connection and
delete the source's data. ``SwitchableSources`` is the list, and ``SourceStatus`` the state, with one sentence.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple, Protocol

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from app.hub.signals import Signal
from app.protocol.did_you_mean import suggestion
from app.protocol.errors import NotFound


class Condition(StrEnum):
    """The state of a source. The values are public."""

    OFF = "off"
    STARTING = "starting"
    OK = "ok"
    WAITING = "waiting"
    """A temporary failure: the source tries again."""
    FAILED = "failed"
    """A failure that the user has to correct. The source tries again, but rarely."""


class SourceStatus(Struct, frozen=True, kw_only=True):
    """The state of a source. Times are seconds since the epoch; None if there is none."""

    condition: Condition = Condition.OFF
    text: str = "Off."
    last_success: float | None = None
    next_try: float | None = None
    latency_s: float | None = None
    counts: dict[str, int] = field(default_factory=dict)
    """What the source has done since it was switched on, by kind."""
    warnings: tuple[str, ...] = ()


class ConnectionResult(NamedTuple):
    """The result of a connection test, in one sentence."""

    ok: bool
    text: str


class Switchable(Protocol):
    """A source that the user switches on and off. Its methods may raise ``RequestError`` and ``StorageError``."""

    name: str
    title: str

    @property
    def is_on(self) -> bool:
        """Whether the settings switch it on."""

    @property
    def status(self) -> SourceStatus:
        """Its state."""

    async def switch(self, on: bool) -> None:
        """Switch it on or off, and save that in the settings. One that is on and has failed tries again."""

    async def test(self) -> ConnectionResult:
        """Test the connection, whether the source is on or off. Nothing is changed."""

    async def delete_data(self, *, remote: bool) -> str:
        """Switch it off and delete its data: on this computer, and, if ``remote``, its registration elsewhere.

        Return what was deleted, in one sentence.
        """


class StatusHolder:
    """Holds the state of one source, and emits ``changed`` when it changes."""

    def __init__(self) -> None:
        self.value = SourceStatus()
        self.changed: Signal[None] = Signal()

    def set(self, condition: Condition, text: str, *, next_try: float | None = None) -> None:
        """Set the state and its sentence; the rest stays."""
        self.update(condition=condition, text=text, next_try=next_try)

    def reset(self) -> None:
        """Return to the state *off*, without counts and times."""
        self.update(**msgspec.structs.asdict(SourceStatus()))

    def count(self, kind: str, number: int = 1) -> None:
        """Add to a count."""
        if number:
            counts = {**self.value.counts, kind: self.value.counts.get(kind, 0) + number}
            self.update(counts=counts)

    def update(self, **changes: object) -> None:
        """Change fields, and emit ``changed`` if any differs."""
        value = replace(self.value, **changes)
        if value != self.value:
            self.value = value
            self.changed.emit(None)


class SwitchableSources:
    """The sources that the user can switch on and off, in the order of the list."""

    def __init__(self, *sources: Switchable) -> None:
        self._sources = {each.name: each for each in sources}

    def __iter__(self) -> Iterator[Switchable]:
        return iter(self._sources.values())

    def add(self, source: Switchable) -> None:
        """Add a source at the end."""
        self._sources[source.name] = source

    def look_up(self, name: str) -> Switchable:
        """Return a source by its name. Raises ``NotFound``."""
        try:
            return self._sources[name]
        except KeyError:
            hint = suggestion(name, self._sources) or f": use {' or '.join(self._sources)}."
            raise NotFound(f"There is no source {name[:40]!r}{hint}") from None
