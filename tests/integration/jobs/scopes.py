"""What the tests of the scope do in a process of their stack."""

import json
import threading
from typing import Any

from celery import chain, chord, current_app, group
from django.db import connection
from django.utils import translation
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from celery_uncovered.jobs import api as jobs
from celery_uncovered.jobs import outbox
from celery_uncovered.jobs.models import Job
from tests.support.app import scoped

#: A number that no header of a broker can hold, a text with all kinds of characters, and depth.
TENANT = {"id": 2**80, "name": 'Ä "\\ \n\x00 \U0001f600', "deep": [[{}], None, 1.5e-9, True]}
SCOPE = {"tenant": TENANT, "locale": "de"}
tell: Any = scoped.tell


def submit_in_every_way() -> dict[str, str]:
    """The id of a job that tells its scope, for each way to submit one."""
    fails: Any = scoped.fail_scoped
    ids: dict[str, Any] = {}
    with jobs.scope.use(**SCOPE):
        fails.apply_async(link_error=scoped.tell_after.s(), task_id="fails")
        scoped.submit_child.apply_async(link=tell.s().set(task_id="link"))
        ids |= {
            "delay": tell.delay().id,
            "apply_async": tell.apply_async(countdown=0.2).id,
            "submit": jobs.submit(tell),
            "submit_many": jobs.submit_many(tell, [()] * 2)[1],
            "send_task": current_app.send_task(tell.name).id,
            "group": second_of(group(tell.si(), tell.si()).delay()),
            "chain": chain(tell.si(), tell.si(), tell.si()).delay().id,
            "chord": chord([tell.si()] * 3, tell.s()).delay().id,
            "chord in a chain": chain(tell.si(), group(tell.si(), tell.si()), tell.s()).delay().id,
            "retry": scoped.retry_elsewhere.delay().id,
            "replace": scoped.be_replaced_by.delay("task").id,
            "replace by a chord": scoped.be_replaced_by.delay("chord").id,
        }
    return {**ids, "link": "link"}


def second_of(result: Any) -> str:
    return str(result[1].id)


def schedule_with_scope() -> None:
    every, _ = IntervalSchedule.objects.get_or_create(every=1, period="seconds")
    PeriodicTask.objects.create(
        name="tell", task=tell.name, interval=every, headers=json.dumps({"scope": SCOPE})
    )


def told_by_others(task: str, known: list[str]) -> list[Any]:
    """What the jobs of a task have told that are not among the known ones."""
    rows = Job.objects.filter(task=task, state="SUCCESS").exclude(id__in=known)
    return [json.loads(text) for text in rows.values_list("result", flat=True) if text]


def dead_letters() -> list[tuple[str, str, str]]:
    page = jobs.list_dead_letters(jobs.DeadLetterFilter())
    return [(job.task_id, job.task, job.error) for job in page.jobs]


def retry_dead_letters() -> int:
    return jobs.retry_dead_letters(jobs.DeadLetterFilter()).done


def submit_from_threads(threads: int, each: int) -> dict[str, Any]:
    """What each job should tell: many threads submit in turn in scopes of their own, and in none."""
    expected: dict[str, Any] = {}
    languages = ["de", "fr", "ja", "ar"]

    def submit(number: int) -> None:
        try:
            for turn in range(each):
                language = languages[(number + turn) % len(languages)]
                said = {"tenant": [number, turn], "locale": language}
                with jobs.scope.use(**said):
                    expected[tell.delay().id] = said | {"language": language}
                with translation.override(language):
                    expected[scoped.leave_traces.delay().id] = {
                        "locale": language,
                        "language": language,
                    }
                expected[tell.delay().id] = {"language": "en-gb"}
        finally:
            connection.close()

    running = [threading.Thread(target=submit, args=[number]) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    outbox.publisher().flush(10)
    return expected


def told(ids: list[str]) -> dict[str, Any]:
    """What those of the jobs have told that have succeeded."""
    rows = Job.objects.filter(id__in=ids, state="SUCCESS")
    return {id_: json.loads(text or "null") for id_, text in rows.values_list("id", "result")}


def scopes_stored() -> list[Any]:
    """The different scopes in the rows."""
    ids = Job.objects.values_list("id", flat=True)
    found = {json.dumps(jobs.job_status(id_).scope, sort_keys=True) for id_ in ids}
    return [json.loads(text) for text in found]


def submit_limited_and_after() -> tuple[str, list[str]]:
    """A job that meets its soft limit and leaves traces; those behind it, the last in a scope."""
    with jobs.scope.use(**SCOPE):
        limited = scoped.outlast_limit.apply_async(("never",), soft_time_limit=1).id
    after = [tell.delay().id, tell.delay().id]
    with jobs.scope.use(**SCOPE):
        after.append(tell.delay().id)
    return limited, after
