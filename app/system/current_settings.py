"""The settings in use: check and save changes, and call the parts of the program that react to a change."""

from collections.abc import Awaitable, Callable, Collection

from app.system.settings import InvalidSettings, Settings, change_problems

Reaction = Callable[[Settings, Settings], Awaitable[object] | None]
"""Called with the settings before and after a change. What it returns is awaited before the next one is called."""


class CurrentSettings:
    """Holds the settings in use. Components register a reaction for each setting they cannot simply read."""

    def __init__(self, values: Settings) -> None:
        self.values = values
        self.write: Callable[[Settings], object] | None = None
        """Writes the settings file; None keeps changes in memory. May raise ``InvalidSettings`` and ``OSError``."""
        self._reactions: list[tuple[Reaction, tuple[str, ...]]] = []

    def on_change(self, reaction: Reaction, *keys: str) -> None:
        """Register a reaction to changes of the named settings, or to every call of ``use`` if none is named."""
        self._reactions.append((reaction, keys))

    def save(self, values: Settings, friends: Collection[str]) -> None:
        """Check changed settings and write them to the file. ``use`` takes them into use.

        Raise ``InvalidSettings`` or ``OSError``; nothing has changed then. The local user must not be one of
        ``friends``.
        """
        if errors := change_problems(self.values, values, friends):
            raise InvalidSettings(errors)
        if self.write:
            self.write(values)

    async def change(self, change: Callable[[Settings], Settings], friends: Collection[str]) -> None:
        """Change settings, save them and take them into use. Raise ``InvalidSettings`` or ``OSError``."""
        values = change(self.values)
        self.save(values, friends)
        await self.use(values)

    async def use(self, values: Settings) -> None:
        """Take settings into use: call the reactions one after the other, in the order of registration."""
        before, self.values = self.values, values
        for reaction, keys in self._reactions:
            if not keys or any(getattr(before, key) != getattr(values, key) for key in keys):
                result = reaction(before, values)
                if result is not None:
                    await result
