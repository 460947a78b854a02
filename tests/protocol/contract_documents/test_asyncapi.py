"""The AsyncAPI document: npm's parser accepts it, and actions are from the perspective of the application."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from app.protocol.catalog import built_in
from app.protocol.contract import Direction
from app.protocol.contract_documents.applications import Application
from app.protocol.contract_documents.asyncapi import asyncapi
from app.protocol.contract_documents.described_event import DescribedEvent, EnvelopeKeys, described
from tests.e2e.tools import need, node_modules

URL = "ws://127.0.0.1:8081/events"
PARSE = """
import { createRequire } from "node:module";
import fs from "node:fs";
const { Parser } = createRequire(process.argv[2] + "/")("@asyncapi/parser");
const found = [];
for (const file of process.argv.slice(3)) {
  const { document, diagnostics } = await new Parser().parse(fs.readFileSync(file, "utf8"));
  found.push({
    errors: diagnostics.filter((each) => each.severity < 2).map((each) => [each.path.join("."), each.message]),
    actions: Object.fromEntries((document?.operations().all() ?? []).map((each) => [each.id(), each.action()])),
    messages: document ? document.messages().all().map((each) => each.name()) : [],
  });
}
console.log(JSON.stringify(found));
"""
ODD = [
    DescribedEvent(
        name="Größe /~1 {x}", direction=direction, help="Text with *signs* & <b>.",
        schema={
            "type": "object",
            "required": ["pair"],
            "properties": {
                "pair": {"type": "array", "prefixItems": [{"$ref": "#/$defs/node"}], "items": False},
                "of": {"$ref": "#/$defs/node", "description": "beside a reference"},
                "same": {"$ref": "#/properties/of"},
            },
            "dependentRequired": {"of": ["same"]},
            "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}},
        },
        examples=[{"pair": [{"next": {}}]}],
    )
    for direction in Direction
]  # fmt: skip


def parse(tmp_path: Path, *documents: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what npm's parser says about documents."""
    modules = node_modules("@asyncapi/parser")
    (tmp_path / "parse.mjs").write_text(PARSE)
    files = []
    for number, each in enumerate(documents):
        files.append(tmp_path / f"{number}.json")
        files[-1].write_text(json.dumps(each), encoding="utf-8")
    command = [need("node", install="Node.js"), str(tmp_path / "parse.mjs"), str(modules), *map(str, files)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


@pytest.mark.e2e
def test_npms_parser_accepts_the_documents_and_rejects_a_wrong_one(tmp_path: Path) -> None:
    events = described(built_in())
    keys = EnvelopeKeys(event="type", data="payload")
    wrong = asyncapi(events, URL, "1")
    wrong["operations"]["eventsToUi"]["action"] = "emit"
    backend, client, odd, failing = parse(
        tmp_path,
        asyncapi(events, URL, "1"),
        asyncapi(events, URL, "1", Application.CLIENT),
        asyncapi([*events, *ODD], "ws://127.0.0.1:9/chat/ws", "1", keys=keys),
        wrong,
    )
    assert backend["errors"] == client["errors"] == odd["errors"] == []
    assert failing["errors"]
    assert backend["actions"] == {"eventsToUi": "send", "eventsFromUi": "receive"}
    assert client["actions"] == {"eventsToUi": "receive", "eventsFromUi": "send"}
    assert sorted(backend["messages"]) == sorted(each.name for each in events)
    assert odd["messages"].count("Größe /~1 {x}") == 2


def test_the_address_is_that_of_the_event_server() -> None:
    document = asyncapi(described(built_in()), "ws://127.0.0.1:9/chat/ws", "1")
    assert document["servers"]["local"] | {"description": ""} == {
        "host": "127.0.0.1:9", "protocol": "ws", "description": "",
    }  # fmt: skip
    assert document["channels"]["events"]["address"] == "/chat/ws"


@pytest.mark.parametrize("application", Application)
def test_without_events_of_a_direction_there_is_no_operation(application: Application) -> None:
    events = [each for each in described(built_in()) if each.direction is Direction.TO_UI]
    assert list(asyncapi(events, URL, "1", application)["operations"]) == ["eventsToUi"]


def test_both_kinds_of_dependencies_of_a_field_are_kept() -> None:
    schema = {"dependentRequired": {"a": ["b"], "x": ["y"]}, "dependentSchemas": {"a": {"required": ["c"]}}}
    event = DescribedEvent(
        name="x", direction=Direction.TO_UI, help="", schema={"type": "object", **schema}, examples=[]
    )
    text = json.dumps(asyncapi([event], URL, "1"))
    assert '"a": {"allOf": [{"required": ["b"]}, {"required": ["c"]}]}' in text
    assert '"x": ["y"]' in text
