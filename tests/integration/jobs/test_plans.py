"""How PostgreSQL finds the rows of a batch: by their ids, however many other jobs wait."""

from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from celery_uncovered.jobs import statements
from tests.integration.jobs import helpers
from tests.stacks import Stack

WAITING, BATCH = 12_000, 50
NOW = datetime(2026, 11, 1, tzinfo=UTC)


def claim(ids: list[str]) -> list[Any]:
    return ["node", 1, NOW, ids, [1] * len(ids), NOW]


def unclaim(ids: list[str]) -> list[Any]:
    return [ids, [1] * len(ids), "node", 1]


def finish(ids: list[str]) -> dict[str, Any]:
    texts = dict.fromkeys(
        ("result", "task_args", "task_kwargs", "periodic", "meta"), ["1"] * len(ids)
    )
    common = {"node": "node", "host": "host", "pid": 1, "worker": "worker"}
    numbers = {"attempt": [1] * len(ids), "finished_at": [NOW] * len(ids)}
    return {"id": ids, **numbers, **texts, **common}


@pytest.mark.parametrize("is_analyzed", [False, True])
def test_the_rows_of_a_batch_are_found_by_their_ids(
    servers_stack: Stack, *, is_analyzed: bool
) -> None:
    """By the index of a state, each batch would read the whole queue, and what has left it."""
    ids = servers_stack.call(helpers.submit_many, WAITING)[:BATCH]
    if is_analyzed:
        servers_stack.query("ANALYZE jobs_job")
    with psycopg.connect(servers_stack.env["DATABASE_URL"]) as connection:
        for statement, values in (
            (statements.CLAIM_MANY, claim(ids)),
            (statements.UNCLAIM_MANY, unclaim(ids)),
            (statements.FINISH_MANY, finish(ids)),
        ):
            rows = connection.execute(f"EXPLAIN {statement}".encode(), values).fetchall()
            plan = "\n".join(line for (line,) in rows)
            assert "jobs_job_pkey" in plan, plan
            assert not {"job_queued", "job_leased", "job_state_created"} & {*plan.split()}, plan
            assert "Seq Scan on jobs_job" not in plan, plan
