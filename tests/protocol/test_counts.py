"""Numbers in texts have the right form of their noun."""

from app.protocol.counts import count, count_with


def test_only_one_is_singular() -> None:
    assert [count(number, "row") for number in (0, 1, 2, 1_200)] == ["0 rows", "1 row", "2 rows", "1,200 rows"]


def test_the_verb_agrees_with_the_number() -> None:
    found = [count_with(number, "row", "is", "are") for number in (0, 1, 2)]
    assert found == ["0 rows are", "1 row is", "2 rows are"]
