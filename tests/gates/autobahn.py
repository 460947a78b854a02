"""Autobahn's fuzzing client checks the server's conformance to RFC 6455, on both event loops."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.e2e.processes import Program
from tests.gates.gate import Outcome

LOOPS = ("plain", "qt")
LEFT_OUT = [
    "9.*",  # performance with messages of up to 16 MB; the companion closes with 1009 above 64 KiB
    "12.*",  # compression, which is off: it costs 28 KB per client and most of the CPU time, and loopback is fast
    "13.*",
]
MAY_FAIL = {"7.1.5"}
MAY_BE_NON_STRICT = {
    "3.2", "3.3", "3.4", "4.1.3", "4.1.4", "4.2.3", "4.2.4", "4.2.5", "5.15", "6.4.1", "6.4.2", "6.4.3", "6.4.4",
}  # fmt: skip
"""Non-strict cases: valid frames before an invalid one in the same packet are dropped with it, not answered."""
GOOD = {"OK", "INFORMATIONAL"}
AT_LEAST = 240
TIMEOUT_S = 240
ATTEMPTS = 10
"""Number of retries of a non-strict case that is not in the list. Some cases send byte by byte, and are answered
only if the bytes arrive separately (4.1.5: half of the time)."""


def wstest() -> str:
    """Return the path of Autobahn's ``wstest``, which needs Python 2.7. Skip the gate if it is not installed."""
    path = os.environ.get("COMPANION_WSTEST") or shutil.which("wstest")
    if not path:
        pytest.skip(
            "wstest is neither in PATH nor in COMPANION_WSTEST; it belongs to autobahntestsuite, for Python 2.7"
        )
    return path


def run_cases(url: str, folder: Path, cases: Iterable[str] = ("*",)) -> dict[str, str]:
    """Run cases against ``url``. Return the worse of the two verdicts of each case."""
    spec = folder / "spec.json"
    servers = [{"agent": "companion", "url": url}]
    wanted = {"outdir": str(folder), "servers": servers, "cases": [*cases], "exclude-cases": LEFT_OUT}
    spec.write_text(json.dumps({**wanted, "exclude-agent-cases": {}}))
    done = subprocess.run(
        [wstest(), "-m", "fuzzingclient", "-s", str(spec)],
        cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    index = folder / "index.json"
    assert index.exists(), f"wstest ended with {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    found = json.loads(index.read_text())["companion"]
    return {case: _worse(each["behavior"], each["behaviorClose"]) for case, each in found.items()}


def _worse(behaviour: str, closing: str) -> str:
    return closing if behaviour in GOOD else behaviour if closing in GOOD else min(behaviour, closing)


def non_strict_cases(verdicts: dict[str, str]) -> set[str]:
    """Return the cases with the verdict NON-STRICT."""
    return {case for case, verdict in verdicts.items() if verdict == "NON-STRICT"}


def run(long: bool) -> Outcome:
    wstest()
    figures, passed = [], True
    for loop in LOOPS:
        with (
            TemporaryDirectory(prefix="companion-autobahn-") as folder,
            Program("echo", sys.executable, "-m", "tests.gates.echo", loop) as echo,
        ):
            url = echo.wait_for_line("^ws://.*$")[0]
            verdicts = run_cases(url, Path(folder))
            for _ in range(ATTEMPTS):
                if again := non_strict_cases(verdicts) - MAY_BE_NON_STRICT:
                    verdicts |= run_cases(url, Path(folder), again)
        non_strict = non_strict_cases(verdicts)
        failed = {case for case, verdict in verdicts.items() if verdict not in (*GOOD, "NON-STRICT")}
        passed &= failed <= MAY_FAIL and non_strict <= MAY_BE_NON_STRICT and len(verdicts) >= AT_LEAST
        figures.append(f"{loop}: {len(verdicts)} cases, failed {_named(failed)}, non-strict {_named(non_strict)}")
    limit = f"failed among {_named(MAY_FAIL)}, non-strict among {_named(MAY_BE_NON_STRICT)}"
    return Outcome("; ".join(figures), limit, passed)


def _named(cases: set[str]) -> str:
    return " ".join(sorted(cases)) or "none"
