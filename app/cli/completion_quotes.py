"""Quote completed values for bash and PowerShell, which insert them into the command line as they are.
A name can contain spaces and brackets. zsh and fish quote values themselves.
"""

import os
import re
from typing import Any

from typer._click.shell_completion import CompletionItem, add_completion_class
from typer._completion_classes import BashComplete, PowerShellComplete
from typing_extensions import override

_SPECIAL_IN_BASH = re.compile(r"[^\w@%+=:,./-]")
_PLAIN_IN_POWERSHELL = re.compile(r"[\w./:=+-]*")
_POWERSHELL_QUOTES = re.compile("['\u2018-\u201b]")


class QuotingBash(BashComplete):
    """Escapes values with backslashes, unless the user has begun the word with a quote."""

    @override
    def format_completion(self, item: CompletionItem) -> str:
        words = os.environ["COMP_WORDS"].split("\n")  # the script separates them with line breaks
        number = int(os.environ["COMP_CWORD"])
        is_quoted = number < len(words) and words[number].startswith(("'", '"'))
        value = str(item.value)
        return value if is_quoted else _SPECIAL_IN_BASH.sub(r"\\\g<0>", value)


class QuotingPowerShell(PowerShellComplete):
    """Puts values in quotes that PowerShell would split or read as something else, such as ``@name``."""

    @override
    def get_completion_args(self) -> tuple[list[str], str]:
        args, incomplete = super().get_completion_args()
        return args, incomplete.strip("'\"")

    @override
    def format_completion(self, item: CompletionItem) -> str:
        value = str(item.value)
        if not _PLAIN_IN_POWERSHELL.fullmatch(value):
            value = "'" + _POWERSHELL_QUOTES.sub(r"\g<0>\g<0>", value) + "'"
        return super().format_completion(CompletionItem(value, help=item.help))


def use_quotes() -> None:
    """Replace Typer's classes, which quote nothing."""
    classes: dict[str, Any] = {
        "bash": QuotingBash, "powershell": QuotingPowerShell, "pwsh": QuotingPowerShell,
    }  # fmt: skip
    for shell, kind in classes.items():
        add_completion_class(kind, shell)
