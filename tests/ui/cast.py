"""Who is a friend in the chat state of a test."""

from app.companion import Companion


async def befriend_only(companion: Companion, *names: str) -> None:
    """Let these be the friends, and nobody else."""
    for name in companion.personas:
        await companion.chat.remove_friend(name)
    for name in names:
        await companion.chat.add_person(name, is_friend=True)
    await companion.chat.conversations()
