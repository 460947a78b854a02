"""JSON types of the control API operations on peers and on the user's keys, and functions that convert both to
responses. No type has a secret key.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from app import usernames
from app.endpoints.control.shapes import Input
from app.protocol.peers.fingerprint import fingerprint
from app.protocol.peers.keys import KEY_CHARS, Identity, PublicKeys
from app.protocol.peers.peer import MAX_ADDRESS_CHARS, Peer
from app.protocol.templates import iso

Key = Annotated[str, Meta(min_length=KEY_CHARS, max_length=KEY_CHARS)]
File = Annotated[str, Meta(min_length=1, max_length=4096, description="Absolute path of a file on this machine")]


class OwnKeys(Struct, kw_only=True):
    """The user's public keys, for a friend to add."""

    username: str
    node_id: Annotated[str, Meta(description="Stays the same when the keys are replaced")]
    public_key: Annotated[str, Meta(description="X25519, in base64")]
    signing_key: Annotated[str, Meta(description="Ed25519, in base64")]


class PeerBody(Input):
    """A peer with its public keys. A known peer keeps its keys if both are omitted."""

    username: Annotated[str, Meta(min_length=1, max_length=usernames.MAX_LENGTH, examples=["bob"])]
    public_key: Annotated[Key, Meta(description="X25519, in base64")] | None = None
    signing_key: Annotated[Key, Meta(description="Ed25519, in base64")] | None = None
    address: (
        Annotated[
            str,
            Meta(
                max_length=MAX_ADDRESS_CHARS,
                description="HOST:PORT; empty: where the peer connected from; omitted: as before",
            ),
        ]
        | None
    ) = None


class PeerInfo(Struct, kw_only=True):
    """A peer: a person with a companion of their own."""

    username: str
    public_key: str
    signing_key: str
    fingerprint: Annotated[
        str, Meta(description="60 digits to compare with the friend by voice; empty if you have no keys")
    ]
    verified: Annotated[bool, Meta(description="Whether the fingerprint was compared")]
    changed: Annotated[bool, Meta(description="Whether other keys were offered, which are refused until accepted")]
    offered_fingerprint: Annotated[str, Meta(description="Fingerprint with the offered keys; empty without any")]
    address: str
    is_friend: bool
    online: bool
    last_seen: Annotated[str, Meta(description="ISO 8601; empty if never")]
    last_ip: str
    waiting: Annotated[int, Meta(description="Messages that have not reached the peer")]


class PeerList(Struct, kw_only=True):
    """All peers, and whether they can connect."""

    peers: list[PeerInfo]
    listening: bool
    port: int


class DecisionBody(Input):
    """What to do with the offered keys."""

    accept: Annotated[bool, Meta(description="Use them instead of the pinned ones; false rejects them")]
    fingerprint: Annotated[
        str,
        Meta(
            max_length=200,
            description="The `offered_fingerprint` that was compared: other keys are neither accepted nor "
            "rejected. Empty: decide about the keys that are offered now",
        ),
    ] = ""


class VerifiedBody(Input):
    """Whether the fingerprint was compared."""

    verified: bool = True
    fingerprint: Annotated[
        str, Meta(max_length=200, description="The digits that the friend reads out; compared unless empty")
    ] = ""


class ExportBody(Input):
    """Where to write the secret keys."""

    file: File
    shape: Annotated[Literal["flat", "nested"], Meta(description="Format of keys.json")] = "flat"


class RestoreBody(Input):
    """A file with secret keys."""

    file: File
    replace: Annotated[bool, Meta(description="Replace the keys that are in use, which are lost then")] = False


class Written(Struct, kw_only=True):
    """A file that was written."""

    file: str


def own_keys(username: str, identity: Identity) -> OwnKeys:
    """Return the user's public keys for a response."""
    return OwnKeys(username=username, node_id=identity.node_id, **identity.public.as_json())


def peer_info(peer: Peer, own: PublicKeys | None) -> PeerInfo:
    """Return a peer for a response. Takes a few milliseconds: call it in a thread."""
    keys = peer.keys.as_json()
    return PeerInfo(
        username=peer.username, public_key=keys["public_key"], signing_key=keys["signing_key"],
        fingerprint=fingerprint(own, peer.keys) if own else "", verified=peer.verified,
        changed=peer.offered is not None,
        offered_fingerprint=fingerprint(own, peer.offered) if own and peer.offered else "", address=peer.address,
        is_friend=peer.is_friend, online=peer.online, last_seen=iso(peer.last_seen) if peer.last_seen else "",
        last_ip=peer.last_ip, waiting=peer.waiting,
    )  # fmt: skip
