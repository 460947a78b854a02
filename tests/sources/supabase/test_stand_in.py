"""The stand-in behaves like PostgREST: the official client ``postgrest`` makes the calls of the program against it.

Every test runs over SQLite and, where it is installed, over a real PostgreSQL.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Any, cast

import pytest
from postgrest import APIResponse, AsyncPostgrestClient, AsyncSelectRequestBuilder
from postgrest.exceptions import APIError

from tests.postgrest_stand_in.fixtures import MakeStore, store_maker
from tests.postgrest_stand_in.server import JWT, PUBLISHABLE, StandIn

ME = {"username": "me", "node_id": "n1", "public_key": "p1", "signing_key": "s1"}
BOB = {
    "username": "bob",
    "node_id": "n2",
    "public_key": "p2",
    "signing_key": "s2",
    "last_seen": "2026-02-11T16:00:00Z",
}
ODD = {"username": 'a,"b"(c)\\', "node_id": "n3", "public_key": "p3", "signing_key": "s3"}


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.e2e)])
def make_store(request: pytest.FixtureRequest) -> MakeStore:
    """Return a function that creates the tables. Here, those of PostgreSQL are not only for long runs."""
    return store_maker(request)


@pytest.fixture
async def official(stand_in: StandIn) -> AsyncIterator[AsyncPostgrestClient]:
    async with AsyncPostgrestClient(f"{stand_in.url}/rest/v1", headers={"apikey": PUBLISHABLE}) as client:
        await asyncio.to_thread(stand_in.store.insert, "users", [ME, BOB, ODD], merge=False)
        yield client


def rows_of(response: APIResponse) -> list[dict[str, Any]]:
    """Return the rows of a response; the client declares them as any JSON."""
    return cast(list[dict[str, Any]], response.data)


async def test_registers_and_looks_up_users(official: AsyncPostgrestClient) -> None:
    users = official.from_("users")
    await users.upsert({**ME, "last_ip": "192.0.2.1"}).execute()
    found = rows_of(await users.select("username,last_ip").eq("username", "me").limit(1).execute())
    assert found == [{"username": "me", "last_ip": "192.0.2.1"}]
    found = rows_of(await users.select("username").in_("username", ["bob", ODD["username"]]).execute())
    assert {each["username"] for each in found} == {"bob", ODD["username"]}
    times = rows_of(await users.select("last_seen").eq("username", "bob").execute())
    assert times == [{"last_seen": "2026-02-11T16:00:00+00:00"}]
    changed = await users.update({"last_seen": "2026-02-11T16:01:00Z"}).eq("username", "bob").execute()
    assert [each["last_seen"] for each in rows_of(changed)] == ["2026-02-11T16:01:00+00:00"]
    assert rows_of(await users.update({"last_ip": "x"}).eq("username", "nobody").execute()) == []


async def test_pages_messages_and_deletes_them_by_id(official: AsyncPostgrestClient) -> None:
    messages = official.from_("messages")
    rows = [
        {"to_user": "me", "from_user": "bob", "ciphertext": f"c{n}", "signature": "s",
         "created_at": f"2026-02-11T16:00:0{n // 2}Z"}
        for n in range(6)
    ]  # fmt: skip
    await messages.insert(rows).execute()
    others = [{**each, "to_user": "bob", "ciphertext": "not mine"} for each in rows]
    await messages.insert(others).execute()

    def query() -> "AsyncSelectRequestBuilder":
        return messages.select("*").eq("to_user", "me").order("created_at").order("id")

    first = rows_of(await query().limit(3).execute())
    last = first[-1]
    position = f"created_at.gt.{last['created_at']},and(created_at.eq.{last['created_at']},id.gt.{last['id']})"
    second = rows_of(await query().or_(position).execute())
    assert sorted(each["ciphertext"] for each in first + second) == [f"c{n}" for n in range(6)]
    deleted = rows_of(await messages.delete().eq("id", first[0]["id"]).execute())
    assert [each["id"] for each in deleted] == [first[0]["id"]]
    assert len(rows_of(await query().execute())) == 5


async def test_a_response_has_at_most_1000_rows(stand_in: StandIn, official: AsyncPostgrestClient) -> None:
    rows = [{"to_user": "me", "from_user": "bob", "ciphertext": "c", "signature": "s"} for _ in range(1003)]
    await stand_in.add("messages", *rows)
    assert len((await official.from_("messages").select("id").execute()).data) == 1000


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"to_user": "nobody", "from_user": "me", "ciphertext": "c", "signature": "s"}, "23503"),
        ({"to_user": "bob", "from_user": "me", "ciphertext": "c"}, "23502"),
        ({"to_user": "bob", "colour": "red"}, "PGRST204"),
        ({"id": "no uuid", "to_user": "bob", "from_user": "me", "ciphertext": "c", "signature": "s"}, "22P02"),
    ],
)
async def test_invalid_messages_are_rejected(
    official: AsyncPostgrestClient, row: dict[str, str], code: str, request: pytest.FixtureRequest
) -> None:
    if code == "22P02" and "sqlite" in request.node.name:
        pytest.skip("SQLite has no type for a UUID")
    with pytest.raises(APIError) as caught:
        await official.from_("messages").insert(row).execute()
    assert caught.value.code == code


async def test_errors_have_the_codes_of_postgrest(stand_in: StandIn, official: AsyncPostgrestClient) -> None:
    async def code(request: Awaitable[object]) -> str | None:
        with pytest.raises(APIError) as caught:
            await request
        return caught.value.code

    users = official.from_("users")
    assert await code(users.select("colour").execute()) == "42703"
    assert await code(users.insert({**ME, "username": "other"}).execute()) == "23505"
    assert await code(official.from_("read_marks").select("*").execute()) == "PGRST205"
    stand_in.store.forbidden = {("users", "INSERT"), ("users", "UPDATE"), ("users", "DELETE")}
    assert await code(users.insert({**ME, "username": "x", "node_id": "x"}).execute()) == "42501"
    assert (await users.delete().eq("username", "bob").execute()).data == []
    stand_in.store.forbidden = {("users", "SELECT")}
    assert (await users.select("*").execute()).data == []


@pytest.mark.parametrize("new", [True, False])
async def test_both_schemas_and_both_kinds_of_keys(make_store: MakeStore, new: bool) -> None:
    async with StandIn(make_store(new=new)) as stand_in:
        headers = {"apikey": JWT, "Authorization": f"Bearer {JWT}"}
        async with AsyncPostgrestClient(f"{stand_in.url}/rest/v1", headers=headers) as client:
            probe = client.from_("users").select("signing_key").limit(0)
            if new:
                assert (await probe.execute()).data == []
            else:
                with pytest.raises(APIError) as caught:
                    await probe.execute()
                assert caught.value.code == "42703"


async def test_keys_are_checked(stand_in: StandIn) -> None:
    for headers in ({}, {"apikey": "wrong"}, {"apikey": PUBLISHABLE, "Authorization": f"Bearer {PUBLISHABLE}"}):
        async with AsyncPostgrestClient(f"{stand_in.url}/rest/v1", headers=headers) as client:
            with pytest.raises(APIError):
                await client.from_("users").select("*").execute()
