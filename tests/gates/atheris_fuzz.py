"""Fuzz the decoders of frames with libFuzzer: ``python -m tests.gates.atheris_fuzz -max_total_time=10 …``."""

import sys

import atheris

with atheris.instrument_imports(include=["app.protocol", "json"]):
    from tests.gates.directory_rows import check_response
    from tests.gates.frames import check
    from tests.gates.peer_frames import check_body, check_stream


def one_input(data: bytes) -> None:
    """Check the bytes as text, as text with lone surrogates, from a peer, and as a response of a directory."""
    check(data.decode(errors="replace"))
    check(atheris.FuzzedDataProvider(data).ConsumeUnicode(len(data)))
    check_body(data)
    check_stream(data)
    check_response(data)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
