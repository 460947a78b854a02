"""Write a script as a Playwright test (TypeScript) that needs no companion: routes stand in for both servers.
A script is a recording as steps: ``script`` makes it from the recording, ``steps`` has its types. With Playwright's
routes, which intercept requests and WebSockets, the test sends the recorded frames and answers REST calls with the
recorded responses. It also repeats the user's actions in the page, and checks what the UI sends and shows.
"""

from collections.abc import Iterator

from app.exports.templates import javascript as js
from app.exports.templates.page_user import UI, played
from app.exports.templates.responses import RESPONSES, responses
from app.exports.templates.steps import Expect, Script, Send
from app.protocol.wire_names import WireNames

LOADED_MS = 100
"""Milliseconds that a UI gets to store the data that it has loaded."""
SERVERS = """\
/** Return a text as JSON, or as it is. */
function parsed(text: string | null): any {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return text;
  }
}

/** Stand in for the two servers of the chat, and record what the UI sends. */
async function serve(page: Page) {
  const sent: unknown[] = []; // frames as they are, and REST calls as an event with data
  let connected = (_: WebSocketRoute) => {};
  let socket = new Promise<WebSocketRoute>((resolve) => (connected = resolve));
  await page.routeWebSocket(EVENTS, (route) => {
    route.onMessage((frame) => {
      sent.push(parsed(String(frame)));
    });
    connected(route);
    socket = Promise.resolve(route); // the newest connection
  });
  await page.route(REST, async (route) => {
    const request = route.request();
    const headers = {
      "Access-Control-Allow-Origin": "*",
      "Access-Control-Allow-Headers": "*",
      "Access-Control-Allow-Methods": "*",
    };
    if (request.method() === "OPTIONS") return route.fulfill({ status: 204, headers });
    const { status, body } = respond(request.method(), request.url());
    const event = callOf(request.method(), request.url());
    await route.fulfill(body === null ? { status, headers } : { status, headers, json: body });
    sent.push({ event, data: parsed(request.postData()) });
  });
  return {
    sent,
    async send(frame: object | string) {
      (await socket).send(typeof frame === "string" ? frame : JSON.stringify(frame));
    },
  };
}
"""


def playwright_routes_test(script: Script, made_by: str) -> str:
    """Return the text of the file. ``made_by`` is a sentence for its first line."""
    body = "\n".join(f"  {line}".rstrip() for line in _body(script))
    return f"""\
// {js.comment(made_by)}
// Numbers in comments are rows of the log. It needs only Playwright: the test stands in for the servers.
import {{ expect, type Page, test, type WebSocketRoute }} from "@playwright/test";

{js.ADDRESSES}
{UI}
{responses(script)}{RESPONSES}
{SERVERS}
test({js.text(script.title)}, async ({{ page }}) => {{
{body}
}});
"""


def _body(script: Script) -> Iterator[str]:
    yield "const server = await serve(page);"
    yield "let after = 0; // expectations ignore the frames and calls before this one"
    yield 'await page.goto("./");'
    for call in script.loads:
        yield f"await expect.poll(() => server.sent).toContainEqual({_partly(call)});"
    if script.loads:
        yield f"await page.waitForTimeout({LOADED_MS}); // until the UI has what it loaded"
    yield from played(
        script,
        lambda send: _send(send, script.names),
        "after = server.sent.length;",
        lambda expect: _expect(expect, WireNames() if expect.is_rest else script.names),
    )


def _send(send: Send, names: WireNames) -> tuple[str, ...]:
    return "after = server.sent.length;", f"await server.send({js.frame(send, names)});"


def _expect(expect: Expect, names: WireNames) -> str:
    event, data = map(js.key, names)
    fields = f"{{ {event}: {js.text(expect.event)}, {data}: expect.objectContaining({js.value(expect.data)}) }}"
    if not expect.data:
        fields = _partly(expect.event, event)
    return f"expect.poll(() => server.sent.slice(after)).toContainEqual({fields})"


def _partly(event: str, key: str = "event") -> str:
    return f"expect.objectContaining({{ {key}: {js.text(event)} }})"
