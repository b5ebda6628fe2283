"""Tasks that tell in which scope they run, and that submit, go on or fail in ways that could lose it."""

from typing import Any

from celery import chain, chord, shared_task
from django.utils import translation

from celery_uncovered.jobs import api as jobs
from tests.support.app.notes import note, wait_at


@shared_task
def tell(*_: Any) -> dict[str, Any]:
    """The scope, and the language that Django speaks."""
    return {**jobs.scope.current(), "language": translation.get_language()}


@shared_task
def tell_after(_: Any) -> dict[str, Any]:
    """As ``tell``, for an errback: one that takes more is called, and no job."""
    return tell()


@shared_task
def tell_in_note(*_: Any) -> None:
    note(repr(sorted(tell().items())))


@shared_task
def fail_scoped(*_: Any) -> None:
    raise RuntimeError(repr(jobs.scope.current()))


@shared_task
def submit_children(*_: Any) -> list[str]:
    """The ids of a child that inherits, of one from another scope, and of one that is told."""
    inherits = tell.delay().id
    with jobs.scope.use(tenant="other"), translation.override("fr"):
        other = tell.delay().id
    return [inherits, other, jobs.submit(tell, scope={"tenant": "told"})]


@shared_task
def submit_child() -> str:
    return str(tell.delay().id)


@shared_task(bind=True)
def retry_once(self: Any) -> dict[str, Any]:
    if not self.request.retries:
        raise self.retry(countdown=0)
    return tell()


@shared_task(bind=True, max_retries=2)
def retry_elsewhere(self: Any) -> dict[str, Any]:
    """Retry from another scope than the job's own."""
    if self.request.retries < 2:
        with jobs.scope.use(tenant="other"), translation.override("fr"):
            raise self.retry(countdown=0)
    return tell()


@shared_task(bind=True)
def be_replaced_by(self: Any, kind: str) -> Any:
    kinds = {
        "task": tell.si(),
        "chain": chain(tell.si(), tell.si()),
        "chord": chord([tell.si(), tell.si()], tell.si()),
    }
    return self.replace(kinds[kind])


@shared_task
def leave_traces(*_: Any) -> dict[str, Any]:
    """Activate a language, and set a name, without ever setting them back."""
    seen = tell()
    translation.activate("fr")
    jobs.scope.use(tenant="left behind").__enter__()
    return seen


@shared_task
def leave_traces_and_fail() -> None:
    leave_traces()
    raise RuntimeError


@shared_task
def outlast_limit(gate: str) -> None:
    """Leave traces, and wait at a gate until the soft time limit comes."""
    leave_traces()
    wait_at(gate)
