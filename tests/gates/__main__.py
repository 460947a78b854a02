"""Run the gates one after the other and print a line for each. The exit code is 1 if a gate fails."""

import argparse
import sys
import time
import traceback

import pytest

from tests.gates import (
    autobahn,
    browsers,
    churn,
    escapes,
    fairness,
    fuzz,
    half_open,
    handshakes,
    latency,
    markup,
    model,
    mutants,
    paste,
    peer_kills,
    peers,
    quit_in_time,
    stalled,
)
from tests.gates.gate import Gate, allow_many_files

GATES: dict[str, Gate] = {
    "handshakes": handshakes.run,
    "autobahn": autobahn.run,
    "stalled": stalled.run,
    "fairness": fairness.run,
    "quit": quit_in_time.run,
    "latency": latency.run,
    "half-open": half_open.run,
    "churn": churn.run,
    "fuzz": fuzz.run,
    "escapes": escapes.run,
    "markup": markup.run,
    "paste": paste.run,
    "peers": peers.run,
    "peer-kills": peer_kills.run,
    "model": model.run,
    "browsers": browsers.run,
    "mutants": mutants.run,
}


def run_gate(name: str, gate: Gate, long: bool) -> bool:
    """Run a gate, print its line, and return whether it passed or was skipped."""
    began = time.monotonic()
    try:
        figures, limit, passed = gate(long)
        text = f"{'✓' if passed else '✗'} {name}: {figures} (limit: {limit})"
    except pytest.skip.Exception as why:
        text, passed = f"- {name}: skipped: {why}", True
    except pytest.fail.Exception as why:
        text, passed = f"✗ {name}: {why}", False
    except Exception as error:
        traceback.print_exc()
        text, passed = f"✗ {name}: {type(error).__name__}: {error}", False
    print(f"{text} [{time.monotonic() - began:.0f} s]", flush=True)
    return passed


def main() -> int:
    """Run the selected gates, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.gates", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(GATES)}; default: all")
    parser.add_argument("--all-but", nargs="+", metavar="NAME", help="all gates except these")
    parser.add_argument(
        "--repeat", action="store_true", help="repeat a gate that fails once: another program may have disturbed it"
    )
    parser.add_argument("--long", action="store_true", help="run the full sizes, which takes half an hour")
    given = parser.parse_args()
    if given.all_but and given.names:
        parser.error("give either the gates to run, or --all-but")
    named = given.all_but or given.names
    if unknown := [name for name in named if name not in GATES]:
        parser.error(f"unknown gate {', '.join(unknown)}; use {', '.join(GATES)}")
    allow_many_files()
    wanted = given.names or [name for name in GATES if name not in (given.all_but or ())]
    passed = [
        run_gate(name, GATES[name], given.long) or (given.repeat and run_gate(name, GATES[name], given.long))
        for name in wanted
    ]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
