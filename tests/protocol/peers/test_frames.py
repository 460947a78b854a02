"""Frames: split anywhere, limited in size."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol.peers.errors import BadPeerFrame
from app.protocol.peers.frames import MAX_BYTES, FrameReader, frame


@given(st.lists(st.binary(max_size=40), max_size=6), st.data())
def test_frames_are_found_however_the_bytes_are_split(bodies: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(map(frame, bodies))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    reader, found = FrameReader(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += list(reader.feed(stream[start:end]))
    assert found == bodies
    assert reader.buffered == 0


def test_the_limit() -> None:
    assert next(FrameReader().feed(frame(bytes(MAX_BYTES)))) == bytes(MAX_BYTES)
    with pytest.raises(BadPeerFrame, match="1,048,577 bytes"):
        frame(bytes(MAX_BYTES + 1))
    with pytest.raises(BadPeerFrame, match="1,048,577 bytes"):
        list(FrameReader().feed((MAX_BYTES + 1).to_bytes(4, "big")))
