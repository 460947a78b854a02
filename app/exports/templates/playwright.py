"""Write a script as a Playwright test that uses the fixture of the npm package ``p2p-chat-companion``.
A script is a recording as steps (``steps.py``); the result is the text of a TypeScript module. The Playwright
fixture starts a companion, or uses a running one. The test lets it fire events, acts as the user, and checks what
the UI sends and shows. ``playwright_routes.py`` writes a test that needs no companion.
"""

from collections.abc import Iterator

from app.exports.templates import javascript as js
from app.exports.templates.page_user import UI, complete_chats, played
from app.exports.templates.steps import CLIENT_EVENTS, Expect, Script, Send

READY = "{ wait: 10 }"
LAST_ROW = "(await companion.status()).journal.last_seq"


def playwright_test(script: Script, made_by: str) -> str:
    """Return the text of the file. ``made_by`` is a sentence for its first line."""
    body = "\n".join(f"  {line}".rstrip() for line in _body(script))
    state = f"\nconst STATE = {js.value(script.state)};\n" if script.state else ""
    return f"""\
// {js.comment(made_by)}
// Numbers in comments are rows of the log. It needs the npm package p2p-chat-companion.
import type {{ Page }} from "@playwright/test";
import {{ expect, test }} from "p2p-chat-companion/playwright";

{UI}
test({js.text(script.title)}, async ({{ page, companion }}) => {{
{body}
}});
{state}"""


def _body(script: Script) -> Iterator[str]:
    if script.state:
        yield "await companion.state.load(STATE);"
    yield f"let after = {LAST_ROW}; // expectations ignore the rows up to this one"
    yield 'await page.goto("./");'
    yield from played(script, _Sender().send, f"after = {LAST_ROW};", _expect)
    yield from complete_chats(script)


class _Sender:
    """Writes the calls that send frames. The first one waits until the UI is ready."""

    def __init__(self) -> None:
        self._options = READY

    def send(self, send: Send) -> Iterator[str]:
        yield f"after = (await {_fire(send, self._options)}).seq;"
        self._options = ""


def _fire(send: Send, options: str) -> str:
    more = f", {options}" if options else ""
    if send.is_valid and not send.is_raw:
        return f"companion.fire({js.text(send.event)}, {js.value(send.data)}{more})"
    if send.event and not send.is_raw and isinstance(send.data, dict):
        return f"companion.fireUnchecked({js.text(send.event)}, {js.value(send.data)}{more})"
    query = ", query: { wait: 10 }, waits: 10" if options else ""
    return f'companion.request<{{ seq: number }}>("POST", "/v1/frames", {{ body: {js.text(send.frame)}{query} }})'


def _expect(expect: Expect) -> str:
    data = f"data: {js.value(expect.data)}, " if expect.data else ""
    if expect.is_rest and js.is_rest_call(expect.event):
        return f"companion.expect({js.text(expect.event)}, {{ {data}after }})"
    if expect.event in CLIENT_EVENTS:
        return f"companion.expect({js.text(expect.event)}, {{ {data}after }})"
    data = data.removesuffix(", ") + " as never, " if data else ""
    return f"companion.expect({js.text(expect.event)} as never, {{ {data}after }})"
