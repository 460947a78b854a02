"""Random JSON Schemas, and random values for them.

Each object type has a required field: TypeScript rejects values that have none of the fields of a type whose fields
are all optional, although they have the type.
"""

from random import Random
from typing import Any

import jsonschema_rs

KEYS = ("a", "b", "c d")
TEXTS = ("x", "y", "")


def random_schema(random: Random, depth: int = 3) -> Any:
    """Return a schema that may refer to ``#/$defs/node``."""
    kinds = ["type", "type", "enum", "const"]
    if depth:
        kinds += [
            "object",
            "object",
            "array",
            "tuple",
            "anyOf",
            "oneOf",
            "allOf",
            "record",
            "ref",
            "mixed",
            "required",
        ]
    kind = random.choice(kinds)
    inner = [random_schema(random, depth - 1) for _ in range(random.randint(1, 3))] if depth else []
    match kind:
        case "type":
            types = random.sample(["string", "number", "integer", "boolean", "null", "object", "array"], 2)
            return random.choice([True, {"type": types[0]}, {"type": types}])
        case "enum":
            return {"enum": [random_value(random, 1) for _ in range(3)]}
        case "const":
            return {"const": random_value(random, 1)}
        case "object" | "mixed":
            properties = dict(zip(random.sample(KEYS, 3), inner, strict=False))
            schema: dict[str, Any] = {"properties": properties, "required": random.sample(list(properties), 1)}
            if kind == "object":
                schema["type"] = "object"
            if random.random() < 0.4:
                schema["additionalProperties"] = random.choice([True, False, inner[0]])
            return schema
        case "array":
            return {"type": "array", "items": inner[0]}
        case "tuple":
            return {
                "type": "array", "prefixItems": inner, "items": random.choice([False, True, inner[0]]),
                "minItems": random.randint(0, 3),
            }  # fmt: skip
        case "record":
            return {"type": "object", "additionalProperties": inner[0], "patternProperties": {"^a": inner[-1]}}
        case "ref":
            return {"$ref": "#/$defs/node"}
        case "required":
            return {"type": "object", "anyOf": [{"required": ["a"]}, *inner]}
        case _:
            return {kind: inner}


def random_value(random: Random, depth: int = 3) -> Any:
    """Return a JSON value."""
    choice = random.randint(0, 7 if depth else 4)
    match choice:
        case 0 | 1:
            return random.choice(TEXTS)
        case 2:
            return random.choice([0, 1, -1.5])
        case 3:
            return random.choice([True, False])
        case 4:
            return None
        case 5 | 6:
            return {key: random_value(random, depth - 1) for key in random.sample(KEYS, random.randint(0, 3))}
        case _:
            return [random_value(random, depth - 1) for _ in range(random.randint(0, 3))]


def cases(seed: int, number: int, tries: int = 150) -> list[tuple[dict[str, Any], list[Any]]]:
    """Return schemas, each with values that are valid according to it."""
    random = Random(seed)
    values = [random_value(random) for _ in range(tries)]
    found: list[tuple[dict[str, Any], list[Any]]] = []
    while len(found) < number:
        schema = random_schema(random)
        if not isinstance(schema, dict):
            continue
        fields = {"a": {"$ref": "#/$defs/node"}, "b": random_schema(random, 1)}
        node = {"type": "object", "required": ["b"], "properties": fields}
        schema = {**schema, "$defs": {"node": node}}
        validator = jsonschema_rs.Draft202012Validator(schema)
        if valid := [each for each in values if validator.is_valid(each)]:
            found.append((schema, valid))
    return found
