"""Open a dialog that asks before an action that cannot be undone, and call a function if the user agrees."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from app.ui.plain_text_dialogs import PlainTextMessageBox


def confirm(parent: QWidget, question: str, details: str, verb: str, then: Callable[[], object]) -> None:
    """Open a dialog with a button ``verb``, which calls ``then``, and a Cancel button. It does not block."""
    box = PlainTextMessageBox(parent.window(), verb, question, details)
    yes = box.addButton(verb, box.ButtonRole.DestructiveRole)
    cancel = box.addButton(box.StandardButton.Cancel)
    box.setDefaultButton(cancel)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.finished.connect(lambda _: then() if box.clickedButton() is yes else None)
    box.open()
