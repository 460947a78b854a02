"""Control API operations on WebSocket clients: list them, change their user, close their connections."""

from collections.abc import Iterable
from http import HTTPStatus

from app import usernames
from app.endpoints.control import client_shapes as shapes
from app.endpoints.control.operations import Call, Operations, Scope, number, operation
from app.hub.clients import Client
from app.protocol.close_codes import why_not_sendable
from app.protocol.errors import Invalid, NotFound


class ClientOperations(Operations):
    """The operations under ``/v1/clients``. The room *Clients* can do the same."""

    @operation("GET", "/v1/clients", scope=Scope.AGENT, answer=list[shapes.ClientInfo])
    async def clients(self, _: Call) -> list[shapes.ClientInfo]:
        """List the connected clients, oldest first."""
        return [self._client_info(each) for each in self._service.hub.clients]

    @operation("PATCH", "/v1/clients/{id}", scope=Scope.AGENT, body=shapes.IdentityBody, answer=shapes.ClientInfo,
               errors=(HTTPStatus.NOT_FOUND,))  # fmt: skip
    async def identify_client(self, call: Call) -> shapes.ClientInfo:
        """Change the user that a client acts as."""
        client = self._client(call)
        name = call.body.username.strip()
        if wrong := usernames.problem(name):
            raise Invalid(f"The user name {wrong}.")
        self._service.hub.identify(client, name)
        return self._client_info(client)

    @operation("DELETE", "/v1/clients/{id}", scope=Scope.AGENT, query=shapes.CloseQuery, answer=shapes.Dropped,
               errors=(HTTPStatus.NOT_FOUND,))  # fmt: skip
    async def close_client(self, call: Call) -> shapes.Dropped:
        """Close a client's connection with a close code, or abort it."""
        return _close([self._client(call)], call.query)

    @operation("POST", "/v1/clients/drop", scope=Scope.AGENT, query=shapes.CloseQuery, answer=shapes.Dropped)
    async def drop_clients(self, call: Call) -> shapes.Dropped:
        """Close the connections of all clients. The port stays open, so they can reconnect."""
        return _close(self._service.hub.clients, call.query)

    def _client_info(self, client: Client) -> shapes.ClientInfo:
        return shapes.client_info(client, self._service.client_activity)

    def _client(self, call: Call) -> Client:
        client_id = number(call.path["id"])
        client = None if client_id is None else self._service.hub.client(client_id)
        if client is None:
            raise NotFound(f"There is no client {call.path['id'][:40]}.")
        return client


def _close(clients: Iterable[Client], how: shapes.CloseQuery) -> shapes.Dropped:
    if reason := why_not_sendable(how.code):
        raise Invalid(reason)
    closed = list(clients)
    for client in closed:
        if how.abort:
            client.abort()
        else:
            client.close(how.code, how.reason)
    return shapes.Dropped(clients=[client.id for client in closed])
