"""Two people on two machines (network namespaces) chat with each other, each in a browser: through the directory
and the queue of a project, with one of them offline for a while, and with changed keys.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.e2e.processes import ENVIRONMENT, ROOT
from tests.gates.gate import Outcome
from tests.gates.networks import own_network

STEPS = 5
LIMIT_S = 300


def run(_: bool) -> Outcome:
    if not (network := own_network()):
        pytest.skip("no network namespace can be created")
    if shutil.which("openssl") is None:
        pytest.skip("no openssl")
    # A short path, because Chromium creates sockets there.
    with TemporaryDirectory(prefix="ui", ignore_cleanup_errors=True) as folder:
        command = [*network, sys.executable, "-m", "tests.gates.two_machines", str(Path(folder))]
        played = subprocess.run(
            command, cwd=ROOT, env=ENVIRONMENT, timeout=LIMIT_S, capture_output=True, encoding="utf-8"
        )
    steps = played.stdout.splitlines()
    if played.returncode:
        print(played.stderr, file=sys.stderr)
    return Outcome(
        f"seen in both browsers: {'; '.join(steps) or 'nothing'}",
        f"{STEPS} steps",
        not played.returncode and len(steps) == STEPS,
    )
