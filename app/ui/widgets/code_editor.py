"""The text editor of Inject and of held items (breakpoints): a ``NumberedEditor`` for JSON, with formatting and
completion. It underlines the problems that its owner has found in the event, and does not look for any itself.
"""

from collections.abc import Callable, Sequence

from typing_extensions import override

from app.protocol.envelope import BadFrame
from app.protocol.event_type import EventProblem
from app.protocol.json_format import format_json
from app.protocol.json_spans import SpanFinder
from app.ui.widgets.code_completion import Completions, Offers, completions
from app.ui.widgets.json_view import JsonHighlighter
from app.ui.widgets.numbered_editor import MAX_MARKS, Mark, NumberedEditor


class CodeEditor(NumberedEditor):
    """An editor for JSON. ``offers`` returns what can be completed."""

    def __init__(self, name: str, offers: Callable[[], Offers]) -> None:
        super().__init__(name, JsonHighlighter)
        self._offers = offers
        self._problems: Sequence[EventProblem] = ()
        self.inserted.connect(lambda: self.show_problems(self._problems))

    def show_problems(self, problems: Sequence[EventProblem]) -> None:
        """Underline what the problems are about. Their messages are the tooltips."""
        self._problems = problems
        finder = SpanFinder(self.toPlainText())
        self.show_marks([] if self.inserting else [self._mark(finder, each) for each in problems[:MAX_MARKS]])

    def _mark(self, finder: SpanFinder, problem: EventProblem) -> Mark:
        start, end = finder.span_of(problem)
        return Mark(self.position_of(start), self.position_of(end), str(problem))

    @override
    def find_completions(self, before: str) -> Completions:
        return completions(before, self._offers())

    def format_text(self) -> str:
        """Indent the text. It can be undone. Return why that is not possible; empty if it is."""
        try:
            formatted = format_json(self.toPlainText())
        except BadFrame as bad:
            return f"Only valid JSON can be formatted. {bad}"
        if formatted != self.toPlainText():
            self.replace_text(formatted)
        return ""
