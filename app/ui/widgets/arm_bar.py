"""The bar of the Faults room that arms the selected profile, or the single faults that the user has written.
A fault disturbs frames or REST calls on purpose, for example drops or delays them. To arm faults is to switch them
on; a profile is a saved set of faults. The target is the set of clients whose frames are disturbed; faults of REST
calls act on all callers. The seed makes random choices repeatable. Single faults can be saved as a profile. The bar
emits signals; the room arms and saves.
"""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from app.companion import Companion
from app.protocol.faults.draws import MAX_SEED
from app.ui import theme
from app.ui.icons import ui_icon
from app.ui.plain_text import PlainTextLabel, set_tooltip
from app.ui.widgets.accessible_names import named
from app.ui.widgets.line_edit import LineEdit
from app.ui.widgets.target_box import TargetBox

TARGET_TIP = "Clients whose frames the faults act on, now and after a reconnect. Faults of REST calls act on all."
SEED_TIP = "Decides which frames are affected. The same seed repeats a run; empty means a random one."
ARM_TIP = "Arm these faults instead of those of the same target (Ctrl+Enter)"
SAVE_TIP = "Keep these faults and the seed in a file"
SEED_WIDTH = 120


class ArmBar(QWidget):
    """Emits ``arm_requested`` if the seed is valid. ``show_state`` says whether there is something to arm."""

    arm_requested = Signal()
    save_requested = Signal()

    def __init__(self, companion: Companion) -> None:
        super().__init__()
        self.setObjectName("fireBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.target_box = TargetBox(companion, "Arm for", TARGET_TIP)
        self.seed_field = named(LineEdit(limit=40), "Seed", tip=SEED_TIP)
        self.seed_field.setFixedWidth(SEED_WIDTH)
        self.problem = named(PlainTextLabel(wordWrap=True), "Why nothing was armed", style_id="problem")
        self.problem.setMinimumWidth(1)
        self.save = named(QPushButton("Save as profile …"), "Save these faults as a profile", tip=SAVE_TIP)
        self.arm = named(QPushButton("Arm"), "Arm these faults", style_id="primary", tip=ARM_TIP)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 8, 16, 8)
        row.setSpacing(8)
        for title, widget in (("For", self.target_box), ("Seed", self.seed_field)):
            label = PlainTextLabel(title)
            label.setObjectName("muted")
            row.addWidget(label)
            row.addWidget(widget)
        row.addWidget(self.problem, 1)
        row.addWidget(self.save)
        row.addWidget(self.arm)
        self._why_not = ""
        self.seed_field.textChanged.connect(lambda _: self._show())
        self.seed_field.returnPressed.connect(self.arm.click)
        self.arm.clicked.connect(self.arm_requested)
        self.save.clicked.connect(self.save_requested)

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        self.arm.setIcon(ui_icon("faults", theme.colors().on_accent))

    @property
    def seed(self) -> int | None:
        """The seed, or None if the field is empty or not valid."""
        text = self.seed_field.text().strip()
        return int(text) if text and not self._seed_problem() else None

    def _seed_problem(self) -> str:
        text = self.seed_field.text().strip()
        if not text or (text.isascii() and text.isdecimal() and int(text) <= MAX_SEED):
            return ""
        return f"The seed must be a whole number from 0 to {MAX_SEED:,}, or empty."

    def show_state(self, *, why_not: str, seed: int | None, can_save: bool) -> None:
        """Enable the buttons. ``why_not`` says why nothing can be armed, ``seed`` is that of the shown profile."""
        self._why_not = why_not
        self.seed_field.setPlaceholderText("random" if seed is None else f"{seed} (profile)")
        self.save.setVisible(can_save)
        self._show()

    def show_problem(self, text: str) -> None:
        """Show why something could not be armed, until anything is changed."""
        self.problem.setText(text)

    def _show(self) -> None:
        """Enable the buttons, and show what is wrong with the seed."""
        problem = self._seed_problem()
        self.problem.setText(problem)
        wrong = problem or self._why_not
        for button, tip in ((self.arm, ARM_TIP), (self.save, SAVE_TIP)):
            button.setEnabled(not wrong)
            set_tooltip(button, wrong or tip)
