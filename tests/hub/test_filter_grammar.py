"""The help texts of the filter language match the parser."""

from app.hub.filter import KEYS, parse
from app.hub.filter_grammar import EXAMPLES, KEY_MEANINGS, VALUE_MEANINGS
from app.hub.filter_text import tokens


def test_every_key_is_explained() -> None:
    assert {each.text for each in KEY_MEANINGS} == set(KEYS)


def test_every_value_and_example_is_valid() -> None:
    terms = [f"{key}:{each.text}" for key, found in VALUE_MEANINGS.items() for each in found]
    for term in [*terms, *(each.text for each in EXAMPLES)]:
        assert parse(term).warnings == ()
        assert len(parse(term).terms) == len(tokens(term)) == 1


def test_there_is_an_example_for_every_key() -> None:
    assert {each.key for example in EXAMPLES for each in tokens(example.text)} - {""} == set(KEYS)
