"""The settings in use: check and save changes, or make them for this run only, and call the parts of the program
that react.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine
from typing import Any

from msgspec.structs import replace

from app.system.settings import Settings
from app.system.settings_checks import InvalidSettings, change_problems

Reaction = Callable[[Settings, Settings], Awaitable[object] | None]
"""Called with the settings before and after a change. What it returns is awaited before the next one is called."""


class CurrentSettings:
    """Holds the settings in use. Components register a reaction for each setting they cannot simply read."""

    def __init__(self, values: Settings) -> None:
        self.values = values
        self.write: Callable[[Settings, Collection[str]], object] | None = None
        """Writes the settings file, see ``SettingsFile.save``; None keeps changes in memory. May raise
        ``InvalidSettings`` and ``OSError``."""
        self._temporary: dict[str, tuple[Any, Any]] = {}
        """The settings of ``use_temporarily``: the value in use, and the value to write."""
        self._reacting = asyncio.Lock()
        self._reacted_to = values
        self._reactions: list[tuple[Reaction, tuple[str, ...]]] = []

    def on_change(self, reaction: Reaction, *keys: str) -> None:
        """Register a reaction to changes of the named settings, or to every call of ``use`` if none is named."""
        self._reactions.append((reaction, keys))

    def save(self, values: Settings, friends: Collection[str], whole: Collection[str] = ()) -> None:
        """Check changed settings and write them to the file. ``use`` takes them into use.

        The lists and tables that ``whole`` names replace those of the file, also if it was edited. The local user
        must not be one of ``friends``. Raise ``InvalidSettings`` or ``OSError``; nothing has changed then.
        """
        if errors := change_problems(self.values, values, friends):
            raise InvalidSettings(errors)
        temporary = {name: pair for name, pair in self._temporary.items() if getattr(values, name) == pair[0]}
        if self.write:
            self.write(replace(values, **{name: to_write for name, (_, to_write) in temporary.items()}), whole)
        self._temporary = temporary

    async def change(self, change: Callable[[Settings], Settings], friends: Collection[str]) -> None:
        """Change settings, save them and take them into use. Raise ``InvalidSettings`` or ``OSError``."""
        values = change(self.values)
        self.save(values, friends)
        await self.use(values)

    def use(self, values: Settings) -> Coroutine[Any, Any, None]:
        """Take settings into use at once, and return a coroutine that calls the reactions in their order.

        A change that is made before the coroutine runs is thus based on these values, and does not undo them.
        Reactions of two changes do not overlap: those of the second see what has changed since the first.
        """
        self.values = values
        return self._react()

    def use_temporarily(self, **changes: Any) -> Coroutine[Any, Any, None]:
        """Take changes into use as ``use`` does, for this run only.

        ``save`` does not write them, unless the user has changed the setting again.
        """
        for name, value in changes.items():
            _, to_write = self._temporary.get(name, (None, getattr(self.values, name)))
            self._temporary[name] = value, to_write
        return self.use(replace(self.values, **changes))

    async def _react(self) -> None:
        async with self._reacting:
            before, self._reacted_to = self._reacted_to, self.values
            after = self._reacted_to
            errors: list[Exception] = []
            for reaction, keys in self._reactions:
                if keys and all(getattr(before, key) == getattr(after, key) for key in keys):
                    continue
                try:
                    result = reaction(before, after)
                    if result is not None:
                        await result
                except Exception as error:  # the others must be called too: this is their only chance
                    errors.append(error)
            if errors:
                raise errors[0] if len(errors) == 1 else ExceptionGroup("several reactions failed", errors)
