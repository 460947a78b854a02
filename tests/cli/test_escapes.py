"""The gates for untrusted text find what they look for, and run every command."""

from pathlib import Path

import pytest

pytest.importorskip("resource", reason="the gates run on POSIX systems only")

from tests.gates.escapes import FORBIDDEN, HOSTILE, calls, commands, flaws
from tests.gates.markup import HOST, touched


def test_the_gate_runs_every_command() -> None:
    assert set(calls(Path(), "", "")) == set(commands()), "add the new command to tests/gates/escapes.py"


def test_the_gate_finds_every_control_character() -> None:
    assert len(FORBIDDEN) > 60
    assert [f"U+{ord(char):04X}" for char in FORBIDDEN if not flaws(f"a{char}b\n".encode())] == []


def test_the_gate_finds_a_line_of_untrusted_text() -> None:
    assert flaws(HOSTILE.replace("\x1b", "").encode())
    assert flaws("#1 12:00:00 connected\n\tü 🎉\n".encode()) == []


@pytest.mark.parametrize(
    "line",
    [
        '1 openat(AT_FDCWD, "/tmp/x/bait.png", O_RDONLY|O_CLOEXEC) = -1 ENOENT (No such file or directory)',
        '1 statx(AT_FDCWD, "bait.png", AT_STATX_SYNC_AS_STAT, STATX_ALL, 0x7ffd) = -1 ENOENT',
        f'1 connect(9, {{sa_family=AF_INET, sin_port=htons(7), sin_addr=inet_addr("{HOST}")}}, 16) = 0',
        '1 connect(9, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("10.0.0.2")}, 16) = 0',
    ],
)
def test_the_markup_gate_finds_accessed_files_and_addresses(line: str) -> None:
    assert touched(f'1 openat(AT_FDCWD, "/x", O_RDONLY) = 3\n{line}\n') == [line]


def test_the_markup_gate_allows_a_fixture_whose_name_contains_the_file_name() -> None:
    assert touched('1 openat(AT_FDCWD, "/x/fixtures/<img src=bait.png>.json", O_RDONLY) = 3') == []
