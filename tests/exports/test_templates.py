"""What the templates make of recordings: the order of sends, actions and expectations, and safe source text.

``tests/e2e/test_npm_package.py`` runs exported tests with the real libraries.
"""

import ast
import json
import re
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from random import Random
from typing import Any, Literal

import msgspec
import pytest
from typing_extensions import override

from app.exports.templates import javascript as js
from app.exports.templates.bug_report import code, plain
from app.exports.templates.python_test import value as python_value
from app.exports.templates.responses import RESPONSES
from app.exports.templates.script import script_of
from app.exports.templates.steps import Act, Expect, Pause, Script, Send, Turn
from app.hub.origin import CONTROL, REST
from app.hub.row import Kind as RowKind
from app.hub.row import Row, Verdict
from app.protocol.catalog import Catalog, built_in
from app.protocol.errors import Invalid
from app.protocol.event_files.parse import parse_event_file
from app.protocol.export_kinds import KIND_INFO, Kind
from app.protocol.session.actions import Received, RestCall, Say, Sent, ServerEvent
from app.protocol.session.steps import Header, Session, Step
from app.protocol.wire_names import WireNames
from app.session_export import export_session, part_of, session_of_rows
from tests.e2e.tools import need
from tests.exports.recordings import (
    IDS,
    NASTY,
    about_posted_messages,
    c2s,
    hostile,
    message,
    posted,
    recording,
    s2c,
)

HOSTILE = range(60)


def script(*actions: Any, repeats_effects: bool = True) -> Script:
    return script_of(recording(*actions), "x", catalog=built_in(), repeats_effects=repeats_effects)


def export(session: Session, kind: Kind) -> str:
    return export_session(session, kind, "bug", built_in()).text


def test_frames_become_sends_and_what_the_ui_sent_becomes_expectations() -> None:
    found = script(
        s2c(1, "new_message", message("hi")),
        c2s(2, "mark_read", {"peer": "alice", "msg_id": IDS[1]}),
        c2s(3, "typing", {"to": "alice", "typing": True}),
        posted(4, "alice", "yes"),
        s2c(5, "friend_offline", {"username": "alice"}),
    )
    assert [type(each) for each in found.steps] == [Send, Turn, Turn, Turn, Send]
    assert found.steps[1:4] == (
        Turn((Act("open", "alice"),), (Expect(2, "mark_read", {"peer": "alice", "msg_id": IDS[1]}),)),
        Turn((Act("type", "alice", "…"),), (Expect(3, "typing", {"to": "alice", "typing": True}),)),
        Turn(
            (Act("send", "alice", "yes"),),
            (Expect(4, "POST /messages", {"to": "alice", "text": "yes"}, is_rest=True, sent_text="yes"),),
        ),
    )


def test_what_follows_at_once_is_one_turn_and_repeats_are_left_out() -> None:
    typing = {"to": "bob", "typing": True}
    found = script(
        c2s(1, "typing", typing), c2s(2, "typing", typing, after=0.1), posted(3, "bob", "hi", after=0.2),
        c2s(4, "typing", typing, after=2), c2s(5, "typing", typing, after=2),
    )  # fmt: skip
    first, second = found.steps
    assert isinstance(first, Turn)
    assert [act.what for act in first.acts] == ["open", "type", "send"]
    assert [act.text for act in first.acts] == ["", "hi", "hi"]
    assert [each.row for each in first.expects] == [1, 3]
    assert isinstance(second, Turn)
    assert [each.row for each in second.expects] == [4], "the UI repeated itself"


def test_a_chat_is_opened_again_only_if_another_one_was() -> None:
    read = [c2s(seq, "mark_read", {"peer": peer, "msg_id": IDS[1]}) for seq, peer in enumerate("aabba")]
    turns = [each for each in script(*read).steps if isinstance(each, Turn)]
    assert [[act.friend for act in each.acts] for each in turns] == [["a"], ["b"], ["a"]]


def loaded(friend: str, offset: int = 0, after: float = 1.0, took: float = 0.1, **page: Any) -> RestCall:
    """Return the call with which a UI loads messages of a chat. It opens the chat if the offset is 0."""
    query = f"peer={friend}&offset={offset}&limit=50"
    return RestCall(after=after, rest="GET /messages", query=query, status=200, took=took, origin="rest", **page)


def acted(found: Script) -> list[list[str]]:
    return [[f"{act.what} {act.friend}" for act in each.acts] for each in found.steps if isinstance(each, Turn)]


@pytest.mark.parametrize("repeats_effects", [True, False])
def test_a_chat_is_opened_when_the_ui_loads_it(repeats_effects: bool) -> None:
    """Regression: it was opened when the UI sent something about it, which may be later or never."""
    found = script(
        loaded("alice"),
        s2c(1, "new_message", message("hi")),
        c2s(2, "mark_read", {"peer": "alice", "msg_id": IDS[1]}),
        loaded("alice", 50),
        loaded("alice"),
        loaded("bob"),
        repeats_effects=repeats_effects,
    )
    assert acted(found) == [["open alice"], [], ["open bob"]]
    assert [type(each) for each in found.steps] == [Turn, Send, Turn, Turn]
    first = found.steps[0]
    assert isinstance(first, Turn)
    (expect,) = first.expects
    assert (expect.event, expect.data) == ("GET /messages", {"peer": "alice"} if repeats_effects else {})
    assert found.loads == (), "the page does not load it before its user does something"


def test_a_chat_is_opened_once_with_what_the_ui_sends_then_and_when_its_request_was_sent() -> None:
    read = c2s(1, "mark_read", {"peer": "alice", "msg_id": IDS[1]}, after=0.1)
    found = script(loaded("alice", after=5), read, c2s(2, "mark_read", {"peer": "bob"}), loaded("bob", after=0.1))
    assert acted(found) == [["open alice"], ["open bob"]]
    slow = script(loaded("alice"), s2c(1, "new_message", message("hi"), after=5), loaded("bob", took=3.0))
    assert [type(each) for each in slow.steps] == [Turn, Turn, Send]


def test_a_chat_that_another_page_opened_is_not_opened() -> None:
    found = script(
        ServerEvent(server="connected", client=1, page="http://a.example", agent="Chrome"),
        s2c(1, "new_message", message("hi")),
        loaded("alice", page="http://b.example", agent="Chrome"),
        loaded("bob", page="http://a.example", agent="Chrome"),
        loaded("carol", agent="Chrome"),
    )
    assert acted(found) == [["open bob"], ["open carol"]]


@pytest.mark.parametrize(
    ("kind", "lines"),
    [
        (Kind.PLAYWRIGHT, [
            'await ui.open(page, "alice");',
            'await companion.expect("GET /messages", { data: { peer: "alice" }, after });',
        ]),
        (Kind.PLAYWRIGHT_ROUTES, [
            'await ui.open(page, "alice");',
            "await expect.poll(() => server.sent.slice(after)).toContainEqual("
            'expect.objectContaining({ event: "GET /messages" }));',
        ]),
        (Kind.PYTEST, ["user_does('open', 'alice')", "companion.expect('GET /messages', {'peer': 'alice'})"]),
        (Kind.MSW, ['{ row: 0, expect: { event: "GET /messages" } },']),
    ],
)  # fmt: skip
def test_an_exported_test_waits_until_the_chat_is_loaded(kind: Kind, lines: list[str]) -> None:
    text = export(recording(loaded("alice"), s2c(1, "new_message", message("hi"))), kind)
    assert "\n".join(lines) in re.sub(r"^ +", "", text, flags=re.MULTILINE)


def test_effects_are_left_out_only_if_a_companion_repeats_them() -> None:
    actions = (
        s2c(1, "new_message", message("old", 2), origin="priming"),
        s2c(2, "own", {}, origin="client 1"),
        s2c(3, "friend_online", {"username": "bob"}, origin="rest"),
        s2c(4, "friend_offline", {"username": "bob"}, origin="tray"),
        s2c(5, "new_message", message("yes", 3), origin="backend"),
    )
    with_companion, alone = script(*actions), script(*actions, repeats_effects=False)
    assert [each.row for each in with_companion.steps if isinstance(each, Send)] == [4]
    assert [each.row for each in alone.steps if isinstance(each, Send)] == [1, 2, 3, 4, 5]


def test_what_another_client_caused_is_sent() -> None:
    """Regression: it was left out as an effect, together with the frame of the other client that caused it."""
    found = script(
        c2s(1, "typing", {"to": "me", "typing": True}, client=2),
        s2c(2, "typing", {"username": "bob", "typing": True}, origin="client 2"),
        c2s(3, "typing", {"to": "alice", "typing": True}),
    )
    (send,) = (each for each in found.steps if isinstance(each, Send))
    assert (send.row, send.is_effect) == (2, False)


def by_faults(seq: int, cause: int, data: dict[str, Any], copy: str = "", client: int = 1) -> Sent:
    """Return the delivery of a message that faults delayed, repeated or changed."""
    sent = s2c(seq, "new_message", data, origin="faults", client=client)
    return msgspec.structs.replace(sent, comment=f"#{cause} after 304 ms{copy}")


def sends(kind: Kind, text: str) -> list[str]:
    """Return the texts of the messages that an exported file sends: once for each send."""
    if kind in (Kind.PLAYWRIGHT, Kind.PYTEST):
        text = "\n".join(re.findall(r"companion\.(?:fire|send|request).*", text))
    elif kind is not Kind.SCENARIO:
        text = "\n".join(re.findall(r"(?:server\.send\(|send: ).*", text))
    return re.findall(r"delayed|twice|plain|stored|other", text)


@pytest.mark.parametrize("kind", [each for each in Kind if each not in (Kind.HAR, Kind.NDJSON, Kind.MARKDOWN)])
def test_each_frame_that_faults_delivered_is_sent_as_often_as_it_was(kind: Kind) -> None:
    """Regression: tests with a companion left them out, as effects of faults that they do not arm.

    A scenario has each cause once. The delivery of an effect is an effect, too.
    """
    texts = ("delayed", "twice", "plain", "stored", "other")
    causes = {text: s2c(seq, "new_message", message(text, seq)) for seq, text in enumerate(texts, 1)}
    for text in ("delayed", "twice", "stored"):
        causes[text] = msgspec.structs.replace(causes[text], recipients=())
    causes["stored"] = msgspec.structs.replace(causes["stored"], origin="rest")
    session = recording(
        *causes.values(),
        by_faults(11, 1, message("delayed", 1)),
        by_faults(12, 2, message("twice", 2), ", copy 1 of 2"),
        by_faults(13, 2, message("twice", 2), ", copy 2 of 2"),
        by_faults(14, 3, message("plain", 3), client=2),
        by_faults(15, 4, message("stored", 4)),
    )  # fmt: skip
    exported = export_session(session, kind, "", built_in())
    expected = {
        Kind.SCENARIO: ["delayed", "twice", "plain", "other"],
        Kind.PLAYWRIGHT: ["plain", "other", "delayed", "twice", "twice"],
        Kind.PYTEST: ["plain", "other", "delayed", "twice", "twice"],
    }
    assert sends(kind, exported.text) == expected.get(
        kind, ["plain", "other", "delayed", "twice", "twice", "stored"]
    )
    if kind is not Kind.SCENARIO:
        assert "Left out: 1 frame to other clients or to none." in exported.notes


def test_a_repeated_frame_is_fired_once_and_its_copies_and_raw_frames_change_no_state() -> None:
    raw = msgspec.structs.replace(s2c(1, "new_message", message("raw")), recipients=(), comment="sent as is")
    twice = msgspec.structs.replace(s2c(2, "new_message", message("twice", 2)), recipients=())
    found = script(
        raw, by_faults(3, 1, message("raw")),
        twice, by_faults(4, 2, message("twice", 2)), by_faults(5, 2, message("twice", 2)),
    )  # fmt: skip
    assert [(each.row, each.is_raw) for each in found.steps if isinstance(each, Send)] == [
        (3, True), (4, False), (5, True),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", [Kind.PYTEST, Kind.PLAYWRIGHT])
def test_raw_and_resent_frames_are_sent_without_changing_the_chat_state(kind: Kind) -> None:
    """Regression: they were fired, so that the companion stored them."""
    fired = s2c(1, "new_message", message("hi"))
    for note in ("sent as is; delivered to 1 client", "#7 again; delivered to 1 client"):
        sent = msgspec.structs.replace(fired, seq=2, comment=note)
        text = export_session(recording(fired, sent), kind, "", built_in()).text
        assert len(re.findall(r"companion\.fire\(.new_message", text)) == 1
        assert text.count(IDS[1]) == 2


@pytest.mark.parametrize("repeats_effects", [True, False])
def test_ids_and_times_are_expected_only_if_they_are_the_same_each_time(repeats_effects: bool) -> None:
    found = script(
        s2c(1, "new_message", message("hi")),
        posted(2, "alice", "yes", number=7),
        c2s(3, "mark_read", {"peer": "alice", "msg_id": IDS[1]}),
        c2s(4, "seen", {"msg_id": IDS[7]}),
        c2s(5, "own", {"id": IDS[8], "at": "2026-01-01T10:00:00.000Z", "n": 1}),
        repeats_effects=repeats_effects,
    )
    data = {each.event: each.data for turn in found.steps if isinstance(turn, Turn) for each in turn.expects}
    assert data["mark_read"]["msg_id"] == IDS[1]
    assert data["own"] == {"n": 1}
    assert data["seen"] == ({} if repeats_effects else {"msg_id": IDS[7]}), "the companion generates such an id"


def test_a_call_whose_path_has_an_id_is_expected_only_if_the_id_is_the_same_each_time() -> None:
    actions = (
        s2c(1, "new_message", message("hi")),
        posted(2, "alice", "yes", number=7),
        *(RestCall(after=1, seq=3 + n, rest=f"DELETE /messages/{IDS[n]}", status=204) for n in (1, 7)),
    )
    for repeats_effects, expected in ((True, [1]), (False, [1, 7])):
        found = script(*actions, repeats_effects=repeats_effects)
        calls = [each.event for turn in found.steps if isinstance(turn, Turn) for each in turn.expects]
        assert calls == ["POST /messages", *(f"DELETE /messages/{IDS[n]}" for n in expected)]
        left_out = "Left out: 1 call whose path has an ID or a time that differs each time."
        assert (left_out in found.notes) == repeats_effects


@pytest.mark.parametrize(
    ("kind", "lines"),
    [
        (Kind.PLAYWRIGHT, [
            'const posted1 = await postedId(companion, "alice", "it\'s two");',
            'const posted2 = await postedId(companion, "bob", "three");',
            f'{{ msg_id: posted1, all: ["{IDS[1]}", posted1] }}', "{ msg_id: posted2 }",
        ]),
        (Kind.PYTEST, [
            "posted1 = companion.posted_id('alice', \"it's two\")", "posted2 = companion.posted_id('bob', 'three')",
            f"{{'msg_id': posted1, 'all': ['{IDS[1]}', posted1]}}", "{'msg_id': posted2}",
        ]),
    ],
)  # fmt: skip
def test_events_about_a_message_that_the_ui_posts_have_the_id_that_it_gets(kind: Kind, lines: list[str]) -> None:
    """Regression: they had the recorded ID, which no message has when the UI posts it again."""
    exported = export_session(about_posted_messages(), kind, "", built_in())
    assert [each for each in lines if each not in exported.text] == []
    assert not any(IDS[number] in exported.text for number in (7, 8, 9))
    assert exported.notes == ("Left out: 1 call whose path has an ID or a time that differs each time.",)


def test_a_note_says_that_raw_frames_have_old_ids_of_posted_messages() -> None:
    raw = msgspec.structs.replace(s2c(2, "message_deleted", {"msg_id": IDS[7]}), comment="sent as is")
    note = "Left out: 1 new ID of a message that the UI posts, in a raw frame."
    for actions, notes in (((posted(1, "alice", "one", number=7), raw), (note,)), ((raw,), ())):
        assert script(*actions).notes == notes
        assert script(*actions, repeats_effects=False).notes == ()


@pytest.mark.parametrize("kind", [Kind.PLAYWRIGHT_ROUTES, Kind.MSW])
def test_recorded_responses_give_posted_messages_their_recorded_ids(kind: Kind) -> None:
    assert IDS[8] in export(about_posted_messages(), kind).partition("message_deleted")[2]


@pytest.mark.parametrize("kind", [Kind.PLAYWRIGHT, Kind.PYTEST])
def test_ids_of_posted_messages_are_not_kept_if_no_event_has_them(kind: Kind) -> None:
    text = export(recording(posted(1, "alice", "one"), s2c(2, "friend_online", {"username": "bob"})), kind)
    assert "posted1" not in text


def test_a_pause_is_kept_only_if_a_typing_indicator_ends_in_it() -> None:
    typing = {"username": "alice", "typing": True}
    online = {"username": "bob"}
    found = script(
        s2c(1, "friend_online", online), s2c(2, "typing", typing, after=60),
        s2c(3, "friend_online", online, after=4.9), s2c(4, "friend_online", online, after=5),
        s2c(5, "friend_online", online, after=60), s2c(6, "typing", typing),
        s2c(7, "new_message", message("hi"), after=1), s2c(8, "friend_online", online, after=60),
    )  # fmt: skip
    kinds = [each.row if isinstance(each, Send) else type(each) for each in found.steps]
    assert kinds == [1, 2, 3, Pause, 4, 5, 6, 7, 8]


def test_only_one_page_is_in_a_test_and_notes_say_so() -> None:
    bob = {"username": "bob"}
    typing = {"to": "a", "typing": True}
    other = Sent(after=1, seq=3, s2c="x", base64="gA==", recipients=(1,), origin="control")
    invalid = Received(after=1, seq=4, c2s="(raw frame)", payload="{", client=1, verdict="invalid")
    found = script(
        s2c(1, "friend_online", bob, client=2), c2s(2, "typing", typing), c2s(3, "typing", typing, client=2),
        other, invalid, s2c(5, "friend_online", bob), s2c(6, "friend_online", bob),
    )  # fmt: skip
    assert [each.row for each in found.steps if isinstance(each, Send)] == [5, 6]
    assert found.notes == (
        "Left out: 1 frame to other clients or to none.", "Left out: 1 frame from another client.",
        "Left out: 1 binary frame.", "Left out: 1 frame of the UI that is not a valid event.",
    )  # fmt: skip


def test_only_recorded_traffic_that_is_not_too_long_becomes_a_test() -> None:
    scenario = Session(Header(), (Step(Say(say="hi", as_user="alice")),))
    for kind in set(Kind) - {Kind.SCENARIO}:
        with pytest.raises(Invalid, match="no recorded traffic"):
            export(scenario, kind)
    assert export(scenario, Kind.SCENARIO) == "alice: hi\n"
    long = recording(*(s2c(seq, "friend_online", {"username": "a"}) for seq in range(2001)))
    with pytest.raises(Invalid, match="2,001 frames and calls are too many for a test; at most 2,000"):
        export(long, Kind.PLAYWRIGHT)


def test_a_chat_state_is_loaded_unless_it_is_large() -> None:
    online = s2c(1, "friend_online", {"username": "bob"})
    text = export(recording(online, state={"version": 1}), Kind.PLAYWRIGHT)
    assert "companion.state.load(STATE)" in text
    assert "const STATE = { version: 1 };" in text
    large = recording(online, state={"text": "x" * 300_000})
    exported = export_session(large, Kind.PLAYWRIGHT, "", built_in())
    assert "STATE" not in exported.text
    assert exported.notes == (
        "Left out: the chat state at the start (292 KiB). Friends and messages may differ.",
    )  # fmt: skip


def test_the_scenario_of_a_recording_is_the_one_that_its_rows_make() -> None:
    text = export(recording(s2c(1, "new_message", message("hi")), posted(2, "alice", "yes")), Kind.SCENARIO)
    assert text.splitlines() == ["# A chat", "alice: hi", "expect POST /messages where to=alice"]


def test_a_long_recording_says_how_many_rows_became_a_scenario() -> None:
    long = recording(*(s2c(seq, "friend_online", {"username": "a"}) for seq in range(2500)))
    exported = export_session(long, Kind.SCENARIO, "bug", built_in())
    assert exported.notes == ("Only the first 2,000 of 2,500 rows became steps.",)


@pytest.mark.parametrize("kind", Kind)
def test_rows_of_the_log_may_be_days_apart(kind: Kind) -> None:
    frame = b'{"event":"friend_online","data":{"username":"bob"}}'
    row = Row(7, 1e9, 5.0, RowKind.TO_UI, "all", "friend_online", frame, 51, Verdict.OK, "", CONTROL, "", (1,))
    session = session_of_rows([row, row._replace(seq=8, mono=5.0 + 3 * 86_400)], "me", "Log")
    assert export_session(session, kind, "", built_in()).text


def test_a_row_that_cannot_be_a_step_is_named() -> None:
    row = Row(7, 1e9, 5.0, RowKind.TO_UI, "all", "friend_online", b"{}", 2, Verdict.OK, "", CONTROL, "", (1,))
    with pytest.raises(Invalid, match="Row 8 cannot be exported"):
        session_of_rows([row, row._replace(seq=8, mono=2e9)], "me")


def test_rows_of_the_log_become_a_recording() -> None:
    frame = b'{"event":"friend_online","data":{"username":"bob"}}'
    ok, size = Verdict.OK, len(frame)
    post = b'{"to":"bob"}'
    rows = [
        Row(7, 1e9, 5.0, RowKind.TO_UI, "all", "friend_online", frame, size, ok, "", CONTROL, "", (1,)),
        Row(8, 1e9, 6.5, RowKind.FROM_UI, "rest", "POST /messages", post, 12, ok, "200", REST, "me"),
        Row(9, 1e9, 7.0, RowKind.FROM_UI, "rest", "POST /x", b"{", 1, Verdict.INVALID, "400", REST, "me"),
        Row(10, 1e9, 7.0, RowKind.FROM_UI, "rest", "GET /messages", b'{"peer":"Ann B","limit":5}', 1, ok, "", REST),
    ]
    session = session_of_rows(rows, "me", "Log")
    assert [(each.action.after, each.key) for each in session.steps] == [
        (0, "s2c"), (1.5, "rest"), (0.5, "rest"), (0, "rest"),
    ]  # fmt: skip
    assert [getattr(each.action, "request", None) for each in session.steps] == [None, {"to": "bob"}, "{", None]
    assert getattr(session.steps[3].action, "query", "") == "peer=Ann+B&limit=5"
    exported = export_session(session, Kind.PLAYWRIGHT_ROUTES, "", built_in())
    assert "The log has no responses to REST calls." in exported.notes[0]
    assert "// 7: friend_online" in exported.text


def test_a_part_of_a_recording_keeps_its_times_and_its_gets() -> None:
    steps = [*recording(s2c(1, "a", {}), s2c(2, "b", {}), posted(0, "x", "y"), s2c(3, "c", {})).steps]
    whole = Session(entries=tuple(Step(each.action, line=number) for number, each in enumerate(steps, 2)))
    part = part_of(whole, {2, 5})
    assert [(each.action.after, each.line) for each in part.steps] == [(1, 2), (2, 4), (1, 5)]


@pytest.mark.parametrize("seed", HOSTILE)
def test_hostile_texts_never_break_python_and_markdown(seed: int) -> None:
    session = hostile(seed)
    ast.parse(export(session, Kind.PYTEST))
    report = export(session, Kind.MARKDOWN)
    outside = re.sub(r"^(`{3,})$.*?^\1$", "", report, flags=re.MULTILINE | re.DOTALL)
    outside = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", outside)
    assert not re.search(r"<|>|(?<!\\)\*", outside)
    assert outside.count("\n# ") == 0


@pytest.mark.parametrize("kind", [Kind.PLAYWRIGHT, Kind.PLAYWRIGHT_ROUTES, Kind.MSW])
def test_hostile_texts_do_not_end_comments_strings_or_scripts(kind: Kind) -> None:
    for seed in HOSTILE:
        text = export(hostile(seed), kind)
        assert "</script" not in text.casefold()
        assert "<!--" not in text
        assert all(char.isprintable() or char == "\n" for char in text)


def test_an_exported_pytest_sends_the_token_to_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"answered": true}')

        @override
        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    names: dict[str, Any] = {}
    exec(export(hostile(1), Kind.PYTEST), names)
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        companion = object.__new__(names["Companion"])
        companion.url, companion.token = f"http://127.0.0.1:{server.server_port}", "token"
        server.timeout = 5
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        try:
            assert companion.call("GET", "/") == {"answered": True}
        finally:
            thread.join()


@pytest.mark.parametrize(
    ("kind", "parts"),
    [
        (
            Kind.MSW,
            [
                'const EVENT_KEY = "type";\nconst DATA_KEY = "my payload";\n',
                'send: { type: "friend_online", "my payload": { username: "bob" } }',
                '{ row: 4, expect: { event: "typing", data: { to: "bob", typing: true } } }',
                '{ row: 5, expect: { event: "POST /messages", data: { to: "bob", text: "hi" } } }',
            ],
        ),
        (
            Kind.PLAYWRIGHT_ROUTES,
            [
                'server.send({ type: "friend_online", "my payload": { username: "bob" } })',
                '{ type: "typing", "my payload": expect.objectContaining({ to: "bob", typing: true }) }',
                'expect.objectContaining({ type: "ready" })',
                '{ event: "POST /messages", data: expect.objectContaining({ to: "bob", text: "hi" }) }',
            ],
        ),
    ],
)
def test_frames_have_the_envelope_keys_of_the_ui_if_no_companion_renames_them(kind: Kind, parts: list[str]) -> None:
    """Regression: the handlers sent and awaited ``event`` and ``data``, which such a UI does not understand."""
    raw = Sent(after=1, seq=3, s2c="(raw frame)", payload='{"event": "x", "data": {}}', recipients=(1,))
    session = recording(
        s2c(1, "friend_online", {"username": "bob"}), s2c(2, "poll_opened", {"event": 1}), raw,
        c2s(4, "typing", {"to": "bob", "typing": True}), posted(5, "bob", "hi"), c2s(6, "ready", {}),
    )  # fmt: skip
    text = export_session(session, kind, "bug", built_in(), WireNames("type", "my payload")).text
    assert [part for part in parts if part not in text] == []
    assert js.text('{"type": "poll_opened", "my payload": {"event": 1}}') in text
    assert js.text(raw.payload) in text, "a raw frame is sent as it is"


def test_a_frame_that_a_companion_sends_unchanged_has_the_envelope_keys_of_the_ui() -> None:
    session = recording(s2c(1, "poll_opened", [1]))
    for kind, literal in ((Kind.PLAYWRIGHT, js.text), (Kind.PYTEST, python_value)):
        text = export_session(session, kind, "bug", built_in(), WireNames("type", "payload")).text
        assert literal('{"type": "poll_opened", "payload": [1]}') in text


@pytest.mark.e2e
def test_values_are_the_same_in_javascript_and_in_python() -> None:
    random = Random(7)
    values: list[Any] = ["".join(random.choices(NASTY, k=5)) for _ in range(200)]
    values = [each.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass") for each in values]
    values += [{each: [each, 1, None, True, 0.5]} for each in values]
    values += [{"__proto__": {"x": 1}, "a": 1}, "\ud800", [[[]]], {}, -0.0, 1e300]
    source = f"console.log(JSON.stringify([{', '.join(map(js.value, values))}]))"
    node = need("node", install="apt-get install nodejs")
    done = subprocess.run([node, "-"], input=source, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == values
    assert [ast.literal_eval(python_value(each)) for each in values] == values


@pytest.mark.e2e
def test_a_path_with_an_escape_that_is_not_utf8_is_a_call_too() -> None:
    """The error would leave the UI's request without an answer."""
    typed = RESPONSES[: RESPONSES.index("function withQuery")].replace(": string", "")
    urls = ["http://x/friends/b%C3%A9", "http://x/friends/b%E0%A4%A"]
    source = f"{typed}console.log(JSON.stringify({json.dumps(urls)}.map((each) => callOf('GET', each))))"
    node = need("node", install="apt-get install nodejs")
    done = subprocess.run([node, "-"], input=source, capture_output=True, encoding="utf-8", check=False)
    assert json.loads(done.stdout) == ["GET /friends/bé", "GET /friends/b%E0%A4%A"], done.stderr


@pytest.mark.e2e
def test_each_call_gets_the_response_to_its_query_in_the_recorded_order() -> None:
    """Regression: equal responses that followed each other were one, and the query was ignored."""
    answers = [("peer=alice&limit=5", "a"), ("peer=bob", "b"), ("peer=carol", "b"), ("peer=alice&limit=5", "a2")]
    calls = [RestCall(rest="GET /messages", query=query, status=200, response=body) for query, body in answers]
    calls += [RestCall(rest="GET /friends", status=200, response=body) for body in "xxyy"]
    text = export(recording(*calls), Kind.MSW)
    code = text[text.index("const RESPONSES") : text.index("return all[")].replace(
        "const RESPONSES: Record<string, { status: number; body: unknown }[]>", "const RESPONSES"
    )
    for typed in (": string[]", ": string", "<string, number>"):
        code = code.replace(typed, "")
    queries = ["?peer=bob", "?limit=5&peer=alice", "?peer=zoe", "?peer=alice&limit=5", "?peer=carol"]
    urls = [f"http://x/messages{each}" for each in queries] + ["http://x/friends"] * 4
    source = f"""{code}return all[Math.min(number, all.length - 1)];
}}
console.log(JSON.stringify({json.dumps(urls)}.map((each) => respond("GET", each).body)))"""
    node = need("node", install="apt-get install nodejs")
    done = subprocess.run([node, "-"], input=source, capture_output=True, encoding="utf-8", check=False)
    assert done.stdout.strip() == json.dumps(["b", "a", "a2", "a2", "b", *"xxyy"], separators=(",", ":")), (
        done.stderr
    )


@pytest.mark.e2e
def test_equal_calls_without_a_frame_between_them_are_awaited_separately() -> None:
    """Regression: the first one met the expectations of both, so that the frame after them was sent too early."""
    first = message("first")
    text = export(recording(posted(1, "bob", "hi"), posted(2, "bob", "hi"), s2c(3, "new_message", first)), Kind.MSW)
    code = text[text.index("const STEPS") : text.index("const RESPONSES")]
    code += text[text.index("/** What the UI has sent") : text.index("const events = ")]
    for typed in (
        ": Step[]", ": { event: string; data?: unknown }[]", ": string[]", ": string", ": unknown", ": boolean",
        "<void>", "<() => void>", ": (frame) => void", ": () => boolean", " as Record<string, unknown>",
    ):  # fmt: skip
        code = code.replace(typed, "")
    source = f"""{code}
const frames = [], counts = [];
play((frame) => frames.push(frame), () => true);
for (let n = 0; n < 2; n++) {{
  add("POST /messages", {{ to: "bob", text: "hi" }});
  await new Promise((resolve) => setImmediate(resolve));
  counts.push(frames.length);
}}
console.log(JSON.stringify(counts));"""
    node = need("node", install="apt-get install nodejs")
    done = subprocess.run(
        [node, "--input-type=module", "-"], input=source, capture_output=True, encoding="utf-8", check=False
    )
    assert done.stdout.strip() == "[0,1]", done.stderr


def test_the_chats_that_were_opened_are_complete_at_the_end() -> None:
    """A test with routes does not open them again: it would answer as when they were opened first."""
    session = recording(
        s2c(1, "new_message", message("one")),
        s2c(2, "new_message", message("other", 2, "zoe")),
        s2c(3, "new_message", message("more", 3, "zoe")),
        posted(4, "alice", "two"),
    )
    text = export(session, Kind.PLAYWRIGHT)
    assert "At the end" not in export(session, Kind.PLAYWRIGHT_ROUTES)
    _, end = text.split("// At the end, these chats have all their messages.\n")
    assert re.findall(r"ui\.(\w+)\(page, (.*)\)", end) == [
        ("open", '"alice"'), ("showsMessage", '"one"'), ("showsMessage", '"two"'),
    ]  # fmt: skip


@pytest.mark.parametrize(("status", "left"), [(204, ["one", "two"]), (404, ["one", "gone", "two", "away"])])
def test_a_message_that_was_deleted_is_not_in_a_complete_chat(status: int, left: list[str]) -> None:
    text = export(
        recording(
            s2c(1, "new_message", message("one")),
            s2c(2, "new_message", message("gone", 2)),
            posted(3, "alice", "two"),
            posted(4, "alice", "away", number=51),
            RestCall(after=1, seq=5, rest=f"DELETE /messages/{IDS[2]}", status=status),
            RestCall(after=1, seq=6, rest=f"DELETE /messages/{IDS[51]}", status=status),
        ),
        Kind.PLAYWRIGHT,
    )
    _, end = text.split("// At the end, these chats have all their messages.\n")
    assert re.findall(r"ui\.showsMessage\(page, \"(.*)\"\)", end) == left


TEXTS = ["one", "two", "three"]
EFFECTS = {
    "message_deleted": {"delete_message": {"msg_id": "/msg_id"}},
    "message_edited": {"edit_message": {"msg_id": "/msg_id", "text": "/text"}},
}


@pytest.mark.parametrize("direction", ["to_ui", "from_ui"])
@pytest.mark.parametrize("event", EFFECTS)
def test_a_message_that_an_event_of_a_file_changed_is_not_in_a_complete_chat(event: str, direction: str) -> None:
    """Regression: only deletions by the UI counted, so that the test expected a message that was deleted."""
    fields = ("msg_id", "text")
    properties = {each: {"type": "string"} for each in fields}
    data = {"type": "object", "required": list(fields), "properties": properties}
    content = {"event": event, "direction": direction, "data": data, "effect": EFFECTS[event]}
    catalog = Catalog([*built_in(), parse_event_file("e.json", json.dumps(content), built_in())])
    change = {"msg_id": IDS[1], "text": "other"}
    session = recording(
        loaded("alice"),
        *(s2c(number, "new_message", message(text, number)) for number, text in enumerate(TEXTS, 1)),
        s2c(4, event, change) if direction == "to_ui" else c2s(4, event, change),
    )
    text = export_session(session, Kind.PLAYWRIGHT, "", catalog).text
    end = text.partition("At the end")[2]
    assert re.findall(r"ui\.showsMessage\(page, \"(.*)\"\)", end) == TEXTS[1:]


@pytest.mark.parametrize(
    ("status", "verdict", "shown", "body"),
    [
        (200, "ok", True, " { a: 1 }"), (204, "ok", True, " null"), (0, "ok", True, ""), (0, "warning", False, ""),
        (-1, "ok", False, ""), (304, "ok", False, " null"), (500, "ok", False, " { a: 1 }"),
    ],
)  # fmt: skip
def test_only_a_message_that_was_stored_is_shown_and_each_response_is_possible(
    status: int, verdict: Literal["ok", "warning"], shown: bool, body: str
) -> None:
    """A row of the log has the status 0. ``Response`` of a browser allows no body with the status 204 or 304."""
    call = RestCall(
        after=1, seq=1, rest="POST /messages", status=status, request={"to": "bob", "text": "hi"},
        response={"a": 1}, verdict=verdict,
    )  # fmt: skip
    text = export(recording(call, s2c(2, "typing", {"username": "bob", "typing": True})), Kind.PLAYWRIGHT_ROUTES)
    assert ('ui.showsMessage(page, "hi")' in text) == shown
    assert re.findall(r"\{ status: -?\d+, body:(.*) \},", text) == ([body] if body else [])


@pytest.mark.parametrize(
    ("kind", "order"),
    [
        (Kind.PLAYWRIGHT, ["let after = (await companion.status()).journal.last_seq;", "page.goto", ".expect("]),
        (Kind.PYTEST, ["companion.now()", "companion.expect("]),
    ],
)
def test_expectations_before_the_first_frame_ignore_rows_of_earlier_tests(kind: Kind, order: list[str]) -> None:
    session = recording(c2s(1, "hello", {"v": 1}), s2c(2, "typing", {"username": "bob", "typing": True}))
    body = export(session, kind).rpartition("def test_" if kind is Kind.PYTEST else "\ntest(")[2]
    places = [body.index(each) for each in order]
    assert places == sorted(places)


def test_text_in_markdown_means_nothing() -> None:
    assert plain("a*b <img> [x](y) & | `c`\n#x") == r"a\*b &lt;img&gt; \[x\](y) &amp; \| \`c\`\\u000a\#x"
    for live in (
        "@user",
        "see https://e.example",
        "www.e.example",
        "$x$",
        "a :smile:",
        "#1",
        "GH-1",
        "1. x",
        "- [ ] x",
    ):
        assert plain(live) == f"`{live}`"
    assert plain("@`user`") == "`` @`user` ``"
    assert code("`a`|b") == r"`` `a`\|b ``"
    assert code("  ") == ""


def test_a_bug_report_has_what_is_needed() -> None:
    text = export(
        recording(
            ServerEvent(server="connected", client=1, page="http://localhost:1420", agent="Chrome 150"),
            Sent(
                after=1, seq=1, s2c="x", payload="{`", recipients=(1,), verdict="invalid", comment="unknown event"
            ),
            posted(2, "alice", "yes"),
        ),
        Kind.MARKDOWN,
    )
    assert "- `http://localhost:1420, Chrome 150`" in text
    assert "- Row 1, x: unknown" in text
    assert '| 2 | 2.000 | REST | `POST /messages` | `200 {"to":"alice","text":"yes"}` |' in text
    assert f'200 {{"msg_id":"{IDS[50]}"}}' in text


def test_a_frame_cannot_forge_a_line_of_a_bug_report() -> None:
    raw = Sent(after=1, seq=1, s2c="x", payload="a\nFORGED\r\n```\nFORGED" + "y" * 3_000, recipients=(1,))
    text = export(recording(raw), Kind.MARKDOWN)
    assert not [line for line in text.splitlines() if line.startswith("FORGED")]
    assert "a\\u000aFORGED" in text
    assert "… 1,020 more characters" in text


def test_each_kind_has_a_title_and_a_suffix() -> None:
    assert set(KIND_INFO) == set(Kind)


@pytest.mark.parametrize(("text", "sent"), [("\ufeff \u2028", False), ("\x85", True)])
def test_a_text_that_a_browser_trims_to_nothing_is_neither_sent_nor_shown(text: str, sent: bool) -> None:
    call = posted(2, "alice", text)
    exported = export(recording(s2c(1, "new_message", message(text)), call), Kind.PLAYWRIGHT)
    body = exported.partition("\ntest(")[2]
    assert ("ui.send" in body, "ui.showsPreview" in body, "ui.showsMessage" in body) == (sent, sent, sent)


def test_a_message_of_a_chat_that_is_not_open_is_a_preview() -> None:
    text = export(
        recording(
            s2c(1, "new_message", message("first")),
            c2s(2, "mark_read", {"peer": "alice", "msg_id": IDS[1]}),
            s2c(3, "new_message", message("second", 2)),
            s2c(4, "new_message", message("third", 3, "bob")),
        ),
        Kind.PLAYWRIGHT,
    )
    checks = re.findall(r"await (ui\.shows.*);", text.partition("// At the end")[0])
    assert checks == [
        'ui.showsPreview(page, "alice", "first")', 'ui.showsMessage(page, "second")',
        'ui.showsPreview(page, "bob", "third")',
    ]  # fmt: skip


@pytest.mark.parametrize("kind", [Kind.PLAYWRIGHT, Kind.PLAYWRIGHT_ROUTES, Kind.PYTEST])
def test_a_comment_asks_for_the_cause_of_an_unknown_event(kind: Kind) -> None:
    text = export(recording(c2s(1, "cart\n", {"items": 2}), c2s(2, "typing", {"to": "bob", "typing": True})), kind)
    (found,) = re.findall(r"(?://|#) (The UI sent .*)", text)
    assert found == "The UI sent cart  then. If it does not do that by itself, add here what its user does for it."


def test_a_pytest_prints_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    """Regression: a text of the recording filled the clipboard of the terminal that ran the test."""
    text = export(recording(s2c(1, "friend_online", {"username": "bob"})), Kind.PYTEST)
    found = re.search(r"^def user_does.*?\n\n\n", text, re.DOTALL | re.MULTILINE)
    assert found
    names: dict[str, Any] = {}
    exec(found[0], names)
    names["user_does"]("send", "bob", "hi\x1b]52;c;cHdu\x07\u202e")
    names["user_does"]("reload")
    assert capsys.readouterr().out == "Now send 'bob' 'hi\\x1b]52;c;cHdu\\x07\\u202e'\nNow reload\n"


def test_a_pytest_loads_the_chat_state_first_and_the_ui_is_reloaded() -> None:
    text = export(recording(s2c(1, "friend_online", {"username": "bob"}), state={"version": 1}), Kind.PYTEST)
    assert 'companion.call("PUT", "/v1/state", STATE)\n    user_does("reload")\n' in text
    assert text.endswith("\n\n\nSTATE = {'version': 1}\n")
    assert "STATE" not in export(recording(s2c(1, "friend_online", {"username": "bob"})), Kind.PYTEST)
