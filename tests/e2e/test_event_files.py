"""Events as files with the real program: files are saved, broken, corrected and deleted with clients connected."""

import json
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection

from tests.protocol.event_files.test_parse import DELIVERED, MSG_ID, REACTION
from tests.test_event_files import REACTED

from . import sockets
from .conftest import Run, RunJson, Start
from .processes import serve, wait_until


def save(folder: Path, name: str, content: Any) -> None:
    folder.mkdir(exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content, indent=2)
    (folder / name).write_text(text, encoding="utf-8", newline="\n")


def files(run_json: RunJson) -> dict[str, Any]:
    found: dict[str, Any] = run_json("contract", "files")
    return found


def events(run_json: RunJson) -> list[str]:
    return [each["event"] for each in files(run_json)["files"] if each["in_use"]]


def fire(run: Run, client: ClientConnection, *arguments: str) -> Any:
    run("trigger", *arguments)
    return sockets.receive(client)


def test_events_follow_their_files_while_a_client_is_connected(
    running: Start, run: Run, run_json: RunJson, data_dir: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "contract"
    server = running(serve(data_dir, "--events", folder))
    assert "does not exist" in files(run_json)["warnings"][0]
    with sockets.client(server.url, "me") as ui, sockets.client(server.url, "alice") as alice:
        # saved: by the form's sample, in completion and in the list of events
        save(folder, "delivered.json", DELIVERED)
        save(folder, "reaction.yaml", REACTION)
        save(folder, "reacted.json", REACTED)
        wait_until(
            lambda: sorted(events(run_json)) == ["message_delivered", "reaction", "reaction"], "three events"
        )
        assert "message_delivered" in "\n".join(run("trigger", "--list").out)
        message = {"msg_id": MSG_ID, "direction": "sent", "delivered": "false", "from": "me", "to": "alice"}
        sets = [part for name, value in message.items() for part in ("--set", f"{name}={value}")]
        posted = fire(run, ui, "new_message", *sets)
        assert posted["event"] == "new_message"
        sockets.receive(alice)
        delivered = fire(run, ui, "message_delivered", "--set", f"msg_id={MSG_ID}")
        assert delivered == {"event": "message_delivered", "data": {"msg_id": MSG_ID, "peer": "alice"}}
        sockets.receive(alice)
        ui.send(json.dumps({"event": "reaction", "data": {"to": "alice", "msg_id": MSG_ID, "emoji": "👍"}}))
        assert sockets.receive(alice) == {
            "event": "reaction", "data": {"username": "me", "emoji": "👍", "msg_id": MSG_ID},
        }  # fmt: skip
        run("state", "save", tmp_path / "state.json")
        state = json.loads((tmp_path / "state.json").read_text(encoding="utf-8"))
        (found,) = [each for each in state["messages"] if each["msg_id"] == MSG_ID]
        assert (found["delivered"], found["reactions"]) == (True, [{"emoji": "👍", "from": "me"}])
        # broken: the last version stays in use, and one sentence says what is wrong
        save(folder, "delivered.json", {**DELIVERED, "direction": "up"})
        wait_until(lambda: files(run_json)["warnings"], "an error")
        failed = run("contract", "reload", exits=1)
        assert "delivered.json, line 4 column 3: direction: must be one of: to_ui, from_ui." in "\n".join(
            failed.err
        )
        assert fire(run, ui, "message_delivered")["event"] == "message_delivered"
        sockets.receive(alice)
        # corrected, with another field
        changed = json.loads(json.dumps(DELIVERED))
        changed["data"]["properties"]["device"] = {"type": "string"}
        save(folder, "delivered.json", changed)
        wait_until(lambda: not files(run_json)["warnings"], "no errors")
        assert fire(run, ui, "message_delivered", "--set", "device=phone")["data"]["device"] == "phone"
        sockets.receive(alice)
        # deleted
        (folder / "delivered.json").unlink()
        wait_until(lambda: events(run_json) == ["reaction", "reaction"], "two events")
        run("trigger", "message_delivered", exits=2)
        ui.send(json.dumps({"event": "typing", "data": {"to": "alice", "typing": True}}))
        assert sockets.receive(alice)["event"] == "typing", "both clients are still connected"
