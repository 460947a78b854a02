"""Check, save, rename and delete saved filters of the log. They are a mapping from names to filter texts.
The functions that change it return a changed copy; the caller writes the copy to the settings.
"""

from collections.abc import Mapping

from app.hub.filter import parse
from app.hub.filter_text import saved_name, tokens
from app.protocol.errors import Conflict, Invalid, NotFound

MAX_NAME = 40
MAX_TEXT = 500
MAX_FILTERS = 100


def valid_name(name: str) -> str:
    """Return the name without surrounding spaces. Raises ``Invalid``."""
    name = name.strip()
    if not name:
        raise Invalid("Enter a name.")
    if len(name) > MAX_NAME:
        raise Invalid(f"The name is too long. Use at most {MAX_NAME} characters.")
    if not name.isprintable() or '"' in name or name[0] in "@-":
        raise Invalid('Use letters, digits and spaces. A name must not contain " or begin with @ or -.')
    return name


def valid_text(text: str) -> str:
    """Return the text of a filter without surrounding spaces. Raises ``Invalid``."""
    text = text.strip()
    if len(text) > MAX_TEXT:
        raise Invalid(f"The filter is too long. Use at most {MAX_TEXT} characters.")
    if not text.isprintable():
        raise Invalid("The filter contains a control character. Remove it.")
    if any(saved_name(each.text.removeprefix("-")) for each in tokens(text)):
        raise Invalid("A saved filter cannot contain another one. Write out its terms.")
    found = parse(text)
    if not found.terms:  # also "event:", which has no value yet
        raise Invalid("The filter is empty. Enter a filter first.")
    if found.warnings:
        raise Invalid(f"The filter is not valid: {'; '.join(found.warnings)}.")
    return text


def saved(filters: Mapping[str, str], name: str, text: str) -> dict[str, str]:
    """Return the filters with one saved, replacing one of the same name. Raises ``Invalid``."""
    name, text = valid_name(name), valid_text(text)
    if name not in filters and len(filters) >= MAX_FILTERS:
        raise Invalid(f"There are {MAX_FILTERS} saved filters already. Delete one first.")
    return {**filters, name: text}


def renamed(filters: Mapping[str, str], old: str, new: str) -> dict[str, str]:
    """Return the filters with one renamed, in the same order. Raises ``Invalid``, ``NotFound`` and ``Conflict``."""
    new = valid_name(new)
    _require(filters, old)
    if new != old and new in filters:
        raise Conflict(f"There is already a saved filter {new!r}.")
    return {new if name == old else name: text for name, text in filters.items()}


def deleted(filters: Mapping[str, str], name: str) -> dict[str, str]:
    """Return the filters without one. Raises ``NotFound``."""
    _require(filters, name)
    return {each: text for each, text in filters.items() if each != name}


def _require(filters: Mapping[str, str], name: str) -> None:
    if name not in filters:
        raise NotFound(f"There is no saved filter {name[:60]!r}.")
