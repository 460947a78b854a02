import pytest

from app.hub.roster import Roster
from app.hub.target import ALL, Target
from tests.hub.doubles import Stage


def ids(roster: Roster, to: Target = ALL) -> tuple[int, ...]:
    group = roster.group(to)
    assert tuple(client.id for client in group.clients) == group.ids
    return group.ids


@pytest.fixture
def roster(stage: Stage) -> Roster:
    roster = Roster()
    for name in ("me", "bob", "bob", "alice"):
        roster.add(stage.join(name))
    return roster


@pytest.mark.parametrize(
    ("to", "meant"),
    [
        (ALL, (1, 2, 3, 4)),
        (Target(user="bob"), (2, 3)),
        (Target(user="bob", but=2), (3,)),
        (Target(clients=frozenset({4, 1, 99})), (1, 4)),
        (Target(user="nobody"), ()),
    ],
    ids=str,
)
def test_who_is_meant(roster: Roster, to: Target, meant: tuple[int, ...]) -> None:
    assert ids(roster, to) == meant
    assert roster.group(to) is roster.group(to)


def test_it_knows_who_came_who_left_and_who_changed_names(stage: Stage, roster: Roster) -> None:
    bob = roster.get(2)
    assert bob
    ids(roster, Target(user="bob"))
    assert roster.remove(bob)
    assert not roster.remove(bob)
    assert ids(roster, Target(user="bob")) == (3,)
    roster.add(stage.join("bob"))
    assert ids(roster, Target(user="bob")) == (3, 5)
    third = roster.get(3)
    assert third
    third.username = "carol"
    roster.changed()
    assert ids(roster, Target(user="bob")) == (5,)
    assert ids(roster) == (1, 3, 4, 5)


def test_whoever_was_given_up_is_not_meant(roster: Roster) -> None:
    client = roster.get(1)
    assert client
    client.outbox.close()
    roster.changed()
    assert ids(roster) == (2, 3, 4)
    assert len(roster) == 4


def test_a_thousand_targets_are_not_kept(roster: Roster) -> None:
    for number in range(1000):
        assert ids(roster, Target(user=f"user {number}")) == ()
    assert len(roster._groups) <= 10


def test_a_hub_sends_to_those_of_now(stage: Stage) -> None:
    first = stage.join("bob")
    assert stage.hub.reach(Target(user="bob")).ids == (1,)
    stage.hub.identify(first, "carol")
    assert stage.hub.reach(Target(user="bob")).ids == ()
    stage.join("bob")
    assert stage.hub.reach(Target(user="bob")).ids == (2,)
