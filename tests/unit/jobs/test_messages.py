"""Messages as JSON texts: what goes in comes out, and what is not JSON does not go in."""

import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from kombu import Queue

from celery_uncovered.jobs.errors import ArgumentsNotJsonError, ArgumentsTooLargeError
from celery_uncovered.jobs.messages import (
    Delivery,
    Message,
    arguments,
    decode,
    encode,
    encode_body,
    full_headers,
    queue_of,
    usual_headers,
    wire_form,
)


@pytest.mark.parametrize(
    "value",
    [
        [1, 2.5, None, True, "Zürich \U0001f600", {"deep": [{}]}],
        datetime(2026, 5, 31, 12, tzinfo=UTC),
        date(2026, 5, 31),
        uuid.UUID(int=7),
        Decimal("1.10"),
        2**70,
    ],
)
def test_what_is_encoded_is_decoded_alike(value: Any) -> None:
    assert decode(encode(value)) == value


@pytest.mark.parametrize("value", [float("nan"), float("-inf"), object(), 1j, [set(), object()]])
def test_what_is_not_json_is_refused_with_the_tasks_name(value: Any) -> None:
    with pytest.raises(ArgumentsNotJsonError, match=r"^The arguments of shop\.pay are not JSON: "):
        encode_body("shop.pay", [[value], {}, {}])


def test_what_contains_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(ArgumentsNotJsonError):
        encode_body("shop.pay", endless)


def test_the_limit_counts_bytes_and_is_in_the_sentence(settings: Any) -> None:
    settings.JOBS_MAX_BODY_BYTES = 1000
    encode_body("shop.pay", "x" * 998)
    with pytest.raises(
        ArgumentsTooLargeError, match=r"take 1,001 bytes as JSON; the limit is 1,000"
    ):
        encode_body("shop.pay", "x" * 999)
    with pytest.raises(ArgumentsTooLargeError):
        encode_body("shop.pay", "ü" * 500)


def test_arguments_are_shown_as_they_were_given() -> None:
    body = encode_body("shop.pay", [[1, "two"], {"three": 3}, {"callbacks": None}])
    assert arguments(body) == ([1, "two"], {"three": 3})


@pytest.mark.parametrize(
    ("declare", "queue"), [([Queue("io")], "io"), ([], "default"), (None, "default")]
)
def test_the_queue_is_the_declared_one_or_the_routing_key(declare: Any, queue: str) -> None:
    assert queue_of("jobs", "default", declare) == queue
    assert queue_of("jobs", "", None) == "jobs"


def delivery(**headers: Any) -> Delivery:
    message = Message(
        task_id="one",
        task="shop.pay",
        queue="default",
        exchange="jobs",
        routing_key="default",
        body="[[], {}, {}]",
        headers={"id": "one", "task": "shop.pay", **headers},
        properties={},
    )
    return Delivery(message=message, attempt=1)


def test_what_is_usual_does_not_travel_and_is_there_again_afterwards() -> None:
    sent = delivery(**usual_headers(), root_id="one", parent_id=None)
    headers, _ = wire_form(sent)
    assert headers == {"id": "one", "task": "shop.pay", "job_attempt": 1}
    without_none = {k: v for k, v in sent.message.headers.items() if v is not None}
    assert full_headers(headers) == without_none | {"job_attempt": 1}
    odd, _ = wire_form(delivery(**usual_headers() | {"timelimit": [9, None], "retries": 2}))
    assert full_headers(odd)["timelimit"] == [9, None]
    assert full_headers(odd)["retries"] == 2


def test_two_messages_share_nothing_that_can_be_changed() -> None:
    """A task that changes what it finds in its request must not change the next one's."""
    headers, _ = wire_form(delivery(**usual_headers()))
    first, second = full_headers(headers), full_headers(headers)
    first["stamps"]["mine"] = 1
    first["timelimit"][0] = 9
    assert second["stamps"] == {}
    assert second["timelimit"] == [None, None]
    # Nor what messages are compared with as they are sent.
    again, _ = wire_form(delivery(**usual_headers()))
    assert again == headers
    assert full_headers(again) == second
