from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget
from typing_extensions import override
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from app.companion import Companion
from app.system.settings import Settings
from app.ui.notices import MAX_OFFERED_ORIGINS
from app.ui.widgets import rejection_list as module
from app.ui.widgets.rejection_list import SHOWN, RejectionList
from app.ui.window import CHATS, CLIENTS, MainWindow
from tests.conftest import until

ORIGIN = Origin("http://localhost:5173")


def process_events() -> None:
    for _ in range(3):  # refresh, deletion and layout
        QApplication.processEvents()


def lines(widget: QWidget) -> list[str]:
    process_events()
    return [label.text() for label in widget.findChildren(QLabel) if label.isVisibleTo(widget)]


def buttons(widget: QWidget) -> list[QPushButton]:
    process_events()
    return [button for button in widget.findChildren(QPushButton) if button.isVisibleTo(widget)]


@pytest.fixture(autouse=True)
def _refresh_immediately(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REFRESH_MS", 0)


def test_many_rejections_are_refreshed_once(stopped_companion: Companion, show: Callable[[QWidget], None]) -> None:
    refreshes: list[None] = []

    class CountingRejectionList(RejectionList):
        @override
        def show_refused(self) -> None:
            refreshes.append(None)
            super().show_refused()

    widget = CountingRejectionList(stopped_companion.rejection_log)
    show(widget)
    refreshes.clear()
    for _ in range(1000):
        stopped_companion.rejection_log.add("events", "evil", "null")
    assert not refreshes
    assert any("1,000 times" in line for line in lines(widget))
    assert len(refreshes) == 1
    widget.close_down()


@pytest.fixture
def rejection_list(stopped_companion: Companion, show: Callable[[QWidget], None]) -> RejectionList:
    widget = RejectionList(stopped_companion.rejection_log)
    show(widget)
    return widget


def test_without_rejections_the_list_is_hidden(stopped_companion: Companion) -> None:
    widget = RejectionList(stopped_companion.rejection_log)
    assert widget.isHidden()
    widget.close_down()


def test_a_rejection_is_shown_with_its_reason_and_count(
    stopped_companion: Companion, rejection_list: RejectionList
) -> None:
    for _ in range(2):
        stopped_companion.rejection_log.add("events", "no such path: '/x'")
    line = next(text for text in lines(rejection_list) if "2 times" in text)
    assert " · 2 times: no such path: '/x'" in line
    assert rejection_list.isVisible()


@pytest.mark.parametrize("origin", ["", "null", "file://"])
def test_an_invalid_origin_cannot_be_allowed(
    stopped_companion: Companion, rejection_list: RejectionList, origin: str
) -> None:
    stopped_companion.rejection_log.add("events", "refused", origin)
    assert buttons(rejection_list) == []


def test_further_rejections_are_counted(stopped_companion: Companion, rejection_list: RejectionList) -> None:
    for number in range(SHOWN + 3):
        stopped_companion.rejection_log.add("REST", f"reason {number}")
    assert "and 3 more: filter the log for “refused”" in lines(rejection_list)


async def test_a_rejected_origin_is_offered_once_in_every_room(window: MainWindow, companion: Companion) -> None:
    window.open_room(CHATS)
    saved: list[Settings] = []
    window.save_requested.connect(saved.append)
    for origin in ("", "null", ORIGIN, ORIGIN, f"http://{'x' * 100}.example"):
        companion.rejection_log.add("events", "origin is not in the allowed origins", origin)
    assert window.banner.isVisibleTo(window)
    assert window.banner.text.text() == (
        f"Refused a web page from {ORIGIN}. To let it connect, allow this origin and reload the page."
    )
    (allow, dismiss) = window.banner.buttons
    dismiss.click()
    companion.rejection_log.add("events", "origin is not in the allowed origins", ORIGIN)
    assert not window.banner.isVisibleTo(window)
    allow.click()
    assert saved[0].allowed_origins[-1] == ORIGIN


async def test_an_origin_whose_notice_was_replaced_is_offered_again(
    window: MainWindow, companion: Companion
) -> None:
    window.open_room(CHATS)
    first, second = "http://localhost:1111", "http://localhost:2222"
    for origin in (first, second, first):
        companion.rejection_log.add("events", "origin is not in the allowed origins", origin)
    assert second in window.banner.text.text()
    window.banner.buttons[0].click()
    companion.rejection_log.add("events", "origin is not in the allowed origins", first)
    assert first in window.banner.text.text()


async def test_the_number_of_offered_origins_is_limited(window: MainWindow, companion: Companion) -> None:
    notices: list[str] = []
    window.banner.show_notice = lambda text, *_, **__: notices.append(text)  # type: ignore[method-assign]
    for number in range(1000):
        companion.rejection_log.add("events", "refused", f"http://evil-{number}.example")
    assert len(notices) == MAX_OFFERED_ORIGINS


async def test_a_rejected_origin_can_be_allowed_with_one_click(window: MainWindow, companion: Companion) -> None:
    with pytest.raises(InvalidStatus):
        await connect(companion.server.url, origin=ORIGIN, proxy=None)
    window.open_room(CLIENTS)
    saved: list[Settings] = []
    window.save_requested.connect(saved.append)
    await until(lambda: window.clients.refused.isVisible())
    (button,) = window.clients.refused.findChildren(QPushButton)
    assert button.accessibleName() == f"Allow {ORIGIN}"
    button.click()
    assert window.clients.refused.isHidden()
    (settings,) = saved
    assert settings.allowed_origins == [*companion.settings.allowed_origins, ORIGIN]
    await companion.apply(settings)
    async with connect(companion.server.url, origin=ORIGIN, proxy=None):
        assert companion.hub.connection_count == 1


async def test_an_origin_that_is_refused_again_is_shown_again(window: MainWindow, companion: Companion) -> None:
    window.open_room(CLIENTS)
    for _ in range(2):
        companion.rejection_log.add("events", "refused", ORIGINS[0])
        (button,) = await allow_buttons(window, 1)
        button.click()
        await allow_buttons(window, 0)


ORIGINS = ("http://localhost:5173", "http://localhost:6006")


@pytest.mark.parametrize("via", ["double click", "space"])
async def test_a_repeated_allow_allows_one_origin(window: MainWindow, companion: Companion, via: str) -> None:
    saved: list[list[str]] = []
    window.save_requested.connect(lambda settings: saved.append(settings.allowed_origins))
    window.open_room(CLIENTS)
    before = set(companion.settings.allowed_origins)
    for origin in ORIGINS:
        companion.rejection_log.add("events", f"origin {origin!r} may not connect", origin)
    first, _ = await allow_buttons(window, 2)
    first.setFocus()
    handle = window.windowHandle()
    if via == "space":
        for _ in range(2):
            QTest.keyClick(handle, Qt.Key.Key_Space)
            process_events()
    else:
        position = first.mapTo(window, first.rect().center())
        QTest.mouseDClick(handle, Qt.MouseButton.LeftButton, pos=position)
    process_events()
    assert len(saved) == 1
    assert len(set(saved[0]) - before) == 1
    await allow_buttons(window, 1)
    focused = window.focusWidget()
    assert focused
    assert "Allow" not in focused.accessibleName()


async def test_a_new_rejection_keeps_the_focus_on_its_button(window: MainWindow, companion: Companion) -> None:
    window.open_room(CLIENTS)
    companion.rejection_log.add("events", "refused", ORIGINS[0])
    (button,) = await allow_buttons(window, 1)
    button.setFocus()
    companion.rejection_log.add("events", "refused too", ORIGINS[1])
    await allow_buttons(window, 2)
    focused = window.focusWidget()
    assert focused
    assert focused.accessibleName() == f"Allow {ORIGINS[0]}"


async def allow_buttons(window: MainWindow, number: int) -> list[QPushButton]:
    await until(lambda: len(buttons(window.clients.refused)) == number)
    return buttons(window.clients.refused)
