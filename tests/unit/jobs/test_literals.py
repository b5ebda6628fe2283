"""A dictionary that looks like one of kombu's tags means itself on every way through the ledger."""

from datetime import date
from typing import Any

import pytest
from celery import chain, current_app
from kombu.utils.json import loads

from celery_uncovered.jobs import sealing
from celery_uncovered.jobs.api import job_status, submit
from celery_uncovered.jobs.literals import Literal, dumps
from celery_uncovered.jobs.messages import arguments, encode_body
from celery_uncovered.jobs.models import Job
from tests.support.app import tasks
from tests.unit.jobs.running import run_all, value_of

LOOKING_SO: list[Any] = [
    {"__type__": "tomorrow", "__value__": 1},
    {"__type__": "datetime", "__value__": "no date"},
    {"__type__": "date", "__value__": "2026-05-31"},
    {"__type__": "sealed", "__value__": "no token"},
    {"__type__": ["unhashable"], "__value__": None},
    {"__type__": {"__type__": 1, "__value__": 2}, "__value__": {"__type__": 3, "__value__": 4}},
    {"__type__": "literal", "__value__": ["a", "b", "c"]},
]


@pytest.mark.parametrize("value", LOOKING_SO)
def test_it_is_written_and_read_as_it_is_at_any_depth(value: Any) -> None:
    deep = {"list": [1, [value], (value,)], "day": date(2026, 5, 31)}
    read = loads(dumps(deep))
    assert read == {"list": [1, [value], [value]], "day": date(2026, 5, 31)}
    assert loads(dumps(read)) == read


def test_what_only_begins_like_a_tag_is_left_alone() -> None:
    value = {"__type__": "x", "__value__": 1, "more": 2}
    assert dumps(value) == '{"__type__": "x", "__value__": 1, "more": 2}'
    assert type(loads(dumps(value))) is dict


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize("value", LOOKING_SO)
def test_it_is_an_argument_and_a_result(value: Any) -> None:
    job = submit(tasks.echo, args=[value])
    run_all()
    assert value_of(job) == value
    assert current_app.AsyncResult(job).get(timeout=0) == value
    status = job_status(job)
    assert status.args == [value]
    assert status.result == value


@pytest.mark.usefixtures("ledger")
def test_it_goes_through_a_chain() -> None:
    (value, *_) = LOOKING_SO
    result: Any = chain(tasks.echo.s(value), tasks.echo.s(), tasks.echo.s()).delay()
    run_all()
    assert value_of(result.id) == value


@pytest.mark.usefixtures("ledger")
def test_it_stands_beside_a_secret() -> None:
    """One sealed and one that only says so, in one text."""
    value = {"__type__": "sealed", "__value__": "no token"}
    job = submit(tasks.echo, args=[{"odd": value, "password": "correct horse battery"}])
    run_all()
    result = current_app.AsyncResult(job).get(timeout=0)
    assert result == {"odd": value, "password": "correct horse battery"}
    assert "correct horse" not in Job.objects.get().body


def test_a_secret_within_one_is_sealed() -> None:
    value = {"__type__": "x", "__value__": {"password": "correct horse battery"}}
    body = encode_body("shop.pay", [[value], {}, {}])
    assert "correct horse" not in body
    assert sealing.opened(loads(body))[0] == [value]
    assert "correct horse" not in str(arguments(body))


def test_a_sealed_header_stays_one() -> None:
    sealed = sealing.seal_value({"password": "correct horse battery"})
    text = dumps(sealed, is_meant=sealing.is_genuine)
    assert sealing.opened(loads(text)) == {"password": "correct horse battery"}
    made_up = dumps({"__type__": "sealed", "__value__": "x"}, is_meant=sealing.is_genuine)
    assert type(loads(made_up)) is Literal
