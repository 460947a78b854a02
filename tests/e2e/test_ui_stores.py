"""The reference client and a page written from the guide, in TypeScript, agree on random sequences of events."""

import json
import subprocess
from collections.abc import Iterator
from random import Random

import pytest

from app.protocol.ui_stores import Flavour
from tests.conftest import LONG
from tests.ui_stores.build import Build
from tests.ui_stores.page_sequences import differences_of, sequence

from .tools import need

SEQUENCES = 5_000 if LONG else 500
"""Number of sequences per flavour."""
LENGTH = 40
BATCH = 500


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    return Build(tmp_path_factory.mktemp("ui"))


def traces(build: Build, lines: list[str]) -> Iterator[list[dict[str, object]]]:
    """Run sequences in the page, and yield what was seen of each."""
    app = build.bundle("app.ts", "--format=iife", "--global-name=ui")
    runner = build.bundle("node.ts", "--format=esm", "--platform=node", suffix=".mjs")
    command = [need("node", install="Node.js"), str(runner), str(app)]
    for at in range(0, len(lines), BATCH):
        given = "\n".join(lines[at : at + BATCH])
        done = subprocess.run(command, input=given, capture_output=True, encoding="utf-8", check=False)
        assert done.returncode == 0, done.stderr
        yield from map(json.loads, done.stdout.removesuffix("\n").split("\n"))  # U+0085 ends no line


def test_the_page_has_no_type_errors(build: Build) -> None:
    done = build.check_types()
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("flavour", list(Flavour))
def test_random_sequences_give_equal_states(flavour: Flavour, build: Build) -> None:
    random = Random(f"sequences of {flavour}")
    sequences = [sequence(random, LENGTH) for _ in range(SEQUENCES)]
    lines = [json.dumps({"search": f"?flavour={flavour}", "actions": actions}) for actions in sequences]
    compared = 0
    for line, trace in zip(lines, traces(build, lines), strict=True):
        found = list(differences_of(flavour, trace))
        assert not found, f"{found[0]} after {json.dumps(trace[: found[0][0]], indent=1)}\nof {line}"
        compared += sum(seen["saw"] == "state" for seen in trace)
    assert compared > 2 * SEQUENCES


@pytest.mark.parametrize("bug", ["duplicate", "typing", "unread"])
def test_the_comparison_finds_planted_bugs(bug: str, build: Build) -> None:
    """Proves that the test above can fail."""
    random = Random(bug)
    lines = [json.dumps({"search": f"?bugs={bug}", "actions": sequence(random, LENGTH)}) for _ in range(50)]
    paths = {
        difference.path for trace in traces(build, lines) for _, difference in differences_of(Flavour.GUIDE, trace)
    }
    wrong = "chatStore.typingUsers" if bug == "typing" else "unreadCount"
    assert paths
    assert [path for path in paths if wrong not in path] == []
