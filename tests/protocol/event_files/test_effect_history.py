"""The effects of event files when a row was added to the log."""

import json

from app.protocol.catalog import Catalog, built_in
from app.protocol.event_files.effect_history import EffectHistory
from app.protocol.event_files.parse import parse_event_file
from tests.protocol.event_files.test_parse import DELIVERED


def catalog(*effects: str) -> Catalog:
    """Return the events of one file with these effects on a message."""
    fields = {each: {"msg_id": "/msg_id"} for each in effects}
    parsed = parse_event_file("e.json", json.dumps({**DELIVERED, "effect": fields}), built_in())
    return Catalog([parsed])


def test_versions_are_kept_while_there_are_rows_from_then() -> None:
    versions = [catalog("set_delivered"), catalog("delete_message"), catalog("delete_message"), Catalog([])]
    history = EffectHistory(versions[0])
    for version, since in zip(versions[1:], (10, 15, 20), strict=True):
        history.add(version, since)
    (delivered,), (deleted,) = history.of("message_delivered", 9), history.of("message_delivered", 10)
    assert delivered != deleted
    assert history.of("message_delivered", 19) == (deleted,)
    assert history.of("message_delivered", 20) == history.of("other", 10) == ()
    history.add(versions[-1], 30, first_seq=12)
    assert history.of("message_delivered", 12) == (deleted,)
    assert history.of("message_delivered", 20) == ()
