"""A chord's callback runs once, whatever happens to its parts and to the workers that run them."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.integration.jobs import broker, chords
from tests.integration.jobs.ledger import Ledger
from tests.stacks import Stack
from tests.support.app import tasks
from tests.support.outages import sqlite_locked

MANY = 1000
BLOCKED = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
#: The insert of the callback takes its time, so that a test can act in the middle of it.
SLOW_INSERT = """
CREATE FUNCTION wait_a_while() RETURNS trigger AS
'BEGIN IF NEW.id = ''callback'' THEN PERFORM pg_sleep(60); END IF; RETURN NEW; END' LANGUAGE plpgsql;
CREATE TRIGGER slow BEFORE INSERT ON jobs_job FOR EACH ROW EXECUTE FUNCTION wait_a_while()
"""
INSERTING = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
)
END_INSERT = "SELECT pg_terminate_backend(%s)"


@pytest.mark.behaviour("J18")
def test_a_part_counts_once_when_it_is_delivered_twice_or_retried(
    stack: Stack, ledger: Ledger
) -> None:
    header = [part(tasks.add, 1, 1), part(tasks.hold, "gate"), part(tasks.retry_once, 0.1)]
    ids = stack.call(chords.submit, header, "fired")
    assert ledger.messages() == 3
    messages = stack.call(broker.take_messages, "default")
    stack.call(broker.put_messages, [message for message in messages for _ in range(3)])
    stack.start("worker")
    stack.start("dispatcher")
    for task_id in (ids["parts"][0], ids["parts"][2]):
        assert ledger.wait_until_final(task_id).state == "SUCCESS"
    ledger.drain()
    assert ledger.job(ids["callback"]) is None

    ledger.open("gate-1")
    assert_fired_once(ledger, ids, [2, "attempt 1", "attempt 2"])
    stack.call(broker.put_messages, messages)
    ledger.drain()
    assert_fired_once(ledger, ids, [2, "attempt 1", "attempt 2"])
    assert [attempt.outcome for attempt in ledger.attempts(ids["parts"][2])] == ["RETRY", "SUCCESS"]


@pytest.mark.behaviour("J18")
def test_the_callback_runs_once_when_the_worker_dies_right_after_the_last_part(
    stack: Stack, ledger: Ledger
) -> None:
    """Killed at the moment at which others can see the callback's row."""
    header = [part(tasks.add, 1, 1), part(tasks.kill_worker_once_known, "callback")]
    ids = stack.call(chords.submit, header, "fired", body_id="callback")
    worker = stack.start("worker", wait=False)
    stack.wait_for(lambda: not worker.is_running, 60, "the worker has killed itself")
    assert outcomes(ledger, ids["parts"]) == [["SUCCESS"], ["SUCCESS"]]
    assert ledger.notes() == []

    stack.start("worker")
    stack.start("dispatcher")
    assert_fired_once(ledger, ids, [2, "last"])
    assert outcomes(ledger, ids["parts"]) == [["SUCCESS"], ["SUCCESS"]]


@pytest.mark.behaviour("J18")
def test_a_worker_that_dies_while_it_submits_the_callback_has_not_ended_the_last_part(
    servers_stack: Stack,
) -> None:
    """Or nobody would ever submit it again."""
    stack, ledger = servers_stack, Ledger(servers_stack)
    stack.query(SLOW_INSERT)
    header = [part(tasks.add, 1, 1), part(tasks.hold, "gate")]
    ids = stack.call(chords.submit, header, "fired", body_id="callback")
    worker = stack.start("worker")
    ledger.wait_for_note("gate-1 begins")
    ledger.wait_until_final(ids["parts"][0])
    ledger.open("gate-1")
    inserting = stack.wait_for(lambda: stack.query(INSERTING), 30, "the callback is being inserted")
    assert ledger.attempts(ids["parts"][1])[0].outcome == "STARTED"
    worker.kill()
    # The server's process would sleep on, and then find that nobody listens.
    stack.query(END_INSERT, [inserting[0][0]])
    stack.query("DROP TRIGGER slow ON jobs_job")

    stack.start("worker")
    stack.start("dispatcher")
    ledger.wait_for_note("gate-2 begins")
    ledger.open("gate-2")
    assert_fired_once(ledger, ids, [2, "attempt 2"])
    assert outcomes(ledger, ids["parts"]) == [["SUCCESS"], ["LOST", "SUCCESS"]]


@pytest.mark.behaviour("J18")
def test_the_callback_runs_once_when_the_last_two_parts_commit_at_the_same_moment(
    stack: Stack, ledger: Ledger
) -> None:
    """Two workers' transactions, held by a lock that the test has and lets go of."""
    header = [part(tasks.hold, "one"), part(tasks.hold, "two")]
    ids = stack.call(chords.submit, header, "fired")
    for _ in range(2):
        stack.start("worker", "--concurrency", "1")
    for gate in ("one", "two"):
        ledger.wait_for_note(f"{gate}-1 begins")
    with held_up(stack):
        for gate in ("one", "two"):
            ledger.open(f"{gate}-1")
            ledger.wait_for_note(f"{gate}-1 ends")
        if stack.postgres:
            stack.wait_for(lambda: stack.query(BLOCKED) == [(2,)], 20, "two transactions are held")
        assert ledger.job(ids["callback"]) is None
    assert_fired_once(ledger, ids, ["attempt 1", "attempt 1"])


@pytest.mark.behaviour("J18")
def test_a_chord_of_a_thousand_parts_fires_once_with_every_result_in_order(
    stack: Stack, ledger: Ledger
) -> None:
    header = [part(tasks.add, number, 0) for number in range(MANY)]
    ids = stack.call(chords.submit, header, "fired")
    for _ in range(2):
        stack.start("worker")
    ledger.wait_until_final(ids["callback"], timeout=120)
    assert_fired_once(ledger, ids, list(range(MANY)))
    assert ledger.count() == MANY + 2


@pytest.mark.behaviour("J18")
def test_a_part_costs_no_more_in_a_large_chord_than_in_a_small_one(stack: Stack) -> None:
    """So a chord takes time in proportion to its parts; the benchmark measures it."""
    small, large = (stack.call(chords.cost_of_parts, size) for size in (20, 400))
    assert (small["large"], large["large"]) == (False, False)
    assert (large["statements"], large["last"]) == (small["statements"], small["last"])
    assert large["characters"] <= 1.05 * small["characters"]


def part(task: Any, *args: Any) -> list[Any]:
    return [task.name, *args]


def outcomes(ledger: Ledger, ids: list[str]) -> list[list[str]]:
    return [[attempt.outcome for attempt in ledger.attempts(task_id)] for task_id in ids]


def assert_fired_once(ledger: Ledger, ids: dict[str, Any], results: list[Any]) -> None:
    callback = ledger.wait_until_final(ids["callback"])
    assert callback.state == "SUCCESS"
    assert json.loads(callback.result or "") == results
    ledger.drain()
    assert ledger.notes().count("fired") == 1
    assert outcomes(ledger, [ids["callback"]]) == [["SUCCESS"]]


@contextlib.contextmanager
def held_up(stack: Stack) -> Iterator[None]:
    """Nobody gets to count a part: the chord's row is locked, or all of SQLite."""
    if stack.postgres is None:
        with sqlite_locked(stack):
            yield
        return
    with psycopg.connect(stack.env["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT 1 FROM jobs_chord FOR UPDATE").fetchall() == [(1,)]
        yield
