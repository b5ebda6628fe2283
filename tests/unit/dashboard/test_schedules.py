import json
from typing import Any

import pytest
import time_machine
from django.test import Client
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from celery_uncovered.dashboard.timetable import entries
from celery_uncovered.jobs.models import Job, Reader
from tests.unit.jobs.web.help import client_of, make_onlooker, make_operator, make_user

pytestmark = pytest.mark.django_db

PRODUCE = "celery_uncovered.toyex.tasks.produce_hot_repo_report_task"
NEW = f"/schedules/new/?task={PRODUCE}"


def form(**changes: str) -> dict[str, str]:
    return {
        "task": PRODUCE,
        "arg-period": "week",
        "arg-group_by": "language",
        "every": "week",
        "weekday": "1",
        "day": "1",
        "time": "07:30",
        "zone": "Europe/Berlin",
        "name": "Mondays",
    } | changes


@pytest.fixture
def client() -> Client:
    PeriodicTask.objects.all().delete()
    return client_of(make_operator())


@pytest.fixture
def entry(client: Client) -> PeriodicTask:
    client.post("/schedules/new/", form())
    return PeriodicTask.objects.get()


def test_schedules_are_for_operators() -> None:
    assert client_of().get("/schedules/").status_code == 302
    assert client_of(make_user()).get("/schedules/").status_code == 404
    onlooker = client_of(make_onlooker())
    assert onlooker.get("/schedules/").status_code == 200
    assert onlooker.post("/schedules/new/", form()).status_code == 404


def test_a_schedule_is_created_in_simple_fields(client: Client) -> None:
    assert client.get(NEW).status_code == 200
    assert client.post("/schedules/new/", form()).status_code == 303
    row = PeriodicTask.objects.get()
    assert (row.name, row.task, row.enabled) == ("Mondays", PRODUCE, True)
    kwargs = json.loads(row.kwargs)
    assert {name: kwargs[name] for name in ("period", "group_by")} == {
        "period": "week",
        "group_by": "language",
    }
    page = client.get("/schedules/").content.decode()
    assert "At 07:30, only on Monday" in page
    assert "Europe/Berlin" in page


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"every": "day"}, "At 07:30, every day"),
        ({"every": "week", "weekday": "0"}, "At 07:30, only on Sunday"),
        ({"every": "month", "day": "15"}, "At 07:30, on day 15 of the month"),
    ],
)
def test_schedules_are_shown_in_words(client: Client, changes: dict[str, str], words: str) -> None:
    client.post("/schedules/new/", form(**changes))
    (entry,) = entries()
    assert entry.words == words


@time_machine.travel("2026-05-04T12:00:00Z", tick=False)
def test_the_next_run_is_in_the_zone_of_the_schedule(entry: PeriodicTask) -> None:
    (shown,) = entries()
    assert shown.next_run is not None
    # Monday the 11th, 07:30 in Berlin's summer.
    assert shown.next_run.isoformat() == "2026-05-11T05:30:00+00:00"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"arg-period": "year"}, "Period “year” is not known; choose one of: day, week, month."),
        ({"every": "hour"}, "Rhythm “hour” is not known; choose one of: day, week, month."),
        ({"weekday": "9"}, "Weekday “9” is not known"),
        ({"day": "31"}, "Day 31 is not in every month; choose 1 to 28."),
        ({"time": "25:99"}, "The time cannot be read; write it as 07:30."),
        ({"time": ""}, "The time is missing; write it as 07:30."),
        ({"zone": "Mars/Base"}, "Zone “Mars/Base” is not known; write it as Europe/Berlin."),
        ({"zone": ""}, "The zone is missing; write Europe/Berlin."),
    ],
)
def test_bad_input_is_refused_in_one_sentence(
    client: Client, changes: dict[str, str], sentence: str
) -> None:
    answer = client.post("/schedules/new/", form(**changes))
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert not PeriodicTask.objects.exists()


def test_a_name_is_taken_once_and_may_be_left_out(client: Client, entry: PeriodicTask) -> None:
    answer = client.post("/schedules/new/", form())
    assert "A schedule called “Mondays” exists already" in answer.content.decode()
    client.post("/schedules/new/", form(name=""))
    client.post("/schedules/new/", form(name=""))
    names = set(PeriodicTask.objects.exclude(pk=entry.pk).values_list("name", flat=True))
    assert len(names) == 2
    assert CrontabSchedule.objects.filter(minute="30", hour="7", day_of_week="1").count() == 1


def test_an_unknown_task_cannot_be_scheduled(client: Client) -> None:
    assert client.get("/schedules/new/?task=os.system").status_code == 404
    assert client.post("/schedules/new/", form(task="os.system")).status_code == 404


def test_a_schedule_pauses_and_resumes(client: Client, entry: PeriodicTask) -> None:
    client.post(f"/schedules/{entry.pk}/pause/")
    entry.refresh_from_db()
    assert not entry.enabled
    assert entries()[0].next_run is None
    client.post(f"/schedules/{entry.pk}/resume/")
    entry.refresh_from_db()
    assert entry.enabled


def test_a_schedule_is_deleted(client: Client, entry: PeriodicTask) -> None:
    assert client.post(f"/schedules/{entry.pk}/delete/").status_code == 303
    assert not PeriodicTask.objects.exists()


def test_submit_now_leads_to_the_job(client: Client, entry: PeriodicTask) -> None:
    answer = client.post(f"/schedules/{entry.pk}/submit/")
    job = Job.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/jobs/{job.id}/")
    assert job.task == PRODUCE
    assert Reader.objects.filter(job=job).exists()


def test_a_task_that_is_gone_is_named(client: Client, entry: PeriodicTask) -> None:
    PeriodicTask.objects.update(task="gone.task")
    page = client.post(f"/schedules/{entry.pk}/submit/", follow=True).content.decode()
    assert "gone.task" in page
    assert not Job.objects.exists()


@pytest.mark.parametrize("act", ["pause", "resume", "submit", "delete"])
def test_acts_need_post_and_a_csrf_token(entry: PeriodicTask, act: str) -> None:
    user: Any = make_operator("second")
    address = f"/schedules/{entry.pk}/{act}/"
    assert client_of(user).get(address).status_code == 405
    assert client_of(user, enforce_csrf_checks=True).post(address).status_code == 403
