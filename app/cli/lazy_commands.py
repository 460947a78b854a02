"""Import the module of a subcommand when it is used, so that no command waits for the modules of the others.
``LazyGroup`` is a group of commands for Typer. In addition to those that Typer gives it, it has the commands of its
table ``subcommands``. Its help, and the completion of a command's name, import all of them.
"""

import os
from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.core import TyperGroup
from typer.main import get_group
from typing_extensions import override


class Subcommand(NamedTuple):
    """A command that is a function, or a group of commands that is a ``Typer``."""

    name: str
    module: str
    attribute: str
    short_help: str

    def load(self) -> Any:
        """Import the module, and return the command."""
        found = getattr(import_module(self.module), self.attribute)
        parent = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
        if isinstance(found, typer.Typer):
            parent.add_typer(found, name=self.name, short_help=self.short_help)
        else:
            parent.command(self.name, short_help=self.short_help)(found)
        return get_group(parent).commands[self.name]


class LazyCommands(MutableMapping[str, Any]):
    """Commands by name: ``others``, then those of ``subcommands``, each of which is loaded when it is read."""

    def __init__(self, subcommands: Mapping[str, Subcommand], others: Mapping[str, Any]) -> None:
        self._subcommands = subcommands
        self._loaded: dict[str, Any] = dict(others)
        self._names = dict.fromkeys([*others, *subcommands])

    @override
    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._loaded:
            self._loaded[name] = self._subcommands[name].load()
        return self._loaded[name]

    @override
    def __setitem__(self, name: str, command: Any) -> None:
        self._loaded[name] = command
        self._names[name] = None

    @override
    def __delitem__(self, name: str) -> None:
        del self._names[name]
        self._loaded.pop(name, None)

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    @override
    def __len__(self) -> int:
        return len(self._names)


class LazyGroup(TyperGroup):
    """The group of all commands. Set ``subcommands`` in a subclass."""

    subcommands: tuple[Subcommand, ...] = ()

    def __init__(self, *, commands: Mapping[str, Any] | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.commands = LazyCommands({each.name: each for each in self.subcommands}, commands or {})

    @override
    def _main_shell_completion(self, *args: Any, **options: Any) -> None:
        """Print completions and end the program, if the shell asks for them."""
        if "_COMPANION_COMPLETE" in os.environ:
            from app.cli.completion_quotes import use_quotes

            use_quotes()
        super()._main_shell_completion(*args, **options)
