"""The button *Repeat …* of the bar in Inject and Fixtures (``fire_bar``), with inputs for a number and an interval.
They say how often to fire the event. While they are hidden, it is fired once.
"""

from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from app.ui.widgets.accessible_names import named, number_box

FIRST_TIMES = 10
"""The number of repeats when the inputs are shown for the first time."""


class RepeatControls(QWidget):
    """The button *Repeat …*. While its inputs are hidden, the event is fired once."""

    def __init__(self) -> None:
        super().__init__()
        self.toggle = named(QPushButton("Repeat …"), "Repeat", tip="Fire the event several times, at an interval")
        self.toggle.setCheckable(True)
        self.times = number_box("Number of times", 1, 100_000, tip="How often to fire the event")
        self.times.setPrefix("× ")
        self.every = number_box("Interval in milliseconds", 0, 3_600_000, tip="Time between two repeats")
        self.every.setValue(1000)
        self.every.setPrefix("every ")
        self.every.setSuffix(" ms")
        self.every.setSingleStep(100)
        self.times.setMinimumWidth(80)  # less than for the largest number: the bar is narrow in a small window
        self.every.setMinimumWidth(118)
        self._last = FIRST_TIMES
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for widget in (self.toggle, self.times, self.every):
            row.addWidget(widget)
        self.times.setVisible(False)
        self.every.setVisible(False)
        self.toggle.toggled.connect(self._show)
        self.times.valueChanged.connect(self._keep_visible)

    def _show(self, shown: bool) -> None:
        self.times.setVisible(shown)
        self.every.setVisible(shown)
        if not shown:
            self._last = max(self.times.value(), 2)
            self.times.setValue(1)
        elif self.times.value() == 1:
            self.times.setValue(self._last)
            self.times.setFocus()
            self.times.selectAll()

    def _keep_visible(self, times: int) -> None:
        if times > 1:
            self.toggle.setChecked(True)
