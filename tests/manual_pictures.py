"""Takes the pictures of the manual and the animation of README, from the real window with real clients.

The ports 8080 and 8081 must be free. A font with emoji should be installed (``fonts-noto-color-emoji``).
"""

import asyncio
import json
import struct
import tempfile
import urllib.request
import zlib
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QBuffer, QIODevice
from PySide6.QtGui import QImage, QPainter, qRgb
from PySide6.QtWidgets import QApplication, QWidget
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from app.companion import Companion
from app.hub.held_items import BreakpointOptions
from app.hub.origin import PANEL
from app.hub.target import ALL
from app.protocol.envelope import Envelope
from app.system.control_token import Token
from app.system.paths import Folders
from app.system.settings import Settings
from app.ui import theme
from app.ui.fire_bar_window import FireBarWindow
from app.ui.room_registry import CONTRACT, FAULTS, SCENARIOS, SOURCES, UI_STATE
from app.ui.rooms.sources import PEER_TAB
from app.ui.widgets.held_strip import EDIT
from app.ui.window import CHATS, CLIENTS, EVENTS, FIXTURES, HELP, INJECT, SETTINGS, MainWindow
from tests.lab_runs import FIREFOX, shown_run
from tests.source_pictures import real_traffic

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "resources" / "help" / "pictures"
ANIMATION = ROOT / ".github" / "pictures" / "tour.png"
SIZE = (1000, 640)
WIDE = (1280, 720)
FRAME_S = 2.5
ORIGIN = Origin("http://localhost:1420")
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36"
SHOWN_FOLDER = Path("/home/you/.local/share/p2p-chat-companion")

SCENARIO = """# Lunch with alice
seed 7

alice comes online
alice (types 500ms): Lunch at twelve? 🍜
expect typing from me within 2s
expect mark_read where peer=alice within 500ms
when POST /messages where to=alice
    wait 800ms
    alice (types 1.5s): 👍 See you there!
wait 2s
bob (types 3s): May I join?
note Both chats are unread now.
bob goes offline
"""


async def take_manual_pictures(app: QApplication) -> None:
    """Write all pictures of the manual, and the animation."""
    theme.apply(app, "light")
    with tempfile.TemporaryDirectory() as folder:
        companion = Companion(Settings(prime_browsers=False))
        shown_folders = Folders(SHOWN_FOLDER, SHOWN_FOLDER, SHOWN_FOLDER, Path(folder))
        window = MainWindow(shown_folders).fill(companion)
        window.resize(*SIZE)
        window.show()
        for service in ("events", "rest"):
            if not await companion.start_service(service):
                raise SystemExit(companion.services[service].error)
        friends = companion.services["rest"].server.url + "/friends"
        await asyncio.to_thread(lambda: urllib.request.urlopen(friends).read())  # the first request is slow
        window.settings.show_token(Token("", "keyring"))
        try:
            await _take_pictures(companion, window)
        finally:
            window.close_down()
            await companion.close()
            window.hide()


async def _take_pictures(companion: Companion, window: MainWindow) -> None:
    url = companion.server.url
    async with connect(url, origin=ORIGIN, user_agent_header=BROWSER) as ui:
        tour: list[QImage] = []
        window.open_room(INJECT)
        window.inject.bar.expect.choice.setCurrentText("POST /messages")
        tour.append(await _grab(window))
        for event in ("friend_online", "typing"):
            data = {"username": "alice"} | ({"typing": True} if event == "typing" else {})
            await companion.fire(Envelope(event, data), origin=PANEL)
        panel = window.inject.event_panel("new_message")
        assert panel is not None
        form = panel.form()
        form.field("text").set_value("Are you coming on Friday?")
        tour.append(await _grab(window))
        window.inject.bar.fire()
        await _answer(companion, ui, "Of course! Who else is coming?")
        tour.append(await _grab(window))
        _save(tour[-1], "inject")

        window.open_room(EVENTS)
        await asyncio.sleep(0.2)
        model = window.events.model
        lines = range(model.rowCount())
        window.events.table.selectRow(next(line for line in lines if model.row(line).event == "new_message"))
        tour.append(await _grab(window))
        _save(tour[-1], "events")

        await _breakpoints(companion, window)

        window.open_room(CHATS)
        tour.append(await _grab(window))
        _save(tour[-1], "chats")

        await _ui_state(companion, window)

        palette = window.open_palette()
        palette.search.setText("typ")
        _save(await _grab(palette), "palette")
        palette.close()

        bar = FireBarWindow(companion, window.memory, lambda _: None)
        bar.present()
        _save(await _grab(bar), "fire-bar")
        bar.close_down()
        bar.hide()

        window.open_room(FIXTURES)
        await asyncio.sleep(0.2)
        window.fixtures.choose("nasty/rtl")
        window.fixtures.bar.expect.choice.setCurrentText("mark_read")
        window.fixtures.bar.fire()
        await asyncio.sleep(0.05)
        await ui.send(json.dumps({"event": "mark_read", "data": {"peer": "alice", "msg_id": "1"}}))
        _save(await _grab(window), "fixtures")

        await _scenarios(companion, window, ui)
        await _contract(companion, window, ui)
        await _faults(companion, window)
        await _sources(companion, window)

        window.open_room(SETTINGS)
        _save(await _grab(window), "settings")

        window.open_room(HELP)
        window.help.search.setText("filter")
        window.help.pages.choose_current()
        _save(await _grab(window), "help")

        async with connect(url + "?username=alice", user_agent_header="companion-listen/0.1.0"):
            with suppress(InvalidStatus):
                await connect(url, origin=Origin("http://localhost:5173"))
            window.open_room(CLIENTS)
            await asyncio.sleep(0.8)
            window.clients.table.selectRow(0)
            window.banner.remove_notice("refused")
            _save(await _grab(window), "clients")
        async with connect(url, origin=ORIGIN, user_agent_header=FIREFOX):
            lab = window.reconnect_windows.lab
            window.reconnect_windows.open_lab()
            lab.show_run(shown_run(ORIGIN, FIREFOX))
            lab.browser.choose(companion.hub.clients[-1])
            _save(await _grab(lab), "reconnect-lab")
            lab.close()
    ANIMATION.parent.mkdir(exist_ok=True)
    ANIMATION.write_bytes(animated(tour))


async def _answer(companion: Companion, ui: ClientConnection, text: str) -> None:
    """Answer as the UI does: send typing, then post a message."""
    await asyncio.sleep(0.3)
    await ui.send(json.dumps({"event": "typing", "data": {"to": "alice", "typing": True}}))
    await asyncio.sleep(0.1)
    await call(companion, "/messages", {"to": "alice", "text": text})


async def call(companion: Companion, path: str, body: object = None) -> None:
    """Send a REST request as the page of the UI does."""
    headers = {"Content-Type": "application/json", "Origin": ORIGIN, "User-Agent": BROWSER}
    content = json.dumps(body).encode() if body else None
    request = urllib.request.Request(companion.services["rest"].server.url + path, content, headers)
    await asyncio.to_thread(lambda: urllib.request.urlopen(request).read())


async def _breakpoints(companion: Companion, window: MainWindow) -> None:
    """Take a picture of a held message that is edited above the log."""
    window.events.table.clearSelection()
    companion.breakpoints.add(BreakpointOptions(filter="event:new_message"))
    await companion.fire(companion.message_from("alice", "Lunch at twelve?"), origin=PANEL)
    await asyncio.sleep(0.2)
    assert window.events.held
    window.events.held.table.selectRow(0)
    window.events.held.trigger(EDIT)
    _save(await _grab(window), "breakpoints")
    companion.breakpoints.drop()
    companion.breakpoints.clear()
    await asyncio.sleep(0.2)


async def _ui_state(companion: Companion, window: MainWindow) -> None:
    """Take the picture of UI state, in a window that is wide enough for the preview."""
    for path in ("/status", "/friends", "/messages?peer=alice&limit=50&offset=0"):
        await call(companion, path)
    window.resize(*WIDE)
    window.open_room(UI_STATE)
    await companion.fire(companion.message_from("bob", "The build is green"), origin=PANEL)
    await companion.fire(Envelope("typing", {"username": "alice", "typing": True}), origin=PANEL)
    await companion.fire(companion.message_from("bob", "Shall we ship it?"), origin=PANEL)
    await asyncio.sleep(0.6)
    _save(await _grab(window), "ui-state")
    window.resize(*SIZE)


async def _scenarios(companion: Companion, window: MainWindow, ui: ClientConnection) -> None:
    """Take the picture of a scenario while it runs."""
    window.open_room(SCENARIOS)
    await asyncio.sleep(0.2)
    window.scenarios.write(SCENARIO)
    window.scenarios.controls.run()
    await asyncio.sleep(1)
    await ui.send(json.dumps({"event": "typing", "data": {"to": "alice", "typing": True}}))
    await asyncio.sleep(1.5)
    window.scenarios.form.editor.go_to(7)
    _save(await _grab(window), "scenarios")
    window.scenarios.fire_or_stop()


async def _contract(companion: Companion, window: MainWindow, ui: ClientConnection) -> None:
    """Take the picture of the rules, with a UI that sends ``typing`` on every key."""
    for typing in (True, True, True, False):
        await ui.send(json.dumps({"event": "typing", "data": {"to": "alice", "typing": typing}}))
    await asyncio.sleep(0.2)
    await companion.contract_lint.catch_up()
    window.open_room(CONTRACT)
    await asyncio.sleep(0.5)
    window.contract.show_rule("typing-repeated")
    _save(await _grab(window), "contract")


async def _faults(companion: Companion, window: MainWindow) -> None:
    """Take the picture of a profile, with faults that have acted."""
    window.open_room(FAULTS)
    window.faults.choose("flaky-cafe")
    companion.faults.arm_profile(ALL, companion.profiles.find("flaky-cafe"), 7)
    for typing in (True, False) * 20:
        await companion.fire(Envelope("typing", {"username": "bob", "typing": typing}), origin=PANEL)
    await asyncio.sleep(0.5)
    _save(await _grab(window), "faults")
    companion.faults.clear_all()


async def _sources(companion: Companion, window: MainWindow) -> None:
    """Take the pictures of the sources and of the peers."""
    async with real_traffic(companion):
        window.open_room(SOURCES)
        window.sources.page.cards["peers"].test.click()
        await asyncio.sleep(0.3)
        _save(await _grab(window), "sources")
        window.sources.open_page(PEER_TAB)
        window.sources.peers.choose("ben")
        _save(await _grab(window), "sources-peers")


async def _grab(widget: QWidget) -> QImage:
    """Return a picture of a widget. Transparent corners get the colour of the window."""
    await asyncio.sleep(0.4)
    picture = widget.grab()
    whole = QImage(picture.size(), QImage.Format.Format_RGB32)
    whole.setDevicePixelRatio(picture.devicePixelRatio())
    whole.fill(theme.colors().window)
    painter = QPainter(whole)
    painter.drawPixmap(0, 0, picture)
    painter.end()
    return whole


def _save(image: QImage, name: str) -> None:
    (PICTURES / f"{name}.png").write_bytes(_png(image, _frequent([image])))


def _frequent(images: Sequence[QImage]) -> list[int]:
    """Return the 256 most frequent colours. A picture with only these colours is small and looks the same."""
    seen: Counter[int] = Counter()
    for image in images:
        seen.update(memoryview(image.convertToFormat(QImage.Format.Format_RGB32).constBits()).cast("I"))
    return [qRgb(each >> 16 & 255, each >> 8 & 255, each & 255) for each, _ in seen.most_common(256)]


def _png(image: QImage, colors: Sequence[int]) -> bytes:
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.convertToFormat(QImage.Format.Format_Indexed8, colors).save(buffer, "PNG", 0)  # type: ignore[call-overload]  # the stubs want bytes
    return bytes(buffer.data().data())


def animated(images: Sequence[QImage]) -> bytes:
    """Return an animated PNG that repeats forever. Programs without animations show its first frame."""
    colors = _frequent(images)
    frames = [_chunks(_png(image, colors)) for image in images]
    head = [each for each in frames[0] if each[0] in (b"IHDR", b"PLTE")]
    parts = [head[0], (b"acTL", struct.pack(">II", len(frames), 0)), *head[1:]]
    number = 0
    for index, frame in enumerate(frames):
        control = struct.pack(">IIIIIHHBB", number, *_size(frame), 0, 0, round(FRAME_S * 1000), 1000, 0, 0)
        parts.append((b"fcTL", control))
        number += 1
        for kind, data in frame:
            if kind == b"IDAT" and index:
                parts.append((b"fdAT", struct.pack(">I", number) + data))
                number += 1
            elif kind == b"IDAT":
                parts.append((kind, data))
    parts.append((b"IEND", b""))
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    found, position = [], 8
    while position < len(png):
        (length,) = struct.unpack_from(">I", png, position)
        found.append((png[position + 4 : position + 8], png[position + 8 : position + 8 + length]))
        position += length + 12
    return found


def _size(frame: Sequence[tuple[bytes, bytes]]) -> tuple[int, int]:
    width, height = struct.unpack_from(">II", dict(frame)[b"IHDR"])
    return width, height
