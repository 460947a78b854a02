"""Fixtures of the tests that use the stand-in: its stores, in SQLite and, where it is installed, in PostgreSQL."""

from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from tests.postgrest_stand_in import postgres
from tests.postgrest_stand_in.server import StandIn
from tests.postgrest_stand_in.stores import PostgresStore, SqliteStore, Store

MakeStore = Callable[..., Store]


@pytest.fixture(scope="session")
def postgres_address() -> Iterator[str]:
    binaries = postgres.folder()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed")
    with postgres.cluster(binaries) as address:
        yield address


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=[pytest.mark.long, pytest.mark.e2e])])
def make_store(request: pytest.FixtureRequest) -> MakeStore:
    """Return a function that creates the tables: ``make_store(new=True, read_marks=False)``."""
    return store_maker(request)


def store_maker(request: pytest.FixtureRequest) -> MakeStore:
    """Return the function for the parameter of the fixture ``make_store``."""
    if request.param == "sqlite":
        return SqliteStore
    address = request.getfixturevalue("postgres_address")
    return lambda **options: PostgresStore(address, **options)


@pytest.fixture
async def stand_in(make_store: MakeStore) -> AsyncIterator[StandIn]:
    async with StandIn(make_store()) as stand_in:
        yield stand_in
