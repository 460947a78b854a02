"""The reference client and the same stores in JavaScript agree on random sequences of events and REST calls."""

import json
import os
import subprocess
from pathlib import Path
from random import Random

import pytest

from app.protocol.ui_stores import Flavour
from tests.ui_stores.sequences import reference, sequence

from .tools import need

SEQUENCES = 5_000 if os.environ.get("COMPANION_LONG") else 500
"""Number of sequences per flavour."""
LENGTH = 40
SCRIPT = Path(__file__).parents[1] / "ui_stores" / "stores.mjs"


@pytest.mark.parametrize("flavour", list(Flavour))
def test_random_sequences_give_equal_states(flavour: Flavour) -> None:
    random = Random(f"sequences of {flavour}")
    sequences = [sequence(random, LENGTH) for _ in range(SEQUENCES)]
    lines = [
        json.dumps({"flavour": flavour, "steps": steps, "end": steps[-1]["at"] + random.choice((0.0, 4.9, 5.0))})
        for steps in sequences
    ]
    command = [need("node", install="Node.js"), str(SCRIPT)]
    done = subprocess.run(command, input="\n".join(lines), capture_output=True, encoding="utf-8", check=True)
    states = done.stdout.splitlines()
    assert len(states) == SEQUENCES
    for line, state in zip(lines, states, strict=True):
        given = json.loads(line)
        assert reference(flavour, given["steps"], given["end"]) == json.loads(state), line
