"""Firing templates and fixtures, saving fixtures, and waiting for client events."""

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
from app.hub.origin import CONTROL, PANEL, TRAY
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
MESSAGE_FIXTURE = Fixture(event="new_message", data=MESSAGE)
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


async def test_a_template_is_filled_with_the_current_values(make_companion: MakeCompanion) -> None:
    companion = await make_companion(clock=CLOCK, username="zoe")
    await companion.composer.fire_event(Envelope("new_message", MESSAGE), origin=PANEL)
    (row,) = sent(companion)
    data = data_of(row)
    assert (data["from"], data["to"], data["timestamp"]) == ("alice", "zoe", "2023-11-14T22:13:20.000Z")
    assert data["text"].startswith("1: ")
    assert data["text"] in await messages(companion)
    assert (row.origin, row.client) == ("panel", "all")


async def test_a_fixture_is_fired_for_a_persona_with_a_seed(make_companion: MakeCompanion) -> None:
    companion = await make_companion(clock=CLOCK)
    first = await companion.composer.fire(MESSAGE_FIXTURE, origin=PANEL, persona="bob", seed=7)
    other = await make_companion(clock=CLOCK)
    again = await other.composer.fire(MESSAGE_FIXTURE, origin=PANEL, persona="bob", seed=7)
    assert data_of(sent(companion)[0])["from"] == "bob"
    assert sent(companion)[0].payload == sent(other)[0].payload
    assert first.warnings == again.warnings == (offline_warning("bob"),)


async def test_each_fire_is_counted(make_companion: MakeCompanion) -> None:
    companion = await make_companion()
    for _ in range(3):
        await companion.composer.fire_event(Envelope("new_message", MESSAGE), origin=PANEL)
    assert [data_of(row)["text"].partition(":")[0] for row in sent(companion)] == ["1", "2", "3"]
    assert companion.composer.context().seq == 3


async def test_fire_again_fails_if_nothing_was_fired_with_the_composer(make_companion: MakeCompanion) -> None:
    companion = await make_companion()
    await companion.fire(ONLINE, origin=PANEL)
    await companion.fire(ONLINE, strict=False, origin=PANEL)
    await companion.send_raw("nope", origin=PANEL)
    assert not companion.composer.can_fire_again
    with pytest.raises(RequestError, match=r"Nothing has been fired yet\.") as caught:
        await companion.composer.fire_again(origin=TRAY)
    assert isinstance(caught.value, Conflict)


async def test_fire_again_uses_new_values_and_the_same_target(
    make_companion: MakeCompanion,
) -> None:
    companion = await make_companion()
    await companion.composer.fire_event(ONLINE, origin=PANEL)
    await companion.composer.fire(MESSAGE_FIXTURE, to=Target(user="bob"), origin=PANEL, persona="carol")
    assert companion.composer.can_fire_again
    await companion.fire(ONLINE, origin=PANEL)
    await companion.composer.fire_again(origin=TRAY)
    _, first, _, again = sent(companion)
    assert data_of(first)["msg_id"] != data_of(again)["msg_id"]
    assert (data_of(again)["from"], again.client, again.origin) == ("carol", "user:bob", "tray")


async def test_fire_again_ignores_failed_fires(make_companion: MakeCompanion) -> None:
    companion = await make_companion()
    invalid = Envelope("typing", {"username": "{{persona}}", "typing": "{{me}}"})
    with pytest.raises(InvalidEvent, match=r"data\.typing"):
        await companion.composer.fire_event(invalid, origin=PANEL)
    with pytest.raises(RequestError):
        await companion.composer.fire(Fixture(event="friend_online", data={}, to="bob"), origin=PANEL)
    assert not companion.composer.can_fire_again
    await companion.composer.fire_event(ONLINE, origin=PANEL)
    with pytest.raises(InvalidEvent):
        await companion.composer.fire_event(invalid, origin=PANEL)
    await companion.composer.fire_again(origin=TRAY)
    assert [row.event for row in sent(companion)] == ["friend_online", "friend_online"]


async def test_a_given_target_overrides_the_target_of_the_fixture(
    companion: Companion, connect_client: Connect
) -> None:
    await connect_client("alice")
    await connect_client("bob")
    fixture = Fixture(event="friend_online", data={"username": "alice"}, to="user:bob")
    assert (await companion.composer.fire(fixture, origin=PANEL)).clients == (2,)
    assert (await companion.composer.fire(fixture, to=ALL, origin=PANEL)).clients == (1, 2)


async def test_a_frame_sent_twice_is_stored_as_one_message(companion: Companion, connect_client: Connect) -> None:
    socket = await connect_client()
    before = len(await messages(companion))
    await companion.composer.fire(Fixture(event="new_message", data=MESSAGE, times=2), origin=PANEL)
    one, two = [await asyncio.wait_for(socket.recv(), PATIENCE_S) for _ in range(2)]
    assert one == two
    assert len(await messages(companion)) == before + 1


async def test_an_intentionally_invalid_frame_is_sent_but_not_stored(
    companion: Companion, connect_client: Connect
) -> None:
    socket = await connect_client()
    before = await companion.chat.store.snapshot()
    invalid = Fixture(event="new_message", data={**MESSAGE, "text": None}, malformed=True)
    await companion.composer.fire(invalid, origin=PANEL)
    await companion.composer.fire(Fixture(frame="pong"), origin=PANEL)
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
    delivery = await companion.composer.fire(MESSAGE_FIXTURE, origin=PANEL)
    assert data_of(sent(companion)[0])["from"] == "alice"
    assert delivery.warnings == ()


def test_the_context_has_the_current_time_and_the_user_name() -> None:
    companion = Companion(Settings(username="zoe"), clock=CLOCK)
    random = Random(1)
    context = companion.composer.context("bob", random)
    assert (context.wall, context.me, context.persona, context.random) == (1_700_000_000.0, "zoe", "bob", random)
    assert companion.composer.context().random is not random


async def test_without_strict_a_valid_event_is_stored_and_an_invalid_one_is_only_sent(
    companion: Companion, connect_client: Connect
) -> None:
    socket = await connect_client()
    before = len(await messages(companion))
    good = companion.message_from("alice", "Hi")
    assert (await companion.fire(good, strict=False, origin=PANEL)).warnings == ()
    bad = Envelope("new_message", {**good.data, "delivered": "yes", "msg_id": ""})
    delivery = await companion.fire(bad, strict=False, origin=CONTROL)
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
        await companion.composer.fire(fixture, origin=PANEL)
    assert str(caught.value).encode()
    assert sent(companion) == []


# warnings about unknown users


@pytest.mark.parametrize(
    ("event", "data", "unknown_name"),
    [
        ("friend_online", {"username": "alice"}, ""),
        ("friend_online", {"username": "mallory"}, "mallory"),
        ("typing", {"username": "erin", "typing": True}, "erin"),
        ("new_message", {"from": "alice", "to": "me", "direction": "received"}, ""),
        ("new_message", {"from": "mallory", "to": "me", "direction": "received"}, "mallory"),
        ("new_message", {"from": "me", "to": "alice", "direction": "sent"}, ""),
        ("new_message", {"from": "me", "to": "mallory", "direction": "sent"}, "mallory"),
        ("something", {}, ""),
        ("chess_move", {"from": "e2"}, ""),
        ("chess_move", {"from": 12, "username": {"first": "Al"}}, ""),
    ],
)
async def test_an_event_about_an_unknown_user_causes_a_warning(
    make_companion: MakeCompanion, event: str, data: dict[str, Any], unknown_name: str
) -> None:
    warning = (await make_companion()).chat.unknown_user_warning(Envelope(event, data))
    assert (
        warning.startswith(f"{unknown_name} is not a friend in this chat state") if unknown_name else warning == ""
    )


@pytest.mark.parametrize(
    ("event", "data", "advice"),
    [
        (
            "new_message",
            {"from": "alice", "to": "me", "direction": "sent"},
            "set from=me and to=alice",
        ),
        ("new_message", {"from": "me", "to": "me", "direction": "received"}, "choose a friend"),
        ("typing", {"username": "me", "typing": True}, "choose a friend"),
    ],
)
async def test_an_event_about_the_local_user_causes_a_warning_with_other_advice(
    make_companion: MakeCompanion, event: str, data: dict[str, Any], advice: str
) -> None:
    """Regression: the advice was to add the user of the UI as a persona."""
    warning = (await make_companion()).chat.unknown_user_warning(Envelope(event, data))
    assert warning.startswith(f"me is the user of the UI and not a friend, so the UI will not show this: {advice}")


async def test_a_delivery_contains_the_warning(make_companion: MakeCompanion) -> None:
    companion = await make_companion()
    delivery = await companion.fire(Envelope("friend_online", {"username": "mallory"}), origin=PANEL)
    assert [warning.split()[0] for warning in delivery.warnings] == ["mallory"]
    assert (await companion.fire(ONLINE, origin=PANEL)).warnings == ()


async def test_adding_and_removing_friends_takes_effect_without_a_window(
    make_companion: MakeCompanion,
) -> None:
    companion = await make_companion()
    erin = Envelope("friend_online", {"username": "erin"})
    await companion.chat.add_friend("erin")
    assert (await companion.fire(erin, origin=CONTROL)).warnings == ()
    assert "erin" in companion.personas
    await companion.chat.remove_friend("erin")
    assert "erin" not in companion.personas
    assert (await companion.fire(erin, origin=CONTROL)).warnings != ()


# fixtures for the events of the contract


@pytest.mark.parametrize("event", ["new_message", "friend_online", "friend_offline", "typing"])
async def test_every_event_has_a_fixture_that_can_be_fired(make_companion: MakeCompanion, event: str) -> None:
    companion = await make_companion()
    fixture = companion.composer.fixture_for_event(event)
    assert isinstance(await companion.composer.fire(fixture, origin=PANEL), Delivery)
    assert (sent(companion)[0].event, sent(companion)[0].verdict) == (event, Verdict.WARNING)


@pytest.mark.parametrize("event", ["dance", "mark_read", ""])
def test_an_unknown_event_name_is_rejected_with_the_known_names(event: str) -> None:
    with pytest.raises(InvalidEvent, match=r"unknown server event .*\. Use new_message, friend_online") as caught:
        Companion(Settings()).composer.fixture_for_event(event)
    assert [problem.path for problem in caught.value.problems] == ["event"]


# fixtures on the disk


async def test_the_built_in_fixtures_are_loaded_on_open(make_companion: MakeCompanion) -> None:
    companion = await make_companion()
    assert companion.fixtures.find("basics/message").own is False
    assert [each.name for each in companion.fixtures.pinned] == list(PINNED)
    assert companion.fixtures.folder is None
    with pytest.raises(StorageError):
        await companion.fixtures.save("x", MESSAGE_FIXTURE)


async def test_saving_renaming_and_deleting_a_fixture_emits_changed(tmp_path: Path) -> None:
    companion = Companion(Settings(), fixtures_folder=tmp_path)
    await companion.open()
    own_names: list[list[str]] = []
    companion.fixtures.changed.connect(
        lambda _: own_names.append([each.name for each in companion.fixtures.all if each.own])
    )
    await companion.fixtures.save("x", MESSAGE_FIXTURE)
    await companion.fixtures.rename("x", "y")
    (tmp_path / "y.json").rename(tmp_path / "z.json")
    await companion.fixtures.read()
    await companion.fixtures.delete("z")
    assert own_names == [["x"], ["y"], ["z"], []]
    with pytest.raises(RequestError):
        await companion.fixtures.rename("basics/message", "mine")
    assert len(own_names) == 4
    (tmp_path / "late.json").write_text('{"event": "typing", "data": {}}')
    with pytest.raises(RequestError, match="was added meanwhile"):
        await companion.fixtures.save("late", MESSAGE_FIXTURE)
    assert own_names[4:] == [["late"]]
    await companion.close()


async def test_renamed_is_emitted_before_any_changed_that_lacks_the_old_name(tmp_path: Path) -> None:
    companion = Companion(Settings(), fixtures_folder=tmp_path)
    await companion.open()
    await companion.fixtures.save("mine/x", MESSAGE_FIXTURE)
    emitted: list[Any] = []
    companion.fixtures.renamed.connect(lambda renamed: emitted.append((renamed[0], renamed[1].name)))
    companion.fixtures.changed.connect(lambda _: emitted.append(companion.fixtures.has_own("mine/x")))
    await companion.fixtures.rename("x", "mine/y")
    assert emitted == [("mine/x", "mine/y"), False]
    (tmp_path / "mine" / "y.json").unlink()
    with pytest.raises(RequestError, match="There is no fixture 'mine/y'"):
        await companion.fixtures.rename("mine/y", "mine/z")
    assert emitted == [("mine/x", "mine/y"), False, False]
    await companion.close()


async def test_missing_pinned_fixtures_are_omitted(tmp_path: Path) -> None:
    companion = Companion(Settings(pinned=["gone", "basics/typing", "mine"]), fixtures_folder=tmp_path)
    await companion.open()
    assert [each.name for each in companion.fixtures.pinned] == ["basics/typing"]
    await companion.fixtures.save("mine", MESSAGE_FIXTURE)
    assert [each.name for each in companion.fixtures.pinned] == ["basics/typing", "mine"]
    await companion.close()


async def test_another_fixtures_folder_in_the_settings_is_used_immediately(tmp_path: Path) -> None:
    other = tmp_path / "other"
    companion = Companion(Settings(port=0), fixtures_folder=tmp_path / "own")
    await companion.open()
    await companion.fixtures.save("mine", MESSAGE_FIXTURE)
    await companion.apply(Settings(port=0, fixtures=str(other)))
    assert companion.fixtures.folder == other
    assert not any(each.own for each in companion.fixtures.all)
    await companion.fixtures.save("theirs", MESSAGE_FIXTURE)
    assert (other / "theirs.json").is_file()
    await companion.apply(Settings(port=0))
    assert companion.fixtures.find("mine").own
    await companion.close()


def test_the_folder_may_start_with_a_tilde(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert Companion(Settings(fixtures="~/fixtures")).fixtures.folder == tmp_path / "fixtures"


@pytest.mark.parametrize(
    "folder",
    [
        pytest.param("~unknown-user/fixtures", id="home", marks=unknown_home),
        pytest.param("x" * 300, id="long"),
        pytest.param("a\0b", id="null"),
    ],
)
async def test_an_invalid_fixtures_folder_does_not_prevent_startup(
    make_companion: MakeCompanion, folder: str
) -> None:
    companion = await make_companion(fixtures=folder)
    assert companion.fixtures.find("basics/message").own is False
    with pytest.raises(StorageError):
        await companion.fixtures.save("x", MESSAGE_FIXTURE)
    await companion.apply(Settings(port=0, fixtures=""))
    await companion.apply(Settings(port=0, fixtures=folder))
    assert companion.fixtures.find("basics/message").own is False


# waiting


async def test_wait_for_ready_client_waits_for_a_matching_client(
    companion: Companion, connect_client: Connect
) -> None:
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


async def test_expect_finds_a_matching_client_event(companion: Companion, connect_client: Connect) -> None:
    socket = await connect_client("zoe")
    fired = await companion.fire(ONLINE, origin=CONTROL)
    await socket.send('{"event":"typing","data":{"to":"alice","typing":true}}')
    await until(lambda: any(row.kind is Kind.FROM_UI for row in companion.journal))
    result = await companion.expect(Expectation("typing", "zoe", {"typing": True}), 5, after=fired.seq)
    assert result.row is not None
    assert result.after_s >= 0
    assert (await companion.expect(Expectation("typing"), 0.02)).row is None


# the control API


async def test_the_control_api_starts_changes_its_port_and_stops(make_companion: MakeCompanion) -> None:
    companion = await make_companion(control_port=0)
    companion.control.token = "x" * 16
    listening_states: list[bool] = []
    companion.changed.connect(lambda _: listening_states.append(companion.control.listening))
    assert await companion.start_service("control")
    assert (companion.control.listening, companion.services["control"].error, listening_states) == (
        True,
        "",
        [True],
    )
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
    row = companion.journal.row(companion.journal.last_seq)
    assert row is not None
    assert row.note == companion.services["control"].error
    companion.settings.control = False
    assert await companion.start_service("control")
    assert companion.services["control"].error == ""


async def test_close_stops_the_control_api() -> None:
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
        await companion.composer.fire_event(Envelope("friend_online", {"username": name}), origin=PANEL)
    recent = companion.composer.recent
    assert [each.title for each in recent] == [f"friend_online · {name}" for name in "bfedc"]
    assert len(changes) == 7
    await companion.composer.fire_again(recent[3], origin=PANEL)
    assert [each.title[-1] for each in companion.composer.recent] == ["d", "b", "f", "e", "c"]
    await companion.composer.fire_again(origin=PANEL)
    assert [data_of(row)["username"] for row in sent(companion)[-2:]] == ["d", "d"]


async def test_recipients_make_a_difference_and_titles_name_the_fixture(make_companion: MakeCompanion) -> None:
    companion = await make_companion()
    await companion.composer.fire(Fixture(event="friend_online", data={"username": "{{persona}}"}), origin=PANEL)
    event = Fixture(event="friend_online", data={"username": "alice"}, title="Alice comes")
    await companion.composer.fire(event, to=Target(user="bob"), origin=PANEL)
    await companion.composer.fire(event, origin=PANEL)
    await companion.composer.fire_text("not an event", to=Target(user="bob"), origin=PANEL)
    assert [(each.title, each.to) for each in companion.composer.recent] == [
        ("Frame: not an event", "user:bob"),
        ("Alice comes", "all"),
        ("Alice comes", "user:bob"),
        ("friend_online · alice", "all"),
    ]


async def test_a_literal_message_is_repeated_with_a_new_id_and_its_templates_are_not_expanded(
    make_companion: MakeCompanion,
) -> None:
    companion = await make_companion()
    await companion.composer.fire_literal_message("bob", "{{uuid}}", origin=PANEL)
    await companion.composer.fire_again(origin=PANEL)
    first, second = (data_of(row) for row in sent(companion)[-2:])
    assert (first["from"], first["text"]) == (second["from"], second["text"]) == ("bob", "{{uuid}}")
    assert first["msg_id"] != second["msg_id"]
    assert [(each.title, each.friend) for each in companion.composer.recent] == [
        ("new_message · bob → me: {{uuid}}", "bob")
    ]


async def test_the_friend_that_a_fixture_comes_from(
    make_companion: MakeCompanion, subtests: pytest.Subtests
) -> None:
    composer = (await make_companion()).composer
    for fixture, friend in [
        (Fixture(event="new_message", data={"from": "{{persona}}", "text": "hi"}), "alice"),
        (Fixture(event="new_message", data={"from": "bob", "to": "me"}), "bob"),
        (Fixture(event="typing", data={"username": "carol", "typing": True}), "carol"),
        (Fixture(event="friend_online", data={"username": "{{faker.name}}"}), ""),
        (Fixture(event="friend_online", data={"username": 7}), ""),
        (Fixture(event="friend_online", data=["from"]), ""),
        (Fixture(frame="not json"), ""),
    ]:
        with subtests.test(fixture=fixture, friend=friend):
            assert composer.friend_of(fixture) == friend


async def test_a_message_of_a_persona_is_fired_and_can_be_repeated(make_companion: MakeCompanion) -> None:
    companion = await make_companion()
    await companion.composer.fire_message("bob", "hi there", origin=PANEL)
    await companion.composer.fire_again(origin=PANEL)
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
