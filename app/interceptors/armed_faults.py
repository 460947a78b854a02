"""The faults that are armed for one target: their seed and filters, what they decide, and counts of what they did.
Faults disrupt frames on purpose. ``faults`` arms them, and ``client_faults`` carries out the decisions.

Whether a fault acts on a frame depends on the seed and on how many frames its filter matched before. A reconnect
does not restart this count, which is kept per direction and *lineage*: a place in the list of connections with one
Origin, user agent and user. A page that reconnects takes the first free place, which is its own unless several were
lost.
"""

from collections import Counter, OrderedDict
from collections.abc import Sequence
from typing import Literal, NamedTuple

from app.hub.clients import Client
from app.hub.filter import NO_FILTERS, Filter, parse
from app.hub.row import Row
from app.hub.target import Target
from app.protocol.errors import Invalid
from app.protocol.faults.decisions import Decision, FaultSequence
from app.protocol.faults.kinds import AnyFault, Fault

MAX_LINEAGES = 1000
"""Lineages whose frames are counted; beyond, the one that was used least recently is forgotten."""

Side = Literal["to_ui", "from_ui"]


class Lineage(NamedTuple):
    """A place in the list of connections with one Origin, user agent and user."""

    origin: str
    user_agent: str
    username: str
    place: int


class Lineages:
    """Give each connected client the first free place of its kind."""

    def __init__(self) -> None:
        self._of_clients: dict[int, Lineage] = {}

    def of(self, client: Client) -> Lineage:
        """Return the lineage of a client. It stays the same as long as the client is connected."""
        if client.id not in self._of_clients:
            kind = (client.origin, client.user_agent, client.username)
            taken = {each.place for each in self._of_clients.values() if each[:3] == kind}
            place = next(number for number in range(len(taken) + 1) if number not in taken)
            self._of_clients[client.id] = Lineage(*kind, place)
        return self._of_clients[client.id]

    def keep(self, clients: Sequence[Client]) -> None:
        """Free the places of all other clients."""
        known = {client.id for client in clients}
        for number in [each for each in self._of_clients if each not in known]:
            del self._of_clients[number]


class ArmedFaults:
    """Faults with a target and a seed. ``profile`` is the name of the profile that they are from, or empty."""

    def __init__(self, number: int, to: Target, faults: Sequence[AnyFault], seed: int, profile: str = "") -> None:
        """Raises ``Invalid`` if the filter of a fault is invalid."""
        self.number = number
        self.to = to
        self.faults = tuple(faults)
        self.seed = seed
        self.profile = profile
        self.seen = 0
        """Frames of all clients that the faults have decided about."""
        self.acted: Counter[str] = Counter()
        """How often each kind of fault has acted on a frame."""
        self._filters = {each.only: parse_filter(each.only) for each in self.faults if each.only}
        self._sequences: OrderedDict[tuple[Lineage, Side], FaultSequence] = OrderedDict()

    def decide(self, lineage: Lineage, side: Side, row: Row, payload: bytes) -> Decision:
        """Return what happens to a client's next frame. ``row`` describes it to the filters of the faults."""
        self.seen += 1
        results: dict[str, bool] = {}

        def matches(fault: Fault) -> bool:
            if not fault.only:
                return True
            if fault.only not in results:
                results[fault.only] = self._filters[fault.only].matches(row)
            return results[fault.only]

        decision = self._sequence(lineage, side).decide(payload, matches)
        self.acted.update(reason.kind for reason in decision.reasons)
        return decision

    def _sequence(self, lineage: Lineage, side: Side) -> FaultSequence:
        key = lineage, side
        if key not in self._sequences:
            faults = [each for each in self.faults if each.direction in (side, "both")]
            self._sequences[key] = FaultSequence(faults, self.seed)
            if len(self._sequences) > 2 * MAX_LINEAGES:
                self._sequences.popitem(last=False)
        self._sequences.move_to_end(key)
        return self._sequences[key]


def parse_filter(text: str) -> Filter:
    """Parse the filter of a fault.

    Raises ``Invalid`` if it is invalid, too slow to test each frame, or about marks of rows of the log.
    """
    found = parse(text, saved=NO_FILTERS)
    if found.warnings:
        raise Invalid(f"The filter {text[:80]!r} is not valid: {'; '.join(found.warnings)}.")
    if not found.terms:  # such as "event:", which would match every frame
        raise Invalid(f"The filter {text[:80]!r} is not complete. Complete it, or leave it out.")
    if found.depends_on_marks:
        raise Invalid(
            f"The filter {text[:80]!r} is not valid here: pins, annotations and findings of the lint belong to "
            "rows of the log, and a frame has no row yet when faults decide about it."
        )
    if found.slow:
        raise Invalid(f"The filter {text[:80]!r} has a regular expression, which is too slow to test each frame.")
    return found
