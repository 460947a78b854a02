"""Pass the reason why an editor rejected a text to its nearest parent that can show it, such as a room or dialog.

``TextEdit`` and ``LineEdit`` call ``reject``, for example because a text is too large. The nearest parent that
implements ``ShowsTextRejection`` shows the reason. Without such a parent, it is not shown.
"""

from typing import Protocol, runtime_checkable

from PySide6.QtWidgets import QWidget

MAX_TEXT_BYTES = 256 * 1024
TOO_LARGE = (
    "The text is too large. The maximum is 256 KiB. To send a file as a raw frame, use Send from file … in Inject."
)


@runtime_checkable
class ShowsTextRejection(Protocol):
    """A widget that can show why a text was rejected, such as a room, a dialog, a window or a bar."""

    def show_rejection(self, text: str) -> None:
        """Show ``text``, the reason as a sentence."""


def reject(editor: QWidget, text: str) -> None:
    """Show why ``editor`` rejected a text, in the nearest of its parents that implements ``ShowsTextRejection``."""
    place: QWidget | None = editor
    while place is not None and not isinstance(place, ShowsTextRejection):
        place = place.parentWidget()
    if place is not None:
        place.show_rejection(text)
