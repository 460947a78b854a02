"""The OpenAPI document of the control API describes its parameters."""

from typing import Any

from app.endpoints.control.api import OPERATIONS
from app.endpoints.control.openapi import document


def parameters() -> list[tuple[str, dict[str, Any]]]:
    """Return each parameter with the operation that takes it."""
    paths = document(OPERATIONS, "http://127.0.0.1:8082")["paths"]
    return [
        (f"{method.upper()} {path}", parameter)
        for path, methods in paths.items()
        for method, operation in methods.items()
        for parameter in operation.get("parameters", ())
    ]


def test_every_parameter_has_a_description() -> None:
    assert [(where, each["name"]) for where, each in parameters() if not each["description"]] == []


def test_a_name_in_a_path_says_what_it_names() -> None:
    described = {where: each["description"] for where, each in parameters() if each["name"] == "name"}
    assert described["DELETE /v1/fixtures/{name}/pin"] == "Name of the fixture"
    assert described["PATCH /v1/personas/{name}"] == "Name of the persona"


def test_an_optional_parameter_has_the_description_of_its_value() -> None:
    (client,) = [each for where, each in parameters() if where == "GET /v1/reconnects"]
    assert client["description"] == "Only those of this client's page and its browser"
