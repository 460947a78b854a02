"""Common JSON types of the control API: ``Input``, the base class of queries and request bodies, and ``Problem``,
the body of each error response.

Each group of operations has its types in a module of its own. The OpenAPI document and all checks are made from
them.
"""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

Seq = Annotated[int, Meta(ge=0, le=2**53, description="Number of a row of the log")]


class Input(Struct, forbid_unknown_fields=True, kw_only=True):
    """Base of queries and bodies. Unknown names are errors."""


class NoQuery(Input):
    """No query parameters."""


class ProblemPart(Struct, kw_only=True):
    """One problem, and its path in the request."""

    path: str
    message: str


class Problem(Struct, kw_only=True):
    """Why a request failed, and what to do (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    problems: list[ProblemPart] | UnsetType = UNSET
