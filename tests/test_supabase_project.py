"""Addresses and API keys of a project."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.supabase_project import base_url, is_jwt, key_problem, url_problem


def jwt(claims: object) -> str:
    middle = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJIUzI1NiJ9.{middle}.c2ln"


@pytest.mark.parametrize(
    "url", ["https://p.supabase.co", "https://p.supabase.co/", "http://127.0.0.1:54321", "http://localhost:54321",
            "http://[::1]:54321", "https://p.supabase.co/rest/v1", "https://p.supabase.co/rest/v1//",
            "https://my.example/supabase/"],
)  # fmt: skip
def test_valid_addresses(url: str) -> None:
    assert url_problem(url) == ""
    assert base_url(url).endswith("/rest/v1")
    assert base_url(url).count("/rest/v1") == 1


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("p.supabase.co", "write it as https://"),
        ("ftp://p.supabase.co", "write it as https://"),
        ("http://p.supabase.co", "must begin with https://"),
        ("http://127.0.0.1.evil.example", "must begin with https://"),
        ("https://user:pw@p.supabase.co", "must not contain a user name"),
        ("https://p.supabase.co?x=1", "must not contain ?"),
        ("https://p.supabase.co/?", "must not contain ?"),
        ("https://p.supabase.co#", "must not contain ?"),
        ("https://p.supabase.co/rest/v1/users", "must not continue after /rest/v1"),
        ("https://p.supabase.co/rest/v1/rest/v1/", "must not continue after /rest/v1"),
        ("https://p.supabase.co:99999", "is not a valid address"),
        ("https://[::1", "is not a valid address"),
        ("https://p .supabase.co", "is not an address"),
        ("https://pé.supabase.co", "is not an address"),
        ("https://" + "x" * 500, "must not be longer"),
    ],
)
def test_invalid_addresses(url: str, text: str) -> None:
    assert text in url_problem(url)


def test_kinds_of_keys() -> None:
    assert key_problem("sb_publishable_abc") == ""
    assert "is neither a publishable key" in key_problem("sb_publishable_")
    assert key_problem(jwt({"role": "anon"})) == ""
    assert is_jwt(jwt({"role": "anon"}))
    assert not is_jwt("sb_publishable_a.b.c")
    assert "service_role" in key_problem(jwt({"role": "service_role"}))
    for role in ("postgres", "supabase_admin", "authenticated", "Anon"):
        assert "is not the key of the role anon" in key_problem(jwt({"role": role}))
    for claims in ({}, {"role": ""}, {"role": 1}):
        assert "nor a JWT of the role anon" in key_problem(jwt(claims))
    for wrong in ("", "sb_secret_abc", "abc", "a.b.c", jwt([]), "sb_publishable_ü", "x" * 5000):
        assert key_problem(wrong), wrong
        assert not wrong or wrong not in key_problem(wrong)


@given(st.text(max_size=80))
def test_any_text_is_checked(text: str) -> None:
    assert isinstance(url_problem(text), str)
    assert isinstance(key_problem(text), str)
    assert isinstance(key_problem(f"a.{text}.b"), str)
