"""The list of breakpoints: check and add them, remove them, and find the one that holds a cause.
A cause is a fired event, a raw or resent frame, a client's frame or a REST call that is not handled yet. Every
breakpoint that matches it counts it; the first that has counted enough holds it. ``breakpoints`` owns the list, and
keeps the held causes.
"""

from collections.abc import Callable, Mapping

from app.hub.clock import Clock
from app.hub.filter import Filter, parse
from app.hub.held_items import Breakpoint, BreakpointOptions
from app.hub.row import Row
from app.protocol.breakpoints import MAX_BREAKPOINTS, MAX_HITS, MAX_TIMEOUT_S, MIN_TIMEOUT_S, BreakpointDirection
from app.protocol.errors import Conflict, Invalid, NotFound


class _Entry:
    """A breakpoint with its parsed filter and its number of matches."""

    def __init__(self, number: int, options: BreakpointOptions, wanted: Filter) -> None:
        self.number = number
        self.options = options
        self.filter = wanted
        self.matches = 0

    @property
    def value(self) -> Breakpoint:
        return Breakpoint(id=self.number, options=self.options, matches=self.matches)


class BreakpointList:
    """The breakpoints, oldest first. Their numbers are not used again."""

    def __init__(self, clock: Clock, saved_filters: Callable[[], Mapping[str, str]]) -> None:
        """``saved_filters`` returns the saved filters of the log, by name."""
        self._clock = clock
        self._saved_filters = saved_filters
        self._entries: dict[int, _Entry] = {}
        self._last = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def all(self) -> list[Breakpoint]:
        """The breakpoints, oldest first."""
        return [each.value for each in self._entries.values()]

    def add(self, options: BreakpointOptions) -> Breakpoint:
        """Add a breakpoint. Raises ``Invalid``, and ``Conflict`` if there are too many."""
        if not 1 <= options.hits <= MAX_HITS:
            raise Invalid(f"The hit count must be between 1 and {MAX_HITS:,}, not {options.hits}.")
        if not MIN_TIMEOUT_S <= options.timeout_s <= MAX_TIMEOUT_S:
            raise Invalid(f"The timeout must be between {MIN_TIMEOUT_S:g} s and {MAX_TIMEOUT_S:g} s.")
        wanted = parse(options.filter, now=self._clock.wall, saved=self._saved_filters())
        if wanted.warnings:
            raise Invalid(f"Filter: {'; '.join(wanted.warnings)}.")
        if options.filter.strip() and not wanted.terms:  # such as "event:", which would hold everything
            raise Invalid("The filter is not complete. Complete it, or leave it empty to hold everything.")
        if wanted.depends_on_marks:
            raise Invalid(
                "Filter: pins, annotations and findings of the lint belong to rows of the log, "
                "and what a breakpoint holds has no row yet."
            )
        if len(self._entries) >= MAX_BREAKPOINTS:
            raise Conflict(f"There are {MAX_BREAKPOINTS} breakpoints already. Remove one first.")
        self._last += 1
        entry = self._entries[self._last] = _Entry(self._last, options, wanted)
        return entry.value

    def remove(self, number: int) -> None:
        """Remove a breakpoint. Raises ``NotFound``."""
        if number not in self._entries:
            known = ", ".join(map(str, self._entries)) or "none"
            raise NotFound(f"There is no breakpoint {number}. Breakpoints: {known}.")
        del self._entries[number]

    def clear(self) -> None:
        """Remove all breakpoints."""
        self._entries.clear()

    def covers(self, direction: BreakpointDirection) -> bool:
        """Return whether a breakpoint may hold causes of this direction."""
        return any(_covers(each, direction) for each in self._entries.values())

    def first_match(self, row: Row, direction: BreakpointDirection) -> Breakpoint | None:
        """Count a cause at all breakpoints that match it, and return the first that holds it.

        ``row`` is the row that the cause would get now.
        """
        first: _Entry | None = None
        for entry in self._entries.values():
            if _covers(entry, direction) and entry.filter.matches(row):
                entry.matches += 1
                if first is None and entry.matches >= entry.options.hits:
                    first = entry
        return first.value if first else None


def _covers(entry: _Entry, direction: BreakpointDirection) -> bool:
    return entry.options.direction in (BreakpointDirection.ALL, direction)
