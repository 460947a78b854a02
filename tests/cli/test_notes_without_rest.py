"""Commands that act on REST calls say that there are none while the REST stand-in is not listening."""

from typing import Any

import pytest
from typer.testing import CliRunner

from app.cli.control import Control
from app.cli.main import app


@pytest.mark.parametrize(
    ("words", "listening", "noted"),
    [
        (["faults", "rest", "POST /messages", "status=503"], False, True),
        (["faults", "rest", "POST /messages", "status=503"], True, False),
        (["breakpoints", "add", "", "--direction", "rest"], False, True),
        (["breakpoints", "add", "", "--direction", "rest"], True, False),
        (["breakpoints", "add", ""], False, False),
    ],
)
def test_a_note_says_that_there_are_no_rest_calls(
    monkeypatch: pytest.MonkeyPatch, words: list[str], listening: bool, noted: bool
) -> None:
    def call(_: Control, method: str, path: str, *__: Any, **___: Any) -> Any:
        if path == "/v1/status":
            return {"rest": {"listening": listening}}
        return {"id": 1, "frames": [], "rest": []}

    monkeypatch.setattr(Control, "__init__", lambda *_, **__: None)
    monkeypatch.setattr(Control, "call", call)
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert ("The REST stand-in is not listening" in done.stderr) is noted
    assert "The REST stand-in" not in done.stdout
