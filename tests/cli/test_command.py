"""How the command starts: directly with the window, or with the command-line parser."""

import builtins
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.__main__ import run

START = """
import sys
import app.cli.window
from app.__main__ import run

app.cli.window.open_window = lambda *_, hidden=False: print("window", hidden, "typer" in sys.modules) or 7
sys.argv = ["companion", *sys.argv[1:]]
run()
"""


def start(*arguments: str, **env: str) -> tuple[int, str]:
    """Start the command with a window that only prints how it was opened."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("COMPANION_")}
    command = [sys.executable, "-c", START, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env={**own, **env})
    return result.returncode, (result.stdout + result.stderr).strip()


@pytest.mark.e2e
def test_without_arguments_the_window_opens_without_loading_the_parser() -> None:
    assert start() == (7, "window False False")


@pytest.mark.e2e
def test_an_option_is_parsed_first() -> None:
    assert start("--hidden") == (7, "window True True")


@pytest.mark.e2e
def test_a_data_folder_from_the_environment_is_checked_by_the_parser(tmp_path: Path) -> None:
    assert start(COMPANION_DATA_DIR=str(tmp_path)) == (7, "window False True")
    (tmp_path / "file").touch()
    code, output = start(COMPANION_DATA_DIR=str(tmp_path / "file"))
    assert code == 2
    assert "is a file" in output


@pytest.mark.e2e
def test_shell_completion_prints_its_result_and_opens_no_window() -> None:
    code, output = start(_COMPANION_COMPLETE="complete_bash", COMP_WORDS="companion tri", COMP_CWORD="1")
    assert (code, output) == (0, "trigger")


@pytest.mark.parametrize("module", ["app.system.console", "app.cli.main"])
def test_ctrl_c_while_modules_are_imported_ends_the_command_with_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], module: str
) -> None:
    """Regression: a traceback was printed."""
    load = builtins.__import__

    def interrupted(name: str, *arguments: Any) -> Any:
        if name == module:
            raise KeyboardInterrupt
        return load(name, *arguments)

    monkeypatch.setattr(sys, "argv", ["companion", "help"])
    monkeypatch.setattr(builtins, "__import__", interrupted)
    with pytest.raises(SystemExit) as end:
        run()
    assert end.value.code == 130
    assert capsys.readouterr().out.strip() == ""


def test_without_a_display_the_error_suggests_serve(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(sys, "argv", ["companion"])
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "COMPANION_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SystemExit) as end:
        run()
    assert end.value.code == 1
    assert "companion serve" in capsys.readouterr().err
