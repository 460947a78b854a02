"""Deviations in reports that are discarded stay known, also if the rest is compared again."""

from typing import Any

import pytest

from app.observers import ui_reports
from app.observers.ui_reports import UiReports, Work
from app.protocol.ui_comparison import as_plain
from app.protocol.ui_deviations import Report
from app.protocol.ui_stores import Flavour, UiStores


def done(work: Work[Any]) -> Any:
    """Run work that can be paused to its end."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def state(chat: str | None) -> Any:
    found = as_plain(UiStores(Flavour.GUIDE).to_json())
    return {**found, "chatStore": {**found["chatStore"], "activeChat": chat}}


@pytest.mark.parametrize("flavour", list(Flavour))
def test_what_deviated_in_discarded_reports_is_kept_when_the_comparison_starts_again(
    monkeypatch: pytest.MonkeyPatch, flavour: Flavour
) -> None:
    monkeypatch.setattr(ui_reports, "MAX_REPORTS", 4)
    reports = UiReports()
    chats = [None, "alice", None, None, "bob", "bob", None, "carol"]
    for number, chat in enumerate(chats, 1):
        now = 10.0 * number
        done(reports.deviations(flavour, lambda _: [], now))
        reports.add(Report(now, number, state(chat)), 1)
    assert len(reports._reports) < len(chats), "the test has discarded reports"

    def deviating() -> list[Any]:
        found = done(reports.deviations(flavour, lambda _: [], 1000.0))
        return [each.reported for each in found if each.path == "chatStore.activeChat"]

    assert deviating() == ["alice", "bob", "carol"]
    for _ in range(2):
        reports.start_again(5.0)
        assert deviating() == ["alice", "bob", "carol"]
