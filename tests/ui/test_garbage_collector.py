"""When the garbage collector runs."""

import gc
import weakref
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication

from app.hub.journal import Journal, Kind
from app.hub.origin import PANEL
from app.hub.row_store import CHUNK_ROWS
from app.ui.garbage_collector import GarbageCollector


class SelfReferencing(QObject):
    """A Qt object with a reference cycle, which only the garbage collector can destroy."""

    def __init__(self) -> None:
        super().__init__()
        self.reference = self


@pytest.fixture
def collector(qapp: QApplication) -> Iterator[GarbageCollector]:
    collector = GarbageCollector()
    yield collector
    collector.close_down()
    gc.disable()  # as for the other tests of this folder


def test_automatic_collection_is_disabled_until_the_collector_is_closed(qapp: QApplication) -> None:
    frozen = gc.get_freeze_count()  # Python 3.12 freezes some objects itself
    collector = GarbageCollector()
    assert not gc.isenabled()
    collector.close_down()
    assert gc.isenabled()
    gc.disable()
    assert gc.get_freeze_count() <= frozen


def test_objects_that_exist_after_startup_are_frozen(collector: GarbageCollector) -> None:
    modules = gc.get_freeze_count()
    assert modules > 10_000
    window = [[number] for number in range(1_000)]
    garbage = weakref.ref(SelfReferencing())
    collector.check()
    assert garbage() is None
    assert gc.get_freeze_count() >= modules + len(window)


def test_later_garbage_is_collected_above_the_threshold(collector: GarbageCollector) -> None:
    collector.check()
    garbage = weakref.ref(SelfReferencing())
    collector.check()
    assert garbage() is not None
    enough = [[number] for number in range(gc.get_threshold()[0] + 1)]
    collector.check()
    assert garbage() is None
    assert enough


def test_frozen_garbage_is_collected_at_the_end(qapp: QApplication) -> None:
    collector = GarbageCollector()
    object_ = SelfReferencing()
    reference = weakref.ref(object_)
    collector.check()
    del object_
    gc.collect()
    assert reference() is not None
    collector.close_down()
    gc.disable()
    assert reference() is None


def test_old_journal_rows_are_not_tracked_by_the_garbage_collector(
    collector: GarbageCollector,
) -> None:
    collector.check()
    before = len(gc.get_objects())
    journal = Journal()
    for number in range(20_000):
        journal.append(Kind.TO_UI, "typing", payload=b"%d" % number, client="all", origin=PANEL)
    assert len(gc.get_objects()) - before < CHUNK_ROWS + 200
