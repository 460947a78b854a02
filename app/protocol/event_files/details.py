"""What an event file says about an event besides its name and its data."""

from typing import Any, NamedTuple

from app.protocol.event_files.effects import Forward, StateEffect


class FileDetails(NamedTuple):
    """The parts of an event file that have no counterpart in a built-in event. ``file`` is its path."""

    file: str = ""
    title: str = ""
    description: str = ""
    summary: str = ""
    """A text with ``{name}`` for fields of the data; empty if the log summarizes the data itself."""
    effects: tuple[StateEffect, ...] = ()
    forward: Forward | None = None
    examples: tuple[dict[str, Any], ...] = ()

    @property
    def help(self) -> str:
        """The first line of the description; empty if the file has none."""
        return next(iter(self.description.strip().splitlines()), "")
