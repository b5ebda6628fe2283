"""Runs that no job takes up are given another one from time to time, and it stays known since when."""

from datetime import timedelta

import pytest
from django.utils import timezone

from celery_uncovered.jobs.api import pause_queue, resume_queue
from celery_uncovered.jobs.models import Job
from celery_uncovered.workflows.engine import claims, recovery
from celery_uncovered.workflows.models import Run
from tests.unit.dashboard.test_runs import make_run

pytestmark = pytest.mark.django_db


def test_a_run_that_nobody_takes_up_gets_a_job_now_and_then_and_keeps_its_time() -> None:
    since = make_run(state="READY", age=3600).since
    assert recovery._forgotten() == 1
    assert recovery._forgotten() == 0
    assert Run.objects.get().since == since
    Run.objects.update(sent_again_at=timezone.now() - timedelta(minutes=59))
    assert recovery._forgotten() == 1
    assert Run.objects.get().since == since
    assert Job.objects.count() == 2


@pytest.mark.parametrize(
    ("ready", "sent_again", "jobs"),
    [(31, 16, 1), (120, 16, 0), (120, 61, 1), (86_400, 3_000, 0), (86_400, 3_601, 1), (20, 50, 1)],
)
def test_the_longer_nobody_comes_the_rarer_it_gets_a_job(
    ready: int, sent_again: int, jobs: int
) -> None:
    """Ready for so many seconds, and given a job again so many seconds ago."""
    make_run(state="READY", age=ready)
    Run.objects.update(sent_again_at=timezone.now() - timedelta(seconds=sent_again))
    assert recovery._forgotten() == jobs


def test_a_run_whose_queue_is_paused_needs_no_job() -> None:
    queue = make_run(state="READY", age=3600).queue
    pause_queue(queue)
    assert recovery._forgotten() == 0
    assert claims.claim_ready(queue, job="one", limit=10) == []
    resume_queue(queue)
    assert recovery._forgotten() == 1
    assert len(claims.claim_ready(queue, job="one", limit=10)) == 1


def test_a_run_that_is_ready_for_the_first_time_is_left_alone() -> None:
    make_run(state="READY", age=5)
    assert recovery._forgotten() == 0
