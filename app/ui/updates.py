"""Tells of a newer version in the banner, while the setting is on: at the start, and then once a day."""

import logging
import time
from collections.abc import Callable

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


class Updates(QObject):
    """Asks, and says what it heard. ``close_down`` before the end."""

    def __init__(self, companion: Companion, banner: Banner) -> None:
        super().__init__()
        self._companion = companion
        self._banner = banner
        self.now: Callable[[], float] = time.monotonic
        self._asked: tuple[str, float] | None = None
        self._do = RoomTasks(companion.tasks, self._log_failure, errors=(UpdateError,))
        self._clock = QTimer(self, interval=AN_HOUR_MS)
        self._clock.timeout.connect(self.consider)
        self._clock.start()
        self._disconnect = companion.changed.connect(lambda _: self.consider())

    def close_down(self) -> None:
        """Ask no more."""
        self._clock.stop()
        self._disconnect()
        self._do.close()

    @property
    def address(self) -> str:
        """Where to ask; empty when nobody said."""
        return self._companion.settings.updates_url or built_in_address()

    def consider(self) -> None:
        """Ask when a person wants it and a day has passed; a new address is asked at once."""
        if not self._companion.settings.check_updates or not self.address:
            self._asked = None
            self._banner.retract("update")
            return
        address, when = self._asked or ("", 0.0)
        if self.address == address and self.now() - when < A_DAY_S:
            return
        self._asked = (self.address, self.now())
        self._do(look(self.address), self._offer)

    def _log_failure(self, why: str) -> None:
        log.info("The check for a newer version failed: %s", why)  # being offline is no reason for a message

    def _offer(self, release: Release | None) -> None:
        if release:
            self._banner.say(
                f"Version {release.version} is there; this is {__version__}.",
                (("Open its page", lambda: open_page(release)),),
                "update",
            )


def open_page(release: Release) -> None:
    """Show a release's page in the browser."""
    open_in_browser(release.page)
