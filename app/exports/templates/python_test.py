"""Write a script as a pytest test: it fires events, and checks what the UI sends, with the control API.
A script (``steps``) is made from recorded traffic. The result is the text of a Python file. The test needs a
running companion, whose chat state it restores at the end, with a connected UI. Where the recorded user acted, it
only prints what to do in the UI, until the developer automates that.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from app.exports.templates.javascript import MAX_NESTING, comment, nesting
from app.exports.templates.steps import Act, Expect, Pause, Script, Send, Turn
from app.exports.templates.user_actions import unknown_causes

_WORD = re.compile(r"[a-z0-9]+")
_MAX_NAME = 60

HELPER = '''\
import json
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

# The system's proxy is not for this machine, and must not receive the token.
open_url = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


def user_does(what: str, friend: str = "", text: str = "") -> None:
    """Do in your UI what its user does: reload the page, open the chat with a friend, type a text, or send it.

    Adjust it to your UI, for example with Playwright or Selenium. Until then, run ``pytest -s``, and do it by hand
    when the test says so.
    """
    print("Now", what, *(repr(each) for each in (friend, text) if each))  # escapes what a terminal would carry out


class Companion:
    """The control API of the companion that is running."""

    def __init__(self) -> None:
        self.url = json.loads(self._command("status", "--json"))["control"]["url"]
        self.token = json.loads(self._command("token", "--json"))["token"]
        self.after = 0

    @staticmethod
    def _command(*arguments: str) -> str:
        command = shutil.which("companion") or "companion"
        return subprocess.run([command, *arguments], check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout

    def call(self, method: str, path: str, body=None, **query):
        """Call an operation, and return its answer."""
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        kind = "text/plain; charset=utf-8" if isinstance(body, str) else "application/json"
        request = urllib.request.Request(
            f"{self.url}{path}?{urllib.parse.urlencode(query)}",
            None if body is None else content,
            {"Authorization": f"Bearer {self.token}", "Content-Type": kind},
            method=method,
        )
        try:
            with open_url(request, timeout=60) as answer:
                return json.loads(answer.read() or "null")
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.read().decode()}") from None

    def now(self) -> None:
        """Let expectations count only what the UI sends from now on."""
        self.after = self.call("GET", "/v1/status")["journal"]["last_seq"]

    def fire(self, event: str, data, *, strict: bool) -> None:
        """Fire an event, once a client is ready to show it."""
        fired = self.call("POST", "/v1/events", {"event": event, "data": data}, strict=str(strict).lower(), wait=30)
        self.after = fired["seq"]

    def send(self, frame: str) -> None:
        """Send a frame that is not an event."""
        self.after = self.call("POST", "/v1/frames", frame, wait=30)["seq"]

    def expect(self, event: str, data, row: int = 0, within: float = 5) -> None:
        """Wait until the UI sends an event or a REST call with this data."""
        where = {f"data.{name}": value for name, value in data.items()}
        body = {"event": event, "where": where, "within": within, "after": self.after, "strict": False}
        answer = self.call("POST", "/v1/expectations", body)
        instead = [f"{each['event']} {each['frame']}" for each in answer["received_instead"]]
        place = f"row {row}: " if row else ""
        assert answer["row"], f"{place}the UI did not send {event} {data}. Received instead: {instead}"

    def posted_id(self, to: str, text: str) -> str:
        """Return the ID that the companion has given to a message that the UI has posted."""
        messages = self.call("GET", "/v1/state")["messages"]
        found = [each["msg_id"] for each in messages if (each["to"], each["text"]) == (to, text)]
        assert found, "The companion has not stored the message that the UI has posted."
        return found[-1]


@pytest.fixture
def companion():
    """The companion that is running. Your chat state is restored after the test."""
    running = Companion()
    own = running.call("GET", "/v1/state")
    yield running
    running.call("PUT", "/v1/state", own)
'''


def pytest_test(script: Script, made_by: str) -> str:
    """Return the text of the file. ``made_by`` is a sentence for its first line."""
    body = "\n".join(f"    {line}".rstrip() for line in _body(script))
    state = f"\n\nSTATE = {value(script.state)}\n" if script.state else ""
    return f"""\
# {comment(made_by)}
# Numbers in comments are rows of the log. It needs a running companion, to which your UI is connected.
{HELPER}

def test_{_name(script.title)}(companion: Companion) -> None:
{body}
{state}"""


def _body(script: Script) -> Iterator[str]:
    if script.state:
        yield 'companion.call("PUT", "/v1/state", STATE)'
        yield 'user_does("reload")'
    yield "companion.now()"
    posted: dict[str, str] = {}
    """The variables with the IDs of messages that the UI has posted, by their recorded IDs."""
    for step in script.steps:
        match step:
            case Send():
                call = _fire(step)
                for msg_id, variable in posted.items():
                    call = call.replace(value(msg_id), variable)
                yield f"{call}  # {step.row}"
            case Turn():
                if step.acts:
                    yield "companion.now()"
                yield from map(_act, step.acts)
                yield from (f"# {comment(each)}" for each in unknown_causes(step))
                for each in step.expects:
                    yield _expect(each)
                    if each.msg_id:
                        variable = posted[each.msg_id] = f"posted{len(posted) + 1}"
                        to, text = value(str(each.data.get("to"))), value(each.sent_text)
                        yield f"{variable} = companion.posted_id({to}, {text})"
            case Pause():
                yield f"time.sleep({step.seconds:g})  # {comment(step.why)}"


def _act(act: Act) -> str:
    text = f", {value(act.text)}" if act.text else ""
    return f"user_does({value(act.what)}, {value(act.friend)}{text})"


def _fire(send: Send) -> str:
    if send.event and not send.is_raw and isinstance(send.data, dict):
        return f"companion.fire({value(send.event)}, {value(send.data)}, strict={send.is_valid})"
    return f"companion.send({value(send.frame)})"


def _expect(expect: Expect) -> str:
    row = f", row={expect.row}" if expect.row else ""
    return f"companion.expect({value(expect.event)}, {value(expect.data)}{row})"


def value(content: Any) -> str:
    """Return a JSON value as an expression in Python."""
    if nesting(content) > MAX_NESTING:
        return f"json.loads({json.dumps(content)!r})"
    return repr(content)


def _name(title: str) -> str:
    return "_".join(_WORD.findall(title.casefold()))[:_MAX_NAME].strip("_") or "session"
