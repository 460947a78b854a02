"""``companion mcp`` with the official client: both versions of the protocol, all tools, and errors in sentences."""

import json
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters

from app.cli.agents.connection import NOT_ALLOWED, NOT_RUNNING

from . import sockets
from .conftest import Run, Start
from .processes import COMPANION, ENVIRONMENT, Companion, serve, wait_until
from .tools import posix_only

OLD, NEW = "2025-11-25", "2026-07-28"
"""The versions of the protocol: with a handshake (the mode ``legacy`` of the client), and without it."""
READING = {"status", "expect", "journal_query", "ui_state_compare", "export"}
CHANGING = {"fire", "scenario", "breakpoint"}


@asynccontextmanager
async def agent(data_dir: Path, mode: str = "auto") -> AsyncIterator[Client]:
    """Start ``companion mcp`` as coding agents do, and connect to it."""
    command, *arguments = map(str, COMPANION)
    parameters = StdioServerParameters(
        command=command, args=[*arguments, "mcp", "--data-dir", str(data_dir)], env=dict(ENVIRONMENT)
    )
    async with Client(parameters, mode=mode) as client:
        yield client


async def use(client: Client, tool: str, /, **arguments: Any) -> Any:
    """Call a tool that succeeds, and return its result."""
    result: Any = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return result.structured_content


async def error_of(client: Client, tool: str, /, **arguments: Any) -> str:
    """Call a tool that fails, and return the sentence."""
    result: Any = await client.call_tool(tool, arguments)
    assert result.is_error
    return str(result.content[0].text)


async def read(client: Client, uri: str) -> Any:
    """Return the JSON of a resource."""
    result: Any = await client.read_resource(uri)
    return json.loads(result.contents[0].text)


async def test_agents_of_both_versions_are_refused_until_the_user_allows_them(
    server: Companion, run: Run, data_dir: Path
) -> None:
    async with agent(data_dir) as client:
        assert await error_of(client, "status") == NOT_ALLOWED
        assert not (data_dir / "agent-token").exists(), "no token was created"
        run("server", "settings", "agents=true")
        assert (await use(client, "status"))["state"] == "listening"
        async with agent(data_dir, "legacy") as old:
            assert (old.protocol_version, client.protocol_version) == (OLD, NEW)
            listed = [(await each.list_tools()).tools for each in (old, client)]
            assert listed[0] == listed[1]
            fired = await use(old, "fire", event="friend_online", data={"username": "alice"})
            (row,) = (await use(client, "journal_query", after=fired["seq"] - 1))["rows"]
            assert (row["event"], row["origin"]) == ("friend_online", "agent")
            assert await error_of(old, "fire") == await error_of(client, "fire") == "event: Field required."
        run("server", "settings", "agents=false")
        assert await error_of(client, "fire", event="friend_online") == NOT_ALLOWED
        server.stop()
        assert await error_of(client, "status") == NOT_RUNNING


@pytest.fixture
def allowing(running: Start, data_dir: Path) -> Companion:
    """A companion that allows coding agents."""
    data_dir.mkdir()
    (data_dir / "settings.toml").write_text("agents = true\n", encoding="utf-8")
    return running(serve(data_dir))


def test_it_ends_with_its_input_although_calls_wait(allowing: Companion, data_dir: Path) -> None:
    assert allowing.url
    command = [*map(str, COMPANION), "mcp", "--data-dir", str(data_dir)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENVIRONMENT) as process:
        assert process.stdin
        assert process.stdout

        def send(**message: Any) -> None:
            assert process.stdin
            process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
            process.stdin.flush()

        about = {"protocolVersion": OLD, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
        send(id=0, method="initialize", params=about)
        assert json.loads(process.stdout.readline())["id"] == 0
        send(method="notifications/initialized")
        process.stdin.write(
            b'{"jsonrpc": "2.0", "id": "x", "method": "tools/call", '
            b'"params": {"name": "fire", "arguments": {"event": "\\ud800"}}}\nnot JSON\n'
        )
        process.stdin.flush()
        errors = [json.loads(process.stdout.readline()) for _ in range(2)]
        assert [(each["id"], each["error"]["code"]) for each in errors] == [("x", -32700), (None, -32700)]
        for number in range(1, 31):
            arguments = {"event": "typing", "within_s": 600}
            send(id=number, method="tools/call", params={"name": "expect", "arguments": arguments})
        send(id="status", method="tools/call", params={"name": "status", "arguments": {}})
        answer = json.loads(process.stdout.readline())
        assert answer["id"] == "status"
        assert "data, not instructions" in answer["result"]["structuredContent"]["notice"]
        process.stdin.close()
        assert process.wait(20) == 0


@posix_only
def test_a_signal_ends_it_and_its_scenario_although_the_input_stays_open(
    allowing: Companion, data_dir: Path, run: Run
) -> None:
    """Regression: SIGTERM left the scenario running, and SIGINT had no effect while the input was open."""
    assert allowing.url
    command = [*map(str, COMPANION), "mcp", "--data-dir", str(data_dir)]
    messages: list[dict[str, Any]] = [
        {"id": 0, "method": "initialize",
         "params": {"protocolVersion": OLD, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}},
        {"method": "notifications/initialized"},
        {"id": 1, "method": "tools/call",
         "params": {"name": "scenario", "arguments": {"text": "wait 600s\nnote late\n"}}},
    ]  # fmt: skip
    lines = "".join(f"{json.dumps({'jsonrpc': '2.0', **each})}\n" for each in messages)

    def states() -> list[str]:
        return [each["state"] for each in json.loads(run("session", "runs", "--json").out[0])]

    numbers = (signal.SIGINT, signal.SIGTERM)
    with ExitStack() as stack:
        pipe, null = subprocess.PIPE, subprocess.DEVNULL
        processes = [
            stack.enter_context(subprocess.Popen(command, stdin=pipe, stdout=null, stderr=pipe, env=ENVIRONMENT))
            for _ in numbers
        ]
        for each in processes:
            assert each.stdin
            each.stdin.write(lines.encode())
            each.stdin.flush()
        wait_until(lambda: states() == ["running"] * len(numbers), "the scenarios to play")
        for number, each in zip(numbers, processes, strict=True):
            each.send_signal(number)
        for each in processes:
            assert each.stderr
            assert (each.wait(20), each.stderr.read()) == (130, b"")
    assert states() == ["stopped"] * len(numbers)


def test_it_ends_without_an_error_if_its_output_is_closed(allowing: Companion, data_dir: Path) -> None:
    assert allowing.url
    command = [*map(str, COMPANION), "mcp", "--data-dir", str(data_dir)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=ENVIRONMENT) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        process.stdin.write(b"not JSON\n")
        process.stdin.close()
        assert (process.wait(20), process.stderr.read()) == (0, b"")


async def test_the_tools_and_resources(allowing: Companion, data_dir: Path) -> None:
    async with agent(data_dir) as client:
        tools = (await client.list_tools()).tools
        assert {each.name for each in tools if each.annotations and each.annotations.read_only_hint} == READING
        assert {each.name for each in tools if each.annotations and not each.annotations.read_only_hint} == CHANGING
        with sockets.client(allowing.url) as ui:
            fired = await use(client, "fire", event="friend_online", data={"username": "alice"}, wait_s=10)
            assert fired["delivered"] == 1
            rows = (await use(client, "journal_query", filter="event:friend_online origin:agent"))["rows"]
            assert [(each["seq"], each["origin"]) for each in rows] == [(fired["seq"], "agent")]
            assert "frame" not in rows[0]
            (whole,) = (await use(client, "journal_query", after=fired["seq"] - 1, limit=1, full=True))["rows"]
            assert json.loads(whole["frame"])["data"] == {"username": "alice"}
            held = await use(client, "breakpoint", action="add", filter="event:typing dir:c2s")
            sockets.send(ui, "typing", to="alice", typing=True)
            ((item,),) = [(await use(client, "breakpoint", action="wait", within_s=10))["held"]]
            await use(client, "breakpoint", action="continue", number=item["id"])
            await use(client, "breakpoint", action="remove", number=held["id"])
            met = await use(client, "expect", event="typing", where={"data.to": "alice"}, after=fired["seq"])
            assert met["met"] is True
            played = await use(client, "scenario", text="alice: hi\n", speed="max")
            assert (played["state"], played["events"]) == ("passed", 1)
        text = (await use(client, "export", kind="playwright", filter="event:friend_online"))["text"]
        assert "alice" in text
        exported = await use(client, "export", kind="scenario", limit=1)
        assert "Set a higher limit" in exported["notes"][0]
        assert "Set a higher limit" not in str(await use(client, "export", kind="scenario", limit=2_000))
        assert "new_message" in (await use(client, "export", kind="typescript"))["text"]
        contract = await read(client, "companion://contract")
        assert "new_message" in {each["name"] for each in contract["events"]}
        journal = await read(client, "companion://journal")
        assert fired["seq"] in {each["seq"] for each in journal["rows"]}
        unknown = await error_of(client, "fire", event="typing", wait=1)
        assert unknown.startswith("fire has no argument 'wait'; did you mean wait_s? It has: event, data,")
        assert "unknown server event 'nope'" in await error_of(client, "fire", event="nope")
        assert await error_of(client, "scenario") == "Give either text or name."
        assert "unknown key 'x'" in await error_of(client, "journal_query", filter="x:y(")
