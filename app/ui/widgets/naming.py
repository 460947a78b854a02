"""Every control says what it is: to a screen reader, to the style sheet, to a test."""

from typing import TypeVar

from PySide6.QtWidgets import QWidget

W = TypeVar("W", bound=QWidget)


def named(widget: W, name: str, *, id: str = "", tip: str = "") -> W:
    """Give ``widget`` its accessible name, a style id and a tool tip, and return it."""
    widget.setAccessibleName(name)
    if id:
        widget.setObjectName(id)
    if tip:
        widget.setToolTip(tip)
    return widget
