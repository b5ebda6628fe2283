"""Runs on real workers, which are killed."""

import contextlib
import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.integration.workflows import inside
from tests.stacks import Running, Stack

#: Workers have to start, and to be started again, on a machine that is busy.
PATIENCE = 90.0
KILLS = 200
#: Batches of runs that are there at the same time.
AHEAD = 3
#: JOBS_LEASE_SECONDS.
LEASE = 30.0
STATES = "SELECT state, count(*) FROM workflows_run GROUP BY state"


def states(stack: Stack) -> dict[str, int]:
    return dict(stack.query(STATES))


def noted(stack: Stack, file: str = "steps") -> list[str]:
    path = Path(stack.env["DATA_DIR"], file)
    return path.read_text().splitlines() if path.exists() else []


def wait_until_over(stack: Stack, count: int) -> None:
    def are_over() -> bool:
        found = states(stack)
        if found.get("DEAD"):
            # The last processes were killed over it, which is noticed later.
            stack.call(inside.resume_dead_letters)
        return found == {"SUCCESS": count}

    stack.wait_for(are_over, PATIENCE, f"{count} runs have succeeded")


@pytest.mark.behaviour("D2")
def test_processes_that_are_killed_at_any_moment_lose_no_run_and_repeat_no_record(
    stack: Stack,
) -> None:
    stack.start("dispatcher")
    worker = stack.start("worker", "--concurrency", "4")
    kills, batches = 0, 0
    chance = random.Random(2)  # noqa: S311  # no secret
    while kills < KILLS:
        if states(stack).get("SUCCESS", 0) >= (batches - AHEAD) * inside.BATCH:
            stack.call(inside.start_batch, batches)
            batches += 1
        time.sleep(chance.uniform(0.0, 0.15))
        if busy := at_work(stack, worker):
            # One that was killed a moment ago may still be counted.
            with contextlib.suppress(ProcessLookupError):
                os.kill(chance.choice(busy), signal.SIGKILL)
                kills += 1
        if kills % 20 == 0:
            stack.call(inside.resume_dead_letters)
    stack.call(inside.resume_dead_letters)
    wait_until_over(stack, batches * inside.BATCH)
    recorded = stack.call(inside.recorded_results)
    done = [line.rsplit(" ", 1)[0] for line in noted(stack)]
    assert len(recorded) == batches * inside.BATCH * inside.STEPS
    assert set(recorded) == set(done)
    assert steps_that_began_after_a_later_one(done) == []
    assert len(done) > len(recorded), "some process died in the middle of a step"
    assert stack.call(inside.wrong_results) == []


def at_work(stack: Stack, worker: Running) -> list[int]:
    """The children that were the last to begin a step."""
    last = {int(line.rsplit(" ", 1)[1]) for line in noted(stack)[-AHEAD * inside.BATCH :]}
    return [child for child in worker.children() if child in last]


def steps_that_began_after_a_later_one(done: list[str]) -> list[str]:
    """Whose record was there, since the next step had begun: they were done again."""
    furthest: dict[str, int] = {}
    again = []
    for line in done:
        name, _, number = line.partition(":")
        if int(number) < furthest.get(name, 0):
            again.append(line)
        furthest[name] = max(int(number), furthest.get(name, 0))
    return again


@pytest.mark.behaviour("D6")
def test_the_runs_of_a_dead_worker_are_taken_over_by_another(stack: Stack) -> None:
    stack.start("dispatcher")
    first = stack.start("worker", "--concurrency", "1")
    run_id = stack.call(inside.start_holding, "one")
    stack.wait_for(lambda: "gate-one begins" in noted(stack, "notes"), PATIENCE, "the step begins")
    stack.start("worker", "--concurrency", "1")
    first.kill()
    killed = time.monotonic()
    stack.wait_for(
        lambda: noted(stack, "notes").count("gate-one begins") == 2, PATIENCE, "it begins again"
    )
    # A sweep, and the time that a job takes to come to the other worker.
    assert time.monotonic() - killed < LEASE + 10
    Path(stack.env["DATA_DIR"], "gate-one").touch()
    wait_until_over(stack, 1)
    lines = [line.split() for line in noted(stack)]
    assert [name for name, _ in lines] == ["one:0", "one:1"], "the first step is not done again"
    assert lines[0][1] != lines[1][1]
    ((epoch,),) = stack.query("SELECT epoch FROM workflows_run WHERE id = %s", [run_id])
    assert epoch == 2


@pytest.mark.behaviour("D9")
def test_a_step_that_waits_to_be_tried_again_holds_no_worker(stack: Stack) -> None:
    stack.start("dispatcher")
    stack.start("worker", "--concurrency", "1")
    stack.call(inside.start_failing_slowly, "hard")

    def waits_without_a_job() -> bool:
        rows = stack.query("SELECT count(*) FROM jobs_job WHERE state <> 'SUCCESS'")
        return states(stack) == {"WAITING": 1} and rows == [(0,)]

    stack.wait_for(waits_without_a_job, PATIENCE, "it waits an hour for its second try")
    assert noted(stack, "notes") == ["hard"]
    # The only worker process is free.
    stack.call(inside.start_trying, "easy", 1)
    stack.wait_for(
        lambda: states(stack) == {"WAITING": 1, "SUCCESS": 1}, PATIENCE, "another run ends"
    )


@pytest.mark.behaviour("D9")
def test_a_step_is_tried_again_after_its_pause(stack: Stack) -> None:
    stack.start("dispatcher")
    stack.start("worker", "--concurrency", "1")
    stack.call(inside.start_trying, "hard", 3)
    wait_until_over(stack, 1)
    assert noted(stack, "notes") == ["try hard"] * 3
    ((attempts,),) = stack.query("SELECT attempts FROM workflows_step")
    assert attempts == 3


@pytest.mark.behaviour("D14")
def test_runs_that_wait_are_rows_and_nothing_else(stack: Stack) -> None:
    stack.start("dispatcher")
    worker = stack.start("worker", "--concurrency", "1")
    stack.call(inside.start_sleeping, 500)
    stack.wait_for(lambda: states(stack) == {"WAITING": 500}, PATIENCE, "all of them wait")

    def is_quiet() -> bool:
        rows = stack.query("SELECT count(*) FROM jobs_job WHERE state <> 'SUCCESS'")
        return rows == [(0,)] and stack.call(inside.messages_waiting) == 0

    stack.wait_for(is_quiet, PATIENCE, "no job and no message is left")
    assert len(worker.children()) == 1
    assert stack.query("SELECT count(*) FROM workflows_wait") == [(500,)]


def test_steps_that_take_long_do_not_hold_up_each_other(stack: Stack) -> None:
    """The first time, too: forty at once, with a connection each."""
    stack.start("dispatcher")
    stack.start("worker", "--concurrency", "1")
    stack.call(inside.start_slow, 80, 0.5)
    wait_until_over(stack, 80)
    ((first, last),) = stack.query("SELECT min(started_at), max(finished_at) FROM workflows_run")
    assert inside.seconds_between(first, last) < 80 * 0.5 / 4
