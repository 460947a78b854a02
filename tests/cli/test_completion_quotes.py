"""Completed names can be used as the shell inserts them, also if they contain spaces."""

import shlex
from typing import Any

import pytest
import typer

from app.cli import completion, completion_quotes
from app.cli.completion_quotes import powershell_words
from app.cli.main import app

NAMES = ["mine/late typing", "mine/late two (1)", "mine/plain"]


@pytest.fixture(autouse=True)
def _running(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        completion, "get_or_none", lambda *_, **__: {"fixtures": [{"name": each} for each in NAMES]}
    )


def completed(shell: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, **env: str) -> Any:
    for name, value in {"_COMPANION_COMPLETE": f"complete_{shell}", **env}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as end:
        app([], prog_name="companion")
    assert end.value.code == 0
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("mine/l", [r"mine/late\ typing", r"mine/late\ two\ \(1\)"]),
        (r"mine/late\ tw", [r"mine/late\ two\ \(1\)"]),
        ('"mine/late tw', ["mine/late two (1)"]),
        ("'mine/late ty", ["mine/late typing"]),
        ("mine/p", ["mine/plain"]),
    ],
)
def test_bash_inserts_names_that_are_one_argument(
    word: str, found: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = "\n".join(["companion", "fixtures", "show", word])
    assert completed("bash", capsys, monkeypatch, COMP_WORDS=words, COMP_CWORD="3") == found
    quote = word[0] if word[0] in "\"'" else ""
    assert {name for each in found for name in shlex.split(quote + each + quote)} <= set(NAMES)


@pytest.mark.parametrize("shell", ["powershell", "pwsh"])
@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("mine/l", ["'mine/late typing'", "'mine/late two (1)'"]),
        ("'mine/late ty", ["'mine/late typing'"]),
        ("mine/p", ["mine/plain"]),
    ],
)
def test_powershell_inserts_names_that_are_one_argument(
    shell: str, word: str, found: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = completed(
        shell,
        capsys,
        monkeypatch,
        _TYPER_COMPLETE_ARGS=f"companion fixtures show {word}",
        _TYPER_COMPLETE_WORD_TO_COMPLETE=word,
    )
    assert [line.partition(":::")[0] for line in lines] == found


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            r"companion --data-dir C:\Users\me\data fixtures",
            ["companion", "--data-dir", r"C:\Users\me\data", "fixtures"],
        ),
        (r"companion 'C:\My files\x' y", ["companion", r"C:\My files\x", "y"]),
        ("x 'it''s' \u2018a b\u2019 '' end", ["x", "it's", "a b", "", "end"]),
        ('x "a `"b`" ""c""" d`  e', ["x", 'a "b" "c"', "d ", "e"]),
        ("x 'not closed, it''s", ["x", "not closed, it's"]),
        ('x "not closed `"', ["x", 'not closed "']),
        ("x a'b c'd", ["x", "ab cd"]),
        ("x `", ["x", ""]),
    ],
)
def test_a_command_line_is_split_as_powershell_does(line: str, words: list[str]) -> None:
    assert powershell_words(line) == words


def test_paths_and_quotes_in_a_command_line_of_powershell_are_read(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: the backslashes of a path were lost, and a doubled quote ended the word."""
    data_dirs: list[str] = []

    def fixtures(context: typer.Context, path: str) -> object:
        data_dirs.append(str(context.params["data_dir"]))
        return {"fixtures": [{"name": "it's late"}, {"name": "its"}]}

    monkeypatch.setattr(completion, "get_or_none", fixtures)
    lines = completed(
        "powershell",
        capsys,
        monkeypatch,
        _TYPER_COMPLETE_ARGS=r"companion fixtures show --data-dir C:\Nobody\me 'it''s",
        _TYPER_COMPLETE_WORD_TO_COMPLETE="'it''s",
    )
    assert [line.partition(":::")[0] for line in lines] == ["'it''s late'"]
    assert [each[-12:] for each in data_dirs] == [r"C:\Nobody\me"]


def test_powershell_gets_names_in_the_code_page_of_the_console(
    capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: the names were UTF-8, so that others were inserted. One that cannot be encoded is left out."""
    monkeypatch.setattr(completion_quotes, "_code_page", lambda: 850)
    monkeypatch.setattr(
        completion, "get_or_none", lambda *_, **__: {"fixtures": [{"name": "müde"}, {"name": "mü\u6f22"}]}
    )
    monkeypatch.setenv("_COMPANION_COMPLETE", "complete_powershell")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", "companion fixtures show m")
    monkeypatch.setenv("_TYPER_COMPLETE_WORD_TO_COMPLETE", "m")
    with pytest.raises(SystemExit):
        app([], prog_name="companion")
    (line,) = capsysbinary.readouterr().out.splitlines()
    assert line.partition(b":::")[0] == "müde".encode("cp850")


def test_powershell_does_not_read_a_filter_reference_as_a_variable(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(completion, "get_or_none", lambda *_, **__: [{"name": "it's"}])
    lines = completed(
        "pwsh",
        capsys,
        monkeypatch,
        _TYPER_COMPLETE_ARGS="companion journal --filter @",
        _TYPER_COMPLETE_WORD_TO_COMPLETE="@",
    )
    assert [line.partition(":::")[0] for line in lines] == ["'@it''s'"]


def test_zsh_quotes_names_itself(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    (line, *_) = completed("zsh", capsys, monkeypatch, _TYPER_COMPLETE_ARGS="companion fixtures show mine/late")
    assert line.endswith('"mine/late typing"')
