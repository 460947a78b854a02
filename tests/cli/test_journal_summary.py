"""``companion journal`` prints the text that an event file gives an event."""

import pytest

from app.cli.journal import print_row

ROW = {
    "seq": 7, "time": "2026-01-01T10:00:00.000Z", "direction": "s2c", "event": "seen", "verdict": "ok", "note": "",
    "frame": '{"event":"seen","data":{"who":"bob"}}', "origin": "panel", "pinned": False, "annotation": "",
}  # fmt: skip


@pytest.mark.parametrize(
    ("more", "text"),
    [({"summary": "bob saw it"}, "bob saw it"), ({"summary": ""}, "who: bob"), ({}, "who: bob")],
)
def test_the_summary_of_the_file_is_printed(
    capsys: pytest.CaptureFixture[str], more: dict[str, str], text: str
) -> None:
    print_row({**ROW, **more}, json=False)
    assert capsys.readouterr().out == f"#7 10:00:00.000 ↓ {'seen':<14} {text}\n"
