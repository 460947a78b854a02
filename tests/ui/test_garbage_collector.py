"""Who collects garbage, and when."""

import gc
import weakref
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication

from app.hub.journal import Journal, Kind
from app.hub.row_store import CHUNK_ROWS
from app.ui.garbage_collector import GarbageCollector


class RowStore(QObject):
    """A Qt object that only the collector can destroy."""

    def __init__(self) -> None:
        super().__init__()
        self.itself = self


@pytest.fixture
def collector(qapp: QApplication) -> Iterator[GarbageCollector]:
    collector = GarbageCollector()
    yield collector
    collector.close_down()
    gc.disable()  # as the other tests of this folder have it


def test_python_collects_by_itself_only_when_this_has_ended(qapp: QApplication) -> None:
    collector = GarbageCollector()
    assert not gc.isenabled()
    collector.close_down()
    assert gc.isenabled()
    gc.disable()
    assert gc.get_freeze_count() == 0


def test_what_is_there_after_the_start_is_set_aside(collector: GarbageCollector) -> None:
    modules = gc.get_freeze_count()
    assert modules > 10_000
    window = [[number] for number in range(1_000)]
    garbage = weakref.ref(RowStore())
    collector.check()
    assert garbage() is None
    assert gc.get_freeze_count() >= modules + len(window)


def test_what_becomes_garbage_later_goes_when_there_is_enough_of_it(collector: GarbageCollector) -> None:
    collector.check()
    garbage = weakref.ref(RowStore())
    collector.check()
    assert garbage() is not None
    enough = [[number] for number in range(gc.get_threshold()[0] + 1)]
    collector.check()
    assert garbage() is None
    assert enough


def test_what_was_set_aside_goes_at_the_end(qapp: QApplication) -> None:
    collector = GarbageCollector()
    kept = RowStore()
    gone = weakref.ref(kept)
    collector.check()
    del kept
    gc.collect()
    assert gone() is not None
    collector.close_down()
    gc.disable()
    assert gone() is None


def test_old_journal_rows_are_not_tracked_by_the_garbage_collector(
    collector: GarbageCollector,
) -> None:
    collector.check()
    before = len(gc.get_objects())
    journal = Journal()
    for number in range(20_000):
        journal.append(Kind.TO_UI, "typing", payload=b"%d" % number, client="all", origin="panel")
    assert len(gc.get_objects()) - before < CHUNK_ROWS + 200
