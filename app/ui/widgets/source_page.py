"""The tab *Sources* of the Sources room: a card per source, below an introduction that is shown while all are off.
The sources are those that bring messages of real people and can be switched on: the direct link to peers, and
Supabase (directory of users, queue of messages).
"""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.companion import Companion
from app.ui.plain_text import PlainTextLabel
from app.ui.widgets.accessible_names import named
from app.ui.widgets.source_card import SourceCard
from app.ui.widgets.source_options import PeerOptions, SupabaseOptions

MAX_WIDTH = 720
PEERS, SUPABASE = "peers", "supabase"
INTRO_TITLE = "Chat with real people"
INTRO = (
    "Sources bring real messages into your UI: from friends with a companion of their own, end-to-end encrypted. "
    "All sources are off until you switch one on; begin with peers, which needs no account."
)
PURPOSES = {
    PEERS: "Sends messages to friends with a companion of their own, and receives theirs, directly.",
    SUPABASE: "Finds friends by name, shows who is online, and keeps messages for those who are offline.",
}


class SourcePage(QScrollArea):
    """Call ``show_sources`` to update it."""

    begin_requested = Signal()
    """Emitted when the user wants to switch the first source on."""

    def __init__(self, companion: Companion) -> None:
        super().__init__()
        self._companion = companion
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.peer_options, self.supabase_options = PeerOptions(), SupabaseOptions()
        options = {PEERS: self.peer_options, SUPABASE: self.supabase_options}
        self.cards = {
            each.name: SourceCard(each.title, PURPOSES[each.name], options[each.name])
            for each in companion.switchable_sources
        }
        self.begin = named(QPushButton("Switch peers on"), "Switch peers on", style_id="primary")
        self.begin.clicked.connect(self.begin_requested)
        self.intro = self._make_intro()
        self._lay_out()

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        for card in self.cards.values():
            card.recolor()

    def show_sources(self) -> None:
        """Show the current states and settings."""
        companion = self._companion
        now, sources = companion.clock.wall(), list(companion.switchable_sources)
        for each in sources:
            conflicts = companion.supabase.conflicting_personas if each.name == SUPABASE else ()
            self.cards[each.name].show_source(each, now, conflicts)
        self.peer_options.show_settings(companion.settings, companion.peer_server.open_port)
        self.supabase_options.show_settings(companion.settings)
        self.intro.setVisible(not any(each.is_on for each in sources))

    def _make_intro(self) -> QWidget:
        intro = QWidget()
        column = QVBoxLayout(intro)
        column.setContentsMargins(0, 8, 0, 8)
        column.setSpacing(8)
        column.addWidget(named(PlainTextLabel(INTRO_TITLE), INTRO_TITLE, style_id="emptyTitle"))
        column.addWidget(named(PlainTextLabel(INTRO, wordWrap=True), "What sources are for", style_id="muted"))
        row = QHBoxLayout()
        row.addWidget(self.begin)
        row.addStretch(1)
        column.addLayout(row)
        return intro

    def _lay_out(self) -> None:
        inner = QWidget()
        inner.setObjectName("sourcePage")
        narrow = QWidget()  # Qt computes the height of wrapped texts for the width of the whole column
        narrow.setMaximumWidth(MAX_WIDTH)
        column = QVBoxLayout(narrow)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(16)
        for widget in (self.intro, *self.cards.values()):
            column.addWidget(widget)
        column.addStretch(1)
        row = QHBoxLayout(inner)
        row.setContentsMargins(16, 16, 16, 16)
        row.addWidget(narrow, 1)
        row.addStretch(0)
        self.setWidget(inner)
