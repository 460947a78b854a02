"""A button that shows or hides a part of a page, with a summary beside it while the part is hidden."""

from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from app.ui.widgets.accessible_names import named
from app.ui.widgets.elided_label import ElidedLabel


class Fold(QWidget):
    """Shows ``part`` while its button is checked. It is hidden at first."""

    def __init__(self, title: str, part: QWidget, tip: str) -> None:
        super().__init__()
        self._title = title
        self._part = part
        self.button = named(QPushButton(), title, style_id="fold", tip=tip)
        self.button.setCheckable(True)
        self.button.toggled.connect(self._show)
        self.summary = named(ElidedLabel(), "Summary", style_id="muted")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.button)
        row.addWidget(self.summary, 1)
        self._show(False)

    @property
    def open(self) -> bool:
        """Whether the part is shown."""
        return self.button.isChecked()

    def show_part(self, shown: bool = True) -> None:
        """Show or hide the part."""
        self.button.setChecked(shown)

    def _show(self, shown: bool) -> None:
        self.button.setText(f"{'▾' if shown else '▸'} {self._title}")
        self.summary.setVisible(not shown)
        self._part.setVisible(shown)
