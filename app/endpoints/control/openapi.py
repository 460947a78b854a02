"""Generate the OpenAPI document of the control API from the declared operations and their JSON types."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from app import __version__
from app.endpoints.control.operations import JSON, TEXT, Operation, Scope
from app.endpoints.control.shapes import Problem
from app.endpoints.health import NAME
from app.endpoints.health import PATH as HEALTH
from app.system.agent_token import LIMITS

PROBLEM = "application/problem+json"
DESCRIPTION = (
    "Everything that the companion's window can do. `companion token` prints the token. `companion token --agent` "
    f"prints a token that {LIMITS}."
)
SECURITY = {
    "token": {"type": "http", "scheme": "bearer", "description": "The main token, for all operations"},
    "agentToken": {
        "type": "http",
        "scheme": "bearer",
        "description": f"The agent token: it {LIMITS}",
    },
}
NUMBERS = ("id", "seq", "number", "breakpoint")
"""Path parameters that are numbers. All others are text."""
NAMED = {
    "id": "Number of the client",
    "seq": "Number of the row in the log",
    "number": "Number of the run",
    "msg_id": "ID of the message",
    "breakpoint": "Number of the breakpoint",
    "item": "Number of the held item, or all",
    "kind": "Kind of file: event, fixture, session, profile, settings or state",
}
"""Descriptions of path parameters. All others are names."""
COMMON_ERRORS = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
"""Status codes that any operation may return."""
ERRORS_OF_BODIES = (
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
)
"""The other errors of operations with a body."""
RENAMED = {"Door": "ServerSummary"}
"""Former names of schemas, which generated clients may use. The document contains both."""


def document(operations: Sequence[Operation], url: str) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of operations that are served at ``url``."""
    shapes = [shape for each in operations for shape in (each.query, each.body, each.answer) if _is_shape(shape)]
    shapes.append(Problem)
    schemas, components = msgspec.json.schema_components(shapes, ref_template="#/components/schemas/{name}")
    schema_of = dict(zip(map(repr, shapes), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {HEALTH: {"get": _health()}}
    for each in operations:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each, schema_of, components)
    queries = {each.query.__name__ for each in operations}
    former = {old: {**components[new], "title": old, "deprecated": True} for old, new in RENAMED.items()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "P2P Chat Companion, control API",
            "version": __version__,
            "description": DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": url}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": {name: each for name, each in {**components, **former}.items() if name not in queries},
            "securitySchemes": SECURITY,
        },
    }


def _health() -> dict[str, Any]:
    """Return the description of ``GET /health``, which needs no token and which the other servers answer too."""
    schema = {
        "type": "object",
        "required": ["name", "version", "ready"],
        "properties": {
            "name": {"const": NAME},
            "version": {"type": "string"},
            "ready": {"type": "boolean", "description": "False while the companion starts or stops"},
        },
    }
    content = {JSON: {"schema": schema}}
    problem = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        "operationId": "health",
        "summary": "Return whether the companion is ready. It needs no token. The other servers answer it too.",
        "security": [],
        "responses": {
            "200": {"description": "The companion is ready", "content": content},
            "403": {"description": HTTPStatus.FORBIDDEN.phrase, "content": problem},
            "503": {"description": "The companion starts or stops", "content": content | problem},
        },
    }


def _is_shape(shape: Any) -> bool:
    return shape is not None and shape is not str


def _operation(each: Operation, schema_of: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    if each.answer is None:
        answers["204"] = {"description": "Done"}
    else:
        schema = {"type": "string"} if each.answer is str else schema_of[repr(each.answer)]
        answers["200"] = {"description": "Done", "content": {each.answer_media: {"schema": schema}}}
    of_body = () if each.body is None else ERRORS_OF_BODIES
    for status in sorted({*COMMON_ERRORS, *of_body, *each.errors}):
        answers[str(status.value)] = {
            "description": status.phrase,
            "content": {PROBLEM: {"schema": schema_of[repr(Problem)]}},
        }
    described: dict[str, Any] = {
        "operationId": each.handler.__name__,
        "summary": each.summary,
        "security": [{"token": []}, {"agentToken": []}] if each.scope is Scope.AGENT else [{"token": []}],
        "parameters": _path_parameters(each) + _query_parameters(each, components),
        "responses": answers,
    }
    if each.body is not None:
        schema = {"type": "string"} if each.media == TEXT else schema_of[repr(each.body)]
        described["requestBody"] = {"required": True, "content": {each.media or JSON: {"schema": schema}}}
    return described


def _path_parameters(each: Operation) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": NAMED.get(name) or f"Name of the {_noun(each.path)}",
            "schema": {"type": "integer", "minimum": 1} if name in NUMBERS else {"type": "string", "minLength": 1},
        }
        for name in re.findall(r"{(\w+)}", each.path)
    ]


def _noun(path: str) -> str:
    """Return what the first part of a path is about: ``fixture`` for ``/v1/fixtures/{name}``."""
    return path.split("/")[2].removesuffix("s")


def _query_parameters(each: Operation, components: dict[str, Any]) -> list[dict[str, Any]]:
    schema = components[each.query.__name__]
    return [
        {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", ()),
            "description": _description(described),
            "schema": described,
        }
        for name, described in schema["properties"].items()
    ]


def _description(schema: dict[str, Any]) -> str:
    """Return the description of a schema, or of one of its alternatives: an optional value has it there."""
    alternatives = (schema, *schema.get("anyOf", ()))
    return next((each["description"] for each in alternatives if "description" in each), "")
