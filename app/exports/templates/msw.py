"""Write a script as TypeScript: handlers for MSW 3 (Mock Service Worker) that stand in for both chat servers.
A script is a recording as steps (``steps``). The handlers send the recorded frames and answer REST calls with the
recorded responses. A frame that followed something that the UI sent waits until the UI has sent that again. The
handlers also work with the ``ws.link`` of MSW 2.
"""

from collections.abc import Iterator

from app.exports.templates import javascript as js
from app.exports.templates.playwright_routes import LOADED_MS
from app.exports.templates.responses import RESPONSES, responses
from app.exports.templates.steps import Expect, Pause, Script, Turn

PLAY = """\
/** What the UI has sent. */
export const sent: { event: string; data?: unknown }[] = [];
const waiting = new Set<() => void>();
function wake() {
  for (const each of waiting) each();
  waiting.clear();
}
function add(event: string, data: unknown) {
  sent.push({ event, data });
  wake();
}
/** Return a text as JSON, or as it is. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

let finish = () => {};
/** Resolves when all frames were sent and the UI has sent what it sent in the recording. Await it in a test. */
export const finished = new Promise<void>((resolve) => (finish = resolve));
/** The row of the log that the session has reached, for messages if it does not finish. */
export let row = 0;

/** Play the steps on a connection. It ends early if the connection closes; the next one begins again. */
async function play(send: (frame: string) => void, isOpen: () => boolean) {
  let after = 0;
  let met: string[] = []; // what was expected and sent since the last frame
  for (const step of STEPS) {
    if ("pause" in step) await new Promise((resolve) => setTimeout(resolve, step.pause));
    if ("row" in step) row = step.row;
    if ("expect" in step) {
      const expected = JSON.stringify(step.expect);
      const before = met.filter((each) => each === expected).length; // equal ones need one each
      while (isOpen() && sent.slice(after).filter((each) => matches(each, step.expect)).length <= before) {
        await new Promise<void>((resolve) => waiting.add(resolve));
      }
      met.push(expected);
    }
    if (!isOpen()) return;
    if ("send" in step) {
      after = sent.length;
      met = [];
      send(typeof step.send === "string" ? step.send : JSON.stringify(step.send));
    }
  }
  finish();
}

/** Return whether a value has all fields of the expected one, with the same values. */
function matches(value: unknown, expected: unknown): boolean {
  if (typeof expected !== "object" || expected === null) return value === expected;
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(expected).every(([key, each]) => matches((value as Record<string, unknown>)[key], each));
}

const events = ws.link(EVENTS);

export const handlers = [
  events.addEventListener("connection", ({ client }) => {
    let open = true;
    client.addEventListener("close", () => {
      open = false;
      wake();
    });
    client.addEventListener("message", ({ data }) => {
      const frame = parsed(String(data)) as { [EVENT_KEY]?: string; [DATA_KEY]?: unknown } | null;
      add(frame?.[EVENT_KEY] ?? "", frame?.[DATA_KEY] ?? data);
    });
    setTimeout(() => void play((frame) => client.send(frame), () => open)); // after the UI has set its listeners
  }),
  http.all(REST, async ({ request }) => {
    const content = request.method === "GET" ? "" : await request.text();
    const { status, body } = respond(request.method, request.url);
    add(callOf(request.method, request.url), parsed(content));
    return body === null ? new HttpResponse(null, { status }) : HttpResponse.json(body as object, { status });
  }),
];
"""


def msw_handlers(script: Script, made_by: str) -> str:
    """Return the text of the file. ``made_by`` is a sentence for its first line."""
    steps = "".join(f"  {line}\n" for line in _steps(script))
    return f"""\
// {js.comment(made_by)}
// Handlers for MSW: setupServer(...handlers) from "msw/node", or setupWorker(...handlers) from "msw/browser".
// They send the recorded frames. A frame that followed something that the UI sent waits for it.
import {{ http, HttpResponse, ws }} from "msw";

{js.ADDRESSES}
// The keys of the frames: the event's name, and its data.
const EVENT_KEY = {js.text(script.names.event)};
const DATA_KEY = {js.text(script.names.data)};

type Step =
  | {{ row: number; send: object | string }}
  | {{ row: number; expect: {{ event: string; data?: unknown }} }}
  | {{ pause: number }};
const STEPS: Step[] = [
{steps}];

{responses(script)}{RESPONSES}
{PLAY}"""


def _steps(script: Script) -> Iterator[str]:
    for call in script.loads:
        yield f"{{ row: 0, expect: {{ event: {js.text(call)} }} }},"
    if script.loads:
        yield f"{{ pause: {LOADED_MS} }}, // until the UI has what it loaded"
    for step in script.steps:
        if isinstance(step, Pause):
            yield f"{{ pause: {step.seconds * 1000:.0f} }}, // {js.comment(step.why)}"
        elif isinstance(step, Turn):
            yield from map(_expect, step.expects)
        else:
            yield f"{{ row: {step.row}, send: {js.frame(step, script.names)} }},"


def _expect(expect: Expect) -> str:
    data = f", data: {js.value(expect.data)}" if expect.data else ""
    return f"{{ row: {expect.row}, expect: {{ event: {js.text(expect.event)}{data} }} }},"
