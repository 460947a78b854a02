"""The lists of combo boxes that follow clients and personas do not change while they are open."""

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QWidget

from app.companion import Companion
from app.hub.target import Target
from app.protocol.ui_stores import Flavour
from app.ui.widgets.browser_box import BrowserBox
from app.ui.widgets.fields import NameField
from app.ui.widgets.open_list import OpenList
from app.ui.widgets.state_head import StateHead
from app.ui.widgets.target_box import TargetBox
from tests.conftest import Connect, until

LEFT = Qt.MouseButton.LeftButton
Show = Callable[[QWidget], None]


def texts(box: QComboBox) -> list[str]:
    return [box.itemText(line) for line in range(box.count())]


async def test_the_chosen_entry_is_the_one_that_was_under_the_pointer(
    companion: Companion, connect_client: Connect, show: Show, qtbot: Any
) -> None:
    await connect_client("anna")
    box = TargetBox(companion)
    show(box)
    box.showPopup()
    view = box.view()
    place = view.visualRect(box.model().index(2, 0)).center()
    qtbot.mouseMove(view.viewport(), place)
    before = texts(box)
    assert before[2] == "1 · anna"
    await connect_client("aaa")
    box.follow_clients()
    assert (texts(box), view.currentIndex().row()) == (before, 2)
    qtbot.mouseClick(view.viewport(), LEFT, pos=place)
    assert box.currentText() == "1 · anna"
    await until(lambda: len(texts(box)) == 5)
    assert box.target == Target(clients=frozenset({1}))


async def test_a_change_waits_until_the_list_is_closed(show: Show, qtbot: Any) -> None:
    box = QComboBox()
    box.addItems(["a", "b"])
    show(box)
    open_list = OpenList(box)

    def replace_with(*names: str) -> None:
        box.clear()
        box.addItems(names)

    open_list.when_closed(lambda: replace_with("b", "c"))
    assert texts(box) == ["b", "c"]
    for key, chosen in ((Qt.Key.Key_Return, "c"), (Qt.Key.Key_Escape, "b")):
        replace_with("b", "c")
        box.showPopup()
        open_list.when_closed(lambda: replace_with("first"))
        open_list.when_closed(lambda: box.insertItem(0, "a"))
        qtbot.keyClick(box.view(), Qt.Key.Key_Down)
        qtbot.keyClick(box.view(), key)
        assert box.currentText() == chosen
        await until(lambda: texts(box) == ["a", "b", "c"])
        assert box.currentText() == chosen


async def test_all_lists_that_follow_clients_and_personas_wait(
    companion: Companion, connect_client: Connect, show: Show, subtests: Any
) -> None:
    await connect_client("bob")
    names, browsers, head = NameField("peer", ["alice"]), BrowserBox(), StateHead(companion, Flavour.GUIDE)
    browsers.show_clients(companion.hub.clients)

    async def rename() -> None:
        names.set_names(["aaa", "alice"])

    async def disconnect() -> None:
        browsers.show_clients([])

    async def connect() -> None:
        await connect_client("aaa")

    for widget, box, change in (
        (names, names.box, rename),
        (browsers, browsers, disconnect),
        (head, head.clients, connect),
    ):
        with subtests.test(type(widget).__name__):
            show(widget)
            before = texts(box)
            box.showPopup()
            await change()
            assert texts(box) == before
            box.hidePopup()
            await until(lambda box=box, before=before: texts(box) != before)
    head.close_down()
