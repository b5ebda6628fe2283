"""Every way to submit takes the scope along, into the row and from there into each message."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from celery import chain, chord, current_app, group, signals
from django.db import connection
from django.utils import timezone, translation
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from celery_uncovered.jobs import api as jobs
from celery_uncovered.jobs import dispatcher, outbox, recovery
from celery_uncovered.jobs.errors import ScopeNotDeclaredError, ScopeNotJsonError
from celery_uncovered.jobs.messages import Delivery
from celery_uncovered.jobs.models import Job
from celery_uncovered.jobs.schedules.submitting import submit_row
from celery_uncovered.jobs.scope import SCOPE_HEADER, encode
from celery_uncovered.jobs.states import State
from celery_uncovered.jobs.task import JobTask
from celery_uncovered.jobs.worker import claim
from tests.support.app import scoped, tasks
from tests.unit.jobs.running import make_due, run_all, run_job, value_of

pytestmark = pytest.mark.usefixtures("ledger")

SCOPE = {"tenant": {"id": 7, "name": "Ä"}, "locale": "de"}
#: What ``scoped.tell`` gives in it.
TOLD = SCOPE | {"language": "de"}


def stored(task_id: str) -> dict[str, Any]:
    return jobs.job_status(task_id).scope


def run_all_and_later() -> None:
    """Run what is queued, and what waits for a time to come, until nothing is left."""
    run_all()
    while (
        waiting := Job.objects.filter(state__in=[State.SCHEDULED, State.RETRY]).first()
    ) is not None:
        make_due(waiting.id)
        run_all()


def results(task: Any) -> list[Any]:
    """What the jobs of a task have given, in the order in which they were submitted."""
    rows = Job.objects.filter(task=task.name).order_by("created_at")
    return [value_of(id_) for id_ in rows.values_list("id", flat=True)]


def run_schedule(entry: PeriodicTask) -> str:
    return submit_row(entry, due_at=timezone.now())


def second_of(result: Any) -> str:
    return str(result[1].id)


tell: Any = scoped.tell
tell_after: Any = scoped.tell_after
WAYS: dict[str, Callable[[], Any]] = {
    "delay": lambda: tell.delay().id,
    "apply_async": lambda: tell.apply_async(queue="io").id,
    "apply_async with an option of its own": lambda: tell.apply_async(headers={"mine": 1}).id,
    "submit": lambda: jobs.submit(tell),
    "submit by name": lambda: jobs.submit(tell.name),
    "submit with a key": lambda: jobs.submit(tell, unique_key="one"),
    "submit_many": lambda: jobs.submit_many(tell, [()])[0],
    "submit_many with headers": lambda: jobs.submit_many(tell, [()], headers={"mine": 1})[0],
    "send_task": lambda: current_app.send_task(tell.name).id,
    "signature": lambda: tell.s().apply_async().id,
    "group": lambda: second_of(group(tell.si(), tell.si()).delay()),
    "chain": lambda: chain(tell.si(), tell.si(), tell.si()).delay().id,
    "chord": lambda: chord([tell.si(), tell.si()], tell.s()).delay().id,
    "chord with a chain behind": lambda: (
        chord([tell.si()] * 2, chain(tell.s(), tell.s())).delay().id
    ),
    "group in a chain": lambda: chain(tell.si(), group(tell.si(), tell.si()), tell.s()).delay().id,
    "chunks": lambda: tell.chunks([()] * 2, 1).group().delay()[0].id,
    "later": lambda: tell.apply_async(countdown=60).id,
    "retry": lambda: scoped.retry_elsewhere.delay().id,
    "replace": lambda: scoped.be_replaced_by.delay("task").id,
    "replace by a chain": lambda: scoped.be_replaced_by.delay("chain").id,
    "replace by a chord": lambda: scoped.be_replaced_by.delay("chord").id,
}


@pytest.mark.parametrize("way", WAYS)
def test_the_scope_goes_with_the_job(way: str) -> None:
    with jobs.scope.use(**SCOPE):
        task_id = WAYS[way]()
    assert jobs.scope.current() == {}
    run_all_and_later()
    value = value_of(task_id)
    assert (value[0] if way == "chunks" else value) == TOLD
    assert {encode(stored(id_)) for id_ in Job.objects.values_list("id", flat=True)} == {
        encode(SCOPE)
    }
    assert translation.get_language() == "en-gb"


@pytest.mark.parametrize("way", WAYS)
def test_without_a_scope_no_message_speaks_of_one(way: str) -> None:
    task_id = WAYS[way]()
    run_all_and_later()
    value = value_of(task_id)
    assert (value[0] if way == "chunks" else value) == {"language": "en-gb"}
    for message in Job.objects.values_list("message", flat=True):
        assert SCOPE_HEADER not in json.loads(message)["headers"]


def test_what_a_job_is_linked_to_inherits_from_it() -> None:
    with jobs.scope.use(**SCOPE):
        tasks.add.apply_async((1, 1), link=tell_after.s())
        tasks.fail.apply_async(("out of paper",), link_error=tell_after.s())
    run_all()
    assert results(tell_after) == [TOLD, TOLD]


def test_errbacks_of_a_job_that_is_ended_from_outside_inherit_from_it() -> None:
    with jobs.scope.use(**SCOPE):
        task_id = tasks.add.apply_async((1, 1), link_error=tell_after.s()).id
    assert claim.claim_job(task_id, attempt=1, task=tasks.add.name)
    Job.objects.filter(id=task_id).update(times_lost=4)
    with jobs.scope.use(tenant="other"):
        assert recovery.bring_back(Job.objects.get(id=task_id), "The worker died.")
    run_all()
    assert results(tell_after) == [TOLD]


def test_a_callback_inherits_where_its_chord_was_submitted_whoever_ends_last() -> None:
    part = tell.si().set(scope={"tenant": "part", "locale": "fr"})
    with jobs.scope.use(**SCOPE):
        result: Any = chord([part, part], tell.s()).delay()
    run_all()
    assert value_of(result.id) == TOLD
    assert value_of(result.parent[0].id) == {"tenant": "part", "locale": "fr", "language": "fr"}


def test_a_callback_of_a_chord_without_a_scope_has_none_whoever_ends_last() -> None:
    part = tell.si().set(scope={"tenant": "part"})
    ends = [tell_after.s(), chain(tell_after.s(), tell_after.s()), group(tell_after.s())]
    for end in ends:
        chord([part.clone()] * 2, end).delay()
    run_all()
    assert results(tell_after) == [{"language": "en-gb"}] * 4


def test_a_callback_that_is_told_more_is_told_so() -> None:
    with jobs.scope.use(**SCOPE):
        body = tell.s().set(scope={"locale": "fr"})
        result: Any = chord([tell.si(), tell.si()], body).delay()
    run_all()
    assert value_of(result.id) == TOLD | {"locale": "fr", "language": "fr"}


@pytest.mark.parametrize(
    ("part", "body"),
    [
        pytest.param(tasks.fail.si("out of paper"), tell.s(), id="part"),
        pytest.param(tasks.echo.si(1), tasks.add.s(1, 2, 3), id="callback"),
    ],
)
def test_errbacks_of_a_chord_inherit_where_it_was_submitted(part: Any, body: Any) -> None:
    """Whether a part has failed, or the callback is refused."""
    parts = [part.clone().set(scope={"tenant": "part"})]
    with jobs.scope.use(**SCOPE):
        chord(parts, body.clone().on_error(tell_after.s())).delay()
    run_all()
    assert results(tell_after) == [TOLD]


def test_a_signature_has_the_scope_in_which_it_is_sent() -> None:
    with jobs.scope.use(tenant="where it was made", locale="fr"):
        signature = chain(tell.si(), tell.si())
    with jobs.scope.use(**SCOPE):
        sent = signature.clone().delay().id
    bare = signature.clone().delay().id
    run_all()
    assert (value_of(sent), value_of(bare)) == (TOLD, {"language": "en-gb"})


def test_what_is_said_of_one_job_wins_name_by_name() -> None:
    told = {"locale": "fr"}
    with jobs.scope.use(**SCOPE):
        ids = [
            tell.apply_async(scope=told).id,
            jobs.submit(tell, scope=told),
            jobs.submit_many(tell, [()], scope=told)[0],
            current_app.send_task(tell.name, scope=told).id,
            tell.s().set(scope=told).delay().id,
            tell.apply_async(headers={SCOPE_HEADER: told}).id,
            second_of(group(tell.si(), tell.si()).apply_async(scope=told)),
            chain(tell.si(), tell.si()).apply_async(scope=told).id,
            chord([tell.si()] * 2, tell.s()).apply_async(scope=told).id,
        ]
        none = tell.apply_async(scope={"tenant": None, "locale": None}).id
    run_all()
    assert [value_of(id_) for id_ in ids] == [SCOPE | told | {"language": "fr"}] * len(ids)
    assert value_of(none) == {"language": "en-gb"}


def test_a_bad_scope_is_refused_and_nothing_is_submitted() -> None:
    with pytest.raises(ScopeNotDeclaredError):
        tell.apply_async(scope={"tennant": 1})
    with pytest.raises(ScopeNotJsonError):
        jobs.submit(tell, scope={"tenant": object()})
    with pytest.raises(ScopeNotDeclaredError):
        jobs.submit_many(tell, [()], scope={"tennant": 1})
    assert not Job.objects.exists()


def test_a_job_submits_from_the_scope_that_it_is_in() -> None:
    with jobs.scope.use(**SCOPE):
        scoped.submit_children.delay()
    run_all()
    assert results(tell) == [
        TOLD,
        {"tenant": "other", "locale": "fr", "language": "fr"},
        TOLD | {"tenant": "told"},
    ]


def test_what_follows_a_job_has_its_scope_and_not_what_its_task_left_active() -> None:
    with jobs.scope.use(**SCOPE):
        result: Any = chain(scoped.leave_traces.si(), tell.si()).delay()
        header = [scoped.leave_traces.si()] * 2
        joined: Any = chord(header, tell.s()).delay()
        scoped.leave_traces_and_fail.apply_async(link_error=tell_after.s())
    bare: Any = chain(scoped.leave_traces.si(), tell.si()).delay()
    run_all()
    assert value_of(result.id) == value_of(joined.id) == TOLD
    assert value_of(bare.id) == {"language": "en-gb"}
    assert results(tell_after) == [TOLD]


def test_a_schedule_has_the_scope_of_its_headers_and_no_other() -> None:
    every = IntervalSchedule.objects.create(every=1, period="hours")
    entry = PeriodicTask(name="tell", task=tell.name, interval=every)
    bare = run_schedule(entry)
    entry.headers = json.dumps({SCOPE_HEADER: SCOPE})
    task_id = run_schedule(entry)
    run_all()
    assert value_of(task_id) == TOLD
    assert value_of(bare) == {"language": "en-gb"}


def test_a_job_that_is_retried_by_hand_or_sent_again_has_its_scope(ledger: list[Delivery]) -> None:
    with jobs.scope.use(**SCOPE):
        failed = scoped.fail_scoped.delay().id
        lost = tell.delay().id
    run_job(failed)
    jobs.retry_job(failed)
    run_job(failed)
    assert Job.objects.get(id=failed).error == repr(SCOPE)
    # Its message is gone from the broker.
    Job.objects.filter(id=lost).update(published_at=None, queued_at="2026-01-01T00:00Z")
    ledger.clear()
    dispatcher.publish_unpublished()
    again = next(one for one in ledger if one.message.task_id == lost)
    assert json.loads(again.message.headers[SCOPE_HEADER]) == SCOPE
    run_job(lost)
    assert value_of(lost) == TOLD


def test_a_task_that_this_process_does_not_know_has_the_scope() -> None:
    with jobs.scope.use(**SCOPE):
        task_id = current_app.send_task("shop.pay", [1]).id
    assert stored(task_id) == SCOPE


def test_who_listens_as_a_message_is_made_hears_of_the_scope_in_the_callers_thread() -> None:
    heard: list[Any] = []

    def listen(headers: Any, **_: Any) -> None:
        heard.append((threading.get_ident(), jobs.scope.shown(headers), jobs.scope.current()))

    signals.before_task_publish.connect(listen)
    try:
        with jobs.scope.use(**SCOPE):
            tell.delay()
    finally:
        signals.before_task_publish.disconnect(listen)
    assert heard == [(threading.get_ident(), SCOPE, SCOPE)]


def test_a_copied_message_with_a_scope_is_what_celery_builds() -> None:
    def listen(**_: Any) -> None:
        """Somebody who listens has Celery build each message."""

    with jobs.scope.use(**SCOPE):
        copied = message_of(tasks.add.delay(1, 2).id)
        signals.before_task_publish.connect(listen)
        try:
            built = message_of(tasks.add.delay(1, 2).id)
        finally:
            signals.before_task_publish.disconnect(listen)
    same = {"id": "", "root_id": ""}
    assert copied.headers | same == built.headers | same
    assert list(copied.headers) == list(built.headers)
    without = replace(copied, task_id="", headers={}, properties={})
    assert without == replace(built, task_id="", headers={}, properties={})


def test_a_message_with_a_scope_is_copied_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    tell.delay()
    monkeypatch.setattr(JobTask, "_built_by_celery", None)
    with jobs.scope.use(**SCOPE):
        ids = [tell.delay().id, tell.apply_async(scope={"tenant": "told"}).id]
        ids += jobs.submit_many(tell, [(), ()])
    bare = tell.delay().id
    assert [stored(id_)["tenant"] for id_ in ids] == [SCOPE["tenant"], "told"] + [
        SCOPE["tenant"]
    ] * 2
    assert stored(bare) == {}


def test_a_header_of_others_with_the_same_name_stays() -> None:
    task_id = tell.apply_async(headers={SCOPE_HEADER: "read write"}).id
    assert json.loads(Job.objects.get(id=task_id).message)["headers"][SCOPE_HEADER] == "read write"
    run_all()
    assert value_of(task_id) == {"language": "en-gb"}


@pytest.mark.django_db(transaction=True)
def test_threads_with_different_scopes_never_mix(committed_ledger: list[Delivery]) -> None:
    """Each switches between scopes and submits in all of them; each row has the one of its submission."""
    languages = ["de", "fr", "ja", "ar"]
    expected: dict[str, dict[str, Any]] = {}
    start = threading.Barrier(len(languages))

    def submit_in_turn(number: int, language: str) -> None:
        try:
            start.wait(10)
            for turn in range(25):
                said = {"tenant": [number, turn], "locale": language}
                with jobs.scope.use(**said):
                    expected[tell.delay().id] = said
                    with translation.override("it"):
                        expected[tell.delay().id] = said | {"locale": "it"}
                expected[tell.delay().id] = {}
        finally:
            connection.close()

    threads = [threading.Thread(target=submit_in_turn, args=pair) for pair in enumerate(languages)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(expected) == len(languages) * 75
    assert {id_: stored(id_) for id_ in expected} == expected
    outbox.publisher().flush(10)


def message_of(task_id: str) -> Any:
    return outbox.delivery_of(Job.objects.get(id=task_id)).message
