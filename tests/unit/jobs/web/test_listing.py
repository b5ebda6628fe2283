from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from celery_uncovered.jobs.readers import add_reader
from celery_uncovered.jobs.status import children_of
from celery_uncovered.jobs.templatetags.jobs_ui import cut_arguments
from celery_uncovered.jobs.web.access import Viewer
from celery_uncovered.jobs.web.listing import JobFilter, list_jobs, readable_statuses
from tests.unit.jobs.web.help import OPEN_TASK, give_file, make_job

pytestmark = pytest.mark.django_db

ALL = Viewer(user_id=1, session="", sees_all=True, operates=True, sees_open=False)
SESSION = Viewer(user_id=None, session="abc", sees_all=False, operates=False, sees_open=False)
NOBODY = Viewer(user_id=None, session="", sees_all=False, operates=False, sees_open=False)


def ids(viewer: Viewer = ALL, **wanted: object) -> list[str]:
    return [job.task_id for job in list_jobs(viewer, JobFilter(**wanted)).jobs]  # type: ignore[arg-type]  # free


def test_paging_shows_each_job_once_newest_first() -> None:
    moment = timezone.now() - timedelta(minutes=1)
    for number in range(7):
        # Most share one moment, so that only the id tells them apart.
        make_job(f"job-{number}", created_at=moment + timedelta(seconds=number == 6))
    seen: list[str] = []
    cursor = ""
    while True:
        page = list_jobs(ALL, JobFilter(), after=cursor, limit=3)
        seen += [job.task_id for job in page.jobs]
        cursor = page.older
        if not cursor:
            break
        make_job(f"newer-{len(seen)}", age=0)
    assert seen == ["job-6", "job-0", "job-1", "job-2", "job-3", "job-4", "job-5"]


def test_a_cursor_that_is_none_starts_at_the_newest() -> None:
    make_job()
    for cursor in ("x", "~", "99999999999999999999999~a", "-1"):
        assert list_jobs(ALL, JobFilter(), after=cursor).jobs is not None


def test_a_list_is_bounded_in_time() -> None:
    make_job("new")
    make_job("old", age=25 * 3600)
    assert ids() == ["new"]
    assert ids(within=timedelta(days=7)) == ["new", "old"]


def test_filters_narrow_the_list() -> None:
    make_job("a", age=1, state="SUCCESS", queue="io", unique_key="2026-05")
    make_job("b", age=2, task=OPEN_TASK)
    make_job("part", age=3, root_id="b")
    assert ids() == ["a", "b"]
    assert ids(parts=True) == ["a", "b", "part"]
    assert ids(state="SUCCESS") == ["a"]
    assert ids(queue="io") == ["a"]
    assert ids(task=OPEN_TASK) == ["b"]
    assert ids(text="HOT_REPO") == ["b"]
    assert ids(text="2026-05") == ["a"]
    assert ids(text="%") == []


def test_others_see_only_what_they_asked_for() -> None:
    make_job("mine")
    make_job("part", root_id="mine")
    make_job("other")
    add_reader("mine", session="abc")
    assert ids(SESSION) == ["mine"]
    assert sorted(ids(SESSION, parts=True)) == ["mine", "part"]
    assert ids(NOBODY) == []


def test_statuses_come_with_files_and_only_for_readers() -> None:
    make_job("mine")
    make_job("other")
    add_reader("mine", session="abc")
    give_file("mine")
    found = readable_statuses(SESSION, ["mine", "other", "none"])
    assert list(found) == ["mine"]
    assert [file.name for file in found["mine"].artifacts] == ["report.csv"]


def test_a_page_of_a_list_takes_one_query(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(5):
        make_job(f"job-{number}")
    with django_assert_num_queries(1) as queries:
        list_jobs(ALL, JobFilter(), limit=3)
    sql = queries.captured_queries[0]["sql"]
    assert not any(f'"jobs_job"."{name}",' in sql for name in ("message", "result", "traceback"))
    assert "OFFSET" not in sql
    assert "COUNT" not in sql


@pytest.mark.parametrize("ended", [{}, {"state": "SUCCESS", "result": "[1]"}])
def test_short_arguments_are_in_the_list(ended: dict[str, Any]) -> None:
    make_job(kwargs={"period": "week"}, **ended)
    (job,) = list_jobs(ALL, JobFilter()).jobs
    assert (job.args, job.kwargs) == ([], {"period": "week"})
    assert cut_arguments(job) == "period='week'"


def test_of_long_arguments_only_the_start_is_read() -> None:
    make_job(kwargs={"text": "x" * 100_000}, message="m" * 1_000, traceback="t" * 1_000)
    (job,) = list_jobs(ALL, JobFilter()).jobs
    assert (job.args, job.kwargs, job.traceback) == ([], {}, "")
    assert len(job.arguments_start) < 1_000
    assert cut_arguments(job).startswith('[], {"text": "xxx')
    assert len(cut_arguments(job)) == 120


def test_the_parts_of_a_job_take_one_query(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    make_job("root")
    for number in range(3):
        make_job(f"part-{number}", root_id="root", kwargs={"text": "x" * 10_000})
    with django_assert_num_queries(1):
        assert len(children_of("root")) == 3
