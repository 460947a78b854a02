"""The filter language of the log."""

from typing import Any

import pytest

from app.hub.filter import parse
from app.hub.hub import Hub
from app.hub.journal import Journal, Kind, Row, Verdict
from app.hub.origin import PANEL
from app.hub.target import Target
from app.protocol.envelope import Envelope


def row(**changes: Any) -> Row:
    typing = b'{"event":"typing","data":{"username":"alice","typing":true}}'
    default = Row(1, 1000.0, 5.0, Kind.TO_UI, "all", "typing", typing, len(typing), Verdict.OK, "", PANEL)
    changed = default._replace(**changes)
    return changed._replace(size=len(changed.payload)) if "payload" in changes else changed


HELLO = b'{"event":"new_message","data":{"from":"alice","to":"bob","text":"Hello wide World"}}'
MESSAGE = row(event="new_message", payload=HELLO)
FROM_UI = row(kind=Kind.FROM_UI, client="2", origin="client 2", payload=b'{"event":"typing","data":{"to":"bob"}}')
SERVER = row(kind=Kind.SERVER, client="2", event="connected", payload=b"", note="acts as me", origin="server")


def matches(text: str, row: Row, now: float = 1000.0) -> bool:
    parsed = parse(text, now=lambda: now)
    assert parsed.warnings == ()
    return parsed.matches(row)


@pytest.mark.parametrize("text", ["", "   ", "event:", "user:", '""'])
def test_an_empty_or_half_typed_filter_shows_everything(text: str) -> None:
    assert all(matches(text, each) for each in (MESSAGE, FROM_UI, SERVER))


@pytest.mark.parametrize("text", ["-event:", "-user:"])
def test_a_half_typed_negation_shows_everything(text: str) -> None:
    assert all(matches(text, each) for each in (MESSAGE, FROM_UI, SERVER))


@pytest.mark.parametrize(
    ("text", "matching", "other"),
    [
        ("event:typing", FROM_UI, MESSAGE),
        ("event:new", MESSAGE, FROM_UI),
        ('event:"new_message"', MESSAGE, FROM_UI),
        ("dir:s2c", MESSAGE, FROM_UI),
        ("dir:down", MESSAGE, FROM_UI),
        ("dir:c2s", FROM_UI, MESSAGE),
        ("dir:up", FROM_UI, SERVER),
        ("dir:server", SERVER, MESSAGE),
        ("client:2", FROM_UI, MESSAGE),
        ("client:2", SERVER, row(client="22", origin="client 22")),
        ("user:bob", MESSAGE, row()),
        ("user:alice", row(), FROM_UI),
        ("user:bob", row(client="user:bob"), row(client="user:bobby")),
        ("origin:panel", MESSAGE, FROM_UI),
        ("origin:client", FROM_UI, MESSAGE),
        ("is:injected", row(origin="tray"), FROM_UI),
        ("is:injected", row(origin="control"), SERVER),
        ("is:ok", MESSAGE, row(verdict=Verdict.INVALID)),
        ("is:warning", row(verdict=Verdict.WARNING), MESSAGE),
        ("is:invalid", row(verdict=Verdict.INVALID), MESSAGE),
        ("larger:1k", row(payload=b"x" * 1025), row(payload=b"x" * 1024)),
        ("larger:1KB", row(payload=b"x" * 1025), row(payload=b"x" * 1024)),
        ("larger:60", MESSAGE, SERVER),
        ("larger:1m", row(payload=b"x" * (1024 * 1024 + 1)), MESSAGE),
    ],
)
def test_a_key_selects_matching_rows(text: str, matching: Row, other: Row) -> None:
    assert matches(text, matching)
    assert not matches(text, other)
    assert not matches(f"-{text}", matching)
    assert matches(f"-{text}", other)


def test_client_finds_frames_sent_to_specific_clients() -> None:
    hub = Hub(Journal())
    hub.publish(Envelope("typing", {}), to=Target(clients=frozenset({2, 5})), origin=PANEL)
    (sent,) = hub.journal
    assert matches("client:2", sent)
    assert matches("client:5", sent)
    assert not matches("client:25", sent)


def test_after_is_an_age_relative_to_the_time_of_typing() -> None:
    recent = row(wall=991.0)
    old = row(wall=989.0)
    for text in ("after:10s", "after:10"):
        assert matches(text, recent)
        assert not matches(text, old)
    assert matches("after:2m", row(wall=890.0))
    assert not matches("after:2m", row(wall=870.0))
    assert matches("after:1h", row(wall=5000.0), now=8500.0)


def test_a_word_searches_payload_event_and_note_case_insensitively() -> None:
    assert matches("hELLO", MESSAGE)
    assert matches("New_Mess", MESSAGE)
    assert matches("ACTS AS", SERVER)
    assert not matches("hello", SERVER)


def test_a_word_searches_the_whole_payload() -> None:
    assert matches("needle", row(payload=b"x" * 60_000 + b"needle"))


def test_all_words_must_match() -> None:
    assert matches("hello alice dir:s2c", MESSAGE)
    assert not matches("hello alice dir:c2s", MESSAGE)


def test_quoted_words_are_searched_as_a_phrase() -> None:
    assert matches('"wide world"', MESSAGE)
    assert not matches('"world wide"', MESSAGE)
    assert matches("world wide", MESSAGE)


def test_an_unclosed_quote_is_searched_as_a_phrase() -> None:
    assert matches('"wide wor', MESSAGE)
    assert not matches('"wide war', MESSAGE)


def test_a_minus_negates_quotes_and_expressions() -> None:
    assert not matches('-"wide world"', MESSAGE)
    assert not matches("-/w.de/", MESSAGE)
    assert matches("-/w..de/", MESSAGE)


def test_a_regular_expression_may_contain_spaces_and_slashes() -> None:
    assert matches(r"/hello\s+w\w+ world/", MESSAGE)
    assert matches(r"/a\/b/", row(payload=b"a/b"))
    assert not matches("/^hello$/", MESSAGE)


def test_an_invalid_regular_expression_is_searched_as_text_with_a_warning() -> None:
    parsed = parse("/(wide/")
    assert "not a valid regular expression" in parsed.warnings[0]
    assert parsed.matches(row(payload=b"this is /(wide/ open"))
    assert not parsed.matches(MESSAGE)


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("colour:red", "unknown key 'colour' (known: event, dir, client"),
        ("dir:sideways", "use s2c, c2s or server"),
        ("is:strange", "use ok, warning, invalid, injected, priming, raw, ui-state, pinned, annotated or lint"),
        ("larger:much", "try larger:1k"),
        ("larger:1.5k", "try larger:1k"),
        ("after:lunch", "try after:10s"),
    ],
)
def test_an_unknown_key_or_invalid_value_is_searched_as_text_with_a_warning(text: str, warning: str) -> None:
    parsed = parse(text)
    assert warning in parsed.warnings[0]
    assert parsed.matches(row(payload=f"has {text} in it".encode()))
    assert not parsed.matches(MESSAGE)


def test_each_invalid_term_adds_a_warning() -> None:
    assert len(parse("colour:red size:4 event:typing is:odd").warnings) == 3


def test_a_time_of_day_is_searched_as_text() -> None:
    assert matches("12:30", row(payload=b"at 12:30"))


def test_a_payload_with_invalid_utf8_can_be_searched() -> None:
    assert matches("tail", row(payload=b"\xff\xfe tail"))


def test_client_finds_frames_to_everyone_that_the_client_received() -> None:
    to_all, to_user = row(recipients=(1, 2)), row(client="user:bob", recipients=(2,))
    assert matches("client:2", to_all)
    assert matches("client:2", to_user)
    assert not matches("client:3", to_all)


def test_excluding_a_client_keeps_the_frames_that_others_received_too() -> None:
    assert matches("-client:2", row(recipients=(1, 2)))
    assert not matches("-client:2", row(client="user:bob", recipients=(2,)))
    assert not matches("-client:2", FROM_UI)


def test_a_word_is_also_searched_in_the_user_of_a_row() -> None:
    assert matches("bob", row(client="user:bob", payload=b"{}"))
    assert matches("BOB", row(client="2", user="bob", payload=b"{}"))
    assert not matches("carol", row(client="user:bob", payload=b"{}"))
    assert matches("-carol", row(client="user:bob", payload=b"{}"))
