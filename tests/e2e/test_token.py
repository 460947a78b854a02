"""The control API's token: where it is stored, how commands find it, and that no other server receives it."""

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import threading
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from . import file_keyring
from .conftest import Run, Start, both_variants
from .processes import COMPANION, ENVIRONMENT, Companion, Program, read_instance_file, serve, wait_until
from .tools import linux_only, need, posix_only

TOKEN = "a-token-of-ones-own-choice"
STORED = "No keyring is available, so the control API's token is stored in "


def logs(data_dir: Path) -> str:
    return "".join(file.read_text(encoding="utf-8") for file in (data_dir / "logs").iterdir())


def status(program: Companion, token: str | None) -> int:
    """Request the companion's status like a script, and return the status code."""
    address = urlsplit(program.control_url)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with closing(http.client.HTTPConnection(address.hostname or "", address.port, timeout=5)) as connection:
        connection.request("GET", "/v1/status", headers=headers)
        return connection.getresponse().status


@both_variants
def test_token_prints_what_scripts_need(program: Companion, run: Run) -> None:
    (token,) = run("token").out
    assert status(program, token) == 200
    assert status(program, None) == status(program, token + "x") == 401


def test_a_token_file_is_created_once_and_only_its_owner_can_read_it(
    running: Start, run: Run, data_dir: Path
) -> None:
    first = running(serve(data_dir))
    (token,) = run("token").out
    assert (data_dir / "token").read_text().strip() == token
    if os.name == "posix":
        assert (data_dir / "token").stat().st_mode & 0o777 == 0o600
        assert (data_dir / "instance.json").stat().st_mode & 0o777 == 0o600
    first.stop()
    running(serve(data_dir))
    assert run("token").out == [token]


@posix_only
def test_a_token_file_that_others_can_read_is_rejected(running: Start, data_dir: Path, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    file.chmod(0o640)
    command = (*COMPANION, "serve", "--port", "0", "--rest-port", "0", "--control-port", "0")
    program = running(Program("serve", *command, "--data-dir", data_dir, "--token-file", file))
    assert program.wait() == 2
    assert program.err == [f"Other users can read {file}. Make it private with `chmod 600 {file}`."]
    assert program.out == []


@posix_only
def test_a_token_file_that_others_can_read_meanwhile_is_not_used(
    server: Companion, run: Run, data_dir: Path
) -> None:
    (data_dir / "token").chmod(0o644)
    assert "Other users can read" in run("status", exits=1).err[0]


@pytest.mark.parametrize("token", ["short", "with spaces in it, so no token", "ünïcödé-is-no-token-either"])
def test_an_invalid_token_is_rejected(running: Start, data_dir: Path, token: str) -> None:
    command = (*COMPANION, "serve", "--port", "0", "--rest-port", "0", "--control-port", "0")
    program = running(Program("serve", *command, "--data-dir", data_dir, env={"COMPANION_TOKEN": token}))
    assert program.wait() == 2
    assert program.err == [
        "COMPANION_TOKEN contains no valid token. Use at least 16 letters, digits or symbols, without spaces."
    ]


def test_a_token_from_the_environment(running: Start, run: Run, data_dir: Path) -> None:
    env = {"COMPANION_TOKEN": TOKEN}
    program = running(serve(data_dir, token_file=False, env=env))
    assert program.err == []
    assert run("token", env=env).out == [TOKEN]
    run("status", env=env)
    assert "COMPANION_TOKEN" in run("status", exits=1).err[0], "it names the remedy"
    assert run("status", exits=1, env={"COMPANION_TOKEN": TOKEN + "-of-another"}).err == [
        "The running companion rejected the token: COMPANION_TOKEN contains a different token."
    ]
    assert not any(TOKEN in file.read_text(errors="replace") for file in data_dir.rglob("*") if file.is_file())


@pytest.mark.parametrize("variant", ["serve", "tray"])
def test_without_a_keyring_commands_work_out_of_the_box(running: Start, tmp_path: Path, variant: str) -> None:
    """With an empty home folder, no keyring and no variable, one process serves and another one triggers."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    names = ["HOME", "USERPROFILE", *(f"XDG_{each}_HOME" for each in ("CONFIG", "DATA", "STATE"))]
    names += [
        "WIN_PD_OVERRIDE_LOCAL_APPDATA",
        "WIN_PD_OVERRIDE_APPDATA",
    ]  # Windows has no variables
    env = {name: str(home if name in ("HOME", "USERPROFILE") else home / name) for name in names}
    env |= {"QT_QPA_PLATFORM": "offscreen"}
    arguments = ("serve",) if variant == "serve" else ("--hidden",)
    companions, tokens = [], []
    for _ in range(2):
        ports = ("--port", "0", "--rest-port", "0", "--control-port", "0")
        companions.append(running(Companion(variant, *COMPANION, *arguments, *ports, env=env)))
        wait_until(lambda: list(home.rglob("instance.json")), "the instance file")
        trigger = running(Program("trigger", *COMPANION, "trigger", "friend_online", env=env))
        assert trigger.wait() == 0, trigger
        token = running(Program("token", *COMPANION, "token", "--json", env=env))
        assert token.wait() == 0, token
        tokens.append(json.loads(token.out[0]))
        companions[-1].stop()
    (file,) = home.rglob("control-token")
    assert tokens == [{"token": file.read_text().strip(), "kept_in": "file", "file": str(file)}] * 2
    if os.name == "posix":
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.parent.stat().st_mode & 0o777 == 0o700
    assert tokens[0]["token"] not in "".join(str(each) for each in companions)
    if variant == "serve":
        assert [sum(f"{STORED}{file}," in line for line in each.err) for each in companions] == [1, 0], (
            "reported once"
        )


@posix_only
def test_token_says_on_a_terminal_where_it_is_kept(server: Companion, data_dir: Path) -> None:
    import pty

    controller, terminal = pty.openpty()
    command = (*COMPANION, "token", "--data-dir", str(data_dir))
    with subprocess.Popen(command, stdout=terminal, stderr=subprocess.PIPE, env=ENVIRONMENT, text=True) as process:
        assert process.communicate()[1] == f"It is stored in the file {data_dir / 'token'}.\n"
    os.close(terminal)
    os.close(controller)


def test_a_keyring_gives_both_processes_the_same_token(
    running: Start, run: Run, data_dir: Path, tmp_path: Path
) -> None:
    keyring = tmp_path / "keyring.json"
    env = {"PYTHON_KEYRING_BACKEND": file_keyring.NAME, file_keyring.VARIABLE: str(keyring)}
    first = running(serve(data_dir, token_file=False, env=env))
    assert first.err == []
    run("status", env=env)
    (token,) = run("token", env=env).out
    assert status(first, token) == 200
    first.stop()
    assert list(json.loads(keyring.read_text()).values()) == [token]
    assert run("token", env=env).out == [token], "also while no companion runs"
    second = running(serve(data_dir, token_file=False, env=env))
    assert status(second, token) == 200
    assert token not in logs(data_dir) + str(first) + str(second)


def test_each_data_folder_has_its_own_token_in_the_keyring(
    running: Start, run: Run, data_dir: Path, tmp_path: Path
) -> None:
    env = {"PYTHON_KEYRING_BACKEND": file_keyring.NAME, file_keyring.VARIABLE: str(tmp_path / "keyring.json")}
    for folder in (data_dir, tmp_path / "other"):
        running(serve(folder, token_file=False, env=env))
    assert run("token", env=env).out != run("token", "--data-dir", tmp_path / "other", env=env).out


def test_a_locked_keyring_does_not_block_the_start(running: Start, data_dir: Path, tmp_path: Path) -> None:
    """A locked keyring waits for its user. Here it is a named pipe that is never opened for writing."""
    if not hasattr(os, "mkfifo"):
        pytest.skip("needs a POSIX system")
    os.mkfifo(tmp_path / "keyring.json")
    env = {"PYTHON_KEYRING_BACKEND": file_keyring.NAME, file_keyring.VARIABLE: str(tmp_path / "keyring.json")}
    program = running(serve(data_dir, token_file=False, env=env))
    program.wait_for_line(
        r"The keyring did not answer \(it may be locked\), so the control API's token is stored", among="err"
    )
    program.stop()


class RecordingServer:
    """Listen on a port, and record what clients send."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.received = b""
        self._server = socket.create_server((host, port))
        self.port: int = self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(2)
                self.received += b"connection: " + connection.recv(4096)

    def close(self) -> None:
        """Stop listening."""
        with suppress(OSError):  # Linux ends `accept`; others say that the socket is not connected
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)


@posix_only
@pytest.mark.parametrize(
    "arguments",
    [
        ("status",),
        ("trigger", "typing"),
        ("journal", "--follow"),
        ("expect", "typing"),
        ("state", "reset"),
        ("open",),
    ],
    ids=" ".join,
)
def test_the_token_is_never_sent_to_a_new_listener_on_the_port_of_a_killed_companion(
    program: Companion, run: Run, data_dir: Path, arguments: tuple[str, ...]
) -> None:
    program.process.kill()
    program.wait()
    assert read_instance_file(data_dir) is not None, "a killed process leaves its instance file"
    other_server = RecordingServer(int(program.control_url.rpartition(":")[2]))
    try:
        result = run(*arguments, exits=0 if arguments[0] == "state" else 4)
    finally:
        other_server.close()
    assert other_server.received == b""
    if arguments[0] != "state":
        assert result.err[0].startswith("No companion is running")


def test_an_instance_file_of_a_process_number_used_again_is_stale(
    server: Companion, run: Run, data_dir: Path
) -> None:
    """The process with this number was started at another time."""
    file = data_dir / "instance.json"
    file.write_text(
        json.dumps(read_instance_file(data_dir) | {"started": read_instance_file(data_dir)["started"] - 60})
    )
    run("status", exits=4)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "x"}', '{"version": 1, "pid": -1, "started": 0}'])
def test_an_invalid_instance_file_counts_as_no_running_companion(run: Run, data_dir: Path, text: str) -> None:
    data_dir.mkdir()
    (data_dir / "instance.json").write_text(text)
    run("status", exits=4)


@pytest.mark.parametrize(
    "forged",
    [
        {"control": "http://127.0.0.2:{port}"},
        {"control": "http://localhost:{port}"},
        {"control": "http://127.0.0.1:{port}@127.0.0.2:{port}"},
        {"control": "https://127.0.0.1:{port}"},
        {"control": "http://[bad"},
        {"control": "http://127.0.0.1:99999"},
        {"control": "http://127.0.0.1:0"},
        {"control": "http://127.0.0.1:8\u0660"},
        {"token_file": "/dev/zero"},
        {"token_file": "a\0b"},
    ],
    ids=lambda forged: next(iter(forged.values())),
)
def test_a_forged_instance_file_is_reported_and_the_token_is_not_sent(
    server: Companion, run: Run, data_dir: Path, forged: dict[str, str]
) -> None:
    other_server = RecordingServer(0, "127.0.0.2")
    try:
        changes = {name: value.replace("{port}", str(other_server.port)) for name, value in forged.items()}
        (data_dir / "instance.json").write_text(json.dumps(read_instance_file(data_dir) | changes))
        errors = run("status", exits=1).err
    finally:
        other_server.close()
    assert len(errors) == 1
    assert str(data_dir / "instance.json") in errors[0] or "token" in errors[0]
    assert other_server.received == b""


def test_listen_does_not_follow_a_forged_instance_file(server: Companion, run: Run, data_dir: Path) -> None:
    (data_dir / "instance.json").write_text(
        json.dumps(read_instance_file(data_dir) | {"events": "ws://127.0.0.2:9/events"})
    )
    assert "instance.json" in run("listen", exits=1).err[0]


def test_a_missing_token_file_is_reported(server: Companion, run: Run, data_dir: Path) -> None:
    (data_dir / "token").unlink()
    assert run("status", exits=1).err == [
        f"The token file {data_dir / 'token'} of the running companion no longer exists."
    ]


@both_variants
def test_the_instance_file_is_removed_at_the_end(program: Companion, data_dir: Path) -> None:
    program.stop()
    assert not (data_dir / "instance.json").exists()
    assert not re.search(r"Bearer|token", logs(data_dir))
    wait_until(lambda: not list(data_dir.glob("*.part")), "the temporary files to be removed")


@linux_only
def test_gnomes_keyring_keeps_the_token_between_two_starts(running: Start, tmp_path: Path) -> None:
    """With a real session bus and an unlocked keyring, four processes find the same token."""
    need("dbus-run-session", install="apt-get install dbus-daemon")
    need("gnome-keyring-daemon", install="apt-get install gnome-keyring")
    companion = f"{sys.executable} -m app"
    options = f"serve --port 0 --rest-port 0 --control-port 0 --data-dir {tmp_path}/data"
    script = f"""
        printf pw | gnome-keyring-daemon --unlock --components=secrets >/dev/null
        for start in first second; do
            {companion} {options} & server=$!
            {companion} status --wait 20 --data-dir {tmp_path}/data >/dev/null
            echo "$start token $({companion} token --data-dir {tmp_path}/data)"
            kill $server; wait $server; echo "$start exit $?"
        done
    """
    folders = {name: str(tmp_path / name) for name in ("HOME", "XDG_RUNTIME_DIR", "XDG_DATA_HOME")}
    for folder in folders.values():
        Path(folder).mkdir(mode=0o700)
    env = {**folders, "PYTHON_KEYRING_BACKEND": "keyring.backends.SecretService.Keyring"}
    session = running(Program("keyring session", "dbus-run-session", "--", "bash", "-c", script, env=env))
    assert session.wait(60) == 0
    values = dict(line.rsplit(" ", 1) for line in session.out if line.startswith(("first", "second")))
    assert values["first exit"] == values["second exit"] == "0"
    assert values["first token"] == values["second token"]
    assert len(values["first token"]) == 43
    assert STORED not in "".join(session.err)
    assert values["first token"] not in logs(tmp_path / "data")
