"""Parse the text of an AsyncAPI document (version 3, JSON or YAML), and follow the references within it.
A reference to another file or address is an error. Nothing is imported here.
"""

import re
from collections.abc import Callable
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
SIZE_PER_STEP = 50
"""A node counts once more for this many keys and values in lists, or characters of a reference."""
MAX_TEXT_CHARS = 64_000_000
"""At most this much text of event files is checked. A file is checked again for each example."""
_VERSION = re.compile(r"(\d+)(\.|$)")
_JSON = re.compile(r"""\s*(\[|\{\s*["}])""")
"""How JSON begins. A text such as ``{asyncapi: …`` is YAML in flow style."""


class InvalidAsyncApi(ValueError):
    """A document that cannot be imported. The text is one sentence for users."""


class Document:
    """The content of a document. Its nodes may be references to other nodes."""

    def __init__(self, content: dict[str, Any], go_on: Callable[[], None] = lambda: None) -> None:
        """``go_on`` is called at each step. It raises an exception to end the import."""
        self.content = content
        self._go_on = go_on
        self._steps = self._chars = 0

    def count_step(self, size: int = 0) -> None:
        """Count a visited node. Raises ``InvalidAsyncApi`` if there were too many: references can multiply them."""
        self._go_on()
        self._steps += 1 + size // SIZE_PER_STEP
        if self._steps > MAX_STEPS:
            raise InvalidAsyncApi(
                f"The document has more than {MAX_STEPS:,} nodes once its references are expanded, for example "
                "within allOf and oneOf. Import a smaller document."
            )

    def count_text(self, text: str) -> None:
        """Count a text that is checked. Raises ``InvalidAsyncApi`` if there was too much."""
        self._go_on()
        self._chars += len(text)
        if self._chars > MAX_TEXT_CHARS:
            raise InvalidAsyncApi(
                f"The event files and their examples have more than {MAX_TEXT_CHARS // 1_000_000} million "
                "characters. Import a smaller document."
            )

    def section(self, name: str) -> dict[str, Any]:
        """Return an object at the top level; empty if the document has none."""
        return as_object(self.content.get(name, {}), name)

    def follow(self, node: Any, place: str) -> tuple[Any, str]:
        """Follow references. Return the node at their end, and the last reference; ``place`` if there is none.

        Raises ``InvalidAsyncApi`` for a reference that is not local, points to nothing or leads back to itself.
        """
        for _ in range(MAX_REFERENCES + 1):
            self.count_step(_size(node))
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
        self.count_step(len(reference))
        tokens = pointer_tokens(reference)
        try:
            if tokens is None:
                raise KeyError
            return look_up(self.content, tokens)
        except KeyError:
            raise InvalidAsyncApi(f"{short(place)} refers to {short(reference)}, which does not exist.") from None


def read_document(text: str, go_on: Callable[[], None] = lambda: None) -> Document:
    """Parse a document, JSON or YAML, and check its version. Raises ``InvalidAsyncApi``.

    ``go_on``: see ``Document``. What it raises is passed on.
    """
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
    return Document(content, go_on)


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


def _size(node: Any) -> int:
    """Return the number of keys and values of a node, those in objects and lists directly below it included."""
    if isinstance(node, dict):
        return len(node) + sum(len(each) for each in node.values() if isinstance(each, dict | list))
    return len(node) if isinstance(node, list) else 0


def as_object(value: Any, place: str) -> dict[str, Any]:
    """Return a value that must be an object. Raises ``InvalidAsyncApi``."""
    if not isinstance(value, dict):
        raise InvalidAsyncApi(f"{short(place)} must be an object.")
    return value
