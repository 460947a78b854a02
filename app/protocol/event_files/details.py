"""What an event file says about an event besides its name, direction and data schema: for example its description,
the text for its log rows, and how it changes the chat state. ``EventType.details`` contains it.
"""

from typing import Any, NamedTuple

from app.protocol.event_files.effects import Forward, StateEffect


class FileDetails(NamedTuple):
    """Details from an event file; all empty for a built-in event that no file extends.

    ``file`` is the path of the event file.
    """

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
