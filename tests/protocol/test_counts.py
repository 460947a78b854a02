"""Numbers in texts have the right form of their noun."""

from app.protocol.counts import count


def test_only_one_is_singular() -> None:
    assert [count(number, "row") for number in (0, 1, 2, 1_200)] == ["0 rows", "1 row", "2 rows", "1,200 rows"]
