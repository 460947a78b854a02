"""The system's proxy for an address, from environment variables."""

import pytest

from app.system.proxy import system_proxy


@pytest.fixture(autouse=True)
def proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("https_proxy", "http://proxy.example:8080")
    monkeypatch.setenv("no_proxy", "example.org:8443,internal.example,::1")


@pytest.mark.parametrize(
    ("address", "proxied"),
    [
        ("https://example.org/rest", True),
        ("https://example.org:8443/rest", False),
        ("https://internal.example/", False),
        ("https://db.internal.example:5432/", False),
        ("https://[::1]:8443/", False),
        ("http://example.org/", False),
    ],
)
def test_the_variable_for_exceptions_may_name_a_port(address: str, proxied: bool) -> None:
    assert system_proxy(address) == ("http://proxy.example:8080" if proxied else None)


def test_a_proxy_without_a_scheme_is_an_http_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "proxy.example:8080")
    assert system_proxy("https://example.org") == "http://proxy.example:8080"
