"""Open the chat state when the program starts, and update the presence of the friends."""

from app.chat.service import ChatService
from app.protocol.errors import StorageError


async def open_chat_state(chat: ChatService, warnings: list[str], *, presence_decays: bool) -> None:
    """Open the stored state and read the friends.

    If the state can be opened but not read, a sentence is added to ``warnings``, and the program starts
    nevertheless. ``presence_decays`` switches friends offline whose last activity was too long ago.
    """
    await chat.store.open()
    try:
        if presence_decays:
            await chat.store.expire_presence()
        await chat.conversations()
    except StorageError as error:
        warnings.append(f"{error}.")
