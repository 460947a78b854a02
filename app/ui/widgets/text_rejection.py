"""How an editor reports a text that it does not take."""

from typing import Protocol, runtime_checkable

from PySide6.QtWidgets import QWidget

MAX_TEXT_BYTES = 256 * 1024
TOO_LARGE = (
    "The text is too large: an editor takes 256 KiB. Use Send from file … in Inject to send a file as a raw frame."
)


@runtime_checkable
class ShowsTextRejection(Protocol):
    """A room, a dialog or a window that shows why a text was rejected."""

    def show_rejection(self, text: str) -> None:
        """Show a sentence."""


def reject(editor: QWidget, text: str) -> None:
    """Show why ``editor`` has rejected a text, in the nearest room, dialog or window around it."""
    place: QWidget | None = editor
    while place is not None and not isinstance(place, ShowsTextRejection):
        place = place.parentWidget()
    if place is not None:
        place.show_rejection(text)
