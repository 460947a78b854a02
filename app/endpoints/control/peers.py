"""Control API operations on peers, people with a companion of their own, and on the user's keys: list, add, verify
and forget peers, accept or reject their changed keys; show, replace, export and import the user's keys; erase all.

No response contains a secret key: they are exported to, and imported from, files on this machine.
"""

import asyncio
from contextlib import suppress
from http import HTTPStatus

from app.endpoints.control import peer_shapes as shapes
from app.endpoints.control.operations import Call, Operations, Scope, absolute, operation
from app.protocol.errors import Conflict, Invalid, StorageError
from app.protocol.peers.errors import InvalidKeys
from app.protocol.peers.keys import Identity, PublicKeys
from app.protocol.peers.peer import Peer

CONFLICT = (HTTPStatus.CONFLICT,)
ERRORS = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)


class PeerOperations(Operations):
    """The operations under ``/v1/peers``."""

    @operation("GET", "/v1/peers", scope=Scope.AGENT, answer=shapes.PeerList)
    async def list_peers(self, _: Call) -> shapes.PeerList:
        """List the peers with their keys and fingerprints."""
        server, peers = self._service.peer_server, await self._service.peers.all()
        own = await self._own_public() if peers else None
        return shapes.PeerList(
            peers=[await asyncio.to_thread(shapes.peer_info, each, own) for each in peers],
            listening=server.listening,
            port=server.port,
        )

    @operation("POST", "/v1/peers", scope=Scope.FULL, body=shapes.PeerBody, answer=shapes.PeerInfo, errors=ERRORS)
    async def add_peer(self, call: Call) -> shapes.PeerInfo:
        """Add a peer and pin its keys, or change the address of a known one.

        Other keys for a known peer are not used until they are accepted.
        """
        body: shapes.PeerBody = call.body
        keys = None
        if body.public_key is not None or body.signing_key is not None:
            if body.public_key is None or body.signing_key is None:
                raise Invalid("One of the keys is missing. Give public_key and signing_key, or neither of them.")
            try:
                keys = PublicKeys.parse(body.public_key, body.signing_key)
            except InvalidKeys as error:
                raise Invalid(f"{error}.") from None
            if await self._own_public() == keys:
                raise Conflict("These are your own keys. Add those of your friend.")
        return await self._peer_info(await self._service.peers.add(body.username, keys, body.address))

    @operation("DELETE", "/v1/peers/{name}", scope=Scope.FULL, errors=ERRORS)
    async def forget_peer(self, call: Call) -> None:
        """Forget a peer and its pinned keys. Its messages stay."""
        await self._service.peers.forget(call.path["name"])

    @operation("PUT", "/v1/peers/{name}/verified", scope=Scope.FULL, body=shapes.VerifiedBody,
               answer=shapes.PeerInfo, errors=ERRORS)  # fmt: skip
    async def verify_peer(self, call: Call) -> shapes.PeerInfo:
        """Store that the fingerprint of a peer was compared, or that it was not."""
        own = await self._service.identity.load()
        body: shapes.VerifiedBody = call.body
        return await self._peer_info(
            await self._service.peers.verify(
                call.path["name"], own.public, body.fingerprint, verified=body.verified
            )
        )

    @operation("PUT", "/v1/peers/{name}/keys", scope=Scope.FULL, body=shapes.DecisionBody, answer=shapes.PeerInfo,
               errors=ERRORS)  # fmt: skip
    async def decide_keys(self, call: Call) -> shapes.PeerInfo:
        """Accept the changed keys of a peer, or reject them."""
        name, peers = call.path["name"], self._service.peers
        body: shapes.DecisionBody = call.body
        shown = None
        if body.fingerprint:
            own = await self._service.identity.load()
            shown = await peers.offered_keys(name, own.public, body.fingerprint)
        return await self._peer_info(await peers.decide(name, accept=body.accept, shown=shown))

    @operation("DELETE", "/v1/peers", scope=Scope.FULL, errors=CONFLICT)
    async def erase_peers(self, _: Call) -> None:
        """Switch peers off; delete all peers, their queued messages, and your own keys. Chats stay."""
        await self._service.switchable_sources.look_up("peers").delete_data(remote=False)

    @operation("GET", "/v1/peers/key", scope=Scope.AGENT, answer=shapes.OwnKeys, errors=CONFLICT)
    async def own_keys(self, _: Call) -> shapes.OwnKeys:
        """Return your own public keys and node id."""
        return self._own(await self._service.identity.load())

    @operation("POST", "/v1/peers/key/rotate", scope=Scope.FULL, answer=shapes.OwnKeys, errors=CONFLICT)
    async def rotate_keys(self, _: Call) -> shapes.OwnKeys:
        """Replace your keys with new ones. Your friends refuse the new keys until they accept them."""
        return self._own(await self._service.identity.rotate())

    @operation("POST", "/v1/peers/key/export", scope=Scope.FULL, body=shapes.ExportBody, answer=shapes.Written,
               errors=CONFLICT)  # fmt: skip
    async def export_keys(self, call: Call) -> shapes.Written:
        """Write your secret keys to a new file that only you can read."""
        file = absolute(call.body.file)
        await self._service.identity.export(file, call.body.shape)
        return shapes.Written(file=str(file))

    @operation("POST", "/v1/peers/key/import", scope=Scope.FULL, body=shapes.RestoreBody, answer=shapes.OwnKeys,
               errors=CONFLICT)  # fmt: skip
    async def import_keys(self, call: Call) -> shapes.OwnKeys:
        """Use the secret keys in a file, such as a backup."""
        body: shapes.RestoreBody = call.body
        return self._own(await self._service.identity.restore(absolute(body.file), replace=body.replace))

    def _own(self, identity: Identity) -> shapes.OwnKeys:
        return shapes.own_keys(self._service.settings.username, identity)

    async def _peer_info(self, peer: Peer) -> shapes.PeerInfo:
        return await asyncio.to_thread(shapes.peer_info, peer, await self._own_public())

    async def _own_public(self) -> PublicKeys | None:
        """Return the user's public keys, or None if there are none or they cannot be read now."""
        with suppress(Conflict, StorageError):
            return (await self._service.identity.load()).public
        return None
