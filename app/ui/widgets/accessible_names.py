"""Set accessible names, style sheet IDs and tooltips of widgets, and create spin boxes for whole numbers."""

from typing import TypeVar

from PySide6.QtWidgets import QSpinBox, QWidget

from app.ui.plain_text import set_tooltip

W = TypeVar("W", bound=QWidget)


def named(widget: W, name: str, *, style_id: str = "", tip: str = "") -> W:
    """Set a widget's accessible name, optionally its style sheet id and its tooltip, and return the widget."""
    widget.setAccessibleName(name)
    if style_id:
        widget.setObjectName(style_id)
    if tip:
        set_tooltip(widget, tip)
    return widget


def number_box(name: str, low: int, high: int, *, tip: str = "") -> QSpinBox:
    """Return an input for whole numbers from ``low`` to ``high``. ``name`` is its accessible name."""
    box = named(QSpinBox(minimum=low, maximum=high), name, tip=tip)
    box.lineEdit().setTextMargins(6, 0, 0, 0)  # cannot be set in the style sheet
    return box
