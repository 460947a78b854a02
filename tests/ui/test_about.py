"""The About dialog, and the check for updates."""

import asyncio
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any

import pytest
from aiohttp import web
from msgspec.structs import replace
from PySide6.QtCore import Qt, QUrl, qVersion
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QLabel

from app import __version__
from app.companion import Companion
from app.system.updates import Release, UpdateError
from app.ui import about, updates
from app.ui.about import About
from app.ui.window import HELP, MainWindow
from tests.conftest import MakeCompanion, until
from tests.ui.conftest import Windows

LEFT = Qt.MouseButton.LeftButton
NEWER = Release("9.9.9", "https://companion.example/9.9.9")
ADDRESS = "https://companion.example/latest"

Addresses = list[str]


@pytest.fixture
def set_update(monkeypatch: pytest.MonkeyPatch) -> Callable[[Release | Exception | None], Addresses]:
    """Return a function that replaces update checks. It returns the list of requested addresses."""

    def make(result: Release | Exception | None) -> Addresses:
        addresses: Addresses = []

        async def look(address: str) -> Release | None:
            addresses.append(address)
            if isinstance(result, Exception):
                raise result
            return result

        for module in (about, updates):
            monkeypatch.setattr(module, "look", look)
        return addresses

    return make


@pytest.fixture
def opened_urls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record the addresses that would be opened in the browser."""
    opened_urls: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened_urls.append(QUrl(url).toString()))
    return opened_urls


@pytest.fixture
def show_window(windows: Windows, make_companion: MakeCompanion) -> Callable[..., Awaitable[MainWindow]]:
    async def show(**settings: Any) -> MainWindow:
        companion = await make_companion(**settings)
        window = windows(companion)
        await companion.start()
        return window

    return show


def cells(dialog: About) -> list[tuple[str, ...]]:
    table = dialog.table
    return [
        tuple(item.text() for column in range(3) if (item := table.item(row, column)))
        for row in range(table.rowCount())
    ]


async def test_about_shows_the_versions_and_licences_of_all_components(window: MainWindow) -> None:
    dialog = window.open_about()
    assert dialog.versions["P2P Chat Companion"] == __version__
    assert dialog.versions["Qt"] == qVersion()
    assert dialog.versions["Event loop"] == getattr(asyncio.get_running_loop(), "description", "")
    for name in ("qasync", "websockets"):
        assert dialog.versions[name] == version(name)
    rows = {row[0]: row for row in cells(dialog)}
    assert rows["websockets"] == ("websockets", version("websockets"), "BSD-3-Clause")
    assert rows["Python"][2] == "PSF-2.0"
    assert all(len(row) == 3 and all(row) for row in rows.values())
    dialog.close()


async def test_the_versions_can_be_copied(window: MainWindow, qtbot: Any) -> None:
    qtbot.mouseClick(window.version, LEFT)
    (dialog,) = window.findChildren(About)
    qtbot.mouseClick(dialog.copy, LEFT)
    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines[0] == f"P2P Chat Companion {__version__}"
    assert f"Qt {qVersion()}" in lines
    qtbot.mouseClick(dialog.close_button, LEFT)
    assert not dialog.isVisible()


async def test_the_update_check_and_licence_texts_are_hidden_if_unavailable(window: MainWindow) -> None:
    dialog = window.open_about()
    assert not dialog.check.isVisible()
    assert not dialog.texts.isVisible(), "licence texts exist only in a bundle"
    dialog.close()


async def test_a_manual_update_check_shows_its_result(
    show_window: Any, set_update: Any, opened_urls: list[str], qtbot: Any
) -> None:
    addresses = set_update(NEWER)
    window = await show_window(updates_url=ADDRESS)
    dialog = window.open_about()
    qtbot.mouseClick(dialog.check, LEFT)
    await until(dialog.release_page.isVisible)
    assert addresses == [ADDRESS]
    assert dialog.update_status.text() == "Version 9.9.9 is available."
    assert opened_urls == []
    qtbot.mouseClick(dialog.release_page, LEFT)
    assert opened_urls == [NEWER.page]
    dialog.close()


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (None, f"{__version__} is the latest version."),
        (UpdateError("no response within 10 s"), "The check for updates failed: no response within 10 s."),
    ],
)
async def test_an_update_check_without_a_newer_version_shows_a_text(
    show_window: Any, set_update: Any, qtbot: Any, result: Any, text: str
) -> None:
    set_update(result)
    dialog = (await show_window(updates_url=ADDRESS)).open_about()
    qtbot.mouseClick(dialog.check, LEFT)
    await until(lambda: dialog.update_status.text() == text)
    assert dialog.check.isEnabled()
    assert not dialog.release_page.isVisible()
    dialog.close()


async def test_about_can_be_closed_during_an_update_check(show_window: Any, set_update: Any, qtbot: Any) -> None:
    addresses = set_update(NEWER)
    dialog = (await show_window(updates_url=ADDRESS)).open_about()
    qtbot.mouseClick(dialog.check, LEFT)
    dialog.close()
    await until(lambda: addresses)


# automatic checks


async def test_automatic_update_checks_are_off_by_default(show_window: Any, set_update: Any) -> None:
    addresses = set_update(NEWER)
    window = await show_window(updates_url=ADDRESS)
    window.updates.check_if_due()
    assert addresses == []
    assert not window.banner.isVisible()


async def test_a_newer_version_is_shown_in_the_banner_but_the_page_opens_only_on_click(
    show_window: Any, set_update: Any, opened_urls: list[str], qtbot: Any
) -> None:
    addresses = set_update(NEWER)
    window = await show_window(updates_url=ADDRESS, check_updates=True)
    await until(lambda: window.banner.buttons)
    assert addresses == [ADDRESS]
    assert window.banner.text.text() == f"Version 9.9.9 is available. You have {__version__}."
    assert opened_urls == []
    qtbot.mouseClick(window.banner.buttons[0], LEFT)
    assert opened_urls == [NEWER.page]


async def test_an_update_check_over_http_works_on_the_loop_of_the_window(show_window: Any) -> None:
    """Check for updates with a real HTTP server: name lookup, sockets and threads work with the loop of Qt."""

    async def respond(_: web.Request) -> web.Response:
        return web.json_response({"tag_name": "v9.9.9", "html_url": NEWER.page})

    server = web.Application()
    server.router.add_get("/latest", respond)
    runner = web.AppRunner(server)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    window = await show_window(updates_url=f"http://localhost:{runner.addresses[0][1]}/latest", check_updates=True)
    await until(lambda: window.banner.buttons)
    assert window.banner.text.text() == f"Version 9.9.9 is available. You have {__version__}."
    await runner.cleanup()


async def test_updates_are_checked_once_a_day(show_window: Any, set_update: Any) -> None:
    addresses = set_update(None)
    window = await show_window(updates_url=ADDRESS, check_updates=True)
    await until(lambda: len(addresses) == 1)
    window.updates.check_if_due()
    now = window.updates.now()
    window.updates.now = lambda: now + updates.A_DAY_S - 60
    window.updates.check_if_due()
    assert len(addresses) == 1
    window.updates.now = lambda: now + updates.A_DAY_S + 1
    window.updates.check_if_due()
    await until(lambda: len(addresses) == 2)


async def test_a_failed_automatic_update_check_is_logged_but_not_shown(
    show_window: Any, set_update: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="app.ui.updates")
    set_update(UpdateError("the server could not be reached (ClientConnectorError)"))
    window = await show_window(updates_url=ADDRESS, check_updates=True)
    await until(lambda: "The check for updates failed" in caplog.text)
    assert not window.banner.buttons


async def test_a_failed_update_check_is_repeated_after_half_an_hour(show_window: Any, set_update: Any) -> None:
    """Regression: it was repeated after a day."""
    addresses = set_update(UpdateError("the server could not be reached"))
    window = await show_window(updates_url=ADDRESS, check_updates=True)
    await until(lambda: addresses and window.updates.now() - window.updates._last_check[1] > updates.RETRY_S)
    window.updates.check_if_due()
    assert len(addresses) == 1
    now = window.updates.now()
    window.updates.now = lambda: now + updates.RETRY_S
    window.updates.check_if_due()
    await until(lambda: len(addresses) == 2)


async def test_a_newer_version_is_not_offered_after_the_feed_was_changed(show_window: Any, set_update: Any) -> None:
    set_update(NEWER)
    window = await show_window(updates_url=ADDRESS, check_updates=True)
    await until(lambda: window.banner.buttons)
    set_update(None)
    await window.companion.apply(replace(window.companion.settings, updates_url="https://other.example/latest"))
    assert not window.banner.isVisibleTo(window)
    window.updates._offer(ADDRESS, NEWER)
    assert not window.banner.isVisibleTo(window)


async def test_enabling_update_checks_runs_one_and_disabling_hides_the_banner(
    show_window: Any, set_update: Any
) -> None:
    addresses = set_update(NEWER)
    window = await show_window(updates_url=ADDRESS)
    companion: Companion = window.companion
    await companion.apply(replace(companion.settings, check_updates=True))
    await until(lambda: window.banner.buttons)
    await companion.apply(replace(companion.settings, updates_url="https://other.example/latest"))
    await until(lambda: addresses == [ADDRESS, "https://other.example/latest"])
    await companion.apply(replace(companion.settings, check_updates=False))
    assert not window.banner.isVisibleTo(window)
    assert len(addresses) == 2


# the project


async def test_a_release_links_to_the_readme_and_the_issues(
    window: MainWindow, opened_urls: list[str], monkeypatch: pytest.MonkeyPatch, qtbot: Any
) -> None:
    feed = "https://api.github.com/repos/someone/p2p-chat-companion/releases/latest"
    monkeypatch.setattr("app.system.updates.built_in_address", lambda: feed)
    dialog = window.open_about()
    qtbot.mouseClick(dialog.readme, LEFT)
    qtbot.mouseClick(dialog.issues, LEFT)
    page = "https://github.com/someone/p2p-chat-companion"
    assert opened_urls == [f"{page}#readme", f"{page}/issues"]
    dialog.close()


async def test_a_build_from_source_hides_the_project_links_and_opens_help(window: MainWindow, qtbot: Any) -> None:
    dialog = window.open_about()
    assert not dialog.readme.isVisible()
    assert not dialog.issues.isVisible()
    qtbot.mouseClick(dialog.manual, LEFT)
    assert not dialog.isVisible()
    assert (window.rooms.current, window.help.page) == (HELP, "index")


async def test_a_version_is_aligned_with_its_name(window: MainWindow) -> None:
    dialog = window.open_about()
    labels = dialog.findChildren(QLabel)
    index = next(number for number, label in enumerate(labels) if label.text() == "System")
    name, version = labels[index : index + 2]
    assert version.text() == dialog.versions["System"]
    assert (name.y(), name.height()) == (version.y(), version.height())
    for label in (name, version):
        label.setText("HH")
    assert first_ink(name) == first_ink(version)
    dialog.close()


def first_ink(label: QLabel) -> int:
    """Return the first row of pixels that has text."""
    picture = label.grab().toImage()
    background = picture.pixel(picture.width() - 1, picture.height() - 1)
    rows = range(picture.height())
    return next(y for y in rows if any(picture.pixel(x, y) != background for x in range(picture.width())))
