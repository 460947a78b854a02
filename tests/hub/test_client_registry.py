"""The client registry: recipients of a target, and the cache of them."""

import pytest

from app.hub.client_registry import ClientRegistry
from app.hub.target import ALL, Target
from tests.hub.doubles import Stage


def ids(registry: ClientRegistry, to: Target = ALL) -> tuple[int, ...]:
    group = registry.recipients(to)
    assert tuple(client.id for client in group.clients) == group.ids
    return group.ids


@pytest.fixture
def registry(stage: Stage) -> ClientRegistry:
    registry = ClientRegistry()
    for name in ("me", "bob", "bob", "alice"):
        registry.add(stage.join(name))
    return registry


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        (ALL, (1, 2, 3, 4)),
        (Target(user="bob"), (2, 3)),
        (Target(user="bob", excluded=2), (3,)),
        (Target(clients=frozenset({4, 1, 99})), (1, 4)),
        (Target(user="unknown"), ()),
    ],
    ids=str,
)
def test_a_target_resolves_to_its_recipients(
    registry: ClientRegistry, to: Target, expected: tuple[int, ...]
) -> None:
    assert ids(registry, to) == expected
    assert registry.recipients(to) is registry.recipients(to)


def test_recipients_follow_joins_leaves_and_username_changes(stage: Stage, registry: ClientRegistry) -> None:
    bob = registry.get(2)
    assert bob
    ids(registry, Target(user="bob"))
    assert registry.remove(bob)
    assert not registry.remove(bob)
    assert ids(registry, Target(user="bob")) == (3,)
    registry.add(stage.join("bob"))
    assert ids(registry, Target(user="bob")) == (3, 5)
    third = registry.get(3)
    assert third
    third.username = "carol"
    registry.invalidate()
    assert ids(registry, Target(user="bob")) == (5,)
    assert ids(registry) == (1, 3, 4, 5)


def test_a_client_with_a_closed_outbox_is_not_a_recipient(registry: ClientRegistry) -> None:
    client = registry.get(1)
    assert client
    client.outbox.close()
    registry.invalidate()
    assert ids(registry) == (2, 3, 4)
    assert len(registry) == 4


def test_the_recipient_cache_is_bounded(registry: ClientRegistry) -> None:
    for number in range(1000):
        assert ids(registry, Target(user=f"user {number}")) == ()
    assert len(registry._recipients) <= 10


def test_recipients_of_a_hub_follow_changes_of_its_clients(stage: Stage) -> None:
    first = stage.join("bob")
    assert stage.hub.recipients(Target(user="bob")).ids == (1,)
    stage.hub.identify(first, "carol")
    assert stage.hub.recipients(Target(user="bob")).ids == ()
    stage.join("bob")
    assert stage.hub.recipients(Target(user="bob")).ids == (2,)
