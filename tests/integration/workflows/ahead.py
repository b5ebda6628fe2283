"""Many runs at once: one half is recorded while the other half goes on."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from django.db import connection, transaction
from django.db.models import F

from celery_uncovered.jobs import api as jobs
from celery_uncovered.workflows import api as workflows
from celery_uncovered.workflows.engine import pace
from celery_uncovered.workflows.models import Run, Step
from tests.integration.workflows.cases import defined
from tests.integration.workflows.driver import advance, drive

RUNS, STEPS = 60, 6
EXPECTED = list(range(STEPS))
OVERTAKEN = 10
acted: list[tuple[str, int]] = []
unrecorded: list[tuple[str, int]] = []


@workflows.step
def note(number: int) -> int:
    """Once for each step; and what came before it must be there for others to read."""
    run_id = (workflows.step_id() or "").partition("/")[0]
    acted.append((run_id, number))
    if number and not Step.objects.filter(run_id=run_id, number=number - 1).exists():
        unrecorded.append((run_id, number))
    return number


def body() -> list[int]:
    return [note(number) for number in range(STEPS)]


@contextmanager
def started() -> Iterator[list[str]]:
    """Runs that are ready, of a step that is known to be quick: it is performed where the runs are."""
    # A pause of this process does not make the step a slow one.
    with defined(ahead=body) as (workflow,), patch.object(pace, "QUICK", 60.0):
        drive(workflows.start(workflow).id)
        acted.clear()
        unrecorded.clear()
        yield [one.id for one in workflows.start_many(workflow, [[]] * RUNS)]


def outcome(run_ids: list[str], sent: list[int]) -> dict[str, Any]:
    done = Run.objects.filter(id__in=run_ids, state="SUCCESS")
    return {
        "right": sum(workflows.Handle[Any](one.id).result(timeout=0) == EXPECTED for one in done),
        "acted": len(acted),
        "acted twice": len(acted) - len(set(acted)),
        "too early": len(unrecorded),
        "recorded": Step.objects.filter(run_id__in=run_ids, kind="step").count(),
        "sent ahead": sum(1 for one in sent if one),
    }


def go_on_with_all() -> dict[str, Any]:
    """What is sent first takes a while: long enough to be overtaken by who does not wait for it."""
    sent: list[int] = []
    send = noting(sent, jobs.Line.send)

    def act(line: Any, *said: Any) -> bool:
        if sent or connection.vendor != "postgresql":
            return send(line, *said)
        is_held = threading.Event()
        holding = threading.Thread(target=hold_up, args=(acted[-1][0], is_held))
        holding.start()
        assert is_held.wait(10)
        return send(line, *said)

    with started() as run_ids, patch.object(jobs.Line, "send", act):
        advance(*run_ids)
        return outcome(run_ids, sent)


def hold_up(run_id: str, is_held: threading.Event) -> None:
    """What records a step of this run waits, and with it all that the same statement records."""
    with transaction.atomic():
        Run.objects.select_for_update().get(id=run_id)
        is_held.set()
        time.sleep(0.3)
    connection.close()


def noting(sent: list[int], send: Callable[..., bool]) -> Callable[..., bool]:
    def act(line: Any, *said: Any) -> bool:
        was_sent = send(line, *said)
        sent.append(was_sent)
        return was_sent

    return act


def lose_answers(how: str) -> dict[str, Any]:
    """Each second answer is lost: after the commit, or with the connection, whatever it came to."""
    sent: list[int] = []
    count, turns = jobs.Line.count, iter(range(10_000))

    def act(line: Any) -> int | None:
        if next(turns) % 2 == 0:
            return count(line)
        if how == "answer":
            count(line)
            return None
        process = line._own.connection.info.backend_pid
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [process])
        return count(line)

    with (
        started() as run_ids,
        patch.object(jobs.Line, "send", noting(sent, jobs.Line.send)),
        patch.object(jobs.Line, "count", act),
    ):
        advance(*run_ids)
        return outcome(run_ids, sent)


def overtake_some() -> dict[str, Any]:
    """Another process takes some runs over right before their records are sent."""
    sent: list[int] = []
    taken: list[str] = []
    send = jobs.Line.send

    def act(line: Any, *said: Any) -> bool:
        if not taken:
            lately = list(dict.fromkeys(run_id for run_id, _ in reversed(acted)))
            taken.extend(lately[:OVERTAKEN])
            held = Run.objects.filter(id__in=taken)
            held.update(epoch=F("epoch") + 1, lease_job="another job")
        return noting(sent, send)(line, *said)

    with started() as run_ids, patch.object(jobs.Line, "send", act):
        advance(*run_ids)
        found = outcome([one for one in run_ids if one not in taken], sent)
        found["acted"] = sum(run_id not in taken for run_id, _ in acted)
        recorded = Step.objects.filter(run_id__in=taken).count()
        found["unrecorded of taken"] = sum(run_id in taken for run_id, _ in acted) - recorded
        found["taken"] = [
            list(row) for row in Run.objects.filter(id__in=taken).values_list("state", "lease_job")
        ]
    Run.objects.filter(id__in=taken).update(state="CANCELLED")
    return found
