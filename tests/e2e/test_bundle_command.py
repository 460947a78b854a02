"""``companion session bundle``: a bug report in one file, which ``session run`` plays."""

from pathlib import Path

from . import sockets
from .conftest import Run, RunJson
from .processes import Companion


def test_a_bug_report_is_made_looked_at_and_played(
    server: Companion, run: Run, run_json: RunJson, tmp_path: Path
) -> None:
    secret = "Zaphod Beeblebrox"
    run("trigger", "new_message", "--set", f"text={secret} \u202e👍")
    file = tmp_path / "bug.zip"
    shown = run("session", "bundle", "--preview", "--output", file).out
    assert shown[0] == "Bundle of this-run, redacted: names and texts are pseudonyms"
    assert shown[-1] == f"wrote {file}"
    assert secret not in "\n".join(shown)
    with sockets.client(server.url) as ui:
        assert run_json("session", "run", file, "--speed", "max")["state"] == "passed"
        text = ""
        while "👍" not in text:
            event = sockets.receive(ui)
            text = event["data"]["text"] if event["event"] == "new_message" else ""
    assert text != f"{secret} \u202e👍"
    assert text.endswith(" \u202e👍")
    assert len(text) == len(f"{secret} \u202e👍")
    assert run("session", "bundle", exits=2).err == ["Name the file with --output FILE.zip, or use --preview."]
    file.write_bytes(b"PK\x03\x04 hello")
    (_, reason) = run("session", "run", file, exits=2).err
    assert reason.startswith("This is not a bug report bundle: it is damaged, or not a ZIP archive.")
