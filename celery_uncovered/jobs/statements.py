"""The statements that move many jobs at once, for each of the two databases.

On PostgreSQL a batch is one statement and one round trip; on SQLite, where a statement costs a few
microseconds, it is one transaction with a statement for each job.

Rows are found by their ids. PostgreSQL would rather read the whole queue by its index of states, not
knowing how many are meant: what stands within CASE no index answers, and it expects half of all
rows to meet it.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from celery_uncovered.jobs.server_cursor import run_at_once, server_cursor

#: A row's queue is paused; within CASE, so that PostgreSQL asks it of the rows that are meant alone.
PAUSED = """EXISTS (
    SELECT 1 FROM jobs_pausedqueue AS paused
    WHERE paused.queue = job.queue AND paused.resumed_at IS NULL
)"""
CLAIM_MANY = f"""
UPDATE jobs_job AS job
SET state = 'STARTED', attempt = job.attempt + 1, lease_node = %s, lease_pid = %s, started_at = %s
FROM unnest(%s::text[], %s::int[]) AS wanted (id, attempt)
WHERE job.id = wanted.id AND job.attempt = wanted.attempt - 1
    AND CASE WHEN job.state = 'QUEUED' AND NOT job.cancel_requested
        AND (job.expires_at IS NULL OR job.expires_at > %s) AND NOT {PAUSED} THEN TRUE ELSE FALSE END
RETURNING job.id
"""  # noqa: S608  # the text is from above
CLAIM_ONE = f"""
UPDATE jobs_job AS job
SET state = 'STARTED', attempt = attempt + 1, lease_node = %s, lease_pid = %s, started_at = %s
WHERE id = %s AND attempt = %s - 1 AND state = 'QUEUED'
    AND NOT cancel_requested AND (expires_at IS NULL OR expires_at > %s) AND NOT {PAUSED}
"""  # noqa: S608  # the text is from above

UNCLAIM_MANY = """
UPDATE jobs_job AS job
SET state = 'QUEUED', attempt = job.attempt - 1, lease_node = NULL, lease_pid = NULL,
    started_at = NULL
FROM unnest(%s::text[], %s::int[]) AS held (id, attempt)
WHERE job.id = held.id AND job.attempt = held.attempt
    AND CASE WHEN job.state = 'STARTED' AND job.lease_node = %s AND job.lease_pid = %s
        THEN TRUE ELSE FALSE END
RETURNING job.id
"""
UNCLAIM_ONE = """
UPDATE jobs_job
SET state = 'QUEUED', attempt = attempt - 1, lease_node = NULL, lease_pid = NULL, started_at = NULL
WHERE id = %s AND attempt = %s AND state = 'STARTED' AND lease_node = %s AND lease_pid = %s
"""

NOTE_PUBLISHED_MANY = """
UPDATE jobs_job AS job
SET published_at = %s
FROM unnest(%s::text[], %s::int[]) AS taken (id, attempt)
WHERE job.id = taken.id AND job.attempt = taken.attempt - 1
    AND CASE WHEN job.state = 'QUEUED' THEN TRUE ELSE FALSE END
RETURNING job.id
"""
NOTE_PUBLISHED_ONE = """
UPDATE jobs_job SET published_at = %s WHERE id = %s AND attempt = %s - 1 AND state = 'QUEUED'
"""

ENDED_MANY = """
    SELECT * FROM unnest(
        %(id)s::text[], %(attempt)s::int[], %(finished_at)s::timestamptz[], %(result)s::text[],
        %(task_args)s::text[], %(task_kwargs)s::text[], %(periodic)s::text[], %(meta)s::text[]
    )
"""
ENDED_ONE = """
    SELECT %(id)s::text, %(attempt)s::int, %(finished_at)s::timestamptz, %(result)s::text,
        %(task_args)s::text, %(task_kwargs)s::text, %(periodic)s::text, %(meta)s::text
"""
FINISH = """
WITH ended (id, attempt, finished_at, result, task_args, task_kwargs, periodic, meta) AS ({ended}
), done AS (
    UPDATE jobs_job AS job
    SET state = 'SUCCESS', result = ended.result, finished_at = ended.finished_at, error = '',
        error_type = '', traceback = '', lease_node = NULL, lease_pid = NULL
    FROM ended
    WHERE job.id = ended.id AND job.attempt = ended.attempt
        AND CASE WHEN job.state = 'STARTED' AND job.lease_node IS NOT NULL THEN TRUE ELSE FALSE END
    RETURNING job.id, job.attempt, job.task, job.started_at
), recorded AS (
    INSERT INTO jobs_attempt (
        job_id, number, task, outcome, started_at, ended_at, node, host, pid, error, traceback
    )
    SELECT done.id, done.attempt, done.task, 'SUCCESS', done.started_at, ended.finished_at,
        %(node)s::text, %(host)s::text, %(pid)s::int, '', ''
    FROM done JOIN ended USING (id)
), copied AS (
    INSERT INTO django_celery_results_taskresult (
        task_id, status, content_type, content_encoding, result, date_created, date_done, meta,
        task_name, task_args, task_kwargs, worker, periodic_task_name
    )
    SELECT done.id, 'SUCCESS', 'application/json', 'utf-8', ended.result, ended.finished_at,
        ended.finished_at, ended.meta, done.task, ended.task_args, ended.task_kwargs, %(worker)s::text,
        ended.periodic
    FROM done JOIN ended USING (id)
    WHERE ended.meta IS NOT NULL
    ON CONFLICT (task_id) DO UPDATE
    SET status = excluded.status, content_type = excluded.content_type,
        content_encoding = excluded.content_encoding, result = excluded.result,
        date_done = excluded.date_done, meta = excluded.meta, traceback = NULL,
        task_name = excluded.task_name, task_args = excluded.task_args,
        task_kwargs = excluded.task_kwargs, worker = excluded.worker,
        periodic_task_name = excluded.periodic_task_name
)
SELECT id FROM done
"""
FINISH_MANY = FINISH.format(ended=ENDED_MANY)
#: PostgreSQL plans it once: of the statement for many it hopes to find a better plan each time.
FINISH_ALONE = FINISH.format(ended=ENDED_ONE)
#: The same for SQLite, one after the other.
FINISH_ONE = """
UPDATE jobs_job
SET state = 'SUCCESS', result = %(result)s, finished_at = %(finished_at)s, error = '',
    error_type = '', traceback = '', lease_node = NULL, lease_pid = NULL
WHERE id = %(id)s AND attempt = %(attempt)s AND state = 'STARTED' AND lease_node IS NOT NULL
"""
RECORD_ONE = """
INSERT INTO jobs_attempt (
    job_id, number, task, outcome, started_at, ended_at, node, host, pid, error, traceback
)
SELECT id, attempt, task, 'SUCCESS', started_at, finished_at, %(node)s, %(host)s, %(pid)s, '', ''
FROM jobs_job WHERE id = %(id)s
"""
COPY_ONE = """
INSERT INTO django_celery_results_taskresult (
    task_id, status, content_type, content_encoding, result, date_created, date_done, meta,
    task_name, task_args, task_kwargs, worker, periodic_task_name
)
SELECT id, 'SUCCESS', 'application/json', 'utf-8', result, finished_at, finished_at, %(meta)s,
    task, %(task_args)s, %(task_kwargs)s, %(worker)s, %(periodic)s
FROM jobs_job WHERE id = %(id)s
ON CONFLICT (task_id) DO UPDATE
SET status = excluded.status, content_type = excluded.content_type,
    content_encoding = excluded.content_encoding, result = excluded.result,
    date_done = excluded.date_done, meta = excluded.meta, traceback = NULL,
    task_name = excluded.task_name, task_args = excluded.task_args,
    task_kwargs = excluded.task_kwargs, worker = excluded.worker,
    periodic_task_name = excluded.periodic_task_name
"""


def claim_many(
    wanted: Sequence[tuple[str, int]], *, node: str, pid: int, now: datetime
) -> list[str]:
    """Claim the jobs that are free for the attempts named beside them; the ids of those that were."""
    if len(wanted) == 1:
        ((id_, number),) = wanted
        if (claimed := run_at_once(CLAIM_ONE, [node, pid, now, id_, number, now])) is not None:
            return [id_] * claimed
    if connection.vendor == "postgresql":
        ids, attempts = zip(*wanted, strict=True)
        return _ids(CLAIM_MANY, [node, pid, now, list(ids), list(attempts), now])
    at = connection.ops.adapt_datetimefield_value(now)
    return _each(CLAIM_ONE, [(id_, [node, pid, at, id_, number, at]) for id_, number in wanted])


def unclaim_many(held: Sequence[tuple[str, int]], *, node: str, pid: int) -> list[str]:
    """Give back jobs that were claimed and never begun: they are as if nobody had claimed them."""
    if connection.vendor == "postgresql":
        ids, attempts = zip(*held, strict=True)
        return _ids(UNCLAIM_MANY, [list(ids), list(attempts), node, pid])
    return _each(UNCLAIM_ONE, [(id_, [id_, number, node, pid]) for id_, number in held])


def note_published(taken: Sequence[tuple[str, int]], *, now: datetime) -> list[str]:
    """Note that the broker has these messages, where their jobs still wait for just them."""
    if connection.vendor == "postgresql":
        ids, attempts = zip(*taken, strict=True)
        return _ids(NOTE_PUBLISHED_MANY, [now, list(ids), list(attempts)])
    at = connection.ops.adapt_datetimefield_value(now)
    return _each(NOTE_PUBLISHED_ONE, [(id_, [at, id_, number]) for id_, number in taken])


def finish_many(rows: Sequence[dict[str, Any]], common: dict[str, Any]) -> list[str]:
    """Record successes with their attempts and copies; the ids of those that count."""
    if len(rows) == 1:
        (row,) = rows
        if (finished := run_at_once(FINISH_ALONE, row | common)) is not None:
            return [row["id"]] * finished
    if connection.vendor == "postgresql":
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        return _ids(FINISH_MANY, columns | common)
    done = []
    with transaction.atomic(), connection.cursor() as cursor:
        for given in rows:
            moment = connection.ops.adapt_datetimefield_value(given["finished_at"])
            row = given | {"finished_at": moment}
            cursor.execute(FINISH_ONE, row)
            if cursor.rowcount:
                done.append(str(row["id"]))
                cursor.execute(RECORD_ONE, row | common)
                if row["meta"] is not None:
                    cursor.execute(COPY_ONE, row | common)
    return done


def _ids(statement: str, parameters: Any) -> list[str]:
    """The ids that a statement returns on PostgreSQL."""
    with server_cursor() as below, below or connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [id_ for (id_,) in cursor.fetchall()]


def _each(statement: str, rows: Sequence[tuple[str, list[Any]]]) -> list[str]:
    changed = []
    with _one_transaction(len(rows)), connection.cursor() as cursor:
        for id_, parameters in rows:
            cursor.execute(statement, parameters)
            if cursor.rowcount:
                changed.append(id_)
    return changed


def _one_transaction(statements: int) -> AbstractContextManager[Any]:
    return nullcontext() if statements == 1 else transaction.atomic()
