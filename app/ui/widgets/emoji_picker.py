"""A popup in Chats to add or remove an emoji reaction of the selected friend to a message.
It offers frequent emoji, the friend's present reactions, and a field for any other. It only emits the choice.
"""

from collections.abc import Collection
from functools import partial

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QPushButton, QWidget

from app.ui.plain_text import without_mnemonics
from app.ui.widgets.accessible_names import named
from app.ui.widgets.line_edit import LineEdit

USUAL = ("👍", "❤️", "😂", "😮", "😢", "🙏", "🎉", "🔥", "👀", "✅")
MAX_EMOJI_CHARS = 32
"""As in the control API. Some emoji are long sequences."""
COLUMNS = 5


class EmojiPicker(QFrame):
    """Emit ``chosen`` with an emoji. Reactions that are present are checked; choosing one removes it.

    The popup closes itself and is deleted then.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget, present: Collection[str]) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("card")
        self.setAccessibleName("Choose a reaction")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        grid = QGridLayout(self)
        grid.setContentsMargins(8, 8, 8, 8)
        grid.setSpacing(4)
        self.buttons: list[QPushButton] = []
        offered = list(dict.fromkeys([*USUAL, *present]))
        for number, emoji in enumerate(offered):
            button = named(
                QPushButton(without_mnemonics(emoji)), f"{'Remove' if emoji in present else 'Add'} {_spoken(emoji)}"
            )
            button.setObjectName("emoji")
            button.setCheckable(True)
            button.setChecked(emoji in present)
            button.clicked.connect(partial(self._choose, emoji))
            grid.addWidget(button, number // COLUMNS, number % COLUMNS)
            self.buttons.append(button)
        self.other = named(LineEdit(limit=MAX_EMOJI_CHARS, placeholder="Any emoji, then Enter"), "Any other emoji")
        self.other.returnPressed.connect(lambda: self._choose(self.other.text().strip()))
        grid.addWidget(self.other, len(offered) // COLUMNS + 1, 0, 1, COLUMNS)
        self.buttons[0].setFocus()

    def open_at(self, place: QPoint) -> None:
        """Show the popup with its upper left corner at a global position, moved so that it is on the screen."""
        self.adjustSize()
        screen = self.screen().availableGeometry()
        place.setX(max(screen.left(), min(place.x(), screen.right() - self.width())))
        place.setY(max(screen.top(), min(place.y(), screen.bottom() - self.height())))
        self.move(place)
        self.show()

    def _choose(self, emoji: str) -> None:
        if emoji:
            self.close()
            self.chosen.emit(emoji)


def _spoken(emoji: str) -> str:
    """Return an emoji with its name, for screen readers that cannot read emoji."""
    import unicodedata  # a megabyte, needed only when the picker opens

    return f"{emoji} {unicodedata.name(emoji[0], '').lower()}".strip()
