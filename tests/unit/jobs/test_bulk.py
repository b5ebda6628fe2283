"""Many jobs by one call, in the test's own process."""

from typing import Any

import pytest
from celery import signals
from django.db import transaction

from celery_uncovered.jobs import api as jobs
from celery_uncovered.jobs import bulk, outbox
from celery_uncovered.jobs.messages import Delivery, arguments
from celery_uncovered.jobs.models import Job
from tests.support.app import tasks
from tests.unit.jobs.running import run_all, value_of


@pytest.mark.usefixtures("ledger")
def test_each_item_is_a_job_of_its_own_in_the_order_of_the_items() -> None:
    ids = jobs.submit_many(tasks.add.name, [(1, 2), [3, 4], {"x": 5, "y": 6}])
    assert list(Job.objects.order_by("queued_at").values_list("id", flat=True)) == ids
    assert len(run_all()) == 3
    assert [value_of(id_) for id_ in ids] == [3, 7, 11]


@pytest.mark.usefixtures("ledger")
def test_options_hold_for_all_of_them() -> None:
    ids = jobs.submit_many(tasks.add, ((n, n) for n in range(3)), queue="io", countdown=60)
    rows = Job.objects.filter(id__in=ids).values_list("queue", "state", "queued_at")
    assert set(rows) == {("io", "SCHEDULED", None)}


@pytest.mark.usefixtures("ledger")
def test_nothing_is_nothing() -> None:
    assert jobs.submit_many(tasks.add, []) == []


@pytest.mark.usefixtures("ledger")
def test_a_bad_item_after_many_good_ones_leaves_none_of_them(
    monkeypatch: pytest.MonkeyPatch, sent: list[Delivery], django_capture_on_commit_callbacks: Any
) -> None:
    monkeypatch.setattr(bulk, "CHUNK", 2)
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        kept = jobs.submit(tasks.add, args=[1, 1])
        with pytest.raises(jobs.BadItemError) as caught:
            jobs.submit_many(tasks.add, [(1, 1)] * 5 + [(1,)])
        assert caught.value.position == 5
    outbox.publisher().flush(10)
    assert [job.id for job in Job.objects.all()] == [kept]
    assert [one.message.task_id for one in sent] == [kept]


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize("option", ["unique_key", "task_id", "unique_for"])
def test_an_option_of_one_job_is_refused(option: str) -> None:
    with pytest.raises(jobs.OneByOneError, match=rf"^submit_many takes no {option}; .*\.$"):
        jobs.submit_many(tasks.add, [(1, 1)], **{option: "1"})


@pytest.mark.usefixtures("ledger")
def test_no_more_are_kept_in_memory_than_the_process_sends(
    monkeypatch: pytest.MonkeyPatch, sent: list[Delivery], django_capture_on_commit_callbacks: Any
) -> None:
    monkeypatch.setattr(bulk, "CHUNK", 3)
    monkeypatch.setattr(outbox, "room_for_many", lambda: 5)
    with django_capture_on_commit_callbacks(execute=True):
        ids = jobs.submit_many(tasks.add, [(n, n) for n in range(8)])
    outbox.publisher().flush(10)
    assert [one.message.task_id for one in sent] == ids[:5]


@pytest.mark.usefixtures("ledger")
def test_who_listens_to_celerys_signals_hears_of_each_of_many() -> None:
    heard: list[Any] = []

    def listen(body: Any, **_: Any) -> None:
        heard.append(body[0])

    signals.before_task_publish.connect(listen)
    try:
        jobs.submit_many(tasks.add, [(1, 1), (2, 2)])
    finally:
        signals.before_task_publish.disconnect(listen)
    assert heard == [(1, 1), (2, 2)]
    shown = [arguments(job.body)[0] for job in Job.objects.order_by("queued_at")]
    assert shown == [[1, 1], [2, 2]]
