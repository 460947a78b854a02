"""Compare the event files before and after they were read again, and return what has changed as rows for the log.
These name the events that were added, changed or removed, files that are valid again, and new warnings.
"""

from collections.abc import Iterable, Sequence

from app.hub.outgoing import ServerNote
from app.hub.row import Verdict
from app.protocol.event_files.event_set import WORDS, EventFile
from app.protocol.event_type import EventType

ROW = "event files"
"""The event of the rows."""
MAX_ROWS = 20
"""At most this many warnings of one change get a row each."""
MAX_NAMES = 10


class EventFilesChange:
    """The events that were added, changed and removed, and the new warnings, as sentences."""

    def __init__(
        self, before: Sequence[EventFile], after: Sequence[EventFile], warnings: Iterable[str] = ()
    ) -> None:
        """``warnings`` are the new ones about the folder."""
        old, new = _in_use(before), _in_use(after)
        self.added = [new[key] for key in new if key not in old]
        self.changed = [new[key] for key in new if key in old and new[key] is not old[key]]
        self.removed = [old[key] for key in old if key not in new]
        known = {each for file in before for each in file.problems}
        self.warnings = [*warnings, *(str(each) for file in after for each in file.problems if each not in known)]
        broken = {each.file for each in before if each.problems}
        self._deleted = broken - {each.file for each in after}
        """Files with errors that no longer exist."""
        self.corrected = [each.file for each in after if each.file in broken and not each.problems]

    @property
    def events(self) -> bool:
        """Whether the events of the catalog have changed."""
        return bool(self.added or self.changed or self.removed)

    def __bool__(self) -> bool:
        """Return whether anything has changed."""
        return bool(self.events or self.warnings or self.corrected or self._deleted)

    def notes(self) -> list[ServerNote]:
        """Return the rows of the log."""
        lists = (("added", self.added), ("changed", self.changed), ("removed", self.removed))
        parts = [f"{word} {_names(map(_title, events))}" for word, events in lists if events]
        if self.corrected:
            parts.append(f"{_names(self.corrected)} {'is' if len(self.corrected) == 1 else 'are'} valid again")
        notes = [ServerNote(ROW, "; ".join(parts))] if parts else []
        notes += [ServerNote(ROW, each, Verdict.WARNING) for each in self.warnings[:MAX_ROWS]]
        if (more := len(self.warnings) - MAX_ROWS) > 0:
            notes.append(
                ServerNote(ROW, f"and {more:,} more warnings: see companion contract files", Verdict.WARNING)
            )
        return notes


def _in_use(files: Sequence[EventFile]) -> dict[tuple[str, str], EventType]:
    used = [each.event for each in files if each.event and each.in_use]
    return {(each.direction.value, each.name): each for each in used}


def _title(event: EventType) -> str:
    return f"{event.name} ({WORDS[event.direction]})"


def _names(names: Iterable[str]) -> str:
    found = list(names)
    more = f" and {len(found) - MAX_NAMES} more" if len(found) > MAX_NAMES else ""
    return ", ".join(found[:MAX_NAMES]) + more
