"""Clients may use other keys than ``event`` and ``data`` in frames. Everything else keeps these."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from app.cli.event_client import EventClient
from app.cli.listen import envelope_keys, find_server
from app.companion import Companion
from app.hub.held_items import BreakpointOptions, Edit
from app.hub.journal import Kind, Verdict
from app.hub.origin import PANEL, Origin
from app.hub.target import ALL
from app.protocol.breakpoints import BreakpointDirection
from app.protocol.command import trigger_arguments
from app.protocol.envelope import Envelope
from app.protocol.export_kinds import Kind as ExportKind
from app.protocol.faults.kinds import Corrupt, Duplicate, Loss
from app.protocol.fixture import from_frame
from app.protocol.session.transcript import parse_transcript
from app.protocol.wire_names import WireNames
from app.session_export import export_session, session_of_rows
from app.system import instance
from app.system.paths import Folders
from app.system.settings import Settings
from app.system.settings_checks import validate
from tests.conftest import PATIENCE_S, Connect, until

NAMES = WireNames("type", "payload")


@pytest.fixture
async def companion() -> AsyncIterator[Companion]:
    companion = Companion(Settings(port=0, envelope_event_key="type", envelope_data_key="payload"))
    assert await companion.start(), companion.services["events"].error
    yield companion
    await companion.close()


async def test_clients_get_and_send_the_keys_of_the_settings(companion: Companion, connect_client: Connect) -> None:
    me, alice = await connect_client("me"), await connect_client("alice")
    await companion.fire(Envelope("friend_online", {"username": "bob"}), origin=Origin("test"))
    assert json.loads(await me.recv()) == {"type": "friend_online", "payload": {"username": "bob"}}
    await alice.recv()
    await me.send('{"payload": {"typing": true, "to": "alice"}, "type": "typing"}')
    assert json.loads(await alice.recv()) == {"type": "typing", "payload": {"username": "me", "typing": True}}
    sent = next(row for row in companion.journal if row.kind is Kind.FROM_UI)
    assert sent.payload == b'{"data": {"typing": true, "to": "alice"}, "event": "typing"}'
    assert sent.verdict is Verdict.OK


@pytest.mark.parametrize(
    ("frame", "note"),
    [
        ('{"event": "typing", "data": {}}', "type: missing"),
        ('{"type": "typing"}', "payload: missing"),
        ('{"type": "typing", "payload": {}, "data": 1}', "data: unknown key: the envelope has type and payload"),
        ('{"type": "typing", "payload": {"to": ""}}', "data.to: must not be empty"),
        ("[]", 'not an object: expected {"type", "payload"}, got an array'),
        ('{"type": 5, "payload": {}}', "type: expected a string, got a number"),
        ('{"type": "typing", "payload": []}', "payload: expected an object, got an array"),
        ("{", "line 1 column 2: invalid JSON: Expecting property name enclosed in double quotes"),
    ],
)
async def test_other_frames_are_invalid(
    companion: Companion, connect_client: Connect, frame: str, note: str
) -> None:
    client = await connect_client()
    await client.send(frame)
    await until(lambda: any(row.kind is Kind.FROM_UI for row in companion.journal))
    row = next(row for row in companion.journal if row.kind is Kind.FROM_UI)
    assert row.verdict is Verdict.INVALID
    assert row.note.startswith(note)


async def test_the_lint_names_the_keys_of_the_settings(companion: Companion, connect_client: Connect) -> None:
    client = await connect_client()
    for frame in ('{"event": "typing", "data": {"to": "bob", "typing": false}}', '{"type": "typing"}', "[]"):
        await client.send(frame)
    for text in ('{"event": "friend_online", "data": {"username": "bob"}}', "5"):
        await companion.send_raw(text, origin=PANEL)
    await until(lambda: len([row for row in companion.journal if row.kind is Kind.FROM_UI]) == 3)
    raw = next(row for row in companion.journal if row.kind is Kind.TO_UI)
    await companion.resend(raw, origin=PANEL)
    await companion.resend(list(companion.journal)[-1], origin=PANEL)
    await companion.contract_lint.catch_up()
    assert {
        each.rule.id: sorted(found.text for found in each.kept)
        for each in companion.contract_lint.tally
        if each.count
    } == {
        "invalid-frame": [
            'not an object: expected {"type", "payload"}, got a number',
            'not an object: expected {"type", "payload"}, got an array',
            "payload: missing",
            "type: missing",
            "type: missing",
            "type: missing",
            "type: missing",
        ]
    }


async def test_a_frame_with_other_keys_waits_behind_a_held_one(
    companion: Companion, connect_client: Connect
) -> None:
    companion.breakpoints.add(BreakpointOptions(filter="event:typing", once=True))
    client = await connect_client()
    await client.send('{"type": "typing", "payload": {"typing": true, "to": "alice"}}')
    await client.send('{"event": "typing", "data": {"typing": true, "to": "alice"}}')
    await until(lambda: companion.breakpoints.held)
    await asyncio.wait_for(await client.ping(), PATIENCE_S)  # the companion has read the second frame
    assert not [row for row in companion.journal if row.kind is Kind.FROM_UI]
    companion.breakpoints.resume()
    await until(lambda: len([row for row in companion.journal if row.kind is Kind.FROM_UI]) == 2)
    first, second = [row for row in companion.journal if row.kind is Kind.FROM_UI]
    assert (first.event, first.verdict) == ("typing", Verdict.OK)
    assert (second.verdict, second.note) == (Verdict.INVALID, "type: missing")


async def test_a_frame_with_other_keys_passes_the_breakpoints(
    companion: Companion, connect_client: Connect
) -> None:
    """Regression: testing the filter raised ``TypeError``, so the client was cut and its next frames were lost."""
    companion.breakpoints.add(BreakpointOptions(filter="event:typing alice"))
    client = await connect_client()
    await client.send('{"bad": 1}')
    for name in ("alice", "bob"):
        await client.send(json.dumps({"type": "typing", "payload": {"typing": True, "to": name}}))
        await client.send('{"bad": 2}')
    await until(lambda: companion.breakpoints.held)
    await asyncio.wait_for(await client.ping(), PATIENCE_S)  # the companion has read all frames
    companion.breakpoints.resume()
    await until(lambda: len([row for row in companion.journal if row.kind is Kind.FROM_UI]) == 5)
    assert [(row.event, row.note) for row in companion.journal if row.kind is Kind.FROM_UI] == [
        ("", "type: missing"),
        ("typing", "no client acts as alice"),
        ("", "type: missing"),
        ("typing", "no client acts as bob"),
        ("", "type: missing"),
    ]


async def test_a_held_frame_with_other_keys_is_changed(companion: Companion, connect_client: Connect) -> None:
    companion.breakpoints.add(BreakpointOptions(filter="", direction=BreakpointDirection.FROM_UI, once=True))
    client = await connect_client()
    await client.send('{"bad": 1}')
    await until(lambda: companion.breakpoints.held)
    companion.breakpoints.modify(Edit(set={"n": 1}, loose=True))
    await until(lambda: any(row.kind is Kind.FROM_UI for row in companion.journal))
    row = next(row for row in companion.journal if row.kind is Kind.FROM_UI)
    assert json.loads(row.payload) == {"bad": 1, "data": {"n": 1}}


async def test_a_frame_with_other_keys_that_a_fault_changes_is_still_invalid(
    companion: Companion, connect_client: Connect
) -> None:
    companion.faults.arm(ALL, [Corrupt(rate=1, direction="from_ui")], seed=1)
    client = await connect_client()
    await client.send('{"event": "typing", "data": {"to": "alice", "typing": true}}')
    await until(lambda: any(row.kind is Kind.FROM_UI for row in companion.journal))
    row = next(row for row in companion.journal if row.kind is Kind.FROM_UI)
    assert (row.verdict, row.note) == (Verdict.INVALID, "type: missing")


async def test_a_frame_with_other_keys_can_be_lost_by_a_fault(
    companion: Companion, connect_client: Connect
) -> None:
    companion.faults.arm(ALL, [Loss(rate=1, direction="from_ui")])
    client = await connect_client()
    await client.send("{}")
    await until(lambda: any(row.event == "fault" and "from the UI" in row.note for row in companion.journal))
    assert not [row for row in companion.journal if row.kind is Kind.FROM_UI]
    await companion.contract_lint.catch_up()
    (finding,) = [found for each in companion.contract_lint.tally for found in each.kept]
    assert (finding.rule.id, finding.text) == ("invalid-frame", "type: missing")


RAW = [
    ('{"event": "friend_online", "data": {"username": "bob"}}', "(raw frame)", Verdict.INVALID),
    ('{"type": "friend_online", "payload": {"username": "bob"}}', "friend_online", Verdict.OK),
    ('{"payload": {"username": 1}, "type":"friend_online"}', "friend_online", Verdict.INVALID),
    ('{"type": 5, "payload": {}}', "(raw frame)", Verdict.INVALID),
    ("{", "(raw frame)", Verdict.INVALID),
]


@pytest.mark.parametrize(("text", "event", "verdict"), RAW)
async def test_a_raw_frame_is_sent_unchanged(
    companion: Companion, connect_client: Connect, text: str, event: str, verdict: Verdict
) -> None:
    client = await connect_client()
    await companion.send_raw(text, origin=PANEL)
    assert await client.recv() == text
    row = list(companion.journal)[-1]
    assert (row.event, row.verdict) == (event, verdict)
    await companion.resend(row, origin=PANEL)
    assert await client.recv() == text
    companion.faults.arm(ALL, [Duplicate()])
    await companion.resend(row, origin=PANEL)
    assert [await client.recv(), await client.recv()] == [text, text]


@pytest.mark.parametrize(("text", "event", "verdict"), RAW)
async def test_an_edited_raw_frame_is_sent_as_edited(
    companion: Companion, connect_client: Connect, text: str, event: str, verdict: Verdict
) -> None:
    client = await connect_client()
    companion.breakpoints.add(BreakpointOptions(once=True))
    await companion.send_raw(text, origin=PANEL)
    (held,) = companion.breakpoints.held
    assert held.event == event
    companion.breakpoints.modify(Edit(text=f" {held.text}"))
    assert await client.recv() == f" {text}"
    assert list(companion.journal)[-1].verdict is verdict


AGAIN = [
    *(text for text, _, _ in RAW),
    '{"type": "friend_online", "payload": {"username": "bob"}, "id": 7}',
    '{"type": "friend_online", "payload": {"username": "bob", "a.b": 1}}',
    '{"type": "friend_online", "payload": {"username": "bob"}, "event": 1}',
]


@pytest.mark.parametrize("text", AGAIN)
async def test_what_is_made_from_a_row_sends_the_same_frame(companion: Companion, text: str) -> None:
    await companion.send_raw(text, origin=PANEL)
    row = list(companion.journal)[-1]
    wire, catalog = companion.hub.wire_text(row), companion.catalog
    assert wire == text
    is_plain = text == RAW[1][0]

    command, option, value, *_ = trigger_arguments(wire, catalog, NAMES)
    assert (command, option, value) == (
        ("trigger", "friend_online", "--set") if is_plain else ("trigger", "--frame", text)
    )
    fixture = from_frame(wire, catalog, NAMES)
    if fixture.raw:
        assert fixture.frame == text
    else:
        assert json.loads(NAMES.to_wire(fixture.envelope().encode())) == json.loads(text)
        assert fixture.malformed is not is_plain
    scenario = await companion.export_actions.scenario([row])
    (step,) = parse_transcript(scenario).steps
    assert step.to_json() == {"frame": text}
    recording = session_of_rows([row], "me")
    assert export_session(recording, ExportKind.SCENARIO, "", catalog, NAMES).text == scenario


async def test_exports_that_need_no_companion_have_the_keys_of_the_settings(companion: Companion) -> None:
    await companion.fire(Envelope("friend_online", {"username": "bob"}), origin=Origin("test"))
    exported = await companion.export_actions.log(list(companion.journal), ExportKind.PLAYWRIGHT_ROUTES)
    assert 'server.send({ type: "friend_online", payload: { username: "bob" } })' in exported.text


async def test_the_keys_can_be_changed_while_clients_are_connected(
    companion: Companion, connect_client: Connect
) -> None:
    client = await connect_client()
    await companion.apply(replace(companion.settings, envelope_event_key="event", envelope_data_key="data"))
    await companion.fire(Envelope("friend_online", {"username": "bob"}), origin=Origin("test"))
    assert "event" in json.loads(await client.recv())


def test_equal_keys_are_refused() -> None:
    (wrong,) = validate(Settings(envelope_event_key="data"))
    assert str(wrong) == "envelope_data_key: must differ from envelope_event_key"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(
    st.dictionaries(st.sampled_from(["x", "y", "event_", '"', "e"]), VALUES), st.dictionaries(st.text(), VALUES),
    st.sampled_from([None, 1]),
)  # fmt: skip
def test_a_frame_that_is_renamed_twice_is_unchanged(more: dict[str, Any], data: Any, indent: int | None) -> None:
    text = json.dumps({**more, "event": "e", "data": data}, indent=indent)
    wire = NAMES.to_wire(text.encode()).decode()
    assert json.loads(wire) == {**more, "type": "e", "payload": data}
    assert NAMES.from_wire(wire) == text


@pytest.mark.parametrize(
    ("names", "frame", "wire"),
    [
        (NAMES, '{"event":"x","data":{},"type":"y"}', None),
        (NAMES, '{"payload":1,"event":"x","data":{}}', None),
        (NAMES, '{"event":"x","data":{"type":"y"}}', '{"type":"x","payload":{"type":"y"}}'),
        (WireNames("data", "event"), '{"event":"x","data":{}}', '{"data":"x","event":{}}'),
        (WireNames("event", "payload"), '{"event":"x","data":{}}', '{"event":"x","payload":{}}'),
    ],
)
def test_no_key_is_on_the_wire_twice(names: WireNames, frame: str, wire: str | None) -> None:
    assert names.to_wire(frame.encode()).decode() == (wire or frame)


@given(st.binary())
def test_other_bytes_stay_unchanged(payload: bytes) -> None:
    assert NAMES.to_wire(payload) == payload


async def test_the_reference_client_uses_the_keys_of_the_instance_file(
    companion: Companion, tmp_path: Path
) -> None:
    settings = companion.settings
    keys = (settings.envelope_event_key, settings.envelope_data_key)
    instance.write(Folders.of(tmp_path).instance_file, "", "memory", events=companion.server.url, keys=keys)
    url = find_server(None, tmp_path)
    assert envelope_keys(url, tmp_path) == ("type", "payload")
    client = EventClient(url, on_status=lambda _: None, keys=envelope_keys(url, tmp_path))
    received: list[Any] = []
    client.subscribe(received.append)
    connecting = asyncio.get_running_loop().create_task(client.connect())
    await until(lambda: companion.hub.connection_count == 1 and client.connected)
    await companion.fire(Envelope("friend_online", {"username": "bob"}), origin=Origin("test"))
    assert await client.send("typing", {"to": "bob", "typing": True})
    await until(lambda: received and any(row.kind is Kind.FROM_UI for row in companion.journal))
    assert received == [{"event": "friend_online", "data": {"username": "bob"}}]
    await client.disconnect()
    await connecting
