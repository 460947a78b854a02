"""``companion`` without a subcommand, where there is no window."""

import sys

import pytest

import app
from app.cli.window import open_window
from app.system.exit_codes import Exit


def test_the_bundle_of_serve_says_that_it_has_no_window(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.delattr(app, "desktop", raising=False)
    monkeypatch.setitem(sys.modules, "app.desktop", None)  # the module does not exist
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr("gc.disable", lambda: None)
    assert open_window() == Exit.FAILED
    assert capsys.readouterr().err == (
        "This build of the companion has no window. Run `companion serve`, or install the full program.\n"
    )
