"""Open the chat state and read the friends: when the companion starts, and for ``companion state`` if none runs.
If the setting ``presence_decays`` is on, inactive friends are first switched offline. (Once here;
``chat.service`` does it periodically while the companion runs.) Problems that do not prevent the start become
warnings, as does a local user with the name of a friend.
"""

from app.chat.service import ChatService
from app.protocol.errors import StorageError


async def open_chat_state(chat: ChatService, warnings: list[str], *, presence_decays: bool) -> None:
    """Open the stored state and read the friends.

    Add a sentence to ``warnings`` if the state can be opened but not read (the program starts nevertheless), and
    if the local user is one of the friends. ``presence_decays`` switches friends offline who have been inactive for
    too long.
    """
    await chat.store.open()
    try:
        if presence_decays:
            await chat.store.expire_presence()
        await chat.conversations()
    except StorageError as error:
        warnings.append(f"{error}.")
    if chat.name_conflict:
        warnings.append(chat.name_conflict)
