"""Check that any frame is rejected with ``BadFrame``, or can be encoded and decoded again."""

from app.protocol.catalog import built_in
from app.protocol.contract import Direction
from app.protocol.envelope import BadFrame, Envelope, decode

CATALOG = built_in()
CLIENT_EVENTS = [CATALOG.get(Direction.FROM_UI, name) for name in CATALOG.names(Direction.FROM_UI)]


def check(frame: str | bytes) -> bool:
    """Return whether the frame is valid. Any exception except ``BadFrame`` is a bug."""
    try:
        envelope = decode(frame)
    except BadFrame as bad:
        str(bad).encode()  # the error must be valid Unicode for the log
        return False
    again = decode(envelope.encode().decode())
    assert again == envelope, (frame, again)
    for known in CLIENT_EVENTS:
        assert known is not None
        try:
            struct = known.typed(envelope)
        except BadFrame as bad:
            str(bad).encode()
            continue
        text = Envelope(known.name, struct).encode().decode()
        assert known.typed(decode(text)) == struct, text
    return True
