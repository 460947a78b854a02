"""The keys for encrypted messages with peers: an X25519 pair for encryption and an Ed25519 pair for signatures.
``Identity`` has this user's secret and public keys and the node id, ``PublicKeys`` the public keys of any user.
``Identity`` returns PyNaCl's objects that encrypt and sign, and parses and returns the text of a ``keys.json``.
``system.peer_keys`` stores that text.

The formats of ``keys.json`` are *flat* (``x25519_public``, ``x25519_secret``, ``ed25519_public``,
``ed25519_secret``) and *nested* (``encryption`` and ``signing``, each with ``public_key`` and ``secret_key``). Keys
are in base64. An Ed25519 secret key has 64 bytes, seed and public key; a file may also contain the seed alone.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec import Struct
from typing_extensions import override

from app.protocol.counts import count
from app.protocol.envelope import BadFrame, parse_json
from app.protocol.peers import base64_text
from app.protocol.peers.errors import InvalidKeys

if TYPE_CHECKING:
    from nacl.public import Box
    from nacl.signing import SigningKey, VerifyKey

KEY_BYTES = 32
KEY_CHARS = 44
"""Length of a public key in base64."""
NODE_ID = re.compile(r"[0-9a-f]{32}")
MAX_FILE_CHARS = 16 * 1024
MAX_BOXES = 256
"""Shared keys are computed once for this many peers."""

Shape = Literal["flat", "nested"]


class PublicKeys(Struct, frozen=True):
    """The public keys of a peer, 32 bytes each: X25519 for encryption, and Ed25519 for signatures."""

    encryption: bytes
    signing: bytes

    @classmethod
    def parse(cls, encryption: str, signing: str) -> PublicKeys:
        """Return the keys of two base64 texts. Raises ``InvalidKeys``."""
        keys = cls(
            _decoded(encryption, "The public key", KEY_BYTES), _decoded(signing, "The signing key", KEY_BYTES)
        )
        keys.check_usable()
        return keys

    def check_usable(self) -> None:
        """Raise ``InvalidKeys`` if no secret can be shared with the encryption key, as with 32 zero bytes."""
        from nacl.bindings import crypto_scalarmult
        from nacl.exceptions import CryptoError

        try:
            crypto_scalarmult(bytes(range(KEY_BYTES)), self.encryption)
        except CryptoError:
            raise InvalidKeys("The public key is not a usable X25519 key") from None
        if self.encryption == self.signing:
            raise InvalidKeys(
                "The public key and the signing key are equal. Enter the X25519 key and the Ed25519 key"
            )

    def as_json(self) -> dict[str, str]:
        """Return the keys in base64, with the names that ``GET /friends`` and the directory use."""
        return {
            "public_key": base64_text.encode(self.encryption),
            "signing_key": base64_text.encode(self.signing),
        }


class Identity:
    """The secret and public keys of this user, and the node id. Its ``repr`` contains no secret.

    ``node_id`` has 32 hexadecimal digits. It stays the same when the keys are replaced.
    """

    __slots__ = ("_boxes", "_encryption", "_signing", "_signing_key", "node_id", "public")

    def __init__(self, encryption: bytes, signing: bytes, node_id: str) -> None:
        """``encryption`` is the X25519 secret key and ``signing`` the Ed25519 seed, 32 bytes each."""
        from nacl.public import PrivateKey
        from nacl.signing import SigningKey

        self._encryption = PrivateKey(encryption)
        self._signing_key = SigningKey(signing)
        self._signing = signing
        self._boxes: dict[bytes, Box] = {}
        self.node_id = node_id
        self.public = PublicKeys(bytes(self._encryption.public_key), bytes(self._signing_key.verify_key))

    @classmethod
    def generate(cls, node_id: str = "") -> Identity:
        """Return an identity with new random keys, and a new node id unless one is given."""
        import secrets

        return cls(secrets.token_bytes(KEY_BYTES), secrets.token_bytes(KEY_BYTES), node_id or secrets.token_hex(16))

    @classmethod
    def from_json(cls, text: str, node_id: str = "") -> Identity:
        """Read a ``keys.json`` of either format. A node id in the file replaces ``node_id``.

        Without any, a new one is created. Raises ``InvalidKeys``.
        """
        import secrets

        document = _document(text)
        encryption, signing = _pairs(document)
        secret = _decoded(encryption[1], "The X25519 secret key", KEY_BYTES)
        seed_and_public = _decoded(signing[1], "The Ed25519 secret key", KEY_BYTES, 2 * KEY_BYTES)
        said = document.get("node_id", node_id) or secrets.token_hex(16)
        if not isinstance(said, str) or not NODE_ID.fullmatch(said):
            raise InvalidKeys("The node_id must have 32 hexadecimal digits in lower case")
        found = cls(secret, seed_and_public[:KEY_BYTES], said)
        if seed_and_public[KEY_BYTES:] not in (b"", found.public.signing):
            raise InvalidKeys("The Ed25519 secret key does not end with its public key")
        for public, own, name in (
            (encryption[0], found.public.encryption, "X25519"),
            (signing[0], found.public.signing, "Ed25519"),
        ):
            if public is not None and _decoded(public, f"The {name} public key", KEY_BYTES) != own:
                raise InvalidKeys(f"The {name} public key does not belong to the secret key")
        return found

    def to_json(self, shape: Shape = "flat") -> str:
        """Return the secret keys as a ``keys.json``, with the node id. Write it only to a private file."""
        x_public, x_secret, ed_public, ed_secret = (
            base64_text.encode(each)
            for each in (
                self.public.encryption,
                bytes(self._encryption),
                self.public.signing,
                self._signing + self.public.signing,
            )
        )
        document: dict[str, Any] = {
            "x25519_public": x_public, "x25519_secret": x_secret,
            "ed25519_public": ed_public, "ed25519_secret": ed_secret,
        }  # fmt: skip
        if shape == "nested":
            document = {
                "encryption": {"public_key": x_public, "secret_key": x_secret},
                "signing": {"public_key": ed_public, "secret_key": ed_secret},
            }
        return msgspec.json.format(msgspec.json.encode({**document, "node_id": self.node_id}), indent=2).decode()

    def rotated(self) -> Identity:
        """Return an identity with new keys and the same node id."""
        return Identity.generate(self.node_id)

    def box(self, peer: PublicKeys) -> Box:
        """Return the encryption between this user and a peer. Raises ``InvalidKeys`` for an unusable key."""
        from nacl.exceptions import CryptoError
        from nacl.public import Box, PublicKey

        known = self._boxes.get(peer.encryption)
        if known is None:
            try:
                known = Box(self._encryption, PublicKey(peer.encryption))
            except CryptoError:
                raise InvalidKeys("The public key is not a usable X25519 key") from None
            if len(self._boxes) >= MAX_BOXES:
                self._boxes.clear()
            self._boxes[peer.encryption] = known
        return known

    @property
    def signer(self) -> SigningKey:
        """The key that signs."""
        return self._signing_key

    @override
    def __repr__(self) -> str:
        return f"Identity(node_id={self.node_id!r})"  # never a key: a repr ends up in logs

    @override
    def __reduce__(self) -> str | tuple[Any, ...]:
        raise TypeError("an identity cannot be pickled: the result would contain the secret keys")


def verifier(peer: PublicKeys) -> VerifyKey:
    """Return the key that verifies a peer's signatures."""
    from nacl.signing import VerifyKey

    return VerifyKey(peer.signing)


def _document(text: str) -> dict[str, Any]:
    if len(text) > MAX_FILE_CHARS:
        raise InvalidKeys(f"The file is larger than {MAX_FILE_CHARS // 1024} KiB")
    try:
        document = parse_json(text)
    except BadFrame:  # its reason may quote the file
        raise InvalidKeys("The file is not valid JSON") from None
    if not isinstance(document, dict):
        raise InvalidKeys("The file must contain a JSON object")
    return document


def _pairs(document: dict[str, Any]) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Return public and secret key for encryption, and for signatures. A missing public key is None."""
    if "x25519_secret" in document or "ed25519_secret" in document:
        return (
            (document.get("x25519_public"), document.get("x25519_secret")),
            (document.get("ed25519_public"), document.get("ed25519_secret")),
        )
    encryption, signing = document.get("encryption"), document.get("signing")
    if not isinstance(encryption, dict) or not isinstance(signing, dict):
        raise InvalidKeys("The file has neither x25519_secret and ed25519_secret nor encryption and signing")
    return (
        (encryption.get("public_key"), encryption.get("secret_key")),
        (signing.get("public_key"), signing.get("secret_key")),
    )


def _decoded(value: object, name: str, *lengths: int) -> bytes:
    """Return the bytes of a key in base64. The text of an error never quotes the key."""
    if not isinstance(value, str):
        raise InvalidKeys(f"{name} is missing or not text")
    try:
        content = base64_text.decode(value)
    except ValueError as error:
        raise InvalidKeys(f"{name} is {error}") from None
    if len(content) not in lengths:
        wanted = " or ".join(map(str, lengths))
        raise InvalidKeys(f"{name} has {count(len(content), 'byte')}; {wanted} are needed")
    return content
