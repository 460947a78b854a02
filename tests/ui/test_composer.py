"""The composer, which writes messages as a friend, with the typing debounce of the guide."""

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
Signals = list[bool | str]


@pytest.fixture
def composer(show: Callable[[QWidget], None]) -> Composer:
    composer = Composer()
    composer.write_as("alice")
    show(composer)
    return composer


@pytest.fixture
def signals(composer: Composer) -> Signals:
    signals: Signals = []
    composer.typing.connect(signals.append)
    composer.sent.connect(signals.append)
    return signals


def test_the_placeholder_shows_the_friend_that_sends_the_message(composer: Composer) -> None:
    assert composer.line.placeholderText() == "Write as alice …"
    assert composer.line.accessibleName() == "Write as this friend"
    assert composer.button.accessibleName() == "Send as this friend"


def test_the_debounce_is_that_of_the_guide(composer: Composer) -> None:
    assert composer._idle.interval() == composer._cooldown.interval() == TYPING_DEBOUNCE_MS == 1000


def test_the_first_key_signals_typing_once(composer: Composer, signals: Signals, qtbot: Any) -> None:
    qtbot.keyClicks(composer.line, "H")
    assert signals == [True]
    qtbot.keyClicks(composer.line, "i there")
    assert signals == [True]


async def test_typing_is_signalled_again_after_the_cooldown(
    composer: Composer, signals: Signals, qtbot: Any
) -> None:
    composer._cooldown.setInterval(5)
    qtbot.keyClicks(composer.line, "a")
    await until(lambda: not composer._cooldown.isActive())
    qtbot.keyClicks(composer.line, "b")
    assert signals == [True, True]


async def test_typing_ends_after_the_last_key_and_starts_again(
    composer: Composer, signals: Signals, qtbot: Any
) -> None:
    composer._idle.setInterval(5)
    qtbot.keyClicks(composer.line, "a")
    await until(lambda: False in signals)
    qtbot.keyClicks(composer.line, "b")
    assert signals == [True, False, True]


def test_every_key_postpones_the_end_of_typing(composer: Composer, signals: Signals, qtbot: Any) -> None:
    qtbot.keyClicks(composer.line, "a")
    composer._idle.setInterval(60_000)
    qtbot.keyClicks(composer.line, "b")
    assert composer._idle.remainingTime() > TYPING_DEBOUNCE_MS


@pytest.mark.parametrize("via", ["key", "button"])
def test_sending_ends_typing_first(composer: Composer, signals: Signals, qtbot: Any, via: str) -> None:
    qtbot.keyClicks(composer.line, "Hi")
    if via == "key":
        qtbot.keyClick(composer.line, ENTER)
    else:
        qtbot.mouseClick(composer.button, LEFT)
    assert signals == [True, False, "Hi"]
    assert composer.line.text() == ""


def test_the_next_message_signals_typing_again(composer: Composer, signals: Signals, qtbot: Any) -> None:
    qtbot.keyClicks(composer.line, "a")
    qtbot.keyClick(composer.line, ENTER)
    qtbot.keyClicks(composer.line, "b")
    assert signals == [True, False, "a", True]


def test_an_empty_message_is_not_sent(composer: Composer, signals: Signals, qtbot: Any) -> None:
    qtbot.keyClick(composer.line, ENTER)
    qtbot.mouseClick(composer.button, LEFT)
    assert signals == []


def test_deleting_all_text_ends_typing(composer: Composer, signals: Signals, qtbot: Any) -> None:
    qtbot.keyClicks(composer.line, "a")
    qtbot.keyClick(composer.line, Qt.Key.Key_Backspace)
    assert signals == [True, False]
    assert not composer._idle.isActive()


def test_changing_the_friend_ends_typing_and_keeps_a_draft_per_friend(
    composer: Composer, signals: Signals, qtbot: Any
) -> None:
    qtbot.keyClicks(composer.line, "draft")
    composer.write_as("bob")
    assert signals == [True, False]
    assert composer.line.text() == ""
    assert composer.line.placeholderText() == "Write as bob …"
    composer.rename("alice", "anna")
    composer.write_as("anna")
    assert composer.line.text() == "draft"
    assert composer.line.placeholderText() == "Write as anna …"
    assert signals == [True, False], "showing a draft is not typing"


def test_a_text_that_could_not_be_sent_is_kept_for_its_friend(composer: Composer) -> None:
    composer.write_as("bob")
    composer.restore("alice", "from alice")
    composer.restore("alice", "a later one")
    composer.restore("bob", "from bob")
    assert composer.line.text() == "from bob"
    composer.restore("bob", "a later one")
    assert composer.line.text() == "from bob"
    composer.write_as("alice")
    assert composer.line.text() == "from alice"


def test_stop_typing_is_not_signalled_if_typing_never_started(composer: Composer, signals: Signals) -> None:
    composer.write_as("bob")
    composer.stop_typing()
    assert signals == []


def test_a_message_of_the_maximum_length_can_be_sent(composer: Composer, signals: Signals) -> None:
    composer.line.setText("x" * 10_000)
    composer.button.click()
    assert signals == ["x" * 10_000]
