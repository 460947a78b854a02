"""The button *Revert* of an editor, which is *Discard* while the text has no file."""

from PySide6.QtWidgets import QPushButton

from app.ui.widgets.accessible_names import named


class RevertButton(QPushButton):
    """Goes back to the saved version of a ``what``, or discards one without a file. The room asks before that."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self._what = what
        self.show_file(True)

    def show_file(self, has_file: bool) -> None:
        """Show what the button does."""
        if has_file:
            self.setText("Revert")
            named(self, "Revert to the saved version", tip="Discard the changes")
        else:
            self.setText("Discard")
            named(self, f"Discard this {self._what}", tip=f"Discard this {self._what}, which has no file")
