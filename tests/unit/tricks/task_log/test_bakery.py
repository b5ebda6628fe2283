"""The example of a task's log: its page, and the work that it tells of."""

import logging
from typing import Any

import pytest
from pytest_django import Settings

from celery_uncovered.jobs import api as jobs
from celery_uncovered.jobs import outbox
from celery_uncovered.jobs.models import Job
from celery_uncovered.tricks.task_log import baking
from celery_uncovered.tricks.task_log.errors import ColdOvenError
from celery_uncovered.tricks.task_log.registering import BAKE
from celery_uncovered.tricks.task_log.tasks import bake_bread
from tests.unit.jobs.web.help import client_of, make_user

PAGE = "/tricks/task-log/"
LOOPBACK = "127.0.0.1"


@pytest.fixture(autouse=True)
def unsent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "send", lambda batch: batch)


def test_the_first_attempt_finds_the_oven_cold_and_the_next_one_bakes(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.INFO):
        with pytest.raises(ColdOvenError, match="The oven has 120 °C and needs 230 °C"):
            baking.bake(1, 0)
        assert baking.bake(2, 0) == 6
    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING", "INFO", "INFO"]
    printed = capsys.readouterr().out
    assert printed.startswith("oven: 20 °C ...\n")
    assert printed.endswith("loaf 6 of 6 is done\n")


def test_the_task_is_the_one_that_is_registered() -> None:
    assert bake_bread.name == BAKE
    (example,) = [one for one in jobs.examples() if one.url_name == "tricks:task-log"]
    assert example.run_url_name == "tricks:task-log"


@pytest.mark.django_db
def test_the_button_submits_a_job_that_its_visitor_may_read() -> None:
    client = client_of(make_user())
    assert "Run" in client.get(PAGE).content.decode()
    answer = client.post(PAGE)
    job = Job.objects.get(task=BAKE)
    assert (answer.status_code, answer["Location"]) == (303, f"/jobs/{job.id}/")
    assert client.get(answer["Location"]).status_code == 200
    assert client_of(make_user("bob")).get(answer["Location"]).status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize(("is_open", "status"), [(True, 200), (False, 302)])
def test_a_stranger_sees_it_on_loopback_alone(
    settings: Settings, *, is_open: bool, status: int
) -> None:
    settings.JOBS_OPEN_ON_LOOPBACK = is_open
    answer: Any = client_of(address=LOOPBACK).get(PAGE)
    assert answer.status_code == status
