"""``companion contract`` with the real program, and with a real TypeScript compiler."""

import json
import signal
from pathlib import Path

import pytest

from app.protocol.event_files.yaml_values import parse_yaml
from tests.protocol.asyncapi_import.test_convert import SUPPORT_CHAT
from tests.protocol.contract_documents.compiler import compile_types
from tests.protocol.contract_documents.guide_mutations import GUIDE

from . import sockets
from .ajv import ajv_errors
from .conftest import Run, RunJson, Start, StartCommand
from .processes import Companion, serve, wait_until
from .tools import need, node_modules, posix_only


@posix_only
def test_a_compiler_that_is_a_link_is_run_by_its_name(server: Companion, run: Run, tmp_path: Path) -> None:
    """Regression: the target of the link was run. Volta's programs are links to one that goes by its name."""
    shim = tmp_path / "shim"
    shim.write_text(f'#!/bin/sh\nbasename "$0" >"{tmp_path}/called"\n')
    shim.chmod(0o700)
    (tmp_path / "tsc").symlink_to(shim)
    (tmp_path / "events.ts").touch()
    run("contract", "check", tmp_path / "events.ts", "--tsc", tmp_path / "tsc", exits=2)
    assert (tmp_path / "called").read_text() == "tsc\n"


@posix_only
def test_documents_and_the_comparison_with_the_types_of_a_ui(
    server: Companion, run: Run, run_json: RunJson, start_command: StartCommand, tmp_path: Path
) -> None:
    need("node", install="Node.js")
    ui = tmp_path / "ui"
    (ui / "node_modules" / ".bin").mkdir(parents=True)
    (ui / "node_modules" / ".bin" / "tsc").symlink_to(node_modules("typescript") / ".bin" / "tsc")
    for each in GUIDE.iterdir():
        (ui / each.name).write_text(each.read_text())
    events = ui / "events.ts"

    slow = tmp_path / "slow-tsc"
    slow.write_text("#!/bin/sh\necho $$ >../../../running\nexec sleep 600\n")
    slow.chmod(0o700)

    assert "The UI's types agree with the contract." in run("contract", "check", events).err
    assert run_json("contract", "check", events) == {"equal": True, "differences": []}
    events.write_text(events.read_text().replace("to: string", "to?: number"))
    differs = run("contract", "check", events, exits=1)
    assert differs.out == [
        "typing.to (from the UI): optional in the UI, required in the contract.",
        "typing.to (from the UI): the UI says number, the contract says string.",
    ]
    only = json.loads(run("contract", "check", events, "--client-type", "", "--json").out[0])
    assert only["equal"] is True
    assert "could not be imported" in str(run("contract", "check", events, "--type", "Nope", exits=2))
    assert "is not a TypeScript module" in str(run("contract", "check", slow, exits=2))
    assert sorted(each.name for each in (ui / "node_modules").iterdir()) == [".bin"]

    running = tmp_path / "running"
    for number in (signal.SIGINT, signal.SIGTERM):
        program = start_command("contract", "check", events, "--tsc", slow)
        process = Path("/proc") / wait_until(
            lambda: running.read_text().strip() if running.exists() else "", "it runs"
        )
        program.process.send_signal(number)
        program.process.wait(30)
        assert sorted(each.name for each in (ui / "node_modules").iterdir()) == [".bin"], number
        assert not process.exists()
        running.unlink()

    assert run("contract", "typescript", "--output", ui / "ours.ts").out == [f"written to {ui / 'ours.ts'}"]
    assert compile_types(ui, "ours.ts") == ""
    document = json.loads("\n".join(run("contract", "asyncapi", "--as", "client").out))
    assert document["operations"]["eventsFromUi"]["action"] == "send"
    assert document["servers"]["local"]["host"] in server.url
    assert run("contract", "show").out[0] == "# Your events"


@pytest.mark.parametrize("command", ["show", "typescript", "asyncapi"])
def test_without_a_companion_a_document_is_an_error(run: Run, command: str) -> None:
    assert "No companion is running" in str(run("contract", command, exits=4))


def test_a_document_is_imported_without_a_companion(run: Run, run_json: RunJson, tmp_path: Path) -> None:
    events = tmp_path / "events"
    plan = run("contract", "import", SUPPORT_CHAT, "--to", events, "--dry-run")
    assert plan.out[0].split() == ["ticket.message.json", "to_ui", "ticket.message:", "would", "be", "written"]
    assert not events.exists()
    assert len(run("contract", "import", SUPPORT_CHAT, "--to", events).out) == 6
    assert {each["status"] for each in run_json("contract", "import", SUPPORT_CHAT, "--to", events)["files"]} == {
        "unchanged"
    }
    (events / "rate.json").write_text("mine")
    refused = run("contract", "import", SUPPORT_CHAT, "--to", events, exits=1)
    assert f"rate.json in {events} would be replaced, so nothing was written." in str(refused)
    assert (events / "rate.json").read_text() == "mine"
    assert "rate: replaced" in str(run("contract", "import", SUPPORT_CHAT, "--to", events, "--force"))
    old = run("contract", "import", "-", "--to", events, exits=2, typed="asyncapi: 2.6.0")
    assert "AsyncAPI 2.6.0 is not supported" in str(old)


@pytest.mark.long
@posix_only
def test_events_of_another_protocol_are_imported_and_fired_as_its_document_says(
    running: Start, run: Run, run_json: RunJson, data_dir: Path, tmp_path: Path
) -> None:
    """npm's ajv accepts every payload that is fired, and rejects a payload that is fired invalid on purpose."""
    events = tmp_path / "events"
    server = running(serve(data_dir, "--events", events))
    document, _ = parse_yaml(SUPPORT_CHAT.read_text("utf-8"))
    imported = run_json("contract", "import", SUPPORT_CHAT)
    assert imported["folder"] == str(events)
    assert (imported["event_key"], imported["data_key"]) == ("kind", "payload")
    setting = "server settings envelope_event_key=kind envelope_data_key=payload"
    assert f"To send such frames, use companion {setting}." in imported["notes"][-1]
    run(*setting.split())
    to_ui = [each["event"] for each in imported["files"] if each["direction"] == "to_ui"]
    with sockets.client(server.url, "visitor") as ui:
        frames = []
        for name in to_ui:
            for _ in range(3):
                run("trigger", name)
                frames.append(sockets.receive(ui))
        run("trigger", "agent.presence", "--set", "online=maybe", "--loose")
        frames.append(sockets.receive(ui))
        for stars in (5, 0):
            ui.send(json.dumps({"kind": "rate", "payload": {"stars": stars}}))
        rate = ("journal", "--json", "--filter")
        wait_until(lambda: len(run(*rate, "event:=rate").out) == 2, "both frames are in the log")
        assert len(run(*rate, "event:=rate is:invalid").out) == 1
    assert [each["kind"] for each in frames[:-1]] == [name for name in to_ui for _ in range(3)]
    payload = {
        "ticket.message": "/components/messages/ToVisitor/payload",
        "ticket.closed": "/components/messages/ToVisitor/payload",
        "agent.presence": "/components/messages/AgentPresence/payload/schema",
    }
    checks = [(payload[each["kind"]], each) for each in frames]
    *valid, invalid = ajv_errors(tmp_path, document, checks)
    assert valid == [""] * 9
    assert "online must be boolean" in invalid
    assert len({json.dumps(each) for each in frames}) > 4, "ids and times are fresh"

    ui_types = tmp_path / "events.ts"
    (tmp_path / "node_modules" / ".bin").mkdir(parents=True)
    (tmp_path / "node_modules" / ".bin" / "tsc").symlink_to(node_modules("typescript") / ".bin" / "tsc")
    run("contract", "typescript", "--output", ui_types)
    assert run_json("contract", "check", ui_types)["equal"]
    assert '{ kind: "rate"; payload: RateClientData }' in ui_types.read_text("utf-8")
    again = run_json("contract", "import", SUPPORT_CHAT)
    assert "To send such frames" not in "".join(again["notes"]), "these are the keys in use"
    run("server", "settings", "envelope_event_key=event", "envelope_data_key=data")
    run("contract", "typescript", "--events", events, "--output", ui_types)
    assert run_json("contract", "check", ui_types, "--events", events)["equal"]
    assert run("contract", "typescript").out == ui_types.read_text("utf-8").splitlines()
    ui_types.write_text(ui_types.read_text("utf-8").replace("seats?: ", "seats: "))
    differs = run("contract", "check", ui_types, "--events", events, exits=1)
    assert differs.out == ["agent.presence.seats: required in the UI, optional in the contract."]
    (events / "rate.json").write_text("{")
    assert "rate.json" in str(run("contract", "show", "--events", events, exits=2))
