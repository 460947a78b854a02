"""The bundle of a recording. Secrets in every field of every kind of line, chat state, settings and event files do
not come out of it, whatever the type of the field is.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer

from app.cli import session_bundle
from app.hub.recorded_rows import RecordedLine, SentLine
from app.protocol.backend import Person
from app.protocol.bundle.archive import Bundle, read_bundle
from app.protocol.bundle.recording_lines import LineRedactor
from app.protocol.bundle.vocabulary import NUMBERS, TIMES
from app.protocol.catalog import built_in
from app.protocol.errors import Invalid, NotFound
from app.protocol.event_files.effects import EFFECTS
from app.protocol.event_files.file_schema import FILE_SCHEMA
from app.protocol.session.actions import KIND_BY_KEY
from app.protocol.session.lines import parse_lines
from app.protocol.session.steps import ConnectedClient, Header
from app.recording_bundle import Contents, bundle_of
from app.system.settings import Settings

SECRETS = ("Zaphod7Beeblebrox", "Секретное", "超级机密文件", "סודיביותר", "491701234567")
ALL = " ".join(SECRETS)
NESTED = {
    ALL: ALL, "text": ALL, "list": [ALL, {ALL: [ALL]}], SECRETS[0]: {"event": ALL}, "user": ALL,
    "number": 491701234567, "token": ALL, "json": json.dumps({"text": ALL, "\n": f"\\u0000{ALL}"}),
    "url": f"https://{SECRETS[0]}.example/?q={SECRETS[0]}",
}  # fmt: skip
TEXTS: tuple[Any, ...] = (
    ALL, json.dumps(NESTED), json.dumps({"event": ALL, "data": NESTED}), f'{{"event": "{ALL}", "text": {ALL}',
    f"user:{ALL} except:3", f"POST /messages/{ALL}", f"q={SECRETS[0]}&{SECRETS[0]}=1", f"client {ALL}",
    f"https://{SECRETS[0]}.example", "".join(f"\\u{ord(each):04x}" for each in SECRETS[0]),
    f"not sent: {ALL} is not connected", b64encode(ALL.encode()).decode(),
    b64encode(b"\xff" + ALL.encode()).decode(),
    NESTED, [NESTED], [ALL], 491701234567, json.dumps({"event": "typing", "data": {"username": 491701234567}}),
)  # fmt: skip


def names_of(struct: Any) -> list[str]:
    return [each.encode_name for each in msgspec.structs.fields(struct)]


def planted(names: Iterable[str], secret: Any) -> dict[str, Any]:
    """Return an object with a secret in each field, except a number in the fields whose numbers stay."""
    return {name: secret for name in names if not (isinstance(secret, int) and name in NUMBERS | TIMES)}


def lines() -> list[dict[str, Any]]:
    """Return steps of every kind, with each of the texts in each of the fields."""
    structs = [*KIND_BY_KEY.values(), RecordedLine, SentLine]
    kinds = {tuple(names_of(each)) for each in structs}
    found: list[dict[str, Any]] = []
    for text in TEXTS:
        for names in sorted(kinds):
            found.append(planted(names, text))
            found.append({**planted(names, text), "do": [planted(names, text)], "steps": [text], ALL: text})
    return found


def state() -> dict[str, Any]:
    message = [name for event in built_in() for name in event.schema["properties"]]
    people = [{**planted(names_of(Person), text), ALL: text} for text in TEXTS]
    messages = [{**planted([*message, "read", "extra"], text), ALL: text} for text in TEXTS]
    return {"version": ALL, "people": people, "messages": messages, ALL: NESTED}


def settings() -> Settings:
    secret: dict[str, Any] = {
        name: ALL if isinstance(each, str) else [ALL] if isinstance(each, list) else {ALL: ALL}
        for name, each in msgspec.to_builtins(Settings()).items()
        if isinstance(each, str | list | dict)
    }  # fmt: skip
    return Settings(**{**secret, "envelope_event_key": "kind", "envelope_data_key": "data"})


KEYWORDS = (
    "enum", "const", "default", "examples", "title", "description", "$comment", "type", "format", "pattern", "$ref",
    "$id", "$anchor", "$dynamicRef", "contentMediaType", "contentEncoding", "minimum", "required", "deprecated",
    "patternProperties", "dependentRequired", "dependentSchemas", "items", "not", "additionalProperties", "x-own",
    ALL,
)  # fmt: skip


def event_files(folder: Path) -> list[Path]:
    """Write event files with secrets everywhere but in the names of events and fields, which stay."""
    schema = {"type": "object", "properties": {"field": dict.fromkeys(KEYWORDS, ALL)}}
    own = {name: ALL for name in FILE_SCHEMA["properties"] if name not in ("event", "extends", "data")}
    rich: dict[str, Any] = {
        **own, "event": "own_event", "data": schema, "examples": [NESTED], "summary": f"{ALL} {{{ALL}}} {{field}}",
        "effect": {**{kind: {"value": NESTED} for kind in EFFECTS}, **{ALL: ALL}},
        "forward": {"event": "other_event", "to": {"value": ALL}, "data": {"field": {"value": ALL}, ALL: ALL}},
    }  # fmt: skip
    keyed = {
        **rich,
        "effect": {kind: {ALL: ALL} for kind in EFFECTS},
        "data": {**schema, **{keyword: {ALL: [ALL]} for keyword in KEYWORDS}},
    }
    files = []
    for number, content in enumerate((rich, keyed)):
        file = folder / f"{SECRETS[0]}-{number}.json"
        file.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        files.append(file)
    broken = folder / "broken.yaml"
    broken.write_text(f"# {ALL}\nevent: [{ALL}", encoding="utf-8")
    return [*files, broken, folder / "missing.json"]


def recording(file: Path, header: dict[str, Any], steps: list[Any], rest: str = "") -> Path:
    content = [json.dumps(header), *(json.dumps(each) for each in steps)]
    file.write_text("\n".join(content) + f"\n{rest}", encoding="utf-8")
    return file


def contents(folder: Path, **more: Any) -> Contents:
    return Contents(**{"settings": Settings(), "event_files": [], "secrets": [], "folders": [str(folder)], **more})


def texts_of(bundle: Bundle) -> str:
    return bundle.recording + json.dumps([bundle.manifest, bundle.files], ensure_ascii=False)


def hidden_texts(text: str) -> str:
    """Return what is encoded in base64 in the recording."""
    found = [json.loads(line) for line in text.splitlines()]
    encoded = [each["base64"] for each in found if isinstance(each.get("base64"), str)]
    return " ".join(b64decode(each).decode(errors="replace") for each in encoded if each)


def test_no_secret_comes_out_of_a_redacted_bundle(tmp_path: Path) -> None:
    folder = tmp_path / "events"
    folder.mkdir()
    clients = [{**planted(names_of(ConnectedClient), text), ALL: text} for text in TEXTS]
    header = {
        **dict.fromkeys(names_of(Header), ALL), "session": 1, "state": state(), "clients": [*clients, ALL],
        ALL: NESTED,
    }  # fmt: skip
    file = recording(tmp_path / "x.session.jsonl", header, lines(), f'{{"cut": "{ALL}')
    what = contents(tmp_path, settings=settings(), event_files=event_files(folder))
    found = read_bundle(bundle_of(file, f"{SECRETS[0]}/{ALL}", what))
    assert found.manifest["lines"] == len(lines())
    assert found.manifest["lines_left_out"] == 1
    assert found.manifest["event_files_left_out"] == 2
    assert set(found.files) >= {"state.json", "settings.json", "events/event-1.json", "events/event-2.json"}
    everything = texts_of(found) + hidden_texts(found.recording)
    for text in (everything, json.dumps(everything), everything.encode().decode("unicode_escape", "replace")):
        folded = text.casefold()
        assert not [secret for secret in SECRETS if secret.casefold() in folded]
    assert "own_event" in everything
    assert "field" in found.files["events/event-1.json"]["data"]["properties"]


def test_the_test_would_find_a_secret_in_a_bundle_that_is_not_redacted(tmp_path: Path) -> None:
    header = {"session": 1, "state": state()}
    file = recording(tmp_path / "x.session.jsonl", header, lines()[:10])
    found = read_bundle(bundle_of(file, "x", contents(tmp_path), redact=False))
    assert all(secret in texts_of(found) for secret in SECRETS)


def test_a_name_has_the_same_pseudonym_everywhere_and_the_recording_can_be_played(tmp_path: Path) -> None:
    person = {"username": "Zaphod", "public_key": "", "signing_key": "", "is_friend": True}
    frame = {"event": "typing", "data": {"username": "Zaphod", "typing": True}}
    steps = [
        {"s2c": "typing", "seq": 1, "payload": json.dumps(frame), "user": "Zaphod", "origin": "control"},
        {"c2s": "typing", "seq": 2, "payload": "Zaphod", "client": 1},
        {"rest": "GET /status", "page": "http://localhost:5173", "agent": "Mozilla/5.0 Firefox/141.0"},
        {"mark": "end"},
    ]
    header = {
        "session": 1,
        "kind": "recording",
        "me": "me",
        "state": {"version": 1, "people": [person], "messages": []},
        "clients": [
            {"client": 1, "user": "Zaphod", "page": "http://localhost:5173", "agent": "Mozilla/5.0 Firefox/141.0"}
        ],
    }
    file = recording(tmp_path / "x.session.jsonl", header, steps)
    found = read_bundle(bundle_of(file, "this-run", contents(tmp_path)))
    name = found.files["state.json"]["people"][0]["username"]
    assert name != "Zaphod"
    assert len(name) == 6
    session = parse_lines(found.recording).session
    assert session.header.state == found.files["state.json"]
    sent, received, call, mark = (each.to_json() for each in session.steps)
    (client,) = session.header.clients
    assert client == ConnectedClient(client=1, user=name, page=call["page"], agent=call["agent"])
    assert sent["user"] == received["payload"] == name
    assert json.loads(sent["payload"]) == {"event": "typing", "data": {"username": name, "typing": True}}
    assert sent["origin"] == "control"
    assert mark == {"mark": "end"}
    assert found.manifest["recording"] == "this-run"


@pytest.mark.parametrize(
    "step",
    [
        {"server": "connected", "client": 2, "user": "mark"},
        {"s2c": "typing", "payload": json.dumps({"event": "typing", "data": {"username": "Mark Will"}})},
        {"s2c": "nudge", "payload": json.dumps({"event": "nudge", "data": {"who": [{"from": "mark"}]}})},
        {"s2c": "typing", "payload": "{}", "to": "user:mark except:3"},
        {"rest": "DELETE /friends/mark", "status": 204},
        {"c2s": "DELETE /friends/m%61rk", "client": "rest", "payload": ""},
        {"rest": "GET /messages", "query": "peer=mark&limit=50"},
        {"rest": "POST /messages", "request": {"to": "mark", "text": "hi"}},
        {"rest": "GET /friends", "response": [{"username": "mark"}]},
        {"when": "typing", "do": [{"presence": "online", "user": "mark"}]},
    ],
)
def test_users_whose_names_are_words_of_notes_are_known_wherever_they_are_named(
    tmp_path: Path, step: dict[str, Any]
) -> None:
    row = {"server": "renamed", "client": 1, "user": "ann", "comment": "client 1 acts as mark"}
    file = recording(tmp_path / "r.session.jsonl", {"session": 1, "kind": "recording"}, [row, step])
    text = read_bundle(bundle_of(file, "r", contents(tmp_path))).recording
    assert '"comment": "client 1 acts as ' in text
    assert "mark" not in text.casefold().replace("mark_read", "")


def test_lines_that_are_recorded_while_the_bundle_is_made_are_not_part_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = {"server": "renamed", "client": 1, "user": "ann", "comment": "client 1 acts as mark"}
    file = recording(tmp_path / "r.session.jsonl", {"session": 1, "kind": "recording"}, [row] * 200)
    write_header = LineRedactor.header

    def record_more(self: LineRedactor, header: dict[str, Any]) -> dict[str, Any]:
        with file.open("a", encoding="utf-8") as more:
            more.write(json.dumps({"server": "connected", "client": 2, "user": "mark"}) + "\n")
        return write_header(self, header)

    monkeypatch.setattr(LineRedactor, "header", record_more)
    bundle = read_bundle(bundle_of(file, "r", contents(tmp_path)))
    assert bundle.manifest["lines"] == 200


def test_the_findings_are_those_of_the_redacted_traffic_with_the_events_of_the_files(tmp_path: Path) -> None:
    event = tmp_path / "own.json"
    kinds = {"type": "object", "properties": {"kind": {"enum": ["gold", "silver"]}}, "required": ["kind"]}
    event.write_text(json.dumps({"event": "award", "direction": "to_ui", "data": kinds}), encoding="utf-8")

    def step(seq: int, data: Any) -> dict[str, Any]:
        return {
            "s2c": "award",
            "seq": seq,
            "payload": json.dumps({"event": "award", "data": data}),
            "recipients": [1],
        }

    file = recording(
        tmp_path / "x.session.jsonl", {"session": 1}, [step(1, {"kind": "gold"}), step(2, {"kind": "tin"})]
    )
    for redact in (True, False):
        found = read_bundle(bundle_of(file, "x", contents(tmp_path, event_files=[event]), redact=redact))
        rows = [each["row"] for rule in found.files["lint.json"]["rules"] for each in rule["findings"]]
        assert 2 in rows
        assert 1 not in rows
        assert ("gold" in texts_of(found)) is not redact


def test_a_bundle_has_no_findings_if_no_temporary_file_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    file = recording(tmp_path / "x.session.jsonl", {"session": 1}, [])
    content = bundle_of(file, "x", contents(tmp_path))
    assert "lint.json" not in read_bundle(content).files
    bundle = tmp_path / "x.zip"
    bundle.write_bytes(content)
    monkeypatch.setattr(session_bundle, "MAX_SENT_BYTES", 0)
    with pytest.raises(typer.Exit):
        session_bundle.bundle_request(str(bundle))
    assert "No temporary file can be written for the recording of" in capsys.readouterr().err


def test_tokens_and_folders_are_never_included(tmp_path: Path) -> None:
    step = {
        "server": "note",
        "comment": f"in {tmp_path} with the-token-of-the-api",
        "payload": '{"api_key": "abc-def"}',
    }
    file = recording(tmp_path / "x.session.jsonl", {"session": 1}, [step])
    what = contents(
        tmp_path,
        settings=Settings(fixtures=str(tmp_path), supabase_url="https://x.supabase.co"),
        secrets=["the-token-of-the-api"],
    )
    everything = texts_of(read_bundle(bundle_of(file, "x", what, redact=False)))
    for each in (str(tmp_path), "the-token-of-the-api", "abc-def", "supabase.co"):
        assert each not in everything


def test_lines_that_are_nested_too_deep_are_left_out(tmp_path: Path) -> None:
    file = tmp_path / "x.session.jsonl"
    for depth in (700, 5000):
        request, brackets = "[" * depth + "]" * depth, "[" * 200
        steps = f'{{"rest": "GET /x", "request": {request}}}\n{{"note": "{brackets}"}}\n'
        file.write_text('{"session": 1}\n' + steps, encoding="utf-8")
        for redact in (True, False):
            found = read_bundle(bundle_of(file, "x", contents(tmp_path), redact=redact))
            assert (found.manifest["lines"], found.manifest["lines_left_out"]) == (1, 1)
    file.write_text('{"session": 1, "state": ' + '{"a":' * 700 + "1" + "}" * 701 + "\n", encoding="utf-8")
    with pytest.raises(Invalid, match="This is not a recording"):
        bundle_of(file, "x", contents(tmp_path))


def test_what_is_not_a_recording_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.session.jsonl"
    file.write_text("hello\n", encoding="utf-8")
    with pytest.raises(Invalid, match="This is not a recording"):
        bundle_of(file, "x", contents(tmp_path))
    with pytest.raises(NotFound, match="cannot be read"):
        bundle_of(tmp_path / "none", "x", contents(tmp_path))


@pytest.mark.parametrize("redact", [True, False])
def test_a_bundle_can_be_given_up_at_each_line_and_word(tmp_path: Path, redact: bool) -> None:
    words = " ".join(f"word{number}" for number in range(100))
    steps = [{"s2c": "x", "payload": json.dumps({"event": "x", "data": {"text": words}}), "to": "all"}] * 3
    file = recording(tmp_path / "r.session.jsonl", {"session": 1, "kind": "recording"}, steps)

    class Enough(Exception):
        pass

    def calls_until(limit: int) -> int:
        numbers = iter(range(limit))

        def go_on() -> None:
            if next(numbers, None) is None:
                raise Enough

        bundle_of(file, "r", contents(tmp_path), go_on, redact=redact)
        return next(numbers, limit)

    calls = calls_until(1_000)
    assert calls > (100 if redact else 0) + 2 * len(steps)
    for limit in (*range(0, calls, 20), calls - 1):
        with pytest.raises(Enough):
            calls_until(limit)
