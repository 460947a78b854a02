"""Check that any response of a Supabase project is rejected, or read into rows whose content can be examined."""

import json

from hypothesis import strategies as st

from app.protocol.directory.errors import explain
from app.protocol.directory.rows import (
    InvalidResponse,
    QueuedRow,
    SealedEnvelope,
    SealedText,
    content_of,
    read_queue,
    read_users,
)

anything = st.text(st.characters(codec=None, exclude_categories=()), max_size=8)
names = st.sampled_from(
    ["id", "from_user", "created_at", "ciphertext", "signature", "username", "node_id", "last_seen", "public_key"]
)
values = (
    st.none() | st.integers() | st.floats() | anything | st.lists(anything, max_size=2)
    | st.sampled_from(["bob", "2026-02-11T16:00:00+00:00", "QUJD", "eyJ0eXBlIjoibWVzc2FnZSJ9", "{", "[" * 200])
)  # fmt: skip
complete = {"id": "1", "from_user": "bob", "created_at": "2026-02-11T16:00:00Z", "ciphertext": "QUJD"}
rows = st.dictionaries(names | anything, values, max_size=3).flatmap(
    lambda each: st.sampled_from([each, complete, {**complete, **each}])
)
lists = st.lists(rows, min_size=1, max_size=3) | st.lists(rows | values, max_size=3)
responses = lists.map(lambda each: json.dumps(each).encode()) | st.binary(max_size=100)


def check_response(body: bytes) -> bool:
    """Return whether a response has at least one message that can be examined. Raises only if the readers fail."""
    str(explain(500, body, "messages")).encode()
    valid = False
    for read in (read_queue, read_users):
        try:
            found = read(body)
        except InvalidResponse:
            continue
        for each in found:
            if isinstance(each, QueuedRow):
                assert isinstance(content_of(each), SealedEnvelope | SealedText)
                each.from_user.encode()
                valid = True
    return valid
