"""Parse the query string of PostgREST into SQL: filters, ``select``, ``order``, ``limit``, ``or=(…)``."""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

OPERATORS = {"eq": "=", "neq": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
RESERVED = ("select", "order", "limit", "offset", "or", "and", "columns", "on_conflict")


class BadQuery(Exception):
    """A query string that PostgREST rejects with PGRST100."""


class Condition(NamedTuple):
    """A part of a WHERE clause. ``params`` are pairs of a column and its value, in order."""

    sql: str
    params: tuple[tuple[str, str], ...]


class Query(NamedTuple):
    """A parsed query string."""

    columns: tuple[str, ...]
    where: Condition
    order: str
    limit: int | None
    offset: int


Quote = Callable[[str], str]


def parse(pairs: list[tuple[str, str]], quote: Quote) -> Query:
    columns: tuple[str, ...] = ("*",)
    order, limit, offset = "", None, 0
    parts: list[Condition] = []
    for name, value in pairs:
        if name == "select":
            columns = tuple(each for each in value.split(",") if each)
            if not all(re.fullmatch(r"\*|[A-Za-z_][A-Za-z0-9_]*", each) for each in columns):
                raise BadQuery(f'"failed to parse select parameter ({value})" (line 1, column 1)')
        elif name == "order":
            order = ", ".join(_order(each, quote) for each in value.split(","))
        elif name in ("limit", "offset"):
            if not value.isdigit():
                raise BadQuery(f'"failed to parse {name} parameter ({value})"')
            limit, offset = (int(value), offset) if name == "limit" else (limit, int(value))
        elif name in ("or", "and"):
            parts.append(_tree(f"{name}{value}", quote))
        elif name not in RESERVED:
            parts.append(_condition(name, value, quote, nested=False))
    sql = " AND ".join(f"({each.sql})" for each in parts)
    where = Condition(sql, tuple(p for each in parts for p in each.params))
    return Query(columns, where, order, limit, offset)


def _order(term: str, quote: Quote) -> str:
    match = re.fullmatch(r"([A-Za-z_][A-Za-z0-9_]*)(?:\.(asc|desc))?(?:\.(nullsfirst|nullslast))?", term)
    if not match:
        raise BadQuery(f'"failed to parse order ({term})"')
    nulls = {"nullsfirst": " NULLS FIRST", "nullslast": " NULLS LAST", None: ""}[match[3]]
    return f"{quote(match[1])} {(match[2] or 'asc').upper()}{nulls}"


def _condition(column: str, text: str, quote: Quote, *, nested: bool) -> Condition:
    negated = text.startswith("not.")
    operator, dot, value = text.removeprefix("not.").partition(".")
    if not dot:
        raise BadQuery(f'"failed to parse filter ({text})" (line 1, column 1)')
    if operator in OPERATORS:
        value = _unquoted(value) if nested else value
        found = Condition(f"{quote(column)} {OPERATORS[operator]} ?", ((column, value),))
    elif operator == "in":
        values = list(_list(value))
        marks = ", ".join("?" * len(values))
        found = Condition(f"{quote(column)} IN ({marks})", tuple((column, each) for each in values))
    elif operator == "is" and value in ("null", "true", "false"):
        found = Condition(f"{quote(column)} IS {value.upper()}", ())
    else:
        raise BadQuery(f'"failed to parse filter ({text})" (line 1, column 1)')
    return Condition(f"NOT ({found.sql})", found.params) if negated else found


def _unquoted(value: str) -> str:
    if value.startswith('"') and value.endswith('"') and len(value) > 1:
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    return value


def _list(text: str) -> Iterator[str]:
    """Yield the values of ``("a","b,c",d)``."""
    if not (text.startswith("(") and text.endswith(")")):
        raise BadQuery(f'"failed to parse filter (in.{text})" (line 1, column 4)')
    rest = text[1:-1]
    while rest:
        match = re.match(r'"((?:[^"\\]|\\.)*)"(?:,|$)|([^",()]+)(?:,|$)', rest)
        if not match:
            raise BadQuery(f'"failed to parse filter (in.{text})" (line 1, column 4)')
        yield re.sub(r"\\(.)", r"\1", match[1]) if match[1] is not None else match[2]
        rest = rest[match.end() :]


def _tree(text: str, quote: Quote) -> Condition:
    """Parse ``or(a.gt.1,and(b.eq.2,c.lt.3))``."""
    match = re.fullmatch(r"(not\.)?(or|and)\((.*)\)", text, re.DOTALL)
    if not match:
        column, dot, rest = text.partition(".")
        if not dot:
            raise BadQuery(f'"failed to parse logic tree ({text})" (line 1, column 1)')
        return _condition(column, rest, quote, nested=True)
    parts = [_tree(each, quote) for each in _split(match[3])]
    sql = f" {match[2].upper()} ".join(f"({each.sql})" for each in parts)
    return Condition(f"NOT ({sql})" if match[1] else sql, tuple(p for each in parts for p in each.params))


def _split(text: str) -> Iterator[str]:
    """Split at the commas outside of parentheses and quotes."""
    depth, quoted, part, skip = 0, False, "", False
    for char in text:
        if skip:
            skip = False
        elif char == "\\" and quoted:
            skip = True
        elif char == '"':
            quoted = not quoted
        elif not quoted:
            depth += (char == "(") - (char == ")")
            if char == "," and depth == 0:
                yield part
                part = ""
                continue
        part += char
    yield part
