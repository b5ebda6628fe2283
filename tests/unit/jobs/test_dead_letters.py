"""A failed job waits for somebody: it is retried under its own id, or discarded; one or many."""

from datetime import timedelta
from typing import Any

import pytest
from celery import chain, chord
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_celery_results.models import TaskResult

from celery_uncovered.jobs import api as jobs
from celery_uncovered.jobs import dead_letters, idle, outbox, settle
from celery_uncovered.jobs.messages import Delivery
from celery_uncovered.jobs.models import Chord, Job
from celery_uncovered.jobs.states import LIVE, State
from celery_uncovered.jobs.worker import claim
from tests.support.app import tasks
from tests.unit.jobs.running import outcomes_of, run_all, run_job, state_of, value_of

pytestmark = pytest.mark.usefixtures("ledger")

EVERY = jobs.DeadLetterFilter()


def failed_job(**options: Any) -> str:
    task_id = jobs.submit(tasks.fail, args=["out of paper"], **options)
    run_job(task_id)
    assert state_of(task_id) == State.FAILURE
    return task_id


def mend(monkeypatch: pytest.MonkeyPatch, task: Any = tasks.fail, value: Any = "well") -> None:
    """Let the task succeed from now on."""
    monkeypatch.setattr(task, "run", lambda *_, **__: value)
    run_job.__globals__["become_a_worker"].cache_clear()


@pytest.fixture(autouse=True)
def traced_anew() -> Any:
    """Celery's tracers hold the function that a task had when they were built."""
    yield
    run_job.__globals__["become_a_worker"].cache_clear()


def ids_of(wanted: jobs.DeadLetterFilter = EVERY) -> list[str]:
    return [job.task_id for job in jobs.list_dead_letters(wanted).jobs]


# --- one -----------------------------------------------------------------------------------------
def test_a_failed_job_runs_again_under_its_id_and_its_attempts_count_on(
    monkeypatch: pytest.MonkeyPatch, ledger: list[Delivery]
) -> None:
    task_id = failed_job()
    Job.objects.filter(id=task_id).update(times_lost=3, progress_done=7)
    assert TaskResult.objects.get(task_id=task_id).status == "FAILURE"

    jobs.retry_job(task_id)
    job = Job.objects.get(id=task_id)
    assert (job.state, job.attempt, job.times_lost, job.error) == (State.QUEUED, 1, 0, "")
    assert (job.result, job.finished_at, job.progress_done) == (None, None, None)
    assert not TaskResult.objects.filter(task_id=task_id).exists()
    assert ids_of() == []

    mend(monkeypatch)
    run_job(task_id)
    assert (state_of(task_id), value_of(task_id)) == (State.SUCCESS, "well")
    assert outcomes_of(task_id) == ["FAILURE", "SUCCESS"]
    assert TaskResult.objects.get(task_id=task_id).status == "SUCCESS"


@pytest.mark.django_db(transaction=True)
def test_its_message_is_of_the_next_attempt(committed_ledger: list[Delivery]) -> None:
    task_id = failed_job()
    jobs.retry_job(task_id)
    assert outbox.publisher().flush(10)
    assert [
        delivery.attempt for delivery in committed_ledger if delivery.message.task_id == task_id
    ][-1] == 2


def test_a_job_that_used_up_its_retries_has_them_all_again() -> None:
    task_id = jobs.submit(tasks.retry_in_vain)
    run_job(task_id)
    Job.objects.filter(id=task_id).update(state=State.QUEUED)
    run_job(task_id)
    assert state_of(task_id) == State.FAILURE
    jobs.retry_job(task_id)
    run_job(task_id)
    assert state_of(task_id) == State.RETRY
    assert outcomes_of(task_id) == ["RETRY", "FAILURE", "RETRY"]


def test_a_cancelled_job_runs_again_and_an_expired_one_in_spite_of_its_expiry() -> None:
    cancelled = jobs.submit(tasks.add, args=[1, 1], countdown=600)
    assert jobs.cancel_job(cancelled)
    expired = jobs.submit(tasks.add, args=[1, 1], expires=-1)
    assert idle.expire(expired)
    for task_id in (cancelled, expired):
        jobs.retry_job(task_id)
        run_job(task_id)
        assert (state_of(task_id), value_of(task_id)) == (State.SUCCESS, 2)


def test_an_expiry_that_is_still_to_come_holds() -> None:
    task_id = failed_job(expires=600)
    before = Job.objects.get(id=task_id).expires_at
    jobs.retry_job(task_id)
    assert Job.objects.get(id=task_id).expires_at == before


@pytest.mark.parametrize("state", [*LIVE, State.SUCCESS])
def test_what_lives_or_has_succeeded_is_not_retried(state: State) -> None:
    task_id = jobs.submit(tasks.add, args=[1, 1])
    Job.objects.filter(id=task_id).update(state=state)
    with pytest.raises(
        jobs.NotRetriableError, match=f"^Job {task_id} is not retried: it is {state}"
    ):
        jobs.retry_job(task_id)
    assert state_of(task_id) == state


def test_a_job_that_is_not_there_is_neither_retried_nor_discarded() -> None:
    for act in (jobs.retry_job, jobs.discard_job):
        with pytest.raises(jobs.JobNotFoundError, match="There is no job nobody"):
            act("nobody")


def test_a_key_that_another_job_holds_by_now_refuses_the_retry() -> None:
    task_id = failed_job(unique_key="may")
    holder = jobs.submit(tasks.add, args=[1, 1], unique_key="may")
    assert holder != task_id
    with pytest.raises(jobs.KeyHeldError) as refused:
        jobs.retry_job(task_id)
    assert str(refused.value) == (
        f'Job {task_id} is not retried: job {holder}, which lives, has its key "may".'
    )
    run_all()
    jobs.retry_job(task_id)
    assert jobs.submit(tasks.add, args=[1, 1], unique_key="may") == task_id


def test_a_discarded_job_stays_failed_and_is_no_dead_letter() -> None:
    task_id, other = failed_job(), failed_job()
    jobs.discard_job(task_id)
    jobs.discard_job(task_id)
    assert ids_of() == [other]
    assert state_of(task_id) == State.FAILURE
    jobs.retry_job(task_id)
    assert Job.objects.get(id=task_id).discarded_at is None


@pytest.mark.parametrize("state", [state for state in State if state != State.FAILURE])
def test_only_a_failed_job_is_discarded(state: State) -> None:
    task_id = jobs.submit(tasks.add, args=[1, 1])
    Job.objects.filter(id=task_id).update(state=state)
    with pytest.raises(jobs.NoDeadLetterError, match=f"^Job {task_id} is {state}; only"):
        jobs.discard_job(task_id)


# --- canvas --------------------------------------------------------------------------------------
def test_a_chord_that_has_failed_does_not_fire_again(monkeypatch: pytest.MonkeyPatch) -> None:
    result: Any = chord([tasks.fail.s("no"), tasks.add.s(1, 1)], tasks.total.s()).delay()
    run_all()
    assert state_of(result.id) == State.FAILURE
    part = result.parent[0].id
    jobs.retry_job(part)
    mend(monkeypatch, value=5)
    assert run_all() == ["fail"]
    assert (state_of(part), state_of(result.id)) == (State.SUCCESS, State.FAILURE)
    with pytest.raises(jobs.NotRetriableError, match="it was never submitted"):
        jobs.retry_job(result.id)


def test_a_chord_that_still_waits_waits_for_the_retried_part_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    result: Any = chord([tasks.fail.s("no"), tasks.add.s(1, 1)], tasks.total.s()).delay()
    part = result.parent[0].id
    run_job(part)
    assert Chord.objects.get().remaining == 1
    jobs.retry_job(part)
    assert Chord.objects.get().remaining == 2
    run_job(result.parent[1].id)
    assert not Job.objects.filter(id=result.id).exists()
    mend(monkeypatch, value=5)
    assert run_all() == ["fail", "total"]
    assert value_of(result.id) == 7


def test_a_chain_goes_on_behind_the_retried_step(monkeypatch: pytest.MonkeyPatch) -> None:
    result: Any = chain(tasks.fail.s("no"), tasks.add.s(1), tasks.add.s(2)).delay()
    run_all()
    assert state_of(result.id) == State.FAILURE
    jobs.retry_job(result.parent.parent.id)
    mend(monkeypatch, value=5)
    assert run_all() == ["fail", "add", "add"]
    assert value_of(result.id) == 8


def test_a_chain_within_an_open_chord_counts_once_however_often_it_is_retried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parts = [chain(tasks.fail.s("no"), tasks.add.s(1)), tasks.add.s(1, 1)]
    result: Any = chord(parts, tasks.total.s()).delay()
    first = Job.objects.get(task=tasks.fail.name).id
    for _ in range(2):
        run_job(first)
        assert Chord.objects.get().remaining == 1
        jobs.retry_job(first)
        assert Chord.objects.get().remaining == 2
    mend(monkeypatch, value=5)
    assert sorted(run_all()) == ["add", "add", "fail", "total"]
    assert value_of(result.id) == 8


@pytest.mark.parametrize("by_filter", [True, False])
def test_a_part_that_still_stops_does_not_end_the_job_that_is_retried(*, by_filter: bool) -> None:
    """The job was cancelled, or failed, while a part of its chord ran on."""
    task_id = str(tasks.become_a_chord.delay().id)
    run_job(task_id)
    parts = Job.objects.filter(root_id=task_id).exclude(id=task_id)
    slow, quick = parts.values_list("id", flat=True)
    assert claim.claim_job(slow, attempt=1, task="add")
    assert jobs.cancel_job(task_id)
    assert (state_of(task_id), state_of(quick)) == (State.REVOKED, State.REVOKED)
    if by_filter:
        Job.objects.filter(id=task_id).update(state=State.FAILURE)
        assert jobs.retry_dead_letters(EVERY).done == 1
    else:
        jobs.retry_job(task_id)
    assert settle.give_back(slow, attempt=1, reason="The worker died.")
    run_job(slow)
    assert (state_of(slow), state_of(task_id)) == (State.REVOKED, State.QUEUED)
    assert run_all() == ["become_a_chord", "add", "add", "total"]
    assert state_of(task_id) == State.SUCCESS


# --- many ----------------------------------------------------------------------------------------
def test_filters_choose_by_task_queue_error_time_and_id() -> None:
    here = failed_job()
    there = failed_job(queue="io")
    typed = jobs.submit(tasks.add, args=["a", 1])
    run_job(typed)
    old = failed_job()
    then = timezone.now() - timedelta(days=3)
    Job.objects.filter(id=old).update(finished_at=then)
    day_ago = timezone.now() - timedelta(days=1)

    def chosen(**wanted: Any) -> set[str]:
        found = jobs.DeadLetterFilter(**wanted)
        assert jobs.count_dead_letters(found) == len(ids_of(found))
        return set(ids_of(found))

    assert chosen() == {here, there, typed, old}
    assert chosen(task=tasks.add.name) == {typed}
    assert chosen(queue="io") == {there}
    assert chosen(error_type="TypeError") == {typed}
    assert chosen(error_type="RuntimeError", since=day_ago) == {here, there}
    assert chosen(until=day_ago) == {old}
    assert chosen(ids=(here, old), since=day_ago) == {here}


def test_all_that_fit_are_retried_in_batches_and_the_others_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dead_letters, "BATCH", 2)
    many = [failed_job() for _ in range(5)]
    other = failed_job(queue="io")
    wanted = jobs.DeadLetterFilter(queue="default")
    assert jobs.retry_dead_letters(wanted) == jobs.Tended(done=5)
    assert {state_of(task_id) for task_id in many} == {State.QUEUED}
    assert ids_of() == [other]
    run_all()
    assert len(ids_of()) == 6


def test_many_plain_ones_take_few_statements() -> None:
    for _ in range(20):
        failed_job()
    with CaptureQueriesContext(connection) as seen:
        assert jobs.retry_dead_letters(EVERY).done == 20
    assert len(seen) < 12, [query["sql"] for query in seen]


def test_those_that_cannot_be_retried_are_counted_and_stay() -> None:
    taken = [failed_job(unique_key="may"), failed_job(unique_key="may")]
    plain = failed_job()
    stopped: Any = chain(tasks.fail.s("no"), tasks.add.s(1)).delay()
    run_all()
    assert len(ids_of()) == 5
    # Of two with one key the older one takes it; what follows the chain's step goes with it.
    assert jobs.retry_dead_letters(EVERY).done == 3
    assert ids_of() == [taken[1]]
    assert state_of(plain) == state_of(stopped.parent.id) == State.QUEUED


def test_a_job_that_fails_again_meanwhile_is_not_met_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for _ in range(3):
        failed_job()

    def retried_in_vain(ids: Any) -> int:
        return Job.objects.filter(id__in=ids).update(finished_at=timezone.now())

    monkeypatch.setattr(dead_letters, "BATCH", 1)
    monkeypatch.setattr(dead_letters, "retry_batch", retried_in_vain)
    assert jobs.retry_dead_letters(EVERY, limit=10).done == 3


def test_at_most_so_many_of_the_oldest_are_taken() -> None:
    first, second, third = failed_job(), failed_job(), failed_job()
    assert jobs.discard_dead_letters(EVERY, limit=2) == jobs.Tended(done=2)
    assert ids_of() == [third]
    assert not jobs.discard_dead_letters(jobs.DeadLetterFilter(ids=(first, second))).done


def test_pages_follow_each_other_without_a_gap() -> None:
    many = [failed_job() for _ in range(5)]
    moment = timezone.now()
    # Two of the same moment: the id decides.
    Job.objects.filter(id__in=many[:3]).update(finished_at=moment)
    seen, after = [], ""
    for _ in range(3):
        page = jobs.list_dead_letters(EVERY, after=after, limit=2)
        seen += [job.task_id for job in page.jobs]
        after = page.older
    assert not after
    assert sorted(seen) == sorted(many)


@pytest.mark.parametrize("fields", [{}, {"queue": "default"}, {"error_type": "KeyError"}])
def test_listing_reads_the_dead_letters_index_alone(fields: Any) -> None:
    wanted = jobs.DeadLetterFilter(**fields, since=timezone.now() - timedelta(days=1))
    rows = dead_letters._matching(wanted).order_by("-finished_at", "id")[:50]
    plan = rows.explain()
    assert "job_dead_letter" in plan, plan
    assert "TEMP B-TREE" not in plan, plan


# --- command -------------------------------------------------------------------------------------
def command(*args: Any, capsys: pytest.CaptureFixture[str]) -> str:
    call_command("jobs", *args)
    return capsys.readouterr().out.strip()


def test_the_command_lists_retries_and_discards(capsys: pytest.CaptureFixture[str]) -> None:
    first, second, third = failed_job(), failed_job(), failed_job(queue="io")
    listed = command("list", capsys=capsys).splitlines()
    assert [line.split()[0] for line in listed[:3]] == [third, second, first]
    assert listed[3] == "3 dead letters."
    assert "out of paper" in listed[0]

    dry = command("retry", "--queue", "default", "--dry-run", capsys=capsys)
    assert dry == "2 dead letters would be taken; nothing is changed."
    assert len(ids_of()) == 3
    done = command("retry", "--queue", "default", "--since", "1h", capsys=capsys)
    assert done == "2 dead letters: queued again."
    assert command("discard", third, capsys=capsys) == f"Job {third} is discarded."
    assert state_of(first) == State.QUEUED
    assert ids_of() == []


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["retry"], "Say which jobs to retry: ids, a filter, or --all."),
        (["discard", "nobody"], "There is no job nobody."),
        (["retry", "--since", "soon"], '--since "soon" is no time; write 90m, 24h, 7d or '),
        (["retry", "--all", "--limit", "0"], "--limit 0 is too small; write 1 or more."),
    ],
)
def test_the_command_refuses_in_one_sentence(args: list[str], sentence: str) -> None:
    task_id = failed_job()
    with pytest.raises(CommandError) as refused:
        call_command("jobs", *args)
    assert str(refused.value).startswith(sentence)
    assert ids_of() == [task_id]
