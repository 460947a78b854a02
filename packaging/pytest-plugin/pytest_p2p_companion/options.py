"""Options for the start of the companion: its command, folders, allowed origins, other arguments and a timeout.
The pytest fixture ``companion_options`` returns them. All are optional.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

START_TIMEOUT_S = 30.0


@dataclass(frozen=True, kw_only=True)
class CompanionOptions:
    """Options for the start of a companion. The companion reports folders that do not exist."""

    command: str | Path | None = None
    """The command ``companion``. By default ``COMPANION_COMMAND``, else the one beside the Python that runs the
    tests, else the one on ``PATH``."""
    fixtures: str | Path | None = None
    """The folder of your fixtures."""
    sessions: str | Path | None = None
    """The folder of your scenarios and recordings."""
    faults: str | Path | None = None
    """The folder of your profiles of faults."""
    events: str | Path | None = None
    """The folder of your event files."""
    origins: Sequence[str] = ()
    """Origins of pages that may connect, such as ``http://localhost:5173``, in addition to the defaults."""
    args: Sequence[str] = ()
    """Further options of ``companion serve``."""
    start_timeout_s: float = START_TIMEOUT_S
    """Seconds that the start may take."""

    def folders(self) -> list[str]:
        """Return the options of ``companion serve`` for the folders."""
        named = {
            "fixtures": self.fixtures,
            "sessions": self.sessions,
            "faults": self.faults,
            "events": self.events,
        }
        given = {name: Path(folder).resolve() for name, folder in named.items() if folder is not None}
        return [word for name, folder in given.items() for word in (f"--{name}", str(folder))]
