"""The details are next to the log in a wide room and below it in a narrow one. Both sizes are saved."""

from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import QByteArray, Qt
from PySide6.QtWidgets import QLabel, QSplitter, QWidget

from app.ui.widgets.details_splitter import BELOW, BESIDE, BESIDE_WIDTH, DetailsSplitter

pytestmark = pytest.mark.usefixtures("styled")

Show = Callable[[QWidget], None]


def made_splitter() -> DetailsSplitter:
    splitter = DetailsSplitter()
    splitter.add_log(QLabel("log"))
    splitter.add_details(QLabel("details"))
    return splitter


@pytest.fixture
def splitter(show: Show) -> DetailsSplitter:
    splitter = made_splitter()
    splitter.resize(1_000, 600)
    show(splitter)
    return splitter


def details_of(splitter: DetailsSplitter) -> QWidget:
    details = splitter.widget(1)
    assert details is not None
    return details


def share_of_log(splitter: DetailsSplitter) -> float:
    """Return the share of the log in the whole size."""
    return splitter.sizes()[0] / sum(splitter.sizes())


def move(splitter: DetailsSplitter, to: int) -> None:
    splitter.moveSplitter(to, 1)


def test_the_position_of_the_details_depends_on_the_width(splitter: DetailsSplitter) -> None:
    assert (splitter.place, splitter.orientation()) == (BELOW, Qt.Orientation.Vertical)
    splitter.resize(BESIDE_WIDTH, 600)
    assert (splitter.place, splitter.orientation()) == (BESIDE, Qt.Orientation.Horizontal)
    splitter.resize(BESIDE_WIDTH - 1, 600)
    assert splitter.place == BELOW


def test_each_position_has_its_own_sizes(splitter: DetailsSplitter) -> None:
    move(splitter, 450)
    splitter.resize(1_400, 600)
    move(splitter, 1_050)
    assert share_of_log(splitter) == pytest.approx(0.75, abs=0.02)
    splitter.resize(1_000, 600)
    assert share_of_log(splitter) == pytest.approx(0.75, abs=0.02)
    splitter.resize(1_000, 300)
    splitter.resize(1_400, 600)
    assert share_of_log(splitter) == pytest.approx(0.75, abs=0.02)


def test_the_sizes_of_both_positions_are_restored(splitter: DetailsSplitter, show: Show) -> None:
    move(splitter, 400)
    splitter.resize(1_400, 600)
    move(splitter, 1_050)
    second = made_splitter()
    assert second.restoreState(splitter.saveState())
    second.resize(1_000, 600)
    show(second)
    assert share_of_log(second) == pytest.approx(2 / 3, abs=0.02)
    second.resize(1_400, 600)
    assert share_of_log(second) == pytest.approx(0.75, abs=0.02)


def test_details_that_are_added_later_get_their_saved_size(splitter: DetailsSplitter, show: Show) -> None:
    move(splitter, 450)
    second = DetailsSplitter()
    second.add_log(QLabel("log"))
    second.restoreState(splitter.saveState())
    second.resize(1_000, 600)
    show(second)
    assert second.saveState() == splitter.saveState(), "the log alone has no size to remember"
    second.add_details(QLabel("details"))
    details_of(second).show()
    assert share_of_log(second) == pytest.approx(0.75, abs=0.02)


def test_hiding_the_details_keeps_their_size(splitter: DetailsSplitter, qtbot: Any) -> None:
    move(splitter, 450)
    details_of(splitter).hide()
    splitter.resize(1_400, 600)
    splitter.resize(1_000, 600)
    details_of(splitter).show()
    qtbot.waitUntil(lambda: all(splitter.sizes()))
    assert share_of_log(splitter) == pytest.approx(0.75, abs=0.02)


def test_the_saved_layout_of_an_earlier_version_is_restored(splitter: DetailsSplitter, show: Show) -> None:
    earlier = QSplitter(Qt.Orientation.Vertical)
    for text in ("log", "details"):
        earlier.addWidget(QLabel(text))
    earlier.resize(1_000, 600)
    show(earlier)
    earlier.setSizes([500, 100])
    assert splitter.restoreState(earlier.saveState())
    assert share_of_log(splitter) == pytest.approx(5 / 6, abs=0.02)


@pytest.mark.parametrize(
    "state", [b"", b"nonsense", b"{}", b"[]", b'{"below": [1]}', b'{"below": [0, -1]}', b"\x00" * 40]
)
def test_an_invalid_saved_layout_is_ignored(splitter: DetailsSplitter, state: bytes) -> None:
    before = splitter.sizes()
    assert not splitter.restoreState(QByteArray(state))
    assert splitter.sizes() == before
