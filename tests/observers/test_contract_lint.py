"""The lint of a hub and of its recording: live, in batches, with marks in the log, and with rules turned off."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

from app.hub.client_frames import AnyFrame
from app.hub.clients import Client, Ending
from app.hub.fault_plan import CarryOut, FaultPlan, HandleFrame, RecipientFrame
from app.hub.filter import parse
from app.hub.journal import Kind, Verdict
from app.hub.origin import CONTROL, FAULTS, PANEL, PRIMING, REST, Origin, client_origin
from app.hub.outgoing import Outgoing
from app.hub.rest_exchange import RestExchange
from app.hub.router import Router
from app.hub.row import STATE_CHANGES
from app.hub.target import ALL, Target
from app.observers import contract_lint
from app.observers.contract_lint import ContractLint, RowLint
from app.observers.recorded_run import RecordedRun
from app.observers.recorder import Recorder
from app.protocol.catalog import Catalog, built_in
from app.protocol.contract import Direction
from app.protocol.envelope import Envelope
from app.protocol.event_files.event_set import EventSet
from app.protocol.event_files.parse import parse_event_file
from app.protocol.faults.kinds import AnyFault, Corrupt, Duplicate, Latency, Loss, Truncate
from app.protocol.lint.findings import Tally
from app.recorded_lint import lint_recording
from tests.conftest import examples
from tests.hub.doubles import NoTasks, RecordingTransport, Stage
from tests.interceptors.fault_stage import FaultStage
from tests.protocol.lint.traffic import FRIEND, MESSAGE, message_id

PAGE = "http://localhost:1420"
HEADER = b'{"session": 1, "kind": "recording", "started": "2023-11-14T22:13:20Z"}'
NAMES = ("alice", "bob", "dave")


class Live:
    """A hub whose traffic is linted and recorded."""

    def __init__(self, catalog: Catalog | None = None) -> None:
        self.stage = Stage()
        self.catalog = catalog or built_in()
        self.hub = self.stage.hub
        self.off: list[str] = []
        self.lint = ContractLint(self.hub, self.catalog, NoTasks(), lambda: self.off)
        self.lines: list[bytes] = []
        self.recorder = Recorder(self.hub, self.lines.extend)

    def wait(self, seconds: float) -> None:
        self.stage.time.passed += seconds

    def join(self, agent: str = "Chrome/140") -> Client:
        return self.hub.join(RecordingTransport(), origin=PAGE, user_agent=agent)

    def leave(self, client: Client, *, closed: bool, by_client: bool = True) -> None:
        client.ending = Ending(1001 if closed else 1006, by_client=by_client)
        self.hub.leave(client)

    def call(
        self,
        method: str,
        path: str,
        answer: Any,
        query: str = "",
        body: Any = None,
        agent: str = "Chrome/140",
        meanwhile: Callable[[], object] = lambda: None,
    ) -> None:
        clock = self.stage.time.clock
        started = clock.mono()
        self.wait(0.01)
        meanwhile()
        self.wait(0.01)
        seq = 0
        request = b"" if body is None else json.dumps(body).encode()
        if method != "GET":
            row = self.hub.journal.append(
                Kind.FROM_UI, f"{method} {path}", client="rest", payload=request, origin=REST
            )
            seq = row.seq
        self.hub.rest_exchanges.emit(
            RestExchange(
                method,
                path,
                query,
                request,
                200,
                json.dumps(answer).encode(),
                PAGE,
                agent,
                started,
                clock.mono(),
                seq,
            )
        )

    def friends(self, *names: str, **changes: Any) -> None:
        self.call("GET", "/friends", [{**FRIEND, "username": name, **changes} for name in names])

    def open(self, peer: str, *messages: Any) -> None:
        self.call("GET", "/messages", {"messages": messages}, f"peer={peer}&offset=0")

    def send(self, event: str, data: Any, *to: Client, origin: Any = CONTROL) -> int:
        target = Target(clients=frozenset(each.id for each in to)) if to else Target()
        return self.hub.send(Outgoing.of(Envelope(event, data), to=target, origin=origin)).seq

    def message(self, number: int, *to: Client, **changes: Any) -> int:
        return self.send("new_message", {**MESSAGE, "msg_id": message_id(number), **changes}, *to)

    def receive(
        self, client: Client, event: str, data: Any, verdict: Verdict = Verdict.OK, origin: Origin | None = None
    ) -> None:
        self.hub.journal.append(
            Kind.FROM_UI, event, client=client.number, payload=Envelope(event, data).encode(), verdict=verdict,
            origin=origin or client_origin(client.id), user=client.username,
        )  # fmt: skip

    def act(self, random: Random) -> None:
        """Do something that the rules look at."""
        self.wait(random.choice((0.01, 0.3, 2, 7)))
        clients = self.hub.clients
        client = random.choice(clients) if clients else self.join()
        name = random.choice(NAMES)
        match random.randrange(14):
            case 0:
                self.friends("alice", "bob", online=random.random() < 0.5)
            case 1:
                self.open(name)
            case 2:
                self.leave(client, closed=random.random() < 0.5, by_client=random.random() < 0.7)
            case 3:
                self.join(random.choice(("Chrome/140", "Firefox/140")))
            case 4:
                self.send(random.choice(("friend_online", "friend_offline")), {"username": name})
            case 5:
                self.receive(client, "typing", {"to": name, "typing": random.random() < 0.7})
            case 6:
                self.receive(client, "mark_read", {"peer": name, "msg_id": message_id(random.randrange(9))})
            case 7:
                self.call("POST", "/messages", {"msg_id": message_id(77)}, body={"to": name, "text": "hi"})
            case 8:
                text = Envelope("typing", {"username": 5}).encode().decode()
                self.hub.send(Outgoing.raw(text, origin=CONTROL, fault="wrong", event="typing"))
            case 9:
                self.hub.log_server_event(
                    "ui-state", client=client, note="#2: it is wrong", verdict=Verdict.WARNING
                )
            case 10:
                self.hub.send(Outgoing.raw("{}", origin=CONTROL, fault="type: missing"))
            case 11:
                self.hub.journal.append(
                    Kind.FROM_UI, "", client=client.number, payload=b"{}", verdict=Verdict.INVALID,
                    origin=client_origin(client.id), note="type: missing",
                )  # fmt: skip
            case _:
                self.message(random.randrange(9), client, **{"from": name})

    def recorded(self) -> Tally:
        """Return what is found in the recording."""
        self.recorder.close()
        run = RecordedRun(1_700_000_000.0)
        lint = RowLint(run, self.catalog)
        run.read(self.lines)
        lint.catch_up(1_000_000)
        return lint.tally


def counts(tally: Tally) -> dict[str, int]:
    return {each.rule.id: each.count for each in tally if each.count}


def plain(tally: Tally) -> list[Any]:
    return [(each.rule.id, each.count, each.first_seq, each.last_seq, each.kept, each.last) for each in tally]


@given(st.integers(0, 10**9), st.integers(1, 60))
@settings(max_examples=examples(100))
async def test_a_recording_has_the_same_findings_as_the_live_run(seed: int, steps: int) -> None:
    live, random = Live(), Random(seed)
    for _ in range(steps):
        live.act(random)
        if random.random() < 0.3:
            await live.lint.catch_up()
    await live.lint.catch_up()
    assert plain(live.recorded()) == plain(live.lint.tally)


@pytest.mark.parametrize(
    ("ending", "found"),
    [
        (Ending(1001, by_client=True), {"typing-not-stopped": 1}),
        (Ending(None, by_client=True), {"typing-not-stopped": 1}),
        (Ending(1000, by_client=False), {}),
    ],
)
async def test_a_client_that_ends_its_connection_while_it_is_typing_is_reported(
    ending: Ending, found: dict[str, int]
) -> None:
    live = Live()
    client = live.join()
    live.receive(client, "typing", {"to": "alice", "typing": True})
    client.ending = ending
    live.hub.leave(client)
    await live.lint.catch_up()
    assert counts(live.lint.tally) == counts(live.recorded()) == found


async def test_rows_are_marked_and_found_by_the_filter() -> None:
    live = Live()
    live.join()
    live.message(1)
    seq = live.message(1)
    await live.lint.catch_up()
    marks, rows = live.hub.journal.rows.marks, live.hub.journal.rows
    assert marks[seq].lint == ("duplicate-id",)
    for text in ("is:lint", "lint:duplicate-id", "lint:dup", "lint:clock-skew,duplicate-id"):
        columns = rows.columns(1, rows.last)
        found = parse(text)
        assert not found.warnings
        assert [columns.seqs[index] for index in found.matching(columns)] == [seq]
    assert not parse("lint:clock-skew").matching(rows.columns(1, rows.last))


async def test_a_rule_that_is_off_hides_its_findings_until_it_is_on_again() -> None:
    live = Live()
    live.join()
    live.message(1)
    seq = live.message(1)
    await live.lint.catch_up()
    changed: list[int] = []
    live.hub.journal.rows.marks.changed.connect(changed.append)
    live.off = ["duplicate-id"]
    live.lint.settings_changed()
    assert changed == [seq]
    assert live.hub.journal.rows.marks[seq].lint == ()
    (rule,) = [each for each in live.lint.report().rules if not each.on]
    assert (rule.rule, rule.count, rule.first_row, rule.findings) == ("duplicate-id", 0, None, [])
    live.off = []
    live.lint.settings_changed()
    assert live.hub.journal.rows.marks[seq].lint == ("duplicate-id",)
    assert [each.count for each in live.lint.report().rules if each.count] == [1]


async def test_pins_and_lint_of_a_row_do_not_disturb_each_other() -> None:
    live = Live()
    live.join()
    live.message(1)
    seq = live.message(1)
    live.hub.journal.mark(seq, pinned=True)
    await live.lint.catch_up()
    live.hub.journal.mark(seq, annotation="twice")
    mark = live.hub.journal.rows.marks[seq]
    assert (mark.pinned, mark.annotation, mark.lint) == (True, "twice", ("duplicate-id",))
    live.hub.journal.mark(seq, pinned=False, annotation="")
    assert live.hub.journal.rows.marks[seq].lint == ("duplicate-id",)
    assert live.hub.journal.rows.marks.pinned == []


async def test_what_faults_and_priming_send_is_no_violation() -> None:
    live = Live()
    client = live.join()
    live.message(1)
    for origin in (FAULTS, PRIMING):
        live.send("new_message", {**MESSAGE, "msg_id": message_id(1)}, client, origin=origin)
    await live.lint.catch_up()
    assert counts(live.lint.tally) == {}


@pytest.mark.parametrize("delivered", [True, False])
async def test_a_message_that_a_fault_delays_is_known_when_it_arrives(delivered: bool) -> None:
    """Regression: the recipients of a delayed message were unknown, and its chat counted as empty."""
    live = Live()
    live.friends("alice")
    client = live.join()
    live.hub.paused = True
    live.message(1)
    live.hub.paused = False
    if delivered:
        live.hub.deliver(client, "new_message", b'{"event":"new_', "#2 after 50 ms", 2)
        live.hub.deliver(client, "new_message", Envelope("new_message", MESSAGE).encode(), "#2 after 50 ms", 2)
    live.open("alice")
    await live.lint.catch_up()
    assert counts(live.lint.tally) == ({} if delivered else {"blanks-ui": 1})


class _HoldingPlan(FaultPlan):
    """A fault plan that keeps all frames. ``held`` has them."""

    def __init__(self) -> None:
        self.held: list[tuple[str, bytes]] = []

    @override
    def decide(self, frame: RecipientFrame) -> CarryOut:
        self.held.append((frame.event, frame.payload))
        return lambda _seq: 1

    @override
    def receive(self, frame: AnyFrame, payload: bytes, handle: HandleFrame) -> bool:
        return False

    @override
    def delayed(self) -> list[int]:
        return []


@pytest.mark.parametrize("delivered", [[], ["friend_offline"], ["friend_offline"] * 2, ["friend_0ffline"]])
async def test_presence_that_a_fault_delays_or_loses_is_not_reported(delivered: list[str]) -> None:
    """Regression: the presence before it was compared with ``GET /friends`` and with the next event."""
    live, faults = Live(), _HoldingPlan()
    live.friends("alice", online=False)
    client, _ = live.join(), live.join("Firefox/140")
    live.send("friend_online", {"username": "alice"})
    live.hub.set_fault_plan(client, faults)
    live.send("friend_offline", {"username": "alice"})
    live.hub.set_fault_plan(client, None)
    ((event, payload),) = faults.held
    for name in delivered:
        live.hub.deliver(client, event, payload.replace(b"friend_offline", name.encode()), "#5 after 300 ms", 5)
    for _ in range(3):
        live.wait(10)
        live.friends("alice", online=False)
    live.send("friend_online", {"username": "alice"})
    await live.lint.catch_up()
    assert counts(live.lint.tally) == counts(live.recorded()) == {}


async def test_presence_that_a_fault_has_delayed_is_compared_when_it_arrives() -> None:
    live, faults = Live(), _HoldingPlan()
    live.friends("alice", online=True)
    client = live.join()
    live.hub.set_fault_plan(client, faults)
    live.send("friend_offline", {"username": "alice"})
    live.hub.set_fault_plan(client, None)
    live.hub.deliver(client, *faults.held[0], "#2 after 300 ms", 2)
    for _ in range(2):
        live.wait(10)
        live.friends("alice", online=True)
    live.send("friend_offline", {"username": "alice"})
    await live.lint.catch_up()
    assert counts(live.lint.tally) == counts(live.recorded()) == {"rest-disagrees": 1, "presence-repeated": 1}


@pytest.mark.parametrize("event", STATE_CHANGES)
async def test_what_was_sent_before_the_companion_changed_the_chat_state_is_not_compared(event: str) -> None:
    """Regression: presence and messages from before were compared with the new state."""
    live = Live()
    live.friends("alice", "bob", online=True)
    client = live.join()
    live.send("friend_online", {"username": "bob"})
    live.message(1, client, **{"from": "bob"})
    live.hub.log_server_event(event)
    for _ in range(2):
        live.wait(10)
        live.friends("alice", "bob", "robert", online=False)
    live.open("robert", {**MESSAGE, "msg_id": message_id(1), "from": "robert"})
    live.send("friend_online", {"username": "bob"})
    await live.lint.catch_up()
    assert counts(live.lint.tally) == counts(live.recorded()) == {}
    for _ in range(2):
        live.wait(10)
        live.friends("bob", online=False)
    await live.lint.catch_up()
    assert counts(live.lint.tally) == {"rest-disagrees": 1}


async def test_frames_that_were_not_checked_when_they_were_sent_are_examined() -> None:
    """Regression: the lint of the run took forwarded and primed frames for valid, that of its recording did not."""
    known, events = built_in(), EventSet(built_in())
    parsed = {}
    for name in ("typing", "new_message"):
        data = {"required": ["device"], "properties": {"device": {"type": "string"}}}
        file = {"extends": name, "direction": "to_ui", "data": data}
        parsed[f"{name}.json"] = parse_event_file(f"{name}.json", json.dumps(file), known)
    events.update(parsed)
    live = Live(Catalog(events.types))
    live.friends("alice")
    client = live.join()
    forwarded = live.send("typing", {"username": "alice", "typing": True}, origin=client_origin(7))
    live.send("new_message", {**MESSAGE, "msg_id": message_id(1)}, client, origin=PRIMING)
    row = live.hub.journal.row(forwarded)
    assert row
    live.hub.send(Outgoing.again(row, origin=PANEL))
    await live.lint.catch_up()
    assert counts(live.lint.tally) == {"missing-field": 3}
    assert plain(live.recorded()) == plain(live.lint.tally)


def with_effects(direction: Direction) -> Catalog:
    """Return the events, and two of files that change the text of a message and the presence of a user."""
    known, types = built_in(), {"msg_id": "string", "text": "string", "username": "string", "online": "boolean"}
    parsed = {}
    for event, effect, names in (
        ("message_edited", "edit_message", ("msg_id", "text")),
        ("status_changed", "set_presence", ("username", "online")),
    ):
        data = {"type": "object", "properties": {name: {"type": types[name]} for name in names}}
        effects = {effect: {name: f"/{name}" for name in names}}
        file = {"event": event, "direction": direction.name.lower(), "data": data, "effect": effects}
        parsed[f"{event}.json"] = parse_event_file(f"{event}.json", json.dumps(file), known)
    events = EventSet(known)
    events.update(parsed)
    return Catalog(events.types)


EDIT = {"msg_id": message_id(1), "text": "changed"}


@pytest.mark.parametrize(
    ("edited", "loaded", "found"), [(True, "changed", 0), (True, "hi", 1), (False, "changed", 1), (False, "hi", 0)]
)
@pytest.mark.parametrize("direction", list(Direction))
@pytest.mark.parametrize("origin", [None, FAULTS])
async def test_the_effect_of_an_event_on_a_message_is_known(
    edited: bool, loaded: str, found: int, direction: Direction, origin: Origin | None
) -> None:
    """Regression: the edited text in ``GET /messages`` was compared with the text of ``new_message``."""
    live = Live(with_effects(direction))
    live.friends("alice")
    client = live.join()
    live.message(1)
    if edited and direction is Direction.TO_UI:
        live.send("message_edited", EDIT)
    elif edited:
        live.receive(client, "message_edited", EDIT, origin=origin)
    live.wait(1)
    live.open("alice", {**MESSAGE, "msg_id": message_id(1), "text": loaded})
    await live.lint.catch_up()
    assert counts(live.lint.tally) == counts(live.recorded()) == ({"rest-disagrees": 1} if found else {})


async def test_a_response_from_before_an_edit_is_not_compared() -> None:
    live = Live(with_effects(Direction.TO_UI))
    live.friends("alice")
    live.join()
    live.message(1)
    live.call(
        "GET", "/messages", {"messages": [{**MESSAGE, "msg_id": message_id(1)}]}, "peer=alice&offset=0",
        meanwhile=lambda: live.send("message_edited", EDIT),
    )  # fmt: skip
    await live.lint.catch_up()
    assert counts(live.lint.tally) == counts(live.recorded()) == {}


@pytest.mark.parametrize("direction", list(Direction))
async def test_the_effect_of_an_event_on_presence_is_known(direction: Direction) -> None:
    """Regression: the presence in ``GET /friends`` was compared with the last ``friend_offline``."""
    live = Live(with_effects(direction))
    live.friends("alice")
    client = live.join()
    live.send("friend_offline", {"username": "alice"})
    if direction is Direction.TO_UI:
        live.send("status_changed", {"username": "alice", "online": True})
    else:
        live.receive(client, "status_changed", {"username": "alice", "online": True})
    for _ in range(3):
        live.wait(10)
        live.friends("alice", online=True)
    live.send("friend_offline", {"username": "alice"})
    await live.lint.catch_up()
    assert counts(live.lint.tally) == counts(live.recorded()) == {}


async def test_the_effect_of_an_event_on_presence_is_compared() -> None:
    live, faults = Live(with_effects(Direction.TO_UI)), _HoldingPlan()
    live.friends("alice", online=True)
    client = live.join()
    live.hub.set_fault_plan(client, faults)
    live.send("status_changed", {"username": "alice", "online": False})
    live.hub.set_fault_plan(client, None)
    live.hub.deliver(client, *faults.held[0], "#2 after 300 ms", 2)
    for _ in range(2):
        live.wait(10)
        live.friends("alice", online=True)
    await live.lint.catch_up()
    assert counts(live.lint.tally) == counts(live.recorded()) == {"rest-disagrees": 1}


async def findings_of(faults: Sequence[AnyFault], *frames: str | bytes) -> dict[str, list[tuple[int, str]]]:
    """Return what the lint of a run and of its recording finds if a client sends these frames."""
    stage = FaultStage()
    router = Router(stage.hub, built_in(), stage.tasks)
    lint = ContractLint(stage.hub, built_in(), NoTasks(), lambda: ())
    lines: list[bytes] = []
    recorder = Recorder(stage.hub, lines.extend)
    if faults:
        stage.faults.arm(ALL, faults, seed=1)
    client = stage.join()
    for frame in frames:
        router.receive(client, frame)
        await stage.timeline.advance(0.5)
    await stage.timeline.advance(20.0)
    stage.hub.leave(client)
    await lint.catch_up()
    recorder.close()
    run = RecordedRun(1_700_000_000.0)
    recorded = RowLint(run, built_in())
    run.read(lines)
    recorded.catch_up(1_000_000)
    assert plain(recorded.tally) == plain(lint.tally)
    await stage.tasks.cancel()
    return {each.rule.id: [(found.seq, found.text) for found in each.kept] for each in lint.tally if each.count}


async def test_recordings_of_earlier_versions_have_the_same_findings() -> None:
    """Their rows about faults contain no frame, and what a fault changed has the client as its origin."""
    live = Live()
    client = live.join()
    live.hub.log_server_event("fault", client=client, note="a frame from the UI: corrupted by corrupt")
    live.receive(client, "typing", {"to": "alice"})
    assert counts(live.recorded()) == {"missing-field": 1}


TYPING, STOPPED = (
    Envelope("typing", {"to": "alice", "typing": typing}).encode().decode() for typing in (True, False)
)


@pytest.mark.parametrize(
    "faults",
    [
        [Loss(rate=1, direction="from_ui", only='event:typing "false"')],
        [Duplicate(direction="from_ui")],
        [Truncate(bytes=5, direction="from_ui")],
        [Corrupt(direction="from_ui", utf8=False)],
        [Latency(ms=8000, direction="from_ui", only='event:typing "false"')],
    ],
)
async def test_what_faults_do_to_frames_from_the_ui_is_no_violation(faults: list[AnyFault]) -> None:
    """Regression: the UI was blamed for lost, repeated and changed frames."""
    assert await findings_of(faults, TYPING, STOPPED) == {}


async def test_a_frame_that_waits_for_a_delayed_one_is_examined_when_the_ui_sent_it() -> None:
    """Regression: the second ``typing: true`` seemed to come directly after the first one."""
    delayed = Latency(ms=2500, direction="from_ui", only="event:mark_read")
    read = Envelope("mark_read", {"peer": "alice", "msg_id": message_id(1)}).encode().decode()
    to_bob = Envelope("typing", {"to": "bob", "typing": False}).encode().decode()
    assert await findings_of([delayed], read, TYPING, to_bob, TYPING, STOPPED) == {}


@pytest.mark.parametrize(
    "frame",
    [
        Envelope("typing", {"to": "alice"}).encode().decode(),
        Envelope("typing", {"to": "alice", "typing": False, "since": 1}).encode().decode(),
        Envelope("typign", {}).encode().decode(),
        '{"event": "typing", "data": 5}',
        '{"event": "typing", "event": "typing", "data": {}}',
        '{"event": ' + "[" * 30_000,
        "[1]",
        STOPPED.encode(),
        b"\xff",
    ],
)
@pytest.mark.parametrize(
    "fault", [Loss(rate=1, direction="from_ui"), Duplicate(direction="from_ui"), Latency(ms=1, direction="from_ui")]
)
async def test_a_frame_from_the_ui_is_examined_as_it_was_before_faults(frame: str | bytes, fault: AnyFault) -> None:
    without = await findings_of([], frame)
    assert len(without) == 1
    ((rule, [(seq, text)]),) = without.items()
    assert await findings_of([fault], frame) == {rule: [(seq + 1, text)]}  # after the row "faults armed"


async def test_a_flood_of_violations_marks_a_limited_number_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contract_lint, "MARKS_PER_BATCH", 3)
    live = Live()
    live.join()
    for _ in range(10):
        live.message(1)
    await live.lint.catch_up()
    assert counts(live.lint.tally) == {"duplicate-id": 9}
    marks = live.hub.journal.rows.marks
    assert sum(bool(marks[seq].lint) for seq in range(1, 20)) == 3


async def test_rows_that_the_log_drops_too_soon_are_counted() -> None:
    live = Live()
    live.hub.journal._max_rows = 10
    live.hub.journal.rows._capacity = 10
    live.join()
    for number in range(30):
        live.message(number)
    await live.lint.catch_up()
    assert live.lint.report().skipped == 21


async def test_what_is_known_of_connections_whose_rows_were_skipped_is_forgotten() -> None:
    """Regression: an entry of each of them was kept until the end."""
    live = Live()
    live.hub.journal.rows._capacity = 10
    for _ in range(30):
        live.leave(live.join(), closed=True)
    lint = live.lint._lint
    lint.catch_up(0)
    assert len(lint._browsers) == len(lint._endings) == 5, "their rows are in the log"
    await live.lint.catch_up()
    assert (lint._browsers, lint._endings) == ({}, {})


async def test_findings_are_announced_once_per_batch() -> None:
    live = Live()
    live.join()
    announced: list[None] = []
    live.lint.changed.connect(announced.append)
    for _ in range(3):
        live.message(1)
    await live.lint.catch_up()
    assert announced == [None]
    live.message(2)
    await live.lint.catch_up()
    assert announced == [None]


async def test_a_recording_that_began_later_names_the_rows_of_the_log(tmp_path: Path) -> None:
    live = Live()
    client = live.join()
    live.message(5)
    live.recorder.close()
    live.lines.clear()
    live.recorder = Recorder(live.hub, live.lines.extend)
    live.message(1, client)
    seq = live.message(1, client)
    live.recorder.close()
    file = tmp_path / "later.session.jsonl"
    file.write_bytes(b"\n".join([HEADER, *live.lines]))
    found = lint_recording(file, built_in())["duplicate-id"]
    assert (found.first_seq, found.kept[0].text) == (seq, f"{message_id(1)} is already the ID of row #{seq - 1}")
