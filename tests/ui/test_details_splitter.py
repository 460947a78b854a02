"""The details are beside the log in a wide room and below it in a narrow one. Both sizes are remembered."""

from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import QByteArray, Qt
from PySide6.QtWidgets import QLabel, QSplitter, QWidget

from app.ui.widgets.details_splitter import BELOW, BESIDE, BESIDE_WIDTH, DetailsSplitter

Show = Callable[[QWidget], None]


@pytest.fixture
def splitter(show: Show) -> DetailsSplitter:
    splitter = DetailsSplitter(QLabel("log"), QLabel("details"))
    splitter.resize(1_000, 600)
    show(splitter)
    return splitter


def share(splitter: DetailsSplitter) -> float:
    """Return the part of the space that the log has."""
    return splitter.sizes()[0] / sum(splitter.sizes())


def move(splitter: DetailsSplitter, to: int) -> None:
    splitter.moveSplitter(to, 1)


def test_the_place_depends_on_the_width(splitter: DetailsSplitter) -> None:
    assert (splitter.place, splitter.orientation()) == (BELOW, Qt.Orientation.Vertical)
    splitter.resize(BESIDE_WIDTH, 600)
    assert (splitter.place, splitter.orientation()) == (BESIDE, Qt.Orientation.Horizontal)
    splitter.resize(BESIDE_WIDTH - 1, 600)
    assert splitter.place == BELOW


def test_each_place_keeps_its_own_sizes(splitter: DetailsSplitter) -> None:
    move(splitter, 450)
    splitter.resize(1_400, 600)
    move(splitter, 1_050)
    assert share(splitter) == pytest.approx(0.75, abs=0.02)
    splitter.resize(1_000, 600)
    assert share(splitter) == pytest.approx(0.75, abs=0.02)
    splitter.resize(1_000, 300)
    splitter.resize(1_400, 600)
    assert share(splitter) == pytest.approx(0.75, abs=0.02)


def test_both_sizes_survive_a_restart(splitter: DetailsSplitter, show: Show) -> None:
    move(splitter, 400)
    splitter.resize(1_400, 600)
    move(splitter, 1_050)
    later = DetailsSplitter(QLabel("log"), QLabel("details"))
    assert later.restoreState(splitter.saveState())
    later.resize(1_000, 600)
    show(later)
    assert share(later) == pytest.approx(2 / 3, abs=0.02)
    later.resize(1_400, 600)
    assert share(later) == pytest.approx(0.75, abs=0.02)


def test_sizes_of_hidden_details_are_not_lost(splitter: DetailsSplitter, qtbot: Any) -> None:
    move(splitter, 450)
    splitter.widget(1).hide()
    splitter.resize(1_400, 600)
    splitter.resize(1_000, 600)
    splitter.widget(1).show()
    qtbot.waitUntil(lambda: all(splitter.sizes()))
    assert share(splitter) == pytest.approx(0.75, abs=0.02)


def test_the_layout_of_an_earlier_version_is_used(splitter: DetailsSplitter, show: Show) -> None:
    earlier = QSplitter(Qt.Orientation.Vertical)
    for text in ("log", "details"):
        earlier.addWidget(QLabel(text))
    earlier.resize(1_000, 600)
    show(earlier)
    earlier.setSizes([500, 100])
    assert splitter.restoreState(earlier.saveState())
    assert share(splitter) == pytest.approx(5 / 6, abs=0.02)


@pytest.mark.parametrize(
    "state", [b"", b"nonsense", b"{}", b"[]", b'{"below": [1]}', b'{"below": [0, -1]}', b"\x00" * 40]
)
def test_any_other_state_changes_nothing(splitter: DetailsSplitter, state: bytes) -> None:
    before = splitter.sizes()
    assert not splitter.restoreState(QByteArray(state))
    assert splitter.sizes() == before
