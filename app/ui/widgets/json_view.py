"""A text view for JSON with syntax highlighting, editable or read-only.
The editor with line numbers and completion is ``CodeEditor``, which uses the same ``JsonHighlighter``.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from PySide6.QtGui import QFont
from typing_extensions import override

from app.ui import theme
from app.ui.widgets.code_view import CodeView, Highlighter

_TOKENS = re.compile(
    r'(?P<key>"(?:[^"\\]|\\.)*"(?=\s*:))|(?P<string>"(?:[^"\\]|\\.)*"?)'
    r"|(?P<word>\b(?:true|false|null)\b)|(?P<number>-?\b\d[\d.eE+-]*)"
)


class JsonHighlighter(Highlighter):
    """Colour keys, strings, literals (true, false, null) and numbers."""

    bold: Mapping[str, QFont.Weight] = MappingProxyType({"key": QFont.Weight.Medium})

    @override
    def colors(self) -> Mapping[str, str]:
        scheme = theme.colors()
        return {"key": scheme.accent, "string": scheme.ok, "word": scheme.warning, "number": scheme.warning}

    @override
    def color_line(self, text: str) -> None:
        for found in _TOKENS.finditer(text):
            self.color(found.start(), found.end(), str(found.lastgroup))


class JsonView(CodeView):
    """A ``CodeView`` for JSON. ``name`` is its accessible name."""

    def __init__(self, name: str, *, read_only: bool = False) -> None:
        super().__init__(name, JsonHighlighter, read_only=read_only)
