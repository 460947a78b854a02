"""Declare the operations of the control API with ``@operation``, and read and check the input of a request.

An operation is a method with an HTTP method and path, the JSON types of its input and answer, and a scope, which
says whether the agent token may call it.
"""

from codecs import BOM_UTF8
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from app.endpoints.body import as_json, as_text, read_bytes
from app.endpoints.control.service import Service
from app.endpoints.control.shapes import Input, NoQuery
from app.hub.origin import AGENT, CONTROL, Origin
from app.hub.signals import Signal
from app.hub.target import Target
from app.protocol.envelope import MAX_DEPTH
from app.protocol.errors import Invalid, Malformed
from app.validation_messages import fault

BODY_BYTES = 64 * 1024
JSON = "application/json"
TEXT = "text/plain"
STREAM = "text/event-stream"

T = TypeVar("T")
B = TypeVar("B", bytes, bytearray)
H = TypeVar("H", bound=Callable[..., Awaitable[Any]])


class Ending:
    """Whether the server of the control API is about to stop. Streams end then."""

    def __init__(self) -> None:
        self.set = False
        self.changed: Signal[None] = Signal()

    async def begin(self, _: web.Application) -> None:
        """End the streams."""
        self.set = True
        self.changed.emit(None)


ENDING = web.AppKey("ending", Ending)


class Scope(StrEnum):
    """Which tokens may call an operation."""

    AGENT = "agent"
    """Both tokens."""
    FULL = "full"
    """Only the main token: to change settings, tokens, peers or keys, open files by path, or contact any host."""

    def allows(self, other: "Scope") -> bool:
        """Return whether a token of this scope may call an operation of the scope ``other``."""
        return self is Scope.FULL or other is Scope.AGENT


SCOPE = web.RequestKey("scope", Scope)
"""The scope of a request's token."""


@dataclass(frozen=True)
class Call:
    """A request whose path, query and body are valid."""

    request: web.Request
    path: dict[str, str]
    query: Any
    body: Any
    body_bytes: int
    """The size of the body. The header Content-Length may be missing."""

    @property
    def by_agent(self) -> bool:
        """Whether the request has the agent token."""
        return self.request[SCOPE] is Scope.AGENT

    @property
    def origin(self) -> Origin:
        """The origin of rows that the request causes."""
        return AGENT if self.by_agent else CONTROL

    def needing_client(self) -> AbstractContextManager[None]:
        """Cancel the request if its client disconnects while the body is executed, which must change nothing.

        For a long computation whose result only the client gets.
        """
        from app.endpoints.http_handler import RequestHandler

        handler = self.request.protocol
        assert isinstance(handler, RequestHandler)
        return handler.needing_client()


Handler = Callable[[Any, Call], Awaitable[Any]]
"""A method of a group. It returns a struct, None (for status 204), or a ``StreamResponse``."""


@dataclass(frozen=True)
class Operation:
    """A method on a path: its input, its answer and its handler."""

    method: str
    path: str
    scope: Scope
    summary: str
    handler: Handler
    query: type[Input] = NoQuery
    body: Any = None
    media: str = JSON
    """Media type of the body."""
    limit: int = BODY_BYTES
    """Maximum size of the body in bytes."""
    max_depth: int = MAX_DEPTH
    """Deepest nesting of the body."""
    answer: Any = None
    answer_media: str = JSON
    errors: tuple[HTTPStatus, ...] = field(default=())
    """Status codes of its own errors, besides those that any operation may return."""


class Operations:
    """Base of a group of operations."""

    def __init__(self, service: Service) -> None:
        self._service = service


def operation(method: str, path: str, *, scope: Scope, **options: Any) -> Callable[[H], H]:
    """Declare a method to be an operation. The first line of its docstring is the summary in the document."""

    def declare(handler: H) -> H:
        summary = (handler.__doc__ or "").strip().splitlines()[0]
        handler.__operation__ = Operation(method, path, scope, summary, handler, **options)  # type: ignore[attr-defined]
        return handler

    return declare


def operations_of(api: type) -> list[Operation]:
    """Return the operations of a class and its bases, in the order of the bases and of the methods."""
    return [
        value.__operation__
        for group in api.__mro__
        for value in vars(group).values()
        if hasattr(value, "__operation__")
    ]


async def read(operation: Operation, request: web.Request) -> Call:
    """Read and check the query and the body of a request.

    Raises ``RequestError`` with the place and the reason, and ``TimeoutError`` if the body does not arrive in time.
    """
    query = _query(operation.query, request)
    content = b"" if operation.body is None else await read_bytes(request, operation.limit)
    return Call(request, dict(request.match_info), query, await _body(operation, content), len(content))


def _query(shape: type[Input], request: web.Request) -> Input:
    pairs = list(request.query.items()) if request.query_string else []
    values = dict(pairs)
    if len(values) < len(pairs):
        raise Malformed("A query parameter is given twice.")
    if bad := next((name for name, value in pairs if _has_surrogate(name + value)), None):
        raise Malformed(f"The query parameter {bad[:40]!r} is not UTF-8.")
    return _convert(values, shape, "The query", strict=False)


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= char <= "\udfff" for char in text)


async def _body(operation: Operation, content: bytes) -> Any:
    if operation.body is None:
        return None
    if operation.media == TEXT:
        return as_text(content)
    content = content.removeprefix(BOM_UTF8)  # Windows tools write it at the beginning of files
    return _convert(await as_json(content, operation.max_depth), operation.body, "The body")


def _convert(value: Any, shape: type[T], what: str, *, strict: bool = True) -> T:
    try:
        return msgspec.convert(value, shape, strict=strict)
    except msgspec.ValidationError as error:
        wrong = fault(error)
        if choices := _choices(shape, wrong.path):
            wrong = fault(error, choices)
        where = f" at {wrong.path}" if wrong.path else ""
        sentence = wrong.sentence
        if not strict:  # every value of a query is text
            sentence = sentence.removesuffix(", not text")
        raise Invalid(f"{what}{where} {sentence}.") from None


def _choices(shape: Any, name: str) -> tuple[str, ...]:
    """Return the values that a field of a request may have, if it is one of few words; otherwise nothing."""
    from msgspec import inspect  # loaded with the first invalid request

    described = inspect.type_info(shape)
    fields = described.fields if isinstance(described, inspect.StructType) else ()
    kind = next((each.type for each in fields if each.encode_name == name), None)
    if isinstance(kind, inspect.UnionType):
        kinds = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
        kind = kinds[0] if len(kinds) == 1 else None
    if isinstance(kind, inspect.Metadata):
        kind = kind.type
    if isinstance(kind, inspect.EnumType):
        return tuple(str(each.value) for each in kind.cls)
    return tuple(map(str, kind.values)) if isinstance(kind, inspect.LiteralType) else ()


def number(text: str) -> int | None:
    """Parse a number of up to 15 digits; return None if it is not one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def target(text: str) -> Target:
    """Parse a target. Raises ``Invalid``."""
    try:
        return Target.parse(text)
    except ValueError as error:
        raise Invalid(f"{error}.") from None


def absolute(path: str) -> Path:
    """Return the path of a file in a request. Raises ``Invalid`` unless it is absolute."""
    file = Path(path)
    if not file.is_absolute() or "\0" in path:
        raise Invalid("The file must be an absolute path.")
    return file
