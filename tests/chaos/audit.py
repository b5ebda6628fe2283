"""What must hold after a run, whatever was killed: a sentence for everything that does not."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from tests.chaos.evidence import Evidence
from tests.chaos.plan import Plan

#: How many of a kind are named; the rest are counted.
NAMED = 5


def problems(evidence: Evidence, plan: Plan) -> list[str]:
    """Empty when nothing was lost and nothing was successful twice."""
    checks: list[Callable[[Evidence], Iterable[str]]] = [
        accepted_jobs,
        unknown_jobs,
        unfinished_jobs,
        side_effects,
        attempts,
        successes,
        copies,
    ]
    found = [shortened(list(check(evidence))) for check in checks]
    return [*counts(evidence, plan), *(problem for several in found for problem in several)]


def shortened(found: list[str]) -> list[str]:
    more = [f"... and {len(found) - NAMED:,} more of this kind."] if len(found) > NAMED else []
    return [*found[:NAMED], *more]


def counts(evidence: Evidence, plan: Plan) -> Iterator[str]:
    """The ledger has as many rows of the clients' task as jobs were to be submitted."""
    if len(evidence.told) != plan.jobs:
        yield f"The clients were told of {len(evidence.told):,} jobs, not of {plan.jobs:,}."
    if len(evidence.clients_jobs) != plan.jobs:
        yield f"The ledger has {len(evidence.clients_jobs):,} rows, not {plan.jobs:,}."


def accepted_jobs(evidence: Evidence) -> Iterator[str]:
    """Every id that a client was told of is in the ledger."""
    for task_id, times in Counter(evidence.told).items():
        if times > 1:
            yield f"Job {task_id} was accepted {times} times."
        if task_id not in evidence.jobs:
            yield f"Job {task_id} was accepted and is not in the ledger."


def unknown_jobs(evidence: Evidence) -> Iterator[str]:
    for task_id in evidence.clients_jobs.keys() - set(evidence.told):
        yield f"Job {task_id} is in the ledger, and no client was told of it."


def unfinished_jobs(evidence: Evidence) -> Iterator[str]:
    """All are successful: the clients', and beat's."""
    for task_id, job in evidence.jobs.items():
        if job.state != "SUCCESS":
            tries = evidence.attempts.get(task_id, [])
            yield f"Job {task_id} is {job.state} at attempt {job.attempt}: {tries}."


def side_effects(evidence: Evidence) -> Iterator[str]:
    """The attempt that succeeded has done its work, from its beginning to its end."""
    for task_id in evidence.clients_jobs:
        begun, ended = evidence.begun.get(task_id, []), evidence.ended.get(task_id, [])
        whole = set(begun) & set(ended)
        succeeded = {
            number for number, outcome in evidence.attempts.get(task_id, []) if outcome == "SUCCESS"
        }
        if not succeeded <= whole:
            yield f"Job {task_id} succeeded at {succeeded}; its work tells of {begun} and {ended}."
        for number, times in Counter(begun).items():
            if times > 1:
                yield f"Attempt {number} of job {task_id} began {times} times."


def attempts(evidence: Evidence) -> Iterator[str]:
    """Each attempt that began has its row. One that was claimed and never began may have none."""
    for task_id, job in evidence.jobs.items():
        recorded = [number for number, _ in evidence.attempts.get(task_id, [])]
        untold = set(evidence.begun.get(task_id, [])) - set(recorded)
        if untold:
            yield f"Attempts {sorted(untold)} of job {task_id} began and are not recorded."
        if not recorded or recorded[-1] != job.attempt:
            yield f"Job {task_id} is at attempt {job.attempt}, and its attempts are {recorded}."


def successes(evidence: Evidence) -> Iterator[str]:
    """One success, the last; every attempt before it was lost with its worker."""
    for task_id in evidence.jobs:
        outcomes = [outcome for _, outcome in evidence.attempts.get(task_id, [])]
        if outcomes.count("SUCCESS") > 1:
            yield f"Job {task_id} was recorded as successful twice: {outcomes}."
        elif not outcomes or outcomes[-1] != "SUCCESS" or set(outcomes[:-1]) - {"LOST"}:
            yield f"The attempts of job {task_id} ended so: {outcomes}."


def copies(evidence: Evidence) -> Iterator[str]:
    """What django-celery-results shows is what the ledger says."""
    for task_id, job in evidence.jobs.items():
        if evidence.copies.get(task_id) != (job.state, job.result):
            copy = evidence.copies.get(task_id)
            yield f"Job {task_id} is {job.state} with {job.result}; its copy says {copy}."
    for task_id in evidence.copies.keys() - evidence.jobs.keys():
        yield f"A copy tells of job {task_id}, which is not in the ledger."
