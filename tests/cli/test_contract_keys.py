"""Documents about a folder of events use the names of the envelope's keys in the settings."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from app.cli import contract_check
from app.cli.main import app


@pytest.mark.parametrize("document", ["typescript", "asyncapi", "show"])
@pytest.mark.parametrize("renamed", [True, False])
def test_documents_of_a_folder_use_the_keys_of_the_settings(tmp_path: Path, document: str, renamed: bool) -> None:
    (tmp_path / "events").mkdir()
    data = tmp_path / "data"
    data.mkdir()
    if renamed:
        (data / "settings.toml").write_text('envelope_event_key = "kind"\nenvelope_data_key = "payload_x"\n')
    done = CliRunner().invoke(
        app, ["contract", document, "--events", str(tmp_path / "events"), "--data-dir", str(data)]
    )
    assert done.exit_code == 0, done.output
    assert ("payload_x" in done.stdout) is renamed


@pytest.mark.parametrize("renamed", [True, False])
def test_an_import_into_a_folder_knows_the_keys_of_the_settings(tmp_path: Path, renamed: bool) -> None:
    data = tmp_path / "data"
    data.mkdir()
    if renamed:
        (data / "settings.toml").write_text('envelope_event_key = "kind"\nenvelope_data_key = "payload_x"\n')
    payload = {"properties": {"kind": {"const": "seen"}, "payload_x": {"type": "object"}}}
    message = {"payload": {"type": "object", "required": ["kind", "payload_x"], **payload}}
    document = {
        "asyncapi": "3.0.0", "info": {"title": "Chat backend", "version": "1"},
        "channels": {"c": {"messages": {"seen": message}}},
        "operations": {"s": {"action": "send", "channel": {"$ref": "#/channels/c"}}},
    }  # fmt: skip
    (tmp_path / "api.json").write_text(json.dumps(document))
    done = CliRunner().invoke(
        app, ["contract", "import", str(tmp_path / "api.json"), "--to", str(tmp_path), "--data-dir", str(data)]
    )
    assert done.exit_code == 0, done.output
    assert ("envelope_event_key=kind" in done.stderr) is not renamed


def test_the_name_of_a_type_may_contain_a_dollar_sign(
    capsys: pytest.CaptureFixture[str], subtests: pytest.Subtests
) -> None:
    for name, valid in (("WSEvent$", True), ("$", True), ("A-B", False), ("1$", False), ("", False)):
        with subtests.test(name):
            if valid:
                assert contract_check.checked_name(name) == name
            else:
                with pytest.raises(typer.Exit):
                    contract_check.checked_name(name)
    assert "'A-B' is not the name of a TypeScript type." in capsys.readouterr().err
