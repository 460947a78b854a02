"""Subclasses of Qt's message box and input dialog that show untrusted text literally, never as HTML.
``plain_text`` has the labels, tooltips and notifications. The linter bans the Qt classes elsewhere.
"""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QInputDialog, QLabel, QMessageBox, QWidget  # noqa: TID251


class PlainTextMessageBox(QMessageBox):
    """A message box that never interprets its texts as HTML. Call ``open()``; it does not block."""

    def __init__(self, parent: QWidget | None, title: str, text: str, details: str = "") -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWindowTitle(title)
        self.setText(text)
        self.setInformativeText(details)


class PlainTextInputDialog(QInputDialog):
    """A dialog that asks for one line of text and never interprets its label as HTML.

    ``verb`` is the text of the button that accepts; by default it is the first word of the title.
    """

    def __init__(self, parent: QWidget, title: str, label: str, text: str = "", verb: str = "") -> None:
        super().__init__(parent)
        self.setOkButtonText(verb or title.partition(" ")[0])
        self.setWindowTitle(title)
        self.setLabelText(label)
        self.setTextValue(text)
        for each in self.findChildren(QLabel):
            each.setTextFormat(Qt.TextFormat.PlainText)
