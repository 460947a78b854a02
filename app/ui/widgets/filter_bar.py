"""The lines above the log that edit its filter: text field, help, saved filters, chips, number of matching rows.
Problems of the filter are shown instead of the chips. The Events room adds more controls, for example *Freeze log*.
"""

from collections.abc import Callable, Mapping

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget
from typing_extensions import override

from app.companion import Companion
from app.protocol.counts import count
from app.ui.models.filter_completion import Known
from app.ui.plain_text import PlainTextLabel
from app.ui.widgets.accessible_names import named
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.filter_chips import FilterChips
from app.ui.widgets.filter_field import FilterField
from app.ui.widgets.filter_help import FilterHelp
from app.ui.widgets.fixed_size_label import FixedSizeLabel
from app.ui.widgets.saved_filters import SavedFiltersButton
from app.ui.widgets.short_button import ShortButton, shorten_to_fit

MARGIN = 16
MIN_FIELD = 220
"""The other controls of the line are shortened if the field would be narrower."""
COUNT_STEP = 24
"""The place of the count grows by this many pixels, so that a new number does not lay out the line each time."""
HELP_TIP = "Explain the filter, with examples"


class FilterBar(QWidget):
    """Two lines above the log. The text of ``field`` is the filter; everything else shows and edits it.

    ``others`` are more controls for the end of the first line. A ``ShortButton`` hides its text in a narrow window.
    """

    filters_changed = Signal(object)
    """Emitted with the saved filters when the user has changed them."""
    manual_requested = Signal()
    status_message = Signal(str)

    def __init__(
        self,
        companion: Companion,
        *others: QWidget,
        recorded: Callable[[], Mapping[int, str]] | None = None,
    ) -> None:
        """``recorded`` returns the users of the clients in a recording, by number; None: those connected now."""
        super().__init__()
        self._companion = companion
        self._recorded = recorded
        self.field = FilterField(self.known)
        self.help_button = named(QPushButton("?"), "Explain the filter", style_id="square", tip=HELP_TIP)
        self.saved = SavedFiltersButton(lambda: companion.settings.saved_filters)
        self.chips = FilterChips(self.event_names, self._clients)
        self.problem = named(ElidedLabel(), "Filter problems", style_id="problem")
        self.problem.setVisible(False)
        self.count = named(
            PlainTextLabel(alignment=Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter),
            "Number of matching rows",
            style_id="muted",
        )
        self._count_box = FixedSizeLabel(self.count)
        self._lay_out(others)
        self.field.textChanged.connect(self._on_text_changed)
        self.help_button.clicked.connect(self.show_help)
        self.chips.edited.connect(self._on_chips_edited)
        self.saved.chosen.connect(self.field.replace_text)
        self.saved.changed.connect(self.filters_changed)
        self.saved.status_message.connect(self.status_message)
        self.follow_saved(companion.settings.saved_filters)
        self._disconnect = companion.hub.clients_changed.connect(lambda _: self._on_clients_changed())

    def close_down(self) -> None:
        """Disconnect from the hub's signal of connected clients."""
        self._disconnect()

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        self.chips.recolor()

    def follow_saved(self, saved: Mapping[str, str]) -> None:
        """Show changed saved filters."""
        self.saved.show_saved(saved)

    def show_problems(self, problems: tuple[str, ...]) -> None:
        """Show what is wrong with the filter, instead of the chips, so that the log does not move."""
        self.problem.setText("; ".join(problems))
        self.problem.setMinimumHeight(self.chips.height())
        self.problem.setVisible(bool(problems))
        self.chips.setVisible(not problems)

    def show_count(self, shown: int, total: int) -> None:
        """Show how many of the rows match, or only their number if the filter is empty."""
        text = f"{shown:,} of {total:,}" if self.field.text().strip() else count(total, "row")
        if text != self.count.text():
            self.count.setText(text)
            width = -(-self.count.sizeHint().width() // COUNT_STEP) * COUNT_STEP
            if width > self._count_box.minimumWidth():
                self._count_box.setMinimumWidth(width)

    def show_help(self) -> FilterHelp:
        """Open the card that explains the filter."""
        card = FilterHelp(self)
        card.chosen.connect(self.field.insert_term)
        card.manual_requested.connect(self.manual_requested)
        card.show_below(self.help_button)
        return card

    @override
    def event(self, event: QEvent) -> bool:
        """Notice that a control needs more room, such as a button whose text has changed."""
        done = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest:
            self._shorten()
        return done

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._shorten()

    def _shorten(self) -> None:
        missing = MIN_FIELD - self.field.sizeHint().width()
        shorten_to_fit(self._short_buttons, self._first, self.width() - 2 * MARGIN - missing)

    def _lay_out(self, others: tuple[QWidget, ...]) -> None:
        self._short_buttons = [each for each in others if isinstance(each, ShortButton)]
        self._first = first = QHBoxLayout()
        first.setSpacing(8)
        first.addWidget(self.field, 1)
        for widget in (self.help_button, self.saved, *others):
            first.addWidget(widget)
        second = QHBoxLayout()
        second.setSpacing(8)
        second.addWidget(self.chips)
        second.addWidget(self.problem, 20)
        second.addWidget(self._count_box, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(MARGIN, 12, MARGIN, 8)
        column.setSpacing(8)
        column.addLayout(first)
        column.addLayout(second)

    def _on_text_changed(self, text: str) -> None:
        self.chips.show_text(text)
        self.saved.show_text(text)

    def _on_chips_edited(self, text: str) -> None:
        self.field.replace_text(text)
        self.chips.show_text(self.field.text())  # the field rejects a text that is too long

    def _on_clients_changed(self) -> None:
        if "client:" in self.field.text():  # the chip shows the users of the clients
            self.chips.show_text(self.field.text())

    def event_names(self) -> list[str]:
        """Return the names of all events of the catalog."""
        return sorted({each.name for each in self._companion.catalog})

    def _clients(self) -> list[tuple[int, str]]:
        if self._recorded:
            return list(self._recorded().items())
        return [(each.id, each.username) for each in self._companion.hub.clients]

    def known(self) -> Known:
        """Return the events, users, clients and saved filters that a filter field can suggest."""
        companion, clients = self._companion, self._clients()
        users = {*companion.friends, companion.local_user, *(user for _, user in clients)}
        return Known(self.event_names(), sorted(users), clients, list(companion.settings.saved_filters.items()))
