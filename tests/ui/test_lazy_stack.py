from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication, QLabel, QWidget

from app.companion import Companion
from app.ui.widgets.lazy_stack import LazyStack
from app.ui.window import CHATS, EVENTS, INJECT, ROOMS
from tests.conftest import MakeCompanion, until
from tests.ui.conftest import Windows, forget

pytestmark = pytest.mark.usefixtures("all_rooms")


@pytest.fixture
def made() -> list[str]:
    return []


@pytest.fixture
def stack(qapp: object, made: list[str]) -> Iterator[LazyStack]:
    def maker(name: str) -> Callable[[], QWidget]:
        def make() -> QWidget:
            made.append(name)
            return QLabel(name)

        return make

    stack = LazyStack({name: maker(name) for name in "abc"})
    yield stack
    forget(stack)


def test_a_page_is_built_when_it_is_wanted_and_once(stack: LazyStack, made: list[str]) -> None:
    assert (made, stack.count()) == ([], 3)
    page = stack.page("b")
    assert isinstance(page, QLabel)
    assert stack.page("b") is page
    assert (made, stack.has("b"), stack.has("a"), stack.built) == (["b"], True, False, (page,))
    assert (stack.count(), stack.indexOf(page), stack.currentIndex()) == (3, 1, 0)


@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_what_is_shown_is_built_and_stays_when_others_are(stack: LazyStack, name: str) -> None:
    stack.show_page(name)
    assert stack.currentWidget() is stack.page(name)
    for other in "abc":
        stack.page(other)
        assert stack.current == name
    assert [stack.indexOf(stack.page(each)) for each in "abc"] == [0, 1, 2]


async def test_the_rest_is_built_while_there_is_nothing_else_to_do(stack: LazyStack, made: list[str]) -> None:
    stack.show_page("b")
    stack.build_the_rest()
    assert made == ["b"]
    await until(lambda: made == ["b", "a", "c"])
    assert stack.current == "b"


async def test_after_close_down_nothing_is_built_by_itself(stack: LazyStack, made: list[str]) -> None:
    stack.build_the_rest()
    stack.close_down()
    await until(lambda: not stack._idle.isActive())
    assert made == []


async def test_a_start_builds_the_room_that_it_shows(make_companion: MakeCompanion, windows: Windows) -> None:
    companion: Companion = await make_companion()
    window = windows(companion)
    assert [window.rooms.has(number) for number in (EVENTS, INJECT, CHATS)] == [True, False, False]
    window.recolor()
    window.open_room(INJECT)
    assert window.rooms.currentWidget() is window.inject
    assert not window.rooms.has(CHATS)


async def test_a_window_that_is_closed_at_once_remembers_the_columns_of_rooms_it_never_built(
    make_companion: MakeCompanion, windows: Windows
) -> None:
    companion: Companion = await make_companion()
    first = windows(companion)
    first.clients.table.setColumnWidth(0, 77)
    first.close_down()
    windows(companion).close_down()
    assert windows(companion).clients.table.columnWidth(0) == 77


class Shown(QObject):
    """Notes what is shown as a window of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.windows: list[QObject] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
            self.windows.append(watched)
        return False


async def test_no_room_flashes_up_while_it_is_built(
    make_companion: MakeCompanion, windows: Windows, qapp: QApplication
) -> None:
    companion: Companion = await make_companion()
    shown = Shown()
    qapp.installEventFilter(shown)
    try:
        window = windows(companion)
        for room in ROOMS:
            window.rooms.page(room.name)
        assert shown.windows == []
    finally:
        qapp.removeEventFilter(shown)
