"""Every control says what it is: to a screen reader, to the style sheet, to a test."""

from typing import TypeVar

from PySide6.QtWidgets import QSpinBox, QWidget

from app.ui.plain_text import set_tooltip

W = TypeVar("W", bound=QWidget)


def named(widget: W, name: str, *, style_id: str = "", tip: str = "") -> W:
    """Give ``widget`` its accessible name, a style id and a tool tip, and return it."""
    widget.setAccessibleName(name)
    if style_id:
        widget.setObjectName(style_id)
    if tip:
        set_tooltip(widget, tip)
    return widget


def number_box(name: str, low: int, high: int, *, tip: str = "") -> QSpinBox:
    """Return an input for a whole number."""
    box = named(QSpinBox(minimum=low, maximum=high), name, tip=tip)
    box.lineEdit().setTextMargins(6, 0, 0, 0)  # style sheets do not reach this far
    return box
