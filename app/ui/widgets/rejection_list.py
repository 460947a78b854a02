"""The list of refused connections in the Clients room, with reasons, and buttons that allow a web page's origin.
It shows the latest connections and requests that violate the access rules or limits of the servers, and messages
from peers that are not accepted, for example because of a wrong signature. It does not show connections that are
refused on purpose to test a UI.
"""

from functools import partial

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QApplication, QGridLayout, QPushButton, QWidget

from app.hub.rejection_log import RejectionLog, RejectionStats
from app.system.settings_checks import origin_problem
from app.ui.models.log_text import clock
from app.ui.plain_text import PlainTextLabel, set_tooltip
from app.ui.widgets.accessible_names import named

SHOWN = 4
REFRESH_MS = 200
"""Debounce: a hostile page can be refused a thousand times per second."""


class RejectionList(QWidget):
    """The latest refused connections, one line each. Hidden while there are none."""

    allow_requested = Signal(str)
    """Emitted with an origin that the user wants to allow."""

    def __init__(self, refused: RejectionLog) -> None:
        super().__init__()
        self.setObjectName("banner")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._log = refused
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(16, 8, 16, 8)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(0, 1)
        self._hidden: dict[tuple[str, str], int] = {}
        """Refusals of origins that were allowed here, and how often they had happened then."""
        self._refresh = QTimer(self, singleShot=True, interval=REFRESH_MS)
        self._refresh.timeout.connect(self._refresh_now)
        self._disconnect = refused.added.connect(lambda _: self._refresh_soon())
        self.show_refused()

    def close_down(self) -> None:
        """Disconnect from the signal of new rejections."""
        self._disconnect()
        self._refresh.stop()

    def _refresh_soon(self) -> None:
        if not self._refresh.isActive():  # restarting it at each change would delay it forever during a flood
            self._refresh.start()

    def _refresh_now(self) -> None:
        if any(button.underMouse() for button in self.findChildren(QPushButton)):
            self._refresh.start()  # later: the buttons must not move under the pointer
        else:
            self.show_refused()

    def show_refused(self) -> None:
        """Show the current refusals, without those whose origin was allowed here since they last happened."""
        focused = self.focusWidget() if self.isAncestorOf(QApplication.focusWidget() or self.window()) else None
        kept = focused.accessibleName() if focused else ""
        while self._grid.count():
            item = self._grid.takeAt(0)
            if item and (widget := item.widget()):
                widget.hide()  # at once, so that it gets no click before it is deleted
                widget.deleteLater()
        refused = [each for each in self._log.latest if self._hidden.get((each.server, each.reason)) != each.times]
        for line, each in enumerate(refused[:SHOWN]):
            self._add(line, each)
        if len(refused) > SHOWN:
            more = named(
                PlainTextLabel(f"and {len(refused) - SHOWN} more: filter the log for “refused”"),
                "More",
                style_id="muted",
            )
            self._grid.addWidget(more, SHOWN, 0)
        self.setVisible(bool(refused))
        for button in self.findChildren(QPushButton):
            if kept and button.accessibleName() == kept and button is not focused:
                button.show()  # a hidden button cannot get the focus, and the layout shows it later
                button.setFocus()

    def _add(self, line: int, refused: RejectionStats) -> None:
        times = f" · {refused.times:,} times" if refused.times > 1 else ""
        text = f"Refused at {clock(refused.last)[:8]}{times}: {refused.reason}"
        label = named(PlainTextLabel(text, wordWrap=True), text)
        set_tooltip(label, f"{refused.server} · {refused.user_agent}")
        self._grid.addWidget(label, line, 0)
        if refused.origin and not origin_problem(refused.origin):
            button = named(QPushButton("Allow this origin"), f"Allow {refused.origin}")
            button.clicked.connect(partial(self._allow, refused.origin))
            self._grid.addWidget(button, line, 1)

    def _allow(self, origin: str) -> None:
        of_origin = (each for each in self._log.latest if each.origin == origin)
        self._hidden |= {(each.server, each.reason): each.times for each in of_origin}
        self.allow_requested.emit(origin)
        self.show_refused()
