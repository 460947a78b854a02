"""Show notices in the banner: warnings of the start, servers that cannot listen, refused web pages, unknown
friends, and invalid event files. Warnings of the start are about settings, the chat state and recordings; after a
crash, a button opens the recording. The other notices have buttons that resolve them, such as *Retry*. An unknown
friend is one that the UI tries to add, but no persona (a simulated chat user) has the name. The strip at the top
(``conditions``) shows errors of the event server. ``updates`` and ``desktop/tray_app`` show more notices.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Protocol

from app import usernames
from app.hub.rejection_log import RejectionStats
from app.protocol.session.run_names import RUN_BEFORE
from app.system.ports import OWN_PROCESS
from app.system.settings_checks import origin_problem
from app.ui.room_registry import CLIENTS, CONTRACT, SETTINGS

if TYPE_CHECKING:
    from app.ui.window import MainWindow

MAX_OFFERED_ORIGINS = 20
"""A program that connects with ever new origins must not flood the banner."""
MAX_ORIGIN_LENGTH = 80
EVENT_FILES = "event files"
MAX_FILE_WARNINGS = 3
"""At most this many errors of event files are in the banner. The log has all of them."""
MAX_WARNING_CHARS = 300
START = "start"
"""The topic of the warnings of the start."""


class ShownService(Protocol):
    """The attributes of ``endpoints.service.Service`` that the banner shows."""

    name: str
    error: str
    consequence: str


class Notices:
    """Shows notices in the banner of a window while they apply. The event server's own state is in the strip."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._offered_origins: set[str] = set()
        self._shown_errors: dict[str, str] = {}
        """The error of each service that does not listen, by its name."""
        self._warnings: list[str] = []
        """The warnings of the start that are shown."""
        companion = window.companion
        self._disconnects = [
            companion.chat.unknown_friend_requested.connect(self._offer_persona),
            companion.rejection_log.added.connect(self._offer_origin),
            companion.event_files.changed.connect(lambda _: self._show_event_files()),
            companion.changed.connect(lambda _: self._remove_past_warnings()),
        ]

    def close_down(self) -> None:
        """Disconnect from the companion's signals."""
        for disconnect in self._disconnects:
            disconnect()

    def show_warnings(self) -> None:
        """Show what the companion has noticed at the start. After a crash, offer to open its recording."""
        self._show_event_files()
        if warnings := self._window.companion.warnings:
            self._show_warnings(warnings)

    def _show_warnings(self, warnings: list[str]) -> None:
        window, self._warnings = self._window, warnings
        crashed = window.companion.recording_store.crashed
        actions = (("Open recording", partial(window.open_recording, RUN_BEFORE)),) if crashed else ()
        window.banner.show_notice("\n".join(warnings), actions, START)

    def _remove_past_warnings(self) -> None:
        """Remove warnings that no longer apply, for example because the chat state could be read at last."""
        if not self._warnings or not self._window.banner.has_notice(START):
            return
        applying = self._window.companion.warnings
        left = [each for each in self._warnings if each in applying]
        if not left:
            self._warnings = []
            self._window.banner.remove_notice(START)
        elif left != self._warnings:
            self._show_warnings(left)

    def _show_event_files(self) -> None:
        """Show what is wrong with event files, until they are corrected."""
        warnings, banner = self._window.companion.event_files.warnings, self._window.banner
        if not warnings:
            banner.remove_notice(EVENT_FILES)
            return
        more = len(warnings) - MAX_FILE_WARNINGS
        shown = [each[:MAX_WARNING_CHARS] for each in warnings[:MAX_FILE_WARNINGS]]
        text = "\n".join([*shown, f"and {more:,} more"] if more > 0 else shown)
        banner.show_notice(text, self._event_file_actions(), EVENT_FILES)

    def _event_file_actions(self) -> list[tuple[str, Callable[[], object]]]:
        """Return the buttons that help: one shows the first file with errors, one lets choose another folder."""
        window, files = self._window, self._window.companion.event_files
        actions: list[tuple[str, Callable[[], object]]] = []
        if files.problems:
            actions.append(("Show in Contract", self._show_file_errors))
        if files.folder_warnings:
            actions.append(("Open Settings", partial(window.open_room, SETTINGS)))
        return actions

    def _show_file_errors(self) -> None:
        self._window.open_room(CONTRACT)
        self._window.contract.show_file_errors()

    def show_services(self) -> None:
        """Show why servers other than the event server do not listen, with buttons that retry and open Settings."""
        for service in self._window.companion.services:
            if service.name != "events":
                self._show_service(service)

    def _show_service(self, service: ShownService) -> None:
        window = self._window
        if not service.error:
            self._shown_errors.pop(service.name, None)
            window.banner.remove_notice(service.name)
            return
        if self._shown_errors.get(service.name) == service.error:
            return  # it is shown, or the user has dismissed it
        self._shown_errors[service.name] = service.error
        own = OWN_PROCESS in service.error
        busy = service.error.startswith("Port ") and not own
        remedy = "Stop that program and retry, or choose another port in Settings." if busy else ""
        if service.name == "rest" and not own:
            remedy = "Is the real backend running?"
        text = " ".join(part for part in (service.error, service.consequence, remedy) if part)
        actions = (
            ("Retry", partial(window.start_service, service.name)),
            ("Open Settings", partial(window.open_room, SETTINGS)),
        )
        window.banner.show_notice(text, actions, service.name)

    def _offer_origin(self, refused: RejectionStats) -> None:
        """Offer to allow the origin of a refused web page, once per origin. Clients shows all refusals itself."""
        origin = refused.origin
        if self._window.rooms.current == CLIENTS and self._window.isActiveWindow():
            return
        if not origin or origin in self._offered_origins or len(self._offered_origins) >= MAX_OFFERED_ORIGINS:
            return
        self._offered_origins.add(origin)
        if origin_problem(origin) or len(origin) > MAX_ORIGIN_LENGTH:
            return
        self._window.banner.show_notice(
            f"Refused a web page from {origin}. To let it connect, allow this origin and reload the page.",
            (("Allow this origin", partial(self._allow, origin)),),
            topic="refused",
        )

    def _allow(self, origin: str) -> None:
        """Allow an origin. Others may be offered again: the notice of this one replaced theirs."""
        self._offered_origins.clear()
        self._window.allow(origin)

    def _offer_persona(self, name: str) -> None:
        if wrong := usernames.problem(name):
            text = f"Your UI tried to add the friend {name[:64]!r}, but no persona can have this name: it {wrong}."
            self._window.banner.show_notice(text, topic="unknown persona")
            return
        self._window.banner.show_notice(
            f"Your UI tried to add the friend {name[:64]!r}, but there is no persona of that name. "
            "Add the persona, then try again in your UI.",
            ((f"Add persona {name[:20]}", partial(self._add_persona, name)),),
            topic="unknown persona",
        )

    def _add_persona(self, name: str) -> None:
        self._window.banner.remove_notice("unknown persona")
        self._window.chats.add_persona(name, is_friend=False)
