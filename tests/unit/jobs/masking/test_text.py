"""Texts that people read, without the secrets in them."""

import time

import pytest
from django.test import override_settings
from hypothesis import example, given, settings
from hypothesis import strategies as st

from celery_uncovered.jobs.masking import MASK, mask_text
from celery_uncovered.jobs.masking.known import forget_secrets, known_secrets, learn_secrets
from tests.support.secrets import Planted, planted, with_check_digit

MEGABYTE = 1_000_000


@pytest.mark.parametrize("secret", planted(), ids=lambda secret: secret.kind)
def test_a_secret_of_this_kind_leaves_its_text(secret: Planted) -> None:
    masked = mask_text(secret.text)
    assert secret.needle not in masked
    assert MASK in masked


@pytest.mark.parametrize("secret", planted(), ids=lambda secret: secret.kind)
def test_the_rest_of_the_text_stays(secret: Planted) -> None:
    masked = mask_text(f"Report 12 of bob:\n{secret.text}\nNext comes author=ann.")
    assert masked.startswith("Report 12 of bob:\n")
    assert masked.endswith("\nNext comes author=ann.")


@pytest.mark.parametrize("seed", range(20))
def test_no_secret_survives_in_a_long_text(seed: int) -> None:
    secrets = planted(seed)
    masked = mask_text("\n".join(secret.text for secret in secrets))
    assert [secret.kind for secret in secrets if secret.needle in masked] == []


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("password=hunter2", "password=********"),
        ("Password: hunter2", "Password: ********"),
        ("password=hun,ter2, user=bob", "password=********, user=bob"),
        ("password => hunter2; user", "password => ********; user"),
        ('{"password": "hun\\"ter2", "x": 1}', '{"password": "********", "x": 1}'),
        ("{'api_key': 'abc', 'unique_key': 'u'}", "{'api_key': '********', 'unique_key': 'u'}"),
        (r"{\"token\": \"abc\", \"a\": 1}", r"{\"token\": \"********\", \"a\": 1}"),
        ("b'secret': b'abc'", "b'secret': b'********'"),
        ("token=1234567", "token=********"),
        ("/reset?token=abc&next=/", "/reset?token=********&next=/"),
        ("Login(user='bob', password='x')", "Login(user='bob', password='********')"),
        ("Login(password=x)", "Login(password=********)"),
        ("tokens=['abc', ('def',)] rest", "tokens=******** rest"),
        ("credentials={'user': {'a': 'zz'}} rest", "credentials=******** rest"),
        ("Authorization: Custom abc def", "Authorization: ********"),
        ('curl -H "Cookie: a=b; c=d" -v', 'curl -H "Cookie: ********" -v'),
        ("os.environ['DB_PASSWORD'] = 'xx'", "os.environ['DB_PASSWORD'] = '********'"),
        ("mysql --password hunter2 shop", "mysql --password ******** shop"),
        ("['mysql', '--password', 'x', 'shop']", "['mysql', '--password', '********', 'shop']"),
        ("[('Cookie', 'a=b'), ('x', 'y')]", "[('Cookie', '********'), ('x', 'y')]"),
        ("<a:Password type='t'>foo</a:Password>", "<a:Password type='t'>********</a:Password>"),
        ("redis://:abc@cache:6379/0", "redis://:********@cache:6379/0"),
        ("postgres://bob:p@ss@host/db", "postgres://bob:********@host/db"),
        ('password = "never closed', 'password = "********'),
        ("password = 'never closed\nnext line", "password = '********\nnext line"),
    ],
)
def test_a_pair_loses_its_secret_and_nothing_else(text: str, masked: str) -> None:
    assert mask_text(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Finished 12 of 34 reports for https://example.org/x in 3.2 s",
        "tokens_used=512 unique_key=report-7 author: ann",
        "KeyError: 'token'",
        "password is required",
        "password: None",
        "def login(user: str, password: str) -> None:",
        '{"password": null, "token": ""}',
        "Basic understanding, Bearer of news",
        "Bearer authentication is missing",
        "https://example.org:8080/@ann",
        "mail ann@example.org about https://example.org/",
        "at 1700000000000 and 2026-05-31T12:00:00.123456+00:00",
        "job 4f9619ff-8b86-4011-b42d-00cf4fc964ff",
        "--token-file /run/x",
    ],
)
def test_what_is_no_secret_stays_the_very_same_text(text: str) -> None:
    assert mask_text(text) is text


def test_only_numbers_that_a_card_may_have_are_cards() -> None:
    # given
    card = with_check_digit("411111111111111")
    wrong = f"{card[:-1]}{(int(card[-1]) + 1) % 10}"
    grouped = " ".join(card[start : start + 4] for start in range(0, 16, 4))
    express = with_check_digit("37828224631000")
    # then
    assert mask_text(f"pays by {card}.") == "pays by ********."
    assert mask_text(f"pays by {grouped}, thanks") == "pays by ********, thanks"
    assert mask_text(express) == MASK
    for other in (wrong, f"1{card[1:]}", f"{card}7", f"a{card}", f"0.{card}"):
        assert mask_text(other) == other


def test_secret_settings_are_masked_by_their_values() -> None:
    # given
    value, in_address = "Zq8" * 5, "Yp7" * 4
    databases = {"other": {"ENGINE": "x", "PASSWORD": value[::-1], "HOST": "a-host-of-ours"}}
    with override_settings(
        MAIL_API_KEY=value,
        OTHER_SERVERS=databases,
        SEARCH_URL=f"http://bob:{in_address}@search/",
        SECRET_KEY_FALLBACKS=[f"old-{value}"],
        SOME_TOKEN="short",
        TOKEN_MODULES=["some.module"],
    ):
        # then
        assert (
            mask_text(f"a {value} b {value[::-1]} c {in_address}") == f"a {MASK} b {MASK} c {MASK}"
        )
        assert mask_text(f"old-{value}") == MASK
        assert mask_text("short some.module a-host-of-ours") == "short some.module a-host-of-ours"
    assert mask_text(value) == value


def test_the_secrets_of_a_job_are_masked_while_it_runs() -> None:
    # given
    mine = ["hunter2xyz", {"pin": 123456, "user": "bo"}, 'a "quoted" one']
    said = "hunter2xyz, 123456 and bo"
    learn_secrets(mine)
    try:
        # then
        assert mask_text(said) == f"{MASK}, {MASK} and bo"
        assert "quoted" not in mask_text('{"a": "a \\"quoted\\" one"}')
    finally:
        forget_secrets()
    assert mask_text(said) == said


def test_a_job_with_a_great_many_secrets_is_masked_no_slower() -> None:
    learn_secrets([[f"device-token-{number}" for number in range(100_000)], "x" * 100_000])
    learn_secrets([["one more of them"]])
    try:
        assert len(known_secrets()) < 1000
        assert mask_text("device-token-7 and one more of them") == f"{MASK} and {MASK}"
    finally:
        forget_secrets()


@pytest.mark.parametrize(
    "piece",
    [
        "a", "password=", 'password="', 'password="\\', "password='a\"", "token={(", "token=[", "token",
        "secret=secret=", "Cookie: ", 'cookie=a"', "--token ", "('token', '", "('a', \"", "<a ", "<token>",
        "eyJ", "eyJa.", "-----BEGIN PRIVATE KEY-----", "-----BEGIN ", "://", "://a:", "://a:b@", "a://:",
        "1 ", "4", "4111 ", " 4111-1111", "bearer ", "basic a", "ghp_", "xoxb-", "glpat-", "sk_live_",
        "AKIA", "ya29.", "\\", '\\"', "'\"", "=", "::", "-", "[", "\n", "token=\n", "hooks.slack.com/services/",
    ],
)  # fmt: skip
def test_a_hostile_megabyte_takes_no_longer_than_a_harmless_one(piece: str) -> None:
    text = f"password {piece * (MEGABYTE // len(piece))}"
    start = time.process_time()
    mask_text(text)
    assert time.process_time() - start < 5


TEXTS = st.lists(
    st.sampled_from(
        ["password", "token", "=", ":", " ", '"', "'", "\\", "[", "}", "\n", "a", "Bearer ", "Cookie",
         "abcdefgh1", "://", "@", "/", "-", "<", ">", ",", "eyJ", ".", "4111111111111111", MASK]
    ),
    max_size=25,
).map("".join)  # fmt: skip


@settings(max_examples=1000)
@example(text="password=[}password")
@example(text="password=[},a")
@given(text=TEXTS)
def test_masking_what_is_masked_changes_nothing(text: str) -> None:
    once = mask_text(text)
    assert mask_text(once) == once
