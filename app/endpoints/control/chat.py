"""Control API operations on the personas and messages of the chat state: list, add, change and remove personas;
list and delete messages, mark them as delivered, add and remove reactions. ``firing`` sends new messages.

A persona is a chat user that the companion simulates and the developer plays. The list of personas also contains
peers, which are friends with a companion of their own.
"""

from http import HTTPStatus
from typing import Any

from msgspec import UNSET

from app.endpoints.control import chat_shapes as shapes
from app.endpoints.control.operations import Call, Operations, Scope, operation
from app.hub.target import ALL
from app.protocol.backend import Person
from app.protocol.envelope import Envelope
from app.protocol.errors import Forbidden, NotFound

PEER_FRIEND = (
    "The agent token cannot change whether a peer is your friend, because messages that wait for the peer would be "
    "sent. Use the main token."
)


class ChatOperations(Operations):
    """List, add, change and remove personas; list, change and delete messages. The room *Chats* can do the same."""

    @operation("GET", "/v1/personas", scope=Scope.AGENT, answer=list[shapes.PersonaInfo])
    async def list_personas(self, _: Call) -> list[shapes.PersonaInfo]:
        """List the personas by name, friends or not."""
        return [self._persona_info(each) for each in await self._service.chat.store.people()]

    @operation("POST", "/v1/personas", scope=Scope.AGENT, body=shapes.PersonaBody, answer=shapes.PersonaInfo,
               errors=(HTTPStatus.CONFLICT,))  # fmt: skip
    async def add_persona(self, call: Call) -> shapes.PersonaInfo:
        """Add a persona."""
        body: shapes.PersonaBody = call.body
        return self._persona_info(await self._service.chat.add_person(body.username, is_friend=body.is_friend))

    @operation("PATCH", "/v1/personas/{name}", scope=Scope.AGENT, body=shapes.PersonaChange,
               answer=shapes.PersonaInfo, errors=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT))  # fmt: skip
    async def change_persona(self, call: Call) -> shapes.PersonaInfo:
        """Rename a persona, or change its friendship, presence or behaviour."""
        chat, body = self._service.chat, call.body
        person = await self._persona(call.path["name"])
        name = person.username
        if call.by_agent and person.is_peer and body.is_friend is not UNSET and body.is_friend != person.is_friend:
            raise Forbidden(PEER_FRIEND)
        if body.username is not UNSET and body.username.strip() != name:
            await chat.rename_person(name, body.username)  # first: if this fails, nothing else has changed
            name = body.username.strip()
        if body.is_friend is not UNSET and body.is_friend != person.is_friend:
            await (chat.add_friend(name, look_up=False) if body.is_friend else chat.remove_friend(name))
        flags = {"auto_reply": body.auto_reply, "pinned": body.stay_online}
        if changes := {flag: on for flag, on in flags.items() if on is not UNSET}:
            await chat.change_person(name, **changes)
        if body.online is not UNSET and body.online != (await self._persona(name)).online:
            event = Envelope("friend_online" if body.online else "friend_offline", {"username": name})
            await self._service.fire_built_in(event, to=ALL, origin=call.origin)
        return self._persona_info(await self._persona(name))

    @operation("DELETE", "/v1/personas/{name}", scope=Scope.AGENT, errors=(HTTPStatus.NOT_FOUND,))
    async def remove_persona(self, call: Call) -> None:
        """Remove a persona. Its messages stay."""
        await self._service.chat.remove_person(call.path["name"])

    def _persona_info(self, person: Person) -> shapes.PersonaInfo:
        return shapes.persona_info(person, ui_typing=self._service.chat.ui_typing.is_typing(person.username))

    async def _persona(self, name: str) -> Person:
        for each in await self._service.chat.store.people():
            if each.username == name:
                return each
        raise NotFound(f"There is no persona {name[:80]!r}.")

    @operation("GET", "/v1/messages", scope=Scope.AGENT, query=shapes.MessagesQuery, answer=shapes.MessagePage)
    async def list_messages(self, call: Call) -> shapes.MessagePage:
        """Return messages of a chat, oldest first."""
        query: shapes.MessagesQuery = call.query
        messages, total = await self._service.chat.store.page(query.peer, query.limit, query.offset)
        return shapes.MessagePage(messages=messages, total=total)

    @operation("PATCH", "/v1/messages/{msg_id}", scope=Scope.AGENT, body=shapes.DeliveredBody,
               answer=dict[str, Any], errors=(HTTPStatus.NOT_FOUND,))  # fmt: skip
    async def mark_delivered(self, call: Call) -> dict[str, Any]:
        """Mark a waiting message as delivered."""
        return await self._service.chat.set_delivered(call.path["msg_id"])

    @operation("PUT", "/v1/messages/{msg_id}/reactions", scope=Scope.AGENT, body=shapes.ReactionBody,
               answer=dict[str, Any], errors=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT))  # fmt: skip
    async def add_reaction(self, call: Call) -> dict[str, Any]:
        """Add a user's reaction to a message."""
        return await self._react(call, call.body.emoji, call.body.by, present=True)

    @operation("DELETE", "/v1/messages/{msg_id}/reactions", scope=Scope.AGENT, query=shapes.ReactionQuery,
               answer=dict[str, Any], errors=(HTTPStatus.NOT_FOUND,))  # fmt: skip
    async def remove_reaction(self, call: Call) -> dict[str, Any]:
        """Remove a user's reaction from a message."""
        return await self._react(call, call.query.emoji, call.query.by, present=False)

    async def _react(self, call: Call, emoji: str, by: str, *, present: bool) -> dict[str, Any]:
        if present and by != self._service.settings.username:
            await self._persona(by)
        return await self._service.chat.react(
            call.path["msg_id"], emoji, by, present=present, to_peers=not call.by_agent
        )

    @operation("DELETE", "/v1/messages/{msg_id}", scope=Scope.AGENT, errors=(HTTPStatus.NOT_FOUND,))
    async def delete_message(self, call: Call) -> None:
        """Delete a message."""
        await self._service.chat.delete_message(call.path["msg_id"])
