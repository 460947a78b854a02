"""Write recorded REST responses as TypeScript, for exported code that stands in for the chat backend.
``responses`` returns a table of them by method and path; ``RESPONSES`` is the code that answers each call from this
table, in the recorded order. The MSW handlers and the Playwright test without a companion contain both.
"""

from app.exports.templates import javascript as js
from app.exports.templates.steps import Script

RESPONSES = """\
function callOf(method: string, url: string) {
  const { pathname } = new URL(url);
  try {
    return `${method} ${decodeURIComponent(pathname)}`;
  } catch {
    return `${method} ${pathname}`; // an escape that is not UTF-8
  }
}
const answered = new Map<string, number>();

/** Return the recorded response to a call; the last one again if the UI calls more often. */
function respond(method: string, url: string) {
  const call = callOf(method, url);
  const all = RESPONSES[call] ?? [{ status: 404, body: { error: `${call} is not in the recording.` } }];
  const number = answered.get(call) ?? 0;
  answered.set(call, number + 1);
  return all[Math.min(number, all.length - 1)]!;
}
"""


def responses(script: Script) -> str:
    """Return the table of the responses: by call, in their order. Equal ones that follow each other are one."""
    by_call: dict[str, list[str]] = {}
    for each in script.responses:
        line = f"{{ status: {each.status}, body: {js.value(each.body)} }}"
        kept = by_call.setdefault(each.call, [])
        if not kept or kept[-1] != line:
            kept.append(line)
    lines = [f"  {js.text(call)}: [\n" + "".join(f"    {each},\n" for each in kept) + "  ],\n"
             for call, kept in by_call.items()]  # fmt: skip
    note = "" if by_call else "// The recording has no REST calls. Add the responses that your UI needs.\n"
    return (
        f"{note}const RESPONSES: Record<string, {{ status: number; body: unknown }}[]> = {{\n{''.join(lines)}}};\n"
    )
