"""Output streams: UTF-8 in pipes on Windows, and programs without streams."""

import errno
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typing_extensions import override

from app.cli.options import as_json, decode_text, read_input
from app.system import console
from app.system.console import KEPT_CHARS, RecentOutput, run_with_streams
from app.system.terminal import is_terminal, print_document, print_lines

TEXT = "grüße ✗ → 🎉"
WITHOUT_STREAMS = """
import sys
from pathlib import Path
from app.system import console
from app.__main__ import run

console.show_error = lambda text: Path("shown").write_text(text, encoding="utf-8")
sys.argv[0] = "companion"
sys.stdout = sys.stderr = None
run()
"""


class FullDisk(io.FileIO):
    """A file on a full disk."""

    is_full = True

    @override
    def write(self, content: Any) -> int:
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(content)


class Terminal(io.BytesIO):
    @override
    def isatty(self) -> bool:
        return True


@pytest.fixture
def on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.delenv("PYTHONIOENCODING", raising=False)


def write(text: str, raw: io.BytesIO) -> bytes:
    """Return the bytes that a program on Windows, with its ANSI code page, writes to ``raw``."""
    stream = io.TextIOWrapper(raw, encoding="cp1252", newline="")
    console.set_encoding(stream)
    stream.write(text)
    stream.flush()
    return raw.getvalue()


@pytest.mark.usefixtures("on_windows")
def test_a_pipe_on_windows_uses_utf_8() -> None:
    assert write(TEXT, io.BytesIO()) == TEXT.encode()


@pytest.mark.usefixtures("on_windows")
def test_a_terminal_keeps_its_encoding_and_replaces_other_characters() -> None:
    assert write("ü✗", Terminal()) == "ü?".encode("cp1252")


@pytest.mark.usefixtures("on_windows")
def test_an_encoding_that_the_user_chose_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")
    assert write("ü✗", io.BytesIO()) == "ü?".encode("cp1252")


def test_other_systems_keep_their_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    assert write("ü✗", io.BytesIO()) == "ü?".encode("cp1252")


@pytest.mark.usefixtures("on_windows")
@pytest.mark.parametrize("indent", [None, 2])
def test_json_on_windows_is_ascii(indent: int | None) -> None:
    text = as_json({"text": TEXT}, indent=indent)
    assert text.isascii()
    assert json.loads(text) == {"text": TEXT}


def test_json_on_other_systems_is_not_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    assert as_json({"text": TEXT}) == f'{{"text":"{TEXT}"}}'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_in_the_encodings_of_powershell_is_decoded(encoding: str) -> None:
    assert decode_text(TEXT.encode(encoding)) == TEXT


@pytest.mark.parametrize("command", [print_lines, print_document, typer.echo])
def test_an_output_that_cannot_be_written_is_reported_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: Any
) -> None:
    raw = FullDisk(tmp_path / "out", "w")
    inner = io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8")
    monkeypatch.setattr(sys, "stdout", inner)
    with pytest.raises(SystemExit) as end:
        run_with_streams(lambda: command("text"))
    raw.is_full = False
    inner.close()  # as Python does when the process ends
    assert end.value.code == 1
    assert capsys.readouterr().err == "Standard output cannot be written: No space left on device.\n"
    assert (tmp_path / "out").read_bytes() == b"", "nothing is written after the failure"


# no streams, as under pythonw.exe


@pytest.fixture
def dialogs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    shown: list[str] = []
    monkeypatch.setattr(console, "show_error", shown.append)
    return shown


def exit_code_of(code: int | None, monkeypatch: pytest.MonkeyPatch | None = None) -> int | str | None:
    """Return the exit code of a command that exits with ``code``. ``monkeypatch``: run it without streams."""
    if monkeypatch:
        monkeypatch.setattr(sys, "stdout", None)
        monkeypatch.setattr(sys, "stderr", None)

    def command() -> None:
        sys.stderr.write("Another companion is running.\n")
        raise SystemExit(code)

    with pytest.raises(SystemExit) as caught:
        run_with_streams(command)
    return caught.value.code


def test_without_streams_a_failure_is_shown_in_a_dialog(
    monkeypatch: pytest.MonkeyPatch, dialogs: list[str]
) -> None:
    assert exit_code_of(3, monkeypatch) == 3
    assert dialogs == ["Another companion is running."]


def test_without_streams_an_exception_is_shown_in_a_dialog(
    monkeypatch: pytest.MonkeyPatch, dialogs: list[str]
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    with pytest.raises(ZeroDivisionError):
        run_with_streams(lambda: print(1 / 0))
    assert len(dialogs) == 1
    assert dialogs[0].endswith("ZeroDivisionError: division by zero\n")


def test_a_missing_standard_input_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Regression: ``companion session check - <&-`` ended with a traceback."""
    monkeypatch.setattr(sys, "stdin", None)
    read: list[object] = []

    def command() -> None:
        read.extend([read_input("-", 10), sys.stdin.readline(), is_terminal(sys.stdin)])

    run_with_streams(command)
    sys.stdin.close()
    assert read == [b"", "", False]


def test_the_only_stream_escapes_control_characters(monkeypatch: pytest.MonkeyPatch, dialogs: list[str]) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="utf-8")
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", stream)
    run_with_streams(lambda: print("\x1b[2J", file=sys.stderr, flush=True))
    assert raw.getvalue() == b"\\u001b[2J" + os.linesep.encode()
    assert dialogs == []


@pytest.mark.parametrize("system", ["win32", "linux"])
def test_only_on_windows_a_dialog_will_show_what_is_collected(monkeypatch: pytest.MonkeyPatch, system: str) -> None:
    monkeypatch.setattr(sys, "platform", system)
    assert not console.is_shown_at_end()
    monkeypatch.setattr(sys, "stderr", console.RecentOutput())
    assert console.is_shown_at_end() == (system == "win32")


@pytest.mark.parametrize("code", [0, None])
def test_without_streams_nothing_is_shown_after_a_success(
    monkeypatch: pytest.MonkeyPatch, dialogs: list[str], code: int | None
) -> None:
    assert exit_code_of(code, monkeypatch) == code
    assert dialogs == []


def test_with_streams_no_dialog_is_shown(dialogs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(2) == 2
    assert capsys.readouterr().err == "Another companion is running.\n"
    assert dialogs == []


def test_only_the_end_of_a_long_output_is_kept() -> None:
    output = RecentOutput()
    for number in range(10_000):
        print(f"line {number}", file=output)
    assert len(output.getvalue()) <= 2 * KEPT_CHARS + 20
    assert output.getvalue().endswith("line 9999\n")


@pytest.mark.e2e
@pytest.mark.parametrize(("arguments", "code"), [(["--token-file", "short"], 2), (["serve", "--nonsense"], 2)])
def test_exit_codes_are_the_same_without_streams(tmp_path: Path, arguments: list[str], code: int) -> None:
    """Errors of the window and of the command line."""
    (tmp_path / "short").write_text("short")
    (tmp_path / "short").chmod(0o600)
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(Path.cwd())}
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT_STREAMS, *arguments], cwd=tmp_path, env=environment, timeout=60, check=False
    )
    assert result.returncode == code
    assert (tmp_path / "shown").read_text(encoding="utf-8")
