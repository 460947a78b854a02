"""``companion mcp`` without its optional package, other commands, and errors of the SDK as sentences."""

import subprocess
import sys

import pytest

from app.cli.agents.plain_errors import sentence


def test_without_the_package_it_says_how_to_install_it() -> None:
    code = "import sys; sys.modules['mcp'] = None; from app.cli.main import app; app(['mcp'])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert found.returncode == 1
    assert found.stdout == ""
    assert found.stderr.splitlines()[-1].endswith("pip install 'p2p-chat-companion[mcp]'")
    assert "Traceback" not in found.stderr


def test_no_other_command_loads_the_package() -> None:
    code = (
        "import sys, app.cli.main; print([name for name in ('mcp', 'pydantic', 'httpx2') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Error executing tool fire: No companion is running.", "No companion is running."),
        (
            "Error executing tool fire: 2 validation errors for fireArguments\n"
            "event\n  Field required [type=missing, input_value={}, input_type=dict]\n    For more visit https://x\n"
            "wait_s\n  Input should be a valid number [type=float_type, input_value='x']\n    For more visit https://x",
            "event: Field required. wait_s: Input should be a valid number.",
        ),
        ("Anything else", "Anything else"),
    ],
)
def test_errors_are_sentences(text: str, expected: str) -> None:
    assert sentence(text) == expected
