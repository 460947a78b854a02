"""Open a dialog that asks before an action that cannot be undone, and call a function if the user agrees.
The dialog does not block: the functions here return at once. ``confirm_with_option`` adds a check box.
"""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QWidget

from app.ui.plain_text_dialogs import PlainTextMessageBox


def confirm(parent: QWidget, question: str, details: str, verb: str, then: Callable[[], object]) -> None:
    """Open a dialog with a button ``verb``, which calls ``then``, and a Cancel button. It does not block."""
    _ask(parent, question, details, verb, then).open()


def confirm_with_option(
    parent: QWidget, question: str, details: str, verb: str, option: str, then: Callable[[bool], object]
) -> None:
    """Like ``confirm``, with a check box ``option``, which is off at first. ``then`` gets whether it is checked."""
    check = QCheckBox(option)
    box = _ask(parent, question, details, verb, lambda: then(check.isChecked()))
    box.setCheckBox(check)
    box.open()


def _ask(
    parent: QWidget, question: str, details: str, verb: str, then: Callable[[], object]
) -> PlainTextMessageBox:
    box = PlainTextMessageBox(parent.window(), verb, question, details)
    yes = box.addButton(verb, box.ButtonRole.DestructiveRole)
    cancel = box.addButton(box.StandardButton.Cancel)
    box.setDefaultButton(cancel)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.finished.connect(lambda _: then() if box.clickedButton() is yes else None)
    return box
