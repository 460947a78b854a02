"""The limits of raw frames, up to the last byte, and what is logged with them."""

import pytest

from app.hub.filter import parse
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
    with pytest.raises(TooLarge, match=r"The frame is larger than 8,192 KiB, the maximum size\."):
        await companion.send_raw("x" * (MAX_RAW_BYTES + 1), origin=PANEL)
    assert companion.journal.last_seq == before


@pytest.mark.parametrize(
    ("size", "fault"),
    [
        (MAX_FRAME_BYTES + 1, "invalid JSON"),
        (MAX_CHECKED_CHARS, "invalid JSON"),
        (MAX_CHECKED_CHARS + 1, "not checked, because it is larger than 1,024 KiB"),
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


@pytest.mark.parametrize(
    ("text", "event", "note"),
    [
        ('{"event":"typing","data":{"username":"x","typing":true}}', "typing", "sent as is; "),
        ('{"event":"typing","data":{}}', "typing", "sent on purpose: data.username: is missing; "),
        ('{"event":"typing"}', "typing", "sent on purpose: data: missing; "),
        ('{"event":"party","data":{}}', "party", "sent on purpose: event: unknown server event 'party'"),
        ('{"event":5,"data":{}}', "(raw frame)", "sent on purpose: event: expected a string"),
        ('{"event":"typing",', "(raw frame)", "sent on purpose: line 1 column"),
        (f'{{"event":"{"n" * 500}","data":{{}}}}', "n" * 200, "sent on purpose: event: "),
    ],
)
async def test_the_row_of_a_raw_frame_has_the_name_of_its_event(
    make_companion: MakeCompanion, text: str, event: str, note: str
) -> None:
    companion = await make_companion()
    await companion.send_raw(text, origin=PANEL)
    row = companion.journal.row(companion.journal.last_seq)
    assert row
    assert row.event == event
    assert row.note.startswith(note)
    again = await companion.resend(row, origin=PANEL)
    resent = companion.journal.row(again.seq)
    assert resent
    assert parse("is:raw").matches(row)
    assert parse("is:raw").matches(resent)
    assert parse(f"event:{event}" if " " not in event else "raw").matches(row)


async def test_events_that_were_composed_are_not_raw_frames(make_companion: MakeCompanion) -> None:
    companion = await make_companion()
    await companion.fire(companion.message_from("alice", "sent as is"), origin=PANEL)
    assert not [row for row in companion.journal if parse("is:raw").matches(row)]
