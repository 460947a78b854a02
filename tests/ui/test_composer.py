"""Writing as a friend: the guide's debounce, and what is sent."""

from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from app.protocol.constants import TYPING_DEBOUNCE_MS
from app.ui.widgets.composer import Composer
from tests.conftest import until

LEFT = Qt.MouseButton.LeftButton
ENTER = Qt.Key.Key_Return
Said = list[bool | str]


@pytest.fixture
def composer(show: Callable[[QWidget], None]) -> Composer:
    composer = Composer()
    composer.write_as("alice")
    show(composer)
    return composer


@pytest.fixture
def said(composer: Composer) -> Said:
    said: Said = []
    composer.typing.connect(said.append)
    composer.sent.connect(said.append)
    return said


def test_the_placeholder_shows_the_friend_that_sends_the_message(composer: Composer) -> None:
    assert composer.line.placeholderText() == "Write as alice …"
    assert composer.line.accessibleName() == "Write as this friend"
    assert composer.button.accessibleName() == "Send as this friend"


def test_its_debounce_is_the_guides(composer: Composer) -> None:
    assert composer._idle.interval() == composer._cooldown.interval() == TYPING_DEBOUNCE_MS == 1000


def test_the_first_key_signals_typing_once(composer: Composer, said: Said, qtbot: Any) -> None:
    qtbot.keyClicks(composer.line, "H")
    assert said == [True]
    qtbot.keyClicks(composer.line, "i there")
    assert said == [True]


async def test_typing_is_signalled_again_after_the_cooldown(composer: Composer, said: Said, qtbot: Any) -> None:
    composer._cooldown.setInterval(5)
    qtbot.keyClicks(composer.line, "a")
    await until(lambda: not composer._cooldown.isActive())
    qtbot.keyClicks(composer.line, "b")
    assert said == [True, True]


async def test_typing_ends_some_time_after_the_last_key_and_begins_anew(
    composer: Composer, said: Said, qtbot: Any
) -> None:
    composer._idle.setInterval(5)
    qtbot.keyClicks(composer.line, "a")
    await until(lambda: False in said)
    qtbot.keyClicks(composer.line, "b")
    assert said == [True, False, True]


def test_every_key_puts_the_end_off(composer: Composer, said: Said, qtbot: Any) -> None:
    qtbot.keyClicks(composer.line, "a")
    composer._idle.setInterval(60_000)
    qtbot.keyClicks(composer.line, "b")
    assert composer._idle.remainingTime() > TYPING_DEBOUNCE_MS


@pytest.mark.parametrize("by", ["key", "button"])
def test_sending_ends_the_typing_first(composer: Composer, said: Said, qtbot: Any, by: str) -> None:
    qtbot.keyClicks(composer.line, "Hi")
    if by == "key":
        qtbot.keyClick(composer.line, ENTER)
    else:
        qtbot.mouseClick(composer.button, LEFT)
    assert said == [True, False, "Hi"]
    assert composer.line.text() == ""


def test_the_next_message_begins_a_new_typing(composer: Composer, said: Said, qtbot: Any) -> None:
    qtbot.keyClicks(composer.line, "a")
    qtbot.keyClick(composer.line, ENTER)
    qtbot.keyClicks(composer.line, "b")
    assert said == [True, False, "a", True]


def test_nothing_is_not_sent(composer: Composer, said: Said, qtbot: Any) -> None:
    qtbot.keyClick(composer.line, ENTER)
    qtbot.mouseClick(composer.button, LEFT)
    assert said == []


def test_deleting_everything_ends_the_typing(composer: Composer, said: Said, qtbot: Any) -> None:
    qtbot.keyClicks(composer.line, "a")
    qtbot.keyClick(composer.line, Qt.Key.Key_Backspace)
    assert said == [True, False]
    assert not composer._idle.isActive()


def test_changing_the_friend_ends_typing_and_clears_the_draft(composer: Composer, said: Said, qtbot: Any) -> None:
    qtbot.keyClicks(composer.line, "draft")
    composer.write_as("bob")
    assert said == [True, False]
    assert composer.line.text() == ""
    assert composer.line.placeholderText() == "Write as bob …"


def test_stop_typing_is_not_signalled_if_typing_never_started(composer: Composer, said: Said) -> None:
    composer.write_as("bob")
    composer.stop_typing()
    assert said == []


def test_a_message_as_long_as_the_contract_allows_can_be_written(composer: Composer, said: Said) -> None:
    composer.line.setText("x" * 10_000)
    composer.button.click()
    assert said == ["x" * 10_000]
