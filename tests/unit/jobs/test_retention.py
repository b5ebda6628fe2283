"""What has ended goes by policy: whole families, in steps, and as the dry run said."""

import os
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import chord
from django.core.management import CommandError, call_command
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, PeriodicTask
from django_celery_results.models import GroupResult, TaskResult
from pytest_django import Settings

from celery_uncovered.dashboard import timetable
from celery_uncovered.jobs import dispatcher, retention
from celery_uncovered.jobs.models import (
    Artifact,
    Attempt,
    Chord,
    Job,
    Occurrence,
    Reader,
    artifact_storage,
)
from celery_uncovered.jobs.readers import add_reader
from celery_uncovered.jobs.retention import Purge
from celery_uncovered.jobs.schedules.scheduler import LedgerScheduler
from celery_uncovered.jobs.states import LIVE, State
from tests.support.app import tasks
from tests.unit.jobs.running import run_all
from tests.unit.jobs.web.help import give_file, make_job

pytestmark = pytest.mark.usefixtures("committed_ledger")

OLD = timedelta(days=31)
VERY_OLD = timedelta(days=91)


@pytest.fixture(autouse=True)
def storage(artifact_folder: Path) -> Path:
    return artifact_folder


def ended(task_id: str, state: str = "SUCCESS", age: timedelta = OLD, **fields: Any) -> None:
    then = timezone.now() - age
    own: dict[str, Any] = {"state": state, "finished_at": then, "created_at": then} | fields
    make_job(task_id, **own)


def grow_old(age: timedelta = OLD) -> None:
    then = timezone.now() - age
    Job.objects.update(created_at=then, finished_at=then)


def left() -> set[str]:
    return set(Job.objects.values_list("id", flat=True))


def purge(**options: Any) -> dict[str, int]:
    """What a pass removes, after a dry one has foretold it."""
    foretold, done = Purge(dry=True), Purge(**options)
    before = left()
    assert foretold.go_on()
    assert left() == before
    assert done.go_on()
    assert dict(+done.counts) == dict(+foretold.counts)
    return dict(+done.counts)


def test_what_ended_long_ago_goes_and_the_rest_stays() -> None:
    ended("old")
    ended("cancelled", "REVOKED")
    ended("young", age=timedelta(days=29))
    make_job("waiting", created_at=timezone.now() - OLD)
    assert purge() == {"jobs": 2}
    assert left() == {"young", "waiting"}


def test_a_failed_job_goes_once_it_is_discarded_and_its_own_time_has_passed() -> None:
    ended("dead letter", "FAILURE", age=VERY_OLD)
    ended("discarded", "FAILURE", age=VERY_OLD, discarded_at=timezone.now())
    ended("discarded lately", "FAILURE", age=OLD, discarded_at=timezone.now())
    assert purge() == {"jobs": 1}
    assert left() == {"dead letter", "discarded lately"}


def test_nothing_goes_where_everything_is_kept_for_ever(settings: Settings) -> None:
    settings.JOBS_KEEP_DAYS = settings.JOBS_KEEP_FAILED_DAYS = 0
    ended("old", age=timedelta(days=9999))
    ended("failed", "FAILURE", age=timedelta(days=9999), discarded_at=timezone.now())
    TaskResult.objects.create(task_id="of none")
    TaskResult.objects.update(date_done=timezone.now() - VERY_OLD)
    assert purge() == {}


@pytest.mark.parametrize("state", [*LIVE, State.FAILURE, "young"])
def test_a_family_stays_while_one_of_it_does(state: str) -> None:
    ended("root")
    ended("part", root_id="root")
    last: dict[str, Any] = (
        {"state": state, "finished_at": None} if state != "young" else {"age": timedelta(days=1)}
    )
    if state == State.FAILURE:
        last["finished_at"] = timezone.now() - VERY_OLD
    ended("last", root_id="root", **last)
    ended("other")
    assert purge() == {"jobs": 1}
    assert left() == {"root", "part", "last"}
    Job.objects.filter(id="last").update(state="SUCCESS", finished_at=timezone.now() - OLD)
    assert purge() == {"jobs": 3}


def test_all_that_is_of_a_job_goes_with_it(storage: Path) -> None:
    result: Any = chord([tasks.add.s(1, 1), tasks.add.s(2, 2)], tasks.total.s()).delay()
    run_all()
    give_file(result.id)
    add_reader(result.id, session="somebody")
    keeps = str(tasks.add.delay(1, 1).id)
    run_all()
    grow_old()
    Job.objects.filter(id=keeps).update(finished_at=timezone.now())
    assert purge() == {
        "jobs": 3,
        "attempts": 3,
        "results": 3,
        "artifacts": 1,
        "chords": 1,
        "readers": 1,
    }
    assert left() == {keeps}
    assert [one.job_id for one in Attempt.objects.all()] == [keeps]
    assert [one.task_id for one in TaskResult.objects.all()] == [keeps]
    for model in (Chord, Artifact, Reader):
        assert not model._default_manager.exists()
    assert [path for path in storage.rglob("*") if path.is_file()] == []


def test_a_large_family_goes_in_small_steps_and_the_rest_next_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retention, "BATCH", 10)
    ended("root")
    for number in range(45):
        ended(f"part-{number}", root_id="root")
    first = Purge()
    assert not first.go_on(0)
    assert len(left()) == 36
    # Another process begins anew, with what is there.
    assert purge() == {"jobs": 36}
    assert first.go_on()
    assert first.counts["jobs"] == 10


def test_a_family_whose_root_is_gone_goes_too() -> None:
    for number in range(3):
        ended(f"part-{number}", root_id="gone")
    assert purge() == {"jobs": 3}


def test_many_that_stay_do_not_hide_those_behind_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    for number in range(7):
        ended(f"kept-{number}", age=VERY_OLD)
        make_job(f"lives-{number}", root_id=f"kept-{number}")
    ended("behind")
    assert purge() == {"jobs": 1}


def test_a_job_that_is_retried_while_a_pass_is_under_way_stays() -> None:
    ended("cancelled", "REVOKED")
    due = retention.Policy.of_settings()
    Job.objects.update(state=State.QUEUED, finished_at=None)
    assert retention._remove_jobs(["cancelled"], due)["jobs"] == 0
    assert left() == {"cancelled"}


def test_a_dead_letter_is_not_removed_whoever_asks() -> None:
    ended("failed", "FAILURE", age=VERY_OLD)
    assert retention._remove_jobs(["failed"], retention.Policy.of_settings())["jobs"] == 0


def test_a_root_stays_with_the_part_that_is_retried_while_its_family_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for task_id in ("root", "part", "retried"):
        ended(task_id, "REVOKED", root_id="root")
    remove = retention._remove_jobs

    def retried_first(*args: Any) -> Any:
        Job.objects.filter(id="retried").update(state=State.QUEUED, finished_at=None)
        return remove(*args)

    monkeypatch.setattr(retention, "_remove_jobs", retried_first)
    assert Purge().go_on()
    assert left() == {"root", "retried"}


def test_copies_of_no_job_and_saved_groups_go_by_age() -> None:
    ended("young", age=timedelta(days=1))
    for task_id in ("young", "of none", "of none, young"):
        TaskResult.objects.create(task_id=task_id)
    GroupResult.objects.create(group_id="group")
    TaskResult.objects.exclude(task_id="of none, young").update(date_done=timezone.now() - OLD)
    GroupResult.objects.update(date_done=timezone.now() - OLD)
    assert purge() == {"results": 2}
    assert set(TaskResult.objects.values_list("task_id", flat=True)) == {"young", "of none, young"}


def test_an_expired_file_goes_before_its_job(storage: Path) -> None:
    ended("old")
    give_file("old", lifetime=timedelta(seconds=-1))
    make_job("young", state="SUCCESS", finished_at=timezone.now())
    give_file("young", "expired.csv", lifetime=timedelta(seconds=-1))
    give_file("young", "kept.csv")
    assert purge() == {"jobs": 1, "artifacts": 2}
    assert [path.name for path in storage.rglob("*") if path.is_file()] == ["kept.csv"]


def test_files_of_no_row_go_when_they_are_a_day_old(storage: Path) -> None:
    make_job("young", state="SUCCESS", finished_at=timezone.now())
    kept = storage / give_file("young").file.name
    orphan, draft = kept.parent.parent / "left/report.csv", kept.parent / ".half.part"
    fresh = storage / "zz/zz/fresh.csv"
    for path in (orphan, draft, fresh):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    day_ago = time.time() - 90_000
    for path in (kept, orphan, draft):
        os.utime(path, (day_ago, day_ago))
    assert purge() == {"orphan files": 2}
    assert sorted(path.name for path in storage.rglob("*") if path.is_file()) == [
        "fresh.csv",
        "report.csv",
    ]
    assert kept.exists()
    assert not orphan.parent.exists()
    assert artifact_storage().exists(str(kept.relative_to(storage)))


def test_occurrences_go_when_they_are_old_and_their_jobs_are_gone() -> None:
    ended("done")
    ended("dead letter", "FAILURE", age=VERY_OLD)
    jobs = {"done": OLD, "dead letter": VERY_OLD, "gone": OLD, "": OLD, "young": timedelta(days=1)}
    for number, (task_id, age) in enumerate(jobs.items()):
        then = timezone.now() - age
        Occurrence.objects.create(
            schedule_id=number, due_at=then, created_at=then, task_id=task_id, outcome="SUBMITTED"
        )
    assert purge() == {"jobs": 1, "occurrences": 3}
    assert set(Occurrence.objects.values_list("task_id", flat=True)) == {"dead letter", "young"}


def test_the_command_says_per_kind_what_would_go_and_what_went(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ended("old")
    call_command("purge_jobs", "--dry-run")
    assert "1 jobs would go\n" in capsys.readouterr().out
    assert left() == {"old"}
    call_command("purge_jobs")
    assert "1 jobs removed\n" in capsys.readouterr().out
    assert left() == set()
    with pytest.raises(CommandError, match=r"--seconds -1 is too short; write more than 0\."):
        call_command("purge_jobs", "--seconds=-1")


def test_celerys_own_clean_up_is_neither_installed_nor_shown_nor_does_it_delete() -> None:
    every_night = CrontabSchedule.objects.create(hour="4")
    PeriodicTask.objects.create(
        name="celery.backend_cleanup", task="celery.backend_cleanup", crontab=every_night
    )
    assert "celery.backend_cleanup" not in {entry.name for entry in timetable.entry_page().entries}
    scheduler = LedgerScheduler(app=tasks.add.app)
    scheduler.setup_schedule()
    assert not PeriodicTask.objects.filter(task="celery.backend_cleanup").exists()
    TaskResult.objects.create(task_id="old")
    TaskResult.objects.update(date_done=timezone.now() - VERY_OLD)
    tasks.add.app.backend.cleanup()
    assert TaskResult.objects.exists()


def test_the_dispatcher_purges_a_little_at_each_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 10)
    monkeypatch.setattr(dispatcher, "PURGE_SLICE", 0)
    for number in range(25):
        ended(f"old-{number}")
    leader = dispatcher.Dispatcher(stop=threading.Event())
    leader._purge(1)
    assert leader.purge is None
    seen = []
    for tick in range(dispatcher.FIRST_PURGE, dispatcher.FIRST_PURGE + 30):
        leader._purge(tick)
        seen.append(len(left()))
    assert seen[:4] == [15, 5, 0, 0]
    assert leader.purge is None


def test_a_pass_that_fails_is_given_up_and_the_next_one_begins_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended("old")
    leader = dispatcher.Dispatcher(stop=threading.Event())
    with monkeypatch.context() as broken:
        broken.setattr(retention, "_remove_jobs", None)
        leader._purge(dispatcher.FIRST_PURGE)
    assert (leader.purge, left()) == (None, {"old"})
    leader._purge(dispatcher.FIRST_PURGE)
    assert left() == set()
