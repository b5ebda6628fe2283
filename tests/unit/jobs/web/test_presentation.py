from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from celery_uncovered.jobs.models import Attempt
from celery_uncovered.jobs.status import job_attempts, job_status
from celery_uncovered.jobs.web.presentation import attempt_rows, expected_end, readable_name
from celery_uncovered.jobs.web.words import duration_words, relative_words
from tests.unit.jobs.web.help import make_job


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1, "0.0 s"),
        (0.25, "0.2 s"),
        (12, "12 s"),
        (60, "1 min"),
        (245, "4 min 5 s"),
        (7_380, "2 h 3 min"),
        (7_205, "2 h"),
        (273_600, "3 d 4 h"),
    ],
)
def test_a_duration_in_few_words(seconds: float, words: str) -> None:
    assert duration_words(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "just now"), (12, "12 s ago"), (-12, "in 12 s"), (61, "1 min ago"), (-90_000, "in 1 d")],
)
def test_a_moment_in_few_words(seconds: int, words: str) -> None:
    now = timezone.now()
    assert relative_words(now - timedelta(seconds=seconds), now) == words


def test_a_task_has_a_readable_name() -> None:
    assert readable_name("app.tasks.build_report_task") == "Build report"


@pytest.mark.django_db
def test_waiting_and_running_are_told_apart() -> None:
    job = make_job(age=10, state="SUCCESS")
    start = job.created_at
    for number, begin, end in ((1, 2, 4), (2, 9, 10)):
        Attempt.objects.create(
            job=job,
            number=number,
            task=job.task,
            outcome="SUCCESS",
            started_at=start + timedelta(seconds=begin),
            ended_at=start + timedelta(seconds=end),
            node="n",
            host="h",
            pid=1,
        )
    rows = attempt_rows(job_status(job.id), job_attempts(job.id))
    seconds = [(row.waited.total_seconds(), row.ran.total_seconds()) for row in rows]
    assert seconds == [(2, 2), (5, 1)]
    assert [(row.wait_x, row.run_x) for row in rows] == [("0.00%", "20.00%"), ("40.00%", "90.00%")]


@pytest.mark.django_db
def test_the_end_is_expected_only_once_a_rate_means_something() -> None:
    started = timezone.now() - timedelta(seconds=10)
    job = make_job(state="STARTED", started_at=started, progress_done=2, progress_total=4)
    end = expected_end(job_status(job.id))
    assert end is not None
    # Half of it took ten seconds and what this test has taken since.
    assert -1 < (end - started).total_seconds() - 20 < 20
    running: dict[str, Any] = {"started_at": started, "progress_done": 2, "progress_total": 4}
    guesses: tuple[dict[str, Any], ...] = (
        {"progress_done": 0},
        {"progress_total": None},
        {"started_at": timezone.now()},
    )
    for number, changes in enumerate(guesses):
        make_job(f"guess-{number}", state="STARTED", **{**running, **changes})
        assert expected_end(job_status(f"guess-{number}")) is None
