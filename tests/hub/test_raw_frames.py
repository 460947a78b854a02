"""The limits of raw frames, up to the last byte, and what is logged with them."""

import pytest

from app.hub.origin import PANEL
from app.protocol.envelope import MAX_CHECKED_CHARS, MAX_FRAME_BYTES, MAX_RAW_BYTES
from app.protocol.errors import TooLarge
from tests.conftest import MakeCompanion


async def test_a_raw_frame_of_the_largest_size_is_sent_and_one_byte_more_is_rejected(
    make_companion: MakeCompanion,
) -> None:
    companion = await make_companion()
    await companion.send_raw("x" * MAX_RAW_BYTES, origin=PANEL)
    before = companion.journal.last_seq
    with pytest.raises(TooLarge, match=r"A frame has at most 8,192 KiB\."):
        await companion.send_raw("x" * (MAX_RAW_BYTES + 1), origin=PANEL)
    assert companion.journal.last_seq == before


@pytest.mark.parametrize(
    ("size", "fault"),
    [
        (MAX_FRAME_BYTES + 1, "not JSON"),
        (MAX_CHECKED_CHARS, "not JSON"),
        (MAX_CHECKED_CHARS + 1, "over 1,024 KiB, so not checked"),
    ],
)
async def test_a_large_raw_frame_is_checked_up_to_a_limit_and_logged_with_its_origin(
    make_companion: MakeCompanion, size: int, fault: str
) -> None:
    companion = await make_companion()
    await companion.send_raw("x" * size, origin=PANEL)
    row = companion.journal.row(companion.journal.last_seq)
    assert row
    assert fault in row.note
    assert (row.size, row.origin, row.client) == (size, "panel", "all")
