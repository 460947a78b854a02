"""Write recorded REST responses as TypeScript, for exported code that stands in for the chat backend.
``responses`` returns a table of them by method, path and query, in the recorded order. ``RESPONSES`` is the code
that answers each call with the next one, and repeats the last. If only the query was not recorded, it uses the
first recorded one of the same method and path; if the path was not, it answers 404. The MSW handlers and the
Playwright test without a companion contain both.
"""

from app.exports.templates import javascript as js
from app.exports.templates.steps import Script

NO_BODY = (204, 205, 304)
"""Statuses of responses that cannot have a body, although proxies record one."""

RESPONSES = """\
function callOf(method: string, url: string) {
  const { pathname } = new URL(url);
  try {
    return `${method} ${decodeURIComponent(pathname)}`;
  } catch {
    return `${method} ${pathname}`; // an escape that is not UTF-8
  }
}
function withQuery(call: string, url: string) {
  const query: string[] = [];
  new URL(url).searchParams.forEach((value, name) => query.push(`${name}=${value}`));
  return query.length ? `${call}?${query.sort().join("&")}` : call;
}
const answered = new Map<string, number>();

/** Return the recorded response to a call; the last one again if the UI calls more often. */
function respond(method: string, url: string) {
  const path = callOf(method, url);
  const withAnyQuery = Object.keys(RESPONSES).find((each) => each === path || each.startsWith(`${path}?`));
  const call = withQuery(path, url) in RESPONSES ? withQuery(path, url) : (withAnyQuery ?? path);
  const all = RESPONSES[call] ?? [{ status: 404, body: { error: `${call} is not in the recording.` } }];
  const number = answered.get(call) ?? 0;
  answered.set(call, number + 1);
  return all[Math.min(number, all.length - 1)]!;
}
"""


def responses(script: Script) -> str:
    """Return the table of the responses: by call, in their order. Equal ones at the end are one."""
    by_call: dict[str, list[str]] = {}
    for each in script.responses:
        body = None if each.status in NO_BODY else each.body
        line = f"{{ status: {each.status}, body: {js.value(body)} }}"
        by_call.setdefault(each.call, []).append(line)
    for kept in by_call.values():
        while kept[-2:] == [kept[-1]] * 2:
            kept.pop()
    lines = [f"  {js.text(call)}: [\n" + "".join(f"    {each},\n" for each in kept) + "  ],\n"
             for call, kept in by_call.items()]  # fmt: skip
    note = "" if by_call else "// The recording has no REST calls. Add the responses that your UI needs.\n"
    return (
        f"{note}const RESPONSES: Record<string, {{ status: number; body: unknown }}[]> = {{\n{''.join(lines)}}};\n"
    )
