"""``companion journal`` and ``companion expect``: read the log, and wait for events from the UI."""

import json
import re
import signal
import sys
import time
from pathlib import Path

import pytest

from . import sockets
from .conftest import Run, RunJson, Start, StartCommand, both_variants
from .processes import COMPANION, READY_S, Companion, Program, wait_until
from .rest import Rest
from .tools import posix_only

pytestmark = pytest.mark.shared_server


@both_variants
def test_the_journal_shows_frames_in_both_directions_and_server_events(program: Companion, run: Run) -> None:
    with sockets.client(program.url, "bob") as bob, sockets.client(program.url) as me:
        sockets.send(bob, "typing", to="me", typing=True)
        sockets.receive(me)
        bob.send("{not json")
        run("trigger", "new_message", "--set", "text=Grüß Gott")
        lines = run("journal").out
    matches = [re.fullmatch(r"#\d+ \d\d:\d\d:\d\d\.\d{3} ([↓↑·]) (.*)", line) for line in lines]
    rows = [(line[1], " ".join(line[2].split())) for line in matches if line]
    assert len(rows) == len(lines)
    assert ("·", "connected acts as bob") in rows
    assert any(sign == "↑" and text.startswith("typing typing to me") for sign, text in rows)
    assert any(sign == "↑" and text.endswith("✕") and "invalid JSON" in text for sign, text in rows)
    assert any(sign == "↓" and "alice → me: Grüß Gott · delivered to 2 clients" in text for sign, text in rows)


@pytest.mark.shared_server(False)
def test_rows_become_a_scenario_that_can_be_played(program: Companion, run: Run, tmp_path: Path) -> None:
    first = run("trigger", "new_message", "--as", "bob", "--set", "text=Hello there").out
    run("trigger", "friend_online", "--set", "username=alice")
    lines = run("journal", "--scenario", "--filter", "dir:s2c").out
    statements = [line for line in lines if not line.startswith("wait ")]
    assert statements == ["bob: Hello there", "alice comes online"], first
    file = tmp_path / "again.chat"
    file.write_text("\n".join(lines), encoding="utf-8")
    run("session", "run", str(file), "--speed", "max")
    assert sum("Hello there" in line for line in run("journal").out) == 2


@pytest.mark.shared_server(False)
def test_filter_after_and_limit_choose_rows(program: Companion, run: Run, run_json: RunJson) -> None:
    first = run_json("trigger", "typing")["seq"]
    for event in ("friend_online", "typing", "friend_offline"):
        run("trigger", event)

    def events(*options: str) -> list[str]:
        return [json.loads(line)["event"] for line in run("journal", "--json", *options).out]

    assert events("--filter", "event:typing dir:s2c") == ["typing", "typing"]
    assert events("--after", str(first)) == ["friend_online", "typing", "friend_offline"]
    assert events("--limit", "2") == ["typing", "friend_offline"], "the newest"
    assert events("--after", str(first), "--limit", "2") == ["friend_online", "typing"], "the next"
    assert events("--filter", "dir:c2s") == []


def test_an_invalid_filter_ends_with_2_and_lists_valid_values(server: Companion, run: Run) -> None:
    assert run("journal", "--filter", "dir:x", exits=2).err == ["Filter: invalid dir:x; use s2c, c2s or server."]


def test_rows_are_pinned_and_annotated(program: Companion, run: Run, run_json: RunJson) -> None:
    seq = run_json("trigger", "typing")["seq"]
    pinned = run("journal", "--pin", str(seq), "--annotate", f"{seq}=comes = late").out
    assert pinned[-1].endswith("· pinned · annotation: comes = late ▲")
    listed = run("journal", "--json", "--filter", "is:pinned annotation:late").out
    assert [(json.loads(line)["seq"], json.loads(line)["annotation"]) for line in listed] == [(seq, "comes = late")]
    assert "pinned" not in run("journal", "--unpin", str(seq), "--annotate", f"{seq}=").out[-1]
    assert run("journal", "--filter", "is:pinned").out == []
    assert run("journal", "--annotate", "late", exits=2).err[-1].startswith("Error: Invalid value: 'late' is not")
    assert run("journal", "--pin", "999", exits=2).err == ["Row 999 is not in the log."]


@pytest.mark.shared_server(False)
def test_saved_filters_are_used_by_name(program: Companion, run: Run, run_json: RunJson) -> None:
    assert run("filters", "save", "only typing", "event:typing").out == ["saved @only typing"]
    assert run_json("filters", "list") == [{"name": "only typing", "filter": "event:typing"}]
    run("trigger", "typing")
    run("trigger", "friend_online")
    lines = run("journal", "--json", "--filter", '@"only typing"').out
    assert [json.loads(line)["event"] for line in lines] == ["typing"]
    run("filters", "rename", "only typing", "typing")
    assert run("filters", "list").out == ["typing  event:typing"]
    run("filters", "delete", "typing")
    unknown = run("journal", "--filter", "@typing", exits=2).err[0]
    assert unknown.startswith("Filter: there is no saved filter 'typing' (none is saved)")
    assert (
        run("filters", "save", "broken", "is:odd", exits=2)
        .err[0]
        .startswith("The filter is not valid: invalid is:odd")
    )


@pytest.mark.shared_server(False)
@posix_only
def test_follow_goes_on_until_ctrl_c(program: Companion, run: Run, start_command: StartCommand) -> None:
    run("trigger", "friend_online")
    following = start_command("journal", "--follow", "--filter", "dir:s2c")
    following.wait_for_line("friend_online")
    run("trigger", "typing")
    following.wait_for_line("typing")
    following.send(signal.SIGINT)
    assert following.wait() == 0
    assert following.err == []
    assert len(following.out) == 2


@pytest.mark.shared_server(False)
def test_follow_ends_with_the_companion(program: Companion, start_command: StartCommand) -> None:
    following = start_command("journal", "--follow")
    following.wait_for_line("listening")
    time.sleep(0.5)
    program.stop()
    assert following.wait() == 0
    assert following.err == ["The connection to the companion has ended"]


@pytest.mark.shared_server(False)
def test_follow_ends_with_a_companion_that_was_killed(server: Companion, start_command: StartCommand) -> None:
    following = start_command("journal", "--follow")
    following.wait_for_line("listening")
    time.sleep(0.5)
    server.process.kill()
    assert following.wait() == 4
    (line,) = following.err
    assert line.startswith("The connection to the companion at http://127.0.0.1:")


@pytest.mark.shared_server(False)
def test_follow_prints_every_row_exactly_once(server: Companion, run: Run, start_command: StartCommand) -> None:
    following = start_command("journal", "--follow", "--after", "0", "--json", "--filter", "event:typing dir:s2c")
    run("trigger", "typing", "--repeat", "300", "--every", "0")
    run("trigger", "typing", "--as", "bob")
    following.wait_for_line("bob")
    numbers = [json.loads(line)["seq"] for line in following.out]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == 301


@posix_only
@pytest.mark.parametrize("arguments", ["journal", "journal --follow", "fixtures list"])
def test_a_closed_pipe_ends_it_without_an_error(
    server: Companion, run: Run, running: Start, data_dir: Path, arguments: str
) -> None:
    """As in the shell command ``companion journal | head -1``."""
    run("trigger", "typing", "--repeat", "100", "--every", "0")
    command = " ".join(COMPANION).replace(sys.executable, f"'{sys.executable}'")
    pipeline = running(
        Program(
            "a pipe", "bash", "-c", f"{command} {arguments} | head -1", env={"COMPANION_DATA_DIR": str(data_dir)}
        )
    )
    while "--follow" in arguments and pipeline.process.poll() is None:
        run("trigger", "typing")  # only a write after the pipe was closed reveals that it is closed
    assert pipeline.wait() == 0
    assert len(pipeline.out) == 1
    assert pipeline.err == []


def test_expect_ends_with_0_when_the_event_is_received(program: Companion, start_command: StartCommand) -> None:
    waiting = start_command("expect", "typing", "--from", "bob", "--where", "typing=true", "--within", "30")
    with sockets.client(program.url, "bob") as bob:
        wait_until(program.has_control_request, "the request of expect", READY_S)
        assert waiting.process.poll() is None
        while waiting.process.poll() is None:  # it connects before it sends the request
            sockets.send(bob, "typing", to="me", typing=True)
            time.sleep(0.1)
        assert waiting.wait() == 0
    assert re.fullmatch(r"✓ typing received after [\d,]+ ms", waiting.out[0])
    assert "↑ typing" in waiting.out[1]


@pytest.mark.shared_server(False)
def test_expect_ends_with_1_and_lists_what_was_received_instead(
    program: Companion, run: Run, run_json: RunJson
) -> None:
    assert run("expect", "typing", "--within", "0.5", exits=1).err == [
        "✗ no typing within 0.5 s; no other event was received", "No client is connected.",
    ]  # fmt: skip
    with sockets.client(program.url, "bob") as bob:
        before = run_json("status")["journal"]["last_seq"]
        sockets.send(bob, "typing", to="carol", typing=True)
        bob.send("{not json")
        result = run("expect", "typing", "--where", "data.to=me", "--within", "2", "--after", str(before), exits=1)
    assert result.out == []
    head, *instead = result.err
    assert head == "✗ no typing within 2 s; received instead:"
    assert instead[0].startswith("  ↑ typing from bob: typing to carol")
    assert instead[1].startswith("  ↑ – from bob: {not json")


@pytest.mark.shared_server(False)
def test_expect_with_json_also_prints_a_readable_failure(server: Companion, run: Run) -> None:
    """It appears in the log of a CI job whose test failed."""
    result = run("expect", "typing", "--within", "0", "--json", exits=1)
    assert json.loads(result.out[0]) | {"met": False, "row": None, "instead": []} == json.loads(result.out[0])
    assert result.err == ["✗ no typing within 0 s; no other event was received", "No client is connected."]


@pytest.mark.parametrize(
    ("options", "exits"),
    [
        ((), 0),
        (("--from", "bob"), 0),
        (("--from", "client:1"), 0),
        (("--from", "me"), 1),
        (("--where", "to=me"), 0),
        (("--where", "data.typing=true", "--where", "to=me"), 0),
        (("--where", "data.typing=true", "--where", "to=bob"), 1),
        (("--where", 'typing="true"'), 1),
        (("--where", "nothing=1"), 2),  # typing has no such field
    ],
)
def test_expect_matches_only_the_given_sender_and_fields(
    server: Companion, run: Run, options: tuple[str, ...], exits: int
) -> None:
    with sockets.client(server.url, "bob") as bob, sockets.client(server.url) as me:
        sockets.send(bob, "typing", to="me", typing=True)
        sockets.receive(me)
        run("expect", "typing", "--after", "0", "--within", "0", *options, exits=exits)


def test_with_after_no_event_is_missed_between_two_commands(
    program: Companion, run: Run, run_json: RunJson
) -> None:
    """The UI may respond before ``expect`` has started."""
    with sockets.client(program.url) as ui:
        fired = run_json("trigger", "new_message")["seq"]
        message = sockets.receive(ui)["data"]
        sockets.send(ui, "mark_read", peer="alice", msg_id=message["msg_id"])
        time.sleep(0.3)
        run("expect", "mark_read", "--within", "0.2", exits=1)
        read = ("expect", "mark_read", "--where", f"msg_id={message['msg_id']}", "--after", str(fired))
        assert run_json(*read)["row"]["user"] == "me"
        later = run_json(*read)["row"]["seq"]
        run("expect", "mark_read", "--after", str(later), "--within", "0.2", exits=1)


def test_expect_waits_for_the_uis_rest_calls(program: Companion, run: Run) -> None:
    with Rest(program) as rest:
        rest.post("bob", "hello")
    run("expect", "POST /messages", "--after", "0", "--where", "to=bob", "--where", "text=hello")
    run("expect", "POST /messages", "--after", "0", "--where", "to=alice", "--within", "0", exits=1)


def test_expect_waits_for_get_requests_which_the_log_shows_on_demand(program: Companion, run: Run) -> None:
    with Rest(program) as rest:
        rest.friends()
        result = run("expect", "GET /friends", "--after", "0")
        assert result.out[1].startswith("– ")
        assert "GET /friends" not in "\n".join(run("journal").out)
        assert run("journal", "--log-gets").err == ["Logging of GET requests is on"]
        rest.friends()
    assert any("GET /friends" in line for line in run("journal", "--no-log-gets").out)
    result = run("expect", "GET /messages?peer=bob", exits=2)
    assert "--where peer=bob" in result.err[0]


@pytest.mark.shared_server(False)
def test_expect_reports_that_the_companion_has_ended(server: Companion, start_command: StartCommand) -> None:
    waiting = start_command("expect", "typing", "--within", "60")
    wait_until(server.has_control_request, "the request of expect", READY_S)
    server.stop()
    assert waiting.wait() == 4
    assert len(waiting.err) == 1
    assert "does not answer" in waiting.err[0]
