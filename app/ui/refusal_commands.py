"""Refuse connections on purpose and accept them again, for the window *Refuse connections* and the palette.
Results and errors are reported as texts. Origins that are not allowed are another matter: they are always rejected.
"""

from collections.abc import Callable

from app.companion import Companion
from app.hub.origin import PANEL
from app.protocol.counts import count
from app.protocol.errors import RequestError
from app.protocol.refusals import RefusalKind, RefusalMode

STATUS = RefusalMode(RefusalKind.STATUS)


class RefusalCommands:
    """``report`` gets what was done, ``failed`` why something could not be done."""

    def __init__(
        self, companion: Companion, report: Callable[[str], object], failed: Callable[[str], object]
    ) -> None:
        self._refusals = companion.refusals
        self._report = report
        self._failed = failed

    def refuse(
        self, mode: RefusalMode = STATUS, *, number: int | None = None, seconds: float | None = None
    ) -> None:
        """Refuse the next connections, or all for some seconds."""
        try:
            armed = self._refusals.arm(mode, number, seconds, origin=PANEL)
        except RequestError as error:
            self._failed(str(error))
        else:
            self._report(f"Refusing {self._refusals.describe(armed)}")

    def accept(self) -> None:
        """Accept all connections again."""
        removed = self._refusals.disarm_all()
        done = f"Accepting connections again: {count(removed, 'refusal')} removed"
        self._report(done if removed else "All connections are accepted already")
