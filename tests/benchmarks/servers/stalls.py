"""Measure how long large tasks in the window block the event loop."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from time import perf_counter_ns, thread_time_ns

from PySide6.QtCore import QMimeData
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from app.companion import Companion
from app.endpoints.control.api import Api
from app.hub.journal import Kind
from app.hub.origin import PANEL
from app.protocol.errors import RequestError
from app.protocol.fixture import Fixture
from app.ui.room_registry import EVENTS, FIXTURES, ROOMS
from app.ui.widgets.line_edit import LineEdit
from app.ui.widgets.text_edit import TextEdit
from app.ui.window import MainWindow

SETTLE_NS = 100_000_000
"""Time for the window to paint before and after a task."""
ROW_BYTES, PASTE_BYTES, HUGE_BYTES = 1024 * 1024, 256 * 1024, 50_000_000
TEMPLATES, FIXTURE_COUNT = 10_000, 1_000

Work = Callable[[], Awaitable[object]]


async def measure(companion: Companion, name: str, rounds: int) -> dict[str, int]:
    """Run the tasks of ``name`` in the real window. Return the longest time between two loop iterations, in ns.

    ``cpu`` is the longest CPU time. Each task is run once per round, and its shortest stall counts.
    """
    (window,) = (each for each in QApplication.topLevelWidgets() if isinstance(each, MainWindow))
    scenario = Scenario(companion, window)
    found = [[await _stall(work) for work in await scenario.tasks(name)] for _ in range(rounds)]
    # Other load on the machine only makes a stall longer.
    shortest = [[min(times) for times in zip(*stalls, strict=True)] for stalls in zip(*found, strict=True)]
    still, cpu = (max(times) for times in zip(*shortest, strict=True))
    return {"still": still, "cpu": cpu}


async def _stall(work: Work) -> tuple[int, int]:
    """Return the longest time and the most CPU time of this thread between two loop iterations."""
    await asyncio.sleep(SETTLE_NS / 1e9)
    longest, last = 0, perf_counter_ns()
    most, used = 0, thread_time_ns()
    task = asyncio.ensure_future(work())
    end = 0
    while not end or last < end:
        await asyncio.sleep(0)
        now, cpu = perf_counter_ns(), thread_time_ns()
        longest, last = max(longest, now - last), now
        most, used = max(most, cpu - used), cpu
        if not end and task.done():
            end = now + SETTLE_NS
    await task
    return longest, most


class Scenario:
    """Prepares the tasks for each name."""

    def __init__(self, companion: Companion, window: MainWindow) -> None:
        self._companion = companion
        self._window = window

    async def tasks(self, name: str) -> list[Work]:
        """Return the tasks of a name, in order."""
        match name:
            case "paste":
                return self._pastes('{"event":"new_message","data":{"text":"' + "x" * (PASTE_BYTES - 43) + '"}}')
            case "huge":
                return self._pastes("x" * HUGE_BYTES)
            case "row":
                return self._rows()
            case "templates":
                return await self._templates()
            case "list":
                return await self._listing()
        return [partial(asyncio.sleep, 0.1)]

    def _pastes(self, text: str) -> list[Work]:
        """Return tasks that paste into each editor of the window."""
        for room in ROOMS:
            self._window.open_room(room.name)
        data = QMimeData()
        data.setText(text)
        QGuiApplication.clipboard().setText(text)

        def paste(editor: TextEdit) -> Work:
            async def work() -> None:
                editor.selectAll()
                editor.insertFromMimeData(data)

            return work

        def paste_line(editor: LineEdit) -> Work:
            async def work() -> None:
                editor.paste()

            return work

        editors = [each for each in self._window.findChildren(TextEdit) if not each.isReadOnly()]
        return [*map(paste, editors), *map(paste_line, self._window.findChildren(LineEdit))]

    def _rows(self) -> list[Work]:
        """Return tasks that open rows with a large payload in each tab of the details."""
        self._window.open_room(EVENTS)
        room = self._window.events
        many = json.dumps({"event": "new_message", "data": {"list": [{"a": n} for n in range(90_000)]}})
        for text in ("x" * ROW_BYTES, many, "ab cd\n" * (ROW_BYTES // 6)):
            self._companion.journal.append(
                Kind.TO_UI, "new_message", payload=text[:ROW_BYTES].encode(), client="all", origin=PANEL
            )
        rows = list(self._companion.journal)[-3:]

        def show(number: int, tab: int) -> Work:
            async def work() -> None:
                room.details.show_row(rows[number])
                room.details.tabs.setCurrentIndex(tab)

            return work

        return [show(number, tab) for number in range(3) for tab in range(room.details.tabs.count())]

    async def _templates(self) -> list[Work]:
        """Return tasks that open a fixture with too many templates, from its file and in the editor."""
        folder = self._folder()
        fixture = Fixture(event="new_message", data={"text": "{{me}}" * TEMPLATES})
        await asyncio.to_thread((folder / "templates.json").write_text, fixture.to_json())
        self._window.open_room(FIXTURES)
        room = self._window.fixtures
        room.choose(self._companion.fixtures.all[0].name)

        async def look_up() -> None:
            try:
                await self._companion.fixtures.look_up("templates")
            except RequestError:
                return
            raise AssertionError("the fixture was accepted")

        async def edit() -> None:
            room.form.editor.set_text(json.dumps({"event": fixture.event, "data": fixture.data}))

        return [look_up, edit]

    async def _listing(self) -> list[Work]:
        """Return tasks that list many fixtures, first uncached and then cached, in the API and the window."""
        folder = self._folder() / "many"

        def write() -> None:
            folder.mkdir(exist_ok=True)
            for number in range(FIXTURE_COUNT):
                text = "{{faker.paragraph}}" * 20 + f" {{{{me}}}} {number}"
                fixture = Fixture(event="new_message", data={"text": text}, title=f"Number {number}")
                (folder / f"{number}.json").write_text(fixture.to_json())

        await asyncio.to_thread(write)
        self._window.open_room(FIXTURES)
        api = Api(self._companion)

        async def list_all() -> None:
            found = await api.list_fixtures(None)  # type: ignore[arg-type]
            assert len(found.fixtures) > FIXTURE_COUNT, found.warnings[:3]

        return [list_all, list_all]

    def _folder(self) -> Path:
        folder = self._companion.fixtures.folder
        assert folder is not None
        folder.mkdir(parents=True, exist_ok=True)
        return folder
