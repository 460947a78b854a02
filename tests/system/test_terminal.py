"""Control characters in untrusted text are never written to a terminal."""

import errno
import io
import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

from app.cli.options import as_json
from app.system import logs, terminal
from app.system.terminal import EscapingStream, OutputError, error_lines, escape_controls, is_terminal, one_line
from tests.conftest import examples

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
CONTROLS = "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0)])) + BIDI
TITLE = "\x1b]0;PWNED\x07"


def test_every_control_character_is_escaped() -> None:
    for char in CONTROLS:
        assert one_line(f"a{char}b") == f"a\\u{ord(char):04x}b"
        assert escape_controls(char) == (char if char in "\t\n" else f"\\u{ord(char):04x}")


@pytest.mark.parametrize("text", ["grüße", "שלום", "مرحبا", "👩‍👩‍👧 ❤️", "a\u00a0b", "漢字", "~", " "])
def test_other_text_is_unchanged(text: str) -> None:
    assert one_line(text) == text


@settings(max_examples=examples(40))
@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_escaped_json_has_the_same_value(value: object) -> None:
    for text in (one_line(as_json(value)), escape_controls(as_json(value, indent=1))):
        assert not set(text) & set(CONTROLS) - {"\n"}
        assert json.loads(text) == value


def test_escaped_json_can_contain_a_lone_surrogate() -> None:
    line = one_line(as_json("\ud83d"))
    assert json.loads(line) == "\ud83d"
    assert line.encode()


def test_line_breaks_in_a_text_are_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.print_lines("title\ncontrol http://127.0.0.1:1", "second")
    terminal.say("\rlistening")
    assert capsys.readouterr() == ("title\\u000acontrol http://127.0.0.1:1\nsecond\n", "\\u000dlistening\n")


DOCUMENT = "\tindented, right-to-left \u200f, \x1b and\r\n::error::x\nno last line break"


@pytest.mark.parametrize("in_actions", ["true", "false"])
def test_a_document_in_a_file_is_not_changed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, in_actions: str
) -> None:
    """Regression: control characters and tabs were escaped, so that a redirected session was damaged."""
    monkeypatch.setenv("GITHUB_ACTIONS", in_actions)
    with open(tmp_path / "x", "w", encoding="utf-8") as file:  # noqa: PTH123
        monkeypatch.setattr(sys, "stdout", EscapingStream(file))
        print("before")
        terminal.print_document(DOCUMENT)
    assert (tmp_path / "x").read_bytes() == b"before" + os.linesep.encode() + DOCUMENT.encode()


@pytest.mark.parametrize("reader", ["terminal", "runner", "program"])
def test_a_document_is_escaped_for_a_terminal_and_the_runner(monkeypatch: pytest.MonkeyPatch, reader: str) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true" if reader == "runner" else "false")
    out, raw, _ = stream()
    monkeypatch.setattr(out, "isatty", lambda: reader == "terminal")
    monkeypatch.setattr(sys, "stdout", out)
    terminal.print_document(DOCUMENT)
    command = "\\u003a:error::x" if reader == "runner" else "::error::x"
    escaped = f"\tindented, right-to-left \\u200f, \\u001b and\\u000d\n{command}\nno last line break\n"
    assert raw.getvalue() == DOCUMENT.encode() if reader == "program" else written(raw) == escaped.encode()


def test_the_null_device_is_not_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Regression: ``companion sources key < NUL`` waited for ever, because ``isatty`` is true there."""
    with Path(os.devnull).open(encoding="utf-8") as null:
        assert not is_terminal(null)
        monkeypatch.setattr(null, "isatty", lambda: True)
        monkeypatch.setattr(sys, "platform", "win32")
        for is_console in (False, True):
            monkeypatch.setattr(terminal, "_is_console", lambda descriptor, result=is_console: result)
            assert is_terminal(null) is is_console


def stream(errors: str = "strict") -> tuple[EscapingStream, io.BytesIO, io.TextIOWrapper]:
    raw = io.BytesIO()
    inner = io.TextIOWrapper(raw, encoding="utf-8", errors=errors, line_buffering=True)
    return EscapingStream(inner), raw, inner


def written(raw: io.BytesIO) -> bytes:
    """Return what was written, with POSIX line ends."""
    return raw.getvalue().replace(os.linesep.encode(), b"\n")


def test_texts_are_no_commands_to_the_runner_of_github(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["::add-mask::x", "  ::error::x", "a ##[error]x", "a ::b", "##", as_json({"a": "##[debug]::"})]
    monkeypatch.setenv("GITHUB_ACTIONS", "false")
    terminal.print_lines(*lines)
    assert capsys.readouterr().out.splitlines() == lines
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    terminal.print_lines(*lines)
    printed = capsys.readouterr().out.splitlines()
    assert printed[:5] == ["\\u003a:add-mask::x", "  \\u003a:error::x", "a \\u0023#[error]x", "a ::b", "##"]
    assert json.loads(printed[5]) == {"a": "##[debug]::"}
    assert "##[" not in printed[5]
    terminal.print_runner_command("::error::x\n::error::y", to_errors=True)
    assert capsys.readouterr().err == "::error::x\\u000a::error::y\n"


def test_only_the_indented_lines_of_an_error_become_lines_of_their_own() -> None:
    assert error_lines("line 1: wrong\n    text\n    ^") == ["line 1: wrong", "    text", "    ^"]
    assert error_lines("no 'a\nerror: b'\n   c") == ["no 'a\nerror: b'\n   c"]


def test_a_stream_escapes_all_written_text() -> None:
    escaping, raw, inner = stream()
    assert escaping.write(TITLE) == len(TITLE)
    escaping.writelines(["\x9b2J", "ok\n"])
    print("\u202e", file=escaping)
    assert written(raw) == b"\\u001b]0;PWNED\\u0007\\u009b2Jok\n\\u202e\n"
    assert escaping.buffer is inner.buffer


class WindowsPipe(io.RawIOBase):
    """The writing end of a pipe that reports the end of its reader as Windows does."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()

    @override
    def writable(self) -> bool:
        return True

    @override
    def fileno(self) -> int:
        return self._writer

    @override
    def write(self, content: object) -> int:
        raise OSError(errno.EINVAL, "Invalid argument")

    @override
    def close(self) -> None:
        if not self.closed:
            os.close(self._reader)
            os.close(self._writer)
        super().close()


def test_windows_may_report_the_end_of_a_reader_as_an_invalid_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    """Regression: ``companion listen | findstr`` ended with an error, as if a disk were full."""
    with WindowsPipe() as pipe:
        inner = io.TextIOWrapper(cast(BinaryIO, pipe), write_through=True)
        outer = EscapingStream(inner)
        monkeypatch.setattr(sys, "platform", "linux")
        with pytest.raises(OutputError):
            outer.write("an error elsewhere\n")
        monkeypatch.setattr(sys, "platform", "win32")
        with pytest.raises(BrokenPipeError) as found:
            outer.write("text\n")
        assert found.value.errno == errno.EPIPE, "the argument parser expects it"
        monkeypatch.setattr(os, "fstat", lambda _: Path(__file__).stat())
        with pytest.raises(OutputError):
            outer.write("a file\n")


def test_a_garbage_collected_stream_does_not_close_the_inner_stream() -> None:
    escaping, raw, inner = stream(errors="replace")
    assert escaping.errors == "replace"
    assert escaping.line_buffering
    escaping.write("a")
    del escaping
    inner.write("b\n")
    assert written(raw) == b"ab\n"


def test_a_stream_has_the_file_descriptor_of_the_inner_stream(tmp_path: Path) -> None:
    with (tmp_path / "out").open("w") as file:
        assert EscapingStream(file).fileno() == file.fileno()


def test_a_log_record_is_one_line_without_control_characters(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], expected_warnings: list[str]
) -> None:
    expected_warnings.append("refused ")
    root = logging.getLogger()
    before = root.level, root.handlers[:]
    try:
        logs.start(tmp_path, console=True)
        logging.getLogger("library").warning("refused %s", f"{TITLE}\nERROR forged")
    finally:
        for handler in set(root.handlers) - set(before[1]):
            root.removeHandler(handler)
            handler.close()
        root.setLevel(before[0])
    logged = (tmp_path / "companion.log").read_text(encoding="utf-8")
    for text in (logged, capsys.readouterr().err):
        assert text.endswith("refused \\u001b]0;PWNED\\u0007\\u000aERROR forged\n")
        assert len(text.splitlines()) == 1


def companion(*arguments: str) -> tuple[str, str]:
    result = subprocess.run([sys.executable, "-m", "app", *arguments], capture_output=True, timeout=60, check=False)
    out, err = (each.decode().replace(os.linesep, "\n") for each in (result.stdout, result.stderr))
    return out, err


@pytest.mark.e2e
@pytest.mark.parametrize(
    "arguments", [[TITLE], ["trigger", f"--{TITLE}"], ["fixtures", TITLE], ["clients", "--x\u202e"]]
)
def test_the_argument_parser_prints_no_control_characters(arguments: list[str]) -> None:
    out, err = companion(*arguments)
    assert "PWNED" in err or "\\u202e" in err
    assert not set(out + err) & set(CONTROLS) - {"\n"}


@pytest.mark.e2e
def test_the_argument_parser_interprets_no_rich_markup() -> None:
    _, err = companion("[red]x[/red] [link=http://canary.invalid]y[/link]")
    assert "[red]x[/red] [link=http://canary.invalid]y[/link]" in err
