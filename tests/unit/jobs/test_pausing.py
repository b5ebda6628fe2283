"""A paused queue: nothing of it begins, nothing of it is lost, and what was sent is sent again."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from celery_uncovered.jobs import api as jobs
from celery_uncovered.jobs import dispatcher, dispatching, node, pausing
from celery_uncovered.jobs.messages import Delivery
from celery_uncovered.jobs.models import Job, PausedQueue
from celery_uncovered.jobs.states import State
from celery_uncovered.jobs.worker import claim, heartbeat
from tests.support.app import tasks
from tests.unit.jobs.running import run_job, state_of, value_of

pytestmark = pytest.mark.usefixtures("ledger")


def published(task_id: str) -> bool:
    return Job.objects.get(id=task_id).published_at is not None


def submitted(**fields: Any) -> str:
    task_id = str(tasks.add.delay(1, 1).id)
    Job.objects.filter(id=task_id).update(
        **{"published_at": timezone.now(), "queued_at": timezone.now() - timedelta(seconds=3)}
        | fields
    )
    return task_id


def test_its_jobs_claim_nothing_until_it_is_resumed() -> None:
    task_id = submitted()
    assert jobs.pause_queue("default", by="ada", reason="the printer burns")
    run_job(task_id)
    assert state_of(task_id) == State.QUEUED
    assert Job.objects.get(id=task_id).attempt == 0
    assert jobs.resume_queue("default")
    run_job(task_id)
    assert value_of(task_id) == 2


def test_batches_claim_nothing_of_it_either_and_leave_other_queues_alone() -> None:
    paused, other = submitted(), submitted(queue="io")
    jobs.pause_queue("default")
    claimed, _ = claim.claim_many([(paused, 1), (other, 1)])
    assert claimed == {other}
    alone, _ = claim.claim_many([(paused, 1)])
    assert alone == set()


def ago(seconds: float) -> Any:
    return timezone.now() - timedelta(seconds=seconds)


def test_what_a_paused_queue_was_sent_counts_as_unsent_once_no_note_of_it_can_come() -> None:
    old, fresh, other = (
        submitted(published_at=ago(1.5)),
        submitted(published_at=ago(-60)),
        submitted(queue="io", published_at=ago(9)),
    )
    assert pausing.mark_dropped() == 0
    jobs.pause_queue("default")
    assert pausing.mark_dropped() == 1
    assert (published(old), published(fresh), published(other)) == (False, True, True)


def test_after_the_pause_what_was_sent_until_its_end_counts_as_unsent_and_nothing_later() -> None:
    jobs.pause_queue("default")
    sent, noted_late, later = (submitted(published_at=ago(age)) for age in (30, 19.7, 5))
    jobs.resume_queue("default")
    PausedQueue.objects.update(resumed_at=ago(20))
    assert jobs.paused_queues() == {}
    assert pausing.mark_dropped() == 2
    assert (published(sent), published(noted_late), published(later)) == (False, False, True)
    assert not PausedQueue.objects.exists()


def test_the_end_of_a_pause_is_remembered_until_all_notes_have_come() -> None:
    jobs.pause_queue("default")
    jobs.resume_queue("default")
    pausing.mark_dropped()
    assert PausedQueue.objects.exists()
    assert jobs.pause_queue("default", by="bob")
    assert jobs.paused_queues()["default"].by == "bob"
    PausedQueue.objects.update(since=ago(9))
    pausing.mark_dropped()
    assert PausedQueue.objects.exists()


def test_what_has_begun_finishes() -> None:
    task_id = submitted()
    claimed = claim.claim_job(task_id, attempt=1, task="add")
    jobs.pause_queue("default")
    assert claimed is not None
    assert state_of(task_id) == State.STARTED


def test_the_dispatcher_sends_nothing_of_it_and_is_not_late(
    ledger: list[Delivery], monkeypatch: pytest.MonkeyPatch
) -> None:
    # As with a broker that takes any number of messages ahead.
    monkeypatch.setattr(dispatching, "most_ahead", lambda: None)
    waiting = submitted(published_at=None)
    due = str(tasks.add.apply_async((1, 1), countdown=60).id)
    Job.objects.filter(id=due).update(due_at=timezone.now() - timedelta(seconds=1))
    jobs.pause_queue("default")
    assert dispatcher.publish_due() == 0
    assert state_of(due) == State.QUEUED
    Job.objects.filter(id=due).update(queued_at=timezone.now() - timedelta(seconds=3))
    assert dispatcher.publish_unpublished() == 0
    assert dispatching.lag() == 0
    assert ledger == []
    jobs.resume_queue("default")
    assert dispatcher.publish_unpublished() == 2
    assert {one.message.task_id for one in ledger} == {waiting, due}


def test_a_pause_says_who_when_and_why_and_the_first_one_counts() -> None:
    assert jobs.pause_queue("io", by="ada", reason="x" * 300)
    assert not jobs.pause_queue("io", by="bob")
    paused = jobs.paused_queues()["io"]
    assert (paused.by, paused.reason) == ("ada", "x" * 255)
    assert timezone.now() - paused.since < timedelta(seconds=5)
    assert jobs.resume_queue("io")
    assert not jobs.resume_queue("io")


@pytest.mark.parametrize("queue", ["", " io", "a\nb", "x" * 101])
def test_what_no_queue_is_called_is_refused(queue: str) -> None:
    with pytest.raises(jobs.QueueNameError, match="is no name of a queue: write 1 to 100"):
        jobs.pause_queue(queue)


def test_a_queue_that_is_not_configured_is_refused() -> None:
    with pytest.raises(jobs.UnknownQueueError, match='Queue "ioo" is not configured'):
        jobs.pause_queue("ioo")


def test_the_list_tells_what_waits_and_who_takes_it() -> None:
    heartbeat.beat(node.identify(), "worker1@here", ["io"])
    submitted()
    jobs.pause_queue("mail" if "mail" in names() else "io")
    found = {queue.name: queue for queue in jobs.list_queues()}
    assert found["default"].waiting == 1
    assert found["default"].workers == ()
    assert found["io"].workers == ("worker1@here",)
    assert [queue.name for queue in found.values() if queue.paused] == list(jobs.paused_queues())


def names() -> list[str]:
    return [queue.name for queue in jobs.list_queues()]


def said(*args: str) -> str:
    out = StringIO()
    call_command("queues", *args, stdout=out)
    return out.getvalue()


def test_the_command_pauses_lists_and_resumes() -> None:
    assert said("pause", "io", "--reason", "the printer burns") == (
        "Queue “io” is paused; what has begun finishes.\n"
    )
    assert said("pause", "io") == "Queue “io” was paused already.\n"
    (line,) = [line for line in said("list").splitlines() if line.startswith("io ")]
    assert "paused since" in line
    assert line.endswith("UTC: the printer burns")
    assert said("resume", "io") == "Queue “io” is resumed.\n"
    assert jobs.paused_queues() == {}


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["pause"], "Say which queue to pause."),
        (["resume", "io"], "Queue “io” is not paused."),
        (["pause", "ioo"], 'Queue "ioo" is not configured'),
    ],
)
def test_the_command_says_in_one_sentence_what_is_wrong(args: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        said(*args)
