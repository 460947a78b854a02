"""The user's own keys, for encrypted messages with peers: created when they are first needed, exported, imported,
replaced and deleted. ``system.peer_keys`` stores them in the system's keyring or in a private file.

No method returns a secret as text, and no error contains one.
"""

import asyncio
from pathlib import Path

from app.hub.signals import Signal
from app.protocol.errors import Conflict, Invalid, StorageError
from app.protocol.peers.errors import InvalidKeys
from app.protocol.peers.fingerprint import fingerprint
from app.protocol.peers.keys import Identity, PublicKeys, Shape
from app.system.files import read_text, reason, write_file
from app.system.peer_keys import MAX_BYTES, PeerKeysError, PeerKeysStore

NO_KEYS = "There are no keys yet. They are created when peers are first switched on."


class PeerIdentity:
    """The keys in use. Methods raise ``RequestError``, and ``StorageError`` if keys cannot be read or stored."""

    def __init__(self, file: Path | None) -> None:
        """``file`` is where the keys are stored if there is no keyring; None keeps them in memory."""
        self._store = PeerKeysStore(file) if file else None
        self._lock = asyncio.Lock()
        self.current: Identity | None = None
        """The keys, after ``obtain`` or ``load``."""
        self.kept_in = ""
        """Where the keys were stored in this run, as a phrase; empty if they were not."""
        self.changed: Signal[None] = Signal()
        """Emitted when there are keys now, or other keys."""

    @property
    def node_id(self) -> str:
        """The node id, or an empty text if there are no keys in use."""
        return self.current.node_id if self.current else ""

    async def obtain(self) -> Identity:
        """Return the keys. Create and store them if there are none."""
        async with self._lock:
            found = await self._load()
            return found or await self._use(await asyncio.to_thread(Identity.generate))

    async def load(self) -> Identity:
        """Return the keys. Raises ``Conflict`` if there are none."""
        async with self._lock:
            return await self._existing()

    async def exist(self) -> bool:
        """Return whether there are keys, also if they cannot be read."""
        async with self._lock:
            try:
                return await self._load() is not None
            except StorageError:
                return True

    async def fingerprints_with(self, *keys: PublicKeys) -> list[str]:
        """Return the fingerprint of the keys in use with each given key. Raises ``Conflict`` if there are none."""
        own = (await self.load()).public
        return await asyncio.to_thread(lambda: [fingerprint(own, each) for each in keys])

    async def rotate(self) -> Identity:
        """Replace the keys with new ones. The node id stays. The old keys are lost unless they were exported."""
        async with self._lock:  # keys that are being deleted must not come back
            before = await self._existing()
            return await self._use(await asyncio.to_thread(before.rotated))

    async def export(self, file: Path, shape: Shape) -> None:
        """Write the secret keys to a new private file. Raises ``Conflict`` if the file exists."""
        identity = await self.load()

        def write() -> None:
            if file.exists():
                raise Conflict(f"{file} exists already. Choose another name.")
            write_file(file, identity.to_json(shape) + "\n")

        try:
            await asyncio.to_thread(write)
        except OSError as error:
            raise Invalid(f"{file} cannot be written: {reason(error)}.") from None

    async def restore(self, file: Path, *, replace: bool) -> Identity:
        """Use the keys in a file. Raises ``Conflict`` if there are keys and ``replace`` is False."""
        try:
            text = await asyncio.to_thread(read_text, file, MAX_BYTES)
        except (OSError, UnicodeDecodeError) as error:
            raise Invalid(f"{file} cannot be read: {reason(error)}.") from None
        async with self._lock:
            try:
                before = await self._load()
            except StorageError:
                if not replace:
                    raise
                before = None
            try:
                restored = Identity.from_json(text, before.node_id if before else "")
            except InvalidKeys as error:
                raise Invalid(f"{file} has no usable keys: {error}.") from None
            if before and not replace:
                raise Conflict("You have keys already, which would be lost. Export them first, then use --replace.")
            return await self._use(restored)

    async def erase(self) -> None:
        """Delete the keys. Nothing that was encrypted for them can be read afterwards."""
        async with self._lock:
            try:
                if self._store:
                    await self._store.delete()
            except PeerKeysError as error:
                raise StorageError(str(error).removesuffix(".")) from None
            self.current, self.kept_in = None, ""
        self.changed.emit(None)

    async def _existing(self) -> Identity:
        found = await self._load()
        if found is None:
            raise Conflict(NO_KEYS)
        return found

    async def _load(self) -> Identity | None:
        if self.current or not self._store:
            return self.current
        try:
            text = await self._store.load()
            self.current = Identity.from_json(text) if text is not None else None
        except PeerKeysError as error:
            raise StorageError(str(error).removesuffix(".")) from None
        except InvalidKeys as error:
            raise StorageError(f"the stored keys for peers are damaged ({error}); import a backup") from None
        return self.current

    async def _use(self, identity: Identity) -> Identity:
        """Store keys, then use them."""
        if self._store:
            try:
                self.kept_in = await self._store.store(identity.to_json())
            except PeerKeysError as error:
                raise StorageError(str(error).removesuffix(".")) from None
        self.current = identity
        self.changed.emit(None)
        return identity
