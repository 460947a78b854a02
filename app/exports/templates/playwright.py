"""Write a script as a Playwright test that uses the fixture of the npm package ``p2p-chat-companion``.
A script is a recording as steps (``steps.py``); the result is the text of a TypeScript module. The Playwright
fixture starts a companion, or uses a running one. The test lets it fire events, acts as the user, and checks what
the UI sends and shows. ``playwright_routes.py`` writes a test that needs no companion.
"""

import re
from collections.abc import Iterator

from app.exports.templates import javascript as js
from app.exports.templates.page_user import UI, complete_chats, played
from app.exports.templates.steps import CLIENT_EVENTS, Expect, Script, Send

READY = "{ wait: 10 }"
LAST_ROW = "(await companion.status()).journal.last_seq"
POSTED_ID = """\
/** Return the ID that the companion has given to a message that the UI has posted. */
async function postedId(companion: Pick<Companion, "state">, to: string, text: string): Promise<string> {
  const { messages } = (await companion.state.save()) as { messages: Record<string, string>[] };
  const found = messages.filter((each) => each.to === to && each.text === text).pop();
  if (!found?.msg_id) throw new Error("The companion has not stored the message that the UI has posted.");
  return found.msg_id;
}
"""


def playwright_test(script: Script, made_by: str) -> str:
    """Return the text of the file. ``made_by`` is a sentence for its first line."""
    body = "\n".join(f"  {line}".rstrip() for line in _body(script))
    state = f"\nconst STATE = {js.value(script.state)};\n" if script.state else ""
    posts = script.uses_posted_ids
    return f"""\
// {js.comment(made_by)}
// Numbers in comments are rows of the log. It needs the npm package p2p-chat-companion.
import type {{ Page }} from "@playwright/test";
{'import type { Companion } from "p2p-chat-companion";' + chr(10) if posts else ""}\
import {{ expect, test }} from "p2p-chat-companion/playwright";

{UI}
{POSTED_ID + chr(10) if posts else ""}\
test({js.text(script.title)}, async ({{ page, companion }}) => {{
{body}
}});
{state}"""


def _body(script: Script) -> Iterator[str]:
    if script.state:
        yield "await companion.state.load(STATE);"
    yield f"let after = {LAST_ROW}; // expectations ignore the rows up to this one"
    yield 'await page.goto("./");'
    sender = _Sender()
    yield from played(script, sender.send, f"after = {LAST_ROW};", _expect, sender.keep_id)
    yield from complete_chats(script)


class _Sender:
    """Writes the calls that send frames. The first one waits until the UI is ready.

    IDs of messages that the UI has posted are variables.
    """

    def __init__(self) -> None:
        self._options = READY
        self._posted: dict[str, str] = {}
        """The variables by their recorded IDs."""

    def keep_id(self, expect: Expect) -> Iterator[str]:
        """Yield the line that keeps the ID of a message that the UI has posted, if frames contain it."""
        if expect.msg_id:
            variable = self._posted[expect.msg_id] = f"posted{len(self._posted) + 1}"
            to = js.text(str(expect.data.get("to")))
            yield f"const {variable} = await postedId(companion, {to}, {js.text(expect.sent_text)});"

    def send(self, send: Send) -> Iterator[str]:
        call = _fire(send, self._options)
        for msg_id, variable in self._posted.items():
            call = re.sub(rf"{re.escape(js.text(msg_id))}(?!:)", variable, call)  # not the name of a field
        yield f"after = (await {call}).seq;"
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
