"""The bar of the UI state room for choosing the moment to show: a slider, previous and next change, *Go live*.
The slider goes through the steps in the history of a page of the chat UI, such as frames and requests; the buttons
go to steps that changed the state. *Go live* follows the log again. The bar emits the choice, and shows the moment
whose state the room shows.
"""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSlider, QWidget

from app.protocol.times import local
from app.protocol.ui_moments import StateView
from app.ui import theme
from app.ui.icons import ui_icon
from app.ui.keys import IN_CHILDREN, Shortcut
from app.ui.plain_text import set_tooltip
from app.ui.widgets.accessible_names import named
from app.ui.widgets.elided_label import ElidedLabel

PREVIOUS_KEY, NEXT_KEY, LIVE_KEY = "Alt+Left", "Alt+Right", "Alt+End"
SLIDER_WIDTH = 180


class MomentBar(QWidget):
    """Shows the moment; the room seeks."""

    step_requested = Signal(int)
    """Emitted with -1 or 1 to go to the previous or next change."""
    seek_requested = Signal(int)
    """Emitted with the number of steps to show."""
    live_requested = Signal()

    def __init__(self, room: QWidget) -> None:
        """``room`` is where the shortcuts work."""
        super().__init__()
        self.setObjectName("momentBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.previous = named(
            QPushButton(), "Previous change", style_id="square", tip=f"Previous change ({PREVIOUS_KEY})"
        )
        self.next = named(QPushButton(), "Next change", style_id="square", tip=f"Next change ({NEXT_KEY})")
        self.slider = named(
            QSlider(Qt.Orientation.Horizontal), "Position in the history of the page", tip="Drag to see the past"
        )
        self.slider.setFixedWidth(SLIDER_WIDTH)
        self.badge = named(QPushButton("Live"), "Go live", style_id="liveBadge")
        self.text = named(ElidedLabel(), "Shown moment")
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 6, 16, 6)
        row.setSpacing(8)
        row.addWidget(self.previous)
        row.addWidget(self.slider)
        row.addWidget(self.next)
        row.addWidget(self.text, 1)
        row.addWidget(self.badge)
        self.previous.clicked.connect(lambda: self.step_requested.emit(-1))
        self.next.clicked.connect(lambda: self.step_requested.emit(1))
        self.badge.clicked.connect(lambda: self.live_requested.emit())
        self.slider.valueChanged.connect(self.seek_requested)
        Shortcut(PREVIOUS_KEY, room, self.previous.click, IN_CHILDREN, repeats=True)
        Shortcut(NEXT_KEY, room, self.next.click, IN_CHILDREN, repeats=True)
        Shortcut(LIVE_KEY, room, self.badge.click, IN_CHILDREN)
        self.setProperty("past", False)
        self.recolor()

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        scheme = theme.colors()
        for button, name in ((self.previous, "back"), (self.next, "forward")):
            button.setIcon(ui_icon(name, scheme.text if button.isEnabled() else scheme.faint))

    def show_waiting(self) -> None:
        """Show that the state is being computed."""
        self.text.setText("Computing the state …")

    def show_moment(self, view: StateView, *, live: bool, last_seq: int, wall: float) -> None:
        """Show the moment of a state. ``wall`` is its time in seconds since the epoch."""
        change = view.change.moment
        self.slider.blockSignals(True)
        self.slider.setRange(view.first, max(view.first, view.steps))
        if not self.slider.isSliderDown():
            self.slider.setValue(view.steps if live else view.moment.number)
        self.slider.blockSignals(False)
        row = f"row #{change.seq}" if change.seq else ""
        what = " · ".join(part for part in (row, change.title) if part)
        if live:
            self.text.setText(f"Now, after {what}" if change.number else "Now")
        else:
            at = view.moment
            row = f"row #{at.seq} of {last_seq:,}" if at.seq else ""
            shown = " · ".join(part for part in (row, at.title) if part)
            self.text.setText(f"{local(wall):%H:%M:%S}, after {shown}")
        if self.property("past") is live:
            self.setProperty("past", not live)
            self.style().unpolish(self)
            self.style().polish(self)
        self.badge.setText("Live" if live else "Go live")
        at_start = change.number <= view.first
        if (live and (self.badge.hasFocus() or self.next.hasFocus())) or (at_start and self.previous.hasFocus()):
            self.slider.setFocus()  # otherwise, Qt would focus a button that the next press would trigger
        self.badge.setEnabled(not live)
        set_tooltip(self.badge, "The state follows the log" if live else f"Follow the log again ({LIVE_KEY})")
        self.next.setEnabled(not live)
        self.previous.setEnabled(not at_start)
        self.recolor()
