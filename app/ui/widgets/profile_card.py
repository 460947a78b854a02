"""The selected profile in the Faults room: its title, what it imitates, its faults, and a menu of actions on it.
A profile is a named set of faults, which disturb frames or REST calls on purpose. The room fills the menu.
"""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QVBoxLayout, QWidget

from app.protocol.faults.profiles import SavedProfile
from app.ui.models.fault_list import Col, FaultListModel
from app.ui.models.fault_text import one_line
from app.ui.plain_text import PlainTextLabel, set_tooltip
from app.ui.widgets.accessible_names import named
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.plain_table import plain_table

ABOUT_LINES = 4
"""The most lines of the description of a profile; the tooltip has the rest."""
SAMPLES: dict[int, str] = {Col.FAULT: "loss=0.05,correlation=0", Col.DIRECTION: "From UI ↑"}


class ProfileCard(QWidget):
    """Show a profile. The room fills the menu."""

    def __init__(self) -> None:
        super().__init__()
        self.title = named(ElidedLabel(), "Profile", style_id="emptyTitle")
        self.facts = named(ElidedLabel(), "Name", style_id="muted")
        self.about = named(PlainTextLabel(wordWrap=True), "What it imitates")
        self.about.setMinimumWidth(1)
        self.about.setMaximumHeight(ABOUT_LINES * self.about.fontMetrics().lineSpacing())
        self.more = named(QPushButton("More"), "More actions on this profile", style_id="menuButton")
        self.menu = QMenu(self.more)
        self.more.setMenu(self.menu)
        self.model = FaultListModel()
        self.table = plain_table("Faults of the profile", self.model, SAMPLES, Col.MEANING)
        texts = QVBoxLayout()
        texts.setSpacing(2)
        texts.addWidget(self.title)
        texts.addWidget(self.facts)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addLayout(texts, 1)
        head.addWidget(self.more, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 8)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self.about)
        column.addWidget(self.table, 1)

    def show_profile(self, saved: SavedProfile) -> None:
        """Show a profile."""
        self.title.setText(one_line(saved.title))
        seed = "" if saved.profile.seed is None else f" · seed {saved.profile.seed}"
        self.facts.setText(f"{saved.name} · {'yours' if saved.own else 'built in'}{seed}")
        about = one_line(saved.profile.about)
        self.about.setText(about)
        set_tooltip(self.about, about)
        self.about.setVisible(bool(saved.profile.about))
        self.model.show(saved.profile)
