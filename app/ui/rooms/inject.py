"""The Inject room: write an event as a form or as JSON, or a raw frame, choose the recipients, and fire it.
An event is a JSON message to the chat UI; a raw frame is any text. There is a tab per event of the contract that
goes to the UI (*Presence* is for two), and one for raw frames. The bar below, ``widgets/fire_bar.py``, fires what
the tab shows. Switches in *Presence* and buttons in *Typing* fire at once.
"""

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QStackedWidget, QTabBar, QVBoxLayout, QWidget

from app.companion import Companion
from app.hub.journal import Row
from app.hub.origin import PANEL
from app.protocol.contract import Direction
from app.protocol.envelope import BadFrame, Envelope, decode
from app.protocol.event_type import EventType
from app.protocol.templates import escaped
from app.protocol.wire_names import own_text
from app.system.settings import Settings
from app.ui.widgets.accessible_names import named
from app.ui.widgets.event_panel import EventPanel
from app.ui.widgets.fire_bar import FireBar
from app.ui.widgets.focus_start import FocusStart
from app.ui.widgets.keep_focus import FocusKeeper
from app.ui.widgets.quick_controls import PresenceGrid, TypingGrid
from app.ui.widgets.raw_panel import RAW, SEND_AS_IS, SEND_MALFORMED, RawPanel

if TYPE_CHECKING:
    from app.ui.window import MainWindow

TOGETHER = {"friend_online": "Presence", "friend_offline": "Presence"}
"""Events that share a tab, by event name."""
QUICK_EVENTS = {"Presence": {"friend_online", "friend_offline"}, "Typing": {"typing"}}
"""Events that the buttons above a form fire, by tab title."""
MAX_BUILT = 12
"""With more tabs than this, a panel is built when its tab is first opened."""

MAX_TAB_CHARS = 40
"""Longer titles of events are cut in the tabs."""


def create(window: "MainWindow") -> "InjectRoom":
    """Build the room and connect it to the others."""
    room = InjectRoom(window.companion)
    room.bar.open_window.clicked.connect(window.fire_bar_requested)
    return room


class _Placeholder(QWidget):
    """A placeholder for a panel that is built when its tab is first opened."""

    def __init__(self, title: str, types: list[EventType]) -> None:
        super().__init__()
        self.title = title
        self.types = types

    def knows(self, event: str) -> bool:
        """Return whether the panel will have a form for ``event``."""
        return any(each.name == event for each in self.types)


def _placeholder(title: str, types: list[EventType], older: _Placeholder | None) -> _Placeholder:
    """Return a placeholder for a panel: the existing one if it has the same event types."""
    return older if older and older.types == types else _Placeholder(title, types)


def _tab_text(group: str, types: list[EventType]) -> str:
    """Return the text of a tab: the title of its event, if a file gives it one."""
    title = types[0].title if len(types) == 1 else ""
    text = title if len(title) <= MAX_TAB_CHARS else f"{title[: MAX_TAB_CHARS - 1]}…"
    return (text or group).replace("&", "&&")


class InjectRoom(FocusStart):
    """Tabs for the events to the UI, plus *Raw frame*. The bar at the bottom fires the visible tab's event."""

    status_message = Signal(str)

    def __init__(self, companion: Companion) -> None:
        super().__init__()
        self._companion = companion
        self.bar = FireBar(companion)
        self.bar.status_message.connect(self.status_message)
        self.tabs = named(QTabBar(drawBase=False, expanding=False), "Events to inject", style_id="tabs")
        self.panels = QStackedWidget()
        self.raw = RawPanel(companion)
        self.raw.editor.textChanged.connect(self._arm)
        self.raw.notice.connect(self._show_notice)
        self.raw.send_file.clicked.connect(self.bar.choose_file)
        self._event_panels: dict[str, EventPanel] = {}
        """By tab title. The panel of an event that left the contract stays here with its draft."""
        self._built_for: dict[str, tuple[object, list[str], str]] = {}
        """The schemas, personas and user name that each panel was built for, by tab title."""
        self.tabs.currentChanged.connect(self._switch)
        self.rebuild()
        self.start_at(self.tabs)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.tabs)
        column.addWidget(self.panels, 1)
        column.addWidget(self.bar)
        self._disconnect = companion.catalog_changed.connect(lambda _: self._follow_catalog())

    def show_rejection(self, text: str) -> None:
        """Show why an editor rejected a text."""
        self.bar.show_rejection(text)

    def close_down(self) -> None:
        """Disconnect from the companion's signals."""
        self._disconnect()
        self.bar.close_down()

    def fire_or_stop(self) -> None:
        """Fire the event of the visible tab, or stop a running repeat."""
        self.bar.fire_or_stop()

    def follow_settings(self, _: Settings) -> None:
        """Rebuild the forms that contain the user name."""
        self.rebuild()

    def rebuild(self) -> None:
        """Update the tabs for the current contract, personas and user name.

        A panel is rebuilt only if the schemas of its events have changed, and keeps its drafts. The keyboard focus
        stays in the same input.
        """
        focus = FocusKeeper(self.panels)
        self._rebuild()
        shown = self.panels.currentWidget()
        assert shown is not None  # there is always the tab for raw frames
        if not focus.give_back(shown):
            self.tabs.setFocus()

    def _rebuild(self) -> None:
        chosen = self._group(self.tabs.currentIndex())
        groups = self._types_by_group()
        built = groups.keys() if len(groups) <= MAX_BUILT else {chosen, *self._event_panels}
        places = {each.title: each for each in self.panels.children() if isinstance(each, _Placeholder)}
        panels: dict[str, QWidget] = {
            title: self._event_panel(title, types)
            if title in built
            else _placeholder(title, types, places.get(title))
            for title, types in groups.items()
        }
        panels[RAW] = self.raw
        with QSignalBlocker(self.tabs):
            for number in reversed(range(self.tabs.count())):
                panel = self.panels.widget(number)
                if panel is not panels.get(self._group(number)):
                    self._remove(number)
            for number, (title, panel) in enumerate(panels.items()):
                place = self.panels.indexOf(panel)
                if place not in (-1, number):
                    self._remove(place)
                if place != number:
                    self.tabs.insertTab(number, title)
                    self.tabs.setTabData(number, title)
                    self.panels.insertWidget(number, panel)
                self.tabs.setTabText(number, _tab_text(title, groups.get(title, [])))
            shown = list(panels).index(chosen) if chosen in panels else 0
            self.tabs.setCurrentIndex(shown)
        self._switch(shown)

    def _remove(self, number: int) -> None:
        """Remove a tab. Delete its panel unless ``_event_panels`` still contains it."""
        self.tabs.removeTab(number)
        panel = self.panels.widget(number)
        assert panel is not None
        self.panels.removeWidget(panel)
        panel.setParent(self)
        panel.hide()
        if panel is not self.raw and panel not in self._event_panels.values():
            panel.deleteLater()

    def _follow_catalog(self) -> None:
        shown = self.panels.currentWidget()
        group, title = self._group(self.tabs.currentIndex()), self._shown_title(self.tabs.currentIndex())
        self.rebuild()
        if self.panels.currentWidget() is not shown and self._group(self.tabs.currentIndex()) != group:
            self.bar.show_status(f"{title} is no longer in the contract. Its draft is kept.", "warning")

    def refresh(self) -> None:
        """Update the forms and the presence switches after the chat state has changed."""
        self.rebuild()
        self._show_presence()

    def _show_presence(self) -> None:
        for grid in self.findChildren(PresenceGrid):
            grid.show_presence(self._companion.chat.played)

    def _switch(self, number: int) -> None:
        self._built(number)
        self.panels.setCurrentIndex(number)
        self._arm()

    def _group(self, number: int) -> str:
        """Return the key of a tab in ``_types_by_group``, or ``RAW``. The tab may show another title."""
        return str(self.tabs.tabData(number) or "")

    def _shown_title(self, number: int) -> str:
        """Return the title that a tab shows."""
        return self.tabs.tabText(number).replace("&&", "&")

    def _types_by_group(self) -> dict[str, list[EventType]]:
        """Return the server events of the contract, grouped by tab. The key is a title that is made of the name."""
        groups: dict[str, list[EventType]] = {}
        for each in self._companion.catalog:
            if each.direction is Direction.TO_UI:
                title = TOGETHER.get(each.name) or each.name.replace("_", " ").capitalize()
                groups.setdefault(title, []).append(each)
        return groups

    def _event_panel(self, title: str, types: list[EventType]) -> EventPanel:
        """Return the panel for ``types``: the existing one if it still fits."""
        definitions = [(each.name, each.title, each.help, each.schema) for each in types]
        built_for = (definitions, self._companion.personas, self._companion.settings.username)
        older = self._event_panels.get(title)
        if older and self._built_for[title] == built_for:
            return older
        quick = self._quick(title, {each.name for each in types})
        if older and self._built_for[title][0] == definitions and older.can_follow(quick):
            older.follow_names(quick)
            self._built_for[title] = built_for
            return older
        panel = EventPanel(self._companion, types, quick)
        if older:
            panel.take_over(older)
            if self.panels.indexOf(older) == -1:  # otherwise ``_remove`` deletes it
                older.deleteLater()
        panel.changed.connect(self._arm)
        panel.notice.connect(self._show_notice)
        self._event_panels[title] = panel
        self._built_for[title] = built_for
        return panel

    def _quick(self, title: str, events: set[str]) -> QWidget | None:
        """Return the one-click controls of a tab, or None if it has none or the contract lacks their events."""
        personas = self._companion.personas
        if not personas or not QUICK_EVENTS.get(title, events) <= events:
            return None
        if title == "Presence":
            return PresenceGrid(self._companion.chat.played, self._fire_quickly)
        return TypingGrid(personas, self._fire_quickly) if title == "Typing" else None

    def event_panel(self, event: str) -> EventPanel | None:
        """Return the panel that has a form for ``event``, or None."""
        for number in range(self.panels.count()):
            panel = self.panels.widget(number)
            if isinstance(panel, EventPanel | _Placeholder) and panel.knows(event):
                built = self._built(number)
                assert isinstance(built, EventPanel)
                return built
        return None

    def _built(self, number: int) -> QWidget | None:
        """Return the panel of a tab. Build it first if it is not built yet."""
        panel = self.panels.widget(number)
        if not isinstance(panel, _Placeholder):
            return panel
        built = self._event_panel(panel.title, panel.types)
        self.panels.insertWidget(number, built)
        self.panels.removeWidget(panel)
        panel.deleteLater()
        return built

    def open_panel(self, panel: QWidget) -> None:
        """Switch to the tab of a panel."""
        self.tabs.setCurrentIndex(self.panels.indexOf(panel))

    def edit(self, row: Row) -> None:
        """Load an event from the log into its form, or into *Raw frame* if it is not valid.

        What was written there can be brought back.
        """
        hub = self._companion.hub
        text = hub.wire_text(row)
        try:
            event = decode(own_text(text, hub.wire_names))
            panel = self.event_panel(event.event)
        except BadFrame:
            panel = None
        if panel:
            self.open_panel(panel)
            panel.load(Envelope(event.event, escaped(event.data)))
        else:
            self.open_panel(self.raw)
            self.raw.editor.replace_text(text)

    def _fire_quickly(self, event: str, data: dict[str, Any]) -> None:
        self.bar.fire_this(
            lambda to: self._companion.fire_built_in(Envelope(event, data), to=to, origin=PANEL),
            ended=self._show_presence,  # the event may have been dropped
        )

    def _show_notice(self, text: str) -> None:
        self.bar.show_status(text, "warning")

    def _arm(self) -> None:
        panel = self.panels.currentWidget()
        if isinstance(panel, EventPanel):
            self._arm_event(panel)
        else:
            self._arm_raw()

    def _arm_event(self, panel: EventPanel) -> None:
        source = self._shown_title(self.panels.indexOf(panel))
        if panel.problems:
            why_not = "; ".join(map(str, panel.problems))
            self.bar.arm(None, why_not=why_not, source=source, content=panel.content)
            return
        template = panel.template()
        self.bar.arm(
            lambda to: self._companion.composer.fire_event(template, to=to, origin=PANEL),
            source=source,
            content=template,
        )

    def _arm_raw(self) -> None:
        text = self.raw.editor.toPlainText()
        checked = self._companion.pipeline.check(text)
        self.raw.show_checked(checked)
        self.bar.arm(
            lambda to: self._companion.composer.fire_text(text, to=to, origin=PANEL),
            title=SEND_MALFORMED if checked.problems else SEND_AS_IS,
            warns=bool(checked.problems),
            source=RAW,
            content=text,
        )
