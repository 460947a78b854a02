"""Fingerprints of keys that two people compare by voice: 60 digits, which are the same on both sides.

Each side's keys give 30 digits, which depend on both of its public keys and not on its name. The smaller half comes
first, so that both sides read the same number, as in Signal's safety numbers.
"""

from functools import lru_cache

from app.protocol.peers.keys import PublicKeys

ITERATIONS = 5_200
"""As in Signal: makes it expensive to search for keys whose fingerprint is similar."""
_SALT = b"P2P Chat Companion: fingerprint, version 1"
_GROUPS = 6
_GROUP_BYTES = 5


@lru_cache(maxsize=256)
def half(keys: PublicKeys) -> str:
    """Return the 30 digits of one side in groups of five. Takes a few milliseconds the first time."""
    from hashlib import pbkdf2_hmac  # loads OpenSSL

    digest = pbkdf2_hmac("sha512", keys.signing + keys.encryption, _SALT, ITERATIONS, dklen=_GROUPS * _GROUP_BYTES)
    parts = (digest[at : at + _GROUP_BYTES] for at in range(0, len(digest), _GROUP_BYTES))
    return " ".join(f"{int.from_bytes(each, 'big') % 100_000:05}" for each in parts)


def fingerprint(one: PublicKeys, other: PublicKeys) -> str:
    """Return the 60 digits of a pair of peers in groups of five. The order of the arguments is irrelevant."""
    return " ".join(sorted((half(one), half(other))))
