"""A token leaves this machine encrypted, or not at all."""

import pytest
from pytest_django import Settings

from celery_uncovered.toyex import checks
from celery_uncovered.toyex.github import OpenAddress
from celery_uncovered.toyex.sources import open_client


@pytest.mark.parametrize(
    "address",
    ["http://api.github.com", "http://192.0.2.7:8009", "http://localhost.example.org", "http://"],
)
def test_a_token_over_plain_http_is_refused(address: str, settings: Settings) -> None:
    settings.GITHUB_OAUTH = "ghp_token"
    settings.GITHUB_API_URL = address
    (found,) = checks.check_source()
    assert (found.id, found.is_serious()) == ("toyex.E001", True)
    assert "https" in found.msg
    assert "ghp_" not in found.msg
    with pytest.raises(OpenAddress):
        open_client()


@pytest.mark.parametrize(
    ("token", "address"),
    [
        ("ghp_token", "https://api.github.com"),
        ("ghp_token", "http://127.0.0.1:8009"),
        ("ghp_token", "http://[::1]:8009"),
        ("ghp_token", "http://localhost:8009"),
        ("", "http://192.0.2.7:8009"),
    ],
)
def test_other_addresses_suit(token: str, address: str, settings: Settings) -> None:
    settings.GITHUB_OAUTH = token
    settings.GITHUB_API_URL = address
    assert checks.check_source() == []
    open_client().close()
