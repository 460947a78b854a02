"""Directory and queue with the real program against the stand-in: two companions, a message while one is away."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psutil
import pytest

from tests.postgrest_stand_in import postgres
from tests.postgrest_stand_in.query import parse
from tests.postgrest_stand_in.server import PUBLISHABLE, StandIn
from tests.postgrest_stand_in.stores import PostgresStore, SqliteStore
from tests.postgrest_stand_in.threaded import running as running_stand_in

from . import processes
from .conftest import Run, RunJson, Start, both_variants
from .processes import Companion, start_command, wait_until
from .rest import Rest

ADDRESS, KEY = "COMPANION_SUPABASE_URL", "COMPANION_SUPABASE_KEY"


@pytest.fixture(scope="module")
def project() -> Iterator[StandIn]:
    binaries = postgres.folder()
    if binaries is None:
        with running_stand_in(StandIn(SqliteStore())) as stand_in:
            yield stand_in
        return
    with postgres.cluster(binaries) as address, running_stand_in(StandIn(PostgresStore(address))) as stand_in:
        yield stand_in


def rows(project: StandIn, table: str) -> list[dict[str, Any]]:
    return project.store.select(table, parse([], lambda name: name), 1000)


def companion(folder: Path, name: str, project: StandIn, *options: str) -> Companion:
    """Return a companion that uses the project, with the address and the key from the environment."""
    folder.mkdir(exist_ok=True)
    (folder / "settings.toml").write_text(f'username = "{name}"\n')
    return processes.serve(folder, "--supabase", *options, env={ADDRESS: project.url, KEY: PUBLISHABLE})


def until_registered(project: StandIn, *names: str) -> None:
    wait_until(lambda: {each["username"] for each in rows(project, "users")} >= set(names), "the registration")


def test_a_message_waits_while_its_recipient_is_away(running: Start, tmp_path: Path, project: StandIn) -> None:
    anna = running(companion(tmp_path / "anna", "anna", project))
    ulrich = running(companion(tmp_path / "ulrich", "ulrich", project))
    until_registered(project, "anna", "ulrich")
    for each, other in ((anna, "ulrich"), (ulrich, "anna")):
        with Rest(each) as rest:
            assert rest.request("POST", "/friends", {"username": other}).status == 201
            assert other in rest.friends()
            wait_until(lambda rest=rest: rest.request("GET", "/status").body["supabase_connected"], "connected")
    ulrich.stop()
    with Rest(anna) as rest:
        answer = rest.request("POST", "/messages", {"to": "ulrich", "text": "are you there? 🙂"})
    assert answer.status == 202, answer
    assert (answer.body["delivered"], answer.body["method"]) == (False, "offline")
    (row,) = rows(project, "messages")
    assert (row["from_user"], row["to_user"]) == ("anna", "ulrich")
    assert "are you there" not in str(row)
    again = running(companion(tmp_path / "ulrich", "ulrich", project))
    with Rest(again) as rest:
        wait_until(lambda: rest.page("anna")["messages"], "the message")
        (message,) = rest.page("anna")["messages"]
    assert (message["text"], message["delivery_method"]) == ("are you there? 🙂", "offline")
    wait_until(lambda: not rows(project, "messages"), "the deletion")
    assert message["msg_id"] == answer.body["msg_id"]
    written = "".join(
        file.read_text("utf-8", errors="replace")
        for folder in ("anna", "ulrich")
        for file in (tmp_path / folder).rglob("*")
        if file.is_file() and file.suffix in (".log", ".jsonl", ".toml", "")
    )
    assert PUBLISHABLE not in written


def test_no_answer_log_file_or_process_shows_a_key(running: Start, tmp_path: Path, project: StandIn) -> None:
    folder = tmp_path / "karla"
    karla = running(companion(folder, "karla", project, "--peers", "--peer-port", "0"))
    until_registered(project, "karla")
    secret = json.loads((folder / "peer-keys.json").read_text())
    keys = [PUBLISHABLE, *(secret[name].rstrip("=") for name in ("x25519_secret", "ed25519_secret"))]
    assert [key in (folder / "peer-keys.json").read_text() for key in keys] == [False, True, True]  # else: no test
    shown = {"arguments": "\n".join(arguments_of(karla)), "output": "\n".join([*karla.out, *karla.err])}
    token = (folder / "token").read_text().strip()
    paths = json.loads(get(karla, "/v1/openapi.json", token))["paths"]
    for path in [each for each, methods in paths.items() if "get" in methods and "{" not in each]:
        if path not in ("/v1/journal/stream", "/v1/breakpoints/wait"):  # which wait for something
            shown[path] = get(karla, path, token)
    assert "supabase" in shown["/v1/sources"]
    for arguments in (("peers", "key"), ("sources", "status"), ("status",), ("journal",), ("server", "settings")):
        with start_command(folder, *arguments, env={KEY: PUBLISHABLE}) as command:
            assert command.wait() == 0, command
            shown[" ".join(arguments)] = "\n".join([*command.out, *command.err])
    with Rest(karla) as rest:
        shown["GET /status"] = str(rest.request("GET", "/status"))
    karla.stop()
    for file in folder.rglob("*"):
        if file.is_file() and file.name != "peer-keys.json":
            shown[str(file)] = file.read_bytes().decode("latin-1")
    assert [(where, key[:12]) for where, text in shown.items() for key in keys if key in text] == []
    assert len(shown) > 20


def arguments_of(program: Companion) -> list[str]:
    """Return the command lines of a program and of the processes that it has started."""
    own = psutil.Process(program.process.pid)
    return [" ".join(each.cmdline()) for each in (own, *own.children(recursive=True))]


def get(program: Companion, path: str, token: str) -> str:
    """Return an answer of the control API, or its error."""
    request = Request(f"{program.control_url}{path}", headers={"Authorization": f"Bearer {token}"})
    try:
        with urlopen(request, timeout=processes.PATIENCE_S) as answer:
            return str(answer.read(), "latin-1")
    except HTTPError as error:
        return error.read().decode("latin-1")


def test_a_kill_between_commit_and_deletion_neither_loses_nor_duplicates(
    running: Start, tmp_path: Path, project: StandIn
) -> None:
    names = ("berta", "walter")
    berta, walter = (running(companion(tmp_path / name, name, project)) for name in names)
    until_registered(project, *names)
    for each, other in ((berta, "walter"), (walter, "berta")):
        with Rest(each) as rest:
            assert rest.request("POST", "/friends", {"username": other}).status == 201
    walter.stop()
    with Rest(berta) as rest:
        sent = [rest.post("walter", text)["msg_id"] for text in ("one", "two")]
    before = len(project.calls("DELETE", "messages"))
    project.held = {"DELETE"}
    try:
        again = running(companion(tmp_path / "walter", "walter", project))
        wait_until(lambda: len(project.calls("DELETE", "messages")) > before, "the deletion")
        again.process.kill()
        again.process.wait()
    finally:
        project.held = set()
    assert {each["id"] for each in rows(project, "messages")} == set(sent)
    last = running(companion(tmp_path / "walter", "walter", project))
    wait_until(lambda: not rows(project, "messages"), "the deletion")
    with Rest(last) as rest:
        assert [each["msg_id"] for each in rest.page("berta")["messages"]] == sent


@both_variants
def test_the_commands(program: Companion, run: Run, run_json: RunJson, data_dir: Path, project: StandIn) -> None:
    assert [each["on"] for each in run_json("sources", "list") if each["name"] == "supabase"] == [False]
    assert run("sources", "test", "supabase", exits=1).out == [
        "The address of the project is missing: enter it in Settings (supabase_url)."
    ]
    run("server", "settings", "username=gustav", f"supabase_url={project.url}")
    rejected = run("sources", "key", typed="sb_secret_abc\n", exits=2)
    assert "is a secret key" in rejected.err[0]
    stored = run("sources", "key", typed=f"{PUBLISHABLE}\n")
    assert stored.out == [f"stored in the file {data_dir / 'supabase-key'}"]
    assert "gustav is not registered yet." in run("sources", "test", "supabase").out[0]
    switched = run_json("sources", "on", "supabase")
    assert (switched["on"], switched["state"]) == (True, "starting")
    wait_until(lambda: run_json("sources", "status")["state"] == "ok", "the source is connected")
    printed = run("sources", "status", "supabase").out
    assert printed[0] == "supabase  ok  Connected as gustav: newer schema."
    assert printed[1].startswith("  last success: ")
    assert run("sources", "off", "supabase").out == ["supabase  off  Off."]
    deleted = run("sources", "delete", "supabase", "--remote").out
    assert deleted == ["Deleted: the registration of gustav, the API key, the address of the project."]
    assert "gustav" not in {each["username"] for each in rows(project, "users")}
    assert not (data_dir / "supabase-key").exists()
    assert "There is no source 'nothing'" in run("sources", "on", "nothing", exits=2).err[0]
