"""The project's turn in the comparison of jobs."""

import contextlib
import time
from collections.abc import Iterator

from benchmarks import jobs_turn
from benchmarks.jobs_turn import DEADLINE, ONE_BY_ONE, SINGLES, WARM_UPS, Meter
from benchmarks.ledger import HAS_BEGUN, IS_DONE, IS_SENT, SUCCEEDED, Ledger
from benchmarks.record import Samples
from benchmarks.report_project import new_folder
from tests.stacks import EMBEDDED, SERVERS, Stack

#: Of a full queue.
JOBS = {SERVERS: 20_000, EMBEDDED: 5_000}
#: Functions of the client process.
MANY, SINGLE = "benchmarks.submit_client:many", "benchmarks.submit_client:one_by_one"
IDLE, MIX = "benchmarks.jobs_client:idle", "benchmarks.jobs_client:mix"


class Running:
    """A stack with its dispatcher and a client."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.ledger = Ledger(stack)
        self.submitted = 0
        stack.start("dispatcher", wait=False)

    def submit(self, function: str, count: int) -> float:
        """The seconds that the client took."""
        self.submitted += count
        return float(self.stack.call(function, count, timeout=DEADLINE))

    def start_worker(self, concurrency: int = 2) -> int:
        """The id of its main process."""
        options = ["--loglevel", "WARNING", "-Q", "default", "--concurrency", str(concurrency)]
        return self.stack.start("worker", *options, wait=False).pid

    def wait_until_done(self) -> float:
        """The moment at which all were seen to have succeeded."""
        moment = self.ledger.moment_of(IS_DONE, DEADLINE)
        if self.ledger.ask(SUCCEEDED) != self.submitted:
            raise RuntimeError(self.stack.logs())
        return moment


@contextlib.contextmanager
def running(name: str) -> Iterator[Running]:
    stack = Stack(name, new_folder(name))
    stack.env |= {"LOG_LEVEL": "WARNING"}
    try:
        yield Running(stack)
    except Exception as error:
        error.add_note(stack.logs())
        raise
    finally:
        stack.close()


def turn(name: str, samples: int) -> Samples:
    with running(name) as one:
        one.submit(SINGLE, WARM_UPS)
        taken = {"submitted": [ONE_BY_ONE / one.submit(SINGLE, ONE_BY_ONE)]}
        one.submit(MANY, JOBS[name] - one.submitted)
        return taken | drained(one) | worked(one, samples)


def drained(one: Running) -> Samples:
    """Of a full queue, by a worker that starts now; the embedded broker holds the first 1,000."""
    if one.stack.name == SERVERS:
        one.ledger.moment_of(IS_SENT, DEADLINE)
    worker = one.start_worker()
    began = one.ledger.moment_of(HAS_BEGUN, DEADLINE, pause=0.002)
    meter, early = Meter.started(worker), one.ledger.ask(SUCCEEDED)
    seconds = one.wait_until_done() - began
    return {"drained": [one.submitted / seconds]} | meter.samples(one.submitted - early)


def worked(one: Running, samples: int) -> Samples:
    """With the worker up and warm."""
    jobs, seconds = JOBS[one.stack.name], []
    for _ in range(samples):
        began = time.monotonic()
        one.submit(MANY, jobs)
        seconds.append(one.wait_until_done() - began)
    idle = one.stack.call(IDLE, SINGLES, timeout=DEADLINE)
    return jobs_turn.end_to_end(jobs, seconds) | jobs_turn.idle(idle)
