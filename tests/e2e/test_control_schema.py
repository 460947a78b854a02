"""The control API conforms to its OpenAPI document, as schemathesis checks."""

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import examples

from .conftest import Start
from .processes import ROOT, Companion, Program, serve

CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "ignored_auth",
)  # fmt: skip
NOT_TESTED = {"/v1/journal/stream": 1, "/v1/quit": 1, "/v1/settings": 2, "/v1/start-at-login": 2}
"""Paths that are not tested, with their number of operations: they stream, quit, or change ports or the system."""
PHASES = "examples,coverage,fuzzing" if examples(1) > 1 else "examples,coverage"
"""Random values are tried in the nightly run only; the coverage phase has the limits of each parameter."""
PATIENCE_S = 300


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    """The path of the companion's token file."""
    return tmp_path / "secret" / "token"


@pytest.fixture
def server(running: Start, data_dir: Path, token_file: Path) -> Companion:
    """``companion serve`` with a control API."""
    return running(serve(data_dir, "--control-port", "0", "--token-file", str(token_file)))


def control_url(server: Program) -> str:
    return server.wait_for_line(r"^control (http://127\.0\.0\.1:\d+)$")[1]


def run_schemathesis(url: str, token: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Test every operation, except those of ``NOT_TESTED``."""
    return subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "run", f"{url}/v1/openapi.json", "-H",
            f"Authorization: Bearer {token}", "--checks", ",".join(CHECKS),
            *(word for path in NOT_TESTED for word in ("--exclude-path", path)),
            "--phases", PHASES, "--max-examples", str(examples(6)), "--request-timeout", "10",
            "--suppress-health-check", "all", "--generation-database", "none", "--no-shrink", "--no-color",
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": "tests.e2e.schema_hooks"},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, encoding="utf-8", errors="replace",
        timeout=PATIENCE_S,
    )  # fmt: skip


@pytest.mark.long
@pytest.mark.timeout(PATIENCE_S + 60)
def test_every_operation_conforms_to_the_document(
    server: Companion, token_file: Path, data_dir: Path, tmp_path: Path
) -> None:
    url = control_url(server)
    token = token_file.read_text().strip()
    done = run_schemathesis(url, token, tmp_path)
    report = done.stdout + done.stderr
    assert done.returncode == 0, report
    counts = re.search(r"Operations: +(\d+) selected / (\d+) total", report)
    assert counts, report
    assert int(counts[1]) == int(counts[2]) - sum(NOT_TESTED.values()) > 20
    assert re.search(rf"Tested: +{counts[1]}\b", report), report
    assert not [line for line in server.err if re.search(r"Traceback|ERROR|WARNING", line)]
    server.stop()
    for file in data_dir.rglob("*"):  # logs, settings, the instance file
        assert not file.is_file() or token.encode() not in file.read_bytes(), file
    assert token not in "\n".join(server.out + server.err)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no file modes")
def test_the_token_file_is_made_for_its_owner_only_and_used_again(
    running: Start, server: Companion, data_dir: Path, token_file: Path
) -> None:
    control_url(server)
    assert stat.S_IMODE(token_file.stat().st_mode) == 0o600
    token = token_file.read_text()
    assert len(token.strip()) >= 32
    server.stop()
    control_url(running(serve(data_dir, "--control-port", "0", "--token-file", str(token_file))))
    assert token_file.read_text() == token
