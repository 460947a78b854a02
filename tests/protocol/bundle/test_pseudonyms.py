"""Pseudonyms: the same length and script, the same for equal words, and other ones for other words."""

import unicodedata

import pytest

from app.protocol.bundle.pseudonyms import Pseudonyms

TEXTS = {
    "latin": "Alice says hi to bob", "accents": "Zoë ünïcödé", "cyrillic": "Привет мир", "chinese": "你好世界",
    "hebrew": "שלום עולם", "arabic": "مرحبا بالعالم", "korean": "한국어", "digits": "12345 678",
    "full width": "ｆｕｌｌ", "greek": "Ωμέγα",
}  # fmt: skip
KEPT = "\u202e👩‍👩‍👧\x00\x1b[\ud800\u0301\n\t …—_-@.!"


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_each_letter_is_replaced_by_another_one_of_the_same_kind(text: str) -> None:
    found = Pseudonyms().text(text)
    assert len(found) == len(text)
    assert len(found.encode()) == len(text.encode())
    for before, after in zip(text, found, strict=True):
        assert (before == after) is (before == " ")
        assert unicodedata.category(before) == unicodedata.category(after)
        assert unicodedata.name(before).split()[0] == unicodedata.name(after).split()[0]


def test_what_is_no_letter_or_digit_is_kept() -> None:
    assert Pseudonyms().text(KEPT) == KEPT
    assert Pseudonyms().text(f"a{KEPT}b")[1:-1] == KEPT


def test_equal_words_stay_equal_and_different_ones_different() -> None:
    pseudonyms = Pseudonyms()
    words = [
        f"{first}{second}" for first in "abcdefghijklmnopqrstuvwxyz" for second in "abcdefghijklmnopqrstuvwxyz"
    ]
    assert len(set(map(pseudonyms.word, words))) == len(words)
    first, second = pseudonyms.text("bob"), pseudonyms.text("say: (bob)!")
    assert second[6:9] == first
    assert pseudonyms.text("Bob").lower() == first


def test_the_pseudonyms_of_two_bundles_differ() -> None:
    name = "a name that is long enough"
    assert Pseudonyms().text(name) != Pseudonyms().text(name)


def test_a_number_does_not_begin_with_zero() -> None:
    for each in range(100_000, 100_200):
        found = Pseudonyms(b"key").number(str(each))
        assert len(found) == 6
        assert found[0] != "0"
        assert found != str(each)
