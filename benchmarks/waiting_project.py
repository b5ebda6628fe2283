"""The project's turn in the comparison of waits: many runs are parked, some of them due at once."""

import time
from datetime import UTC, datetime, timedelta

from benchmarks import jobs_project, processes
from benchmarks.jobs_project import Running
from benchmarks.jobs_turn import DEADLINE
from benchmarks.ledger import IS_DONE
from benchmarks.record import Samples
from benchmarks.steps_project import IS_OVER, WARM_UP, client, moment, run
from tests.stacks import SERVERS

DUE = 10_000
#: Seconds that a parked run would sleep; between the time that becomes due and its being so.
NAP, AHEAD = 86_400.0, 3.0
ARE_PARKED = """
SELECT NOT EXISTS (SELECT 1 FROM workflows_run WHERE state = 'READY')
    AND NOT EXISTS (SELECT 1 FROM workflows_run WHERE state = 'RUNNING')
"""
NONE_IS_DUE = "NOT EXISTS (SELECT 1 FROM workflows_wait WHERE NOT fired AND due_at <= "
WAITING = "SELECT count(*) AS looked FROM workflows_run WHERE state = 'WAITING'"
BRING_FORWARD = """
UPDATE workflows_wait SET due_at = %s
WHERE id IN (SELECT id FROM workflows_wait WHERE NOT fired ORDER BY id LIMIT %s)
"""
LAST_AWAKE = """
SELECT max(ended_at), count(*) FROM workflows_step WHERE kind = 'time' AND ended_at >= %s
"""
#: Threads, processes and megabytes.
Held = tuple[float, float, float]


def turn(name: str, runs: int) -> Samples:
    with jobs_project.running(name) as one:
        worker = one.start_worker()
        run(one, *WARM_UP)
        nap(one)
        roots = [worker, one.stack.processes[0].pid]
        before = held(roots)
        parking = park(one, runs)
        after = held(roots)
        one.ledger.moment_of(IS_DONE, DEADLINE)
        if one.ledger.ask(WAITING) != runs:
            raise RuntimeError(one.stack.logs())
        seconds = wake(one)
    return samples(runs, parking, before, after, DUE, seconds)


def samples(
    runs: int, parking: float, before: Held, after: Held, due: int, seconds: float
) -> Samples:
    return {
        "each": [1e6 * seconds / due],
        "rate": [due / seconds],
        "due": [float(due)],
        "wake": [seconds],
        "parked": [float(runs)],
        "parking": [runs / parking],
        "threads": [after[0]],
        "more_threads": [after[0] - before[0]],
        "processes": [after[1]],
        "memory": [after[2]],
        "more_memory": [after[2] - before[2]],
    }


def nap(one: Running) -> None:
    """Let the dispatcher wake runs once, so that it has what it needs for that."""
    one.stack.call(client("start_sleeping"), WARM_UP[0], time.time() + 1)
    one.ledger.moment_of(IS_OVER, DEADLINE)


def park(one: Running, runs: int) -> float:
    """Seconds from before the first is started until all wait."""
    began = time.monotonic()
    one.stack.call(client("start_sleeping"), runs, time.time() + NAP, timeout=DEADLINE)
    return one.ledger.moment_of(ARE_PARKED, DEADLINE) - began


def held(roots: list[int]) -> Held:
    """Threads, processes and megabytes of the worker and the dispatcher."""
    pids = [pid for root in roots for pid in processes.tree(root)]
    threads = sum(map(processes.threads, pids))
    return float(threads), float(len(pids)), processes.megabytes(pids)


def wake(one: Running) -> float:
    """Seconds from the moment at which DUE of them are due until the last has recorded its waking."""
    due = datetime.now(UTC) + timedelta(seconds=AHEAD)
    text = f"{due:%Y-%m-%d %H:%M:%S.%f}" + ("+00" if one.stack.name == SERVERS else "")
    one.stack.query(BRING_FORWARD, [text, DUE])
    time.sleep(max(0.0, due.timestamp() - time.time()))
    one.ledger.moment_of(f"{ARE_PARKED} AND {NONE_IS_DUE} '{text}')", DEADLINE)
    ((last, count),) = one.stack.query(LAST_AWAKE, [text])
    if count != DUE:
        raise RuntimeError(one.stack.logs())
    return moment(last) - due.timestamp()
