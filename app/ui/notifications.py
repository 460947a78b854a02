"""Desktop notifications of messages to the UI, refused pages, disconnected clients and failed expectations.

Each kind has a setting and is off by default. Those of two seconds are shown as one, at the end of that time. They
do not appear while a window of the program has the focus, or without a tray icon.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication

from app.companion import Companion
from app.hub.clients import Client
from app.hub.expectation import FailedExpectation
from app.hub.journal import Kind, Row
from app.hub.origin import PRIMING
from app.hub.rejection_log import RejectionStats
from app.protocol.envelope import BadFrame, parse_json
from app.ui.room_registry import CHATS, CLIENTS, EVENTS

MERGE_MS = 2000
MAX_SHOWN = 3
"""A merged notification has at most this many of its parts; the rest is counted."""
MAX_CHARS = 160
MAX_ORIGINS = 1_000
"""Refused origins that are remembered. If there are more, all are removed."""


class Note(NamedTuple):
    """A notification. ``room`` is opened when the user clicks it."""

    title: str
    body: str
    room: str


Show = Callable[[Note], object]


class Notifications(QObject):
    """Call ``show`` with a notification for what the settings ask for. Call ``close_down`` before the loop ends."""

    def __init__(self, companion: Companion, show: Show, has_focus: Callable[[], bool] | None = None) -> None:
        """``has_focus`` returns whether a window of the program has the keyboard focus."""
        super().__init__()
        self._companion = companion
        self._show = show
        self._has_focus = has_focus or (lambda: QApplication.activeWindow() is not None)
        self._notes: list[Note] = []
        self._more = 0
        """Number of notifications in the current two seconds beyond those in ``_notes``."""
        self._notified_origins: set[str] = set()
        self._timer = QTimer(self, interval=MERGE_MS, singleShot=True)
        self._timer.timeout.connect(self.flush)
        self._disconnects = [
            companion.changed.connect(lambda _: self._follow_settings()),
            companion.rejection_log.added.connect(self._on_refused),
            companion.hub.left.connect(self._on_left),
            companion.expectation_failed.connect(self._on_failed_expectation),
        ]
        self._stop_reading: Callable[[], None] | None = None
        """Disconnects from the journal, which is listened to only while messages are wanted."""
        self._follow_settings()

    def close_down(self) -> None:
        """Discard pending notifications and disconnect from the companion's signals."""
        self._timer.stop()
        for disconnect in self._disconnects:
            disconnect()
        if self._stop_reading:
            self._stop_reading()

    def flush(self) -> None:
        """Show what has come since the first notification that was not shown yet, as one."""
        notes, more, self._notes, self._more = self._notes, self._more, [], 0
        if notes and not self._has_focus():
            self._show(merged(notes, more))

    def _follow_settings(self) -> None:
        wanted = self._companion.settings.notify_messages
        if wanted and not self._stop_reading:
            self._stop_reading = self._companion.journal.appended.connect(self._on_row)
        elif not wanted and self._stop_reading:
            self._stop_reading()
            self._stop_reading = None

    def _on_row(self, row: Row) -> None:
        if row.event != "new_message" or row.kind is not Kind.TO_UI or not row.recipients or row.origin == PRIMING:
            return
        if self._has_focus():  # before the frame is parsed: this runs for every row
            return
        if len(self._notes) >= MAX_SHOWN:  # with many messages per second, only some are parsed
            self._more += b'"received"' in row.payload
        elif note := _message(row):
            self._add(note)

    def _on_refused(self, refused: RejectionStats) -> None:
        # Once per origin: a page that may not connect tries again every few seconds.
        is_new = refused.origin and refused.origin not in self._notified_origins
        if self._companion.settings.notify_refused and is_new and not self._has_focus():
            if len(self._notified_origins) >= MAX_ORIGINS:
                self._notified_origins.clear()
            self._notified_origins.add(refused.origin)
            body = f"{refused.origin} may not connect. Allow it in Clients."
            self._add(Note("Web page refused", body, CLIENTS))

    def _on_left(self, client: Client) -> None:
        by_itself = not client.closing and self._companion.server.listening
        if self._companion.settings.notify_disconnects and by_itself:
            self._add(Note("Client disconnected", f"{client.id} · {client.username}", CLIENTS))

    def _on_failed_expectation(self, failed: FailedExpectation) -> None:
        if self._companion.settings.notify_expectations:
            body = f"{failed.expected} was not received within {failed.within_s:g} s"
            self._add(Note("Expectation failed", body, EVENTS))

    def _add(self, note: Note) -> None:
        if self._has_focus():
            return
        if len(self._notes) < MAX_SHOWN:
            self._notes.append(note)
        else:
            self._more += 1
        if not self._timer.isActive():  # not restarted: or steady traffic would delay it forever
            self._timer.start()


def merged(notes: Sequence[Note], more: int = 0) -> Note:
    """Return one notification for several; ``more`` are only counted."""
    first = notes[0]
    if len(notes) + more == 1:
        return first._replace(body=_short(first.body))
    alike = not more and all(each.title == first.title for each in notes)
    lines = [_short(each.body if alike else f"{each.title}: {each.body}") for each in notes]
    if more:
        lines.append(f"and {more:,} more")
    title = first.title if alike else f"{len(notes) + more:,} notifications"
    return Note(title, "\n".join(lines), notes[-1].room)


def _message(row: Row) -> Note | None:
    """Return the notification for a message as the guide's §2.1 requires it: the sender and the text."""
    try:
        value = parse_json(row.payload.decode())
    except (BadFrame, UnicodeDecodeError):
        return None
    match value:
        case {"data": {"from": str(sender), "text": str(text), "direction": "received"}}:
            return Note(_short(sender), text, CHATS)
    return None


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= MAX_CHARS else f"{text[:MAX_CHARS]} …"
