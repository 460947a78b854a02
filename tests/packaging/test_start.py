"""Where the bundled program begins, with and without a console."""

import sys

import pytest

from . import load

start = load("start")


@pytest.fixture
def boxes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a person was shown."""
    shown: list[str] = []
    monkeypatch.setattr(start, "tell", shown.append)
    return shown


def ends(monkeypatch: pytest.MonkeyPatch, said: str, code: int | None) -> None:
    def command() -> None:
        print(said, file=sys.stderr)
        raise SystemExit(code)

    monkeypatch.setattr(start, "command", command)


def test_without_a_console_a_failure_is_shown_in_a_box(monkeypatch: pytest.MonkeyPatch, boxes: list[str]) -> None:
    ends(monkeypatch, "Another companion is running.", 3)
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    with pytest.raises(SystemExit) as end:
        start.begin()
    assert end.value.code == 3
    assert boxes == ["Another companion is running."]


@pytest.mark.parametrize("code", [0, None])
def test_without_a_console_what_went_well_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, boxes: list[str], code: int | None
) -> None:
    ends(monkeypatch, "something of Qt's", code)
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    with pytest.raises(SystemExit):
        start.begin()
    assert boxes == []


def test_with_a_console_it_is_the_command(
    monkeypatch: pytest.MonkeyPatch, boxes: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    ends(monkeypatch, "wrong usage", 2)
    with pytest.raises(SystemExit) as end:
        start.begin()
    assert end.value.code == 2
    assert capsys.readouterr().err == "wrong usage\n"
    assert boxes == []
