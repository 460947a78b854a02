"""The dialog that asks for a name."""

from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QDialogButtonBox, QWidget

from app.protocol.fixture import BadFixture
from app.ui.widgets.name_dialog import NameDialog
from tests.conftest import until

Show = Callable[[QWidget], None]
SAVE, CANCEL = QDialogButtonBox.StandardButton.Save, QDialogButtonBox.StandardButton.Cancel


def check_name(name: str) -> str:
    if name == "reserved":
        raise BadFixture("reserved exists already")
    return "existing exists: it will be replaced." if name == "existing" else ""


@pytest.fixture
def dialog(show: Show) -> NameDialog:
    parent = QWidget()
    show(parent)
    dialog = NameDialog(parent, "Save as", "mine/typing", check_name)
    dialog.open()
    return dialog


@pytest.fixture
def chosen(dialog: NameDialog) -> list[str]:
    chosen: list[str] = []
    dialog.chosen.connect(chosen.append)
    return chosen


async def test_the_offered_name_can_be_overwritten_immediately(
    dialog: NameDialog, chosen: list[str], qtbot: Any
) -> None:
    assert dialog.windowTitle() == "Save as"
    await until(dialog.name.hasFocus)
    qtbot.keyClicks(dialog.name, " bugs/late typing ")
    qtbot.keyClick(dialog.name, Qt.Key.Key_Return)
    assert chosen == ["bugs/late typing"]
    assert not dialog.isVisible()


@pytest.mark.parametrize(
    "name", ["", "   ", "/", "a//b", "../up", "a/b/c/d", "a\\b", ".hidden", "con", "x" * 61, "a:b"]
)
async def test_an_invalid_name_is_reported_while_typing_and_rejected(
    dialog: NameDialog, chosen: list[str], qtbot: Any, name: str
) -> None:
    dialog.name.setText(name)
    assert dialog.problem.isVisible()
    assert dialog.problem.text()
    assert not dialog.buttons.button(SAVE).isEnabled()
    qtbot.keyClick(dialog.name, Qt.Key.Key_Return)
    assert dialog.isVisible()
    assert chosen == []


@pytest.mark.parametrize("name", ["a", "Übermut (2)", "a/b/c", "v1.2", "x" * 60, "a+b_c-d"])
async def test_a_valid_name_is_accepted(dialog: NameDialog, chosen: list[str], qtbot: Any, name: str) -> None:
    dialog.name.setText(name)
    assert not dialog.problem.isVisible()
    qtbot.mouseClick(dialog.buttons.button(SAVE), Qt.MouseButton.LeftButton)
    assert chosen == [name]


async def test_an_existing_name_shows_a_warning_and_is_accepted(
    dialog: NameDialog, chosen: list[str], qtbot: Any
) -> None:
    dialog.name.setText("existing")
    assert dialog.problem.text() == "existing exists: it will be replaced."
    qtbot.keyClick(dialog.name, Qt.Key.Key_Return)
    assert chosen == ["existing"]


async def test_what_appears_under_the_name_while_the_dialog_is_open_is_replaced_only_after_a_warning(
    show: Show, qtbot: Any
) -> None:
    parent, existing, reserved = QWidget(), set[str](), set[str]()

    def check(name: str) -> str:
        if name in reserved:
            raise BadFixture(f"{name} is in use")
        return f"{name} will be replaced." if name in existing else ""

    show(parent)
    dialog = NameDialog(parent, "Save as", "mine/a", check)
    chosen: list[str] = []
    dialog.chosen.connect(chosen.append)
    dialog.open()
    reserved.add("mine/a")
    qtbot.mouseClick(dialog.buttons.button(SAVE), Qt.MouseButton.LeftButton)
    assert dialog.problem.text() == "Mine/a is in use"
    assert not dialog.buttons.button(SAVE).isEnabled()
    reserved.clear()
    dialog.name.setText("mine/b")
    existing.add("mine/b")
    qtbot.mouseClick(dialog.buttons.button(SAVE), Qt.MouseButton.LeftButton)
    assert dialog.problem.text() == "mine/b will be replaced."
    assert (dialog.isVisible(), chosen) == (True, [])
    qtbot.mouseClick(dialog.buttons.button(SAVE), Qt.MouseButton.LeftButton)
    assert (dialog.isVisible(), chosen) == (False, ["mine/b"])


async def test_a_name_that_is_free_again_is_accepted_without_another_click(show: Show, qtbot: Any) -> None:
    parent, existing = QWidget(), {"mine/a"}
    show(parent)
    dialog = NameDialog(
        parent, "Save as", "mine/a", lambda name: "It will be replaced." if name in existing else ""
    )
    chosen: list[str] = []
    dialog.chosen.connect(chosen.append)
    dialog.open()
    existing.clear()
    qtbot.mouseClick(dialog.buttons.button(SAVE), Qt.MouseButton.LeftButton)
    assert chosen == ["mine/a"]


async def test_a_name_that_must_not_be_replaced_is_rejected(
    dialog: NameDialog, chosen: list[str], qtbot: Any
) -> None:
    dialog.name.setText("reserved")
    assert dialog.problem.text() == "Reserved exists already"
    assert not dialog.buttons.button(SAVE).isEnabled()


async def test_escape_and_cancel_choose_nothing(dialog: NameDialog, chosen: list[str], qtbot: Any) -> None:
    qtbot.keyClick(dialog.name, Qt.Key.Key_Escape)
    assert not dialog.isVisible()
    assert chosen == []


async def test_the_controls_of_the_dialog_have_names(dialog: NameDialog) -> None:
    assert dialog.name.accessibleName() == "Name of the fixture"
    assert dialog.problem.accessibleName() == "Problem"
    assert dialog.buttons.button(CANCEL).text().replace("&", "") == "Cancel"


async def test_a_long_problem_is_shown_in_full_and_without_python_notation(dialog: NameDialog) -> None:
    before = dialog.height()
    for name in ("bad/../..\\x", "b" * 61 + "/c", "bad/../..\\x"):
        dialog.name.setText(name)
        QApplication.processEvents()
        assert f"'{name}'" in dialog.problem.text()
        assert dialog.problem.height() >= dialog.problem.heightForWidth(dialog.problem.width())
        assert dialog.rect().contains(dialog.buttons.geometry())
    assert dialog.height() > before
