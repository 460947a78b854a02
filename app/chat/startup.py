"""Open the chat state and read the friends: when the companion starts, and for ``companion state`` if none runs.
If the setting ``presence_decays`` is on, inactive friends are first switched offline. (Once here;
``chat.service`` does it periodically while the companion runs.) Problems that do not prevent the start become
warnings, as does a local user with the name of a friend. ``read_chat_state_later`` tries again what has failed.
"""

import asyncio
from collections.abc import Callable

from app.chat.service import ChatService
from app.protocol.errors import StorageError

RETRY_S = 5.0
"""Time between attempts to read the chat state, for example while another program has locked its file."""


async def open_chat_state(chat: ChatService, warnings: list[str], *, presence_decays: bool) -> str:
    """Open the stored state and read the friends.

    If the state can be opened but not read, add a sentence to ``warnings``, and return it; otherwise return ``""``.
    Also add a sentence if the local user is one of the friends. ``presence_decays`` switches friends offline
    who have been inactive for too long.
    """
    await chat.store.open()
    if warning := await _read(chat, presence_decays):
        warnings.append(warning)
    elif chat.name_conflict:
        warnings.append(chat.name_conflict)
    return warning


async def read_chat_state_later(
    chat: ChatService,
    warnings: list[str],
    warning: str,
    announce: Callable[[], None],
    presence_decays: Callable[[], bool],
) -> None:
    """Read the friends, after ``open_chat_state`` returned ``warning``; then remove it, and call ``announce``.

    Do nothing if it is empty.
    """
    if not warning:
        return
    while True:
        await asyncio.sleep(RETRY_S)
        if not await _read(chat, presence_decays()):
            break
    warnings.remove(warning)
    if chat.name_conflict:
        warnings.append(chat.name_conflict)
    chat.changed.emit(None)
    announce()


async def _read(chat: ChatService, presence_decays: bool) -> str:
    """Fill a state that was never used, and read the friends. Return a sentence if that has failed."""
    step = "The chat state could not be read"
    try:
        if await chat.store.is_unused():
            step = "The default personas could not be stored"
            await chat.store.fill()
        if presence_decays:
            step = "The presence of the friends could not be updated"
            await chat.store.expire_presence()
        step = "The friends could not be read"
        await chat.conversations()
    except StorageError as error:
        return f"{step}: {error}."
    return ""
