"""Common JSON types of the control API: ``Input``, the base class of queries and most request bodies, which rejects
unknown names, and ``Problem``, the body of error responses.

Most groups of operations have their types in a module of their own. The OpenAPI document is made from all types,
and the input is checked against them; operations check more, such as paths and names.
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
