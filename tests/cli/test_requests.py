"""What commands send to the control API, and what they reject before."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from app.cli import listen
from app.cli.completion import get_or_none
from app.cli.control import Control
from app.cli.main import app
from app.system import instance
from app.system.paths import Folders

Invoke = Callable[..., Result]
Request = tuple[str, str, Any, dict[str, Any]]
ANSWER = {
    "cleared": 1, "frames": [], "rest": [], "rows": [], "next_after": 0, "profiles": [], "warnings": ["bad file"],
    "name": "x", "skipped": 0,
}  # fmt: skip


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[Request]:
    """Return the requests of the commands that the test invokes."""
    found: list[Request] = []

    def call(_: Control, method: str, path: str, body: Any = None, **query: Any) -> Any:
        found.append((method, path, body, query))
        return ANSWER

    monkeypatch.setattr(Control, "__init__", lambda *_, **__: None)
    monkeypatch.setattr(Control, "call", call)
    return found


def invoke(*words: object, stdin: str | bytes = "") -> Result:
    return CliRunner().invoke(app, list(map(str, words)), input=stdin)


@pytest.mark.parametrize(
    ("words", "query"),
    [
        ((), {"to": None}),
        (("user:Bob Smith",), {"to": "user:Bob Smith"}),
        (("all except:7",), {"to": "all except:7"}),
        (("POST /messages",), {"route": "POST /messages"}),
        (("* /*",), {"route": "* /*"}),
    ],
)
def test_faults_are_cleared_of_a_target_or_a_route(
    requests: list[Request], words: tuple[str, ...], query: dict[str, Any]
) -> None:
    """Regression: a name with a space was taken for a route, so nothing was cleared."""
    assert invoke("faults", "clear", *words).exit_code == 0
    assert requests[0] == ("DELETE", "/v1/faults", None, query)


@pytest.mark.parametrize(("words", "noted"), [((), False), (("all",), True), (("GET /x",), False)])
def test_clearing_the_faults_of_a_target_says_that_those_of_rest_calls_stay(
    requests: list[Request], monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], noted: bool
) -> None:
    armed = {"fault": {"route": "GET /friends", "offline": True}, "seed": 7, "seen": 0, "acted": 0}
    monkeypatch.setitem(ANSWER, "rest", [armed])
    assert ("Faults of REST calls stay armed." in invoke("faults", "clear", *words).stderr) == noted


@pytest.mark.parametrize(
    "words",
    [
        "faults clear ''",
        "faults set all --profile flaky-cafe --direction from_ui",
        "faults set all --profile flaky-cafe --only event:typing",
        "journal --recording this-run --scenario",
        "journal --recording this-run --pin 1",
        "journal --recording this-run --follow",
        "journal --recording this-run --no-log-gets",
        "journal --pin 1 --follow",
        "journal --annotate 1=x --scenario",
        "journal --unpin 1 --log-gets",
        "journal --scenario --follow",
        "open --fire-bar --recording this-run",
        "journal --recording ''",
        "open --recording ''",
        "contract lint ''",
        "ui-state show ''",
        "session export '' --as har",
        "peers verify bob --fingerprint ''",
        "peers accept bob --fingerprint ''",
        "trigger typing --to ''",
        "trigger --frame x --to ''",
        "trigger --frame-file ''",
        "trigger typing --fixture ''",
        "trigger typing --as ''",
        "fixtures run x --to ''",
        "expect typing --from ''",
        "session run x --to ''",
        "session run x --mark ''",
        "session run x --at ''",
        "session record stop ''",
        "faults set all delay=1 --only ''",
        "breakpoints resolve 1 inject --event typing --to ''",
        "ui-state select ''",
        "listen --as ''",
        "listen --url ''",
        "status --data-dir ''",
        "contract show --events ''",
        "contract lint x.har --events ''",
        "contract import x.json --to ''",
        "serve --fixtures ''",
        "serve --token-file ''",
        "trigger typing --set typing=true --set typing=false",
        "trigger typing --set typing=true --set data.typing=false",
        "fixtures run x --set a=1 --set a=2",
        "expect typing --where data.to=a --where data.to=b",
        "breakpoints resolve 1 modify --set a=1 --set a=2",
        "server settings port=1 port=2",
        "ui-state expect",
        "journal --annotate 1=a --annotate 1=b",
    ],
)
def test_what_would_be_ignored_is_rejected(requests: list[Request], words: str) -> None:
    """Regression: an empty target cleared all faults, and options were ignored.

    An empty path was the current folder, and the last of two values of a field replaced the first.
    """
    done = invoke(*("" if each == "''" else each for each in words.split()))
    assert done.exit_code == 2, done.output
    assert requests == []


@pytest.mark.parametrize("words", [["new_message", "--last"], []])
def test_the_message_says_that_only_one_event_can_be_given(requests: list[Request], words: list[str]) -> None:
    done = invoke("trigger", *words)
    assert done.exit_code == 2, done.output
    assert "give exactly one of EVENT, --fixture" in " ".join(done.stderr.replace("│", " ").split())
    assert requests == []


@pytest.mark.parametrize(("given", "relative"), [("my/fixtures", True), ("", False), ("~/fixtures", False)])
def test_a_relative_folder_in_the_settings_is_that_of_the_command(
    requests: list[Request], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, relative: bool
) -> None:
    """The companion has another working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(ANSWER, "values", {"fixtures": "", "theme": "dark"})
    monkeypatch.setitem(ANSWER, "at_next_start", [])
    assert invoke("server", "settings", f"fixtures={given}", "theme=light").exit_code == 0
    sent = str(tmp_path / given) if relative else given
    assert requests[1] == ("PATCH", "/v1/settings", {"fixtures": sent, "theme": "light"}, {})


@pytest.mark.parametrize("word", ["them=dark", "them"])
def test_a_mistyped_setting_is_not_sent(
    requests: list[Request], monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    monkeypatch.setitem(ANSWER, "values", {"fixtures": "", "theme": "dark"})
    done = invoke("server", "settings", word)
    assert (done.exit_code, done.stderr) == (2, "them is not a setting; did you mean theme?\n")
    assert [method for method, *_ in requests] == ["GET"]


@pytest.mark.parametrize(
    ("words", "routes"),
    [
        ("user:bob --profile Lossy", ["GET /*", "POST /messages"]),
        ("user:bob --profile STRASSE", ["GET /friends"]),
        ("user:bob --profile my/lossy", ["GET /status"]),
        ("user:bob --profile frames", []),
        ("all --profile lossy", []),
        ("user:bob loss=1", []),
    ],
)
def test_a_profile_for_a_user_also_disturbs_the_rest_calls_of_others(
    requests: list[Request], monkeypatch: pytest.MonkeyPatch, words: str, routes: list[str]
) -> None:
    """The routes are those of the profile. Regression: a fault that was armed before was named."""
    armed = {"fault": {"route": "PUT /before", "offline": True}, "seed": 7, "seen": 0, "acted": 0}
    saved = {
        "lossy": ["GET /*", "POST /messages"], "my/lossy": ["GET /status"], "my/Straße": ["GET /friends"],
        "frames": None,
    }  # fmt: skip
    profiles = [
        {"name": name, "profile": {"rest": [{"route": each} for each in found]} if found else {}}
        for name, found in saved.items()
    ]
    monkeypatch.setitem(ANSWER, "rest", [armed])
    monkeypatch.setitem(ANSWER, "profiles", profiles)
    done = invoke("faults", "set", *words.split())
    assert (done.exit_code, requests[0][0]) == (0, "PUT"), done.output
    note = "Faults of REST calls act on the calls of all clients, not only of user:bob. Clear each by its route:"
    commands = [f'  companion faults clear "{each}"' for each in routes]
    assert done.stderr.splitlines() == ([note, *commands] if routes else [])


def test_only_the_changed_keys_with_a_fingerprint_are_accepted(requests: list[Request]) -> None:
    for words in (["accept", "bob"], ["accept", "bob", "--fingerprint", "12345 67890"], ["reject", "bob"]):
        assert invoke("peers", *words).exit_code == 0
    bodies = [{"accept": True}, {"accept": True, "fingerprint": "12345 67890"}, {"accept": False}]
    assert requests == [("PUT", "/v1/peers/bob/keys", body, {}) for body in bodies]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_profile_is_read_in_the_encodings_of_windows(
    requests: list[Request], tmp_path: Path, encoding: str
) -> None:
    file = tmp_path / "profile.json"
    profile = {"title": "Müde", "rest": [{"route": "GET /friends", "status": 500}]}
    file.write_bytes(json.dumps(profile, ensure_ascii=False).encode(encoding))
    assert invoke("faults", "profiles", "save", "x", file).exit_code == 0
    assert invoke("faults", "profiles", "save", "x", "-", stdin=file.read_bytes()).exit_code == 0
    assert [each[2]["title"] for each in requests] == ["Müde", "Müde"]


def test_warnings_about_profiles_are_no_profiles(requests: list[Request]) -> None:
    done = invoke("faults", "profiles", "list")
    assert (done.stdout, done.stderr) == ("", "bad file\n")
    assert len(requests) == 1


def test_a_lint_of_a_rule_that_is_off_fails(requests: list[Request], monkeypatch: pytest.MonkeyPatch) -> None:
    """Regression: it checked nothing, and passed."""
    rule = {"rule": "clock-skew", "severity": "warning", "title": "T", "why": "W", "advice": "A", "on": False,
            "count": 0, "first_row": None, "last_row": None, "findings": []}  # fmt: skip
    monkeypatch.setitem(ANSWER, "rules", [rule])
    done = invoke("contract", "lint", "--rule", "clock-skew")
    assert done.exit_code == 2, done.output
    assert "companion contract rules --on clock-skew" in done.stderr
    assert invoke("contract", "lint").exit_code == 0
    assert len(requests) == 2


def test_listen_uses_the_keys_of_the_companion_only_for_its_own_address(tmp_path: Path) -> None:
    """Regression: every frame of another server was skipped."""
    file = Folders.of(tmp_path).instance_file
    instance.write(file, "http://127.0.0.1:9002", "memory", None, "ws://127.0.0.1:9001/events", keys=("op", "d"))
    for url in ("ws://127.0.0.1:9001/events", "ws://localhost:9001/events?username=x"):
        assert listen.envelope_keys(url, tmp_path) == ("op", "d")
    for url in ("ws://127.0.0.1:9000/events", "ws://example.org:9001/events", "ws://x:abc/"):
        assert listen.envelope_keys(url, tmp_path) == ("event", "data")


@pytest.mark.parametrize("keys", [{"public_key": "x", "signing_key": "y"}, {}])
@pytest.mark.parametrize(("words", "sent"), [([], {}), (["--address", ""], {"address": ""})])
def test_the_address_and_the_keys_of_a_peer_are_sent_only_if_they_are_given(
    requests: list[Request], words: list[str], sent: dict[str, str], keys: dict[str, str]
) -> None:
    """Regression: an empty address was always sent, which had to keep the old one; the keys were required."""
    options = [word for name, key in keys.items() for word in (f"--{name.replace('_', '-')}", key)]
    invoke("peers", "add", "bob", *options, *words)
    assert requests[0][2] == {"username": "bob", **keys, **sent}


@pytest.mark.parametrize("loaded", [True, False])
@pytest.mark.parametrize(("peer", "note"), [("alice", ""), ("alcie", "; did you mean alice?"), ("zed", ".")])
def test_a_chat_of_someone_who_is_not_a_contact_can_be_selected_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, peer: str, note: str, loaded: bool
) -> None:
    """A page that has not loaded its friends has no contacts. Then the personas are known."""
    people = [{"username": "alice"}]
    state = {"stores": {"contactStore": {"contacts": people if loaded else []}}}
    answers = {"/v1/personas": people}
    monkeypatch.setattr(Control, "__init__", lambda *_, **__: None)
    monkeypatch.setattr(Control, "call", lambda _, __, path, *___, **____: answers.get(path, state))
    done = invoke("ui-state", "select", peer)
    assert (done.exit_code, done.stdout) == (0, f"open chat: {peer}\n")
    assert done.stderr == (f"{peer} is not a contact of this page{note}\n" if note else "")


@pytest.mark.parametrize(
    "words",
    [
        "fixtures run nasty/none",
        "fixtures show nasty/none",
        "fixtures delete nasty/none",
        "trigger --row 7",
        "trigger --fixture nasty/none",
        "session run nasty/none",
        "session delete nasty/none",
        "clients close 7",
        "faults profiles delete none",
        "breakpoints remove 7",
        "journal --pin 7",
        "session record stop none",
    ],
)
def test_a_name_that_does_not_exist_ends_with_2(monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    """Regression: it ended with 1, as if a retry could help."""

    def send(*_: Any) -> Any:
        return SimpleNamespace(
            status=404, read=lambda: b'{"detail": "There is no such thing."}', close=lambda: None
        )

    monkeypatch.setattr(Control, "__init__", lambda *_, **__: None)
    monkeypatch.setattr(Control, "_send", send)
    monkeypatch.setattr(Control, "_read", lambda _, read: read())
    monkeypatch.setattr(Control, "_token_variable", "", raising=False)
    done = invoke(*words.split())
    assert (done.exit_code, done.stderr) == (2, "There is no such thing.\n")


def test_an_error_about_a_value_does_not_name_the_body_of_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [(200, {"values": {"port": 8081}}), (422, {"detail": "The body at port must be at most 65535."})]

    def send(*_: Any) -> Any:
        status, answer = answers.pop(0)
        return SimpleNamespace(status=status, read=json.dumps(answer).encode, close=lambda: None)

    monkeypatch.setattr(Control, "__init__", lambda *_, **__: None)
    monkeypatch.setattr(Control, "_send", send)
    monkeypatch.setattr(Control, "_read", lambda _, read: read())
    done = invoke("server", "settings", "port=99999")
    assert (done.exit_code, done.stderr) == (2, "port must be at most 65535.\n")


@pytest.mark.parametrize(
    "words",
    [
        ("session", "check", "missing.chat"),
        ("session", "run", "missing.session.jsonl"),
        ("session", "convert", "missing.har", "x.chat"),
        ("session", "run", "missing.zip"),
        ("ui-state", "compare", "missing.json"),
        ("ui-state", "report", "list.json"),
        ("ui-state", "report", "broken.json"),
        ("faults", "profiles", "save", "mine", "missing.json"),
        ("fixtures", "save", "mine", "missing.json"),
        ("state", "load", "missing.json"),
        ("trigger", "--frame-file", "missing.txt"),
    ],
    ids=" ".join,
)
def test_an_input_file_that_is_missing_or_not_valid_is_wrong_usage(
    requests: list[Request], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COMPANION_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "broken.json").write_text("{")
    done = invoke(*words)
    assert (done.exit_code, requests) == (2, []), done.output
    assert next(each for each in words if "." in each) in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("state", "save", "-"),
        ("state", "load", "-"),
        ("expect", "typing", "--junit", "-"),
        ("contract", "asyncapi", "-o", "-"),
        ("ui-state", "code", "reporter", "--output", "-"),
    ],
    ids=" ".join,
)
def test_a_file_cannot_have_the_name_of_standard_output(
    requests: list[Request], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    """Regression: the text was written to a file of that name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COMPANION_DATA_DIR", str(tmp_path / "data"))
    done = invoke(*words)
    assert (done.exit_code, requests) == (2, []), done.output
    assert "- does not stand for standard input or output here" in " ".join(done.stderr.split())
    assert not (tmp_path / "-").exists()


def test_a_recording_is_saved_only_to_a_file_that_commands_can_open(
    requests: list[Request], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(Control, "download", lambda *_, **__: iter([b"{}"]))
    refused = invoke("session", "record", "save", tmp_path / "whole.txt")
    assert refused.exit_code == 2
    assert refused.stderr.endswith("whole.txt must end in .session.jsonl.\n")
    assert invoke("session", "record", "save", tmp_path / "whole.session.jsonl").exit_code == 0
    assert [each.name for each in tmp_path.iterdir()] == ["whole.session.jsonl"]


def test_a_scenario_is_not_compared_with_a_recording(tmp_path: Path) -> None:
    scenario, recording = tmp_path / "greet.chat", tmp_path / "whole.session.jsonl"
    scenario.write_text("alice: hi\nexpect typing\n")
    recording.write_text('{"session": 1, "kind": "recording"}\n')
    words = ("session", "compare", "--data-dir", tmp_path / "data")
    for files in ((scenario, recording), (recording, scenario)):
        done = invoke(*words, *files)
        assert done.exit_code == 2
        assert f"{scenario} is a scenario, which has no recorded traffic." in done.stderr
    assert invoke(*words, recording, recording).stdout == "equal\n"


def test_the_port_of_another_server_is_named_instead_of_connecting(tmp_path: Path) -> None:
    """Regression: ``listen`` went on trying to connect to the control API or the REST stand-in."""
    file = Folders.of(tmp_path).instance_file
    events, rest = "ws://127.0.0.1:9001/events", "http://127.0.0.1:9000"
    instance.write(file, "http://127.0.0.1:9002", "memory", None, events, rest=rest)
    for port, server in ((9002, "the control API"), (9000, "the REST stand-in")):
        done = invoke("listen", "--port", port, "--data-dir", tmp_path)
        assert done.exit_code == 2
        assert done.stderr == f"Port {port} is the one of {server}. The event server has port 9001.\n"
    assert listen.find_server(9003, tmp_path) == "ws://127.0.0.1:9003/events"


def test_a_route_without_quotes_is_explained() -> None:
    done = invoke("faults", "rest", "POST", "/messages", "status=503")
    assert done.exit_code == 2
    assert 'Put it in quotes: companion faults rest "POST /messages" …' in done.stderr


def test_completion_waits_only_briefly_for_the_companion(requests: list[Request]) -> None:
    """Regression: a companion that does not answer blocked the prompt for 30 s."""
    get_or_none(typer.Context(typer.main.get_command(app)), "/v1/filters")
    ((_, path, _, options),) = requests
    assert path == "/v1/filters"
    assert options["timeout_s"] <= 2
