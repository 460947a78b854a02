"""The table model of the armed faults in the Faults room: a line per target and per REST route, with its counts.
A fault disturbs frames or REST calls on purpose; it is armed when it is switched on for a target, which is a set of
clients, or for a REST route. The counts say how many frames or calls the faults have seen, and how often they acted
(on frames: for each kind of fault). ``fault_list`` is the model of the faults of a profile.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple

from typing_extensions import override

from app.companion import Companion
from app.hub.target import Target
from app.protocol.counts import count
from app.protocol.faults.rest import rest_fault_text
from app.ui.models.fault_text import armed_words, explain, explain_rest, target_title
from app.ui.models.titled_table import TitledTable

Key = Target | str
"""What identifies a line: the target, or the REST route."""


class Col(IntEnum):
    """Columns, left to right."""

    TARGET = 0
    FAULTS = 1
    SEED = 2
    CLIENTS = 3
    SEEN = 4
    ACTED = 5


NOTHING = "nothing yet"
TITLES = ("Target", "Faults", "Seed", "Clients", "Seen", "Acted on")


class Line(NamedTuple):
    """A target or a REST route with the faults that are armed for it. ``meaning`` explains the faults."""

    key: Key
    texts: tuple[str, ...]
    meaning: str


def lines_of(companion: Companion) -> list[Line]:
    """Return the lines of everything that is armed: targets, then REST routes."""
    faults = companion.faults
    frames = [
        Line(
            each.to,
            (
                target_title(each.to), armed_words(each.profile, each.faults), str(each.seed),
                f"{len(faults.clients_of(each)):,}", count(each.seen, "frame"), counts(each.acted),
            ),
            explain(each.faults),
        )
        for each in faults.armed
    ]  # fmt: skip
    calls = [
        Line(
            each.fault.route,
            (
                each.fault.route, rest_fault_text(each.fault), str(each.seed), "–", count(each.seen, "call"),
                count(each.acted, "call") if each.acted else NOTHING,
            ),
            explain_rest(each.fault),
        )
        for each in faults.rest.armed
    ]  # fmt: skip
    return frames + calls


def counts(acted: Mapping[str, int]) -> str:
    """Return how often each kind of fault has acted: ``loss 3, latency 14``."""
    return ", ".join(f"{kind} {number:,}" for kind, number in acted.items()) or NOTHING


class ArmedFaultsModel(TitledTable[Line]):
    """One line per target and REST route."""

    def __init__(self) -> None:
        super().__init__(TITLES)

    def show(self, lines: list[Line]) -> None:
        """Replace the lines. If only texts have changed, the selection stays; else the model is reset."""
        self._update(lines, lambda each: each.key)

    @override
    def text(self, line: Line, column: int) -> str:
        return line.texts[column]

    @override
    def tip(self, line: Line, column: int) -> str:
        text = line.texts[column]
        return f"{text}\n{line.meaning}" if column == Col.FAULTS else text
