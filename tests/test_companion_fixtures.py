"""Firing templates and fixtures, keeping fixtures, and waiting for what clients do."""

import asyncio
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from app.companion import Companion
from app.hub.clock import Clock
from app.hub.expectation import Expectation
from app.hub.hub import Delivery
from app.hub.journal import Kind, Row, Verdict
from app.hub.pipeline import offline_warning
from app.hub.target import ALL, Target
from app.protocol.envelope import Envelope
from app.protocol.errors import Conflict, RequestError, StorageError
from app.protocol.event_type import InvalidEvent
from app.protocol.fixture import Fixture
from app.system.settings import PINNED, Settings
from tests.cli.doubles import unused_port
from tests.conftest import PATIENCE_S, Connect, MakeCompanion, unknown_home, until

MESSAGE = {
    "msg_id": "{{uuid}}", "from": "{{persona}}", "to": "{{me}}", "text": "{{seq}}: {{faker.sentence}}",
    "timestamp": "{{now}}", "direction": "received", "delivered": True, "delivery_method": "direct",
}  # fmt: skip
SAYING = Fixture(event="new_message", data=MESSAGE)
ONLINE = Envelope("friend_online", {"username": "alice"})
CLOCK = Clock(wall=lambda: 1_700_000_000.0)


def sent(companion: Companion) -> list[Row]:
    return [row for row in companion.journal if row.kind is Kind.TO_UI]


def data_of(row: Row) -> dict[str, Any]:
    found = json.loads(row.payload)["data"]
    assert isinstance(found, dict)
    return found


async def messages(companion: Companion, peer: str = "alice") -> list[str]:
    return [each["text"] for each in (await companion.chat.store.snapshot())["messages"] if each["from"] == peer]


# firing


async def test_a_template_is_fired_with_values_of_this_desk(make_companion: MakeCompanion) -> None:
    companion = await make_companion(clock=CLOCK, username="zoe")
    await companion.composer.fire_event(Envelope("new_message", MESSAGE), origin="panel")
    (row,) = sent(companion)
    data = data_of(row)
    assert (data["from"], data["to"], data["timestamp"]) == ("alice", "zoe", "2023-11-14T22:13:20.000Z")
    assert data["text"].startswith("1: ")
    assert data["text"] in await messages(companion)
    assert (row.origin, row.client) == ("panel", "all")


async def test_a_fixture_is_fired_for_a_persona_with_a_seed(make_companion: MakeCompanion) -> None:
    companion = await make_companion(clock=CLOCK)
    first = await companion.composer.fire(SAYING, origin="panel", persona="bob", seed=7)
    other = await make_companion(clock=CLOCK)
    again = await other.composer.fire(SAYING, origin="panel", persona="bob", seed=7)
    assert data_of(sent(companion)[0])["from"] == "bob"
    assert sent(companion)[0].payload == sent(other)[0].payload
    assert first.warnings == again.warnings == (offline_warning("bob"),)


async def test_each_fire_is_counted(make_companion: MakeCompanion) -> None:
    companion = await make_companion()
    for _ in range(3):
        await companion.composer.fire_event(Envelope("new_message", MESSAGE), origin="panel")
    assert [data_of(row)["text"].partition(":")[0] for row in sent(companion)] == ["1", "2", "3"]
    assert companion.composer.context().seq == 3


async def test_at_first_nothing_can_be_fired_again(make_companion: MakeCompanion) -> None:
    companion = await make_companion()
    await companion.fire(ONLINE, origin="panel")
    await companion.fire(ONLINE, strict=False, origin="panel")
    await companion.send_raw("nope", origin="panel")
    assert not companion.composer.can_fire_again
    with pytest.raises(RequestError, match=r"Nothing has been fired yet\.") as caught:
        await companion.composer.fire_again(origin="tray")
    assert isinstance(caught.value, Conflict)


async def test_what_was_fired_last_is_fired_again_with_fresh_values_to_the_same_target(
    make_companion: MakeCompanion,
) -> None:
    companion = await make_companion()
    await companion.composer.fire_event(ONLINE, origin="panel")
    await companion.composer.fire(SAYING, to=Target(user="bob"), origin="panel", persona="carol")
    assert companion.composer.can_fire_again
    await companion.fire(ONLINE, origin="panel")
    await companion.composer.fire_again(origin="tray")
    _, first, _, again = sent(companion)
    assert data_of(first)["msg_id"] != data_of(again)["msg_id"]
    assert (data_of(again)["from"], again.client, again.origin) == ("carol", "user:bob", "tray")


async def test_what_could_not_be_fired_is_not_what_is_fired_again(make_companion: MakeCompanion) -> None:
    companion = await make_companion()
    broken = Envelope("typing", {"username": "{{persona}}", "typing": "{{me}}"})
    with pytest.raises(InvalidEvent, match=r"data\.typing"):
        await companion.composer.fire_event(broken, origin="panel")
    with pytest.raises(RequestError):
        await companion.composer.fire(Fixture(event="friend_online", data={}, to="bob"), origin="panel")
    assert not companion.composer.can_fire_again
    await companion.composer.fire_event(ONLINE, origin="panel")
    with pytest.raises(InvalidEvent):
        await companion.composer.fire_event(broken, origin="panel")
    await companion.composer.fire_again(origin="tray")
    assert [row.event for row in sent(companion)] == ["friend_online", "friend_online"]


async def test_the_target_is_the_fixtures_unless_another_is_given(
    companion: Companion, connect_client: Connect
) -> None:
    await connect_client("alice")
    await connect_client("bob")
    fixture = Fixture(event="friend_online", data={"username": "alice"}, to="user:bob")
    assert (await companion.composer.fire(fixture, origin="panel")).clients == (2,)
    assert (await companion.composer.fire(fixture, to=ALL, origin="panel")).clients == (1, 2)


async def test_the_same_frame_twice_is_one_message_in_the_history(
    companion: Companion, connect_client: Connect
) -> None:
    socket = await connect_client()
    before = len(await messages(companion))
    await companion.composer.fire(Fixture(event="new_message", data=MESSAGE, times=2), origin="panel")
    one, two = [await asyncio.wait_for(socket.recv(), PATIENCE_S) for _ in range(2)]
    assert one == two
    assert len(await messages(companion)) == before + 1


async def test_what_breaks_the_contract_on_purpose_goes_out_and_changes_nothing(
    companion: Companion, connect_client: Connect
) -> None:
    socket = await connect_client()
    before = await companion.chat.store.snapshot()
    broken = Fixture(event="new_message", data={**MESSAGE, "text": None}, malformed=True)
    await companion.composer.fire(broken, origin="panel")
    await companion.composer.fire(Fixture(frame="pong"), origin="panel")
    frame, pong = [await asyncio.wait_for(socket.recv(), PATIENCE_S) for _ in range(2)]
    assert (json.loads(frame)["data"]["from"], pong) == ("alice", "pong")
    assert {row.verdict for row in sent(companion)} == {Verdict.INVALID}
    assert await companion.chat.store.snapshot() == before


async def test_without_friends_the_persona_is_alice_and_unknown_users_cause_no_warning(
    make_companion: MakeCompanion,
) -> None:
    companion = await make_companion()
    await companion.chat.restore({"version": 1, "people": [], "messages": []})
    assert companion.personas == []
    delivery = await companion.composer.fire(SAYING, origin="panel")
    assert data_of(sent(companion)[0])["from"] == "alice"
    assert delivery.warnings == ()


def test_the_context_is_of_this_moment_and_this_desk() -> None:
    companion = Companion(Settings(username="zoe"), clock=CLOCK)
    random = Random(1)
    context = companion.composer.context("bob", random)
    assert (context.wall, context.me, context.persona, context.random) == (1_700_000_000.0, "zoe", "bob", random)
    assert companion.composer.context().random is not random


async def test_loosely_a_good_event_is_stored_and_a_bad_one_is_sent_only(
    companion: Companion, connect_client: Connect
) -> None:
    socket = await connect_client()
    before = len(await messages(companion))
    good = companion.message_from("alice", "Hi")
    assert (await companion.fire(good, strict=False, origin="panel")).warnings == ()
    bad = Envelope("new_message", {**good.data, "delivered": "yes", "msg_id": ""})
    delivery = await companion.fire(bad, strict=False, origin="control")
    assert delivery.delivered == 1
    (warning,) = delivery.warnings
    assert warning.startswith("sent, not stored: data.msg_id: must be a UUID")
    assert warning.endswith("; data.delivered: must be true or false, not text")
    assert [json.loads(await asyncio.wait_for(socket.recv(), PATIENCE_S)) for _ in range(2)] == [
        {"event": event.event, "data": event.data} for event in (good, bad)
    ]
    assert len(await messages(companion)) == before + 1


@pytest.mark.parametrize(
    "fixture",
    [
        Fixture(frame="\ud83d"),
        Fixture(event="x", data={"text": "\ud83d"}, malformed=True),
        Fixture(event="typing", data={"username": "\ud83d", "typing": True}),
        Fixture(event="\ud83d", data={}, malformed=True),
    ],
    ids=["frame", "data", "event", "name"],
)
async def test_text_that_is_not_valid_unicode_is_rejected_with_a_printable_error(
    make_companion: MakeCompanion, fixture: Fixture
) -> None:
    companion = await make_companion()
    with pytest.raises((InvalidEvent, RequestError)) as caught:
        await companion.composer.fire(fixture, origin="panel")
    assert str(caught.value).encode()
    assert sent(companion) == []


# what the UI will not show


@pytest.mark.parametrize(
    ("event", "data", "stranger"),
    [
        ("friend_online", {"username": "alice"}, ""),
        ("friend_online", {"username": "mallory"}, "mallory"),
        ("typing", {"username": "erin", "typing": True}, "erin"),
        ("new_message", {"from": "alice", "to": "me", "direction": "received"}, ""),
        ("new_message", {"from": "mallory", "to": "me", "direction": "received"}, "mallory"),
        ("new_message", {"from": "me", "to": "alice", "direction": "sent"}, ""),
        ("new_message", {"from": "me", "to": "mallory", "direction": "sent"}, "mallory"),
        ("something", {}, ""),
    ],
)
async def test_an_event_about_an_unknown_user_causes_a_warning(
    make_companion: MakeCompanion, event: str, data: dict[str, Any], stranger: str
) -> None:
    said = (await make_companion()).chat.unknown_user_warning(Envelope(event, data))
    assert said.startswith(f"{stranger} is not a friend in this chat state") if stranger else said == ""


async def test_the_warning_comes_with_the_delivery(make_companion: MakeCompanion) -> None:
    companion = await make_companion()
    delivery = await companion.fire(Envelope("friend_online", {"username": "mallory"}), origin="panel")
    assert [warning.split()[0] for warning in delivery.warnings] == ["mallory"]
    assert (await companion.fire(ONLINE, origin="panel")).warnings == ()


async def test_a_friend_that_was_added_or_removed_counts_at_once_though_no_window_is_open(
    make_companion: MakeCompanion,
) -> None:
    companion = await make_companion()
    erin = Envelope("friend_online", {"username": "erin"})
    await companion.chat.add_friend("erin")
    assert (await companion.fire(erin, origin="control")).warnings == ()
    assert "erin" in companion.personas
    await companion.chat.remove_friend("erin")
    assert "erin" not in companion.personas
    assert (await companion.fire(erin, origin="control")).warnings != ()


# events of the contract, ready to fire


@pytest.mark.parametrize("event", ["new_message", "friend_online", "friend_offline", "typing"])
async def test_every_event_of_the_contract_is_ready_to_fire(make_companion: MakeCompanion, event: str) -> None:
    companion = await make_companion()
    fixture = companion.composer.fixture_for_event(event)
    assert isinstance(await companion.composer.fire(fixture, origin="panel"), Delivery)
    assert (sent(companion)[0].event, sent(companion)[0].verdict) == (event, Verdict.WARNING)


@pytest.mark.parametrize("event", ["dance", "mark_read", ""])
def test_an_unknown_event_name_is_rejected_with_the_known_names(event: str) -> None:
    with pytest.raises(InvalidEvent, match=r"unknown server event .*\. Use new_message, friend_online") as caught:
        Companion(Settings()).composer.fixture_for_event(event)
    assert [problem.path for problem in caught.value.problems] == ["event"]


# fixtures on the disk


async def test_the_fixtures_of_the_program_are_there_when_it_is_open(make_companion: MakeCompanion) -> None:
    companion = await make_companion()
    assert companion.fixtures.find("basics/message").own is False
    assert [each.name for each in companion.fixtures.pinned] == list(PINNED)
    assert companion.fixtures.folder is None
    with pytest.raises(StorageError):
        await companion.fixtures.save("x", SAYING)


async def test_saving_renaming_and_deleting_a_fixture_emits_changed(tmp_path: Path) -> None:
    companion = Companion(Settings(), fixtures_folder=tmp_path)
    await companion.open()
    told: list[list[str]] = []
    companion.fixtures.changed.connect(
        lambda _: told.append([each.name for each in companion.fixtures.all if each.own])
    )
    await companion.fixtures.save("x", SAYING)
    await companion.fixtures.rename("x", "y")
    (tmp_path / "y.json").rename(tmp_path / "z.json")
    await companion.fixtures.read()
    await companion.fixtures.delete("z")
    assert told == [["x"], ["y"], ["z"], []]
    with pytest.raises(RequestError):
        await companion.fixtures.rename("basics/message", "mine")
    assert len(told) == 4
    await companion.close()


async def test_what_is_pinned_and_gone_is_left_out(tmp_path: Path) -> None:
    companion = Companion(Settings(pinned=["gone", "basics/typing", "mine"]), fixtures_folder=tmp_path)
    await companion.open()
    assert [each.name for each in companion.fixtures.pinned] == ["basics/typing"]
    await companion.fixtures.save("mine", SAYING)
    assert [each.name for each in companion.fixtures.pinned] == ["basics/typing", "mine"]
    await companion.close()


async def test_the_settings_choose_another_folder_at_once(tmp_path: Path) -> None:
    other = tmp_path / "other"
    companion = Companion(Settings(port=0), fixtures_folder=tmp_path / "own")
    await companion.open()
    await companion.fixtures.save("mine", SAYING)
    await companion.apply(Settings(port=0, fixtures=str(other)))
    assert companion.fixtures.folder == other
    assert not any(each.own for each in companion.fixtures.all)
    await companion.fixtures.save("theirs", SAYING)
    assert (other / "theirs.json").is_file()
    await companion.apply(Settings(port=0))
    assert companion.fixtures.find("mine").own
    await companion.close()


def test_the_folder_may_begin_at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert Companion(Settings(fixtures="~/fixtures")).fixtures.folder == tmp_path / "fixtures"


@pytest.mark.parametrize(
    "folder",
    [
        pytest.param("~nobody-here/fixtures", id="home", marks=unknown_home),
        pytest.param("x" * 300, id="long"),
        pytest.param("a\0b", id="null"),
    ],
)
async def test_a_folder_that_cannot_be_keeps_no_companion_from_starting(
    make_companion: MakeCompanion, folder: str
) -> None:
    companion = await make_companion(fixtures=folder)
    assert companion.fixtures.find("basics/message").own is False
    with pytest.raises(StorageError):
        await companion.fixtures.save("x", SAYING)
    await companion.apply(Settings(port=0, fixtures=""))
    await companion.apply(Settings(port=0, fixtures=folder))
    assert companion.fixtures.find("basics/message").own is False


# waiting


async def test_a_client_is_waited_for(companion: Companion, connect_client: Connect) -> None:
    assert not await companion.wait_for_ready_client(ALL, 0.02)
    waiting = asyncio.create_task(companion.wait_for_ready_client(Target(user="bob"), 10))
    await connect_client("alice")
    assert not waiting.done()
    assert not await companion.wait_for_ready_client(Target(user="bob"), 0.02)
    await connect_client("bob")
    assert await waiting
    assert await companion.wait_for_ready_client(Target(user="bob"), 0)
    assert await companion.wait_for_ready_client(Target(clients=frozenset({1})), 0)


async def test_renaming_a_client_to_the_target_user_ends_the_wait(
    companion: Companion, connect_client: Connect
) -> None:
    await connect_client("alice")
    waiting = asyncio.create_task(companion.wait_for_ready_client(Target(user="bob"), 10))
    await asyncio.sleep(0)
    companion.hub.identify(companion.hub.clients[0], "bob")
    assert await waiting


async def test_what_a_client_must_send_is_expected(companion: Companion, connect_client: Connect) -> None:
    socket = await connect_client("zoe")
    fired = await companion.fire(ONLINE, origin="control")
    await socket.send('{"event":"typing","data":{"to":"alice","typing":true}}')
    await until(lambda: any(row.kind is Kind.FROM_UI for row in companion.journal))
    met = await companion.expect(Expectation("typing", "zoe", {"typing": True}), 5, after=fired.seq)
    assert met.row is not None
    assert met.after_s >= 0
    assert (await companion.expect(Expectation("typing"), 0.02)).row is None


# the control API's door


async def test_the_control_api_is_answered_moved_and_switched_off(make_companion: MakeCompanion) -> None:
    companion = await make_companion(control_port=0)
    companion.control.token = "x" * 16
    told: list[bool] = []
    companion.changed.connect(lambda _: told.append(companion.control.listening))
    assert await companion.start_service("control")
    assert (companion.control.listening, companion.services["control"].error, told) == (True, "", [True])
    port = unused_port()
    await companion.apply(Settings(port=0, rest_port=0, control_port=port))
    assert companion.control.url == f"http://127.0.0.1:{port}"
    await companion.apply(Settings(port=0, rest_port=0, control=False, control_port=port))
    assert not companion.control.listening
    assert (await companion.start_service("control"), companion.control.listening) == (True, False)


async def test_a_busy_control_port_is_reported_and_logged(companion: Companion) -> None:
    companion.control.token = "x" * 16
    companion.settings.control_port = companion.server.port
    assert not await companion.start_service("control")
    assert companion.services["control"].error.startswith(f"Port {companion.server.port} is busy")
    assert not companion.control.listening
    assert companion.journal.row(companion.journal.last_seq).note == companion.services["control"].error  # type: ignore[union-attr]
    companion.settings.control = False
    assert await companion.start_service("control")
    assert companion.services["control"].error == ""


async def test_close_ends_the_control_api_too() -> None:
    companion = Companion(Settings(port=0, control_port=0))
    companion.control.token = "x" * 16
    await companion.open()
    assert await companion.start_service("control")
    await companion.close()
    assert not companion.control.listening


# what was fired last


async def test_the_last_five_different_events_can_be_fired_again(make_companion: MakeCompanion) -> None:
    companion = await make_companion()
    changes: list[None] = []
    companion.composer.recent_changed.connect(changes.append)
    for name in ("a", "b", "c", "d", "e", "f", "b"):
        await companion.composer.fire_event(Envelope("friend_online", {"username": name}), origin="panel")
    recent = companion.composer.recent
    assert [each.title for each in recent] == [f"friend_online · {name}" for name in "bfedc"]
    assert len(changes) == 7
    await companion.composer.fire_again(recent[3], origin="panel")
    assert [each.title[-1] for each in companion.composer.recent] == ["d", "b", "f", "e", "c"]
    await companion.composer.fire_again(origin="panel")
    assert [data_of(row)["username"] for row in sent(companion)[-2:]] == ["d", "d"]


async def test_recipients_make_a_difference_and_titles_name_the_fixture(make_companion: MakeCompanion) -> None:
    companion = await make_companion()
    await companion.composer.fire(Fixture(event="friend_online", data={"username": "{{persona}}"}), origin="panel")
    event = Fixture(event="friend_online", data={"username": "alice"}, title="Alice comes")
    await companion.composer.fire(event, to=Target(user="bob"), origin="panel")
    await companion.composer.fire(event, origin="panel")
    await companion.composer.fire_text("not an event", to=Target(user="bob"), origin="panel")
    assert [(each.title, each.to) for each in companion.composer.recent] == [
        ("Frame: not an event", "user:bob"),
        ("Alice comes", "all"),
        ("Alice comes", "user:bob"),
        ("friend_online · alice", "all"),
    ]


async def test_a_message_of_a_persona_is_fired_and_can_be_repeated(make_companion: MakeCompanion) -> None:
    companion = await make_companion()
    await companion.composer.fire_message("bob", "hi there", origin="panel")
    await companion.composer.fire_again(origin="panel")
    first, second = map(data_of, sent(companion))
    assert (first["from"], first["to"], first["text"]) == ("bob", "me", "hi there")
    assert first["text"] == second["text"]
    assert first["msg_id"] != second["msg_id"]


# failed expectations


async def test_an_expectation_that_fails_is_announced(companion: Companion) -> None:
    failed: list[tuple[str, float]] = []
    companion.expectation_failed.connect(lambda each: failed.append((str(each.expected), each.within_s)))
    await companion.expect(Expectation("mark_read"), 0)
    assert failed == [("mark_read", 0)]
