"""Documents about a folder of events use the names of the envelope's keys in the settings."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

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
