"""Short jobs beside long ones: what of the comparison of jobs shows that nobody holds up a neighbour."""

import statistics
from datetime import datetime

from benchmarks import jobs_project
from benchmarks.jobs_turn import DEADLINE
from benchmarks.ledger import IS_DONE
from benchmarks.record import Samples
from tests.stacks import SERVERS

#: Processes of the worker; seconds that jobs are submitted, between two short ones, of a long one.
CONCURRENCY, SECONDS, EVERY, LONG, LONG_AT_ONCE = 4, 20.0, 0.02, 5.0, 2
#: Seconds of the same beforehand, without long ones: processes start, connections open.
WARM_UP = 2.0
SHORT = """
SELECT created_at, finished_at FROM jobs_job
WHERE task = 'tests.support.app.tasks.work_briefly' ORDER BY created_at
"""


def turn() -> Samples:
    with jobs_project.running(SERVERS) as one:
        one.start_worker(CONCURRENCY)
        one.stack.call(jobs_project.MIX, WARM_UP, EVERY, LONG, LONG_AT_ONCE)
        one.ledger.moment_of(IS_DONE, DEADLINE)
        warm = len(one.ledger.rows(SHORT))
        one.stack.call(jobs_project.MIX, SECONDS, EVERY, LONG, LONG_AT_ONCE)
        one.ledger.moment_of(IS_DONE, DEADLINE)
        taken = [milliseconds(*row) for row in one.ledger.rows(SHORT)[warm:]]
    return {"mixed_p95": [statistics.quantiles(taken, n=20, method="inclusive")[-1]]}


def milliseconds(submitted: datetime, finished: datetime) -> float:
    return 1e3 * (finished - submitted).total_seconds()
