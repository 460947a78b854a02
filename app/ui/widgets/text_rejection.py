"""Pass the reason why an editor rejected a text to the nearest parent that can show it: a room, dialog or window.

An editor calls ``reject``, for example because a text is too large. A room, dialog or window that implements
``ShowsTextRejection`` shows the reason.
"""

from typing import Protocol, runtime_checkable

from PySide6.QtWidgets import QWidget

MAX_TEXT_BYTES = 256 * 1024
TOO_LARGE = (
    "The text is too large. The maximum is 256 KiB. To send a file as a raw frame, use Send from file … in Inject."
)


@runtime_checkable
class ShowsTextRejection(Protocol):
    """A widget that can show why a text was rejected: a room, a dialog or a window."""

    def show_rejection(self, text: str) -> None:
        """Show ``text``, the reason as a sentence."""


def reject(editor: QWidget, text: str) -> None:
    """Show why ``editor`` rejected a text, in the nearest room, dialog or window that contains it."""
    place: QWidget | None = editor
    while place is not None and not isinstance(place, ShowsTextRejection):
        place = place.parentWidget()
    if place is not None:
        place.show_rejection(text)
