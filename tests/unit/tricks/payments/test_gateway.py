"""The client against the stand-in: what it asks, what it makes of each answer, what it never tells."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import requests
from pytest_django import Settings

from celery_uncovered.tricks.payments.checks import check_gateway
from celery_uncovered.tricks.payments.gateway import (
    BrokenAnswer,
    Charge,
    Gateway,
    GatewayError,
    Order,
    Refused,
    Unavailable,
)
from celery_uncovered.tricks.payments.gateway.transport import Bounds, PlainSession
from celery_uncovered.tricks.payments.standin.server import StandIn
from tests.servers.ports import reserve_port
from tests.servers.processes import wait_for

ORDER = Order(key="0198-key", amount=1250, currency="EUR", reference="Order 1042, é")
PATIENT = Bounds(connect=5, read=10, deadline=20)
QUICK = Bounds(connect=5, read=0.3, deadline=20)


def ask(standin: StandIn, order: Order = ORDER, *, bounds: Bounds = PATIENT) -> Charge:
    with Gateway(standin.url, bounds=bounds) as client:
        return client.charge(order)


def counts(standin: StandIn) -> dict[str, int]:
    found: dict[str, int] = requests.get(f"{standin.url}/counts", timeout=5).json()
    return found


def test_the_same_key_is_the_same_charge_however_often_it_is_asked_for(gateway: StandIn) -> None:
    charges = [ask(gateway) for _ in range(3)]
    assert len(set(charges)) == 1
    assert charges[0].is_settled
    assert counts(gateway) == {
        "requests": 3, "repeated": 2, "charges": 1, "declined": 0, "amount": 1250,
    }  # fmt: skip


def test_the_same_key_for_another_charge_is_refused(gateway: StandIn) -> None:
    ask(gateway)
    other = Order(key=ORDER.key, amount=1, currency="EUR", reference=ORDER.reference)
    with pytest.raises(Refused) as refused:
        ask(gateway, other)
    assert str(refused.value) == (
        "The payment gateway refused the request (422 This key was used for another charge)."
    )
    assert not refused.value.is_retryable
    assert counts(gateway)["charges"] == 1


def test_a_decline_is_an_answer_and_stands(gateway: StandIn) -> None:
    order = Order(key="declined", amount=1013, currency="EUR", reference="Order 2")
    first, second = ask(gateway, order), ask(gateway, order)
    assert first == second
    assert (first.is_settled, first.reason) == (
        False,
        "The stand-in declines amounts that end in 13.",
    )
    assert counts(gateway)["charges"] == 0
    assert counts(gateway)["declined"] == 1


def test_what_became_of_an_order_can_be_asked(gateway: StandIn) -> None:
    with Gateway(gateway.url, bounds=PATIENT) as client:
        assert client.find(ORDER) is None
        charge = client.charge(ORDER)
        assert client.find(ORDER) == charge
    assert counts(gateway)["requests"] == 1, "a question is no request for a charge"


@pytest.mark.parametrize(
    ("kind", "kept", "error", "words"),
    [
        ("500", 0, Unavailable, "could not answer for now: it answered 500."),
        ("503", 0, Unavailable, "could not answer for now: it answered 503."),
        ("429", 0, Unavailable, "could not answer for now: it answered 429."),
        ("timeout", 0, Unavailable, "could not answer for now: no answer within 0.3 s."),
        ("not-json", 0, BrokenAnswer, "answer is broken: it is no JSON object."),
        ("401", 0, Refused, "refused the request (401 Unknown API key)."),
        ("redirect", 0, Refused, "refused the request (302 a redirect, which is not followed)."),
        ("500-after-charging", 1, Unavailable, "could not answer for now: it answered 500."),
        ("timeout-after-charging", 1, Unavailable, "no answer within 0.3 s."),
        ("cut-after-charging", 1, BrokenAnswer, "answer is broken: it was cut off."),
        ("other-amount", 1, BrokenAnswer, "answer is broken: it tells of another charge."),
        ("slow", 1, Unavailable, "no answer within 0.3 s."),
    ],
)
def test_a_fault_is_one_sentence_and_the_next_request_gets_the_one_charge(
    gateway: StandIn,
    spoil: Callable[..., None],
    kind: str,
    kept: int,
    error: type[GatewayError],
    words: str,
) -> None:
    spoil(kind, times=1, seconds=1.0)
    with pytest.raises(error) as raised:
        ask(gateway, bounds=QUICK if "0.3 s" in words else PATIENT)
    assert str(raised.value).startswith("The payment gateway")
    assert str(raised.value).endswith(words)
    assert raised.value.is_retryable is not isinstance(raised.value, Refused)
    # After a time-out the gateway may still be about to charge.
    wait_for(lambda: counts(gateway)["charges"] == kept, 10, what="what was charged")
    assert ask(gateway).is_settled
    assert counts(gateway) | {"amount": 0} == {
        "requests": 2, "repeated": 1, "charges": 1, "declined": 0, "amount": 0,
    }  # fmt: skip


def test_a_gateway_that_is_not_there_is_one_sentence() -> None:
    with (
        Gateway(f"http://127.0.0.1:{reserve_port()}", bounds=PATIENT) as client,
        pytest.raises(Unavailable, match=r"could not answer for now: the connection failed\.$"),
    ):
        client.charge(ORDER)


class Heard(PlainSession):
    """A session that keeps what it was to send."""

    headers_sent: dict[str, Any] = {}

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        Heard.headers_sent = kwargs["headers"]
        return super().request(*args, **kwargs)


def test_the_token_goes_into_its_header_and_into_no_error(
    gateway: StandIn, spoil: Callable[..., None]
) -> None:
    secret = "made-up-for-this-test"
    spoil("401", times=1)
    with (
        Gateway(gateway.url, secret, bounds=QUICK, open_session=Heard) as client,
        pytest.raises(Refused) as raised,
    ):
        client.charge(ORDER)
    assert Heard.headers_sent["Authorization"] == f"Bearer {secret}"
    assert Heard.headers_sent["Idempotency-Key"] == ORDER.key
    assert secret not in repr(raised.value) + str(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.parametrize(
    "url",
    ["ftp://bank.example", "bank.example", "http://user@bank.example", "https://bank.example/?a=b"],
)
def test_an_address_that_is_none_is_refused_at_once(url: str, settings: Settings) -> None:
    with pytest.raises(ValueError, match=re.escape("PAYMENTS_GATEWAY_URL is not a plain http")):
        Gateway(url)
    settings.PAYMENTS_GATEWAY_URL = url
    [found] = check_gateway()
    assert (found.id, found.is_serious()) == ("tricks.E001", True)


@pytest.mark.parametrize("url", ["http://bank.example", "http://localhost.bank.example"])
def test_a_token_does_not_travel_as_plain_text(url: str, settings: Settings) -> None:
    settings.PAYMENTS_GATEWAY_URL, settings.PAYMENTS_GATEWAY_TOKEN = url, "made-up"
    [found] = check_gateway()
    assert "https" in found.msg
    assert "made-up" not in found.msg


@pytest.mark.parametrize(
    ("token", "url"),
    [
        ("made-up", "https://bank.example"),
        ("made-up", "http://127.0.0.1:8010"),
        ("made-up", "http://[::1]:8010"),
        ("made-up", "http://localhost:8010"),
        ("", "http://bank.example"),
    ],
)
def test_other_addresses_suit(token: str, url: str, settings: Settings) -> None:
    settings.PAYMENTS_GATEWAY_URL, settings.PAYMENTS_GATEWAY_TOKEN = url, token
    assert check_gateway() == []


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b'{"key": "0198-key"}',
        b"{" + b'"a":{' * 100_000,
        b'{"id": "", "key": "k", "amount": 1, "currency": "EUR", "reference": "r", "status": "settled"}',
        b'{"id": "c", "key": "k", "amount": true, "currency": "EUR", "reference": "x"}',
        b'{"id": "c", "key": "k", "amount": 1, "currency": "EUR", "reference": "r", "status": "new"}',
    ],
)
def test_an_answer_that_says_too_little_is_no_charge(body: bytes) -> None:
    order = Order(key="k", amount=1, currency="EUR", reference="r")
    with pytest.raises(BrokenAnswer):
        Charge.from_body(body, order)
