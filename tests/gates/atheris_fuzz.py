"""Fuzz the frame decoder with libFuzzer: ``python -m tests.gates.atheris_fuzz -max_total_time=10 …``."""

import sys

import atheris

with atheris.instrument_imports(include=["app.protocol", "json"]):
    from tests.gates.frames import check


def one_input(data: bytes) -> None:
    """Check the bytes as text, and as text with lone surrogates."""
    check(data.decode(errors="replace"))
    check(atheris.FuzzedDataProvider(data).ConsumeUnicode(len(data)))


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
