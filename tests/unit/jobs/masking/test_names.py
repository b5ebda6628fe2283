"""Which names have secrets under them."""

from typing import Any

import pytest
from django.test import override_settings

from celery_uncovered.jobs.masking import is_secret_name, mask_text
from celery_uncovered.jobs.masking.hints import may_hold_secret

SECRET = [
    "password", "Password", "PASSWORD", "passwd", "pwd", "db_password", "password2", "userPassword",
    "dbpassword", "passphrase", "pass", "smtp_pass", "secret", "SECRET_KEY", "client_secret",
    "clientSecret", "token", "accessToken", "access_token", "csrfmiddlewaretoken", "CSRF-Token",
    "X-CSRFToken", "tokens", "refresh_tokens", "api_key", "apikey", "apiKey", "APIKey", "X-Api-Key",
    "private_key", "privateKey", "ssh_key", "signing_key", "authorization", "Proxy-Authorization",
    "HTTP_AUTHORIZATION", "auth", "http_auth", "oauth", "GITHUB_OAUTH", "cookie", "Set-Cookie",
    "cookies", "session_id", "sessionid", "PHPSESSID", "sessionKey", "credential", "credentials",
    "aws_secret_access_key", "jwt", "totp", "cvv", "cvc2", "card_number", "cardNumber",
    "X-Amz-Signature", "sesame", "self.password", "--api-key", "xsrf",
]  # fmt: skip
PLAIN = [
    "unique_key", "key", "keys", "primary_key", "public_key", "key_id", "keyword", "tokens_used",
    "max_tokens", "total_tokens", "token_count", "token_type", "tokenizer", "author", "authors",
    "authority", "authentication_class", "compass", "bypass", "pass_count", "first_pass", "passed",
    "passenger", "passport", "session", "sessions", "password_changed_at", "password_length",
    "SESSION_COOKIE_AGE", "CSRF_COOKIE_NAME", "AUTH_PASSWORD_VALIDATORS", "secretary", "monkey",
    "cookie_domain", "code", "country_code", "user", "name", "id", "", "_", "a" * 101, "card",
    "signature", "sub", "discard", "design",
]  # fmt: skip


@pytest.mark.parametrize("name", SECRET)
def test_what_stands_under_this_name_is_a_secret(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", PLAIN)
def test_what_stands_under_this_name_is_none(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize("name", [None, 1, b"password", ("password",), object()])
def test_what_is_no_text_is_no_secret_name(name: Any) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize("name", SECRET)
def test_the_quick_look_misses_no_secret_name(name: str) -> None:
    assert may_hold_secret(f"{name}=x")


@override_settings(JOBS_SECRET_NAMES=["iban", "shoe-size"])
def test_a_setting_adds_names() -> None:
    assert is_secret_name("iban")
    assert is_secret_name("customer_iban")
    assert is_secret_name("shoeSize")
    assert not is_secret_name("shoe_colour")
    assert not is_secret_name("ibanez")
    assert mask_text("iban=DE02 and shoe_size: 43") == "iban=******** and shoe_size: ********"


def test_added_names_are_forgotten_with_the_setting() -> None:
    with override_settings(JOBS_SECRET_NAMES=["iban"]):
        assert is_secret_name("iban")
    assert not is_secret_name("iban")
