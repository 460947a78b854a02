"""Every control has an accessible name."""

from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QLabel,
    QSplitter,
    QStackedWidget,
    QWidget,
)

from app.companion import Companion
from app.hub.origin import PANEL
from app.protocol.envelope import Envelope
from app.ui.widgets.event_panel import EventPanel
from app.ui.window import INJECT, ROOMS, MainWindow
from tests.conftest import Connect

pytestmark = pytest.mark.usefixtures("all_rooms")


def controls(root: QWidget) -> Iterator[QWidget]:
    """Find the controls that can be reached with the keyboard, without the inner parts of compound controls."""
    for widget in root.findChildren(QWidget):
        inner = isinstance(widget.parent(), QAbstractSpinBox | QComboBox)
        if not widget.focusPolicy() & Qt.FocusPolicy.TabFocus or widget.focusProxy() or inner:
            continue
        if isinstance(widget, QSplitter | QStackedWidget):
            continue
        if not widget.isVisible():
            continue
        yield widget


def accessible_text(root: QWidget, widget: QWidget) -> str:
    if name := widget.accessibleName():
        return name
    labels = [label.text() for label in root.findChildren(QLabel) if label.buddy() is widget]
    shown = widget.text() if isinstance(widget, QAbstractButton) else ""
    return "".join(labels) or shown


async def test_every_control_has_a_name(
    window: MainWindow, companion: Companion, connect_client: Connect, subtests: pytest.Subtests
) -> None:
    await connect_client()
    await companion.fire(Envelope("friend_online", {"username": "bob"}), origin=PANEL)
    window.events.model.flush()
    window.events.table.selectRow(1)
    window.banner.show_notice("Notice", (("Retry", lambda: None),))
    for room in (each.name for each in ROOMS):
        with subtests.test(room=room):
            window.open_room(room)
            window.fixtures.choose("nasty/markup")
            reactions = window.inject.event_panel("new_message")
            assert reactions
            reactions.form().field("reactions").set_value([{"emoji": "👍", "from": "bob"}])
            unnamed, count = set(), 0
            for tab in range(window.inject.tabs.count() if room == INJECT else 1):
                window.inject.tabs.setCurrentIndex(tab)
                for view in (0, 1):
                    panel = window.inject.panels.currentWidget()
                    if isinstance(panel, EventPanel):
                        panel.show_view(view)
                    for widget in controls(window):
                        count += 1
                        if not accessible_text(window, widget).strip():
                            unnamed.add(repr(widget))
            assert unnamed == set()
            assert count > 15


async def test_controls_in_a_form_are_named_after_their_fields(window: MainWindow) -> None:
    window.open_room(INJECT)
    message = window.inject.event_panel("new_message")
    assert message
    message.form().fold.setChecked(True)
    names = {widget.accessibleName() for widget in controls(message)}
    assert {
        "from",
        "to",
        "text",
        "direction",
        "delivered",
        "delivery_method",
        "msg_id: generate on each send",
    } <= names


async def test_no_two_controls_of_a_form_share_a_name(window: MainWindow, qtbot: Any) -> None:
    window.open_room(INJECT)
    message = window.inject.event_panel("new_message")
    assert message
    field = message.form().field("reactions")
    field.set_value([{"emoji": "👍", "from": "bob"}] * 3)
    names = sorted(widget.accessibleName() for widget in controls(message))
    assert names == sorted(set(names))
