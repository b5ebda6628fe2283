"""What the tests of the jobs call in a stack's own process."""

import contextlib
import math
import os
import resource
import threading
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

from celery import Celery, chain, chord, current_app, group
from celery.result import AsyncResult, result_from_tuple
from django.db import connection, transaction
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from celery_uncovered.jobs import api as jobs
from celery_uncovered.jobs import contexts, outbox, settle
from celery_uncovered.jobs import submit as submit_module
from celery_uncovered.jobs.messages import ATTEMPT_HEADER
from celery_uncovered.jobs.models import Attempt, Chord, Job
from celery_uncovered.jobs.worker import claim
from tests.support.app import tasks


def submit(task: str, args: list[Any], **options: Any) -> str:
    return jobs.submit(task, args=args, **options)


def submit_parts(many: int, odd: int, what: str, options: dict[str, Any]) -> list[str]:
    """Submit many parts in their order, the one with the number ``odd`` doing ``what``."""
    ids = []
    for number in range(many):
        is_odd = number == odd
        args = [number, what] if is_odd else [number]
        ids.append(jobs.submit(tasks.take_part, args=args, **(options if is_odd else {})))
    return ids


def pause(queue: str) -> bool:
    return jobs.pause_queue(queue)


def claim_two_while_paused(queue: str) -> list[int]:
    """How many of two jobs one statement claims while their queue is paused, and afterwards."""
    wanted = [(jobs.submit(tasks.add, args=[1, 1], queue=queue), 1) for _ in range(2)]
    jobs.pause_queue(queue)
    paused, _ = claim.claim_many(wanted)
    jobs.resume_queue(queue)
    resumed, _ = claim.claim_many(wanted)
    return [len(paused), len(resumed)]


def resume(queue: str) -> bool:
    return jobs.resume_queue(queue)


def terminate(task_id: str) -> bool:
    return jobs.cancel_job(task_id, terminate=True)


def messages_waiting(queue: str) -> int:
    outbox.publisher().flush(10)
    channel: Any
    with current_app.connection_for_write() as broker, broker.channel() as channel:
        current_app.amqp.queues[queue](channel).declare()
        return int(channel.queue_declare(queue, passive=True).message_count)


def lose_messages(queue: str, minutes: float) -> int:
    """Purge a queue, as a disk that is lost would, ``minutes`` after its messages were sent; how many."""
    then = timezone.now() - timedelta(minutes=minutes)
    Job.objects.filter(queue=queue).update(published_at=then, queued_at=then)
    channel: Any
    with current_app.connection_for_write() as broker, broker.channel() as channel:
        return int(channel.queue_purge(queue))


# --- J1, J3 --------------------------------------------------------------------------------------
class RolledBackError(Exception):
    pass


def submit_and_roll_back(text: str) -> dict[str, str]:
    """Submit in every way, in a transaction that rolls back; the ids."""
    ids: dict[str, str] = {}
    with contextlib.suppress(RolledBackError), transaction.atomic():
        ids["submit"] = jobs.submit(tasks.leave_note, args=[text])
        ids["delay"] = tasks.leave_note.delay(text).id
        both: Any = group(tasks.leave_note.s(text), tasks.leave_note.s(text)).delay()
        ids["group"] = both[0].id
        with transaction.atomic():
            ids["nested"] = tasks.leave_note.delay(text).id
        raise RolledBackError
    return ids


def submit_within_a_transaction() -> dict[str, Any]:
    """The id of a job, and whether others could see its row before the commit."""
    seen: list[bool] = []
    with transaction.atomic():
        result = tasks.own_id.delay()
        looking = threading.Thread(target=lambda: seen.append(is_known(result.id)))
        looking.start()
        looking.join()
        state = result.state
    return {"id": result.id, "seen_before": seen[0], "state_before": state}


def is_known(task_id: str) -> bool:
    try:
        return Job.objects.filter(id=task_id).exists()
    finally:
        connection.close()


def result_of(task_id: str) -> dict[str, Any]:
    """What Celery's users read."""
    result: Any = AsyncResult(task_id)
    value = result.result
    return {
        "state": result.state,
        "result": value if not isinstance(value, BaseException) else repr(value),
        "traceback": result.traceback,
        "date_done": str(result.date_done),
    }


# --- J5 ------------------------------------------------------------------------------------------
def refusals(too_large: int) -> dict[str, list[str]]:
    """What each bad submission raised: the class and the words."""
    add: Any = tasks.add
    leave_note: Any = tasks.leave_note
    bad: dict[str, Any] = {
        "not JSON": lambda: leave_note.delay(object()),
        "not JSON, within": lambda: leave_note.delay({"deep": [{1, 2}, object()]}),
        "NaN": lambda: add.delay(math.nan, 1),
        "infinite": lambda: jobs.submit(add, args=[math.inf, 1]),
        "too large": lambda: leave_note.delay("x" * too_large),
        "an argument too many": lambda: add.delay(1, 2, 3),
        "an argument missing": lambda: jobs.submit(add, args=[1]),
        "an unknown keyword": lambda: add.delay(1, z=2),
        "pickle": lambda: add.apply_async([1, 2], serializer="pickle"),
        "unknown task": lambda: jobs.submit("tests.no_such_task"),
        "unknown queue": lambda: jobs.submit(add, args=[1, 2], queue="fast"),
        "unknown queue, by Celery": lambda: add.apply_async([1, 2], queue="fast"),
        "in a group": lambda: group(add.s(1, 2), add.s(1, math.nan)).delay(),
    }
    return {name: refusal(act) for name, act in bad.items()}


def refusal(act: Any) -> list[str]:
    try:
        with transaction.atomic():
            act()
    except Exception as error:  # noqa: BLE001  # the test looks at it
        return [type(error).__name__, str(error)]
    return ["", "accepted"]


# --- J6 ------------------------------------------------------------------------------------------
def submit_in_every_way() -> dict[str, str]:
    """The id of the first job of each; every task notes the state of its own row."""
    look: Any = tasks.look
    grouped: Any = group(look.s("group 1"), look.s("group 2")).delay()
    chained: Any = chain(look.s("chain 1"), look.s("chain 2"), look.s("chain 3")).delay()
    joined: Any = chord([look.s("chord 1"), look.s("chord 2")], look.s("chord body")).delay()
    return {
        "submit": jobs.submit(look, args=["submit"]),
        "submit by name": jobs.submit(look.name, args=["submit by name"]),
        "delay": look.delay("delay").id,
        "apply_async": look.apply_async(["apply_async"], queue="io").id,
        "signature": look.s("signature").delay().id,
        "later": look.apply_async(["later"], countdown=0.2).id,
        "linked": look.apply_async(["linked"], link=look.s("link")).id,
        "group 1": grouped[0].id,
        "group 2": grouped[1].id,
        "chain 1": chained.parent.parent.id,
        "chord 1": joined.parent[0].id,
        "chord 2": joined.parent[1].id,
    }


def send_by_name(name: str, label: str) -> str:
    return str(current_app.send_task(name, args=[label]).id)


def send_from_elsewhere(name: str, label: str) -> str:
    """As a process does that has not the project's task class: no row is left here."""
    app = Celery("elsewhere", set_as_current=False, fixups=[])
    app.config_from_object("django.conf:settings", namespace="CELERY")
    with app:
        return str(app.send_task(name, args=[label]).id)


def schedule_every_second(label: str) -> None:
    every_second, _ = IntervalSchedule.objects.get_or_create(every=1, period="seconds")
    PeriodicTask.objects.create(
        name=label, task=tasks.look.name, interval=every_second, args=f'["{label}"]'
    )


# --- J11, J16 ------------------------------------------------------------------------------------
def give_back(task_id: str) -> bool:
    """What recovery does for a worker that it takes for dead."""
    job = Job.objects.get(id=task_id)
    return settle.give_back(task_id, attempt=job.attempt, reason="The worker died.")


def mark_late(task_id: str) -> None:
    """Every way in which a second final state of a job may come in."""
    backend: Any = current_app.backend
    late = RuntimeError("late")
    for request in (None, request_of(task_id), request_of(task_id, attempt=1)):
        backend.mark_as_failure(task_id, late, request=request)
        backend.mark_as_done(task_id, "late", request)
        backend.mark_as_revoked(task_id, "late", request=request)
    backend.store_result(task_id, late, "FAILURE")
    backend.store_result(task_id, "late", "SUCCESS")


def request_of(task_id: str, attempt: int | None = None) -> Any:
    """The request of a job as its worker had it, with its chord and its callbacks."""
    request = contexts.request_of(Job.objects.get(id=task_id))
    setattr(request, ATTEMPT_HEADER, attempt)
    return request


def chord_of(held: str, text: str) -> dict[str, Any]:
    """A chord of a quick part and one that waits at the gate ``held``; its callback notes."""
    header = [tasks.add.s(1, 1), tasks.hold.s(held)]
    result: Any = chord(header, tasks.leave_note_after.s(text)).delay()
    return {"quick": result.parent[0].id, "held": result.parent[1].id, "callback": result.id}


def parts_to_go() -> list[int]:
    return list(Chord.objects.values_list("remaining", flat=True))


def submit_with_children(expires: float) -> dict[str, Any]:
    """A chord with a part that expires before it is due, and a callback that notes the error."""
    late = tasks.leave_note.s("late").set(countdown=60, expires=expires)
    body = tasks.leave_note_after.s("callback").on_error(tasks.leave_note_after.s("errback"))
    result: Any = chord([tasks.add.s(1, 1), late], body).delay()
    return {"late": result.parent[1].id, "callback": result.id}


# --- J24 -----------------------------------------------------------------------------------------
def submit_with_little_room(text: str, room: int) -> dict[str, Any]:
    """Submit a job whose message file finds no room; the ledger's own files do."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        with transaction.atomic():
            transaction.on_commit(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard)))
            task_id = jobs.submit(tasks.add, args=[text, text])
        tried = outbox.publisher().flush(20)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    return {"id": task_id, "tried": tried}


def die_after_the_commit(text: str) -> None:
    """End the process at the first moment after the commit, before the publisher is told."""
    with transaction.atomic():
        transaction.on_commit(lambda: os._exit(9))
        jobs.submit(tasks.leave_note, args=[text])


def waited_between_attempts(task_id: str) -> float:
    """Seconds from the end of a job's first attempt to the start of its second."""
    first: Any
    second: Any
    first, second = Attempt.objects.filter(job_id=task_id).order_by("number")[:2]
    return float((second.started_at - first.ended_at).total_seconds())


def send_hold_by_name(gate: str) -> str:
    return send_from_elsewhere(tasks.hold.name, gate)


# --- J4 ------------------------------------------------------------------------------------------
def import_tasks() -> None:
    submit_module.import_tasks()


def submit_at(moment: float, unique_key: str, **options: Any) -> list[str]:
    """Submit from two threads at ``moment`` (seconds of the epoch)."""
    ids: list[str] = []

    def submit_then() -> None:
        connection.ensure_connection()
        time.sleep(max(0.0, moment - time.time()))
        try:
            ids.append(jobs.submit(tasks.add, args=[1, 1], unique_key=unique_key, **options))
        finally:
            connection.close()

    threads = [threading.Thread(target=submit_then) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ids


def cancel(task_id: str) -> bool:
    return jobs.cancel_job(task_id)


# --- J23 -----------------------------------------------------------------------------------------
def send_raw(queue: str, body: str, content_type: str, headers: dict[str, Any]) -> None:
    """Put these bytes (in hexadecimal) into a queue, as any program that reaches the broker may."""
    known: Any = current_app.amqp.queues[queue]
    with current_app.connection_for_write() as broker:
        broker.Producer().publish(
            bytes.fromhex(body),
            exchange=known.exchange,
            routing_key=known.routing_key,
            declare=[known],
            content_type=content_type,
            content_encoding="utf-8" if content_type == "application/json" else "binary",
            headers=headers,
        )


def send_back(number: int) -> None:
    jobs.send_back(number)


# --- retention -----------------------------------------------------------------------------------
def grow_old(days: float) -> None:
    """Let all that has ended have ended that long ago."""
    then = timezone.now() - timedelta(days=days)
    Job.objects.filter(finished_at__isnull=False).update(created_at=then, finished_at=then)


# --- J2 ------------------------------------------------------------------------------------------
def timed_submits(count: int) -> list[float]:
    """Seconds that each of ``count`` submissions took."""
    seconds = []
    for _ in range(count):
        began = time.monotonic()
        submit(tasks.add.name, [1, 1])
        seconds.append(time.monotonic() - began)
    return seconds


def submit_in_a_forked_child() -> dict[str, Any]:
    """Submit here, then in a child that was forked while the publisher lives; what became of it."""
    ids = [submit(tasks.add.name, [1, 1])]
    outbox.publisher().flush(20)
    connection.close()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, submit(tasks.add.name, [1, 1]).encode())
            os._exit(0 if outbox.publisher().flush(20) else 1)
        finally:
            os._exit(2)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.close(writing)
    ids.append(os.read(reading, 100).decode())
    os.close(reading)
    return {"ids": ids, "exit": code}


# --- many ----------------------------------------------------------------------------------------
def submit_many(count: int, *, roll_back: bool = False) -> list[str]:
    """Submit ``count`` jobs at once; their ids, in the order of the items."""
    ids: list[str] = []
    with contextlib.suppress(RolledBackError), transaction.atomic():
        ids = jobs.submit_many(tasks.echo, [(number,) for number in range(count)])
        if roll_back:
            raise RolledBackError
    return ids


def refusal_of_many() -> dict[str, list[str]]:
    """What a bad item among good ones raised, in the caller's own transaction."""
    bad: dict[str, Any] = {
        "not JSON": [(1, 1), (math.nan, 1)],
        "misfit": [(1, 1), {"x": 1, "y": 2}, (1, 2, 3)],
        "no item": [(1, 1), "text"],
    }
    said = {}
    with transaction.atomic():
        for name, items in bad.items():
            said[name] = refusal(lambda items=items: jobs.submit_many(tasks.add, items))
    return said


# --- sending -------------------------------------------------------------------------------------
def publish_odd_messages() -> dict[str, list[str]]:
    """Send six jobs at once, two of them to places that are not there; the ids of good and bad."""
    ids = [jobs.submit(tasks.add, args=[1, 1], countdown=600) for _ in range(6)]
    odd = {ids[1]: ("gone", "default"), ids[3]: ("", "nowhere")}
    Job.objects.filter(id__in=ids).update(state="QUEUED")
    deliveries = []
    for job in Job.objects.filter(id__in=ids).order_by("created_at"):
        sound = outbox.delivery_of(job)
        exchange, key = odd.get(job.id, (sound.message.exchange, sound.message.routing_key))
        message = replace(sound.message, exchange=exchange, routing_key=key)
        deliveries.append(replace(sound, message=message))
    taken = [one.message.task_id for one in outbox.publish(deliveries)]
    noted = Job.objects.filter(published_at__isnull=False).values_list("id", flat=True)
    return {"good": [id_ for id_ in ids if id_ not in odd], "taken": taken, "noted": list(noted)}


# --- J19, J20 ------------------------------------------------------------------------------------
def submit_chord_that_fails(gate: str) -> dict[str, Any]:
    """A chord whose last part fails once ``gate`` is open; what follows it leaves notes."""
    header = [tasks.add.s(1, 1), tasks.add.s(2, 2), tasks.fail_at.s(gate, "out of paper")]
    body = tasks.leave_note_after.s("callback").on_error(tasks.leave_note_after.s("errback"))
    result: Any = chord(header, body).delay()
    good, failed = [part.id for part in result.parent[:2]], result.parent[2].id
    return {"good": good, "failed": failed, "callback": result.id}


def submit_failure_with_errback(gate: str) -> str:
    return str(
        tasks.fail_at.apply_async(
            (gate, "out of paper"), link_error=tasks.leave_note_after.s("errback")
        ).id
    )


def error_of(task_id: str, *, parent: str | None = None) -> str:
    """What somebody who waits for a job gets raised."""
    result: Any = AsyncResult(task_id, parent=AsyncResult(parent) if parent else None)
    try:
        return f"nothing: {result.get(timeout=30)!r}"
    except Exception as error:  # noqa: BLE001  # the test looks at it
        return f"{type(error).__name__}: {error}"


def submit_compositions() -> dict[str, Any]:
    """Each composition's result as ``result_from_tuple`` takes it."""
    add, total, echo = tasks.add, tasks.total, tasks.echo
    die: Any = tasks.die_once
    sums = [add.s(n, n) for n in range(4)]
    made: dict[str, Any] = {
        "chain": chain(add.s(2, 2), add.s(4), add.s(8)),
        "group": group(sums),
        "chord": chord(sums, total.s()),
        "group and a task": group(sums) | total.s(),
        "chain into a group": chain(add.s(4, 4), group(add.s(1), add.s(2))),
        "group into a group": chain(group(sums[:2]), group(total.s(), echo.s())),
        "group in a group": group(group(add.s(1, 1), add.s(2, 2)), add.s(3, 3)),
        "chord in a chain": chain(add.s(1, 1), group(add.s(1), add.s(2)), total.s(), add.s(10)),
        "chord in a chord": chord([chord(sums, total.s()), add.s(1, 1)], total.s()),
        "chain as a callback": chord(sums, chain(total.s(), add.s(100))),
        "group as a callback": chord(sums, group(total.s(), echo.s())),
        "group at the end of a part": chain(
            group(add.si(1, 1), chain(add.si(1, 2), group(add.si(1, 10), add.si(1, 20)))), echo.s()
        ),
        "replaced part": chord([tasks.be_replaced.s(2), tasks.become_a_chord.s()], total.s()),
        "part whose worker dies": chord([die.si(), add.s(1, 1)], echo.s()),
        "map": total.map([[1, 2], [3, 4]]),
        "starmap": add.starmap([(1, 2), (3, 4)]),
        "chunks": add.chunks([(n, n) for n in range(4)], 2).group(),
    }
    return {name: signature.delay().as_tuple() for name, signature in made.items()}


def value_of_composition(result: Any) -> Any:
    return result_from_tuple(result, app=current_app).get(timeout=60)
