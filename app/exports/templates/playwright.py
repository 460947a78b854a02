"""Write a script as a Playwright test that uses the fixture of the npm package ``p2p-chat-companion``."""

from collections.abc import Iterator

from app.exports.conversion import RAW_EVENT
from app.exports.templates import javascript as js
from app.exports.templates.page_user import UI, acts, complete_chats, shown, shown_after
from app.exports.templates.steps import CLIENT_EVENTS, Expect, Pause, Script, Send, Turn

READY = "{ wait: 10 }"


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
    yield "let after = 0; // what the UI sends must come after this row"
    if script.state:
        yield "await companion.state.load(STATE);"
    yield 'await page.goto("./");'
    ready = READY
    for step in script.steps:
        match step:
            case Send():
                yield ""
                yield f"// {step.row}: {js.comment(step.event or RAW_EVENT)}"
                yield f"after = (await {_fire(step, ready)}).seq;"
                ready = ""
                yield from shown(step)
            case Turn():
                yield ""
                if step.acts:
                    yield "after = (await companion.status()).journal.last_seq;"
                yield from acts(step)
                for each in step.expects:
                    yield f"await {_expect(each)}; // {each.row}"
                for each in step.expects:
                    yield from shown_after(each)
            case Pause():
                yield f"await page.waitForTimeout({step.seconds * 1000:.0f}); // {js.comment(step.why)}"
    if lines := list(complete_chats(script)):
        yield ""
        yield "// At the end, these chats have all their messages."
        yield from lines


def _fire(send: Send, options: str) -> str:
    more = f", {options}" if options else ""
    if send.is_valid:
        return f"companion.fire({js.text(send.event)}, {js.value(send.data)}{more})"
    if send.event and isinstance(send.data, dict):
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
