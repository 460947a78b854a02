"""Goal 24: the CPU to seal and to open a message of a peer, relative to bare PyNaCl."""

from collections.abc import Callable, Iterator
from statistics import median
from time import process_time

from nacl.public import Box, PrivateKey, PublicKey
from nacl.signing import SigningKey
from nacl.utils import random

from app.protocol.peers.envelopes import Sealed, open_message, read, seal_message
from app.protocol.peers.keys import Identity
from tests.benchmarks.bench import Bench
from tests.benchmarks.line import Goal, Line

TIMES = 1_000
TEXT = "Shall we meet at the usual place at eight? I bring the tickets. 🎫"
MSG_ID = "a1b2c3d4-e5f6-4890-abcd-ef1234567890"


def sealing(bench: Bench) -> Iterator[Line]:
    """An envelope in dialect A against encryption and signature of the same plaintext."""
    anna, ben = Identity.generate(), Identity.generate()
    secret, sign = PrivateKey(random(32)), SigningKey(random(32))
    box, verify = Box(secret, PublicKey(ben.public.encryption)), sign.verify_key
    plaintext = f'{{"text":"{TEXT}","msg_id":"{MSG_ID}"}}'.encode()
    sealed_bare = box.encrypt(plaintext, random(24))
    signature = sign.sign(sealed_bare.ciphertext).signature
    body = seal_message(TEXT, MSG_ID, sender="anna", to="ben", at=0, me=anna, peer=ben.public)

    def seal() -> None:
        seal_message(TEXT, MSG_ID, sender="anna", to="ben", at=0, me=anna, peer=ben.public)

    def seal_bare() -> None:
        sign.sign(box.encrypt(plaintext, random(24)).ciphertext)

    def open_() -> None:
        found = read(body)
        assert isinstance(found, Sealed)
        open_message(found, ben, anna.public)

    def open_bare() -> None:
        verify.verify(sealed_bare.ciphertext, signature)
        box.decrypt(sealed_bare.ciphertext, sealed_bare.nonce)

    for what, work, bare in (("seal", seal, seal_bare), ("open", open_, open_bare)):
        rounds = [(_spent(work), _spent(bare)) for _ in range(max(3, bench.rounds))]
        ours, theirs = (median(each[index] for each in rounds) for index in range(2))
        figure = f"{ours * 1e6:.0f} µs / {theirs * 1e6:.0f} µs of CPU"
        yield Line(24, f"{what} a message of a peer / bare PyNaCl", figure, Goal(2, reach=True), ours / theirs)


def _spent(work: Callable[[], None]) -> float:
    start = process_time()
    for _ in range(TIMES):
        work()
    return (process_time() - start) / TIMES
