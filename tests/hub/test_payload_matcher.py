"""The fast search of payloads gives the same results as a plain one."""

import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.hub import payload_matcher
from app.hub.filter import parse
from app.hub.origin import PANEL
from app.hub.payload_matcher import (
    MAX_EXPANDED,
    Expressions,
    FilterError,
    bytes_search,
    expanded_size,
    text_search,
)
from app.hub.row import Kind, Row, RowKey, Verdict
from app.hub.row_store import Columns

LETTERS = st.text(alphabet='aAbkKsSß\u212a\u017fİıéÉ🎉" -:\n', max_size=12)
PAYLOADS = st.lists(st.one_of(LETTERS.map(str.encode), st.binary(max_size=8)), min_size=1, max_size=12)


def columns(payloads: list[bytes], events: list[str] | None = None, note: str = "") -> Columns:
    events = events or ["typing"] * len(payloads)
    keys = [RowKey(Kind.TO_UI, "all", event, Verdict.OK, note, PANEL, "", ()) for event in events]
    return Columns(keys, [1.0] * len(payloads), payloads)


@given(PAYLOADS, LETTERS.filter(bool), st.sampled_from([0, 5, 16 * 1024]))
def test_text_search_equals_a_search_in_the_case_folded_text(payloads: list[bytes], word: str, joined: int) -> None:
    before, payload_matcher.MAX_JOINED_BYTES = payload_matcher.MAX_JOINED_BYTES, joined
    try:
        folded_word = word.casefold()
        found = text_search(folded_word)(columns(payloads), range(len(payloads)))
    finally:
        payload_matcher.MAX_JOINED_BYTES = before
    assert list(found) == [
        folded_word in f"typing\n\n{each.decode('utf-8', 'replace')}".casefold() for each in payloads
    ]


@given(PAYLOADS, st.text(alphabet='ab"', min_size=1, max_size=3))
def test_bytes_search_equals_a_plain_search(payloads: list[bytes], word: str) -> None:
    found = bytes_search(word.encode())(columns(payloads), range(len(payloads)))
    assert list(found) == [word.encode() in each for each in payloads]


@given(PAYLOADS, LETTERS.filter(bool), st.data())
def test_only_the_given_rows_are_searched(payloads: list[bytes], word: str, data: st.DataObject) -> None:
    indexes = data.draw(st.lists(st.sampled_from(range(len(payloads))), min_size=1, unique=True).map(sorted))
    all_rows = text_search(word.casefold())(columns(payloads), range(len(payloads)))
    assert list(text_search(word.casefold())(columns(payloads), indexes)) == [all_rows[index] for index in indexes]


def test_no_match_extends_over_two_payloads() -> None:
    assert text_search("ab")(columns([b"xa", b"bx", b"ab"]), range(3)) == [False, False, True]


def test_every_unicode_letter_that_case_folds_to_ascii_is_found() -> None:
    letters = [char for char in map(chr, range(0x80, sys.maxunicode)) if any(map(str.isascii, char.casefold()))]
    assert len(letters) > 10
    for char in letters:
        ascii_part = next(each for each in char.casefold() if each.isascii())
        assert list(text_search(ascii_part)(columns([char.encode()]), [0])) == [True], char


WORDS = st.sampled_from(
    ["event:ty", "event:typing", "-event:ty", "a", "aB", "ab", "-a", "-ab", "dir:s2c", "dir:c2s", "larger:3",
     "user:a", "user:ab", "origin:pa", "origin:panel", "is:ok", '"a b"', "/a/", "/a.b/", "after:10s", "after:1h"],
)  # fmt: skip
FILTERS = st.lists(WORDS, max_size=3).map(" ".join)


@given(PAYLOADS, FILTERS)
def test_matching_many_rows_equals_matching_each_row(payloads: list[bytes], text: str) -> None:
    row_filter = parse(text, lambda: 8.0)
    rows = [
        Row(1, 1.0, 1.0, Kind.TO_UI, "all", "typing" if n % 2 else "new", each, len(each), Verdict.OK, "", PANEL)
        for n, each in enumerate(payloads)
    ]
    all_columns = columns(payloads, [row.event for row in rows])
    indexes = [index for index, row in enumerate(rows) if row_filter.matches(row)]
    assert list(row_filter.matching(all_columns)) == indexes
    assert list(row_filter.matching(all_columns, indexes)) == indexes


@given(PAYLOADS, FILTERS, FILTERS)
def test_a_filter_that_narrows_another_matches_a_subset(payloads: list[bytes], text: str, other: str) -> None:
    narrow, wide = parse(text, lambda: 8.0), parse(other, lambda: 8.0)
    if narrow.narrows(wide):
        rows = columns(payloads, ["typing" if index % 2 else "new" for index in range(len(payloads))])
        assert set(narrow.matching(rows)) <= set(wide.matching(rows))


@pytest.mark.parametrize(
    ("text", "other", "expected"),
    [
        ("ab", "a", True),
        ("a", "ab", False),
        ("a event:ty", "a", True),
        ("event:typing", "event:ty", True),
        ("event:typing", "typing", False),
        ("-ab", "-a", False),
        ("-a b", "-a", True),
        ("user:ab", "user:a", False),
        ("/a/", "/a/", False),
        ("after:10s", "after:10s", True),
        ("larger:10", "larger:1", False),
        ('"is:ok"', "is:ok", False),
        ("x", "", True),
    ],
)
def test_when_a_filter_narrows_another(text: str, other: str, expected: bool) -> None:
    assert parse(text, lambda: 8.0).narrows(parse(other, lambda: 8.0)) is expected


@pytest.mark.parametrize(
    "pattern",
    [
        "(a{65535}){65535}", "((a{100}){100}){300}", "(((a|b){99}){99}){99}", "a{999999}",
        "(?:ab){9999,}x(?:cd){99}",
        "((a{1000})[(]){1000}", "(?x)((a{1000}) { 10 00 })", "(?x)(a{1000})#{1}\n{1000}", "(?x)(a{1000}){10#}\n00}",
        "(a{1000})(?#x){1000}", "(?:(?:ab){999}+){999}", "x" * (MAX_EXPANDED + 1), "a{" + "9" * 400 + "}",
        "{{99999}", r"\\{99999}", r"\{{99999}", r"(a{999})(?#\){999}", "(?x)(a{999})#\\\n{999}",
        "(?ix:(a{999}) {999})", f"[{'ab' * 4000}]{{9000}}", "[[:alpha:]a{99999}",
    ],
)  # fmt: skip
def test_an_expression_is_not_compiled_if_its_repeats_make_it_too_large(
    pattern: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import regex

    monkeypatch.setattr(regex, "compile", lambda *_, **__: pytest.fail("it was compiled"))
    with pytest.raises(FilterError) as error:
        Expressions().search(pattern)
    assert str(error.value) == f"the regular expression /{pattern[:40]}/ is too large; searched as plain text"


@pytest.mark.parametrize(
    "pattern",
    [
        "([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})",
        r"(?:\d{1,3}\.){3}\d{1,3}", r"\p{L}+",
        "(ab){0,65535}", "(?:foobar){e<=2}", "a{,9}b{2}", "{", "a{}", r"\d{4}-\d{2}-\d{2}T(\d{2}:){2}\d{2}",
    ],
)  # fmt: skip
def test_usual_repeats_are_not_too_large(pattern: str) -> None:
    assert len(pattern) <= expanded_size(pattern) < 5_000
    Expressions().search(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        '"text":"[^"]{2000,}"', "x{5000}", r'"\{\{[^}]{2000}\}\}"', r"\{10000}", '"color":"{#', "a {5000}",
        r'"text":"[^"]{5000}","to":"[^"]{2000}"', "(?i)x{5000}",
    ],
)  # fmt: skip
def test_a_repeat_of_one_character_counts_once(pattern: str) -> None:
    """Regression: the number was multiplied by the length of the whole expression."""
    Expressions().search(pattern)


def test_the_expressions_of_a_filter_are_limited_together() -> None:
    found = parse(" ".join(f"/{letter}{{5990}}/" for letter in "abcde"))
    assert found.warnings == tuple(
        f"the regular expression /{letter}{{5990}}/ is too large; searched as plain text" for letter in "de"
    )
    assert [each.text for each in parse("/a{12000}/ /b{12000}/ c -/d/").terms][-2:] == ["/a{12000}/", "-/d/"]


def test_a_compiled_expression_is_not_kept_by_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    import regex

    compiled: list[dict[str, object]] = []
    real = regex.compile

    def compile_and_record(*args: Any, **options: Any) -> regex.Pattern[str]:
        compiled.append(options)
        return real(*args, **options)

    monkeypatch.setattr(regex, "compile", compile_and_record)
    Expressions().search("[ab]{9}")
    assert compiled == [{"cache_pattern": False}]
