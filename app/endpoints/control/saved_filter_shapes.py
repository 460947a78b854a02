"""JSON types of the control API operations on saved filters of the log.
A saved filter has a name; ``@NAME`` stands for it in a filter.
"""

from typing import Annotated

from msgspec import Meta, Struct

from app.endpoints.control.shapes import Input


class SavedFilter(Struct, kw_only=True):
    """A filter of the log that was saved under a name. ``@name`` stands for it in a filter."""

    name: str
    filter: str


class FilterBody(Input):
    """The filter to save."""

    filter: Annotated[
        str,
        Meta(
            max_length=500,
            description="The filter, in the language of the log's filter",
            examples=["is:invalid dir:c2s"],
        ),
    ]


class FilterRenameBody(Input):
    """The new name."""

    name: Annotated[str, Meta(max_length=200, examples=["errors"])]
