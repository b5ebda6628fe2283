"""Values without the secrets in them, by their names and by what they look like."""

from collections import namedtuple
from datetime import UTC, datetime
from typing import Any

import pytest

from celery_uncovered.jobs.masking import MASK, mask_value
from tests.support.secrets import Planted, planted, with_check_digit

Login = namedtuple("Login", ["user", "note"])  # noqa: PYI024  # as old code has them


@pytest.mark.parametrize("secret", planted(), ids=lambda secret: secret.kind)
def test_a_secret_of_this_kind_leaves_a_value(secret: Planted) -> None:
    value = {"a": [{"b": (secret.text,)}], secret.text: 1, "c": secret.text.encode()}
    assert secret.needle not in repr(mask_value(value))


def test_what_stands_under_a_secret_name_is_masked_whatever_it_is() -> None:
    value = {"password": 5, "token": ["a", {"b": 1}], "user": "bob", "options": {"apiKey": b"x"}}
    assert mask_value(value) == {
        "password": MASK,
        "token": MASK,
        "user": "bob",
        "options": {"apiKey": MASK},
    }
    assert mask_value("abc", name="password") == MASK


@pytest.mark.parametrize("nothing", [None, True, False, "", b""])
def test_nothing_yes_and_no_are_no_secrets(nothing: Any) -> None:
    assert mask_value({"password": nothing}) == {"password": nothing}


def test_a_header_as_a_pair_is_masked() -> None:
    headers = [["Cookie", "a=b"], ("x", "y"), [b"authorization", b"c"]]
    assert mask_value(headers) == [["Cookie", MASK], ("x", "y"), [b"authorization", MASK]]


def test_a_card_is_masked_as_a_number_too() -> None:
    card = int(with_check_digit("411111111111111"))
    assert mask_value({"paid_with": card, "amount": 4111}) == {"paid_with": MASK, "amount": 4111}


def test_other_values_stay_as_they_are() -> None:
    moment, thing = datetime.now(UTC), object()
    value = {"at": moment, "thing": thing, 1: (2.5, None), "who": Login("bob", "x")}
    assert mask_value(value) == value
    assert type(mask_value(value)["who"]) is Login


def test_the_given_value_is_not_changed() -> None:
    value = {"a": [{"password": "x"}]}
    mask_value(value)
    assert value == {"a": [{"password": "x"}]}


def test_a_value_that_holds_itself_comes_to_an_end() -> None:
    value: dict[str, Any] = {"a": 1}
    value["self"] = [value]
    assert mask_value(value) == {"a": 1, "self": [MASK]}
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    assert MASK in repr(mask_value(deep))
