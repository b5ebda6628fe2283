import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, PeriodicTask

from celery_uncovered.dashboard.timetable import Entry, entry_page
from celery_uncovered.jobs import api as jobs
from celery_uncovered.jobs.leadership import Candidate
from celery_uncovered.jobs.models import Job, Occurrence, Reader
from tests.unit.jobs.schedules.conftest import move_to_mars
from tests.unit.jobs.web.help import (
    client_of,
    make_job,
    make_onlooker,
    make_operator,
    make_user,
)

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


def entries() -> list[Entry]:
    return entry_page().entries


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
        ({"every": "hour"}, "At 30 minutes past the hour"),
        ({"every": "minutes", "minutes": "15"}, "Every 15 minutes"),
        ({"every": "crontab", "crontab": "*/20 8-17 * * 1-5"}, "Every 20 minutes, between"),
    ],
)
def test_schedules_are_shown_in_words(client: Client, changes: dict[str, str], words: str) -> None:
    client.post("/schedules/new/", form(**changes))
    (entry,) = entries()
    assert entry.words.startswith(words)


@time_machine.travel("2026-05-04T12:00:00Z", tick=False)
def test_the_next_ones_are_in_the_zone_of_the_schedule(client: Client) -> None:
    client.post("/schedules/new/", form())
    (shown,) = entries()
    # Mondays, 07:30 in Berlin's summer.
    assert [following.at.isoformat() for following in shown.next] == [
        f"2026-{day}T07:30:00+02:00" for day in ("05-11", "05-18", "05-25", "06-01", "06-08")
    ]


@time_machine.travel("2026-03-27T12:00:00Z", tick=False)
def test_what_a_change_of_the_clocks_will_do_is_said(client: Client) -> None:
    client.post("/schedules/new/", form(every="day", time="02:30"))
    remark = (
        "02:30 does not exist on 2026-03-29 in Europe/Berlin, where the clocks go forward:"
        " 03:00 stands for it."
    )
    (shown,) = entries()
    assert shown.remarks == [remark]
    for page in ("/schedules/", f"/schedules/{shown.id}/"):
        text = client.get(page).content.decode()
        assert remark in text
        assert "Sun 29 Mar 03:00" in text


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"arg-period": "year"}, "Period “year” is not known; choose one of: day, week, month."),
        ({"every": "year"}, "Rhythm “year” is not known; choose one of: minutes, hour, day,"),
        ({"every": "keep"}, "Rhythm “keep” is not known"),
        ({"every": "minutes", "minutes": "0"}, "must be a whole number of 1 to 10,080."),
        ({"every": "minutes", "minutes": "x"}, "must be a whole number of 1 to 10,080."),
        ({"misfire": "PANIC"}, "Policy “PANIC” is not known; choose one of: ONCE, ALL, SKIP."),
        ({"grace": "-1"}, "The lateness in seconds must be a whole number of 1 to 604,800."),
        ({"every": "crontab", "crontab": ""}, "“” is no crontab: it has 0 fields, and needs five"),
        ({"every": "crontab", "crontab": "0 25 * * *"}, "The hour “25” is not understood; write"),
        ({"every": "crontab", "crontab": "0 0 * * blue"}, "The weekday “blue” is not understood"),
        ({"every": "crontab", "crontab": "0 0 30 2 *"}, "“0 0 30 2 *” never comes"),
        ({"every": "crontab", "crontab": f"{'1,' * 99}1 0 * * *"}, "is not understood"),
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
    assert entries()[0].next == ()
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


def test_submit_now_submits_all_that_the_schedule_says(client: Client, entry: PeriodicTask) -> None:
    PeriodicTask.objects.update(queue="io", headers='{"tenant": "north"}', priority=3)
    client.post(f"/schedules/{entry.pk}/submit/")
    job = Job.objects.get()
    message = json.loads(job.message)
    assert (job.queue, message["properties"]["priority"]) == ("io", 3)
    assert message["headers"]["tenant"] == "north"
    assert message["headers"]["periodic_task_name"] == "Mondays"
    assert not Occurrence.objects.exists()


def test_arguments_that_are_no_json_are_named(client: Client, entry: PeriodicTask) -> None:
    PeriodicTask.objects.update(args="[1")
    assert client.get("/schedules/").status_code == 200
    assert client.get(f"/schedules/{entry.pk}/edit/").status_code == 200
    page = client.post(f"/schedules/{entry.pk}/submit/", follow=True).content.decode()
    assert "are not JSON" in page


# --- changing ------------------------------------------------------------------------------------
def edited(client: Client, row: PeriodicTask, **changes: str) -> PeriodicTask:
    """The schedule after its form was sent as it was shown, but for some changes."""
    page = client.get(f"/schedules/{row.pk}/edit/")
    assert page.status_code == 200
    shown = page.context["form"]
    values = {field.html_name: field.value() for field in shown}
    sent = {name: value for name, value in values.items() if value is not None} | changes
    answer = client.post(f"/schedules/{row.pk}/edit/", sent)
    assert answer.status_code == 303, answer.content.decode()
    return PeriodicTask.objects.get(pk=row.pk)


def said(row: PeriodicTask) -> str:
    crontab = row.crontab
    if crontab is None:
        return str(row.interval or row.clocked or row.solar)
    fields = (crontab.minute, crontab.hour, crontab.day_of_month, crontab.month_of_year)
    return " ".join([*fields, crontab.day_of_week, str(crontab.timezone)])


def test_a_schedule_is_changed(client: Client, entry: PeriodicTask) -> None:
    row = edited(
        client,
        entry,
        every="day",
        time="08:15",
        zone="Asia/Kathmandu",
        name="Mornings",
        **{"arg-period": "day", "misfire": "SKIP", "grace": "600"},
    )
    assert (row.name, said(row)) == ("Mornings", "15 8 * * * Asia/Kathmandu")
    assert json.loads(row.kwargs) == {"period": "day", "group_by": "language", "mail": True}
    rules = jobs.schedule_outlooks([row], timezone.now())[row.pk].rules
    assert (rules.misfire, rules.grace) == ("SKIP", timedelta(minutes=10))
    page = client.get("/schedules/").content.decode()
    assert "Skip" in page
    assert "if later than 10 min" in page


@pytest.mark.parametrize(
    ("crontab", "rhythm"),
    [
        ("5 * * * *", "hour"),
        ("5 7 * * *", "day"),
        ("5 7 * * 0", "week"),
        ("5 7 28 * *", "month"),
        ("5 7 29 * *", "crontab"),
        ("5 7 1 * 1", "crontab"),
        ("5 7 * 2 *", "crontab"),
        ("5 */2 * * *", "crontab"),
        ("*/5 * * * *", "crontab"),
        ("5 * * * 1", "crontab"),
    ],
)
def test_what_is_sent_as_it_was_shown_changes_nothing(
    client: Client, entry: PeriodicTask, crontab: str, rhythm: str
) -> None:
    minute, hour, day, month, weekday = crontab.split()
    CrontabSchedule.objects.update(
        minute=minute, hour=hour, day_of_month=day, month_of_year=month, day_of_week=weekday
    )
    before = said(PeriodicTask.objects.get())
    page = client.get(f"/schedules/{entry.pk}/edit/")
    assert page.context["form"]["every"].value() == rhythm
    row = edited(client, entry)
    assert said(row) == before
    assert json.loads(row.kwargs) == json.loads(entry.kwargs)


def test_what_the_form_cannot_say_stays_as_it_is_until_it_is_changed(
    client: Client, entry: PeriodicTask
) -> None:
    clocked = ClockedSchedule.objects.create(clocked_time="2030-01-01T00:00Z")
    PeriodicTask.objects.update(
        crontab=None, clocked=clocked, one_off=True, task="elsewhere.task", kwargs='{"deep": [1]}'
    )
    row = edited(client, entry, name="Renamed")
    assert (row.name, row.clocked, row.one_off) == ("Renamed", clocked, True)
    assert row.kwargs == '{"deep": [1]}'
    row = edited(client, entry, every="minutes", minutes="10")
    assert (str(row.interval), row.clocked, row.one_off) == ("every 10 minutes", None, False)
    row = edited(client, entry)
    assert str(row.interval) == "every 10 minutes"


def test_arguments_that_are_none_of_the_choices_stay_as_they_are(
    client: Client, entry: PeriodicTask
) -> None:
    PeriodicTask.objects.update(kwargs='{"period": "decade", "group_by": "topic"}')
    row = edited(client, entry, every="day")
    assert json.loads(row.kwargs) == {"period": "decade", "group_by": "topic"}


def test_a_name_that_another_schedule_has_is_refused_and_its_own_is_not(
    client: Client, entry: PeriodicTask
) -> None:
    client.post("/schedules/new/", form(name="Others"))
    assert edited(client, entry).name == "Mondays"
    answer = client.post(f"/schedules/{entry.pk}/edit/", form(name="Others"))
    assert answer.status_code == 400
    assert "A schedule called “Others” exists already" in answer.content.decode()


# --- what became of it ---------------------------------------------------------------------------
def test_the_last_outcomes_are_bars_that_lead_to_their_jobs(
    client: Client, entry: PeriodicTask
) -> None:
    now = timezone.now()
    outcomes = ["SUBMITTED", "SUBMITTED", "SUBMITTED", "MERGED", "SKIPPED", "REFUSED"]
    ids = ["good", "bad", "gone", "", "", ""]
    make_job("good", state="SUCCESS", started_at=now, finished_at=now + timedelta(seconds=3))
    make_job("bad", state="FAILURE", started_at=now, finished_at=now)
    for number, (outcome, task_id) in enumerate(zip(outcomes, ids, strict=True)):
        Occurrence.objects.create(
            schedule_id=entry.pk,
            due_at=now + timedelta(minutes=number),
            outcome=outcome,
            task_id=task_id,
            note=f"Note {number}.",
        )
    (shown,) = entries()
    assert [bar.look for bar in shown.last.bars] == [
        "success",
        "failure",
        "gone",
        "merged",
        "skipped",
        "refused",
    ]
    assert shown.last.bars[0].height > shown.last.bars[1].height
    assert "1 succeeded, 1 failed" in shown.last.summary
    page = client.get("/schedules/").content.decode()
    for task_id in ("good", "bad"):
        assert f'href="/jobs/{task_id}/"' in page
    assert "/jobs/gone/" not in page
    page = client.get(f"/schedules/{entry.pk}/").content.decode()
    for number in range(len(outcomes)):
        assert f"Note {number}." in page
    assert "Could not be submitted" in page


def test_no_more_than_twenty_outcomes_are_shown_the_latest(
    client: Client, entry: PeriodicTask
) -> None:
    now = timezone.now()
    Occurrence.objects.bulk_create(
        Occurrence(schedule_id=entry.pk, due_at=now + timedelta(minutes=n), outcome="SKIPPED")
        for n in range(30)
    )
    (shown,) = entries()
    assert len(shown.last.bars) == 20
    assert shown.last.bars[-1].occurrence.due_at == now + timedelta(minutes=29)


def test_a_schedule_whose_times_cannot_be_read_says_so_and_can_be_mended(
    client: Client, entry: PeriodicTask
) -> None:
    CrontabSchedule.objects.update(minute="61", hour="99")
    page = client.get("/schedules/").content.decode()
    assert "The times of schedule “Mondays” cannot be read: " in page
    assert said(edited(client, entry, every="day", time="01:00")).startswith("0 1 * * *")


def test_a_zone_that_this_host_does_not_know_is_named_and_can_be_mended(
    client: Client, entry: PeriodicTask
) -> None:
    move_to_mars(entry)
    page = client.get("/schedules/").content.decode()
    assert "cannot be read: " in page
    assert "Mars/Base" in page
    answer = client.post(f"/schedules/{entry.pk}/edit/", form(zone="Mars/Base"))
    assert "Zone “Mars/Base” is not known" in answer.content.decode()
    assert said(edited(client, entry, zone="UTC")) == "30 7 * * 1 UTC"


@time_machine.travel("2026-05-04T12:00:00Z", tick=False)
def test_an_interval_goes_on_from_its_last_time(client: Client) -> None:
    client.post("/schedules/new/", form(every="minutes", minutes="45"))
    (shown,) = entries()
    assert [following.at.strftime("%H:%M") for following in shown.next] == [
        "12:45",
        "13:30",
        "14:15",
        "15:00",
        "15:45",
    ]
    with time_machine.travel("2026-05-04T13:00:00Z", tick=False):
        assert entries()[0].next[0].at.strftime("%H:%M") == "13:30"


def test_a_schedule_is_found_by_its_page_and_one_that_is_gone_is_not(
    client: Client, entry: PeriodicTask
) -> None:
    page = client.get(f"/schedules/{entry.pk}/")
    assert page.status_code == 200
    assert "Nothing was due yet" in page.content.decode()
    for path in ("", "edit/"):
        assert client.get(f"/schedules/999999/{path}").status_code == 404
    onlooker = client_of(make_onlooker())
    assert onlooker.get(f"/schedules/{entry.pk}/").status_code == 200
    assert onlooker.post(f"/schedules/{entry.pk}/edit/", form()).status_code == 404


def test_many_schedules_are_shown_page_by_page(client: Client, entry: PeriodicTask) -> None:
    names = [f"Schedule {number:02}" for number in range(60)]
    for number, name in enumerate(names):
        PeriodicTask.objects.create(
            name=name, task="any", crontab=entry.crontab, enabled=bool(number % 3)
        )
    seen: list[str] = []
    address = "/schedules/"
    for _ in range(3):
        page = client.get(address)
        seen += [one.name for one in page.context["entries"]]
        address = f"/schedules/{page.context['next_page']}"
    assert page.context["next_page"] == ""
    active = ["Mondays", *(name for number, name in enumerate(names) if number % 3)]
    assert seen == [*active, *names[::3]]
    assert "No more schedules" in client.get("/schedules/?after=0:zzz").content.decode()
    assert client.get("/schedules/?after=nonsense").status_code == 200


def test_a_page_of_schedules_asks_few_questions(
    client: Client, entry: PeriodicTask, django_assert_max_num_queries: Any
) -> None:
    for number in range(24):
        PeriodicTask.objects.create(name=f"{number}", task="any", crontab=entry.crontab)
    with django_assert_max_num_queries(25 + 10):
        client.get("/schedules/")


def test_it_is_said_when_no_beat_runs(client: Client) -> None:
    assert "No beat runs" in client.get("/schedules/").content.decode()
    Candidate(role="beat", holder="a:b:1:1", seconds=20).lead()
    assert "No beat runs" not in client.get("/schedules/").content.decode()


@pytest.mark.parametrize("act", ["pause", "resume", "submit", "delete"])
def test_acts_need_post_and_a_csrf_token(entry: PeriodicTask, act: str) -> None:
    user: Any = make_operator("second")
    address = f"/schedules/{entry.pk}/{act}/"
    assert client_of(user).get(address).status_code == 405
    assert client_of(user, enforce_csrf_checks=True).post(address).status_code == 403
