"""The strip above the log with the items that breakpoints hold, and buttons: continue (or all), edit, drop, inject,
close. An item is an event or raw frame to the UI, a client frame or a REST call. *Inject after …* lets items
continue, then fires an event; *Close* drops them and closes their clients' connections. A line per item says what
is held and when it continues by itself. If one item is selected, its content is shown below.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from app.companion import Companion
from app.hub.origin import PANEL
from app.hub.target import Target
from app.protocol.counts import count
from app.protocol.errors import RequestError
from app.protocol.event_type import InvalidEvent
from app.ui.breakpoint_actions import NOTHING_HELD
from app.ui.breakpoint_follower import BreakpointFollower
from app.ui.help_topics import TOPIC
from app.ui.keys import IN_CHILDREN, IN_WIDGET, Shortcut
from app.ui.plain_text import PlainTextLabel, set_tooltip
from app.ui.room_tasks import RoomTasks
from app.ui.widgets.accessible_names import named
from app.ui.widgets.lazy_stack import LazyStack
from app.ui.widgets.log_table import ROW_HEIGHT
from app.ui.widgets.plain_table import plain_table

if TYPE_CHECKING:  # loaded when something is held first
    from app.hub.held_items import Edit, HeldItem
    from app.protocol.envelope import Envelope
    from app.protocol.fixture import Fixture
    from app.ui.models.held_items import HeldItemsModel
    from app.ui.widgets.held_editor import HeldEditor
    from app.ui.widgets.inject_after import InjectAfter
    from app.ui.widgets.json_view import JsonView

TICK_MS = 1000
MAX_LINES, MAX_LINES_WITH_FORM = 4, 2
"""More items than this scroll, also while a form is open."""
CONTINUE, EDIT, DROP, INJECT, CLOSE = "Continue", "Edit", "Drop", "Inject after …", "Close"
CONTINUE_ALL = "Continue all"
KEYS = {EDIT: "E", DROP: "D", INJECT: "I", CLOSE: "X"}
"""Keys in the list of held items. F8 works in the whole window."""
TIPS = {
    CONTINUE: "Let the selected items continue, or the oldest one if none is selected (F8)",
    EDIT: "Change the content of the selected item, then let it continue (E)",
    DROP: "Discard the selected items: they are not stored, handled or sent (D)",
    INJECT: "Let the selected items continue, then fire another event (I)",
    CLOSE: "Discard the selected items, and close the connections of their clients (X)",
}
SELECT_FIRST = "Select a held item first."
SELECT_ONE = "Select one item. Several items cannot be edited together."
UNSAVED = "Apply or cancel the changes in the open form first."
VIEW, EDITING, INJECTING = "view", "edit", "inject"
HEIGHTS = {VIEW: 128, EDITING: 220, INJECTING: 256}
"""Preferred heights of the pages below the list. In a low window, they become smaller."""
MIN_HEIGHTS = {VIEW: 64, EDITING: 132, INJECTING: 168}


class HeldStrip(QWidget):
    """Hidden while nothing is held. It never takes the keyboard focus by itself.

    The buttons act on the selected items, or on the only one if nothing is selected. *Continue* acts on the oldest
    one then.
    """

    status_message = Signal(str)
    manual_requested = Signal()
    focus_released = Signal()
    """Emitted before the strip is hidden if it has the keyboard focus. Qt would give it to any other widget."""

    def __init__(self, companion: Companion) -> None:
        super().__init__()
        self.setObjectName("heldStrip")
        self.setProperty(TOPIC, "breakpoints")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setVisible(False)
        self._companion = companion
        self._do = RoomTasks(companion.tasks, self.status_message.emit)
        self._follower = BreakpointFollower(self, companion)
        self._filters: dict[int, str] = {}
        """The filters of breakpoints by their number, also of those that were removed but hold an item."""
        self._injecting: list[int] = []
        """Numbers of the items after which an event is to be fired."""
        self._tick = QTimer(self, interval=TICK_MS)
        self._tick.timeout.connect(self._refresh_times)
        self._settling = QTimer(self, singleShot=True)
        """Runs for the time of a double click after an action. The second click must not act on another item."""
        self._settling.setInterval(QGuiApplication.styleHints().mouseDoubleClickInterval())
        self._built = False
        """Whether the widgets in the strip were built. The window is painted without them."""
        self._follower.changed.connect(self.refresh)
        self.refresh()

    # pages of the pane, built on first use

    @property
    def view(self) -> JsonView:
        """The content of the selected item."""
        return cast("JsonView", self.pane.page(VIEW))

    @property
    def editor(self) -> HeldEditor:
        """The editor for the content of an item."""
        return cast("HeldEditor", self.pane.page(EDITING))

    @property
    def inject(self) -> InjectAfter:
        """The form for an event that is fired after an item."""
        return cast("InjectAfter", self.pane.page(INJECTING))

    @property
    def editing(self) -> bool:
        """Whether the editor is open."""
        return self._built and not self.pane.isHidden() and self.pane.current == EDITING

    @property
    def injecting(self) -> bool:
        """Whether the form of *Inject after …* is open."""
        return self._built and not self.pane.isHidden() and self.pane.current == INJECTING

    def build_forms(self) -> None:
        """Build the pages that have not been used yet."""
        self.build()
        for page in (VIEW, EDITING, INJECTING):
            self.pane.page(page)

    # showing

    def close_down(self) -> None:
        """Disconnect from the companion's signals, and stop the timers."""
        self._follower.close_down()
        self._do.close()
        self._tick.stop()
        self._settling.stop()

    def refresh(self) -> None:
        """Show what is held now. The selection, the editor and the scroll position stay."""
        held, had_focus = self._follower.held, self._has_focus(self)
        holders = {each.breakpoint_id for each in held}
        now_known = {each.id: each.options.filter for each in self._follower.all}
        self._filters = {number: text for number, text in self._filters.items() if number in holders} | now_known
        if not held and not self._built:
            return
        self.build()
        selected, scrolled = self.selected, self.table.verticalScrollBar().value()
        if self.model.show(held, self._filters, self._companion.clock.mono()):
            self._select(selected)
            self.table.verticalScrollBar().setValue(scrolled)
            self.title.setText(f"{count(len(held), 'item')} held" if held else NOTHING_HELD)
        self._update_pane()
        self._fit_table()
        self._update_buttons()
        shown = bool(held) or self.editing or self.injecting
        if had_focus and not shown:
            self.focus_released.emit()
        elif had_focus and not self._has_focus(self):  # the form that had it was closed
            self.table.setFocus()
        self.setVisible(shown)

    @staticmethod
    def _has_focus(part: QWidget) -> bool:
        return part.isAncestorOf(QApplication.focusWidget() or part.window())

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._refresh_times()
        self._tick.start()

    @override
    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._tick.stop()

    def _refresh_times(self) -> None:
        self.model.refresh_times(self._companion.clock.mono())

    # the selection

    @property
    def selected(self) -> list[HeldItem]:
        """The selected items, oldest first."""
        lines = sorted(each.row() for each in self.table.selectionModel().selectedRows())
        return [self.model.lines[line] for line in lines]

    def _select(self, items: Sequence[HeldItem]) -> None:
        """Select those of these items that are still held. The reset of the model has cleared the selection."""
        numbers = {each.number for each in items}
        selection, select = self.table.selectionModel(), QItemSelectionModel.SelectionFlag
        for line, each in enumerate(self.model.lines):
            if each.number in numbers:
                selection.setCurrentIndex(self.model.index(line, 0), select.Select | select.Rows)

    def _targets(self, *, oldest: bool = False) -> list[HeldItem]:
        """Return the items to act on: the selected ones, or the only one, or (``oldest``) the oldest one."""
        if selected := self.selected:
            return selected
        shown = list(self.model.lines)
        return shown[:1] if oldest or len(shown) == 1 else []

    def _on_selected(self) -> None:
        if not self.editing and not self.injecting:
            self._update_pane()
        self._update_buttons()

    def _update_pane(self) -> None:
        """Show the content of the selected item. An open form stays while its item is held."""
        numbers = {each.number for each in self.model.lines}
        if self.editing and (item := self.editor.item):
            if item.number in numbers:
                return
            if self.editor.changed:
                self.editor.show_gone()
                return
            self._close_form()
        if self.injecting:
            if left := [each for each in self.model.lines if each.number in self._injecting]:
                self._injecting = _numbers(left)
                self.inject.show_items(left)
                return
            if self.inject.changed:
                self.inject.show_gone()
                return
            self._close_form()
        selected = self.selected
        if len(selected) == 1:
            from app.ui.widgets.details import pretty

            text = pretty(selected[0].text)
            if self.view.toPlainText() != text:
                self.view.set_text(text)
            self._open(VIEW)
        else:
            self.pane.setVisible(False)

    def _update_buttons(self) -> None:
        targets = self._targets()
        for title, button in self.buttons.items():
            why = "" if targets or title == CONTINUE else SELECT_FIRST
            if title == EDIT and not why:
                why = self._why_not_editable(targets)
            button.setEnabled(not why and bool(self.model.lines))
            set_tooltip(button, f"{TIPS[title]}\n{why}" if why else TIPS[title])
        self.continue_all.setEnabled(bool(self.model.lines))

    def _why_not_editable(self, targets: list[HeldItem]) -> str:
        from app.ui.widgets.held_editor import why_not_editable

        if len(targets) > 1:
            return SELECT_ONE
        return why_not_editable(targets[0], self._check)

    def _check(self, edit: Edit, numbers: list[int]) -> None:
        self._companion.breakpoints.check(edit, numbers)

    # actions

    def trigger(self, title: str) -> None:
        """Do an action on the selected items, or on the only one."""
        self.refresh()
        if not (self.selected or not self._settling.isActive()):
            return
        targets = self._targets(oldest=title == CONTINUE)
        if not targets:
            self.status_message.emit(SELECT_FIRST if self.model.lines else NOTHING_HELD)
            return
        self._acts[title](targets)

    def continue_next(self) -> None:
        """Let the selected items or the oldest one continue. If a form is open for held items, apply or fire it."""
        self.refresh()
        if self._form_is_for_held:
            form = self.editor if self.editing else self.inject
            if not self._submit():
                self.status_message.emit(form.problem.text())
            return
        if self._built and (targets := self._targets(oldest=True)):
            self._continue(targets)
        else:
            self.status_message.emit(NOTHING_HELD)

    def apply(self) -> bool:
        """Apply the open form if it has the keyboard focus. Return False if it has not."""
        if not (self.editing or self.injecting) or not self._has_focus(self.pane):
            return False
        self._submit()
        return True

    def _submit(self) -> bool:
        """Apply or fire the open form. Return False if its text is not valid."""
        return self.editor.apply() if self.editing else self.inject.fire()

    def resume_all(self) -> None:
        """Let all held items continue."""
        self._decide(lambda: self._companion.breakpoints.resume(), "Continued")

    def _continue(self, items: list[HeldItem]) -> None:
        self._decide(partial(self._companion.breakpoints.resume, _numbers(items)), "Continued")

    def _drop(self, items: list[HeldItem]) -> None:
        self._decide(partial(self._companion.breakpoints.drop, _numbers(items)), "Dropped")

    def _disconnect(self, items: list[HeldItem]) -> None:
        self._decide(partial(self._companion.breakpoints.disconnect, _numbers(items)), "Dropped and closed")

    def _edit(self, items: list[HeldItem]) -> None:
        if why := self._why_not_editable(items):
            self.status_message.emit(why)
            return
        if self.editing and self.editor.item and self.editor.item.number == items[0].number:
            self.editor.editor.setFocus()
            return
        if self._has_changes:
            self.status_message.emit(UNSAVED)
            return
        self._open(EDITING)
        self.editor.edit(items[0])

    def _apply(self, edit: Edit) -> None:
        if item := self.editor.item:
            modify = partial(self._companion.breakpoints.modify, edit, [item.number])
            self._decide(modify, "Changed and continued", submitted=True)

    @property
    def _has_changes(self) -> bool:
        """Whether the open form has a text that would be lost."""
        return (self.editing and self.editor.changed) or (self.injecting and self.inject.changed)

    def _inject(self, items: list[HeldItem]) -> None:
        if self._has_changes:
            self.status_message.emit(UNSAVED)
            return
        self._injecting = _numbers(items)
        self._open(INJECTING)
        self.inject.begin(items)

    def _fire(self, fixture: Fixture, to: Target, loose: bool) -> None:
        """Expand the templates of the event. Then let the items continue that are still held, and fire it."""
        chosen = list(self._injecting)

        def fire(event: Envelope) -> None:
            numbers = _numbers([each for each in self._follower.held if each.number in chosen])
            inject = partial(self._companion.breakpoints.inject, event, numbers, to=to, origin=PANEL, loose=loose)
            self._decide(inject, f"{event.event} is fired after", submitted=True)

        self._do(self._companion.composer.event_of(fixture), fire)

    def _decide(self, decide: Callable[[], Sequence[HeldItem]], done: str, *, submitted: bool = False) -> bool:
        """Carry out a decision, and report the result. Return False if it was not possible.

        ``submitted``: the decision contains the text of the open form. Otherwise, a changed form stays open.
        """
        from app.ui.models.held_items import title_of

        try:
            items = decide()
        except (RequestError, InvalidEvent) as error:
            self.status_message.emit(str(error))
            return False
        what = title_of(items[0]) if len(items) == 1 else count(len(items), "item")
        self.status_message.emit(f"{done} {what}" if items else NOTHING_HELD)
        self._settling.start()
        if (self.editing or self.injecting) and not self._form_is_for_held:
            if submitted:
                self._end_form()
            else:
                self.refresh()
        return True

    @property
    def _form_is_for_held(self) -> bool:
        """Whether a form is open, and the item that it edits, or one after which it fires an event, is held."""
        held = {each.number for each in self._follower.held}
        if self.editing:
            return self.editor.item is not None and self.editor.item.number in held
        return self.injecting and not held.isdisjoint(self._injecting)

    def _open(self, page: str) -> None:
        self.pane.show_page(page)
        self.pane.setMinimumHeight(MIN_HEIGHTS[page])
        self.pane.setMaximumHeight(HEIGHTS[page])
        self.pane.setVisible(True)
        self._fit_table()

    def _fit_table(self) -> None:
        """Make the list as high as its lines, up to a limit that is lower while a form is open."""
        number = len(self.model.lines)
        most = MAX_LINES_WITH_FORM if self.editing or self.injecting else MAX_LINES
        self.table.setVisible(number > 0)
        self.table.setFixedHeight(ROW_HEIGHT * max(1, min(most, number)) + 2)
        if selected := self.table.selectionModel().selectedRows():
            self.table.scrollTo(selected[0])

    def _end_form(self) -> None:
        """Close the form, and show the selected item's content. The list gets the keyboard focus."""
        if self._has_focus(self.pane):
            self.table.setFocus()
        self._close_form()
        self.refresh()

    def _close_form(self) -> None:
        if self.editing:
            self.editor.stop()
        elif self.injecting:
            self.inject.stop()
            self._injecting = []
        self.pane.setVisible(False)

    # building

    def build(self) -> None:
        """Build the widgets in the strip, the first time it is called."""
        if self._built:
            return
        from app.ui.models.held_items import HeldItemsModel

        self._built = True
        self.model: HeldItemsModel = HeldItemsModel()
        self.title = named(PlainTextLabel(), "Held items", style_id="detailHead")
        self.buttons = {title: self._button(title) for title in TIPS}
        self.continue_all = named(QPushButton(CONTINUE_ALL), CONTINUE_ALL, style_id="stripButton",
                                  tip="Let all held items continue")  # fmt: skip
        self.help_button = named(
            QPushButton("?"), "Explain breakpoints", style_id="square", tip="Open the manual about breakpoints (F1)"
        )
        self.table = self._make_table()
        self.pane = LazyStack({VIEW: self._make_view, EDITING: self._make_editor, INJECTING: self._make_inject})
        self.pane.setVisible(False)
        self._acts: dict[str, Callable[[list[HeldItem]], None]] = {
            CONTINUE: self._continue, EDIT: self._edit, DROP: self._drop, INJECT: self._inject,
            CLOSE: self._disconnect,
        }  # fmt: skip
        self._lay_out()
        self._connect()

    def _connect(self) -> None:
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._on_selected())
        self.table.doubleClicked.connect(lambda _: self.trigger(EDIT))
        self.continue_all.clicked.connect(self.resume_all)
        self.help_button.clicked.connect(self.manual_requested)
        for title, key in KEYS.items():
            Shortcut(key, self.table, partial(self.trigger, title), IN_WIDGET)
        Shortcut("Esc", self, self._end_form, IN_CHILDREN)
        Shortcut("Esc", self.table, self._leave, IN_WIDGET)

    def _leave(self) -> None:
        self.table.clearSelection()
        self.table.setCurrentIndex(QModelIndex())

    def _button(self, title: str) -> QPushButton:
        button = named(QPushButton(title), f"{title.removesuffix(' …')} held items", style_id="stripButton")
        button.clicked.connect(partial(self.trigger, title))
        return button

    def _make_table(self) -> QTableView:
        from app.ui.models.held_items import Col

        samples: dict[int, str] = {
            Col.ITEM: "↑ new_message from client 12 (bob)", Col.BREAKPOINT: "12: event:new_message,typing",
            Col.LEFT: "600 s",
        }  # fmt: skip
        table = plain_table(
            "Held items, oldest first", self.model, samples, Col.CONTENT, style_id="held", several=True
        )
        table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table.horizontalHeader().hide()
        return table

    def _make_view(self) -> QWidget:
        from app.ui.widgets.json_view import JsonView

        return JsonView("Content of the selected item", read_only=True)

    def _make_editor(self) -> QWidget:
        from app.ui.widgets.held_editor import HeldEditor

        editor = HeldEditor(self._companion, self._check)
        editor.applied.connect(self._apply)
        editor.cancelled.connect(self._end_form)
        return editor

    def _make_inject(self) -> QWidget:
        from app.ui.widgets.inject_after import InjectAfter

        form = InjectAfter(self._companion)
        form.fire_requested.connect(self._fire)
        form.cancelled.connect(self._end_form)
        return form

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.title, 1)
        for button in (*self.buttons.values(), self.continue_all, self.help_button):
            head.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 6, 16, 8)
        column.setSpacing(6)
        column.addLayout(head)
        column.addWidget(self.table)
        column.addWidget(self.pane)


def _numbers(items: Sequence[HeldItem]) -> list[int]:
    return [each.number for each in items]
