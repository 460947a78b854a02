"""Inject: write an event, choose who gets it, fire."""

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from app.companion import Companion
from app.hub.journal import Row
from app.hub.origin import PANEL
from app.protocol.contract import Direction
from app.protocol.envelope import BadFrame, Envelope, decode
from app.ui.plain_text import PlainTextLabel
from app.ui.widgets.event_panel import EventPanel
from app.ui.widgets.fire_bar import SEND_FILE, FireBar
from app.ui.widgets.json_view import JsonView
from app.ui.widgets.naming import named
from app.ui.widgets.quick import PresenceGrid, TypingGrid

TOGETHER = {"friend_online": "Presence", "friend_offline": "Presence"}
"""Events that share a panel."""


class RawPanel(QWidget):
    """Any text, sent as it is."""

    def __init__(self) -> None:
        super().__init__()
        hint = PlainTextLabel(
            "Sent exactly as written, valid or not: to see what your UI does with a frame it should never get.",
            wordWrap=True,
        )
        hint.setObjectName("muted")
        self.editor = JsonView("Raw frame")
        self.editor.setPlainText('{"event": "new_message", "data": {"from": "alice", "text": ')
        self.verdict = named(PlainTextLabel(wordWrap=True), "What is wrong with this frame", id="muted")
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 14, 20, 8)
        column.setSpacing(12)
        self.send_file = named(QPushButton(SEND_FILE), "Send a frame from a file", tip="Exactly as it is")
        top = QHBoxLayout()
        top.setSpacing(12)
        top.addWidget(hint, 1)
        top.addWidget(self.send_file)
        column.addLayout(top)
        column.addWidget(self.editor, 1)
        column.addWidget(self.verdict)


class InjectRoom(QWidget):
    """A tab per panel; the bar at the bottom fires what the visible one holds."""

    def __init__(self, companion: Companion) -> None:
        super().__init__()
        self._companion = companion
        self.tabs = named(QTabBar(drawBase=False, expanding=False), "What to inject", id="tabs")
        self.panels = QStackedWidget()
        self.bar = FireBar(companion)
        self.raw = RawPanel()
        self.raw.editor.textChanged.connect(self._arm)
        self.raw.send_file.clicked.connect(self.bar.choose_file)
        self._built_for: object = None
        self.tabs.currentChanged.connect(self._switch)
        self.rebuild()
        self.setFocusProxy(self.tabs)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.tabs)
        column.addWidget(self.panels, 1)
        column.addWidget(self.bar)

    def show_rejection(self, text: str) -> None:
        """Show why an editor has rejected a text."""
        self.bar.show_rejection(text)

    def close_down(self) -> None:
        """Stop listening to the companion."""
        self.bar.close_down()

    def rebuild(self) -> None:
        """Build the panels for the personas and the user name of now, unless they are built for these."""
        key = (self._companion.personas, self._companion.settings.username)
        if key == self._built_for:
            return
        self._built_for = key
        chosen = max(self.tabs.currentIndex(), 0)
        older: dict[str, EventPanel] = {}
        with QSignalBlocker(self.tabs):
            while self.panels.count():
                title = self.tabs.tabText(0)
                self.tabs.removeTab(0)
                panel = self.panels.widget(0)
                assert panel is not None
                self.panels.removeWidget(panel)
                if isinstance(panel, EventPanel):
                    older[title] = panel
                    panel.deleteLater()
            for title, panel in self._event_panels().items():
                if title in older:
                    panel.take_over(older[title])
                panel.changed.connect(self._arm)
                self._add(title, panel)
            self._add("Raw frame", self.raw)
            self.tabs.setCurrentIndex(chosen)
        self._switch(chosen)

    def refresh(self) -> None:
        """Follow the chat state: who there is, and who is online."""
        self.rebuild()
        for grid in self.findChildren(PresenceGrid):
            grid.show_presence(self._companion.chat.presence)

    def _switch(self, number: int) -> None:
        self.panels.setCurrentIndex(number)
        self._arm()

    def _add(self, title: str, panel: QWidget) -> None:
        self.tabs.addTab(title)
        self.panels.addWidget(panel)

    def _event_panels(self) -> dict[str, EventPanel]:
        """Return a panel per server event; a new event of the catalog gets its own."""
        groups: dict[str, list[Any]] = {}
        for each in self._companion.catalog:
            if each.direction is Direction.TO_UI:
                title = TOGETHER.get(each.name) or each.name.replace("_", " ").capitalize()
                groups.setdefault(title, []).append(each)
        personas = self._companion.personas
        presence = self._companion.chat.presence
        quick: dict[str, Callable[[], QWidget]] = {
            "Presence": lambda: PresenceGrid(presence, self._fire_quickly),
            "Typing": lambda: TypingGrid(personas, self._fire_quickly),
        }
        return {
            title: EventPanel(self._companion, types, quick[title]() if title in quick and personas else None)
            for title, types in groups.items()
        }

    def event_panel(self, event: str) -> EventPanel | None:
        """Return the panel that has a form for ``event``."""
        for number in range(self.panels.count()):
            panel = self.panels.widget(number)
            if isinstance(panel, EventPanel) and panel.knows(event):
                return panel
        return None

    def open_panel(self, panel: QWidget) -> None:
        """Show a panel."""
        self.tabs.setCurrentIndex(self.panels.indexOf(panel))

    def edit(self, row: Row) -> None:
        """Take over an event from the log, to change it and fire it again."""
        text = row.payload.decode("utf-8", "replace")
        try:
            event = decode(text)
            panel = self.event_panel(event.event)
        except BadFrame:
            panel = None
        if panel:
            self.open_panel(panel)
            panel.load(event)
        else:
            self.open_panel(self.raw)
            self.raw.editor.set_text(text)

    def _fire_quickly(self, event: str, data: dict[str, Any]) -> None:
        self.bar.fire_this(
            lambda: self._companion.player.fire_event(Envelope(event, data), to=self.bar.target, origin=PANEL)
        )

    def _arm(self) -> None:
        panel = self.panels.currentWidget()
        if isinstance(panel, EventPanel):
            self._arm_event(panel)
        else:
            self._arm_raw()

    def _arm_event(self, panel: EventPanel) -> None:
        if panel.problems:
            self.bar.arm(None, why_not="; ".join(map(str, panel.problems)))
            return
        template = panel.template()
        self.bar.arm(lambda: self._companion.player.fire_event(template, to=self.bar.target, origin=PANEL))

    def _arm_raw(self) -> None:
        text = self.raw.editor.toPlainText()
        self.raw.verdict.setText(self._companion.pipeline.fault_of(text) or "This frame keeps the contract.")
        self.bar.arm(
            lambda: self._companion.player.fire_text(text, to=self.bar.target, origin=PANEL),
            title="Send malformed",
        )
