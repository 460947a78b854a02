"""The gate on control characters runs every command, and would find one."""

from pathlib import Path

import pytest

from tests.gates.escapes import FORBIDDEN, HOSTILE, calls, commands, flaws


def test_the_gate_runs_every_command() -> None:
    assert set(calls(Path(), "", "")) == set(commands()), "add the new command to tests/gates/escapes.py"


@pytest.mark.parametrize("char", sorted(FORBIDDEN), ids=lambda char: f"U+{ord(char):04X}")
def test_the_gate_finds(char: str) -> None:
    assert flaws(f"a{char}b\n".encode())


def test_the_gate_finds_a_line_from_outside() -> None:
    assert flaws(HOSTILE.replace("\x1b", "").encode())
    assert flaws("#1 12:00:00 connected\n\tü 🎉\n".encode()) == []
