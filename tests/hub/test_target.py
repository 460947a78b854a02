"""Targets: parsing, text form and selection of clients."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.hub.target import ALL, Target
from tests.hub.doubles import Stage


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("all", ALL),
        (" all ", ALL),
        ("user:alice", Target(user="alice")),
        ("user:a:b", Target(user="a:b")),
        ("user:all", Target(user="all")),
        ("client:3", Target(clients=frozenset({3}))),
        ("client:3,5", Target(clients=frozenset({3, 5}))),
        ("client: 3, 5", Target(clients=frozenset({3, 5}))),
        ("all except:3", Target(excluded=3)),
        ("user:bob except:3", Target(user="bob", excluded=3)),
        ("user:x except:3 except:", Target(user="x except:3")),
    ],
)
def test_a_target_is_parsed_from_text(text: str, target: Target) -> None:
    assert Target.parse(text) == target


@pytest.mark.parametrize(
    "text", ["", "everybody", "user:", "client:", "client:x", "client:1,", "client:-1", "client:1.5", "All", "all:"]
)
def test_an_invalid_target_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match="invalid target"):
        Target.parse(text)


@pytest.mark.parametrize("text", ["all", "user:alice", "client:3", "client:3,5,40"])
def test_the_text_of_a_target_equals_the_text_it_was_parsed_from(text: str) -> None:
    assert str(Target.parse(text)) == text


@given(
    st.builds(
        Target,
        user=st.none() | st.text("ab x:3except ", min_size=1).filter(lambda name: name.strip() == name),
        clients=st.none(),
        excluded=st.none() | st.integers(1, 99),
    )
    | st.builds(
        Target,
        user=st.none(),
        clients=st.frozensets(st.integers(1, 99), min_size=1),
        excluded=st.none() | st.integers(1, 99),
    )
)
def test_every_target_equals_the_target_parsed_from_its_text(target: Target) -> None:
    assert Target.parse(str(target)) == target


def test_a_target_selects_clients_in_the_given_order(stage: Stage) -> None:
    alice, bob, alice_again = stage.join("alice"), stage.join("bob"), stage.join("alice")
    clients = stage.hub.clients
    assert ALL.select(clients) == [alice, bob, alice_again]
    assert Target(user="alice").select(clients) == [alice, alice_again]
    assert Target(clients=frozenset({bob.id, alice.id})).select(clients) == [alice, bob]
    assert Target(user="alice", excluded=alice.id).select(clients) == [alice_again]
    assert Target(excluded=bob.id).select(clients) == [alice, alice_again]
    assert Target(user="carol").select(clients) == []
    assert Target(clients=frozenset({99})).select(clients) == []
