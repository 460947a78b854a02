import ast
import asyncio
import logging
import os
import sys
from pathlib import Path
from typing import NoReturn

import pytest

import app
from app.companion import Companion
from app.hub.origin import PANEL
from app.protocol.envelope import Envelope
from app.system import logs
from app.system.data_directory import DataDirectory, Overrides
from tests.conftest import PATIENCE_S, Connect, until
from tests.endpoints.raw import upgrade_status

SECRET = "swordfish-under-the-mat"

pytestmark = pytest.mark.usefixtures("own_logging")


def written(folder: Path) -> str:
    return "".join(file.read_text(encoding="utf-8") for file in folder.glob("companion.log*"))


def test_records_go_to_the_file_with_time_level_and_name(tmp_path: Path) -> None:
    logs.start(tmp_path)
    logging.getLogger("app.test").info("hello ü")
    logging.getLogger("app.test").debug("too much")
    (line,) = written(tmp_path).splitlines()
    assert line.endswith(" INFO    app.test: hello ü")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no FIFOs in folders")
def test_a_fifo_in_the_place_of_the_log_file_is_an_error_and_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "companion.log")
    with pytest.raises(OSError, match="Not a regular file"):
        logs.start(tmp_path)


def test_messages_of_libraries_below_warning_are_not_logged(tmp_path: Path) -> None:
    logs.start(tmp_path)
    logging.getLogger("websockets.server").info("connection open")
    assert written(tmp_path) == ""


def test_log_files_are_rotated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "FILE_BYTES", 200)
    monkeypatch.setattr(logs, "FILES", 2)
    logs.start(tmp_path)
    for number in range(50):
        logging.getLogger("app.test").info("line %d", number)
    names = sorted(file.name for file in tmp_path.iterdir())
    assert names == ["companion.log", "companion.log.1", "companion.log.2"]
    assert "line 49" in written(tmp_path)


def test_a_log_file_that_another_program_has_open_is_rotated_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Windows, an open file cannot be renamed. No line and no older file may be lost."""
    monkeypatch.setattr(logs, "FILE_BYTES", 1000)
    monkeypatch.setattr(logs, "FILES", 3)
    for number in (1, 2):
        (tmp_path / f"companion.log.{number}").write_text(f"older {number}")
    handler = logs.start(tmp_path)
    original = Path.replace

    def refuse(file: Path, target: Path) -> Path:
        if file.name == "companion.log":
            raise PermissionError(13, "The process cannot access the file")
        return original(file, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", refuse)
        for number in range(40):
            logging.getLogger("app.test").info("line %d", number)
    assert [f"line {number}" in written(tmp_path) for number in range(40)] == [True] * 40
    assert (tmp_path / "companion.log.1").read_text() == "older 1"
    assert not (tmp_path / "companion.log.3").exists()
    assert isinstance(handler, logs.LogFileHandler)
    handler.rotate()
    assert (tmp_path / "companion.log.2").read_text() == "older 1"
    assert (tmp_path / "companion.log.3").read_text() == "older 2"
    assert "line 39" in (tmp_path / "companion.log.1").read_text()
    assert (tmp_path / "companion.log").read_text() == ""


def test_logging_goes_on_after_a_failed_rotation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Regression: nothing was logged until the next start."""
    monkeypatch.setattr(logs, "FILE_BYTES", 0)
    folder = tmp_path / "logs"
    folder.mkdir()
    logs.start(folder)
    folder.rename(tmp_path / "moved")
    for _ in range(2):
        logging.getLogger("app.test").info("lost")
    folder.mkdir()
    logging.getLogger("app.test").info("found")
    assert "found" in written(folder)
    assert capsys.readouterr().err.count("cannot be written") == 1


def test_warnings_are_also_written_to_the_console_if_enabled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], expected_warnings: list[str]
) -> None:
    expected_warnings.append("a warning")
    logs.start(tmp_path, console=True)
    logging.getLogger("app.test").info("an info message")
    logging.getLogger("app.test").warning("a warning")
    assert capsys.readouterr().err == "WARNING: a warning\n"


async def test_no_payload_text_is_written_to_the_log_files(
    tmp_path: Path, companion: Companion, connect_client: Connect
) -> None:
    logs.start(tmp_path)
    await companion.stop()
    await companion.start()
    socket = await connect_client("alice")
    sample = companion.catalog.problems(Envelope("friend_online", {"username": SECRET}))
    assert sample == []
    await companion.fire(Envelope("friend_online", {"username": SECRET}), origin=PANEL)
    await companion.send_raw(f"{{{SECRET}", origin=PANEL)
    for frame in (
        SECRET,
        SECRET.encode(),
        f'{{"event":"{SECRET}","data":{{}}}}',
        f'{{"event":"typing","data":{{"to":"{SECRET}","typing":true,"{SECRET}":1}}}}',
        f'{{"event":"typing","data":{{"to":"{SECRET}","typing":"{SECRET}"}}}}',
        f'{{"event":"typing","data":{{"{SECRET}":1,"{SECRET}":2}}}}',
        f'{{"event":"mark_read","data":{{"peer":"{SECRET}","msg_id":"{SECRET}"}}}}',
    ):
        await socket.send(frame)
    await until(lambda: companion.hub.clients[0].frames_in == 7)
    await socket.send(SECRET * 4_000)
    await asyncio.wait_for(socket.wait_closed(), PATIENCE_S)
    await until(lambda: companion.hub.connection_count == 0)
    await upgrade_status(companion.server.port, "/nowhere")
    await companion.stop()
    text = written(tmp_path)
    assert "listening on ws://127.0.0.1:" in text
    assert "no such path" in text
    assert SECRET not in text


def test_values_of_settings_are_not_logged(tmp_path: Path) -> None:
    data = DataDirectory.open(tmp_path)
    data.settings_file.path.write_text(
        f'updates_url = "ftp://me:{SECRET}@x"\nport = "{SECRET}"\n{SECRET} = 1\n'
        f'[saved_filters]\na = "{SECRET}\\u0007"\n'
    )
    settings = data.load(Overrides())
    data.start_log(console=False)
    Companion(settings, chat_file=data.folders.chat_file, warnings=data.settings_file.warnings)
    assert SECRET in str(data.settings_file.warnings)
    logged = written(data.folders.logs)
    for name in ("updates_url", "port", "saved_filters"):
        assert f"settings.toml: {name} could not be used" in logged
    assert SECRET not in logged
    data.lock.release()


def quotes_an_error(part: ast.AST, names: set[str]) -> bool:
    """Return whether an argument contains one of these names, except in ``type(…)`` or ``kind(…)``."""
    if isinstance(part, ast.Call) and ast.unparse(part.func) in ("type", "kind"):
        return False
    if isinstance(part, ast.Name | ast.Attribute):
        return ast.unparse(part).split(".")[-1] in names
    return any(quotes_an_error(each, names) for each in ast.iter_child_nodes(part))


def test_no_call_of_a_logger_passes_the_text_of_an_error() -> None:
    found, calls = [], 0
    for file in Path(app.__file__).parent.rglob("*.py"):
        if "log." not in (text := file.read_text(encoding="utf-8")):
            continue
        nodes = list(ast.walk(ast.parse(text)))
        names = {each.name for each in nodes if isinstance(each, ast.ExceptHandler) and each.name}
        names |= {"error", "errorString", "warnings", "why"}
        for each in nodes:
            if isinstance(each, ast.Call) and ast.unparse(each.func).startswith("log."):
                calls += 1
                found += [f"{file.name}:{each.lineno}" for arg in each.args if quotes_an_error(arg, names)]
    assert calls > 20
    assert found == []


async def test_no_payload_text_is_logged_when_a_handler_fails(
    tmp_path: Path, companion: Companion, connect_client: Connect, expected_warnings: list[str]
) -> None:
    expected_warnings.append("the handler of typing failed")
    logs.start(tmp_path)

    def fail(client: object, data: object) -> NoReturn:
        raise RuntimeError(SECRET)

    companion.router.on("typing", fail)
    socket = await connect_client()
    await socket.send(f'{{"event":"typing","data":{{"to":"{SECRET}","typing":true}}}}')
    await until(lambda: "builtins.RuntimeError" in written(tmp_path))
    assert " in fail" in written(tmp_path)
    assert SECRET not in written(tmp_path)
