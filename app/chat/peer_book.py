"""The peers (real users with their own companion) of the chat state: add, verify and forget them, accept or reject
changed keys, store their messages, and keep the inbox, which recognizes duplicates, and the outbox. The outbox has
messages, which ``chat.store`` adds, and notices (read receipts, reactions): ``sources.peers.outbox`` sends them,
and retries.

A friend is a persona or a peer, never both. Keys are pinned when a peer is added (trust on first use). While a
session plays on a copy of the chat state, the user's changes of peers are refused: the copy is usually dropped.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

import msgspec
from msgspec.structs import replace

from app.chat.state_changes import changed_reactions
from app.hub.clock import Clock
from app.hub.signals import Signal
from app.protocol.backend import MAX_REACTIONS, MessageData, Person, valid_username
from app.protocol.errors import Conflict, Invalid, Malformed, NotFound
from app.protocol.peers.errors import InvalidKeys
from app.protocol.peers.extension import PeerReaction, Receipt, StoredNotice
from app.protocol.peers.fingerprint import fingerprint
from app.protocol.peers.keys import PublicKeys
from app.protocol.peers.peer import Peer, is_host, parse_address
from app.storage import chat as sql
from app.storage import peers as peer_sql
from app.storage.database import Database
from app.storage.peers import Place, Waiting

T = TypeVar("T")

IN_SESSION = "A session plays on a copy of the chat state. Try again when it ends."


class FriendList(Protocol):
    """The part of ``ChatService`` that this class uses."""

    async def friends_changed(self) -> None:
        """Read the friends again, and notify the window."""


class PeerBook:
    """The stored peers. Methods raise ``RequestError`` and ``StorageError``, and return after the commit.

    While ``in_session``, what the user does with peers, what arrives from them, ``waiting``, ``is_waiting`` and
    ``delivery_state`` raise ``Conflict``.
    """

    def __init__(
        self, database: Database, clock: Clock, friends: FriendList, local_user: Callable[[], str]
    ) -> None:
        self._database = database
        self._clock = clock
        self._friends = friends
        self._local_user = local_user
        self.offered: Signal[Peer] = Signal()
        """Emitted with a peer whose name was seen with other keys, which the user has to accept or reject."""
        self.changed: Signal[None] = Signal()
        """Emitted when peers were added, changed or forgotten."""
        self.pinned: dict[str, PublicKeys] = {}
        """The pinned keys of all peers by name, after ``read``."""
        self._registered: dict[str, str] = {}
        """The addresses with which peers are registered in the directory."""

    @property
    def in_session(self) -> bool:
        """Whether a session plays on a copy of the state, so that changes and received messages would be lost."""
        return self._database.in_scratch

    def require_no_session(self) -> None:
        """Raise ``Conflict`` while ``in_session``."""
        if self.in_session:
            raise Conflict(IN_SESSION)

    def _submit(self, job: Callable[[sql.Connection], T]) -> Awaitable[T]:
        return self._database.submit(job)

    def _submit_lasting(self, job: Callable[[sql.Connection], T]) -> Awaitable[T]:
        """Run a job, unless a session has begun before it runs: it must not read or change the session's copy."""

        def checked(db: sql.Connection) -> T:
            self.require_no_session()
            return job(db)

        return self._submit(checked)

    async def read(self) -> None:
        """Read the pinned keys."""
        self.pinned = {each.username: each.keys for each in await self.all()}

    # the peers

    async def all(self) -> list[Peer]:
        """Return all peers, sorted by name."""
        return await self._submit(peer_sql.peers)

    async def find(self, username: str) -> Peer | None:
        """Return a peer, or None."""
        found = await self._submit(lambda db: peer_sql.peer(db, username))
        return found and replace(found, registered_ip=self._registered.get(username, ""))

    async def get(self, username: str) -> Peer:
        """Return a peer. Raises ``NotFound``."""
        return _known(await self.find(username), username)

    async def add(
        self, username: str, keys: PublicKeys | None, address: str | None = None, node_id: str = ""
    ) -> Peer:
        """Add a peer and pin its keys, or make a known one a friend again with a new address (None: the old one).

        Keys that differ from the pinned ones are not used, but returned in ``offered``; with the pinned ones, it is
        None. Without keys, nothing changes about them. Raises ``Conflict`` if the name is that of a persona, and
        ``NotFound`` if keys are missing for a new peer.
        """
        name = valid_username(username)
        if name == self._local_user():
            raise Malformed(f"{name} is your own user name. Enter the name of your friend.")
        if address:
            parse_address(address)
        if keys:
            _check(keys)
        now = self._clock.wall()

        def job(db: sql.Connection) -> Peer:
            known, person = peer_sql.peer(db, name), sql.person(db, name)
            if known is None and person is not None:
                raise Conflict(f"{name} is a persona. Rename or remove the persona first, then add the peer.")
            if known:
                new = replace(known, address=known.address if address is None else address)
            elif keys:
                new = Peer(username=name, keys=keys, address=address or "", node_id=node_id)
            else:
                raise NotFound(f"There is no peer {name!r}. To add one, give its public key and signing key.")
            if keys:
                new = _with_offered(new, None if new.keys == keys else keys)
            peer_sql.save_peer(db, new)
            own = person or Person(username=name, added_at=now, last_ip="")
            sql.save_person(db, _as_friend(own, new.keys))
            return _known(peer_sql.peer(db, name), name)

        return await self._changed(await self._submit_lasting(job))

    async def offer(self, username: str, keys: PublicKeys) -> Peer:
        """Record keys that a peer was seen with in the directory. Pinned keys stay in use.

        The keys that the user has rejected are ignored: anyone may write them there again.
        """
        _check(keys)

        def job(db: sql.Connection) -> tuple[Peer, bool]:
            known = _known(peer_sql.peer(db, username), username)
            offered = None if keys in (known.keys, known.rejected) else keys
            if offered == known.offered:
                return known, False
            new = _with_offered(known, offered)
            peer_sql.save_peer(db, new)
            return new, True

        found, is_new = await self._submit_lasting(job)
        return await self._changed(found) if is_new else found

    async def offered_keys(self, username: str, own: PublicKeys, digits: str) -> PublicKeys:
        """Return the offered keys of a peer, for ``decide``.

        Raises ``Invalid`` if ``digits`` are not their fingerprint, and ``Conflict`` if there are none.
        """
        offered = _offered(await self.get(username))
        await _compare(own, offered, digits, f"the new keys of {username}")
        return offered

    async def decide(self, username: str, *, accept: bool, shown: PublicKeys | None = None) -> Peer:
        """Accept the offered keys, which are not verified, or reject them. Accepted ones are used for what waits.
        Rejected ones are not offered by the directory again, until other keys are.

        ``shown`` are the keys that the user has decided about: others may have been offered since. Raises
        ``Conflict`` if they are not the offered ones, or none are offered.
        """
        now = self._clock.wall()

        def job(db: sql.Connection) -> Peer:
            known = _known(peer_sql.peer(db, username), username)
            offered = _offered(known)
            if shown and offered != shown:
                raise Conflict(
                    f"The keys offered for {username} have just changed, so nothing was accepted or rejected. "
                    "Compare the new fingerprint."
                )
            new = replace(known, offered=None, rejected=offered)
            if accept:
                new = replace(new, keys=offered, rejected=None, verified=False)
                peer_sql.send_again(db, username, now)
            peer_sql.save_peer(db, new)
            return new

        return await self._changed(await self._submit_lasting(job))

    async def verify(self, username: str, own: PublicKeys, digits: str, *, verified: bool = True) -> Peer:
        """Store whether the user has compared the fingerprint. Raises ``Invalid`` if ``digits`` differ from it.

        Empty ``digits`` are not compared.
        """
        known = await self.get(username)
        if digits:
            await _compare(own, known.keys, digits, username)

        def job(db: sql.Connection) -> Peer:
            now = _known(peer_sql.peer(db, username), username)
            if now.keys != known.keys:
                raise Conflict(f"The keys of {username} have just changed. Compare the new fingerprint.")
            peer_sql.save_peer(db, replace(now, verified=verified))
            return replace(now, verified=verified)

        return await self._changed(await self._submit_lasting(job))

    async def forget(self, username: str) -> None:
        """Delete a peer, its pinned keys, and its items in the outbox. The messages are kept."""

        def job(db: sql.Connection) -> None:
            _known(peer_sql.peer(db, username), username)
            peer_sql.forget_peer(db, username)

        await self._submit_lasting(job)
        await self._changed(None)

    async def erase(self) -> None:
        """Delete all peers, the outbox and the ids in the inbox. The messages are kept."""
        await self._submit_lasting(peer_sql.erase)
        await self._changed(None)

    async def _changed(self, result: T) -> T:
        await self.read()
        await self._friends.friends_changed()
        self.changed.emit(None)
        if isinstance(result, Peer) and result.offered:
            self.offered.emit(result)
        return result

    # inbox

    async def receive(self, data: MessageData, digests: Sequence[str], ip: str) -> MessageData | None:
        """Store a verified message of a peer. Return it as it was stored; None if it is a duplicate.

        ``digests`` are hashes of its content; the first one is recorded. ``ip`` is where it came from, or empty.
        The message gets another id if its own is already in use: an attacker may have used it first, to suppress
        this message.
        """
        now = self._clock.wall()
        return await self._submit_lasting(lambda db: peer_sql.receive(db, data, digests, ip, now))

    async def note_address(self, username: str, ip: str) -> None:
        """Store the address with which a peer is registered in the directory, if it is a valid one.

        It does not replace the address of the peer's last verified frame, because anyone may have written it.
        """
        if is_host(ip):
            await self._submit_lasting(lambda db: peer_sql.store_registered_ip(db, username, ip))
            self._registered[username] = ip

    async def newest_received(self, sender: str, msg_id: str) -> str | None:
        """Return the ID of the newest message that was received from a peer, not fired, up to one, or None."""
        return await self._submit(lambda db: peer_sql.newest_received(db, sender, msg_id))

    async def note_notice(self, sender: str, notice: StoredNotice, digest: str, ip: str) -> str | None:
        """Record a verified notice of a peer, and change the chat state as it says, in one transaction.

        Return a note for its row; None if it is a duplicate, which changes nothing.
        """
        now = self._clock.wall()

        def job(db: sql.Connection) -> str | None:
            if not peer_sql.note_arrival(db, sender, f"notice {notice.id}", digest, now):  # not a message's id
                return None
            if ip:
                peer_sql.note_frame(db, sender, ip, now)
            return _confirm(db, sender, notice) if isinstance(notice, Receipt) else _react(db, sender, notice)

        note = await self._submit_lasting(job)
        if note is not None:
            await self._friends.friends_changed()
        return note

    # outbox

    async def waiting(self, peer: str, limit: int, *, notices: bool = False) -> list[Waiting]:
        """Return the messages, or the notices, to send to a peer, oldest first: those not written yet or due."""
        now = self._clock.wall()
        return await self._submit_lasting(lambda db: peer_sql.waiting(db, peer, now, limit, notices=notices))

    async def delivery_state(self, msg_id: str) -> tuple[Place, MessageData | None]:
        """Return where a message was put, and the message; None if it was deleted."""
        return await self._submit_lasting(lambda db: (peer_sql.place(db, msg_id), sql.message(db, msg_id)))

    async def is_waiting(self, id_: str) -> bool:
        """Return whether an item is still in the outbox: it may have been deleted, replaced or confirmed."""
        return await self._submit_lasting(lambda db: peer_sql.is_waiting(db, id_))

    async def enqueue_notice(self, peer: str, notice: StoredNotice) -> bool:
        """Add a notice to the outbox for a peer. Return False if the same receipt waits already."""
        add = peer_sql.enqueue_receipt if isinstance(notice, Receipt) else peer_sql.enqueue_reaction
        text, now = msgspec.json.encode(notice).decode(), self._clock.wall()
        return await self._submit(lambda db: add(db, notice.id, peer, now, text))

    async def due(self, limit: int, *, notices: bool = False) -> list[str]:
        """Return the friends with an item that is due and among the ``limit`` oldest ones of ``waiting``."""
        now = self._clock.wall()
        return await self._submit(lambda db: peer_sql.due(db, now, limit, notices=notices))

    async def note_acknowledged(self, peer: str) -> None:
        """Record that a peer has just acknowledged something: it is active, and acknowledges what it receives."""
        now = self._clock.wall()
        await self._submit(lambda db: peer_sql.note_acknowledged(db, peer, now))

    async def done(self, id_: str, *, delivered: bool) -> None:
        """Remove an item from the outbox, and store that its message was sent directly."""
        await self._submit(lambda db: peer_sql.done(db, id_, delivered=delivered, method="direct"))

    async def note_queued(self, id_: str, keys: PublicKeys) -> bool:
        """Remove a message from the outbox that was encrypted for ``keys``, and put into the offline queue.

        Return False, without a change, if its peer has other keys now, for which it is to be sent again.
        """
        return await self._submit_lasting(lambda db: peer_sql.note_queued(db, id_, keys))

    async def postpone(self, ids: list[str], seconds: float, *, method: str = "") -> None:
        """Try items again after some seconds. ``method`` is how their messages were sent without confirmation."""
        next_at = self._clock.wall() + seconds

        def job(db: sql.Connection) -> None:
            for id_ in ids:
                peer_sql.postpone(db, id_, next_at)
                if method:
                    peer_sql.note_written(db, id_, method)

        await self._submit(job)


def _confirm(db: sql.Connection, sender: str, receipt: Receipt) -> str:
    confirmed = peer_sql.confirm_until(db, sender, receipt.msg_id)
    more = f"; {confirmed:,} of them were not confirmed before" if confirmed else ""
    return f"{sender} has read the messages up to {receipt.msg_id}{more}"


def _react(db: sql.Connection, sender: str, reaction: PeerReaction) -> str:
    message = sql.message(db, reaction.msg_id)
    if message is None and peer_sql.note_early_reaction(
        db, sender, reaction.msg_id, reaction.emoji, present=reaction.present
    ):
        # The message may also be one of the user's own, which was deleted here.
        note = f"a reaction to the message {reaction.msg_id}, which is not here; "
        return note + ("it is kept in case the message arrives" if reaction.present else "it was removed again")
    if message is None or sender not in (message["from"], message["to"]):
        return f"a reaction to the message {reaction.msg_id}, which is not in this chat"
    try:
        after = changed_reactions(message, reaction.emoji, sender, present=reaction.present)
    except Conflict:
        return f"a reaction that is not stored: {sender} already has {MAX_REACTIONS} to this message"
    if after is not None:
        sql.set_reactions(db, reaction.msg_id, after)
    return f"{sender} {'added' if reaction.present else 'removed'} a reaction; reload your UI to see it"


def _as_friend(person: Person, keys: PublicKeys) -> Person:
    """Return a friend with these keys, and without the behaviour of a persona."""
    encoded = keys.as_json()
    return replace(person, **encoded, is_friend=True, auto_reply=False, pinned=False)


async def _compare(own: PublicKeys, keys: PublicKeys, digits: str, owner: str) -> None:
    """Raise ``Invalid`` if ``digits`` are not the fingerprint of ``keys``, which are those of ``owner``."""
    expected = await asyncio.to_thread(fingerprint, own, keys)
    if "".join(digits.split()).replace("-", "") != expected.replace(" ", ""):
        raise Invalid(
            f"This is not the fingerprint of {owner}, so nothing was changed. "
            "Compare it again; if it differs, the keys are not the ones that your friend uses."
        )


def _check(keys: PublicKeys) -> None:
    try:
        keys.check_usable()
    except InvalidKeys as error:
        raise Invalid(f"{error}.") from None


def _offered(peer: Peer) -> PublicKeys:
    if peer.offered is None:
        raise Conflict(f"The keys of {peer.username} have not changed, so there is nothing to accept or reject.")
    return peer.offered


def _with_offered(peer: Peer, offered: PublicKeys | None) -> Peer:
    """Return a peer with other offered keys. If there are any, those that were rejected are forgotten."""
    return replace(peer, offered=offered, rejected=None if offered else peer.rejected)


def _known(found: Peer | None, username: str) -> Peer:
    if found is None:
        raise NotFound(f"There is no peer {username[:80]!r}.")
    return found
