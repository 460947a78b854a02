"""Set the friends in the chat state of a test."""

from app.companion import Companion


async def set_friends(companion: Companion, *names: str) -> None:
    """Make exactly these people friends."""
    for name in companion.personas:
        await companion.chat.remove_friend(name)
    for name in names:
        await companion.chat.add_person(name, is_friend=True)
    await companion.chat.conversations()
