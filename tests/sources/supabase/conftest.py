"""Fixtures of the tests of the Supabase source."""

from tests.postgrest_stand_in.fixtures import make_store, postgres_address, stand_in

__all__ = ["make_store", "postgres_address", "stand_in"]
