"""Return TypeScript for tests in Playwright that replay a recording: what the user did, and what the UI must show.
``UI`` is the source text of an object with these actions and checks, for the developer to adjust. ``played`` yields
the lines of all steps, in their order: frames to send, actions, what the UI must send and show, and pauses.
``playwright`` and ``playwright_routes`` write the lines before them, and pass functions that write how a frame is
sent and awaited.
"""

from collections.abc import Callable, Iterable, Iterator

from app.exports.templates import javascript as js
from app.exports.templates.steps import Act, Expect, Pause, Script, Send, Turn
from app.exports.templates.user_actions import unknown_causes
from app.protocol.raw_frames import RAW_EVENT
from app.protocol.ui_stores import trimmed

UI = """\
// What the user of your UI does and sees. Adjust it to your UI; delete what your UI does not show.
const contact = (page: Page, friend: string) =>
  page.getByRole("listitem").filter({ has: page.getByRole("button", { name: friend, exact: true }) });
const ui = {
  open: (page: Page, friend: string) => page.getByRole("button", { name: friend, exact: true }).click(),
  type: (page: Page, text: string) => page.getByRole("textbox", { name: "Message" }).fill(text),
  async send(page: Page, text: string) {
    await page.getByRole("textbox", { name: "Message" }).fill(text);
    await page.getByRole("textbox", { name: "Message" }).press("Enter");
  },
  // in the open chat
  showsMessage: (page: Page, text: string) => expect(page.getByText(text).first()).toBeVisible(),
  // of a chat that is not open, for example in the list of chats
  showsPreview: (page: Page, _friend: string, text: string) => expect(page.getByText(text).first()).toBeVisible(),
  showsOnline: (page: Page, friend: string) => expect(contact(page, friend)).toContainText(/\\bonline\\b/),
  showsOffline: (page: Page, friend: string) => expect(contact(page, friend)).toContainText(/\\boffline\\b/),
  showsTyping: (page: Page, friend: string) => expect(contact(page, friend)).toContainText("typing"),
  showsNoTyping: (page: Page, friend: string) => expect(contact(page, friend)).not.toContainText("typing"),
};
"""


def acts(turn: Turn) -> Iterator[str]:
    """Yield the lines that do what the user did."""
    for act in turn.acts:
        yield f"await ui.{act.what}(page, {_argument(act)});"


def _argument(act: Act) -> str:
    return js.text(act.friend if act.what == "open" else act.text)


def shown(send: Send, opened: str) -> Iterator[str]:
    """Yield the lines that check what the UI shows after a frame. Effects and the user's own messages are not.

    ``opened`` is the friend whose chat is open.
    """
    if send.is_effect:
        return
    match send.event, send.data:
        case "new_message", {"from": str(friend), "text": str(text), "direction": "received"} if trimmed(text):
            if friend == opened:
                yield f"await ui.showsMessage(page, {js.text(text)});"
            else:
                yield f"await ui.showsPreview(page, {js.text(friend)}, {js.text(text)});"
        case (("friend_online" | "friend_offline"), {"username": str(friend)}) if friend:
            what = "showsOnline" if send.event == "friend_online" else "showsOffline"
            yield f"await ui.{what}(page, {js.text(friend)});"
        case "typing", {"username": str(friend), "typing": bool(typing)} if friend:
            yield f"await ui.{'showsTyping' if typing else 'showsNoTyping'}(page, {js.text(friend)});"


def shown_after(expect: Expect) -> Iterator[str]:
    """Yield the lines that check what the UI shows after what it sent."""
    if trimmed(expect.sent_text):
        yield f"await ui.showsMessage(page, {js.text(expect.sent_text)});"


def complete_chats(script: Script) -> Iterator[str]:
    """Yield the lines that check at the end that the chats that the user opened have all messages.

    Messages that were deleted or edited are not checked. The lines open the chats again, so the server must have a
    chat state: recorded responses lack the messages that arrived after the chat was opened.
    """
    texts: dict[str, dict[str, None]] = {}
    opened: dict[str, None] = {}
    for step in script.steps:
        match step:
            case Send(is_effect=False, event="new_message", data={"from": str(friend), "text": str(text)}):
                texts.setdefault(friend, {})[text] = None
            case Turn(acts, expects):
                opened |= {each.friend: None for each in acts if each.what == "open"}
                for each in expects:
                    if each.sent_text:
                        texts.setdefault(str(each.data.get("to")), {})[each.sent_text] = None
    lines = []
    for friend in opened:
        shown = [text for text in texts.get(friend, ()) if trimmed(text) and text not in script.outdated]
        if len(shown) > 1:
            lines += [f"await ui.open(page, {js.text(friend)});"]
            lines += [f"await ui.showsMessage(page, {js.text(text)});" for text in shown]
    if lines:
        yield ""
        yield "// At the end, these chats have all their messages."
        yield from lines


def played(
    script: Script,
    send: Callable[[Send], Iterable[str]],
    before_acts: str,
    expect: Callable[[Expect], str],
    after: Callable[[Expect], Iterable[str]] = lambda _: (),
) -> Iterator[str]:
    """Yield the lines of all steps: what is sent, what the user does then, and what the UI must send and show.

    ``send`` returns the lines that send a frame, ``before_acts`` is the line before the user does something,
    ``expect`` returns the expression that waits for what the UI must send, and ``after`` the lines after it.
    """
    opened = ""
    for step in script.steps:
        match step:
            case Send():
                yield ""
                yield f"// {step.row}: {js.comment(step.event or RAW_EVENT)}"
                yield from send(step)
                yield from shown(step, opened)
            case Turn():
                yield ""
                if step.acts:
                    yield before_acts
                yield from acts(step)
                yield from (f"// {js.comment(each)}" for each in unknown_causes(step))
                opened = next((act.friend for act in reversed(step.acts) if act.what == "open"), opened)
                for each in step.expects:
                    yield f"await {expect(each)};{f' // {each.row}' if each.row else ''}"
                for each in step.expects:
                    yield from after(each)
                    yield from shown_after(each)
            case Pause():
                yield f"await page.waitForTimeout({step.seconds * 1000:.0f}); // {js.comment(step.why)}"
