"""Functions that lay out a page: ``head_line`` makes a line of texts and buttons for the top of a page or pane, and
``fill_page`` puts such a line above the content of a page.
"""

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.ui.widgets.elided_label import ElidedLabel


def head_line(*parts: QWidget) -> QWidget:
    """Return a line of texts and buttons. Its ``ElidedLabel`` gets the rest of the width."""
    line = QWidget()
    row = QHBoxLayout(line)
    row.setContentsMargins(16, 8, 16, 8)
    row.setSpacing(8)
    for part in parts:
        row.addWidget(part, int(isinstance(part, ElidedLabel)))
    return line


def fill_page(page: QWidget, head: QWidget, body: QWidget) -> QWidget:
    """Lay out a page with ``body`` below its line ``head``, and return the page."""
    column = QVBoxLayout(page)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    column.addWidget(head)
    column.addWidget(body, 1)
    return page
