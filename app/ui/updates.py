"""Check for updates at start and once a day, if the setting is on, and show a newer version in the banner.
The setting is off by default. The notice has a button that opens the web page of the release; the new version is
not downloaded or installed. ``system/updates.py`` reads the update feed.
"""

import logging
import time
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, QTimer

from app import __version__
from app.companion import Companion
from app.system.updates import Release, UpdateError, built_in_address, look
from app.ui.browser import open_in_browser
from app.ui.room_tasks import RoomTasks
from app.ui.widgets.banner import Banner

log = logging.getLogger(__name__)

A_DAY_S = 24 * 3600.0
AN_HOUR_MS = 3600 * 1000
RETRY_S = 1800.0
"""A failed check is repeated after this time; the timer may fire a little early."""


class Updates(QObject):
    """Check the update feed and offer a newer version in ``banner``. Call ``close_down`` before the loop ends."""

    def __init__(self, companion: Companion, banner: Banner) -> None:
        super().__init__()
        self._companion = companion
        self._banner = banner
        self.now: Callable[[], float] = time.monotonic
        self._last_check: tuple[str, float] | None = None
        """URL and time of the last check."""
        self._do = RoomTasks(companion.tasks, self._log_failure, errors=(UpdateError,))
        self._timer = QTimer(self, interval=AN_HOUR_MS)
        self._timer.timeout.connect(self.check_if_due)
        self._timer.start()
        self._disconnect = companion.changed.connect(lambda _: self.check_if_due())

    def close_down(self) -> None:
        """Stop the timer and disconnect from the companion's signals."""
        self._timer.stop()
        self._disconnect()
        self._do.close()

    @property
    def address(self) -> str:
        """The URL of the update feed, or an empty text if none is configured."""
        return self._companion.settings.updates_url or built_in_address()

    def check_if_due(self) -> None:
        """Check if the setting is on and the last check is a day old. A new URL is checked at once."""
        if not self._companion.settings.check_updates or not self.address:
            self._last_check = None
            self._banner.remove_notice("update")
            return
        address, checked_at = self._last_check or ("", 0.0)
        if self.address == address and self.now() - checked_at < A_DAY_S:
            return
        if self.address != address:
            self._banner.remove_notice("update")
        self._last_check = (self.address, self.now())
        self._do(look(self.address), partial(self._offer, self.address))

    def _log_failure(self, _: str) -> None:
        # Only logged: the user is often just offline. The reason may quote a URL with a password.
        log.info("The check for updates failed")
        if self._last_check:
            self._last_check = (self._last_check[0], self.now() - A_DAY_S + RETRY_S)

    def _offer(self, address: str, release: Release | None) -> None:
        """Offer the release, unless checks were switched off or the URL was changed meanwhile."""
        if release and self._last_check and self._last_check[0] == address:
            self._banner.show_notice(
                f"Version {release.version} is available. You have {__version__}.",
                (("Open release page", lambda: open_page(release)),),
                "update",
            )


def open_page(release: Release) -> None:
    """Open a release's page in the web browser."""
    open_in_browser(release.page)
