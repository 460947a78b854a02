"""The effects of events to the UI, as the event files defined them when a row was added to the log.
The expected state of the UI is computed later, when a file may have been changed or deleted.
"""

from bisect import bisect_right
from collections.abc import Sequence

from app.protocol.catalog import Catalog
from app.protocol.contract import Direction
from app.protocol.event_files.effects import StateEffect


class EffectHistory:
    """Remembers the effects of each version of a catalog for as long as there are rows from then."""

    def __init__(self, catalog: Catalog) -> None:
        self._since = [0]
        self._effects = [_effects(catalog)]

    def add(self, catalog: Catalog, since: int, first_seq: int = 0) -> None:
        """Use the effects of a catalog from row ``since`` on. ``first_seq`` is the oldest row that is needed."""
        if (effects := _effects(catalog)) != self._effects[-1]:
            self._since.append(since)
            self._effects.append(effects)
        outdated = max(0, bisect_right(self._since, first_seq) - 1)
        del self._since[:outdated], self._effects[:outdated]

    def of(self, event: str, seq: int) -> Sequence[StateEffect]:
        """Return the effects of an event when a row was added."""
        return self._effects[max(0, bisect_right(self._since, seq) - 1)].get(event, ())


def _effects(catalog: Catalog) -> dict[str, Sequence[StateEffect]]:
    return {
        each.name: each.details.effects
        for each in catalog
        if each.direction is Direction.TO_UI and each.details.effects
    }
