"""The statements that move many runs at once, for each of the two databases.

On PostgreSQL many rows go in one statement, as arrays; on SQLite, where a statement costs a few
microseconds, in one transaction. Each is guarded by the runs' epochs: what an outdated process
writes changes nothing, and may be repeated when its answer was lost.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from celery_uncovered.jobs import api as jobs
from celery_uncovered.workflows.engine.arrays import array_of, numbers
from celery_uncovered.workflows.engine.rows import (
    ClaimedRun,
    Ended,
    EndRow,
    StepRow,
    Taken,
    WaitRow,
)
from celery_uncovered.workflows.models import Event, Run, Step, Wait
from celery_uncovered.workflows.states import LIVE, RunState

CLAIM = """
UPDATE workflows_run AS run
SET state = 'RUNNING', epoch = run.epoch + 1, since = %s, lease_job = %s,
    started_at = COALESCE(run.started_at, %s)
FROM (
    SELECT id FROM workflows_run WHERE {which} ORDER BY since LIMIT %s FOR UPDATE SKIP LOCKED
) AS ready
WHERE run.id = ready.id
RETURNING {columns}
"""
OF_CLAIMED = ", ".join(f"run.{name}" for name in ClaimedRun._fields)
CLAIM_RUNS = CLAIM.format(
    columns=OF_CLAIMED,
    which="id = ANY(%s::text[]) AND CASE WHEN state = 'READY' THEN TRUE ELSE FALSE END",
)
CLAIM_READY = CLAIM.format(columns=OF_CLAIMED, which="queue = %s AND state = 'READY'")

#: A run that is this process's: FOR SHARE lets nobody claim it until the record is durable.
INSERT_STEPS = """
INSERT INTO workflows_step (
    run_id, number, branch, label, kind, digest, is_error, value, attempts, ended_at, seconds
)
SELECT row.run_id, row.number, row.branch, row.label, row.kind, row.digest, row.is_error, row.value,
    row.attempts, to_timestamp(row.ended_at), row.seconds
FROM unnest(
    %s::text[], %s::int[], %s::int[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bool[],
    %s::text[], %s::int[], %s::float8[], %s::float8[]
) AS row (
    run_id, epoch, number, branch, label, kind, digest, is_error, value, attempts, ended_at, seconds
)
JOIN workflows_run AS run ON run.id = row.run_id AND run.epoch = row.epoch
WHERE CASE WHEN run.state = 'RUNNING' THEN TRUE ELSE FALSE END
FOR SHARE OF run
ON CONFLICT DO NOTHING
"""
#: PostgreSQL plans it once: of the statement for many it hopes to find a better plan each time.
INSERT_ALONE = """
INSERT INTO workflows_step (
    run_id, number, branch, label, kind, digest, is_error, value, attempts, ended_at, seconds
)
SELECT id, %s::int, %s, %s, %s, %s, %s::bool, %s, %s::int, to_timestamp(%s::float8), %s::float8
FROM workflows_run
WHERE id = %s AND epoch = %s AND CASE WHEN state = 'RUNNING' THEN TRUE ELSE FALSE END
FOR SHARE
ON CONFLICT DO NOTHING
"""
#: A record under the name of a wait ends it, where it was written; in one statement, so that nobody can
#: take the run over in between.
INSERT_STEPS_AND_END_WAITS = f"""
WITH recorded AS ({INSERT_STEPS} RETURNING run_id, branch, label), ended AS (
    DELETE FROM workflows_wait AS wait USING recorded
    WHERE wait.run_id = recorded.run_id AND wait.branch = recorded.branch
        AND wait.label = recorded.label
)
SELECT count(*) FROM recorded
"""  # noqa: S608  # the text is from above
INSERT_STEP = """
INSERT INTO workflows_step (
    run_id, number, branch, label, kind, digest, is_error, value, attempts, ended_at, seconds
)
SELECT id, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s FROM workflows_run
WHERE id = %s AND epoch = %s AND state = 'RUNNING'
ON CONFLICT DO NOTHING
"""

END_WAIT = """
DELETE FROM workflows_wait WHERE run_id = %s AND branch = %s AND label = %s AND EXISTS (
    SELECT 1 FROM workflows_run WHERE id = %s AND epoch = %s AND state = 'RUNNING'
)
"""

STORE_WAITS = """
INSERT INTO workflows_wait (
    run_id, branch, label, kind, key, attempts, error, due_at, created_at, fired
)
SELECT row.run_id, row.branch, row.label, row.kind, row.key, row.attempts, row.error, row.due_at, %s, FALSE
FROM unnest(
    %s::text[], %s::int[], %s::text[], %s::text[], %s::text[], %s::text[], %s::int[], %s::text[],
    %s::timestamptz[]
) AS row (run_id, epoch, branch, label, kind, key, attempts, error, due_at)
JOIN workflows_run AS run ON run.id = row.run_id AND run.epoch = row.epoch
WHERE CASE WHEN run.state = 'RUNNING' THEN TRUE ELSE FALSE END
ON CONFLICT (run_id, branch, label) DO UPDATE
SET attempts = excluded.attempts, error = excluded.error, due_at = excluded.due_at, fired = FALSE
"""
STORE_WAIT = """
INSERT INTO workflows_wait (
    run_id, branch, label, kind, key, attempts, error, due_at, created_at, fired
)
SELECT id, %s, %s, %s, %s, %s, %s, %s, %s, FALSE FROM workflows_run
WHERE id = %s AND epoch = %s AND state = 'RUNNING'
ON CONFLICT (run_id, branch, label) DO UPDATE
SET attempts = excluded.attempts, error = excluded.error, due_at = excluded.due_at, fired = FALSE
"""
SUSPEND = """
UPDATE workflows_run AS run
SET state = 'WAITING', since = %s, lease_job = NULL
FROM unnest(%s::text[], %s::int[]) AS mine (id, epoch)
WHERE run.id = mine.id AND run.epoch = mine.epoch
    AND CASE WHEN run.state = 'RUNNING' AND NOT run.cancel_requested THEN TRUE ELSE FALSE END
RETURNING run.id
"""

FINISH = """
WITH ending AS (
    SELECT * FROM unnest(
        %s::text[], %s::int[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[]
    ) AS row (id, epoch, state, result, error, error_type, traceback, blocked_code)
), ended AS (
    UPDATE workflows_run AS run
    SET state = ending.state, result = ending.result, error = ending.error,
        error_type = ending.error_type, traceback = ending.traceback,
        blocked_code = ending.blocked_code, lease_job = NULL, since = %s,
        finished_at = CASE WHEN ending.state = 'BLOCKED' THEN NULL ELSE %s END
    FROM ending
    WHERE run.id = ending.id AND run.epoch = ending.epoch
        AND CASE WHEN run.state = 'RUNNING' AND (ending.state = 'BLOCKED' OR NOT run.cancel_requested)
            THEN TRUE ELSE FALSE END
    RETURNING run.id, run.state
), told AS (
    UPDATE workflows_wait AS wait SET fired = TRUE
    FROM ended WHERE wait.key = ended.id AND wait.kind = 'child' AND ended.state <> 'BLOCKED'
    RETURNING wait.run_id
), woken AS (
    UPDATE workflows_run AS run SET state = 'READY', since = %s
    FROM (SELECT DISTINCT run_id FROM told) AS parent
    WHERE run.id = parent.run_id AND run.state = 'WAITING'
    RETURNING run.id
)
SELECT id, TRUE FROM ended UNION ALL SELECT id, FALSE FROM woken
"""


def claim_runs(run_ids: Sequence[str], *, job: str) -> list[ClaimedRun]:
    """Claim those of ``run_ids`` that are ready, on PostgreSQL."""
    return _claim(CLAIM_RUNS, array_of(run_ids), job, len(run_ids))


def claim_ready(queue: str, *, job: str, limit: int) -> list[ClaimedRun]:
    """Claim runs of a queue that are ready, those that have waited longest first, on PostgreSQL."""
    return _claim(CLAIM_READY, queue, job, limit)


def _claim(statement: str, which: str, job: str, limit: int) -> list[ClaimedRun]:
    now = timezone.now()
    return sorted(map(ClaimedRun.of, _rows(statement, [now, job, now, which, limit])))


def send_steps(line: jobs.Line, rows: Sequence[StepRow]) -> bool:
    """Have these steps recorded by what ``line`` sends, on PostgreSQL; False where it sends nothing."""
    return line.send(INSERT_STEPS, _columns(rows, StepRow))


def record_steps(rows: Sequence[StepRow], ended_waits: Sequence[StepRow]) -> frozenset[str]:
    """Record these steps, and remove the waits that ended with them; the runs that are not ours.

    Called again after its answer was lost it tells what is recorded already from what never can be.
    """
    if not ended_waits:
        count = insert_steps(rows)
    elif connection.vendor == "postgresql":
        ((count,),) = _rows(INSERT_STEPS_AND_END_WAITS, _columns(rows, StepRow))
    else:
        with transaction.atomic():
            count = insert_steps(rows)
            delete_waits(ended_waits)
    return frozenset() if count == len(rows) else _refused(rows)


def insert_steps(rows: Sequence[StepRow]) -> int:
    """How many of ``rows`` are recorded, by one statement on PostgreSQL."""
    if len(rows) == 1:
        (row,) = rows
        recorded = jobs.run_at_once(INSERT_ALONE, (*row[2:], row.run_id, row.epoch))
        if recorded is not None:
            return recorded
    if connection.vendor == "postgresql":
        return _execute(INSERT_STEPS, _columns(rows, StepRow))
    moment = connection.ops.adapt_datetimefield_value
    values = [
        (
            *row[2:10],
            moment(_datetime(row.ended_at)),
            row.seconds,
            row.run_id,
            row.epoch,
        )
        for row in rows
    ]
    if len(values) == 1:
        return _execute(INSERT_STEP, values[0])
    with transaction.atomic(), connection.cursor() as cursor:
        before = connection.connection.total_changes
        cursor.executemany(INSERT_STEP, values)
        return int(connection.connection.total_changes - before)


def _refused(rows: Sequence[StepRow]) -> frozenset[str]:
    """The runs of rows that are not in the history."""
    wanted = {(row.run_id, row.number): row for row in rows}
    found = Step.objects.filter(run_id__in={row.run_id for row in rows}).filter(
        number__gte=min(row.number for row in rows)
    )
    ours = Run.objects.filter(id__in={row.run_id for row in rows}, state=RunState.RUNNING)
    epochs = dict(ours.values_list("id", "epoch"))
    there = {
        (run_id, number): (label, value)
        for run_id, number, label, value in found.values_list("run_id", "number", "label", "value")
    }
    return frozenset(
        row.run_id
        for mark, row in wanted.items()
        if there.get(mark) != (row.label, row.value) or epochs.get(row.run_id) != row.epoch
    )


def is_recorded(row: StepRow) -> bool:
    """Whether this very row is in the history, and the run still this process's."""
    return not _refused([row])


def delete_waits(rows: Iterable[StepRow]) -> None:
    """Remove the waits that end with these records, where the runs are ours."""
    with connection.cursor() as cursor:
        cursor.executemany(
            END_WAIT, [(row.run_id, row.branch, row.label, row.run_id, row.epoch) for row in rows]
        )


def take_event(row: StepRow, event: int) -> Taken:
    """Give an event to the run of ``row``, which records it and ends its wait."""
    with transaction.atomic():
        free = Event.objects.filter(id=event, taken_by=None)
        if not free.update(taken_by=row.run_id):
            is_ours = Event.objects.filter(id=event, taken_by=row.run_id).exists()
            return Taken.YES if is_ours and not _refused([row]) else Taken.BY_ANOTHER
        if insert_steps([row]) != 1:
            transaction.set_rollback(True)
            return Taken.FENCED
        delete_waits([row])
    return Taken.YES


def suspend(marks: Sequence[tuple[str, int]], waits: Sequence[WaitRow]) -> set[str]:
    """Store what runs wait for, and let go of them; ``marks`` are (id, epoch). Those that were ours."""
    now = timezone.now()
    ids = [run_id for run_id, _ in marks]
    with transaction.atomic():
        if connection.vendor == "postgresql":
            if waits:
                _execute(STORE_WAITS, [now, *_columns(waits, WaitRow)])
            epochs = numbers(epoch for _, epoch in marks)
            suspended = _rows(SUSPEND, [now, array_of(ids), epochs])
            return {run_id for (run_id,) in suspended}
        for wait in waits:
            _store_wait(wait, now)
        return {run_id for run_id, epoch in marks if _suspend_one(run_id, epoch, now)}


def _store_wait(wait: WaitRow, now: Any) -> None:
    moment = connection.ops.adapt_datetimefield_value
    values = [
        wait.branch,
        wait.label,
        wait.kind,
        wait.key,
        wait.attempts,
        wait.error,
        moment(wait.due_at),
        moment(now),
        wait.run_id,
        wait.epoch,
    ]
    _execute(STORE_WAIT, values)


def _suspend_one(run_id: str, epoch: int, now: Any) -> int:
    mine = Run.objects.filter(id=run_id, epoch=epoch, state=RunState.RUNNING)
    return mine.filter(cancel_requested=False).update(
        state=RunState.WAITING, since=now, lease_job=None
    )


def finish(rows: Sequence[EndRow]) -> Ended:
    """Record how runs end; those that did, and those that waited for them and are ready by now."""
    if not rows:
        return Ended(frozenset(), [])
    again = [row for row in rows if row.state == RunState.READY]
    rows = [row for row in rows if row.state != RunState.READY]
    ended, woken = begin_anew(again), [row.run_id for row in again]
    if not rows:
        return Ended(frozenset(ended), woken)
    now = timezone.now()
    if connection.vendor == "postgresql":
        columns = _columns(rows, EndRow)
        for run_id, is_end in _rows(FINISH, [*columns, now, now, now]):
            if is_end:
                ended.add(run_id)
            else:
                woken.append(run_id)
    else:
        with transaction.atomic():
            ended |= {row.run_id for row in rows if _finish_one(row, now)}
            woken += tell_waiting(ended)
    return Ended(frozenset(ended), woken)


def begin_anew(rows: Sequence[EndRow]) -> set[str]:
    """Let runs go on with the arguments in ``result`` and nothing recorded."""
    begun = set()
    for row in rows:
        with transaction.atomic():
            mine = Run.objects.filter(
                id=row.run_id, epoch=row.epoch, state=RunState.RUNNING, cancel_requested=False
            )
            numbers = Step.objects.filter(run_id=row.run_id).order_by("-number")
            last = numbers.values_list("number", flat=True).first()
            now = timezone.now()
            changed = mine.update(
                state=RunState.READY,
                args=row.result,
                since=now,
                lease_job=None,
                history_from=0 if last is None else last + 1,
            )
            if changed:
                Wait.objects.filter(run_id=row.run_id).delete()
                begun.add(row.run_id)
    return begun


def _finish_one(row: EndRow, now: Any) -> int:
    mine = Run.objects.filter(id=row.run_id, epoch=row.epoch, state=RunState.RUNNING)
    is_blocked = row.state == RunState.BLOCKED
    if not is_blocked:
        mine = mine.filter(cancel_requested=False)
    return mine.update(
        state=row.state,
        result=row.result,
        error=row.error,
        error_type=row.error_type,
        traceback=row.traceback,
        blocked_code=row.blocked_code,
        lease_job=None,
        since=now,
        finished_at=None if is_blocked else now,
    )


def tell_waiting(ended: Iterable[str]) -> list[str]:
    """Wake the runs that wait for these; call it within the transaction that ends them."""
    waits = Wait.objects.filter(kind="child", key__in=list(ended))
    parents = set(waits.values_list("run_id", flat=True))
    waits.update(fired=True)
    return wake(parents)


def wake(run_ids: Iterable[str]) -> list[str]:
    """Make waiting runs ready; those that were waiting."""
    ids = sorted(run_ids)
    if not ids:
        return []
    waiting = Run.objects.filter(id__in=ids, state=RunState.WAITING).select_for_update()
    with transaction.atomic():
        found = list(waiting.order_by("id").values_list("id", flat=True))
        Run.objects.filter(id__in=found).update(state=RunState.READY, since=timezone.now())
    return found


def cancelled_of(run_ids: Sequence[str]) -> list[str]:
    """Those that somebody has cancelled meanwhile."""
    cancelled = Run.objects.filter(id__in=run_ids, cancel_requested=True)
    return list(cancelled.values_list("id", flat=True))


def cancel_now(run_id: str, epoch: int) -> int:
    """End a run that was cancelled while we had it."""
    now = timezone.now()
    mine = Run.objects.filter(id=run_id, epoch=epoch, state__in=LIVE, cancel_requested=True)
    return mine.update(state=RunState.CANCELLED, since=now, finished_at=now, lease_job=None)


def release(run_id: str, epoch: int) -> int:
    """Give a run back that another worker is to go on with."""
    mine = Run.objects.filter(id=run_id, epoch=epoch, state=RunState.RUNNING)
    return mine.update(state=RunState.READY, since=timezone.now(), lease_job=None)


def _datetime(seconds: float) -> Any:
    return datetime.fromtimestamp(seconds, UTC)


#: The columns of numbers and booleans.
NUMBERS: dict[type, frozenset[str]] = {
    kind: frozenset(
        name for name, hint in kind.__annotations__.items() if hint in {int, float, bool}
    )
    for kind in (StepRow, WaitRow, EndRow)
}


def _columns(rows: Sequence[Any], kind: Any) -> list[str]:
    """Rows as an array for each column."""
    columns = zip(kind._fields, zip(*rows, strict=True), strict=True)
    plain = NUMBERS[kind]
    return [numbers(column) if name in plain else array_of(column) for name, column in columns]


def _execute(statement: str, values: Any) -> int:
    changed = jobs.run_at_once(statement, values)
    if changed is not None:
        return changed
    with jobs.server_cursor() as below, below or connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def _rows(statement: str, values: Any) -> list[Any]:
    with jobs.server_cursor() as below, below or connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
