"""Pseudonyms: the same length and script, the same for equal words, and other ones for other words."""

import unicodedata

import pytest

from app.protocol.bundle.alphabets import alphabet_of
from app.protocol.bundle.pseudonyms import Pseudonyms

TEXTS = {
    "latin": "Alice says hi to bob", "accents": "Zoë ünïcödé", "cyrillic": "Привет мир", "chinese": "你好世界",
    "hebrew": "שלום עולם", "arabic": "مرحبا بالعالم", "korean": "한국어", "digits": "12345 678",
    "full width": "ｆｕｌｌ", "greek": "Ωμέγα", "hindi": "नमस्ते दुनिया",
    "not normalized": "\ufa10 \u0958 \u212b\u212b",
}  # fmt: skip
KEPT = "\u202e👩‍👩‍👧\x00\x1b[\ud800\u0301\n\t …—_-@.!"


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_each_word_is_replaced_by_another_one_of_the_same_kind(text: str) -> None:
    found = Pseudonyms().text(text)
    assert len(found) == len(text)
    assert len(found.encode()) == len(text.encode())
    for before, after in zip(text.split(" "), found.split(" "), strict=True):
        assert before != after or len(alphabet_of(before[0])) == 1
    for before, after in zip(text, found, strict=True):
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


def test_pseudonyms_do_not_show_what_the_words_have_in_common() -> None:
    """A substitution that depends on the beginning of a word is solved with a list of frequent words."""
    pseudonyms = Pseudonyms(b"key")
    words = [f"name{number:03}" for number in range(500)]
    found = [pseudonyms.word(each) for each in words]
    assert len(set(found)) == len(words)
    for index in range(len(words[0])):
        assert len({each[index] for each in found}) == (26 if index < 4 else 10)
    assert sorted(found) != found
    ends = [pseudonyms.word(f"{first}bcdefgh") for first in "abcdefghijklmnopqrstuvwxyz"]
    assert len({each[1:] for each in ends}) == len(ends)
    letters = [pseudonyms.word(each) for each in "abcdefghijklmnopqrstuvwxyz"]
    assert sorted(letters) == list("abcdefghijklmnopqrstuvwxyz")
    assert (
        len({(ord(after) - ord(before)) % 26 for before, after in zip(sorted(letters), letters, strict=True)}) > 2
    )


def test_marks_are_parts_of_words_and_letters_between_them_are_not_words() -> None:
    pseudonyms = Pseudonyms(b"key")
    assert len({pseudonyms.text(f"र{mark}म")[0] for mark in "ािीुूेैोौ"}) > 2
    assert pseudonyms.text("e\u0301a")[1] == "\u0301"


@pytest.mark.parametrize("each", ["的", "한", "я", "á"])
def test_alphabets_are_large_and_do_not_overlap(each: str) -> None:
    alphabet = alphabet_of(each)
    assert each in alphabet
    assert len(alphabet) >= 30
    assert {alphabet_of(char) for char in (alphabet[0], alphabet[-1])} == {alphabet}


def test_a_character_is_in_its_own_alphabet() -> None:
    for char in map(chr, range(0x3000)):
        assert char in alphabet_of(char)


def test_a_long_word_takes_a_time_that_grows_with_its_length(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = [0]

    def numbers(_: bytes, __: int, count: int, source: bytes = b"") -> memoryview:
        hashed[0] += count + len(source)
        return memoryview(bytes(4 * count)).cast("I")

    monkeypatch.setattr("app.protocol.bundle.pseudonyms._numbers", numbers)
    Pseudonyms(b"key").word("a" * 100_000)
    assert hashed[0] < 100 * 100_000


def test_the_pseudonyms_of_two_bundles_differ() -> None:
    name = "a name that is long enough"
    assert Pseudonyms().text(name) != Pseudonyms().text(name)


def test_a_number_does_not_begin_with_zero() -> None:
    for each in range(100_000, 100_200):
        found = Pseudonyms(b"key").number(str(each))
        assert len(found) == 6
        assert found[0] != "0"
        assert found != str(each)
