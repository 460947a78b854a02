"""About, and the word of a newer version."""

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

Asked = list[str]


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[Release | Exception | None], Asked]:
    """``asked = answer(release)``: nobody is asked over the network; the addresses are in ``asked``."""

    def make(what: Release | Exception | None) -> Asked:
        asked: Asked = []

        async def look(address: str) -> Release | None:
            asked.append(address)
            if isinstance(what, Exception):
                raise what
            return what

        for module in (about, updates):
            monkeypatch.setattr(module, "look", look)
        return asked

    return make


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Addresses that the browser would have been sent to."""
    found: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: found.append(QUrl(url).toString()))
    return found


@pytest.fixture
def shown(windows: Windows, make_companion: MakeCompanion) -> Callable[..., Awaitable[MainWindow]]:
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


async def test_it_shows_versions_and_the_licence_of_everything_inside(window: MainWindow) -> None:
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


async def test_its_versions_are_copied_for_a_report(window: MainWindow, qtbot: Any) -> None:
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
    assert not dialog.texts.isVisible(), "the texts lie in a bundle only"
    dialog.close()


async def test_a_manual_update_check_shows_its_result(
    shown: Any, answer: Any, opened: list[str], qtbot: Any
) -> None:
    asked = answer(NEWER)
    window = await shown(updates_url=ADDRESS)
    dialog = window.open_about()
    qtbot.mouseClick(dialog.check, LEFT)
    await until(dialog.release_page.isVisible)
    assert asked == [ADDRESS]
    assert dialog.update_status.text() == "Version 9.9.9 is available."
    assert opened == []
    qtbot.mouseClick(dialog.release_page, LEFT)
    assert opened == [NEWER.page]
    dialog.close()


@pytest.mark.parametrize(
    ("heard", "text"),
    [
        (None, f"{__version__} is the latest version."),
        (UpdateError("no response within 10 s"), "The check for updates failed: no response within 10 s."),
    ],
)
async def test_no_news_and_no_answer(shown: Any, answer: Any, qtbot: Any, heard: Any, text: str) -> None:
    answer(heard)
    dialog = (await shown(updates_url=ADDRESS)).open_about()
    qtbot.mouseClick(dialog.check, LEFT)
    await until(lambda: dialog.update_status.text() == text)
    assert dialog.check.isEnabled()
    assert not dialog.release_page.isVisible()
    dialog.close()


async def test_closed_while_it_asks_it_is_left_alone(shown: Any, answer: Any, qtbot: Any) -> None:
    asked = answer(NEWER)
    dialog = (await shown(updates_url=ADDRESS)).open_about()
    qtbot.mouseClick(dialog.check, LEFT)
    dialog.close()
    await until(lambda: asked)


# by itself


async def test_automatic_update_checks_are_off_by_default(shown: Any, answer: Any) -> None:
    asked = answer(NEWER)
    window = await shown(updates_url=ADDRESS)
    window.updates.check_if_due()
    assert asked == []
    assert not window.banner.isVisible()


async def test_a_newer_version_is_shown_in_the_banner_but_the_page_opens_only_on_click(
    shown: Any, answer: Any, opened: list[str], qtbot: Any
) -> None:
    asked = answer(NEWER)
    window = await shown(updates_url=ADDRESS, check_updates=True)
    await until(lambda: window.banner.buttons)
    assert asked == [ADDRESS]
    assert window.banner.text.text() == f"Version 9.9.9 is available. You have {__version__}."
    assert opened == []
    qtbot.mouseClick(window.banner.buttons[0], LEFT)
    assert opened == [NEWER.page]


async def test_it_asks_over_the_network_on_the_windows_own_loop(shown: Any) -> None:
    """The one test here that asks for real: names, sockets and threads work beside Qt."""

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"tag_name": "v9.9.9", "html_url": NEWER.page})

    server = web.Application()
    server.router.add_get("/latest", answer)
    runner = web.AppRunner(server)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    window = await shown(updates_url=f"http://localhost:{runner.addresses[0][1]}/latest", check_updates=True)
    await until(lambda: window.banner.buttons)
    assert window.banner.text.text() == f"Version 9.9.9 is available. You have {__version__}."
    await runner.cleanup()


async def test_it_asks_once_a_day(shown: Any, answer: Any) -> None:
    asked = answer(None)
    window = await shown(updates_url=ADDRESS, check_updates=True)
    await until(lambda: len(asked) == 1)
    window.updates.check_if_due()
    now = window.updates.now()
    window.updates.now = lambda: now + updates.A_DAY_S - 60
    window.updates.check_if_due()
    assert len(asked) == 1
    window.updates.now = lambda: now + updates.A_DAY_S + 1
    window.updates.check_if_due()
    await until(lambda: len(asked) == 2)


async def test_a_failed_automatic_update_check_is_logged_but_not_shown(
    shown: Any, answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="app.ui.updates")
    answer(UpdateError("the server could not be reached (ClientConnectorError)"))
    window = await shown(updates_url=ADDRESS, check_updates=True)
    await until(lambda: "The check for updates failed" in caplog.text)
    assert not window.banner.buttons


async def test_enabling_update_checks_checks_at_once_and_disabling_hides_the_banner(
    shown: Any, answer: Any
) -> None:
    asked = answer(NEWER)
    window = await shown(updates_url=ADDRESS)
    companion: Companion = window.companion
    await companion.apply(replace(companion.settings, check_updates=True))
    await until(lambda: window.banner.buttons)
    await companion.apply(replace(companion.settings, updates_url="https://other.example/latest"))
    await until(lambda: asked == [ADDRESS, "https://other.example/latest"])
    await companion.apply(replace(companion.settings, check_updates=False))
    assert not window.banner.isVisibleTo(window)
    assert len(asked) == 2


# the project


async def test_a_release_links_to_the_readme_and_the_issues(
    window: MainWindow, opened: list[str], monkeypatch: pytest.MonkeyPatch, qtbot: Any
) -> None:
    feed = "https://api.github.com/repos/someone/p2p-chat-companion/releases/latest"
    monkeypatch.setattr("app.system.updates.built_in_address", lambda: feed)
    dialog = window.open_about()
    qtbot.mouseClick(dialog.readme, LEFT)
    qtbot.mouseClick(dialog.issues, LEFT)
    page = "https://github.com/someone/p2p-chat-companion"
    assert opened == [f"{page}#readme", f"{page}/issues"]
    dialog.close()


async def test_a_build_from_source_knows_no_page_of_the_project_and_opens_help(
    window: MainWindow, qtbot: Any
) -> None:
    dialog = window.open_about()
    assert not dialog.readme.isVisible()
    assert not dialog.issues.isVisible()
    qtbot.mouseClick(dialog.manual, LEFT)
    assert not dialog.isVisible()
    assert (window.rooms.current, window.help.page) == (HELP, "index")


async def test_a_version_stands_on_the_line_of_its_name(window: MainWindow) -> None:
    dialog = window.open_about()
    labels = dialog.findChildren(QLabel)
    place = next(number for number, label in enumerate(labels) if label.text() == "System")
    name, version = labels[place : place + 2]
    assert version.text() == dialog.versions["System"]
    assert (name.y(), name.height()) == (version.y(), version.height())
    for label in (name, version):
        label.setText("HH")
    assert first_ink(name) == first_ink(version)
    dialog.close()


def first_ink(label: QLabel) -> int:
    """Return the first row of pixels that has text."""
    picture = label.grab().toImage()
    ground = picture.pixel(picture.width() - 1, picture.height() - 1)
    rows = range(picture.height())
    return next(y for y in rows if any(picture.pixel(x, y) != ground for x in range(picture.width())))
