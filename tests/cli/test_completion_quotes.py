"""Completed names can be used as the shell inserts them, also if they contain spaces."""

import shlex
from typing import Any

import pytest

from app.cli import completion
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
