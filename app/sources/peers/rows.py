"""Make the log's rows about peers: one for each new message, receipt or reaction of a peer, and one for each
attempt to send an item of the outbox. The payload usually has the envelope, as it was sent, and its decrypted
content. Secret keys never occur in it.
"""

from typing import Any

from app.hub.journal import Verdict
from app.hub.origin import PEERS
from app.hub.outgoing import ServerNote
from app.protocol.peers.wire import encode_json

RECEIVED, SENT, NOT_SENT = "peer received", "peer sent", "peer not sent"
MAX_SEALED_BYTES = 256 * 1024
"""A larger envelope is not shown in a row."""


def row(
    event: str, peer: str, note: str, *, sealed: bytes = b"", opened: Any = None, warning: bool = False
) -> ServerNote:
    """Return a row about a peer. ``sealed`` is an envelope as JSON, and ``opened`` its content as JSON values."""
    payload = b""
    if sealed:
        shown = sealed if len(sealed) <= MAX_SEALED_BYTES else b"null"
        payload = b'{"sealed":%b,"opened":%b}' % (shown, encode_json(opened))
    verdict = Verdict.WARNING if warning else Verdict.OK
    return ServerNote(event, note, verdict, PEERS, payload, peer)
