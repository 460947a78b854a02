"""Help: the manual in the window. It loads nothing from outside of the manual."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt, QUrl
from PySide6.QtGui import (
    QColor,
    QDesktopServices,
    QGuiApplication,
    QImage,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QTextTable,
)
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QPushButton, QWidget

from app.companion import Companion
from app.manual.pages import Manual, Page
from app.system.paths import Folders
from app.ui import theme
from app.ui.palette_commands import commands
from app.ui.room_registry import ROOMS
from app.ui.rooms.help import HelpRoom
from app.ui.theme import DARK, LIGHT
from app.ui.widgets.manual_browser import TEXT_WIDTH, ManualBrowser
from app.ui.widgets.manual_document import ManualDocument
from app.ui.window import CHATS, EVENTS, HELP, SETTINGS, MainWindow
from tests.conftest import until
from tests.ui.conftest import close_and_destroy, destroy_now
from tests.ui.test_accessibility import accessible_text, controls
from tests.ui.test_theme import READABLE, contrast

LEFT = Qt.MouseButton.LeftButton
CONTROL, ALT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.AltModifier

LONG = "\n\n".join(["A paragraph."] * 60)
PAGES = {
    "index": "# Manual\n\nNew? [Start here](start.md).\n\n## Rooms\n\n"
    "- [Events](events.md)\n- [Settings](settings.md)\n",
    "start": f"# Start\n\nGo to [the end](#the-end), [events](events.md#filter), [nowhere](gone.md), "
    f"[outside](../README.md), [the web](https://example.org/a?b=c).\n\n{LONG}\n\n## The end\n\nYou are here.\n",
    "events": "# Events\n\n![The log](pictures/log.png)\n\n## Filter\n\nPress `Ctrl+F`.\n\n"
    "```sh\none\n\ntwo\n```\n\n| Key | Action |\n|---|---|\n| `R` | Resend |\n",
    "settings": "# Settings\n\nEvery setting of the events server.\n",
}


@pytest.fixture
def folder(tmp_path: Path, qapp: QApplication) -> Path:
    folder = tmp_path / "help"
    (folder / "pictures").mkdir(parents=True)
    for name, text in PAGES.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    picture = QImage(1000, 500, QImage.Format.Format_RGB32)
    picture.fill(QColor("red"))
    picture.save(str(folder / "pictures" / "log.png"))
    return folder


@pytest.fixture
def messages() -> list[str]:
    return []


@pytest.fixture
def make_room(qapp: QApplication, messages: list[str]) -> Iterator[Callable[[Path], HelpRoom]]:
    rooms: list[HelpRoom] = []

    def make(folder: Path) -> HelpRoom:
        room = HelpRoom(Manual(folder))
        theme.style_window(room)
        room.status_message.connect(messages.append)
        room.resize(900, 600)
        room.show()
        room.activateWindow()
        rooms.append(room)
        return room

    yield make
    for room in rooms:
        destroy_now(room)


@pytest.fixture
def room(make_room: Callable[[Path], HelpRoom], folder: Path, qtbot: Any) -> HelpRoom:
    room = make_room(folder)
    qtbot.waitUntil(room.isActiveWindow)
    return room


@pytest.fixture
def opened_urls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record the addresses that would be opened in the browser."""
    opened_urls: list[str] = []

    def open_url(url: QUrl) -> bool:
        opened_urls.append(url.toString())
        return True

    monkeypatch.setattr(QDesktopServices, "openUrl", open_url)
    return opened_urls


def listed(room: HelpRoom) -> list[str]:
    return [room.pages.item(row).text() for row in range(room.pages.count())]


def current(room: HelpRoom) -> str:
    item = room.pages.currentItem()
    return item.text() if item else ""


def text(browser: ManualBrowser) -> str:
    return browser.document().toPlainText()


def document(browser: ManualBrowser) -> ManualDocument:
    found = browser.document()
    assert isinstance(found, ManualDocument)
    return found


def position_of(browser: ManualBrowser, text: str) -> QPoint:
    cursor = browser.document().find(text)
    assert not cursor.isNull()
    cursor.setPosition(cursor.selectionStart() + 1)
    return browser.cursorRect(cursor).center()


def click(browser: ManualBrowser, text: str, qtbot: Any) -> None:
    qtbot.mouseClick(browser.viewport(), LEFT, pos=position_of(browser, text))


# pages


def test_help_opens_with_the_index_and_lists_the_pages_in_groups(room: HelpRoom) -> None:
    assert text(room.browser).startswith("Manual\nNew? Start here.")
    assert listed(room) == ["Manual", "Start here", "Rooms", "Events", "Settings"]
    assert current(room) == "Manual"
    assert room.where.text() == "Manual"
    heading = room.pages.item(2)
    assert heading.flags() == Qt.ItemFlag.NoItemFlags
    assert not room.back.isEnabled()
    assert not room.forward.isEnabled()


def test_a_click_on_the_list_opens_a_page(room: HelpRoom, qtbot: Any) -> None:
    item = room.pages.item(3)
    qtbot.mouseClick(room.pages.viewport(), LEFT, pos=room.pages.visualItemRect(item).center())
    assert text(room.browser).startswith("Events")
    assert room.where.text() == "Rooms › Events"
    assert room.browser.hasFocus()
    assert room.browser.accessibleName() == "Manual: Events"


def test_the_list_can_be_used_with_the_keyboard(room: HelpRoom, qtbot: Any) -> None:
    room.pages.setFocus()
    for _ in range(2):  # skips the heading
        qtbot.keyClick(room.pages, Qt.Key.Key_Down)
    assert current(room) == "Events"
    assert room.page == "index"
    qtbot.keyClick(room.pages, Qt.Key.Key_Return)
    assert room.page == "events"
    assert room.browser.hasFocus()


def test_a_page_that_does_not_exist_is_reported(room: HelpRoom, messages: list[str]) -> None:
    room.open_page("gone")
    assert messages == ["The manual has no page 'gone'."]
    assert room.page == "index"


def test_a_missing_manual_is_reported(make_room: Callable[[Path], HelpRoom], tmp_path: Path) -> None:
    room = make_room(tmp_path)
    assert room.missing.isVisible()
    assert not room.browser.isVisible()
    assert room.missing.hint.text() == f"The manual is missing from {tmp_path}. Install the program again."
    room.open_page_about("events")
    room.search.setText("filter")
    room.recolor()
    assert room.missing.isVisible()


def test_a_manual_that_can_be_read_again_is_shown(make_room: Callable[[Path], HelpRoom], folder: Path) -> None:
    index = folder / "index.md"
    index.rename(folder / "away")
    room = make_room(folder)
    assert room.missing.isVisible()
    (folder / "away").rename(index)
    room.open_page("events")
    assert (room.missing.isVisible(), room.browser.isVisible(), room._start) == (False, True, room.browser)
    (folder / "settings.md").unlink()
    room.open_page("settings")
    assert room.missing.isVisible()
    room.hide()
    room.show()
    assert (room.page, room.browser.isVisible()) == ("events", True)


# links


def test_a_link_opens_a_page_at_a_heading(room: HelpRoom, qtbot: Any) -> None:
    room.open_page("start")
    room.resize(900, 240)
    click(room.browser, "events", qtbot)
    assert room.page == "events"
    assert current(room) == "Events"
    assert room.browser.verticalScrollBar().value() > 100


def test_a_link_within_the_page_scrolls(room: HelpRoom, qtbot: Any) -> None:
    room.open_page("start")
    assert room.browser.verticalScrollBar().value() == 0
    click(room.browser, "the end", qtbot)
    assert room.browser.verticalScrollBar().value() == room.browser.verticalScrollBar().maximum()
    qtbot.keyClick(room.browser, Qt.Key.Key_Left, ALT)
    assert room.browser.verticalScrollBar().value() == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nowhere", "The manual has no page 'gone'."),
        ("outside", "../README.md is not a page of the manual."),
    ],
)
def test_a_broken_link_is_reported(
    room: HelpRoom, messages: list[str], opened_urls: list[str], qtbot: Any, text: str, message: str
) -> None:
    room.open_page("start")
    click(room.browser, text, qtbot)
    assert messages == [message]
    assert room.page == "start"
    assert opened_urls == []


def test_a_section_that_does_not_exist_is_reported(room: HelpRoom, messages: list[str]) -> None:
    room.open_page("events", "gone")
    assert messages == ["Events has no section 'gone'."]
    assert room.page == "events"


def test_a_web_link_opens_in_the_browser_and_shows_a_status_message(
    room: HelpRoom, messages: list[str], opened_urls: list[str], qtbot: Any
) -> None:
    room.open_page("start")
    click(room.browser, "the web", qtbot)
    assert opened_urls == ["https://example.org/a?b=c"]
    assert messages == ["Opened https://example.org/a?b=c"]
    assert room.page == "start"
    cursor = room.browser.cursorForPosition(position_of(room.browser, "the web"))
    assert cursor.charFormat().toolTip() == "https://example.org/a?b=c (opens in the browser)"


def test_links_can_be_followed_with_the_keyboard(room: HelpRoom, qtbot: Any) -> None:
    room.browser.setFocus()
    qtbot.keyClick(room.browser, Qt.Key.Key_Tab)
    qtbot.keyClick(room.browser, Qt.Key.Key_Return)
    assert room.page == "start"
    for _ in range(20):  # past the last link, the focus leaves the page
        qtbot.keyClick(room.browser, Qt.Key.Key_Tab)
        if not room.browser.hasFocus():
            break
    assert not room.browser.hasFocus()


# back and forward


def test_back_and_forward_work_with_buttons_keys_and_mouse(room: HelpRoom, qtbot: Any) -> None:
    room.open_page("start")
    room.open_page("events")
    visited = []

    def step(action: Callable[[], object]) -> None:
        action()
        visited.append(room.page)

    step(lambda: qtbot.mouseClick(room.back, LEFT))
    step(lambda: qtbot.keyClick(room.browser, Qt.Key.Key_Left, ALT))
    step(lambda: qtbot.keyClick(room.pages, Qt.Key.Key_Right, ALT))
    step(lambda: qtbot.mouseClick(room.browser.viewport(), Qt.MouseButton.ForwardButton))
    step(lambda: qtbot.mouseClick(room.browser.viewport(), Qt.MouseButton.BackButton))
    step(lambda: qtbot.mouseClick(room.forward, LEFT))
    assert visited == ["start", "index", "start", "events", "start", "events"]
    assert not room.forward.isEnabled()
    assert current(room) == "Events"


def test_back_restores_the_scroll_position(room: HelpRoom, qtbot: Any) -> None:
    room.open_page("start")
    room.browser.verticalScrollBar().setValue(321)
    room.open_page("events")
    qtbot.mouseClick(room.back, LEFT)
    assert room.browser.verticalScrollBar().value() == 321


def test_the_page_gets_the_focus_of_a_button_that_becomes_disabled(room: HelpRoom, qtbot: Any) -> None:
    room.open_page("start")
    room.back.setFocus()
    qtbot.keyClick(room.back, Qt.Key.Key_Space)
    assert not room.back.isEnabled()
    assert room.browser.hasFocus()


# search


def test_the_search_lists_pages_with_a_snippet(room: HelpRoom, qtbot: Any) -> None:
    room.focus_search()
    qtbot.keyClicks(room.search, "events")
    assert listed(room) == ["Events", "Start", "Settings"]
    assert room.found.text() == "3 pages"
    spoken_text = room.pages.item(2).data(Qt.ItemDataRole.AccessibleTextRole)
    assert spoken_text == "Settings: Every setting of the events server."
    assert room.pages.accessibleName() == "Search results"


def test_enter_opens_the_chosen_result_and_marks_the_words(room: HelpRoom, qtbot: Any) -> None:
    room.focus_search()
    qtbot.keyClicks(room.search, "resend")
    assert current(room) == "Events › Filter"
    qtbot.keyClick(room.search, Qt.Key.Key_Return)
    assert room.page == "events"
    assert room.browser.hasFocus()
    marks = [each.cursor.selectedText() for each in room.browser.extraSelections()]
    assert marks == ["Resend"]
    room.search.clear()
    assert room.browser.extraSelections() == []


def test_the_arrow_keys_choose_another_result(room: HelpRoom, qtbot: Any) -> None:
    room.focus_search()
    qtbot.keyClicks(room.search, "events")
    qtbot.keyClick(room.search, Qt.Key.Key_Down)
    assert room.search.hasFocus()
    qtbot.keyClick(room.search, Qt.Key.Key_Return)
    assert room.page == "start"


def test_escape_clears_the_search_and_lists_all_pages(room: HelpRoom, qtbot: Any) -> None:
    room.focus_search()
    qtbot.keyClicks(room.search, "zzz")
    assert room.found.text() == "No page contains “zzz”"
    assert listed(room) == []
    qtbot.keyClick(room.search, Qt.Key.Key_Return)
    assert room.page == "index"
    qtbot.keyClick(room.search, Qt.Key.Key_Escape)
    assert room.search.text() == ""
    assert listed(room) == ["Manual", "Start here", "Rooms", "Events", "Settings"]
    assert current(room) == "Manual"
    assert not room.found.isVisible()


# nothing is loaded from outside of the manual

UNTRUSTED_PAGE = """\
# Hostile

![one](http://127.7.7.7:7/a.png) ![two](FILE) ![three](data:image/png;base64,DATA) ![four](../secret.png)
![five](pictures/../../secret.png) <img src="FILE"> <link rel="stylesheet" href="FILE">

<table background="FILE"><tr><td>x</td></tr></table>
"""


def test_no_pictures_from_outside_of_the_manual_are_shown(folder: Path, show: Callable[[QWidget], None]) -> None:
    secret = folder.parent / "secret.png"
    QImage(str(folder / "pictures" / "log.png")).save(str(secret))
    browser = ManualBrowser()
    show(browser)
    browser.show_page(Page("hostile", "Hostile", UNTRUSTED_PAGE.replace("FILE", str(secret))), folder)
    browser.grab()
    shown = text(browser)
    for description in ("one", "two", "three", "four", "five"):
        assert f"[Picture: {description}]" in shown
    assert "\ufffc" not in shown
    assert f'<img src="{secret}">' in shown
    assert not any(isinstance(each, QTextTable) for each in browser.document().rootFrame().childFrames())


@pytest.mark.parametrize(
    "kind", [QTextDocument.ResourceType.ImageResource, QTextDocument.ResourceType.HtmlResource]
)
def test_only_pictures_of_the_manual_are_resources(
    folder: Path, show: Callable[[QWidget], None], kind: QTextDocument.ResourceType
) -> None:
    secret = folder.parent / "secret.png"
    QImage(str(folder / "pictures" / "log.png")).save(str(secret))
    data = "data:image/gif;base64,R0lGODlhAQABAIAAAP///wAAACH5BAAAAAAALAAAAAABAAEAAAICRAEAOw=="
    browser = ManualBrowser()
    show(browser)
    browser.show_page(Page("x", "X", "# X"), folder)
    for name in (str(secret), QUrl.fromLocalFile(str(secret)).toString(), "../secret.png", data, "index.md"):
        for resource in (
            browser.document().resource(kind.value, QUrl(name)),
            browser.loadResource(kind.value, QUrl(name)),
        ):
            assert isinstance(resource, QImage)
            assert (resource.width(), resource.pixelColor(0, 0).alpha()) == (1, 0)


def test_qt_does_not_open_addresses(folder: Path, show: Callable[[QWidget], None]) -> None:
    browser = ManualBrowser()
    show(browser)
    browser.show_page(Page("x", "X", "# X"), folder)
    for address in (QUrl.fromLocalFile(str(folder / "index.md")), QUrl("index.md"), QUrl("http://127.7.7.7:7/")):
        browser.setSource(address)
        browser.setSource(address, QTextDocument.ResourceType.MarkdownResource)
    assert text(browser) == "X"


# appearance


@pytest.fixture
def apply_theme(qapp: QApplication) -> Iterator[Callable[[str], None]]:
    yield lambda name: theme.apply(qapp, name)
    theme.apply(qapp, "light")


@pytest.mark.usefixtures("styled")
@pytest.mark.parametrize(("name", "scheme"), [("light", LIGHT), ("dark", DARK)])
def test_a_page_has_readable_colours_of_the_theme(
    room: HelpRoom, apply_theme: Callable[[str], None], name: str, scheme: theme.Colors
) -> None:
    room.open_page("events")
    apply_theme(name)
    room.recolor()
    picture = room.browser.grab().toImage()
    assert picture.pixelColor(4, picture.height() // 2).name() == scheme.surface
    code = room.browser.document().find("Ctrl+F").charFormat()
    assert code.background().color().name() == scheme.hover
    room.open_page("index")
    link = room.browser.document().find("Events").charFormat()
    assert link.foreground().color().name() == scheme.accent
    for ink, ground in (("text", "surface"), ("accent", "surface"), ("text", "hover"), ("accent", "hover"),
                        ("text", "raised"), ("text", "warning_soft"), ("muted", "window"), ("muted", "accent_soft"),
                        ("muted", "hover")):  # fmt: skip
        assert contrast(getattr(scheme, ink), getattr(scheme, ground)) >= READABLE, (ink, ground)


@pytest.mark.usefixtures("styled")
def test_changing_the_theme_keeps_the_scroll_position(room: HelpRoom, apply_theme: Callable[[str], None]) -> None:
    room.open_page("start")
    room.browser.verticalScrollBar().setValue(321)
    apply_theme("dark")
    room.recolor()
    assert room.browser.verticalScrollBar().value() == 321


@pytest.mark.usefixtures("styled")
@pytest.mark.parametrize("width", [700, 1600])
def test_lines_are_short_and_pictures_fit(room: HelpRoom, qtbot: Any, width: int) -> None:
    room.open_page("events")
    room.resize(width, 600)
    QTest.qWait(0)
    shown = room.browser.viewport().width()
    assert shown <= TEXT_WIDTH
    assert shown == TEXT_WIDTH or width == 700
    cursor = QTextCursor(room.browser.document().findBlockByNumber(1))
    cursor.movePosition(QTextCursor.MoveOperation.Right)
    picture = cursor.charFormat().toImageFormat()
    assert (picture.width(), picture.height()) == (shown, shown // 2)
    assert room.browser.horizontalScrollBar().maximum() == 0


@pytest.mark.usefixtures("styled")
def test_a_small_picture_is_not_enlarged(room: HelpRoom, folder: Path) -> None:
    QImage(str(folder / "pictures" / "log.png")).scaled(300, 100).save(str(folder / "pictures" / "log.png"))
    room.open_page("events")
    cursor = QTextCursor(room.browser.document().findBlockByNumber(1))
    cursor.movePosition(QTextCursor.MoveOperation.Right)
    picture = cursor.charFormat().toImageFormat()
    assert (picture.width(), picture.height()) == (300, 100)


def test_code_is_in_a_box_and_wraps(room: HelpRoom, folder: Path) -> None:
    room.open_page("events")
    ((first, last),) = document(room.browser).code_blocks
    assert [document(room.browser).findBlockByNumber(each).text() for each in (first, last)] == ["one", "two"]
    box = room.browser._code_boxes(document(room.browser))[0]
    picture = room.browser.viewport().grab().toImage()
    assert picture.pixelColor(round(box.center().x()), round(box.top()) + 4).name() == LIGHT.raised
    assert picture.pixelColor(round(box.center().x()), round(box.top()) - 4).name() == LIGHT.surface


def test_code_is_copied_with_a_button_shown_under_the_mouse(
    room: HelpRoom, messages: list[str], qtbot: Any
) -> None:
    room.open_page("events")
    copy = room.browser.copy_code
    box = room.browser._code_boxes(document(room.browser))[0].toRect()
    qtbot.mouseMove(room.browser.viewport(), box.topLeft() - QPoint(0, 4))
    qtbot.mouseMove(room.browser.viewport(), box.center())
    qtbot.waitUntil(copy.isVisible)
    assert box.contains(copy.geometry())
    qtbot.mouseClick(copy, LEFT)
    assert QGuiApplication.clipboard().text() == "one\n\ntwo"
    assert messages == ["Copied the code"]
    qtbot.mouseMove(room.browser.viewport(), box.topLeft() - QPoint(0, 4))
    qtbot.waitUntil(lambda: not copy.isVisible())


def test_a_table_below_code_has_no_empty_line(folder: Path, show: Callable[[QWidget], None]) -> None:
    browser = ManualBrowser()
    show(browser)
    browser.show_page(Page("x", "X", "```\ncode\n```\n\n| A | B |\n|---|---|\n| a | b |\n\nend\n"), folder)
    (table,) = browser.document().rootFrame().childFrames()
    assert isinstance(table, QTextTable)
    cell = table.cellAt(0, 0)
    assert cell.firstCursorPosition().block() == cell.lastCursorPosition().block()
    box = browser._code_boxes(document(browser))[0]
    layout = browser.document().documentLayout()
    assert layout.frameBoundingRect(table).top() - box.bottom() >= 0


def test_headings_are_larger_than_text(room: HelpRoom) -> None:
    room.open_page("events")
    title = QTextCursor(room.browser.document().firstBlock())
    title.movePosition(QTextCursor.MoveOperation.Right)
    size = title.charFormat().intProperty(QTextFormat.Property.FontPixelSize)
    assert size > room.browser.font().pixelSize() > 0


def test_every_control_has_a_name(room: HelpRoom) -> None:
    found = list(controls(room))
    assert {room.search, room.pages, room.browser} <= set(found)
    assert [each for each in found if not accessible_text(room, each).strip()] == []


# in the window


@pytest.fixture
async def window(companion: Companion, tmp_path: Path) -> AsyncIterator[MainWindow]:
    window = MainWindow(Folders.of(tmp_path)).fill(companion)
    window.present()
    await until(window.isActiveWindow)
    yield window
    await close_and_destroy(window, companion)


async def test_f1_opens_the_page_about_the_room(window: MainWindow, qtbot: Any, subtests: pytest.Subtests) -> None:
    for name in (room.name for room in ROOMS if room.name != HELP):
        with subtests.test(name=name):
            window.open_room(name)
            qtbot.keyClick(QApplication.focusWidget() or window, Qt.Key.Key_F1)
            assert window.rooms.current == HELP
            assert window.help.page == name
            assert window.help.browser.hasFocus()


async def test_f1_in_help_opens_the_page_about_help(window: MainWindow, qtbot: Any) -> None:
    window.open_help("settings")
    qtbot.keyClick(window.help.browser, Qt.Key.Key_F1)
    assert window.help.page == HELP


async def test_a_room_without_a_page_opens_the_index(window: MainWindow) -> None:
    window.open_help("a room of a plug-in")
    assert window.help.page == "index"


async def test_the_navigation_reopens_the_last_page(window: MainWindow, qtbot: Any) -> None:
    button = next(each for each in window.findChildren(QPushButton, "nav") if each.text() == "Help")
    assert button.toolTip() == "Help (F1)"
    qtbot.mouseClick(button, LEFT)
    assert window.help.page == "index"
    window.help.open_page("chats")
    window.open_room(EVENTS)
    qtbot.mouseClick(button, LEFT)
    assert window.help.page == "chats"


async def test_ctrl_f_searches_in_help_and_settings_and_filters_the_log_elsewhere(
    window: MainWindow, qtbot: Any
) -> None:
    window.open_help("settings")
    qtbot.keyClick(window.help.browser, Qt.Key.Key_F, CONTROL)
    assert window.rooms.current == HELP
    assert window.help.search.hasFocus()
    window.open_room(SETTINGS)
    qtbot.keyClick(window.settings.fields.username, Qt.Key.Key_F, CONTROL)
    assert window.settings.search.hasFocus()
    window.open_room(CHATS)
    qtbot.keyClick(window.chats, Qt.Key.Key_F, CONTROL)
    assert window.rooms.current == EVENTS
    assert window.events.filter.hasFocus()


async def test_the_palette_opens_any_page(window: MainWindow, qtbot: Any) -> None:
    palette = window.open_palette()
    qtbot.keyClicks(palette.search, "help: companion trigger")
    qtbot.keyClick(palette.search, Qt.Key.Key_Return)
    assert window.rooms.current == HELP
    assert window.help.page == "cli-trigger"


async def test_without_a_manual_the_palette_still_opens(window: MainWindow, tmp_path: Path) -> None:
    window.__dict__["manual"] = Manual(tmp_path)
    titles = [each.title for each in commands(window)]
    assert "Open Help" in titles
    assert [each for each in titles if each.startswith("Help: ")] == []


async def test_the_list_of_shortcuts_leads_to_help(window: MainWindow, qtbot: Any) -> None:
    window.open_room(SETTINGS)
    window.show_shortcuts()
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, QDialog)
    button = next(each for each in dialog.findChildren(QPushButton) if each.text() == "Open Help")
    qtbot.mouseClick(button, LEFT)
    assert not dialog.isVisible()
    assert (window.rooms.current, window.help.page) == (HELP, SETTINGS)


async def test_the_manual_is_not_read_before_help_is_opened(window: MainWindow) -> None:
    page = window.help
    assert page.page == ""
    assert "manual" in window.__dict__
    assert "names" not in window.manual.__dict__
    window.open_room(HELP)
    assert page.page == "index"


async def test_every_page_of_the_installed_manual_is_shown_without_errors(window: MainWindow) -> None:
    room = window.help
    messages: list[str] = []
    room.status_message.connect(messages.append)
    window.open_room(HELP)
    for entry in window.manual.entries:
        room.open_page(entry.name)
        assert room.page == entry.name
        assert "[Picture:" not in text(room.browser)
        await until(lambda: room.browser.horizontalScrollBar().maximum() <= 1)  # rounding: see ManualBrowser
        assert not room.browser.horizontalScrollBar().isVisible()
    assert messages == []


async def test_the_page_about_your_events_follows_the_catalog(window: MainWindow) -> None:
    room = window.help
    window.open_room(HELP)
    room.open_page("events-in-use")
    assert "The friend who came online" in room.browser.toPlainText()
    companion = window.companion
    companion.use_events([each for each in companion.catalog if each.name != "friend_online"])
    text = room.browser.toPlainText()
    assert "The friend who came online" not in text
    assert "The friend who went offline" in text
