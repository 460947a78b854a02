"""The filter language: each term, invalid terms, and limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.hub.filter import KEYS, MAX_TERMS, parse
from app.hub.journal import Journal, Kind, Row, Verdict
from app.hub.origin import Origin
from tests.hub.doubles import FakeTime

ROWS = {
    "online": (Kind.TO_UI, "friend_online", b'{"username":"alice"}', "all", Verdict.OK, "", "panel"),
    "big": (Kind.TO_UI, "new_message", b'{"text":"' + b"Hey " * 500 + b'"}', "user:bob", Verdict.OK, "", "control"),
    "typing": (Kind.FROM_UI, "typing", b'{"to":"bob"}', "3", Verdict.OK, "no client acts as bob", "client 3"),
    "bad": (Kind.FROM_UI, "", b"{nope", "3", Verdict.INVALID, "not JSON", "client 3"),
    "joined": (Kind.SERVER, "connected", b"", "3", Verdict.OK, "acts as alice", "server"),
}


LIST = f"user:{'a,b,' * 200}"
"""Too many values."""


def rows() -> dict[str, Row]:
    time = FakeTime()
    journal = Journal(time.clock)
    rows = {}
    for name, (kind, event, payload, client, verdict, note, origin) in ROWS.items():
        rows[name] = journal.append(
            kind, event, payload=payload, client=client, verdict=verdict, note=note, origin=Origin(origin)
        )
        time.passed += 60
    return rows


def found(text: str) -> list[str]:
    matches = parse(text, lambda: 1_700_000_000.0 + 300).matches
    return [name for name, row in rows().items() if matches(row)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ["online", "big", "typing", "bad", "joined"]),
        ("event:typing", ["typing"]),
        ("dir:s2c", ["online", "big"]),
        ("dir:c2s", ["typing", "bad"]),
        ("dir:c2s -is:invalid", ["typing"]),
        ("is:invalid", ["bad"]),
        ("is:injected", ["online", "big"]),
        ("client:3", ["typing", "bad", "joined"]),
        ("origin:client", ["typing", "bad"]),
        ("user:bob", ["big", "typing"]),
        ("larger:1k", ["big"]),
        ("larger:5", ["online", "big", "typing"]),
        ("after:2m", ["bad", "joined"]),
        ("ALICE", ["online", "joined"]),
        ('"acts as"', ["typing", "joined"]),
        ("/n[oO]pe|username/", ["online", "bad"]),
        ("-/./", []),
        ("acts bob", ["typing"]),
        ("event:", ["online", "big", "typing", "bad", "joined"]),
        ("event:online,typing", ["online", "typing"]),
        ("-event:online,typing", ["big", "bad", "joined"]),
        ("event:typing,", ["typing"]),
        ("event:=typing", ["typing"]),
        ("event:=typ", []),
        ('event:="typing"', ["typing"]),
        ('event:="typing,=connected"', ["typing", "joined"]),
        ('-event:="typing', ["online", "big", "bad", "joined"]),
        ("event:=typing,=connected", ["typing", "joined"]),
        ("dir:s2c,server", ["online", "big", "joined"]),
        ("client:3,7", ["typing", "bad", "joined"]),
        ("user:alice,bob", ["online", "big", "typing"]),
        ("-user:alice,bob", ["bad", "joined"]),
        ("is:invalid,injected", ["online", "big", "bad"]),
        ("origin:panel,client", ["online", "typing", "bad"]),
        ("@", ["online", "big", "typing", "bad", "joined"]),
        ('"@errors"', []),
        ('-"', ["online", "big", "typing", "bad", "joined"]),
        ('-""', ["online", "big", "typing", "bad", "joined"]),
        ('-event:"', ["online", "big", "typing", "bad", "joined"]),
        ('is:"" larger:"', ["online", "big", "typing", "bad", "joined"]),
    ],
)
def test_a_filter_finds_its_rows(text: str, names: list[str]) -> None:
    assert found(text) == names
    assert parse(text).warnings == ()


@pytest.mark.parametrize("client", ["user:", "user: ", "user:  except:3"])
@pytest.mark.parametrize("text", ["user:alice", "hello", "-client:2"])
def test_a_filter_reads_a_row_whose_target_has_no_name(client: str, text: str) -> None:
    row = Journal(FakeTime().clock).append(Kind.TO_UI, "typing", payload=b"{}", client=client)
    assert parse(text).matches(row) == (text == "-client:2")


QUOTES_AROUND_ONE = ['event:b,"c', 'event:"b c",d', 'event:"b","c d"', 'event:="b","c"', 'event:"b",']


@pytest.mark.parametrize(
    "text", ["colour:red", "dir:left", "is:odd", "larger:big", "after:soon", "/[/", *QUOTES_AROUND_ONE, LIST]
)
def test_an_invalid_term_is_reported_and_searched_as_text(text: str) -> None:
    assert len(parse(text).warnings) == 1
    assert found(text) == []


SAVED = {"errors": "is:invalid", "from UI": "dir:c2s -is:invalid"}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@errors", ["bad"]),
        ('@"from UI"', ["typing"]),
        ("@errors dir:s2c", []),
        ('@"from UI" event:typing', ["typing"]),
    ],
)
def test_a_reference_stands_for_the_terms_of_a_saved_filter(text: str, names: list[str]) -> None:
    parsed = parse(text, saved=SAVED)
    assert parsed.warnings == ()
    assert [name for name, row in rows().items() if parsed.matches(row)] == names


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("@nothing", "there is no saved filter 'nothing' (saved: errors, from UI)"),
        ("-@errors", "a saved filter cannot be negated"),
    ],
)
def test_an_impossible_reference_is_reported(text: str, warning: str) -> None:
    assert parse(text, saved=SAVED).warnings[0].startswith(warning)


def test_references_to_saved_filters_do_not_multiply_the_work() -> None:
    saved = {str(number): " ".join(f"{number}{each:02}" for each in range(100)) for number in range(9)}
    assert len(parse("@1 @1 @1", saved=saved).terms) == 100
    several = parse(" ".join(f"@{name}" for name in saved), saved=saved)
    assert len(several.terms) == MAX_TERMS
    assert several.warnings == ("the filter has more than 250 terms; the others are ignored",)
    values = {str(number): f"user:{','.join(f'{number}{each:02}' for each in range(100))}" for number in range(9)}
    assert len(parse(" ".join(f"@{name}" for name in values), saved=values).terms) == 2


def test_a_saved_filter_does_not_contain_others() -> None:
    assert len(parse("@a", saved={"a": "@b", "b": "typing"}).warnings) == 1


def test_more_values_do_not_narrow_a_filter() -> None:
    assert not parse("event:typing,new").narrows(parse("event:typing"))
    assert not parse("event:typing,newer").narrows(parse("event:typing,new"))
    assert parse("event:typing,new is:ok").narrows(parse("event:typing,new"))


@given(st.text())
def test_any_text_is_a_filter(text: str) -> None:
    matches = parse(text).matches
    assert all(matches(row) in (True, False) for row in rows().values())


TERMS = st.tuples(
    st.sampled_from(["", "-"]),
    st.sampled_from([*(f"{key}:" for key in KEYS), "", "/", '"', "x:"]),
    st.one_of(
        st.text(st.characters(codec=None)),
        st.integers(min_value=0).map(str),
        st.integers(10, 6_000).map(lambda digits: "9" * digits),
        st.text("()[]{}|*+?\\\\^$.<>=!:0123456789kmhs"),
    ),
    st.sampled_from(["", "k", "m", "MB", "s", "h", "/", '"']),
).map("".join)


@given(st.lists(TERMS, max_size=4).map(" ".join))
def test_terms_of_any_size_and_shape_never_raise(text: str) -> None:
    row_filter = parse(text)
    assert all(row_filter.matches(row) in (True, False) for row in rows().values())
    assert not [
        warning for warning in row_filter.warnings if "sys." in warning or "codec" in warning or "Python" in warning
    ]


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (f"after:{'9' * 400}h", f"after:{'9' * 40} is not a number of at most 12 digits; try after:10s"),
        (f"larger:{'9' * 5000}", f"larger:{'9' * 40} is not a number of at most 12 digits; try larger:1k"),
        ("after:٣s", "after:٣s is not a number of at most 12 digits; try after:10s"),
        (
            f"/{'(' * 5000}{')' * 5000}/",
            f"the regular expression /{'(' * 40}/ is too large; searched as plain text",
        ),
    ],
)
def test_a_term_that_is_too_large_is_reported_in_plain_words(text: str, warning: str) -> None:
    assert parse(text).warnings == (warning,)


def test_the_largest_numbers_are_accepted() -> None:
    assert found(f"after:{'9' * 12}h -larger:{'9' * 12}m") == list(ROWS)


def test_an_expression_with_catastrophic_backtracking_is_stopped() -> None:
    """Python's ``re`` would take hours for the first row and cannot be interrupted."""
    row = rows()["bad"]._replace(payload=b"a" * 40 + b"!")
    matches = parse("/(a+)+$/").matches
    assert not any(matches(row) for _ in range(1_000))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ()),
        ("Hello", ("hello",)),
        ('"are you there" bob', ("are you there", "bob")),
        ("-hello bob", ("bob",)),
        ("event:typing is:invalid user:bob larger:1k", ()),
        ("/a+/", ()),
        ("colour:red", ("colour:red",)),
    ],
)
def test_the_words_of_a_filter_are_those_that_its_rows_contain(text: str, words: tuple[str, ...]) -> None:
    assert parse(text).words == words
