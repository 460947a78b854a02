"""Control API operations on sources that the user switches on and off: Supabase, and peers over TCP.
A source fires events by itself; these two get them from other computers. The operations list the sources, return
the state of one, switch it, test its connection, or switch it off and delete its data. Others store and delete the
API key of Supabase (a web service with a directory of users and a queue of messages), or return where it is kept.
"""

from http import HTTPStatus

from app.endpoints.control import source_shapes as shapes
from app.endpoints.control.operations import Call, Operations, Scope, operation
from app.hub.switchable import Switchable

NOT_FOUND = (HTTPStatus.NOT_FOUND,)
DELETE_ERRORS = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.BAD_GATEWAY)


class SourceOperations(Operations):
    """The operations under ``/v1/sources``. What changes settings or contacts another host needs the main token."""

    @operation("GET", "/v1/sources", scope=Scope.AGENT, answer=list[shapes.SourceInfo])
    async def list_sources(self, _: Call) -> list[shapes.SourceInfo]:
        """List the sources that can be switched on, with their state."""
        return [shapes.source_info(each) for each in self._service.switchable_sources]

    @operation("GET", "/v1/sources/{name}", scope=Scope.AGENT, answer=shapes.SourceInfo, errors=NOT_FOUND)
    async def show_source(self, call: Call) -> shapes.SourceInfo:
        """Return the state of a source."""
        return shapes.source_info(self._source(call))

    @operation("POST", "/v1/sources/{name}/on", scope=Scope.FULL, answer=shapes.SourceInfo, errors=NOT_FOUND)
    async def switch_source_on(self, call: Call) -> shapes.SourceInfo:
        """Switch a source on, and save that in the settings. One that has failed tries again. See its state."""
        source = self._source(call)
        await source.switch(True)
        return shapes.source_info(source)

    @operation("POST", "/v1/sources/{name}/off", scope=Scope.FULL, answer=shapes.SourceInfo, errors=NOT_FOUND)
    async def switch_source_off(self, call: Call) -> shapes.SourceInfo:
        """Switch a source off, and save that in the settings."""
        source = self._source(call)
        await source.switch(False)
        return shapes.source_info(source)

    @operation("POST", "/v1/sources/{name}/test", scope=Scope.FULL, answer=shapes.SourceTest, errors=NOT_FOUND)
    async def test_source(self, call: Call) -> shapes.SourceTest:
        """Test the connection of a source, whether it is on or off. Nothing is changed."""
        result = await self._source(call).test()
        return shapes.SourceTest(ok=result.ok, text=result.text)

    @operation("PUT", "/v1/sources/supabase/key", scope=Scope.FULL, body=shapes.KeyBody, answer=shapes.KeyStored)
    async def set_supabase_key(self, call: Call) -> shapes.KeyStored:
        """Store the API key of the Supabase project in the keyring or in a private file."""
        return shapes.KeyStored(kept_in=await self._service.supabase.set_key(call.body.key))

    @operation("GET", "/v1/sources/supabase/key", scope=Scope.FULL, answer=shapes.KeyStored)
    async def show_supabase_key(self, _: Call) -> shapes.KeyStored:
        """Return where the API key of the Supabase project is kept, but never the key."""
        return shapes.KeyStored(kept_in=await self._service.supabase.key_place())

    @operation("DELETE", "/v1/sources/supabase/key", scope=Scope.FULL, answer=shapes.KeyStored)
    async def remove_supabase_key(self, _: Call) -> shapes.KeyStored:
        """Delete the stored API key of the Supabase project. A key in the environment stays in use."""
        return shapes.KeyStored(kept_in=await self._service.supabase.remove_key())

    @operation("DELETE", "/v1/sources/{name}/data", scope=Scope.FULL, query=shapes.DeleteQuery,
               answer=shapes.DataDeleted, errors=DELETE_ERRORS)  # fmt: skip
    async def delete_source_data(self, call: Call) -> shapes.DataDeleted:
        """Switch a source off, and delete its data: the project's key and address, or all peers and your keys."""
        return shapes.DataDeleted(text=await self._source(call).delete_data(remote=call.query.remote))

    def _source(self, call: Call) -> Switchable:
        return self._service.switchable_sources.look_up(call.path["name"])
