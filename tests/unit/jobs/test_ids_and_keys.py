"""Ids and unique keys that callers give."""

import threading

import pytest
from celery import current_app

from celery_uncovered.jobs import api as jobs
from celery_uncovered.jobs import submit, unique
from celery_uncovered.jobs.insert import Key
from celery_uncovered.jobs.models import Job
from celery_uncovered.jobs.states import State
from tests.support.app import tasks
from tests.unit.jobs.running import outcomes_of, run_all, state_of

pytestmark = pytest.mark.usefixtures("ledger")

LOOKS = 5


def submit_fixed() -> str:
    return jobs.submit(tasks.add, args=[1, 1], task_id="fixed", unique_key="nightly")


def test_an_id_and_a_key_that_come_again_after_the_end_give_the_job_that_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The key is free and the id is not: there is nothing to wait for."""
    looks: list[str] = []
    real = unique.holder_of

    def look(key: Key) -> str | None:
        looks.append(key.text)
        assert len(looks) < LOOKS, "it looks for ever"
        return real(key)

    monkeypatch.setattr(submit, "holder_of", look)
    assert submit_fixed() == "fixed"
    run_all()
    assert submit_fixed() == "fixed"
    assert run_all() == []
    assert (state_of("fixed"), outcomes_of("fixed")) == (State.SUCCESS, ["SUCCESS"])
    assert Job.objects.count() == 1


def test_an_id_and_a_key_that_come_again_before_the_end_give_the_job_that_is() -> None:
    assert submit_fixed() == submit_fixed() == "fixed"
    assert run_all() == ["add"]


def test_two_first_submissions_at_once_both_find_their_task(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second thread waits until the first has imported the tasks, instead of finding none."""
    submit._import_once.cache_clear()
    begun, gate = threading.Event(), threading.Event()
    imported: list[str] = []

    def slowly() -> None:
        begun.set()
        assert gate.wait(10)
        imported.append("done")

    monkeypatch.setattr(current_app.loader, "import_default_modules", slowly)
    seen: list[list[str]] = []

    def first_submission() -> None:
        submit.import_tasks()
        seen.append(list(imported))

    threads = [threading.Thread(target=first_submission) for _ in range(2)]
    threads[0].start()
    assert begun.wait(10)
    threads[1].start()
    threads[1].join(0.2)
    gate.set()
    for thread in threads:
        thread.join(10)
    assert seen == [["done"], ["done"]]
