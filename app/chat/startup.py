"""Open the chat state at start, with the presence of friends brought up to date."""

from app.chat.service import ChatService
from app.protocol.errors import StorageError


async def open_chat_state(chat: ChatService, warnings: list[str], *, presence_decays: bool) -> None:
    """Open the stored state and read the friends.

    A state that was opened but cannot be read adds a sentence to ``warnings``: the program starts all the same.
    ``presence_decays`` lets friends go offline whose last activity was long before this start.
    """
    await chat.store.open()
    try:
        if presence_decays:
            await chat.store.expire_presence()
        await chat.conversations()
    except StorageError as error:
        warnings.append(f"{error}.")
