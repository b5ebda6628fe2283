"""Beat decides each occurrence once, in one transaction with its job, and as its row says."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from celery import current_app
from django.db import OperationalError
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    PeriodicTasks,
)
from django_celery_beat.schedulers import ModelEntry

from celery_uncovered.jobs.errors import LeadLostError
from celery_uncovered.jobs.messages import arguments
from celery_uncovered.jobs.models import Job, Leader, Occurrence, ScheduleRecord
from celery_uncovered.jobs.schedules import deciding, judging, submitting
from celery_uncovered.jobs.schedules.leading import LEAD_SECONDS
from tests.support.app import tasks
from tests.support.beats import Beat, outcomes_of, utc
from tests.unit.jobs import odd_tasks
from tests.unit.jobs.running import run_all, value_of
from tests.unit.jobs.schedules.conftest import NOON, crontab_of, move_to_mars

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
Make = Callable[..., PeriodicTask]


def submitted(row: PeriodicTask) -> list[str]:
    return [due for due, outcome in outcomes_of(row.pk) if outcome == "SUBMITTED"]


def at(hour: int, minute: int = 0, second: int = 0) -> datetime:
    return NOON.replace(hour=hour, minute=minute, second=second)


# --- what is due ---------------------------------------------------------------------------------
def test_a_crontab_and_an_interval_are_submitted_when_they_are_due(
    beat: Beat, schedule: Make
) -> None:
    crontab, interval = schedule("*/2 * * * *"), schedule(seconds=90)
    beat.run_until(at(12, 5))
    assert submitted(crontab) == ["05-31 12:02:00", "05-31 12:04:00"]
    assert submitted(interval) == ["05-31 12:01:30", "05-31 12:03:00", "05-31 12:04:30"]
    assert Job.objects.count() == 5
    ids = Occurrence.objects.values_list("task_id", flat=True)
    assert set(ids) == set(Job.objects.values_list("id", flat=True))
    interval.refresh_from_db()
    assert (interval.total_run_count, utc(interval.last_run_at)) == (3, "05-31 12:04:30")


def test_an_interval_does_not_drift(beat: Beat, schedule: Make, clock: Any) -> None:
    row = schedule(seconds=10)
    beat.tick()
    for late in (13, 22.5, 39):
        clock.move_to(NOON + late * SECOND)
        beat.tick()
    assert [due for due, _ in outcomes_of(row.pk)] == [
        "05-31 12:00:10",
        "05-31 12:00:20",
        "05-31 12:00:30",
    ]


def test_beat_sleeps_until_the_next_is_due_but_looks_around_each_second(
    beat: Beat, schedule: Make, clock: Any
) -> None:
    schedule(seconds=10)
    assert beat.tick() == 1
    clock.move_to(NOON + 9.75 * SECOND)
    assert beat.tick() == 0.25


def test_a_job_has_all_that_its_row_says(beat: Beat, schedule: Make) -> None:
    row = schedule(
        "1 12 * * *",
        name="all of it",
        args="[3]",
        kwargs='{"y": 4}',
        queue="io",
        priority=7,
        headers='{"tenant": "north"}',
        expire_seconds=600,
    )
    beat.run_until(at(12, 1))
    job = Job.objects.get()
    message = json.loads(job.message)
    assert (job.task, job.queue, arguments(job.body)) == (tasks.add.name, "io", ([3], {"y": 4}))
    assert job.expires_at == at(12, 11)
    assert message["properties"]["priority"] == 7
    wanted = {
        "tenant": "north",
        "periodic_task_name": row.name,
        "celery_beat_task": True,
        "schedule_due": "2026-05-31T12:01:00+00:00",
    }
    assert wanted.items() <= message["headers"].items()


def test_a_task_can_read_which_occurrence_it_runs_for(
    beat: Beat, schedule: Make, clock: Any
) -> None:
    schedule("0 * * * *", task=odd_tasks.tell_when_it_was_due.name, args="[]", misfire="ALL")
    beat.tick()
    clock.move_to(at(14, 30))
    beat.tick()
    run_all()
    ids = Occurrence.objects.order_by("due_at").values_list("task_id", flat=True)
    assert [value_of(task_id) for task_id in ids] == [
        "2026-05-31T13:00:00+00:00",
        "2026-05-31T14:00:00+00:00",
    ]


def test_nothing_is_due_before_its_start_nor_from_its_end_on(beat: Beat, schedule: Make) -> None:
    crontab = schedule("* * * * *", start_time=at(12, 3), expires=at(12, 5))
    interval = schedule(minutes=1, start_time=at(12, 3, 30))
    beat.run_until(at(12, 6))
    assert submitted(crontab) == ["05-31 12:03:00", "05-31 12:04:00"]
    assert submitted(interval)[0] == "05-31 12:03:30"
    crontab.refresh_from_db()
    assert not crontab.enabled


def test_what_was_missed_before_the_end_of_its_schedule_is_noted_and_not_run(
    beat: Beat, schedule: Make, clock: Any
) -> None:
    row = schedule("* * * * *", expires=at(12, 3))
    beat.tick()
    clock.move_to(at(13))
    beat.tick()
    assert outcomes_of(row.pk) == [("05-31 12:01:00", "SKIPPED"), ("05-31 12:02:00", "SKIPPED")]
    assert not Job.objects.exists()


def test_one_that_runs_a_single_time_is_disabled_with_its_run(beat: Beat, schedule: Make) -> None:
    row = schedule("* * * * *", one_off=True)
    beat.run_until(at(12, 3))
    assert submitted(row) == ["05-31 12:01:00"]
    row.refresh_from_db()
    assert (row.enabled, row.total_run_count) == (False, 0)
    row.enabled = True
    row.save()
    beat.run_until(at(12, 6))
    assert submitted(row) == ["05-31 12:01:00", "05-31 12:04:00"]


def test_one_that_ran_its_single_time_under_another_scheduler_does_not_run_again(
    beat: Beat, schedule: Make
) -> None:
    row = schedule("* * * * *", one_off=True, total_run_count=1, last_run_at=NOON)
    beat.run_until(at(12, 2))
    row.refresh_from_db()
    assert (row.enabled, Occurrence.objects.count()) == (False, 0)


@pytest.mark.parametrize("moment", [at(11), at(12, 1)])
def test_what_is_scheduled_for_one_time_runs_once_also_when_it_is_past(
    beat: Beat, schedule: Make, moment: datetime
) -> None:
    clocked = ClockedSchedule.objects.create(clocked_time=moment)
    row = schedule(clocked=clocked, one_off=True)
    beat.run_until(at(12, 2))
    assert submitted(row) == [utc(moment)]
    # It has had its time: resumed, it ends again.
    PeriodicTask.objects.filter(pk=row.pk).update(enabled=True)
    PeriodicTasks.update_changed()
    beat.run_until(at(12, 4))
    row.refresh_from_db()
    assert (row.enabled, Job.objects.count()) == (False, 1)


# --- changes -------------------------------------------------------------------------------------
def test_a_new_schedule_and_a_changed_one_are_seen_within_two_seconds(
    beat: Beat, schedule: Make, clock: Any
) -> None:
    beat.tick()
    row = schedule(seconds=2)
    beat.run_until(NOON + 3 * SECOND)
    assert submitted(row) == ["05-31 12:00:02"]
    row.refresh_from_db()
    row.interval = IntervalSchedule.objects.create(every=5, period="seconds")
    row.save()
    beat.run_until(NOON + 9 * SECOND)
    assert submitted(row) == ["05-31 12:00:02", "05-31 12:00:08"]


def test_a_schedule_that_is_paused_or_deleted_is_submitted_no_more(
    beat: Beat, schedule: Make
) -> None:
    paused, deleted = schedule(seconds=10), schedule(seconds=10)
    beat.run_until(NOON + 10 * SECOND)
    paused.enabled = False
    paused.save()
    number = deleted.pk
    deleted.delete()
    beat.run_until(at(12, 1))
    assert len(submitted(paused)) == len(outcomes_of(number)) == 1


def test_what_was_due_while_a_schedule_was_paused_is_not_missed(
    beat: Beat, schedule: Make, clock: Any
) -> None:
    row = schedule("* * * * *", misfire="ALL")
    beat.run_until(at(12, 1))
    row.enabled = False
    row.save()
    beat.run_until(at(12, 4), stride=MINUTE)
    row.enabled = True
    row.save()
    beat.run_until(at(12, 5))
    assert submitted(row) == ["05-31 12:01:00", "05-31 12:05:00"]


@pytest.mark.parametrize("is_by_admin", [False, True])
def test_neither_is_it_where_no_beat_ran_meanwhile(
    beat: Beat, schedule: Make, clock: Any, *, is_by_admin: bool
) -> None:
    """The admin's actions change many rows at once, which leaves no time on them."""
    row = schedule("* * * * *", misfire="ALL")
    beat.run_until(at(12, 1))

    def switch(*, on: bool) -> None:
        if is_by_admin:
            more: dict[str, Any] = {} if on else {"last_run_at": None}
            PeriodicTask.objects.filter(pk=row.pk).update(enabled=on, **more)
            PeriodicTasks.update_changed()
        else:
            row.refresh_from_db()
            row.enabled = on
            row.save()

    clock.move_to(at(12, 2, 30))
    switch(on=False)
    if is_by_admin:
        beat.tick()
    clock.move_to(at(12, 8, 30))
    switch(on=True)
    clock.move_to(at(12, 10))
    beat.tick()
    assert submitted(row) == ["05-31 12:01:00", "05-31 12:09:00", "05-31 12:10:00"]


def test_what_a_new_time_would_have_been_before_the_change_is_not_missed(
    beat: Beat, schedule: Make, clock: Any
) -> None:
    first, second = schedule("0 6 * * *", misfire="ALL"), schedule("0 6 * * *", misfire="ALL")
    beat.tick()
    clock.move_to(at(12, 30))
    first.crontab = crontab_of("15 12 * * *")
    first.save()
    # As in the admin of crontabs: the schedule's own row is not touched.
    second.crontab.minute, second.crontab.hour = "15", "12"
    second.crontab.save()
    clock.move_to(at(12, 31))
    beat.tick()
    assert Occurrence.objects.count() == 0
    beat.run_until(at(12, 15) + timedelta(days=1), stride=HOUR)
    assert submitted(first) == submitted(second) == ["06-01 12:15:00"]


def test_a_change_of_anything_else_moves_nothing(beat: Beat, schedule: Make, clock: Any) -> None:
    row = schedule(minutes=2)
    beat.tick()
    clock.move_to(at(12, 1))
    row.description = "told anew"
    row.save()
    beat.run_until(at(12, 3))
    assert submitted(row) == ["05-31 12:02:00"]


def test_entries_of_the_settings_are_taken_over_and_left_alone_when_nothing_changed(
    clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = {"from settings": {"task": tasks.add.name, "schedule": 60.0, "args": (1, 1)}}
    monkeypatch.setitem(current_app.conf, "beat_schedule", entries)
    Beat(clock)
    row = PeriodicTask.objects.get(name="from settings")
    clock.shift(90)
    Beat(clock)
    assert PeriodicTask.objects.get(name="from settings").date_changed == row.date_changed
    entries["from settings"]["schedule"] = 30.0
    beat = Beat(clock)
    beat.run_until(NOON + 120 * SECOND)
    assert submitted(row) == ["05-31 12:02:00"]


# --- once ----------------------------------------------------------------------------------------
def test_of_two_beats_one_leads_and_the_other_goes_on_after_its_lead(
    beat: Beat, another: Beat, schedule: Make, clock: Any
) -> None:
    row = schedule(seconds=1, misfire="ALL")
    for _ in range(5):
        beat.tick()
        another.tick()
        clock.shift(1)
    assert (beat.scheduler.leading.epoch, another.scheduler.leading.epoch) == (1, None)
    another.run_until(NOON + 30 * SECOND)
    assert Leader.objects.get(role="beat").epoch == 2
    times = [due for due, outcome in outcomes_of(row.pk) if outcome == "SUBMITTED"]
    assert times == [utc(NOON + number * SECOND) for number in range(1, 31)]
    assert Job.objects.count() == 30


def test_a_leader_that_was_away_submits_nothing(
    beat: Beat, another: Beat, schedule: Make, clock: Any
) -> None:
    """It wakes in the middle of a tick, and does not know yet that another leads."""
    row = schedule(seconds=60, misfire="ALL")
    beat.tick()
    away = beat.scheduler
    clock.shift(LEAD_SECONDS + 1)
    another.tick()
    clock.move_to(at(12, 1))
    leading = deciding.Lead(candidate=away.leading.candidate, epoch=1)
    with pytest.raises(LeadLostError):
        deciding.decide([row.pk], leading, at(12, 1))
    assert Occurrence.objects.count() == Job.objects.count() == 0
    away.leading.epoch, away.leading._renewed = 1, away.clock()
    assert beat.tick() == 1
    assert Job.objects.count() == 0
    another.tick()
    assert Job.objects.count() == 1


def test_one_that_resigns_is_followed_at_once(beat: Beat, another: Beat) -> None:
    beat.tick()
    beat.scheduler.close()
    another.tick()
    assert another.scheduler.leading.epoch == 2


def test_a_leader_of_this_host_that_is_no_more_is_not_waited_for(beat: Beat) -> None:
    beat.tick()
    holder = beat.scheduler.leading.candidate.holder
    Leader.objects.update(holder=f"{holder}0")  # another start time: a process that is gone
    successor = Beat(beat.traveller)
    successor.tick()
    assert successor.scheduler.leading.epoch == 2


def test_a_signal_during_a_tick_leaves_the_connection_alone(beat: Beat) -> None:
    beat.tick()
    beat.scheduler._is_ticking = True
    beat.scheduler.close()
    assert beat.scheduler.leading.epoch == 1


def test_a_note_that_fails_repeats_no_job(
    beat: Beat, schedule: Make, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """django-celery-beat submits, notes later, and submits again when the note was lost."""
    row = schedule(seconds=60)
    beat.tick()
    kept = deciding._note_runs
    failures: list[Any] = []

    def fail_first(*args: Any) -> None:
        if len(failures) < 2:
            failures.append(args)
            message = "server closed the connection"
            raise OperationalError(message)
        kept(*args)

    monkeypatch.setattr(deciding, "_note_runs", fail_first)
    clock.move_to(at(12, 1))
    assert beat.tick() == 1
    assert Job.objects.count() == 0
    clock.shift(1)
    beat.tick()
    clock.shift(1)
    beat.tick()
    assert (len(failures), submitted(row)) == (2, ["05-31 12:01:00"])
    # Whatever reads all rows again: a change, or another process.
    PeriodicTask.objects.update(last_run_at=NOON - HOUR)
    PeriodicTasks.update_changed()
    beat.run_until(at(12, 1, 30))
    beat.scheduler.close()
    Beat(clock).run_until(at(12, 1, 40))
    assert Job.objects.count() == 1


def test_no_crontab_is_left_out_whatever_the_hour_and_the_zone(
    beat: Beat, schedule: Make, clock: Any
) -> None:
    """django-celery-beat reads only those that seem to be due within two hours."""
    zones = ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "Pacific/Kiritimati"]
    rows = [schedule(f"7 {hour} * * *", zone=zone) for zone in zones for hour in range(24)]
    beat.tick()
    assert len(beat.scheduler.agenda._wakes) == len(rows)
    # None is read again meanwhile.
    beat.run_until(NOON + timedelta(days=1), stride=timedelta(minutes=10))
    assert {len(submitted(row)) for row in rows} == {1}
    assert Job.objects.count() == len(rows)


# --- what is wrong -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"queue": "fast"}, 'Queue "fast" is not configured; choose one of: default, io.'),
        ({"args": "[1"}, "Expecting"),
        ({"args": "[1, 2, 3]"}, "The arguments do not fit"),
    ],
)
def test_what_cannot_be_submitted_is_noted_and_holds_up_no_other(
    beat: Beat, schedule: Make, fields: dict[str, str], reason: str
) -> None:
    bad, good = schedule("* * * * *", **fields), schedule("* * * * *")
    beat.run_until(at(12, 2))
    assert len(submitted(good)) == 2
    notes = outcomes_of(bad.pk, lambda row: (row.outcome, row.task_id, row.note))
    assert [outcome for outcome, *_ in notes] == ["REFUSED", "REFUSED"]
    assert reason in notes[0][2]
    bad.refresh_from_db()
    assert bad.total_run_count == 0


def test_what_the_database_refuses_each_time_holds_up_no_other(
    beat: Beat, schedule: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = schedule("* * * * *"), schedule("* * * * *")

    def submit_or_fail(row: Any, *args: Any) -> str:
        if row.pk == bad.pk:
            # As a table that is not there is told on SQLite.
            Job.objects.extra(where=["no_such_column = 1"]).exists()
        return submitting.submit_row(row, *args)

    monkeypatch.setattr(deciding, "submit_row", submit_or_fail)
    beat.run_until(at(12, 2))
    assert len(submitted(good)) == 2
    (first, _) = outcomes_of(bad.pk, lambda row: (row.outcome, row.note))
    assert first[0] == "REFUSED"
    assert "no_such_column" in first[1]


def test_a_schedule_whose_times_cannot_be_read_is_told_once_and_holds_up_no_other(
    beat: Beat, schedule: Make, caplog: pytest.LogCaptureFixture
) -> None:
    good = schedule("* * * * *")
    CrontabSchedule.objects.filter(pk=schedule("* * * * *").crontab_id).update(minute="61")
    move_to_mars(schedule("* * * * *"))
    beat.run_until(at(12, 2))
    assert len(submitted(good)) == 2
    assert len([line for line in caplog.messages if "cannot be read" in line]) == 2


def test_many_that_are_due_at_once_are_all_submitted(beat: Beat, schedule: Make) -> None:
    rows = [schedule("1 12 * * *", misfire="ALL") for _ in range(450)]
    beat.run_until(at(12, 1))
    assert Job.objects.count() == len(rows)
    assert {count for (count,) in Occurrence.objects.values_list("schedule_id").distinct()} == {
        row.pk for row in rows
    }


def test_no_transaction_makes_up_for_too_much_at_once(
    beat: Beat, schedule: Make, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who else writes to SQLite waits for its end."""
    monkeypatch.setattr(judging, "MOST_JOBS", 30)
    rows = [schedule("* * * * *", misfire="ALL") for _ in range(10)]
    beat.tick()
    carry_out, sizes = deciding._carry_out, []

    def count(turns: Any, *args: Any) -> None:
        sizes.append(sum(turn.jobs for turn in turns))
        carry_out(turns, *args)

    monkeypatch.setattr(deciding, "_carry_out", count)
    clock.move_to(at(12, 20))
    beat.tick()
    assert sizes == [40] * 5
    assert {len(submitted(row)) for row in rows} == {20}


def test_a_task_that_is_no_job_is_sent_after_the_commit(
    beat: Beat, schedule: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []

    class Plain:
        is_job = False

        def apply_async(self, *args: Any, **options: Any) -> None:
            sent.append((*args, options["task_id"], Occurrence.objects.count()))

    monkeypatch.setitem(current_app.tasks, "plain", Plain())
    row = schedule("* * * * *", task="plain")
    beat.run_until(at(12, 1))
    ((task_id, outcome),) = outcomes_of(row.pk, lambda one: (one.task_id, one.outcome))
    assert sent == [([1, 1], {}, task_id, 1)]
    assert outcome == "SUBMITTED"


def test_the_packages_own_entries_are_read_without_a_word_about_hours(
    beat: Beat, schedule: Make
) -> None:
    """For whoever asks Celery's scheduler what it knows."""
    row = schedule("0 3 * * *")
    entry = beat.scheduler.schedule[row.name]
    assert isinstance(entry, ModelEntry)


# --- coming from elsewhere -----------------------------------------------------------------------
def test_what_ran_under_django_celery_beat_goes_on_where_it_was(
    beat: Beat, schedule: Make, clock: Any
) -> None:
    row = schedule("0 * * * *", last_run_at=at(9, 0, 1), total_run_count=7)
    beat.tick()
    assert outcomes_of(row.pk) == [
        ("05-31 10:00:00", "MERGED"),
        ("05-31 11:00:00", "MERGED"),
        ("05-31 12:00:00", "SUBMITTED"),
    ]
    row.refresh_from_db()
    assert row.total_run_count == 8


def test_celerys_deadline_for_crontabs_is_kept(
    beat: Beat, schedule: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(current_app.conf, "beat_cron_starting_deadline", 600)
    late = schedule("0 11 * * *", last_run_at=at(10))
    soon = schedule("55 11 * * *", last_run_at=at(10))
    beat.tick()
    assert outcomes_of(late.pk) == [("05-31 11:00:00", "SKIPPED")]
    assert outcomes_of(soon.pk) == [("05-31 11:55:00", "SUBMITTED")]


def test_what_is_kept_of_a_deleted_schedule_goes_when_a_beat_begins_to_lead(
    beat: Beat, another: Beat, schedule: Make, clock: Any
) -> None:
    row = schedule("0 * * * *")
    beat.tick()
    row.delete()
    clock.shift(LEAD_SECONDS + 1)
    another.tick()
    assert not ScheduleRecord.objects.exists()


def test_after_years_without_a_beat_it_starts_at_once_and_counts_no_further_than_it_must(
    beat: Beat, schedule: Make
) -> None:
    long_ago = NOON.replace(year=2016)
    often = [schedule("* * * * *", last_run_at=long_ago), schedule(seconds=1, last_run_at=long_ago)]
    beat.tick()
    assert Job.objects.count() == 2
    for row in often:
        assert len(outcomes_of(row.pk)) == 101
        assert submitted(row) == ["05-31 12:00:00"]
        first = outcomes_of(row.pk, lambda one: one.note)[0]
        assert first.endswith("What was due before is not counted.")


def test_what_is_due_once_in_years_is_missed_as_well(beat: Beat, schedule: Make) -> None:
    """Each of a few is decided by itself, however long ago it was."""
    leap = schedule("0 0 29 2 *", last_run_at=NOON.replace(year=2016), misfire="ALL")
    daily = schedule("0 0 * * *", last_run_at=NOON - timedelta(days=99), misfire="ALL")
    beat.tick()
    assert submitted(leap) == ["02-29 00:00:00"] * 2
    assert len(submitted(daily)) == 99
