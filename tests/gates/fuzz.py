"""The decoders of frames raise only their own errors, and every accepted UI frame can be encoded again."""

import json
import re
import subprocess
import sys
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.e2e.processes import ROOT
from tests.gates.directory_rows import check_response, responses
from tests.gates.frames import CATALOG, check
from tests.gates.gate import Outcome
from tests.gates.peer_frames import bodies, check_body
from tests.protocol.peers.vector import ENVELOPE

EXAMPLES, EXAMPLES_LONG = 5_000, 50_000
SECONDS, SECONDS_LONG = 10, 60

# includes lone surrogates, as from JSON's \ud800
anything = st.text(st.characters(codec=None, exclude_categories=()), max_size=8)
numbers = st.integers() | st.integers(-(10**400), 10**400) | st.floats()
leaves = st.none() | st.booleans() | numbers | anything
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(anything, inner, max_size=4), max_leaves=6
)
names = st.sampled_from([each.name for each in CATALOG])
likely = st.sampled_from(["to", "typing", "peer", "msg_id", "username", "from", "text", "direction", "timestamp"])
data = st.dictionaries(likely | anything, values, max_size=4)
samples = st.sampled_from([{"event": each.name, "data": each.sample} for each in CATALOG])
envelopes = st.fixed_dictionaries({"event": names | anything, "data": data | values}) | samples


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A frame in which a part is removed or replaced."""
    text = json.dumps(draw(envelopes), ensure_ascii=draw(st.booleans()))
    at, end = sorted((draw(st.integers(0, len(text))), draw(st.integers(0, len(text)))))
    return text[:at] + draw(anything | st.sampled_from(NASTY)) + text[end:]


NASTY = (
    "[" * 100_000, '{"a":' * 50, "NaN", "-Infinity", "1e999", "9" * 5_000, "-0", "1e-999", '"\\ud800"', '"\\u0000"',
    '"data":{},"data":{}', "\ufeff", "\x00", "//", "/**/", "'", ",", "\\", "True", "0x1", "1_000", "１",
    "\u2028", "😀",
)  # fmt: skip

frames = (
    envelopes.map(json.dumps)
    | envelopes.map(lambda each: json.dumps(each, ensure_ascii=False))
    | damaged()
    | st.sampled_from(NASTY)
    | anything
    | st.binary(max_size=50)
)


def with_hypothesis(examples: int) -> Counter[bool]:
    """Check ``examples`` frames, and return the numbers of valid and rejected ones."""
    accepted: Counter[bool] = Counter()

    @settings(max_examples=examples, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(frames)
    def check_one(frame: str | bytes) -> None:
        accepted[check(frame)] += 1

    check_one()
    return accepted


def peers_with_hypothesis(examples: int) -> Counter[bool]:
    """Check ``examples`` bodies from peers, and return the numbers of valid and rejected ones."""
    accepted: Counter[bool] = Counter()

    @settings(max_examples=examples, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(bodies)
    def check_one(body: bytes) -> None:
        accepted[check_body(body)] += 1

    check_one()
    return accepted


def rows_with_hypothesis(examples: int) -> Counter[bool]:
    """Check ``examples`` responses of a directory, and return the numbers of those with and without messages."""
    accepted: Counter[bool] = Counter()

    @settings(max_examples=examples, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(responses)
    def check_one(body: bytes) -> None:
        accepted[check_response(body)] += 1

    check_one()
    return accepted


def with_atheris(seconds: int) -> tuple[str, bool]:
    """Fuzz for ``seconds``. Return the figures, and whether no error was found."""
    if find_spec("atheris") is None:
        return "atheris skipped: it is not installed (pip install atheris; there are wheels for Linux)", True
    with TemporaryDirectory(prefix="companion-fuzz-") as folder:
        for number, each in enumerate(CATALOG):
            frame: dict[str, Any] = {"event": each.name, "data": each.sample}
            (Path(folder) / str(number)).write_text(json.dumps(frame))
        (Path(folder) / "peer").write_bytes(ENVELOPE)
        options = (
            f"-max_total_time={seconds}",
            "-max_len=2048",
            "-timeout=10",
            f"-artifact_prefix={folder}/",
            folder,
        )
        done = subprocess.run(
            [sys.executable, "-m", "tests.gates.atheris_fuzz", *options],
            cwd=ROOT, capture_output=True, text=True, errors="replace", timeout=seconds + 60, check=False,
        )  # fmt: skip
    output = done.stdout + done.stderr
    runs = re.search(r"Done (\d+) runs", output)
    if done.returncode or not runs:
        print(output[-4000:])
        return f"atheris ended with {done.returncode}", False
    return f"atheris: {int(runs[1]):,} inputs in {seconds} s", True


def run(long: bool) -> Outcome:
    accepted = with_hypothesis(EXAMPLES_LONG if long else EXAMPLES)
    peers = peers_with_hypothesis(EXAMPLES_LONG if long else EXAMPLES)
    rows = rows_with_hypothesis(EXAMPLES_LONG if long else EXAMPLES)
    figures, clean = with_atheris(SECONDS_LONG if long else SECONDS)
    enough = all(each[valid] > 100 for each in (accepted, peers, rows) for valid in (True, False))
    return Outcome(
        f"hypothesis: {accepted[True]:,} frames accepted and {accepted[False]:,} rejected, "
        f"{peers[True]:,} envelopes of peers accepted and {peers[False]:,} rejected, "
        f"{rows[True]:,} responses of a directory with messages and {rows[False]:,} without; {figures}",
        "no exception except the decoders' own, accepted frames re-encode",
        clean and enough,
    )
