"""The row after which a UI began to deviate: found in the history of its frames, calls and reports."""

import json
from typing import Any

from app.protocol.ui_comparison import as_plain
from app.protocol.ui_deviations import MAX_EXAMINED, Deviation, DeviationFinder, Report, Step, Work
from app.protocol.ui_stores import Flavour, UiStores

FRIENDS = [{"username": "alice", "online": False}, {"username": "bob", "online": False}]


def consume(work: Work) -> None:
    for _ in work:
        pass


class History:
    """The steps and reports of one page. A correct UI reports 0.1 s after each step."""

    def __init__(self) -> None:
        self.now = 0.0
        self.seq = 0
        self.steps: list[Step] = []
        self.reports: list[Report] = []
        self.stores = UiStores()
        self.step("friends", lambda s: s.responded("GET", "/friends", "", b"", 200, json.dumps(FRIENDS).encode()))
        self.report()

    def step(self, title: str, change: Any) -> int:
        self.wait(0.01)
        self.seq += 1
        self.steps.append(Step(self.now, self.seq, title, change))
        self.stores = change(self.stores.at(self.now))
        return self.seq

    def frame(self, event: str, **data: Any) -> int:
        at, payload = self.now + 0.01, json.dumps({"event": event, "data": data})
        return self.step(event, lambda stores: stores.received(payload, at))

    def message(self, msg_id: str, sender: str = "alice") -> int:
        return self.frame("new_message", msg_id=msg_id, text="hi", direction="received", **{"from": sender})

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def state(self) -> Any:
        return as_plain(self.stores.at(self.now).to_json())

    def contact(self, state: Any, name: str) -> dict[str, Any]:
        return next(each for each in state["contactStore"]["contacts"] if each["username"] == name)

    def report(self, state: Any = None, *, partial: bool = False) -> None:
        self.wait(0.1)
        self.reports.append(Report.of(self.now, self.seq, state or self.state(), partial=partial))

    def found(self) -> list[tuple[int, int, str]]:
        return [(each.seq, each.last_seq, each.path) for each in self.deviations()]

    def deviations(self) -> list[Deviation]:
        """Return the same deviations whether the history is compared at once or in up to 30 steps."""
        finder, step_by_step = DeviationFinder(Flavour.GUIDE), DeviationFinder(Flavour.GUIDE)
        consume(finder.advance(self.steps, self.reports, self.now))
        times = sorted({*(each.at for each in self.steps), *(each.at for each in self.reports)})
        for now in [*times[:: 1 + len(times) // 30], self.now]:
            steps = [each for each in self.steps if step_by_step.position < each.at <= now]
            reports = [each for each in self.reports if step_by_step.position < each.at <= now]
            consume(step_by_step.advance(steps, reports, now))
        assert step_by_step.found == finder.found
        return finder.found


def test_a_correct_ui_never_deviates() -> None:
    history = History()
    for number in range(5):
        history.message(str(number))
        history.wait(0.2 * number)
        history.report()
    history.frame("typing", username="alice", typing=True)
    history.report()
    history.wait(5)
    history.report()
    history.wait(2)
    assert history.found() == []


def test_a_ui_that_reports_the_same_all_the_time_can_deviate() -> None:
    history = History()
    row = history.message("1")
    incorrect = history.state()
    history.contact(incorrect, "alice")["unreadCount"] = 5
    for _ in range(30):
        history.report(json.loads(json.dumps(incorrect)))
    assert history.found() == [(row, row, "contactStore.contacts[alice].unreadCount")]


def test_a_ui_that_is_late_does_not_deviate() -> None:
    history = History()
    for number in range(50):
        history.message(str(number))
        history.wait(0.2)
    history.report()
    history.wait(2)
    assert history.found() == []


def test_a_duplicate_that_is_counted_twice_deviates_at_its_row() -> None:
    history = History()
    history.message("1")
    history.report()
    history.wait(2)
    row = history.message("1")
    incorrect = history.state()
    history.contact(incorrect, "alice")["unreadCount"] = 2
    history.report(incorrect)
    history.wait(2)
    assert history.deviations() == [
        Deviation(row, row, "new_message", "contactStore.contacts[alice].unreadCount", 1, 2)
    ]
    history.message("2", "bob")
    later = history.state()
    history.contact(later, "alice")["unreadCount"] = 2
    history.report(later)
    history.wait(2)
    assert history.found() == [(row, row, "contactStore.contacts[alice].unreadCount")], "the first row is kept"


def test_typing_that_never_ends_deviates_at_the_row_of_the_typing_event() -> None:
    history = History()
    row = history.frame("typing", username="alice", typing=True)
    history.report()
    typing = history.state()
    history.wait(2)
    history.frame("friend_online", username="bob")
    incorrect = history.state()
    history.report(incorrect)
    history.wait(4)
    assert incorrect["chatStore"]["typingUsers"] == typing["chatStore"]["typingUsers"] == {"alice": True}
    assert history.deviations() == [
        Deviation(row, row, "typing, 5 s later", "chatStore.typingUsers.alice", False, True)
    ]


def test_unread_of_the_wrong_contact_deviates_at_both_contacts() -> None:
    history = History()
    history.wait(2)
    row = history.message("1")
    incorrect = history.state()
    history.contact(incorrect, "alice")["unreadCount"] = 0
    history.contact(incorrect, "bob")["unreadCount"] = 1
    history.report(incorrect)
    history.wait(2)
    assert history.found() == [
        (row, row, "contactStore.contacts[alice].unreadCount"),
        (row, row, "contactStore.contacts[bob].unreadCount"),
    ]


def test_a_ui_that_does_not_react_deviates_at_the_row_that_it_ignored() -> None:
    history = History()
    history.wait(2)
    row = history.frame("friend_online", username="alice")
    history.wait(0.5)
    history.frame("friend_online", username="nobody")
    history.wait(2)
    assert history.found() == [(row, row, "contactStore.contacts[alice].online")]


def test_rows_between_two_reports_are_named_together() -> None:
    history = History()
    history.message("1")
    history.report()
    first = history.message("1")
    last = history.frame("friend_online", username="bob")
    incorrect = history.state()
    history.contact(incorrect, "alice")["unreadCount"] = 2
    history.report(incorrect)
    history.wait(2)
    assert history.found() == [(first, last, "contactStore.contacts[alice].unreadCount")]


def test_a_value_that_is_right_again_stays_in_the_list_and_can_deviate_again() -> None:
    history = History()
    rows = []
    for _ in range(2):
        history.wait(2)
        rows.append(history.frame("friend_online", username="alice"))
        history.wait(2)
        history.frame("friend_offline", username="alice")
    history.wait(2)
    path = "contactStore.contacts[alice].online"
    assert history.found() == [(row, row, path) for row in rows]


def test_nothing_deviates_before_the_first_report() -> None:
    history = History()
    history.reports.clear()
    history.message("1")
    history.wait(5)
    assert history.found() == []


def test_the_sampled_state_of_the_connection_has_time() -> None:
    history = History()
    not_connected = history.state()
    row = history.step("connected", lambda stores: stores.opened())
    history.report(not_connected)
    history.wait(2)
    assert history.found() == []
    history.wait(2)
    assert history.found() == [(row, row, "uiStore.wsConnected")]


def test_a_partial_report_deviates_only_in_what_it_contains() -> None:
    history = History()
    row = history.message("1")
    shown = {"contactStore": {"contacts": [{"username": "bob"}, {"username": "alice", "unreadCount": 0}]}}
    history.report(shown, partial=True)
    history.wait(2)
    assert history.found() == [(row, row, "contactStore.contacts[alice].unreadCount")]


def test_the_row_is_found_within_the_newest_moments_of_a_long_burst() -> None:
    history = History()
    for number in range(3 * MAX_EXAMINED):
        history.message(str(number))
    history.report()
    row = history.frame("friend_online", username="alice")
    incorrect = history.state()
    history.contact(incorrect, "alice")["online"] = False
    history.report(incorrect)
    history.wait(2)
    assert history.found() == [(row, row, "contactStore.contacts[alice].online")]


def test_a_closed_connection_that_is_still_reported_as_open_deviates_at_its_row() -> None:
    history = History()
    history.step("connected", lambda stores: stores.opened())
    history.report()
    history.wait(5)
    row = history.step("disconnected", lambda stores: stores.closed())
    steps, reports = history.steps, history.reports
    finder = DeviationFinder(Flavour.GUIDE)
    consume(finder.advance(steps, reports, history.now + 1.5))
    assert finder.is_quiet
    assert finder.found == []
    consume(finder.advance([], [], history.now + 3))
    assert [(each.seq, each.path) for each in finder.found] == [(row, "uiStore.wsConnected")]
