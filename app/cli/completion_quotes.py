"""Quote completed values for bash and PowerShell, which insert them into the command line as they are.
A name can contain spaces and brackets. zsh and fish quote values themselves. For PowerShell, also read the command
line by its rules, and write the values in the encoding that it expects.
"""

import io
import os
import re
import sys
from typing import Any

from typer._click.shell_completion import CompletionItem, add_completion_class
from typer._completion_classes import BashComplete, PowerShellComplete
from typing_extensions import override

_SPECIAL_IN_BASH = re.compile(r"[^\w@%+=:,./-]")
_PLAIN_IN_POWERSHELL = re.compile(r"[\w./:=+-]*")
_POWERSHELL_QUOTES = re.compile("['\u2018-\u201b]")
_SINGLE, _DOUBLE = "'\u2018-\u201b", '"\u201c-\u201e'
_POWERSHELL_PART = re.compile(
    f"""[{_SINGLE}]((?:[^{_SINGLE}]|[{_SINGLE}]{{2}})*)[{_SINGLE}]?"""
    f"""|[{_DOUBLE}]((?:`.|[^{_DOUBLE}`]|[{_DOUBLE}]{{2}})*)[{_DOUBLE}]?"""
    f"""|(?:`.?|[^\\s{_SINGLE}{_DOUBLE}`])+"""
    """|(\\s+)""",
    re.DOTALL,
)
"""A part of a command line: in single or double quotes, which may be open, without quotes, or white space."""


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
        words = powershell_words(os.environ.get("_TYPER_COMPLETE_ARGS", ""))[1:]
        incomplete = os.environ.get("_TYPER_COMPLETE_WORD_TO_COMPLETE", "")
        if not incomplete:
            return words, ""
        return words[:-1], "".join(powershell_words(incomplete))

    @override
    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        """Return the values that the console can show. A replaced character would be inserted."""
        found = super().get_completions(args, incomplete)
        if not (page := _code_page()) or not isinstance(sys.stdout, io.TextIOWrapper):
            return found
        encoding = f"cp{page}"
        sys.stdout.reconfigure(encoding=encoding, errors="replace")
        return [each for each in found if str(each.value).encode(encoding, "ignore").decode(encoding) == each.value]

    @override
    def format_completion(self, item: CompletionItem) -> str:
        value = str(item.value)
        if not _PLAIN_IN_POWERSHELL.fullmatch(value):
            value = "'" + _POWERSHELL_QUOTES.sub(r"\g<0>\g<0>", value) + "'"
        return super().format_completion(CompletionItem(value, help=item.help))


def powershell_words(line: str) -> list[str]:
    """Split a command line as PowerShell does. Variables are not replaced."""
    words: list[str] = []
    begins = True
    for part in _POWERSHELL_PART.finditer(line):
        single, double, space = part.groups()
        if space is None:
            if begins:
                words.append("")
            if single is not None:
                words[-1] += re.sub(f"[{_SINGLE}]([{_SINGLE}])", r"\1", single)
            elif double is not None:
                words[-1] += re.sub(f"(?s:`(.))|[{_DOUBLE}]([{_DOUBLE}])", r"\1\2", double)
            else:
                words[-1] += re.sub("(?s:`(.?))", r"\1", part[0])
        begins = space is not None
    return words


def _code_page() -> int:
    """Return the code page in which PowerShell reads what a program prints; 0 if there is none."""
    if sys.platform == "win32":
        import ctypes

        return int(ctypes.windll.kernel32.GetConsoleOutputCP())
    return 0


def use_quotes() -> None:
    """Replace Typer's classes, which quote nothing."""
    classes: dict[str, Any] = {
        "bash": QuotingBash, "powershell": QuotingPowerShell, "pwsh": QuotingPowerShell,
    }  # fmt: skip
    for shell, kind in classes.items():
        add_completion_class(kind, shell)
