"""The messages of a chat as bubbles."""

import sys
from collections.abc import Callable
from datetime import datetime
from types import FrameType
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QWidget

from app.protocol.backend import MessageData
from app.protocol.templates import iso
from app.protocol.times import local
from app.ui import theme
from app.ui.widgets.bubble_painter import DAY, PAD, SENDER, reactions
from app.ui.widgets.bubbles import BubbleView
from tests.ui.messages import many_messages, message

pytestmark = pytest.mark.usefixtures("styled")

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def view(show: Callable[[QWidget], None]) -> BubbleView:
    view = BubbleView()
    view.resize(560, 400)
    show(view)
    return view


def picture(view: BubbleView) -> QImage:
    return view.grab().toImage()


def color_at(view: BubbleView, position: QPoint) -> str:
    return picture(view).pixelColor(position).name()


def at_end(view: BubbleView) -> bool:
    return view.verticalScrollBar().value() == view.verticalScrollBar().maximum()


def top_of(view: BubbleView, line: int) -> int:
    return view.visualRect(view.model().index(line, 0)).top()


def test_messages_are_shown_as_given(view: BubbleView) -> None:
    messages = many_messages(5)
    view.show_messages(messages)
    assert view.messages == messages
    view.show_messages([])
    assert view.messages == []
    assert view.selected is None


def test_the_position_stays_when_the_view_was_hidden(view: BubbleView) -> None:
    """Regression: the end was shown again."""
    view.show_messages(many_messages(50))
    assert at_end(view)
    view.verticalScrollBar().setValue(100)
    view.hide()
    view.show()
    assert view.verticalScrollBar().value() == 100


def test_messages_of_a_peer_are_not_yours(view: BubbleView) -> None:
    view.play(False)
    view.show_messages([message("x", sent=False)])
    assert view.model().index(0, 0).data(SENDER).endswith("· peer")


def test_messages_of_the_friend_are_on_the_right_and_of_the_ui_on_the_left(view: BubbleView) -> None:
    scheme = theme.colors()
    for sent, colour in ((True, scheme.surface), (False, scheme.accent_soft)):
        view.show_messages([message("x", sent=sent)])
        bubble = view.bubble_rect(view.model().index(0, 0))
        assert (bubble.right() < 280) is sent
        assert color_at(view, QPoint(bubble.left() + 4, bubble.center().y())) == colour
        empty = QPoint(view.viewport().width() - bubble.center().x(), bubble.center().y())
        assert color_at(view, empty) == scheme.window


def test_a_bubble_of_the_friend_has_the_colour_of_the_composer(view: BubbleView) -> None:
    view.show_messages([message("x")])
    bubble = view.bubble_rect(view.model().index(0, 0))
    assert picture(view).pixelColor(bubble.left() + 4, bubble.center().y()).name() == theme.colors().accent_soft


DAY_S = 24 * 3600


def test_the_first_message_of_a_day_has_the_day_above_it(view: BubbleView) -> None:
    noon = datetime(2025, 11, 27, 12, tzinfo=local(0).tzinfo).timestamp()
    times = [noon - 400 * DAY_S, noon - DAY_S, noon - DAY_S + 60, noon, noon + 60]
    view.show_messages([message("x", timestamp=iso(each)) for each in times], now=noon + 120)
    days = [view.model().index(line, 0).data(DAY) for line in range(5)]
    assert days == ["Wednesday 23 October 2024", "Yesterday", "", "Today", ""]
    heights = [view.visualRect(view.model().index(line, 0)).height() for line in range(5)]
    assert heights[3] > heights[4]


def test_the_sender_is_above_the_first_of_several_messages(view: BubbleView) -> None:
    view.show_messages([message("a"), message("b"), message("c", sent=True), message("d")])
    senders = [view.model().index(line, 0).data(SENDER) for line in range(4)]
    assert senders == ["alice · you", "", "me · your UI", "alice · you"]


def test_equal_reactions_are_counted() -> None:
    all_reactions = [{"emoji": emoji, "from": str(number)} for number, emoji in enumerate(["👍", "🎉", "👍"])]
    assert reactions(message("x", reactions=all_reactions)) == "👍 2 🎉"


def test_the_accessible_text_of_a_message_contains_its_sender(view: BubbleView) -> None:
    view.show_messages([message("Hello"), message("Hi", sent=True)])
    spoken = [view.model().index(line, 0).data(Qt.ItemDataRole.AccessibleTextRole) for line in (0, 1)]
    assert [each.partition(", ")[2] for each in spoken] == ["alice: Hello", ""]
    assert spoken[1] == "me: Hi"
    assert view.accessibleName() == "Messages"


def test_a_click_selects_a_message(view: BubbleView, qtbot: Any) -> None:
    messages = many_messages(3)
    view.show_messages(messages)
    qtbot.mouseClick(view.viewport(), LEFT, pos=view.visualRect(view.model().index(1, 0)).center())
    assert view.selected == messages[1]


def test_delivery_reactions_and_selection_change_the_picture(view: BubbleView) -> None:
    reacted: dict[str, Any] = {"reactions": [{"emoji": "👍", "from": "bob"}]}
    pictures = []
    for each in (
        message("x", sent=True), message("x", sent=True, delivered=False), message("x", sent=True, **reacted),
    ):  # fmt: skip
        view.show_messages([each])
        pictures.append(picture(view))
    view.setCurrentIndex(view.model().index(0, 0))
    pictures.append(picture(view))
    assert all(one != other for number, one in enumerate(pictures) for other in pictures[:number])


def test_a_long_chat_opens_at_its_end(view: BubbleView) -> None:
    view.show_messages(many_messages(100))
    assert view.verticalScrollBar().maximum() > 0
    assert at_end(view)
    last = view.visualRect(view.model().index(99, 0))
    assert view.viewport().rect().contains(last)


def test_a_chat_that_was_filled_before_it_was_shown_opens_at_its_end(show: Callable[[QWidget], None]) -> None:
    view = BubbleView()
    view.show_messages(many_messages(100))
    view.resize(560, 400)
    show(view)
    QApplication.processEvents()
    assert view.verticalScrollBar().maximum() > 0
    assert at_end(view)


def test_a_view_that_becomes_lower_stays_at_the_end(view: BubbleView) -> None:
    view.show_messages(many_messages(100))
    view.resize(view.width(), 300)
    assert at_end(view)
    view.verticalScrollBar().setValue(100)
    view.resize(view.width(), 250)
    assert view.verticalScrollBar().value() == 100


@pytest.mark.parametrize("width", [300, 900])
def test_resizing_keeps_the_view_at_the_end(view: BubbleView, width: int) -> None:
    view.show_messages([{**each, "text": "word " * 40} for each in many_messages(50)])
    view.resize(width, 400)
    QApplication.processEvents()
    assert at_end(view)


def test_a_view_at_the_end_scrolls_to_a_new_message(view: BubbleView) -> None:
    messages = many_messages(100)
    view.show_messages(messages[:-1])
    view.show_messages(messages)
    assert at_end(view)


def test_a_view_scrolled_up_does_not_move_for_a_new_message(view: BubbleView) -> None:
    messages = many_messages(100)
    view.show_messages(messages[:-1])
    view.verticalScrollBar().setValue(view.verticalScrollBar().maximum() // 2)
    before = top_of(view, 50)
    view.show_messages(messages)
    QApplication.processEvents()
    assert top_of(view, 50) == before


def test_a_view_scrolled_up_does_not_move_when_old_messages_are_left_out(view: BubbleView) -> None:
    messages = many_messages(100)
    view.show_messages(messages[:90])
    view.verticalScrollBar().setValue(view.verticalScrollBar().maximum() // 2)
    before = top_of(view, 50)
    view.show_messages(messages[10:])
    QApplication.processEvents()
    assert top_of(view, 40) == before


def test_a_selected_message_that_is_out_of_view_does_not_move_the_view(view: BubbleView) -> None:
    messages = many_messages(100)
    view.show_messages(messages[:-1])
    view.setCurrentIndex(view.model().index(90, 0))
    view.verticalScrollBar().setValue(view.verticalScrollBar().maximum() // 2)
    before = top_of(view, 50)
    view.show_messages(messages)
    QApplication.processEvents()
    assert view.selected == messages[90]
    assert top_of(view, 50) == before


def test_the_selection_stays_on_its_message(view: BubbleView) -> None:
    messages = many_messages(10)
    view.show_messages(messages[:8])
    view.setCurrentIndex(view.model().index(4, 0))
    view.show_messages(messages[2:])
    assert view.selected == messages[4]
    assert view.currentIndex().row() == 2
    assert view.selectionModel().isSelected(view.currentIndex())


def test_removing_the_selected_message_clears_the_selection(view: BubbleView) -> None:
    messages = many_messages(4)
    view.show_messages(messages)
    view.setCurrentIndex(view.model().index(1, 0))
    view.show_messages([messages[0], *messages[2:]])
    assert view.selected is None


ODD: list[MessageData] = [
    message(""),
    message("one\ntwo\r\n\n\nthree\ttab"),
    message("🎉" * 300),
    message("👩‍👩‍👧‍👦🏳️‍🌈" * 50),
    message("مرحبا بالعالم " * 40),
    message("שלום mixed with English 123"),
    message("x" * 10_000),
    message("word " * 2_000),
    message("\u202ereversed\u0000\ufffe"),
    message("<b>no</b> &amp; markup <img src='x'>"),
    message("e" + "\u0301" * 500),
    message("x", reactions=[{"emoji": "👍", "from": str(number)} for number in range(200)]),
    message("x", reactions=[]),
    message("x", timestamp="0001-01-01T00:00:00Z"),
    message("x", timestamp="9999-12-31T23:59:59.999999-12:00"),
    message("x", timestamp="2024-01-15t10:30:00z"),
    message("x" * 3000, sent=True, delivered=False, delivery_method="offline"),
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("unusual", ODD, ids=lambda unusual: f"{unusual['text'][:8]!r} {unusual['timestamp'][:4]}")
def test_unusual_messages_are_painted(
    view: BubbleView, qapp: QApplication, unusual: MessageData, scheme: str
) -> None:
    try:
        theme.apply(qapp, scheme)
        empty = picture(view)
        view.show_messages([unusual])
        assert picture(view) != empty
    finally:
        theme.apply(qapp, "light")


@pytest.mark.parametrize("width", [240, 300, 1600])
def test_bubbles_fit_into_the_view_at_any_width(view: BubbleView, width: int) -> None:
    view.resize(width, 400)
    view.show_messages([message("word " * 60), message("x" * 500, sent=True)])
    QApplication.processEvents()
    image = picture(view)
    assert view.horizontalScrollBar().maximum() == 0
    edge = {image.pixel(QPoint(image.width() - 1 - view.verticalScrollBar().width(), y)) for y in range(5, 60)}
    assert len(edge) == 1


@pytest.mark.parametrize("text", ["2d711642b726b044" * 5, "2D711642B726B044" * 5, "W" * 60])
def test_a_word_that_is_longer_than_a_line_continues_in_the_next_one(view: BubbleView, text: str) -> None:
    """Regression: it was cut at the edge of the bubble."""
    view.resize(460, 400)
    view.show_messages([message("word"), message(text)])
    one, several = (view.bubble_rect(view.model().index(line, 0)) for line in (0, 1))
    metrics = view.fontMetrics()
    lines = 1 + round((several.height() - one.height()) / metrics.height())
    assert metrics.horizontalAdvance(text) <= lines * (several.width() - 2 * PAD)


def test_no_work_of_python_depends_on_the_number_of_lines(view: BubbleView) -> None:
    """Regression: a page of messages with many line breaks froze the window for seconds."""
    view.resize(460, 400)
    view.show_messages([message("x"), message("\n" * 1_900)])
    calls: list[int] = []
    for line in (0, 1):
        calls.append(0)

        def count(_: FrameType, what: str, __: object) -> None:
            calls[-1] += what == "c_call"

        sys.setprofile(count)
        view.bubble_rect(view.model().index(line, 0))
        sys.setprofile(None)
    one, many = calls
    assert 0 < many < one + 10


def test_a_tab_is_as_wide_as_a_space(view: BubbleView) -> None:
    """Regression: it was a tab stop of 80 pixels."""
    view.resize(460, 400)
    view.show_messages([message(f"{'wider than the time ' * 2}{each}b") for each in ("\t", " ")])
    tab, space = (view.bubble_rect(view.model().index(line, 0)).width() for line in (0, 1))
    assert tab == space


def test_five_hundred_messages_of_all_kinds_are_painted_from_end_to_end(view: BubbleView) -> None:
    messages = [
        {**each, "text": ODD[number % len(ODD)]["text"]} if number % 5 == 0 else each
        for number, each in enumerate(many_messages(500))
    ]
    view.show_messages(messages)
    bar = view.verticalScrollBar()
    for value in range(0, bar.maximum(), max(1, bar.maximum() // 40)):
        bar.setValue(value)
        picture(view)
    bar.setValue(bar.maximum())
    assert at_end(view)
