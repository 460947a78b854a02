"""Two people with a companion, the chat UI in Chromium and a network namespace each, and a project that both reach.

``python -m tests.gates.two_machines FOLDER`` runs in a network namespace of its own. It plays a chat, prints a line
for each step, and ends with 0 if every step was seen.
"""

import asyncio
import json
import ssl
import stat
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from tests.e2e import chat_ui
from tests.e2e.browser import UI_PORT, chromium
from tests.e2e.chat_ui import Chat
from tests.e2e.processes import COMPANION, Companion, Program, serve
from tests.e2e.tools import need
from tests.gates.networks import HOST, Machine, create_bridge, create_certificate, create_machine
from tests.postgrest_stand_in.query import parse
from tests.postgrest_stand_in.server import PUBLISHABLE, StandIn
from tests.postgrest_stand_in.stores import SqliteStore
from tests.postgrest_stand_in.threaded import running

PATIENCE_S = 60.0


class Person:
    """A user on a machine: a data folder, a companion that may be stopped, and a page."""

    def __init__(self, machine: Machine, folder: Path, environment: dict[str, str]) -> None:
        self.name = machine.name
        self.machine = machine
        self.chat: Chat
        self._folder = folder / self.name
        self._environment = environment
        self._companion: Companion | None = None
        self._folder.mkdir()
        (self._folder / "settings.toml").write_text(
            f'username = "{self.name}"\npeer_lan = true\nsupabase_address = "{machine.address}"\n'
        )

    def start(self) -> None:
        """Start the companion on its usual ports."""
        self._companion = serve(
            self._folder, "--peers", "--supabase", port=None, rest_port=None, env=self._environment,
            command=self.machine.command(*COMPANION),
        )  # fmt: skip

    def stop(self) -> None:
        """Stop the companion."""
        if self._companion:
            self._companion.stop()
            self._companion.end()
            self._companion = None

    async def run(self, *arguments: str) -> str:
        """Run a command of the companion, and return its output."""
        return await asyncio.to_thread(self._run, arguments)

    def _run(self, arguments: tuple[str, ...]) -> str:
        command = self.machine.command(*COMPANION, *arguments)
        environment = {"COMPANION_DATA_DIR": str(self._folder)}
        with Program(f"companion {arguments[0]}", *command, env=environment) as program:
            assert program.wait() == 0, program
            return "\n".join(program.out)

    async def send(self, event: str, **data: Any) -> None:
        """Send a client event from the page, on a connection of its own."""
        script = """(frame) => new Promise((sent) => {
            const socket = new WebSocket(EVENTS);
            socket.onopen = () => { socket.send(frame); socket.close(); };
            socket.onclose = sent;
        })"""
        await self.chat.page.evaluate(script, json.dumps({"event": event, "data": data}))

    @asynccontextmanager
    async def browser(self, folder: Path) -> AsyncIterator[None]:
        """Open the chat UI in a browser on the machine."""
        path = need("chromium", "chromium-browser", "google-chrome", install="apt-get install chromium")
        start = folder / f"chromium-{self.name}"
        start.write_text("#!/bin/sh\nexec " + " ".join(map(str, self.machine.command(path))) + ' "$@"\n')
        start.chmod(start.stat().st_mode | stat.S_IXUSR)
        site: list[str | Path] = [
            sys.executable,
            "-m",
            "http.server",
            str(UI_PORT),
            "--bind",
            "127.0.0.1",
            "--directory",
            chat_ui.HERE,
        ]
        with Program("web site", *self.machine.command(*site)) as server:
            server.wait_for_line("Serving HTTP")
            async with chromium(folder / f"profile-{self.name}", program=start) as browser:
                self.chat = Chat(await browser.new_page())
                yield

    async def open(self) -> None:
        """Load the page, and wait until it is connected."""
        assert self._companion
        await self.chat.open(f"http://localhost:{UI_PORT}", self._companion)

    async def until(self, true: Callable[[], Any], what: str) -> Any:
        """Await ``true()`` until its result is true."""
        return await self.chat.until(true, f"{self.name}: {what}", PATIENCE_S)

    async def sees(self, text: str, other: "Person", method: str) -> Any:
        """Wait until a message of another person is the last one in the open chat. Return its event."""
        await self.chat.wait_for_last(text)
        return await self._message(text, other, method)

    async def _message(self, text: str, other: "Person", method: str) -> Any:
        found = [each for each in await self.chat.frames("new_message") if each["text"] == text]
        assert [(each["from"], each["delivery_method"]) for each in found] == [(other.name, method)], found
        return found[0]

    async def delivered(self, text: str, other: "Person") -> bool:
        """Load the chat again, and return whether a message that was sent is delivered."""
        return bool((await self.stored(text, other) or {}).get("delivered"))

    async def stored(self, text: str, other: "Person") -> Any:
        """Load the chat again, and return a message of it; None if there is none with this text."""
        await self.chat.open_chat(other.name)
        script = "([name, text]) => chat.messages[name].find((each) => each.text === text) ?? null"
        return await self.chat.page.evaluate(script, [other.name, text])


async def play(anna: Person, ben: Person, project: StandIn) -> None:
    """Play the chat. Raises ``AssertionError`` if a step is not seen."""
    for each, other in ((anna, ben), (ben, anna)):
        await each.open()
        await each.chat.add_friend(other.name)
        await each.until(partial(_lists, each, other), "the friend from the directory")
        await each.chat.reload()
        await each.chat.open_chat(other.name)
    step("each found the other in the directory")

    await anna.chat.write("Hello, Ben 👋")
    hello = await ben.sees("Hello, Ben 👋", anna, "direct")
    await ben.chat.write("Hello, Anna")
    await anna.sees("Hello, Anna", ben, "direct")
    step("hello and answer")

    await ben.send("typing", to="anna", typing=True)
    await anna.until(lambda: anna.chat.frames("typing"), "typing")
    await ben.send("mark_read", peer="anna", msg_id=hello["msg_id"])
    await anna.until(lambda: _logged(anna, f"has read the messages up to {hello['msg_id']}"), "the receipt")
    step("typing and a read receipt")

    ben.stop()
    await anna.chat.write("Are you there?")
    (row,) = await anna.until(lambda: rows(project), "the row in the queue")
    assert (row["from_user"], row["to_user"]) == ("anna", "ben")
    assert "Are you there" not in str(row)
    assert not await anna.delivered("Are you there?", ben)
    ben.start()
    # It may arrive before the page has connected again: then it is in the history only, as with any backend.
    late = await ben.until(lambda: ben.stored("Are you there?", anna), "the message that waited")
    assert late["delivery_method"] == "offline"
    assert "Are you there?" in await ben.chat.texts()
    await ben.until(lambda: _none(project), "the row to be deleted")
    await ben.send("mark_read", peer="anna", msg_id=late["msg_id"])
    await anna.until(lambda: anna.delivered("Are you there?", ben), "the receipt for the message that waited")
    step("a message waited in the queue while ben was offline, and its receipt came back")

    await ben.run("peers", "rotate")
    await ben.chat.write("with new keys")
    await anna.until(lambda: _logged(anna, "the signature is wrong"), "the refusal")
    await anna.until(lambda: _peers(anna, "KEYS CHANGED"), "the changed keys")
    assert "with new keys" not in await anna.chat.texts()
    await anna.run("peers", "accept", "ben")
    await anna.chat.write("Now I know your keys")
    await anna.until(lambda: _has(anna, "with new keys"), "the message with the accepted keys")
    step("changed keys were refused until they were accepted")
    for each in (anna, ben):
        assert each.chat.errors == [], each.chat.errors


async def _lists(person: Person, other: Person) -> bool:
    return other.name in await person.chat.contacts()


async def _logged(person: Person, text: str) -> bool:
    return text in await person.run("journal", "--filter", f'"{text}"')


async def _peers(person: Person, text: str) -> bool:
    return text in await person.run("peers", "list")


async def _has(person: Person, text: str) -> bool:
    return text in await person.chat.texts()


async def rows(project: StandIn) -> list[dict[str, Any]]:
    """Return the rows of the queue."""
    return await asyncio.to_thread(project.store.select, "messages", parse([], lambda name: name), 1000)


async def _none(project: StandIn) -> bool:
    return not await rows(project)


def step(text: str) -> None:
    """Print a step that was seen."""
    print(text, flush=True)


async def main(folder: Path) -> None:
    """Create the machines and the project, and play the chat."""
    create_bridge()
    certificate, key = create_certificate(folder)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    async with AsyncExitStack() as stack:
        project = stack.enter_context(running(StandIn(SqliteStore(), host=HOST, tls=tls)))
        environment = {
            "SSL_CERT_FILE": str(certificate),
            "COMPANION_SUPABASE_URL": project.url,
            "COMPANION_SUPABASE_KEY": PUBLISHABLE,
        }
        people: list[Person] = []
        for number, name in ((2, "anna"), (3, "ben")):
            machine = create_machine(name, number)
            stack.callback(machine.holder.wait)
            stack.callback(machine.holder.kill)
            person = Person(machine, folder, environment)
            stack.callback(person.stop)
            person.start()
            await stack.enter_async_context(person.browser(folder))
            people.append(person)
        anna, ben = people
        await play(anna, ben, project)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
