"""Runs that no job takes up are given another one from time to time, and it stays known since when."""

from datetime import timedelta

import pytest
from django.utils import timezone

from celery_uncovered.jobs.models import Job
from celery_uncovered.workflows.engine import recovery
from celery_uncovered.workflows.models import Run
from tests.unit.dashboard.test_runs import make_run

pytestmark = pytest.mark.django_db


def test_a_run_that_nobody_takes_up_gets_a_job_now_and_then_and_keeps_its_time() -> None:
    since = make_run(state="READY", age=3600).since
    assert recovery._forgotten() == 1
    assert recovery._forgotten() == 0
    assert Run.objects.get().since == since
    Run.objects.update(sent_again_at=timezone.now() - timedelta(seconds=16))
    assert recovery._forgotten() == 1
    assert Job.objects.count() == 2


def test_a_run_that_is_ready_for_the_first_time_is_left_alone() -> None:
    make_run(state="READY", age=5)
    assert recovery._forgotten() == 0
