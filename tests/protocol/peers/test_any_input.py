"""Property tests: whatever the bytes are, the readers raise only the errors of the package."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.gates.peer_frames import bodies, check_body, check_keys_file, envelopes


@given(bodies)
def test_any_body(body: bytes) -> None:
    check_body(body)


@given(envelopes)
def test_any_object_with_the_fields_of_envelopes(envelope: dict[str, Any]) -> None:
    check_body(json.dumps(envelope).encode())


@given(st.text(max_size=60) | st.builds(json.dumps, st.dictionaries(st.sampled_from(
    ["x25519_secret", "ed25519_secret", "x25519_public", "encryption", "signing", "node_id"]
), st.none() | st.text(max_size=50) | st.dictionaries(st.just("secret_key"), st.text(max_size=50)))))  # fmt: skip
def test_any_keys_file(text: str) -> None:
    check_keys_file(text)
