"""Parse the text of an AsyncAPI document (version 3, JSON or YAML), and follow the references within it.
A reference to another file or address is an error. Nothing is imported here.
"""

import re
from typing import Any

from app.protocol.contract_documents.schema_parts import look_up, pointer_tokens
from app.protocol.envelope import BadFrame, check_tree, parse_json
from app.protocol.event_files.problems import short
from app.protocol.event_files.yaml_values import MAX_VALUES, InvalidYaml, parse_yaml

MAX_DOCUMENT_BYTES = 1024 * 1024
"""The maximum size of a document."""
MAX_REFERENCES = 50
"""The longest chain of references."""
MAX_STEPS = 100_000
"""At most this many nodes are visited. A node counts each time that a reference leads to it."""
_VERSION = re.compile(r"(\d+)(\.|$)")
_JSON = re.compile(r"""\s*(\[|\{\s*["}])""")
"""How JSON begins. A text such as ``{asyncapi: …`` is YAML in flow style."""


class InvalidAsyncApi(ValueError):
    """A document that cannot be imported. The text is one sentence for users."""


class Document:
    """The content of a document. Its nodes may be references to other nodes."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content
        self._steps = 0

    def count_step(self) -> None:
        """Count a visited node. Raises ``InvalidAsyncApi`` if there were too many: references can multiply them."""
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise InvalidAsyncApi(
                f"The document has more than {MAX_STEPS:,} nodes once its references are expanded, for example "
                "within allOf and oneOf. Import a smaller document."
            )

    def section(self, name: str) -> dict[str, Any]:
        """Return an object at the top level; empty if the document has none."""
        return as_object(self.content.get(name, {}), name)

    def follow(self, node: Any, place: str) -> tuple[Any, str]:
        """Follow references. Return the node at their end, and the last reference; ``place`` if there is none.

        Raises ``InvalidAsyncApi`` for a reference that is not local, points to nothing or leads back to itself.
        """
        for _ in range(MAX_REFERENCES + 1):
            self.count_step()
            if not (isinstance(node, dict) and isinstance(reference := node.get("$ref"), str)):
                return node, place
            node, place = self.target(reference, place), reference
        raise InvalidAsyncApi(
            f"The reference {short(place)} refers to itself, or the chain of references is too long."
        )

    def target(self, reference: str, place: str) -> Any:
        """Return what a reference at ``place`` points to. Raises ``InvalidAsyncApi``."""
        if not reference.startswith("#"):
            raise InvalidAsyncApi(
                f"{short(place)} refers to {short(reference)}, which is outside of the document. Only local "
                "references (#/…) are followed: put it into this document, for example with asyncapi bundle."
            )
        tokens = pointer_tokens(reference)
        try:
            if tokens is None:
                raise KeyError
            return look_up(self.content, tokens)
        except KeyError:
            raise InvalidAsyncApi(f"{short(place)} refers to {short(reference)}, which does not exist.") from None


def read_document(text: str) -> Document:
    """Parse a document, JSON or YAML, and check its version. Raises ``InvalidAsyncApi``, and nothing else."""
    if len(text.encode(errors="surrogatepass")) > MAX_DOCUMENT_BYTES:
        raise InvalidAsyncApi(f"The document is larger than {MAX_DOCUMENT_BYTES // 1024:,} KiB.")
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise InvalidAsyncApi("The document is empty. Import an AsyncAPI document of version 3.")
    content = _parsed(text)
    if not isinstance(content, dict) or "asyncapi" not in content:
        other = next(
            (key for key in ("openapi", "swagger", "$schema") if isinstance(content, dict) and key in content), ""
        )
        hint = f" It has the key {other}." if other else ""
        raise InvalidAsyncApi(f"This is not an AsyncAPI document: it lacks the key asyncapi.{hint}")
    version = str(content["asyncapi"])
    major = _VERSION.match(version)
    if major and major[1] in ("1", "2"):
        raise InvalidAsyncApi(
            f"AsyncAPI {short(version, 20)} is not supported: publish and subscribe do not say which application "
            "sends. Convert the document to version 3, for example with asyncapi convert."
        )
    if not major or major[1] != "3":
        raise InvalidAsyncApi(f"AsyncAPI {short(version, 20)} is not supported. Use a document of version 3.")
    return Document(content)


def _parsed(text: str) -> Any:
    try:
        if _JSON.match(text):
            content = parse_json(text)
        else:
            content, _ = parse_yaml(text)
            check_tree(content)
    except BadFrame as bad:
        where = f" ({bad.where})" if bad.where else ""
        raise InvalidAsyncApi(f"The document cannot be read{where}: {bad.reason}.") from None
    except InvalidYaml as bad:
        where = f" (line {bad.line} column {bad.column})" if bad.line else ""
        raise InvalidAsyncApi(f"The document cannot be read{where}: {bad.reason.rstrip('.')}.") from None
    if _count(content) > MAX_VALUES:
        raise InvalidAsyncApi(f"The document has more than {MAX_VALUES:,} values.")
    return content


def _count(content: Any) -> int:
    """Return the number of values, at most one more than the limit."""
    pending, number = [content], 0
    while pending and number <= MAX_VALUES:
        value = pending.pop()
        number += 1
        pending += value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return number


def as_object(value: Any, place: str) -> dict[str, Any]:
    """Return a value that must be an object. Raises ``InvalidAsyncApi``."""
    if not isinstance(value, dict):
        raise InvalidAsyncApi(f"{short(place)} must be an object.")
    return value
