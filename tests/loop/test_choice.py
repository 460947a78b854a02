"""Which loop the program runs on: the pumped loop, or stock qasync with a reason."""

import asyncio
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import qasync
from PySide6.QtCore import QSocketNotifier
from PySide6.QtWidgets import QApplication

from app import loop as loops
from app.loop import has_watchable_selector, new_loop, stock_loop

pytestmark = pytest.mark.skipif(not has_watchable_selector(), reason="Windows always uses stock qasync")


def description(loop: asyncio.AbstractEventLoop) -> str:
    return str(loop.description)  # type: ignore[attr-defined]  # the program sets it


@pytest.fixture
def program_loop(qapp: QApplication) -> Iterator[asyncio.AbstractEventLoop]:
    """Return the loop that the program would use; close it after the test."""
    loop = new_loop(qapp)
    yield loop
    loop.close()


def test_the_pumped_loop_is_a_qasync_loop(program_loop: asyncio.AbstractEventLoop) -> None:
    assert isinstance(program_loop, qasync.QEventLoop)
    assert isinstance(program_loop, asyncio.SelectorEventLoop)
    assert description(program_loop) == "pumped qasync loop"


@pytest.fixture
def stock_selected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPANION_LOOP", "qasync")


@pytest.fixture
def member_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.loop.self_test.LOOP_MEMBERS", ("_ready", "_gone"))


@pytest.fixture
def module_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "app.loop.self_test", None)


@pytest.fixture
def notifier_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.loop.self_test.NOTIFIER_TIMEOUT_MS", 20)

    class Silent(QSocketNotifier):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            self.setEnabled(False)

    monkeypatch.setattr("app.loop.self_test.QSocketNotifier", Silent)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("stock_selected", "COMPANION_LOOP selects it"),
        ("member_missing", "this version of asyncio lacks loop._gone"),
        ("module_broken", "asyncio or qasync has changed: "),
        ("notifier_silent", "Qt did not report a readable descriptor within 20 ms"),
    ],
)
def test_stock_qasync_is_used_if_the_pumped_loop_cannot_be_used(
    change: str, reason: str, qapp: QApplication, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    request.getfixturevalue(change)
    loop = new_loop(qapp)
    try:
        assert type(loop) is qasync.QEventLoop
        assert description(loop).startswith(f"stock qasync ({reason}")
        assert f"Using stock qasync: {reason}" in caplog.text
        assert loop.run_until_complete(asyncio.sleep(0, "works")) == "works"
    finally:
        loop.close()


def test_the_self_test_succeeds_on_this_system(qapp: QApplication) -> None:
    assert loops.why_not_pumped() == ""
    loop = stock_loop(qapp)
    assert description(loop) == "stock qasync"
    loop.close()
