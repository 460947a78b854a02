from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from typing_extensions import override

from app.companion import Companion
from app.ui.widgets.lazy_stack import LazyStack
from app.ui.window import CHATS, EVENTS, INJECT, ROOMS
from tests.conftest import MakeCompanion, until
from tests.ui.conftest import Windows, destroy_now

pytestmark = pytest.mark.usefixtures("all_rooms")


@pytest.fixture
def built() -> list[str]:
    return []


@pytest.fixture
def stack(qapp: object, built: list[str]) -> Iterator[LazyStack]:
    def builder(name: str) -> Callable[[], QWidget]:
        def make() -> QWidget:
            built.append(name)
            return QLabel(name)

        return make

    stack = LazyStack({name: builder(name) for name in "abc"})
    yield stack
    destroy_now(stack)


def test_a_page_is_built_once_when_it_is_requested(stack: LazyStack, built: list[str]) -> None:
    assert (built, stack.count()) == ([], 3)
    page = stack.page("b")
    assert isinstance(page, QLabel)
    assert stack.page("b") is page
    assert (built, stack.has("b"), stack.has("a"), stack.built) == (["b"], True, False, (page,))
    assert (stack.count(), stack.indexOf(page), stack.currentIndex()) == (3, 1, 0)


@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_the_shown_page_stays_current_when_others_are_built(stack: LazyStack, name: str) -> None:
    stack.show_page(name)
    assert stack.currentWidget() is stack.page(name)
    for other in "abc":
        stack.page(other)
        assert stack.current == name
    assert [stack.indexOf(stack.page(each)) for each in "abc"] == [0, 1, 2]


async def test_the_other_pages_are_built_while_the_loop_is_idle(stack: LazyStack, built: list[str]) -> None:
    stack.show_page("b")
    stack.build_the_rest()
    assert built == ["b"]
    await until(lambda: built == ["b", "a", "c"])
    assert stack.current == "b"


async def test_a_page_that_cannot_be_built_is_tried_once(qtbot: Any) -> None:
    tried: list[str] = []

    def fail() -> QWidget:
        tried.append("a")
        raise ValueError("broken")

    stack = LazyStack({"a": fail, "b": lambda: QLabel("b")})
    with qtbot.capture_exceptions() as errors:
        stack.build_the_rest()
        await until(lambda: not stack._idle.isActive())
    assert (len(errors), tried, stack.has("b")) == (1, ["a"], True)
    destroy_now(stack)


async def test_a_page_on_demand_is_built_only_when_it_is_used(built: list[str]) -> None:
    def make() -> QWidget:
        built.append("made")
        return QLabel("page")

    stack = LazyStack({"a": make, "b": make}, on_demand=["b"])
    stack.build_the_rest()
    await until(lambda: built and not stack._idle.isActive())
    assert (stack.has("a"), stack.has("b")) == (True, False)
    stack.show_page("b")
    assert stack.has("b")
    destroy_now(stack)


async def test_after_close_down_no_pages_are_built(stack: LazyStack, built: list[str]) -> None:
    stack.build_the_rest()
    stack.close_down()
    await until(lambda: not stack._idle.isActive())
    assert built == []


async def test_a_window_builds_only_the_shown_room(make_companion: MakeCompanion, windows: Windows) -> None:
    companion: Companion = await make_companion()
    window = windows(companion)
    assert [window.rooms.has(number) for number in (CHATS, INJECT, EVENTS)] == [True, False, False]
    window.recolor()
    window.open_room(INJECT)
    assert window.rooms.currentWidget() is window.inject
    assert not window.rooms.has(EVENTS)


async def test_column_widths_of_rooms_that_were_not_built_are_kept(
    make_companion: MakeCompanion, windows: Windows
) -> None:
    companion: Companion = await make_companion()
    first = windows(companion)
    first.clients.table.setColumnWidth(0, 77)
    first.close_down()
    windows(companion).close_down()
    assert windows(companion).clients.table.columnWidth(0) == 77


class ShowRecorder(QObject):
    """Records the widgets that are shown as windows."""

    def __init__(self) -> None:
        super().__init__()
        self.windows: list[QObject] = []

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
            self.windows.append(watched)
        return False


async def test_no_room_is_shown_as_a_window_while_it_is_built(
    make_companion: MakeCompanion, windows: Windows, qapp: QApplication
) -> None:
    companion: Companion = await make_companion()
    recorder = ShowRecorder()
    qapp.installEventFilter(recorder)
    try:
        window = windows(companion)
        for room in ROOMS:
            window.rooms.page(room.name)
        assert window.events.build_next_part()
        assert recorder.windows == []
    finally:
        qapp.removeEventFilter(recorder)
