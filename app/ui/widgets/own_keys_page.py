"""The page of the user's own keys in the Sources room: show the public keys; copy them; back up, restore and
replace the keys. The keys encrypt and sign messages to peers, who are friends with a companion of their own.
*Back up* saves the secret keys in a file, *Restore* uses those in a backup, and *Replace keys* creates new ones.
Secret keys are never shown. Without usable keys, the page offers to switch peers on, which creates keys if there
are none, or to restore a backup. ``source_commands`` carries out the actions.
"""

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.ui import theme
from app.ui.file_dialogs import ask_for_file, ask_where_to_save
from app.ui.icons import ui_icon
from app.ui.plain_text import PlainTextLabel
from app.ui.source_commands import OwnKeys
from app.ui.widgets.accessible_names import named
from app.ui.widgets.empty_state import EmptyState
from app.ui.widgets.focus_start import FocusStart

NO_KEYS = "No keys yet"
NO_KEYS_HINT = "Your keys are created when peers are first switched on. You can also restore a backup."
ABOUT = (
    "Friends add you with your public keys; they are not secret. The secret keys are in your system's keyring "
    "or in a private file. If you lose them, messages that were sent to you and have not arrived "
    "can no longer be decrypted."
)
BACKUP = (
    "The file contains your secret keys. Anyone who has it can read your messages and write in your name: keep it "
    "where only you can read it."
)
MAX_WIDTH = 720
FORMATS = {"Keys (*.json)": ".json"}


class OwnKeysPage(FocusStart):
    """Call ``show_keys`` to update it."""

    copy_requested = Signal()
    back_up_requested = Signal(str)
    """Emitted with the file to write."""
    restore_requested = Signal(str)
    """Emitted with the file to read."""
    rotate_requested = Signal()
    switch_on_requested = Signal()

    def __init__(self, now: Callable[[], float]) -> None:
        """``now`` returns the time for the name of a backup, in seconds since the epoch."""
        super().__init__()
        self._now = now
        self.values = {
            name: named(PlainTextLabel(), name)
            for name in ("User name", "Node id", "Public key", "Signing key")
        }  # fmt: skip
        self.copy = named(QPushButton("Copy public keys"), "Copy public keys", style_id="primary",
                          tip="Copy them as JSON, as companion peers key prints them")  # fmt: skip
        self.back_up = named(QPushButton("Back up …"), "Back up your keys", tip=BACKUP)
        self.restore = named(QPushButton("Restore …"), "Restore your keys", tip="Use the secret keys in a backup")
        self.rotate = named(QPushButton("Replace keys …"), "Replace your keys", style_id="danger",
                            tip="Create new keys, for example if someone else has yours")  # fmt: skip
        self.about = named(PlainTextLabel(ABOUT, wordWrap=True), "About your keys", style_id="muted")
        self.backup_note = named(
            PlainTextLabel(f"Back up: {BACKUP}", wordWrap=True), "About a backup", style_id="muted"
        )
        self.empty = EmptyState("link", NO_KEYS, ("Switch peers on", self.switch_on_requested.emit))
        self.restore_first = named(QPushButton("Restore a backup …"), "Restore a backup of your keys")
        self._lay_out()
        self.copy.clicked.connect(self.copy_requested)
        self.back_up.clicked.connect(self._ask_where)
        for button in (self.restore, self.restore_first):
            button.clicked.connect(self._ask_which)
        self.rotate.clicked.connect(self.rotate_requested)
        self.show_keys(None)
        self.recolor()

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        self.copy.setIcon(ui_icon("copy", theme.colors().on_accent))
        self.empty.recolor()

    def show_keys(self, keys: OwnKeys | None, problem: str = "") -> None:
        """Show the public keys, or a hint if there are none. ``problem``: why stored keys cannot be read."""
        if keys:
            for label, value in zip(self.values.values(), keys, strict=True):
                label.setText(value)
        else:
            self.empty.show_text(NO_KEYS, problem or NO_KEYS_HINT)
        self.card.setVisible(keys is not None)
        self.nothing.setVisible(keys is None)
        self.start_at(self.copy if keys else self.empty)

    def _ask_where(self) -> None:
        ask_where_to_save(
            self, "Back up your keys", FORMATS, "peer-keys", self._now(),
            lambda file: self.back_up_requested.emit(str(file)),
            confirm_overwrite=False,  # an existing file is never overwritten
        )  # fmt: skip

    def _ask_which(self) -> None:
        filters = [*FORMATS, "All files (*)"]
        ask_for_file(self, "Restore your keys", filters, lambda file: self.restore_requested.emit(str(file)))

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(1, 1)
        for number, (name, value) in enumerate(self.values.items()):
            label = PlainTextLabel(name)
            label.setObjectName("muted")
            value.setTextInteractionFlags(
                Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
            )
            value.setMinimumWidth(1)
            if number:
                value.setFont(theme.mono())
            grid.addWidget(label, number, 0)
            grid.addWidget(value, number, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for button in (self.copy, self.back_up, self.restore):
            buttons.addWidget(button)
        buttons.addStretch(1)
        buttons.addWidget(self.rotate)
        self.card = QFrame()
        self.card.setObjectName("card")
        self.card.setMaximumWidth(MAX_WIDTH)
        inner = QVBoxLayout(self.card)
        inner.setContentsMargins(16, 12, 16, 12)
        inner.setSpacing(12)
        inner.addWidget(self.about)
        inner.addLayout(grid)
        inner.addWidget(self.backup_note)
        inner.addLayout(buttons)
        self.nothing = QWidget()
        below = QVBoxLayout(self.nothing)
        below.setContentsMargins(0, 0, 0, 0)
        below.addWidget(self.empty, 1)
        self.empty.add_below(self.restore_first)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.addWidget(self.card)
        column.addWidget(self.nothing, 1)
        column.addStretch(0)
        column.setAlignment(self.card, Qt.AlignmentFlag.AlignTop)
